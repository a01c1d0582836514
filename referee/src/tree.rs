//! BLAKE3 as a tree of 1 KiB chunks: nodes of arity 1,024 and proofs for contiguous slices.
//!
//! An object of `len` bytes has `C = max(1, ceil(len / 1024))` chunks. Its top level is the least
//! `l` with `1024^l >= C`. The node of level `l` at index `i` covers the chunks from `i · 1024^l`
//! up to `min(C, (i + 1) · 1024^l)`; its value is the BLAKE3 chaining value of that subtree, or
//! the root hash when it is the whole object.

use crate::Root;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, ops::Range};
use scale_info::TypeInfo;

/// Bytes of one chunk.
pub const CHUNK_BYTES: u64 = 1024;

/// Most children of a node.
pub const ARITY: u64 = 1024;

/// Bytes of an object's root or chaining value.
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
	/// The data are not a whole number of the object's chunks.
	Length,
	/// Too few or too many sibling values.
	Siblings,
	/// The data do not hash to the root.
	Root,
}

impl fmt::Display for TreeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			TreeError::Range => "the slice does not lie inside the object",
			TreeError::Length => "the data are not a whole number of chunks",
			TreeError::Siblings => "wrong number of sibling values",
			TreeError::Root => "the data do not hash to the root",
		})
	}
}

impl core::error::Error for TreeError {}

/// Contiguous chunks of an object, and what is needed to hash them up to its root.
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
	pub fn verify(&self, _root: &Root, _total_len: u64) -> Result<(), TreeError> {
		todo!()
	}

	/// The bytes of the object that the slice holds; empty when the position overflows.
	pub fn byte_range(&self) -> Range<u64> {
		todo!()
	}

	/// The slice of `chunks` chunks of `bytes` from `first_chunk`.
	///
	/// Errors: no chunks, or chunks beyond the object.
	pub fn make(_bytes: &[u8], _first_chunk: u64, _chunks: u64) -> Result<Slice, TreeError> {
		todo!()
	}
}

/// Number of chunks of an object of `len` bytes, at least 1.
pub const fn chunk_count(len: u64) -> u64 {
	if len == 0 {
		1
	} else {
		len.div_ceil(CHUNK_BYTES)
	}
}

/// The top level of an object of `len` bytes.
pub const fn top(_len: u64) -> u8 {
	todo!()
}

/// The chunks that the node covers in an object of `len` bytes; `None` when there is no such node.
pub fn node_range(_len: u64, _level: u8, _index: u64) -> Option<Range<u64>> {
	todo!()
}

/// BLAKE3 hash of a whole object.
pub fn hash(bytes: &[u8]) -> Root {
	*blake3::hash(bytes).as_bytes()
}

/// Chaining value of the chunk at `chunk_index`, for an object of several chunks (a single chunk is
/// hashed by [`hash`]).
pub fn chunk_cv(_bytes: &[u8], _chunk_index: u64) -> Root {
	todo!()
}

/// Chaining value of the chunks in `bytes`, a subtree that starts at chunk `first_chunk` and is not
/// the whole object.
pub fn subtree_cv(_bytes: &[u8], _first_chunk: u64) -> Root {
	todo!()
}

/// Combines the chaining values of sibling subtrees into their parent's chaining value: the left
/// side takes the largest power of two below their number. One value is returned as it is.
pub fn fold(_cvs: &[Root]) -> Root {
	todo!()
}

/// As [`fold`], when the values make up the whole object. One value is returned as it is.
pub fn fold_root(_cvs: &[Root]) -> Root {
	todo!()
}

/// Content of a node of the object `bytes`: the chunk's bytes at level 0, else the concatenated
/// chaining values of its children; and the chaining values beside the way up to the root, lowest
/// first.
///
/// Errors: there is no such node.
pub fn open_node(
	_bytes: &[u8],
	_level: u8,
	_index: u64,
) -> Result<(Vec<u8>, Vec<Root>), TreeError> {
	todo!()
}

/// Checks that `payload` is the content of a node of the object with this root and length.
pub fn verify_node(
	_root: &Root,
	_len: u64,
	_level: u8,
	_index: u64,
	_payload: &[u8],
	_path: &[Root],
) -> Result<(), TreeError> {
	todo!()
}
