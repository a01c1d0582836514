//! 8-bit contraction: exact sums in 32 bits, so any order of the terms gives the same bits.
//!
//! Zero points are subtracted while packing, which leaves 9-bit numbers in 16 bits; pairs of
//! terms then go through the multiply-and-add-pairs instruction, which is exact for them (unlike
//! its unsigned-by-signed sibling, which saturates).

use crate::{
	isa::Isa,
	parallel::{self, Shared},
	view::view_mut,
	KernelConfig,
};
use assay_referee::{DType, OpRecord};

/// Rows of a tile, and its columns: two of the widest vectors.
const ROWS: usize = 4;
const COLUMNS: usize = 32;

/// One operand's rows of bytes, and the number each becomes.
#[derive(Clone, Copy)]
struct Rows<'a> {
	bytes: &'a [u8],
	signed: bool,
	/// One zero point for all rows, or one per row.
	zeros: &'a [u8],
	k: usize,
}

fn number(byte: u8, signed: bool) -> i16 {
	if signed {
		i16::from(byte as i8)
	} else {
		i16::from(byte)
	}
}

impl Rows<'_> {
	/// Writes rows `first..first + rows` as `[pairs of terms][width][2]`, missing ones zero.
	fn pack(&self, zero_of: usize, first: usize, rows: usize, width: usize, out: &mut [i16]) {
		out.fill(0);
		for r in 0..rows {
			let zero = match self.zeros {
				[zero] => *zero,
				zeros => zeros[zero_of + r],
			};
			let zero = number(zero, self.signed);
			let row = &self.bytes[(first + r) * self.k..][..self.k];
			for (pair, bytes) in row.chunks(2).enumerate() {
				for (half, &byte) in bytes.iter().enumerate() {
					out[(pair * width + r) * 2 + half] = number(byte, self.signed) - zero;
				}
			}
		}
	}
}

/// Runs a `MatMulInteger`; false for operands that are not aligned.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	try_run(op, operands, out, cfg).is_some()
}

fn try_run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	let &[a, b, a_zero, b_zero] = operands else { return None };
	let out = view_mut::<i32>(out)?;
	let &[batch, m, n] = op.shape.dims() else { return None };
	let [batch, m, n] = [batch, m, n].map(|dim| dim as usize);
	let a_batches = *op.operands[0].shape.dims().first()? as usize;
	let &[b_batches, _, k] = op.operands[1].shape.dims() else { return None };
	let (b_batches, k) = (b_batches as usize, k as usize);
	let signed = |i: usize| op.operands[i].dtype == DType::I8;
	let a = Rows { bytes: a, signed: signed(0), zeros: a_zero, k };
	let b = Rows { bytes: b, signed: signed(1), zeros: b_zero, k };
	let pairs = k.div_ceil(2);
	let panels = n.div_ceil(COLUMNS);
	let out = Shared(out.as_mut_ptr());
	// The left operand is packed once; each task packs one panel of the right one.
	let groups = m.div_ceil(ROWS);
	let step = pairs * ROWS * 2;
	let mut left = vec![0i16; a_batches * groups * step];
	parallel::for_each_part(cfg.threads, &mut left, step, 1, |start, part| {
		for (i, part) in part.chunks_exact_mut(step).enumerate() {
			let (entry, group) = ((start / step + i) / groups, (start / step + i) % groups);
			let rows = ROWS.min(m - group * ROWS);
			a.pack(0, entry * m + group * ROWS, rows, ROWS, part);
		}
	});
	let threads = if batch * m * n * k < 1 << 17 { 1 } else { cfg.threads };
	parallel::for_each(threads, batch * panels, |task| {
		let (entry, panel) = (task / panels, task % panels);
		let first = panel * COLUMNS;
		let columns = COLUMNS.min(n - first);
		let mut right = vec![0i16; pairs * COLUMNS * 2];
		b.pack(first, entry % b_batches * n + first, columns, COLUMNS, &mut right);
		for group in 0..groups {
			let left = &left[(entry % a_batches * groups + group) * step..][..step];
			let mut sums = [[0i32; COLUMNS]; ROWS];
			tile(cfg.isa, left, &right, &mut sums);
			for (r, sums) in sums.iter().enumerate().take(ROWS.min(m - group * ROWS)) {
				let row = (entry * m + group * ROWS + r) * n + first;
				// SAFETY: this task alone writes these columns, which lie inside the output.
				let out = unsafe { core::slice::from_raw_parts_mut(out.at(row), columns) };
				out.copy_from_slice(&sums[..columns]);
			}
		}
	});
	Some(())
}

