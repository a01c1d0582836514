//! Float formats narrower than binary32: each value is exactly a binary32 value, so tensors of them
//! are stored decoded, and rounding to one of them is a function from binary32 to binary32.
//!
//! Everything here is integer work on bits.

use crate::{arith::NAN32, codes::codes};

const SIGN: u32 = 0x8000_0000;
const INFINITY: u32 = 0x7f80_0000;
/// Bits of binary32's fraction.
const FRACTION: u32 = 23;

codes! {
	/// A float format of at most 16 bits.
	FloatFormat {
		/// IEEE-754 binary16.
		F16 = 1,
		/// The upper half of a binary32.
		Bf16 = 2,
		/// 4 bits of exponent, 3 of fraction, no infinity; NaN is all ones.
		F8E4M3Fn = 3,
		/// As [`FloatFormat::F8E4M3Fn`] with another bias; `0x80` is the only NaN, there is no -0.
		F8E4M3FnUz = 4,
		/// 5 bits of exponent, 2 of fraction, infinities and NaN as in IEEE-754.
		F8E5M2 = 5,
		/// 5 bits of exponent, 2 of fraction; `0x80` is the only NaN, no infinity, no -0.
		F8E5M2FnUz = 6,
		/// 2 bits of exponent, 1 of fraction; neither infinity nor NaN.
		F4E2M1 = 7,
	}
}

/// Which values a format has beyond its numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
	/// Infinities, then NaN, in the highest exponent.
	Ieee,
	/// One magnitude of all ones is NaN.
	AllOnes,
	/// The code of -0 is NaN.
	NegativeZero,
	/// None.
	Nothing,
}

/// What a value beyond the greatest finite one becomes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Overflow {
	/// Infinity where the format has one, else NaN.
	Special = 0,
	/// The greatest finite value of the same sign; infinities too.
	Saturate = 1,
}

impl FloatFormat {
	/// Bits of one element: 4, 8 or 16.
	pub const fn bits(self) -> u32 {
		match self {
			FloatFormat::F16 | FloatFormat::Bf16 => 16,
			FloatFormat::F4E2M1 => 4,
			_ => 8,
		}
	}

	/// Bits of the fraction, and the bias of the exponent.
	const fn layout(self) -> (u32, u32) {
		match self {
			FloatFormat::F16 => (10, 15),
			FloatFormat::Bf16 => (7, 127),
			FloatFormat::F8E4M3Fn => (3, 7),
			FloatFormat::F8E4M3FnUz => (3, 8),
			FloatFormat::F8E5M2 => (2, 15),
			FloatFormat::F8E5M2FnUz => (2, 16),
			FloatFormat::F4E2M1 => (1, 1),
		}
	}

	const fn special(self) -> Special {
		match self {
			FloatFormat::F16 | FloatFormat::Bf16 | FloatFormat::F8E5M2 => Special::Ieee,
			FloatFormat::F8E4M3Fn => Special::AllOnes,
			FloatFormat::F8E4M3FnUz | FloatFormat::F8E5M2FnUz => Special::NegativeZero,
			FloatFormat::F4E2M1 => Special::Nothing,
		}
	}

	/// The code of the greatest finite value.
	const fn greatest_code(self) -> u32 {
		let (fraction, _) = self.layout();
		let ones = (1 << (self.bits() - 1)) - 1;
		match self.special() {
			Special::Ieee => ones - (1 << fraction),
			Special::AllOnes => ones - 1,
			Special::NegativeZero | Special::Nothing => ones,
		}
	}

	/// Whether [`Overflow::Special`] has a meaning: there is an infinity or a NaN.
	pub const fn has_special(self) -> bool {
		!matches!(self.special(), Special::Nothing)
	}

