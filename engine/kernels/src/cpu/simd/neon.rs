//! Armv8-A Advanced SIMD.

use super::{Simd, NAN_BITS};
use core::arch::aarch64::*;

/// Four lanes.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

// SAFETY: Advanced SIMD is part of every aarch64 target; the trait's contract gives the pointers.
unsafe impl Simd for Neon {
	type V = float32x4_t;
	const LANES: usize = 4;
	const MAX_ROWS: usize = 12;

	#[inline(always)]
	unsafe fn splat(x: f32) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vdupq_n_f32(x) }
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vld1q_f32(p) }
	}

	#[inline(always)]
	unsafe fn load_even(p: *const f32) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vld2q_f32(p).0 }
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vld1q_f32(p) }
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
			let sum = vaddq_s32(vld1q_s32(sums), vld1q_s32(base));
			vst1q_s32(out, vmlsq_s32(sum, vld1q_s32(zeros), vdupq_n_s32(by)));
		}
	}

	#[inline(always)]
	unsafe fn of_ints(p: *const i32) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vcvtq_f32_s32(vld1q_s32(p)) }
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: float32x4_t) {
		// SAFETY: the trait's contract.
		unsafe { vst1q_f32(p, v) }
	}

	#[inline(always)]
	unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vaddq_f32(a, b) }
	}

	#[inline(always)]
	unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vfmaq_f32(c, a, b) }
	}

	#[inline(always)]
	unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe {
			let larger = vbslq_f32(vcgtq_f32(a, b), a, b);
			vbslq_f32(vceqq_f32(a, a), larger, a)
		}
	}

	#[inline(always)]
	unsafe fn min(a: float32x4_t, b: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe {
			let smaller = vbslq_f32(vcltq_f32(a, b), a, b);
			vbslq_f32(vceqq_f32(a, a), smaller, a)
		}
	}

	#[inline(always)]
	unsafe fn or_negative(x: float32x4_t, other: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe { vbslq_f32(vcgeq_f32(x, vdupq_n_f32(0.0)), x, other) }
	}

	#[inline(always)]
	unsafe fn canonical(v: float32x4_t) -> float32x4_t {
		// SAFETY: the trait's contract.
		unsafe {
			let nan = vdupq_n_f32(f32::from_bits(NAN_BITS));
			vbslq_f32(vceqq_f32(v, v), v, nan)
		}
	}

	#[inline(always)]
	unsafe fn transpose(source: *const f32, step: usize, rows: usize, out: *mut f32, width: usize) {
		// SAFETY: the trait's contract.
		unsafe {
			let mut v = [vdupq_n_f32(0.0); 4];
			for (r, v) in v.iter_mut().enumerate().take(rows) {
				*v = vld1q_f32(source.add(r * step));
			}
			let (a, b) = (vtrn1q_f32(v[0], v[1]), vtrn2q_f32(v[0], v[1]));
			let (c, d) = (vtrn1q_f32(v[2], v[3]), vtrn2q_f32(v[2], v[3]));
			let halves = |x, y| (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
			let low = |(x, y)| vreinterpretq_f32_f64(vtrn1q_f64(x, y));
			let high = |(x, y)| vreinterpretq_f32_f64(vtrn2q_f64(x, y));
			vst1q_f32(out, low(halves(a, c)));
			vst1q_f32(out.add(width), low(halves(b, d)));
			vst1q_f32(out.add(2 * width), high(halves(a, c)));
			vst1q_f32(out.add(3 * width), high(halves(b, d)));
		}
	}
}
