//! Fault proofs: one element or chunk of a trace tensor is not what its op gives.
//!
//! A proof carries every byte that the judgement needs, each authenticated under a root that was
//! fixed before the dispute: the op's record under the program's root, the trace entries, the
//! claimed value, and the chunks of operands that the element function reads. Verification
//! recomputes the value with [`crate::Soft`] and accepts only when it differs.

mod cost;
mod reader;

pub use self::cost::{proof_cost, ProofCost, FUNCTION_OPERATIONS};

use self::reader::ProofReader;
use crate::{
	element::element as compute, encode_value, leaf_bound, opening::entry_in, tree, Arith,
	Commitments, OpRecord, OpeningError, Place, Root, Slice, Soft, Source, TreeError, CHUNK_BYTES,
	MAX_LEAF_BYTES, MAX_OPERANDS, MAX_SPANS, MAX_TERMS,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use core::ops::Range;
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

impl From<OpeningError> for ProofError {
	fn from(error: OpeningError) -> ProofError {
		match error {
			OpeningError::Slice(error) => ProofError::Slice(error),
			OpeningError::Parts => ProofError::RecordPosition,
			_ => ProofError::Record,
		}
	}
}

impl FaultProof {
	/// Decodes a proof; every byte must be used.
	///
	/// # Errors
	/// [`ProofError::Malformed`] for anything else, or more than [`MAX_PROOF_BYTES`].
	pub fn from_bytes(bytes: &[u8]) -> Result<FaultProof, ProofError> {
		if bytes.len() > MAX_PROOF_BYTES as usize {
			return Err(ProofError::Malformed);
		}
		FaultProof::decode_all(&mut &bytes[..]).map_err(|_| ProofError::Malformed)
	}
}

/// Judges a proof under the commitments of a job.
///
/// Returns the fault when every part is authentic and the recomputed value differs from the
/// claimed one.
///
/// # Errors
/// [`ProofError::NoFault`] when they are equal; else which part is missing, too large or not authentic.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // y = -x, of which the operator says that it is -1, -2, -4 where x is 1, 2, 3.
/// let port = TensorSpec::new(DType::I32, Shape::new(&[3])?);
/// let x = Operand::input(0, port.dtype, port.shape);
/// let op = OpRecord::new(OpKind::Unary(UnaryFn::Neg), port.dtype, port.shape, [x]);
/// let program = Program::new(0, vec![port], vec![port], vec![op]).encode()?;
/// let bytes = |x: [i32; 3]| x.map(i32::to_le_bytes).concat();
/// let (input, claimed) = (bytes([1, 2, 3]), bytes([-1, -2, -4]));
/// // The trace of one op is the root of its output.
/// let trace = tree::hash(&claimed);
/// let commitments = Commitments {
///     program_root: tree::hash(&program),
///     n_ops: 1,
///     weights_root: tree::hash(&[]),
///     weights_len: 0,
///     input_root: tree::hash(&input),
///     input_len: 12,
///     trace_root: tree::hash(&trace),
/// };
/// let proof = FaultProof {
///     entry: 0,
///     at: Location::Element(2),
///     record: Slice::make(&program, 1, 1)?,
///     entries: vec![Slice::make(&trace, 0, 1)?],
///     claimed: Claimed::Bytes(Slice::make(&claimed, 0, 1)?),
///     reads: vec![Read { operand: 0, slice: Slice::make(&input, 0, 1)? }],
/// };
/// assert_eq!(verify_fault(&commitments, &proof)?, Fault::Element { entry: 0, element: 2 });
/// // The element before it is right.
/// let other = FaultProof { at: Location::Element(1), ..proof };
/// assert_eq!(verify_fault(&commitments, &other), Err(ProofError::NoFault));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_fault(c: &Commitments, proof: &FaultProof) -> Result<Fault, ProofError> {
	judge::<Soft>(c, proof)
}

/// [`verify_fault`] with another arithmetic, which must give the same bits.
fn judge<A: Arith>(c: &Commitments, proof: &FaultProof) -> Result<Fault, ProofError> {
	let entry = proof.entry;
	if entry >= c.n_ops {
		return Err(ProofError::NoSuchLocation);
	}
	let record = c.record(entry, &proof.record)?;
	if proof.entries.len() > MAX_OPERANDS + 1 {
		return Err(ProofError::TooLarge);
	}
	for slice in &proof.entries {
		slice.verify(&c.trace_root, c.trace_len())?;
	}
	let claim = Claim::authenticate(&c.place(entry), &record, proof)?;
	let mut reader = authenticate_reads(c, &record, proof)?;
	match proof.at {
		Location::Element(element) => {
			let value = compute::<A, _>(&record, element, &mut reader)?;
			let mut bytes = [0; 8];
			let _ = encode_value(record.dtype, value, &mut bytes);
			let size = record.dtype.size();
			let start = (element * size % CHUNK_BYTES) as usize;
			if !claim.differs(start, &bytes[..size as usize]) {
				return Err(ProofError::NoFault);
			}
			Ok(Fault::Element { entry, element })
		},
		Location::Chunk(chunk) => {
			let bytes = compute_chunk::<A>(&record, chunk, &mut reader)?;
			if !claim.differs(0, &bytes) {
				return Err(ProofError::NoFault);
			}
			Ok(Fault::Chunk { entry, chunk })
		},
	}
}

