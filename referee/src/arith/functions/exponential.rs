//! The exponential and what is built on it.

use super::{
	clamp, constant, except, finish, finish_odd, logarithm, polynomial, HALF, LN_2, LN_2_HIGH,
	LN_2_LOW, ONE, TWO,
};
use crate::arith::Arith;

/// 1 / ln 2.
const LOG2_E: u64 = 0x3ff7_1547_652b_82fe;
/// 1.5 * 2^52: adding it leaves the nearest integer in the low bits of the sum.
const ROUNDER: u64 = 0x4338_0000_0000_0000;
/// -160 and +160: beyond them, exp and exp2 are certain to underflow and to overflow binary32.
const LOW: u64 = 0xc064_0000_0000_0000;
const HIGH: u64 = 0x4064_0000_0000_0000;

/// `(e^r - 1 - r) / r^2` for `|r| <= ln(2) / 2`, relative error of `e^r` below 2^-59.1.
const EXP: [u64; 11] = [
	0x3fe0_0000_0000_0000,
	0x3fc5_5555_5555_555a,
	0x3fa5_5555_5555_5550,
	0x3f81_1111_1110_f273,
	0x3f56_c16c_16c1_f49b,
	0x3f2a_01a0_1b3c_518a,
	0x3efa_01a0_1b33_817d,
	0x3ec7_1dde_8870_0634,
	0x3e92_7e3e_cbaf_3b49,
	0x3e5a_f82f_028d_0c46,
	0x3e22_24fe_9200_09f8,
];

/// Inputs of exp2 whose values lie above the middle of two binary32 numbers by 0.44 and 0.07 units
/// of the last binary64 place.
const EXP2_HARD: [(u32, u32); 2] = [(0x3b42_9d37, 0x3f80_4385), (0xbcf3_a937, 0x3f7a_c6b1)];

/// The input of sigmoid whose value lies above the middle of two binary32 numbers by 0.25 units of
/// the last binary64 place.
const SIGMOID_HARD: [(u32, u32); 1] = [(0xba92_8601, 0x3eff_db5f)];

/// The input of softplus whose value lies above the middle of two binary32 numbers by 0.04 units
/// of the last binary64 place.
const SOFTPLUS_HARD: [(u32, u32); 1] = [(0x39ea_41d0, 0x3f31_80bd)];

/// `(integer nearest to x as a number, 2^integer)` for `|x| <= 1000`.
#[inline(always)]
fn split<A: Arith>(x: A::F64) -> (A::F64, A::F64) {
	let rounder = constant::<A>(ROUNDER);
	let shifted = A::add64(x, rounder);
	// The integer's low 11 bits move into the exponent field, whose bias is that of 1.
	let scale = (A::f64_to_bits(shifted) << 52).wrapping_add(ONE);
	(A::sub64(shifted, rounder), A::f64_from_bits(scale))
}

/// `e^r - 1` for `|r| <= ln(2) / 2`.
#[inline(always)]
fn exp_m1_near_zero<A: Arith>(r: A::F64) -> A::F64 {
	A::add64(r, A::mul64(A::mul64(r, r), polynomial::<A, 11>(r, &EXP)))
}

/// `(p, s)` with `e^x = (1 + p) * s`, `s` a power of two, for `|x| <= 600`.
#[inline(always)]
fn exp_parts<A: Arith>(x: A::F64) -> (A::F64, A::F64) {
	let (k, scale) = split::<A>(A::mul64(x, constant::<A>(LOG2_E)));
	let r = A::sub64(x, A::mul64(k, constant::<A>(LN_2_HIGH)));
	let r = A::sub64(r, A::mul64(k, constant::<A>(LN_2_LOW)));
	(exp_m1_near_zero::<A>(r), scale)
}

/// `e^x` in binary64, for `|x| <= 600`.
#[inline(always)]
fn exp_inner<A: Arith>(x: A::F64) -> A::F64 {
	let (p, scale) = exp_parts::<A>(x);
	A::mul64(A::add64(constant::<A>(ONE), p), scale)
}

/// `e^x` in binary64, constant beyond `|x| = 160` (where binary32 has no values); NaN is as -160.
#[inline(always)]
pub(super) fn exp_wide<A: Arith>(x: A::F64) -> A::F64 {
	exp_inner::<A>(clamp::<A>(x, LOW, HIGH))
}

