//! The processor's own floats as an instance of the referee's arithmetic.

use assay_referee::arith::{Arith, NAN32, NAN64};

/// Native `f32` and `f64`; agrees with the referee's `Soft` on every bit.
///
/// Rust fixes the rounding mode and never contracts or reassociates, so `+ - * /`, square root
/// and the conversions are the IEEE-754 ones. Results whose bits the platform leaves open are
/// NaNs only, and those are made canonical when bits are read.
#[derive(Debug)]
pub enum Hard {}

/// `a * b + c` rounded once, without a hardware fused operation.
///
/// The product of two binary32 numbers is exact in binary64. Their sum with `c` is rounded to odd
/// (an inexact sum gets an odd last bit), after which the second rounding cannot go wrong.
/// `f32::mul_add` is avoided because its software forms round some subnormal results wrongly.
#[inline]
#[must_use]
pub fn fma32_to_odd(a: f32, b: f32, c: f32) -> f32 {
	let product = f64::from(a) * f64::from(b);
	let c = f64::from(c);
	let sum = product + c;
	// Knuth's two-sum: the exact error of `sum`, NaN when `sum` is not finite.
	let c_part = sum - product;
	let error = (product - (sum - c_part)) + (c - c_part);
	let bits = sum.to_bits();
	if error.abs() > 0.0 && bits & 1 == 0 {
		let away = (error > 0.0) == (sum > 0.0);
		let odd = if away { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
		return f64::from_bits(odd) as f32;
	}
	sum as f32
}

impl Arith for Hard {
	type F32 = f32;
	type F64 = f64;

	#[inline(always)]
	fn f32_from_bits(bits: u32) -> f32 {
		f32::from_bits(bits)
	}
	#[inline(always)]
	fn f32_to_bits(x: f32) -> u32 {
		// Compared as bits: where the result becomes a float again, compilers take `is_nan` for a
		// test that changes nothing and drop it, and with it the one NaN.
		let bits = x.to_bits();
		if bits & 0x7fff_ffff > 0x7f80_0000 {
			NAN32
		} else {
			bits
		}
	}
	#[inline(always)]
	fn f64_from_bits(bits: u64) -> f64 {
		f64::from_bits(bits)
	}
	#[inline(always)]
	fn f64_to_bits(x: f64) -> u64 {
		let bits = x.to_bits();
		if bits & (u64::MAX >> 1) > f64::INFINITY.to_bits() {
			NAN64
		} else {
			bits
		}
	}

	#[inline(always)]
	fn add32(a: f32, b: f32) -> f32 {
		a + b
	}
	#[inline(always)]
	fn sub32(a: f32, b: f32) -> f32 {
		a - b
	}
	#[inline(always)]
	fn mul32(a: f32, b: f32) -> f32 {
		a * b
	}
	#[inline(always)]
	fn div32(a: f32, b: f32) -> f32 {
		a / b
	}
	#[inline(always)]
	fn fma32(a: f32, b: f32, c: f32) -> f32 {
		// Only where the instruction is sure to exist; see `fma32_to_odd`.
		if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
			a.mul_add(b, c)
		} else {
			fma32_to_odd(a, b, c)
		}
	}
	#[inline(always)]
	fn sqrt32(x: f32) -> f32 {
		x.sqrt()
	}
	#[inline(always)]
	fn neg32(x: f32) -> f32 {
		-x
	}
	#[inline(always)]
	fn abs32(x: f32) -> f32 {
		x.abs()
	}
	#[inline(always)]
	fn lt32(a: f32, b: f32) -> bool {
		a < b
	}
	#[inline(always)]
	fn le32(a: f32, b: f32) -> bool {
		a <= b
	}
	#[inline(always)]
	fn eq32(a: f32, b: f32) -> bool {
		a == b
	}
	#[inline(always)]
	fn is_nan32(x: f32) -> bool {
		x.is_nan()
	}
	#[inline(always)]
	fn floor32(x: f32) -> f32 {
		x.floor()
	}
	#[inline(always)]
	fn ceil32(x: f32) -> f32 {
		x.ceil()
	}
	#[inline(always)]
	fn round32(x: f32) -> f32 {
		x.round_ties_even()
	}
	#[inline(always)]
	fn trunc32(x: f32) -> f32 {
		x.trunc()
	}

	#[inline(always)]
	fn add64(a: f64, b: f64) -> f64 {
		a + b
	}
	#[inline(always)]
	fn sub64(a: f64, b: f64) -> f64 {
		a - b
	}
	#[inline(always)]
	fn mul64(a: f64, b: f64) -> f64 {
		a * b
	}
	#[inline(always)]
	fn div64(a: f64, b: f64) -> f64 {
		a / b
	}
	#[inline(always)]
	fn neg64(x: f64) -> f64 {
		-x
	}
	#[inline(always)]
	fn abs64(x: f64) -> f64 {
		x.abs()
	}
	#[inline(always)]
	fn lt64(a: f64, b: f64) -> bool {
		a < b
	}
	#[inline(always)]
	fn le64(a: f64, b: f64) -> bool {
		a <= b
	}
	#[inline(always)]
	fn eq64(a: f64, b: f64) -> bool {
		a == b
	}

	#[inline(always)]
	fn f32_to_f64(x: f32) -> f64 {
		f64::from(x)
	}
	#[inline(always)]
	fn f64_to_f32(x: f64) -> f32 {
		x as f32
	}
	#[inline(always)]
	fn i32_to_f32(x: i32) -> f32 {
		x as f32
	}
	#[inline(always)]
	fn i64_to_f32(x: i64) -> f32 {
		x as f32
	}
	#[inline(always)]
	fn u8_to_f32(x: u8) -> f32 {
		f32::from(x)
	}
	#[inline(always)]
	fn i64_to_f64(x: i64) -> f64 {
		x as f64
	}
	#[inline(always)]
	fn f32_to_i32(x: f32) -> i32 {
		x as i32
	}
	#[inline(always)]
	fn f32_to_i64(x: f32) -> i64 {
		x as i64
	}
	#[inline(always)]
	fn f32_to_u8(x: f32) -> u8 {
		x as u8
	}
	#[inline(always)]
	fn f32_to_i8(x: f32) -> i8 {
		x as i8
	}
	#[inline(always)]
	fn f64_to_i64(x: f64) -> i64 {
		x as i64
	}
}