/// What the trace holds in one chunk of the tensor, authenticated.
enum Claim<'a> {
	Bytes(&'a [u8]),
	/// The chaining value of the chunk at this index.
	Cv(u64, &'a Root),
	/// The root of a tensor of one chunk.
	Root(&'a Root),
}

impl<'a> Claim<'a> {
	/// Checks the location, its cost, and that the claimed value is what the trace holds there.
	fn authenticate(
		place: &Place,
		record: &OpRecord,
		proof: &'a FaultProof,
	) -> Result<Claim<'a>, ProofError> {
		let len = record.bytes();
		let bound = leaf_bound(record, place);
		let (chunk, terms, limit) = match proof.at {
			Location::Element(element) if element < record.shape.elements() => {
				(element * record.dtype.size() / CHUNK_BYTES, bound.terms, MAX_TERMS)
			},
			Location::Chunk(chunk) if chunk < tree::chunk_count(len) => {
				let elements = elements_of(record, chunk);
				(chunk, bound.terms * (elements.end - elements.start), MAX_CHUNK_TERMS)
			},
			_ => return Err(ProofError::NoSuchLocation),
		};
		if terms > limit || !bound.is_within_limits() {
			return Err(ProofError::TooLarge);
		}
		let root = root_of(proof, proof.entry)?;
		match &proof.claimed {
			Claimed::Bytes(slice) => {
				if slice.start != chunk || slice.data.len() as u64 > CHUNK_BYTES {
					return Err(ProofError::Claimed);
				}
				slice.verify(&root, len)?;
				Ok(Claim::Bytes(&slice.data))
			},
			Claimed::Cv { index, cv, path } => {
				if *index != chunk || matches!(proof.at, Location::Element(_)) {
					return Err(ProofError::Claimed);
				}
				tree::verify_path(&root, len, &(chunk..chunk + 1), *cv, path)?;
				Ok(if len <= CHUNK_BYTES { Claim::Root(cv) } else { Claim::Cv(chunk, cv) })
			},
		}
	}

	/// Whether `bytes`, at `start` in the chunk (the whole chunk for a hash), are not as claimed.
	fn differs(&self, start: usize, bytes: &[u8]) -> bool {
		match *self {
			Claim::Bytes(claimed) => claimed.get(start..start + bytes.len()) != Some(bytes),
			Claim::Cv(chunk, cv) => tree::chunk_cv(bytes, chunk) != *cv,
			Claim::Root(root) => tree::hash(bytes) != *root,
		}
	}
}

/// The elements of a chunk of the output.
fn elements_of(record: &OpRecord, chunk: u64) -> Range<u64> {
	let per_chunk = CHUNK_BYTES / record.dtype.size();
	let start = chunk * per_chunk;
	start..record.shape.elements().min(start + per_chunk)
}

fn compute_chunk<A: Arith>(
	record: &OpRecord,
	chunk: u64,
	reader: &mut ProofReader<'_>,
) -> Result<Vec<u8>, ProofError> {
	let mut bytes = Vec::with_capacity(CHUNK_BYTES as usize);
	for index in elements_of(record, chunk) {
		let value = compute::<A, _>(record, index, reader)?;
		bytes.extend_from_slice(&value.to_le_bytes()[..record.dtype.size() as usize]);
	}
	Ok(bytes)
}

/// The trace entry, from the slices of the trace.
fn root_of(proof: &FaultProof, entry: u32) -> Result<Root, ProofError> {
	let mut found = proof.entries.iter().filter_map(|slice| entry_in(slice, entry));
	found.next().ok_or(ProofError::MissingEntry)
}

/// Checks every read under its operand's root and gives a reader of them.
fn authenticate_reads<'a>(
	c: &Commitments,
	record: &OpRecord,
	proof: &'a FaultProof,
) -> Result<ProofReader<'a>, ProofError> {
	let bytes: u64 = proof.reads.iter().map(|read| read.slice.data.len() as u64).sum();
	if proof.reads.len() > MAX_SPANS as usize || bytes > MAX_LEAF_BYTES {
		return Err(ProofError::TooLarge);
	}
	let mut reader = ProofReader::new(record);
	for read in &proof.reads {
		let operand = usize::from(read.operand);
		let source = record.operands.get(operand).ok_or(ProofError::NoSuchOperand)?;
		let (root, len) = match source.source {
			Source::Op(producer) => (root_of(proof, producer)?, source.bytes()),
			Source::Input(_) => (c.input_root, c.input_len),
			Source::Weight(_) => (c.weights_root, c.weights_len),
		};
		read.slice.verify(&root, len)?;
		reader.add(operand, &read.slice);
	}
	reader.order();
	Ok(reader)
}

#[cfg(test)]
pub(crate) mod tests;
