//! Inverse trigonometric functions: angles of points.

use super::{
	constant, except, finish_odd, polynomial, square_root, HALF_PI, HALF_PI_LOW, ONE, SIGN32,
};
use crate::arith::{Arith, NAN32};

/// `(atan(r) / r - 1) / r^2` in `r^2`, for `|r| <= tan(pi / 8)`, relative error of atan below
/// 2^-65.8.
const ATAN: [u64; 13] = [
	0xbfd5_5555_5555_5555,
	0x3fc9_9999_9999_9888,
	0xbfc2_4924_9248_8b67,
	0x3fbc_71c7_1c1b_8213,
	0xbfb7_45d1_660e_e96b,
	0x3fb3_b139_8e59_15fa,
	0xbfb1_10f5_2e35_bf86,
	0x3fae_1b59_a2b2_3caf,
	0xbfaa_d9dd_051a_0cab,
	0x3fa7_c76f_50ed_d281,
	0xbfa3_a8df_b442_323f,
	0x3f99_d0a4_ed97_5e7d,
	0xbf82_70e5_222c_3eaa,
];

const PI: u64 = 0x4009_21fb_5444_2d18;
const PI_LOW: u64 = 0x3ca1_a626_3314_5c07;
const QUARTER_PI: u64 = 0x3fe9_21fb_5444_2d18;
const QUARTER_PI_LOW: u64 = 0x3c81_a626_3314_5c07;
/// tan(pi / 8).
const TAN_EIGHTH_PI: u64 = 0x3fda_8279_99fc_ef32;

/// Arguments of acos whose values lie next to the middle of two binary32 numbers.
const ACOS_HARD: [(u32, u32); 2] = [(0x3288_85a3, 0x3fc9_0fdb), (0x3982_6222, 0x3fc9_07b5)];

/// The argument of atan, of either sign, whose value lies next to the middle of two binary32
/// numbers.
const ATAN_HARD: [(u32, u32); 2] = [(0x3d8d_6b23, 0x3d8d_31c3), (0xbd8d_6b23, 0xbd8d_31c3)];

/// The angle of the point `(x, y)`, both from 0 to infinity and not both 0 or infinite, from the
/// x axis: 0 to pi / 2.
#[inline(always)]
fn angle<A: Arith>(y: A::F64, x: A::F64) -> A::F64 {
	let steep = A::lt64(x, y);
	let (small, large) = if steep { (x, y) } else { (y, x) };
	// Above pi / 8, the angle from pi / 4.
	let upper = A::lt64(A::mul64(large, constant::<A>(TAN_EIGHTH_PI)), small);
	let above = if upper { A::sub64(small, large) } else { small };
	let below = if upper { A::add64(small, large) } else { large };
	let ratio = A::div64(above, below);
	let ratio = if steep { A::neg64(ratio) } else { ratio };
	let z = A::mul64(ratio, ratio);
	let tail = A::mul64(A::mul64(ratio, z), polynomial::<A, 13>(z, &ATAN));
	let (base, low) = match (steep, upper) {
		(_, true) => (QUARTER_PI, QUARTER_PI_LOW),
		(true, false) => (HALF_PI, HALF_PI_LOW),
		(false, false) => (0, 0),
	};
	let rest = A::add64(ratio, A::add64(tail, constant::<A>(low)));
	A::add64(constant::<A>(base), rest)
}

/// The other leg of a right triangle with hypotenuse 1 and a leg `a` that came from binary32, at
/// most 1: the product below the root is exact.
#[inline(always)]
fn other_leg<A: Arith>(a: A::F64) -> A::F64 {
	let one = constant::<A>(ONE);
	square_root::<A>(A::mul64(A::sub64(one, a), A::add64(one, a)))
}

/// Whether `|x| <= 1`; not for NaN.
#[inline(always)]
fn is_ratio<A: Arith>(x: A::F32) -> bool {
	A::f32_to_bits(x) & !SIGN32 <= 0x3f80_0000
}

/// The angle whose tangent is `x`, correctly rounded. -pi / 2 and pi / 2 at the infinities, NaN for
/// NaN.
#[inline(always)]
pub fn atan<A: Arith>(x: A::F32) -> A::F32 {
	let y = angle::<A>(A::abs64(A::f32_to_f64(x)), constant::<A>(ONE));
	except::<A, 2>(x, finish_odd::<A>(x, y), &ATAN_HARD)
}

/// The angle from -pi / 2 to pi / 2 whose sine is `x`, correctly rounded. NaN outside of -1 to 1
/// and for NaN.
#[inline(always)]
pub fn asin<A: Arith>(x: A::F32) -> A::F32 {
	if !is_ratio::<A>(x) {
		return A::f32_from_bits(NAN32);
	}
	let a = A::abs64(A::f32_to_f64(x));
	let y = angle::<A>(a, other_leg::<A>(a));
	finish_odd::<A>(x, y)
}

/// The angle from 0 to pi whose cosine is `x`, correctly rounded. NaN outside of -1 to 1 and for
/// NaN.
#[inline(always)]
pub fn acos<A: Arith>(x: A::F32) -> A::F32 {
	if !is_ratio::<A>(x) {
		return A::f32_from_bits(NAN32);
	}
	let wide = A::f32_to_f64(x);
	let a = A::abs64(wide);
	let y = angle::<A>(other_leg::<A>(a), a);
	let obtuse = A::sub64(constant::<A>(PI), A::sub64(y, constant::<A>(PI_LOW)));
	let y = if A::lt64(wide, constant::<A>(0)) { obtuse } else { y };
	except::<A, 2>(x, A::f64_to_f32(y), &ACOS_HARD)
}
