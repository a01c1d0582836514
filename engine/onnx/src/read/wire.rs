//! Reads the Protocol Buffers wire format without trusting it.
//!
//! Every length is checked against the bytes that are there before anything is allocated, and
//! nested messages are sub-slices, so a reader cannot leave the message it reads.

/// Why bytes are not a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum WireError {
	#[error("the bytes end in the middle of a field")]
	Truncated,
	#[error("a field is not encoded as Protocol Buffers demand")]
	Encoding,
	#[error("a field has another type than in the ONNX format")]
	Type,
	#[error("a name is not UTF-8")]
	Text,
	#[error(
		"there are more than 262144 parts, nodes and names among them, or 4194304 words in lists"
	)]
	TooMany,
	#[error("graphs lie inside one another more than 16 deep")]
	Nesting,
}

pub(crate) type Result<T> = std::result::Result<T, WireError>;

/// The value of one field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Field<'a> {
	Varint(u64),
	Fixed64([u8; 8]),
	Bytes(&'a [u8]),
	Fixed32([u8; 4]),
}

impl<'a> Field<'a> {
	pub(crate) fn int(self) -> Result<i64> {
		match self {
			Field::Varint(value) => Ok(value as i64),
			_ => Err(WireError::Type),
		}
	}

	/// An `int32` or enum; these are sign-extended to 64 bits on the wire.
	pub(crate) fn int32(self) -> Result<i32> {
		self.int().map(|value| value as i32)
	}

	pub(crate) fn float(self) -> Result<f32> {
		match self {
			Field::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
			_ => Err(WireError::Type),
		}
	}

	pub(crate) fn bytes(self) -> Result<&'a [u8]> {
		match self {
			Field::Bytes(bytes) => Ok(bytes),
			_ => Err(WireError::Type),
		}
	}

	pub(crate) fn text(self) -> Result<&'a str> {
		std::str::from_utf8(self.bytes()?).map_err(|_| WireError::Text)
	}

	pub(crate) fn message(self) -> Result<Reader<'a>> {
		self.bytes().map(Reader::new)
	}

	/// Appends one value, or a packed run of them.
	pub(crate) fn ints(self, to: &mut Vec<i64>) -> Result<()> {
		match self {
			Field::Bytes(bytes) => {
				let mut packed = Reader::new(bytes);
				// As many as there are last bytes: growing would take up to three times as much.
				to.reserve(bytes.iter().filter(|&&byte| byte < 0x80).count());
				while !packed.bytes.is_empty() {
					to.push(packed.varint()? as i64);
				}
				Ok(())
			},
			one => one.int().map(|value| to.push(value)),
		}
	}

	/// Appends one value, or a packed run of them.
	pub(crate) fn floats(self, to: &mut Vec<f32>) -> Result<()> {
		match self {
			Field::Bytes(bytes) => {
				let (values, []) = bytes.as_chunks::<4>() else { return Err(WireError::Truncated) };
				to.extend(values.iter().map(|bytes| f32::from_le_bytes(*bytes)));
				Ok(())
			},
			one => one.float().map(|value| to.push(value)),
		}
	}

	/// Appends one value, or a packed run of them.
	pub(crate) fn doubles(self, to: &mut Vec<f64>) -> Result<()> {
		match self {
			Field::Bytes(bytes) => {
				let (values, []) = bytes.as_chunks::<8>() else { return Err(WireError::Truncated) };
				to.extend(values.iter().map(|bytes| f64::from_le_bytes(*bytes)));
				Ok(())
			},
			Field::Fixed64(bytes) => {
				to.push(f64::from_le_bytes(bytes));
				Ok(())
			},
			_ => Err(WireError::Type),
		}
	}
}

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
	bytes: &'a [u8],
}

impl<'a> Reader<'a> {
	pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
		Reader { bytes }
	}

	fn take(&mut self, len: usize) -> Result<&'a [u8]> {
		let (taken, rest) = self.bytes.split_at_checked(len).ok_or(WireError::Truncated)?;
		self.bytes = rest;
		Ok(taken)
	}

	fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
		let (taken, rest) = self.bytes.split_first_chunk().ok_or(WireError::Truncated)?;
		self.bytes = rest;
		Ok(*taken)
	}

	fn varint(&mut self) -> Result<u64> {
		let mut value = 0u64;
		for shift in (0..70).step_by(7) {
			let [byte] = self.array()?;
			let part = u64::from(byte & 0x7f);
			if shift == 63 && part > 1 {
				return Err(WireError::Encoding);
			}
			value |= part << shift;
			if byte < 0x80 {
				return Ok(value);
			}
		}
		Err(WireError::Encoding)
	}

	/// The next field's number and value; `None` at the end of the message.
	pub(crate) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>> {
		if self.bytes.is_empty() {
			return Ok(None);
		}
		let key = self.varint()?;
		let field = match key & 7 {
			0 => Field::Varint(self.varint()?),
			1 => Field::Fixed64(self.array()?),
			2 => {
				let len = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
				Field::Bytes(self.take(len)?)
			},
			5 => Field::Fixed32(self.array()?),
			_ => return Err(WireError::Encoding),
		};
		match key >> 3 {
			0 => Err(WireError::Encoding),
			number => Ok(Some((number, field))),
		}
	}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
	use super::*;

	#[test]
	fn fields() {
		let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f];
		let mut reader = Reader::new(&bytes);
		assert_eq!(reader.next(), Ok(Some((1, Field::Varint(150)))));
		let (number, field) = reader.next().unwrap().unwrap();
		assert_eq!((number, field.text()), (2, Ok("hi")));
		let (number, field) = reader.next().unwrap().unwrap();
		assert_eq!((number, field.float()), (3, Ok(1.0)));
		assert_eq!(reader.next(), Ok(None));
	}

	#[test]
	fn repeated_values_may_be_packed_or_not() {
		let mut ints = Vec::new();
		Field::Bytes(&[1, 0x96, 1]).ints(&mut ints).unwrap();
		Field::Varint(u64::MAX).ints(&mut ints).unwrap();
		assert_eq!(ints, [1, 150, -1]);
		let mut floats = Vec::new();
		Field::Bytes(&[0, 0, 0x80, 0x3f]).floats(&mut floats).unwrap();
		assert_eq!(floats, [1.0]);
		assert_eq!(Field::Bytes(&[0; 5]).floats(&mut floats), Err(WireError::Truncated));
	}

	#[test]
	fn hostile_lengths() {
		// A length of 2^63 and one byte more than there is.
		let huge = [0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
		assert_eq!(Reader::new(&huge).next(), Err(WireError::Truncated));
		assert_eq!(Reader::new(&[0x12, 2, 0]).next(), Err(WireError::Truncated));
		// An 11-byte varint, a 65-bit one, a group, field number 0.
		assert_eq!(Reader::new(&[0x80; 12]).next(), Err(WireError::Encoding));
		let wide = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
		assert_eq!(Reader::new(&wide).next(), Err(WireError::Encoding));
		assert_eq!(Reader::new(&[0x0b]).next(), Err(WireError::Encoding));
		assert_eq!(Reader::new(&[0x00, 0x00]).next(), Err(WireError::Encoding));
	}
}
