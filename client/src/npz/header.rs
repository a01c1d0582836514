//! The header of numpy's `.npy` format: a Python dictionary with exactly three keys, read within bounds.
//!
//! Source: `numpy/lib/format.py`, versions 1.0 to 3.0 of the format.

use assay_executor::ElementType;
use assay_referee::{DType, FloatFormat};
use std::io::{self, Read, Write};

/// Longest header read: numpy itself refuses more than this as unsafe.
const MAX_HEADER: usize = 10_000;

/// Most dimensions of an array; numpy has 64.
const MAX_DIMS: usize = 64;

const MAGIC: &[u8] = b"\x93NUMPY";

/// What the header says of an array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
	/// Element type.
	pub(super) element: ElementType,
	/// Whether the first dimension is the innermost.
	pub(super) fortran_order: bool,
	/// Dimensions as the file has them, the first one first.
	pub(super) shape: Vec<u32>,
}

/// Why a header is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
	#[error("{0}")]
	Io(#[from] io::Error),
	#[error("it is no .npy file")]
	Magic,
	#[error("version {0} of the .npy format is not known")]
	Version(u8),
	#[error("its header of {0} bytes is longer than numpy's own limit, {MAX_HEADER}")]
	Length(usize),
	#[error("its header is not numpy's")]
	Syntax,
	#[error("its dtype {0:?} is not supported")]
	Dtype(String),
	#[error("it has too many or too large dimensions")]
	Shape,
}

impl Header {
	/// Reads a header and leaves `file` at the first element.
	pub(super) fn read(file: &mut impl Read) -> Result<Header, HeaderError> {
		let mut start = [0; 8];
		file.read_exact(&mut start).map_err(|_| HeaderError::Magic)?;
		if &start[..6] != MAGIC {
			return Err(HeaderError::Magic);
		}
		let length = match start[6] {
			1 => {
				let mut length = [0; 2];
				file.read_exact(&mut length)?;
				usize::from(u16::from_le_bytes(length))
			},
			2 | 3 => {
				let mut length = [0; 4];
				file.read_exact(&mut length)?;
				u32::from_le_bytes(length) as usize
			},
			other => return Err(HeaderError::Version(other)),
		};
		if length > MAX_HEADER {
			return Err(HeaderError::Length(length));
		}
		let mut text = vec![0; length];
		file.read_exact(&mut text)?;
		Parser { rest: &text }.header()
	}

	/// Number of elements; `None` beyond 64 bits.
	pub(super) fn elements(&self) -> Option<u64> {
		self.shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim.into()))
	}
}

/// Writes the header of an array in row-major order, in version 1.0 of the format: filled up with spaces, so that
/// the elements begin at a multiple of 64 bytes.
pub(super) fn write(file: &mut impl Write, dtype: DType, shape: &[u32]) -> io::Result<()> {
	let descr = match dtype {
		DType::F32 => "<f4",
		DType::I32 => "<i4",
		DType::I64 => "<i8",
		DType::U8 => "|u1",
		DType::I8 => "|i1",
		DType::Bool => "|b1",
	};
	let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
	let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
	let start = MAGIC.len() + 4;
	let length = (start + text.len() + 1).next_multiple_of(64) - start;
	let size = u16::try_from(length).map_err(io::Error::other)?;
	file.write_all(MAGIC)?;
	file.write_all(&[1, 0])?;
	file.write_all(&size.to_le_bytes())?;
	writeln!(file, "{text:width$}", width = length - 1)
}

/// What is left of the dictionary. Every step takes at least a byte, and nothing nests.
struct Parser<'a> {
	rest: &'a [u8],
}

