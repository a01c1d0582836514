//! Hyperbolic functions and their inverses.

use super::exponential::exp_wide;
use super::logarithm::{atanh_near_zero, log_1p_near_zero, log_positive};
use super::{constant, except, finish, finish_odd, polynomial, square_root, HALF, ONE, SIGN32};
use crate::arith::{Arith, NAN32};

/// `(sinh(r) / r - 1) / r^2` in `r^2`, for `|r| <= 1`, relative error of sinh below 2^-62.9.
const SINH: [u64; 8] = [
	0x3fc5_5555_5555_5555,
	0x3f81_1111_1111_119b,
	0x3f2a_01a0_1a00_735c,
	0x3ec7_1de3_a68d_00a4,
	0x3e5a_e644_122d_5a0a,
	0x3de6_1314_d24b_6588,
	0x3d6a_6657_5761_7942,
	0x3cfd_2980_5dce_c9a6,
];

/// `(cosh(r) - 1 - r^2 / 2) / r^4` in `r^2`, for `|r| <= 1`, relative error of cosh below 2^-66.9.
const COSH: [u64; 7] = [
	0x3fa5_5555_5555_5556,
	0x3f56_c16c_16c1_6acd,
	0x3efa_01a0_1a03_8016,
	0x3e92_7e4f_b619_9a93,
	0x3e21_eeda_0b8e_ecdb,
	0x3da9_3874_ca88_f783,
	0x3d2b_5ff4_63d9_a2ca,
];

/// 2^28, from which on the root of `x^2 + 1` or `x^2 - 1` is `x` in binary64.
const LARGE: u64 = 0x41b0_0000_0000_0000;
/// 0.35: up to there `1 + x + x^2 / (1 + sqrt(x^2 + 1))` is below sqrt(2).
const ASINH_SMALL: u64 = 0x3fd6_6666_6666_6666;
/// sqrt(2) - 1.
const LOG_NEAR: u64 = 0x3fda_8279_99fc_ef32;
/// 0.1715: up to there `(1 + x) / (1 - x)` is below sqrt(2).
const ATANH_SMALL: u64 = 0x3fc5_f3b6_45a1_cac1;

/// The argument of sinh whose value lies next to the middle of two binary32 numbers.
const SINH_HARD: [(u32, u32); 2] = [(0x3a12_85ff, 0x3a12_85ff), (0xba12_85ff, 0xba12_85ff)];

/// Arguments of asinh, of either sign, whose values lie next to the middle of two binary32
/// numbers: half those of the logarithm.
const ASINH_HARD: [(u32, u32); 6] = [
	(0x4bdd_65a5, 0x418f_034b),
	(0xcbdd_65a5, 0xc18f_034b),
	(0x6558_90d3, 0x4254_d1f9),
	(0xe558_90d3, 0xc254_d1f9),
	(0x6eb1_a8ec, 0x4284_5a89),
	(0xeeb1_a8ec, 0xc284_5a89),
];

/// The same for acosh.
const ACOSH_HARD: [(u32, u32); 2] = [(0x6558_90d3, 0x4254_d1f9), (0x6eb1_a8ec, 0x4284_5a89)];

/// The hyperbolic sine, correctly rounded. The infinities stay, NaN for NaN.
#[inline(always)]
pub fn sinh<A: Arith>(x: A::F32) -> A::F32 {
	let one = constant::<A>(ONE);
	let a = A::abs64(A::f32_to_f64(x));
	let near = if A::lt64(a, one) { a } else { one };
	let z = A::mul64(near, near);
	let small = A::add64(near, A::mul64(A::mul64(near, z), polynomial::<A, 8>(z, &SINH)));
	let e = exp_wide::<A>(a);
	let large = A::mul64(A::sub64(e, A::div64(one, e)), constant::<A>(HALF));
	let y = if A::lt64(a, one) { small } else { large };
	except::<A, 2>(x, finish_odd::<A>(x, y), &SINH_HARD)
}

