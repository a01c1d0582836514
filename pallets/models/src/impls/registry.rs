//! The registry as other pallets see it.

use assay_primitives::{ModelId, ModelInfo, ModelRegistry};
use frame_support::defensive;
use sp_runtime::DispatchResult;

use crate::{Config, Error, ModelState, Models, OpenJobs, Pallet};

impl<T: Config> ModelRegistry for Pallet<T> {
	fn info(id: &ModelId) -> Option<ModelInfo> {
		Models::<T>::get(id).map(|record| record.info)
	}

	fn job_opened(id: &ModelId) -> DispatchResult {
		let record = Models::<T>::get(id).ok_or(Error::<T>::ModelUnknown)?;
		match record.state {
			ModelState::Endorsed => {},
			ModelState::Retired { .. } | ModelState::Recalled => {
				return Err(Error::<T>::ModelRetired.into())
			},
			ModelState::Stopped => return Err(Error::<T>::ModelStopped.into()),
		}
		OpenJobs::<T>::mutate(id, |open| *open = open.saturating_add(1));
		Ok(())
	}

	fn job_closed(id: &ModelId) {
		OpenJobs::<T>::mutate_exists(id, |open| match open {
			Some(n) if *n > 1 => *n -= 1,
			Some(_) => *open = None,
			None => {
				defensive!("every job that closes was opened");
			},
		});
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(program: alloc::vec::Vec<u8>, weights_root: sp_core::H256) -> ModelId {
		use crate::*;
		use assay_primitives::models::model_id;
		use sp_runtime::traits::Zero;

		let program_root = sp_core::H256(assay_referee::tree::hash(&program));
		let model = model_id(&program_root, &weights_root);
		let info = Self::examine(&program, program_root, weights_root)
			.expect("benchmarks bring well-formed programs");
		let who: T::AccountId = frame_benchmarking::whitelisted_caller();
		let standing = Some(Standing { count: 1, first: who.clone(), last: who.clone() });
		Models::<T>::insert(model, ModelRecord { standing, ..ModelRecord::new(info) });
		let metadata = benchmarking::metadata();
		Metadata::<T>::insert(model, &metadata);
		let state = EndorsementState::Standing { before: None, after: None };
		let (deposit, since) = (Zero::zero(), Zero::zero());
		Endorsements::<T>::insert(model, who, Endorsement { metadata, deposit, since, state });
		model
	}
}
