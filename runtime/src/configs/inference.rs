//! Models, operators, jobs and challenges.

use crate::{
	constants::{
		currency::{deposit, ASY, FEE_PER_BYTE, MILLI_ASY},
		inference as game,
		time::SLOT_MILLIS,
	},
	AccountId, Balances, Challenges, Jobs, Models, Operators, Runtime, RuntimeHoldReason, System,
};
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU64},
};
use frame_system::EnsureRoot;
use sp_runtime::Perbill;

impl pallet_models::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RetireOrigin = EnsureRoot<AccountId>;
	type MaxProgramBytes = ConstU32<{ game::MAX_PROGRAM_BYTES }>;
	// A record, its metadata and an endorsement; of later endorsers, who bring the last only, no less.
	type DepositBase = ConstU128<{ deposit(3, 1_152) }>;
	type DepositPerRecord = ConstU128<{ MILLI_ASY }>;
	type MaxRunMicros = ConstU64<{ game::MAX_RUN_MICROS }>;
	type WeightInfo = pallet_models::weights::SubstrateWeight<Runtime>;
}

impl pallet_operators::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Clock = System;
	type MinStake = ConstU128<{ 100 * ASY }>;
	type KeyDeposit = ConstU128<{ deposit(2, 128) }>;
	type DefaultAllowance = ConstU128<{ 50 * ASY }>;
	type ChillPeriod = ConstU32<{ game::CHILL }>;
	type UnstakingPeriod = ConstU32<{ game::UNSTAKING }>;
	type MaxUnstaking = ConstU32<16>;
	type MaxServed = ConstU32<64>;
	type MaxMissed = ConstU32<3>;
	type WeightInfo = pallet_operators::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// Part of the stake behind a job that a missed deadline burns.
	pub const MissedPenalty: Perbill = Perbill::from_percent(1);
}

impl pallet_jobs::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Operators = Operators;
	type Backlog = Challenges;
	type Clock = System;
	type MaxInputBytes = ConstU32<{ game::MAX_INPUT_BYTES }>;
	type DepositBase = ConstU128<{ deposit(2, 256) }>;
	type DepositPerByte = ConstU128<{ deposit(0, 1) }>;
	type FeeBase = ConstU128<{ 10 * MILLI_ASY }>;
	type FeePerUnit = ConstU128<{ game::FEE_PER_UNIT }>;
	type MinClaimStake = ConstU128<{ 10 * ASY }>;
	// With one claim in about fifty checked, and 40 % of a slash coming back to a cheat who catches
	// itself, a false claim still loses money at this multiple.
	type StakePerFee = ConstU32<75>;
	type QueuePeriod = ConstU32<{ game::QUEUE }>;
	type ClaimPeriod = ConstU32<{ game::CLAIM }>;
	type Window = ConstU32<{ game::WINDOW }>;
	type DeliveryPeriod = ConstU32<{ game::DELIVERY }>;
	// 64 KiB of a block, where a query's 0.12 ASY buy up to 33 KiB.
	type DeliveryFee = ConstU128<{ 200 * MILLI_ASY }>;
	type BytePrice = ConstU128<FEE_PER_BYTE>;
	type BlockMillis = ConstU64<{ SLOT_MILLIS }>;
	type Retention = ConstU32<{ game::RETENTION }>;
	type MissedPenalty = MissedPenalty;
	type MaxProverReward = ConstU128<{ 10 * ASY }>;
	type WeightInfo = pallet_jobs::weights::SubstrateWeight<Runtime>;
}

impl pallet_challenges::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Claims = Jobs;
	type KeyAllowances = Operators;
	type Clock = System;
	type MinBond = ConstU128<{ ASY }>;
	type BondPerMillionUnits = ConstU128<{ 2 * game::FEE_PER_UNIT * 1_000_000 }>;
	type QueryFee = ConstU128<{ 120 * MILLI_ASY }>;
	type BytePrice = ConstU128<FEE_PER_BYTE>;
	type TracePeriod = ConstU32<{ game::TRACE }>;
	type AnswerPeriod = ConstU32<{ game::ANSWER }>;
	type TurnPeriod = ConstU32<{ game::TURN }>;
	type BlockMillis = ConstU64<{ SLOT_MILLIS }>;
	type OperatorRate = ConstU32<8>;
	type ChainRate = ConstU32<24>;
	type Retention = ConstU32<{ game::RETENTION }>;
	type WeightInfo = pallet_challenges::weights::SubstrateWeight<Runtime>;
}
