//! Operators on 8-bit values: exact sums in `i32`, then one rounding.
//!
//! Requantizing is `i32 → f32 · (scales) → round half to even → + zero point → saturate`; the scales
//! of the operands are multiplied first, then divided by the result's. Operators without an exact
//! form in whole numbers are the float operator between `(x - zero point) · scale` and its inverse.

use assay_referee::{BinaryFn, DType, OpKind, UnaryFn, MAX_RANK};

use super::{contrib::standard_one, integer, one, quantize, window, Cx};
use crate::{
	dims::{axis, product},
	error::{ErrorKind, Failure, Result},
	ir::{Quantized, Value},
};

pub(super) fn lower_standard(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"MatMulInteger" => matmul_integer(cx),
		"ConvInteger" => conv_integer(cx),
		"QLinearMatMul" => matmul(cx),
		"QLinearConv" => conv(cx),
		_ => return None,
	})
}

/// Operators of `com.microsoft`.
pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"QLinearAdd" => add(cx),
		"QLinearMul" => mul(cx),
		"QLinearSigmoid" => around(cx, "Sigmoid"),
		"QLinearLeakyRelu" => around(cx, "LeakyRelu"),
		"QLinearAveragePool" => around(cx, "AveragePool"),
		"QLinearSoftmax" => around(cx, "Softmax"),
		"QLinearGlobalAveragePool" => global_average_pool(cx),
		"QLinearConcat" => concat(cx),
		"QGemm" => gemm(cx),
		"DynamicQuantizeMatMul" => dynamic_matmul(cx),
		"MatMulIntegerToFloat" => matmul_to_float(cx),
		_ => return None,
	})
}

/// A scale or zero point of one element, or of the shape it broadcasts in.
fn single(value: Value) -> Result<Value> {
	match value.elements() {
		1 => value.view(vec![]),
		_ => Ok(value),
	}
}

/// An 8-bit operand.
fn bytes(cx: &Cx<'_, '_>, i: usize) -> Result<Value> {
	let value = cx.input(i)?;
	match value.dtype {
		DType::U8 | DType::I8 => Ok(value),
		other => Err(Failure::new(
			ErrorKind::UnsupportedType,
			format!("it is supported for int8 and uint8, its input {i} is {other:?}"),
		)),
	}
}

/// Factors of the result's rounding: the product of the operands' scales over the result's.
fn factor(cx: &mut Cx<'_, '_>, scales: [&Value; 2], result: &Value) -> Result<Value> {
	let product = cx.b.binary(BinaryFn::Mul, scales[0], scales[1])?;
	cx.b.binary(BinaryFn::Div, &product, result)
}

/// round(x · factor) + zero point, saturated to `dtype`.
fn requantize(
	cx: &mut Cx<'_, '_>,
	sums: &Value,
	factor: &Value,
	zero: Option<&Value>,
	dtype: DType,
) -> Result<Value> {
	let y = cx.b.cast(sums, DType::F32)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, factor)?;
	requantized(cx, &y, zero, dtype)
}

/// round(x) + zero point, saturated to `dtype`.
fn requantized(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	zero: Option<&Value>,
	dtype: DType,
) -> Result<Value> {
	let mut y = cx.b.unary(UnaryFn::Round, x)?;
	if let Some(zero) = zero.filter(|zero| zero.uniform_bits() != Some(0)) {
		let zero = cx.b.cast(zero, DType::F32)?;
		y = cx.b.binary(BinaryFn::Add, &y, &zero)?;
	}
	cx.b.cast(&y, dtype)
}

/// x - zero point, in `i32`.
fn difference(cx: &mut Cx<'_, '_>, x: &Value, zero: Option<Value>) -> Result<Value> {
	let x = cx.b.cast(x, DType::I32)?;
	match zero.filter(|zero| zero.uniform_bits() != Some(0)) {
		None => Ok(x),
		Some(zero) => {
			let zero = cx.b.cast(&single(zero)?, DType::I32)?;
			cx.b.binary(BinaryFn::Sub, &x, &zero)
		},
	}
}

