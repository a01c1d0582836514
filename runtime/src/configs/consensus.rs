//! Block production, finality and the set of validators.

use crate::{
	constants::{currency, time, MAX_VALIDATORS},
	AccountId, Babe, Balance, Balances, Historical, Offences, Runtime, RuntimeEvent, Session,
	SessionKeys,
};
use alloc::vec::Vec;
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU64},
};
use pallet_session::disabling::UpToLimitWithReEnablingDisablingStrategy;
use sp_runtime::traits::{Convert, ConvertInto, OpaqueKeys};
use sp_staking::SessionIndex;

parameter_types! {
	/// How long an equivocation can still be reported, in slots: a day.
	pub const ReportLongevity: u64 = 24 * 60 * 60 * 1_000 / time::SLOT_MILLIS;
	/// How many GRANDPA set ids stay known, so that late reports can be checked.
	pub const SetIdSessionEntries: u64 = ReportLongevity::get() / time::EPOCH_SLOTS;
}

impl pallet_babe::Config for Runtime {
	type EpochDuration = ConstU64<{ time::EPOCH_SLOTS }>;
	type ExpectedBlockTime = ConstU64<{ time::SLOT_MILLIS }>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type MaxNominators = ConstU32<0>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = SetIdSessionEntries;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
	type EventHandler = ();
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = pallet_session::historical::IdentificationTuple<Self>;
	// Validators hold no stake of their own yet: reports are recorded, nobody is slashed.
	type OnOffenceHandler = ();
}

/// Keeps the validators of genesis for ever.
pub struct FixedValidators;

impl pallet_session::SessionManager<AccountId> for FixedValidators {
	/// The current validators, or `None` while there are none: at genesis, `Some` of an empty set
	/// would override the validators that the session pallet is just being given.
	fn new_session(_index: SessionIndex) -> Option<Vec<AccountId>> {
		Some(Session::validators()).filter(|validators| !validators.is_empty())
	}
	fn start_session(index: SessionIndex) {
		super::pruning::prune(index);
	}
	fn end_session(_index: SessionIndex) {}
}

impl pallet_session::historical::SessionManager<AccountId, ()> for FixedValidators {
	fn new_session(index: SessionIndex) -> Option<Vec<(AccountId, ())>> {
		let validators = <Self as pallet_session::SessionManager<_>>::new_session(index)?;
		Some(validators.into_iter().map(|validator| (validator, ())).collect())
	}
	fn start_session(index: SessionIndex) {
		<Self as pallet_session::SessionManager<_>>::start_session(index);
	}
	fn end_session(_index: SessionIndex) {}
}

/// Says nothing about a validator beyond its account.
pub struct NoIdentification;

impl Convert<AccountId, Option<()>> for NoIdentification {
	fn convert(_validator: AccountId) -> Option<()> {
		Some(())
	}
}

/// Deposit for one validator's session keys.
const KEY_DEPOSIT: Balance = currency::deposit(1, 128);

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = pallet_session::historical::NoteHistoricalRoot<Self, FixedValidators>;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = ConstU128<KEY_DEPOSIT>;
}

impl pallet_session::historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = NoIdentification;
}
