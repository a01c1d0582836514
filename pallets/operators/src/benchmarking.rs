//! Benchmarks of the operators pallet.

use super::*;
use assay_primitives::{authorization::possession_here, samples, ModelRegistry, ServiceKey};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{fungible::Mutate, Get},
	BoundedVec,
};
use frame_system::{Pallet as System, RawOrigin};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::{crypto::UncheckedFrom, H256};
use sp_runtime::{
	traits::{BlockNumberProvider, Bounded},
	Saturating,
};

fn endowed<T: Config>() -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who: T::AccountId = whitelisted_caller();
	T::Currency::set_balance(&who, BalanceOf::<T>::max_value() / 4u32.into());
	who
}

fn operator<T: Config>() -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who = endowed::<T>();
	Pallet::<T>::do_stake(who.clone(), stake_of::<T>()).expect("stakes");
	who
}

fn stake_of<T: Config>() -> BalanceOf<T> {
	T::MinStake::get().saturating_mul(16u32.into()).max(1_000_000u32.into())
}

fn key(byte: u8) -> ServiceKey {
	sp_core::sr25519::Public::unchecked_from([byte; 32]).into()
}

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn stake() -> Result<(), BenchmarkError> {
		let who = operator::<T>();
		let amount = stake_of::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), amount);

		assert!(Operators::<T>::contains_key(who));
		Ok(())
	}

	#[benchmark]
	fn unstake() -> Result<(), BenchmarkError> {
		let who = operator::<T>();
		for _ in 1..T::MaxUnstaking::get().min(1_000) {
			Pallet::<T>::do_unstake(who.clone(), 1u32.into())?;
		}

		#[extrinsic_call]
		_(RawOrigin::Signed(who), 1u32.into());

		Ok(())
	}

	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let who = operator::<T>();
		let all = stake_of::<T>();
		Pallet::<T>::do_unstake(who.clone(), all)?;
		let due = T::Clock::current_block_number().saturating_add(T::UnstakingPeriod::get());
		System::<T>::set_block_number(due);
		T::Clock::set_block_number(due);

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));

		assert!(!Operators::<T>::contains_key(who));
		Ok(())
	}

	#[benchmark]
	fn set_service_key() -> Result<(), BenchmarkError> {
		let who = endowed::<T>();
		Pallet::<T>::store_key(who.clone(), key(1))?;
		let new = ServiceKey::generate_pair(None);
		let proof = RuntimeAppPublic::sign(&new, &possession_here::<T>(&who)).expect("it is there");

		#[extrinsic_call]
		_(RawOrigin::Signed(who), Some((new.clone(), proof)));

		assert!(KeyOwner::<T>::contains_key(new));
		Ok(())
	}

	#[benchmark]
	fn set_key_allowance() -> Result<(), BenchmarkError> {
		let who = endowed::<T>();
		Pallet::<T>::store_key(who.clone(), key(1))?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who), 1u32.into());

		Ok(())
	}

	#[benchmark]
	fn serve(n: Linear<0, { T::MaxServed::get() }>) -> Result<(), BenchmarkError> {
		let who = operator::<T>();
		let models = (0..n)
			.map(|op| T::Models::benchmark_register(samples::chain(op + 1, 4), H256::zero()))
			.collect::<alloc::vec::Vec<_>>();
		let models = BoundedVec::truncate_from(models);

		#[extrinsic_call]
		_(RawOrigin::Signed(who), models);

		Ok(())
	}

	#[benchmark]
	fn chill() -> Result<(), BenchmarkError> {
		let who = operator::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who));

		Ok(())
	}

	#[benchmark]
	fn activate() -> Result<(), BenchmarkError> {
		let who = operator::<T>();
		Pallet::<T>::do_chill(who.clone())?;
		System::<T>::set_block_number(
			T::Clock::current_block_number().saturating_add(T::ChillPeriod::get()),
		);

		#[extrinsic_call]
		_(RawOrigin::Signed(who));

		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
