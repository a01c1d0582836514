//! Openings: what an operator publishes for one node of its execution trace.
//!
//! A dispute walks from the top of the trace (the list of roots) down to one of its chunks, which
//! holds 32 entries, and from one entry down the tensor to a chunk of 1,024 bytes. Every node has
//! one name only, [`NodeKey`]; the top of an object is always named by [`NodeKey::TOP`], since the
//! chain learns a tensor's length only from the opening itself.

use crate::{
	tree::{self, ARITY},
	OpRecord, Place, Root, Slice, TreeError, CHUNK_BYTES, RECORD_BYTES,
};
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
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::{NodeKey, Object};
	///
	/// // A tensor of 1 MiB has 1,024 chunks, which are the children of its top.
	/// let (object, len) = (Object::Tensor(3), 1 << 20);
	/// assert_eq!(NodeKey::top(object).level_in(len), Some(1));
	/// assert_eq!(NodeKey { object, level: 0, index: 1023 }.level_in(len), Some(0));
	/// // By its level the top is not named, for a node has one name.
	/// assert_eq!(NodeKey { object, level: 1, index: 0 }.level_in(len), None);
	/// ```
	pub fn level_in(&self, object_len: u64) -> Option<u8> {
		let top = tree::top(object_len);
		if self.level == NodeKey::TOP {
			return (self.index == 0).then_some(top);
		}
		// The top has one name only.
		let below = self.level < top;
		tree::node_range(object_len, self.level, self.index).filter(|_| below)?;
		Some(self.level)
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

impl Commitments {
	/// Bytes of the trace: one root per op.
	pub const fn trace_len(&self) -> u64 {
		self.n_ops as u64 * ENTRY_BYTES
	}

	/// Bytes of the encoded program.
	pub const fn program_len(&self) -> u64 {
		(self.n_ops as u64 + 1) * CHUNK_BYTES
	}

	/// Where the op with this index stands.
	pub const fn place(&self, entry: u32) -> Place {
		Place { entry, n_ops: self.n_ops, weights_len: self.weights_len, input_len: self.input_len }
	}

	/// Checks that `slice` is the record of op `entry` under the program's root, and decodes it.
	pub(crate) fn record(&self, entry: u32, slice: &Slice) -> Result<OpRecord, OpeningError> {
		let bytes: &[u8; RECORD_BYTES] =
			slice.data.as_slice().try_into().map_err(|_| OpeningError::Parts)?;
		if slice.start != u64::from(entry) + 1 {
			return Err(OpeningError::Parts);
		}
		slice.verify(&self.program_root, self.program_len())?;
		OpRecord::from_bytes(bytes).map_err(|_| OpeningError::Record)
	}
}

/// The entry's root in a slice of the trace, if the slice holds it.
pub(crate) fn entry_in(slice: &Slice, entry: u32) -> Option<Root> {
	let start = (u64::from(entry) * ENTRY_BYTES).checked_sub(slice.byte_range().start)?;
	let tail = slice.data.get(usize::try_from(start).ok()?..)?;
	tail.first_chunk().copied()
}

/// Checks that `slice` is exactly the chunk of the trace that holds the entry; gives the entry.
fn entry_chunk(
	trace_root: &Root,
	trace_len: u64,
	entry: u32,
	slice: &Slice,
) -> Result<Root, OpeningError> {
	let chunk = u64::from(entry) / ENTRIES_PER_CHUNK;
	if slice.start != chunk || slice.data.len() as u64 > CHUNK_BYTES {
		return Err(OpeningError::Parts);
	}
	slice.verify(trace_root, trace_len)?;
	entry_in(slice, entry).ok_or(OpeningError::NoSuchNode)
}

/// Checks that `opening` is the content of node `key` under the commitments `c`.
///
/// The cost is bounded by the sizes of a node, a trace chunk and a record, whatever the opening holds.
///
/// # Errors
/// Which part is wrong.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // The operator opens the top of its trace, here the roots of three tensors.
/// let trace = [[1u8; 32], [2; 32], [3; 32]].concat();
/// # let (program_root, weights_root, input_root) = ([0; 32], [0; 32], [0; 32]);
/// # let (weights_len, input_len) = (0, 0);
/// let trace_root = tree::hash(&trace);
/// let commitments = Commitments {
///     trace_root,
///     n_ops: 3,
///     // … and the rest, which matters for tensors only.
/// #   program_root, weights_root, weights_len, input_root, input_len,
/// };
/// let opening = Opening { entry: None, record: None, path: vec![], payload: trace };
/// let opened = verify_opening(&commitments, &NodeKey::top(Object::Trace), &opening)?;
/// assert_eq!(opened, Opened { object_len: 96, level: 0 });
/// # Ok::<(), OpeningError>(())
/// ```
pub fn verify_opening(
	c: &Commitments,
	key: &NodeKey,
	opening: &Opening,
) -> Result<Opened, OpeningError> {
	let (root, object_len) = match (key.object, &opening.entry, &opening.record) {
		(Object::Trace, None, None) => (c.trace_root, c.trace_len()),
		(Object::Tensor(entry), Some(entry_slice), Some(record)) => {
			if entry >= c.n_ops {
				return Err(OpeningError::NoSuchNode);
			}
			let root = entry_chunk(&c.trace_root, c.trace_len(), entry, entry_slice)?;
			(root, c.record(entry, record)?.bytes())
		},
		_ => return Err(OpeningError::Parts),
	};
	let level = key.level_in(object_len).ok_or(OpeningError::NoSuchNode)?;
	let Opening { payload, path, .. } = opening;
	tree::verify_node(&root, object_len, level, key.index, payload, path).map_err(|error| {
		match error {
			TreeError::Range => OpeningError::NoSuchNode,
			TreeError::Length => OpeningError::Payload,
			TreeError::Siblings => OpeningError::Path,
			TreeError::Root => OpeningError::Root,
		}
	})?;
	Ok(Opened { object_len, level })
}

/// Checks that the last of `n_entries` trace entries is `output_root`: `slice` is the trace's last
/// chunk.
///
/// # Errors
/// [`OpeningError::Root`] when another root is the last entry; else what is wrong with the slice, or that
/// there are no entries.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// let trace = [[1u8; 32], [2; 32], [3; 32]].concat();
/// let (root, last_chunk) = (tree::hash(&trace), Slice::make(&trace, 0, 1)?);
/// verify_last_entry(&root, 3, &[3; 32], &last_chunk)?;
/// // A trace that ends with another output than was claimed.
/// assert_eq!(verify_last_entry(&root, 3, &[4; 32], &last_chunk), Err(OpeningError::Root));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_last_entry(
	trace_root: &Root,
	n_entries: u32,
	output_root: &Root,
	slice: &Slice,
) -> Result<(), OpeningError> {
	let last = n_entries.checked_sub(1).ok_or(OpeningError::NoSuchNode)?;
	let trace_len = u64::from(n_entries) * ENTRY_BYTES;
	if entry_chunk(trace_root, trace_len, last, slice)? != *output_root {
		return Err(OpeningError::Root);
	}
	Ok(())
}

