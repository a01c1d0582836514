//! The compression function on 16 or 32 messages in lockstep.

use assay_referee::Root;
use core::arch::{asm, x86_64::*};

/// Messages in one vector.
pub(super) const LANES: usize = 16;
const BLOCK: usize = 64;

pub(super) const CHUNK_START: u32 = 1;
pub(super) const CHUNK_END: u32 = 2;
pub(super) const PARENT: u32 = 4;
pub(super) const ROOT: u32 = 8;

const IV: [u32; 8] = [
	0x6a09_e667,
	0xbb67_ae85,
	0x3c6e_f372,
	0xa54f_f53a,
	0x510e_527f,
	0x9b05_688c,
	0x1f83_d9ab,
	0x5be0_cd19,
];

/// The words of the message in the order in which each round takes them.
const SCHEDULE: [[usize; 16]; 7] = {
	let permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
	let mut rounds = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]; 7];
	let mut at = 16;
	while at < 7 * 16 {
		rounds[at / 16][at % 16] = rounds[at / 16 - 1][permutation[at % 16]];
		at += 1;
	}
	rounds
};

/// The rows of the state that a half round mixes: its columns, then its diagonals.
const COLUMNS: [[usize; 4]; 4] = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]];
const DIAGONALS: [[usize; 4]; 4] = [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]];

/// What the lanes hold.
#[derive(Default)]
pub(super) struct Lanes {
	/// Bytes of the messages.
	pub(super) length: [[u32; LANES]; 2],
	/// Lower and higher words of their counters.
	pub(super) counter: [[[u32; LANES]; 2]; 2],
	/// The flags that their first blocks add, and their last.
	pub(super) flags: [[[u32; LANES]; 2]; 2],
}

type V = __m512i;

/// Computes the values of the messages in the first `W` vectors of `lanes`; `bytes` has a `STRIDE` for each.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn lockstep<const W: usize, const STRIDE: usize>(
	bytes: &[u8],
	lanes: &Lanes,
	out: &mut [Root],
) {
	let zero = _mm512_setzero_si512();
	let (mut longest, mut shortest) = (zero, splat(u32::MAX));
	for length in &lanes.length[..W] {
		longest = _mm512_max_epu32(longest, vector(length));
		shortest = _mm512_min_epu32(shortest, vector(length));
	}
	let longest = _mm512_reduce_max_epu32(longest) as usize;
	let shortest = _mm512_reduce_min_epu32(shortest) as usize;
	assert!(longest <= STRIDE && STRIDE.is_multiple_of(BLOCK) && bytes.len() >= W * LANES * STRIDE);
	let mut states = [IV.map(|word| splat(word)); W];
	let (mut words, mut ends) = ([[zero; 16]; W], [[zero; 4]; W]);
	for start in (0..longest.max(1)).step_by(BLOCK) {
		let mut active = [!0; W];
		// Some lane has its first or last block, or no more.
		let special = start == 0 || start + BLOCK >= shortest;
		for w in 0..W {
			let mut rows = [zero; LANES];
			for (i, row) in rows.iter_mut().enumerate() {
				let at = bytes.as_ptr().wrapping_add((w * LANES + i) * STRIDE + start);
				// SAFETY: every lane has `STRIDE` bytes, whole blocks of which none after the longest message is read.
				*row = unsafe { _mm512_loadu_si512(at.cast()) };
				// What is read four blocks later, of these messages or of those that may follow.
				let ahead = if start + 4 * BLOCK < STRIDE { 0 } else { (W * LANES - 1) * STRIDE };
				_mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(ahead + 4 * BLOCK).cast());
			}
			words[w] = transpose(rows);
			let [low, high] = &lanes.counter[w];
			ends[w] = [vector(low), vector(high), splat(BLOCK as u32), zero];
			if special {
				let (start, block) = (splat(start as u32), splat(BLOCK as u32));
				let length = vector(&lanes.length[w]);
				let [first, last] = &lanes.flags[w];
				let left = _mm512_sub_epi32(_mm512_max_epu32(length, start), start);
				let is_last = _mm512_cmple_epu32_mask(left, block);
				let is_first = _mm512_cmpeq_epu32_mask(start, zero);
				let first = _mm512_maskz_mov_epi32(is_first, vector(first));
				let last = _mm512_maskz_mov_epi32(is_last, vector(last));
				ends[w][2..].copy_from_slice(&[
					_mm512_min_epu32(left, block),
					_mm512_or_si512(first, last),
				]);
				active[w] = is_first | _mm512_cmpgt_epu32_mask(left, zero);
			}
		}
		// SAFETY: the instruction set is this function's.
		let next = unsafe { compress(&states, &words, &ends) };
		if start + BLOCK <= shortest {
			states = next;
			continue;
		}
		for w in 0..W {
			for (state, next) in states[w].iter_mut().zip(next[w]) {
				*state = _mm512_mask_mov_epi32(*state, active[w], next);
			}
		}
	}
	for (state, out) in states.iter().zip(out.chunks_mut(LANES)) {
		let mut rows = [zero; LANES];
		rows[..8].copy_from_slice(state);
		for (row, out) in transpose(rows).iter().zip(out) {
			// SAFETY: the lower half of a vector are 32 bytes.
			unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_castsi512_si256(*row)) };
		}
	}
}

