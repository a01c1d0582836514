//! What refuting one element of an op may cost, known from its record and its place in the program.

use super::record::{Bias, BinaryFn, OpKind, OpRecord, Operand, ScatterFn, Source, UnaryFn};
use super::{conv, pool, recur, size};
use crate::{CHUNK_BYTES, MAX_PROOF_BYTES};
use alloc::vec;
use alloc::vec::Vec;

/// Most separate runs of chunks one element may read.
pub const MAX_SPANS: u32 = 64;

/// Most bytes, counted in whole chunks, that one element may read.
pub const MAX_LEAF_BYTES: u64 = 192 * 1024;

/// Most terms one element may take; also the longest reduction.
pub const MAX_TERMS: u64 = 16_384;

/// Where an op stands in a program, which decides, with its record, how long its fault proofs are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
	/// Index of the op.
	pub entry: u32,
	/// Number of ops of the program.
	pub n_ops: u32,
	/// Bytes of the weights.
	pub weights_len: u64,
	/// Bytes of a job's input.
	pub input_len: u64,
}

impl Place {
	/// The place of an op in the smallest program that has what it reads.
	pub fn alone(op: &OpRecord) -> Place {
		let mut place = Place { entry: 0, n_ops: 1, weights_len: 0, input_len: 0 };
		for (at, operand) in op.operands.iter().enumerate() {
			let end = operand.base().saturating_add(operand.bytes());
			match operand.source {
				Source::Op(_) if op.self_operand() == Some(at) => {},
				Source::Op(producer) => place.entry = place.entry.max(producer.saturating_add(1)),
				Source::Input(_) => place.input_len = place.input_len.max(end),
				Source::Weight(_) => place.weights_len = place.weights_len.max(end),
			}
		}
		place.n_ops = place.entry.saturating_add(1);
		place
	}
}

/// Upper bound of what computing one output element reads and costs, and of the proof that it is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafBound {
	/// Runs of contiguous 1 KiB chunks.
	pub spans: u32,
	/// Bytes of those chunks.
	pub bytes: u64,
	/// Multiply-adds, or what costs as much.
	pub terms: u64,
	/// Bytes of the encoded [`crate::FaultProof`]: the chunks, the hashes beside them, the op's record,
	/// the trace entries and the claimed chunk.
	pub proof: u64,
}

impl LeafBound {
	/// Whether an element this costly may be judged on chain.
	pub const fn is_within_limits(&self) -> bool {
		self.spans <= MAX_SPANS
			&& self.bytes <= MAX_LEAF_BYTES
			&& self.terms <= MAX_TERMS
			&& self.proof <= MAX_PROOF_BYTES as u64
	}
}

/// What a correctly rounded function costs, in multiply-adds.
pub(super) const FUNCTION_TERMS: u64 = 64;

/// What an element reads at most of one of its operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadBound {
	/// The operand: one of this set, bit `i` for operand `i`.
	pub(super) of: u16,
	/// Runs of chunks.
	pub(super) spans: u64,
	/// Bytes of those chunks.
	pub(super) bytes: u64,
}

impl ReadBound {
	/// So many runs of chunks, with so many bytes, of one of these operands.
	pub(super) fn new<const N: usize>(of: [usize; N], spans: u64, bytes: u64) -> ReadBound {
		ReadBound { of: of.iter().fold(0, |set, operand| set | 1 << operand), spans, bytes }
	}

	/// Single elements, each in a chunk of its own, of one of these operands.
	pub(super) fn singles<const N: usize>(of: [usize; N], count: u64) -> ReadBound {
		ReadBound::new(of, count, count * CHUNK_BYTES)
	}

	/// A row of `count` elements of `size` bytes of one operand.
	pub(super) fn row(of: usize, count: u64, size: u64) -> ReadBound {
		ReadBound::new([of], 1, run(count, size))
	}
}

