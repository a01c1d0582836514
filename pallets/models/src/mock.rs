//! A runtime with this pallet, and a builder that checks the invariants after every test.

use crate::{self as pallet_models, HoldReason, ModelMetadata};
use assay_primitives::{models::model_id, samples, ModelId};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold, BoundedVec};
use sp_core::H256;
use sp_runtime::BuildStorage;

pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const POOR: u64 = 3;
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
	pub const MaxProgramBytes: u32 = 1_025 * 1_024;
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
		balances: vec![(ALICE, 100_000), (BOB, 100_000), (POOR, 50)],
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
		Models::do_try_state().expect("invariants hold");
	});
}

pub(crate) fn program(n_ops: u32) -> BoundedVec<u8, MaxProgramBytes> {
	BoundedVec::truncate_from(samples::chain(n_ops, 16))
}

pub(crate) fn id_of(program: &[u8]) -> ModelId {
	model_id(&H256(assay_referee::tree::hash(program)), &WEIGHTS)
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

pub(crate) fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::Model.into(), &who)
}
