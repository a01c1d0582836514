//! A runtime with the models, operators and jobs pallets, an engine that the test controls, and a
//! builder that checks the invariants after every test.

use std::sync::{Arc, Mutex};

use crate::{self as pallet_jobs, impls::chunks_of, Answer, JobStatus, Offer, OutputBytes};
use assay_host::{
	Class, Engine, EngineExt, Limits, Note, Poll, RequestId, Response, Roles, Status, Submission,
};
use assay_primitives::{
	authorization::possession_here,
	models::model_id,
	samples,
	service::{ServicePair, KEY_TYPE},
	Backlog, JobId, ModelId, ModelRegistry,
};
use assay_referee::Slice;
use codec::{Decode, Encode};
use frame_support::{
	assert_ok, derive_impl, parameter_types, traits::fungible::Inspect, BoundedVec,
};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, CreateTransaction, CreateTransactionBase},
	AuthorizeCall, BlockHash,
};
use sp_core::{
	offchain::{
		testing::{TestOffchainExt, TestTransactionPoolExt},
		OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
	},
	Pair, H256,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::{BuildStorage, DispatchResult, Perbill};

/// Publishes the models.
pub(crate) const PUBLISHER: u64 = 1;
pub(crate) const REQUESTER: u64 = 2;
pub(crate) const OPERATOR: u64 = 3;
pub(crate) const RIVAL: u64 = 4;
/// Has money and no part in anything.
pub(crate) const STRANGER: u64 = 5;
pub(crate) const EVERYONE: [u64; 5] = [PUBLISHER, REQUESTER, OPERATOR, RIVAL, STRANGER];

/// Balance of everyone at the start.
pub(crate) const WEALTH: u64 = 1_000_000;
pub(crate) const FEE: u64 = 1_000;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeHoldReason,
		RuntimeFreezeReason,
		RuntimeTask
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(8)]
	pub type Balances = pallet_balances::Pallet<Test>;
	#[runtime::pallet_index(20)]
	pub type Models = pallet_models::Pallet<Test>;
	#[runtime::pallet_index(21)]
	pub type Operators = pallet_operators::Pallet<Test>;
	#[runtime::pallet_index(22)]
	pub type Jobs = pallet_jobs::Pallet<Test>;
}

pub(crate) type Extrinsic =
	frame_system::mocking::MockUncheckedExtrinsic<Test, (), AuthorizeCall<Test>>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test, (), AuthorizeCall<Test>>;
	type AccountData = pallet_balances::AccountData<u64>;
	type DbWeight = frame_support::weights::constants::ParityDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
}

impl<C> CreateTransactionBase<C> for Test
where
	RuntimeCall: From<C>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = Extrinsic;
}

