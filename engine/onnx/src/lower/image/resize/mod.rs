//! `Resize` and `Upsample`: each axis by itself, the last first.
//!
//! Nearest is a gather, or a strided view where every element repeats equally often. Linear and
//! cubic are a weighted sum of gathered taps along an axis; the weights are computed when the model
//! is compiled, in f64, and rounded once.

mod whole;

use assay_referee::{BinaryFn, DType, MAX_RANK};

use crate::{
	dims::{self, axis},
	error::{shown, ErrorKind, Failure, Result, KNOWN_SHAPES},
	ir::Value,
	lower::{movement::gather::gather_along, Cx},
};

/// Most taps that one element of an axis is summed from; larger steps are a downscaling with
/// antialiasing by a factor that no model has.
const MAX_TAPS: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
	Nearest,
	Linear,
	Cubic,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coordinates {
	HalfPixel,
	HalfPixelSymmetric,
	PytorchHalfPixel,
	AlignCorners,
	Asymmetric,
	TfCropAndResize,
}

/// How a sampling position becomes an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
	PreferFloor,
	PreferCeil,
	Floor,
	Ceil,
}

/// What holds for all axes.
struct Rule {
	mode: Mode,
	coordinates: Coordinates,
	rounding: Rounding,
	cubic_a: f64,
	exclude_outside: bool,
	antialias: bool,
	/// What takes the place of samples outside of a crop.
	extrapolation: f32,
}

/// One axis: from `input` to `output` elements.
struct Axis {
	input: u32,
	output: u32,
	scale: f64,
	/// Part of the axis that is taken, for cropping.
	roi: (f64, f64),
}

pub(crate) fn resize(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	if x.elements() == 0 {
		return Err(Failure::unsupported("its input is empty"));
	}
	let rule = rule(cx)?;
	let list = match cx.ints("axes") {
		Some(list) => list.to_vec(),
		None => (0..x.rank() as i64).collect(),
	};
	dims::axes(&list, x.rank())?;
	let at = list.iter().map(|&a| axis(a, x.rank())).collect::<Result<Vec<_>>>()?;
	// Before operator set 11 the scales were the second input.
	let (roi, scales) = if cx.opset < 11 { (None, 1) } else { (float_list(cx, 1)?, 2) };
	let roi = roi.filter(|_| rule.coordinates == Coordinates::TfCropAndResize);
	let scales = float_list(cx, scales)?;
	let sizes = cx.list_input(3)?.filter(|sizes| !sizes.is_empty());
	let mut plan = Vec::new();
	match (scales, sizes) {
		(Some(scales), None) if scales.len() == at.len() => {
			for (&d, &scale) in at.iter().zip(&scales) {
				plan.push((d, scaled_axis(x.dims[d], scale)?));
			}
		},
		(None, Some(sizes)) if sizes.len() == at.len() => plan = sized_axes(cx, &x, &at, &sizes)?,
		_ => return Err(Failure::invalid("it needs one scale or one size for every axis")),
	}
	if let Some(roi) = roi {
		if roi.len() != at.len() * 2 {
			return Err(Failure::invalid("its region does not fit its axes"));
		}
		for (i, (_, axis)) in plan.iter_mut().enumerate() {
			axis.roi = (roi[i].into(), roi[i + at.len()].into());
		}
	}
	apply(cx, x, &rule, plan)
}

pub(crate) fn upsample(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let scales = match cx.floats("scales") {
		Some(list) => Some(list.to_vec()),
		None => float_list(cx, 1)?,
	};
	let scales = scales.filter(|scales| scales.len() == x.rank());
	let scales = scales.ok_or_else(|| Failure::invalid("it needs one scale for every axis"))?;
	let mode = mode(cx)?;
	let rule = Rule {
		mode,
		coordinates: Coordinates::Asymmetric,
		rounding: Rounding::Floor,
		cubic_a: -0.75,
		exclude_outside: false,
		antialias: false,
		extrapolation: 0.0,
	};
	let mut plan = Vec::new();
	for (d, &scale) in scales.iter().enumerate() {
		plan.push((d, scaled_axis(x.dims[d], scale)?));
	}
	apply(cx, x, &rule, plan)
}

fn unknown<T>(name: &str, word: &str) -> Result<T> {
	Err(Failure::unsupported(format!("{name}=`{}`", shown(word))))
}

fn mode(cx: &Cx<'_, '_>) -> Result<Mode> {
	match cx.word("mode", "nearest")? {
		"nearest" => Ok(Mode::Nearest),
		"linear" | "bilinear" => Ok(Mode::Linear),
		"cubic" => Ok(Mode::Cubic),
		other => unknown("mode", other),
	}
}

