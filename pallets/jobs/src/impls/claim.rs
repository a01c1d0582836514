//! Claiming.

use alloc::collections::BTreeSet;
use assay_primitives::{JobId, ModelRegistry, MAX_INLINE_OUTPUT};
use frame_support::{ensure, traits::DefensiveOption};
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchError, DispatchResult, Saturating,
};

use super::Batch;
use crate::{Answer, BalanceOf, Config, Error, Event, JobOf, JobStatus, Jobs, Outputs, Pallet};

impl<T: Config> Pallet<T> {
	/// The job and the stake behind it, if `operator` may answer it so now.
	pub(crate) fn may_claim(
		operator: &T::AccountId,
		answer: &Answer,
	) -> Result<(JobOf<T>, BalanceOf<T>), DispatchError> {
		let job = Jobs::<T>::get(answer.job).ok_or(Error::<T>::JobUnknown)?;
		let JobStatus::Assigned { operator: assignee, stake, deadline } = &job.status else {
			return Err(Error::<T>::JobNotAssigned.into());
		};
		ensure!(assignee == operator, Error::<T>::NotAssignee);
		ensure!(job.content() == answer.content, Error::<T>::JobDiffers);
		ensure!(T::Clock::current_block_number() <= *deadline, Error::<T>::DeadlineOver);
		let info = T::Models::info(&job.model).defensive_ok_or(Error::<T>::ModelUnknown)?;
		if info.output_len <= u64::from(MAX_INLINE_OUTPUT) {
			ensure!(answer.output.len() as u64 == info.output_len, Error::<T>::OutputLength);
			let root = assay_referee::tree::hash(&answer.output);
			ensure!(root == answer.output_root.0, Error::<T>::OutputMismatch);
		} else {
			ensure!(answer.output.is_empty(), Error::<T>::OutputLength);
		}
		let stake = *stake;
		Ok((job, stake))
	}

	/// Take those answers that `operator` owes.
	///
	/// # Errors
	/// Why the first cannot be taken, when none can.
	pub(crate) fn do_claim(
		operator: &T::AccountId,
		answers: &[Answer],
	) -> Result<Batch, DispatchError> {
		let mut pages = BTreeSet::new();
		Self::each(answers, &mut pages, |answer, pages| Self::claim_one(operator, answer, pages))
	}

	fn claim_one(
		operator: &T::AccountId,
		answer: &Answer,
		pages: &mut BTreeSet<[u8; 16]>,
	) -> DispatchResult {
		let id = answer.job;
		let (mut job, stake) = Self::may_claim(operator, answer)?;
		let window_end = Self::window_from_now(&job)?;
		let claimed = JobStatus::claimed(operator.clone(), stake, answer.output_root, window_end);
		Self::note_page(id, &job, pages);
		Self::enter_window(id, &mut job, claimed);
		Self::note_page(id, &job, pages);
		Jobs::<T>::insert(id, job);
		if !answer.output.is_empty() {
			Outputs::<T>::insert(id, answer.output.clone());
		}
		Ok(())
	}

	/// Last block at which a claim made now may be challenged.
	fn window_from_now(
		job: &JobOf<T>,
	) -> Result<frame_system::pallet_prelude::BlockNumberFor<T>, DispatchError> {
		let periods = Self::periods_of(&job.model).defensive_ok_or(Error::<T>::ModelUnknown)?;
		Ok(T::Clock::current_block_number().saturating_add(periods.window))
	}

	/// Let a job enter the window of its claim. The caller stores it.
	pub(crate) fn enter_window(
		id: JobId,
		job: &mut JobOf<T>,
		claimed: JobStatus<
			T::AccountId,
			BalanceOf<T>,
			frame_system::pallet_prelude::BlockNumberFor<T>,
		>,
	) {
		Self::unschedule(id, job);
		job.status = claimed;
		if let JobStatus::Claimed { operator, output_root, window_end, .. } = job.status.clone() {
			Self::schedule(id, job, window_end.saturating_add(One::one()));
			Self::deposit_event(Event::Claimed { job: id, operator, output_root, window_end });
		}
	}
}