impl<C> CreateTransaction<C> for Test
where
	RuntimeCall: From<C>,
{
	type Extension = AuthorizeCall<Test>;

	fn create_transaction(call: RuntimeCall, extension: Self::Extension) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<C> CreateAuthorizedTransaction<C> for Test
where
	RuntimeCall: From<C>,
{
	fn create_extension() -> Self::Extension {
		AuthorizeCall::new()
	}
}

parameter_types! {
	pub const ExistentialDeposit: u64 = 10;
	pub const MaxProgramBytes: u32 = assay_referee::MAX_PROGRAM_BYTES as u32;
	pub const Zero: u64 = 0;
	pub const One: u64 = 1;
	pub const MinStake: u64 = 10_000;
	pub const UnstakingPeriod: u64 = 60;
	pub const MaxUnstaking: u32 = 8;
	pub const MaxServed: u32 = 64;
	pub const MaxMissed: u32 = 3;
	pub const MaxInputBytes: u32 = 128 * 1_024;
	pub const DepositBase: u64 = 50;
	pub const FeeBase: u64 = 100;
	pub const MinClaimStake: u64 = 5_000;
	pub const StakePerFee: u32 = 10;
	pub const QueuePeriod: u64 = 30;
	pub const DefaultAllowance: u64 = 1_000;
	pub const ChillPeriod: u64 = 5;
	pub static MaxRunMicros: u64 = 60_000_000;
	pub static BlockMillis: u64 = 3_000;
	pub const ClaimPeriod: u64 = 10;
	pub const Window: u64 = 20;
	pub const Retention: u64 = 40;
	pub const MissedPenalty: Perbill = Perbill::from_percent(1);
	pub static MaxProverReward: u64 = 200;
	pub const DeliveryPeriod: u64 = 6;
	pub const DeliveryFee: u64 = 60;
	pub static BytePrice: u64 = 0;
	/// The next free slot of every operator together.
	pub static NextSlot: u64 = 0;
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RetireOrigin = frame_system::EnsureRoot<u64>;
	type MaxProgramBytes = MaxProgramBytes;
	type DepositBase = Zero;
	type DepositPerRecord = Zero;
	type MaxRunMicros = MaxRunMicros;
	type WeightInfo = ();
}

impl pallet_operators::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Clock = System;
	type MinStake = MinStake;
	type KeyDeposit = Zero;
	type DefaultAllowance = DefaultAllowance;
	type ChillPeriod = ChillPeriod;
	type UnstakingPeriod = UnstakingPeriod;
	type MaxUnstaking = MaxUnstaking;
	type MaxServed = MaxServed;
	type MaxMissed = MaxMissed;
	type WeightInfo = ();
}

/// Slots of one block in [`Queue`].
pub(crate) const RATE: u64 = 4;

/// What everybody owes, in one queue.
pub struct Queue;

impl Backlog<u64, u64> for Queue {
	fn put(_: &u64, slots: u32, _: u64) -> u64 {
		let next = NextSlot::get().max(System::block_number() * RATE) + u64::from(slots);
		NextSlot::set(next);
		next.div_ceil(RATE)
	}

	fn tidy(_: &u64) {}
}

impl pallet_jobs::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Operators = Operators;
	type Backlog = Queue;
	type Clock = System;
	type MaxInputBytes = MaxInputBytes;
	type DepositBase = DepositBase;
	type DepositPerByte = One;
	type FeeBase = FeeBase;
	type FeePerUnit = One;
	type MinClaimStake = MinClaimStake;
	type StakePerFee = StakePerFee;
	type QueuePeriod = QueuePeriod;
	type ClaimPeriod = ClaimPeriod;
	type Window = Window;
	type DeliveryPeriod = DeliveryPeriod;
	type DeliveryFee = DeliveryFee;
	type BytePrice = BytePrice;
	type BlockMillis = BlockMillis;
	type Retention = Retention;
	type MissedPenalty = MissedPenalty;
	type MaxProverReward = MaxProverReward;
	type WeightInfo = ();
}

/// What the test tells the engine to do, and what the engine was told.
#[derive(Default)]
pub(crate) struct EngineState {
	/// Whether the node is an operator's.
	pub(crate) operator: bool,
	/// Whether the engine has the models.
	pub(crate) has_models: bool,
	/// Whether the node is set up for somebody else.
	pub(crate) for_another: bool,
	/// What every run answers; `None` while they are running.
	pub(crate) response: Option<Response>,
	/// How long a run takes.
	pub(crate) run_micros: Option<u64>,
	/// What is queued already.
	pub(crate) backlog_micros: u64,
	/// What the operator wants at most.
	pub(crate) limits: Limits,
	/// Requests submitted.
	pub(crate) submitted: Vec<Submission>,
	/// How often anything was asked.
	pub(crate) asked: usize,
	/// Notes for the metrics.
	pub(crate) notes: Vec<(Note, u64)>,
}

struct FakeEngine(Arc<Mutex<EngineState>>);

impl Engine for FakeEngine {
	fn submit(&mut self, _: RequestId, submission: Submission) -> Status {
		self.0.lock().unwrap().submitted.push(submission);
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId, _: Class, _: u64) -> Poll {
		let mut state = self.0.lock().unwrap();
		state.asked += 1;
		let known = state.submitted.iter().any(|submission| submission.request.id() == *id);
		match &state.response {
			Some(response) if known => Poll::Ready(Arc::new(response.encode())),
			_ if known => Poll::Not(Status::Running),
			_ => Poll::Not(Status::Unknown),
		}
	}

