//! Reductions along the last axis.

use super::{broadcast, dim, dtype, map, view};
use crate::{Arith, DType, OpRecord, Pool, Reader, ReduceFn, Steps, MAX_OPERANDS};

/// Elements in one block, and lanes inside it.
const BLOCK: u64 = 1024;
const LANES: usize = 32;

pub(super) fn reduce<A: Arith, R: Reader>(
	op: &OpRecord,
	function: ReduceFn,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let k = u64::from(view(op, 0).last());
	let first = index * k;
	fold::<A, _>(dtype(op, 0), function, k, |position| reader.read(0, first + position).map(Some))
}

pub(super) fn pool<A: Arith, R: Reader>(
	op: &OpRecord,
	pool: &Pool,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let (image, pair) = (view(op, 0), |pair: [u32; 2]| pair.map(u64::from));
	let size = [dim(image, 1), dim(image, 2)];
	let ([rows, columns], kernel) = (pair(pool.out), pair(pool.kernel));
	let plane = index / columns / rows;
	let (stride, dilation, pad) = (pair(pool.stride), pair(pool.dilation), pair(pool.pad));
	let corner = [index / columns % rows * stride[0], index % columns * stride[1]];
	// Row and column of the next element in the window.
	let (mut ky, mut kx) = (0, 0);
	fold::<A, _>(dtype(op, 0), pool.function, pool.terms(), |_| {
		let y = (corner[0] + ky * dilation[0]).checked_sub(pad[0]).filter(|&y| y < size[0]);
		let x = (corner[1] + kx * dilation[1]).checked_sub(pad[1]).filter(|&x| x < size[1]);
		kx += 1;
		if kx == kernel[1] {
			(kx, ky) = (0, ky + 1);
		}
		match (y, x) {
			(Some(y), Some(x)) => reader.read(0, (plane * size[0] + y) * size[1] + x).map(Some),
			_ => Ok(None),
		}
	})
}

/// Of the expression's operands those with an element for the whole row are read once.
pub(super) fn map_reduce<A: Arith, R: Reader>(
	op: &OpRecord,
	(function, k, steps): (ReduceFn, u32, &Steps),
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let row = op.shape.unravel(index);
	let mut values = map::NO_VALUES;
	let mut first = [0; MAX_OPERANDS];
	for (i, operand) in op.operands.iter().enumerate() {
		first[i] = broadcast(&operand.shape, &row);
		values[i].0 = operand.dtype;
		if operand.shape.last() == 1 {
			values[i].1 = reader.read(i, first[i])?;
		}
	}
	fold::<A, _>(op.dtype, function, k.into(), |position| {
		for (i, operand) in op.operands.iter().enumerate() {
			if operand.shape.last() != 1 {
				values[i].1 = reader.read(i, first[i] + position)?;
			}
		}
		Ok(Some(map::evaluate::<A>(steps, op.operands.len(), &mut values)))
	})
}

/// The `k` elements that `term` gives, combined in the order of their positions; where it gives none,
/// the neutral element stands.
fn fold<A: Arith, E>(
	dtype: DType,
	function: ReduceFn,
	k: u64,
	mut term: impl FnMut(u64) -> Result<Option<u64>, E>,
) -> Result<u64, E> {
	if dtype == DType::F32 {
		return fold_f32::<A, E>(function, k, term).map(|total| A::f32_to_bits(total).into());
	}
	let mut total = map::to_i64(dtype, function.neutral(dtype));
	for position in 0..k {
		let Some(x) = term(position)?.map(|bits| map::to_i64(dtype, bits)) else { continue };
		total = match function {
			ReduceFn::Sum => total.wrapping_add(x),
			ReduceFn::Prod => total.wrapping_mul(x),
			ReduceFn::Max => total.max(x),
			ReduceFn::Min => total.min(x),
		};
	}
	Ok(total as u64)
}

fn fold_f32<A: Arith, E>(
	function: ReduceFn,
	k: u64,
	mut term: impl FnMut(u64) -> Result<Option<u64>, E>,
) -> Result<A::F32, E> {
	let neutral = A::f32_from_bits(function.neutral(DType::F32) as u32);
	let combine = |a, b| match function {
		ReduceFn::Sum => A::add32(a, b),
		ReduceFn::Prod => A::mul32(a, b),
		ReduceFn::Max => map::max32::<A>(a, b),
		ReduceFn::Min => map::min32::<A>(a, b),
	};
	let mut total = None;
	let mut start = 0;
	while start < k {
		let end = k.min(start + BLOCK);
		let mut lanes = [neutral; LANES];
		for position in start..end {
			let x = term(position)?.map_or(neutral, |bits| A::f32_from_bits(bits as u32));
			let lane = &mut lanes[(position - start) as usize % LANES];
			*lane = combine(*lane, x);
		}
		let mut width = LANES / 2;
		while width > 0 {
			for lane in 0..width {
				lanes[lane] = combine(lanes[lane], lanes[lane + width]);
			}
			width /= 2;
		}
		total = Some(match total {
			None => lanes[0],
			Some(total) => combine(total, lanes[0]),
		});
		start = end;
	}
	Ok(total.unwrap_or(neutral))
}

pub(super) fn arg_max<A: Arith, R: Reader>(
	op: &OpRecord,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let k = u64::from(view(op, 0).last());
	let first = index * k;
	let dtype = dtype(op, 0);
	let mut best = reader.read(0, first)?;
	let mut place = 0;
	for position in 1..k {
		if dtype == DType::F32 && A::is_nan32(A::f32_from_bits(best as u32)) {
			// Nothing is larger than a NaN, and the first one wins.
			break;
		}
		let x = reader.read(0, first + position)?;
		if is_larger::<A>(dtype, x, best) {
			best = x;
			place = position;
		}
	}
	Ok(place)
}

/// Whether x > best, where NaN is larger than every number and `best` is not NaN.
fn is_larger<A: Arith>(dtype: DType, x: u64, best: u64) -> bool {
	if dtype == DType::F32 {
		let (x, best) = (A::f32_from_bits(x as u32), A::f32_from_bits(best as u32));
		return A::is_nan32(x) || A::lt32(best, x);
	}
	map::to_i64(dtype, x) > map::to_i64(dtype, best)
}
