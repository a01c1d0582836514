//! Operators on 8-bit values that are the float operator between `(x - zero point) · scale` and its
//! inverse, and those with an exact form in whole numbers.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::{
	quantization::scales::{
		bytes, dequantized, difference, factor, float_zero, quantized, requantize, single,
	},
	Cx,
};
use crate::{
	dims::axis,
	error::{Failure, Result},
	ir::Value,
};

/// round(a · r + (b · s + (zero - (r · a zero + s · b zero)))), where r and s are the operands' scales
/// over the result's: onnxruntime's order, in which the zero point is added before rounding.
pub(crate) fn add(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
pub(crate) fn mul(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
pub(crate) fn around(
	cx: &mut Cx<'_, '_>,
	operator: fn(&mut Cx<'_, '_>) -> Result<Value>,
) -> Result<Value> {
	let (x, x_scale, y_scale) = (bytes(cx, 0)?, cx.float_input(1)?, cx.float_input(3)?);
	let float = dequantized(cx, &x, &x_scale, cx.optional(2))?;
	let y = cx.with_input(float, operator)?;
	let y_zero = cx.optional(4);
	quantized(cx, &y, &y_scale, y_zero, x.dtype)
}

/// The sum in whole numbers, times x scale / (y scale · number of elements).
pub(crate) fn global_average_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
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
	let sums = cx.b.reduce_last(ReduceFn::Sum, &rows)?;
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
pub(crate) fn concat(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (y_scale, y_zero) = (cx.float_input(0)?, cx.input(1)?);
	let mut parts = Vec::new();
	for i in (2..cx.input_count()).step_by(3) {
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
