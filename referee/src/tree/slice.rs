//! Proofs for contiguous chunks.

use super::{
	chunk_bytes, chunk_count, halves, hash, merge, merge_root, subtree_cv, TreeError, CHUNK_BYTES,
};
use crate::Root;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::ops::Range;
use scale_info::TypeInfo;

/// Contiguous chunks of an object, and what is needed to hash them up to its root.
///
/// # Examples
///
/// ```
/// use assay_referee::{tree, Slice, TreeError};
///
/// let object: Vec<u8> = (0..5_000).map(|i| i as u8).collect();
/// let (root, len) = (tree::hash(&object), 5_000);
/// // Chunks 1 and 2, for somebody who knows the object's root and length only.
/// let mut slice = Slice::make(&object, 1, 2)?;
/// slice.verify(&root, len)?;
/// assert_eq!(slice.byte_range(), 1_024..3_072);
/// slice.data[0] ^= 1;
/// assert_eq!(slice.verify(&root, len), Err(TreeError::Root));
/// # Ok::<(), TreeError>(())
/// ```
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Slice {
	/// First chunk.
	pub start: u64,
	/// Bytes of the chunks; only the object's last chunk may be short.
	pub data: Vec<u8>,
	/// Chaining values of the largest subtrees outside the slice, left to right.
	pub siblings: Vec<Root>,
}

impl Slice {
	/// Checks that this is a part of the object with this root and length.
	///
	/// # Errors
	/// The slice lies beyond the object, its data or siblings have another length, or it does not hash to
	/// the root.
	pub fn verify(&self, root: &Root, total_len: u64) -> Result<(), TreeError> {
		let own = self.chunks_in(total_len)?;
		let mut siblings = self.siblings.iter();
		let computed = fold_outside(total_len, &self.data, &own, &mut |_| {
			siblings.next().copied().ok_or(TreeError::Siblings)
		})?;
		if siblings.next().is_some() {
			return Err(TreeError::Siblings);
		}
		if computed != *root {
			return Err(TreeError::Root);
		}
		Ok(())
	}

	/// The bytes of the object that the slice holds; empty when the position overflows.
	pub fn byte_range(&self) -> Range<u64> {
		let start = self.start.checked_mul(CHUNK_BYTES);
		match start.and_then(|s| Some((s, s.checked_add(self.data.len() as u64)?))) {
			Some((start, end)) => start..end,
			None => 0..0,
		}
	}

	/// The slice of `chunks` chunks of `bytes` from `first_chunk`.
	///
	/// # Errors
	/// No chunks, or chunks beyond the object.
	pub fn make(bytes: &[u8], first_chunk: u64, chunks: u64) -> Result<Slice, TreeError> {
		let total = bytes.len() as u64;
		let end = first_chunk.checked_add(chunks).ok_or(TreeError::Range)?;
		if chunks == 0 || end > chunk_count(total) {
			return Err(TreeError::Range);
		}
		let data = chunk_bytes(bytes, &(first_chunk..end)).to_vec();
		Slice::with_siblings(total, first_chunk, data, |range| {
			subtree_cv(chunk_bytes(bytes, &range), range.start)
		})
	}

	/// The slice that holds `data` from chunk `start` of an object of `total_len` bytes; `cv` gives
	/// the chaining value of any range of chunks outside that is a subtree.
	///
	/// # Errors
	/// `data` is not a whole number of the object's chunks.
	pub fn with_siblings(
		total_len: u64,
		start: u64,
		data: Vec<u8>,
		mut cv: impl FnMut(Range<u64>) -> Root,
	) -> Result<Slice, TreeError> {
		let mut slice = Slice { start, data, siblings: Vec::new() };
		let own = slice.chunks_in(total_len)?;
		slice.siblings = outside(total_len, &own).into_iter().map(&mut cv).collect();
		Ok(slice)
	}

	/// The chunks the slice holds, checked against the object's length.
	fn chunks_in(&self, total_len: u64) -> Result<Range<u64>, TreeError> {
		let count = chunk_count(self.data.len() as u64);
		let end = self.start.checked_add(count).ok_or(TreeError::Range)?;
		if end > chunk_count(total_len) {
			return Err(TreeError::Range);
		}
		// Inside the object: neither product can overflow before the saturation at its end.
		let last = end.saturating_mul(CHUNK_BYTES).min(total_len);
		if last - self.start * CHUNK_BYTES != self.data.len() as u64 {
			return Err(TreeError::Length);
		}
		Ok(self.start..end)
	}
}

/// The largest subtrees of an object of `len` bytes outside the chunks `own`, left to right: where the
/// values of [`Slice::siblings`] belong.
pub fn outside(len: u64, own: &Range<u64>) -> Vec<Range<u64>> {
	let mut found = Vec::new();
	each_outside(&(0..chunk_count(len)), own, &mut |range| found.push(range));
	found
}

fn each_outside(range: &Range<u64>, own: &Range<u64>, found: &mut impl FnMut(Range<u64>)) {
	if range.end <= own.start || range.start >= own.end {
		found(range.clone());
	} else if range.start < own.start || range.end > own.end {
		let (left, right) = halves(range);
		each_outside(&left, own, found);
		each_outside(&right, own, found);
	}
}

/// How many [`Slice::siblings`] the slice of these chunks of an object of `total_len` bytes has.
pub(crate) fn count_siblings(total_len: u64, chunks: &Range<u64>) -> u64 {
	let mut count = 0;
	each_outside(&(0..chunk_count(total_len)), chunks, &mut |_| count += 1);
	count
}

/// Hashes the chunks `own`, whose bytes are `data`, up to the root of an object of `total_len`
/// bytes, taking the value of each largest subtree outside from `sibling`, left to right.
fn fold_outside(
	total_len: u64,
	data: &[u8],
	own: &Range<u64>,
	sibling: &mut impl FnMut(Range<u64>) -> Result<Root, TreeError>,
) -> Result<Root, TreeError> {
	let all = 0..chunk_count(total_len);
	if *own == all {
		return Ok(hash(data));
	}
	let (left, right) = halves(&all);
	let left = subtree(&left, data, own, sibling)?;
	let right = subtree(&right, data, own, sibling)?;
	Ok(merge_root(&left, &right))
}

fn subtree(
	range: &Range<u64>,
	data: &[u8],
	own: &Range<u64>,
	sibling: &mut impl FnMut(Range<u64>) -> Result<Root, TreeError>,
) -> Result<Root, TreeError> {
	if range.end <= own.start || range.start >= own.end {
		return sibling(range.clone());
	}
	if own.start <= range.start && range.end <= own.end {
		let local = range.start - own.start..range.end - own.start;
		return Ok(subtree_cv(chunk_bytes(data, &local), range.start));
	}
	let (left, right) = halves(range);
	let left = subtree(&left, data, own, sibling)?;
	let right = subtree(&right, data, own, sibling)?;
	Ok(merge(&left, &right))
}
