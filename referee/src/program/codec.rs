//! The byte form of programs.

use super::check::RecordError;
use super::record::OpRecord;
use super::{Header, Program, RECORD_BYTES};
use alloc::vec::Vec;
use core::fmt;

/// Why bytes are not a program, or why a program has no bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
	/// The length is not that of the header and the ops it announces.
	Length,
	/// The header is malformed.
	Header(HeaderError),
	/// The record of this op is malformed.
	Record {
		/// Index of the op.
		op: u32,
		/// What is wrong with it.
		error: RecordError,
	},
}

/// What can be wrong with a header record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
	/// It does not start with `ASSAYPRG`.
	Magic,
	/// Another version of the format or of the numerics.
	Version,
	/// No ops, or more than [`super::MAX_OPS`].
	OpCount,
	/// More than [`super::MAX_PORTS`] inputs or outputs, no output, or more than fit the record.
	Ports,
	/// An unknown element type.
	Code,
	/// A shape breaks its limits.
	Shape,
	/// An unused byte is not zero.
	Padding,
}

impl fmt::Display for FormatError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			FormatError::Length => f.write_str("the program's length does not fit its header"),
			FormatError::Header(error) => write!(f, "header: {error}"),
			FormatError::Record { op, error } => write!(f, "op {op}: {error}"),
		}
	}
}

impl fmt::Display for HeaderError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			HeaderError::Magic => "not an Assay program",
			HeaderError::Version => "unsupported version of the format or the numerics",
			HeaderError::OpCount => "a program has 1 to 1,024 ops",
			HeaderError::Ports => "a program has at most 16 inputs and 1 to 16 outputs",
			HeaderError::Code => "unknown element type",
			HeaderError::Shape => "a shape breaks its limits",
			HeaderError::Padding => "an unused byte is not zero",
		})
	}
}

impl core::error::Error for FormatError {}
impl core::error::Error for HeaderError {}

impl Header {
	/// Record 0 of a program.
	///
	/// Errors: more ports than fit, or no op or output.
	pub fn to_bytes(&self) -> Result<[u8; RECORD_BYTES], HeaderError> {
		todo!()
	}

	/// Reads record 0 of a program, strictly.
	pub fn from_bytes(_bytes: &[u8; RECORD_BYTES]) -> Result<Header, HeaderError> {
		todo!()
	}
}

impl OpRecord {
	/// The record's byte form.
	///
	/// Errors: the record is not valid (see [`OpRecord::validate`]).
	pub fn to_bytes(&self) -> Result<[u8; RECORD_BYTES], RecordError> {
		todo!()
	}

	/// Reads and validates one op record; every accepted record encodes to the same bytes.
	pub fn from_bytes(_bytes: &[u8; RECORD_BYTES]) -> Result<OpRecord, RecordError> {
		todo!()
	}
}

impl Program {
	/// The canonical bytes: `(1 + n_ops) · 1,024`.
	///
	/// Errors: some record is not valid, or the header does not count the ops.
	pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
		todo!()
	}

	/// Reads a program strictly: whatever is accepted encodes to exactly these bytes. The rules
	/// between records are left to [`Program::check`].
	pub fn decode(_bytes: &[u8]) -> Result<Program, FormatError> {
		todo!()
	}
}
