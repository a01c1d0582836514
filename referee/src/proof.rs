//! Fault proofs: one element or chunk of a trace tensor is not what its op gives.
//!
//! A proof carries every byte that the judgement needs, each authenticated under a root that was
//! fixed before the dispute: the op's record under the program's root, the trace entries, the
//! claimed value, and the chunks of operands that the element function reads. Verification
//! recomputes the value with [`crate::Soft`] and accepts only when it differs.

use crate::{Commitments, Root, Slice, TreeError};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// Longest encoded proof, in bytes.
pub const MAX_PROOF_BYTES: u32 = 256 * 1024;

/// Most terms that judging a chunk may take.
pub const MAX_CHUNK_TERMS: u64 = 1 << 20;

/// What is wrong in the tensor.
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
pub enum Location {
	/// The element at this row-major index.
	Element(u64),
	/// Some element of the chunk with this index.
	Chunk(u64),
}

/// Chunks of one operand's object: a trace tensor, the input, or the weights.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Read {
	/// Index of the operand.
	pub operand: u8,
	/// Whole chunks of the object that holds the operand.
	pub slice: Slice,
}

/// What the operator claims at the location.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub enum Claimed {
	/// The chunk of the tensor, under the tensor's trace entry.
	Bytes(Slice),
	/// Only the chunk's chaining value; for [`Location::Chunk`].
	Cv {
		/// Index of the chunk.
		index: u64,
		/// Its chaining value; the tensor's root when it is the only chunk.
		cv: Root,
		/// Chaining values beside the way up to the tensor's root, lowest first.
		path: Vec<Root>,
	},
}

/// Proof that a trace tensor is not what its op gives.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct FaultProof {
	/// Index of the op and its trace entry.
	pub entry: u32,
	/// Where its output is wrong.
	pub at: Location,
	/// The op's record: chunk `entry + 1` of the program.
	pub record: Slice,
	/// Chunks of the trace that hold the entry and those of the operands that are read.
	pub entries: Vec<Slice>,
	/// What the trace holds at the location.
	pub claimed: Claimed,
	/// What the op reads to compute it, in any order.
	pub reads: Vec<Read>,
}

/// A proven fault.
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
pub enum Fault {
	/// One element is wrong.
	Element {
		/// Index of the op.
		entry: u32,
		/// Row-major index of the element.
		element: u64,
	},
	/// One chunk is wrong.
	Chunk {
		/// Index of the op.
		entry: u32,
		/// Index of the chunk.
		chunk: u64,
	},
}

/// Why a proof proves nothing.
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
pub enum ProofError {
	/// The bytes are not an encoded proof, or are too long.
	Malformed,
	/// No such op, element or chunk.
	NoSuchLocation,
	/// The record slice is not exactly the op's record.
	RecordPosition,
	/// The op's record is malformed.
	Record,
	/// A trace entry that is needed is not in the proof.
	MissingEntry,
	/// More slices or bytes than any judgement needs.
	TooLarge,
	/// The claimed value is not at the location, or only its hash is given for an element.
	Claimed,
	/// A read names an operand that the op does not have.
	NoSuchOperand,
	/// The op reads an element that the proof does not hold.
	MissingRead,
	/// The claimed value is what the op gives.
	NoFault,
	/// A slice does not belong to its committed root.
	Slice(TreeError),
}

impl fmt::Display for ProofError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			ProofError::Malformed => "not an encoded fault proof",
			ProofError::NoSuchLocation => "there is no such op, element or chunk",
			ProofError::RecordPosition => "the record is not that of the op",
			ProofError::Record => "the op's record is malformed",
			ProofError::MissingEntry => "a trace entry is missing",
			ProofError::TooLarge => "the proof is larger than any judgement needs",
			ProofError::Claimed => "the claimed value is not at the location",
			ProofError::NoSuchOperand => "the op has no such operand",
			ProofError::MissingRead => "an element that the op reads is missing",
			ProofError::NoFault => "the claimed value is right",
			ProofError::Slice(error) => return error.fmt(f),
		})
	}
}

impl core::error::Error for ProofError {}

impl From<TreeError> for ProofError {
	fn from(error: TreeError) -> ProofError {
		ProofError::Slice(error)
	}
}

impl FaultProof {
	/// Decodes a proof; every byte must be used.
	///
	/// Errors: [`ProofError::Malformed`] for anything else, or more than [`MAX_PROOF_BYTES`].
	pub fn from_bytes(_bytes: &[u8]) -> Result<FaultProof, ProofError> {
		todo!()
	}
}

/// Judges a proof under the commitments of a job.
///
/// Returns the fault when every part is authentic and the recomputed value differs from the
/// claimed one; [`ProofError::NoFault`] when they are equal.
pub fn verify_fault(_c: &Commitments, _proof: &FaultProof) -> Result<Fault, ProofError> {
	todo!()
}