/// (x - zero point) · scale.
fn dequantized(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	zero: Option<Value>,
) -> Result<Value> {
	let mut y = cx.b.cast(x, DType::F32)?;
	if let Some(zero) = zero.filter(|zero| zero.uniform_bits() != Some(0)) {
		// A difference of 8-bit numbers is exact.
		let zero = cx.b.cast(&single(zero)?, DType::F32)?;
		y = cx.b.binary(BinaryFn::Sub, &y, &zero)?;
	}
	match scale.uniform_f32() {
		// A product with 1 changes nothing.
		Some(1.0) => Ok(y),
		_ => cx.b.binary(BinaryFn::Mul, &y, &single(scale.clone())?),
	}
}

/// round(x / scale) + zero point, saturated to the zero point's type, or to `dtype` without one.
fn quantized(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	zero: Option<Value>,
	dtype: DType,
) -> Result<Value> {
	let y = cx.b.binary(BinaryFn::Div, x, &single(scale.clone())?)?;
	let zero = zero.map(single).transpose()?;
	let dtype = zero.as_ref().map_or(dtype, |zero| zero.dtype);
	requantized(cx, &y, zero.as_ref(), dtype)
}

fn matmul_integer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 1)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(3));
	integer::matmul(cx, &a, &b, a_zero, b_zero)
}

/// A parameter of the rows of a product: `[m]` becomes a column.
fn column(value: Value) -> Result<Value> {
	match *value.dims.as_slice() {
		[rows] if rows > 1 => value.view(vec![rows, 1]),
		_ => single(value),
	}
}

fn matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (a_scale, b_scale) = (column(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let (y_scale, y_zero) = (column(cx.float_input(6)?)?, column(cx.input(7)?)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(5));
	let sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	let factor = factor(cx, [&a_scale, &b_scale], &y_scale)?;
	requantize(cx, &sums, &factor, Some(&y_zero), y_zero.dtype)
}

/// The image as it is unfolded: with its padding around it where the padding's value, the zero
/// point, is known at run time only.
fn padded(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	zero: &Value,
	plane: &mut [window::Axis; 2],
) -> Result<Value> {
	let (inner, before) = (plane.map(|axis| axis.size), plane.map(|axis| axis.before));
	let (n, c) = (x.dims[0], x.dims[1]);
	let outer = plane.map(|axis| axis.size.saturating_add(axis.before).saturating_add(axis.after));
	let mut skip = [0; MAX_RANK];
	skip[2..4].copy_from_slice(&before);
	let image = x.view(vec![n, c, inner[0], inner[1]])?;
	let kind = OpKind::Pad { before: skip, fill: 0 };
	let image = cx.b.push(kind, x.dtype, vec![n, c, outer[0], outer[1]], vec![image])?;
	cx.b.spend(u64::from(outer[0]) * u64::from(outer[1]))?;
	let holds = |at: u32, d: usize| (before[d]..before[d] + inner[d]).contains(&at);
	let row = |y: u32| (0..outer[1]).map(move |x| u8::from(holds(y, 0) && holds(x, 1)));
	let mask = (0..outer[0]).flat_map(row).collect();
	let mask = Value::constant(DType::Bool, vec![1, 1, outer[0], outer[1]], mask);
	for (axis, size) in plane.iter_mut().zip(outer) {
		(axis.size, axis.before, axis.after) = (size, 0, 0);
	}
	cx.b.select(&mask, &image, &single(zero.clone())?)
}

/// Exact sums of a convolution: `[n, filters, ..]`. The padding takes part as the zero point.
fn convolved(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: Option<Value>,
	w_zero: Option<Value>,
) -> Result<Value> {
	let (kernel, groups) = window::conv_form(cx, x, weight)?;
	let windows = window::Windows::new(cx, &x.dims[2..], &kernel)?;
	let (filters, terms) = (weight.dims[0], product(&weight.dims[1..]));
	let x_zero = x_zero.unwrap_or_else(|| Value::scalar(x.dtype, 0));
	if x_zero.elements() != 1 || x_zero.dtype != x.dtype {
		return Err(Failure::invalid("its zero point is not one element of its input's type"));
	}
	let sums = if filters / groups < FEW_FILTERS && terms <= MOST_FLOAT_TERMS {
		sums_of_floats(cx, [x, weight], &x_zero, w_zero, groups, &windows)?
	} else {
		sums_of_bytes(cx, [x, weight], x_zero, w_zero, groups, &windows)?
	};
	windows.restored(cx, &sums, x, filters)
}

/// Filters of a group below which a convolution of floats is faster than one of 8-bit numbers.
const FEW_FILTERS: u32 = 8;

/// Terms, each of at most 255² in magnitude, whose sums floats hold exactly, in whatever order.
const MOST_FLOAT_TERMS: u64 = (1 << 24) / (255 * 255);

/// The sums of [`convolved`], `[n, groups, filters of a group, places]`, in whole numbers all along.
fn sums_of_bytes(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: Value,
	w_zero: Option<Value>,
	groups: u32,
	windows: &window::Windows,
) -> Result<Value> {
	let has_padding = windows.0.iter().any(|axis| axis.before != 0 || axis.after != 0);
	let fill = x_zero.uniform_bits().unwrap_or(0);
	let patches = if has_padding && !x_zero.is_constant() {
		let mut plane = windows.plane()?;
		let image = padded(cx, x, &x_zero, &mut plane)?;
		window::unfold(cx, &image, [x.dims[0], x.dims[1]], &plane, groups, fill)?
	} else {
		windows.patches(cx, x, groups, fill)?
	};
	let &[n, _, places, terms] = patches.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let rows = weight.dims[0] / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let b = patches.view(vec![n * groups, places, terms])?;
	let w_zero = match w_zero {
		Some(zero) if zero.elements() > 1 => Some(zero.view(vec![groups, rows, 1])?),
		other => other,
	};
	let sums = integer::rows_by_rows(cx, &a, &b, w_zero, Some(x_zero))?;
	sums.view(vec![n, groups, rows, places])
}

/// The sums of [`convolved`] by a convolution of the differences to the zero points as floats.
fn sums_of_floats(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: &Value,
	w_zero: Option<Value>,
	groups: u32,
	windows: &window::Windows,
) -> Result<Value> {
	let one = Value::scalar_f32(1.0);
	let image = dequantized(cx, x, &one, Some(x_zero.clone()))?;
	let w_zero = match w_zero {
		Some(zero) => Some(per_filter(zero, weight.rank() + 1)?),
		None => None,
	};
	let filters = dequantized(cx, weight, &one, w_zero)?;
	let sums = window::convolved(cx, [&image, &filters], None, groups, windows)?;
	cx.b.cast(&sums, DType::I32)
}

fn conv_integer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, weight) = (bytes(cx, 0)?, bytes(cx, 1)?);
	let (x_zero, w_zero) = (cx.optional(2), cx.optional(3));
	convolved(cx, [&x, &weight], x_zero, w_zero)
}

