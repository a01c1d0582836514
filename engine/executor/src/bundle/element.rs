//! Element types of model files, and how they become the types that programs compute in.
//!
//! Programs compute in `f32`, `i32`, `i64`, `u8`, `i8` and `bool`. Every other type is a form of
//! storage: its values are read into one of these exactly (`f64` is rounded to nearest) and, at
//! the outputs, written back from it.

use assay_referee::{canonical, DType, FloatFormat, Overflow};
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};

/// The element type of a tensor in a model file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ElementType {
	/// A type that programs compute in.
	Plain(DType),
	/// A narrow float, computed in `f32`.
	Float(FloatFormat),
	/// binary64, rounded to `f32` at the border and computed in it.
	F64,
	/// Computed in `i32`.
	I16,
	/// Computed in `i32`.
	U16,
	/// Computed in `i64`.
	U32,
	/// Computed in `i64`; values from 2^63 on are refused at the inputs.
	U64,
	/// Two to a byte, the first in the low half; computed in `i8`.
	I4,
	/// Two to a byte, the first in the low half; computed in `u8`.
	U4,
}

/// Why bytes are not a tensor of an element type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
	/// Another number of bytes than the elements need.
	#[error("it has {found} bytes where {expected} are needed")]
	Length {
		/// Bytes that the elements need.
		expected: u64,
		/// Bytes that there are.
		found: u64,
	},
	/// A value that the type of computation does not have.
	#[error("element {index} is out of the range of {within}, in which it is computed")]
	Range {
		/// Index of the element.
		index: usize,
		/// The type of computation.
		within: &'static str,
	},
}

/// Every element type with its name in manifests and its number in ONNX files.
const TYPES: [(ElementType, &str, i32); 20] = [
	(ElementType::Plain(DType::F32), "f32", 1),
	(ElementType::Plain(DType::U8), "u8", 2),
	(ElementType::Plain(DType::I8), "i8", 3),
	(ElementType::U16, "u16", 4),
	(ElementType::I16, "i16", 5),
	(ElementType::Plain(DType::I32), "i32", 6),
	(ElementType::Plain(DType::I64), "i64", 7),
	(ElementType::Plain(DType::Bool), "bool", 9),
	(ElementType::Float(FloatFormat::F16), "f16", 10),
	(ElementType::F64, "f64", 11),
	(ElementType::U32, "u32", 12),
	(ElementType::U64, "u64", 13),
	(ElementType::Float(FloatFormat::Bf16), "bf16", 16),
	(ElementType::Float(FloatFormat::F8E4M3Fn), "f8e4m3fn", 17),
	(ElementType::Float(FloatFormat::F8E4M3FnUz), "f8e4m3fnuz", 18),
	(ElementType::Float(FloatFormat::F8E5M2), "f8e5m2", 19),
	(ElementType::Float(FloatFormat::F8E5M2FnUz), "f8e5m2fnuz", 20),
	(ElementType::U4, "u4", 21),
	(ElementType::I4, "i4", 22),
	(ElementType::Float(FloatFormat::F4E2M1), "f4e2m1", 23),
];

