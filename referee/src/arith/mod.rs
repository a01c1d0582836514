//! Arithmetic: one interface, two instances with equal bits.
//!
//! Every element function is written once over [`Arith`]. [`Soft`] computes with integers only and
//! is what the chain runs; `Hard` in `assay-kernels` uses the processor's own floats. Both follow
//! IEEE-754 binary32 and binary64: round to nearest even, subnormals kept, and one NaN
//! ([`NAN32`], [`NAN64`]) wherever bits become visible.

pub mod functions;
mod soft;

/// Bits of the one f32 NaN that may be stored.
pub const NAN32: u32 = 0x7fc0_0000;
/// Bits of the one f64 NaN that may be seen.
pub const NAN64: u64 = 0x7ff8_0000_0000_0000;

/// IEEE-754 binary32 and binary64 operations, rounded to nearest even, subnormals kept.
///
/// All operations are total. A NaN operand gives a NaN result; which NaN it is inside the
/// instance is not observable, because [`Arith::f32_to_bits`] and [`Arith::f64_to_bits`] give the
/// canonical one. Two instances must agree on every bit that these two functions return.
///
/// # Examples
///
/// ```
/// use assay_referee::{arith::functions::exp, Arith, Soft};
///
/// /// `a² + e^b` of the values with these bits.
/// fn formula<A: Arith>(a: u32, b: u32) -> u32 {
///     let (a, b) = (A::f32_from_bits(a), A::f32_from_bits(b));
///     A::f32_to_bits(A::fma32(a, a, exp::<A>(b)))
/// }
/// let bits = formula::<Soft>(3f32.to_bits(), 0f32.to_bits());
/// assert_eq!(f32::from_bits(bits), 10.0);
/// ```
pub trait Arith {
	/// A binary32 value.
	type F32: Copy;
	/// A binary64 value.
	type F64: Copy;

	/// The value with these bits (any NaN is accepted).
	fn f32_from_bits(bits: u32) -> Self::F32;
	/// The bits of a value; every NaN gives [`NAN32`].
	fn f32_to_bits(x: Self::F32) -> u32;
	/// The value with these bits (any NaN is accepted).
	fn f64_from_bits(bits: u64) -> Self::F64;
	/// The bits of a value; every NaN gives [`NAN64`].
	fn f64_to_bits(x: Self::F64) -> u64;

	/// `a + b`.
	fn add32(a: Self::F32, b: Self::F32) -> Self::F32;
	/// `a - b`.
	fn sub32(a: Self::F32, b: Self::F32) -> Self::F32;
	/// `a * b`.
	fn mul32(a: Self::F32, b: Self::F32) -> Self::F32;
	/// `a / b`.
	fn div32(a: Self::F32, b: Self::F32) -> Self::F32;
	/// `a * b + c`, rounded once.
	fn fma32(a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
	/// `sum + a[0] * b[0] + a[1] * b[1] + …` in this order, each step as [`Arith::fma32`], of the values
	/// with these bits; as many steps as the shorter slice has.
	#[inline]
	fn chain32(a: &[u32], b: &[u32], sum: Self::F32) -> Self::F32 {
		let value = |bits: &u32| Self::f32_from_bits(*bits);
		a.iter().zip(b).fold(sum, |sum, (a, b)| Self::fma32(value(a), value(b), sum))
	}
	/// The square root; NaN below zero, -0 for -0.
	fn sqrt32(x: Self::F32) -> Self::F32;
	/// `x` with its sign flipped (a NaN stays NaN).
	fn neg32(x: Self::F32) -> Self::F32;
	/// `x` with its sign cleared (a NaN stays NaN).
	fn abs32(x: Self::F32) -> Self::F32;
	/// `a < b`; false when either is NaN, and -0 = +0.
	fn lt32(a: Self::F32, b: Self::F32) -> bool;
	/// `a <= b`; false when either is NaN, and -0 = +0.
	fn le32(a: Self::F32, b: Self::F32) -> bool;
	/// `a == b`; false when either is NaN, and -0 = +0.
	fn eq32(a: Self::F32, b: Self::F32) -> bool;
	/// Whether `x` is a NaN.
	fn is_nan32(x: Self::F32) -> bool;
	/// The greatest integer not above `x` (keeps -0 and infinities).
	fn floor32(x: Self::F32) -> Self::F32;
	/// The least integer not below `x` (keeps -0 and infinities; -0.5 gives -0).
	fn ceil32(x: Self::F32) -> Self::F32;
	/// The nearest integer, a half going to the even one (keeps the sign of a zero result).
	fn round32(x: Self::F32) -> Self::F32;
	/// `x` without its fraction (keeps the sign of a zero result).
	fn trunc32(x: Self::F32) -> Self::F32;

	/// `a + b`.
	fn add64(a: Self::F64, b: Self::F64) -> Self::F64;
	/// `a - b`.
	fn sub64(a: Self::F64, b: Self::F64) -> Self::F64;
	/// `a * b`.
	fn mul64(a: Self::F64, b: Self::F64) -> Self::F64;
	/// `a / b`.
	fn div64(a: Self::F64, b: Self::F64) -> Self::F64;
	/// `x` with its sign flipped (a NaN stays NaN).
	fn neg64(x: Self::F64) -> Self::F64;
	/// `x` with its sign cleared (a NaN stays NaN).
	fn abs64(x: Self::F64) -> Self::F64;
	/// `a < b`; false when either is NaN, and -0 = +0.
	fn lt64(a: Self::F64, b: Self::F64) -> bool;
	/// `a <= b`; false when either is NaN, and -0 = +0.
	fn le64(a: Self::F64, b: Self::F64) -> bool;
	/// `a == b`; false when either is NaN, and -0 = +0.
	fn eq64(a: Self::F64, b: Self::F64) -> bool;

	/// The same value as binary64 (exact).
	fn f32_to_f64(x: Self::F32) -> Self::F64;
	/// The nearest binary32 value, a half going to the even one.
	fn f64_to_f32(x: Self::F64) -> Self::F32;
	/// The nearest binary32 value.
	fn i32_to_f32(x: i32) -> Self::F32;
	/// The nearest binary32 value (rounded once).
	fn i64_to_f32(x: i64) -> Self::F32;
	/// The same value (exact).
	fn u8_to_f32(x: u8) -> Self::F32;
	/// The nearest binary64 value.
	fn i64_to_f64(x: i64) -> Self::F64;
	/// `x` without its fraction, saturating; NaN gives 0.
	fn f32_to_i32(x: Self::F32) -> i32;
	/// `x` without its fraction, saturating; NaN gives 0.
	fn f32_to_i64(x: Self::F32) -> i64;
	/// `x` without its fraction, saturating to 0..=255; NaN gives 0.
	fn f32_to_u8(x: Self::F32) -> u8;
	/// `x` without its fraction, saturating to -128..=127; NaN gives 0.
	fn f32_to_i8(x: Self::F32) -> i8;
	/// `x` without its fraction, saturating; NaN gives 0.
	fn f64_to_i64(x: Self::F64) -> i64;
}

/// IEEE-754 in integers: the instance that the chain runs.
///
/// No float type, no unsafe code and no panic; values are their bits.
#[derive(Debug)]
pub enum Soft {}
