//! Openings: what an operator publishes for one node of its execution trace.
//!
//! A dispute walks from the top of the trace (the list of roots) down to one of its chunks, which
//! holds 32 entries, and from one entry down the tensor to a chunk of 1,024 bytes. Every node has
//! one name only, [`NodeKey`]; the top of an object is always named by [`NodeKey::TOP`], since the
//! chain learns a tensor's length only from the opening itself.

use crate::{Root, Slice, TreeError};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Bytes of one trace entry, a root.
pub const ENTRY_BYTES: u64 = 32;

/// Trace entries in one chunk.
pub const ENTRIES_PER_CHUNK: u64 = 32;

/// What a job is about, fixed before any dispute, and the trace its operator published.
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
pub struct Commitments {
	/// Root of the encoded program.
	pub program_root: Root,
	/// Number of ops, which is the number of trace entries.
	pub n_ops: u32,
	/// Root of the weights.
	pub weights_root: Root,
	/// Bytes of the weights.
	pub weights_len: u64,
	/// Root of the job's input.
	pub input_root: Root,
	/// Bytes of the job's input.
	pub input_len: u64,
	/// Root of the list of trace entries.
	pub trace_root: Root,
}

/// A byte string that the operator committed to.
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
	PartialOrd,
	Ord,
	Hash,
	Debug,
)]
pub enum Object {
	/// The concatenated trace entries.
	Trace,
	/// The output tensor of the op with this index.
	Tensor(u32),
}

/// Name of one node: `level` 0 is a chunk of 1,024 bytes, a node of level `l` has up to 1,024
/// children of level `l - 1`.
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
	PartialOrd,
	Ord,
	Hash,
	Debug,
)]
pub struct NodeKey {
	/// The byte string.
	pub object: Object,
	/// Level of the node, or [`NodeKey::TOP`].
	pub level: u8,
	/// Position among the nodes of the level; 0 for the top.
	pub index: u64,
}

impl NodeKey {
	/// The level by which the top node of any object is named.
	pub const TOP: u8 = u8::MAX;

	/// The top node of an object.
	pub const fn top(object: Object) -> NodeKey {
		NodeKey { object, level: NodeKey::TOP, index: 0 }
	}

	/// The node's level in an object of `object_len` bytes; `None` when the object has no node of
	/// this name.
	pub fn level_in(&self, _object_len: u64) -> Option<u8> {
		todo!()
	}
}

/// What an operator publishes for one node.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Opening {
	/// For a tensor's node: the chunk of the trace that holds the tensor's entry.
	pub entry: Option<Slice>,
	/// For a tensor's node: the op's record, a chunk of the program, which tells the length.
	pub record: Option<Slice>,
	/// Chaining values beside the way from the node up to the object's root, lowest first.
	pub path: Vec<Root>,
	/// Level 0: the chunk's bytes. Above: the chaining values of the children, 32 bytes each.
	pub payload: Vec<u8>,
}

/// What a verified opening tells.
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
pub struct Opened {
	/// Bytes of the object the node belongs to.
	pub object_len: u64,
	/// The node's true level.
	pub level: u8,
}

/// Why an opening is not what was asked for.
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
pub enum OpeningError {
	/// No such entry, or no such node in its object.
	NoSuchNode,
	/// The trace entry or the record is missing, superfluous or not the right chunk.
	Parts,
	/// The record is malformed.
	Record,
	/// The payload has not the length of the node.
	Payload,
	/// The path has not the length that the node's place demands.
	Path,
	/// The node does not hash to the committed root.
	Root,
	/// A slice does not hash to its committed root.
	Slice(TreeError),
}

impl fmt::Display for OpeningError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			OpeningError::NoSuchNode => "there is no such node",
			OpeningError::Parts => "the trace entry or the record is missing or superfluous",
			OpeningError::Record => "the op record is malformed",
			OpeningError::Payload => "the payload has the wrong length",
			OpeningError::Path => "the path has the wrong length",
			OpeningError::Root => "the node does not belong to the committed root",
			OpeningError::Slice(error) => return error.fmt(f),
		})
	}
}

impl core::error::Error for OpeningError {}

impl From<TreeError> for OpeningError {
	fn from(error: TreeError) -> OpeningError {
		OpeningError::Slice(error)
	}
}

/// Checks that `opening` is the content of node `key` under the commitments `c`.
pub fn verify_opening(
	_c: &Commitments,
	_key: &NodeKey,
	_opening: &Opening,
) -> Result<Opened, OpeningError> {
	todo!()
}

/// Checks that the last of `n_entries` trace entries is `output_root`: `slice` is the trace's last
/// chunk.
pub fn verify_last_entry(
	_trace_root: &Root,
	_n_entries: u32,
	_output_root: &Root,
	_slice: &Slice,
) -> Result<(), OpeningError> {
	todo!()
}

/// Whether a dispute may go from `parent`, a node of an object of `parent_len` bytes (see
/// [`Opened::object_len`]), to `child`.
///
/// Inside an object this is the tree; from a chunk of the trace it goes to the top of the tensors
/// whose entries the chunk holds.
pub fn is_child(_parent: &NodeKey, _parent_len: u64, _child: &NodeKey) -> bool {
	todo!()
}