impl ElementType {
	/// The name in manifests and messages.
	pub fn name(self) -> &'static str {
		TYPES.iter().find(|entry| entry.0 == self).map_or("", |entry| entry.1)
	}

	/// The type with this name.
	pub fn from_name(name: &str) -> Option<ElementType> {
		TYPES.iter().find(|entry| entry.1 == name).map(|entry| entry.0)
	}

	/// The type with this number in `TensorProto.DataType` of ONNX.
	pub fn from_onnx(data_type: i32) -> Option<ElementType> {
		TYPES.iter().find(|entry| entry.2 == data_type).map(|entry| entry.0)
	}

	/// The type that programs compute its values in.
	pub const fn computed(self) -> DType {
		match self {
			ElementType::Plain(dtype) => dtype,
			ElementType::Float(_) | ElementType::F64 => DType::F32,
			ElementType::I16 | ElementType::U16 => DType::I32,
			ElementType::U32 | ElementType::U64 => DType::I64,
			ElementType::I4 => DType::I8,
			ElementType::U4 => DType::U8,
		}
	}

	/// Bits of one stored element.
	pub const fn bits(self) -> u64 {
		match self {
			ElementType::Plain(dtype) => dtype.size() * 8,
			ElementType::Float(format) => format.bits() as u64,
			ElementType::F64 | ElementType::U64 => 64,
			ElementType::I16 | ElementType::U16 => 16,
			ElementType::U32 => 32,
			ElementType::I4 | ElementType::U4 => 4,
		}
	}

	/// Bytes of `elements` stored elements, the last one filled up.
	pub const fn bytes(self, elements: u64) -> u64 {
		elements.saturating_mul(self.bits()).div_ceil(8)
	}

	/// Little-endian elements as this type stores them, as elements of [`ElementType::computed`].
	///
	/// Exact, but that an `f64` is rounded to the nearest `f32`.
	///
	/// # Errors
	/// Another number of bytes, or a value that cannot be computed with.
	///
	/// # Examples
	///
	/// ```
	/// use assay_executor::ElementType;
	///
	/// // Two numbers in a byte: -1 in its low half, -8 in the high one.
	/// let computed = ElementType::I4.decode(&[0x8f], 2)?;
	/// assert_eq!(computed, [-1i8 as u8, -8i8 as u8]);
	/// assert_eq!(ElementType::I4.encode(&computed), [0x8f]);
	/// # Ok::<(), assay_executor::ElementError>(())
	/// ```
	pub fn decode(self, bytes: &[u8], elements: u64) -> Result<Vec<u8>, ElementError> {
		let (expected, found) = (self.bytes(elements), bytes.len() as u64);
		if expected != found {
			return Err(ElementError::Length { expected, found });
		}
		let mut out = Vec::with_capacity((elements * self.computed().size()) as usize);
		match self {
			ElementType::Plain(DType::Bool) => out.extend(bytes.iter().map(|&x| u8::from(x != 0))),
			ElementType::Plain(_) => out.extend_from_slice(bytes),
			ElementType::Float(_) | ElementType::I4 | ElementType::U4 => {
				for index in 0..elements {
					self.push(code(bytes, index, self.bits()).into(), &mut out);
				}
			},
			_ => {
				let size = (self.bits() / 8) as usize;
				for (index, stored) in bytes.chunks_exact(size).enumerate() {
					let mut wide = [0; 8];
					wide[..size].copy_from_slice(stored);
					let value = u64::from_le_bytes(wide);
					if !self.push(value, &mut out) {
						let within = self.computed().name();
						return Err(ElementError::Range { index, within });
					}
				}
			},
		}
		Ok(out)
	}

	/// Appends the value whose stored bits, zero-extended, are these; false where there is none.
	fn push(self, bits: u64, out: &mut Vec<u8>) -> bool {
		match self {
			ElementType::Plain(dtype) => {
				out.extend_from_slice(&bits.to_le_bytes()[..dtype.size() as usize]);
			},
			ElementType::Float(format) => {
				out.extend(format.decode(bits as u32).to_le_bytes());
			},
			ElementType::F64 => {
				let wide = f64::from_bits(bits);
				let narrow = wide as f32;
				if narrow.is_infinite() && wide.is_finite() {
					return false;
				}
				let bits = canonical(DType::F32, narrow.to_bits().into()) as u32;
				out.extend(bits.to_le_bytes());
			},
			ElementType::I16 => out.extend(i32::from(bits as i16).to_le_bytes()),
			ElementType::U16 => out.extend(i32::from(bits as u16).to_le_bytes()),
			ElementType::U32 => out.extend(i64::from(bits as u32).to_le_bytes()),
			ElementType::U64 => {
				let Ok(value) = i64::try_from(bits) else { return false };
				out.extend(value.to_le_bytes());
			},
			ElementType::I4 => out.push((((bits as u8) << 4) as i8 >> 4) as u8),
			ElementType::U4 => out.push(bits as u8 & 0xf),
		}
		true
	}

	/// Elements of [`ElementType::computed`] as this type stores them: floats rounded to nearest,
	/// whole numbers cut to their bits. Programs leave values that this keeps exactly.
	pub fn encode(self, computed: &[u8]) -> Vec<u8> {
		let words =
			|| computed.chunks_exact(4).map(|x| u32::from_le_bytes([x[0], x[1], x[2], x[3]]));
		match self {
			ElementType::Plain(_) => computed.to_vec(),
			ElementType::F64 => {
				words().flat_map(|x| f64::from(f32::from_bits(x)).to_le_bytes()).collect()
			},
			ElementType::Float(format) => {
				// An infinity that a program leaves in 8 bits is meant.
				let overflow = |x: u32| {
					if format.has_special() && (format.bits() == 16 || x << 1 == 0xff00_0000) {
						Overflow::Special
					} else {
						Overflow::Saturate
					}
				};
				let codes = words().map(|x| format.encode(format.round(overflow(x), x)));
				packed(codes, format.bits())
			},
			ElementType::I16 | ElementType::U16 => {
				words().flat_map(|x| (x as u16).to_le_bytes()).collect()
			},
			ElementType::U32 => {
				computed.chunks_exact(8).flat_map(|x| [x[0], x[1], x[2], x[3]]).collect()
			},
			ElementType::U64 => computed.to_vec(),
			ElementType::I4 | ElementType::U4 => {
				packed(computed.iter().map(|&x| u32::from(x & 0xf)), 4)
			},
		}
	}
}

