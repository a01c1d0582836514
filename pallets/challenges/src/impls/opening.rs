//! Opening a challenge, and the operator's commitment to its trace.

use assay_primitives::{Actor, Claims, JobId, KeyAllowances};
use assay_referee::{verify_last_entry, Object, Slice};
use frame_support::{
	ensure,
	traits::{
		fungible::{hold::Mutate as _, InspectHold},
		tokens::Precision,
		Defensive,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{traits::Zero, DispatchResult};

use crate::{
	BalanceOf, Challenge, ChallengeId, ChallengeOf, ChallengeState, Challenged, Challenges,
	ClaimOf, Config, Dispute, Disputes, Error, Event, HoldReason, Live, NextChallenge, NodeState,
	Nodes, Own, Pallet, TraceState,
};

impl<T: Config> Pallet<T> {
	/// Open a challenge of `who`. A stage in which challengers commit to what they will say would
	/// come before this.
	pub(crate) fn do_open(
		actor: Actor<T::AccountId>,
		job: JobId,
		output_root: H256,
	) -> DispatchResult {
		let now = Self::now();
		let claim = Self::may_open(&actor.who, job, output_root, now)?;
		let bond = Self::bond_for(&claim);
		Self::hold(HoldReason::ChallengeBond, &actor, bond)?;
		T::Claims::hold_open(job)?;

		let id = NextChallenge::<T>::mutate(|next| {
			let id = *next;
			*next = id.saturating_add(1);
			id
		});
		let Actor { who, by_key } = actor;
		let demanded = Self::demand_trace(job, &claim, id, now);
		let mut challenge = Challenge {
			job,
			who: who.clone(),
			output_root,
			bond,
			by_key,
			fees: Zero::zero(),
			opened_at: now,
			since: now,
			due: now,
			path: Default::default(),
			state: ChallengeState::Live,
		};
		Live::<T>::insert(job, id.to_be_bytes(), ());
		Own::<T>::insert(&who, id.to_be_bytes(), ());
		Challenged::<T>::insert(job, &who, id);
		Self::schedule(id, &mut challenge);
		Challenges::<T>::insert(id, challenge);

		Self::deposit_event(Event::ChallengeOpened { challenge: id, job, who, output_root, bond });
		if let Some(deadline) = demanded {
			Self::deposit_event(Event::TraceDemanded { job, deadline });
		}
		Ok(())
	}

	/// Whether `who` may challenge `job` now, money apart.
	pub(crate) fn may_open(
		who: &T::AccountId,
		job: JobId,
		output_root: H256,
		now: BlockNumberFor<T>,
	) -> Result<ClaimOf<T>, Error<T>> {
		let claim = Self::open_claim(job)?;
		Self::ensure_window(&claim, now)?;
		ensure!(output_root != claim.output_root, Error::<T>::OutputUndisputed);
		ensure!(!Self::is_challenging(who, job), Error::<T>::AlreadyChallenging);
		Ok(claim)
	}

	/// Whether `who` has a live challenge against `job`.
	pub(crate) fn is_challenging(who: &T::AccountId, job: JobId) -> bool {
		Self::live_challenge(who, job).is_some()
	}

	/// Whether `who` has a live challenge against `job` that has got as far as it takes to know what is
	/// wrong: to an open node with hashes of whole tensors, which is all of a tensor of one chunk, or with
	/// hashes of a tensor's parts.
	pub(crate) fn has_located_the_fault(who: &T::AccountId, job: JobId) -> bool {
		let Some(challenge) = Self::live_challenge(who, job) else { return false };
		let Some(node) = challenge.cursor() else { return false };
		match Nodes::<T>::get(job, node) {
			Some(NodeState::Opened { object_len, .. }) => match node.object {
				Object::Trace => node.level_in(object_len) == Some(0),
				Object::Tensor(_) => true,
			},
			_ => false,
		}
	}

	fn live_challenge(who: &T::AccountId, job: JobId) -> Option<ChallengeOf<T>> {
		let latest = Challenged::<T>::get(job, who)?;
		Challenges::<T>::get(latest).filter(|challenge| challenge.is_live())
	}

	/// Whether `who` could have the bond of a challenge against `claim` put on hold by its key.
	pub(crate) fn can_bond_by_key(who: &T::AccountId, claim: &ClaimOf<T>) -> bool {
		Self::can_hold_by_key(HoldReason::ChallengeBond, who, Self::bond_for(claim))
	}

	/// Whether `who` has `amount` free, and its key may put it on hold.
	pub(crate) fn can_hold_by_key(
		reason: HoldReason,
		who: &T::AccountId,
		amount: BalanceOf<T>,
	) -> bool {
		T::KeyAllowances::allowance(who) >= amount
			&& T::Currency::can_hold(&reason.into(), who, amount)
	}

	/// Put `amount` of the actor's money on hold; what a key does is taken from its allowance.
	pub(crate) fn hold(
		reason: HoldReason,
		actor: &Actor<T::AccountId>,
		amount: BalanceOf<T>,
	) -> Result<(), Error<T>> {
		if actor.by_key {
			T::KeyAllowances::spend(&actor.who, amount).map_err(|_| Error::<T>::CannotPay)?;
		}
		T::Currency::hold(&reason.into(), &actor.who, amount).map_err(|_| Error::<T>::CannotPay)
	}

	/// Give back what [`Self::hold`] took, to the allowance too.
	pub(crate) fn unhold(reason: HoldReason, actor: &Actor<T::AccountId>, amount: BalanceOf<T>) {
		let _ = T::Currency::release(&reason.into(), &actor.who, amount, Precision::BestEffort)
			.defensive();
		if actor.by_key {
			T::KeyAllowances::restore(&actor.who, amount);
		}
	}

	/// Count one more challenge of `job`, with the number `id`. The first one demands the trace;
	/// returns until when.
	fn demand_trace(
		job: JobId,
		claim: &ClaimOf<T>,
		id: ChallengeId,
		now: BlockNumberFor<T>,
	) -> Option<BlockNumberFor<T>> {
		if let Some(mut dispute) = Disputes::<T>::get(job) {
			dispute.records = dispute.records.saturating_add(1);
			Disputes::<T>::insert(job, dispute);
			return None;
		}
		let deadline = Self::trace_deadline(claim, now);
		let operator = claim.operator.clone();
		Self::owe(&operator, deadline, (job, None));
		let trace = TraceState::Demanded { deadline };
		let work = Self::work_of(claim);
		Disputes::<T>::insert(job, Dispute { operator, work, trace, records: 1, first: id });
		Some(deadline)
	}

	/// Bind the operator of `job` to a trace.
	pub(crate) fn do_reveal_trace(
		who: T::AccountId,
		job: JobId,
		trace_root: H256,
		last_entry: &Slice,
	) -> DispatchResult {
		let now = Self::now();
		let (claim, deadline) = Self::may_reveal(job, now)?;
		ensure!(who == claim.operator, Error::<T>::NotOperator);
		Self::check_last_entry(&claim, trace_root, last_entry)?;
		Self::owe_no_more(&who, deadline, (job, None));
		let trace = TraceState::Posted { root: trace_root, at: now };
		Disputes::<T>::mutate(job, |dispute| {
			if let Some(dispute) = dispute {
				dispute.trace = trace;
			}
		});
		Self::deposit_event(Event::TraceRevealed { job, trace_root });
		Ok(())
	}

	/// Whether a trace of `job` may be revealed now; the claim, and until when.
	pub(crate) fn may_reveal(
		job: JobId,
		now: BlockNumberFor<T>,
	) -> Result<(ClaimOf<T>, BlockNumberFor<T>), Error<T>> {
		let claim = Self::open_claim(job)?;
		match Disputes::<T>::get(job).map(|dispute| dispute.trace) {
			None => Err(Error::<T>::TraceNotDemanded),
			Some(TraceState::Posted { .. }) => Err(Error::<T>::TraceAlreadyPosted),
			Some(TraceState::Demanded { deadline }) if now > deadline => {
				Err(Error::<T>::DeadlineOver)
			},
			Some(TraceState::Demanded { deadline }) => Ok((claim, deadline)),
		}
	}

	/// Whether `last_entry` shows that the trace ends with the claimed output root.
	pub(crate) fn check_last_entry(
		claim: &ClaimOf<T>,
		trace_root: H256,
		last_entry: &Slice,
	) -> Result<(), Error<T>> {
		verify_last_entry(&trace_root.0, claim.info.n_ops, &claim.output_root.0, last_entry)
			.map_err(|_| Error::<T>::LastEntryMismatch)
	}
}
