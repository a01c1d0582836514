//! A reader of the chunks that a proof carries.

use super::ProofError;
use crate::{decode_value, reader::decode_row, DType, OpRecord, Reader, Slice};
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
	/// In ascending order of their starts, once [`ProofReader::order`] has been called.
	slices: Vec<Found<'a>>,
}

/// A slice of the object, where a position is looked for.
struct Found<'a> {
	/// Where a slice starts in the object.
	start: u64,
	/// Of that slice and those before it, the one that reaches furthest: its start and its bytes.
	furthest: (u64, &'a [u8]),
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

	/// Adds chunks of the object that holds `operand`, in any order; they may overlap.
	pub(super) fn add(&mut self, operand: usize, slice: &'a Slice) {
		if let Some(held) = self.operands.get_mut(operand) {
			let start = slice.byte_range().start;
			held.slices.push(Found { start, furthest: (start, &slice.data) });
		}
	}

	/// Makes what has been added ready to be read, so that no order of slices makes a read slow.
	pub(super) fn order(&mut self) {
		for held in &mut self.operands {
			held.slices.sort_unstable_by_key(|found| found.start);
			let mut furthest: (u64, &[u8]) = (0, &[]);
			for found in &mut held.slices {
				if end(found.furthest) > end(furthest) {
					furthest = found.furthest;
				}
				found.furthest = furthest;
			}
		}
	}
}

/// The position after the last byte; slices end inside their objects, whose lengths are numbers.
fn end((start, bytes): (u64, &[u8])) -> u64 {
	start.saturating_add(bytes.len() as u64)
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
		let before = self.slices.partition_point(|found| found.start <= position);
		let found = before.checked_sub(1).and_then(|last| self.slices.get(last));
		let (start, bytes) = found.ok_or(ProofError::MissingRead)?.furthest;
		let tail = usize::try_from(position - start).ok().and_then(|at| bytes.get(at..));
		let tail = tail.filter(|tail| !tail.is_empty()).ok_or(ProofError::MissingRead)?;
		self.hot = (start, bytes);
		Ok(tail)
	}
}

impl Reader for ProofReader<'_> {
	type Error = ProofError;

	#[inline]
	fn read(&mut self, operand: usize, element: u64) -> Result<u64, ProofError> {
		#[cfg(test)]
		super::tests::cost::tally(|done| done.reads += 1);
		let held = self.operands.get_mut(operand).ok_or(ProofError::MissingRead)?;
		// A valid record reads inside its operands, whose ends do not overflow.
		let position = held.base.wrapping_add(element.wrapping_mul(held.dtype.size()));
		let dtype = held.dtype;
		decode_value(dtype, held.tail(position)?).ok_or(ProofError::MissingRead)
	}

	#[inline]
	fn read_row(
		&mut self,
		operand: usize,
		first: u64,
		mut out: &mut [u32],
	) -> Result<(), ProofError> {
		#[cfg(test)]
		super::tests::cost::tally(|done| done.reads += out.len() as u64);
		let held = self.operands.get_mut(operand).ok_or(ProofError::MissingRead)?;
		let size = DType::F32.size();
		let mut position = held.base.wrapping_add(first.wrapping_mul(size));
		// A slice may end inside of the row.
		while !out.is_empty() {
			let count = decode_row(held.tail(position)?, out);
			if count == 0 {
				return Err(ProofError::MissingRead);
			}
			position = position.wrapping_add(count as u64 * size);
			out = &mut out[count..];
		}
		Ok(())
	}
}
