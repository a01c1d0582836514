//! What judging a proof takes at most, known before it is judged.
//!
//! The limits of [`crate::leaf_bound`] say what an op's elements may cost at all; this says what one
//! given proof costs, so that whoever submits it pays for that and no more. All counts are upper
//! bounds of what [`verify_fault`](super::verify_fault) does, whatever bytes the proof has and whether
//! it is right or wrong, and cost next to nothing to find.

use super::{elements_of, Claimed, FaultProof, Location, MAX_CHUNK_TERMS};
use crate::{
	leaf_terms,
	tree::{chunk_count, CHUNK_BYTES, CV_BYTES},
	BinaryFn, OpKind, OpRecord, ScatterFn, Slice, StepFn, MAX_OPERANDS, MAX_PROOF_BYTES, MAX_SPANS,
	MAX_TERMS, RECORD_BYTES,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What judging a proof takes at most.
///
/// The work is what the six counts times six constants say, which a chain measures on its slowest
/// machine; docs/performance.md has those of one machine.
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
	Default,
)]
pub struct ProofCost {
	/// Bytes of the encoded proof, which are decoded and copied once.
	pub bytes: u64,
	/// Compressions of BLAKE3: one for every 64 bytes of a chunk begun, one for every two chaining
	/// values that are combined.
	pub compressions: u64,
	/// Output elements that are computed: one, or those of a chunk.
	pub elements: u64,
	/// Elements of operands that are found among the proof's slices and decoded.
	pub reads: u64,
	/// Multiply-adds, additions, comparisons and other steps of arithmetic of one or two numbers.
	pub terms: u64,
	/// Values of exp, tanh, pow and their like, each of up to [`FUNCTION_OPERATIONS`] of binary64.
	pub functions: u64,
}

/// Most operations of binary64 (additions, multiplications, divisions) of one elementary function.
pub const FUNCTION_OPERATIONS: u64 = 160;

/// Where the op's record lies in an encoded proof: after the entry, the location, the first chunk and
/// the length of the data.
const RECORD_AT: usize = 4 + 9 + 8 + 2;

impl ProofCost {
	/// Upper bound for any proof of so many encoded bytes.
	pub fn of_length(bytes: usize) -> ProofCost {
		let bytes = (bytes as u64).min(MAX_PROOF_BYTES.into());
		ProofCost {
			bytes,
			// A chaining value is the shortest that costs a compression, but for the last block and the
			// combination of a slice that is short, and a chunk that is computed and hashed.
			compressions: bytes.div_ceil(CV_BYTES as u64) + 3 * MOST_SLICES + BLOCKS + 1,
			elements: CHUNK_BYTES,
			..ProofCost::MOST_WORK
		}
	}

	/// The most that a location may cost to compute.
	const MOST_WORK: ProofCost = {
		// What is counted here is at most a few times what the limits count, but for reads (of up to all
		// operands for a step) and for what an element takes if it has hardly any terms.
		let terms = SELECTION * MAX_CHUNK_TERMS + 64 * CHUNK_BYTES;
		let reads = (MAX_OPERANDS as u64) * (MAX_CHUNK_TERMS + CHUNK_BYTES);
		let functions = MAX_CHUNK_TERMS / 64;
		ProofCost { bytes: 0, compressions: 0, elements: 0, reads, terms, functions }
	};

	/// Upper bound for the proof that these bytes encode, of which only the record and the location are
	/// looked at: for bytes that encode none, that of finding out.
	pub fn of_encoded(bytes: &[u8]) -> ProofCost {
		let most = ProofCost {
			elements: 0,
			reads: 0,
			terms: 0,
			functions: 0,
			..ProofCost::of_length(bytes.len())
		};
		let record = bytes.get(RECORD_AT..).and_then(|tail| tail.first_chunk::<RECORD_BYTES>());
		let at = bytes.get(4..13).and_then(|mut at| Location::decode(&mut at).ok());
		let op = record.and_then(|record| OpRecord::from_bytes(record).ok());
		match (op, at) {
			(Some(op), Some(at)) => {
				let ProofCost { elements, reads, terms, functions, .. } = computed(&op, at);
				ProofCost { elements, reads, terms, functions, ..most }
			},
			// Judging ends where no record is.
			_ => most,
		}
	}
}

