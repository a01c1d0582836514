//! The arithmetic that operators on 8-bit values share.
//!
//! Requantizing is `i32 → f32 · (scales) → round half to even → + zero point → saturate`; the scales
//! of the operands are multiplied first, then divided by the result's.

use assay_referee::{BinaryFn, DType, UnaryFn};

use crate::{
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// A scale or zero point of one element, or of the shape it broadcasts in.
pub(crate) fn single(value: Value) -> Result<Value> {
	match value.elements() {
		1 => value.view(vec![]),
		_ => Ok(value),
	}
}

/// A parameter of the rows of a product: `[m]` becomes a column.
pub(crate) fn column(value: Value) -> Result<Value> {
	match *value.dims.as_slice() {
		[rows] if rows > 1 => value.view(vec![rows, 1]),
		_ => single(value),
	}
}

/// An 8-bit operand.
pub(crate) fn bytes(cx: &Cx<'_, '_>, i: usize) -> Result<Value> {
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
pub(crate) fn factor(cx: &mut Cx<'_, '_>, scales: [&Value; 2], result: &Value) -> Result<Value> {
	let product = cx.b.binary(BinaryFn::Mul, scales[0], scales[1])?;
	cx.b.binary(BinaryFn::Div, &product, result)
}

/// round(x · factor) + zero point, saturated to `dtype`.
pub(crate) fn requantize(
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
pub(crate) fn difference(cx: &mut Cx<'_, '_>, x: &Value, zero: Option<Value>) -> Result<Value> {
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
pub(crate) fn dequantized(
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
pub(crate) fn quantized(
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

/// A zero point as a float, 0 where there is none.
pub(crate) fn float_zero(cx: &mut Cx<'_, '_>, zero: Option<Value>) -> Result<Value> {
	match zero {
		Some(zero) => cx.b.cast(&single(zero)?, DType::F32),
		None => Ok(Value::scalar_f32(0.0)),
	}
}

/// sums · scale, plus a bias.
pub(crate) fn to_float(
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