impl<'a> Parser<'a> {
	fn header(mut self) -> Result<Header, HeaderError> {
		let (mut descr, mut fortran_order, mut shape) = (None, None, None);
		self.expect(b'{')?;
		while !self.take(b'}') {
			let key = self.string()?;
			self.expect(b':')?;
			let is_new = match key {
				b"descr" => descr.replace(self.string()?).is_none(),
				b"fortran_order" => fortran_order.replace(self.boolean()?).is_none(),
				b"shape" => shape.replace(self.tuple()?).is_none(),
				_ => false,
			};
			if !is_new {
				return Err(HeaderError::Syntax);
			}
			if !self.take(b',') {
				self.expect(b'}')?;
				break;
			}
		}
		self.spaces();
		match (descr, fortran_order, shape) {
			(Some(descr), Some(fortran_order), Some(shape)) if self.rest.is_empty() => {
				Ok(Header { element: element(descr)?, fortran_order, shape })
			},
			_ => Err(HeaderError::Syntax),
		}
	}

	fn spaces(&mut self) {
		self.rest = self.rest.trim_ascii_start();
	}

	fn take(&mut self, byte: u8) -> bool {
		self.spaces();
		let rest = self.rest.strip_prefix(&[byte]);
		self.rest = rest.unwrap_or(self.rest);
		rest.is_some()
	}

	fn expect(&mut self, byte: u8) -> Result<(), HeaderError> {
		self.take(byte).then_some(()).ok_or(HeaderError::Syntax)
	}

	/// A string without escapes: neither keys nor types have any.
	fn string(&mut self) -> Result<&'a [u8], HeaderError> {
		self.spaces();
		let (&quote, rest) = self.rest.split_first().ok_or(HeaderError::Syntax)?;
		let end = rest.iter().position(|&byte| byte == quote);
		let end = end.filter(|_| matches!(quote, b'\'' | b'"')).ok_or(HeaderError::Syntax)?;
		self.rest = &rest[end + 1..];
		Ok(&rest[..end])
	}

	fn boolean(&mut self) -> Result<bool, HeaderError> {
		self.spaces();
		for (word, value) in [(b"True".as_slice(), true), (b"False", false)] {
			if let Some(rest) = self.rest.strip_prefix(word) {
				self.rest = rest;
				return Ok(value);
			}
		}
		Err(HeaderError::Syntax)
	}

	/// A tuple of whole numbers; numpy for Python 2 wrote an `L` behind long ones.
	fn tuple(&mut self) -> Result<Vec<u32>, HeaderError> {
		self.expect(b'(')?;
		let mut numbers = Vec::new();
		while !self.take(b')') {
			if numbers.len() == MAX_DIMS {
				return Err(HeaderError::Shape);
			}
			self.spaces();
			let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
			let (number, rest) = self.rest.split_at(digits);
			let number = std::str::from_utf8(number).map_err(|_| HeaderError::Syntax)?;
			if number.is_empty() {
				return Err(HeaderError::Syntax);
			}
			numbers.push(number.parse().map_err(|_| HeaderError::Shape)?);
			self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
			if !self.take(b',') {
				self.expect(b')')?;
				break;
			}
		}
		Ok(numbers)
	}
}

