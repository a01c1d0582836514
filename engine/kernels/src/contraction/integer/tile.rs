//! The register tile of bytes: some rows by 32 columns, four terms at a time.

use crate::cpu::{Isa, Level};

/// Columns of a panel.
pub(super) const COLUMNS: usize = 32;
/// Most rows of any tile.
pub(super) const MOST_ROWS: usize = 12;

/// The instructions that a tile is computed with.
///
/// Multiplying pairs of bytes with sums of 16 bits is not among them: it saturates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
	/// Plain Rust.
	Portable,
	/// Bytes widened to 16 bits, pairs multiplied and added.
	#[cfg(target_arch = "x86_64")]
	Avx2,
	/// Quadruples of bytes multiplied and added, without saturation.
	#[cfg(target_arch = "x86_64")]
	AvxVnni,
	/// As `Avx2`, with longer vectors.
	#[cfg(target_arch = "x86_64")]
	Avx512,
	/// As `AvxVnni`, with longer vectors.
	#[cfg(target_arch = "x86_64")]
	Avx512Vnni,
	/// Bytes widened to 16 bits, multiplied by one of the left side.
	#[cfg(target_arch = "aarch64")]
	Neon,
}

impl Way {
	/// The best of this processor for a level.
	pub(super) fn of(isa: Isa) -> Way {
		match isa.level() {
			#[cfg(target_arch = "x86_64")]
			Level::Avx512 if Way::Avx512Vnni.is_available() => Way::Avx512Vnni,
			#[cfg(target_arch = "x86_64")]
			Level::Avx512 => Way::Avx512,
			#[cfg(target_arch = "x86_64")]
			Level::Avx2 if Way::AvxVnni.is_available() => Way::AvxVnni,
			#[cfg(target_arch = "x86_64")]
			Level::Avx2 => Way::Avx2,
			#[cfg(target_arch = "aarch64")]
			Level::Neon => Way::Neon,
			_ => Way::Portable,
		}
	}

	pub(super) fn is_available(self) -> bool {
		match self {
			Way::Portable => true,
			#[cfg(target_arch = "x86_64")]
			Way::Avx2 => Level::Avx2.isa().is_some(),
			#[cfg(target_arch = "x86_64")]
			Way::AvxVnni => Level::Avx2.isa().is_some() && is_x86_feature_detected!("avxvnni"),
			#[cfg(target_arch = "x86_64")]
			Way::Avx512 => Level::Avx512.isa().is_some(),
			#[cfg(target_arch = "x86_64")]
			Way::Avx512Vnni => Level::Avx512.isa().is_some() && is_x86_feature_detected!("avx512vnni"),
			#[cfg(target_arch = "aarch64")]
			Way::Neon => true,
		}
	}

	/// Most rows of a tile.
	pub(super) fn rows(self) -> usize {
		match self {
			#[cfg(target_arch = "x86_64")]
			Way::AvxVnni => 6,
			#[cfg(target_arch = "x86_64")]
			Way::Avx512 | Way::Avx512Vnni => 12,
			_ => 4,
		}
	}

	/// Whether the left side is numbers of 16 bits.
	pub(super) fn wants_words(self) -> bool {
		match self {
			Way::Portable => false,
			#[cfg(target_arch = "x86_64")]
			Way::AvxVnni | Way::Avx512Vnni => false,
			#[cfg(target_arch = "x86_64")]
			Way::Avx2 | Way::Avx512 => true,
			#[cfg(target_arch = "aarch64")]
			Way::Neon => true,
		}
	}
}

type Sums = [[i32; COLUMNS]; MOST_ROWS];

/// Calls a kernel with the number of rows as a constant.
macro_rules! with_rows {
	($rows:expr, $kernel:ident $arguments:tt, $($count:literal)*) => {
		match $rows {
			$($count => $kernel::<$count> $arguments,)*
			_ => debug_assert!(false, "no tile of that many rows"),
		}
	};
}

/// `sums[r][j] = Σ left[quad][r][i] · right[quad][j][i]` over all quadruples of terms, modulo 2^32;
/// the left side is what `way` wants.
pub(super) fn compute(way: Way, left: &[u8], right: &[u8], rows: usize, sums: &mut Sums) {
	let quads = right.len() / (4 * COLUMNS);
	let size = if way.wants_words() { 2 } else { 1 };
	assert!(rows <= way.rows() && left.len() == quads * rows * 4 * size);
	let (l, r) = (left.as_ptr(), right.as_ptr());
	// SAFETY: both sides hold `quads` quadruples, as asserted; `Way::of` names only what is there.
	unsafe {
		match way {
			Way::Portable => portable(left, right, rows, sums),
			#[cfg(target_arch = "x86_64")]
			Way::Avx2 => with_rows!(rows, avx2(l, r, quads, sums), 1 2 3 4),
			#[cfg(target_arch = "x86_64")]
			Way::AvxVnni => with_rows!(rows, avx_vnni(l, r, quads, sums), 1 2 3 4 5 6),
			#[cfg(target_arch = "x86_64")]
			Way::Avx512 => with_rows!(rows, avx512(l, r, quads, sums), 1 2 3 4 5 6 7 8 9 10 11 12),
			#[cfg(target_arch = "x86_64")]
			Way::Avx512Vnni => {
				with_rows!(rows, avx512_vnni(l, r, quads, sums), 1 2 3 4 5 6 7 8 9 10 11 12)
			},
			#[cfg(target_arch = "aarch64")]
			Way::Neon => with_rows!(rows, neon(l, r, quads, sums), 1 2 3 4),
		}
	}
}

