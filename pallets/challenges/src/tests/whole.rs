//! The game over the real models, operators and jobs: where all the money goes.

use assay_primitives::{models::model_id, samples, FaultKind, JobId, ModelId, OperatorLedger};
use assay_referee::{tree, Location, Program};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok, derive_impl, parameter_types,
	traits::{fungible::Inspect, Hooks},
	weights::Weight,
	BoundedVec,
};
use pallet_jobs::JobStatus;
use sp_core::H256;
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::{generic, testing::TestXt, traits::BlakeTwo256, BuildStorage, Perbill};

use crate::{self as pallet_challenges, fixtures::Run, ChallengeId, NextChallenge};

const OPERATOR: u64 = 1;
const ALICE: u64 = 2;
const REQUESTER: u64 = 4;
const PUBLISHER: u64 = 6;
const RICHES: u64 = 1_000_000;
const FEE: u64 = 2_000;
/// Behind the claim: ten times the fee.
const STAKE: u64 = 20_000;

type Extension = frame_system::AuthorizeCall<Whole>;
type Extrinsic = TestXt<RuntimeCall, Extension>;

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
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Whole;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Whole>;
	#[runtime::pallet_index(8)]
	pub type Balances = pallet_balances::Pallet<Whole>;
	#[runtime::pallet_index(20)]
	pub type Models = pallet_models::Pallet<Whole>;
	#[runtime::pallet_index(21)]
	pub type Operators = pallet_operators::Pallet<Whole>;
	#[runtime::pallet_index(22)]
	pub type Jobs = pallet_jobs::Pallet<Whole>;
	#[runtime::pallet_index(23)]
	pub type Challenges = pallet_challenges::Pallet<Whole>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Whole {
	type Block = generic::Block<generic::Header<u64, BlakeTwo256>, Extrinsic>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Whole {
	type AccountStore = System;
}

impl<C> frame_system::offchain::CreateTransactionBase<C> for Whole
where
	RuntimeCall: From<C>,
{
	type Extrinsic = Extrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateTransaction<C> for Whole
where
	RuntimeCall: From<C>,
{
	type Extension = Extension;

	fn create_transaction(call: RuntimeCall, extension: Extension) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<C> frame_system::offchain::CreateAuthorizedTransaction<C> for Whole
where
	RuntimeCall: From<C>,
{
	fn create_extension() -> Extension {
		Extension::new()
	}
}

parameter_types! {
	pub const Zero: u64 = 0;
	pub const MaxProgramBytes: u32 = assay_referee::MAX_PROGRAM_BYTES as u32;
	pub const MinStake: u64 = 10_000;
	pub const UnstakingPeriod: u64 = 60;
	pub const Few: u32 = 8;
	pub const MaxInputBytes: u32 = 1_024 * 1_024;
	pub const MinClaimStake: u64 = 5_000;
	pub const StakePerFee: u32 = 10;
	pub const Ten: u64 = 10;
	pub const Window: u64 = 20;
	pub const Retention: u64 = 40;
	pub const MissedPenalty: Perbill = Perbill::from_percent(1);
	pub const MaxProverReward: u64 = 400;
	pub const Bond: u64 = 1_000;
	pub const Allowance: u64 = 1_000_000_000_000;
	pub const BlockMillis: u64 = 3_000;
	pub const MaxRunMicros: u64 = 60_000_000;
	pub const QueryFee: u64 = 600;
}

impl pallet_models::Config for Whole {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RetireOrigin = frame_system::EnsureRoot<u64>;
	type MaxProgramBytes = MaxProgramBytes;
	type DepositBase = Zero;
	type DepositPerRecord = Zero;
	type MaxRunMicros = MaxRunMicros;
	type WeightInfo = ();
}

impl pallet_operators::Config for Whole {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Clock = System;
	type MinStake = MinStake;
	type KeyDeposit = Zero;
	type DefaultAllowance = Allowance;
	type ChillPeriod = Ten;
	type UnstakingPeriod = UnstakingPeriod;
	type MaxUnstaking = Few;
	type MaxServed = Few;
	type MaxMissed = Few;
	type WeightInfo = ();
}

impl pallet_jobs::Config for Whole {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Operators = Operators;
	type Backlog = Challenges;
	type Clock = System;
	type MaxInputBytes = MaxInputBytes;
	type DepositBase = Zero;
	type DepositPerByte = Zero;
	type FeeBase = Zero;
	type FeePerUnit = Zero;
	type MinClaimStake = MinClaimStake;
	type StakePerFee = StakePerFee;
	type QueuePeriod = Ten;
	type ClaimPeriod = Ten;
	type Window = Window;
	type DeliveryPeriod = Ten;
	type DeliveryFee = QueryFee;
	type BytePrice = Zero;
	type BlockMillis = BlockMillis;
	type Retention = Retention;
	type MissedPenalty = MissedPenalty;
	type MaxProverReward = MaxProverReward;
	type WeightInfo = ();
}

impl pallet_challenges::Config for Whole {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Claims = Jobs;
	type KeyAllowances = Operators;
	type Clock = System;
	type MinBond = Bond;
	type BondPerMillionUnits = Zero;
	type QueryFee = QueryFee;
	type BytePrice = Zero;
	type BlockMillis = BlockMillis;
	type TracePeriod = Ten;
	type AnswerPeriod = Ten;
	type TurnPeriod = Ten;
	type OperatorRate = Few;
	type ChainRate = Few;
	type Retention = Retention;
	type WeightInfo = ();
}

fn signed(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

fn program() -> Program {
	Program::decode(&samples::chain(3, 8)).expect("samples are valid")
}

/// The true run, or the one with a lie in the middle.
fn run(lie: bool) -> Run {
	Run::new(program(), Vec::new(), vec![3; 32], lie.then_some((1, 5)))
}

/// A fresh chain.
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Whole>::default()
		.build_storage()
		.expect("the system has a default genesis");
	let balances = [OPERATOR, ALICE, REQUESTER, PUBLISHER].map(|who| (who, RICHES)).to_vec();
	pallet_balances::GenesisConfig::<Whole> { balances, ..Default::default() }
		.assimilate_storage(&mut storage)
		.expect("balances are consistent");
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Run a test on a chain with a model and an operator; check the invariants at its end.
fn build_and_execute(test: impl FnOnce(ModelId)) {
	new_test_ext().execute_with(|| {
		let bytes = program().encode().expect("samples are valid");
		let model = model_id(&H256(tree::hash(&bytes)), &H256(tree::hash(&[])));
		let metadata = pallet_models::ModelMetadata {
			name: BoundedVec::truncate_from(b"negate".to_vec()),
			version: Default::default(),
			source_hash: H256::zero(),
			parent: None,
			licence: Default::default(),
		};
		let (bytes, weights) = (BoundedVec::truncate_from(bytes), H256(tree::hash(&[])));
		assert_ok!(Models::register(signed(PUBLISHER), bytes, weights, metadata));
		assert_ok!(Operators::stake(signed(OPERATOR), 2 * STAKE));
		assert_ok!(Operators::serve(signed(OPERATOR), BoundedVec::truncate_from(vec![model])));
		test(model);
		Challenges::do_try_state().expect("invariants hold");
	});
}

/// A job on which the operator claims what `run` computed.
fn claim(model: ModelId, run: &Run) -> JobId {
	let job = pallet_jobs::NextJob::<Whole>::get();
	let input = BoundedVec::truncate_from(run.input.clone());
	assert_ok!(Jobs::request(signed(REQUESTER), model, input, FEE, None));
	let content = || pallet_jobs::Jobs::<Whole>::get(job).expect("requested").content();
	let offer = pallet_jobs::Offer { job, content: content() };
	assert_ok!(Jobs::accept(signed(OPERATOR), BoundedVec::truncate_from(vec![offer]), None));
	let answer = pallet_jobs::Answer {
		job,
		content: content(),
		output_root: H256(run.output_root()),
		output: BoundedVec::truncate_from(run.output().to_vec()),
	};
	assert_ok!(Jobs::claim(signed(OPERATOR), BoundedVec::truncate_from(vec![answer]), None));
	job
}

fn open(job: JobId, output: &Run) -> ChallengeId {
	assert_ok!(Challenges::open(signed(ALICE), job, H256(output.output_root()), None));
	NextChallenge::<Whole>::get() - 1
}

fn reveal(job: JobId, run: &Run) {
	let root = H256(run.trace_root());
	assert_ok!(Challenges::reveal_trace(signed(OPERATOR), job, root, run.last_entry(), None));
}

fn status(job: JobId) -> JobStatus<u64, u64, u64> {
	pallet_jobs::Jobs::<Whole>::get(job).expect("the job is on record").status
}

fn pass(blocks: u64) {
	for _ in 0..blocks {
		let now = System::block_number();
		Jobs::on_idle(now, Weight::MAX);
		Challenges::on_idle(now, Weight::MAX);
		System::set_block_number(now + 1);
	}
}

/// Everything that an account owns.
fn wealth(who: u64) -> u64 {
	Balances::total_balance(&who)
}

#[test]
fn a_proven_lie_costs_the_stake() {
	build_and_execute(|model| {
		let (honest, liar) = (run(false), run(true));
		let job = claim(model, &liar);
		let id = open(job, &honest);
		reveal(job, &liar);
		for node in liar.way_to(1, 5) {
			assert_ok!(Challenges::ask(signed(ALICE), id, node, None));
			assert_ok!(Challenges::answer(signed(OPERATOR), job, node, liar.open(&node), None));
		}
		let before = Balances::total_issuance();
		let proof = honest.prove(&liar, 1, Location::Element(5)).encode();
		let proof = BoundedVec::try_from(proof).expect("proofs are short");
		assert_ok!(Challenges::prove_fault(signed(ALICE), job, proof, None));

		let fault = FaultKind::Leaf { entry: 1, element: 5 };
		assert!(matches!(status(job), JobStatus::Fraud { fault: found, .. } if found == fault));
		// 30 % to the finder, 5 % but at most the cap to the prover, 5 % to the requester.
		let (finder, prover, requester) = (6_000, 400, 1_000);
		let asked = 2 * QueryFee::get();
		assert_eq!(wealth(ALICE), RICHES + finder + prover - asked);
		assert_eq!(wealth(REQUESTER), RICHES + requester);
		assert_eq!(wealth(OPERATOR), RICHES - STAKE + asked / 6 * 5);
		assert_eq!(Balances::total_issuance(), before - (STAKE - finder - prover - requester));
		assert!(!<Operators as OperatorLedger<u64, u64>>::is_active(&OPERATOR));
		// And everything can be spent again.
		assert_eq!(Balances::free_balance(ALICE), wealth(ALICE));
		assert_eq!(Balances::free_balance(REQUESTER), wealth(REQUESTER));
	});
}

#[test]
fn silence_costs_the_stake_too() {
	build_and_execute(|model| {
		let (honest, liar) = (run(false), run(true));
		let job = claim(model, &liar);
		open(job, &honest);
		pass(12);
		let fault = FaultKind::NoTrace;
		assert!(matches!(status(job), JobStatus::Fraud { fault: found, .. } if found == fault));
		assert_eq!(wealth(OPERATOR), RICHES - STAKE);
		assert_eq!(wealth(ALICE), RICHES + STAKE / 100 * 15);
		assert_eq!(wealth(REQUESTER), RICHES + STAKE / 100 * 5);
	});
}

#[test]
fn a_dispute_puts_finality_off_and_a_lapse_allows_it() {
	build_and_execute(|model| {
		let honest = run(false);
		let job = claim(model, &honest);
		pass(18);
		open(job, &run(true));
		pass(5);
		reveal(job, &honest);
		// The window is over, but the dispute is not.
		assert_noop!(
			Jobs::poke(signed(ALICE), BoundedVec::truncate_from(vec![job]), None),
			pallet_jobs::Error::<Whole>::NothingDue
		);
		pass(8);
		assert!(matches!(status(job), JobStatus::Claimed { live: 1, .. }));
		pass(6);
		assert!(matches!(status(job), JobStatus::Final { .. }));
		let bond = Bond::get();
		assert_eq!(wealth(OPERATOR), RICHES + FEE + bond / 10 * 6);
		assert_eq!(wealth(ALICE), RICHES - bond);
		assert_eq!(wealth(REQUESTER), RICHES - FEE);
		pass(100);
		assert_eq!(pallet_jobs::Jobs::<Whole>::iter().count(), 0);
		assert_eq!(crate::Challenges::<Whole>::iter().count(), 0);
		assert_eq!(crate::Disputes::<Whole>::iter().count(), 0);
	});
}

#[test]
fn disputes_do_not_touch_other_claims() {
	build_and_execute(|model| {
		let (honest, liar) = (run(false), run(true));
		let good = claim(model, &honest);
		let bad = claim(model, &liar);
		open(bad, &honest);
		pass(30);
		assert!(matches!(status(bad), JobStatus::Fraud { .. }));
		assert!(matches!(status(good), JobStatus::Final { .. }));
		assert_eq!(wealth(OPERATOR), RICHES + FEE - STAKE);
	});
}
