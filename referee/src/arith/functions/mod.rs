//! Elementary functions, written once over [`Arith`].
//!
//! `exp`, `exp2`, `log`, `tanh`, `erf`, `sigmoid`, `softplus`, `sin` and `cos` give the
//! *correctly rounded* binary32 value for every input. They compute in binary64 with `+ - * /`
//! and integer work on bits only, with an error near `2^-53`, and round once at the end. Whether
//! that last rounding is right was checked for all 2^32 inputs of every function
//! (`cargo run --release -p assay-kernels --example exhaustive`), so the polynomials below are
//! part of the law: another coefficient needs another exhaustive run. The order of the operations
//! is part of it as well. `tan`, `asin`, `acos`, `atan`, `sinh`, `cosh`, `asinh`, `acosh` and `atanh`
//! are built alike; docs/model-format.md says which of their inputs have been compared.
//!
//! The polynomials are minimax fits (Remez exchange in 240-bit arithmetic, weighted for relative
//! error of the final result). The leading coefficients were rounded to binary64 one after the
//! other, each time fitting the rest again. Constants are given as bits, because the crate has no
//! float type. The code is free of branches where it can be, so that compilers make vector code of
//! the native instance.

mod error;
mod exponential;
mod hyperbolic;
mod inverse;
mod logarithm;
mod power;
mod trigonometric;

pub use error::erf;
pub use exponential::{exp, exp2, sigmoid, softplus, tanh};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh};
pub use inverse::{acos, asin, atan};
pub use logarithm::log;
pub use power::pow;
pub use trigonometric::{cos, sin, tan};

use super::{Arith, NAN32};

/// The sign bit of binary32.
const SIGN32: u32 = 0x8000_0000;

/// pi / 2, and what that leaves of it.
const HALF_PI: u64 = 0x3ff9_21fb_5444_2d18;
const HALF_PI_LOW: u64 = 0x3c91_a626_3314_5c07;
const HALF: u64 = 0x3fe0_0000_0000_0000;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const TWO: u64 = 0x4000_0000_0000_0000;
const LN_2: u64 = 0x3fe6_2e42_fefa_39ef;
/// ln 2 in 42 bits: its product with any binary32 exponent is exact.
const LN_2_HIGH: u64 = 0x3fe6_2e42_fefa_3800;
/// What [`LN_2_HIGH`] leaves of ln 2.
const LN_2_LOW: u64 = 0x3d2e_f357_93c7_6730;

/// A binary64 constant from its bits.
#[inline(always)]
fn constant<A: Arith>(bits: u64) -> A::F64 {
	A::f64_from_bits(bits)
}

/// `c[0] + c[1] x + c[2] x^2 + ...` by Horner's rule.
#[inline(always)]
fn polynomial<A: Arith, const N: usize>(x: A::F64, coefficients: &[u64; N]) -> A::F64 {
	let mut steps = coefficients.iter().rev();
	let mut sum = constant::<A>(steps.next().copied().unwrap_or(0));
	for &c in steps {
		sum = A::add64(A::mul64(sum, x), constant::<A>(c));
	}
	sum
}

/// `x` kept within `low..=high`; NaN gives `low`.
#[inline(always)]
fn clamp<A: Arith>(x: A::F64, low: u64, high: u64) -> A::F64 {
	let (low, high) = (constant::<A>(low), constant::<A>(high));
	let x = if A::lt64(low, x) { x } else { low };
	if A::lt64(x, high) {
		x
	} else {
		high
	}
}

/// The square root in binary64 of 0 or a number from 2^-120 to 2^120, to about a unit of the last
/// place: two of Heron's steps from the root in binary32.
#[inline(always)]
fn square_root<A: Arith>(x: A::F64) -> A::F64 {
	let zero = constant::<A>(0);
	let mut root = A::f32_to_f64(A::sqrt32(A::f64_to_f32(x)));
	for _ in 0..2 {
		root = A::mul64(A::add64(root, A::div64(x, root)), constant::<A>(HALF));
	}
	if A::eq64(x, zero) {
		zero
	} else {
		root
	}
}

/// `y` rounded to binary32, or NaN where the argument `x` of the function was NaN.
#[inline(always)]
fn finish<A: Arith>(x: A::F32, y: A::F64) -> A::F32 {
	let y = A::f64_to_f32(y);
	if A::is_nan32(x) {
		A::f32_from_bits(NAN32)
	} else {
		y
	}
}

/// The value from `table` of `(bits of x, bits of the value)` where `x` is in it, otherwise `y`.
///
/// For the few inputs whose value lies so near to the middle of two binary32 numbers that the
/// binary64 result falls on the other side of it.
#[inline(always)]
fn except<A: Arith, const N: usize>(x: A::F32, y: A::F32, table: &[(u32, u32); N]) -> A::F32 {
	let bits = A::f32_to_bits(x);
	let mut y = y;
	for &(input, value) in table {
		y = if bits == input { A::f32_from_bits(value) } else { y };
	}
	y
}

/// [`finish`] for odd functions: `y >= 0` is the value at `|x|`.
#[inline(always)]
fn finish_odd<A: Arith>(x: A::F32, y: A::F64) -> A::F32 {
	let sign = A::f32_to_bits(x) & SIGN32;
	A::f32_from_bits(A::f32_to_bits(finish::<A>(x, y)) | sign)
}
