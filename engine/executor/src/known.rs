//! What a challenger knows of another party's object: chaining values of some of its subtrees.

use crate::error::ExecError;
use assay_referee::{
	tree::{self, chunk_count, node_range},
	Opening, Root, Slice, TreeError, CHUNK_BYTES,
};
use std::{collections::HashMap, ops::Range};

/// Chaining values of subtrees of one object, by the chunks they cover.
///
/// Below the path that a dispute takes, the two parties' objects may differ anywhere, so proofs
/// about the other party's object are put together from these values alone, and from the chunks
/// before the first difference, which are this machine's own.
#[derive(Debug)]
pub(crate) struct Known<'a> {
	len: u64,
	cvs: HashMap<(u64, u64), Root>,
	/// This machine's own object, as far as the other party's is known to be equal: whole chunks.
	equal: &'a [u8],
}

impl<'a> Known<'a> {
	/// Nothing yet of an object of `len` bytes.
	pub(crate) fn new(len: u64) -> Known<'a> {
		Known { len, cvs: HashMap::new(), equal: &[] }
	}

	/// As well, that the object's first chunks, those in `equal`, are as this machine's own.
	pub(crate) fn with_equal(self, equal: &[u8]) -> Known<'_> {
		Known { len: self.len, cvs: self.cvs, equal }
	}

	/// Takes in a verified opening of the node at `level` and `index`.
	pub(crate) fn insert(
		&mut self,
		level: u8,
		index: u64,
		opening: &Opening,
	) -> Result<(), TreeError> {
		let node = node_range(self.len, level, index).ok_or(TreeError::Range)?;
		let around = beside(self.chunks(), &node);
		for (range, cv) in around.into_iter().rev().zip(&opening.path) {
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
	pub(crate) fn slice(&self, want: Range<u64>, data: Vec<u8>) -> Result<Slice, ExecError> {
		let mut siblings = Vec::new();
		self.outside(self.chunks(), &want, &mut siblings)?;
		Ok(Slice { start: want.start, data, siblings })
	}

	/// The chaining values beside the way from one chunk up to the root, lowest first.
	pub(crate) fn path(&self, chunk: u64) -> Result<Vec<Root>, ExecError> {
		let around = beside(self.chunks(), &(chunk..chunk + 1));
		around.into_iter().rev().map(|range| self.cv(range)).collect()
	}

	fn chunks(&self) -> Range<u64> {
		0..chunk_count(self.len)
	}

	/// Values of the largest subtrees of `node` outside `want`, left to right.
	fn outside(
		&self,
		node: Range<u64>,
		want: &Range<u64>,
		out: &mut Vec<Root>,
	) -> Result<(), ExecError> {
		if node.end <= want.start || want.end <= node.start {
			out.push(self.cv(node)?);
		} else if node.start < want.start || want.end < node.end {
			let middle = split(&node);
			self.outside(node.start..middle, want, out)?;
			self.outside(middle..node.end, want, out)?;
		}
		Ok(())
	}

	/// The value of a subtree, known or folded from known ones.
	fn cv(&self, node: Range<u64>) -> Result<Root, ExecError> {
		if let Some(cv) = self.cvs.get(&(node.start, node.end)) {
			return Ok(*cv);
		}
		let bytes = |chunk: u64| usize::try_from(chunk.saturating_mul(CHUNK_BYTES)).ok();
		let own = bytes(node.start).zip(bytes(node.end)).map(|(start, end)| start..end);
		if let Some(own) = own.and_then(|range| self.equal.get(range)) {
			return Ok(tree::subtree_cv(own, node.start));
		}
		if node.end - node.start <= 1 {
			return Err(ExecError::Openings);
		}
		let middle = split(&node);
		Ok(tree::fold(&[self.cv(node.start..middle)?, self.cv(middle..node.end)?]))
	}
}

/// Where a subtree of more than one chunk is cut: its left side takes the largest power of two
/// below its length.
fn split(node: &Range<u64>) -> u64 {
	let len = node.end - node.start;
	node.start + len.next_power_of_two() / 2
}

/// The subtrees beside the way from `root` down to `node`, highest first.
pub(crate) fn beside(root: Range<u64>, node: &Range<u64>) -> Vec<Range<u64>> {
	let mut beside = Vec::new();
	let mut at = root;
	while at.start < node.start || node.end < at.end {
		let middle = split(&at);
		if node.end <= middle {
			beside.push(middle..at.end);
			at = at.start..middle;
		} else {
			beside.push(at.start..middle);
			at = middle..at.end;
		}
		if at.end - at.start <= 1 {
			break;
		}
	}
	beside
}
