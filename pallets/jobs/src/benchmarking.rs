//! Benchmarks of the jobs pallet.

use super::*;
use alloc::{vec, vec::Vec};
use assay_primitives::{
	samples, Authorization, JobId, ModelId, ModelRegistry, OperatorLedger, ServiceKey,
	MAX_INLINE_OUTPUT,
};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::TransactionSource,
	traits::{fungible::Unbalanced, tokens::Precision, Authorize, Get},
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, Pallet as System, RawOrigin};
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, Bounded, One},
	RuntimeAppPublic, Saturating,
};

/// Request a run for its least fee, by an account that can pay for it.
pub(crate) fn request<T: Config>(model: ModelId, input: Vec<u8>) -> JobId {
	let requester: T::AccountId = account("requester", 0, 0);
	endow::<T>(&requester);
	let info = T::Models::info(&model).expect("registered");
	let fee = Pallet::<T>::min_fee(info.units);
	let input = BoundedVec::truncate_from(input);
	Pallet::<T>::do_request(requester, model, input, fee, None).expect("well paid")
}

fn endow<T: Config>(who: &T::AccountId) {
	let balance = BalanceOf::<T>::max_value() / 8u32.into();
	<T::Currency as Unbalanced<T::AccountId>>::increase_balance(who, balance, Precision::Exact)
		.expect("benchmarks start with small balances");
}

/// A model whose input and output have `bytes` bytes, at least 4.
fn model<T: Config>(bytes: u32) -> ModelId {
	T::Models::benchmark_register(samples::chain(1, (bytes / 4).max(1)), H256::zero())
}

fn bytes_of(bytes: u32) -> Vec<u8> {
	vec![0u8; (bytes / 4).max(1) as usize * 4]
}

fn new_key() -> ServiceKey {
	ServiceKey::generate_pair(None)
}

/// A job of an operator with a service key: queued.
fn queued<T: Config>(bytes: u32) -> (JobId, T::AccountId, ServiceKey) {
	let operator: T::AccountId = whitelisted_caller();
	let model = model::<T>(bytes);
	let key = new_key();
	T::Operators::benchmark_operator(&operator, Some(key.clone()), model);
	(request::<T>(model, bytes_of(bytes)), operator, key)
}

fn assigned<T: Config>(bytes: u32) -> (JobId, T::AccountId, ServiceKey) {
	let (id, operator, key) = queued::<T>(bytes);
	Pallet::<T>::do_accept(operator.clone(), id).expect("the operator can");
	(id, operator, key)
}

/// The root and bytes of an answer.
fn answer(bytes: u32) -> (H256, OutputBytes) {
	let output = BoundedVec::truncate_from(bytes_of(bytes));
	(H256(assay_referee::tree::hash(&output)), output)
}

fn claimed<T: Config>() -> JobId {
	let (id, operator, _) = assigned::<T>(MAX_INLINE_OUTPUT);
	let (root, output) = answer(MAX_INLINE_OUTPUT);
	Pallet::<T>::do_claim(operator, id, 0, root, output).expect("in time");
	id
}

fn wait<T: Config>(period: BlockNumberFor<T>) {
	let then = T::Clock::current_block_number().saturating_add(period).saturating_add(One::one());
	System::<T>::set_block_number(then);
	T::Clock::set_block_number(then);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn request(n: Linear<4, { T::MaxInputBytes::get() }>) -> Result<(), BenchmarkError> {
		let requester: T::AccountId = whitelisted_caller();
		endow::<T>(&requester);
		let model = model::<T>(n);
		let info = T::Models::info(&model).ok_or(BenchmarkError::Stop("registered"))?;
		let input = BoundedVec::truncate_from(bytes_of(n));
		let fee = Pallet::<T>::min_fee(info.units);

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), model, input, fee, None);

		assert_eq!(NextJob::<T>::get(), 1);
		Ok(())
	}

	#[benchmark]
	fn cancel() -> Result<(), BenchmarkError> {
		let (id, ..) = queued::<T>(4);
		let requester = account("requester", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), id);

		assert!(!OpenJobs::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn accept() -> Result<(), BenchmarkError> {
		let (id, operator, _) = queued::<T>(4);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), id, None);

		assert!(Assignments::<T>::contains_key(operator, id));
		Ok(())
	}

	#[benchmark]
	fn authorize_accept() -> Result<(), BenchmarkError> {
		let (id, _, key) = queued::<T>(4);
		let auth = Authorization::sign::<T>(&key, ACCEPT_TAG, &(id, 0u32));
		let call = Call::<T>::accept { job: id, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	#[benchmark]
	fn claim(n: Linear<4, MAX_INLINE_OUTPUT>) -> Result<(), BenchmarkError> {
		let (id, operator, _) = assigned::<T>(n);
		let (root, output) = answer(n);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), id, 0, root, output, None);

		assert!(Outputs::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn authorize_claim(n: Linear<4, MAX_INLINE_OUTPUT>) -> Result<(), BenchmarkError> {
		let (id, _, key) = assigned::<T>(n);
		let (output_root, output) = answer(n);
		let auth = Authorization::sign::<T>(&key, CLAIM_TAG, &(id, 0u32, output_root, &output));
		let call = Call::<T>::claim { job: id, attempt: 0, output_root, output, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	#[benchmark]
	fn finalize() -> Result<(), BenchmarkError> {
		let id = claimed::<T>();
		wait::<T>(T::Window::get());

		#[block]
		{
			Pallet::<T>::do_poke(id)?;
		}

		assert!(!OpenJobs::<T>::contains_key(id));
		Ok(())
	}

	/// Late for the last attempt, so that the job expires as well.
	#[benchmark]
	fn miss_deadline() -> Result<(), BenchmarkError> {
		let (id, operator, _) = queued::<T>(4);
		wait::<T>(T::QueuePeriod::get().saturating_sub(One::one()));
		Pallet::<T>::do_accept(operator, id)?;
		wait::<T>(T::ClaimPeriod::get());

		#[block]
		{
			Pallet::<T>::do_poke(id)?;
		}

		assert!(!OpenJobs::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn expire() -> Result<(), BenchmarkError> {
		let (id, ..) = queued::<T>(4);
		wait::<T>(T::QueuePeriod::get());

		#[block]
		{
			Pallet::<T>::do_poke(id)?;
		}

		assert!(!OpenJobs::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn reap() -> Result<(), BenchmarkError> {
		let id = claimed::<T>();
		wait::<T>(T::Window::get());
		Pallet::<T>::do_poke(id)?;
		wait::<T>(T::Retention::get());

		#[block]
		{
			Pallet::<T>::do_poke(id)?;
		}

		assert!(!Jobs::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn idle_base() -> Result<(), BenchmarkError> {
		let (..) = queued::<T>(4);
		let limit = T::WeightInfo::idle_base();

		#[block]
		{
			Pallet::<T>::work_off_agenda(limit);
		}
		Ok(())
	}

	#[benchmark]
	fn idle_step() -> Result<(), BenchmarkError> {
		let (..) = queued::<T>(4);
		let due = AgendaHead::<T>::get().ok_or("a job is scheduled")?;
		let found;

		#[block]
		{
			found = Agenda::<T>::iter_key_prefix(due).next();
		}
		assert!(found.is_some());
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
