//! Signals: windows, the discrete Fourier transform and the mel scale. What depends on sizes only
//! becomes a constant; transforms are products with constant matrices, computed in binary64 and
//! rounded once.

mod series;

use assay_referee::{BinaryFn, DType};

use crate::{
	dims::{self, axis},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::{
		contraction::windows::{unfold, Axis},
		movement::ranges::{self, Range},
		Cx,
	},
	read,
};
use series::{cos_sin, exp10, log10};

/// Input `i` where it must be one constant whole number.
fn whole(cx: &Cx<'_, '_>, i: usize) -> Result<Option<i64>> {
	match cx.list_input(i)?.as_deref() {
		None => Ok(None),
		Some(&[number]) => Ok(Some(number)),
		Some(_) => Err(Failure::invalid(format!("its input {i} is not one number"))),
	}
}

/// Input `i`, a size.
fn size(cx: &Cx<'_, '_>, i: usize) -> Result<u32> {
	let number =
		whole(cx, i)?.ok_or_else(|| Failure::invalid(format!("its input {i} is missing")))?;
	match dims::from_list(&[number])?[0] {
		0 => Err(Failure::unsupported("its result is empty")),
		size => Ok(size),
	}
}

/// A constant of the element type that the node asks for, `f32` where it asks for none.
fn typed(cx: &mut Cx<'_, '_>, values: &[f32], dims: Vec<u32>) -> Result<Value> {
	let number = i32::try_from(cx.int("output_datatype", 1)).unwrap_or(0);
	let dtype = read::element(number)?.computed();
	cx.b.cast(&Value::list_f32(values, dims), dtype)
}

pub(crate) fn hann_window(cx: &mut Cx<'_, '_>) -> Result<Value> {
	window(cx, &[0.5, -0.5])
}

pub(crate) fn hamming_window(cx: &mut Cx<'_, '_>) -> Result<Value> {
	window(cx, &[25.0 / 46.0, -21.0 / 46.0])
}

pub(crate) fn blackman_window(cx: &mut Cx<'_, '_>) -> Result<Value> {
	window(cx, &[0.42, -0.5, 0.08])
}

/// `Σ c[i] cos(2π i n / N)`.
fn window(cx: &mut Cx<'_, '_>, cosines: &[f64]) -> Result<Value> {
	let count = size(cx, 0)?;
	cx.b.spend(u64::from(count) * 4)?;
	let span = match cx.int("periodic", 1) {
		0 => u64::from(count).saturating_sub(1).max(1),
		_ => u64::from(count),
	};
	let at = |n: u64| {
		let term = |(i, c): (u64, &f64)| c * cos_sin(i * n, span).0;
		(0..).zip(cosines).map(term).sum::<f64>() as f32
	};
	let values: Vec<f32> = (0..u64::from(count)).map(at).collect();
	typed(cx, &values, vec![count])
}

/// Triangles on the mel scale over the bins of a spectrum, `[bins, mel bins]`.
pub(crate) fn mel_weights(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (mel_bins, length, rate) = (size(cx, 0)?, size(cx, 1)?, size(cx, 2)?);
	let edge = |i: usize| {
		let value = cx.input(i)?.uniform_f32().map(f64::from);
		value.filter(|hertz| (0.0..1e9).contains(hertz)).ok_or_else(|| {
			Failure::new(ErrorKind::DynamicShape, "its edges are not constant frequencies")
		})
	};
	let (low, high) = (edge(3)?, edge(4)?);
	let bins = length / 2 + 1;
	cx.b.spend(u64::from(bins) * u64::from(mel_bins) * 8 + u64::from(mel_bins) * 8)?;
	let mel = |hertz: f64| 2595.0 * log10(1.0 + hertz / 700.0);
	let step = (mel(high) - mel(low)) / (f64::from(mel_bins) + 2.0);
	let edges: Vec<i64> = (0..u64::from(mel_bins) + 2)
		.map(|i| {
			let hertz = 700.0 * (exp10((i as f64 * step + mel(low)) / 2595.0) - 1.0);
			((f64::from(length) + 1.0) * hertz / f64::from(rate)).floor() as i64
		})
		.collect();
	let mut weights = vec![0f32; bins as usize * mel_bins as usize];
	for (column, edges) in edges.windows(3).enumerate() {
		let column = weights.iter_mut().skip(column).step_by(mel_bins as usize);
		triangle([edges[0], edges[1], edges[2]], column);
	}
	typed(cx, &weights, vec![bins, mel_bins])
}

/// Rises from 0 at `low` to 1 at `centre` and falls to 0 at `high`.
fn triangle<'a>([low, centre, high]: [i64; 3], column: impl Iterator<Item = &'a mut f32>) {
	let share = |part: i64, whole: i64| (part as f64 / whole as f64) as f32;
	for (row, weight) in (0i64..).zip(column) {
		if row == centre {
			*weight = 1.0;
		} else if (low..centre).contains(&row) {
			*weight = share(row - low, centre - low);
		} else if (centre..high).contains(&row) {
			*weight = share(high - row, high - centre);
		}
	}
}

/// The transform as a matrix `[bins · 2, length · parts]`: real and imaginary part of each bin from
/// `parts` (real, or real and imaginary) of each element.
fn fourier_matrix(
	cx: &mut Cx<'_, '_>,
	length: u32,
	parts: u32,
	bins: u32,
	inverse: bool,
) -> Result<Value> {
	let (rows, columns) = (u64::from(bins) * 2, u64::from(length) * u64::from(parts));
	let dims = dims::from_list(&[rows as i64, columns as i64])?;
	cx.b.spend(rows * columns * 8)?;
	let scale = if inverse { f64::from(length) } else { 1.0 };
	let mut values = Vec::new();
	for bin in 0..u64::from(bins) {
		let turn = |j: u64| {
			let (cos, sin) = cos_sin(bin * j, length.into());
			(cos / scale, if inverse { sin / scale } else { 0.0 - sin / scale })
		};
		for imaginary in [false, true] {
			for j in 0..u64::from(length) {
				let (cos, sin) = turn(j);
				let pair = if imaginary { [sin, cos] } else { [cos, 0.0 - sin] };
				values.extend(pair[..parts as usize].iter().map(|&x| x as f32));
			}
		}
	}
	Ok(Value::list_f32(&values, dims))
}

