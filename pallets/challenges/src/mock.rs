//! A runtime with this pallet over claims that the tests make up, and a builder that checks the
//! invariants after every test.

use std::collections::BTreeMap;

use assay_primitives::{
	samples, service::ServicePair, Authorization, ClaimView, Claims, FaultKind, JobId,
	KeyAllowances, KeyOwners, ModelId, ModelInfo, PageKey, ServiceKey,
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
	transaction_validity::{TransactionSource, TransactionValidityError, ValidTransaction},
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
	type BlockLength = Length;
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
	pub static BytePrice: u64 = 0;
	pub const TracePeriod: u64 = 12;
	pub const AnswerPeriod: u64 = 10;
	pub const TurnPeriod: u64 = 8;
	pub const Retention: u64 = 50;
	pub const BlockMillis: u64 = 3_000;
	pub static OperatorRate: u32 = 8;
	pub static ChainRate: u32 = 24;
	pub static ExistentialDeposit: u64 = 1;
	pub(crate) static AllClaims: BTreeMap<JobId, Claim> = BTreeMap::new();
	pub static Keys: Vec<(ServiceKey, u64)> = Vec::new();
	/// What each key has spent of [`ALLOWANCE`] and not got back.
	pub static Spent: BTreeMap<u64, u64> = BTreeMap::new();
	/// How long a run of every model takes.
	pub static RunMicros: u64 = 0;
	/// What fits a block.
	pub static Length: frame_system::limits::BlockLength = frame_system::limits::BlockLength::default();
	/// How many claims were looked up.
	pub static Lookups: u64 = 0;
}

/// What every key may spend.
pub(crate) const ALLOWANCE: u64 = 100_000;

/// Claims in one page of the stub.
pub(crate) const PAGE: usize = 4;

/// The model of all claims.
pub(crate) const MODEL: ModelId = ModelId::repeat_byte(9);

pub struct StubClaims;

fn update<R>(job: JobId, change: impl FnOnce(&mut Claim) -> R) -> Option<R> {
	AllClaims::mutate(|claims| claims.get_mut(&job).filter(|claim| claim.end.is_none()).map(change))
}

impl Claims<u64, u64, u64> for StubClaims {
	fn open_claim(job: JobId) -> Option<ClaimView<u64, u64, u64>> {
		Lookups::mutate(|count| *count += 1);
		update(job, |claim| claim.view)
	}

	fn claim_pages(
		model: &ModelId,
		after: Option<PageKey>,
		limit: u32,
	) -> Vec<(PageKey, Vec<JobId>)> {
		AllClaims::mutate(|claims| {
			let mut by_end = BTreeMap::<u32, Vec<JobId>>::new();
			for (job, claim) in claims.iter().filter(|(_, claim)| claim.view.model == *model) {
				by_end.entry(claim.view.window_end as u32 + 1).or_default().push(*job);
			}
			let pages = by_end.iter().flat_map(|(due, jobs)| {
				let numbered = jobs.chunks(PAGE).enumerate();
				numbered.map(|(number, jobs)| (PageKey::new(*due, number as u32), jobs.to_vec()))
			});
			pages.filter(|(page, _)| Some(*page) > after).take(limit as usize).collect()
		})
	}

	fn input(job: JobId) -> Option<Vec<u8>> {
		AllClaims::mutate(|claims| claims.get(&job).map(|claim| claim.input.clone()))
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

impl KeyAllowances<u64, u64> for StubKeys {
	fn allowance(who: &u64) -> u64 {
		ALLOWANCE - Spent::get().get(who).copied().unwrap_or_default()
	}

	fn spend(who: &u64, amount: u64) -> DispatchResult {
		frame_support::ensure!(Self::allowance(who) >= amount, DispatchError::Exhausted);
		Spent::mutate(|spent| *spent.entry(*who).or_default() += amount);
		Ok(())
	}

	fn restore(who: &u64, amount: u64) {
		Spent::mutate(|spent| *spent.get_mut(who).expect("it was spent") -= amount);
	}
}

impl crate::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Claims = StubClaims;
	type KeyAllowances = StubKeys;
	type Clock = System;
	type MinBond = MinBond;
	type BondPerMillionUnits = BondPerMillionUnits;
	type QueryFee = QueryFee;
	type BytePrice = BytePrice;
	type BlockMillis = BlockMillis;
	type TracePeriod = TracePeriod;
	type AnswerPeriod = AnswerPeriod;
	type TurnPeriod = TurnPeriod;
	type OperatorRate = OperatorRate;
	type ChainRate = ChainRate;
	type Retention = Retention;
	type WeightInfo = ();
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	AllClaims::set(BTreeMap::new());
	Spent::set(BTreeMap::new());
	RunMicros::set(0);
	BytePrice::set(0);
	Length::set(Default::default());
	OperatorRate::set(8);
	ChainRate::set(24);
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
	ext.execute_with(|| go_to(1));
	ext
}

/// Run a test on a fresh chain, then check the invariants.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		check_invariants();
	});
}