/// A parameter per filter as it broadcasts over `[n, filters, ..]`, of so many dimensions.
pub(super) fn per_filter(value: Value, rank: usize) -> Result<Value> {
	if value.elements() == 1 {
		return value.view(vec![]);
	}
	let mut dims = value.dims.clone();
	dims.resize(rank - 1, 1);
	value.view(dims)
}

fn conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	if cx.flag("channels_last") {
		return Err(Failure::unsupported("channels_last=1 is not supported"));
	}
	let (x, weight) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (x_zero, w_zero, bias) = (cx.optional(2), cx.optional(5), cx.optional(8));
	let (y_scale, y_zero) = (single(cx.float_input(6)?)?, single(cx.input(7)?)?);
	let (x_scale, w_scale) = (single(cx.float_input(1)?)?, cx.float_input(4)?);
	let w_scale = per_filter(w_scale, x.rank())?;
	let mut sums = convolved(cx, [&x, &weight], x_zero, w_zero)?;
	if let Some(bias) = bias {
		if bias.dtype != DType::I32 || bias.dims != [weight.dims[0]] {
			return Err(Failure::invalid("its bias does not fit its weights"));
		}
		sums = cx.b.binary(BinaryFn::Add, &sums, &per_filter(bias, x.rank())?)?;
	}
	let factor = factor(cx, [&x_scale, &w_scale], &y_scale)?;
	requantize(cx, &sums, &factor, Some(&y_zero), y_zero.dtype)
}

/// A zero point as a float, 0 where there is none.
fn float_zero(cx: &mut Cx<'_, '_>, zero: Option<Value>) -> Result<Value> {
	match zero {
		Some(zero) => cx.b.cast(&single(zero)?, DType::F32),
		None => Ok(Value::scalar_f32(0.0)),
	}
}