/// Rows of a product with the transform's matrix: `[rows, length · parts]` to `[rows, bins, 2]`.
fn transformed(
	cx: &mut Cx<'_, '_>,
	rows: &Value,
	parts: u32,
	bins: u32,
	inverse: bool,
) -> Result<Value> {
	let (count, columns) = (rows.dims[0], rows.dims[1]);
	let matrix = fourier_matrix(cx, columns / parts, parts, bins, inverse)?;
	let a = rows.view(vec![1, count, columns])?;
	let b = matrix.view(vec![1, bins * 2, columns])?;
	cx.b.matmul(a, b, None, 1)?.view(vec![count, bins, 2])
}

pub(crate) fn fourier(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let mut x = cx.float_input(0)?;
	let rank = x.rank();
	let parts = x.dims.last().copied().unwrap_or(0);
	if rank < 2 || !matches!(parts, 1 | 2) {
		return Err(Failure::invalid("its last axis does not hold real or complex numbers"));
	}
	let place = if cx.opset < 20 { cx.int("axis", 1) } else { whole(cx, 2)?.unwrap_or(-2) };
	let at = axis(place, rank)?;
	let (inverse, onesided) = (cx.flag("inverse"), cx.flag("onesided"));
	if at == rank - 1 || (onesided && (inverse || parts == 2)) {
		return Err(Failure::unsupported("this combination of axis, onesided and inverse"));
	}
	let length = match whole(cx, 1)? {
		None => x.dims[at],
		Some(_) => size(cx, 1)?,
	};
	if length != x.dims[at] {
		x = resized(cx, &x, at, length)?;
	}
	// The transformed axis goes before the parts.
	let mut order: Vec<usize> = (0..rank).filter(|&d| d != at && d != rank - 1).collect();
	order.extend([at, rank - 1]);
	let rows = cx.b.transpose(&x, &order)?;
	let columns = u64::from(length) * u64::from(parts);
	let count = x.elements() / columns;
	let bins = if onesided { length / 2 + 1 } else { length };
	let rows = rows.view(vec![count as u32, columns as u32])?;
	let y = transformed(cx, &rows, parts, bins, inverse)?;
	let mut dims: Vec<u32> = order[..rank - 2].iter().map(|&d| x.dims[d]).collect();
	dims.extend([bins, 2]);
	let mut back = vec![0; rank];
	for (i, &d) in order.iter().enumerate() {
		back[d] = i;
	}
	let y = y.view(dims)?;
	cx.b.transpose(&y, &back)
}

/// The first `length` elements along an axis, zeros where there are fewer.
fn resized(cx: &mut Cx<'_, '_>, x: &Value, at: usize, length: u32) -> Result<Value> {
	let mut ranges: Vec<Range> = x.dims.iter().map(|&dim| ranges::whole(dim)).collect();
	ranges[at].count = length.min(x.dims[at]);
	let cut = ranges::take(cx, x, &ranges)?;
	if cut.dims[at] == length {
		return Ok(cut);
	}
	let mut dims = cut.dims.clone();
	dims[at] = length;
	dims::check_dims(&dims)?;
	let kind = assay_referee::OpKind::Pad { before: Default::default(), fill: 0 };
	cx.b.push(kind, DType::F32, dims, vec![cut])
}

pub(crate) fn short_time_fourier(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let x = cx.float_input(0)?;
	let (batch, length, parts) = match *x.dims.as_slice() {
		[batch, length] => (batch, length, 1),
		[batch, length, parts @ (1 | 2)] => (batch, length, parts),
		_ => return Err(Failure::invalid("its signal is not [batch, length, 1 or 2]")),
	};
	let step = size(cx, 1)?;
	let window = cx.optional(2);
	let frame = match (whole(cx, 3)?, &window) {
		(Some(_), _) => size(cx, 3)?,
		(None, Some(window)) => window.elements() as u32,
		(None, None) => length,
	};
	if frame == 0 || frame > length || step > 1 << 16 {
		return Err(Failure::unsupported("its frames do not fit its signal"));
	}
	let along = Axis {
		size: length,
		kernel: frame,
		stride: step,
		dilation: 1,
		before: 0,
		after: 0,
		out: (length - frame) / step + 1,
	};
	let across = Axis { size: parts, kernel: parts, stride: 1, out: 1, ..along };
	let mut frames = unfold(cx, &x, [batch, 1], &[along, across], 1, 0)?;
	if let Some(window) = window {
		let window = window.view(vec![frame, 1])?;
		let window = cx.b.expand(&window, vec![frame, parts])?.view(vec![frame * parts])?;
		frames = cx.b.binary(BinaryFn::Mul, &frames, &window)?;
	}
	let bins = match cx.int("onesided", 1) {
		0 => frame,
		_ if parts == 2 => return Err(Failure::unsupported("onesided=1 of a complex signal")),
		_ => frame / 2 + 1,
	};
	let rows = u64::from(batch) * u64::from(along.out);
	let rows = frames.view(vec![rows as u32, frame * parts])?;
	transformed(cx, &rows, parts, bins, false)?.view(vec![batch, along.out, bins, 2])
}
