//! Benchmarks of all calls, with the costliest evidence the format admits.

use alloc::{vec, vec::Vec};
use assay_primitives::{
	authorization::Authorization, samples, service::ServiceKey, Actor, Claims, JobId, PageKey,
};
use assay_referee::{
	tree, Bias, DType, Location, NodeKey, Object, OpKind, OpRecord, Operand, Program, Shape,
	TensorSpec,
};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::{ConstU32, TransactionSource},
	traits::{
		fungible::{Inspect, Mutate},
		Authorize, Get, Hooks,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, Saturating},
	SaturatedConversion,
};

use crate::{fixtures::Run, *};

/// Terms of one output element of the costliest proof; a chunk has 256 elements.
const TERMS: u32 = 4_096;

fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).expect("the shape is valid")
}

/// A run whose one op multiplies the same two 4 by `TERMS` matrices of `f32` sixteen times: recomputing
/// its one output chunk takes 2^20 terms in soft-float, as many as a proof may, and reads little.
fn costly(lie: bool) -> Run {
	let factor = shape(&[1, 4, TERMS]);
	let output = TensorSpec::new(DType::F32, shape(&[16, 4, 4]));
	let op = OpRecord::new(
		OpKind::MatMul { bias: Bias::None },
		output.dtype,
		output.shape,
		[Operand::input(0, DType::F32, factor), Operand::weight(0, DType::F32, factor)],
	);
	let len = factor.bytes(DType::F32);
	let inputs = vec![TensorSpec::new(DType::F32, factor)];
	let program = Program::new(len, inputs, vec![output], vec![op]);
	// Numbers of ordinary size with all bits in use.
	let bytes = |salt: u64| {
		let bits = move |at: u64| 0x3f00_0000 | ((at + salt) * 2_654_435_761 % (1 << 24)) as u32;
		(0..len / 4).flat_map(move |at| bits(at).to_le_bytes()).collect::<Vec<_>>()
	};
	Run::new(program, bytes(1), bytes(7), lie.then_some((0, 255)))
}

/// A run whose last tensor has 1,024 chunks and whose trace has two: the largest openings.
fn large() -> Run {
	let (ops, elements) = (33, 256 * 1024);
	let program = Program::decode(&samples::chain(ops, elements)).expect("samples are valid");
	Run::new(program, Vec::new(), vec![7; 4 * elements as usize], None)
}

/// A small run.
fn small() -> Run {
	let program = Program::decode(&samples::chain(33, 8)).expect("samples are valid");
	Run::new(program, Vec::new(), vec![7; 32], None)
}

/// An account with enough money for everything.
fn rich<T: Config>(number: u32) -> T::AccountId {
	let who = account("rich", number, 0);
	let plenty = T::Currency::minimum_balance()
		.saturating_add(T::MinBond::get())
		.saturating_add(T::BondPerMillionUnits::get())
		.saturating_add(T::QueryFee::get().saturating_mul(10u32.into()))
		.saturating_mul(1_000u32.into());
	T::Currency::set_balance(&who, plenty);
	who
}

/// Account `number`, acting for itself.
fn acting<T: Config>(number: u32) -> Actor<T::AccountId> {
	Actor { who: rich::<T>(number), by_key: false }
}

/// A claim of account 0 of what `run` computed. Its service key, if wanted, is in the keystore.
fn claimed<T: Config>(run: &Run, keyed: bool) -> (JobId, Option<ServiceKey>) {
	let operator = rich::<T>(0);
	let key = keyed.then(|| <ServiceKey as RuntimeAppPublic>::generate_pair(None));
	let job = T::Claims::benchmark_claim(
		&operator,
		key.clone(),
		run.bytes.clone(),
		H256(tree::hash(&run.weights)),
		run.input.clone(),
		H256(run.output_root()),
	);
	(job, key)
}

/// Open a challenge of account `number`; returns its number.
fn challenged<T: Config>(job: JobId, number: u32) -> ChallengeId {
	let actor = acting::<T>(number);
	Pallet::<T>::do_open(actor, job, H256::repeat_byte(1)).expect("the claim can be challenged");
	let id = NextChallenge::<T>::get() - 1;
	// So that the allowance is looked for when the bond comes back.
	Challenges::<T>::mutate(id, |challenge| {
		if let Some(challenge) = challenge {
			challenge.by_key = true;
		}
	});
	id
}

