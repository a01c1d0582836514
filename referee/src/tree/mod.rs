//! BLAKE3 as a tree of 1 KiB chunks: nodes of arity 1,024 and proofs for contiguous slices.
//!
//! An object of `len` bytes has `C = max(1, ceil(len / 1024))` chunks. Its top level is the least
//! `l` with `1024^l >= C`. The node of level `l` at index `i` covers the chunks from `i · 1024^l`
//! up to `min(C, (i + 1) · 1024^l)`; its value is the BLAKE3 chaining value of that subtree, or
//! the root hash when it is the whole object.

mod node;
mod slice;

pub(crate) use node::verify_path;
pub use node::{beside, fold, fold_root, node_range, open_node, top, verify_node};
pub(crate) use slice::count_siblings;
pub use slice::{outside, Slice};

use crate::Root;
use blake3::hazmat::{merge_subtrees_non_root, merge_subtrees_root, HasherExt, Mode};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use core::ops::Range;
use scale_info::TypeInfo;

/// Bytes of one chunk.
pub const CHUNK_BYTES: u64 = 1024;

/// Most children of a node.
pub const ARITY: u64 = 1024;

/// Most values beside the way from one chunk up to the root: a tree of 2^64 chunks is no deeper.
pub const MAX_SIBLINGS: usize = 64;

/// Bytes of a root or a chaining value.
pub const CV_BYTES: usize = 32;

/// Why bytes are not a part of the committed object.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub enum TreeError {
	/// The slice or node does not lie inside the object.
	Range,
	/// The data have not the length of the chunks or children they stand for.
	Length,
	/// Too few or too many sibling values.
	Siblings,
	/// The data do not hash to the root.
	Root,
}

impl fmt::Display for TreeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			TreeError::Range => "the part does not lie inside the object",
			TreeError::Length => "the data have the wrong length",
			TreeError::Siblings => "wrong number of sibling values",
			TreeError::Root => "the data do not hash to the root",
		})
	}
}

impl core::error::Error for TreeError {}

/// Number of chunks of an object of `len` bytes, at least 1.
pub const fn chunk_count(len: u64) -> u64 {
	if len == 0 {
		1
	} else {
		len.div_ceil(CHUNK_BYTES)
	}
}

/// BLAKE3 hash of a whole object.
pub fn hash(bytes: &[u8]) -> Root {
	#[cfg(test)]
	tally_blocks(bytes);
	*blake3::hash(bytes).as_bytes()
}

/// Chaining value of the chunk at `chunk_index`, for an object of several chunks (the only chunk of
/// an object is hashed by [`hash`]). Takes 1 to 1,024 bytes; bytes beyond are ignored.
pub fn chunk_cv(bytes: &[u8], chunk_index: u64) -> Root {
	let len = bytes.len().min(CHUNK_BYTES as usize);
	leaf_cv(&bytes[..len], chunk_index)
}

/// Chaining value of the chunks in `bytes`, which start at chunk `first_chunk` of a larger object
/// and are a subtree of it. Any other bytes give some value without meaning.
pub fn subtree_cv(bytes: &[u8], first_chunk: u64) -> Root {
	let chunks = chunk_count(bytes.len() as u64);
	// The hasher refuses bytes beyond the subtree that can start here.
	if first_chunk != 0 && chunks > 1 << first_chunk.trailing_zeros() {
		let left = (left_count(chunks) * CHUNK_BYTES) as usize;
		let (head, tail) = bytes.split_at(left.min(bytes.len()));
		let next = first_chunk.wrapping_add(left_count(chunks));
		return merge(&subtree_cv(head, first_chunk), &subtree_cv(tail, next));
	}
	leaf_cv(bytes, first_chunk)
}

fn leaf_cv(bytes: &[u8], first_chunk: u64) -> Root {
	if bytes.is_empty() {
		return hash(bytes);
	}
	#[cfg(test)]
	tally_blocks(bytes);
	let mut hasher = blake3::Hasher::new();
	hasher.set_input_offset(first_chunk.wrapping_mul(CHUNK_BYTES));
	hasher.update(bytes);
	hasher.finalize_non_root()
}

/// Tells the tests what hashing these bytes takes.
#[cfg(test)]
fn tally_blocks(bytes: &[u8]) {
	let chunks = bytes.chunks(CHUNK_BYTES as usize);
	let blocks: u64 = chunks.map(|chunk| chunk.len().div_ceil(64) as u64).sum();
	let merges = chunk_count(bytes.len() as u64) - 1;
	crate::proof::tests::cost::tally(|done| done.compressions += blocks.max(1) + merges);
}

/// Largest power of two below `n`; `n` is at least 2.
const fn left_count(n: u64) -> u64 {
	debug_assert!(n >= 2);
	1 << (63 - (n - 1).leading_zeros())
}

fn merge(left: &Root, right: &Root) -> Root {
	#[cfg(test)]
	crate::proof::tests::cost::tally(|done| done.compressions += 1);
	merge_subtrees_non_root(left, right, Mode::Hash)
}

fn merge_root(left: &Root, right: &Root) -> Root {
	#[cfg(test)]
	crate::proof::tests::cost::tally(|done| done.compressions += 1);
	*merge_subtrees_root(left, right, Mode::Hash).as_bytes()
}

/// The two halves of a subtree of at least two chunks: the left one takes the largest power of two
/// below its length.
pub fn halves(range: &Range<u64>) -> (Range<u64>, Range<u64>) {
	let middle = range.start + left_count(range.end - range.start);
	(range.start..middle, middle..range.end)
}

/// The bytes of chunks `range` of an object held in memory; chunks beyond its end are left out.
fn chunk_bytes<'a>(bytes: &'a [u8], range: &Range<u64>) -> &'a [u8] {
	let at = |chunk: u64| {
		usize::try_from(chunk.saturating_mul(CHUNK_BYTES))
			.map_or(bytes.len(), |n| n.min(bytes.len()))
	};
	&bytes[at(range.start)..at(range.end)]
}

#[cfg(test)]
mod tests;
