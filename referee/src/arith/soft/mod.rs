//! IEEE-754 binary32 and binary64 in integers: [`Soft`](super::Soft).
//!
//! A value is its bits. Every operation unpacks to `sign, exponent, significand` with value
//! `significand * 2^exponent`, works exactly (or with a *sticky* lowest bit that stands for any
//! nonzero remainder below it), and packs with one rounding.

mod chain;
mod convert;
mod float32;
mod float64;
#[cfg(test)]
mod tests;

use super::{Arith, Soft, NAN32, NAN64};

/// `x >> n`, with the lowest bit set when any bit was lost (sticky).
#[inline(always)]
fn shift_right_sticky(x: u64, n: u32) -> u64 {
	if n == 0 {
		x
	} else if n < 64 {
		(x >> n) | u64::from(x << (64 - n) != 0)
	} else {
		u64::from(x != 0)
	}
}

impl Arith for Soft {
	type F32 = u32;
	type F64 = u64;

	#[inline(always)]
	fn f32_from_bits(bits: u32) -> u32 {
		bits
	}
	#[inline(always)]
	fn f32_to_bits(x: u32) -> u32 {
		if float32::is_nan(x) {
			NAN32
		} else {
			x
		}
	}
	#[inline(always)]
	fn f64_from_bits(bits: u64) -> u64 {
		bits
	}
	#[inline(always)]
	fn f64_to_bits(x: u64) -> u64 {
		if float64::is_nan(x) {
			NAN64
		} else {
			x
		}
	}

	#[inline]
	fn add32(a: u32, b: u32) -> u32 {
		float32::add(a, b)
	}
	#[inline]
	fn sub32(a: u32, b: u32) -> u32 {
		float32::add(a, b ^ float32::SIGN)
	}
	#[inline]
	fn mul32(a: u32, b: u32) -> u32 {
		float32::mul(a, b)
	}
	#[inline]
	fn div32(a: u32, b: u32) -> u32 {
		float32::div(a, b)
	}
	#[inline]
	fn fma32(a: u32, b: u32, c: u32) -> u32 {
		float32::fma(a, b, c)
	}
	#[inline]
	fn chain32(a: &[u32], b: &[u32], sum: u32) -> u32 {
		chain::chain(a, b, sum)
	}
	#[inline]
	fn sqrt32(x: u32) -> u32 {
		float32::sqrt(x)
	}
	#[inline(always)]
	fn neg32(x: u32) -> u32 {
		x ^ float32::SIGN
	}
	#[inline(always)]
	fn abs32(x: u32) -> u32 {
		x & !float32::SIGN
	}
	#[inline]
	fn lt32(a: u32, b: u32) -> bool {
		!float32::is_nan(a) && !float32::is_nan(b) && float32::key(a) < float32::key(b)
	}
	#[inline]
	fn le32(a: u32, b: u32) -> bool {
		!float32::is_nan(a) && !float32::is_nan(b) && float32::key(a) <= float32::key(b)
	}
	#[inline]
	fn eq32(a: u32, b: u32) -> bool {
		!float32::is_nan(a) && !float32::is_nan(b) && float32::key(a) == float32::key(b)
	}
	#[inline(always)]
	fn is_nan32(x: u32) -> bool {
		float32::is_nan(x)
	}
	#[inline]
	fn floor32(x: u32) -> u32 {
		float32::integral(x, float32::Direction::Down)
	}
	#[inline]
	fn ceil32(x: u32) -> u32 {
		float32::integral(x, float32::Direction::Up)
	}
	#[inline]
	fn round32(x: u32) -> u32 {
		float32::integral(x, float32::Direction::NearestEven)
	}
	#[inline]
	fn trunc32(x: u32) -> u32 {
		float32::integral(x, float32::Direction::Zero)
	}

	#[inline]
	fn add64(a: u64, b: u64) -> u64 {
		float64::add(a, b)
	}
	#[inline]
	fn sub64(a: u64, b: u64) -> u64 {
		float64::add(a, b ^ float64::SIGN)
	}
	#[inline]
	fn mul64(a: u64, b: u64) -> u64 {
		float64::mul(a, b)
	}
	#[inline]
	fn div64(a: u64, b: u64) -> u64 {
		float64::div(a, b)
	}
	#[inline(always)]
	fn neg64(x: u64) -> u64 {
		x ^ float64::SIGN
	}
	#[inline(always)]
	fn abs64(x: u64) -> u64 {
		x & !float64::SIGN
	}
	#[inline]
	fn lt64(a: u64, b: u64) -> bool {
		!float64::is_nan(a) && !float64::is_nan(b) && float64::key(a) < float64::key(b)
	}
	#[inline]
	fn le64(a: u64, b: u64) -> bool {
		!float64::is_nan(a) && !float64::is_nan(b) && float64::key(a) <= float64::key(b)
	}
	#[inline]
	fn eq64(a: u64, b: u64) -> bool {
		!float64::is_nan(a) && !float64::is_nan(b) && float64::key(a) == float64::key(b)
	}

	#[inline]
	fn f32_to_f64(x: u32) -> u64 {
		convert::f32_to_f64(x)
	}
	#[inline]
	fn f64_to_f32(x: u64) -> u32 {
		convert::f64_to_f32(x)
	}
	#[inline]
	fn i32_to_f32(x: i32) -> u32 {
		convert::i64_to_f32(i64::from(x))
	}
	#[inline]
	fn i64_to_f32(x: i64) -> u32 {
		convert::i64_to_f32(x)
	}
	#[inline]
	fn u8_to_f32(x: u8) -> u32 {
		convert::i64_to_f32(i64::from(x))
	}
	#[inline]
	fn i64_to_f64(x: i64) -> u64 {
		convert::i64_to_f64(x)
	}
	#[inline]
	fn f32_to_i32(x: u32) -> i32 {
		convert::f32_to_i64(x).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
	}
	#[inline]
	fn f32_to_i64(x: u32) -> i64 {
		convert::f32_to_i64(x)
	}
	#[inline]
	fn f32_to_u8(x: u32) -> u8 {
		convert::f32_to_i64(x).clamp(0, 255) as u8
	}
	#[inline]
	fn f32_to_i8(x: u32) -> i8 {
		convert::f32_to_i64(x).clamp(-128, 127) as i8
	}
	#[inline]
	fn f64_to_i64(x: u64) -> i64 {
		convert::f64_to_i64(x)
	}
}