/// A challenge of account 0, whose trace is revealed.
fn revealed<T: Config>(run: &Run, keyed: bool) -> (JobId, ChallengeId, Option<ServiceKey>) {
	let (job, key) = claimed::<T>(run, keyed);
	let id = challenged::<T>(job, 0);
	let root = H256(run.trace_root());
	Pallet::<T>::do_reveal_trace(rich::<T>(0), job, root, &run.last_entry())
		.expect("the trace is the operator's");
	(job, id, key)
}

/// Walk challenge `id` down to the first node of the way that is not open yet, all else answered.
fn walk<T: Config>(job: JobId, id: ChallengeId, run: &Run, way: &[NodeKey]) {
	for node in way {
		Pallet::<T>::do_ask(acting::<T>(0), id, *node).expect("the move is legal");
		Pallet::<T>::do_answer(rich::<T>(0), job, *node, &run.open(node))
			.expect("the answer is right");
	}
}

/// The way to the largest node: the top of the last tensor.
fn way_to_large() -> [NodeKey; 3] {
	[
		NodeKey::top(Object::Trace),
		NodeKey { object: Object::Trace, level: 0, index: 1 },
		NodeKey::top(Object::Tensor(32)),
	]
}

/// The costliest proof against the claim of `costly(true)`.
fn costly_proof() -> BoundedVec<u8, ConstU32<{ assay_referee::MAX_PROOF_BYTES }>> {
	let proof = costly(false).prove(&costly(true), 0, Location::Chunk(0)).encode();
	proof.try_into().expect("no proof is longer")
}

fn signature<T: Config>(
	key: Option<ServiceKey>,
	tag: &str,
	args: impl Encode,
) -> Option<Authorization> {
	let key = key.expect("asked for a key");
	Some(Authorization::sign::<T>(&key, tag, &args).expect("the key is in the keystore"))
}

/// The content of a job's claim.
fn content<T: Config>(job: JobId) -> H256 {
	T::Claims::open_claim(job).expect("the claim is open").content()
}

/// The root of the trace that was revealed.
fn trace_of<T: Config>(job: JobId) -> H256 {
	Pallet::<T>::posted_trace(job).expect("it is revealed")
}

/// The content of a challenge.
fn content_of<T: Config>(id: ChallengeId) -> H256 {
	Pallet::<T>::content_of(&Challenges::<T>::get(id).expect("it is on record"))
}

/// Let time pass until every turn that began is over.
fn expire<T: Config>() {
	let periods = T::TracePeriod::get() + T::AnswerPeriod::get() + T::TurnPeriod::get();
	let last = Pallet::<T>::now().saturating_add(periods);
	T::Clock::set_block_number(last.saturating_add(1u32.into()));
	// So that something can be signed now.
	frame_system::BlockHash::<T>::insert(last, T::Hash::default());
}

/// `count` challenges that are gone, in the agenda under now. Returns the first page.
fn all_due<T: Config>(count: u32) -> PageKey {
	let now: BlockNumberFor<T> = Pallet::<T>::now();
	AgendaHead::<T>::put(now);
	let ids: Vec<ChallengeId> = (0..u64::from(count)).map(|id| u64::MAX - id).collect();
	let page = |number: u32| PageKey::new(now.saturated_into(), number);
	for (number, ids) in (0..).zip(ids.chunks(CHALLENGES_PER_PAGE as usize)) {
		AgendaPages::<T>::insert(page(number), BoundedVec::truncate_from(ids.to_vec()));
	}
	AgendaPageCount::<T>::insert(now, count.div_ceil(CHALLENGES_PER_PAGE));
	page(0)
}

/// As many live challenges as one call settles, waiting for the same answer. `first` is theirs.
fn crowd<T: Config>() -> (JobId, ChallengeId) {
	let run = small();
	let (job, id, _) = revealed::<T>(&run, false);
	let others: Vec<_> = (1..8).map(|number| (number, challenged::<T>(job, number))).collect();
	let top = NodeKey::top(Object::Trace);
	Pallet::<T>::do_ask(acting::<T>(0), id, top).expect("the move is legal");
	for (number, other) in others {
		waiting::<T>(job, other, number);
	}
	(job, id)
}

