//! The workers: what the node of an operator or of a watcher does in the game, by itself.
//!
//! Each run looks at the state of the best block, asks the engine for what it needs, submits what
//! is ready and returns. What the engine cannot answer at once a later run collects: after the next
//! block, or between two, on the same block again as soon as there is an answer. So no run waits, and
//! a move costs two blocks at most. Nothing here writes to the chain's state.
//!
//! Work is found by index and never by scanning: what local operators owe ([`Owed`](crate::Owed)),
//! the live challenges of local accounts ([`Own`](crate::Own)), and the pages of claims for the
//! models that the engine has. What others put on chain beside that costs a run nothing. Within each,
//! what is due first goes first.

mod done;
mod marks;
mod operator;
mod watcher;

use assay_host::{worker, Answer, Request, Response, Terms};
use assay_primitives::{service::ServiceKey, Authorization, Claims, JobId, KeyOwners, Outbox};
use codec::Encode;
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::Get,
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::SaturatedConversion;

use crate::{
	BalanceOf, Call, ChallengeId, ChallengeOf, ClaimOf, Config, Pallet, LAPSE_TAG, LOG_TARGET,
};

/// Where the outbox is kept.
const OUTBOX: &[u8] = b"assay/challenges/outbox";

/// Blocks whose room one run may fill: more could not be included before the next runs look.
const BLOCKS_AHEAD: u64 = 2;

/// The worker of the block whose state is read.
pub(crate) fn run<T: Config>() {
	let roles = worker::roles();
	if !roles.operator && !roles.watcher {
		return;
	}
	let mut run = Run::<T>::new();
	if run.keys.is_empty() {
		log::debug!(
			target: LOG_TARGET,
			"nothing to do: no account has set a service key that is in this node's keystore",
		);
		return;
	}
	if roles.operator {
		operator::work(&mut run, roles.cheats);
	}
	if roles.watcher {
		watcher::work(&mut run);
	}
	run.outbox.save();
}

/// What one run of the worker knows and may still do.
struct Run<T: Config> {
	/// The keys in the keystore that somebody registered, and who did.
	keys: alloc::vec::Vec<(ServiceKey, T::AccountId)>,
	outbox: Outbox,
	/// What may still be submitted.
	room: Weight,
}

impl<T: Config> Run<T> {
	fn new() -> Self {
		let keys = assay_primitives::authorization::local_keys()
			.into_iter()
			.filter_map(|key| T::KeyAllowances::owner_of(&key).map(|owner| (key, owner)))
			.filter(|(_, owner)| worker::acts_for(owner))
			.collect();
		// Bytes of transactions stand where the size of a proof of storage would.
		let bytes = *T::BlockLength::get().max.get(DispatchClass::Operational);
		let block = T::BlockWeights::get().max_block;
		let room = Weight::from_parts(block.ref_time(), bytes.into()).saturating_mul(BLOCKS_AHEAD);
		Self { keys, outbox: Outbox::load::<T>(OUTBOX), room }
	}

	/// Whether `who` is the owner of a local key.
	fn is_local(&self, who: &T::AccountId) -> bool {
		self.keys.iter().any(|(_, owner)| owner == who)
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
		if self.outbox.sent_lately(&name) {
			return false;
		}
		let Some(auth) = Authorization::sign::<T>(key, tag, args) else {
			log::error!(
				target: LOG_TARGET,
				"cannot sign {tag}: the keystore has no usable secret for service key {key:?}; \
				 insert it again",
			);
			// Say so once in a while, not in every block.
			self.outbox.note(&name);
			return false;
		};
		let call = build(Some(auth));
		let info = call.get_dispatch_info();
		let cost = Weight::from_parts(
			info.total_weight().ref_time(),
			call.encoded_size().saturated_into(),
		);
		let Some(room) = self.room.checked_sub(&cost) else { return false };
		self.room = room;
		let sent = self.outbox.send::<T, Call<T>>(&[name], call);
		if sent {
			log::info!(target: LOG_TARGET, "submitted {tag}");
		} else {
			log::warn!(target: LOG_TARGET, "the transaction pool refused {tag}; trying again");
		}
		sent
	}

	/// Submit that what is overdue in challenge `id` be applied, if something is.
	fn lapse(&mut self, id: ChallengeId, challenge: &ChallengeOf<T>, key: &ServiceKey) {
		let name = ("lapse", id, challenge.state);
		if self.outbox.sent_lately(&name) || Pallet::<T>::what_is_due(id).is_err() {
			return;
		}
		let args = (id, Pallet::<T>::content_of(challenge));
		self.submit(name, key, LAPSE_TAG, &args, |auth| Call::lapse { challenge: id, auth });
	}

	/// Ask the engine. The input is read only if it does not know the request.
	fn ask(&mut self, request: &Request, terms: Terms) -> Answer {
		let answer = worker::ask(request, terms, || T::Claims::input(terms.job));
		match &answer {
			Answer::Ready(Response::Failed(reason)) => {
				let name = ("failed", request.id());
				if !self.outbox.sent_lately(&name) {
					log::warn!(target: LOG_TARGET, "job {}: the engine failed: {reason}", terms.job);
					self.outbox.note(&name);
				}
			},
			Answer::NoModel => log::debug!(
				target: LOG_TARGET,
				"job {}: the engine does not have the model",
				terms.job,
			),
			_ => {},
		}
		answer
	}
}

/// How urgent it is to look at `claim` for the sake of `job` until `deadline`.
fn terms<T: Config>(
	class: assay_host::Class,
	job: JobId,
	claim: &ClaimOf<T>,
	deadline: BlockNumberFor<T>,
) -> Terms {
	let at_stake: BalanceOf<T> = claim.stake;
	Terms { class, deadline: deadline.saturated_into(), at_stake: at_stake.saturated_into(), job }
}
