//! What operators owe, of whatever kind, in one queue.
//!
//! Traces and openings are owed in disputes, pieces of outputs to requesters. All of it goes through
//! the same blocks and the same machines, so one queue says by when which of it can be expected.

/// Bytes that one slot of the queue has room for: the largest opening, a node of 1,024 children.
pub const SLOT_BYTES: u32 = 32 * 1024;

/// The queue of what operators owe, as a pallet sees it that adds to it.
///
/// N debts put a deadline off by what N debts take and no more. So who demands much buys delay, and
/// nobody's stake: whoever works its debts off in the order of their deadlines, at the rates that are
/// expected, is never late.
pub trait Backlog<AccountId, BlockNumber> {
	/// Put `slots` more behind what `operator`, and all operators, owe already, for which the operator
	/// computes for `micros` microseconds first. Returns the block by which all of it is worked off.
	fn put(operator: &AccountId, slots: u32, micros: u64) -> BlockNumber;

	/// Forget the place of `operator` in the queue if it is in the past, where it means nothing. Call it
	/// when a debt is over.
	fn tidy(operator: &AccountId);
}
