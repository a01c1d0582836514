//! Element types and the canonical form of one value.
//!
//! Inside the referee every value travels as a `u64` of *bits*: the little-endian stored bytes of
//! the element, zero-extended. An `i8` of -1 is therefore `0xff`, not `u64::MAX`.

use crate::arith::NAN32;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Type of a tensor's elements. The discriminants are part of the program format.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
)]
#[repr(u8)]
pub enum DType {
	/// IEEE-754 binary32.
	F32 = 1,
	/// Two's complement, 32 bits.
	I32 = 2,
	/// Two's complement, 64 bits.
	I64 = 3,
	/// Unsigned, 8 bits.
	U8 = 4,
	/// Two's complement, 8 bits.
	I8 = 5,
	/// One byte, 0 or 1.
	Bool = 6,
}

impl DType {
	/// Every element type, in the order of their codes.
	pub const ALL: [DType; 6] =
		[DType::F32, DType::I32, DType::I64, DType::U8, DType::I8, DType::Bool];

	/// Bytes of one stored element: 1, 4 or 8.
	pub const fn size(self) -> u64 {
		match self {
			DType::F32 | DType::I32 => 4,
			DType::I64 => 8,
			DType::U8 | DType::I8 | DType::Bool => 1,
		}
	}

	/// The program format's code of this type.
	pub const fn code(self) -> u8 {
		self as u8
	}

	/// The type with the given code, if there is one.
	pub const fn from_code(code: u8) -> Option<DType> {
		match code {
			1 => Some(DType::F32),
			2 => Some(DType::I32),
			3 => Some(DType::I64),
			4 => Some(DType::U8),
			5 => Some(DType::I8),
			6 => Some(DType::Bool),
			_ => None,
		}
	}

	/// Its name in manifests and messages.
	pub const fn name(self) -> &'static str {
		match self {
			DType::F32 => "f32",
			DType::I32 => "i32",
			DType::I64 => "i64",
			DType::U8 => "u8",
			DType::I8 => "i8",
			DType::Bool => "bool",
		}
	}

	/// The type with this [`name`](DType::name), if there is one.
	pub fn from_name(name: &str) -> Option<DType> {
		DType::ALL.into_iter().find(|dtype| dtype.name() == name)
	}

	/// Whether this is a type of whole numbers (`Bool` is not one).
	pub const fn is_integer(self) -> bool {
		matches!(self, DType::I32 | DType::I64 | DType::U8 | DType::I8)
	}
}

/// The canonical form of `bits`: one NaN for `F32`, 0 or 1 for `Bool`, and no bits above the
/// element's size.
///
/// # Examples
///
/// ```
/// use assay_referee::{canonical, DType};
///
/// // Of all NaNs one is stored, whatever its sign and payload; any other value is its own.
/// assert_eq!(canonical(DType::F32, 0xffc0_0001), 0x7fc0_0000);
/// assert_eq!(canonical(DType::F32, 0x8000_0000), 0x8000_0000);
/// // Any byte but zero is true, and bits are not sign-extended.
/// assert_eq!(canonical(DType::Bool, 2), 1);
/// assert_eq!(canonical(DType::I8, -1i64 as u64), 0xff);
/// ```
#[inline]
pub const fn canonical(dtype: DType, bits: u64) -> u64 {
	match dtype {
		DType::F32 => {
			let low = bits as u32;
			if low & 0x7fff_ffff > 0x7f80_0000 {
				NAN32 as u64
			} else {
				low as u64
			}
		},
		DType::I32 => bits as u32 as u64,
		DType::I64 => bits,
		DType::U8 | DType::I8 => bits as u8 as u64,
		DType::Bool => (bits as u8 != 0) as u64,
	}
}

/// Reads the element stored at the start of `bytes`, in canonical form.
///
/// `None` when `bytes` is shorter than one element.
#[inline]
pub fn decode_value(dtype: DType, bytes: &[u8]) -> Option<u64> {
	let raw = match dtype {
		DType::F32 | DType::I32 => u64::from(u32::from_le_bytes(*bytes.first_chunk::<4>()?)),
		DType::I64 => u64::from_le_bytes(*bytes.first_chunk::<8>()?),
		DType::U8 | DType::I8 | DType::Bool => u64::from(*bytes.first()?),
	};
	Some(canonical(dtype, raw))
}

/// Stores the canonical form of `bits` at the start of `out`.
///
/// `None`, with `out` untouched, when `out` is shorter than one element.
///
/// # Examples
///
/// ```
/// use assay_referee::{decode_value, encode_value, DType};
///
/// let mut tensor = [0; 8];
/// // The second of two elements.
/// encode_value(DType::I32, -2i32 as u32 as u64, &mut tensor[4..]).expect("there is room for it");
/// assert_eq!(tensor[4..], (-2i32).to_le_bytes());
/// assert_eq!(decode_value(DType::I32, &tensor[4..]), Some(0xffff_fffe));
/// assert_eq!(encode_value(DType::I64, 1, &mut tensor[4..]), None);
/// ```
#[inline]
pub fn encode_value(dtype: DType, bits: u64, out: &mut [u8]) -> Option<()> {
	let size = dtype.size() as usize;
	let bytes = canonical(dtype, bits).to_le_bytes();
	out.get_mut(..size)?.copy_from_slice(&bytes[..size]);
	Some(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn codes_round_trip() {
		for dtype in DType::ALL {
			assert_eq!(DType::from_code(dtype.code()), Some(dtype));
			assert_eq!(dtype.encode(), [dtype.code()]);
		}
		assert_eq!(DType::from_code(0), None);
		assert_eq!(DType::from_code(7), None);
	}

	#[test]
	fn values_are_canonical() {
		let nan = 0xffc0_0001u32.to_le_bytes();
		assert_eq!(decode_value(DType::F32, &nan), Some(u64::from(NAN32)));
		let inf = 0xff80_0000u32.to_le_bytes();
		assert_eq!(decode_value(DType::F32, &inf), Some(0xff80_0000));
		assert_eq!(decode_value(DType::Bool, &[7]), Some(1));
		assert_eq!(decode_value(DType::I8, &[0xff]), Some(0xff));
		assert_eq!(decode_value(DType::I64, &[0; 7]), None);
		let mut out = [0xaa; 4];
		assert_eq!(encode_value(DType::F32, 0x7f80_0001, &mut out), Some(()));
		assert_eq!(out, NAN32.to_le_bytes());
		assert_eq!(encode_value(DType::I64, 1, &mut out), None);
	}
}
