//! Ranges of axes, and the operators that take them.

use crate::{
	dims::{self, axis, product, strides},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// Elements `start`, `start + step`, … of one axis, `count` of them.
pub(crate) struct Range {
	pub(crate) start: i64,
	pub(crate) step: i64,
	pub(crate) count: u32,
}

/// Takes a range of every axis.
pub(crate) fn take(cx: &mut Cx<'_, '_>, x: &Value, ranges: &[Range]) -> Result<Value> {
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

pub(crate) fn whole(dim: u32) -> Range {
	Range { start: 0, step: 1, count: dim }
}

/// Element `start`, `start + step`, … of one axis, `count` of them; the caller keeps to the axis.
pub(crate) fn part(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	axis: usize,
	(start, step, count): (u32, u32, u32),
) -> Result<Value> {
	let mut steps = strides(&x.dims);
	let offset = steps[axis] as u64 * u64::from(start);
	steps[axis] *= i64::from(step);
	let mut dims = x.dims.clone();
	dims[axis] = count;
	cx.b.strided(x, dims, offset, &steps)
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

pub(crate) fn slice(cx: &mut Cx<'_, '_>) -> Result<Value> {
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

pub(crate) fn split(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let at = axis(cx.int("axis", 0), x.rank())?;
	let parts = cx.node.outputs.len() as u32;
	if cx.has("num_outputs") && cx.int("num_outputs", 0) != i64::from(parts) {
		return Err(Failure::invalid(format!(
			"its num_outputs is not {parts}, as its outputs are"
		)));
	}
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
