//! Conversions between binary32, binary64 and integers.

use super::{float32, float64};
use crate::arith::{NAN32, NAN64};

/// The same value as binary64 (exact).
#[inline]
pub(super) fn f32_to_f64(x: u32) -> u64 {
	let sign = u64::from(x & float32::SIGN) << 32;
	let magnitude = x & !float32::SIGN;
	if magnitude >= float32::INF {
		return if magnitude == float32::INF { sign | float64::INF } else { NAN64 };
	}
	if magnitude >= 0x0080_0000 {
		// Exponent biases 127 and 1023.
		return sign | (u64::from(magnitude) << 29).wrapping_add(896 << 52);
	}
	float64::pack(sign, 1075 - 149, u64::from(magnitude))
}

/// The nearest binary32.
#[inline]
pub(super) fn f64_to_f32(x: u64) -> u32 {
	let sign = (x >> 32) as u32 & float32::SIGN;
	if float64::field(x) == 2047 {
		return if float64::is_nan(x) { NAN32 } else { sign | float32::INF };
	}
	let (e, m) = float64::unpack(x);
	float32::pack(sign, e.wrapping_sub(1075 - 150), m)
}

/// The nearest binary32.
#[inline]
pub(super) fn i64_to_f32(x: i64) -> u32 {
	let sign = if x < 0 { float32::SIGN } else { 0 };
	float32::pack(sign, 150, x.unsigned_abs())
}

/// The nearest binary64.
#[inline]
pub(super) fn i64_to_f64(x: i64) -> u64 {
	let sign = if x < 0 { float64::SIGN } else { 0 };
	float64::pack(sign, 1075, x.unsigned_abs())
}

/// The integer part, saturating; NaN gives 0.
#[inline]
pub(super) fn f32_to_i64(x: u32) -> i64 {
	f64_to_i64(f32_to_f64(x))
}

/// The integer part, saturating; NaN gives 0.
#[inline]
pub(super) fn f64_to_i64(x: u64) -> i64 {
	if float64::is_nan(x) {
		return 0;
	}
	let negative = x & float64::SIGN != 0;
	// 2^63 has exponent field 1023 + 63; -2^63 itself saturates to the right value.
	if float64::field(x) >= 1086 {
		return if negative { i64::MIN } else { i64::MAX };
	}
	let (e, m) = float64::unpack(x);
	let shift = e.wrapping_sub(1075);
	let magnitude = if shift >= 0 {
		m << shift
	} else if shift > -64 {
		m >> shift.wrapping_neg()
	} else {
		0
	} as i64;
	if negative {
		magnitude.wrapping_neg()
	} else {
		magnitude
	}
}
