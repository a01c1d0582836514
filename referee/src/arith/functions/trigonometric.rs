//! Sine and cosine, with an exact reduction of every finite argument.

use super::{constant, except, polynomial, HALF, ONE, SIGN32};
use crate::arith::{Arith, NAN32};

/// `(sin(r) / r - 1) / r^2` in `r^2`, for `|r| <= pi / 4`, relative error of sin below 2^-63.2.
const SIN: [u64; 7] = [
	0xbfc5_5555_5555_5555,
	0x3f81_1111_1111_1069,
	0xbf2a_01a0_19ff_e524,
	0x3ec7_1de3_a33a_5ace,
	0xbe5a_e642_c521_1e9d,
	0x3de6_109b_dd3d_ad5f,
	0xbd69_ffdb_b180_2876,
];

/// `(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`, for `|r| <= pi / 4`, error below 2^-63.9.
const COS: [u64; 6] = [
	0x3fa5_5555_5555_554b,
	0xbf56_c16c_16c1_5014,
	0x3efa_01a0_19c8_efa0,
	0xbe92_7e4f_7f16_7cae,
	0x3e21_ee9d_bad1_90ca,
	0xbda8_fa67_07d1_d710,
];

/// Inputs of sin whose values lie nearer to 0 than the middle of two binary32 numbers by 0.35 units
/// of the last binary64 place.
const SIN_HARD: [(u32, u32); 2] = [(0x4619_9998, 0xbeb1_fa5d), (0xc619_9998, 0x3eb1_fa5d)];

/// Arguments of cos, of either sign, whose values lie next to the middle of two binary32 numbers.
const COS_HARD: [(u32, u32); 2] = [(0x5f18_b878, 0x3f7f_14bb), (0x6115_cb11, 0x3f78_142f)];

/// 2 / pi: 64 zero bits, 256 bits of its fraction, 64 zero bits that are never needed.
const TWO_OVER_PI: [u64; 6] = [
	0,
	0xa2f9_836e_4e44_1529,
	0xfc27_57d1_f534_ddc0,
	0xdb62_9599_3c43_9041,
	0xfe51_63ab_debb_c561,
	0,
];

/// pi / 2 * 2^63.
const HALF_PI: u64 = 0xc90f_daa2_2168_c234;

/// The bits of pi / 4, rounded down.
const QUARTER_PI: u32 = 0x3f49_0fda;

/// `(q, r, l)` with `|x| = (q + 4 n) pi / 2 + r + l` for some integer `n`, where `|r| <= pi / 4` up
/// to rounding and `l` is what `r` lost to rounding. `x` must be finite.
#[inline(always)]
fn reduce<A: Arith>(x: A::F32) -> (u32, A::F64, A::F64) {
	let magnitude = A::f32_to_bits(x) & !SIGN32;
	if magnitude <= QUARTER_PI {
		return (0, A::f32_to_f64(A::f32_from_bits(magnitude)), constant::<A>(0));
	}
	let (q, negative, h, exponent) = reduce_bits(magnitude);
	// 63 bits: the upper 53 and the lower 10 convert exactly.
	let scale = A::f64_from_bits(u64::from(exponent) << 52);
	let part = |bits: u64| {
		let value = A::mul64(A::i64_to_f64(bits as i64), scale);
		if negative {
			A::neg64(value)
		} else {
			value
		}
	};
	(q, part(h & !0x3ff), part(h & 0x3ff))
}

