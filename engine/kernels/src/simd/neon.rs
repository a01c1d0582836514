//! Armv8-A Advanced SIMD.

use super::{Simd, NAN_BITS};
use core::arch::aarch64::*;

/// Four lanes.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

// SAFETY (every block below): Advanced SIMD is part of every aarch64 target; the trait's contract
// gives the pointers.
unsafe impl Simd for Neon {
	type V = float32x4_t;
	const LANES: usize = 4;
	const MAX_ROWS: usize = 12;

	#[inline(always)]
	unsafe fn splat(x: f32) -> float32x4_t {
		unsafe { vdupq_n_f32(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> float32x4_t {
		unsafe { vld1q_f32(p) }
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> float32x4_t {
		unsafe { vld1q_f32(p) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: float32x4_t) {
		unsafe { vst1q_f32(p, v) }
	}

	#[inline(always)]
	unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
		unsafe { vaddq_f32(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
		unsafe { vfmaq_f32(c, a, b) }
	}

	#[inline(always)]
	unsafe fn canonical(v: float32x4_t) -> float32x4_t {
		unsafe {
			let nan = vdupq_n_f32(f32::from_bits(NAN_BITS));
			vbslq_f32(vceqq_f32(v, v), v, nan)
		}
	}
}
