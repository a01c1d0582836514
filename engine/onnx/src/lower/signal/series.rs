//! Elementary functions in binary64, for constants that are made while compiling.
//!
//! The standard library's come from the platform and may differ in the last bit; these use only
//! `+ − × ÷` and so give the same weights on every machine. Errors are a few units of the last
//! place, far below what is left after rounding to binary32.

use std::f64::consts::{FRAC_PI_4, LN_10, LN_2, SQRT_2};

/// `Σ x^(2i) / (first · (first + 1) · … )` with alternating signs: sine and cosine.
fn alternating(square: f64, first: f64) -> f64 {
	let mut sum = 1.0;
	for step in (0..10).rev() {
		let n = first + 2.0 * f64::from(step);
		sum = 1.0 - square / (n * (n + 1.0)) * sum;
	}
	sum
}

/// Cosine and sine of `turn / turns` full turns; exact at quarter turns.
pub(crate) fn cos_sin(turn: u64, turns: u64) -> (f64, f64) {
	let turns = turns.max(1);
	// Eighths of a turn decide which function of the rest it is.
	let at = u128::from(turn % turns) * 8;
	let (eighth, rest) = (at / u128::from(turns), at % u128::from(turns));
	let odd = eighth % 2 == 1;
	let part = if odd { u128::from(turns) - rest } else { rest };
	let angle = part as f64 / turns as f64 * FRAC_PI_4;
	let square = angle * angle;
	let (near, far) = (alternating(square, 1.0), angle * alternating(square, 2.0));
	let (cos, sin) = if matches!(eighth, 1 | 2 | 5 | 6) { (far, near) } else { (near, far) };
	(
		if matches!(eighth, 2..=5) { 0.0 - cos } else { cos },
		if matches!(eighth, 4..=7) { 0.0 - sin } else { sin },
	)
}

/// The natural logarithm of a positive normal number.
fn log(x: f64) -> f64 {
	let mut exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
	let mut m = f64::from_bits((x.to_bits() & !(0x7ff << 52)) | 1023 << 52);
	if m > SQRT_2 {
		m /= 2.0;
		exponent += 1;
	}
	let s = (m - 1.0) / (m + 1.0);
	let square = s * s;
	let mut sum = 0.0;
	for n in (0..14).rev() {
		sum = sum * square + 1.0 / f64::from(2 * n + 1);
	}
	2.0 * s * sum + f64::from(exponent) * LN_2
}

/// The decimal logarithm of a positive normal number.
pub(crate) fn log10(x: f64) -> f64 {
	log(x) / LN_10
}

/// 10 to the power `x`, for `|x|` below 300.
pub(crate) fn exp10(x: f64) -> f64 {
	let x = x * LN_10;
	let k = (x / LN_2).round();
	let r = x - k * LN_2;
	let mut sum = 1.0;
	for n in (1..=18).rev() {
		sum = 1.0 + sum * r / f64::from(n);
	}
	sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::f64::consts::TAU;

	#[test]
	fn near_the_standard_library() {
		let close = |x: f64, y: f64| assert!((x - y).abs() <= 4e-15 * y.abs().max(1.0), "{x} {y}");
		for turns in [1u64, 2, 3, 8, 16, 17, 100, 1023] {
			for turn in 0..2 * turns {
				let (cos, sin) = cos_sin(turn, turns);
				let angle = TAU * turn as f64 / turns as f64;
				close(cos, angle.cos());
				close(sin, angle.sin());
			}
		}
		for x in [1e-3, 0.5, 1.0, 1.4, 1.5, 7.0, 12345.678] {
			close(log10(x), x.log10());
			close(exp10(log10(x)) / x, 1.0);
		}
	}

	#[test]
	fn quarter_turns_are_exact() {
		let found = [0u64, 4, 8, 12].map(|turn| cos_sin(turn, 16));
		assert_eq!(found, [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]);
	}
}
