//! Opening a challenge, and the operator's commitment to its trace.

use assay_primitives::{Claims, JobId};
use assay_referee::{verify_last_entry, Slice};
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::DispatchResult;

use crate::{
	BalanceOf, Challenge, ChallengeState, Challenged, Challenges, ClaimOf, Config, Dispute,
	Disputes, Error, Event, HoldReason, Live, NextChallenge, Pallet, TraceState,
};

impl<T: Config> Pallet<T> {
	/// Open a challenge of `who`. A stage in which challengers commit to what they will say would
	/// come before this.
	pub(crate) fn do_open(who: T::AccountId, job: JobId, output_root: H256) -> DispatchResult {
		let now = Self::now();
		let claim = Self::may_open(&who, job, output_root, now)?;
		let bond = Self::bond_for(&claim);
		T::Currency::hold(&HoldReason::ChallengeBond.into(), &who, bond)
			.map_err(|_| Error::<T>::CannotPay)?;
		T::Claims::hold_open(job)?;

		let id = NextChallenge::<T>::mutate(|next| {
			let id = *next;
			*next = id.saturating_add(1);
			id
		});
		let demanded = Self::demand_trace(job, now);
		let challenge = Challenge {
			job,
			who: who.clone(),
			output_root,
			bond,
			opened_at: now,
			since: now,
			path: Default::default(),
			state: ChallengeState::Live,
		};
		Live::<T>::insert(job, id.to_be_bytes(), ());
		Challenged::<T>::insert(job, &who, id);
		Self::set_alarm(id, &challenge);
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
		ensure!(output_root != claim.output_root, Error::<T>::SameOutput);
		let challenging = Challenged::<T>::get(job, who)
			.and_then(Challenges::<T>::get)
			.is_some_and(|latest| latest.is_live());
		ensure!(!challenging, Error::<T>::AlreadyChallenging);
		Ok(claim)
	}

	/// Whether `who` could have the bond of a challenge against `claim` put on hold.
	pub(crate) fn can_bond(who: &T::AccountId, claim: &ClaimOf<T>) -> bool {
		Self::can_hold(HoldReason::ChallengeBond, who, Self::bond_for(claim))
	}

	/// Whether `amount` of the free balance of `who` could be put on hold.
	pub(crate) fn can_hold(reason: HoldReason, who: &T::AccountId, amount: BalanceOf<T>) -> bool {
		use frame_support::traits::fungible::InspectHold;
		T::Currency::can_hold(&reason.into(), who, amount)
	}

	/// Count one more challenge of `job`. The first one demands the trace; returns until when.
	fn demand_trace(job: JobId, now: BlockNumberFor<T>) -> Option<BlockNumberFor<T>> {
		Disputes::<T>::mutate(job, |dispute| match dispute {
			Some(dispute) => {
				dispute.records = dispute.records.saturating_add(1);
				None
			},
			None => {
				let deadline = now + T::TracePeriod::get();
				let trace = TraceState::Demanded { deadline };
				*dispute = Some(Dispute { trace, records: 1 });
				Some(deadline)
			},
		})
	}

	/// Bind the operator of `job` to a trace.
	pub(crate) fn do_reveal_trace(
		who: T::AccountId,
		job: JobId,
		trace_root: H256,
		last_entry: &Slice,
	) -> DispatchResult {
		let now = Self::now();
		let claim = Self::may_reveal(job, now)?;
		ensure!(who == claim.operator, Error::<T>::NotOperator);
		Self::check_last_entry(&claim, trace_root, last_entry)?;
		let trace = TraceState::Posted { root: trace_root, at: now };
		Disputes::<T>::mutate(job, |dispute| {
			if let Some(dispute) = dispute {
				dispute.trace = trace;
			}
		});
		Self::deposit_event(Event::TraceRevealed { job, trace_root });
		Ok(())
	}

	/// Whether a trace of `job` may be revealed now.
	pub(crate) fn may_reveal(job: JobId, now: BlockNumberFor<T>) -> Result<ClaimOf<T>, Error<T>> {
		let claim = Self::open_claim(job)?;
		match Disputes::<T>::get(job).map(|dispute| dispute.trace) {
			None => Err(Error::<T>::TraceNotDemanded),
			Some(TraceState::Posted { .. }) => Err(Error::<T>::TraceAlreadyPosted),
			Some(TraceState::Demanded { deadline }) if now > deadline => Err(Error::<T>::TooLate),
			Some(TraceState::Demanded { .. }) => Ok(claim),
		}
	}

	/// Whether `last_entry` shows that the trace ends with the claimed output root.
	pub(crate) fn check_last_entry(
		claim: &ClaimOf<T>,
		trace_root: H256,
		last_entry: &Slice,
	) -> Result<(), Error<T>> {
		verify_last_entry(&trace_root.0, claim.info.n_ops, &claim.output_root.0, last_entry)
			.map_err(|_| Error::<T>::BadLastEntry)
	}
}
