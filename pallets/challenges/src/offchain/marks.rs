//! What the worker remembers between blocks, in the node's off-chain database.
//!
//! Forgetting any of it costs work, never correctness: overlapping runs may overwrite each other.

use alloc::collections::BTreeMap;
use assay_primitives::JobId;
use assay_referee::Root;
use codec::{Decode, Encode};
use sp_runtime::offchain::storage::StorageValueRef;

/// Where the marks are kept.
const KEY: &[u8] = b"assay/challenges/marks";

/// Blocks after which something submitted without effect is submitted again.
const RESUBMIT_AFTER: u32 = 5;

/// What the worker remembers.
#[derive(Encode, Decode, Default)]
pub(super) struct Marks {
	/// What was submitted, and at which block.
	sent: BTreeMap<[u8; 16], u32>,
	/// The claims found right, and the root that was claimed.
	equal: BTreeMap<JobId, Root>,
	/// The job at which the watcher's last round ended.
	pub(super) watched: Option<JobId>,
	/// Likewise, of the operator's.
	pub(super) served: Option<JobId>,
}

impl Marks {
	/// What earlier runs remembered. A mark from the future is of another chain or fork.
	pub(super) fn load(block: u32) -> Self {
		let mut marks: Self =
			StorageValueRef::persistent(KEY).get().ok().flatten().unwrap_or_default();
		marks.sent.retain(|_, at| *at <= block && block - *at < RESUBMIT_AFTER);
		marks
	}

	/// Remember for later runs.
	pub(super) fn save(&self) {
		StorageValueRef::persistent(KEY).set(self);
	}

	/// Whether `name` was submitted in the last few blocks.
	pub(super) fn sent_lately(&self, name: &impl Encode, block: u32) -> bool {
		self.sent.get(&short(name)).is_some_and(|at| block.saturating_sub(*at) < RESUBMIT_AFTER)
	}

	/// Remember that `name` was submitted.
	pub(super) fn sent(&mut self, name: &impl Encode, block: u32) {
		self.sent.insert(short(name), block);
	}

	/// Whether the claim of `root` for `job` was found right.
	pub(super) fn is_equal(&self, job: JobId, root: &Root) -> bool {
		self.equal.get(&job) == Some(root)
	}

	/// Remember that the claim of `root` for `job` is right.
	pub(super) fn equal(&mut self, job: JobId, root: Root) {
		self.equal.insert(job, root);
	}

	/// Forget the claims of all jobs for which `keep` says no.
	pub(super) fn retain_equal(&mut self, keep: impl Fn(JobId) -> bool) {
		self.equal.retain(|job, _| keep(*job));
	}
}

/// A short name for a long one.
fn short(name: &impl Encode) -> [u8; 16] {
	name.using_encoded(sp_io::hashing::blake2_128)
}
