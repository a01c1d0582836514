//! What is proven of another party's object: chaining values of some of its subtrees.

use super::DisputeError;
use assay_referee::{
	tree::{self, node_range},
	Opening, Root, Slice, TreeError, CHUNK_BYTES,
};
use std::{collections::HashMap, ops::Range};

/// Chaining values of subtrees of one object, by the chunks they cover.
///
/// Below the path that a dispute takes, the two parties' objects may differ anywhere, so proofs
/// about the other party's object are put together from these values alone, and from the chunks
/// before the first difference, which are this machine's own.
#[derive(Debug)]
pub(super) struct Proven<'a> {
	len: u64,
	cvs: HashMap<(u64, u64), Root>,
	/// This machine's own object, as far as the other party's is known to be equal: whole chunks.
	equal: &'a [u8],
}

impl<'a> Proven<'a> {
	/// Nothing yet of an object of `len` bytes.
	pub(super) fn new(len: u64) -> Proven<'a> {
		Proven { len, cvs: HashMap::new(), equal: &[] }
	}

	/// As well, that the object's first chunks, those in `equal`, are as this machine's own.
	pub(super) fn with_equal(self, equal: &[u8]) -> Proven<'_> {
		Proven { len: self.len, cvs: self.cvs, equal }
	}

	/// Takes in a verified opening of the node at `level` and `index`.
	pub(super) fn insert(
		&mut self,
		level: u8,
		index: u64,
		opening: &Opening,
	) -> Result<(), TreeError> {
		let node = node_range(self.len, level, index).ok_or(TreeError::Range)?;
		for (range, cv) in tree::beside(self.len, &node).into_iter().zip(&opening.path) {
			self.cvs.insert((range.start, range.end), *cv);
		}
		let Some(below) = level.checked_sub(1) else { return Ok(()) };
		let (values, _) = opening.payload.as_chunks::<32>();
		for (i, cv) in values.iter().enumerate() {
			let child = index
				.checked_mul(tree::ARITY)
				.and_then(|first| node_range(self.len, below, first + i as u64))
				.ok_or(TreeError::Range)?;
			self.cvs.insert((child.start, child.end), *cv);
		}
		Ok(())
	}

	/// The proof for the chunks `want`, whose bytes are `data`.
	pub(super) fn slice(&self, want: Range<u64>, data: Vec<u8>) -> Result<Slice, DisputeError> {
		let siblings = tree::outside(self.len, &want).into_iter().map(|range| self.cv(range));
		Ok(Slice { start: want.start, data, siblings: siblings.collect::<Result<_, _>>()? })
	}

	/// The chaining values beside the way from one chunk up to the root, lowest first.
	pub(super) fn path(&self, chunk: u64) -> Result<Vec<Root>, DisputeError> {
		let beside = tree::beside(self.len, &(chunk..chunk + 1));
		beside.into_iter().map(|range| self.cv(range)).collect()
	}

	/// The value of a subtree, as it was published or folded from published ones.
	fn cv(&self, node: Range<u64>) -> Result<Root, DisputeError> {
		if let Some(cv) = self.cvs.get(&(node.start, node.end)) {
			return Ok(*cv);
		}
		let bytes = |chunk: u64| usize::try_from(chunk.saturating_mul(CHUNK_BYTES)).ok();
		let own = bytes(node.start).zip(bytes(node.end)).map(|(start, end)| start..end);
		if let Some(own) = own.and_then(|range| self.equal.get(range)) {
			return Ok(tree::subtree_cv(own, node.start));
		}
		if node.end - node.start <= 1 {
			return Err(DisputeError::Openings);
		}
		let (left, right) = tree::halves(&node);
		Ok(tree::fold(&[self.cv(left)?, self.cv(right)?]))
	}
}