/// round(a · r + (b · s + (zero - (r · a zero + s · b zero)))), where r and s are the operands' scales
/// over the result's: onnxruntime's order, in which the zero point is added before rounding.
fn add(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let y_scale = single(cx.float_input(6)?)?;
	let (a_scale, b_scale) = (single(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let r = cx.b.binary(BinaryFn::Div, &a_scale, &y_scale)?;
	let s = cx.b.binary(BinaryFn::Div, &b_scale, &y_scale)?;
	let a_zero = float_zero(cx, cx.optional(2))?;
	let b_zero = float_zero(cx, cx.optional(5))?;
	let zero = float_zero(cx, cx.optional(7))?;
	let a_part = cx.b.binary(BinaryFn::Mul, &r, &a_zero)?;
	let b_part = cx.b.binary(BinaryFn::Mul, &s, &b_zero)?;
	let parts = cx.b.binary(BinaryFn::Add, &a_part, &b_part)?;
	let fixed = cx.b.binary(BinaryFn::Sub, &zero, &parts)?;
	let a_float = cx.b.cast(&a, DType::F32)?;
	let b_float = cx.b.cast(&b, DType::F32)?;
	let x = cx.b.binary(BinaryFn::Mul, &b_float, &s)?;
	let x = cx.b.binary(BinaryFn::Add, &x, &fixed)?;
	let y = cx.b.binary(BinaryFn::Mul, &a_float, &r)?;
	let y = cx.b.binary(BinaryFn::Add, &y, &x)?;
	let y = cx.b.unary(UnaryFn::Round, &y)?;
	cx.b.cast(&y, a.dtype)
}

/// The product in whole numbers times the scales, plus the zero point, rounded: onnxruntime's order.
fn mul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (a_scale, b_scale) = (single(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let y_scale = single(cx.float_input(6)?)?;
	// Of 8-bit numbers, floats hold the differences and their product exactly.
	let one = Value::scalar_f32(1.0);
	let a_whole = dequantized(cx, &a, &one, cx.optional(2))?;
	let b_whole = dequantized(cx, &b, &one, cx.optional(5))?;
	let product = cx.b.binary(BinaryFn::Mul, &a_whole, &b_whole)?;
	let factor = factor(cx, [&a_scale, &b_scale], &y_scale)?;
	let zero = float_zero(cx, cx.optional(7))?;
	let y = cx.b.binary(BinaryFn::Mul, &product, &factor)?;
	let y = cx.b.binary(BinaryFn::Add, &y, &zero)?;
	let y = cx.b.unary(UnaryFn::Round, &y)?;
	cx.b.cast(&y, a.dtype)
}

/// A float operator of one operand between dequantizing and quantizing. Inputs: x, its scale and
/// zero point, the result's scale and zero point.
fn around(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	if cx.flag("channels_last") {
		return Err(Failure::unsupported("channels_last=1 is not supported"));
	}
	let (x, x_scale, y_scale) = (bytes(cx, 0)?, cx.float_input(1)?, cx.float_input(3)?);
	let float = dequantized(cx, &x, &x_scale, cx.optional(2))?;
	let (y_zero, inputs) = (cx.optional(4), std::mem::take(&mut cx.inputs));
	cx.inputs = vec![Some(float)];
	let y = standard_one(cx, op_type);
	cx.inputs = inputs;
	quantized(cx, &y?, &y_scale, y_zero, x.dtype)
}

/// The sum in whole numbers, times x scale / (y scale · number of elements).
fn global_average_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, x_scale, y_scale) = (bytes(cx, 0)?, cx.float_input(1)?, cx.float_input(3)?);
	if x.rank() < 3 {
		return Err(Failure::invalid("its input has no spatial dimensions"));
	}
	let (n, last) = (x.dims[0], x.rank() - 1);
	let whole = difference(cx, &x, cx.optional(2))?;
	let (channels, whole) = if cx.flag("channels_last") {
		let mut order: Vec<usize> = (1..last).collect();
		order.insert(0, last);
		order.insert(0, 0);
		(x.dims[last], cx.b.transpose(&whole, &order)?)
	} else {
		(x.dims[1], whole)
	};
	let count = x.elements() / (u64::from(n) * u64::from(channels));
	let rows = whole.view(vec![n, channels, count as u32])?;
	let sums = cx.b.reduce_last(assay_referee::ReduceFn::Sum, &rows)?;
	let below = cx.b.binary_scalar(BinaryFn::Mul, &single(y_scale)?, count as f32)?;
	let factor = cx.b.binary(BinaryFn::Div, &single(x_scale)?, &below)?;
	let y_zero = cx.optional(4).map(single).transpose()?;
	let y = requantize(cx, &sums, &factor, y_zero.as_ref(), x.dtype)?;
	let mut dims = vec![1; x.rank()];
	dims[0] = n;
	dims[if cx.flag("channels_last") { last } else { 1 }] = channels;
	y.view(dims)
}

/// Every part with its own scale, brought to the result's. Inputs: the result's scale and zero point,
/// then each part with its scale and zero point.
fn concat(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (y_scale, y_zero) = (cx.float_input(0)?, cx.input(1)?);
	let mut parts = Vec::new();
	for i in (2..cx.inputs.len()).step_by(3) {
		let (x, scale, zero) = (bytes(cx, i)?, cx.float_input(i + 1)?, cx.optional(i + 2));
		let same = scale.bytes().is_some()
			&& scale.bytes() == y_scale.bytes()
			&& zero.as_ref().is_some_and(|zero| zero.bytes() == y_zero.bytes());
		parts.push(if same {
			x
		} else {
			let float = dequantized(cx, &x, &scale, zero)?;
			quantized(cx, &float, &y_scale, Some(y_zero.clone()), x.dtype)?
		});
	}
	let Some(first) = parts.first() else {
		return Err(Failure::invalid("it has nothing to join"));
	};
	let at = axis(cx.int("axis", 0), first.rank())?;
	cx.b.concat(&parts, at)
}

/// Swaps the axes of a matrix on request.
fn maybe_transposed(cx: &mut Cx<'_, '_>, x: Value, flag: &str) -> Result<Value> {
	if cx.flag(flag) && x.rank() == 2 {
		cx.b.transpose(&x, &[1, 0])
	} else {
		Ok(x)
	}
}

/// `QGemm`: in floats where the result has no scale.
fn gemm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (a, b) = (maybe_transposed(cx, a, "transA")?, maybe_transposed(cx, b, "transB")?);
	let (a_scale, b_scale) = (single(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(5));
	let mut sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	if let Some(bias) = cx.optional(6) {
		sums = cx.b.binary(BinaryFn::Add, &sums, &bias)?;
	}
	let mut scale = cx.b.binary(BinaryFn::Mul, &a_scale, &b_scale)?;
	let alpha = cx.float("alpha", 1.0)?;
	if alpha != 1.0 {
		scale = cx.b.binary_scalar(BinaryFn::Mul, &scale, alpha)?;
	}
	let Some(y_scale) = cx.optional(7) else {
		let y = cx.b.cast(&sums, DType::F32)?;
		return cx.b.binary(BinaryFn::Mul, &y, &scale);
	};
	let factor = cx.b.binary(BinaryFn::Div, &scale, &single(y_scale)?)?;
	let y_zero = cx.optional(8).map(single).transpose()?;
	let dtype = y_zero.as_ref().map_or(a.dtype, |zero| zero.dtype);
	requantize(cx, &sums, &factor, y_zero.as_ref(), dtype)
}

/// sums · scale, plus a bias.
fn to_float(
	cx: &mut Cx<'_, '_>,
	sums: &Value,
	scales: [&Value; 2],
	bias: Option<Value>,
) -> Result<Value> {
	let scale = cx.b.binary(BinaryFn::Mul, scales[0], scales[1])?;
	let y = cx.b.cast(sums, DType::F32)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	match bias {
		Some(bias) => cx.b.binary(BinaryFn::Add, &y, &bias),
		None => Ok(y),
	}
}

fn dynamic_matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b, b_scale) = (cx.float_input(0)?, bytes(cx, 1)?, single(cx.float_input(2)?)?);
	let [a, a_scale, a_zero] = quantize::dynamically(cx, &a)?;
	let (b_zero, bias) = (cx.optional(3), cx.optional(4));
	let sums = integer::matmul(cx, &a, &b, Some(a_zero), b_zero)?;
	to_float(cx, &sums, [&a_scale, &b_scale], bias)
}

