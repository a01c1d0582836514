//! The operator's off-chain worker: accepts jobs and claims their answers.
//!
//! It acts for every service key of the node's keystore whose owner is an operator, and only on a
//! node that was started as an operator's. It never waits: it reads the state, asks the engine,
//! sends what is ready and returns; the worker of a later block goes on. The pool does not say
//! what became of a transaction, so what was sent is noted in local storage, and sent again when
//! the state has not changed after [`RESEND`] blocks.

use alloc::vec::Vec;
use assay_host::{Answer, Note, Request, Response, Role, RunSpec};
use assay_primitives::{
	authorization::local_keys, Authorization, Claims, JobId, KeyOwners, OperatorLedger, ServiceKey,
};
use codec::Encode;
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use sp_core::H256;
use sp_runtime::{
	offchain::storage::StorageValueRef,
	traits::{BlockNumberProvider, SaturatedConversion, Saturating},
};

use crate::{
	Assignments, BalanceOf, Call, Config, Inputs, JobOf, JobStatus, Jobs, OutputBytes, Pallet,
	ACCEPT_TAG, CLAIM_TAG,
};

const LOG: &str = "runtime::jobs";

/// Blocks after which something sent is sent again if the state has not changed.
const RESEND: u64 = 4;
/// Service keys of one keystore that the worker acts for.
const MAX_KEYS: usize = 8;
/// Jobs on which one operator of this node owes a claim at a time. The engine works them off one
/// after the other, and each has a deadline.
const MAX_BACKLOG: usize = 8;
/// Open jobs that one run of the worker looks at, for each key.
const MAX_LOOKS: u32 = 64;

/// What the worker sends.
#[derive(codec::Encode, codec::Decode, Clone, Copy, PartialEq, Eq)]
enum Action {
	Accept,
	Claim,
}

/// Things sent lately by one key: job, attempt, what, and when.
type Sent = Vec<(JobId, u32, Action, u64)>;

impl<T: Config> Pallet<T> {
	/// One run of the worker.
	pub(crate) fn work(block: BlockNumberFor<T>) {
		if !assay_host::worker::roles().operator {
			return;
		}
		let block = block.saturated_into::<u64>();
		for key in local_keys().into_iter().take(MAX_KEYS) {
			let Some(operator) = T::Operators::owner_of(&key) else { continue };
			let owed = Self::claim_answered(block, &key, &operator);
			if T::Operators::is_active(&operator) {
				Self::accept_some(block, &key, &operator, MAX_BACKLOG.saturating_sub(owed));
			}
		}
	}

	/// Claim on every job of `operator` that the engine has answered, and have the engine answer
	/// the others. Returns how many claims are owed.
	fn claim_answered(block: u64, key: &ServiceKey, operator: &T::AccountId) -> usize {
		let owed =
			Assignments::<T>::iter_key_prefix(operator).take(MAX_BACKLOG).collect::<Vec<_>>();
		for &id in &owed {
			let Some(job) = Jobs::<T>::get(id) else { continue };
			let JobStatus::Assigned { deadline, .. } = &job.status else { continue };
			if T::Clock::current_block_number() > *deadline {
				continue;
			}
			if let Some((output_root, output)) = Self::answer_of(id, &job) {
				Self::send_claim(block, key, id, job.attempt, output_root, output);
			}
		}
		owed.len()
	}

	/// What the engine says about a job, if it has come to an end.
	fn answer_of(id: JobId, job: &JobOf<T>) -> Option<(H256, OutputBytes)> {
		let input = Inputs::<T>::get(id)?.into_inner();
		let spec = RunSpec { role: Role::Operator, model: job.model.0, job: id, input };
		match assay_host::ask(&Request::Run(spec)) {
			Answer::Pending => None,
			Answer::Ready(Response::Run { output_root, output }) => {
				match OutputBytes::try_from(output) {
					Ok(output) => Some((H256(output_root), output)),
					Err(_) => {
						log::error!(target: LOG, "job {id}: the engine's output is too long");
						None
					},
				}
			},
			Answer::Ready(Response::Failed(reason)) => {
				log::error!(target: LOG, "job {id}: the run failed: {reason}");
				None
			},
			Answer::Ready(_) => {
				log::error!(target: LOG, "job {id}: the engine answered another question");
				None
			},
			Answer::NoModel => {
				let model = job.model;
				log::error!(target: LOG, "job {id}: model {model:?} is not on this node");
				None
			},
			Answer::Unavailable => {
				log::warn!(target: LOG, "job {id}: the engine is not available");
				None
			},
		}
	}

