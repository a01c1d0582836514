//! Ops that put elements at indices, or give the indices of elements in order.

use super::{dtype, map, view};
use crate::{canonical, Arith, BinaryFn, DType, OpRecord, Reader, ScatterFn};
use alloc::vec::Vec;

pub(super) fn scatter<A: Arith, R: Reader>(
	op: &OpRecord,
	function: ScatterFn,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let size = u64::from(op.shape.last());
	let (row, place) = (index / size, index % size);
	let indices = view(op, 1);
	let count = u64::from(indices.last());
	// One row of indices may stand for all.
	let first = row * count % indices.elements();
	let index_type = dtype(op, 1);
	let hits = |reader: &mut R, update: u64| -> Result<bool, R::Error> {
		let at = map::to_i64(index_type, reader.read(1, first + update)?);
		let at = if at < 0 { at.wrapping_add(size as i64) } else { at };
		Ok(u64::try_from(at) == Ok(place))
	};
	let combine = match function {
		ScatterFn::Replace => {
			for update in (0..count).rev() {
				if hits(reader, update)? {
					return reader.read(2, row * count + update);
				}
			}
			return reader.read(0, index);
		},
		ScatterFn::Add => BinaryFn::Add,
		ScatterFn::Mul => BinaryFn::Mul,
		ScatterFn::Min => BinaryFn::Min,
		ScatterFn::Max => BinaryFn::Max,
	};
	let mut value = reader.read(0, index)?;
	for update in 0..count {
		// Read also where it does not hit: one run of chunks, not one for every few that do.
		let new = reader.read(2, row * count + update)?;
		if hits(reader, update)? {
			value = canonical(op.dtype, map::binary::<A>(combine, op.dtype, value, new));
		}
	}
	Ok(value)
}

pub(super) fn top_k<R: Reader>(
	op: &OpRecord,
	largest: bool,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let size = u64::from(view(op, 0).last());
	let count = u64::from(op.shape.last());
	let (row, place) = (index / count, index % count);
	let dtype = dtype(op, 0);
	let mut order = Vec::with_capacity(size as usize);
	for position in 0..size {
		let key = order_key(dtype, reader.read(0, row * size + position)?);
		order.push((if largest { !key } else { key }, position));
	}
	// The pairs are distinct, so which of them comes at a place is one answer.
	match order.get(place as usize) {
		None => Ok(0),
		Some(_) => Ok(order.select_nth_unstable(place as usize).1 .1),
	}
}

/// A number that is ordered as the values are; NaN is the largest, and zeros are equal.
fn order_key(dtype: DType, bits: u64) -> u64 {
	const SIGN: u32 = 0x8000_0000;
	const INFINITY: u32 = 0x7f80_0000;
	if dtype != DType::F32 {
		return map::to_i64(dtype, bits) as u64 ^ 1 << 63;
	}
	let bits = bits as u32;
	let magnitude = bits & !SIGN;
	u64::from(match (magnitude, bits & SIGN != 0) {
		(INFINITY.., _) if magnitude > INFINITY => u32::MAX,
		(0, _) => SIGN,
		(_, true) => !bits,
		(_, false) => bits | SIGN,
	})
}
