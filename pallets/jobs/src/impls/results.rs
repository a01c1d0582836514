//! Claiming.

use assay_primitives::{JobId, ModelRegistry, MAX_INLINE_OUTPUT};
use frame_support::{
	ensure,
	traits::{DefensiveOption, Get},
};
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchError, DispatchResult, Saturating,
};

use crate::{
	Assignments, BalanceOf, Config, Error, Event, JobOf, JobStatus, Jobs, OutputBytes, Outputs,
	Pallet,
};

impl<T: Config> Pallet<T> {
	/// The job and the stake behind it, if `operator` may answer it so now.
	pub(crate) fn check_claim(
		operator: &T::AccountId,
		id: JobId,
		attempt: u32,
		output_root: &H256,
		output: &[u8],
	) -> Result<(JobOf<T>, BalanceOf<T>), DispatchError> {
		let job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		let JobStatus::Assigned { operator: assignee, stake, deadline } = &job.status else {
			return Err(Error::<T>::NotAssigned.into());
		};
		ensure!(assignee == operator, Error::<T>::NotAssignee);
		ensure!(job.attempt == attempt, Error::<T>::WrongAttempt);
		ensure!(T::Clock::current_block_number() <= *deadline, Error::<T>::DeadlineOver);
		let info = T::Models::info(&job.model).defensive_ok_or(Error::<T>::ModelUnknown)?;
		if info.output_len <= u64::from(MAX_INLINE_OUTPUT) {
			ensure!(output.len() as u64 == info.output_len, Error::<T>::OutputLength);
			let root = assay_referee::tree::hash(output);
			ensure!(root == output_root.0, Error::<T>::OutputMismatch);
		} else {
			ensure!(output.is_empty(), Error::<T>::OutputLength);
		}
		let stake = *stake;
		Ok((job, stake))
	}

	pub(crate) fn do_claim(
		operator: T::AccountId,
		id: JobId,
		attempt: u32,
		output_root: H256,
		output: OutputBytes,
	) -> DispatchResult {
		let (mut job, stake) = Self::check_claim(&operator, id, attempt, &output_root, &output)?;
		let window_end = T::Clock::current_block_number().saturating_add(T::Window::get());
		job.status = JobStatus::Claimed {
			operator: operator.clone(),
			stake,
			output_root,
			window_end,
			live: 0,
			disputes: 0,
		};
		Self::schedule(id, &mut job, Some(window_end.saturating_add(One::one())));
		Jobs::<T>::insert(id, job);
		Assignments::<T>::remove(&operator, id);
		if !output.is_empty() {
			Outputs::<T>::insert(id, output);
		}
		Self::deposit_event(Event::Claimed { job: id, operator, output_root, window_end });
		Ok(())
	}
}
