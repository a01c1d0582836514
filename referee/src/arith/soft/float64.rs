//! binary64 in integers, as far as the elementary functions need it.

use super::shift_right_sticky;
use crate::arith::NAN64;

/// The sign bit.
pub(super) const SIGN: u64 = 1 << 63;
/// The bits of +infinity, and the mask of the exponent field.
pub(super) const INF: u64 = 0x7ff << 52;
/// The bit that a normal number's significand has and does not store.
const HIDDEN: u64 = 1 << 52;

/// Whether the bits are a NaN.
#[inline(always)]
pub(super) fn is_nan(x: u64) -> bool {
	x & !SIGN > INF
}

/// An integer with the order of the values; both zeros give 0. Not for NaN.
#[inline(always)]
pub(super) fn key(x: u64) -> i64 {
	let magnitude = (x & !SIGN) as i64;
	if x & SIGN != 0 {
		magnitude.wrapping_neg()
	} else {
		magnitude
	}
}

/// The exponent field.
#[inline(always)]
pub(super) fn field(x: u64) -> u32 {
	(x >> 52) as u32 & 0x7ff
}

/// `(e, s)` with `|x| = s * 2^(e - 1075)`, for finite `x`; `s < 2^53` is not normalized.
#[inline(always)]
pub(super) fn unpack(x: u64) -> (i32, u64) {
	let e = field(x);
	// Subnormals share the smallest exponent and have no hidden bit.
	let hidden = if e != 0 { HIDDEN } else { 0 };
	(e.max(1) as i32, (x & HIDDEN.wrapping_sub(1)) | hidden)
}

/// The binary64 nearest to `significand * 2^(exponent - 1075)`, where the lowest bit of a
/// significand above 2^54 may be sticky. `sign` is 0 or [`SIGN`]; a zero significand gives zero.
#[inline(always)]
pub(super) fn pack(sign: u64, exponent: i32, significand: u64) -> u64 {
	if significand == 0 {
		return sign;
	}
	let zeros = significand.leading_zeros();
	let s = significand << zeros;
	// With the leading bit at 63, the number is 1.x * 2^(e - 1023).
	let e = exponent.wrapping_sub(zeros as i32).wrapping_add(11);
	if e >= 2047 {
		return sign | INF;
	}
	let (base, s) = if e >= 1 {
		(u64::from((e as u32).wrapping_sub(1)) << 52, s)
	} else {
		(0, shift_right_sticky(s, 1i32.wrapping_sub(e) as u32))
	};
	// The kept bits carry into the exponent field, and from the largest number into infinity.
	let kept = s >> 11;
	let rest = s & 0x7ff;
	let up = rest > 0x400 || (rest == 0x400 && kept & 1 != 0);
	sign | base.wrapping_add(kept).wrapping_add(u64::from(up))
}

/// `a + b`.
#[inline]
pub(super) fn add(a: u64, b: u64) -> u64 {
	if field(a) == 2047 || field(b) == 2047 {
		return add_special(a, b);
	}
	// Order by magnitude, so that the difference below is never negative.
	let (large, small) = if a & !SIGN >= b & !SIGN { (a, b) } else { (b, a) };
	let (el, ml) = unpack(large);
	let (es, ms) = unpack(small);
	// Ten bits of room: what cancels (exponents at most 1 apart) is exact.
	let l = ml << 10;
	let s = shift_right_sticky(ms << 10, el.wrapping_sub(es) as u32);
	let exponent = el.wrapping_sub(10);
	if (a ^ b) & SIGN == 0 {
		pack(large & SIGN, exponent, l.wrapping_add(s))
	} else if l == s {
		0
	} else {
		pack(large & SIGN, exponent, l.wrapping_sub(s))
	}
}

/// `a + b` where at least one is infinite or NaN.
#[cold]
fn add_special(a: u64, b: u64) -> u64 {
	if is_nan(a) || is_nan(b) {
		return NAN64;
	}
	if field(a) != 2047 {
		return b;
	}
	if field(b) == 2047 && a != b {
		return NAN64;
	}
	a
}

/// `a * b`.
#[inline]
pub(super) fn mul(a: u64, b: u64) -> u64 {
	let sign = (a ^ b) & SIGN;
	if field(a) == 2047 || field(b) == 2047 {
		return mul_special(a, b);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	if ma == 0 || mb == 0 {
		return sign;
	}
	// Subnormals must be normalized here: the high half has to hold every bit that is kept.
	let (za, zb) = (ma.leading_zeros(), mb.leading_zeros());
	let product = u128::from(ma << za).wrapping_mul(u128::from(mb << zb));
	let significand = (product >> 64) as u64 | u64::from(product as u64 != 0);
	let exponent = ea.wrapping_add(eb).wrapping_sub(za.wrapping_add(zb) as i32);
	pack(sign, exponent.wrapping_sub(1075 - 64), significand)
}

/// `a * b` where at least one is infinite or NaN.
#[cold]
fn mul_special(a: u64, b: u64) -> u64 {
	if is_nan(a) || is_nan(b) || a & !SIGN == 0 || b & !SIGN == 0 {
		return NAN64;
	}
	((a ^ b) & SIGN) | INF
}

/// `a / b`.
#[inline]
pub(super) fn div(a: u64, b: u64) -> u64 {
	let sign = (a ^ b) & SIGN;
	if field(a) == 2047 || field(b) == 2047 {
		return div_special(a, b);
	}
	let (ea, ma) = unpack(a);
	let (eb, mb) = unpack(b);
	if mb == 0 {
		return if ma == 0 { NAN64 } else { sign | INF };
	}
	if ma == 0 {
		return sign;
	}
	let (za, zb) = (ma.leading_zeros(), mb.leading_zeros());
	// The dividend is halved so that the quotient of 2^64 times it stays below 2^64.
	let (quotient, remainder) = divide_wide((ma << za) >> 1, mb << zb);
	let exponent = ea.wrapping_sub(za as i32).wrapping_sub(eb.wrapping_sub(zb as i32));
	pack(sign, exponent.wrapping_add(1075 - 63), quotient | u64::from(remainder != 0))
}

/// Quotient and remainder of `high * 2^64 / divisor`, for `divisor >= 2^63` and
/// `high < divisor`: two digits of 32 bits (Knuth's algorithm D), because a 128-bit division is
/// slow on the targets that run this.
#[inline(always)]
fn divide_wide(high: u64, divisor: u64) -> (u64, u64) {
	let (q1, rest) = divide_digit(high, divisor);
	let (q0, rest) = divide_digit(rest, divisor);
	((q1 << 32) | q0, rest)
}

/// Quotient (below 2^32) and remainder of `high * 2^32 / divisor`.
#[inline(always)]
fn divide_digit(high: u64, divisor: u64) -> (u64, u64) {
	// The bit is set already; saying so here spares the check for a division by zero.
	let (d1, d0) = ((divisor >> 32) | 1 << 31, divisor & 0xffff_ffff);
	let mut q = high / d1;
	let mut r = high % d1;
	while q >> 32 != 0 || q.wrapping_mul(d0) > r << 32 {
		q = q.wrapping_sub(1);
		r = r.wrapping_add(d1);
		if r >> 32 != 0 {
			break;
		}
	}
	(q, (high << 32).wrapping_sub(q.wrapping_mul(divisor)))
}

/// `a / b` where at least one is infinite or NaN.
#[cold]
fn div_special(a: u64, b: u64) -> u64 {
	if is_nan(a) || is_nan(b) || (field(a) == 2047 && field(b) == 2047) {
		return NAN64;
	}
	((a ^ b) & SIGN) | if field(a) == 2047 { INF } else { 0 }
}
