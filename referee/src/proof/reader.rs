//! A reader of the chunks that a proof carries.

use super::ProofError;
use crate::{decode_value, DType, OpRecord, Reader, Slice};
use alloc::vec::Vec;

/// Authenticated bytes of the objects that hold an op's operands.
pub(super) struct ProofReader<'a> {
	operands: Vec<Held<'a>>,
}

/// What the proof holds of one operand's object.
struct Held<'a> {
	dtype: DType,
	/// Byte offset of element 0 in the object.
	base: u64,
	/// The slice read last: byte offset in the object, bytes.
	hot: (u64, &'a [u8]),
	slices: Vec<&'a Slice>,
}

impl<'a> ProofReader<'a> {
	/// A reader that holds nothing yet.
	pub(super) fn new(record: &OpRecord) -> ProofReader<'a> {
		let held = |operand: &crate::Operand| Held {
			dtype: operand.dtype,
			base: operand.base(),
			hot: (0, &[]),
			slices: Vec::new(),
		};
		ProofReader { operands: record.operands.iter().map(held).collect() }
	}

	/// Adds chunks of the object that holds `operand`.
	pub(super) fn add(&mut self, operand: usize, slice: &'a Slice) {
		if let Some(held) = self.operands.get_mut(operand) {
			held.slices.push(slice);
		}
	}
}

impl<'a> Held<'a> {
	/// The bytes from `position` in the object on, as far as one slice holds them.
	#[inline]
	fn tail(&mut self, position: u64) -> Result<&'a [u8], ProofError> {
		let (start, bytes) = self.hot;
		let at = position.wrapping_sub(start);
		if at < bytes.len() as u64 {
			return Ok(&bytes[at as usize..]);
		}
		self.find(position)
	}

	#[cold]
	fn find(&mut self, position: u64) -> Result<&'a [u8], ProofError> {
		let mut slices = self.slices.iter();
		let slice = slices.find(|slice| slice.byte_range().contains(&position));
		let slice = slice.ok_or(ProofError::MissingRead)?;
		let start = slice.byte_range().start;
		self.hot = (start, &slice.data);
		Ok(&slice.data[(position - start) as usize..])
	}
}

impl Reader for ProofReader<'_> {
	type Error = ProofError;

	#[inline]
	fn read(&mut self, operand: usize, element: u64) -> Result<u64, ProofError> {
		let held = self.operands.get_mut(operand).ok_or(ProofError::MissingRead)?;
		// A valid record reads inside its operands, whose ends do not overflow.
		let position = held.base.wrapping_add(element.wrapping_mul(held.dtype.size()));
		let dtype = held.dtype;
		decode_value(dtype, held.tail(position)?).ok_or(ProofError::MissingRead)
	}
}
