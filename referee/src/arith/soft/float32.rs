//! binary32 in integers. The fused multiply-add is the hot path of every contraction.

use super::shift_right_sticky;
use crate::arith::NAN32;

/// The sign bit.
pub(super) const SIGN: u32 = 0x8000_0000;
/// The bits of +infinity, and the mask of the exponent field.
pub(super) const INF: u32 = 0x7f80_0000;
/// The mask of the stored fraction.
const FRACTION: u32 = 0x007f_ffff;
/// The bit that a normal number's significand has and does not store.
const HIDDEN: u32 = 0x0080_0000;

/// Whether the bits are a NaN.
#[inline(always)]
pub(super) fn is_nan(x: u32) -> bool {
	x & !SIGN > INF
}

/// An integer with the order of the values; both zeros give 0. Not for NaN.
#[inline(always)]
pub(super) fn key(x: u32) -> i32 {
	let magnitude = (x & !SIGN) as i32;
	if x & SIGN != 0 {
		magnitude.wrapping_neg()
	} else {
		magnitude
	}
}

/// The exponent field.
#[inline(always)]
fn field(x: u32) -> u32 {
	(x >> 23) & 0xff
}

/// `(e, s)` with `|x| = s * 2^(e - 150)`, for finite `x`; `s < 2^24` is not normalized.
#[inline(always)]
pub(super) fn unpack(x: u32) -> (i32, u64) {
	let e = field(x);
	// Subnormals share the smallest exponent and have no hidden bit.
	let hidden = if e != 0 { HIDDEN } else { 0 };
	(e.max(1) as i32, u64::from((x & FRACTION) | hidden))
}

/// The binary32 nearest to `significand * 2^(exponent - 150)`, where the lowest bit of a
/// significand above 2^25 may be sticky. `sign` is 0 or [`SIGN`]; a zero significand gives zero.
#[inline(always)]
pub(super) fn pack(sign: u32, exponent: i32, significand: u64) -> u32 {
	if significand == 0 {
		return sign;
	}
	let zeros = significand.leading_zeros();
	let s = significand << zeros;
	// With the leading bit at 63, the number is 1.x * 2^(e - 127).
	let e = exponent.wrapping_sub(zeros as i32).wrapping_add(40);
	if e >= 255 {
		return sign | INF;
	}
	let (base, s) = if e >= 1 {
		((e as u32).wrapping_sub(1) << 23, s)
	} else {
		(0, shift_right_sticky(s, 1i32.wrapping_sub(e) as u32))
	};
	// The kept bits carry into the exponent field, and from the largest number into infinity.
	let kept = (s >> 40) as u32;
	let rest = s & 0xff_ffff_ffff;
	let half = 1 << 39;
	let up = rest > half || (rest == half && kept & 1 != 0);
	sign | base.wrapping_add(kept).wrapping_add(u32::from(up))
}

