//! Benchmarks of the models pallet.

use super::*;
use assay_primitives::{models::model_id, samples, ModelId};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{hold, Mutate},
		EnsureOrigin, Get,
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

fn endow<T: Config>(who: &T::AccountId)
where
	T::Currency: Mutate<T::AccountId>,
{
	T::Currency::set_balance(who, BalanceOf::<T>::max_value() / 16u32.into());
}

fn endowed<T: Config>() -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who: T::AccountId = whitelisted_caller();
	endow::<T>(&who);
	who
}

fn other<T: Config>(name: &'static str) -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who: T::AccountId = account(name, 0, 0);
	endow::<T>(&who);
	who
}

/// A model of so many operations that `who` registered.
fn registered_by<T: Config>(who: &T::AccountId, ops: u32) -> ModelId
where
	T::Currency: Mutate<T::AccountId>,
{
	let program = samples::chain(ops, 16);
	let model = model_id(&H256(assay_referee::program_root(&program)), &WEIGHTS);
	Pallet::<T>::do_register(who.clone(), &program, WEIGHTS, metadata()).expect("registers");
	model
}

/// A model behind which two others stand, the caller between them: whoever leaves there touches most.
fn endorsed_between<T: Config>() -> (T::AccountId, ModelId)
where
	T::Currency: Mutate<T::AccountId>,
{
	let who = endowed::<T>();
	let model = registered_by::<T>(&other::<T>("first"), 1);
	for endorser in [who.clone(), other::<T>("last")] {
		Pallet::<T>::do_endorse(endorser, model, metadata()).expect("endorses");
	}
	(who, model)
}

/// A model from which its only endorser, who is not the caller, withdrew.
fn retired<T: Config>() -> ModelId
where
	T::Currency: Mutate<T::AccountId>,
{
	let depositor = other::<T>("depositor");
	let model = registered_by::<T>(&depositor, 1);
	Pallet::<T>::do_retire(depositor, model).expect("it stands");
	model
}

fn governance<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::RetireOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks(where T::Currency: Mutate<T::AccountId> + hold::Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	/// Of the records that take longest to decode and check, and a parent to look up.
	#[benchmark]
	fn register(n: Linear<2, { assay_referee::MAX_OPS + 1 }>) -> Result<(), BenchmarkError> {
		let who = endowed::<T>();
		let parent = Some(registered_by::<T>(&other::<T>("parent"), 1));
		let n = n.min(T::MaxProgramBytes::get() / assay_referee::RECORD_BYTES as u32);
		let program = BoundedVec::truncate_from(samples::heaviest(n - 1));

		#[extrinsic_call]
		_(RawOrigin::Signed(who), program, WEIGHTS, ModelMetadata { parent, ..metadata() });

		assert_eq!(Models::<T>::iter().count(), 2);
		Ok(())
	}

	#[benchmark]
	fn retire() -> Result<(), BenchmarkError> {
		let (who, model) = endorsed_between::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), model);

		assert!(!Endorsements::<T>::contains_key(model, who));
		Ok(())
	}

	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		let (who, model) = (endowed::<T>(), retired::<T>());

		#[extrinsic_call]
		_(RawOrigin::Signed(who), model);

		assert!(!Models::<T>::contains_key(model));
		Ok(())
	}

	/// Of a retired model, whose old deposit goes back.
	#[benchmark]
	fn endorse() -> Result<(), BenchmarkError> {
		let (who, model) = (endowed::<T>(), retired::<T>());
		let parent = Some(registered_by::<T>(&other::<T>("parent"), 2));

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), model, ModelMetadata { parent, ..metadata() });

		assert!(Endorsements::<T>::contains_key(model, who));
		Ok(())
	}

	/// Of a model that somebody else recalled.
	#[benchmark]
	fn recall() -> Result<(), BenchmarkError> {
		let (who, model) = endorsed_between::<T>();
		let reason = BoundedVec::truncate_from(alloc::vec![b'r'; 256]);
		let earlier = other::<T>("earlier");
		Pallet::<T>::do_endorse(earlier.clone(), model, metadata())?;
		Pallet::<T>::do_recall(earlier, model, reason.clone())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who), model, reason);

		assert!(Models::<T>::get(model).expect("it stays").recalls.is_some());
		Ok(())
	}

	#[benchmark]
	fn stop() -> Result<(), BenchmarkError> {
		let model = retired::<T>();
		let origin = governance::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, model);

		assert!(Models::<T>::get(model).expect("it stays").state == ModelState::Stopped);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
