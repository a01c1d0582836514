//! The portable instance: four lanes in an array, and an exact fused multiply-add without the
//! instruction.

use super::Simd;
use crate::cpu::fma32_to_odd;

/// Portable lanes.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

// SAFETY: plain Rust, available everywhere.
unsafe impl Simd for Scalar {
	type V = [f32; 4];
	const LANES: usize = 4;
	const MAX_ROWS: usize = 4;

	#[inline(always)]
	unsafe fn splat(x: f32) -> [f32; 4] {
		[x; 4]
	}

	#[inline(always)]
	unsafe fn load(p: *const f32) -> [f32; 4] {
		// SAFETY: the caller gives four valid floats.
		unsafe { p.cast::<[f32; 4]>().read_unaligned() }
	}

	#[inline(always)]
	unsafe fn load_aligned(p: *const f32) -> [f32; 4] {
		// SAFETY: the caller gives four valid floats.
		unsafe { Self::load(p) }
	}

	#[inline(always)]
	unsafe fn correct(
		sums: *const i32,
		base: *const i32,
		zeros: *const i32,
		by: i32,
		out: *mut i32,
	) {
		for i in 0..Self::LANES {
			// SAFETY: the caller gives four integers of each.
			unsafe {
				let zero = (*zeros.add(i)).wrapping_mul(by);
				*out.add(i) = (*sums.add(i)).wrapping_add(*base.add(i)).wrapping_sub(zero);
			}
		}
	}

	#[inline(always)]
	unsafe fn of_ints(p: *const i32) -> [f32; 4] {
		// SAFETY: the caller gives four valid integers.
		unsafe { p.cast::<[i32; 4]>().read_unaligned() }.map(|x| x as f32)
	}

	#[inline(always)]
	unsafe fn store(p: *mut f32, v: [f32; 4]) {
		// SAFETY: the caller gives room for four floats.
		unsafe { p.cast::<[f32; 4]>().write_unaligned(v) }
	}

	#[inline(always)]
	unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
		core::array::from_fn(|i| a[i] + b[i])
	}

	#[inline(always)]
	unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
		core::array::from_fn(|i| fma32_to_odd(a[i], b[i], c[i]))
	}

	#[inline(always)]
	unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
		core::array::from_fn(|i| if b[i] < a[i] || a[i].is_nan() { a[i] } else { b[i] })
	}

	#[inline(always)]
	unsafe fn min(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
		core::array::from_fn(|i| if a[i] < b[i] || a[i].is_nan() { a[i] } else { b[i] })
	}

	#[inline(always)]
	unsafe fn or_negative(x: [f32; 4], other: [f32; 4]) -> [f32; 4] {
		core::array::from_fn(|i| if x[i] >= 0.0 { x[i] } else { other[i] })
	}

	#[inline(always)]
	unsafe fn canonical(v: [f32; 4]) -> [f32; 4] {
		v.map(super::canonical)
	}

	#[inline(always)]
	unsafe fn transpose(source: *const f32, step: usize, rows: usize, out: *mut f32, width: usize) {
		for t in 0..Self::LANES {
			for r in 0..Self::LANES {
				// SAFETY: the caller gives the rows, and room for the lines.
				unsafe {
					let x = if r < rows { *source.add(r * step + t) } else { 0.0 };
					*out.add(t * width + r) = x;
				}
			}
		}
	}
}