/// [`reduce`] in integers, after Payne and Hanek, for a finite number above pi / 4:
/// `(q, sign of r, h, e)` with `|r| = h * 2^(e - 1023)` and `h` below 2^63.
#[inline(always)]
fn reduce_bits(magnitude: u32) -> (u32, bool, u64, u32) {
	let exponent = magnitude >> 23;
	let significand = u128::from((magnitude & 0x007f_ffff) | 0x0080_0000);
	// x = significand * 2^(exponent - 150). Of 2/pi, 128 bits matter: those above give multiples
	// of 4 quarter turns, those below less than 2^-102 of one. They end `exponent - 24` bits after
	// the point, that is, they start at this bit of the table.
	let start = exponent.wrapping_sub(24 + 64);
	let (word, shift) = ((start >> 6) as usize & 3, start & 63);
	let words = |i: usize| u128::from(TWO_OVER_PI[word + i]);
	let window = (((words(0) << 64) | words(1)) << shift) | ((words(2) << shift) >> 64);
	// Quarter turns, with 126 bits after the point; whole turns overflow away.
	let turns = window.wrapping_mul(significand);
	let fraction = turns << 2;
	let negative = fraction >> 127 != 0;
	let q = ((turns >> 126) as u32).wrapping_add(u32::from(negative));
	// At most half a quarter turn, in units of 2^-128. No binary32 number is near enough to a
	// multiple of pi / 2 for 40 leading zeros.
	let distance = if negative { fraction.wrapping_neg() } else { fraction };
	let zeros = distance.leading_zeros() & 127;
	let top = (distance << zeros) >> 64;
	let h = (top.wrapping_mul(u128::from(HALF_PI)) >> 65) as u64;
	(q, negative, h, (1023u32 - 62).wrapping_sub(zeros))
}

/// `sin(r + l)` in binary64.
#[inline(always)]
fn sin_near_zero<A: Arith>(r: A::F64, l: A::F64) -> A::F64 {
	let z = A::mul64(r, r);
	let cubic = A::mul64(A::mul64(z, r), polynomial::<A, 7>(z, &SIN));
	let low = A::sub64(l, A::mul64(A::mul64(z, constant::<A>(HALF)), l));
	A::add64(r, A::add64(cubic, low))
}

/// `cos(r + l)` in binary64.
#[inline(always)]
fn cos_near_zero<A: Arith>(r: A::F64, l: A::F64) -> A::F64 {
	let one = constant::<A>(ONE);
	let z = A::mul64(r, r);
	let half = A::mul64(z, constant::<A>(HALF));
	let high = A::sub64(one, half);
	// What `high` lost to rounding.
	let lost = A::sub64(A::sub64(one, high), half);
	let quartic = A::mul64(A::mul64(z, z), polynomial::<A, 6>(z, &COS));
	A::add64(high, A::add64(lost, A::sub64(quartic, A::mul64(r, l))))
}

/// `sin(|x| + quarter * pi / 2)`, its sign flipped when `sign` is [`SIGN32`]; NaN unless finite.
#[inline(always)]
fn turn<A: Arith>(x: A::F32, quarter: u32, sign: u32) -> A::F32 {
	if A::f32_to_bits(x) & !SIGN32 >= 0x7f80_0000 {
		return A::f32_from_bits(NAN32);
	}
	let (q, r, l) = reduce::<A>(x);
	let q = q.wrapping_add(quarter);
	let y = if q & 1 == 0 { sin_near_zero::<A>(r, l) } else { cos_near_zero::<A>(r, l) };
	let flip = sign ^ if q & 2 == 0 { 0 } else { SIGN32 };
	A::f32_from_bits(A::f32_to_bits(A::f64_to_f32(y)) ^ flip)
}

/// The tangent of an angle in radians, correctly rounded. NaN for infinities and NaN.
#[inline(always)]
pub fn tan<A: Arith>(x: A::F32) -> A::F32 {
	let bits = A::f32_to_bits(x);
	if bits & !SIGN32 >= 0x7f80_0000 {
		return A::f32_from_bits(NAN32);
	}
	let (q, r, l) = reduce::<A>(x);
	let (sin, cos) = (sin_near_zero::<A>(r, l), cos_near_zero::<A>(r, l));
	// Every quarter turn the tangent is the negative reciprocal.
	let (above, below) = if q & 1 == 0 { (sin, cos) } else { (A::neg64(cos), sin) };
	let y = A::f32_to_bits(A::f64_to_f32(A::div64(above, below))) ^ bits & SIGN32;
	A::f32_from_bits(y)
}

/// The sine of an angle in radians, correctly rounded. NaN for infinities and NaN.
#[inline(always)]
pub fn sin<A: Arith>(x: A::F32) -> A::F32 {
	except::<A, 2>(x, turn::<A>(x, 0, A::f32_to_bits(x) & SIGN32), &SIN_HARD)
}

/// The cosine of an angle in radians, correctly rounded. NaN for infinities and NaN.
#[inline(always)]
pub fn cos<A: Arith>(x: A::F32) -> A::F32 {
	except::<A, 2>(A::abs32(x), turn::<A>(x, 1, 0), &COS_HARD)
}
