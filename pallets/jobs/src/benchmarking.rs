//! Benchmarks of the jobs pallet.

use super::*;
use crate::impls::{overdue_at, RETENTION_SPREAD};
use alloc::{vec, vec::Vec};
use assay_primitives::{
	samples, Authorization, Claims, JobId, ModelId, ModelRegistry, OperatorLedger, PageKey,
	ServiceKey, MAX_INLINE_OUTPUT, PIECE_BYTES,
};
use assay_referee::Slice;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::TransactionSource,
	traits::{
		fungible::{MutateHold, Unbalanced},
		tokens::Precision,
		Authorize, Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, Pallet as System, RawOrigin};
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, Bounded, One, Zero},
	RuntimeAppPublic, SaturatedConversion, Saturating,
};

/// Request a run for its least fee, by an account that can pay for it.
pub(crate) fn request<T: Config>(model: ModelId, input: Vec<u8>) -> JobId {
	let id = NextJob::<T>::get();
	// Of somebody else each time: what changes for a requester is written once for each.
	let requester: T::AccountId = account("requester", id as u32, 0);
	endow::<T>(&requester);
	let info = T::Models::info(&model).expect("registered");
	let fee = Pallet::<T>::min_fee(info.units);
	let input = BoundedVec::truncate_from(input);
	Pallet::<T>::do_request(requester, model, input, fee, None).expect("well paid");
	id
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

/// An operator with a service key, and a model of so many bytes that it serves.
fn operator<T: Config>(bytes: u32) -> (ModelId, T::AccountId, ServiceKey) {
	let operator: T::AccountId = whitelisted_caller();
	let model = model::<T>(bytes);
	let key = new_key();
	T::Operators::benchmark_operator(&operator, Some(key.clone()), model);
	(model, operator, key)
}

/// Jobs of one page, queued.
fn queued<T: Config>(count: u32, bytes: u32) -> (Vec<JobId>, T::AccountId, ServiceKey) {
	let (model, operator, key) = operator::<T>(bytes);
	let jobs = (0..count).map(|_| request::<T>(model, bytes_of(bytes))).collect();
	(jobs, operator, key)
}

fn content_of<T: Config>(job: JobId) -> H256 {
	Jobs::<T>::get(job).expect("it is there").content()
}

fn offers<T: Config>(jobs: &[JobId]) -> Offers {
	let offer = |job: &JobId| Offer { job: *job, content: content_of::<T>(*job) };
	BoundedVec::truncate_from(jobs.iter().map(offer).collect())
}

fn assigned<T: Config>(count: u32, bytes: u32) -> (Vec<JobId>, T::AccountId, ServiceKey) {
	let (jobs, operator, key) = queued::<T>(count, bytes);
	if count > 0 {
		Pallet::<T>::do_accept(&operator, &offers::<T>(&jobs)).expect("the operator can");
	}
	(jobs, operator, key)
}

fn answers<T: Config>(jobs: &[JobId], bytes: u32) -> Answers {
	let output: OutputBytes = BoundedVec::truncate_from(bytes_of(bytes));
	let output_root = H256(assay_referee::tree::hash(&output));
	let answer = |job: &JobId| Answer {
		job: *job,
		content: content_of::<T>(*job),
		output_root,
		output: output.clone(),
	};
	BoundedVec::truncate_from(jobs.iter().map(answer).collect())
}

fn claimed<T: Config>(count: u32, bytes: u32) -> Vec<JobId> {
	let (jobs, operator, _) = assigned::<T>(count, bytes);
	if count > 0 {
		Pallet::<T>::do_claim(&operator, &answers::<T>(&jobs, bytes)).expect("in time");
	}
	jobs
}

/// Bytes of an output of one piece, all of it.
const PIECE: u32 = PIECE_BYTES;

/// Jobs whose output the claims did not bring, and of which the first piece is demanded.
fn demanded<T: Config>(count: u32) -> (Vec<JobId>, T::AccountId, ServiceKey) {
	let (jobs, operator, key) = assigned::<T>(count, PIECE);
	for id in &jobs {
		let output_root = H256(assay_referee::tree::hash(&bytes_of(PIECE)));
		let answer = Answer {
			job: *id,
			content: content_of::<T>(*id),
			output_root,
			output: OutputBytes::default(),
		};
		Pallet::<T>::do_claim(&operator, &[answer]).expect("in time");
		let requester = Jobs::<T>::get(id).expect("it is there").requester;
		Pallet::<T>::do_demand(requester, *id, 0, 1).expect("within the window");
	}
	(jobs, operator, key)
}

/// Have a piece of the output of a claim demanded, however short that is, and without a place in the queue,
/// which would put off what benchmarks of disputes wait for. The caller stores the job.
pub(crate) fn demand_at_once<T: Config>(id: JobId, job: &mut JobOf<T>) {
	let fee = T::DeliveryFee::get();
	T::Currency::hold(&HoldReason::Delivery.into(), &job.requester, fee).expect("it is rich");
	let deadline = T::Clock::current_block_number().saturating_add(T::DeliveryPeriod::get());
	let demand = Demand { first: 0, pieces: 1, missing: 1, fee, deadline };
	if let JobStatus::Claimed { operator, live, .. } = &mut job.status {
		*live = live.saturating_add(1);
		Pallet::<T>::stand(Lane::Demanded(operator.clone()), id, overdue_at::<T>(&demand));
		Demands::<T>::insert(id, demand);
	}
}

/// Have a claim's operator earn the fee of a piece.
fn deliver_at_once<T: Config>(id: JobId) {
	let mut job = Jobs::<T>::get(id).expect("it is there");
	let fee = T::DeliveryFee::get();
	T::Currency::hold(&HoldReason::Delivery.into(), &job.requester, fee).expect("it is rich");
	if let JobStatus::Claimed { earned, .. } = &mut job.status {
		*earned = fee;
	}
	Jobs::<T>::insert(id, job);
}

/// The output of these as one slice.
fn whole_output() -> Result<Slice, BenchmarkError> {
	let chunks = assay_referee::tree::chunk_count(PIECE.into());
	Slice::make(&bytes_of(PIECE), 0, chunks).map_err(|_| BenchmarkError::Stop("it is whole"))
}

/// Have all these demands end in one block, and return it: the backlog spreads them otherwise.
fn end_together<T: Config>(jobs: &[JobId], operator: &T::AccountId) -> u32 {
	let lane = || Lane::Demanded(operator.clone());
	let mut end = BlockNumberFor::<T>::zero();
	for id in jobs {
		let Some(mut demand) = Demands::<T>::get(id) else { continue };
		Pallet::<T>::leave(lane(), *id, overdue_at::<T>(&demand));
		if end.is_zero() {
			end = demand.deadline;
		}
		demand.deadline = end;
		Pallet::<T>::stand(lane(), *id, overdue_at::<T>(&demand));
		Demands::<T>::insert(id, demand);
	}
	end.saturating_add(One::one()).saturated_into()
}

/// The page in which these jobs stand; any for none.
fn page<T: Config>(jobs: &[JobId]) -> (LaneOf<T>, PageKey) {
	let Some(job) = jobs.first() else { return (Lane::Over, PageKey::new(0, 0)) };
	let record = Jobs::<T>::get(job).expect("it is there");
	Pallet::<T>::page_name(*job, &record).expect("it is due")
}

fn wait<T: Config>(period: BlockNumberFor<T>) {
	let then = T::Clock::current_block_number().saturating_add(period).saturating_add(One::one());
	System::<T>::set_block_number(then);
	// What is signed names the block before.
	frame_system::BlockHash::<T>::insert(then.saturating_sub(One::one()), T::Hash::default());
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
		let (jobs, ..) = queued::<T>(1, 4);
		let requester = account("requester", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), jobs[0]);

		assert!(Jobs::<T>::get(jobs[0]).is_some_and(|job| job.status.is_terminal()));
		Ok(())
	}

	#[benchmark]
	fn accept(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
		let (jobs, operator, _) = queued::<T>(n, 4);
		let offers = offers::<T>(&jobs);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), offers, None);

		assert!(matches!(page::<T>(&jobs), (Lane::Assigned(_), _)));
		Ok(())
	}

	#[benchmark]
	fn authorize_accept(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
		let (jobs, _, key) = queued::<T>(n, 4);
		let offers = offers::<T>(&jobs);
		let auth = Authorization::sign::<T>(&key, ACCEPT_TAG, &offers);
		let call = Call::<T>::accept { offers, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	#[benchmark]
	fn claim(
		n: Linear<1, MAX_BATCH>,
		b: Linear<0, { MAX_BATCH * MAX_INLINE_OUTPUT }>,
	) -> Result<(), BenchmarkError> {
		let bytes = (b / n).min(MAX_INLINE_OUTPUT);
		let (jobs, operator, _) = assigned::<T>(n, bytes);
		let answers = answers::<T>(&jobs, bytes);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), answers, None);

		assert!(Outputs::<T>::contains_key(jobs[0]));
		Ok(())
	}

	#[benchmark]
	fn authorize_claim(
		n: Linear<1, MAX_BATCH>,
		b: Linear<0, { authorize::MAX_CLAIM_BYTES }>,
	) -> Result<(), BenchmarkError> {
		let bytes = (b / n).min(MAX_INLINE_OUTPUT);
		let (jobs, _, key) = assigned::<T>(n, bytes);
		let answers = answers::<T>(&jobs, bytes);
		let message = Pallet::<T>::claim_message(&answers);
		let auth = Authorization::sign::<T>(&key, CLAIM_TAG, &message);
		let call = Call::<T>::claim { answers, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	#[benchmark]
	fn authorize_poke(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
		let (jobs, _, key) = assigned::<T>(n, 4);
		wait::<T>(T::ClaimPeriod::get().saturating_mul(2u32.into()));
		let jobs: PokedJobs = BoundedVec::truncate_from(jobs);
		let auth = Authorization::sign::<T>(&key, POKE_TAG, &jobs);
		let call = Call::<T>::poke { jobs, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	#[benchmark]
	fn demand() -> Result<(), BenchmarkError> {
		let (jobs, ..) = demanded::<T>(1);
		let requester = Jobs::<T>::get(jobs[0]).ok_or("it is there")?.requester;
		Pallet::<T>::do_deliver(requester.clone(), jobs[0], 0, &whole_output()?)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), jobs[0], 0, 1);

		assert!(Demands::<T>::contains_key(jobs[0]));
		Ok(())
	}

	/// The largest piece, which is the last.
	#[benchmark]
	fn deliver() -> Result<(), BenchmarkError> {
		let (jobs, ..) = demanded::<T>(1);
		let who: T::AccountId = account("bringer", 0, 0);
		let slice = whole_output()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who), jobs[0], 0, slice, None);

		assert!(!Demands::<T>::contains_key(jobs[0]));
		Ok(())
	}

	#[benchmark]
	fn authorize_deliver() -> Result<(), BenchmarkError> {
		let (jobs, _, key) = demanded::<T>(1);
		let open = <Pallet<T> as Claims<_, _, _>>::open_claim(jobs[0]).ok_or("claimed")?;
		let deadline = Demands::<T>::get(jobs[0]).ok_or("demanded")?.deadline;
		let slice = whole_output()?;
		let args = (jobs[0], open.content(), deadline, 0u32, slice);
		let auth = Authorization::sign::<T>(&key, DELIVER_TAG, &args);
		let call = Call::<T>::deliver { job: jobs[0], piece: 0, slice: args.4, auth };

		#[block]
		{
			call.authorize(TransactionSource::External)
				.ok_or("the call has an authorize function")??;
		}
		Ok(())
	}

	/// Claims of one operator whose output was withheld, a page of them.
	#[benchmark]
	fn void(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let (jobs, ..) = demanded::<T>(n);
		for id in &jobs {
			let job = Jobs::<T>::get(id).ok_or("it is there")?;
			Pallet::<T>::withhold(*id, job);
		}
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::Window::get().saturating_mul(2u32.into()));

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(n == 0 || matches!(page::<T>(&jobs), (Lane::Over, _)));
		Ok(())
	}

	/// Demands of one page that were not met, when the windows are over.
	#[benchmark]
	fn withhold(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let (jobs, operator, _) = demanded::<T>(n);
		let windows = page::<T>(&jobs);
		let due = end_together::<T>(&jobs, &operator);
		let (lane, key) = (Lane::Demanded(operator), PageKey::new(due, 0));
		wait::<T>(T::Window::get().saturating_mul(2u32.into()));
		Pallet::<T>::work_off_page(&windows.0, windows.1, &mut WeightMeter::new());

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(jobs.iter().all(|job| !Demands::<T>::contains_key(job)));
		Ok(())
	}

	/// Claims of one operator, a page of them, with deliveries to be paid for.
	#[benchmark]
	fn finalize(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let jobs = claimed::<T>(n, 4);
		for id in &jobs {
			deliver_at_once::<T>(*id);
		}
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::Window::get().saturating_mul(2u32.into()));

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(n == 0 || matches!(page::<T>(&jobs), (Lane::Over, _)));
		Ok(())
	}

	/// Late for the last attempt, so that the jobs expire as well.
	#[benchmark]
	fn miss_deadline(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let (jobs, operator, _) = queued::<T>(n, 4);
		wait::<T>(T::QueuePeriod::get().saturating_sub(One::one()));
		if n > 0 {
			Pallet::<T>::do_accept(&operator, &offers::<T>(&jobs))?;
		}
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::ClaimPeriod::get().saturating_mul(2u32.into()));

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(n == 0 || matches!(page::<T>(&jobs), (Lane::Over, _)));
		Ok(())
	}

	#[benchmark]
	fn expire(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let (jobs, ..) = queued::<T>(n, 4);
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::QueuePeriod::get());

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(n == 0 || matches!(page::<T>(&jobs), (Lane::Over, _)));
		Ok(())
	}

	#[benchmark]
	fn reap(n: Linear<0, 64>) -> Result<(), BenchmarkError> {
		let jobs = claimed::<T>(n, MAX_INLINE_OUTPUT);
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::Window::get().saturating_mul(2u32.into()));
		Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		let (lane, key) = page::<T>(&jobs);
		wait::<T>(T::Retention::get().saturating_add(RETENTION_SPREAD.into()));

		#[block]
		{
			Pallet::<T>::work_off_page(&lane, key, &mut WeightMeter::new());
		}

		assert!(jobs.iter().all(|job| !Jobs::<T>::contains_key(job)));
		Ok(())
	}

	#[benchmark]
	fn idle_base() -> Result<(), BenchmarkError> {
		let (..) = queued::<T>(1, 4);
		let limit = T::WeightInfo::idle_base();

		#[block]
		{
			Pallet::<T>::work_off_agenda(limit);
		}
		Ok(())
	}

	/// A block under which nothing stands.
	#[benchmark]
	fn idle_block() -> Result<(), BenchmarkError> {
		let (..) = queued::<T>(1, 4);
		let done;

		#[block]
		{
			done = Pallet::<T>::work_off_block(Zero::zero(), &mut WeightMeter::new());
		}
		assert!(done);
		Ok(())
	}

	/// A name in the directory whose page is empty by now.
	#[benchmark]
	fn idle_page() -> Result<(), BenchmarkError> {
		let (jobs, ..) = queued::<T>(1, 4);
		let due = Jobs::<T>::get(jobs[0]).and_then(|job| job.due).ok_or("it is due")?;
		Pallet::<T>::do_cancel(account("requester", 0, 0), jobs[0])?;

		#[block]
		{
			Pallet::<T>::work_off_block(due, &mut WeightMeter::new());
		}
		assert!(Due::<T>::iter_key_prefix(due).next().is_none());
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
