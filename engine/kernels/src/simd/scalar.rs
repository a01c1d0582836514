//! The portable instance: four lanes in an array, and an exact fused multiply-add without the
//! instruction.

use super::{Simd, NAN_BITS};

/// Portable lanes.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

/// `a * b + c` rounded once, from f64 operations only.
///
/// The product of two 24-bit significands is exact in f64. The sum is made exact by rounding it to
/// odd: when it was inexact and its last bit came out even, the other neighbour (towards the
/// error) has an odd last bit, and rounding that to f32 cannot round twice.
#[inline(always)]
pub(crate) fn fused(a: f32, b: f32, c: f32) -> f32 {
	let p = a as f64 * b as f64;
	let c = c as f64;
	let s = p + c;
	// Knuth's two-sum: the exact error of `s`. Not finite only when `s` is not.
	let t = s - p;
	let error = (p - (s - t)) + (c - t);
	let bits = s.to_bits();
	let inexact = (error < 0.0) | (error > 0.0);
	let step = if (error > 0.0) == (s > 0.0) { 1i64 } else { -1i64 };
	let nudge = if inexact & (bits & 1 == 0) { step } else { 0 };
	f64::from_bits((bits as i64).wrapping_add(nudge) as u64) as f32
}

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
		core::array::from_fn(|i| fused(a[i], b[i], c[i]))
	}

	#[inline(always)]
	unsafe fn canonical(v: [f32; 4]) -> [f32; 4] {
		v.map(|x| if x.is_nan() { f32::from_bits(NAN_BITS) } else { x })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn known_double_rounding_case() {
		let f = f32::from_bits;
		assert_eq!(fused(f(0x9700_0800), f(0x1cff_f001), f(0x0001_0002)).to_bits(), 0x0001_0001);
	}
}