/// The product of 8-bit inputs as floats, plus a bias.
pub(super) fn float_product(
	cx: &mut Cx<'_, '_>,
	[a, b]: [usize; 2],
	[a_scale, b_scale]: [Value; 2],
	[a_zero, b_zero]: [Option<Value>; 2],
	bias: Option<Value>,
) -> Result<Value> {
	let (a, b) = (bytes(cx, a)?, bytes(cx, b)?);
	let sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	to_float(cx, &sums, [&column(a_scale)?, &single(b_scale)?], bias)
}

fn matmul_to_float(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (scales, zeros) =
		([cx.float_input(2)?, cx.float_input(3)?], [cx.optional(4), cx.optional(5)]);
	float_product(cx, [0, 1], scales, zeros, cx.optional(6))
}

/// Most terms whose sum fits 32 bits: each is at most 255² in magnitude.
const MOST_TERMS: u64 = i32::MAX as u64 / (255 * 255);

/// The scale of a product of `k` terms of these operands, where it may be summed in whole numbers; the
/// scales of `many` may be several.
fn scale_of_product(one: &Quantized, many: &Quantized, k: u64) -> Option<Vec<f32>> {
	let (scale, scales) = (*one.scales()?.first()?, many.scales()?);
	let products: Vec<f32> = scales.iter().map(|other| scale * other).collect();
	// A product that overflows or loses digits is worse than those of the floats.
	let right = products.iter().all(|scale| scale.is_normal());
	(one.is_uniform() && right && k <= MOST_TERMS).then_some(products)
}

