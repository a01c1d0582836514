//! Quantization to 8 bits and back.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::{one, Cx};
use crate::constant;
use crate::error::{ErrorKind, Failure, Result};
use crate::value::{axis, Value};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	match op_type {
		"QuantizeLinear" => one(quantize(cx)),
		"DequantizeLinear" => one(dequantize(cx)),
		"DynamicQuantizeLinear" => Some(quantize_dynamically(cx)),
		_ => None,
	}
}

/// A scale or zero point, which is one number or one per slice along `axis`, as it broadcasts over
/// `x`.
fn along_axis(cx: &Cx<'_, '_>, x: &Value, parameter: &Value) -> Result<Value> {
	if parameter.elements() == 1 {
		return parameter.view(vec![]);
	}
	let at = axis(cx.int("axis", 1), x.rank())?;
	if parameter.dims != [x.dims[at]] {
		return Err(Failure::unsupported("scales per block are not supported"));
	}
	let mut dims = vec![1; x.rank()];
	dims[at] = x.dims[at];
	parameter.view(dims)
}

/// round(x / scale) + zero point, saturated.
fn quantize(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
	let scale = along_axis(cx, &x, &scale)?;
	let zero = cx.optional(2);
	let dtype = match (&zero, cx.int("output_dtype", 0)) {
		(Some(zero), _) => zero.dtype,
		(None, 0) => DType::U8,
		(None, other) => constant::dtype(i32::try_from(other).unwrap_or(0))?,
	};
	if !matches!(dtype, DType::U8 | DType::I8) {
		return Err(Failure::new(ErrorKind::UnsupportedType, format!("quantizing to {dtype:?}")));
	}
	let y = cx.b.binary(BinaryFn::Div, &x, &scale)?;
	let mut y = cx.b.unary(UnaryFn::Round, &y)?;
	if let Some(zero) = zero.filter(|zero| zero.uniform_bits() != Some(0)) {
		let zero = along_axis(cx, &x, &zero)?;
		let zero = cx.b.cast(&zero, DType::F32)?;
		y = cx.b.binary(BinaryFn::Add, &y, &zero)?;
	}
	cx.b.cast(&y, dtype)
}

/// (x - zero point) · scale, the difference in whole numbers.
fn dequantize(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.input(0)?, cx.float_input(1)?);
	let scale = along_axis(cx, &x, &scale)?;
	let mut whole = match x.dtype {
		DType::U8 | DType::I8 | DType::I32 => cx.b.cast(&x, DType::I32)?,
		other => {
			return Err(Failure::new(
				ErrorKind::UnsupportedType,
				format!("dequantizing {other:?}"),
			));
		},
	};
	if let Some(zero) = cx.optional(2).filter(|zero| zero.uniform_bits() != Some(0)) {
		let zero = along_axis(cx, &x, &zero)?;
		let zero = cx.b.cast(&zero, DType::I32)?;
		whole = cx.b.binary(BinaryFn::Sub, &whole, &zero)?;
	}
	let y = cx.b.cast(&whole, DType::F32)?;
	cx.b.binary(BinaryFn::Mul, &y, &scale)
}

/// The 8-bit values, their scale and their zero point, from the input's own range.
fn quantize_dynamically(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.float_input(0)?;
	let flat = x.view(vec![x.elements() as u32])?;
	let high = cx.b.reduce_last(ReduceFn::Max, &flat)?;
	let high = cx.b.binary_scalar(BinaryFn::Max, &high, 0.0)?;
	let low = cx.b.reduce_last(ReduceFn::Min, &flat)?;
	let low = cx.b.binary_scalar(BinaryFn::Min, &low, 0.0)?;
	let span = cx.b.binary(BinaryFn::Sub, &high, &low)?;
	let scale = cx.b.binary_scalar(BinaryFn::Div, &span, 255.0)?;
	let start = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(0.0), &low)?;
	let start = cx.b.binary(BinaryFn::Div, &start, &scale)?;
	let start = cx.b.unary(UnaryFn::Round, &start)?;
	let zero = cx.b.cast(&start, DType::U8)?;
	let zero_float = cx.b.cast(&zero, DType::F32)?;
	let y = cx.b.binary(BinaryFn::Div, &x, &scale)?;
	let y = cx.b.unary(UnaryFn::Round, &y)?;
	let y = cx.b.binary(BinaryFn::Add, &y, &zero_float)?;
	let y = cx.b.cast(&y, DType::U8)?;
	Ok(vec![y, scale, zero])
}
