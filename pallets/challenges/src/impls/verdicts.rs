//! How claims and challenges end.

use assay_primitives::{Claims, FaultKind, JobId};
use assay_referee::{verify_fault, Fault, FaultProof, ProofError};
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, tokens::Precision, Defensive, DefensiveOption, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchResult, Percent};

use crate::{
	opening_key, ChallengeId, ChallengeOf, ChallengeState, Challenged, Challenges, ClaimOf, Config,
	Disputes, Error, Event, HoldReason, Live, NodeState, Nodes, Pallet, TraceState, Turn,
};

/// How many challenges one call settles or looks at. The agenda does the rest.
pub(crate) const BATCH: usize = 8;

/// What the operator gets of the bond of a challenger who stopped.
const LAPSED_TO_OPERATOR: Percent = Percent::from_percent(60);

impl<T: Config> Pallet<T> {
	/// Judge a proof against the claim of `job`.
	pub(crate) fn do_prove_fault(who: T::AccountId, job: JobId, proof: &[u8]) -> DispatchResult {
		let claim = Self::open_claim(job)?;
		let kind = Self::judge(&claim, job, proof)?;
		Self::end_claim(job, kind, Some(who))
	}

	/// The fault that `proof` shows.
	pub(crate) fn judge(
		claim: &ClaimOf<T>,
		job: JobId,
		proof: &[u8],
	) -> Result<FaultKind, Error<T>> {
		let trace_root = Self::posted_trace(job)?;
		let proof = FaultProof::from_bytes(proof).map_err(|_| Error::<T>::BadProof)?;
		match verify_fault(&claim.commitments(trace_root.0), &proof) {
			Ok(Fault::Element { entry, element }) => Ok(FaultKind::Leaf { entry, element }),
			Ok(Fault::Chunk { entry, chunk }) => Ok(FaultKind::Chunk { entry, chunk }),
			Err(ProofError::NoFault) => Err(Error::<T>::NoFault),
			Err(_) => Err(Error::<T>::BadProof),
		}
	}

	/// End the open claim of `job` as false, and the earliest challenges with it.
	fn end_claim(job: JobId, kind: FaultKind, prover: Option<T::AccountId>) -> DispatchResult {
		let first = Self::live_of(job).next();
		let finder = first.and_then(|id| Some((id, Challenges::<T>::get(id)?.who)));
		let finder_account = finder.as_ref().map(|(_, who)| who.clone());
		T::Claims::fault(job, kind, finder_account, prover.clone())?;
		Self::deposit_event(Event::FaultFound { job, kind, finder, prover });
		Self::settle_some(job, first);
		Ok(())
	}

	/// Give back the bonds and query fees of some challenges of a closed claim, earliest first.
	/// Returns how many.
	fn settle_some(job: JobId, winner: Option<ChallengeId>) -> usize {
		let batch: alloc::vec::Vec<_> = Self::live_of(job).take(BATCH).collect();
		for id in &batch {
			if let Some(challenge) = Challenges::<T>::get(id).defensive() {
				Self::settle(*id, challenge, winner == Some(*id));
			}
		}
		batch.len()
	}

	/// End one live challenge of a closed claim and give back what its challenger has on hold.
	fn settle(id: ChallengeId, mut challenge: ChallengeOf<T>, won: bool) {
		let (job, who, bond) = (challenge.job, challenge.who.clone(), challenge.bond);
		Self::refund_query(&challenge);
		let reason = HoldReason::ChallengeBond.into();
		let _ = T::Currency::release(&reason, &who, bond, Precision::BestEffort).defensive();
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
		let Some(NodeState::Asked { payer, fee, .. }) = Nodes::<T>::get(job, node) else { return };
		if payer != challenge.who {
			return;
		}
		let reason = HoldReason::QueryFee.into();
		let _ = T::Currency::release(&reason, &payer, fee, Precision::BestEffort).defensive();
		Nodes::<T>::remove(job, node);
		Self::deposit_event(Event::QueryRefunded { job, node: *node, who: payer, fee });
	}

	/// Put a challenge that is over on record.
	fn close(id: ChallengeId, mut challenge: ChallengeOf<T>) {
		challenge.since = Self::now();
		Live::<T>::remove(challenge.job, id.to_be_bytes());
		Challenges::<T>::insert(id, challenge);
	}

	/// End a live challenge of an open claim whose challenger is late. The claim is no better for
	/// it.
	fn forfeit(id: ChallengeId, mut challenge: ChallengeOf<T>, claim: &ClaimOf<T>) {
		let (job, who, bond) = (challenge.job, challenge.who.clone(), challenge.bond);
		let share = LAPSED_TO_OPERATOR.mul_floor(bond);
		let (paid, burned) =
			Self::split_hold(HoldReason::ChallengeBond, &who, &claim.operator, share, bond);
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
		let challenge = Challenges::<T>::get(id).ok_or(Error::<T>::UnknownChallenge)?;
		let job = challenge.job;
		let claim = match (T::Claims::open_claim(job), challenge.is_live()) {
			(Some(claim), true) => claim,
			(None, true) => {
				Self::settle(id, challenge, false);
				return Ok(());
			},
			(open, false) => {
				ensure!(open.is_none(), Error::<T>::NothingDue);
				return Self::forget(id, challenge);
			},
		};
		let turn = Self::turn_of(&challenge).defensive_ok_or(Error::<T>::NothingDue)?;
		ensure!(turn.is_over(Self::now()), Error::<T>::NothingDue);
		match turn {
			Turn::Operator { .. } => Self::end_claim(job, Self::omission(&challenge), None)?,
			Turn::Challenger { .. } => Self::forfeit(id, challenge, &claim),
		}
		Ok(())
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
		let batch: alloc::vec::Vec<_> = Self::live_of(job).take(BATCH).collect();
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
	pub(crate) fn forget_at(challenge: &ChallengeOf<T>) -> BlockNumberFor<T> {
		challenge.since.saturating_add(T::Retention::get())
	}

	/// Remove a challenge that is over from the records, and what it leaves behind. Its claim is
	/// closed.
	fn forget(id: ChallengeId, challenge: ChallengeOf<T>) -> DispatchResult {
		ensure!(Self::now() >= Self::forget_at(&challenge), Error::<T>::NothingDue);
		let job = challenge.job;
		if let Some(dispute) = Disputes::<T>::get(job).defensive() {
			if let TraceState::Posted { root, .. } = dispute.trace {
				Self::forget_nodes(&challenge, root);
			}
		}
		if Challenged::<T>::get(job, &challenge.who) == Some(id) {
			Challenged::<T>::remove(job, &challenge.who);
		}
		Challenges::<T>::remove(id);
		Disputes::<T>::mutate_exists(job, |dispute| {
			*dispute = dispute.take().and_then(|mut dispute| {
				dispute.records = dispute.records.saturating_sub(1);
				(dispute.records > 0).then_some(dispute)
			});
		});
		Ok(())
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
