//! Linear `Resize` of whole numbers, to the bit as onnxruntime rounds: what lies around a sampling position is
//! weighted in one sum over all axes, and the sum is cut to a whole number. Places and weights are computed in f32,
//! as there; a byte more or less would be seen.
//!
//! 8-bit images whose channels lie last have weights of ten bits and sums of whole numbers.

use assay_referee::{BinaryFn, DType};

use super::{Axis, Coordinates, Rule};
use crate::{
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::{movement::gather::gather_along, Cx},
};

/// Bits of a weight where sums are of whole numbers.
const WEIGHT_BITS: u32 = 10;
const WEIGHT_UNIT: f32 = (1 << WEIGHT_BITS) as f32;

/// The two neighbours of every sampling position of an axis, and what each weighs.
struct Line {
	at: usize,
	size: u32,
	indices: [Vec<i64>; 2],
	weights: [Vec<f32>; 2],
}

/// Resizes along `plan`; the other axes stay.
///
/// # Errors
///
/// Types that onnxruntime does not resize, and antialiasing.
pub(super) fn resized(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	rule: &Rule,
	plan: &[(usize, Axis)],
) -> Result<Value> {
	let unsupported = |what: &str| {
		let kind = ErrorKind::UnsupportedType;
		Failure::new(kind, format!("{what} is not supported for {:?}", x.dtype))
			.help("cast to float32 before this node")
	};
	if !matches!(x.dtype, DType::U8 | DType::I8 | DType::I32) || x.element != x.dtype.into() {
		return Err(unsupported("linear interpolation"));
	}
	if rule.antialias || rule.exclude_outside {
		return Err(unsupported("antialiasing, or leaving out what lies outside,"));
	}
	let is_resized = |d: usize| plan.iter().any(|(at, _)| *at == d);
	let rank = x.rank();
	let channels_last = rank == 4 && is_resized(1) && !is_resized(0) && !is_resized(3);
	// The axes that one sum goes over, those among them that stay too: at their end the sum has other halves.
	let axes: Vec<usize> = match rank {
		4 if channels_last => vec![1, 2],
		2 | 4 if !(0..rank - 2).any(is_resized) => vec![rank - 2, rank - 1],
		3 | 5 if !(0..rank - 3).any(is_resized) => vec![rank - 3, rank - 2, rank - 1],
		_ => (0..rank).filter(|&d| is_resized(d)).collect(),
	};
	let by_whole = channels_last && x.dtype != DType::I32;
	let mut lines = Vec::new();
	for d in axes {
		let own = plan.iter().find(|(at, _)| *at == d).map(|(_, axis)| axis);
		lines.push(line(cx, (d, x.dims[d]), own, rule, by_whole)?);
	}
	if by_whole {
		return by_whole_weights(cx, x, &lines);
	}
	let sum = weighted(cx, x, &lines, DType::F32, |cx, weights, dims| {
		cx.b.spend(weights.len() as u64 * 4)?;
		Ok(Value::list_f32(weights, dims))
	})?;
	cx.b.cast(&sum, x.dtype)
}

/// Sums of products of whole numbers, from which the bits of two weights are cut.
fn by_whole_weights(cx: &mut Cx<'_, '_>, x: &Value, lines: &[Line]) -> Result<Value> {
	let sum = weighted(cx, x, lines, DType::I32, |cx, weights, dims| {
		cx.b.spend(weights.len() as u64 * 4)?;
		let bytes =
			weights.iter().flat_map(|&weight| ((weight * WEIGHT_UNIT) as i32).to_le_bytes());
		Ok(Value::constant(DType::I32, dims, bytes.collect()))
	})?;
	let mean =
		cx.b.binary(BinaryFn::Div, &sum, &Value::scalar(DType::I32, 1 << (2 * WEIGHT_BITS)))?;
	cx.b.cast(&mean, x.dtype)
}

