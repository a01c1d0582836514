//! AVX2 with FMA, and AVX-512.

use super::{Simd, NAN_BITS};
use core::arch::x86_64::*;

/// Eight lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

// SAFETY: implementors need what the trait's contract gives them, the instruction set and the pointers.
unsafe impl Simd for Avx2 {
	type V = __m256;
	const LANES: usize = 8;
	const MAX_ROWS: usize = 6;

	#[inline(always)]
	unsafe fn splat(x: f32) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_set1_ps(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_loadu_ps(p) }
	}

	#[inline(always)]
	unsafe fn load_even(p: *const f32) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe {
			let halves = _mm256_shuffle_ps::<0x88>(_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8)));
			_mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(halves)))
		}
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_load_ps(p) }
	}

	#[inline(always)]
	unsafe fn correct(
		sums: *const i32,
		base: *const i32,
		zeros: *const i32,
		by: i32,
		out: *mut i32,
	) {
		// SAFETY: the trait's contract.
		unsafe {
			let load = |p: *const i32| _mm256_loadu_si256(p.cast());
			let zeros = _mm256_mullo_epi32(load(zeros), _mm256_set1_epi32(by));
			let sums = _mm256_add_epi32(load(sums), load(base));
			_mm256_storeu_si256(out.cast(), _mm256_sub_epi32(sums, zeros));
		}
	}

	#[inline(always)]
	unsafe fn of_ints(p: *const i32) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_cvtepi32_ps(_mm256_loadu_si256(p.cast())) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: __m256) {
		// SAFETY: the trait's contract.
		unsafe { _mm256_storeu_ps(p, v) }
	}

	#[inline(always)]
	unsafe fn load_first(p: *const f32, count: usize) -> __m256 {
		// SAFETY: the trait's contract; lanes that are masked are not read.
		unsafe { _mm256_maskload_ps(p, first_of_eight(count)) }
	}

	#[inline(always)]
	unsafe fn store_first(p: *mut f32, v: __m256, count: usize) {
		// SAFETY: the trait's contract; lanes that are masked are not written.
		unsafe { _mm256_maskstore_ps(p, first_of_eight(count), v) }
	}

	#[inline(always)]
	unsafe fn add(a: __m256, b: __m256) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_add_ps(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe { _mm256_fmadd_ps(a, b, c) }
	}

	#[inline(always)]
	unsafe fn max(a: __m256, b: __m256) -> __m256 {
		// SAFETY: the trait's contract. The instruction gives the second of two that are not ordered.
		unsafe {
			let picked = _mm256_max_ps(a, b);
			_mm256_blendv_ps(picked, a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a))
		}
	}

	#[inline(always)]
	unsafe fn min(a: __m256, b: __m256) -> __m256 {
		// SAFETY: the trait's contract. The instruction gives the second of two that are not ordered.
		unsafe {
			let picked = _mm256_min_ps(a, b);
			_mm256_blendv_ps(picked, a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a))
		}
	}

	#[inline(always)]
	unsafe fn or_negative(x: __m256, other: __m256) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe {
			let not_negative = _mm256_cmp_ps::<_CMP_GE_OQ>(x, _mm256_setzero_ps());
			_mm256_blendv_ps(other, x, not_negative)
		}
	}

	#[inline(always)]
	unsafe fn canonical(v: __m256) -> __m256 {
		// SAFETY: the trait's contract.
		unsafe {
			let nan = _mm256_set1_ps(f32::from_bits(NAN_BITS));
			_mm256_blendv_ps(v, nan, _mm256_cmp_ps::<_CMP_UNORD_Q>(v, v))
		}
	}

	#[inline(always)]
	unsafe fn transpose(source: *const f32, step: usize, rows: usize, out: *mut f32, width: usize) {
		// SAFETY: the trait's contract.
		unsafe {
			let mut v = [_mm256_setzero_ps(); 8];
			for (r, v) in v.iter_mut().enumerate().take(rows) {
				*v = _mm256_loadu_ps(source.add(r * step));
			}
			// Pairs of rows, then quarters, then the halves of the vectors.
			let mut w = [_mm256_setzero_ps(); 8];
			for i in 0..4 {
				w[2 * i] = _mm256_unpacklo_ps(v[2 * i], v[2 * i + 1]);
				w[2 * i + 1] = _mm256_unpackhi_ps(v[2 * i], v[2 * i + 1]);
			}
			for i in 0..2 {
				let [a, b, c, d] = [w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]];
				v[4 * i] = _mm256_shuffle_ps::<0x44>(a, c);
				v[4 * i + 1] = _mm256_shuffle_ps::<0xee>(a, c);
				v[4 * i + 2] = _mm256_shuffle_ps::<0x44>(b, d);
				v[4 * i + 3] = _mm256_shuffle_ps::<0xee>(b, d);
			}
			for i in 0..4 {
				w[i] = _mm256_permute2f128_ps::<0x20>(v[i], v[i + 4]);
				w[i + 4] = _mm256_permute2f128_ps::<0x31>(v[i], v[i + 4]);
			}
			for (t, w) in w.iter().enumerate() {
				_mm256_storeu_ps(out.add(t * width), *w);
			}
		}
	}

	#[inline(always)]
	unsafe fn transpose_bytes(source: *const u8, step: usize, out: *mut u8, width: usize) {
		// SAFETY: the trait's contract.
		unsafe { transpose_bytes(source, step, out, width) }
	}
}

