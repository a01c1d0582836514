//! Interpolation at computed places: every value gathers its neighbours and adds them up, weighted.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use super::index::times;
use super::window::{Axis, Windows};
use super::{one, Cx};
use crate::{
	dims::{self, check_dims, product, strides},
	error::{Failure, Result},
	ir::Value,
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"GridSample" => grid_sample(cx),
		"AffineGrid" => affine_grid(cx),
		"RoiAlign" => roi_align(cx),
		"DeformConv" => deform_conv(cx),
		_ => return None,
	})
}

/// What lies outside of the image.
#[derive(Clone, Copy, PartialEq)]
enum Outside {
	Zeros,
	Border,
	/// Mirrored at these coordinates.
	Mirror(f32, f32),
}

/// Which neighbours count, and how much.
#[derive(Clone, Copy, PartialEq)]
enum Method {
	Nearest,
	Linear,
	Cubic,
}

/// Neighbours along one axis: indices (`i64`) and weights, `[.., taps]`.
struct Taps {
	index: Value,
	weight: Option<Value>,
}

/// An index so far outside that no sum with others lies inside; gathering it gives zero.
const NOWHERE: i64 = -(1 << 40);

/// `x` kept within `0..=size - 1`; NaN stays.
fn clamped(cx: &mut Cx<'_, '_>, x: &Value, size: u32) -> Result<Value> {
	let low = cx.b.binary_scalar(BinaryFn::Max, x, 0.0)?;
	cx.b.binary_scalar(BinaryFn::Min, &low, (size - 1) as f32)
}

/// `x` mirrored into `low..=high` where it is outside.
fn mirrored(cx: &mut Cx<'_, '_>, x: &Value, low: f32, high: f32) -> Result<Value> {
	let span = high - low;
	if span <= 0.0 {
		return cx.b.binary_scalar(BinaryFn::Mul, x, 0.0);
	}
	// A triangle wave of period 2 · span.
	let from_low = cx.b.binary_scalar(BinaryFn::Sub, x, low)?;
	let size = cx.b.unary(UnaryFn::Abs, &from_low)?;
	let phase = cx.b.binary_scalar(BinaryFn::Mod, &size, 2.0 * span)?;
	let falling = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(2.0 * span), &phase)?;
	let nearer = cx.b.binary(BinaryFn::Min, &phase, &falling)?;
	let wave = cx.b.binary_scalar(BinaryFn::Add, &nearer, low)?;
	let above = cx.b.binary_scalar(BinaryFn::GreaterOrEqual, x, low)?;
	let below = cx.b.binary_scalar(BinaryFn::LessOrEqual, x, high)?;
	let inside = cx.b.binary(BinaryFn::And, &above, &below)?;
	cx.b.select(&inside, x, &wave)
}

fn brought_inside(cx: &mut Cx<'_, '_>, x: &Value, size: u32, outside: Outside) -> Result<Value> {
	match outside {
		Outside::Zeros => Ok(x.clone()),
		Outside::Border => clamped(cx, x, size),
		Outside::Mirror(low, high) => mirrored(cx, x, low, high),
	}
}

/// The cubic convolution kernel of Keys with a = -3/4 at distance `d`, `[.., 4]`: the outer two
/// are between 1 and 2 away, the inner two nearer.
fn cubic_weights(cx: &mut Cx<'_, '_>, d: &Value) -> Result<Value> {
	const A: f32 = -0.75;
	let mut horner = |coefficients: [f32; 4]| -> Result<Value> {
		let mut sum = cx.b.binary_scalar(BinaryFn::Mul, d, coefficients[0])?;
		for (i, &c) in coefficients[1..].iter().enumerate() {
			sum = cx.b.binary_scalar(BinaryFn::Add, &sum, c)?;
			if i < 2 {
				sum = cx.b.binary(BinaryFn::Mul, &sum, d)?;
			}
		}
		Ok(sum)
	};
	let near = horner([A + 2.0, -(A + 3.0), 0.0, 1.0])?;
	let far = horner([A, -5.0 * A, 8.0 * A, -4.0 * A])?;
	let inner = Value::constant(DType::Bool, vec![4], vec![0, 1, 1, 0]);
	cx.b.select(&inner, &near, &far)
}