/// What two floats were dequantized from, if both were.
fn both(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Option<[Quantized; 2]>> {
	let found = (cx.b.quantized(a)?, cx.b.quantized(b)?);
	Ok(match found {
		(Some(a), Some(b)) => Some([a, b]),
		_ => None,
	})
}

/// The product of two floats as `MatMul` has it, in whole numbers where both were dequantized: `a` with
/// one scale, `b` with one or one per column.
pub(super) fn dequantized_matmul(
	cx: &mut Cx<'_, '_>,
	a: &Value,
	b: &Value,
) -> Result<Option<Value>> {
	let Some([left, right]) = both(cx, a, b)? else { return Ok(None) };
	let by_columns = b.rank() > 1 && right.axis == b.rank() - 1;
	let k = a.dims.last().copied().unwrap_or(1).into();
	let scales = scale_of_product(&left, &right, k).filter(|_| right.is_uniform() || by_columns);
	let Some(scales) = scales else { return Ok(None) };
	let sums = integer::matmul(cx, &left.x, &right.x, left.zero, right.zero)?;
	scaled(cx, &sums, &scales, |n| vec![n]).map(Some)
}

/// sums · scale, where several scales broadcast in the shape that `dims` gives for their number.
fn scaled(
	cx: &mut Cx<'_, '_>,
	sums: &Value,
	scales: &[f32],
	dims: impl FnOnce(u32) -> Vec<u32>,
) -> Result<Value> {
	let dims = if scales.len() == 1 { vec![] } else { dims(scales.len() as u32) };
	let y = cx.b.cast(sums, DType::F32)?;
	cx.b.binary(BinaryFn::Mul, &y, &Value::list_f32(scales, dims))
}

/// The convolution of two floats without a bias, in whole numbers where both were dequantized: the image
/// with one scale, the weights with one or one per filter.
///
/// Groups of few filters stay floats, for which there is a faster kernel.
pub(super) fn dequantized_conv(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	weight: &Value,
) -> Result<Option<Value>> {
	let Some([image, filters]) = both(cx, x, weight)? else { return Ok(None) };
	let (_, groups) = window::conv_form(cx, x, weight)?;
	let terms = product(&weight.dims[1..]);
	let scales = scale_of_product(&image, &filters, terms).filter(|_| {
		(filters.is_uniform() || filters.axis == 0) && weight.dims[0] / groups >= FEW_FILTERS
	});
	let Some(scales) = scales else { return Ok(None) };
	let sums = convolved(cx, [&image.x, &filters.x], image.zero, filters.zero)?;
	let rank = sums.rank();
	let per_filter = |n| [vec![n], vec![1; rank - 2]].concat();
	scaled(cx, &sums, &scales, per_filter).map(Some)
}