impl FaultProof {
	/// What judging the proof takes at most.
	pub fn cost(&self) -> ProofCost {
		let record = self.record.data.first_chunk::<RECORD_BYTES>();
		match record.and_then(|record| OpRecord::from_bytes(record).ok()) {
			Some(record) => proof_cost(self, &record),
			// Judging ends when the record has been hashed.
			None => authenticated(self),
		}
	}
}

/// What judging a proof takes at most, where `record` is the op's.
pub fn proof_cost(proof: &FaultProof, record: &OpRecord) -> ProofCost {
	let ProofCost { bytes, compressions, .. } = authenticated(proof);
	let computed = computed(record, proof.at);
	let compressions = compressions + if computed.elements == 0 { 0 } else { BLOCKS };
	ProofCost { bytes, compressions, ..computed }
}

/// Compressions of a chunk.
const BLOCKS: u64 = CHUNK_BYTES / 64;

/// Most slices that are hashed: the record, the trace entries, the claimed chunk and what is read.
const MOST_SLICES: u64 = 1 + (MAX_OPERANDS as u64 + 1) + 1 + MAX_SPANS as u64;

/// Bytes and compressions of all that a proof holds.
fn authenticated(proof: &FaultProof) -> ProofCost {
	// More of them are refused unseen.
	let entries = proof.entries.iter().take(MAX_OPERANDS + 1);
	let reads = proof.reads.iter().take(MAX_SPANS as usize).map(|read| &read.slice);
	let slices = core::iter::once(&proof.record).chain(entries).chain(reads);
	let claimed = match &proof.claimed {
		Claimed::Bytes(slice) => compressions(slice),
		Claimed::Cv { path, .. } => path.len() as u64,
	};
	ProofCost {
		bytes: proof.encoded_size() as u64,
		compressions: slices.map(compressions).fold(claimed, u64::saturating_add),
		..ProofCost::default()
	}
}

/// Compressions that hashing a slice up to its root takes.
fn compressions(slice: &Slice) -> u64 {
	let data = slice.data.len() as u64;
	// Each value but the last is combined with another one.
	data.div_ceil(64).max(1) + chunk_count(data) + slice.siblings.len() as u64
}

/// What computing the elements at a location takes.
fn computed(record: &OpRecord, at: Location) -> ProofCost {
	let elements = record.shape.elements();
	let (elements, limit) = match at {
		Location::Element(element) => (u64::from(element < elements), MAX_TERMS),
		Location::Chunk(chunk) if chunk < chunk_count(record.bytes()) => {
			let elements = elements_of(record, chunk);
			(elements.end - elements.start, MAX_CHUNK_TERMS)
		},
		Location::Chunk(_) => (0, 0),
	};
	// What is beyond the limits is not computed.
	if elements == 0 || leaf_terms(record).saturating_mul(elements) > limit {
		return ProofCost::default();
	}
	let Work { reads, terms, functions } = work(record);
	ProofCost {
		elements,
		reads: elements.saturating_mul(reads),
		terms: elements.saturating_mul(terms),
		functions: elements.saturating_mul(functions),
		..ProofCost::default()
	}
}

/// What one element takes at most.
#[derive(Clone, Copy, Default, Debug)]
struct Work {
	reads: u64,
	terms: u64,
	functions: u64,
}

impl Work {
	const fn new(reads: u64, terms: u64) -> Work {
		Work { reads, terms, functions: 0 }
	}

	fn plus(self, other: Work) -> Work {
		Work {
			reads: self.reads.saturating_add(other.reads),
			terms: self.terms.saturating_add(other.terms),
			functions: self.functions.saturating_add(other.functions),
		}
	}

	fn times(self, count: u64) -> Work {
		Work {
			reads: self.reads.saturating_mul(count),
			terms: self.terms.saturating_mul(count),
			functions: self.functions.saturating_mul(count),
		}
	}
}

