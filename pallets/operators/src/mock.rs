//! A runtime with this pallet, and a builder that checks the invariants after every test.

use crate::{self as pallet_operators, HoldReason};
use assay_primitives::{
	service::ServicePair, ModelId, ModelInfo, ModelRegistry, ServiceKey, ServiceSignature,
};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use sp_core::{Pair, H256};
use sp_runtime::{BuildStorage, DispatchResult};

pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;

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
	#[runtime::pallet_index(21)]
	pub type Operators = pallet_operators::Pallet<Test>;
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

/// Knows the models whose name repeats a byte below 100; 99 is retired.
pub struct Registry;

impl ModelRegistry for Registry {
	fn info(id: &ModelId) -> Option<ModelInfo> {
		(id.0[0] < 100).then(|| ModelInfo {
			program_root: *id,
			weights_root: H256::zero(),
			weights_len: 0,
			n_ops: 1,
			input_len: 4,
			output_len: 4,
			units: 1,
			run_micros: 1,
			active: id.0[0] != 99,
		})
	}

	fn job_opened(_: &ModelId) -> DispatchResult {
		Ok(())
	}

	fn job_closed(_: &ModelId) {}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(program: Vec<u8>, _: H256) -> ModelId {
		ModelId::repeat_byte((program.len() / 1_024) as u8)
	}
}

parameter_types! {
	pub const MinStake: u64 = 100;
	pub const KeyDeposit: u64 = 5;
	pub const DefaultAllowance: u64 = 50;
	pub const ChillPeriod: u64 = 7;
	pub const UnstakingPeriod: u64 = 10;
	pub const MaxUnstaking: u32 = 3;
	pub const MaxServed: u32 = 64;
	pub const MaxMissed: u32 = 3;
}

impl pallet_operators::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Registry;
	type Clock = System;
	type MinStake = MinStake;
	type KeyDeposit = KeyDeposit;
	type DefaultAllowance = DefaultAllowance;
	type ChillPeriod = ChillPeriod;
	type UnstakingPeriod = UnstakingPeriod;
	type MaxUnstaking = MaxUnstaking;
	type MaxServed = MaxServed;
	type MaxMissed = MaxMissed;
	type WeightInfo = ();
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("the system has a default genesis");
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, 1_000), (BOB, 1_000)],
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
		Operators::do_try_state().expect("invariants hold");
	});
}

fn pair(seed: u8) -> ServicePair {
	ServicePair::from_seed(&[seed; 32])
}

pub(crate) fn key(seed: u8) -> ServiceKey {
	pair(seed).public()
}

/// The key with the proof that it is meant for `who`.
pub(crate) fn key_for(who: u64, seed: u8) -> Option<(ServiceKey, ServiceSignature)> {
	let message = assay_primitives::authorization::possession_here::<Test>(&who);
	Some((key(seed), pair(seed).sign(&message)))
}

pub(crate) fn model(byte: u8) -> ModelId {
	ModelId::repeat_byte(byte)
}

pub(crate) fn signed(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub(crate) fn held(reason: HoldReason, who: u64) -> u64 {
	Balances::balance_on_hold(&reason.into(), &who)
}
