//! Accepting jobs, and missing their deadlines.

use assay_primitives::{JobId, OperatorLedger};
use frame_support::{
	ensure,
	traits::{Get, Imbalance},
};
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchError, DispatchResult, Saturating,
};

use crate::{Assignments, BalanceOf, Config, Error, Event, JobOf, JobStatus, Jobs, Pallet};

impl<T: Config> Pallet<T> {
	/// The job, if `operator` may take it now, and the stake that this takes.
	pub(crate) fn check_accept(
		operator: &T::AccountId,
		id: JobId,
	) -> Result<(JobOf<T>, BalanceOf<T>), DispatchError> {
		let job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		ensure!(job.status == JobStatus::Queued, Error::<T>::NotQueued);
		ensure!(T::Clock::current_block_number() <= job.expires, Error::<T>::QueueOver);
		let open = job.designated.as_ref().is_none_or(|designated| designated == operator);
		ensure!(open, Error::<T>::Designated);
		ensure!(T::Operators::serves(operator, &job.model), Error::<T>::ModelNotServed);
		let stake = Self::stake_for(job.fee);
		Ok((job, stake))
	}

	/// Stake behind the claim on a job of this fee.
	pub fn stake_for(fee: BalanceOf<T>) -> BalanceOf<T> {
		fee.saturating_mul(T::StakePerFee::get().into()).max(T::MinClaimStake::get())
	}

	pub(crate) fn do_accept(operator: T::AccountId, id: JobId) -> DispatchResult {
		let (mut job, stake) = Self::check_accept(&operator, id)?;
		T::Operators::expose(&operator, stake)?;
		let deadline = T::Clock::current_block_number().saturating_add(T::ClaimPeriod::get());
		let attempt = job.attempt;
		job.status = JobStatus::Assigned { operator: operator.clone(), stake, deadline };
		Self::schedule(id, &mut job, Some(deadline.saturating_add(One::one())));
		Jobs::<T>::insert(id, job);
		Assignments::<T>::insert(&operator, id, ());
		Self::deposit_event(Event::Accepted { job: id, operator, attempt, stake, deadline });
		Ok(())
	}

	/// Queue the job again, or let it expire when it has waited long enough.
	pub(crate) fn do_miss(
		id: JobId,
		mut job: JobOf<T>,
		operator: T::AccountId,
		stake: BalanceOf<T>,
	) -> DispatchResult {
		Assignments::<T>::remove(&operator, id);
		let penalty = T::MissedPenalty::get().mul_ceil(stake);
		let burned = T::Operators::slash(&operator, stake, penalty).peek();
		T::Operators::note_missed(&operator);
		let queued = T::Clock::current_block_number() <= job.expires;
		Self::deposit_event(Event::DeadlineMissed { job: id, operator, burned, queued });
		if !queued {
			return Self::do_expire(id, job);
		}
		job.attempt = job.attempt.saturating_add(1);
		job.status = JobStatus::Queued;
		let due = job.expires.saturating_add(One::one());
		Self::schedule(id, &mut job, Some(due));
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	pub(crate) fn do_expire(id: JobId, job: JobOf<T>) -> DispatchResult {
		let refunded = Self::refund(&job)?;
		Self::close(id, job, JobStatus::Expired);
		Self::deposit_event(Event::Expired { job: id, refunded });
		Ok(())
	}
}