/// What one element of an op takes at most.
fn work(op: &OpRecord) -> Work {
	let own = own_work(op);
	match &op.epilogue {
		Some(steps) => {
			let beside = op.operands.len().saturating_sub(op.kind.own_operands().unwrap_or(0));
			let steps = steps.as_slice().iter().map(|step| step_work(step.function()));
			steps.fold(own.plus(Work::new(beside as u64, 0)), Work::plus)
		},
		None => own,
	}
}

fn own_work(op: &OpRecord) -> Work {
	let last = |operand: usize| op.operands.get(operand).map_or(1, |o| u64::from(o.shape.last()));
	let k = last(0);
	// Block sums, a bias.
	let sum = |k: u64| k + k.div_ceil(256) + 1;
	// Lanes of each block, block results.
	let fold = |k: u64| k + 32 * k.div_ceil(1024);
	match op.kind {
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Concat { .. }
		| OpKind::Unfold { .. }
		| OpKind::Pack => Work::new(1, 1),
		OpKind::Gather { .. } => Work::new(2, 1),
		OpKind::Unary(function) => Work::new(1, 0).plus(step_work(StepFn::Unary(function))),
		OpKind::Cast => Work::new(1, 0).plus(step_work(StepFn::Cast(op.dtype))),
		OpKind::RoundTo { format, overflow } => {
			Work::new(1, 0).plus(step_work(StepFn::RoundTo(format, overflow)))
		},
		OpKind::Binary(function) => Work::new(2, 0).plus(step_work(StepFn::Binary(function))),
		OpKind::Select => Work::new(2, 0).plus(step_work(StepFn::Select)),
		OpKind::MatMul { .. } => Work::new(2 * k + 1, sum(k)),
		OpKind::MatMulInteger => Work::new(2 * k + 2, k),
		OpKind::Reduce(_) => Work::new(k, fold(k)),
		OpKind::ArgMax => Work::new(k, k),
		OpKind::Scatter(function) => {
			let count = last(1);
			match function {
				ScatterFn::Replace => Work::new(count + 1, count),
				_ => Work::new(2 * count + 1, 2 * count),
			}
		},
		// Putting one in its place takes a few comparisons of each.
		OpKind::TopK { .. } => Work::new(k, SELECTION * k),
		OpKind::Recur { cell } => {
			let [dots, _, singles, functions] = crate::program::recur::counts(cell);
			let hidden = u64::from(op.shape.last());
			let dot = Work::new(2 * hidden + 2, sum(hidden) + 1);
			// Few are not: to form the state of the gates, at most four products and sums.
			let rest = Work { reads: singles + 1, terms: 6, functions };
			dot.times(dots).plus(rest)
		},
		// Finding the pixels costs as well.
		OpKind::Conv(_) => Work::new(2 * k + 1, sum(k) + k.div_ceil(4)),
		OpKind::Pool(pool) => {
			let terms = u64::from(pool.kernel[0]).saturating_mul(pool.kernel[1].into());
			let terms = terms.min(MAX_TERMS);
			Work::new(terms, fold(terms) + terms.div_ceil(4))
		},
		OpKind::Map(steps) => {
			let steps = steps.as_slice().iter().map(|step| step_work(step.function()));
			steps.fold(Work::new(op.operands.len() as u64, 0), Work::plus)
		},
		OpKind::MapReduce { k, steps, .. } => {
			let steps = steps.as_slice().iter().map(|step| step_work(step.function()));
			let each = steps.fold(Work::new(op.operands.len() as u64, 0), Work::plus);
			let k = u64::from(k);
			each.times(k).plus(Work::new(0, fold(k)))
		},
	}
}

/// Comparisons of each element when one is put in the place it has in order.
const SELECTION: u64 = 3;

/// What a step of an expression takes without the reads.
fn step_work(function: StepFn) -> Work {
	match function {
		StepFn::Unary(function) if function.is_elementary() => {
			Work { reads: 0, terms: 1, functions: 1 }
		},
		StepFn::Binary(BinaryFn::Pow | BinaryFn::Mod) => Work { reads: 0, terms: 1, functions: 1 },
		// A sign takes two comparisons.
		StepFn::Unary(_)
		| StepFn::Binary(_)
		| StepFn::Cast(_)
		| StepFn::Select
		| StepFn::RoundTo(..) => Work::new(0, 2),
	}
}
