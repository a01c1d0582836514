//! Operators that move or repeat elements.

use assay_referee::{DType, OpKind, StepFn, MAX_RANK};

use super::{one, Cx};
use crate::{
	dims::{self, axis, broadcast, check_dims, product, strides},
	error::{ErrorKind, Failure, Result},
	ir::{Op, Origin, Value},
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"Transpose" => transpose(cx),
		"Expand" => expand(cx),
		"Slice" => slice(cx),
		"Split" => return Some(split(cx)),
		"Concat" => concat(cx),
		"Pad" => pad(cx),
		"Gather" => gather(cx),
		"Tile" => tile(cx),
		"DepthToSpace" => depth_to_space(cx),
		"SpaceToDepth" => space_to_depth(cx),
		"CenterCropPad" => center_crop_pad(cx),
		_ => return None,
	})
}

fn transpose(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let permutation = match cx.ints("perm") {
		None => (0..x.rank()).rev().collect(),
		Some(list) => {
			let mut sorted = list.to_vec();
			sorted.sort_unstable();
			if sorted.iter().copied().ne(0..x.rank() as i64) {
				return Err(Failure::invalid(format!(
					"perm {list:?} is no permutation of {} dimensions",
					x.rank()
				)));
			}
			list.iter().map(|&i| i as usize).collect::<Vec<_>>()
		},
	};
	cx.b.transpose(&x, &permutation)
}

fn expand(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let list = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its shape is missing"))?;
	let dims = broadcast(&x.dims, &dims::from_list(&list)?)?;
	cx.b.expand(&x, dims)
}

/// Elements `start`, `start + step`, … of one axis, `count` of them.
pub(super) struct Range {
	pub(super) start: i64,
	pub(super) step: i64,
	pub(super) count: u32,
}

/// Takes a range of every axis.
pub(super) fn take(cx: &mut Cx<'_, '_>, x: &Value, ranges: &[Range]) -> Result<Value> {
	let from = strides(&x.dims);
	let dims: Vec<u32> = ranges.iter().map(|range| range.count).collect();
	if product(&dims) == 0 {
		return cx.b.strided(x, dims, 0, &from);
	}
	// The start lies inside the axis, so nothing here can overflow.
	let offset: i64 = ranges.iter().zip(&from).map(|(range, &step)| range.start * step).sum();
	let steps: Vec<i64> = ranges
		.iter()
		.zip(&from)
		.map(|(range, &step)| if range.count > 1 { range.step * step } else { 0 })
		.collect();
	cx.b.strided(x, dims, offset as u64, &steps)
}

pub(super) fn whole(dim: u32) -> Range {
	Range { start: 0, step: 1, count: dim }
}

/// The range that ONNX means by start, end and step on an axis of `dim` elements.
fn range(dim: u32, start: i64, end: i64, step: i64) -> Result<Range> {
	let dim = i64::from(dim);
	let wrap = |at: i64| if at < 0 { at.saturating_add(dim) } else { at };
	let (start, span) = match step {
		0 => return Err(Failure::invalid("a step is 0")),
		1.. => {
			let start = wrap(start).clamp(0, dim);
			(start, wrap(end).clamp(0, dim) - start)
		},
		_ => {
			let start = wrap(start).clamp(-1, dim - 1);
			(start, start - wrap(end).clamp(-1, dim - 1))
		},
	};
	let size = step.unsigned_abs();
	let count = (span.max(0) as u64).div_ceil(size) as u32;
	Ok(Range { start, step: if count > 1 { step } else { 1 }, count })
}

fn slice(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let missing = || Failure::invalid("its starts or ends are missing");
	let starts = cx.list("starts", 1)?.ok_or_else(missing)?;
	let ends = cx.list("ends", 2)?.ok_or_else(missing)?;
	let list = match cx.list("axes", 3)? {
		Some(axes) => axes,
		None => (0..starts.len() as i64).collect(),
	};
	let steps = cx.list_input(4)?.unwrap_or_else(|| vec![1; starts.len()]);
	if [ends.len(), list.len(), steps.len()] != [starts.len(); 3] {
		return Err(Failure::invalid("its starts, ends, axes and steps differ in length"));
	}
	dims::axes(&list, x.rank())?;
	let mut ranges: Vec<Range> = x.dims.iter().map(|&dim| whole(dim)).collect();
	for (i, &at) in list.iter().enumerate() {
		let at = axis(at, x.rank())?;
		ranges[at] = range(x.dims[at], starts[i], ends[i], steps[i])?;
	}
	take(cx, &x, &ranges)
}

