//! Chains of fused multiply-adds: what nearly all of a contraction's time goes into.
//!
//! Between two steps the sum stays unpacked, as a whole number with a sign times a power of two, and each
//! product is added to it as one: nothing is told apart by signs or by which of the two is larger, so
//! that nearly all steps take the same way. Every step is rounded as [`float32::fma`] rounds; what is
//! rare (subnormal numbers, infinities, NaN, a negative zero) is left to it.

use super::float32;

/// Bits to the left of the sum, or of a product, in the number that they are added in: a sum has up to 25
/// and a product up to 48, and the result 63.
const SUM_ROOM: i64 = 37;
const PRODUCT_ROOM: i64 = 13;

/// A finite number that is not subnormal, or +0: `significand * 2^(exponent - 150)`, where the
/// significand's magnitude is from 2^23 to 2^24, or 0.
#[derive(Clone, Copy)]
struct Sum {
	significand: i64,
	exponent: i64,
}

impl Sum {
	#[inline(always)]
	fn unpack(x: u32) -> Option<Sum> {
		let field = x >> 23 & 0xff;
		if x == 0 {
			return Some(Sum { significand: 0, exponent: 0 });
		}
		if field.wrapping_sub(1) >= 254 {
			return None;
		}
		let magnitude = i64::from(x & 0x007f_ffff | 0x0080_0000);
		let significand = if x >> 31 != 0 { magnitude.wrapping_neg() } else { magnitude };
		Some(Sum { significand, exponent: i64::from(field) })
	}

	#[inline(always)]
	fn pack(self) -> u32 {
		let sign = if self.significand < 0 { float32::SIGN } else { 0 };
		// In the range by the check of whoever made it, so no rounding.
		float32::pack(sign, self.exponent as i32, self.significand.unsigned_abs())
	}
}

/// `x >> n` rounded down, with the lowest bit set when any bit was lost: what is rounded later, at least
/// two places higher, is rounded as the exact value would be.
#[inline(always)]
fn shift_sticky(x: i64, n: i64) -> i64 {
	let n = n.min(63) as u32;
	let shifted = x.wrapping_shr(n);
	shifted | i64::from(shifted.wrapping_shl(n) != x)
}

/// `sum + a[0] * b[0] + a[1] * b[1] + …`, each step rounded once; as many as the shorter has.
pub(super) fn chain(a: &[u32], b: &[u32], mut sum: u32) -> u32 {
	let mut rest = a.iter().zip(b);
	loop {
		// As far as nothing rare happens.
		if let Some(unpacked) = Sum::unpack(sum) {
			let (packed, odd) = usual(&mut rest, unpacked);
			sum = packed;
			let Some((a, b)) = odd else { return sum };
			sum = float32::fma(a, b, sum);
		} else {
			let Some((&a, &b)) = rest.next() else { return sum };
			sum = float32::fma(a, b, sum);
		}
	}
}

/// Adds products until one is met that cannot be added here; gives the sum so far, and its factors.
#[inline(always)]
fn usual<'a>(
	rest: &mut impl Iterator<Item = (&'a u32, &'a u32)>,
	mut sum: Sum,
) -> (u32, Option<(u32, u32)>) {
	for (&a, &b) in rest {
		let (a_field, b_field) = (a >> 23 & 0xff, b >> 23 & 0xff);
		if a_field.wrapping_sub(1) >= 254 || b_field.wrapping_sub(1) >= 254 {
			// A product of zero and something finite changes no sum but a negative zero.
			let is_zero = (a << 1 == 0 && b_field != 255) || (b << 1 == 0 && a_field != 255);
			if is_zero {
				continue;
			}
			return (sum.pack(), Some((a, b)));
		}
		let product = u64::from(a & 0x007f_ffff | 0x0080_0000)
			.wrapping_mul(u64::from(b & 0x007f_ffff | 0x0080_0000)) as i64;
		let sign = i64::from((a ^ b) as i32 >> 31);
		let product = (product ^ sign).wrapping_sub(sign);
		let exponent = i64::from(a_field.wrapping_add(b_field)).wrapping_sub(150);
		let above = sum.exponent.wrapping_sub(exponent);
		// Both as multiples of one power of two.
		let (total, unit) = if (above as u64) <= SUM_ROOM as u64 {
			(sum.significand.wrapping_shl(above as u32).wrapping_add(product), exponent)
		} else if sum.significand == 0 {
			(product, exponent)
		} else if above > 0 {
			let small = shift_sticky(product, above.wrapping_sub(SUM_ROOM));
			let large = sum.significand.wrapping_shl(SUM_ROOM as u32);
			(large.wrapping_add(small), sum.exponent.wrapping_sub(SUM_ROOM))
		} else if above >= -PRODUCT_ROOM {
			let large = product.wrapping_shl(above.wrapping_neg() as u32);
			(large.wrapping_add(sum.significand), sum.exponent)
		} else {
			let small =
				shift_sticky(sum.significand, above.wrapping_neg().wrapping_sub(PRODUCT_ROOM));
			let large = product.wrapping_shl(PRODUCT_ROOM as u32);
			(large.wrapping_add(small), exponent.wrapping_sub(PRODUCT_ROOM))
		};
		if total == 0 {
			sum = Sum { significand: 0, exponent: 0 };
			continue;
		}
		// The leading bit at 62, 24 bits of which are kept; a carry makes it a 25th, which is no harm.
		let sign = total >> 63;
		let magnitude = (total ^ sign).wrapping_sub(sign) as u64;
		let zeros = magnitude.leading_zeros().wrapping_sub(1);
		let wide = magnitude.wrapping_shl(zeros);
		let even = wide >> 39 & 1;
		let kept = wide.wrapping_add((1 << 38) - 1).wrapping_add(even) >> 39;
		let exponent = unit.wrapping_add(39).wrapping_sub(i64::from(zeros));
		// Neither subnormal nor, even with the carry, infinite.
		if (exponent.wrapping_sub(1) as u64) >= 253 {
			return (sum.pack(), Some((a, b)));
		}
		let significand = (kept as i64 ^ sign).wrapping_sub(sign);
		sum = Sum { significand, exponent };
	}
	(sum.pack(), None)
}
