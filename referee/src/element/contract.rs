//! Contractions: sums of products along the last axis of both operands.

use super::{dim, dtype, map::to_i64, view};
use crate::{Arith, Bias, OpRecord, Reader};

/// Terms in one chain of fused multiply-adds.
const BLOCK: u64 = 256;

/// Where output element `index` of `[batch, m, n]` comes from.
struct Place {
	/// First element of the row of a, and of b.
	a: u64,
	b: u64,
	/// Terms.
	k: u64,
	batch: u64,
	row: u64,
	column: u64,
}

fn place(op: &OpRecord, index: u64) -> Place {
	let (a, b) = (view(op, 0), view(op, 1));
	let (m, k, n) = (dim(a, 1), dim(a, 2), dim(b, 1));
	let (batch, row, column) = (index / n / m, index / n % m, index % n);
	Place {
		a: (batch % dim(a, 0) * m + row) * k,
		b: (batch % dim(b, 0) * n + column) * k,
		k,
		batch,
		row,
		column,
	}
}

/// The sum of `k` products of elements of two operands, each given as operand and first element:
/// ascending chains over blocks, block sums added in ascending order.
pub(super) fn dot<A: Arith, R: Reader>(
	reader: &mut R,
	(a, a_first): (usize, u64),
	(b, b_first): (usize, u64),
	k: u64,
) -> Result<A::F32, R::Error> {
	let mut read =
		|operand, element| reader.read(operand, element).map(|bits| A::f32_from_bits(bits as u32));
	let mut total = None;
	let mut start = 0;
	while start < k {
		let end = k.min(start + BLOCK);
		let mut sum = A::f32_from_bits(0);
		for t in start..end {
			sum = A::fma32(read(a, a_first + t)?, read(b, b_first + t)?, sum);
		}
		total = Some(match total {
			None => sum,
			Some(total) => A::add32(total, sum),
		});
		start = end;
	}
	Ok(total.unwrap_or(A::f32_from_bits(0)))
}

pub(super) fn matmul<A: Arith, R: Reader>(
	op: &OpRecord,
	bias: Bias,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let place = place(op, index);
	let mut total = dot::<A, R>(reader, (0, place.a), (1, place.b), place.k)?;
	let addend = match bias {
		Bias::None => None,
		Bias::Column => Some(place.column),
		Bias::Row if view(op, 2).rank() == 2 => {
			let rows = view(op, 2);
			Some(place.batch % dim(rows, 0) * dim(rows, 1) + place.row)
		},
		Bias::Row => Some(place.row),
	};
	if let Some(element) = addend {
		total = A::add32(total, A::f32_from_bits(reader.read(2, element)? as u32));
	}
	Ok(A::f32_to_bits(total).into())
}

pub(super) fn matmul_integer<R: Reader>(
	op: &OpRecord,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let place = place(op, index);
	let (a_type, b_type) = (dtype(op, 0), dtype(op, 1));
	let b_zero_at = if view(op, 3).elements() == 1 { 0 } else { place.column };
	let a_zero = to_i64(a_type, reader.read(2, 0)?);
	let b_zero = to_i64(b_type, reader.read(3, b_zero_at)?);
	let mut sum = 0i64;
	for t in 0..place.k {
		let a = to_i64(a_type, reader.read(0, place.a + t)?) - a_zero;
		let b = to_i64(b_type, reader.read(1, place.b + t)?) - b_zero;
		// At most 16,384 terms below 2^18: far from overflow; cut to 32 bits by the caller.
		sum += a * b;
	}
	Ok(sum as u64)
}
