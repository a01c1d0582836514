//! Records of the operators pallet.

use assay_primitives::ServiceKey;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{
		fungible::{Credit, Inspect},
		Get,
	},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_runtime::Saturating;

use crate::Config;

/// Balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Slashed money of the pallet's currency; burned when dropped.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// An [`OperatorRecord`] of the runtime.
pub type OperatorRecordOf<T> =
	OperatorRecord<BalanceOf<T>, BlockNumberFor<T>, <T as Config>::MaxUnstaking>;

/// A [`KeyRecord`] of the runtime.
pub type KeyRecordOf<T> = KeyRecord<BalanceOf<T>>;

/// Whether an operator takes new work.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub enum OperatorStatus<BlockNumber> {
	/// It does.
	#[codec(index = 0)]
	Active,
	/// It does not: its owner, missed deadlines or a false claim chilled it.
	#[codec(index = 1)]
	Chilled {
		/// First block at which it can be activated again. Later than now only where the chill was
		/// not the owner's own.
		until: BlockNumber,
	},
}

/// Money on its way out of a stake.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub struct UnstakingAmount<Balance, BlockNumber> {
	/// How much.
	pub amount: Balance,
	/// First block at which it can be withdrawn.
	pub due: BlockNumber,
}

/// An operator and its stake.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
)]
#[scale_info(skip_type_params(MaxUnstaking))]
pub struct OperatorRecord<Balance, BlockNumber, MaxUnstaking>
where
	Balance: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxUnstaking: Get<u32>,
{
	/// Whether it takes new work.
	pub status: OperatorStatus<BlockNumber>,
	/// All that is held, including what is being unstaked.
	pub stake: Balance,
	/// The part of the stake that backs open claims.
	pub exposed: Balance,
	/// Amounts on their way out, the earliest first.
	pub unstaking: BoundedVec<UnstakingAmount<Balance, BlockNumber>, MaxUnstaking>,
	/// Deadlines missed in a row.
	pub missed: u32,
}

impl<Balance, BlockNumber, MaxUnstaking> OperatorRecord<Balance, BlockNumber, MaxUnstaking>
where
	Balance: Default + Copy + Saturating + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxUnstaking: Get<u32>,
{
	/// An active operator without a stake yet.
	pub(crate) fn new() -> Self {
		Self {
			status: OperatorStatus::Active,
			stake: Default::default(),
			exposed: Default::default(),
			unstaking: Default::default(),
			missed: 0,
		}
	}

	/// What is on its way out.
	pub fn leaving(&self) -> Balance {
		self.unstaking
			.iter()
			.fold(Balance::default(), |sum, chunk| sum.saturating_add(chunk.amount))
	}

	/// What counts: the stake without what is on its way out.
	pub fn active_stake(&self) -> Balance {
		self.stake.saturating_sub(self.leaving())
	}

	/// What counts and backs nothing yet.
	pub fn free_stake(&self) -> Balance {
		self.active_stake().saturating_sub(self.exposed)
	}
}

/// The service key of an account.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct KeyRecord<Balance> {
	/// The key.
	pub key: ServiceKey,
	/// What is held for it.
	pub deposit: Balance,
	/// What it may have on hold or lost in its owner's name, for bonds and questions.
	pub allowance: Balance,
	/// What it has put on hold, less what came back.
	pub spent: Balance,
}