/// The neighbours of the coordinates `at` on an axis of `size`.
fn taps(
	cx: &mut Cx<'_, '_>,
	at: &Value,
	size: u32,
	method: Method,
	outside: Outside,
) -> Result<Taps> {
	let offsets: &[f32] = match method {
		Method::Nearest => &[0.0],
		Method::Linear => &[0.0, 1.0],
		Method::Cubic => &[-1.0, 0.0, 1.0, 2.0],
	};
	let mut column = at.dims.clone();
	column.push(1);
	let at = match method {
		Method::Nearest => cx.b.unary(UnaryFn::Round, at)?,
		_ => at.clone(),
	};
	let at = brought_inside(cx, &at, size, outside)?.view(column)?;
	let base = match method {
		Method::Nearest => at.clone(),
		_ => cx.b.unary(UnaryFn::Floor, &at)?,
	};
	let offsets = Value::list_f32(offsets, vec![offsets.len() as u32]);
	let place = cx.b.binary(BinaryFn::Add, &base, &offsets)?;
	let place = brought_inside(cx, &place, size, outside)?;
	let weight = match method {
		Method::Nearest => None,
		_ => {
			let distance = cx.b.binary(BinaryFn::Sub, &at, &base)?;
			let distance = cx.b.binary(BinaryFn::Sub, &distance, &offsets)?;
			let distance = cx.b.unary(UnaryFn::Abs, &distance)?;
			Some(match method {
				Method::Cubic => cubic_weights(cx, &distance)?,
				_ => cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), &distance)?,
			})
		},
	};
	let whole = clamped(cx, &place, size)?;
	let mut index = cx.b.cast(&whole, DType::I64)?;
	if outside == Outside::Zeros {
		let inside = cx.b.binary(BinaryFn::Equal, &whole, &place)?;
		index = cx.b.select(&inside, &index, &Value::scalar(DType::I64, NOWHERE))?;
	}
	Ok(Taps { index, weight })
}

/// Joins the taps of all axes, outermost first, each already viewed to broadcast with the others:
/// flat indices over `sizes`, and the product of the weights.
fn joined(cx: &mut Cx<'_, '_>, axes: &[Taps], sizes: &[u32]) -> Result<(Value, Option<Value>)> {
	let mut flat = None;
	let mut weight: Option<Value> = None;
	for (taps, step) in axes.iter().zip(strides(sizes)) {
		let part = times(cx, &taps.index, step)?;
		flat = Some(match flat {
			None => part,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &part)?,
		});
		weight = match (weight, &taps.weight) {
			(Some(a), Some(b)) => Some(cx.b.binary(BinaryFn::Mul, &a, b)?),
			(a, b) => a.or_else(|| b.clone()),
		};
	}
	let flat = flat.ok_or_else(|| Failure::invalid("it has no spatial axes"))?;
	Ok((flat, weight))
}

/// `x [batch, channels, area]` as `[channels, batch · area]`.
fn channels_first(cx: &mut Cx<'_, '_>, x: &Value, dims: [u32; 3]) -> Result<Value> {
	let [batch, channels, area] = dims;
	let x = x.view(vec![batch, channels, area])?;
	cx.b.transpose(&x, &[1, 0, 2])?.view(vec![channels, batch * area])
}

/// Gathers along axis 1 of `[channels, places]`: `[channels, indices..]`.
fn gathered(cx: &mut Cx<'_, '_>, x: &Value, index: &Value) -> Result<Value> {
	let mut dims = vec![x.dims[0]];
	dims.extend_from_slice(&index.dims);
	check_dims(&dims)?;
	cx.b.push(OpKind::Gather { axis: 1 }, x.dtype, dims, vec![x.clone(), index.clone()])
}

/// The dimensions `[.., taps]` of one of `count` axes, spread so that each axis has its own place.
fn spread(taps: Taps, axis: usize, count: usize) -> Result<Taps> {
	let view = |value: &Value| {
		let (&last, outer) = value.dims.split_last().unwrap_or((&1, &[]));
		let mut dims = outer.to_vec();
		dims.extend((0..count).map(|d| if d == axis { last } else { 1 }));
		value.view(dims)
	};
	Ok(Taps { index: view(&taps.index)?, weight: taps.weight.as_ref().map(view).transpose()? })
}

