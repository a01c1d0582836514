//! Authors of blocks who do not take everything.

use crate::world::{is_free, Author, Fair, Pending};
use assay_runtime::{BlockNumber, RuntimeCall};

/// Leaves out what it does not like, and is fair otherwise.
pub struct Picky {
	/// Whether it leaves this out of that block.
	pub drops: fn(BlockNumber, &Pending) -> bool,
}

impl Author for Picky {
	fn order(&mut self, at: BlockNumber, pool: &[Pending]) -> Vec<Pending> {
		let liked: Vec<Pending> =
			pool.iter().filter(|pending| !(self.drops)(at, pending)).cloned().collect();
		Fair.order(at, &liked)
	}
}

/// Whether a transaction is part of a dispute.
pub fn is_dispute(pending: &Pending) -> bool {
	matches!(pending.transaction.function, RuntimeCall::Challenges(_))
}

/// Whether it is a free answer: the operator's own.
pub fn is_own_answer(pending: &Pending) -> bool {
	let call = &pending.transaction.function;
	is_free(&pending.transaction)
		&& matches!(call, RuntimeCall::Challenges(pallet_challenges::Call::answer { .. }))
}

/// Whether it takes jobs.
pub fn is_accept(pending: &Pending) -> bool {
	let call = &pending.transaction.function;
	matches!(call, RuntimeCall::Jobs(pallet_jobs::Call::accept { .. }))
}

/// Puts what pays a tip before everything else: signed transactions first, however urgent the others.
pub struct Venal;

impl Author for Venal {
	fn order(&mut self, at: BlockNumber, pool: &[Pending]) -> Vec<Pending> {
		let mut order = Fair.order(at, pool);
		order.sort_by_key(|pending| is_free(&pending.transaction));
		order
	}
}
