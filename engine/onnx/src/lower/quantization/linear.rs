//! Quantization to 8 bits, or other narrow types, and back.

use assay_executor::ElementType;
use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use crate::{
	dims::{axis, product},
	error::{ErrorKind, Failure, Result},
	ir::{Quantized, Value},
	lower::{elements, movement::ranges::part, Cx},
	read,
};

/// A scale or zero point, which is one number, one per slice along `axis`, or one per block of it,
/// as it broadcasts over `x`.
fn along_axis(cx: &mut Cx<'_, '_>, x: &Value, parameter: &Value) -> Result<Value> {
	if parameter.elements() == 1 {
		return parameter.view(vec![]);
	}
	let at = axis(cx.int("axis", 1), x.rank())?;
	let mut dims = vec![1; x.rank()];
	dims[at] = x.dims[at];
	if parameter.dims == [x.dims[at]] {
		return parameter.view(dims);
	}
	let block = u32::try_from(cx.int("block_size", 0)).unwrap_or(0);
	let blocks = x.dims[at].checked_div(block).map_or(0, |_| x.dims[at].div_ceil(block));
	dims = x.dims.clone();
	dims[at] = blocks;
	if blocks == 0 || parameter.dims != dims {
		return Err(Failure::invalid(format!(
			"a scale or zero point of shape {:?} does not fit {:?} along axis {at}",
			parameter.dims, x.dims
		)));
	}
	per_element(cx, parameter, at, block, x.dims[at])
}

/// A parameter of every block of `block` elements along axis `at`, for each of the `length` elements: the last block
/// may be shorter.
pub(super) fn per_element(
	cx: &mut Cx<'_, '_>,
	parameter: &Value,
	at: usize,
	block: u32,
	length: u32,
) -> Result<Value> {
	let (mut dims, blocks) = (parameter.dims.clone(), parameter.dims[at]);
	let (outer, inner) = (product(&dims[..at]) as u32, product(&dims[at + 1..]) as u32);
	let filled = blocks.checked_mul(block).ok_or_else(|| Failure::too_large("its blocks"))?;
	let wide = parameter.view(vec![outer, blocks, 1, inner])?;
	let wide = cx.b.expand(&wide, vec![outer, blocks, block, inner])?;
	let wide = wide.view(vec![outer, filled, inner])?;
	dims[at] = length;
	part(cx, &wide, 1, (0, 1, length))?.view(dims)
}

/// A zero point that is there and not all zeros.
fn zero_point(cx: &Cx<'_, '_>, input: usize) -> Option<Value> {
	cx.optional(input).filter(|zero| zero.uniform_bits() != Some(0))
}

/// round(x / scale) + zero point, saturated; for floats of 8 bits or fewer the nearest of them.
pub(crate) fn quantize(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.input(0)?, cx.float_input(1)?);
	let x = match x.dtype {
		DType::I32 => cx.b.cast(&x, DType::F32)?,
		_ => cx.float_input(0)?,
	};
	let to = match (cx.optional(2), cx.int("output_dtype", 0)) {
		(Some(zero), _) => zero.element,
		(None, 0) => DType::U8.into(),
		(None, other) => read::element(i32::try_from(other).unwrap_or(0))?,
	};
	// Divided as float32, whatever the operands are.
	if !matches!(cx.int("precision", 0), 0 | 1) {
		return Err(Failure::unsupported("a quotient of another precision than float32"));
	}
	if let Some(known) = quantized_before(cx, &x, &scale, to)? {
		return Ok(known);
	}
	let x = cx.b.materialized(&x)?;
	let scale = along_axis(cx, &x, &scale)?;
	let mut y = cx.b.binary(BinaryFn::Div, &x, &scale)?;
	let narrow_float = matches!(to, ElementType::Float(format) if format.bits() <= 8);
	let whole = matches!(
		to,
		ElementType::Plain(DType::U8 | DType::I8)
			| ElementType::I16
			| ElementType::U16
			| ElementType::I4
			| ElementType::U4
	);
	if !narrow_float && !whole {
		return Err(Failure::new(ErrorKind::UnsupportedType, format!("quantizing to {to}")));
	}
	if whole {
		y = cx.b.unary(UnaryFn::Round, &y)?;
	}
	if let Some(zero) = zero_point(cx, 2) {
		let zero = along_axis(cx, &x, &zero)?;
		let zero = cx.b.cast(&zero, DType::F32)?;
		y = cx.b.binary(BinaryFn::Add, &y, &zero)?;
	}
	let saturate = cx.int("saturate", 1) != 0;
	elements::convert(cx.b, &y, to, saturate)
}

