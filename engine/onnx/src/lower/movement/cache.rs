//! `TensorScatter`: rows put into a cache of keys or values, each sequence's from its own position on.

use assay_referee::{BinaryFn, DType};

use super::{gather::gather_along, index::times};
use crate::{
	dims::{axis, product},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

pub(crate) fn tensor_scatter(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (cache, update) = (cx.input(0)?, cx.input(1)?);
	let at = axis(cx.int("axis", -2), cache.rank())?;
	if at == 0 {
		return Err(Failure::invalid("its axis is that of the batch"));
	}
	let fits = update.rank() == cache.rank()
		&& update.dtype == cache.dtype
		&& (0..cache.rank()).all(|d| d == at || update.dims[d] == cache.dims[d])
		&& update.dims[at] <= cache.dims[at];
	if !fits {
		return Err(Failure::invalid(format!(
			"an update of {:?} does not fit a cache of {:?}",
			update.dims, cache.dims
		)));
	}
	let wraps = match cx.word("mode", "linear")? {
		"linear" => false,
		"circular" => true,
		_ => return Err(Failure::invalid("its mode is neither linear nor circular")),
	};
	let (batch, room, count) = (cache.dims[0], cache.dims[at], update.dims[at]);
	let first = match cx.optional(2) {
		Some(first) if first.dims == [batch] && matches!(first.dtype, DType::I32 | DType::I64) => {
			cx.b.cast(&first, DType::I64)?.view(vec![batch, 1])?
		},
		Some(first) => {
			return Err(Failure::invalid(format!(
				"positions of {:?} for a batch of {batch}",
				first.dims
			)));
		},
		None => Value::list_i64(&[0]).view(vec![1, 1])?,
	};
	if update.elements() == 0 || cache.elements() == 0 {
		return Ok(cache);
	}
	// Which row of the update every position of the cache takes.
	let places = cx.b.iota(room)?;
	let mut row = cx.b.binary(BinaryFn::Sub, &places, &first)?;
	if wraps {
		row = cx.b.binary(BinaryFn::Mod, &row, &Value::scalar(DType::I64, room.into()))?;
	}
	let begun = cx.b.binary(BinaryFn::GreaterOrEqual, &row, &Value::scalar(DType::I64, 0))?;
	let within = cx.b.binary(BinaryFn::Less, &row, &Value::scalar(DType::I64, count.into()))?;
	let is_new = cx.b.binary(BinaryFn::And, &begun, &within)?;
	let row = cx.b.select(&is_new, &row, &Value::scalar(DType::I64, 0))?;
	let sequence = cx.b.iota(batch)?.view(vec![batch, 1])?;
	let sequence = times(cx, &sequence, count.into())?;
	let row = cx.b.binary(BinaryFn::Add, &row, &sequence)?;
	// The axis beside the batch, so that both are one.
	let order: Vec<usize> =
		[0, at].into_iter().chain((1..cache.rank()).filter(|&d| d != at)).collect();
	let moved = cx.b.transpose(&update, &order)?;
	let inner = moved.dims[2..].to_vec();
	let lines = moved.view(vec![batch * count, product(&inner) as u32])?;
	let mut dims = vec![batch, room];
	dims.extend_from_slice(&inner);
	let taken = gather_along(cx, &lines, &row, 0)?.view(dims)?;
	let mut back = vec![0; order.len()];
	for (i, &d) in order.iter().enumerate() {
		back[d] = i;
	}
	let taken = cx.b.transpose(&taken, &back)?;
	let mut dims = vec![1; cache.rank()];
	(dims[0], dims[at]) = (is_new.dims[0], room);
	cx.b.select(&is_new.view(dims)?, &taken, &cache)
}
