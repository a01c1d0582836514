//! A runtime with this pallet over claims that the tests make up, and a builder that checks the
//! invariants after every test.

use std::collections::BTreeMap;

use assay_primitives::{
	samples, service::ServicePair, Authorization, ClaimView, Claims, FaultKind, JobId, KeyOwners,
	ModelId, ModelInfo, ServiceKey,
};
use assay_referee::{tree, Program};
use codec::Encode;
use frame_support::{
	derive_impl, parameter_types,
	traits::{fungible::InspectHold, Authorize, Hooks},
};
use sp_core::{Pair, H256};
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::{
	generic,
	testing::TestXt,
	traits::{BlakeTwo256, Dispatchable},
	transaction_validity::{TransactionSource, TransactionValidityError},
	BuildStorage, DispatchError, DispatchResult,
};

use crate::{self as pallet_challenges, fixtures::Run, HoldReason};

pub(crate) const OPERATOR: u64 = 1;
pub(crate) const ALICE: u64 = 2;
pub(crate) const BOB: u64 = 3;
pub(crate) const REQUESTER: u64 = 4;
/// Has no money.
pub(crate) const POOR: u64 = 5;
/// What everybody else begins with.
pub(crate) const RICHES: u64 = 1_000_000;

/// Blocks for which new challenges may be opened.
pub(crate) const WINDOW: u64 = 20;

type Header = generic::Header<u64, BlakeTwo256>;
type Extension = frame_system::AuthorizeCall<Test>;
pub(crate) type Extrinsic = TestXt<RuntimeCall, Extension>;

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
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(8)]
	pub type Balances = pallet_balances::Pallet<Test>;
	#[runtime::pallet_index(23)]
	pub type Challenges = pallet_challenges::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = generic::Block<Header, Extrinsic>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
}

impl<C> frame_system::offchain::CreateTransactionBase<C> for Test
where
	RuntimeCall: From<C>,
{
	type Extrinsic = Extrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateTransaction<C> for Test
where
	RuntimeCall: From<C>,
{
	type Extension = Extension;

	fn create_transaction(call: RuntimeCall, extension: Extension) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<C> frame_system::offchain::CreateAuthorizedTransaction<C> for Test
where
	RuntimeCall: From<C>,
{
	fn create_extension() -> Extension {
		Extension::new()
	}
}

/// A claim of the tests.
#[derive(Clone)]
pub(crate) struct Claim {
	pub(crate) view: ClaimView<u64, u64, u64>,
	pub(crate) input: Vec<u8>,
	/// How many challenges keep the claim open.
	pub(crate) held: u32,
	/// How it ended, if it did.
	pub(crate) end: Option<End>,
}

/// How a claim ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
	Final,
	Fault { kind: FaultKind, finder: Option<u64>, prover: Option<u64> },
}

parameter_types! {
	pub const MinBond: u64 = 1_000;
	pub const BondPerMillionUnits: u64 = 10;
	pub const QueryFee: u64 = 600;
	pub const TracePeriod: u64 = 12;
	pub const AnswerPeriod: u64 = 10;
	pub const TurnPeriod: u64 = 8;
	pub const Retention: u64 = 50;
	pub static ExistentialDeposit: u64 = 1;
	pub(crate) static AllClaims: BTreeMap<JobId, Claim> = BTreeMap::new();
	pub static Keys: Vec<(ServiceKey, u64)> = Vec::new();
}

pub struct StubClaims;

fn update<R>(job: JobId, change: impl FnOnce(&mut Claim) -> R) -> Option<R> {
	let mut claims = AllClaims::get();
	let result = claims.get_mut(&job).filter(|claim| claim.end.is_none()).map(change);
	AllClaims::set(claims);
	result
}

impl Claims<u64, u64, u64> for StubClaims {
	fn open_claim(job: JobId) -> Option<ClaimView<u64, u64, u64>> {
		AllClaims::get().get(&job).filter(|claim| claim.end.is_none()).map(|claim| claim.view)
	}

	fn open_jobs(after: Option<JobId>, limit: u32) -> Vec<JobId> {
		let open = AllClaims::get().into_iter().filter(|(_, claim)| claim.end.is_none());
		open.map(|(job, _)| job).filter(|job| Some(*job) > after).take(limit as usize).collect()
	}

	fn input(job: JobId) -> Option<Vec<u8>> {
		AllClaims::get().get(&job).map(|claim| claim.input.clone())
	}

	fn hold_open(job: JobId) -> DispatchResult {
		update(job, |claim| claim.held += 1).ok_or(DispatchError::Unavailable)
	}

	fn release_open(job: JobId) {
		update(job, |claim| claim.held -= 1);
	}

	fn fault(
		job: JobId,
		kind: FaultKind,
		finder: Option<u64>,
		prover: Option<u64>,
	) -> DispatchResult {
		update(job, |claim| claim.end = Some(End::Fault { kind, finder, prover }))
			.ok_or(DispatchError::Unavailable)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_claim(
		operator: &u64,
		key: Option<ServiceKey>,
		program: Vec<u8>,
		weights_root: H256,
		input: Vec<u8>,
		output_root: H256,
	) -> JobId {
		if let Some(key) = key {
			Keys::mutate(|keys| keys.push((key, *operator)));
		}
		let program = Program::decode(&program).expect("the benchmark's program is valid");
		insert_claim(*operator, &program, weights_root, input, output_root)
	}
}

pub struct StubKeys;

impl KeyOwners<u64> for StubKeys {
	fn owner_of(key: &ServiceKey) -> Option<u64> {
		Keys::get().into_iter().find(|(known, _)| known == key).map(|(_, owner)| owner)
	}
}

impl crate::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Claims = StubClaims;
	type KeyOwners = StubKeys;
	type Clock = System;
	type MinBond = MinBond;
	type BondPerMillionUnits = BondPerMillionUnits;
	type QueryFee = QueryFee;
	type TracePeriod = TracePeriod;
	type AnswerPeriod = AnswerPeriod;
	type TurnPeriod = TurnPeriod;
	type Retention = Retention;
	type WeightInfo = ();
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	AllClaims::set(BTreeMap::new());
	Keys::set((OPERATOR..=POOR).map(|who| (key_pair(who).public(), who)).collect());
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("the system has a default genesis");
	let balances = (OPERATOR..POOR).map(|who| (who, RICHES)).collect();
	pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
		.assimilate_storage(&mut storage)
		.expect("balances are consistent");
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Run a test on a fresh chain, then check the invariants.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		check_invariants();
	});
}