/// The stored code at `index`: elements of 4 bits lie two to a byte, the first in the low half.
fn code(bytes: &[u8], index: u64, bits: u64) -> u16 {
	let index = index as usize;
	match bits {
		4 => u16::from(bytes[index / 2] >> (index % 2 * 4) & 0xf),
		8 => bytes[index].into(),
		_ => u16::from_le_bytes([bytes[index * 2], bytes[index * 2 + 1]]),
	}
}

fn packed(codes: impl Iterator<Item = u32>, bits: u32) -> Vec<u8> {
	let codes: Vec<u32> = codes.collect();
	match bits {
		4 => {
			let pair = |pair: &[u32]| (pair[0] | pair.get(1).copied().unwrap_or(0) << 4) as u8;
			codes.chunks(2).map(pair).collect()
		},
		8 => codes.iter().map(|&code| code as u8).collect(),
		_ => codes.iter().flat_map(|&code| (code as u16).to_le_bytes()).collect(),
	}
}

impl From<DType> for ElementType {
	fn from(dtype: DType) -> ElementType {
		ElementType::Plain(dtype)
	}
}

impl std::fmt::Display for ElementType {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(self.name())
	}
}

impl Serialize for ElementType {
	fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
		s.serialize_str(self.name())
	}
}

impl<'de> Deserialize<'de> for ElementType {
	fn deserialize<D: Deserializer<'de>>(d: D) -> Result<ElementType, D::Error> {
		let name = String::deserialize(d)?;
		ElementType::from_name(&name)
			.ok_or_else(|| D::Error::custom(format!("unknown element type {name:?}")))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn all() -> impl Iterator<Item = ElementType> {
		TYPES.iter().map(|entry| entry.0)
	}

	#[test]
	fn names_and_numbers() {
		for element in all() {
			assert_eq!(ElementType::from_name(element.name()), Some(element));
			let json = serde_json::to_string(&element).unwrap();
			assert_eq!(serde_json::from_str::<ElementType>(&json).unwrap(), element);
		}
		assert_eq!(ElementType::from_onnx(10), Some(ElementType::Float(FloatFormat::F16)));
		assert_eq!(ElementType::from_onnx(8), None);
	}

	#[test]
	fn stored_values_survive() {
		for element in all() {
			let limit = if element.bits() == 4 { 0xff } else { 0x77 };
			let bytes: Vec<u8> = (0..64u32).map(|i| (i * 37) as u8 & limit).collect();
			let bytes = match element {
				ElementType::Plain(DType::Bool) => bytes.iter().map(|x| x & 1).collect(),
				// Values of f32, whose low bits are free in an f64.
				ElementType::F64 => (0..8).flat_map(|i| (i as f64 * 1.5).to_le_bytes()).collect(),
				_ => bytes,
			};
			let elements = 64 * 8 / element.bits();
			let computed = element.decode(&bytes, elements).unwrap();
			assert_eq!(computed.len() as u64, elements * element.computed().size(), "{element}");
			assert_eq!(element.encode(&computed), bytes, "{element}");
		}
	}

	#[test]
	fn known_values() {
		let f16 = ElementType::Float(FloatFormat::F16);
		assert_eq!(
			f16.decode(&[0x00, 0x3c, 0x00, 0xc0], 2).unwrap(),
			[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]
		);
		assert_eq!(f16.encode(&1.0009766f32.to_le_bytes()), [0x01, 0x3c]);
		assert_eq!(ElementType::I4.decode(&[0x8f], 2).unwrap(), [0xff, 0xf8]);
		assert_eq!(ElementType::U4.decode(&[0x8f], 1).unwrap(), [0x0f]);
		let third = (1.0f64 / 3.0).to_le_bytes();
		assert_eq!(ElementType::F64.decode(&third, 1).unwrap(), (1.0f32 / 3.0).to_le_bytes());
		assert_eq!(ElementType::I16.decode(&[0xfe, 0xff], 1).unwrap(), (-2i32).to_le_bytes());
		assert_eq!(ElementType::U16.decode(&[0xfe, 0xff], 1).unwrap(), 0xfffei32.to_le_bytes());
	}

	#[test]
	fn what_cannot_be_computed_with_is_refused() {
		let error = ElementType::U64.decode(&u64::MAX.to_le_bytes(), 1).unwrap_err();
		assert_eq!(error, ElementError::Range { index: 0, within: "i64" });
		assert!(error.to_string().contains("i64"), "{error}");
		let error = ElementType::F64.decode(&1e300f64.to_le_bytes(), 1).unwrap_err();
		assert_eq!(error, ElementError::Range { index: 0, within: "f32" });
		assert!(ElementType::F64.decode(&f64::INFINITY.to_le_bytes(), 1).is_ok());
		let error = ElementType::U4.decode(&[0, 0], 2).unwrap_err();
		assert_eq!(error, ElementError::Length { expected: 1, found: 2 });
	}
}