/// `e^x`, correctly rounded. 0 at -infinity, NaN for NaN.
#[inline(always)]
pub fn exp<A: Arith>(x: A::F32) -> A::F32 {
	finish::<A>(x, exp_wide::<A>(A::f32_to_f64(x)))
}

/// `2^x`, correctly rounded. 0 at -infinity, NaN for NaN.
#[inline(always)]
pub fn exp2<A: Arith>(x: A::F32) -> A::F32 {
	let wide = clamp::<A>(A::f32_to_f64(x), LOW, HIGH);
	let (k, scale) = split::<A>(wide);
	// The difference is exact.
	let r = A::mul64(A::sub64(wide, k), constant::<A>(LN_2));
	let p = exp_m1_near_zero::<A>(r);
	let y = A::mul64(A::add64(constant::<A>(ONE), p), scale);
	except::<A, 2>(x, finish::<A>(x, y), &EXP2_HARD)
}

/// The hyperbolic tangent, correctly rounded. -1 and 1 at the infinities, NaN for NaN.
#[inline(always)]
pub fn tanh<A: Arith>(x: A::F32) -> A::F32 {
	// E / (E + 2) with E = e^(2|x|) - 1, which keeps relative accuracy near 0; 1 from |x| = 10 on.
	let a = clamp::<A>(A::abs64(A::f32_to_f64(x)), 0, 0x4024_0000_0000_0000);
	let (p, scale) = exp_parts::<A>(A::add64(a, a));
	let e = A::add64(A::mul64(p, scale), A::sub64(scale, constant::<A>(ONE)));
	finish_odd::<A>(x, A::div64(e, A::add64(e, constant::<A>(TWO))))
}

/// `1 / (1 + e^-x)`, correctly rounded. 0 and 1 at the infinities, NaN for NaN.
#[inline(always)]
pub fn sigmoid<A: Arith>(x: A::F32) -> A::F32 {
	let wide = A::f32_to_f64(x);
	let e = exp_wide::<A>(A::neg64(wide));
	let one = constant::<A>(ONE);
	let far = A::div64(one, A::add64(one, e));
	// Near zero the value is 1/2 + x/4 - x^3/48. There 1/2 + x/4 may lie half way between two
	// binary32 numbers with a cubic term too small for binary64, so below |x| = 2^-14 a step of
	// 2^-51 stands for it: too small to matter except on those ties.
	let step = constant::<A>(0x3cc0_0000_0000_0000);
	let step = if A::lt64(wide, constant::<A>(0)) { A::neg64(step) } else { step };
	let quarter = A::mul64(wide, constant::<A>(0x3fd0_0000_0000_0000));
	let near = A::add64(constant::<A>(HALF), A::sub64(quarter, step));
	let is_near = A::lt64(A::abs64(wide), constant::<A>(0x3f10_0000_0000_0000));
	let y = finish::<A>(x, if is_near { near } else { far });
	except::<A, 1>(x, y, &SIGMOID_HARD)
}

/// `ln(1 + e^x)`, correctly rounded. 0 and +infinity at the infinities, NaN for NaN.
#[inline(always)]
pub fn softplus<A: Arith>(x: A::F32) -> A::F32 {
	let wide = A::f32_to_f64(x);
	let zero = constant::<A>(0);
	// max(x, 0) + ln(1 + u) with u = e^-|x| in 0..=1.
	let u = exp_wide::<A>(A::neg64(A::abs64(wide)));
	// Above sqrt(2) - 1, ln(1 + u) = ln 2 + ln(1 + (u - 1) / 2).
	let upper = A::lt64(constant::<A>(0x3fda_8279_99fc_ef34), u);
	let halved = A::mul64(A::sub64(u, constant::<A>(ONE)), constant::<A>(HALF));
	let f = if upper { halved } else { u };
	let base = if upper { constant::<A>(LN_2) } else { zero };
	let log = A::add64(base, logarithm::log_1p_near_zero::<A>(f));
	let linear = if A::lt64(zero, wide) { wide } else { zero };
	let y = finish::<A>(x, A::add64(linear, log));
	except::<A, 1>(x, y, &SOFTPLUS_HARD)
}
