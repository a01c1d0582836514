//! Benchmarks of the models pallet.

use super::*;
use assay_primitives::{models::model_id, samples, ModelId};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{hold, Mutate},
		Get,
	},
	BoundedVec,
};
use frame_system::RawOrigin;
use sp_core::H256;
use sp_runtime::traits::Bounded;

/// Metadata of the largest size.
pub(crate) fn metadata() -> ModelMetadata {
	ModelMetadata {
		name: BoundedVec::truncate_from(alloc::vec![b'n'; 64]),
		version: BoundedVec::truncate_from(alloc::vec![b'1'; 32]),
		source_hash: H256::repeat_byte(1),
		parent: None,
		licence: BoundedVec::truncate_from(alloc::vec![b'l'; 64]),
	}
}

const WEIGHTS: H256 = H256::repeat_byte(7);

fn endowed<T: Config>() -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who: T::AccountId = whitelisted_caller();
	T::Currency::set_balance(&who, BalanceOf::<T>::max_value() / 4u32.into());
	who
}

fn registered<T: Config>() -> (T::AccountId, ModelId)
where
	T::Currency: Mutate<T::AccountId>,
{
	let who = endowed::<T>();
	let program = samples::chain(1, 16);
	let model = model_id(&H256(assay_referee::tree::hash(&program)), &WEIGHTS);
	Pallet::<T>::do_register(who.clone(), &program, WEIGHTS, metadata()).expect("registers");
	(who, model)
}

#[benchmarks(where T::Currency: Mutate<T::AccountId> + hold::Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register(n: Linear<2, { assay_referee::MAX_OPS + 1 }>) -> Result<(), BenchmarkError> {
		let who = endowed::<T>();
		let n = n.min(T::MaxProgramBytes::get() / assay_referee::RECORD_BYTES as u32);
		let program = BoundedVec::truncate_from(samples::chain(n - 1, 16));

		#[extrinsic_call]
		_(RawOrigin::Signed(who), program, WEIGHTS, metadata());

		assert_eq!(Models::<T>::iter().count(), 1);
		Ok(())
	}

	#[benchmark]
	fn retire() -> Result<(), BenchmarkError> {
		let (who, model) = registered::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who), model);

		assert!(!Models::<T>::get(model).expect("kept").info.active);
		Ok(())
	}

	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		let (who, model) = registered::<T>();
		Pallet::<T>::retire(RawOrigin::Signed(who.clone()).into(), model)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who), model);

		assert!(!Models::<T>::contains_key(model));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
