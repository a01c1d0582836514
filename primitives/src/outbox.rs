//! What a worker has sent lately, in the node's off-chain database.
//!
//! The pool does not say what became of a transaction, so a worker believes only what a later block
//! shows, and sends again when nothing has changed for [`RESEND_AFTER`] blocks. What was sent on a
//! fork that was left counts as not sent: its signature names a block that is not of this chain.
//! Forgetting any of this costs a transaction that the pool refuses, never correctness.

use alloc::collections::BTreeMap;
use codec::{Decode, Encode};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, SubmitTransaction},
	pallet_prelude::BlockNumberFor,
};
use sp_runtime::{offchain::storage::StorageValueRef, SaturatedConversion};

/// Blocks after which something sent without effect is sent again.
pub const RESEND_AFTER: u32 = 4;

/// Most things remembered; beyond it the oldest are forgotten.
const MAX_SENT: usize = 16_384;

/// Which block something happened at: what tells forks apart.
///
/// It is the block whose state is read, not its parent: of two blocks with the same parent, what was
/// seen in the one may not be in the other. The executive tells workers, and only them, its hash.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BlockStamp {
	/// Number of the block.
	pub number: u32,
	/// First bytes of its hash.
	hash: [u8; 8],
}

impl BlockStamp {
	/// The stamp of the block whose state is read now.
	pub fn here<T: frame_system::Config>() -> Self {
		Self::of::<T>(frame_system::Pallet::<T>::block_number())
	}

	fn of<T: frame_system::Config>(number: BlockNumberFor<T>) -> Self {
		Self { number: number.saturated_into(), hash: hash_of::<T>(number) }
	}

	/// Whether the chain that is read now contains that block.
	pub fn is_of_this_chain<T: frame_system::Config>(&self) -> bool {
		let number: BlockNumberFor<T> = self.number.into();
		number <= frame_system::Pallet::<T>::block_number() && hash_of::<T>(number) == self.hash
	}
}

fn hash_of<T: frame_system::Config>(number: BlockNumberFor<T>) -> [u8; 8] {
	let hash = frame_system::Pallet::<T>::block_hash(number);
	let mut first = [0; 8];
	first.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
	first
}

/// What was sent in the last few blocks of this chain.
pub struct Outbox {
	place: &'static [u8],
	here: BlockStamp,
	sent: BTreeMap<[u8; 16], BlockStamp>,
	changed: bool,
}

impl Outbox {
	/// What earlier runs of the worker noted under `place`.
	pub fn load<T: frame_system::Config>(place: &'static [u8]) -> Self {
		let here = BlockStamp::here::<T>();
		let mut sent: BTreeMap<[u8; 16], BlockStamp> =
			StorageValueRef::persistent(place).get().ok().flatten().unwrap_or_default();
		// Few blocks, many messages: each block is looked up once.
		let mut of_this_chain = BTreeMap::<BlockStamp, bool>::new();
		sent.retain(|_, stamp| {
			here.number.checked_sub(stamp.number).is_some_and(|age| age < RESEND_AFTER)
				&& *of_this_chain
					.entry(*stamp)
					.or_insert_with(|| *stamp == here || stamp.is_of_this_chain::<T>())
		});
		Self { place, here, sent, changed: false }
	}

	/// Whether something named `name` was sent lately.
	pub fn sent_lately(&self, name: &impl Encode) -> bool {
		self.sent.contains_key(&short(name))
	}

	/// Note that something named `name` is sent now.
	pub fn note(&mut self, name: &impl Encode) {
		self.insert(name, self.here);
	}

	/// Note that something named `name` was refused: it is tried again in the next block, and not
	/// before.
	pub fn note_refused<T: frame_system::Config>(&mut self, name: &impl Encode) {
		let before = self.here.number.saturating_sub(RESEND_AFTER - 1);
		self.insert(name, BlockStamp::of::<T>(before.into()));
	}

	fn insert(&mut self, name: &impl Encode, stamp: BlockStamp) {
		self.changed = true;
		self.sent.insert(short(name), stamp);
		while self.sent.len() > MAX_SENT {
			let oldest = self.sent.iter().min_by_key(|(_, stamp)| **stamp).map(|(name, _)| *name);
			let Some(oldest) = oldest else { break };
			self.sent.remove(&oldest);
		}
	}

	/// Hand an authorised call to the pool, and note that the things it does, named so, are sent, or
	/// were refused. Returns whether the pool took it.
	pub fn send<T, C>(&mut self, names: &[impl Encode], call: C) -> bool
	where
		T: frame_system::Config + CreateAuthorizedTransaction<C>,
	{
		let transaction = T::create_authorized_transaction(call.into());
		let sent = SubmitTransaction::<T, C>::submit_transaction(transaction).is_ok();
		for name in names {
			if sent {
				self.note(name);
			} else {
				self.note_refused::<T>(name);
			}
		}
		sent
	}

	/// Remember it for later runs.
	pub fn save(&self) {
		if self.changed {
			StorageValueRef::persistent(self.place).set(&self.sent);
		}
	}
}

/// A short name for a long one.
fn short(name: &impl Encode) -> [u8; 16] {
	name.using_encoded(sp_io::hashing::blake2_128)
}
