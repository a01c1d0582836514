//! What refuting one element of an op may cost, known from its record alone.

use super::record::{Bias, BinaryFn, OpKind, OpRecord, Operand, ScatterFn, UnaryFn};
use super::{conv, pool, recur};
use crate::CHUNK_BYTES;

/// Most separate runs of chunks one element may read.
pub const MAX_SPANS: u32 = 64;

/// Most bytes, counted in whole chunks, that one element may read.
pub const MAX_LEAF_BYTES: u64 = 192 * 1024;

/// Most terms one element may take; also the longest reduction.
pub const MAX_TERMS: u64 = 16_384;

/// Upper bound of what computing one output element reads and costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafBound {
	/// Runs of contiguous 1 KiB chunks.
	pub spans: u32,
	/// Bytes of those chunks.
	pub bytes: u64,
	/// Multiply-adds, or what costs as much.
	pub terms: u64,
}

impl LeafBound {
	/// Whether an element this costly may be judged on chain.
	pub const fn is_within_limits(&self) -> bool {
		self.spans <= MAX_SPANS && self.bytes <= MAX_LEAF_BYTES && self.terms <= MAX_TERMS
	}
}

/// What a correctly rounded function costs, in multiply-adds.
pub(super) const FUNCTION_TERMS: u64 = 64;

/// Upper bound of what any one element of a valid record reads and costs.
pub fn leaf_bound(op: &OpRecord) -> LeafBound {
	let size = |operand: usize| op.operands.get(operand).map_or(1, |o| o.dtype.size());
	let k = op.operands.first().map_or(1, |o| u64::from(o.shape.last()));
	let single =
		|spans: u32, terms: u64| LeafBound { spans, bytes: u64::from(spans) * CHUNK_BYTES, terms };
	if let Some([first, expression]) = op.apart(0) {
		let (own, steps) = (leaf_bound(&first), leaf_bound(&expression));
		// The expression's first operand is not read but computed.
		return LeafBound {
			spans: own.spans.saturating_add(steps.spans - 1),
			bytes: own.bytes.saturating_add(steps.bytes - CHUNK_BYTES),
			terms: own.terms.saturating_add(steps.terms),
		};
	}
	match op.kind {
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Concat { .. }
		| OpKind::Unfold { .. }
		| OpKind::Cast
		| OpKind::RoundTo { .. }
		| OpKind::Pack => single(1, 1),
		OpKind::Gather { .. } => single(2, 1),
		OpKind::Unary(function) => single(1, unary_terms(function)),
		OpKind::Binary(BinaryFn::Pow | BinaryFn::Mod) => single(2, FUNCTION_TERMS),
		OpKind::Binary(_) => single(2, 1),
		// The condition and the branch it takes.
		OpKind::Select => single(2, 1),
		OpKind::MatMul { bias } => {
			let extra = if bias == Bias::None { 0 } else { 1 };
			let bytes = run(k, 4) * 2 + extra * CHUNK_BYTES;
			LeafBound { spans: 2 + extra as u32, bytes, terms: k }
		},
		OpKind::MatMulInteger => {
			LeafBound { spans: 4, bytes: run(k, 1) * 2 + 2 * CHUNK_BYTES, terms: k }
		},
		OpKind::Scatter(function) => {
			let count = op.operands.get(1).map_or(1, |o| u64::from(o.shape.last()));
			let indices = run(count, size(1));
			// The last update that hits is the value; to be combined, all may have to be read.
			match function {
				ScatterFn::Replace => {
					LeafBound { spans: 3, bytes: indices + 2 * CHUNK_BYTES, terms: count }
				},
				_ => {
					let bytes = indices + run(count, size(2)) + CHUNK_BYTES;
					LeafBound { spans: 3, bytes, terms: 2 * count }
				},
			}
		},
		OpKind::Reduce(_) | OpKind::ArgMax | OpKind::TopK { .. } => {
			LeafBound { spans: 1, bytes: run(k, size(0)), terms: k }
		},
		OpKind::Recur { cell } => recur::leaf_bound(&op.shape, cell),
		OpKind::Conv(conv) => conv::leaf_bound(op, &conv),
		OpKind::Pool(pool) => pool::leaf_bound(op, &pool),
		OpKind::Map(_) => single(op.operands.len() as u32, expression_terms(op)),
		OpKind::MapReduce { k, steps, .. } => {
			let k = u64::from(k);
			// Going from step to step costs as much as a cheap one, by the bench `judge`.
			let steps = steps.as_slice().len() as u64;
			let bytes = |operand: &Operand| match operand.shape.last() {
				1 => CHUNK_BYTES,
				_ => run(k, operand.dtype.size()),
			};
			LeafBound {
				spans: op.operands.len() as u32,
				bytes: op.operands.iter().map(bytes).sum(),
				terms: k * (expression_terms(op) + steps + 1),
			}
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
	let (runs, bytes) = match (step - piece + 1) * size <= CHUNK_BYTES {
		true => (1, run((pieces - 1) * step + piece, size)),
		false => (pieces, pieces * run(piece, size)),
	};
	let all = run(region, size);
	let runs = lines.saturating_mul(runs).min((all / CHUNK_BYTES).div_ceil(2));
	(runs, lines.saturating_mul(bytes).min(all))
}

/// What all steps of an expression cost for one of its elements.
fn expression_terms(op: &OpRecord) -> u64 {
	op.expression(|at| at as u32).iter().map(|step| leaf_bound(step).terms).sum()
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
		_ => op.shape.elements().saturating_mul(leaf_bound(op).terms),
	}
}