fn grid_sample(cx: &mut Cx<'_, '_>) -> Result<Value> {
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

/// Values `[channels, n, places]` at flat indices `[n, places, taps..]` of each of the `n` images.
fn sampled(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	[n, channels]: [u32; 2],
	sizes: &[u32],
	flat: &Value,
	weight: Option<Value>,
) -> Result<Value> {
	let area = product(sizes) as u32;
	let (outer, taps) = (flat.dims[..2].to_vec(), product(&flat.dims[2..]) as u32);
	let dims = vec![outer[0], outer[1], taps];
	let mut index = flat.view(dims.clone())?;
	if n > 1 {
		let image = cx.b.iota(n)?.view(vec![n, 1, 1])?;
		let image = times(cx, &image, area.into())?;
		// Outside of one image must not be inside of another.
		let outside = cx.b.binary(BinaryFn::Less, &index, &Value::scalar(DType::I64, 0))?;
		let moved = cx.b.binary(BinaryFn::Add, &index, &image)?;
		index = cx.b.select(&outside, &Value::scalar(DType::I64, NOWHERE), &moved)?;
	}
	let x = channels_first(cx, x, [n, channels, area])?;
	let mut y = gathered(cx, &x, &index)?;
	if let Some(weight) = weight {
		y = cx.b.binary(BinaryFn::Mul, &y, &weight.view(dims)?)?;
	}
	match taps {
		1 => y.view(vec![channels, outer[0], outer[1]]),
		_ => cx.b.reduce_last(ReduceFn::Sum, &y),
	}
}

/// The coordinates of pixels between -1 and 1, transformed by `theta`.
fn affine_grid(cx: &mut Cx<'_, '_>) -> Result<Value> {
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

/// Column `i` of `rois`, scaled and shifted, `[rois, 1, 1]`.
fn roi_edge(cx: &mut Cx<'_, '_>, rois: &Value, i: u64, shift: f32) -> Result<Value> {
	let edge = cx.b.strided(rois, vec![rois.dims[0], 1, 1], i, &[4, 0, 0])?;
	let edge = cx.b.binary_scalar(BinaryFn::Mul, &edge, cx.float("spatial_scale", 1.0)?)?;
	match shift {
		0.0 => Ok(edge),
		_ => cx.b.binary_scalar(BinaryFn::Sub, &edge, shift),
	}
}

/// The taps of one axis of every region: `[rois, out, samples, 2]`.
fn roi_taps(
	cx: &mut Cx<'_, '_>,
	rois: &Value,
	[first, size, out, samples]: [u32; 4],
) -> Result<Taps> {
	let default = if cx.opset < 16 { "output_half_pixel" } else { "half_pixel" };
	let half = cx.word("coordinate_transformation_mode", default)? == "half_pixel";
	let shift = if half { 0.5 } else { 0.0 };
	let start = roi_edge(cx, rois, first.into(), shift)?;
	let end = roi_edge(cx, rois, u64::from(first) + 2, shift)?;
	let mut extent = cx.b.binary(BinaryFn::Sub, &end, &start)?;
	if !half {
		extent = cx.b.binary_scalar(BinaryFn::Max, &extent, 1.0)?;
	}
	let bin = cx.b.binary_scalar(BinaryFn::Div, &extent, out as f32)?;
	cx.b.spend(u64::from(out) * u64::from(samples) * 4)?;
	let share = |i: u32| (f64::from(i % samples) + 0.5) / f64::from(samples);
	let bins: Vec<f32> =
		(0..out * samples).map(|i| (f64::from(i / samples) + share(i)) as f32).collect();
	let bins = Value::list_f32(&bins, vec![1, out, samples]);
	let at = cx.b.binary(BinaryFn::Mul, &bins, &bin)?;
	let at = cx.b.binary(BinaryFn::Add, &at, &start)?;
	let above = cx.b.binary_scalar(BinaryFn::GreaterOrEqual, &at, -1.0)?;
	let below = cx.b.binary_scalar(BinaryFn::LessOrEqual, &at, size as f32)?;
	let inside =
		cx.b.binary(BinaryFn::And, &above, &below)?.view(vec![rois.dims[0], out, samples, 1])?;
	let taps = taps(cx, &at, size, Method::Linear, Outside::Border)?;
	let nowhere = Value::scalar(DType::I64, NOWHERE);
	let index = cx.b.select(&inside, &taps.index, &nowhere)?;
	Ok(Taps { index, weight: taps.weight })
}

fn roi_align(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let (x, rois, batches) = (cx.float_input(0)?, cx.float_input(1)?, cx.input(2)?);
	let (&[n, channels, height, width], &[count, 4]) = (x.dims.as_slice(), rois.dims.as_slice())
	else {
		return Err(Failure::invalid("its input is no image or its regions are not [n, 4]"));
	};
	if batches.dims != [count] {
		return Err(Failure::invalid("its batch indices do not fit its regions"));
	}
	let out = dims::from_list(&[cx.int("output_height", 1), cx.int("output_width", 1)])?;
	let samples = u32::try_from(cx.int("sampling_ratio", 0)).unwrap_or(0);
	if samples == 0 || samples > 64 || out.contains(&0) {
		return Err(Failure::unsupported("sampling_ratio is not between 1 and 64")
			.help("export the model with a fixed sampling ratio"));
	}
	check_dims(&[out[0], out[1], samples, samples, 4])?;
	let y = roi_taps(cx, &rois, [1, height, out[0], samples])?;
	let x_taps = roi_taps(cx, &rois, [0, width, out[1], samples])?;
	let view = |taps: Taps, dims: [u32; 7]| -> Result<Taps> {
		let weight = taps.weight.map(|weight| weight.view(dims.to_vec())).transpose()?;
		Ok(Taps { index: taps.index.view(dims.to_vec())?, weight })
	};
	let axes = [
		view(y, [count, out[0], 1, samples, 1, 2, 1])?,
		view(x_taps, [count, 1, out[1], 1, samples, 1, 2])?,
	];
	let (flat, weight) = joined(cx, &axes, &[height, width])?;
	let area = height * width;
	let image = super::index::wrapped(cx, &batches.view(vec![count, 1, 1, 1, 1, 1, 1])?, n)?;
	let image = times(cx, &image, area.into())?;
	let index = cx.b.binary(BinaryFn::Add, &flat, &image)?;
	let x = channels_first(cx, &x, [n, channels, area])?;
	let taken = gathered(cx, &x, &index)?;
	let weight = weight.ok_or_else(|| Failure::invalid("it has no samples"))?;
	let parts = cx.b.binary(BinaryFn::Mul, &taken, &weight)?;
	let terms = samples * samples * 4;
	let parts = parts.view(vec![channels, count, out[0] * out[1], terms])?;
	let y = match cx.word("mode", "avg")? {
		"max" => cx.b.reduce_last(ReduceFn::Max, &parts)?,
		_ => {
			let sum = cx.b.reduce_last(ReduceFn::Sum, &parts)?;
			cx.b.binary_scalar(BinaryFn::Div, &sum, (samples * samples) as f32)?
		},
	};
	cx.b.transpose(&y, &[1, 0, 2])?.view(vec![count, channels, out[0], out[1]])
}

/// Sizes of a deformable convolution.
struct Deformed {
	/// Images times groups of offsets.
	batch: u32,
	/// Height and width of the kernel and of the result.
	kernel: [u32; 2],
	out: [u32; 2],
}

impl Deformed {
	fn entries(&self) -> u32 {
		self.kernel[0] * self.kernel[1]
	}

	fn places(&self) -> u32 {
		self.out[0] * self.out[1]
	}

	/// The coordinates along axis `d` of every entry of every window: where it would lie, plus its
	/// offset; `[batch, entries · places]`.
	fn coordinates(
		&self,
		cx: &mut Cx<'_, '_>,
		offset: &Value,
		d: usize,
		axis: &Axis,
	) -> Result<Value> {
		let (entries, places) = (self.entries(), self.places());
		let start = |entry: u32, place: u32| {
			let (width, columns) = (self.kernel[1], self.out[1]);
			let (k, o) = match d {
				0 => (entry / width, place / columns),
				_ => (entry % width, place % columns),
			};
			let at =
				i64::from(o) * i64::from(axis.stride) + i64::from(k) * i64::from(axis.dilation);
			(at - i64::from(axis.before)) as f32
		};
		cx.b.spend(u64::from(entries) * u64::from(places) * 4)?;
		let base: Vec<f32> = (0..entries)
			.flat_map(|entry| (0..places).map(move |place| (entry, place)))
			.map(|(entry, place)| start(entry, place))
			.collect();
		let base = Value::list_f32(&base, vec![entries, places]);
		let first = d as u64 * u64::from(places);
		let step = i64::from(places) * 2;
		let steps = [i64::from(entries) * step, step, 1];
		let part = cx.b.strided(offset, vec![self.batch, entries, places], first, &steps)?;
		cx.b.binary(BinaryFn::Add, &part, &base)?.view(vec![self.batch, entries * places])
	}
}

/// The image sampled at displaced places of every window, then a convolution's product.
fn deform_conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let (x, weight, offset) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	let fail = || Failure::invalid("the shapes of its input, weights and offsets do not fit");
	let (&[n, c, h, w], &[filters, per_group, kh, kw], &[_, _, oh, ow]) =
		(x.dims.as_slice(), weight.dims.as_slice(), offset.dims.as_slice())
	else {
		return Err(Failure::unsupported("it is supported for two spatial dimensions"));
	};
	let number = |name: &str| u32::try_from(cx.int(name, 1)).unwrap_or(0);
	let (groups, offset_groups) = (number("group"), number("offset_group"));
	if groups == 0 || offset_groups == 0 || c % groups != 0 || c % offset_groups != 0 {
		return Err(fail());
	}
	let kernel = [i64::from(kh), i64::from(kw)];
	let plane = Windows::new(cx, &[h, w], &kernel)?.plane()?;
	// Groups divide the channels, so that this is less than the input's size.
	let sizes = Deformed { batch: n * offset_groups, kernel: [kh, kw], out: [oh, ow] };
	let (entries, places) = (sizes.entries(), sizes.places());
	let offsets = product(&[sizes.batch, entries, 2]).saturating_mul(places.into());
	let fits = per_group == c / groups
		&& filters % groups == 0
		&& plane.map(|axis| axis.out) == sizes.out
		&& offset.elements() == offsets;
	if !fits {
		return Err(fail());
	}
	let mut axes = Vec::new();
	for (d, axis) in plane.iter().enumerate() {
		let at = sizes.coordinates(cx, &offset, d, axis)?;
		axes.push(spread(taps(cx, &at, axis.size, Method::Linear, Outside::Zeros)?, d, 2)?);
	}
	let (flat, weights) = joined(cx, &axes, &[h, w])?;
	let own = c / offset_groups;
	let mut y = sampled(cx, &x, [sizes.batch, own], &[h, w], &flat, weights)?;
	if cx.optional(4).is_some() {
		let mask = cx.float_input(4)?.view(vec![sizes.batch, entries * places])?;
		y = cx.b.binary(BinaryFn::Mul, &y, &mask)?;
	}
	// [own, batch, entries · places] to [n · groups, places, channels of the group · entries].
	let y = cx.b.transpose(&y, &[1, 0, 2])?;
	let y = y.view(vec![n * groups, per_group, entries, places])?;
	let b = cx.b.transpose(&y, &[0, 3, 1, 2])?;
	let terms = per_group * entries;
	let b = b.view(vec![n * groups, places, terms])?;
	let rows = filters / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let bias = match cx.optional(3) {
		None => None,
		Some(_) => {
			let dims = if groups == 1 { vec![rows] } else { vec![groups, rows] };
			Some((Bias::Row, cx.float_input(3)?.view(dims)?))
		},
	};
	cx.b.matmul(a, b, bias, n * groups)?.view(vec![n, filters, oh, ow])
}