/// The numbers of which `x` was made with the same scale and zero point, if it was: they come back.
/// With n the difference to the zero point, of at most 255, n · scale is wrong by 2⁻²⁴ of it at most,
/// and so is the quotient: rounded, it is n.
fn quantized_before(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	to: ElementType,
) -> Result<Option<Value>> {
	let Some(known) = cx.b.quantized(x)? else { return Ok(None) };
	let same = known.is_uniform()
		&& scale.uniform_bits().is_some_and(|bits| known.scale.uniform_bits() == Some(bits))
		&& known.has_zero(cx.optional(2).as_ref())
		&& known.x.element == to;
	// No product may overflow, or lose digits.
	let fits = known.scales().is_some_and(|scales| scales.iter().all(|s| (s * 255.0).is_finite()));
	Ok((same && fits).then_some(known.x))
}

/// (x - zero point) · scale, the difference in whole numbers where they are whole.
pub(crate) fn dequantize(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.input(0)?, cx.float_input(1)?);
	let to = match cx.int("output_dtype", 0) {
		0 => scale.element,
		other => read::element(i32::try_from(other).unwrap_or(0))?,
	};
	if to.computed() != DType::F32 {
		return Err(Failure::new(ErrorKind::UnsupportedType, format!("dequantizing to {to}")));
	}
	let parts = parts(cx, &x, &scale).filter(|_| to == DType::F32.into());
	let scale = along_axis(cx, &x, &scale)?;
	// Differences of 16 bits and fewer are exact in floats as well, and need no second cast.
	let dtype = match x.dtype {
		DType::I32 if x.element == DType::I32.into() => DType::I32,
		DType::U8 | DType::I8 | DType::I32 | DType::F32 => DType::F32,
		other => {
			return Err(Failure::new(
				ErrorKind::UnsupportedType,
				format!("dequantizing {other:?}"),
			));
		},
	};
	let zero = match zero_point(cx, 2) {
		Some(zero) => {
			let zero = along_axis(cx, &x, &zero)?;
			Some(cx.b.cast(&zero, dtype)?)
		},
		None => None,
	};
	let y = cx.b.dequantized(parts, |b| {
		let mut difference = b.cast(&x, dtype)?;
		if let Some(zero) = &zero {
			difference = b.binary(BinaryFn::Sub, &difference, zero)?;
		}
		let y = b.cast(&difference, DType::F32)?;
		b.binary(BinaryFn::Mul, &y, &scale)
	})?;
	elements::fit(cx.b, &y, to)
}

/// What a dequantized value is made of, where that is numbers of at most 8 bits and constants for the
/// whole tensor or for slices of it.
fn parts(cx: &Cx<'_, '_>, x: &Value, scale: &Value) -> Option<Quantized> {
	let zero = zero_point(cx, 2);
	let axis = axis(cx.int("axis", 1), x.rank()).unwrap_or(0);
	let fits = |parameter: &Value| {
		let slices = x.dims.get(axis).is_some_and(|&dim| parameter.dims == [dim]);
		parameter.is_constant() && (parameter.elements() == 1 || slices)
	};
	let alike = zero.as_ref().is_none_or(|zero| zero.dtype == x.dtype && fits(zero));
	let narrow = matches!(x.dtype, DType::U8 | DType::I8) && scale.element == DType::F32.into();
	let parts = Quantized { x: x.clone(), scale: scale.clone(), zero, axis };
	(narrow && alike && fits(scale)).then_some(parts)
}

/// The 8-bit values, their scale and their zero point, from the input's own range.
pub(crate) fn quantize_dynamically(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.float_input(0)?;
	let [y, scale, zero] = dynamically(cx, &x)?;
	Ok(vec![y, scale, zero])
}

/// `x` in uint8, its scale and its zero point, from its own range.
pub(crate) fn dynamically(cx: &mut Cx<'_, '_>, x: &Value) -> Result<[Value; 3]> {
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
	let y = cx.b.binary(BinaryFn::Div, x, &scale)?;
	let y = cx.b.unary(UnaryFn::Round, &y)?;
	let y = cx.b.binary(BinaryFn::Add, &y, &zero_float)?;
	let y = cx.b.cast(&y, DType::U8)?;
	Ok([y, scale, zero])
}
