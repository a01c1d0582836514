//! Operators that put elements at indices or bring them into order.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, ScatterFn, MAX_RANK, MAX_TERMS};

use super::index::{gather_elements, joined, tuple_length};
use crate::{
	dims::{axis, check_dims, product, strides},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

fn reduction(cx: &Cx<'_, '_>) -> Result<ScatterFn> {
	Ok(match cx.word("reduction", "none")? {
		"none" => ScatterFn::Replace,
		"add" => ScatterFn::Add,
		"mul" => ScatterFn::Mul,
		"min" => ScatterFn::Min,
		"max" => ScatterFn::Max,
		_ => return Err(Failure::invalid("its reduction does not exist")),
	})
}

/// What becomes of the value at an update's place besides it; nothing where the update takes its place.
pub(crate) fn joins(cx: &Cx<'_, '_>) -> Result<Option<BinaryFn>> {
	Ok(match reduction(cx)? {
		ScatterFn::Replace => None,
		ScatterFn::Add => Some(BinaryFn::Add),
		ScatterFn::Mul => Some(BinaryFn::Mul),
		ScatterFn::Min => Some(BinaryFn::Min),
		ScatterFn::Max => Some(BinaryFn::Max),
	})
}

/// Puts updates `[r, m]` into data `[r, n]` at indices `[r or 1, m]`, as many at once as one element
/// may look at.
pub(crate) fn scattered(
	cx: &mut Cx<'_, '_>,
	function: ScatterFn,
	data: Value,
	indices: &Value,
	updates: &Value,
) -> Result<Value> {
	if data.elements() == 0 || updates.elements() == 0 {
		return Ok(data);
	}
	let most = match function {
		ScatterFn::Replace => MAX_TERMS,
		_ => MAX_TERMS / 2,
	} as u32;
	let (total, mut y, mut start) = (updates.dims[1], data, 0);
	while start < total {
		let count = most.min(total - start);
		let mut part = |x: &Value| {
			let steps = strides(&x.dims);
			cx.b.strided(x, vec![x.dims[0], count], start.into(), &steps)
		};
		let operands = vec![y.clone(), part(indices)?, part(updates)?];
		y = cx.b.push(OpKind::Scatter(function), y.dtype, y.dims.clone(), operands)?;
		start += count;
	}
	Ok(y)
}

/// The axes with `at` moved to the end, as `[rows, size of the axis]`.
fn rows(cx: &mut Cx<'_, '_>, x: &Value, at: usize) -> Result<Value> {
	let order = last(x.rank(), at);
	let rows = x.elements() / u64::from(x.dims[at]).max(1);
	cx.b.transpose(x, &order)?.view(vec![rows as u32, x.dims[at]])
}

fn last(rank: usize, at: usize) -> Vec<usize> {
	(0..rank).filter(|&d| d != at).chain([at]).collect()
}

/// The inverse of [`rows`]: to `dims`, the axis `at` of which is the last of `x`.
fn unrowed(cx: &mut Cx<'_, '_>, x: &Value, dims: &[u32], at: usize) -> Result<Value> {
	let order = last(dims.len(), at);
	let mut back = vec![0; order.len()];
	for (i, &d) in order.iter().enumerate() {
		back[d] = i;
	}
	let moved: Vec<u32> = order.iter().map(|&d| dims[d]).collect();
	let x = x.view(moved)?;
	cx.b.transpose(&x, &back)
}

/// `x` in the corner of a tensor with the dimensions of `data` on all axes but `at`.
fn widened(cx: &mut Cx<'_, '_>, x: &Value, data: &Value, at: usize, fill: u64) -> Result<Value> {
	let mut dims = data.dims.clone();
	dims[at] = x.dims[at];
	if dims == x.dims {
		return Ok(x.clone());
	}
	check_dims(&dims)?;
	cx.b.push(OpKind::Pad { before: [0; MAX_RANK], fill }, x.dtype, dims, vec![x.clone()])
}

pub(crate) fn check_types(data: &Value, indices: &Value, updates: &Value) -> Result<()> {
	match indices.dtype {
		DType::I32 | DType::I64 if data.dtype == updates.dtype => Ok(()),
		_ => Err(Failure::invalid("its element types do not fit together")),
	}
}

pub(crate) fn scatter_elements(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (data, indices, updates) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
	let at = axis(cx.int("axis", 0), data.rank())?;
	check_types(&data, &indices, &updates)?;
	let fits = indices.dims == updates.dims
		&& indices.rank() == data.rank()
		&& (0..data.rank()).all(|d| d == at || indices.dims[d] <= data.dims[d]);
	if !fits {
		return Err(Failure::invalid(format!(
			"indices of shape {:?} do not fit data of shape {:?}",
			indices.dims, data.dims
		)));
	}
	// The smallest index lies outside of every axis, where an update goes nowhere.
	let nowhere = ReduceFn::Max.neutral(indices.dtype);
	let indices = widened(cx, &indices, &data, at, nowhere)?;
	let updates = widened(cx, &updates, &data, at, 0)?;
	let function = reduction(cx)?;
	let (indices, updates) = (rows(cx, &indices, at)?, rows(cx, &updates, at)?);
	let lines = rows(cx, &data, at)?;
	let y = scattered(cx, function, lines, &indices, &updates)?;
	unrowed(cx, &y, &data.dims, at)
}

pub(crate) fn scatter_nd(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (data, indices, updates) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
	check_types(&data, &indices, &updates)?;
	let length = tuple_length(&data, &indices, 0)?;
	let (outer, inner) = data.dims.split_at(length);
	let mut expected = indices.dims[..indices.rank() - 1].to_vec();
	expected.extend_from_slice(inner);
	if updates.dims != expected {
		return Err(Failure::invalid(format!(
			"updates of shape {:?} where {expected:?} is needed",
			updates.dims
		)));
	}
	let flat = joined(cx, &indices, 0, outer)?;
	let (places, width) = (product(outer) as u32, product(inner) as u32);
	let count = flat.elements() as u32;
	let flat = flat.view(vec![1, count])?;
	// Every element of a slice is a row of its own.
	let mut transposed = |x: &Value, rows: u32| {
		let x = x.view(vec![rows, width])?;
		cx.b.transpose(&x, &[1, 0])
	};
	let (lines, new) = (transposed(&data, places)?, transposed(&updates, count)?);
	let function = reduction(cx)?;
	let y = scattered(cx, function, lines, &flat, &new)?;
	cx.b.transpose(&y, &[1, 0])?.view(data.dims)
}

pub(crate) fn top_k(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let at = axis(cx.int("axis", -1), x.rank())?;
	let count = match (cx.has("k"), cx.list_input(1)?.as_deref()) {
		(true, _) => cx.int("k", 0),
		(false, Some(&[count])) => count,
		_ => return Err(Failure::invalid("its k is missing")),
	};
	let size = x.dims[at];
	let count = u32::try_from(count).ok().filter(|&count| count <= size);
	let count = count.ok_or_else(|| Failure::invalid(format!("its k is larger than {size}")))?;
	let lines = rows(cx, &x, at)?;
	let indices = cx.b.top_k_last(&lines, count, cx.int("largest", 1) != 0)?;
	let mut dims = x.dims.clone();
	dims[at] = count;
	let mut results = Vec::new();
	if cx.wants(0) {
		let values = gather_elements(cx, &lines, &indices, 1)?;
		results.push(unrowed(cx, &values, &dims, at)?);
	} else {
		results.push(Value::constant(x.dtype, vec![0], Vec::new()));
	}
	results.push(unrowed(cx, &indices, &dims, at)?);
	Ok(results)
}