/// The hyperbolic cosine, correctly rounded. +infinity at the infinities, NaN for NaN.
#[inline(always)]
pub fn cosh<A: Arith>(x: A::F32) -> A::F32 {
	let one = constant::<A>(ONE);
	let a = A::abs64(A::f32_to_f64(x));
	let near = if A::lt64(a, one) { a } else { one };
	let z = A::mul64(near, near);
	let quartic = A::mul64(A::mul64(z, z), polynomial::<A, 7>(z, &COSH));
	let small = A::add64(one, A::add64(A::mul64(z, constant::<A>(HALF)), quartic));
	let e = exp_wide::<A>(a);
	let large = A::mul64(A::add64(e, A::div64(one, e)), constant::<A>(HALF));
	finish::<A>(x, if A::lt64(a, one) { small } else { large })
}

/// The number whose hyperbolic sine is `x`, correctly rounded. The infinities stay, NaN for NaN.
#[inline(always)]
pub fn asinh<A: Arith>(x: A::F32) -> A::F32 {
	if A::f32_to_bits(x) & !SIGN32 >= 0x7f80_0000 {
		return x;
	}
	let one = constant::<A>(ONE);
	let a = A::abs64(A::f32_to_f64(x));
	let square = A::mul64(a, a);
	let y = if A::lt64(constant::<A>(LARGE), a) {
		log_positive::<A>(A::add64(a, a))
	} else {
		let root = square_root::<A>(A::add64(square, one));
		if A::lt64(constant::<A>(ASINH_SMALL), a) {
			log_positive::<A>(A::add64(a, root))
		} else {
			let rest = A::div64(square, A::add64(one, root));
			log_1p_near_zero::<A>(A::add64(a, rest))
		}
	};
	except::<A, 6>(x, finish_odd::<A>(x, y), &ASINH_HARD)
}

/// The number from 0 on whose hyperbolic cosine is `x`, correctly rounded. NaN below 1 and for NaN.
#[inline(always)]
pub fn acosh<A: Arith>(x: A::F32) -> A::F32 {
	let one = A::f32_from_bits(0x3f80_0000);
	if !A::le32(one, x) {
		return A::f32_from_bits(NAN32);
	}
	if A::f32_to_bits(x) == 0x7f80_0000 {
		return x;
	}
	let (one, wide) = (constant::<A>(ONE), A::f32_to_f64(x));
	let y = if A::lt64(constant::<A>(LARGE), wide) {
		log_positive::<A>(A::add64(wide, wide))
	} else {
		// The difference and the product are exact.
		let above = A::sub64(wide, one);
		let root = square_root::<A>(A::mul64(above, A::add64(wide, one)));
		let f = A::add64(above, root);
		if A::lt64(constant::<A>(LOG_NEAR), f) {
			log_positive::<A>(A::add64(wide, root))
		} else {
			log_1p_near_zero::<A>(f)
		}
	};
	except::<A, 2>(x, A::f64_to_f32(y), &ACOSH_HARD)
}

/// The number whose hyperbolic tangent is `x`, correctly rounded. Infinities at -1 and 1, NaN
/// beyond and for NaN.
#[inline(always)]
pub fn atanh<A: Arith>(x: A::F32) -> A::F32 {
	let bits = A::f32_to_bits(x);
	match bits & !SIGN32 {
		0x3f80_0000 => return A::f32_from_bits(bits & SIGN32 | 0x7f80_0000),
		0x3f80_0001.. => return A::f32_from_bits(NAN32),
		_ => {},
	}
	let one = constant::<A>(ONE);
	let a = A::abs64(A::f32_to_f64(x));
	let y = if A::lt64(constant::<A>(ATANH_SMALL), a) {
		// Sum and difference are exact.
		let quotient = A::div64(A::add64(one, a), A::sub64(one, a));
		A::mul64(log_positive::<A>(quotient), constant::<A>(HALF))
	} else {
		atanh_near_zero::<A>(a)
	};
	finish_odd::<A>(x, y)
}
