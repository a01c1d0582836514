//! Records of the jobs pallet.

use assay_primitives::{FaultKind, ModelId, MAX_INLINE_OUTPUT};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{
		fungible::{Credit, Inspect},
		ConstU32,
	},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;

use crate::Config;

/// Balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Slashed money of the pallet's currency; burned when dropped.
pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// A [`Job`] of the runtime.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// Input of a job.
pub type InputOf<T> = BoundedVec<u8, <T as Config>::MaxInputBytes>;

/// Output that a claim brings whole.
pub type OutputBytes = BoundedVec<u8, ConstU32<MAX_INLINE_OUTPUT>>;

/// A paid request and the claim that answers it.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Job<AccountId, Balance, BlockNumber> {
	/// Who pays.
	pub requester: AccountId,
	/// What to run.
	pub model: ModelId,
	/// BLAKE3 of the input, computed by the chain.
	pub input_root: H256,
	/// What the operator earns.
	pub fee: Balance,
	/// What is held for the job's storage.
	pub deposit: Balance,
	/// The only operator that may accept, if the requester wants one.
	pub designated: Option<AccountId>,
	/// Block of the request.
	pub requested: BlockNumber,
	/// Last block at which the job can be accepted.
	pub expires: BlockNumber,
	/// Number of the current attempt, from 0. Grows with every missed deadline.
	pub attempt: u32,
	/// Where the job stands.
	pub status: JobStatus<AccountId, Balance, BlockNumber>,
	/// Block under which the job stands in the agenda. `None` while the claim is held open beyond
	/// its window.
	pub due: Option<BlockNumber>,
}

/// Where a job stands. The last four absorb: nothing leads out of them.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum JobStatus<AccountId, Balance, BlockNumber> {
	/// It waits for an operator.
	#[codec(index = 0)]
	Queued,
	/// An operator owes a claim.
	#[codec(index = 1)]
	Assigned {
		/// Who owes it.
		operator: AccountId,
		/// Part of the operator's stake behind the job.
		stake: Balance,
		/// Last block at which it can claim.
		deadline: BlockNumber,
	},
	/// There is an answer, which may be challenged and refuted.
	#[codec(index = 2)]
	Claimed {
		/// Who answered.
		operator: AccountId,
		/// Part of the operator's stake behind the claim.
		stake: Balance,
		/// BLAKE3 of the output, as claimed.
		output_root: H256,
		/// Last block at which a challenge may be opened.
		window_end: BlockNumber,
		/// How many things forbid finality now.
		live: u32,
		/// How many things have ever forbidden finality.
		disputes: u32,
	},
	/// The answer was not refuted, and was paid for.
	#[codec(index = 3)]
	Final {
		/// Who answered.
		operator: AccountId,
		/// BLAKE3 of the output.
		output_root: H256,
		/// How much the result was looked at.
		assurance: Assurance<BlockNumber>,
	},
	/// The answer was false, or was not defended. The requester was refunded.
	#[codec(index = 4)]
	Fraud {
		/// Who answered.
		operator: AccountId,
		/// BLAKE3 of the output, as falsely claimed.
		output_root: H256,
		/// What was wrong.
		fault: FaultKind,
	},
	/// The requester withdrew the job.
	#[codec(index = 5)]
	Cancelled,
	/// Nobody answered in time.
	#[codec(index = 6)]
	Expired,
}

/// How much a final result was looked at.
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
pub struct Assurance<BlockNumber> {
	/// Blocks for which anyone could challenge it.
	pub window: BlockNumber,
	/// How many disputes it survived.
	pub disputes: u32,
	/// Block at which it became final.
	pub at: BlockNumber,
}

impl<AccountId, Balance, BlockNumber> JobStatus<AccountId, Balance, BlockNumber> {
	/// Whether the job is over.
	pub fn is_terminal(&self) -> bool {
		matches!(self, Self::Final { .. } | Self::Fraud { .. } | Self::Cancelled | Self::Expired)
	}
}
