//! Contractions of floats that were dequantized from 8-bit numbers: summed in whole numbers instead.

use assay_referee::{BinaryFn, DType};

use super::{
	integer,
	integer_conv::{convolved, FEW_FILTERS},
	windows::conv_form,
};
use crate::{
	dims::product,
	error::Result,
	ir::{Quantized, Value},
	lower::Cx,
};

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
pub(crate) fn dequantized_matmul(
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
pub(crate) fn dequantized_conv(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	weight: &Value,
) -> Result<Option<Value>> {
	let Some([image, filters]) = both(cx, x, weight)? else { return Ok(None) };
	let (_, groups) = conv_form(cx, x, weight)?;
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