fn split(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let at = axis(cx.int("axis", 0), x.rank())?;
	let parts = cx.node.outputs.len() as u32;
	let sizes = match cx.list("split", 1)? {
		Some(list) => dims::from_list(&list)?,
		None => {
			// The last part is smaller where the axis does not divide.
			let size = x.dims[at].div_ceil(parts.max(1));
			(0..parts)
				.map(|i| x.dims[at].saturating_sub(size.saturating_mul(i)).min(size))
				.collect()
		},
	};
	let total: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
	if sizes.len() != cx.node.outputs.len() || total != u64::from(x.dims[at]) {
		return Err(Failure::invalid(format!(
			"{sizes:?} does not split {} into {parts} parts",
			x.dims[at]
		)));
	}
	let mut start = 0;
	let mut values = Vec::new();
	for size in sizes {
		let mut ranges: Vec<Range> = x.dims.iter().map(|&dim| whole(dim)).collect();
		ranges[at] = Range { start, step: 1, count: size };
		values.push(take(cx, &x, &ranges)?);
		start += i64::from(size);
	}
	Ok(values)
}

fn concat(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let parts = cx.all_inputs()?;
	let at = axis(cx.int("axis", 1), parts[0].rank())?;
	cx.b.concat(&parts, at)
}

fn pad(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let list = cx.list("pads", 1)?.ok_or_else(|| Failure::invalid("its pads are missing"))?;
	let axes = match cx.list_input(3)? {
		Some(axes) => axes.iter().map(|&a| axis(a, x.rank())).collect::<Result<Vec<_>>>()?,
		None => (0..x.rank()).collect(),
	};
	if list.len() != axes.len() * 2 {
		return Err(Failure::invalid(format!("{} pads for {} axes", list.len(), axes.len())));
	}
	let (mut before, mut after) = (vec![0i64; x.rank()], vec![0i64; x.rank()]);
	for (i, &at) in axes.iter().enumerate() {
		let limit = i64::from(u32::MAX);
		before[at] = list[i].clamp(-limit, limit);
		after[at] = list[i + axes.len()].clamp(-limit, limit);
	}
	x = crop(cx, &x, &before, &after)?;
	let mode = cx.word("mode", "constant")?;
	match mode {
		"constant" => {
			let fill = fill_bits(cx, x.dtype)?;
			pad_constant(cx, &x, &before, &after, fill)
		},
		"reflect" | "edge" | "wrap" => pad_mirrored(cx, x, &before, &after, mode),
		other => Err(Failure::unsupported(format!("mode=`{}`", crate::error::shown(other)))),
	}
}

/// Negative pads remove elements.
fn crop(cx: &mut Cx<'_, '_>, x: &Value, before: &[i64], after: &[i64]) -> Result<Value> {
	let mut ranges = Vec::new();
	for ((&dim, &b), &a) in x.dims.iter().zip(before).zip(after) {
		let start = (-b).max(0).min(i64::from(dim));
		let count = (i64::from(dim) - start + a.min(0)).max(0);
		ranges.push(Range { start, step: 1, count: count as u32 });
	}
	take(cx, x, &ranges)
}

fn fill_bits(cx: &Cx<'_, '_>, dtype: DType) -> Result<u64> {
	if cx.has("value") {
		return Ok(cx.float("value", 0.0)?.to_bits().into());
	}
	let Some(value) = cx.optional(2) else { return Ok(0) };
	if value.dtype != dtype {
		return Err(Failure::invalid("its fill value has another element type"));
	}
	value.uniform_bits().filter(|_| value.elements() == 1).ok_or_else(|| {
		Failure::new(ErrorKind::DynamicShape, "its fill value depends on the model's input")
	})
}

fn pad_constant(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	before: &[i64],
	after: &[i64],
	fill: u64,
) -> Result<Value> {
	if before.iter().chain(after).all(|&pad| pad <= 0) {
		return Ok(x.clone());
	}
	let sizes: Vec<i64> =
		(0..x.rank()).map(|d| i64::from(x.dims[d]) + before[d].max(0) + after[d].max(0)).collect();
	let mut starts = [0u32; MAX_RANK];
	for (place, &pad) in starts.iter_mut().zip(before) {
		*place = pad.max(0) as u32;
	}
	let dims = dims::from_list(&sizes)?;
	cx.b.push(OpKind::Pad { before: starts, fill }, x.dtype, dims, vec![x.clone()])
}