/// The pallet's invariants, and: a claim is kept open by its live challenges and nothing else; what
/// keys have on hold they have spent.
pub(crate) fn check_invariants() {
	Challenges::do_try_state().expect("invariants hold");
	for (job, claim) in AllClaims::get().iter().filter(|(_, claim)| claim.end.is_none()) {
		assert_eq!(claim.held as usize, Challenges::live_of(*job).count());
	}
	for (who, amount) in Challenges::on_hold_by_key() {
		assert!(Spent::get().get(&who).is_some_and(|spent| *spent >= amount));
	}
}

pub(crate) fn key_pair(who: u64) -> ServicePair {
	ServicePair::from_seed(&[who as u8; 32])
}

/// Proof that the key of `who` authorised `args` for the call `tag`, born at the block before.
pub(crate) fn auth(who: u64, tag: &str, args: impl Encode) -> Option<Authorization> {
	auth_born(who, tag, args, System::block_number() as u32 - 1)
}

/// The same, born at another block.
pub(crate) fn auth_born(
	who: u64,
	tag: &str,
	args: impl Encode,
	birth: u32,
) -> Option<Authorization> {
	let genesis = System::block_hash(0);
	let hash = System::block_hash(u64::from(birth));
	let message = assay_primitives::authorization::message(&genesis, tag, birth, &hash, &args);
	let pair = key_pair(who);
	Some(Authorization { key: pair.public(), birth, signature: pair.sign(&message) })
}

/// The content of a job's claim.
pub(crate) fn content(job: JobId) -> H256 {
	StubClaims::open_claim(job).map_or_else(H256::zero, |claim| claim.content())
}

/// Include an authorised call as a block would. Checks that it succeeds if it is valid, and that
/// it is not valid a second time.
pub(crate) fn include(call: impl Into<RuntimeCall>) -> Result<(), TransactionValidityError> {
	let call = call.into();
	let validity = |source| call.authorize(source).expect("the call can be authorised");
	// The pool judges on a copy of the state.
	frame_support::hypothetically!(validity(TransactionSource::External))?;
	validity(TransactionSource::InBlock)?;
	let origin = frame_system::RawOrigin::Authorized.into();
	call.clone().dispatch(origin).expect("a valid authorised call succeeds");
	assert!(validity(TransactionSource::External).is_err(), "an included call is not valid again");
	Ok(())
}

/// What would happen; the chain and the stubs are as before.
pub(crate) fn hypothetically<R>(test: impl FnOnce() -> R) -> R {
	let (claims, spent) = (AllClaims::get(), Spent::get());
	let result = frame_support::hypothetically!(test());
	AllClaims::set(claims);
	Spent::set(spent);
	result
}

/// How the pool sees an authorised call.
pub(crate) fn pooled(call: impl Into<RuntimeCall>) -> ValidTransaction {
	let validity = call.into().authorize(TransactionSource::External);
	validity.expect("the call can be authorised").expect("the call is valid").0
}

/// Go to block `number`, with hashes for the blocks before it.
pub(crate) fn go_to(number: u64) {
	for block in System::block_number()..number {
		frame_system::BlockHash::<Test>::insert(block, H256::from_low_u64_be(block + 1));
	}
	System::set_block_number(number);
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
		go_to(System::block_number() + 1);
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
		model: MODEL,
		info: ModelInfo {
			program_root: H256(tree::hash(&bytes)),
			weights_root,
			weights_len: program.header.weights_len,
			n_ops: program.header.n_ops,
			input_len: input.len() as u64,
			output_len: program.header.output_layout().total_len,
			units: 1,
			run_micros: RunMicros::get(),
			active: true,
		},
		input_root: H256(tree::hash(&input)),
		output_root,
		window_end: System::block_number() + WINDOW,
		fee: 10_000,
		stake: 100_000,
		attempt: 0,
	};
	AllClaims::mutate(|claims| {
		let job = claims.len() as JobId;
		claims.insert(job, Claim { view, input, held: 0, end: None });
		job
	})
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