/// One block of every message; `ends` are the last rows of the states: counters, lengths, flags.
///
/// # Safety
/// AVX-512 F is enabled where this is inlined. (A function that enables it could not be made to be inlined,
/// and a call would take the states through memory.)
#[inline(always)]
unsafe fn compress<const W: usize>(
	states: &[[V; 8]; W],
	words: &[[V; 16]; W],
	ends: &[[V; 4]; W],
) -> [[V; 8]; W] {
	// SAFETY: as the caller promises; indices of words are below 16.
	unsafe {
		let mut v = [[_mm512_setzero_si512(); 16]; W];
		for w in 0..W {
			v[w][..8].copy_from_slice(&states[w]);
			v[w][8..12].copy_from_slice(&[splat(IV[0]), splat(IV[1]), splat(IV[2]), splat(IV[3])]);
			v[w][12..].copy_from_slice(&ends[w]);
		}
		// Written out, so that every index is a constant and the states stay in registers.
		macro_rules! each {
			($i:ident, $to:expr, $value:expr) => {
				for $i in 0..4 {
					$to = $value;
				}
			};
		}
		macro_rules! half_round {
			($round:literal, $first:literal, $rows:ident) => {
				for (v, words) in v.iter_mut().zip(words) {
					let [a, b, c, d] = $rows;
					// The states take all registers, so words are read from memory where they are added. A
					// compiler that knew it reads the same ones again would try to keep them, and spill.
					let mut words = words.as_ptr();
					asm!("/* {0} */", inout(reg) words, options(readonly, nostack, preserves_flags));
					let word = |i: usize| *words.add(SCHEDULE[$round][$first + i]);
					each!(i, v[a[i]], _mm512_add_epi32(v[a[i]], word(2 * i)));
					each!(i, v[a[i]], _mm512_add_epi32(v[a[i]], v[b[i]]));
					each!(i, v[d[i]], _mm512_xor_si512(v[d[i]], v[a[i]]));
					each!(i, v[d[i]], _mm512_ror_epi32::<16>(v[d[i]]));
					each!(i, v[c[i]], _mm512_add_epi32(v[c[i]], v[d[i]]));
					each!(i, v[b[i]], _mm512_xor_si512(v[b[i]], v[c[i]]));
					each!(i, v[b[i]], _mm512_ror_epi32::<12>(v[b[i]]));
					each!(i, v[a[i]], _mm512_add_epi32(v[a[i]], word(2 * i + 1)));
					each!(i, v[a[i]], _mm512_add_epi32(v[a[i]], v[b[i]]));
					each!(i, v[d[i]], _mm512_xor_si512(v[d[i]], v[a[i]]));
					each!(i, v[d[i]], _mm512_ror_epi32::<8>(v[d[i]]));
					each!(i, v[c[i]], _mm512_add_epi32(v[c[i]], v[d[i]]));
					each!(i, v[b[i]], _mm512_xor_si512(v[b[i]], v[c[i]]));
					each!(i, v[b[i]], _mm512_ror_epi32::<7>(v[b[i]]));
				}
			};
		}
		macro_rules! rounds {
			($($round:literal)*) => {
				$(half_round!($round, 0, COLUMNS); half_round!($round, 8, DIAGONALS);)*
			};
		}
		rounds!(0 1 2 3 4 5 6);
		let mut next = *states;
		for w in 0..W {
			for i in 0..8 {
				next[w][i] = _mm512_xor_si512(v[w][i], v[w][i + 8]);
			}
		}
		next
	}
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(x: u32) -> V {
	_mm512_set1_epi32(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn vector(words: &[u32; LANES]) -> V {
	// SAFETY: as many words as a vector has.
	unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// Row `i` of the result holds word `i` of every row.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [V; 16]) -> [V; 16] {
	// Loops: the functions of arrays lack the instruction set and would be called for every element.
	let zero = _mm512_setzero_si512();
	// Pairs of rows, then fours, word by word within quarters; then quarters.
	let (mut pairs, mut fours, mut halves, mut whole) =
		([zero; 16], [zero; 16], [zero; 16], [zero; 16]);
	for i in 0..8 {
		pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
		pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
	}
	for i in [0, 4, 8, 12] {
		fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
		fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
		fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
		fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
	}
	for i in [0, 1, 2, 3, 8, 9, 10, 11] {
		halves[i] = _mm512_shuffle_i32x4::<0x88>(fours[i], fours[i + 4]);
		halves[i + 4] = _mm512_shuffle_i32x4::<0xdd>(fours[i], fours[i + 4]);
	}
	for i in 0..8 {
		whole[i] = _mm512_shuffle_i32x4::<0x88>(halves[i], halves[i + 8]);
		whole[i + 8] = _mm512_shuffle_i32x4::<0xdd>(halves[i], halves[i + 8]);
	}
	whole
}