/// Whether a dispute may go from `parent`, a node of an object of `parent_len` bytes (see
/// [`Opened::object_len`]), to `child`.
///
/// Inside an object this is the tree; from a chunk of the trace it goes to the top of the tensors
/// whose entries the chunk holds.
///
/// # Examples
///
/// ```
/// use assay_referee::{is_child, opening::ENTRY_BYTES, NodeKey, Object};
///
/// // Down a trace of 100 entries: to its second chunk, and on to a tensor whose entry that holds.
/// let trace_len = 100 * ENTRY_BYTES;
/// let chunk = NodeKey { object: Object::Trace, level: 0, index: 1 };
/// assert!(is_child(&NodeKey::top(Object::Trace), trace_len, &chunk));
/// assert!(is_child(&chunk, trace_len, &NodeKey::top(Object::Tensor(40))));
/// assert!(!is_child(&chunk, trace_len, &NodeKey::top(Object::Tensor(64))));
/// ```
pub fn is_child(parent: &NodeKey, parent_len: u64, child: &NodeKey) -> bool {
	let Some(level) = parent.level_in(parent_len) else {
		return false;
	};
	match (parent.object, child.object) {
		(Object::Trace, Object::Tensor(entry)) => {
			level == 0
				&& *child == NodeKey::top(child.object)
				&& u64::from(entry) / ENTRIES_PER_CHUNK == parent.index
				&& u64::from(entry) < parent_len / ENTRY_BYTES
		},
		(from, to) => {
			from == to
				&& child.level_in(parent_len).is_some_and(|below| below + 1 == level)
				&& child.index / ARITY == parent.index
		},
	}
}

#[cfg(test)]
mod tests;