	fn send_claim(
		block: u64,
		key: &ServiceKey,
		id: JobId,
		attempt: u32,
		output_root: H256,
		output: OutputBytes,
	) {
		if !Self::may_send(block, key, id, attempt, Action::Claim) {
			return;
		}
		let args = (id, attempt, output_root, &output);
		let Some(auth) = Self::sign(key, CLAIM_TAG, &args) else { return };
		let auth = Some(auth);
		if Self::send(id, Call::claim { job: id, attempt, output_root, output, auth }) {
			assay_host::worker::note(Note::ClaimSent, id);
			log::info!(target: LOG, "job {id}: claimed {output_root:?}");
		}
	}

	/// Accept up to `room` open jobs. Goes round the open jobs in a circle, a part in each run.
	fn accept_some(block: u64, key: &ServiceKey, operator: &T::AccountId, mut room: usize) {
		let place = (b"assay/jobs/place", key).encode();
		let place = StorageValueRef::persistent(&place);
		let after = place.get::<JobId>().ok().flatten();
		let some = <Self as Claims<_, _, _>>::open_jobs(after, MAX_LOOKS);
		let mut free = T::Operators::free_stake(operator);
		let mut last = after;
		for &id in &some {
			if room == 0 {
				break;
			}
			last = Some(id);
			let Some((attempt, stake)) = Self::wanted(operator, id, free) else { continue };
			if Self::send_accept(block, key, id, attempt) {
				room -= 1;
				free = free.saturating_sub(stake);
			}
		}
		let round_over = room > 0 && some.len() < MAX_LOOKS as usize;
		match last {
			Some(id) if !round_over => place.set(&id),
			_ => {
				let mut unset = place;
				unset.clear();
			},
		}
	}

	/// The attempt at the job and the stake behind it, if `operator` may take the job now with
	/// this free stake, and this node can do it.
	fn wanted(
		operator: &T::AccountId,
		id: JobId,
		free: BalanceOf<T>,
	) -> Option<(u32, BalanceOf<T>)> {
		let (job, stake) = Self::check_accept(operator, id).ok()?;
		let able = free >= stake && assay_host::worker::has_model(&job.model.0);
		able.then_some((job.attempt, stake))
	}

	/// Whether something was sent.
	fn send_accept(block: u64, key: &ServiceKey, id: JobId, attempt: u32) -> bool {
		if !Self::may_send(block, key, id, attempt, Action::Accept) {
			return false;
		}
		let Some(auth) = Self::sign(key, ACCEPT_TAG, &(id, attempt)) else { return false };
		let sent = Self::send(id, Call::accept { job: id, auth: Some(auth) });
		if sent {
			log::info!(target: LOG, "job {id}: accepting, attempt {attempt}");
		}
		sent
	}

	/// Whether this was not sent lately. Notes that it is sent now.
	fn may_send(block: u64, key: &ServiceKey, id: JobId, attempt: u32, action: Action) -> bool {
		let place = (b"assay/jobs/sent", key).encode();
		StorageValueRef::persistent(&place)
			.mutate(|sent| {
				let mut sent: Sent = sent.ok().flatten().unwrap_or_default();
				// Blocks to come are those of another fork or of a chain started anew.
				sent.retain(|(.., at)| *at <= block && block - *at < RESEND);
				if sent.iter().any(|(job, n, a, _)| (*job, *n, *a) == (id, attempt, action)) {
					return Err(());
				}
				sent.push((id, attempt, action, block));
				Ok(sent)
			})
			.is_ok()
	}

	fn sign(key: &ServiceKey, tag: &str, args: &impl Encode) -> Option<Authorization> {
		let auth = Authorization::sign::<T>(key, tag, args);
		if auth.is_none() {
			log::error!(target: LOG, "the keystore cannot sign with {key:?}");
		}
		auth
	}

	fn send(id: JobId, call: Call<T>) -> bool {
		let transaction = T::create_authorized_transaction(call.into());
		let sent = SubmitTransaction::<T, Call<T>>::submit_transaction(transaction);
		if sent.is_err() {
			log::warn!(target: LOG, "job {id}: the pool did not take the transaction");
		}
		sent.is_ok()
	}
}