fn portable(left: &[u8], right: &[u8], rows: usize, sums: &mut Sums) {
	let (right, _) = right.as_chunks::<{ 4 * COLUMNS }>();
	for (left, right) in left.chunks_exact(4 * rows).zip(right) {
		for (left, sums) in left.chunks_exact(4).zip(sums.iter_mut()) {
			let left: [i32; 4] = core::array::from_fn(|i| i32::from(left[i]));
			for (right, sum) in right.chunks_exact(4).zip(sums) {
				for (&a, &b) in left.iter().zip(right) {
					*sum = sum.wrapping_add(a * i32::from(b as i8));
				}
			}
		}
	}
}

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// # Safety
/// AVX2; `left` has `quads` times `R` quadruples of 16 bits, `right` `quads` times 32 of bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const R: usize>(left: *const u8, right: *const u8, quads: usize, sums: &mut Sums) {
	// Eight columns at a time: sixteen registers hold no more.
	for part in 0..4 {
		let (mut left, mut right) = (left.cast::<i64>(), right.wrapping_add(part * 32));
		let mut acc = [[_mm256_setzero_si256(); 2]; R];
		for _ in 0..quads {
			// SAFETY: the caller's promise.
			unsafe {
				let b0 = _mm256_cvtepi8_epi16(_mm_loadu_si128(right.cast()));
				let b1 = _mm256_cvtepi8_epi16(_mm_loadu_si128(right.wrapping_add(16).cast()));
				for (r, acc) in acc.iter_mut().enumerate() {
					let a = _mm256_set1_epi64x(left.wrapping_add(r).read_unaligned());
					acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(a, b0));
					acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(a, b1));
				}
			}
			(left, right) = (left.wrapping_add(R), right.wrapping_add(4 * COLUMNS));
		}
		for (sums, acc) in sums.iter_mut().zip(&acc) {
			// A column's two sums are neighbours.
			let halves = _mm256_hadd_epi32(acc[0], acc[1]);
			let columns = _mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
			// SAFETY: a row of sums is four such vectors.
			unsafe { _mm256_storeu_si256(sums.as_mut_ptr().add(part * 8).cast(), columns) };
		}
	}
}

/// # Safety
/// AVX-VNNI; `left` has `quads` times `R` quadruples of bytes, `right` `quads` times 32.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn avx_vnni<const R: usize>(
	left: *const u8,
	right: *const u8,
	quads: usize,
	sums: &mut Sums,
) {
	// Half the columns at a time.
	for half in 0..2 {
		let (mut left, mut right) = (left.cast::<i32>(), right.wrapping_add(half * 64));
		let mut acc = [[_mm256_setzero_si256(); 2]; R];
		for _ in 0..quads {
			// SAFETY: the caller's promise.
			unsafe {
				let b0 = _mm256_loadu_si256(right.cast());
				let b1 = _mm256_loadu_si256(right.wrapping_add(32).cast());
				for (r, acc) in acc.iter_mut().enumerate() {
					let a = _mm256_set1_epi32(left.wrapping_add(r).read_unaligned());
					acc[0] = _mm256_dpbusd_avx_epi32(acc[0], a, b0);
					acc[1] = _mm256_dpbusd_avx_epi32(acc[1], a, b1);
				}
			}
			(left, right) = (left.wrapping_add(R), right.wrapping_add(4 * COLUMNS));
		}
		for (sums, acc) in sums.iter_mut().zip(&acc) {
			// SAFETY: half a row of sums is two vectors.
			unsafe {
				let sums = sums.as_mut_ptr().add(half * 16);
				_mm256_storeu_si256(sums.cast(), acc[0]);
				_mm256_storeu_si256(sums.add(8).cast(), acc[1]);
			}
		}
	}
}

