//! System, Timestamp and Sudo.

use crate::{
	constants::{block, time, SS58_PREFIX},
	AccountId, Babe, Block, Nonce, PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin,
	RuntimeTask, VERSION,
};
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU16, ConstU32, ConstU64},
	weights::constants::ParityDbWeight,
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::traits::AccountIdLookup;
use sp_version::RuntimeVersion;

parameter_types! {
	/// Version of the runtime, as the node and wallets see it.
	pub const Version: RuntimeVersion = VERSION;
	/// Computing time of a block, split over the dispatch classes.
	pub RuntimeBlockWeights: BlockWeights =
		BlockWeights::with_sensible_defaults(block::MAX_WEIGHT, block::NORMAL_SHARE);
	/// Bytes of a block, split over the dispatch classes.
	pub RuntimeBlockLength: BlockLength = BlockLength::builder()
		.max_length(block::MAX_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |max| *max = block::NORMAL_SHARE * *max)
		.max_header_size(block::MAX_HEADER)
		.build();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type BaseCallFilter = super::CallFilter;
	type Block = Block;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Lookup = AccountIdLookup<AccountId, ()>;
	type AccountData = pallet_balances::AccountData<crate::Balance>;
	type Version = Version;
	type BlockWeights = RuntimeBlockWeights;
	type BlockLength = RuntimeBlockLength;
	type BlockHashCount = ConstU32<{ time::BLOCK_HASH_COUNT }>;
	type DbWeight = ParityDbWeight;
	type SS58Prefix = ConstU16<SS58_PREFIX>;
	type MaxConsumers = ConstU32<64>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = ConstU64<{ time::SLOT_MILLIS / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
