//! How claims and challenges end.

use assay_primitives::{money::split_hold, Actor, Claims, FaultKind, JobId, KeyAllowances};
use frame_support::{
	ensure,
	traits::{Defensive, DefensiveOption, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	DispatchError, DispatchResult, Percent, SaturatedConversion,
};

use crate::{
	opening_key, ChallengeId, ChallengeOf, ChallengeState, Challenged, Challenges, Config, Dispute,
	Disputes, Error, Event, HoldReason, Live, NodeState, Nodes, Own, Pallet, TraceState, Turn,
};

/// How many challenges one call settles or looks at. The agenda does the rest.
pub(crate) const BATCH: usize = 8;

/// Blocks over which the forgetting of what ended together is spread.
const RETENTION_SPREAD: u64 = 16;

/// What is overdue in a challenge.
pub(crate) enum Due<T: Config> {
	/// Its claim is closed, and its money goes back.
	Settlement,
	/// It is over for long enough.
	Forgetting,
	/// The operator is late.
	Fault,
	/// The challenger is late. Whose claim it is, that goes on.
	Forfeit(T::AccountId),
}

/// What the operator gets of the bond of a challenger who stopped.
const LAPSED_TO_OPERATOR: Percent = Percent::from_percent(60);

impl<T: Config> Pallet<T> {
	/// End the open claim of `job` as false, and the earliest challenges with it.
	pub(crate) fn end_claim(
		job: JobId,
		kind: FaultKind,
		prover: Option<T::AccountId>,
	) -> Result<u32, DispatchError> {
		let first = Self::first_live_of(job, 1).pop();
		let finder = first.and_then(|id| Some((id, Challenges::<T>::get(id)?.who)));
		let finder_account = finder.as_ref().map(|(_, who)| who.clone());
		T::Claims::fault(job, kind, finder_account, prover.clone())?;
		if let Some(Dispute { operator, trace: TraceState::Demanded { deadline }, .. }) =
			Disputes::<T>::get(job)
		{
			Self::owe_no_more(&operator, deadline, (job, None));
		}
		Self::deposit_event(Event::FaultFound { job, kind, finder, prover });
		Ok(Self::settle_some(job, first))
	}

	/// Give back the bonds and query fees of some challenges of a closed claim, earliest first.
	/// Returns how many.
	fn settle_some(job: JobId, winner: Option<ChallengeId>) -> u32 {
		let batch = Self::first_live_of(job, BATCH);
		for id in &batch {
			if let Some(challenge) = Challenges::<T>::get(id).defensive() {
				Self::settle(*id, challenge, winner == Some(*id));
			}
		}
		batch.len() as u32
	}

	/// End one live challenge of a closed claim and give back what its challenger has on hold.
	fn settle(id: ChallengeId, mut challenge: ChallengeOf<T>, won: bool) {
		let (job, who, bond) = (challenge.job, challenge.who.clone(), challenge.bond);
		Self::refund_query(&challenge);
		let actor = Actor { who: who.clone(), by_key: challenge.by_key };
		Self::unhold(HoldReason::ChallengeBond, &actor, bond);
		// Otherwise a watcher would run out of allowance by winning. Who wins earned more than it paid;
		// a thief who lets others win spends what it may and no more.
		if won && !challenge.fees.is_zero() {
			T::KeyAllowances::restore(&actor.who, challenge.fees);
		}
		challenge.state = if won { ChallengeState::Won } else { ChallengeState::Mooted };
		Self::close(id, challenge);
		Self::deposit_event(if won {
			Event::ChallengeWon { challenge: id, job, who, bond }
		} else {
			Event::ChallengeMooted { challenge: id, job, who, bond }
		});
	}

	/// Give back the fee of a question that nobody answered before the claim ended.
	fn refund_query(challenge: &ChallengeOf<T>) {
		let (job, Some(node)) = (challenge.job, challenge.cursor()) else { return };
		let Some(NodeState::Asked { deadline, payer: who, fee, by_key }) =
			Nodes::<T>::get(job, node)
		else {
			return;
		};
		if who != challenge.who {
			return;
		}
		Self::unhold(HoldReason::QueryFee, &Actor { who: who.clone(), by_key }, fee);
		Nodes::<T>::remove(job, node);
		if let Some(dispute) = Disputes::<T>::get(job).defensive() {
			Self::owe_no_more(&dispute.operator, deadline, (job, Some(*node)));
		}
		Self::deposit_event(Event::QueryRefunded { job, node: *node, who, fee });
	}

	/// Put a challenge that is over on record.
	fn close(id: ChallengeId, mut challenge: ChallengeOf<T>) {
		challenge.since = Self::now();
		Self::unlist(id, &challenge);
		Live::<T>::remove(challenge.job, id.to_be_bytes());
		Own::<T>::remove(&challenge.who, id.to_be_bytes());
		Challenges::<T>::insert(id, challenge);
	}

	/// End a live challenge of an open claim whose challenger is late. The claim is no better for
	/// it.
	fn forfeit(id: ChallengeId, mut challenge: ChallengeOf<T>, operator: &T::AccountId) {
		let (job, who, bond) = (challenge.job, challenge.who.clone(), challenge.bond);
		let share = LAPSED_TO_OPERATOR.mul_floor(bond);
		let reason = HoldReason::ChallengeBond.into();
		let (paid, burned) = split_hold::<_, T::Currency>(&reason, &who, operator, share, bond);
		challenge.state = ChallengeState::Lapsed;
		Self::close(id, challenge);
		T::Claims::release_open(job);
		Self::deposit_event(Event::ChallengeLapsed { challenge: id, job, who, paid, burned });
	}

	/// Apply what is overdue in challenge `id`.
	///
	/// # Errors
	/// [`Error::NothingDue`] when there is nothing to do yet.
	pub(crate) fn do_lapse(id: ChallengeId) -> DispatchResult {
		let (challenge, due) = Self::what_is_due(id)?;
		match due {
			Due::Settlement => Self::settle(id, challenge, false),
			Due::Forgetting => Self::forget(id, challenge),
			Due::Fault => {
				Self::end_claim(challenge.job, Self::omission(&challenge), None)?;
			},
			Due::Forfeit(operator) => Self::forfeit(id, challenge, &operator),
		}
		Ok(())
	}

	/// What is overdue in challenge `id`.
	///
	/// # Errors
	/// [`Error::NothingDue`] when there is nothing to do yet.
	pub(crate) fn what_is_due(id: ChallengeId) -> Result<(ChallengeOf<T>, Due<T>), Error<T>> {
		let challenge = Challenges::<T>::get(id).ok_or(Error::<T>::ChallengeUnknown)?;
		let now = Self::now();
		let due = match (T::Claims::open_claim(challenge.job), challenge.is_live()) {
			(Some(claim), true) => {
				let turn = Self::turn_of(&challenge).defensive_ok_or(Error::<T>::NothingDue)?;
				ensure!(turn.is_over(now), Error::<T>::NothingDue);
				match turn {
					Turn::Operator { .. } => Due::Fault,
					Turn::Challenger { .. } => Due::Forfeit(claim.operator),
				}
			},
			(None, true) => Due::Settlement,
			(Some(_), false) => return Err(Error::<T>::NothingDue),
			(None, false) => {
				ensure!(now >= Self::forget_at(id, &challenge), Error::<T>::NothingDue);
				Due::Forgetting
			},
		};
		Ok((challenge, due))
	}

	/// What the operator failed to do in a challenge in which it has the turn.
	fn omission(challenge: &ChallengeOf<T>) -> FaultKind {
		match (Self::posted_trace(challenge.job), challenge.cursor()) {
			(Ok(_), Some(node)) => FaultKind::NoAnswer(*node),
			_ => FaultKind::NoTrace,
		}
	}

	/// Apply what is overdue in the earliest challenges of `job`.
	///
	/// # Errors
	/// [`Error::NothingDue`] when there is nothing to do yet.
	pub(crate) fn do_poke(job: JobId) -> DispatchResult {
		if T::Claims::open_claim(job).is_none() {
			ensure!(Self::settle_some(job, None) > 0, Error::<T>::NothingDue);
			return Ok(());
		}
		let batch = Self::first_live_of(job, BATCH);
		let mut done = false;
		for id in batch {
			// A fault closes the claim and settles the others: then there is nothing left to do.
			done |= Self::do_lapse(id).is_ok();
			if T::Claims::open_claim(job).is_none() {
				break;
			}
		}
		ensure!(done, Error::<T>::NothingDue);
		Ok(())
	}

	/// When a challenge that is over may be forgotten, if its claim is closed by then.
	pub(crate) fn forget_at(id: ChallengeId, challenge: &ChallengeOf<T>) -> BlockNumberFor<T> {
		// What ended together is not forgotten together.
		let spread: u32 = (id % RETENTION_SPREAD).saturated_into();
		challenge.since.saturating_add(T::Retention::get()).saturating_add(spread.into())
	}

	/// Remove a challenge that is over from the records, and what it leaves behind. Its claim is
	/// closed.
	fn forget(id: ChallengeId, challenge: ChallengeOf<T>) {
		let job = challenge.job;
		let Some(mut dispute) = Disputes::<T>::get(job).defensive() else { return };
		if let TraceState::Posted { root, .. } = dispute.trace {
			Self::forget_nodes(&challenge, root);
		}
		if Challenged::<T>::get(job, &challenge.who) == Some(id) {
			Challenged::<T>::remove(job, &challenge.who);
		}
		Challenges::<T>::remove(id);
		dispute.records = dispute.records.saturating_sub(1);
		if dispute.records > 0 {
			Disputes::<T>::insert(job, dispute);
		} else {
			Disputes::<T>::remove(job);
			Self::forget_slot(&dispute.operator);
		}
	}

	/// Remove the open nodes on the way of `challenge`. A node that somebody still has money on
	/// goes when that is returned.
	fn forget_nodes(challenge: &ChallengeOf<T>, trace_root: sp_core::H256) {
		for node in &challenge.path {
			if let Some(NodeState::Opened { .. }) = Nodes::<T>::get(challenge.job, node) {
				Nodes::<T>::remove(challenge.job, node);
				let key = opening_key(challenge.job, &trace_root, node);
				sp_io::offchain_index::clear(&key);
			}
		}
	}
}