// SAFETY: as above.
unsafe impl Simd for Avx512 {
	type V = __m512;
	const LANES: usize = 16;
	const MAX_ROWS: usize = 14;

	#[inline(always)]
	unsafe fn splat(x: f32) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_set1_ps(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_loadu_ps(p) }
	}

	#[inline(always)]
	unsafe fn load_even(p: *const f32) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe {
			let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
			_mm512_permutex2var_ps(_mm512_loadu_ps(p), even, _mm512_loadu_ps(p.add(16)))
		}
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_load_ps(p) }
	}

	#[inline(always)]
	unsafe fn correct(
		sums: *const i32,
		base: *const i32,
		zeros: *const i32,
		by: i32,
		out: *mut i32,
	) {
		// SAFETY: the trait's contract.
		unsafe {
			let load = |p: *const i32| _mm512_loadu_si512(p.cast());
			let zeros = _mm512_mullo_epi32(load(zeros), _mm512_set1_epi32(by));
			let sums = _mm512_add_epi32(load(sums), load(base));
			_mm512_storeu_si512(out.cast(), _mm512_sub_epi32(sums, zeros));
		}
	}

	#[inline(always)]
	unsafe fn of_ints(p: *const i32) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_cvtepi32_ps(_mm512_loadu_si512(p.cast())) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: __m512) {
		// SAFETY: the trait's contract.
		unsafe { _mm512_storeu_ps(p, v) }
	}

	#[inline(always)]
	unsafe fn load_first(p: *const f32, count: usize) -> __m512 {
		// SAFETY: the trait's contract; lanes that are masked are not read.
		unsafe { _mm512_maskz_loadu_ps((1u32 << count).wrapping_sub(1) as u16, p) }
	}

	#[inline(always)]
	unsafe fn store_first(p: *mut f32, v: __m512, count: usize) {
		// SAFETY: the trait's contract; lanes that are masked are not written.
		unsafe { _mm512_mask_storeu_ps(p, (1u32 << count).wrapping_sub(1) as u16, v) }
	}

	#[inline(always)]
	unsafe fn add(a: __m512, b: __m512) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_add_ps(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe { _mm512_fmadd_ps(a, b, c) }
	}

	#[inline(always)]
	unsafe fn max(a: __m512, b: __m512) -> __m512 {
		// SAFETY: the trait's contract. The instruction gives the second of two that are not ordered.
		unsafe {
			let picked = _mm512_max_ps(a, b);
			_mm512_mask_mov_ps(picked, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a)
		}
	}

	#[inline(always)]
	unsafe fn min(a: __m512, b: __m512) -> __m512 {
		// SAFETY: the trait's contract. The instruction gives the second of two that are not ordered.
		unsafe {
			let picked = _mm512_min_ps(a, b);
			_mm512_mask_mov_ps(picked, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a)
		}
	}

	#[inline(always)]
	unsafe fn or_negative(x: __m512, other: __m512) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe {
			let not_negative = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, _mm512_setzero_ps());
			_mm512_mask_mov_ps(other, not_negative, x)
		}
	}

	#[inline(always)]
	unsafe fn canonical(v: __m512) -> __m512 {
		// SAFETY: the trait's contract.
		unsafe {
			let nan = _mm512_set1_ps(f32::from_bits(NAN_BITS));
			_mm512_mask_mov_ps(v, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v), nan)
		}
	}

	#[inline(always)]
	unsafe fn transpose(source: *const f32, step: usize, rows: usize, out: *mut f32, width: usize) {
		// SAFETY: the trait's contract.
		unsafe {
			let mut v = [_mm512_setzero_ps(); 16];
			for (r, v) in v.iter_mut().enumerate().take(rows) {
				*v = _mm512_loadu_ps(source.add(r * step));
			}
			// Pairs of rows, then quarters, then the quarters of the vectors.
			let mut w = [_mm512_setzero_ps(); 16];
			for i in 0..8 {
				w[2 * i] = _mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]);
				w[2 * i + 1] = _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]);
			}
			for i in 0..4 {
				let [a, b, c, d] = [w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]];
				v[4 * i] = _mm512_shuffle_ps::<0x44>(a, c);
				v[4 * i + 1] = _mm512_shuffle_ps::<0xee>(a, c);
				v[4 * i + 2] = _mm512_shuffle_ps::<0x44>(b, d);
				v[4 * i + 3] = _mm512_shuffle_ps::<0xee>(b, d);
			}
			for i in 0..4 {
				w[i] = _mm512_shuffle_f32x4::<0x88>(v[i], v[i + 4]);
				w[i + 4] = _mm512_shuffle_f32x4::<0xdd>(v[i], v[i + 4]);
				w[i + 8] = _mm512_shuffle_f32x4::<0x88>(v[i + 8], v[i + 12]);
				w[i + 12] = _mm512_shuffle_f32x4::<0xdd>(v[i + 8], v[i + 12]);
			}
			for i in 0..8 {
				v[i] = _mm512_shuffle_f32x4::<0x88>(w[i], w[i + 8]);
				v[i + 8] = _mm512_shuffle_f32x4::<0xdd>(w[i], w[i + 8]);
			}
			for (t, v) in v.iter().enumerate() {
				_mm512_storeu_ps(out.add(t * width), *v);
			}
		}
	}

	#[inline(always)]
	unsafe fn transpose_bytes(source: *const u8, step: usize, out: *mut u8, width: usize) {
		// SAFETY: the trait's contract.
		unsafe { transpose_bytes(source, step, out, width) }
	}
}

/// A mask of the first lanes, fewer than eight.
///
/// # Safety
/// AVX2 is enabled.
#[inline(always)]
unsafe fn first_of_eight(count: usize) -> __m256i {
	const LANES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
	let from = &LANES[8 - count..][..8];
	// SAFETY: the caller's promise; eight integers.
	unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// [`Simd::transpose_bytes`] with 128-bit vectors, which every processor of the target has.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn transpose_bytes(source: *const u8, step: usize, out: *mut u8, width: usize) {
	// SAFETY: the trait's contract.
	unsafe {
		let mut v = [_mm_setzero_si128(); 16];
		for (r, v) in v.iter_mut().enumerate() {
			*v = _mm_loadu_si128(source.add(r * step).cast());
		}
		// Each round moves the highest bit of a row's number to the end of its bytes' numbers, and the
		// highest bit of those to the end of the row's.
		for _ in 0..4 {
			let mut w = [_mm_setzero_si128(); 16];
			for i in 0..8 {
				w[2 * i] = _mm_unpacklo_epi8(v[i], v[i + 8]);
				w[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + 8]);
			}
			v = w;
		}
		for (t, v) in v.iter().enumerate() {
			_mm_storeu_si128(out.add(t * width).cast(), *v);
		}
	}
}
