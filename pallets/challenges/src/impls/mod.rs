//! The rules of the game, by stage.

mod agenda;
mod interrogation;
mod opening;
mod proof;
pub(crate) mod time;
mod verdicts;

pub(crate) use verdicts::Due;

use assay_primitives::{Claims, JobId};
use frame_support::{dispatch::DispatchClass, ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, Saturating, Zero},
	SaturatedConversion,
};

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
	///
	/// # Errors
	/// [`Error::TraceNotPosted`] when it has not revealed one.
	pub fn posted_trace(job: JobId) -> Result<H256, Error<T>> {
		match Disputes::<T>::get(job).map(|dispute| dispute.trace) {
			Some(TraceState::Posted { root, .. }) => Ok(root),
			_ => Err(Error::<T>::TraceNotPosted),
		}
	}

	/// The live challenges of `job`, earliest first.
	pub(crate) fn live_of(job: JobId) -> impl Iterator<Item = ChallengeId> {
		// Beginning where the first may be steps over none that ended before it, of which the overlay
		// of this block still knows.
		let first = Disputes::<T>::get(job).map_or(0, |dispute| dispute.first);
		let before = first.checked_sub(1).map(ChallengeId::to_be_bytes);
		let ids = match before {
			Some(before) => {
				Live::<T>::iter_key_prefix_from(job, Live::<T>::hashed_key_for(job, before))
			},
			None => Live::<T>::iter_key_prefix(job),
		};
		ids.map(ChallengeId::from_be_bytes)
	}

	/// At most `limit` live challenges of `job`, earliest first. The next time, the search begins at
	/// the first of them.
	pub(crate) fn first_live_of(job: JobId, limit: usize) -> alloc::vec::Vec<ChallengeId> {
		let found: alloc::vec::Vec<_> = Self::live_of(job).take(limit).collect();
		if let Some(first) = found.first() {
			Disputes::<T>::mutate(job, |dispute| {
				if let Some(dispute) = dispute {
					dispute.first = *first;
				}
			});
		}
		found
	}

	/// Whose turn it is; nobody's if the challenge is over or its claim is closed and settled.
	pub(crate) fn turn_of(challenge: &ChallengeOf<T>) -> Option<Turn<BlockNumberFor<T>>> {
		if !challenge.is_live() {
			return None;
		}
		let dispute = Disputes::<T>::get(challenge.job)?;
		let answered_at = match (dispute.trace, challenge.cursor()) {
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
		let turn = Self::periods_for(dispute.work).turn;
		let deadline = answered_at.max(challenge.since).saturating_add(turn);
		Some(Turn::Challenger { deadline })
	}

	/// The bond of a challenge against `claim`. It is flat: how many others challenge makes no
	/// difference.
	pub(crate) fn bond_for(claim: &ClaimOf<T>) -> BalanceOf<T> {
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
		assert!(T::OperatorRate::get() > 0 && T::ChainRate::get() > 0, "no rate, no answers");
		assert!(T::BlockMillis::get() > 0, "a block takes time");
		let proof = T::WeightInfo::prove_fault(verdicts::BATCH as u32)
			.saturating_add(T::WeightInfo::authorize_prove_fault());
		assert!(proof.all_lte(most), "the costliest proof must fit a block");
	}

	/// `Ok` when the claim's window admits new challenges at `now`.
	pub(crate) fn ensure_window(
		claim: &ClaimOf<T>,
		now: BlockNumberFor<T>,
	) -> Result<(), Error<T>> {
		ensure!(now <= claim.window_end, Error::<T>::WindowOver);
		Ok(())
	}
}
