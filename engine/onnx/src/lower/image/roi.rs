//! `RoiAlign`: regions of images brought to one size.

use assay_referee::{BinaryFn, DType, ReduceFn};

use super::roi_adaptive;
use super::taps::{channels_first, gathered, joined, taps, Method, Outside, Taps, NOWHERE};
use crate::{
	dims::{self, check_dims},
	error::{Failure, Result},
	ir::Value,
	lower::{
		movement::index::{times, wrapped},
		Cx,
	},
};

/// Column `i` of `rois`, scaled and shifted, `[rois, 1, 1]`.
fn roi_edge(cx: &mut Cx<'_, '_>, rois: &Value, i: u64, shift: f32) -> Result<Value> {
	let edge = cx.b.strided(rois, vec![rois.dims[0], 1, 1], i, &[4, 0, 0])?;
	let edge = cx.b.binary_scalar(BinaryFn::Mul, &edge, cx.float("spatial_scale", 1.0)?)?;
	match shift {
		0.0 => Ok(edge),
		_ => cx.b.binary_scalar(BinaryFn::Sub, &edge, shift),
	}
}

/// Where the bins of one axis of every region start, and how long each of `out` is, both `[rois, 1, 1]`.
fn roi_bins(cx: &mut Cx<'_, '_>, rois: &Value, [first, out]: [u32; 2]) -> Result<[Value; 2]> {
	let default = if cx.opset < 16 { "output_half_pixel" } else { "half_pixel" };
	let half = match cx.word("coordinate_transformation_mode", default)? {
		"half_pixel" => true,
		"output_half_pixel" => false,
		_ => return Err(Failure::invalid("its coordinate_transformation_mode does not exist")),
	};
	let shift = if half { 0.5 } else { 0.0 };
	let start = roi_edge(cx, rois, first.into(), shift)?;
	let end = roi_edge(cx, rois, u64::from(first) + 2, shift)?;
	let mut extent = cx.b.binary(BinaryFn::Sub, &end, &start)?;
	if !half {
		extent = cx.b.binary_scalar(BinaryFn::Max, &extent, 1.0)?;
	}
	let bin = cx.b.binary_scalar(BinaryFn::Div, &extent, out as f32)?;
	Ok([start, bin])
}

/// The taps of one axis of every region: `[rois, out, samples, 2]`.
fn roi_taps(
	cx: &mut Cx<'_, '_>,
	rois: &Value,
	[first, size, out, samples]: [u32; 4],
) -> Result<Taps> {
	let [start, bin] = roi_bins(cx, rois, [first, out])?;
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

pub(crate) fn roi_align(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
	let samples = u32::try_from(cx.int("sampling_ratio", 0)).unwrap_or(u32::MAX);
	if samples > 64 || out.contains(&0) {
		return Err(Failure::unsupported("sampling_ratio is not between 0 and 64, or a size is 0")
			.help("export the model with a fixed sampling ratio"));
	}
	if samples == 0 {
		return adaptive(cx, &x, &rois, &batches, [out[0], out[1]]);
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
	let image = wrapped(cx, &batches.view(vec![count, 1, 1, 1, 1, 1, 1])?, n)?;
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
		"avg" => {
			let sum = cx.b.reduce_last(ReduceFn::Sum, &parts)?;
			cx.b.binary_scalar(BinaryFn::Div, &sum, (samples * samples) as f32)?
		},
		_ => return Err(Failure::invalid("its mode is neither avg nor max")),
	};
	cx.b.transpose(&y, &[1, 0, 2])?.view(vec![count, channels, out[0], out[1]])
}

/// With as many samples as a region needs.
fn adaptive(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	rois: &Value,
	batches: &Value,
	[rows, columns]: [u32; 2],
) -> Result<Value> {
	match cx.word("mode", "avg")? {
		"avg" => {},
		"max" => {
			return Err(Failure::unsupported("sampling_ratio=0 with mode=max is not supported")
				.help("export the model with a fixed sampling ratio"));
		},
		_ => return Err(Failure::invalid("its mode is neither avg nor max")),
	}
	let (n, height, width) = (x.dims[0], x.dims[2], x.dims[3]);
	let [start, bin] = roi_bins(cx, rois, [1, rows])?;
	let down = roi_adaptive::weights(cx, &start, &bin, [height, rows])?;
	let [start, bin] = roi_bins(cx, rois, [0, columns])?;
	let across = roi_adaptive::weights(cx, &start, &bin, [width, columns])?;
	let image = wrapped(cx, batches, n)?;
	roi_adaptive::means(cx, x, &image, &down, &across)
}
