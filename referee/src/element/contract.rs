//! Contractions: sums of products along the last axis of both operands.

use super::{dim, dtype, map::to_i64, view};
use crate::{Arith, Bias, Conv, ImageLayout, OpRecord, Reader};

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

/// The sum of `k` products, of whose factors' bits `factors` gives those from a number of the term on:
/// ascending chains over blocks, block sums added in ascending order.
fn sum<A: Arith, E>(
	k: u64,
	mut factors: impl FnMut(u64, &mut [u32], &mut [u32]) -> Result<(), E>,
) -> Result<A::F32, E> {
	let mut total = None;
	let (mut a, mut b) = ([0; BLOCK as usize], [0; BLOCK as usize]);
	let mut start = 0;
	while start < k {
		let count = BLOCK.min(k - start);
		let (a, b) = (&mut a[..count as usize], &mut b[..count as usize]);
		factors(start, a, b)?;
		let sum = A::chain32(a, b, A::f32_from_bits(0));
		total = Some(match total {
			None => sum,
			Some(total) => A::add32(total, sum),
		});
		start += count;
	}
	Ok(total.unwrap_or(A::f32_from_bits(0)))
}

fn read<A: Arith, R: Reader>(
	reader: &mut R,
	operand: usize,
	element: u64,
) -> Result<A::F32, R::Error> {
	Ok(A::f32_from_bits(reader.read(operand, element)? as u32))
}

/// The [`sum`] of `k` products of elements of two operands, each given as operand and first element.
pub(super) fn dot<A: Arith, R: Reader>(
	reader: &mut R,
	(a, a_first): (usize, u64),
	(b, b_first): (usize, u64),
	k: u64,
) -> Result<A::F32, R::Error> {
	sum::<A, _>(k, |start, a_row, b_row| {
		reader.read_row(a, a_first + start, a_row)?;
		reader.read_row(b, b_first + start, b_row)
	})
}

pub(super) fn matmul<A: Arith, R: Reader>(
	op: &OpRecord,
	bias: Bias,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let place = place(op, index);
	let total = dot::<A, R>(reader, (0, place.a), (1, place.b), place.k)?;
	biased::<A, R>(op, bias, &place, total, reader)
}

/// The element of a sum of products with the bias added.
fn biased<A: Arith, R: Reader>(
	op: &OpRecord,
	bias: Bias,
	place: &Place,
	total: A::F32,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let addend = match bias {
		Bias::None => None,
		Bias::Column => Some(place.column),
		Bias::Row => Some(place.row),
	};
	let batches = view(op, 2);
	let first = match batches.rank() {
		2 => place.batch % dim(batches, 0) * dim(batches, 1),
		_ => 0,
	};
	let total = match addend {
		None => total,
		Some(element) => A::add32(total, read::<A, R>(reader, 2, first + element)?),
	};
	Ok(A::f32_to_bits(total).into())
}

pub(super) fn conv<A: Arith, R: Reader>(
	op: &OpRecord,
	conv: &Conv,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let [_, channels, height, width] = conv.image(view(op, 1)).unwrap_or([1; 4]).map(u64::from);
	let pair = |pair: [u32; 2]| pair.map(u64::from);
	let (groups, [_, columns]) = (u64::from(conv.groups), pair(conv.out));
	let a = view(op, 0);
	let (m, k) = (dim(a, 1), dim(a, 2));
	let (batch, row, column) = match conv.output {
		ImageLayout::ChannelsFirst => {
			let n = dim(&op.shape, 2);
			(index / n / m, index / n % m, index % n)
		},
		ImageLayout::ChannelsLast => {
			let (n, all) = (dim(&op.shape, 1), dim(&op.shape, 2));
			let channel = index % all;
			(index / all / n * groups + channel / m, channel % m, index / all % n)
		},
	};
	let place = Place { a: (batch % dim(a, 0) * m + row) * k, b: 0, k, batch, row, column };
	let (image, first) = (batch / groups, batch % groups * (channels / groups));
	let corner = [column / columns * pair(conv.stride)[0], column % columns * pair(conv.stride)[1]];
	let (kernel, dilation, pad) = (pair(conv.kernel), pair(conv.dilation), pair(conv.pad));
	// Channel in the group, row and column of the next term.
	let (mut channel, mut ky, mut kx) = (first, 0, 0);
	let mut pixel = || {
		let y = (corner[0] + ky * dilation[0]).checked_sub(pad[0]).filter(|&y| y < height);
		let x = (corner[1] + kx * dilation[1]).checked_sub(pad[1]).filter(|&x| x < width);
		let pixel = match (y, x, conv.layout) {
			(Some(y), Some(x), ImageLayout::ChannelsFirst) => {
				Some(((image * channels + channel) * height + y) * width + x)
			},
			(Some(y), Some(x), ImageLayout::ChannelsLast) => {
				Some(((image * height + y) * width + x) * channels + channel)
			},
			_ => None,
		};
		kx += 1;
		if kx == kernel[1] {
			(kx, ky) = (0, ky + 1);
		}
		if ky == kernel[0] {
			(ky, channel) = (0, channel + 1);
		}
		pixel
	};
	let total = sum::<A, _>(k, |start, filter, window| {
		for value in window {
			*value = match pixel() {
				Some(element) => reader.read(1, element)? as u32,
				None => 0,
			};
		}
		reader.read_row(0, place.a + start, filter)
	})?;
	biased::<A, R>(op, conv.bias, &place, total, reader)
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