/// Have challenge `id` of account `number` wait for the answer to a question of its own, after others
/// that its key has paid for.
fn waiting<T: Config>(job: JobId, id: ChallengeId, number: u32) {
	let node = NodeKey { object: Object::Tensor(0), level: 0, index: number.into() };
	let (actor, fee) = (acting::<T>(number), T::QueryFee::get());
	Pallet::<T>::hold(HoldReason::QueryFee, &actor, fee).expect("it is rich");
	let claim = T::Claims::open_claim(job).expect("the claim is open");
	let deadline = Pallet::<T>::answer_deadline(&claim, Pallet::<T>::now());
	Pallet::<T>::owe(&claim.operator, deadline, (job, Some(node)));
	let asked = NodeState::Asked { deadline, payer: actor.who, fee, by_key: true };
	Nodes::<T>::insert(job, node, asked);
	Challenges::<T>::mutate(id, |challenge| {
		let challenge = challenge.as_mut().expect("it is on record");
		challenge.path.try_push(node).expect("there is room");
		challenge.fees = fee;
	});
}

#[benchmarks(where <T as frame_system::Config>::RuntimeCall: From<Call<T>> + Authorize)]
mod benchmarks {
	use super::*;

	/// Judge an authorisation as the pool and the block do.
	fn authorize<T: Config>(call: Call<T>) {
		call.authorize(TransactionSource::External)
			.expect("the call can be authorised")
			.expect("the call is valid");
	}

	#[benchmark]
	fn open() {
		let (job, key) = claimed::<T>(&small(), true);
		let auth = signature::<T>(key, OPEN_TAG, ());

		#[extrinsic_call]
		_(RawOrigin::Authorized, job, H256::repeat_byte(1), auth);

		assert!(Challenged::<T>::contains_key(job, rich::<T>(0)));
	}

