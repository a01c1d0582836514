//! Interpolation at computed places: every value gathers its neighbours and adds them up, weighted.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use crate::{
	dims::{check_dims, product, strides},
	error::{Failure, Result},
	ir::Value,
	lower::{movement::index::times, Cx},
};

/// What lies outside of the image.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Outside {
	Zeros,
	Border,
	/// Mirrored at these coordinates.
	Mirror(f32, f32),
}

/// Which neighbours count, and how much.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Method {
	Nearest,
	Linear,
	Cubic,
}

/// Neighbours along one axis: indices (`i64`) and weights, `[.., taps]`.
pub(super) struct Taps {
	pub(super) index: Value,
	pub(super) weight: Option<Value>,
}

/// An index so far outside that no sum with others lies inside; gathering it gives zero.
pub(super) const NOWHERE: i64 = -(1 << 40);

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
pub(super) fn taps(
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
	// Of the cubic kernel, the neighbours are brought inside and not the place between them, as PyTorch and
	// onnxruntime have it: beyond a border the weights still change.
	let at = match method {
		Method::Cubic => at,
		_ => brought_inside(cx, &at, size, outside)?,
	};
	let at = at.view(column)?;
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
pub(super) fn joined(
	cx: &mut Cx<'_, '_>,
	axes: &[Taps],
	sizes: &[u32],
) -> Result<(Value, Option<Value>)> {
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
pub(super) fn channels_first(cx: &mut Cx<'_, '_>, x: &Value, dims: [u32; 3]) -> Result<Value> {
	let [batch, channels, area] = dims;
	let x = x.view(vec![batch, channels, area])?;
	cx.b.transpose(&x, &[1, 0, 2])?.view(vec![channels, batch * area])
}

/// Gathers along axis 1 of `[channels, places]`: `[channels, indices..]`.
pub(super) fn gathered(cx: &mut Cx<'_, '_>, x: &Value, index: &Value) -> Result<Value> {
	let mut dims = vec![x.dims[0]];
	dims.extend_from_slice(&index.dims);
	check_dims(&dims)?;
	cx.b.push(OpKind::Gather { axis: 1 }, x.dtype, dims, vec![x.clone(), index.clone()])
}

/// The dimensions `[.., taps]` of one of `count` axes, spread so that each axis has its own place.
pub(super) fn spread(taps: Taps, axis: usize, count: usize) -> Result<Taps> {
	let view = |value: &Value| {
		let (&last, outer) = value.dims.split_last().unwrap_or((&1, &[]));
		let mut dims = outer.to_vec();
		dims.extend((0..count).map(|d| if d == axis { last } else { 1 }));
		value.view(dims)
	};
	Ok(Taps { index: view(&taps.index)?, weight: taps.weight.as_ref().map(view).transpose()? })
}

/// Values `[channels, n, places]` at flat indices `[n, places, taps..]` of each of the `n` images.
pub(super) fn sampled(
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