/// # Safety
/// AVX-512 with BW; otherwise as [`avx2`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn avx512<const R: usize>(left: *const u8, right: *const u8, quads: usize, sums: &mut Sums) {
	for half in 0..2 {
		let (mut left, mut right) = (left.cast::<i64>(), right.wrapping_add(half * 64));
		let mut acc = [[_mm512_setzero_si512(); 2]; R];
		for _ in 0..quads {
			// SAFETY: the caller's promise.
			unsafe {
				let b0 = _mm512_cvtepi8_epi16(_mm256_loadu_si256(right.cast()));
				let b1 = _mm512_cvtepi8_epi16(_mm256_loadu_si256(right.wrapping_add(32).cast()));
				for (r, acc) in acc.iter_mut().enumerate() {
					let a = _mm512_set1_epi64(left.wrapping_add(r).read_unaligned());
					acc[0] = _mm512_add_epi32(acc[0], _mm512_madd_epi16(a, b0));
					acc[1] = _mm512_add_epi32(acc[1], _mm512_madd_epi16(a, b1));
				}
			}
			(left, right) = (left.wrapping_add(R), right.wrapping_add(4 * COLUMNS));
		}
		// A column's two sums are neighbours.
		let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
		let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
		for (sums, acc) in sums.iter_mut().zip(&acc) {
			let even = _mm512_permutex2var_epi32(acc[0], even, acc[1]);
			let odd = _mm512_permutex2var_epi32(acc[0], odd, acc[1]);
			let columns = _mm512_add_epi32(even, odd);
			// SAFETY: a row of sums is two vectors.
			unsafe { _mm512_storeu_si512(sums.as_mut_ptr().add(half * 16).cast(), columns) };
		}
	}
}

/// # Safety
/// AVX-512 with VNNI; otherwise as [`avx_vnni`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn avx512_vnni<const R: usize>(
	left: *const u8,
	right: *const u8,
	quads: usize,
	sums: &mut Sums,
) {
	let (mut left, mut right) = (left.cast::<i32>(), right);
	let mut acc = [[_mm512_setzero_si512(); 2]; R];
	for _ in 0..quads {
		// SAFETY: the caller's promise.
		unsafe {
			let b0 = _mm512_loadu_si512(right.cast());
			let b1 = _mm512_loadu_si512(right.wrapping_add(64).cast());
			for (r, acc) in acc.iter_mut().enumerate() {
				let a = _mm512_set1_epi32(left.wrapping_add(r).read_unaligned());
				acc[0] = _mm512_dpbusd_epi32(acc[0], a, b0);
				acc[1] = _mm512_dpbusd_epi32(acc[1], a, b1);
			}
		}
		(left, right) = (left.wrapping_add(R), right.wrapping_add(4 * COLUMNS));
	}
	for (sums, acc) in sums.iter_mut().zip(&acc) {
		// SAFETY: a row of sums is two vectors.
		unsafe {
			_mm512_storeu_si512(sums.as_mut_ptr().cast(), acc[0]);
			_mm512_storeu_si512(sums.as_mut_ptr().add(16).cast(), acc[1]);
		}
	}
}

/// # Safety
/// `left` has `quads` times `R` quadruples of 16 bits, `right` `quads` times 32 of bytes.
#[cfg(target_arch = "aarch64")]
unsafe fn neon<const R: usize>(left: *const u8, right: *const u8, quads: usize, sums: &mut Sums) {
	use core::arch::aarch64::*;
	// Eight columns at a time.
	for part in 0..4 {
		let (mut left, mut right) =
			(left.cast::<i16>(), right.cast::<i8>().wrapping_add(part * 32));
		// SAFETY: Advanced SIMD is part of every aarch64 target; the caller's promise.
		unsafe {
			let mut acc = [[vdupq_n_s32(0); 2]; R];
			for _ in 0..quads {
				// The terms apart, eight columns each.
				let int8x8x4_t(b0, b1, b2, b3) = vld4_s8(right);
				let b = [vmovl_s8(b0), vmovl_s8(b1), vmovl_s8(b2), vmovl_s8(b3)];
				for (r, acc) in acc.iter_mut().enumerate() {
					let a = vld1_s16(left.wrapping_add(4 * r));
					let low = |b| vget_low_s16(b);
					acc[0] = vmlal_lane_s16::<0>(acc[0], low(b[0]), a);
					acc[1] = vmlal_high_lane_s16::<0>(acc[1], b[0], a);
					acc[0] = vmlal_lane_s16::<1>(acc[0], low(b[1]), a);
					acc[1] = vmlal_high_lane_s16::<1>(acc[1], b[1], a);
					acc[0] = vmlal_lane_s16::<2>(acc[0], low(b[2]), a);
					acc[1] = vmlal_high_lane_s16::<2>(acc[1], b[2], a);
					acc[0] = vmlal_lane_s16::<3>(acc[0], low(b[3]), a);
					acc[1] = vmlal_high_lane_s16::<3>(acc[1], b[3], a);
				}
				(left, right) = (left.wrapping_add(4 * R), right.wrapping_add(4 * COLUMNS));
			}
			for (sums, acc) in sums.iter_mut().zip(&acc) {
				vst1q_s32(sums.as_mut_ptr().add(part * 8), acc[0]);
				vst1q_s32(sums.as_mut_ptr().add(part * 8 + 4), acc[1]);
			}
		}
	}
}
