//! Those who choose when to act.

use super::deadline;
use crate::world::{Actor, View};
use assay_runtime::{BlockNumber, RuntimeCall, UncheckedExtrinsic};
use codec::Encode;
use std::collections::BTreeMap;

/// Holds everything that has a deadline back until the last block at which it counts.
pub struct Late {
	inner: Box<dyn Actor>,
	holds: fn(&RuntimeCall) -> bool,
	held: BTreeMap<Vec<u8>, UncheckedExtrinsic>,
}

impl Late {
	/// Somebody who does everything late.
	pub fn always(inner: Box<dyn Actor>) -> Self {
		Self::in_what(inner, |_| true)
	}

	/// Somebody who opens challenges late, and is quick in everything else.
	pub fn in_opening(inner: Box<dyn Actor>) -> Self {
		Self::in_what(inner, |call| {
			matches!(call, RuntimeCall::Challenges(pallet_challenges::Call::open { .. }))
		})
	}

	fn in_what(inner: Box<dyn Actor>, holds: fn(&RuntimeCall) -> bool) -> Self {
		Self { inner, holds, held: BTreeMap::new() }
	}
}

/// What a transaction does, however often it is made.
fn what(call: &RuntimeCall) -> Vec<u8> {
	let mut call = call.clone();
	if let Some(auth) = crate::chain::authorization_of(&mut call) {
		*auth = None;
	}
	call.encode()
}

impl Actor for Late {
	fn name(&self) -> &str {
		self.inner.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let before = view.sent_so_far();
		self.inner.act(view);
		for transaction in view.take_sent(before) {
			let call = transaction.function.clone();
			if (self.holds)(&call) && view.read(|| deadline(&call)).is_some() {
				self.held.insert(what(&call), transaction);
			} else {
				view.send(transaction);
			}
		}
		let next = view.now() + 1;
		let mut kept = BTreeMap::new();
		for (what, transaction) in std::mem::take(&mut self.held) {
			match view.read(|| deadline(&transaction.function)) {
				Some(last) if next < last => {
					kept.insert(what, transaction);
				},
				Some(_) => view.send(transaction),
				// Decided without it.
				None => {},
			}
		}
		self.held = kept;
	}
}

/// Does nothing before a certain block.
pub struct Sleeper {
	inner: Box<dyn Actor>,
	until: BlockNumber,
}

impl Sleeper {
	/// Somebody who begins with the block `until`.
	pub fn new(inner: Box<dyn Actor>, until: BlockNumber) -> Self {
		Self { inner, until }
	}
}

impl Actor for Sleeper {
	fn name(&self) -> &str {
		self.inner.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		if view.now() >= self.until {
			self.inner.act(view);
		}
	}
}