	fn has_model(&mut self, _: &[u8; 32]) -> bool {
		self.0.lock().unwrap().has_models
	}

	fn models(&mut self) -> Vec<[u8; 32]> {
		Vec::new()
	}

	fn run_micros(&mut self, _: &[u8; 32]) -> Option<u64> {
		self.0.lock().unwrap().run_micros
	}

	fn backlog_micros(&mut self, _: Class) -> u64 {
		self.0.lock().unwrap().backlog_micros
	}

	fn acts_for(&mut self, _: &[u8]) -> bool {
		!self.0.lock().unwrap().for_another
	}

	fn build(&mut self) -> u64 {
		1
	}

	fn roles(&mut self) -> Roles {
		Roles { operator: self.0.lock().unwrap().operator, watcher: false, cheats: false }
	}

	fn limits(&mut self) -> Limits {
		self.0.lock().unwrap().limits
	}

	fn note(&mut self, event: Note, value: u64) {
		self.0.lock().unwrap().notes.push((event, value));
	}
}

pub(crate) type SharedEngine = Arc<Mutex<EngineState>>;

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("the system has a default genesis");
	pallet_balances::GenesisConfig::<Test> {
		balances: EVERYONE.map(|who| (who, WEALTH)).to_vec(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("balances are consistent");
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	NextSlot::set(0);
	BytePrice::set(0);
	ext
}

/// A chain on which the worker of an operator's node can run.
pub(crate) struct Node {
	pub(crate) ext: sp_io::TestExternalities,
	pub(crate) engine: SharedEngine,
	/// Takes the transactions out of the pool.
	pub(crate) drain: Box<dyn Fn() -> Vec<Extrinsic>>,
}

pub(crate) fn node() -> Node {
	let mut ext = new_test_ext();
	let keystore = MemoryKeystore::new();
	keystore.sr25519_generate_new(KEY_TYPE, Some(SEED)).expect("the seed is well formed");
	ext.register_extension(KeystoreExt::new(keystore));
	let (offchain, _) = TestOffchainExt::new();
	ext.register_extension(OffchainDbExt::new(offchain.clone()));
	ext.register_extension(OffchainWorkerExt::new(offchain));
	let (pool, state) = TestTransactionPoolExt::new();
	ext.register_extension(TransactionPoolExt::new(pool));
	let engine = SharedEngine::default();
	ext.register_extension(EngineExt(Box::new(FakeEngine(engine.clone()))));
	let drain = move || {
		let transactions = core::mem::take(&mut state.write().transactions);
		transactions
			.iter()
			.map(|bytes| Extrinsic::decode(&mut &bytes[..]).expect("the worker sends extrinsics"))
			.collect()
	};
	Node { ext, engine, drain: Box::new(drain) }
}

/// Run a test on a chain with a model and two operators, then check the invariants.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		set_up();
		test();
		check();
	});
}

/// The invariants of all three pallets, and what none of them can check alone.
pub(crate) fn check() {
	Jobs::do_try_state().expect("invariants hold");
	let mut exposed = std::collections::BTreeMap::<u64, u64>::new();
	for job in crate::Jobs::<Test>::iter_values() {
		if let JobStatus::Assigned { operator, stake, .. }
		| JobStatus::Claimed { operator, stake, .. } = job.status
		{
			*exposed.entry(operator).or_default() += stake;
		}
	}
	for (who, record) in pallet_operators::Operators::<Test>::iter() {
		assert_eq!(record.exposed, exposed.remove(&who).unwrap_or_default(), "exposure of {who}");
		assert!(record.exposed + record.leaving() <= record.stake, "exposure within the stake");
	}
	assert!(exposed.is_empty(), "no claim without a stake: {exposed:?}");
	let open = pallet_models::OpenJobs::<Test>::iter_values().sum::<u32>();
	let jobs = crate::Jobs::<Test>::iter_values().filter(|job| !job.status.is_terminal());
	assert_eq!(open as usize, jobs.count(), "models count open jobs");
	let total: u64 = EVERYONE.iter().map(<Balances as Inspect<u64>>::total_balance).sum();
	assert_eq!(total, Balances::total_issuance(), "all money is somebody's");
}

