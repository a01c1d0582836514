//! Which answers this node found right, in its off-chain database.
//!
//! Whether an output is that of a model on an input does not depend on the chain, nor on who claims
//! it. So a mark counts for every claim of the same answer, on every fork and after a restart, and a
//! flood of equal claims costs a read each.
//!
//! The marks are a table of [`SLOTS`] places. The first bytes of a mark say which place is its own,
//! and a later mark takes the place of an earlier one: a lost mark costs a run, and nothing has to be
//! counted, ordered or cleared.

use assay_host::worker;
use codec::Encode;
use frame_support::traits::Get;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::storage::StorageValueRef;

use crate::{ClaimOf, Config};

/// Where the table is kept.
const PLACE: &[u8] = b"assay/challenges/right";

/// Most marks kept: 4 MiB with their keys.
const SLOTS: u32 = 65_536;

/// The mark of one answer.
pub(super) struct Mark([u8; 32]);

impl Mark {
	/// The mark of the answer that `claim` gives: model, input root and output root. Another runtime may
	/// judge by other rules and another build of the engine may compute something else, where a kernel was
	/// mended: marks outlive neither.
	pub(super) fn of<T: Config>(claim: &ClaimOf<T>) -> Self {
		let rules = (T::Version::get().spec_version, worker::build());
		let answer = (rules, claim.model, claim.input_root, claim.output_root);
		Self(answer.using_encoded(blake2_256))
	}

	/// Whether the answer was found right before.
	pub(super) fn is_noted(&self) -> bool {
		let kept = self.with_place(|place| place.get::<[u8; 32]>());
		kept.ok().flatten().is_some_and(|mark| mark == self.0)
	}

	/// Note that the answer was found right.
	pub(super) fn note(&self) {
		self.with_place(|place| place.set(&self.0));
	}

	fn with_place<R>(&self, act: impl FnOnce(StorageValueRef) -> R) -> R {
		let [first, second, third, fourth, ..] = self.0;
		let slot = u32::from_le_bytes([first, second, third, fourth]) % SLOTS;
		let key = (PLACE, slot).encode();
		act(StorageValueRef::persistent(&key))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::offchain::{testing::TestOffchainExt, OffchainDbExt};

	/// The mark of some answer.
	fn mark(number: u32) -> Mark {
		Mark(number.using_encoded(blake2_256))
	}

	#[test]
	fn marks_are_capped_and_never_mistaken() {
		let (offchain, _state) = TestOffchainExt::new();
		let mut ext = sp_io::TestExternalities::default();
		ext.register_extension(OffchainDbExt::new(offchain));
		ext.execute_with(|| {
			let noted = 2 * SLOTS;
			(0..noted).for_each(|number| mark(number).note());
			assert!(mark(noted - 1).is_noted());
			let known = (0..noted).filter(|number| mark(*number).is_noted()).count();
			assert!((SLOTS / 2..=SLOTS).contains(&(known as u32)), "{known}");
			assert!(!(noted..2 * noted).any(|number| mark(number).is_noted()));
		});
	}
}