fn rule(cx: &Cx<'_, '_>) -> Result<Rule> {
	let old = cx.opset < 11;
	let default = if old { "asymmetric" } else { "half_pixel" };
	let coordinates = match cx.word("coordinate_transformation_mode", default)? {
		"half_pixel" => Coordinates::HalfPixel,
		"half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
		"pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
		"align_corners" => Coordinates::AlignCorners,
		"asymmetric" => Coordinates::Asymmetric,
		"tf_crop_and_resize" => Coordinates::TfCropAndResize,
		other => return unknown("coordinate_transformation_mode", other),
	};
	let default = if old { "floor" } else { "round_prefer_floor" };
	let rounding = match cx.word("nearest_mode", default)? {
		"round_prefer_floor" => Rounding::PreferFloor,
		"round_prefer_ceil" => Rounding::PreferCeil,
		"floor" => Rounding::Floor,
		"ceil" => Rounding::Ceil,
		other => return unknown("nearest_mode", other),
	};
	Ok(Rule {
		mode: mode(cx)?,
		coordinates,
		rounding,
		cubic_a: cx.float("cubic_coeff_a", -0.75)?.into(),
		exclude_outside: cx.flag("exclude_outside"),
		antialias: cx.flag("antialias"),
		extrapolation: cx.float("extrapolation_value", 0.0)?,
	})
}

/// Input `i` as a list of numbers; `None` where it is missing or empty.
fn float_list(cx: &Cx<'_, '_>, i: usize) -> Result<Option<Vec<f32>>> {
	let Some(value) = cx.optional(i) else { return Ok(None) };
	if !value.is_constant() {
		return Err(Failure::new(
			ErrorKind::DynamicShape,
			"its scales or region depend on the model's input",
		)
		.help(KNOWN_SHAPES));
	}
	match value.floats() {
		Some(list) if list.iter().all(|x| x.is_finite()) => {
			Ok(Some(list).filter(|list| !list.is_empty()))
		},
		_ => Err(Failure::invalid(format!("its input {i} is not a list of numbers"))),
	}
}

fn scaled_axis(input: u32, scale: f32) -> Result<Axis> {
	// In f32, as every implementation does it: 10 · 0.7 is 7, though 0.7 lies below seven tenths.
	let output = (input as f32 * scale).floor();
	if !(scale > 0.0 && (1.0..=u32::MAX as f32).contains(&output)) {
		return Err(Failure::invalid(format!("a scale of {scale} for an axis of {input}")));
	}
	Ok(Axis { input, output: output as u32, scale: scale.into(), roi: (0.0, 1.0) })
}

/// Axes of given sizes; a policy may keep their ratio.
fn sized_axes(
	cx: &Cx<'_, '_>,
	x: &Value,
	at: &[usize],
	sizes: &[i64],
) -> Result<Vec<(usize, Axis)>> {
	let sizes = dims::from_list(sizes)?;
	let ratios: Vec<f64> =
		at.iter().zip(&sizes).map(|(&d, &size)| f64::from(size) / f64::from(x.dims[d])).collect();
	let kept = match cx.word("keep_aspect_ratio_policy", "stretch")? {
		"stretch" => None,
		"not_larger" => Some(ratios.iter().copied().fold(f64::INFINITY, f64::min)),
		"not_smaller" => Some(ratios.iter().copied().fold(0.0, f64::max)),
		other => return unknown("keep_aspect_ratio_policy", other),
	};
	let axes = at.iter().zip(sizes).zip(ratios).map(|((&d, size), ratio)| {
		let input = x.dims[d];
		let (output, scale) = match kept {
			None => (size, ratio),
			Some(scale) => ((scale * f64::from(input)).round() as u32, scale),
		};
		match output {
			0 => Err(Failure::invalid("a size is 0")),
			output => Ok((d, Axis { input, output, scale, roi: (0.0, 1.0) })),
		}
	});
	axes.collect()
}

