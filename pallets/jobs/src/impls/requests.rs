//! Requesting and cancelling.

use assay_primitives::{JobId, ModelId, ModelRegistry, OperatorLedger, MAX_INLINE_OUTPUT};
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, Get},
};
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, One, UniqueSaturatedFrom},
	DispatchError, DispatchResult, Saturating,
};

use crate::{
	BalanceOf, Config, Error, Event, HoldReason, InputOf, Inputs, Job, JobStatus, Jobs, NextJob,
	Pallet,
};

impl<T: Config> Pallet<T> {
	/// Whether a new page of the agenda was made for the job.
	pub(crate) fn do_request(
		requester: T::AccountId,
		model: ModelId,
		input: InputOf<T>,
		fee: BalanceOf<T>,
		designated: Option<T::AccountId>,
	) -> Result<bool, DispatchError> {
		let info = T::Models::info(&model).ok_or(Error::<T>::ModelUnknown)?;
		ensure!(input.len() as u64 == info.input_len, Error::<T>::InputLength);
		ensure!(fee >= Self::min_fee(info.units), Error::<T>::FeeTooSmall);
		if let Some(operator) = &designated {
			let available =
				T::Operators::is_active(operator) && T::Operators::serves(operator, &model);
			ensure!(available, Error::<T>::OperatorUnavailable);
		}
		T::Models::job_opened(&model)?;
		let deposit = Self::deposit_for(info.input_len, info.output_len);
		T::Currency::hold(&HoldReason::Fee.into(), &requester, fee)?;
		T::Currency::hold(&HoldReason::Storage.into(), &requester, deposit)?;

		let id = NextJob::<T>::mutate(|next| {
			let id = *next;
			*next = next.saturating_add(1);
			id
		});
		let requested = T::Clock::current_block_number();
		let expires = requested.saturating_add(T::QueuePeriod::get());
		let input_root = H256(assay_referee::tree::hash(&input));
		let mut job = Job {
			requester: requester.clone(),
			model,
			input_root,
			fee,
			deposit,
			designated: designated.clone(),
			requested,
			expires,
			missed: Default::default(),
			status: JobStatus::Queued,
			due: None,
		};
		let new_page = Self::schedule(id, &mut job, expires.saturating_add(One::one()));
		Jobs::<T>::insert(id, job);
		Inputs::<T>::insert(id, input);
		Self::deposit_event(Event::Requested {
			job: id,
			requester,
			model,
			input_root,
			fee,
			designated,
			expires,
		});
		Ok(new_page)
	}

	pub(crate) fn do_cancel(requester: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		ensure!(job.requester == requester, Error::<T>::NotRequester);
		ensure!(job.status == JobStatus::Queued, Error::<T>::JobNotQueued);
		let refunded = Self::refund(&job)?;
		Self::unschedule(id, &mut job);
		Self::close(id, job, JobStatus::Cancelled);
		Self::deposit_event(Event::Cancelled { job: id, refunded });
		Ok(())
	}

	/// Least fee for a model of so many cost units.
	pub fn min_fee(units: u64) -> BalanceOf<T> {
		T::FeePerUnit::get()
			.saturating_mul(BalanceOf::<T>::unique_saturated_from(units))
			.saturating_add(T::FeeBase::get())
	}

	/// Deposit for a job with input and output of so many bytes. An output too long for a claim
	/// is not stored and costs nothing.
	pub fn deposit_for(input_len: u64, output_len: u64) -> BalanceOf<T> {
		let stored = if output_len <= u64::from(MAX_INLINE_OUTPUT) { output_len } else { 0 };
		let bytes = BalanceOf::<T>::unique_saturated_from(input_len.saturating_add(stored));
		T::DepositPerByte::get().saturating_mul(bytes).saturating_add(T::DepositBase::get())
	}
}