/// The element type that numpy calls `descr`; types of one byte have no order of bytes.
fn element(descr: &[u8]) -> Result<ElementType, HeaderError> {
	Ok(match descr {
		b"<f4" => DType::F32.into(),
		b"<f8" => ElementType::F64,
		b"<f2" => ElementType::Float(FloatFormat::F16),
		b"<i8" => DType::I64.into(),
		b"<i4" => DType::I32.into(),
		b"<i2" => ElementType::I16,
		b"|i1" | b"<i1" => DType::I8.into(),
		b"<u8" => ElementType::U64,
		b"<u4" => ElementType::U32,
		b"<u2" => ElementType::U16,
		b"|u1" | b"<u1" => DType::U8.into(),
		b"|b1" | b"<b1" => DType::Bool.into(),
		other => {
			let text = String::from_utf8_lossy(other);
			return Err(HeaderError::Dtype(crate::output::printable(&text)));
		},
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	fn file(version: u8, text: &str) -> Vec<u8> {
		let mut bytes = MAGIC.to_vec();
		bytes.extend([version, 0]);
		match version {
			1 => bytes.extend((text.len() as u16).to_le_bytes()),
			_ => bytes.extend((text.len() as u32).to_le_bytes()),
		}
		bytes.extend(text.as_bytes());
		bytes
	}

	fn read(text: &str) -> Result<Header, HeaderError> {
		Header::read(&mut file(1, text).as_slice())
	}

	#[test]
	fn what_numpy_writes_is_read() {
		let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n";
		let header = Header { element: DType::F32.into(), fortran_order: false, shape: vec![2, 3] };
		for version in 1..=3 {
			let mut bytes = file(version, text);
			bytes.extend([7, 8]);
			let mut rest = bytes.as_slice();
			assert_eq!(Header::read(&mut rest).unwrap(), header);
			assert_eq!(rest, [7, 8], "it is left at the first element");
		}
		let scalar = read("{\"shape\":(),\"fortran_order\":True,\"descr\":\"|u1\"}").unwrap();
		assert_eq!((scalar.shape.len(), scalar.elements()), (0, Some(1)));
		let old = read("{'descr': '<i8', 'fortran_order': False, 'shape': (5L,)}").unwrap();
		assert_eq!(old.shape, [5]);
		let half = read("{'descr': '<f2', 'fortran_order': False, 'shape': (5,)}").unwrap();
		assert_eq!(half.element.name(), "f16");
	}

	#[test]
	fn what_is_written_is_read() {
		for dtype in DType::ALL {
			for shape in [vec![], vec![7], vec![1, 2, 3, 4, 5, 6, 7, 8], vec![0, u32::MAX]] {
				let mut bytes = Vec::new();
				write(&mut bytes, dtype, &shape).unwrap();
				assert_eq!(bytes.len() % 64, 0);
				let mut rest = bytes.as_slice();
				let header = Header::read(&mut rest).unwrap();
				assert_eq!(header, Header { element: dtype.into(), fortran_order: false, shape });
				assert!(rest.is_empty());
			}
		}
	}

	#[test]
	fn anything_else_is_refused() {
		let with = |descr: &str, shape: &str| {
			read(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"))
		};
		assert!(matches!(with("'<f4'", "(4294967296,)"), Err(HeaderError::Shape)));
		let many = format!("({})", "1,".repeat(65));
		assert!(matches!(with("'<f4'", &many), Err(HeaderError::Shape)));
		for descr in ["'>f4'", "'|O'", "'<U5'", "'<c8'", "''", "'V16'"] {
			assert!(matches!(with(descr, "(1,)"), Err(HeaderError::Dtype(_))), "{descr}");
		}
		for (descr, shape) in [
			("[('a', '<f4')]", "(1,)"),
			("'<f4'", "(-1,)"),
			("'<f4'", "(1 2)"),
			("'<f4'", "1"),
			("'<f4'", "(1,"),
			("'<f4", "(1,)"),
			("'<f4'", "(1.5,)"),
			("'<f4'", "(,)"),
		] {
			assert!(matches!(with(descr, shape), Err(HeaderError::Syntax)), "{descr} {shape}");
		}
		for text in [
			"",
			"{}",
			"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
			"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
			"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
			"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
		] {
			assert!(matches!(read(text), Err(HeaderError::Syntax)), "{text}");
		}
		// Two thousand brackets took other readers minutes.
		assert!(matches!(with("'<f4'", &"(".repeat(2000)), Err(HeaderError::Syntax)));
		assert!(matches!(
			Header::read(&mut file(2, &" ".repeat(MAX_HEADER + 1)).as_slice()),
			Err(HeaderError::Length(_))
		));
		assert!(matches!(Header::read(&mut file(4, "").as_slice()), Err(HeaderError::Version(4))));
		assert!(matches!(Header::read(&mut b"PK".as_slice()), Err(HeaderError::Magic)));
		let long = [MAGIC, &[2, 0, 255, 255, 255, 255]].concat();
		assert!(matches!(Header::read(&mut long.as_slice()), Err(HeaderError::Length(_))));
	}
}
