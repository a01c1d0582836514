//! The natural logarithm.

use super::{constant, except, polynomial, HALF, LN_2_HIGH, LN_2_LOW, ONE, TWO};
use crate::arith::{Arith, NAN32};

/// With `s = f / (2 + f)`, `ln(1 + f) = 2 s + s z P(z)`, `z = s^2`; this is `P`, for `1 + f` from
/// sqrt(1/2) to sqrt(2), relative error of the logarithm below 2^-59.4.
const LOG: [u64; 7] = [
	0x3fe5_5555_5555_5592,
	0x3fd9_9999_9997_ff03,
	0x3fd2_4924_941e_3486,
	0x3fcc_71c5_2124_ab84,
	0x3fc7_4663_d6ac_3739,
	0x3fc3_9a1d_a7e2_16ac,
	0x3fc2_f045_931e_9b0d,
];

/// Inputs of log whose values lie within 0.46 units of the last binary64 place of the middle of
/// two binary32 numbers, and on the other side of it than the binary64 result.
const LOG_HARD: [(u32, u32); 5] = [
	(0x3c41_3d3a, 0xc08e_158f),
	(0x4117_8feb, 0x400f_e5e7),
	(0x4c5d_65a5, 0x418f_034b),
	(0x65d8_90d3, 0x4254_d1f9),
	(0x6f31_a8ec, 0x4284_5a89),
];

/// sqrt(1/2).
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// 1024 in the exponent field, which keeps shifted exponents positive.
const OFFSET: u64 = 1024 << 52;
/// 2^52 (whose low bits hold an integer), and 2^52 + 1024.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const TWO_52_OFFSET: u64 = 0x4330_0000_0000_0400;

/// `(f^2 / 2, s (f^2 / 2 + z P(z)))`: `ln(1 + f)` is `f` less the first plus the second.
#[inline(always)]
fn log_1p_parts<A: Arith>(f: A::F64) -> (A::F64, A::F64) {
	let s = A::div64(f, A::add64(constant::<A>(TWO), f));
	let z = A::mul64(s, s);
	let tail = A::mul64(z, polynomial::<A, 7>(z, &LOG));
	let half_square = A::mul64(A::mul64(f, f), constant::<A>(HALF));
	(half_square, A::mul64(s, A::add64(half_square, tail)))
}

/// `ln(1 + f)` in binary64, for `1 + f` from sqrt(1/2) to sqrt(2).
#[inline(always)]
pub(super) fn log_1p_near_zero<A: Arith>(f: A::F64) -> A::F64 {
	let (half_square, rest) = log_1p_parts::<A>(f);
	A::sub64(f, A::sub64(half_square, rest))
}

/// `atanh s` in binary64, for `(1 + s) / (1 - s)` from 1 to sqrt(2).
#[inline(always)]
pub(super) fn atanh_near_zero<A: Arith>(s: A::F64) -> A::F64 {
	let z = A::mul64(s, s);
	let half = A::mul64(polynomial::<A, 7>(z, &LOG), constant::<A>(HALF));
	A::add64(s, A::mul64(A::mul64(s, z), half))
}

/// `ln x` in binary64, for finite `x > 0` that came from binary32; total, but without meaning,
/// elsewhere.
#[inline(always)]
pub(super) fn log_positive<A: Arith>(x: A::F64) -> A::F64 {
	// x = m 2^k with m from sqrt(1/2) to sqrt(2).
	let bits = A::f64_to_bits(x);
	let k = bits.wrapping_add(OFFSET.wrapping_sub(SQRT_HALF)) >> 52;
	let m = A::f64_from_bits(bits.wrapping_add(OFFSET).wrapping_sub(k << 52));
	let k = A::sub64(A::f64_from_bits(TWO_52 | k), constant::<A>(TWO_52_OFFSET));
	// Exact, and so is its square.
	let f = A::sub64(m, constant::<A>(ONE));
	let (half_square, rest) = log_1p_parts::<A>(f);
	let low = A::add64(rest, A::mul64(k, constant::<A>(LN_2_LOW)));
	let high = A::mul64(k, constant::<A>(LN_2_HIGH));
	A::sub64(high, A::sub64(A::sub64(half_square, low), f))
}

/// The natural logarithm, correctly rounded. -infinity at 0, NaN below and for NaN.
#[inline(always)]
pub fn log<A: Arith>(x: A::F32) -> A::F32 {
	let y = A::f64_to_f32(log_positive::<A>(A::f32_to_f64(x)));
	let y = except::<A, 5>(x, y, &LOG_HARD);
	let zero = A::f32_from_bits(0);
	let infinity = A::f32_from_bits(0x7f80_0000);
	let y = if A::lt32(x, infinity) { y } else { infinity };
	let y = if A::eq32(x, zero) { A::neg32(infinity) } else { y };
	if A::le32(zero, x) {
		y
	} else {
		A::f32_from_bits(NAN32)
	}
}
