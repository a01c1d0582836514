//! Images sampled at the places of a grid.

use assay_referee::BinaryFn;

use super::taps::{joined, sampled, spread, taps, Method, Outside};
use crate::{
	dims::{self, product},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

pub(crate) fn grid_sample(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let (x, grid) = (cx.float_input(0)?, cx.float_input(1)?);
	let count = x.rank().saturating_sub(2);
	let fits = (1..=3).contains(&count)
		&& grid.rank() == count + 2
		&& grid.dims[0] == x.dims[0]
		&& grid.dims[count + 1] as usize == count;
	if !fits {
		return Err(Failure::unsupported(format!(
			"a grid of shape {:?} for an input of shape {:?}",
			grid.dims, x.dims
		)));
	}
	let method = match cx.word("mode", "linear")? {
		"nearest" => Method::Nearest,
		"linear" | "bilinear" => Method::Linear,
		"cubic" | "bicubic" => Method::Cubic,
		_ => return Err(Failure::invalid("its mode does not exist")),
	};
	let aligned = cx.flag("align_corners");
	let (n, channels, sizes) = (x.dims[0], x.dims[1], x.dims[2..].to_vec());
	let places = (product(&grid.dims) / u64::from(n) / count as u64) as u32;
	let mut axes = Vec::new();
	for (d, &size) in sizes.iter().enumerate() {
		// The grid has the innermost axis first.
		let steps = [i64::from(places) * count as i64, count as i64];
		let at = cx.b.strided(&grid, vec![n, places], (count - 1 - d) as u64, &steps)?;
		let at = cx.b.binary_scalar(BinaryFn::Add, &at, 1.0)?;
		let at = if aligned {
			cx.b.binary_scalar(BinaryFn::Mul, &at, (size - 1) as f32 / 2.0)?
		} else {
			let at = cx.b.binary_scalar(BinaryFn::Mul, &at, size as f32)?;
			let at = cx.b.binary_scalar(BinaryFn::Sub, &at, 1.0)?;
			cx.b.binary_scalar(BinaryFn::Mul, &at, 0.5)?
		};
		let margin = if aligned { 0.0 } else { 0.5 };
		let outside = match cx.word("padding_mode", "zeros")? {
			"zeros" => Outside::Zeros,
			"border" => Outside::Border,
			"reflection" => Outside::Mirror(-margin, (size - 1) as f32 + margin),
			_ => return Err(Failure::invalid("its padding_mode does not exist")),
		};
		axes.push(spread(taps(cx, &at, size, method, outside)?, d, count)?);
	}
	let (flat, weight) = joined(cx, &axes, &sizes)?;
	let y = sampled(cx, &x, [n, channels], &sizes, &flat, weight)?;
	let mut dims = vec![n, channels];
	dims.extend_from_slice(&grid.dims[1..=count]);
	let y = y.view(vec![channels, n, places])?;
	cx.b.transpose(&y, &[1, 0, 2])?.view(dims)
}

/// The coordinates of pixels between -1 and 1, transformed by `theta`.
pub(crate) fn affine_grid(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let theta = cx.float_input(0)?;
	let sizes = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its size is missing"))?;
	let sizes = dims::from_list(&sizes)?;
	let count = sizes.len().saturating_sub(2);
	if !(1..=3).contains(&count) || theta.dims != [sizes[0], count as u32, count as u32 + 1] {
		return Err(Failure::invalid(format!(
			"a transformation of shape {:?} for size {sizes:?}",
			theta.dims
		)));
	}
	let (batch, spatial) = (sizes[0], &sizes[2..]);
	let places = product(spatial);
	cx.b.spend(places * (count as u64 + 1) * 8)?;
	let aligned = cx.flag("align_corners");
	let coordinate = |i: u64, size: u32| match (aligned, size) {
		(true, 1) => 0.0,
		(true, size) => (2.0 * i as f64 / f64::from(size - 1) - 1.0) as f32,
		(false, size) => ((2.0 * i as f64 + 1.0) / f64::from(size) - 1.0) as f32,
	};
	let mut base = Vec::new();
	for place in 0..places {
		let mut rest = place;
		for &size in spatial.iter().rev() {
			base.push(coordinate(rest % u64::from(size), size));
			rest /= u64::from(size);
		}
		base.push(1.0);
	}
	let base = Value::list_f32(&base, vec![1, places as u32, count as u32 + 1]);
	let mut dims = vec![batch];
	dims.extend_from_slice(spatial);
	dims.push(count as u32);
	cx.b.matmul(base, theta, None, batch)?.view(dims)
}