/// `a + b`.
#[inline]
pub(super) fn add(a: u32, b: u32) -> u32 {
	if field(a) == 255 || field(b) == 255 {
		return add_special(a, b);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	sum((a & SIGN, ea, ma << 38), (b & SIGN, eb, mb << 38), 38)
}

/// The rounded sum of two `(sign, exponent, significand)`, significands below 2^63 whose lowest
/// bits are zero as far as needed to stay exact while they may cancel, in units of
/// `2^(exponent - 150 - scale)`.
#[inline(always)]
fn sum(a: (u32, i32, u64), b: (u32, i32, u64), scale: i32) -> u32 {
	let (large, small) = if a.1 >= b.1 { (a, b) } else { (b, a) };
	let small_bits = shift_right_sticky(small.2, large.1.wrapping_sub(small.1) as u32);
	let exponent = large.1.wrapping_sub(scale);
	if large.0 == small.0 {
		return pack(large.0, exponent, large.2.wrapping_add(small_bits));
	}
	if large.2 == small_bits {
		return 0;
	}
	if large.2 > small_bits {
		pack(large.0, exponent, large.2.wrapping_sub(small_bits))
	} else {
		pack(small.0, exponent, small_bits.wrapping_sub(large.2))
	}
}

/// `a + b` where at least one is infinite or NaN.
#[cold]
fn add_special(a: u32, b: u32) -> u32 {
	if is_nan(a) || is_nan(b) {
		return NAN32;
	}
	if field(a) != 255 {
		return b;
	}
	if field(b) == 255 && a != b {
		return NAN32;
	}
	a
}

/// `a * b`.
#[inline]
pub(super) fn mul(a: u32, b: u32) -> u32 {
	let sign = (a ^ b) & SIGN;
	if field(a) == 255 || field(b) == 255 {
		return mul_special(a, b);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	pack(sign, ea.wrapping_add(eb).wrapping_sub(150), ma.wrapping_mul(mb))
}

/// `a * b` where at least one is infinite or NaN.
#[cold]
fn mul_special(a: u32, b: u32) -> u32 {
	if is_nan(a) || is_nan(b) || a & !SIGN == 0 || b & !SIGN == 0 {
		return NAN32;
	}
	((a ^ b) & SIGN) | INF
}

/// `a * b + c`, rounded once.
#[inline]
pub(super) fn fma(a: u32, b: u32, c: u32) -> u32 {
	if field(a) == 255 || field(b) == 255 || field(c) == 255 {
		return fma_special(a, b, c);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	let product = ma.wrapping_mul(mb);
	if product == 0 {
		// The product is an exact zero: `c`, or the sum of two zeros.
		return if c & !SIGN == 0 { c & ((a ^ b) | !SIGN) } else { c };
	}
	let (ec, mc) = unpack(c);
	let ep = ea.wrapping_add(eb).wrapping_sub(150);
	let sign = (a ^ b) & SIGN;
	if mc == 0 {
		return pack(sign, ep, product);
	}
	// Leading bits at 62. The product has 48 bits and `c` has 24, so at least 15 low bits are
	// zero: whatever cancels (exponents at most 1 apart) is exact, and otherwise the sticky bit
	// lies far below the rounding position.
	let zp = product.leading_zeros().wrapping_sub(1);
	let zc = mc.leading_zeros().wrapping_sub(1);
	sum(
		(sign, ep.wrapping_sub(zp as i32), product << zp),
		(c & SIGN, ec.wrapping_sub(zc as i32), mc << zc),
		0,
	)
}

/// `a * b + c` where at least one is infinite or NaN.
#[cold]
fn fma_special(a: u32, b: u32, c: u32) -> u32 {
	if is_nan(c) {
		return NAN32;
	}
	if field(a) == 255 || field(b) == 255 {
		let product = mul_special(a, b);
		return if product == NAN32 { NAN32 } else { add_special(product, c) };
	}
	c
}

/// `a / b`.
#[inline]
pub(super) fn div(a: u32, b: u32) -> u32 {
	let sign = (a ^ b) & SIGN;
	if field(a) == 255 || field(b) == 255 {
		return div_special(a, b);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	if mb == 0 {
		return if ma == 0 { NAN32 } else { sign | INF };
	}
	if ma == 0 {
		return sign;
	}
	// Dividend with 63 bits, divisor below 2^24: the quotient has at least 39 bits.
	let za = ma.leading_zeros().wrapping_sub(1);
	let dividend = ma << za;
	let quotient = (dividend / mb) | u64::from(dividend % mb != 0);
	let exponent = ea.wrapping_sub(eb).wrapping_sub(za as i32).wrapping_add(150);
	pack(sign, exponent, quotient)
}

/// `a / b` where at least one is infinite or NaN.
#[cold]
fn div_special(a: u32, b: u32) -> u32 {
	if is_nan(a) || is_nan(b) || (field(a) == 255 && field(b) == 255) {
		return NAN32;
	}
	((a ^ b) & SIGN) | if field(a) == 255 { INF } else { 0 }
}

/// The square root.
#[inline]
pub(super) fn sqrt(x: u32) -> u32 {
	if x & !SIGN == 0 {
		return x;
	}
	if is_nan(x) || x & SIGN != 0 {
		return NAN32;
	}
	if x == INF {
		return x;
	}
	let (e, m) = unpack(x);
	// Radicand with 62 or 63 bits and an even exponent: the root has 31 or 32 bits.
	let mut shift = m.leading_zeros().wrapping_sub(2);
	let mut exponent = e.wrapping_sub(150).wrapping_sub(shift as i32);
	if exponent & 1 != 0 {
		shift = shift.wrapping_add(1);
		exponent = exponent.wrapping_sub(1);
	}
	let radicand = m << shift;
	let root = radicand.isqrt();
	let inexact = u64::from(root.wrapping_mul(root) != radicand);
	// One place for the sticky bit below the root.
	pack(0, (exponent >> 1).wrapping_add(149), (root << 1) | inexact)
}

/// Where [`integral`] goes from a number with a fraction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
	/// Towards negative infinity.
	Down,
	/// Towards positive infinity.
	Up,
	/// To the nearest, a half to the even one.
	NearestEven,
	/// Towards zero.
	Zero,
}

/// `x` rounded to an integer; the sign stays on a zero result.
#[inline]
pub(super) fn integral(x: u32, direction: Direction) -> u32 {
	let e = field(x);
	if e >= 150 {
		return if is_nan(x) { NAN32 } else { x };
	}
	let sign = x & SIGN;
	if e < 127 {
		// |x| < 1: the result is 0 or 1.
		let magnitude = x & !SIGN;
		let one = match direction {
			Direction::Down => sign != 0 && magnitude != 0,
			Direction::Up => sign == 0 && magnitude != 0,
			Direction::NearestEven => magnitude > 0x3f00_0000,
			Direction::Zero => false,
		};
		return sign | if one { 0x3f80_0000 } else { 0 };
	}
	let fraction_bits = 150u32.wrapping_sub(e);
	let unit = 1u32 << fraction_bits;
	let mask = unit.wrapping_sub(1);
	let add = match direction {
		Direction::Down if sign != 0 => mask,
		Direction::Up if sign == 0 => mask,
		Direction::NearestEven => (mask >> 1).wrapping_add((x >> fraction_bits) & 1),
		_ => 0,
	};
	// A carry out of the fraction goes to the next power of two, as it should.
	x.wrapping_add(add) & !mask
}
