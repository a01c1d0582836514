//! A runtime with this pallet, and a builder that checks the invariants after every test.

use crate::{self as pallet_models, HoldReason, ModelMetadata, ModelState};
use assay_primitives::{models::model_id, samples, ModelId};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold, BoundedVec};
use sp_core::H256;
use sp_runtime::BuildStorage;

pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const POOR: u64 = 3;
pub(crate) const CHARLIE: u64 = 4;
pub(crate) const WEIGHTS: H256 = H256::repeat_byte(7);

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
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
}

parameter_types! {
	pub const MaxProgramBytes: u32 = assay_referee::MAX_PROGRAM_BYTES as u32;
	pub const DepositBase: u64 = 100;
	pub const DepositPerRecord: u64 = 10;
	pub static MaxRunMicros: u64 = 60_000_000;
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RetireOrigin = frame_system::EnsureRoot<u64>;
	type MaxProgramBytes = MaxProgramBytes;
	type DepositBase = DepositBase;
	type DepositPerRecord = DepositPerRecord;
	type MaxRunMicros = MaxRunMicros;
	type WeightInfo = ();
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("the system has a default genesis");
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, 100_000), (BOB, 100_000), (CHARLIE, 100_000), (POOR, 50)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("balances are consistent");
	let mut ext = sp_io::TestExternalities::new(storage);
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

/// The pallet's own, and that nobody has anything on hold for nothing.
pub(crate) fn check_invariants() {
	Models::do_try_state().expect("invariants hold");
	let endorsed = pallet_models::Endorsements::<Test>::iter().map(|(.., one)| one.deposit);
	let retired = pallet_models::Models::<Test>::iter_values().map(|record| match record.state {
		ModelState::Retired { deposit, .. } => deposit,
		_ => 0,
	});
	let held: u64 = [ALICE, BOB, CHARLIE, POOR].map(held).iter().sum();
	assert_eq!(held, endorsed.chain(retired).sum::<u64>(), "held for nothing");
}

pub(crate) fn program(n_ops: u32) -> BoundedVec<u8, MaxProgramBytes> {
	BoundedVec::truncate_from(samples::chain(n_ops, 16))
}

/// The program of one operation, with as many inputs as there may be, of rank `rank`, most of them of no use.
pub(crate) fn with_most_inputs(rank: usize) -> Vec<u8> {
	let shape = assay_referee::Shape::new(&vec![1; rank]).expect("the rank is one that there is");
	let spec = assay_referee::TensorSpec::new(assay_referee::DType::I32, shape);
	let mut program = assay_referee::Program::decode(&program(1)).expect("it is valid");
	program.header.inputs.resize(assay_referee::MAX_PORTS, spec);
	program.encode().expect("it is valid")
}

pub(crate) fn id_of(program: &[u8]) -> ModelId {
	model_id(&H256(assay_referee::program_root(program)), &WEIGHTS)
}

pub(crate) fn metadata() -> ModelMetadata {
	ModelMetadata {
		name: BoundedVec::truncate_from(b"negate".to_vec()),
		version: BoundedVec::truncate_from(b"1".to_vec()),
		source_hash: H256::repeat_byte(1),
		parent: None,
		licence: BoundedVec::truncate_from(b"Apache-2.0".to_vec()),
	}
}

/// What somebody else says about the same model.
pub(crate) fn words(name: &str) -> ModelMetadata {
	ModelMetadata { name: BoundedVec::truncate_from(name.as_bytes().to_vec()), ..metadata() }
}

/// Who signs.
pub(crate) fn by(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// A model of two operations that `who` registered, which costs a deposit of [`DEPOSIT`].
pub(crate) fn registered_by(who: u64) -> ModelId {
	let program = program(2);
	let model = id_of(&program);
	Models::register(by(who), program, WEIGHTS, words("first")).expect("it is sound");
	model
}

/// What an endorser of [`registered_by`]'s model has on hold.
pub(crate) const DEPOSIT: u64 = 100 + 3 * 10;

/// The name under which wallets show a model.
pub(crate) fn shown(model: &ModelId) -> String {
	let metadata = pallet_models::Metadata::<Test>::get(model).expect("every model has some");
	String::from_utf8(metadata.name.into_inner()).expect("names are text")
}

pub(crate) fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::Model.into(), &who)
}