fn apply(
	cx: &mut Cx<'_, '_>,
	x: Value,
	rule: &Rule,
	mut plan: Vec<(usize, Axis)>,
) -> Result<Value> {
	let mut out = x.dims.clone();
	for (d, axis) in &plan {
		out[*d] = axis.output;
	}
	dims::check_dims(&out)?;
	let crops = rule.coordinates == Coordinates::TfCropAndResize;
	plan.retain(|(_, axis)| axis.input != axis.output || axis.scale != 1.0 || crops);
	let is_whole = x.dtype != DType::F32;
	if rule.mode == Mode::Cubic && is_whole && !plan.is_empty() {
		return Err(Failure::new(
			ErrorKind::UnsupportedType,
			format!("cubic interpolation is not supported for {:?}", x.dtype),
		)
		.help("cast to float32 before this node"));
	}
	let mut y = x;
	if rule.mode == Mode::Nearest {
		y = nearest(cx, y, rule, &plan)?;
	} else if is_whole && !plan.is_empty() {
		y = whole::resized(cx, &y, rule, &plan)?;
	} else {
		// What grows most is computed last: the fewest elements pass through the sums.
		plan.sort_by(|a, b| a.1.scale.total_cmp(&b.1.scale).then(b.0.cmp(&a.0)));
		for (d, axis) in &plan {
			y = weighted(cx, &y, *d, axis, rule)?;
		}
	}
	if crops {
		outside(cx, y, rule, &plan)
	} else {
		Ok(y)
	}
}

impl Axis {
	/// Where output element `i` is sampled, in elements of the input.
	fn position(&self, i: u32, rule: &Rule) -> f64 {
		let (i, input) = (f64::from(i), f64::from(self.input));
		// The length that the scale gives, which need not be a whole number of elements.
		let output = self.scale * input;
		match rule.coordinates {
			Coordinates::HalfPixel => (i + 0.5) / self.scale - 0.5,
			Coordinates::HalfPixelSymmetric => {
				let adjustment = f64::from(self.output) / output;
				let centre = input / 2.0;
				centre * (1.0 - adjustment) + (i + 0.5) / self.scale - 0.5
			},
			Coordinates::PytorchHalfPixel if self.output == 1 => 0.0,
			Coordinates::PytorchHalfPixel => (i + 0.5) / self.scale - 0.5,
			Coordinates::AlignCorners if self.output == 1 => 0.0,
			Coordinates::AlignCorners => i * (input - 1.0) / (output - 1.0),
			Coordinates::Asymmetric => i / self.scale,
			Coordinates::TfCropAndResize if self.output == 1 => {
				0.5 * (self.roi.0 + self.roi.1) * (input - 1.0)
			},
			Coordinates::TfCropAndResize => {
				let (start, end) = self.roi;
				start * (input - 1.0) + i * (end - start) * (input - 1.0) / (output - 1.0)
			},
		}
	}

	fn nearest(&self, i: u32, rule: &Rule) -> i64 {
		let at = self.position(i, rule);
		let rounded = match rule.rounding {
			Rounding::PreferFloor => (at - 0.5).ceil(),
			Rounding::PreferCeil => (at + 0.5).floor(),
			Rounding::Floor => at.floor(),
			Rounding::Ceil => at.ceil(),
		};
		(rounded as i64).clamp(0, self.last())
	}

	fn last(&self) -> i64 {
		i64::from(self.input) - 1
	}
}

/// The elements nearest to the sampling positions. Axes along which every element repeats equally
/// often become one view; the others are gathered.
fn nearest(
	cx: &mut Cx<'_, '_>,
	mut x: Value,
	rule: &Rule,
	plan: &[(usize, Axis)],
) -> Result<Value> {
	let mut repeats = vec![1u32; x.rank()];
	for (d, axis) in plan {
		cx.b.spend(u64::from(axis.output) * 8)?;
		let indices: Vec<i64> = (0..axis.output).map(|i| axis.nearest(i, rule)).collect();
		let times = axis.output / axis.input;
		let even = axis.output % axis.input == 0
			&& indices.iter().zip(0u32..).all(|(&at, i)| at == i64::from(i / times));
		if even {
			repeats[*d] = times
		} else {
			x = gather_along(cx, &x, &Value::list_i64(&indices), *d)?
		}
	}
	if x.rank() + repeats.iter().filter(|&&times| times > 1).count() > MAX_RANK {
		return Err(Failure::unsupported("it repeats along too many axes"));
	}
	let (mut split, mut full, mut out) = (Vec::new(), Vec::new(), Vec::new());
	for (&dim, &times) in x.dims.iter().zip(&repeats) {
		split.push(dim);
		full.push(dim);
		out.push(dim * times);
		if times > 1 {
			split.push(1);
			full.push(times);
		}
	}
	let split = x.view(split)?;
	cx.b.expand(&split, full)?.view(out)
}

/// Linear interpolation at distance `x`.
fn triangle(x: f64) -> f64 {
	(1.0 - x.abs()).max(0.0)
}

