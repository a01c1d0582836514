//! The rules of the game, by stage.

mod agenda;
mod interrogation;
mod opening;
mod verdicts;

use assay_primitives::{Claims, JobId};
use frame_support::{dispatch::DispatchClass, ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::{BlockNumberProvider, Zero};

use crate::{
	BalanceOf, ChallengeId, ChallengeOf, ClaimOf, Config, Disputes, Error, Live, NodeState, Nodes,
	Pallet, TraceState, Turn, WeightInfo,
};

impl<T: Config> Pallet<T> {
	/// The time in which turns are counted.
	pub(crate) fn now() -> BlockNumberFor<T> {
		T::Clock::current_block_number()
	}

	/// The claim of `job`, which must be open.
	pub(crate) fn open_claim(job: JobId) -> Result<ClaimOf<T>, Error<T>> {
		T::Claims::open_claim(job).ok_or(Error::<T>::ClaimNotOpen)
	}

	/// The trace that the operator of `job` is bound to.
	pub(crate) fn posted_trace(job: JobId) -> Result<H256, Error<T>> {
		match Disputes::<T>::get(job).map(|dispute| dispute.trace) {
			Some(TraceState::Posted { root, .. }) => Ok(root),
			_ => Err(Error::<T>::TraceNotPosted),
		}
	}

	/// The live challenges of `job`, earliest first.
	pub(crate) fn live_of(job: JobId) -> impl Iterator<Item = ChallengeId> {
		Live::<T>::iter_key_prefix(job).map(ChallengeId::from_be_bytes)
	}

	/// Whose turn it is; nobody's if the challenge is over or its claim is closed and settled.
	pub(crate) fn turn_of(challenge: &ChallengeOf<T>) -> Option<Turn<BlockNumberFor<T>>> {
		if !challenge.is_live() {
			return None;
		}
		let answered_at = match (Disputes::<T>::get(challenge.job)?.trace, challenge.cursor()) {
			(TraceState::Demanded { deadline }, _) => return Some(Turn::Operator { deadline }),
			(TraceState::Posted { at, .. }, None) => at,
			(TraceState::Posted { .. }, Some(node)) => {
				match Nodes::<T>::get(challenge.job, node)? {
					NodeState::Asked { deadline, .. } => return Some(Turn::Operator { deadline }),
					NodeState::Opened { at, .. } => at,
				}
			},
		};
		// Each answer gives the challenger a full turn, and so does each move of its own.
		let deadline = answered_at.max(challenge.since) + T::TurnPeriod::get();
		Some(Turn::Challenger { deadline })
	}

	/// Last block at which a node asked for at `now` may be opened.
	///
	/// A limit to how many answers an operator may owe per block belongs here: it would put the
	/// deadline off by the operator's backlog.
	pub(crate) fn answer_deadline(
		_operator: &T::AccountId,
		now: BlockNumberFor<T>,
	) -> BlockNumberFor<T> {
		now + T::AnswerPeriod::get()
	}

	/// The bond of a challenge against `claim`. It is flat: how many others challenge makes no
	/// difference.
	pub(crate) fn bond_for(claim: &ClaimOf<T>) -> BalanceOf<T> {
		use sp_runtime::{traits::Saturating, SaturatedConversion};
		let millions: BalanceOf<T> = claim.info.units.div_ceil(1_000_000).saturated_into();
		T::BondPerMillionUnits::get().saturating_mul(millions).max(T::MinBond::get())
	}

	/// What must hold between the constants.
	pub(crate) fn check_constants() {
		assert!(!T::MinBond::get().is_zero(), "a free challenge would be a free delay");
		for period in [
			T::TracePeriod::get(),
			T::AnswerPeriod::get(),
			T::TurnPeriod::get(),
			T::Retention::get(),
		] {
			assert!(!period.is_zero(), "a period of no blocks gives no chance to act");
		}
		let limits = T::BlockWeights::get();
		let most = limits.get(DispatchClass::Operational).max_extrinsic.unwrap_or(limits.max_block);
		let proof =
			T::WeightInfo::prove_fault().saturating_add(T::WeightInfo::authorize_prove_fault());
		assert!(proof.all_lte(most), "the costliest proof must fit a block");
	}

	/// `Ok` when the claim's window admits new challenges at `now`.
	pub(crate) fn ensure_window(
		claim: &ClaimOf<T>,
		now: BlockNumberFor<T>,
	) -> Result<(), Error<T>> {
		ensure!(now <= claim.window_end, Error::<T>::WindowClosed);
		Ok(())
	}
}