/// The neighbours along an axis of so many elements; `by_whole` cuts places to the bits of weights.
fn line(
	cx: &mut Cx<'_, '_>,
	(at, input): (usize, u32),
	axis: Option<&Axis>,
	rule: &Rule,
	by_whole: bool,
) -> Result<Line> {
	let size = axis.map_or(input, |axis| axis.output);
	cx.b.spend(u64::from(size) * 24)?;
	let mut line = Line { at, size, indices: Default::default(), weights: Default::default() };
	let last = input - 1;
	for i in 0..size {
		let place = axis.map_or(i as f32, |axis| position(axis, i, rule));
		let mut place = place.min(last as f32).max(0.0);
		if by_whole {
			place = (place * WEIGHT_UNIT).trunc() / WEIGHT_UNIT;
		}
		let low = (place as u32).min(last);
		let high = low.saturating_add(1).min(last);
		// Each weighs as much as the other one is away; where both are one, half.
		let (to_low, to_high) = if low == high {
			(0.5, 0.5)
		} else {
			((place - low as f32).abs(), (place - high as f32).abs())
		};
		for (side, (index, weight)) in [(low, to_high), (high, to_low)].into_iter().enumerate() {
			line.indices[side].push(index.into());
			line.weights[side].push(weight);
		}
	}
	Ok(line)
}

/// Where output element `i` is sampled, as [`Axis::position`], in f32.
fn position(axis: &Axis, i: u32, rule: &Rule) -> f32 {
	let (i, scale) = (i as f32, axis.scale as f32);
	let (input, output) = (axis.input as f32, axis.output as f32);
	if scale == 1.0 && rule.coordinates != Coordinates::TfCropAndResize {
		return i;
	}
	match rule.coordinates {
		Coordinates::HalfPixel => (i + 0.5) / scale - 0.5,
		Coordinates::HalfPixelSymmetric => {
			let adjustment = output / (scale * input);
			let offset = input / 2.0 * (1.0 - adjustment);
			// The offset is a float, the rest is not.
			(f64::from(offset) + (f64::from(i) + 0.5) / f64::from(scale) - 0.5) as f32
		},
		Coordinates::PytorchHalfPixel if axis.output == 1 => 0.0,
		Coordinates::PytorchHalfPixel => (i + 0.5) / scale - 0.5,
		Coordinates::AlignCorners if axis.output == 1 => 0.0,
		Coordinates::AlignCorners => i * (input - 1.0) / (output - 1.0),
		Coordinates::Asymmetric => i / scale,
		Coordinates::TfCropAndResize => {
			let (start, end) = (axis.roi.0 as f32, axis.roi.1 as f32);
			if axis.output == 1 {
				(0.5 * (f64::from(start) + f64::from(end)) * f64::from(input - 1.0)) as f32
			} else {
				start * (input - 1.0) + i * (end - start) * (input - 1.0) / (output - 1.0)
			}
		},
	}
}

/// The sum over all corners of what lies there times the product of its weights, the last axis' first: corner
/// after corner, the last axis' two sides beside each other.
fn weighted(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	lines: &[Line],
	dtype: DType,
	constant: impl Fn(&mut Cx<'_, '_>, &[f32], Vec<u32>) -> Result<Value>,
) -> Result<Value> {
	let mut corners = vec![(cx.b.cast(x, dtype)?, Vec::new())];
	for line in lines {
		let mut next = Vec::new();
		for (value, sides) in &corners {
			for side in 0..2 {
				let indices = Value::list_i64(&line.indices[side]);
				let taken = gather_along(cx, value, &indices, line.at)?;
				let sides: Vec<usize> = sides.iter().copied().chain([side]).collect();
				next.push((taken, sides));
			}
		}
		corners = next;
	}
	let mut sum: Option<Value> = None;
	for (value, sides) in corners {
		let mut weight: Option<Value> = None;
		for (line, &side) in lines.iter().zip(&sides).rev() {
			let mut dims = vec![1; x.rank() - line.at];
			dims[0] = line.size;
			let own = constant(cx, &line.weights[side], dims)?;
			weight = Some(match weight {
				None => own,
				Some(weight) => cx.b.binary(BinaryFn::Mul, &weight, &own)?,
			});
		}
		let weight = weight.ok_or_else(|| Failure::invalid("it has no axis to resize"))?;
		let part = cx.b.binary(BinaryFn::Mul, &weight, &value)?;
		sum = Some(match sum {
			None => part,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &part)?,
		});
	}
	sum.ok_or_else(|| Failure::invalid("it has no axis to resize"))
}