/// Pads by gathering along every padded axis.
fn pad_mirrored(
	cx: &mut Cx<'_, '_>,
	mut x: Value,
	before: &[i64],
	after: &[i64],
	mode: &str,
) -> Result<Value> {
	for d in 0..x.rank() {
		let (b, a, dim) = (before[d].max(0), after[d].max(0), i64::from(x.dims[d]));
		if b + a == 0 {
			continue;
		}
		check_dims(&dims::from_list(&[dim + b + a])?)?;
		cx.b.spend((dim + b + a) as u64 * 8)?;
		if mode == "reflect" && (b >= dim || a >= dim) {
			return Err(Failure::invalid("it reflects more elements than there are"));
		}
		let at = |i: i64| match mode {
			"edge" => i.clamp(0, dim - 1),
			"wrap" => i.rem_euclid(dim.max(1)),
			_ if i < 0 => -i,
			_ if i >= dim => 2 * (dim - 1) - i,
			_ => i,
		};
		let indices: Vec<i64> = (-b..dim + a).map(at).collect();
		x = gather_along(cx, &x, &Value::list_i64(&indices), d)?;
	}
	Ok(x)
}

/// `x` at `indices` along one axis.
pub(super) fn gather_along(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	indices: &Value,
	at: usize,
) -> Result<Value> {
	let mut dims = x.dims[..at].to_vec();
	dims.extend_from_slice(&indices.dims);
	dims.extend_from_slice(&x.dims[at + 1..]);
	check_dims(&dims)?;
	if product(&dims) == 0 && x.is_constant() && indices.is_constant() {
		return Ok(Value::constant(x.dtype, dims, Vec::new()));
	}
	if let Some((op, table)) =
		over_table(cx, x, TABLE_STEPS).filter(|_| product(&dims) < x.elements())
	{
		let Op { kind, dtype, mut operands, .. } = op;
		let picked = gather_along(cx, &operands[table].clone(), indices, at)?;
		for operand in &mut operands {
			*operand = operand.view(vec![1; dims.len()]).unwrap_or_else(|_| picked.clone());
		}
		return cx.b.push(kind, dtype, dims, operands);
	}
	let operands = vec![cx.b.materialized(x)?, indices.clone()];
	cx.b.push(OpKind::Gather { axis: at as u8 }, x.dtype, dims, operands)
}

/// Most elementwise ops between a table and what takes rows of it.
const TABLE_STEPS: usize = 8;

/// The elementwise op that `x` is, where it makes a table of a constant one, and the operand that is
/// the table: a quantized embedding, of which a run needs a few rows. It may as well come after.
fn over_table(cx: &Cx<'_, '_>, x: &Value, steps: usize) -> Option<(Op, usize)> {
	let (Origin::Op(j), Some(steps)) = (&x.origin, steps.checked_sub(1)) else { return None };
	let op = cx.b.ops.get(*j)?;
	if op.dims != x.dims || StepFn::of(op.kind, op.dtype).is_none() || x.elements() == 1 {
		return None;
	}
	let mut whole = (0..op.operands.len()).filter(|&i| op.operands[i].elements() != 1);
	let (table, None) = (whole.next()?, whole.next()) else { return None };
	let value = &op.operands[table];
	let constant = value.is_constant() || over_table(cx, value, steps).is_some();
	(constant && value.dims == x.dims).then(|| (op.clone(), table))
}