/// Upper bound of what any one element of a valid record reads and costs, and of its proof, in a program
/// where it stands at `place`.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // An element of a product reads 300 numbers of either operand: 1,200 bytes in up to 3 chunks.
/// let operand = |dims| Shape::new(dims).map(|shape| Operand::input(0, DType::F32, shape));
/// let kind = OpKind::MatMul { bias: Bias::None };
/// let operands = [operand(&[1, 4, 300])?, operand(&[1, 8, 300])?];
/// let op = OpRecord::new(kind, DType::F32, Shape::new(&[1, 4, 8])?, operands);
/// let bound = leaf_bound(&op, &Place::alone(&op));
/// assert_eq!((bound.terms, bound.spans, bound.bytes), (300, 2, 2 * 3 * 1024));
/// assert!(bound.is_within_limits());
/// # Ok::<(), ShapeError>(())
/// ```
pub fn leaf_bound(op: &OpRecord, place: &Place) -> LeafBound {
	let parts = parts(op);
	let sum = |of: fn(&ReadBound) -> u64| parts.iter().map(of).fold(0, u64::saturating_add);
	LeafBound {
		spans: u32::try_from(sum(|part| part.spans)).unwrap_or(u32::MAX),
		bytes: sum(|part| part.bytes),
		terms: leaf_terms(op),
		proof: size::proof_bytes(op, place, &parts),
	}
}

/// What any one element of a valid record reads at most.
pub(super) fn parts(op: &OpRecord) -> Vec<ReadBound> {
	let size = |operand: usize| op.operands.get(operand).map_or(1, |o| o.dtype.size());
	let k = op.operands.first().map_or(1, |o| u64::from(o.shape.last()));
	let single = |operand: usize| ReadBound::singles([operand], 1);
	if let Some([first, expression]) = op.apart(0) {
		let mut all = parts(&first);
		let own = first.operands.len();
		// The expression's first operand is not read but computed.
		all.extend((1..expression.operands.len()).map(|operand| single(own + operand - 1)));
		return all;
	}
	match op.kind {
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Unfold { .. }
		| OpKind::Cast
		| OpKind::RoundTo { .. }
		| OpKind::Unary(_) => vec![single(0)],
		OpKind::Concat { .. } | OpKind::Pack => {
			let of = (0..op.operands.len()).fold(0, |set, operand| set | 1 << operand);
			vec![ReadBound { of, ..single(0) }]
		},
		OpKind::Gather { .. } | OpKind::Binary(_) => vec![single(0), single(1)],
		// The condition and the branch it takes.
		OpKind::Select => vec![single(0), ReadBound::singles([1, 2], 1)],
		OpKind::MatMul { bias } => {
			let mut all = vec![ReadBound::row(0, k, 4), ReadBound::row(1, k, 4)];
			all.extend((bias != Bias::None).then(|| single(2)));
			all
		},
		OpKind::MatMulInteger => {
			vec![ReadBound::row(0, k, 1), ReadBound::row(1, k, 1), single(2), single(3)]
		},
		OpKind::Scatter(function) => {
			let count = op.operands.get(1).map_or(1, |o| u64::from(o.shape.last()));
			let indices = ReadBound::row(1, count, size(1));
			// The last update that hits is the value; to be combined, all may have to be read.
			match function {
				ScatterFn::Replace => vec![indices, ReadBound::singles([0, 2], 1)],
				_ => vec![indices, single(0), ReadBound::row(2, count, size(2))],
			}
		},
		OpKind::Reduce(_) | OpKind::ArgMax | OpKind::TopK { .. } => {
			vec![ReadBound::row(0, k, size(0))]
		},
		OpKind::Recur { cell } => recur::parts(&op.shape, cell),
		OpKind::Conv(conv) => conv::parts(op, &conv),
		OpKind::Pool(pool) => pool::parts(op, &pool),
		OpKind::Map(_) => (0..op.operands.len()).map(single).collect(),
		OpKind::MapReduce { k, .. } => {
			let part = |(at, operand): (usize, &Operand)| match operand.shape.last() {
				1 => single(at),
				_ => ReadBound::row(at, k.into(), operand.dtype.size()),
			};
			op.operands.iter().enumerate().map(part).collect()
		},
	}
}