/// Cubic convolution (Keys, 1981) at distance `x`.
fn cubic(x: f64, a: f64) -> f64 {
	let x = x.abs();
	match x {
		_ if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
		_ if x < 2.0 => a * (((x - 5.0) * x + 8.0) * x - 4.0),
		_ => 0.0,
	}
}

/// One of the input elements that every output element of an axis is summed from.
#[derive(Clone, Default)]
struct Tap {
	/// Where it is, for every output element.
	indices: Vec<i64>,
	/// What it weighs there.
	weights: Vec<f32>,
}

/// The taps of an axis, in ascending order.
fn taps(cx: &mut Cx<'_, '_>, axis: &Axis, rule: &Rule) -> Result<Vec<Tap>> {
	let support = if rule.mode == Mode::Cubic { 2.0 } else { 1.0 };
	// Antialiasing stretches the filter over all elements that an output element covers.
	let stretch = if rule.antialias && axis.scale < 1.0 { axis.scale } else { 1.0 };
	let reach = (support / stretch).floor();
	let shrinks = stretch < 1.0;
	let count = 2.0 * reach + if shrinks { 2.0 } else { 0.0 };
	if count > MAX_TAPS as f64 {
		return Err(Failure::unsupported(format!("a scale of {}", axis.scale)));
	}
	cx.b.spend(u64::from(axis.output) * 12 * count as u64)?;
	let mut taps = vec![Tap::default(); count as usize];
	for i in 0..axis.output {
		let mut at = axis.position(i, rule);
		if rule.mode == Mode::Linear && !rule.antialias {
			at = at.clamp(0.0, axis.last() as f64);
		}
		let first = at.floor() - reach + if shrinks { 0.0 } else { 1.0 };
		let weight = |tap: f64| {
			let distance = (tap - at) * stretch;
			let inside = (0.0..=axis.last() as f64).contains(&tap);
			match rule.mode {
				_ if rule.exclude_outside && !inside => 0.0,
				Mode::Cubic => cubic(distance, rule.cubic_a),
				_ => triangle(distance),
			}
		};
		let row: Vec<f64> = (0..count as usize).map(|k| weight(first + k as f64)).collect();
		let sum: f64 = row.iter().sum();
		let divisor = if (rule.exclude_outside || shrinks) && sum != 0.0 { sum } else { 1.0 };
		for (k, weight) in row.into_iter().enumerate() {
			let at = (first as i64).saturating_add(k as i64).clamp(0, axis.last());
			taps[k].indices.push(at);
			taps[k].weights.push((weight / divisor) as f32);
		}
	}
	Ok(taps)
}

/// A weighted sum of gathered taps along one axis, in ascending order of taps.
fn weighted(cx: &mut Cx<'_, '_>, x: &Value, d: usize, axis: &Axis, rule: &Rule) -> Result<Value> {
	let taps = taps(cx, axis, rule)?;
	let mut line = vec![1; x.rank() - d];
	line[0] = axis.output;
	let mut sum: Option<Value> = None;
	for Tap { indices, weights } in &taps {
		if weights.iter().all(|&weight| weight == 0.0) {
			continue;
		}
		let tap = gather_along(cx, x, &Value::list_i64(indices), d)?;
		let part = cx.b.binary(BinaryFn::Mul, &tap, &Value::list_f32(weights, line.clone()))?;
		sum = Some(match sum {
			None => part,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &part)?,
		});
	}
	sum.ok_or_else(|| Failure::invalid("all its weights are 0"))
}

/// Puts the extrapolation value where a crop samples outside of the input.
fn outside(cx: &mut Cx<'_, '_>, y: Value, rule: &Rule, plan: &[(usize, Axis)]) -> Result<Value> {
	let mut y = y;
	let fill = match y.dtype {
		DType::F32 => Value::scalar_f32(rule.extrapolation),
		other => cx.b.cast(&Value::scalar_f32(rule.extrapolation), other)?,
	};
	for (d, axis) in plan {
		cx.b.spend(axis.output.into())?;
		let inside: Vec<u8> = (0..axis.output)
			.map(|i| (0.0..=axis.last() as f64).contains(&axis.position(i, rule)).into())
			.collect();
		if inside.contains(&0) {
			let mut line = vec![1; y.rank() - d];
			line[0] = axis.output;
			let inside = Value::constant(DType::Bool, line, inside);
			y = cx.b.select(&inside, &y, &fill)?;
		}
	}
	Ok(y)
}
