//! Powers.

use super::exponential::exp_wide;
use super::logarithm::log_positive;
use super::SIGN32;
use crate::arith::{Arith, NAN32};

const INFINITY: u32 = 0x7f80_0000;
const ONE: u32 = 0x3f80_0000;
const TWO: u32 = 0x4000_0000;
const THREE: u32 = 0x4040_0000;
const HALF: u32 = 0x3f00_0000;
const MINUS_ONE: u32 = 0xbf80_0000;

/// `x^y` with the special cases of IEEE-754 `pow` (`x^0` and `1^y` are 1 even for NaN; a negative
/// `x` needs an integer `y`).
///
/// Exponents 2, 3, 1/2 and -1 are `x * x`, `(x * x) * x`, the square root and `1 / x` in binary32.
/// Any other is `exp(y * ln x)` in binary64, rounded once: a fixed sequence, almost always but not
/// by promise the correctly rounded value.
#[inline]
pub fn pow<A: Arith>(x: A::F32, y: A::F32) -> A::F32 {
	let (xb, yb) = (A::f32_to_bits(x), A::f32_to_bits(y));
	if yb & !SIGN32 == 0 || xb == ONE {
		return A::f32_from_bits(ONE);
	}
	if A::is_nan32(x) || A::is_nan32(y) {
		return A::f32_from_bits(NAN32);
	}
	match yb {
		TWO => return A::mul32(x, x),
		THREE => return A::mul32(A::mul32(x, x), x),
		MINUS_ONE => return A::div32(A::f32_from_bits(ONE), x),
		// Unlike the square root, the power of -0 is +0 and that of -infinity is +infinity.
		HALF if xb == SIGN32 || xb == SIGN32 | INFINITY => return A::f32_from_bits(xb & !SIGN32),
		HALF => return A::sqrt32(x),
		_ => {},
	}
	let magnitude = A::f32_from_bits(xb & !SIGN32);
	let mut sign = 0;
	if xb & SIGN32 != 0 {
		let (integer, odd) = parity::<A>(y);
		// Zeros and infinities take any exponent.
		if !integer && xb & !SIGN32 != 0 && xb & !SIGN32 != INFINITY {
			return A::f32_from_bits(NAN32);
		}
		sign = if odd { SIGN32 } else { 0 };
	}
	A::f32_from_bits(A::f32_to_bits(pow_positive::<A>(magnitude, y)) | sign)
}

/// Whether `y` is an integer (infinities are even ones), and whether it is an odd one.
#[inline(always)]
fn parity<A: Arith>(y: A::F32) -> (bool, bool) {
	let integer = A::eq32(A::trunc32(y), y);
	// From 2^24 on all numbers are even; what saturates is above that, but odd in its bits.
	let small = A::f32_to_bits(y) & !SIGN32 < 0x4b80_0000;
	(integer, integer && small && A::f32_to_i32(y) & 1 != 0)
}

/// `x^y` for `x` from +0 to +infinity and `y` neither zero nor NaN.
#[inline(always)]
fn pow_positive<A: Arith>(x: A::F32, y: A::F32) -> A::F32 {
	let (xb, yb) = (A::f32_to_bits(x), A::f32_to_bits(y));
	let growing = (xb > ONE) == (yb & SIGN32 == 0);
	if xb == ONE {
		return x;
	}
	if xb == 0 || xb == INFINITY || yb & !SIGN32 == INFINITY {
		return A::f32_from_bits(if growing { INFINITY } else { 0 });
	}
	A::f64_to_f32(exp_wide::<A>(A::mul64(A::f32_to_f64(y), log_positive::<A>(A::f32_to_f64(x)))))
}
