//! What refuting one element of an op may cost, known from its record alone.

use super::record::OpRecord;

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

/// Upper bound of what any one element of a valid record reads and costs.
pub fn leaf_bound(_op: &OpRecord) -> LeafBound {
	todo!()
}

/// Cost of computing the whole output, in multiply-adds: elements times terms, saturating.
pub fn units(op: &OpRecord) -> u64 {
	op.shape.elements().saturating_mul(leaf_bound(op).terms)
}