	/// Bits of the binary32 with the value of `code`, whose bits above the format's are ignored.
	pub const fn decode(self, code: u32) -> u32 {
		let (fraction, bias) = self.layout();
		let sign_bit = 1 << (self.bits() - 1);
		let magnitude = code & (sign_bit - 1);
		let sign = if code & sign_bit != 0 { SIGN } else { 0 };
		match self.special() {
			Special::NegativeZero if magnitude == 0 && sign != 0 => return NAN32,
			Special::AllOnes if magnitude > self.greatest_code() => return NAN32,
			Special::Ieee if magnitude > self.greatest_code() => {
				let infinite = magnitude == self.greatest_code() + 1;
				return if infinite { sign | INFINITY } else { NAN32 };
			},
			_ => {},
		}
		let (exponent, rest) = (magnitude >> fraction, magnitude & ((1 << fraction) - 1));
		// Bfloat16 shares the exponents, subnormal ones too.
		if exponent > 0 || bias == 127 {
			return sign | ((exponent + 127 - bias) << FRACTION) | (rest << (FRACTION - fraction));
		}
		if rest == 0 {
			return sign;
		}
		// rest · 2^(1 - bias - fraction), normalised.
		let top = 31 - rest.leading_zeros();
		let exponent = top + 128 - bias - fraction;
		sign | (exponent << FRACTION) | ((rest << (FRACTION - top)) & ((1 << FRACTION) - 1))
	}

	/// The code of the value that the binary32 `bits` stand for, which must be one of the format's
	/// ([`FloatFormat::round`] gives these); for any other the result has no meaning.
	pub const fn encode(self, bits: u32) -> u32 {
		let (fraction, bias) = self.layout();
		let sign_bit = 1 << (self.bits() - 1);
		let magnitude = bits & !SIGN;
		let sign = if bits & SIGN != 0 { sign_bit } else { 0 };
		if magnitude > INFINITY {
			return match self.special() {
				Special::Ieee => self.greatest_code() + 1 + (1 << (fraction - 1)),
				Special::AllOnes => sign_bit - 1,
				Special::NegativeZero => sign_bit,
				Special::Nothing => 0,
			};
		}
		if magnitude == INFINITY {
			return sign | (self.greatest_code() + if self.has_infinity() { 1 } else { 0 });
		}
		if bias == 127 {
			return bits >> 16;
		}
		let exponent = magnitude >> FRACTION;
		if exponent + bias > 127 {
			return sign | ((magnitude - ((127 - bias) << FRACTION)) >> (FRACTION - fraction));
		}
		let significand = (magnitude & ((1 << FRACTION) - 1)) | (1 << FRACTION);
		let drop = FRACTION - fraction + 128 - bias - exponent;
		let code = if drop > FRACTION { 0 } else { significand >> drop };
		match (self.special(), code) {
			(Special::NegativeZero, 0) => 0,
			_ => sign | code,
		}
	}

	const fn has_infinity(self) -> bool {
		matches!(self.special(), Special::Ieee)
	}