fn gather(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	let at = axis(cx.int("axis", 0), x.rank())?;
	if !matches!(indices.dtype, DType::I32 | DType::I64) {
		return Err(Failure::invalid("its indices are not int32 or int64"));
	}
	let Some(list) = indices.whole_numbers() else { return gather_along(cx, &x, &indices, at) };
	let x = cx.b.materialized(&x)?;
	let dim = i64::from(x.dims[at]);
	if let Some(index) = list.iter().find(|&&index| index < -dim || index >= dim) {
		return Err(Failure::invalid(format!("index {index} is outside an axis of {dim}")));
	}
	match list.as_slice() {
		// One element is a slice.
		&[index] => {
			let mut ranges: Vec<Range> = x.dims.iter().map(|&dim| whole(dim)).collect();
			ranges[at] = Range { start: index.rem_euclid(dim), step: 1, count: 1 };
			let mut dims = x.dims[..at].to_vec();
			dims.extend_from_slice(&indices.dims);
			dims.extend_from_slice(&x.dims[at + 1..]);
			take(cx, &x, &ranges)?.view(dims)
		},
		_ => gather_along(cx, &x, &indices, at),
	}
}

fn tile(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let repeats = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its repeats are missing"))?;
	if repeats.len() != x.rank() {
		return Err(Failure::invalid(format!("{} repeats for {} axes", repeats.len(), x.rank())));
	}
	for (d, &count) in repeats.iter().enumerate() {
		if count == 1 {
			continue;
		}
		let mut dims: Vec<i64> = x.dims.iter().map(|&dim| dim.into()).collect();
		dims[d] = dims[d].saturating_mul(count);
		let dims = dims::from_list(&dims)?;
		let (outer, inner) = (product(&x.dims[..d]) as u32, product(&x.dims[d..]) as u32);
		let blocks = x.view(vec![outer, 1, inner])?;
		x = cx.b.expand(&blocks, vec![outer, count as u32, inner])?.view(dims)?;
	}
	Ok(x)
}

fn depth_to_space(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let &[n, c, h, w] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has not 4 dimensions"));
	};
	let s = dims::from_list(&[cx.int("blocksize", 0)])?[0];
	let area = s.checked_mul(s).filter(|&area| area > 0 && c % area == 0);
	let area =
		area.ok_or_else(|| Failure::invalid("its blocksize does not divide the channels"))?;
	let out = dims::from_list(&[n, c / area, h, w].map(i64::from))?;
	let result =
		[n.into(), (c / area).into(), i64::from(h) * i64::from(s), i64::from(w) * i64::from(s)];
	let result = dims::from_list(&result)?;
	let (view, permutation) = match cx.word("mode", "DCR")? {
		"DCR" => ([n, s, s, out[1], h, w], [0, 3, 4, 1, 5, 2]),
		"CRD" => ([n, out[1], s, s, h, w], [0, 1, 4, 2, 5, 3]),
		other => {
			return Err(Failure::unsupported(format!("mode=`{}`", crate::error::shown(other))))
		},
	};
	let blocks = x.view(view.to_vec())?;
	cx.b.transpose(&blocks, &permutation)?.view(result)
}

fn space_to_depth(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let &[n, c, h, w] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has not 4 dimensions"));
	};
	let s = dims::from_list(&[cx.int("blocksize", 0)])?[0];
	if s == 0 || h % s != 0 || w % s != 0 {
		return Err(Failure::invalid("its blocksize does not divide its input"));
	}
	let blocks = x.view(vec![n, c, h / s, s, w / s, s])?;
	let channels = u64::from(c) * u64::from(s) * u64::from(s);
	let channels = u32::try_from(channels).map_err(|_| Failure::too_large("too many channels"))?;
	cx.b.transpose(&blocks, &[0, 3, 5, 1, 2, 4])?.view(vec![n, channels, h / s, w / s])
}

/// Crops or pads around the centre; of an odd difference, the larger part is at the end.
fn center_crop_pad(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let target = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its shape is missing"))?;
	let target = dims::from_list(&target)?;
	let list = match cx.ints("axes") {
		Some(axes) => axes.to_vec(),
		None => (0..x.rank() as i64).collect(),
	};
	dims::axes(&list, x.rank())?;
	if list.len() != target.len() {
		return Err(Failure::invalid(format!("{} sizes for {} axes", target.len(), list.len())));
	}
	let (mut before, mut after) = (vec![0i64; x.rank()], vec![0i64; x.rank()]);
	for (&at, &size) in list.iter().zip(&target) {
		let at = axis(at, x.rank())?;
		let difference = i64::from(size) - i64::from(x.dims[at]);
		// Division truncates towards zero.
		before[at] = difference / 2;
		after[at] = difference - difference / 2;
	}
	let cropped = crop(cx, &x, &before, &after)?;
	pad_constant(cx, &cropped, &before, &after, 0)
}
