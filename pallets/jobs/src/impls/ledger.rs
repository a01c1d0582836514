//! Claims as the challenges pallet sees them.

use alloc::vec::Vec;
use assay_primitives::{ClaimView, Claims, FaultKind, JobId, ModelId, ModelRegistry, PageKey};
use frame_support::{defensive, traits::Defensive};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchResult, Saturating,
};

use super::{jobs_in, settlement::OpenClaim};
use crate::{BalanceOf, Config, Error, Inputs, JobOf, JobStatus, Jobs, Lane, Pallet};

impl<T: Config> Claims<T::AccountId, BlockNumberFor<T>, BalanceOf<T>> for Pallet<T> {
	fn open_claim(id: JobId) -> Option<ClaimView<T::AccountId, BlockNumberFor<T>, BalanceOf<T>>> {
		let job = Jobs::<T>::get(id)?;
		let attempt = job.attempt();
		let JobStatus::Claimed { operator, stake, output_root, window_end, .. } = job.status else {
			return None;
		};
		let info = T::Models::info(&job.model).defensive()?;
		Some(ClaimView {
			operator,
			requester: job.requester,
			model: job.model,
			info,
			input_root: job.input_root,
			output_root,
			window_end,
			fee: job.fee,
			stake,
			attempt,
		})
	}

	fn claim_pages(
		model: &ModelId,
		after: Option<PageKey>,
		limit: u32,
	) -> Vec<(PageKey, Vec<JobId>)> {
		Self::pages_of(&Lane::Claimed(*model), after, limit)
			.into_iter()
			.map(|(key, bits)| (key, jobs_in(key, bits).collect()))
			.collect()
	}

	fn input(id: JobId) -> Option<Vec<u8>> {
		Inputs::<T>::get(id).map(|input| input.into_inner())
	}

	fn hold_open(id: JobId) -> DispatchResult {
		Jobs::<T>::try_mutate(id, |job| {
			let status = job.as_mut().map(|job| &mut job.status);
			let Some(JobStatus::Claimed { live, disputes, .. }) = status else {
				return Err(Error::<T>::ClaimNotOpen.into());
			};
			*live = live.saturating_add(1);
			*disputes = disputes.saturating_add(1);
			Ok(())
		})
	}

	fn release_open(id: JobId) {
		let Some(mut job) = Jobs::<T>::get(id) else { return };
		Self::let_go(id, &mut job);
		Jobs::<T>::insert(id, job);
	}

	fn fault(
		id: JobId,
		kind: FaultKind,
		finder: Option<T::AccountId>,
		prover: Option<T::AccountId>,
	) -> DispatchResult {
		let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		let JobStatus::Claimed { operator, stake, output_root, disputes, earned, .. } =
			job.status.clone()
		else {
			return Err(Error::<T>::ClaimNotOpen.into());
		};
		Self::drop_demand(id, &mut job);
		Self::unschedule(id, &mut job);
		let claim = OpenClaim { operator, stake, output_root, disputes, earned };
		Self::do_fault(id, job, claim, kind, finder, prover)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_claim(
		operator: &T::AccountId,
		key: Option<assay_primitives::ServiceKey>,
		program: Vec<u8>,
		weights_root: sp_core::H256,
		input: Vec<u8>,
		output_root: sp_core::H256,
	) -> JobId {
		use assay_primitives::OperatorLedger;

		let model = T::Models::benchmark_register(program, weights_root);
		T::Operators::benchmark_operator(operator, key, model);
		let id = crate::benchmarking::request::<T>(model, input);
		let content = Jobs::<T>::get(id).expect("just requested").content();
		Self::do_accept(operator, &[crate::Offer { job: id, content }])
			.expect("the operator serves the model");
		// The output's bytes are not of interest to disputes, so they are not checked here.
		let mut job = Jobs::<T>::get(id).expect("just accepted");
		let JobStatus::Assigned { stake, .. } = job.status else { unreachable!("just accepted") };
		let window_end = T::Clock::current_block_number()
			.saturating_add(<T::Window as frame_support::traits::Get<_>>::get());
		let claimed = JobStatus::claimed(operator.clone(), stake, output_root, window_end);
		Self::enter_window(id, &mut job, claimed);
		// The dearest claim to end as false is one of which a part is demanded.
		crate::benchmarking::demand_at_once::<T>(id, &mut job);
		Jobs::<T>::insert(id, job);
		id
	}
}

impl<T: Config> Pallet<T> {
	/// One thing less forbids that the claim becomes final; when it was the last and the window is over,
	/// the claim becomes so in the next block. Does nothing when the claim is no longer open. The caller
	/// stores the job.
	pub(crate) fn let_go(id: JobId, job: &mut JobOf<T>) {
		let JobStatus::Claimed { live, .. } = &mut job.status else { return };
		if *live == 0 {
			defensive!("released more often than held");
			return;
		}
		*live -= 1;
		if *live == 0 && job.due.is_none() {
			let next = T::Clock::current_block_number().saturating_add(One::one());
			Self::schedule(id, job, next);
		}
	}
}
