//! Accepting jobs, and missing their deadlines.

use alloc::collections::BTreeSet;
use assay_primitives::{time::blocks_for, JobId, ModelId, ModelRegistry, OperatorLedger};
use codec::Encode;
use frame_support::{
	ensure,
	traits::{DefensiveOption, Get, Imbalance},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchError, DispatchResult, Saturating,
};

use crate::{BalanceOf, Config, Error, Event, JobOf, JobStatus, Jobs, Offer, Pallet, Periods};

/// What a batch did.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
	/// How many of its items took effect.
	pub(crate) done: u32,
	/// How many pages of the agenda were written for them.
	pub(crate) pages: u32,
}

impl<T: Config> Pallet<T> {
	/// The job, if `operator` may take it now, and the stake that this takes.
	pub(crate) fn may_accept(
		operator: &T::AccountId,
		offer: &Offer,
	) -> Result<(JobOf<T>, BalanceOf<T>), DispatchError> {
		let job = Jobs::<T>::get(offer.job).ok_or(Error::<T>::JobUnknown)?;
		ensure!(job.content() == offer.content, Error::<T>::JobDiffers);
		Self::ensure_eligible(operator, &job)?;
		let stake = Self::stake_for(job.fee);
		Ok((job, stake))
	}

	/// Whether `operator` may take `job` now, stake apart.
	pub(crate) fn ensure_eligible(operator: &T::AccountId, job: &JobOf<T>) -> DispatchResult {
		ensure!(job.status == JobStatus::Queued, Error::<T>::JobNotQueued);
		ensure!(T::Clock::current_block_number() <= job.expires, Error::<T>::QueueOver);
		let open = job.designated.as_ref().is_none_or(|designated| designated == operator);
		ensure!(open, Error::<T>::JobDesignated);
		ensure!(!job.missed.contains(operator), Error::<T>::DeadlineMissedBefore);
		ensure!(T::Operators::serves(operator, &job.model), Error::<T>::ModelNotServed);
		Ok(())
	}

	/// Stake behind the claim on a job of this fee.
	pub fn stake_for(fee: BalanceOf<T>) -> BalanceOf<T> {
		fee.saturating_mul(T::StakePerFee::get().into()).max(T::MinClaimStake::get())
	}

	/// What a job of `model` gives time for. Claiming takes one run and watching another, beside
	/// whatever else a machine has to do.
	pub(crate) fn periods_of(model: &ModelId) -> Option<Periods<BlockNumberFor<T>>> {
		let info = T::Models::info(model)?;
		let run = blocks_for(info.run_micros, T::BlockMillis::get());
		let with_runs = |base: BlockNumberFor<T>, runs: u32| {
			base.saturating_add(run.saturating_mul(runs).into())
		};
		Some(Periods {
			queue: T::QueuePeriod::get(),
			claim: with_runs(T::ClaimPeriod::get(), 2),
			window: with_runs(T::Window::get(), 2),
			// The output may be forgotten by then: a run, and one that keeps the machine busy.
			delivery: with_runs(T::DeliveryPeriod::get(), 2),
		})
	}

	/// Take those of the offered jobs that `operator` can take.
	///
	/// # Errors
	/// Why the first cannot be taken, when none can.
	pub(crate) fn do_accept(
		operator: &T::AccountId,
		offers: &[Offer],
	) -> Result<Batch, DispatchError> {
		let mut pages = BTreeSet::new();
		Self::each(offers, &mut pages, |offer, pages| Self::accept_one(operator, offer, pages))
	}

	/// Do something to each item of a batch; the first error when nothing was done to any.
	pub(crate) fn each<Item>(
		items: &[Item],
		pages: &mut BTreeSet<[u8; 16]>,
		mut one: impl FnMut(&Item, &mut BTreeSet<[u8; 16]>) -> DispatchResult,
	) -> Result<Batch, DispatchError> {
		let mut refused = None;
		let mut done = 0u32;
		for item in items {
			match one(item, pages) {
				Ok(()) => done.saturating_inc(),
				Err(error) => refused = refused.or(Some(error)),
			}
		}
		ensure!(done > 0, refused.unwrap_or(Error::<T>::BatchEmpty.into()));
		Ok(Batch { done, pages: pages.len() as u32 })
	}

	/// Note the page in which a job stands.
	pub(crate) fn note_page(id: JobId, job: &JobOf<T>, pages: &mut BTreeSet<[u8; 16]>) {
		if let Some(name) = Self::page_name(id, job) {
			pages.insert(name.using_encoded(sp_io::hashing::twox_128));
		}
	}

	fn accept_one(
		operator: &T::AccountId,
		offer: &Offer,
		pages: &mut BTreeSet<[u8; 16]>,
	) -> DispatchResult {
		let id = offer.job;
		let (mut job, stake) = Self::may_accept(operator, offer)?;
		let periods = Self::periods_of(&job.model).defensive_ok_or(Error::<T>::ModelUnknown)?;
		T::Operators::expose(operator, stake)?;
		Self::note_page(id, &job, pages);
		Self::unschedule(id, &mut job);
		let deadline = T::Clock::current_block_number().saturating_add(periods.claim);
		let attempt = job.attempt();
		job.status = JobStatus::Assigned { operator: operator.clone(), stake, deadline };
		Self::schedule(id, &mut job, deadline.saturating_add(One::one()));
		Self::note_page(id, &job, pages);
		Jobs::<T>::insert(id, job);
		let operator = operator.clone();
		Self::deposit_event(Event::Accepted { job: id, operator, attempt, stake, deadline });
		Ok(())
	}

	/// Queue the job again for others, or let it expire when it has waited long enough, nobody else may
	/// take it, or enough have tried.
	pub(crate) fn do_miss(
		id: JobId,
		mut job: JobOf<T>,
		operator: T::AccountId,
		stake: BalanceOf<T>,
	) -> DispatchResult {
		let penalty = T::MissedPenalty::get().mul_ceil(stake);
		let burned = T::Operators::slash(&operator, stake, penalty).peek();
		T::Operators::note_missed(&operator);
		let queued = T::Clock::current_block_number() <= job.expires
			&& job.designated.is_none()
			&& job.missed.try_push(operator.clone()).is_ok()
			&& !job.missed.is_full();
		Self::deposit_event(Event::DeadlineMissed { job: id, operator, burned, queued });
		if !queued {
			return Self::do_expire(id, job);
		}
		job.status = JobStatus::Queued;
		let due = job.expires.saturating_add(One::one());
		Self::schedule(id, &mut job, due);
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
