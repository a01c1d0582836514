//! The brakes: safe mode stops whole kinds of calls for a while, tx-pause stops single calls.
//!
//! Deadlines go on under either brake. What an honest party must be able to do before a deadline,
//! and what takes the brake off again, is therefore out of their reach: see [`NeverStopped`].

use crate::{
	constants::time, AccountId, Balance, Balances, BlockNumber, Runtime, RuntimeCall, RuntimeEvent,
	RuntimeHoldReason, SafeMode, TxPause,
};
use frame_support::{
	parameter_types,
	traits::{CallMetadata, ConstU32, Contains, GetCallMetadata},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess};
use pallet_tx_pause::RuntimeCallNameOf;

/// The calls that neither brake can stop.
///
/// * Consensus: time, session keys, reports of equivocations.
/// * Operators, and what they and watchers send about jobs and in disputes: the clock would slash
///   them for what they were kept from doing. That goes for leaving, too: who may not unstake is
///   held to deadlines against its will.
/// * What frees and mends: sudo, the brakes themselves, applying an authorized upgrade, and the
///   accounts of many signers that may hold the sudo key.
/// * Envelopes (batches, proxies, multisigs): what they carry is filtered by itself.
///
/// Calls that service keys authorize are among them, and must be: they are free, and one that the pool
/// lets in and a filter then refused would come back with every block.
///
/// Everything else can be stopped: transfers, new models, new jobs and their withdrawal, preimages
/// and schedules.
pub struct NeverStopped;

impl NeverStopped {
	fn named(pallet: &str, call: &str) -> bool {
		match pallet {
			"Balances" | "Models" | "Preimage" | "Scheduler" => false,
			// An unaccepted job waits for nobody: its fee comes back when it expires.
			"Jobs" => !matches!(call, "request" | "cancel"),
			_ => true,
		}
	}
}

impl Contains<RuntimeCall> for NeverStopped {
	fn contains(call: &RuntimeCall) -> bool {
		let CallMetadata { pallet_name, function_name } = call.get_call_metadata();
		Self::named(pallet_name, function_name)
	}
}

impl Contains<RuntimeCallNameOf<Runtime>> for NeverStopped {
	fn contains((pallet, call): &RuntimeCallNameOf<Runtime>) -> bool {
		// Names that are not text are no calls of this runtime: pausing them does nothing.
		match (core::str::from_utf8(pallet), core::str::from_utf8(call)) {
			(Ok(pallet), Ok(call)) => Self::named(pallet, call),
			_ => false,
		}
	}
}

/// Lets a call through that neither safe mode nor tx-pause stops. Root passes both.
pub struct CallFilter;

impl Contains<RuntimeCall> for CallFilter {
	fn contains(call: &RuntimeCall) -> bool {
		SafeMode::contains(call) && TxPause::contains(call)
	}
}

/// How long safe mode lasts when entered, and by how much it is extended: four hours. It ends by
/// itself, lest a lost key leave the chain under it.
const SAFE_MODE: BlockNumber = (4 * 60 * 60 * 1_000 / time::SLOT_MILLIS) as BlockNumber;

parameter_types! {
	/// Nobody enters or extends safe mode by paying for it: whoever has most to hide from new jobs
	/// and transfers could afford it.
	pub const NoDeposit: Option<Balance> = None;
	/// There are no deposits to release.
	pub const NoRelease: Option<BlockNumber> = None;
	/// [`SAFE_MODE`], as what root's call is worth.
	pub const SafeModePeriod: BlockNumber = SAFE_MODE;
}

impl pallet_safe_mode::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WhitelistedCalls = NeverStopped;
	type EnterDuration = ConstU32<SAFE_MODE>;
	type ExtendDuration = ConstU32<SAFE_MODE>;
	type EnterDepositAmount = NoDeposit;
	type ExtendDepositAmount = NoDeposit;
	type ForceEnterOrigin = EnsureRootWithSuccess<AccountId, SafeModePeriod>;
	type ForceExtendOrigin = EnsureRootWithSuccess<AccountId, SafeModePeriod>;
	type ForceExitOrigin = EnsureRoot<AccountId>;
	type ForceDepositOrigin = EnsureRoot<AccountId>;
	type Notify = ();
	type ReleaseDelay = NoRelease;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}

impl pallet_tx_pause::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PauseOrigin = EnsureRoot<AccountId>;
	type UnpauseOrigin = EnsureRoot<AccountId>;
	type WhitelistedCalls = NeverStopped;
	// A longer name would count as paused; the longest call of today has 28 letters.
	type MaxNameLen = ConstU32<256>;
	type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
}