/// The pallet's invariants, and: a claim is kept open by its live challenges and nothing else.
pub(crate) fn check_invariants() {
	Challenges::do_try_state().expect("invariants hold");
	for (job, claim) in AllClaims::get().iter().filter(|(_, claim)| claim.end.is_none()) {
		assert_eq!(claim.held as usize, Challenges::live_of(*job).count());
	}
}

pub(crate) fn key_pair(who: u64) -> ServicePair {
	ServicePair::from_seed(&[who as u8; 32])
}

/// Proof that the key of `who` authorised `args` for the call `tag`.
pub(crate) fn auth(who: u64, tag: &str, args: impl Encode) -> Option<Authorization> {
	let genesis = System::block_hash(0);
	let message = assay_primitives::authorization::message(&genesis, tag, &args);
	let pair = key_pair(who);
	Some(Authorization { key: pair.public(), signature: pair.sign(&message) })
}

/// Include an authorised call as a block would. Checks that it succeeds if it is valid, and that
/// it is not valid a second time.
pub(crate) fn include(call: impl Into<RuntimeCall>) -> Result<(), TransactionValidityError> {
	let call = call.into();
	let validity =
		|| call.authorize(TransactionSource::External).expect("the call can be authorised");
	validity()?;
	let origin = frame_system::RawOrigin::Authorized.into();
	call.clone().dispatch(origin).expect("a valid authorised call succeeds");
	assert!(validity().is_err(), "an included call is not valid again");
	Ok(())
}

pub(crate) fn signed(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub(crate) fn held(reason: HoldReason, who: u64) -> u64 {
	Balances::balance_on_hold(&reason.into(), &who)
}

/// Let `blocks` blocks pass, with room for the agenda in each.
pub(crate) fn pass(blocks: u64) {
	for _ in 0..blocks {
		Challenges::on_idle(System::block_number(), frame_support::weights::Weight::MAX);
		System::set_block_number(System::block_number() + 1);
	}
}

/// A program of `n_ops` negations of `elements` numbers.
pub(crate) fn program(n_ops: u32, elements: u32) -> Program {
	Program::decode(&samples::chain(n_ops, elements)).expect("samples are valid")
}

/// A run of it, with a lie or without.
pub(crate) fn run(n_ops: u32, elements: u32, lie: Option<(u32, u64)>) -> Run {
	let input = (0..elements).flat_map(|number| (number * 7 + 1).to_le_bytes()).collect();
	Run::new(program(n_ops, elements), Vec::new(), input, lie)
}

/// A claim of the operator of what `run` computed.
pub(crate) fn claim(run: &Run) -> JobId {
	let (weights, output) = (H256(tree::hash(&run.weights)), H256(run.output_root()));
	insert_claim(OPERATOR, &run.program, weights, run.input.clone(), output)
}

fn insert_claim(
	operator: u64,
	program: &Program,
	weights_root: H256,
	input: Vec<u8>,
	output_root: H256,
) -> JobId {
	let bytes = program.encode().expect("the program is valid");
	let view = ClaimView {
		operator,
		requester: REQUESTER,
		model: ModelId::repeat_byte(9),
		info: ModelInfo {
			program_root: H256(tree::hash(&bytes)),
			weights_root,
			weights_len: program.header.weights_len,
			n_ops: program.header.n_ops,
			input_len: input.len() as u64,
			output_len: program.header.output_layout().total_len,
			units: 1,
			active: true,
		},
		input_root: H256(tree::hash(&input)),
		output_root,
		window_end: System::block_number() + WINDOW,
		fee: 10_000,
		stake: 100_000,
	};
	let mut claims = AllClaims::get();
	let job = claims.len() as JobId;
	claims.insert(job, Claim { view, input, held: 0, end: None });
	AllClaims::set(claims);
	job
}

/// How the claim of `job` ended.
pub(crate) fn end_of(job: JobId) -> Option<End> {
	AllClaims::get().get(&job).and_then(|claim| claim.end.clone())
}

/// End a claim without a fault, as the jobs pallet does when nothing holds it open.
pub(crate) fn finalize(job: JobId) {
	update(job, |claim| {
		assert_eq!(claim.held, 0, "a claim in dispute cannot become final");
		claim.end = Some(End::Final);
	});
}
