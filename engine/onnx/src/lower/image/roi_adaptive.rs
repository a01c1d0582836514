//! `RoiAlign` whose number of samples depends on how large a region is: one for every pixel that a bin has begun.
//!
//! The mean over a grid of samples is a weighted sum over the pixels of the image, and the weight of a pixel is that
//! of its row times that of its column. However large a region is, the samples that lie on the image are as many as
//! its rows and a few: neighbours are more than half a pixel apart where a bin has several, and almost a whole one
//! where it has as many as the image has rows.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use crate::{error::Result, ir::Value, lower::Cx};

/// Samples beyond the image's rows: those on the pixel before and behind it, and what rounding may move.
const MARGIN: u32 = 6;

/// What the pixels of one axis weigh.
pub(super) struct Weights {
	/// `[regions, bins, pixels]`: sums over the samples of a bin.
	pub(super) pixels: Value,
	/// How many samples a bin has, `[regions, 1, 1]`.
	pub(super) samples: Value,
}

/// The weights of an axis of `size` pixels and `bins` bins, of which the first starts at `start` and each is as
/// long as `bin`, both `[regions, 1, 1]`.
pub(super) fn weights(
	cx: &mut Cx<'_, '_>,
	start: &Value,
	bin: &Value,
	[size, bins]: [u32; 2],
) -> Result<Weights> {
	let regions = start.dims[0];
	let count = size.saturating_add(MARGIN);
	let samples = cx.b.unary(UnaryFn::Ceil, bin)?;
	let apart = cx.b.binary(BinaryFn::Div, bin, &samples)?;
	let number = |cx: &mut Cx<'_, '_>, count: u32, dims: Vec<u32>| -> Result<Value> {
		let numbers = cx.b.iota(count)?.view(dims)?;
		cx.b.cast(&numbers, DType::F32)
	};
	let own = number(cx, bins, vec![1, bins, 1])?;
	let before = cx.b.binary(BinaryFn::Mul, &own, bin)?;
	let base = cx.b.binary(BinaryFn::Add, &before, start)?;
	// The first sample on the image, or the one before it.
	let to_edge = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(-1.0), &base)?;
	let first = cx.b.binary(BinaryFn::Div, &to_edge, &apart)?;
	let first = cx.b.unary(UnaryFn::Floor, &first)?;
	let first = cx.b.binary_scalar(BinaryFn::Sub, &first, 2.0)?;
	let first = cx.b.binary_scalar(BinaryFn::Max, &first, 0.0)?;
	let sample = number(cx, count, vec![1, 1, count])?;
	let sample = cx.b.binary(BinaryFn::Add, &first, &sample)?;
	let is_there = cx.b.binary(BinaryFn::Less, &sample, &samples)?;
	let middle = cx.b.binary_scalar(BinaryFn::Add, &sample, 0.5)?;
	let at = cx.b.binary(BinaryFn::Mul, &middle, &apart)?;
	let at = cx.b.binary(BinaryFn::Add, &at, &base)?;
	let above = cx.b.binary_scalar(BinaryFn::GreaterOrEqual, &at, -1.0)?;
	let below = cx.b.binary_scalar(BinaryFn::LessOrEqual, &at, size as f32)?;
	let inside = cx.b.binary(BinaryFn::And, &above, &below)?;
	let inside =
		cx.b.binary(BinaryFn::And, &inside, &is_there)?.view(vec![regions, bins, 1, count])?;
	let at = cx.b.binary_scalar(BinaryFn::Max, &at, 0.0)?;
	let at =
		cx.b.binary_scalar(BinaryFn::Min, &at, (size - 1) as f32)?
			.view(vec![regions, bins, 1, count])?;
	let pixel = number(cx, size, vec![size, 1])?;
	let distance = cx.b.binary(BinaryFn::Sub, &at, &pixel)?;
	let distance = cx.b.unary(UnaryFn::Abs, &distance)?;
	let weight = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), &distance)?;
	let weight = cx.b.unary(UnaryFn::Relu, &weight)?;
	let weight = cx.b.select(&inside, &weight, &Value::scalar_f32(0.0))?;
	let pixels = cx.b.reduce_last(ReduceFn::Sum, &weight)?;
	Ok(Weights { pixels, samples })
}

/// The means of all bins of all regions, `[regions, channels, bins down, bins across]`.
pub(super) fn means(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	image: &Value,
	down: &Weights,
	across: &Weights,
) -> Result<Value> {
	let (n, channels, height, width) = (x.dims[0], x.dims[1], x.dims[2], x.dims[3]);
	let (regions, rows) = (down.pixels.dims[0], down.pixels.dims[1]);
	let columns = across.pixels.dims[1];
	// Pixels of the other images weigh nothing.
	let images = cx.b.iota(n)?.view(vec![1, 1, n, 1])?;
	let is_own = cx.b.binary(BinaryFn::Equal, &image.view(vec![regions, 1, 1, 1])?, &images)?;
	let down_pixels = down.pixels.view(vec![regions, rows, 1, height])?;
	let down_pixels = cx.b.select(&is_own, &down_pixels, &Value::scalar_f32(0.0))?;
	let left = crate::dims::from_list(&[
		1,
		i64::from(regions) * i64::from(rows),
		i64::from(n) * i64::from(height),
	])?;
	let left = down_pixels.view(left)?;
	let right = cx.b.transpose(x, &[1, 3, 0, 2])?.view(vec![1, channels * width, n * height])?;
	let sums = cx.b.matmul(left, right, None, 1)?;
	let sums = sums.view(vec![regions, rows * channels, width])?;
	let sums = cx.b.matmul(sums, across.pixels.clone(), None, regions)?;
	let sums = sums.view(vec![regions, rows, channels, columns])?;
	let sums = cx.b.transpose(&sums, &[0, 2, 1, 3])?;
	let count = cx.b.binary(BinaryFn::Mul, &down.samples, &across.samples)?;
	let count = cx.b.binary_scalar(BinaryFn::Max, &count, 1.0)?.view(vec![regions, 1, 1, 1])?;
	cx.b.binary(BinaryFn::Div, &sums, &count)
}