/// Upper bound of what computing any one element of a valid record costs, in multiply-adds; see
/// [`LeafBound::terms`].
pub fn leaf_terms(op: &OpRecord) -> u64 {
	if let Some([first, expression]) = op.apart(0) {
		return leaf_terms(&first).saturating_add(leaf_terms(&expression));
	}
	let k = op.operands.first().map_or(1, |o| u64::from(o.shape.last()));
	match op.kind {
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Concat { .. }
		| OpKind::Unfold { .. }
		| OpKind::Cast
		| OpKind::RoundTo { .. }
		| OpKind::Pack
		| OpKind::Gather { .. }
		| OpKind::Select => 1,
		OpKind::Unary(function) => unary_terms(function),
		OpKind::Binary(BinaryFn::Pow | BinaryFn::Mod) => FUNCTION_TERMS,
		OpKind::Binary(_) => 1,
		OpKind::MatMul { .. }
		| OpKind::MatMulInteger
		| OpKind::Reduce(_)
		| OpKind::ArgMax
		| OpKind::TopK { .. } => k,
		OpKind::Scatter(function) => {
			let count = op.operands.get(1).map_or(1, |o| u64::from(o.shape.last()));
			match function {
				ScatterFn::Replace => count,
				_ => 2 * count,
			}
		},
		OpKind::Recur { cell } => recur::leaf_terms(&op.shape, cell),
		// Finding the pixels costs up to a quarter of the multiply-adds, measured in Wasm.
		OpKind::Conv(_) => k + k.div_ceil(4),
		// Finding an element costs up to a quarter of what combining it does.
		OpKind::Pool(pool) => pool.terms() + pool.terms().div_ceil(4),
		OpKind::Map(_) => expression_terms(op),
		// Going from step to step costs as much as a cheap one, by the bench `judge`.
		OpKind::MapReduce { k, steps, .. } => {
			u64::from(k) * (expression_terms(op) + steps.as_slice().len() as u64 + 1)
		},
	}
}

/// Bytes of the chunks that `count` contiguous elements of `size` bytes can touch at most.
pub(super) fn run(count: u64, size: u64) -> u64 {
	// The worst start is the last element of a chunk.
	(CHUNK_BYTES - size + count * size).div_ceil(CHUNK_BYTES) * CHUNK_BYTES
}

/// Runs of chunks that a window can touch at most, and their bytes: `lines`, each of so many pieces of
/// `(pieces, elements, step)`, of which neighbours that lie no further apart than a chunk form one run,
/// but never more than the `region` of elements it lies in has.
pub(super) fn windows(
	lines: u64,
	(pieces, piece, step): (u64, u64, u64),
	region: u64,
	size: u64,
) -> (u64, u64) {
	let (runs, bytes) = if (step - piece + 1) * size <= CHUNK_BYTES {
		(1, run((pieces - 1) * step + piece, size))
	} else {
		(pieces, pieces * run(piece, size))
	};
	let all = run(region, size);
	let runs = lines.saturating_mul(runs).min((all / CHUNK_BYTES).div_ceil(2));
	(runs, lines.saturating_mul(bytes).min(all))
}

/// What all steps of an expression cost for one of its elements.
fn expression_terms(op: &OpRecord) -> u64 {
	op.expression(|at| at as u32).iter().map(leaf_terms).sum()
}

fn unary_terms(function: UnaryFn) -> u64 {
	if function.is_elementary() {
		FUNCTION_TERMS
	} else {
		1
	}
}

/// Cost of computing the whole output, in multiply-adds, saturating: elements times terms, except
/// where a row is computed at once for less.
pub fn units(op: &OpRecord) -> u64 {
	if let Some([first, expression]) = op.apart(0) {
		return units(&first).saturating_add(units(&expression));
	}
	let elements = |operand: usize| op.operands.get(operand).map_or(1, |o| o.shape.elements());
	match op.kind {
		OpKind::Scatter(_) => op.shape.elements() + elements(2),
		// An engine copies the windows once for many products.
		OpKind::Conv(_) => {
			let k = op.operands.first().map_or(1, |o| u64::from(o.shape.last()));
			op.shape.elements().saturating_mul(k)
		},
		// Ordering 16,384 elements, the most, takes some 14 comparisons of each.
		OpKind::TopK { .. } => elements(0).saturating_mul(14),
		_ => op.shape.elements().saturating_mul(leaf_terms(op)),
	}
}