/// Input and output of the small model are this long.
pub(crate) const LEN: usize = 64;
/// Output of the large model is too long for a claim.
pub(crate) const LARGE: usize = 20_000;
/// Output of the wide model has two pieces, the second short.
pub(crate) const WIDE: usize = 70_000;

const SEED: &str = "//Operator";

/// A registered model whose output fits a claim.
pub(crate) fn small() -> ModelId {
	name_of(&samples::chain(2, LEN as u32 / 4))
}

/// A registered model whose output does not.
pub(crate) fn large() -> ModelId {
	name_of(&samples::chain(1, LARGE as u32 / 4))
}

/// A registered model whose output has two pieces.
pub(crate) fn wide() -> ModelId {
	name_of(&samples::chain(1, WIDE as u32 / 4))
}

fn name_of(program: &[u8]) -> ModelId {
	model_id(&H256(assay_referee::tree::hash(program)), &H256::zero())
}

/// The operator's service key, which the node of [`node`] has.
pub(crate) fn operator_pair() -> ServicePair {
	ServicePair::from_string(SEED, None).expect("the seed is well formed")
}

/// The rival's service key pair.
pub(crate) fn rival_pair() -> ServicePair {
	ServicePair::from_seed(&[9; 32])
}

pub(crate) fn signed(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub(crate) fn metadata() -> pallet_models::ModelMetadata {
	pallet_models::ModelMetadata {
		name: BoundedVec::truncate_from(b"negate".to_vec()),
		version: Default::default(),
		source_hash: H256::zero(),
		parent: None,
		licence: Default::default(),
	}
}

/// Three models, and two operators that serve them.
pub(crate) fn set_up() {
	let programs = [(2, LEN), (1, LARGE), (1, WIDE)];
	for program in programs.map(|(ops, bytes)| samples::chain(ops, bytes as u32 / 4)) {
		let program = BoundedVec::truncate_from(program);
		assert_ok!(Models::register(signed(PUBLISHER), program, H256::zero(), metadata()));
	}
	for (who, pair) in [(OPERATOR, operator_pair()), (RIVAL, rival_pair())] {
		assert_ok!(Operators::stake(signed(who), 100_000));
		let message = possession_here::<Test>(&who);
		let proof = pair.sign(&message);
		assert_ok!(Operators::set_service_key(signed(who), Some((pair.public(), proof))));
		let models = BoundedVec::truncate_from(vec![small(), large(), wide()]);
		assert_ok!(Operators::serve(signed(who), models));
	}
}

/// Request a run of the small model; returns its number.
pub(crate) fn request() -> JobId {
	request_of(small(), vec![1; LEN], None)
}

pub(crate) fn request_of(model: ModelId, input: Vec<u8>, operator: Option<u64>) -> JobId {
	let id = crate::NextJob::<Test>::get();
	let input = BoundedVec::truncate_from(input);
	// The larger models cost more than the usual fee.
	let fee = match model {
		model if model == large() => 10 * FEE,
		model if model == wide() => least_fee(wide()),
		_ => FEE,
	};
	assert_ok!(Jobs::request(signed(REQUESTER), model, input, fee, operator));
	id
}

pub(crate) fn least_fee(model: ModelId) -> u64 {
	Jobs::min_fee(Models::info(&model).expect("registered").units)
}

/// An output of the wide model.
pub(crate) fn wide_output() -> Vec<u8> {
	(0..WIDE).map(|byte| (byte / 7) as u8).collect()
}

/// A job of the wide model on which the operator has claimed the root of [`wide_output`].
pub(crate) fn wide_claimed() -> JobId {
	// What stands behind it is more than the usual stake.
	assert_ok!(Operators::stake(signed(OPERATOR), 10 * least_fee(wide())));
	let id = request_of(wide(), vec![1; WIDE], None);
	assert_ok!(accept(OPERATOR, id));
	let root = H256(assay_referee::tree::hash(&wide_output()));
	assert_ok!(claim(OPERATOR, id, root, OutputBytes::default()));
	id
}

/// A piece of [`wide_output`].
pub(crate) fn piece(number: u32) -> Slice {
	let (first, chunks) = chunks_of(number, WIDE as u64).expect("there is such a piece");
	Slice::make(&wide_output(), first, chunks).expect("it lies inside")
}

/// Deliver a piece of [`wide_output`], signed by `who`.
pub(crate) fn deliver(who: u64, id: JobId, number: u32) -> DispatchResult {
	let done = Jobs::deliver(signed(who), id, number, piece(number), None);
	done.map(|_| ()).map_err(|error| error.error)
}

/// A job of the small model that the operator has accepted.
pub(crate) fn accepted() -> JobId {
	let id = request();
	assert_ok!(accept(OPERATOR, id));
	id
}

/// Some output of the small model, and its root.
pub(crate) fn answer() -> (H256, OutputBytes) {
	let output = vec![7; LEN];
	(H256(assay_referee::tree::hash(&output)), BoundedVec::truncate_from(output))
}

/// A job of the small model on which the operator has claimed.
pub(crate) fn claimed() -> JobId {
	let id = accepted();
	let (root, output) = answer();
	assert_ok!(claim(OPERATOR, id, root, output));
	id
}

pub(crate) fn status(id: JobId) -> JobStatus<u64, u64, u64> {
	crate::Jobs::<Test>::get(id).expect("the job is there").status
}

/// What job `id` is about now; something else if there is none.
pub(crate) fn content(id: JobId) -> H256 {
	crate::Jobs::<Test>::get(id).map_or_else(H256::zero, |job| job.content())
}

/// Accept one job, by the operator itself.
pub(crate) fn accept(who: u64, id: JobId) -> DispatchResult {
	accept_all(who, &[id])
}

/// Accept some jobs, by the operator itself.
pub(crate) fn accept_all(who: u64, ids: &[JobId]) -> DispatchResult {
	let offers = ids.iter().map(|id| Offer { job: *id, content: content(*id) }).collect();
	let done = Jobs::accept(signed(who), BoundedVec::truncate_from(offers), None);
	done.map(|_| ()).map_err(|error| error.error)
}

/// The answer to one job as it stands now.
pub(crate) fn answer_to(id: JobId, output_root: H256, output: OutputBytes) -> Answer {
	Answer { job: id, content: content(id), output_root, output }
}

/// Claim on one job, by the operator itself.
pub(crate) fn claim(who: u64, id: JobId, root: H256, output: OutputBytes) -> DispatchResult {
	claim_all(who, vec![answer_to(id, root, output)])
}

/// Claim on some jobs, by the operator itself.
pub(crate) fn claim_all(who: u64, answers: Vec<Answer>) -> DispatchResult {
	let done = Jobs::claim(signed(who), BoundedVec::truncate_from(answers), None);
	done.map(|_| ()).map_err(|error| error.error)
}

/// Poke one job.
pub(crate) fn poke(who: u64, id: JobId) -> DispatchResult {
	let done = Jobs::poke(signed(who), BoundedVec::truncate_from(vec![id]), None);
	done.map(|_| ()).map_err(|error| error.error)
}

/// Let blocks pass, without idle weight.
pub(crate) fn wait(blocks: u64) {
	let now = System::block_number();
	for number in now..now + blocks {
		BlockHash::<Test>::insert(number, H256::from_low_u64_be(number));
	}
	System::set_block_number(now + blocks);
}

/// What `who` can spend.
pub(crate) fn free(who: u64) -> u64 {
	Balances::free_balance(who)
}