	#[benchmark]
	fn authorize_open() {
		let (job, key) = claimed::<T>(&small(), true);
		let output_root = H256::repeat_byte(1);
		let auth = signature::<T>(key, OPEN_TAG, (job, content::<T>(job), output_root));
		let call = Call::<T>::open { job, output_root, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	#[benchmark]
	fn reveal_trace() {
		let run = small();
		let (job, _) = claimed::<T>(&run, false);
		challenged::<T>(job, 1);
		let (root, last) = (H256(run.trace_root()), run.last_entry());

		#[extrinsic_call]
		_(RawOrigin::Signed(rich::<T>(0)), job, root, last, None);

		assert_eq!(Pallet::<T>::posted_trace(job).ok(), Some(root));
	}

	#[benchmark]
	fn authorize_reveal_trace() {
		let run = small();
		let (job, key) = claimed::<T>(&run, true);
		challenged::<T>(job, 1);
		let (trace_root, last_entry) = (H256(run.trace_root()), run.last_entry());
		let args = (job, content::<T>(job), trace_root, last_entry.clone());
		let auth = signature::<T>(key, REVEAL_TRACE_TAG, args);
		let call = Call::<T>::reveal_trace { job, trace_root, last_entry, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	#[benchmark]
	fn ask() {
		let run = small();
		let (job, id, key) = revealed::<T>(&run, true);
		let way = way_to_large();
		walk::<T>(job, id, &run, &way[..2]);
		let auth = signature::<T>(key, ASK_TAG, ());

		#[extrinsic_call]
		_(RawOrigin::Authorized, id, way[2], auth);

		assert!(Nodes::<T>::contains_key(job, way[2]));
	}

	#[benchmark]
	fn authorize_ask() {
		let run = small();
		let (job, challenge, key) = revealed::<T>(&run, true);
		let way = way_to_large();
		walk::<T>(job, challenge, &run, &way[..2]);
		let node = way[2];
		let args = (challenge, content_of::<T>(challenge), trace_of::<T>(job), node);
		let auth = signature::<T>(key, ASK_TAG, args);
		let call = Call::<T>::ask { challenge, node, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	#[benchmark]
	fn answer() {
		let run = large();
		let (job, id, _) = revealed::<T>(&run, false);
		let way = way_to_large();
		walk::<T>(job, id, &run, &way[..2]);
		Pallet::<T>::do_ask(acting::<T>(0), id, way[2]).expect("the move is legal");
		let opening = run.open(&way[2]);
		assert_eq!(opening.payload.len(), 32 << 10);

		#[extrinsic_call]
		_(RawOrigin::Signed(rich::<T>(1)), job, way[2], opening, None);

		assert!(matches!(Nodes::<T>::get(job, way[2]), Some(NodeState::Opened { .. })));
	}

	#[benchmark]
	fn authorize_answer() {
		let run = large();
		let (job, id, key) = revealed::<T>(&run, true);
		let way = way_to_large();
		walk::<T>(job, id, &run, &way[..2]);
		let node = way[2];
		Pallet::<T>::do_ask(acting::<T>(0), id, node).expect("the move is legal");
		let opening = run.open(&node);
		let args = (job, content::<T>(job), node, opening.clone());
		let auth = signature::<T>(key, ANSWER_TAG, args);
		let call = Call::<T>::answer { job, node, opening, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	/// The costliest proof, and so many live challenges with questions of their own.
	#[benchmark]
	fn prove_fault(n: Linear<1, 8>) {
		let (job, first, _) = revealed::<T>(&costly(true), false);
		waiting::<T>(job, first, 0);
		for number in 1..n {
			let id = challenged::<T>(job, number);
			waiting::<T>(job, id, number);
		}
		let proof = costly_proof();

		#[extrinsic_call]
		_(RawOrigin::Signed(rich::<T>(9)), job, proof, None);

		assert!(T::Claims::open_claim(job).is_none());
		assert_eq!(Pallet::<T>::live_of(job).count(), 0);
	}

	#[benchmark]
	fn authorize_prove_fault() {
		let run = costly(true);
		let (job, id, key) = revealed::<T>(&run, true);
		walk::<T>(job, id, &run, &[NodeKey::top(Object::Trace), NodeKey::top(Object::Tensor(0))]);
		let proof = costly_proof();
		let args = (job, content::<T>(job), trace_of::<T>(job), proof.clone());
		let auth = signature::<T>(key, PROVE_FAULT_TAG, args);
		let call = Call::<T>::prove_fault { job, proof, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	#[benchmark]
	fn judge() {
		let (job, _, _) = revealed::<T>(&costly(true), false);
		let claim = T::Claims::open_claim(job).expect("the claim is open");
		let proof = costly_proof();

		#[block]
		{
			Pallet::<T>::judge(&claim, job, &proof).ok().expect("the proof shows a fault");
		}
	}

	#[benchmark]
	fn poke() {
		let run = small();
		let (job, _, _) = revealed::<T>(&run, false);
		for number in 1..8 {
			challenged::<T>(job, number);
		}
		expire::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(rich::<T>(1)), job);

		assert_eq!(Pallet::<T>::live_of(job).count(), 0);
	}

	#[benchmark]
	fn lapse() {
		let (job, id) = crowd::<T>();
		expire::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(rich::<T>(1)), id, None);

		assert!(T::Claims::open_claim(job).is_none());
		assert_eq!(Pallet::<T>::live_of(job).count(), 0);
	}

	#[benchmark]
	fn authorize_lapse() {
		let (_, challenge, key) = revealed::<T>(&small(), true);
		expire::<T>();
		let args = (challenge, content_of::<T>(challenge));
		let auth = signature::<T>(key, LAPSE_TAG, args);
		let call = Call::<T>::lapse { challenge, auth };

		#[block]
		{
			authorize::<T>(call);
		}
	}

	#[benchmark]
	fn on_idle_block() {
		let now = Pallet::<T>::now();
		AgendaHead::<T>::put(now);

		#[block]
		{
			let one = T::WeightInfo::on_idle_block();
			Pallet::<T>::on_idle(now.saturated_into(), one);
		}
	}

	/// A full page, of which one challenge is looked at, for nothing.
	#[benchmark]
	fn on_idle_page() {
		let page = all_due::<T>(CHALLENGES_PER_PAGE);
		let step = T::WeightInfo::on_idle_page().saturating_add(T::WeightInfo::on_idle_challenge());
		let mut meter = WeightMeter::with_limit(step);

		#[block]
		{
			Pallet::<T>::work_off_page(page, &mut meter);
		}

		let left = AgendaPages::<T>::get(page).map(|page| page.len() as u32);
		assert_eq!(left, Some(CHALLENGES_PER_PAGE - 1));
	}

	/// Many challenges due in one block, to show that they cost many times one.
	#[benchmark(extra)]
	fn on_idle_many(n: Linear<1, 5_000>) {
		all_due::<T>(n);

		#[block]
		{
			Pallet::<T>::work_off_agenda(frame_support::weights::Weight::MAX);
		}

		assert_eq!(AgendaPages::<T>::iter().count(), 0);
	}

	#[benchmark]
	fn on_idle_challenge() {
		let (job, id) = crowd::<T>();
		expire::<T>();

		#[block]
		{
			Pallet::<T>::advance(id);
		}

		assert!(T::Claims::open_claim(job).is_none());
	}

	impl_benchmark_test_suite!(
		Pallet,
		crate::tests::whole::new_test_ext(),
		crate::tests::whole::Whole
	);
}
