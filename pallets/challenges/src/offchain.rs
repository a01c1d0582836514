//! The workers: what the node of an operator or of a watcher does in the game, by itself.
//!
//! Each run looks at the state of the best block, asks the engine for what it needs, submits what
//! is ready and returns. The engine answers in a later block what it cannot answer at once, so no
//! run waits. Nothing here writes to the chain's state.

mod marks;
mod operator;
mod watcher;

use assay_host::{worker, Answer, Request, Response};
use assay_primitives::{service::ServiceKey, Authorization, KeyOwners};
use codec::Encode;
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use sp_runtime::SaturatedConversion;

use crate::{Call, Config, LOG_TARGET};
use marks::Marks;

/// Most transactions that one run submits: about what the part of a block that is reserved for
/// disputes holds of the largest openings.
const MAX_SUBMISSIONS: u32 = 32;

/// Most jobs that one run looks at, per role.
const MAX_JOBS: u32 = 128;

/// The worker of block `block`.
pub(crate) fn run<T: Config>(block: BlockNumberFor<T>) {
	let roles = worker::roles();
	if !roles.operator && !roles.watcher {
		return;
	}
	let mut run = Run::<T>::new(block);
	if run.keys.is_empty() {
		log::debug!(
			target: LOG_TARGET,
			"nothing to do: no account has set a service key that is in this node's keystore",
		);
		return;
	}
	if roles.operator {
		operator::work(&mut run);
	}
	if roles.watcher {
		watcher::work(&mut run);
	}
	run.marks.save();
}

/// What one run of the worker knows and may still do.
struct Run<T: Config> {
	block: u32,
	/// The keys in the keystore that somebody registered, and who did.
	keys: alloc::vec::Vec<(ServiceKey, T::AccountId)>,
	marks: Marks,
	submissions: u32,
}

impl<T: Config> Run<T> {
	fn new(block: BlockNumberFor<T>) -> Self {
		let block = block.saturated_into();
		let keys = assay_primitives::authorization::local_keys()
			.into_iter()
			.filter_map(|key| T::KeyOwners::owner_of(&key).map(|owner| (key, owner)))
			.collect();
		Self { block, keys, marks: Marks::load(block), submissions: 0 }
	}

	/// The local key that acts for `who`.
	fn key_of(&self, who: &T::AccountId) -> Option<&ServiceKey> {
		self.keys.iter().find(|(_, owner)| owner == who).map(|(key, _)| key)
	}

	/// Whether something named `name` may be submitted: not if it was a moment ago, and not too
	/// much in one run.
	fn may_submit(&self, name: &impl Encode) -> bool {
		self.submissions < MAX_SUBMISSIONS && !self.marks.sent_lately(name, self.block)
	}

	/// Sign `args` for the call `tag` with `key` and submit the call that `build` makes. `name`
	/// tells what the call does, however often it is submitted. Whether it took effect shows in
	/// the state of a later block.
	fn submit<A: Encode>(
		&mut self,
		name: impl Encode,
		key: &ServiceKey,
		tag: &str,
		args: &A,
		build: impl FnOnce(Option<Authorization>) -> Call<T>,
	) -> bool {
		if !self.may_submit(&name) {
			return false;
		}
		self.submissions += 1;
		self.marks.sent(&name, self.block);
		let Some(auth) = Authorization::sign::<T>(key, tag, args) else {
			log::error!(
				target: LOG_TARGET,
				"cannot sign {tag}: the keystore has no usable secret for service key {key:?}; \
				 insert it again",
			);
			return false;
		};
		let call = build(Some(auth));
		let transaction = T::create_authorized_transaction(call.into());
		let sent = SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_ok();
		if sent {
			log::info!(target: LOG_TARGET, "submitted {tag}");
		} else {
			log::warn!(target: LOG_TARGET, "the transaction pool refused {tag}; trying again later");
		}
		sent
	}

	/// Ask the engine; `None` while there is nothing to work with.
	fn ask(&mut self, request: &Request) -> Option<Response> {
		match worker::ask(request) {
			Answer::Ready(Response::Failed(reason)) => {
				let job = request.spec().job;
				if !self.marks.sent_lately(&("failed", request.id()), self.block) {
					log::warn!(target: LOG_TARGET, "job {job}: the engine failed: {reason}");
					self.marks.sent(&("failed", request.id()), self.block);
				}
				None
			},
			Answer::Ready(response) => Some(response),
			Answer::NoModel => {
				log::debug!(
					target: LOG_TARGET,
					"job {}: the engine does not have the model",
					request.spec().job,
				);
				None
			},
			Answer::Pending | Answer::Unavailable => None,
		}
	}
}