/// `sums[r][j] = Σ left[pair][r] · right[pair][j]` over all pairs.
fn tile(isa: Isa, left: &[i16], right: &[i16], sums: &mut [[i32; COLUMNS]; ROWS]) {
	assert_eq!(left.len() / ROWS, right.len() / COLUMNS);
	match isa {
		// SAFETY: `KernelConfig` holds only levels that `is_available` confirmed.
		#[cfg(target_arch = "x86_64")]
		Isa::Avx512 => unsafe { avx512(left, right, sums) },
		// SAFETY: as above.
		#[cfg(target_arch = "x86_64")]
		Isa::Avx2 => unsafe { avx2(left, right, sums) },
		_ => portable(left, right, sums),
	}
}

fn portable(left: &[i16], right: &[i16], sums: &mut [[i32; COLUMNS]; ROWS]) {
	let (left, _) = left.as_chunks::<{ ROWS * 2 }>();
	let (right, _) = right.as_chunks::<{ COLUMNS * 2 }>();
	for (left, right) in left.iter().zip(right) {
		for (r, sums) in sums.iter_mut().enumerate() {
			let (x, y) = (i32::from(left[2 * r]), i32::from(left[2 * r + 1]));
			for (j, sum) in sums.iter_mut().enumerate() {
				let (a, b) = (i32::from(right[2 * j]), i32::from(right[2 * j + 1]));
				*sum += x * a + y * b;
			}
		}
	}
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn avx512(left: &[i16], right: &[i16], sums: &mut [[i32; COLUMNS]; ROWS]) {
	use core::arch::x86_64::*;
	let (left, _) = left.as_chunks::<{ ROWS * 2 }>();
	let (right, _) = right.as_chunks::<{ COLUMNS * 2 }>();
	let mut acc = [[_mm512_setzero_si512(); 2]; ROWS];
	for (left, right) in left.iter().zip(right) {
		// SAFETY: a chunk of the right side is two vectors, one of the left ROWS pairs.
		unsafe {
			let b0 = _mm512_loadu_si512(right.as_ptr().cast());
			let b1 = _mm512_loadu_si512(right.as_ptr().add(COLUMNS).cast());
			for (r, acc) in acc.iter_mut().enumerate() {
				let a = _mm512_set1_epi32(left.as_ptr().cast::<i32>().add(r).read_unaligned());
				acc[0] = _mm512_add_epi32(acc[0], _mm512_madd_epi16(a, b0));
				acc[1] = _mm512_add_epi32(acc[1], _mm512_madd_epi16(a, b1));
			}
		}
	}
	for (sums, acc) in sums.iter_mut().zip(&acc) {
		// SAFETY: a row of sums is two vectors.
		unsafe {
			_mm512_storeu_si512(sums.as_mut_ptr().cast(), acc[0]);
			_mm512_storeu_si512(sums.as_mut_ptr().add(16).cast(), acc[1]);
		}
	}
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(left: &[i16], right: &[i16], sums: &mut [[i32; COLUMNS]; ROWS]) {
	use core::arch::x86_64::*;
	let (left, _) = left.as_chunks::<{ ROWS * 2 }>();
	let (right, _) = right.as_chunks::<{ COLUMNS * 2 }>();
	// Half the columns at a time: sixteen registers hold no more.
	for half in 0..2 {
		let mut acc = [[_mm256_setzero_si256(); 2]; ROWS];
		for (left, right) in left.iter().zip(right) {
			// SAFETY: a chunk of the right side is four vectors, one of the left ROWS pairs.
			unsafe {
				let right = right.as_ptr().add(half * COLUMNS);
				let b0 = _mm256_loadu_si256(right.cast());
				let b1 = _mm256_loadu_si256(right.add(16).cast());
				for (r, acc) in acc.iter_mut().enumerate() {
					let a = _mm256_set1_epi32(left.as_ptr().cast::<i32>().add(r).read_unaligned());
					acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(a, b0));
					acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(a, b1));
				}
			}
		}
		for (sums, acc) in sums.iter_mut().zip(&acc) {
			// SAFETY: half a row of sums is two vectors.
			unsafe {
				let sums = sums.as_mut_ptr().add(half * COLUMNS / 2);
				_mm256_storeu_si256(sums.cast(), acc[0]);
				_mm256_storeu_si256(sums.add(8).cast(), acc[1]);
			}
		}
	}
}
