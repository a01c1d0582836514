//! Operators that put elements around a tensor, or cut them off.

use assay_referee::{DType, OpKind, MAX_RANK};

use super::{
	gather::gather_along,
	ranges::{take, Range},
};
use crate::{
	dims::{self, axis, check_dims},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

pub(crate) fn pad(cx: &mut Cx<'_, '_>) -> Result<Value> {
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

/// Crops or pads around the centre; of an odd difference, the larger part is at the end.
pub(crate) fn center_crop_pad(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
