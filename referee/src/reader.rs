//! Where element functions get their operands' values from.

use crate::{canonical, decode_value, DType, OpRecord, CHUNK_BYTES};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;

/// Gives the elements of an op's operands.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// /// An operand whose elements are their own indices.
/// struct Indices;
///
/// impl Reader for Indices {
///     type Error = std::convert::Infallible;
///
///     fn read(&mut self, _operand: usize, element: u64) -> Result<u64, Self::Error> {
///         Ok(element)
///     }
/// }
///
/// let rows = Operand::input(0, DType::I32, Shape::new(&[4, 5])?);
/// let sum = OpRecord::new(OpKind::Reduce(ReduceFn::Sum), DType::I32, Shape::new(&[4])?, [rows]);
/// assert_eq!(element::<Soft, _>(&sum, 1, &mut Indices)?, 5 + 6 + 7 + 8 + 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Reader {
	/// Why an element cannot be given.
	type Error;

	/// Canonical bits of element `element` of operand `operand`.
	///
	/// # Errors
	/// The reader does not have the element.
	fn read(&mut self, operand: usize, element: u64) -> Result<u64, Self::Error>;

	/// Canonical bits of neighbouring elements of an `F32` operand, from `first` on, as many as `out` has;
	/// [`Reader::read`] of each.
	#[inline]
	fn read_row(&mut self, operand: usize, first: u64, out: &mut [u32]) -> Result<(), Self::Error> {
		for (element, out) in (first..).zip(out) {
			*out = self.read(operand, element)? as u32;
		}
		Ok(())
	}
}

/// Canonical bits of the `F32` elements that `bytes` begin with, as many as both have; gives their number.
#[inline]
pub(crate) fn decode_row(bytes: &[u8], out: &mut [u32]) -> usize {
	let (words, _) = bytes.as_chunks::<4>();
	for (word, out) in words.iter().zip(&mut *out) {
		*out = canonical(DType::F32, u32::from_le_bytes(*word).into()) as u32;
	}
	words.len().min(out.len())
}

/// An element lies outside the bytes a reader was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("an operand's element lies outside the given bytes")
	}
}

impl core::error::Error for OutOfRange {}

/// Reads whole operand tensors held in memory.
#[derive(Clone, Debug)]
pub struct TensorReader<'a> {
	operands: Vec<(DType, &'a [u8])>,
}

impl<'a> TensorReader<'a> {
	/// A reader of `op`, where `tensors[i]` holds exactly the bytes of operand `i`.
	pub fn new(op: &OpRecord, tensors: &[&'a [u8]]) -> TensorReader<'a> {
		let dtypes = op.operands.iter().map(|operand| operand.dtype);
		TensorReader { operands: dtypes.zip(tensors.iter().copied()).collect() }
	}
}

impl Reader for TensorReader<'_> {
	type Error = OutOfRange;

	#[inline]
	fn read(&mut self, operand: usize, element: u64) -> Result<u64, OutOfRange> {
		let &(dtype, bytes) = self.operands.get(operand).ok_or(OutOfRange)?;
		let start = element.checked_mul(dtype.size()).ok_or(OutOfRange)?;
		let start = usize::try_from(start).map_err(|_| OutOfRange)?;
		let tail = bytes.get(start..).ok_or(OutOfRange)?;
		decode_value(dtype, tail).ok_or(OutOfRange)
	}

	#[inline]
	fn read_row(&mut self, operand: usize, first: u64, out: &mut [u32]) -> Result<(), OutOfRange> {
		let &(_, bytes) = self.operands.get(operand).ok_or(OutOfRange)?;
		let start = first.checked_mul(DType::F32.size()).ok_or(OutOfRange)?;
		let start = usize::try_from(start).map_err(|_| OutOfRange)?;
		if decode_row(bytes.get(start..).ok_or(OutOfRange)?, out) == out.len() {
			Ok(())
		} else {
			Err(OutOfRange)
		}
	}
}

/// Reads whole operand tensors and remembers which chunks of the objects that hold them (a trace
/// tensor, the input or the weights) were read.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // A column of a matrix: its element `i` is element `64 · i` of the operand.
/// let matrix = Operand::input(0, DType::F32, Shape::new(&[600, 64])?);
/// let kind = OpKind::Strided { offset: 0, strides: [64, 0, 0, 0, 0, 0, 0, 0] };
/// let op = OpRecord::new(kind, DType::F32, Shape::new(&[600])?, [matrix]);
/// let bytes = vec![0; matrix.bytes() as usize];
/// let mut reader = RecordingReader::new(&op, &[&bytes]);
/// element::<Soft, _>(&op, 100, &mut reader)?;
/// // What a proof about element 100 has to hold of the operand: one chunk, the 26th.
/// assert_eq!(reader.runs(0), [(25, 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordingReader<'a> {
	inner: TensorReader<'a>,
	/// Byte offset of each operand in its object.
	bases: Vec<u64>,
	touched: Vec<BTreeSet<u64>>,
	last: Option<(usize, u64)>,
}

impl<'a> RecordingReader<'a> {
	/// A reader of `op`, where `tensors[i]` holds exactly the bytes of operand `i`.
	pub fn new(op: &OpRecord, tensors: &[&'a [u8]]) -> RecordingReader<'a> {
		RecordingReader {
			inner: TensorReader::new(op, tensors),
			bases: op.operands.iter().map(|operand| operand.base()).collect(),
			touched: op.operands.iter().map(|_| BTreeSet::new()).collect(),
			last: None,
		}
	}

	/// The runs `(first chunk, number of chunks)` read from `operand` so far, ascending, in chunks
	/// of the object that holds the operand; neighbouring chunks are merged.
	pub fn runs(&self, operand: usize) -> Vec<(u64, u64)> {
		let mut runs: Vec<(u64, u64)> = Vec::new();
		for &chunk in self.touched.get(operand).into_iter().flatten() {
			match runs.last_mut() {
				Some((first, count)) if *first + *count == chunk => *count += 1,
				_ => runs.push((chunk, 1)),
			}
		}
		runs
	}

	/// Number of operands.
	pub fn operands(&self) -> usize {
		self.touched.len()
	}
}

impl Reader for RecordingReader<'_> {
	type Error = OutOfRange;

	fn read(&mut self, operand: usize, element: u64) -> Result<u64, OutOfRange> {
		let value = self.inner.read(operand, element)?;
		let &(dtype, _) = self.inner.operands.get(operand).ok_or(OutOfRange)?;
		let base = self.bases.get(operand).ok_or(OutOfRange)?;
		let chunk = (base + element * dtype.size()) / CHUNK_BYTES;
		if self.last != Some((operand, chunk)) {
			self.last = Some((operand, chunk));
			self.touched.get_mut(operand).ok_or(OutOfRange)?.insert(chunk);
		}
		Ok(value)
	}
}