	/// Bits of the format's value nearest to the binary32 `bits`, a half going to the even code.
	///
	/// A value that rounds beyond the greatest finite one, and an infinity, follow `overflow`. A NaN
	/// stays NaN where the format has one, else it becomes the greatest value. Where the format has no -0, zeros are
	/// +0.
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::{FloatFormat, Overflow};
	///
	/// let f16 = |overflow, x: f32| f32::from_bits(FloatFormat::F16.round(overflow, x.to_bits()));
	/// // 11 bits of a third are left; 65,536 is beyond the greatest finite value.
	/// assert_eq!(f16(Overflow::Special, 1.0 / 3.0), 1365.0 / 4096.0);
	/// assert_eq!(f16(Overflow::Special, 65_536.0), f32::INFINITY);
	/// assert_eq!(f16(Overflow::Saturate, 65_536.0), 65_504.0);
	/// // What is rounded has a code: 17 lies in the middle of 16 and 18, and goes to the even one.
	/// let format = FloatFormat::F8E4M3Fn;
	/// let sixteen = format.round(Overflow::Saturate, 17f32.to_bits());
	/// assert_eq!((sixteen, format.encode(sixteen)), (16f32.to_bits(), 0x58));
	/// assert_eq!(format.decode(0x58), sixteen);
	/// ```
	#[inline(always)]
	pub const fn round(self, overflow: Overflow, bits: u32) -> u32 {
		let (fraction, bias) = self.layout();
		let (sign, magnitude) = (bits & SIGN, bits & !SIGN);
		let exponent = magnitude >> FRACTION;
		// Below the normal exponents fewer bits of the significand are left.
		let missing = (128 - bias).saturating_sub(if exponent == 0 { 1 } else { exponent });
		let drop = FRACTION - fraction + missing;
		let rounded = if drop < FRACTION {
			let odd = (magnitude >> drop) & 1;
			(magnitude + (1 << (drop - 1)) - 1 + odd) & !((1 << drop) - 1)
		} else if drop == FRACTION {
			// The last bit kept is the leading one, which is not stored.
			(magnitude + (1 << (FRACTION - 1))) & !((1 << FRACTION) - 1)
		} else {
			// One unit, or less than half of one; half of one is even as zero.
			let unit = (128 - bias - fraction) << FRACTION;
			let above_half = drop == FRACTION + 1 && magnitude & ((1 << FRACTION) - 1) != 0;
			if above_half {
				unit
			} else {
				0
			}
		};
		let greatest = self.decode(self.greatest_code());
		let value = if magnitude > INFINITY {
			return if self.has_special() { NAN32 } else { greatest };
		} else if rounded <= greatest {
			rounded
		} else if matches!(overflow, Overflow::Saturate) {
			greatest
		} else if self.has_infinity() {
			INFINITY
		} else {
			return NAN32;
		};
		let unsigned_zero = matches!(self.special(), Special::NegativeZero) && value == 0;
		if unsigned_zero {
			0
		} else {
			sign | value
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::Rng;
	use alloc::vec::Vec;

	/// The value of a code by the definition, in floats; infinities as the next number would be.
	fn by_definition(format: FloatFormat, code: u32) -> f64 {
		let (fraction, bias) = match format {
			FloatFormat::F16 => (10, 15),
			FloatFormat::Bf16 => (7, 127),
			FloatFormat::F8E4M3Fn => (3, 7),
			FloatFormat::F8E4M3FnUz => (3, 8),
			FloatFormat::F8E5M2 => (2, 15),
			FloatFormat::F8E5M2FnUz => (2, 16),
			FloatFormat::F4E2M1 => (1, 1),
		};
		let (exponent, rest) = (code >> fraction, f64::from(code & ((1 << fraction) - 1)));
		let rest = rest / f64::from(1 << fraction);
		match exponent {
			0 => rest * 2f64.powi(1 - bias),
			_ => (1.0 + rest) * 2f64.powi(exponent as i32 - bias),
		}
	}

	/// The greatest finite values, from the formats' papers.
	fn greatest(format: FloatFormat) -> f64 {
		match format {
			FloatFormat::F16 => 65504.0,
			FloatFormat::Bf16 => f64::from(f32::from_bits(0x7f7f_0000)),
			FloatFormat::F8E4M3Fn => 448.0,
			FloatFormat::F8E4M3FnUz => 240.0,
			FloatFormat::F8E5M2 | FloatFormat::F8E5M2FnUz => 57344.0,
			FloatFormat::F4E2M1 => 6.0,
		}
	}

	/// The magnitudes of a format, ascending, the index being the code.
	fn magnitudes(format: FloatFormat) -> Vec<f64> {
		let all = (0..1u32 << (format.bits() - 1)).map(|code| by_definition(format, code));
		all.take_while(|&x| x <= greatest(format)).collect()
	}

	#[test]
	fn codes_decode_to_their_values_and_back() {
		for &format in FloatFormat::ALL {
			assert_eq!(FloatFormat::from_code(format.code()), Some(format));
			let values = magnitudes(format);
			let sign = 1 << (format.bits() - 1);
			for (code, &value) in (0u32..).zip(&values) {
				let decoded = f32::from_bits(format.decode(code));
				assert_eq!(f64::from(decoded), value, "{format:?} {code:#x}");
				assert_eq!(format.encode(decoded.to_bits()), code, "{format:?}");
				for overflow in [Overflow::Special, Overflow::Saturate] {
					assert_eq!(format.round(overflow, decoded.to_bits()), decoded.to_bits());
				}
				if code > 0 {
					let negative = format.decode(code | sign);
					assert_eq!(negative, decoded.to_bits() | SIGN);
					assert_eq!(format.encode(negative), code | sign);
				}
			}
			for code in values.len() as u32..sign {
				let bits = format.decode(code);
				let infinite = format.special() == Special::Ieee && code == values.len() as u32;
				assert_eq!(bits, if infinite { INFINITY } else { NAN32 }, "{format:?} {code:#x}");
			}
		}
		assert_eq!(FloatFormat::F8E5M2FnUz.decode(0x80), NAN32);
		assert_eq!(FloatFormat::F8E4M3FnUz.encode(NAN32), 0x80);
		assert_eq!(FloatFormat::F8E4M3Fn.encode(NAN32), 0x7f);
		assert_eq!(FloatFormat::F16.encode(NAN32), 0x7e00);
		assert_eq!(FloatFormat::F16.encode(INFINITY | SIGN), 0xfc00);
		assert_eq!(FloatFormat::F16.decode(0x8000), SIGN);
	}

	/// The nearest magnitude, ties to the even code; `None` beyond the greatest.
	fn nearest(values: &[f64], x: f64) -> Option<f64> {
		let above = values.partition_point(|&v| v < x);
		let step = values[values.len() - 1] - values[values.len() - 2];
		let next = values.get(above).copied().unwrap_or(values[values.len() - 1] + step);
		if above == 0 {
			return Some(values[0]);
		}
		let below = values[above - 1];
		let (down, up) = (x - below, next - x);
		let goes_up = up < down || (up == down && above % 2 == 0);
		if goes_up {
			values.get(above).copied()
		} else {
			Some(below)
		}
	}

	#[test]
	fn rounding_gives_the_nearest_value() {
		let mut rng = Rng(11);
		for &format in FloatFormat::ALL {
			let values = magnitudes(format);
			let mut inputs: Vec<u32> = (0..200_000).map(|_| rng.draw() as u32).collect();
			// Values, the middles between them, and their neighbours.
			for pair in values.windows(2) {
				let middle = ((pair[0] + pair[1]) / 2.0) as f32;
				for bits in [(pair[0] as f32).to_bits(), middle.to_bits()] {
					inputs.extend([bits, bits + 1, bits.saturating_sub(1), bits | SIGN]);
				}
			}
			inputs.extend([0, SIGN, 1, INFINITY, INFINITY - 1, NAN32, 0x7f80_0001]);
			for bits in inputs {
				let x = f32::from_bits(bits);
				for overflow in [Overflow::Special, Overflow::Saturate] {
					let found = format.round(overflow, bits);
					let expected = expected(format, overflow, &values, x);
					assert_eq!(found, expected, "{format:?} {overflow:?} {x:e} {bits:#x}");
				}
			}
		}
	}

	fn expected(format: FloatFormat, overflow: Overflow, values: &[f64], x: f32) -> u32 {
		let signless = matches!(format, FloatFormat::F8E4M3FnUz | FloatFormat::F8E5M2FnUz);
		let ieee = matches!(format, FloatFormat::F16 | FloatFormat::Bf16 | FloatFormat::F8E5M2);
		if x.is_nan() {
			return if format == FloatFormat::F4E2M1 { 6f32.to_bits() } else { NAN32 };
		}
		let magnitude = match nearest(values, f64::from(x.abs())) {
			Some(value) => value as f32,
			None if overflow == Overflow::Saturate => values[values.len() - 1] as f32,
			None if ieee => f32::INFINITY,
			None => return NAN32,
		};
		if magnitude == 0.0 && signless {
			0
		} else {
			magnitude.copysign(x).to_bits()
		}
	}
}
