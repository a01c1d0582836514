//! What a watcher remembers of the claims it has looked at, in the node's off-chain database.
//!
//! By page: how many of its claims are looked at, and whether all are. It counts for one chain: on
//! another fork the same page may hold other claims, so a memory from a block that is not of this
//! chain is dropped. What is true on every chain is in [`Mark`](super::marks::Mark).

use alloc::collections::BTreeMap;
use assay_primitives::{BlockStamp, PageKey};
use codec::{Decode, Encode};
use sp_runtime::offchain::storage::StorageValueRef;

use crate::Config;

/// Where it is kept.
const PLACE: &[u8] = b"assay/challenges/done";

/// Most pages remembered; beyond it those are forgotten that are due last.
const MAX_PAGES: usize = 16_384;

/// Blocks after which it is kept anew though nothing changed.
const KEPT_FOR: u32 = 64;

/// First bytes of a model's name, enough to tell the models of one engine apart.
type Model = [u8; 16];

/// What is known of pages.
type Pages = BTreeMap<(PageKey, Model), Progress>;

/// What is known of a page.
#[derive(Encode, Decode, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
	/// How many claims it named.
	pub(super) entries: u32,
	/// How many of these were found right.
	pub(super) right: u32,
	/// How many are still to be looked at.
	pub(super) unchecked: u32,
	/// Whether nothing is left to do for any of them.
	pub(super) done: bool,
}

/// What is known of all pages whose windows are open, by when these end.
pub(super) struct Done {
	pages: Pages,
	/// The block at which it was last kept, if it was.
	kept: Option<BlockStamp>,
	here: BlockStamp,
	changed: bool,
}

impl Done {
	/// What earlier runs noted on this chain.
	pub(super) fn load<T: Config>() -> Self {
		let here = BlockStamp::here::<T>();
		let kept: Option<(BlockStamp, Pages)> =
			StorageValueRef::persistent(PLACE).get().ok().flatten();
		let kept = kept.filter(|(stamp, _)| *stamp == here || stamp.is_of_this_chain::<T>());
		let (kept, pages) =
			kept.map_or((None, Pages::new()), |(stamp, pages)| (Some(stamp), pages));
		Self { pages, kept, here, changed: false }
	}

	/// Forget the pages whose windows are over in the block `next`. Returns how many of their claims
	/// were never looked at.
	pub(super) fn expire(&mut self, next: u32) -> u64 {
		let first = PageKey::new(next.saturating_add(1), 0);
		let rest = self.pages.split_off(&(first, Model::default()));
		let over = core::mem::replace(&mut self.pages, rest);
		self.changed |= !over.is_empty();
		over.values().map(|progress| u64::from(progress.unchecked)).sum()
	}

	/// What is known of a page.
	pub(super) fn of(&self, model: &[u8; 32], page: PageKey) -> Progress {
		self.pages.get(&(page, short(model))).copied().unwrap_or_default()
	}

	/// Note what is known of a page now.
	pub(super) fn note(&mut self, model: &[u8; 32], page: PageKey, progress: Progress) {
		let before = self.pages.insert((page, short(model)), progress);
		self.changed |= before != Some(progress);
		if self.pages.len() > MAX_PAGES {
			self.pages.pop_last();
		}
	}

	/// Remember it for later runs, if it is new or was kept long ago: the chain knows the hashes of
	/// late blocks only.
	pub(super) fn save(&self) {
		let age = self.kept.map(|stamp| self.here.number.saturating_sub(stamp.number));
		if self.changed || age.is_some_and(|age| age >= KEPT_FOR) {
			StorageValueRef::persistent(PLACE).set(&(self.here, &self.pages));
		}
	}
}

fn short(model: &[u8; 32]) -> Model {
	let mut first = Model::default();
	first.iter_mut().zip(model).for_each(|(to, from)| *to = *from);
	first
}
