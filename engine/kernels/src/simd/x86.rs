//! AVX2 with FMA, and AVX-512.

use super::{Simd, NAN_BITS};
use core::arch::x86_64::*;

/// Eight lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

// SAFETY (every block below): the trait's contract gives the instruction set and the pointers.
unsafe impl Simd for Avx2 {
	type V = __m256;
	const LANES: usize = 8;
	const MAX_ROWS: usize = 6;

	#[inline(always)]
	unsafe fn splat(x: f32) -> __m256 {
		unsafe { _mm256_set1_ps(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> __m256 {
		unsafe { _mm256_loadu_ps(p) }
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> __m256 {
		unsafe { _mm256_load_ps(p) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: __m256) {
		unsafe { _mm256_storeu_ps(p, v) }
	}

	#[inline(always)]
	unsafe fn add(a: __m256, b: __m256) -> __m256 {
		unsafe { _mm256_add_ps(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
		unsafe { _mm256_fmadd_ps(a, b, c) }
	}

	#[inline(always)]
	unsafe fn canonical(v: __m256) -> __m256 {
		unsafe {
			let nan = _mm256_set1_ps(f32::from_bits(NAN_BITS));
			_mm256_blendv_ps(v, nan, _mm256_cmp_ps::<_CMP_UNORD_Q>(v, v))
		}
	}
}

// SAFETY: as above.
unsafe impl Simd for Avx512 {
	type V = __m512;
	const LANES: usize = 16;
	const MAX_ROWS: usize = 14;

	#[inline(always)]
	unsafe fn splat(x: f32) -> __m512 {
		unsafe { _mm512_set1_ps(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> __m512 {
		unsafe { _mm512_loadu_ps(p) }
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> __m512 {
		unsafe { _mm512_load_ps(p) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: __m512) {
		unsafe { _mm512_storeu_ps(p, v) }
	}

	#[inline(always)]
	unsafe fn add(a: __m512, b: __m512) -> __m512 {
		unsafe { _mm512_add_ps(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
		unsafe { _mm512_fmadd_ps(a, b, c) }
	}

	#[inline(always)]
	unsafe fn canonical(v: __m512) -> __m512 {
		unsafe {
			let nan = _mm512_set1_ps(f32::from_bits(NAN_BITS));
			_mm512_mask_mov_ps(v, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v), nan)
		}
	}
}
