//! Element types that only files have: what a node computes in another type is brought back to the
//! values of the file's type, once per node.
//!
//! A node computes in `f32`, `i32` or `i64` from exact operands; then its result is rounded to the
//! file's float format, or cut to the file's number of bits. `float64` is computed in `f32`.

use assay_executor::ElementType;
use assay_referee::{BinaryFn, DType, OpKind, Overflow};

use crate::{
	error::Result,
	ir::{Builder, Value},
	lower::Cx,
};

/// Gives a node's results the element types that ONNX says, and the values of these types.
pub(crate) fn at_type(cx: &mut Cx<'_, '_>, values: Vec<Value>) -> Result<Vec<Value>> {
	let op_type = cx.node.op_type;
	let typed = values.into_iter().enumerate().map(|(i, value)| {
		let is_plain = value.element == value.dtype.into();
		if !is_plain || has_own_type(op_type, i) {
			return Ok(value);
		}
		let element = match op_type {
			"OneHot" => cx.optional(2).map(|input| input.element),
			_ => deciding(cx, value.dtype),
		};
		match element.filter(|element| element.computed() == value.dtype) {
			Some(element) if keeps_values(op_type, value.dtype) => Ok(value.tagged(element)),
			Some(element) => fit(cx.b, &value, element),
			None => Ok(value),
		}
	});
	typed.collect()
}

/// The type of the first operand that is computed as the result is: operands of a node's main type
/// come before its scales, axes and lengths.
fn deciding(cx: &Cx<'_, '_>, dtype: DType) -> Option<ElementType> {
	cx.operands().find(|input| input.dtype == dtype).map(|input| input.element)
}

/// Whether the type of output `i` does not come from the operands, or the lowering gives it.
fn has_own_type(op_type: &str, i: usize) -> bool {
	match op_type {
		"Cast" | "CastLike" | "BitCast" | "Constant" | "ConstantOfShape" | "EyeLike" | "Shape"
		| "Size" | "ArgMax" | "ArgMin" | "NonZero" | "QuantizeLinear" | "DequantizeLinear"
		| "If" | "Loop" | "Scan" | "HannWindow" | "HammingWindow" | "BlackmanWindow"
		| "MatMulInteger" | "ConvInteger" => true,
		"LayerNormalization" | "TopK" | "MaxPool" | "Unique" => i > 0,
		_ => false,
	}
}

/// Whether every value of the result is a value of an operand, or one that the type has anyway.
fn keeps_values(op_type: &str, dtype: DType) -> bool {
	match op_type {
		"Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Expand"
		| "Slice" | "Split" | "Concat" | "Gather" | "GatherElements" | "GatherND" | "Pad"
		| "Tile" | "DepthToSpace" | "SpaceToDepth" | "Relu" | "Max" | "Min" | "MaxPool"
		| "GlobalMaxPool" | "ReduceMax" | "ReduceMin" | "Where" | "Clip" | "Dropout" | "TopK"
		| "Trilu" | "OneHot" | "ReverseSequence" | "TensorScatter" => true,
		// -(-32768) is no int16.
		"Neg" | "Abs" | "Floor" | "Ceil" | "Round" | "Sign" => dtype == DType::F32,
		_ => false,
	}
}

/// Rounds floats to the element type, to nearest; cuts whole numbers to its bits.
pub(crate) fn fit(b: &mut Builder, x: &Value, element: ElementType) -> Result<Value> {
	if x.elements() == 0 {
		return Ok(x.clone().tagged(element));
	}
	let fitted = match element {
		ElementType::Float(format) => {
			let overflow = if format.bits() == 16 { Overflow::Special } else { Overflow::Saturate };
			round(b, x, format, overflow)?
		},
		ElementType::U16 => low_bits(b, x, 16)?,
		ElementType::I16 => signed_bits(b, x, 16)?,
		ElementType::U32 => low_bits(b, x, 32)?,
		ElementType::U4 => low_bits(b, x, 4)?,
		ElementType::I4 => signed_bits(b, x, 4)?,
		_ => x.clone(),
	};
	Ok(fitted.tagged(element))
}

fn round(
	b: &mut Builder,
	x: &Value,
	format: assay_referee::FloatFormat,
	overflow: Overflow,
) -> Result<Value> {
	let kind = OpKind::RoundTo { format, overflow };
	b.push(kind, DType::F32, x.dims.clone(), vec![x.clone()])
}

/// The lowest bits as an unsigned number.
fn low_bits(b: &mut Builder, x: &Value, bits: u32) -> Result<Value> {
	b.binary(BinaryFn::And, x, &Value::scalar(x.dtype, (1 << bits) - 1))
}

/// The lowest bits in two's complement.
fn signed_bits(b: &mut Builder, x: &Value, bits: u32) -> Result<Value> {
	let half = Value::scalar(x.dtype, 1 << (bits - 1));
	let low = low_bits(b, x, bits)?;
	let flipped = b.binary(BinaryFn::Xor, &low, &half)?;
	b.binary(BinaryFn::Sub, &flipped, &half)
}

/// Converts to an element type: floats are rounded to nearest, or saturate where whole numbers are
/// wanted; whole numbers wrap. `saturate` is about 8-bit floats.
pub(crate) fn convert(
	b: &mut Builder,
	x: &Value,
	to: ElementType,
	saturate: bool,
) -> Result<Value> {
	let dtype = to.computed();
	let plain = Value { element: x.dtype.into(), ..x.clone() };
	if x.element == to {
		return Ok(x.clone());
	}
	let range = match to {
		ElementType::I16 => Some((i16::MIN.into(), i16::MAX.into())),
		ElementType::U16 => Some((0, u16::MAX.into())),
		ElementType::U32 => Some((0, u32::MAX.into())),
		ElementType::U64 => Some((0, i64::MAX)),
		ElementType::I4 => Some((-8, 7)),
		ElementType::U4 => Some((0, 15)),
		_ => None,
	};
	match (to, range) {
		(ElementType::Float(format), _) if format.bits() == 8 && !saturate => {
			let y = b.cast(&plain, dtype)?;
			Ok(round(b, &y, format, Overflow::Special)?.tagged(to))
		},
		(_, Some((low, high))) if x.dtype == DType::F32 => {
			let y = b.cast(&plain, dtype)?;
			let y = b.binary(BinaryFn::Max, &y, &Value::scalar(dtype, low))?;
			Ok(b.binary(BinaryFn::Min, &y, &Value::scalar(dtype, high))?.tagged(to))
		},
		_ => {
			let y = b.cast(&plain, dtype)?;
			fit(b, &y, to)
		},
	}
}
