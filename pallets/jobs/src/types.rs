//! Records of the jobs pallet.

use assay_primitives::{
	backlog::SLOT_BYTES, FaultKind, JobId, ModelId, MAX_INLINE_OUTPUT, MAX_PIECES, PIECE_BYTES,
};
use assay_referee::CHUNK_BYTES;
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

/// The most jobs that one call accepts, answers or pokes.
pub const MAX_BATCH: u32 = 64;

/// Operators that may miss the deadline of one job: it expires when this many have.
pub const MAX_ATTEMPTS: u32 = 4;

/// The jobs of one call of [`accept`](crate::Call::accept).
pub type Offers = BoundedVec<Offer, ConstU32<MAX_BATCH>>;

/// The answers of one call of [`claim`](crate::Call::claim).
pub type Answers = BoundedVec<Answer, ConstU32<MAX_BATCH>>;

/// The jobs of one call of [`poke`](crate::Call::poke).
pub type PokedJobs = BoundedVec<JobId, ConstU32<MAX_BATCH>>;

/// A [`Demand`] of the runtime.
pub type DemandOf<T> = Demand<BalanceOf<T>, BlockNumberFor<T>>;

/// Chunks of a piece of an output. A power of two, so that a piece is a subtree.
pub const PIECE_CHUNKS: u64 = PIECE_BYTES as u64 / CHUNK_BYTES;

const _: () = assert!(MAX_PIECES <= u64::BITS, "a demand has a bit for each piece");

/// Slots that one piece takes in the queue of what operators owe.
pub const PIECE_SLOTS: u32 = PIECE_BYTES.div_ceil(SLOT_BYTES);

/// A [`Lane`] of the runtime.
pub type LaneOf<T> = Lane<<T as frame_system::Config>::AccountId>;

/// A job to be accepted, and what it is thought to be.
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
pub struct Offer {
	/// Number of the job.
	pub job: JobId,
	/// Its [`Job::content`]: the number may be another job's on another fork.
	pub content: H256,
}

/// The answer to a job, and what the job is thought to be.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Answer {
	/// Number of the job.
	pub job: JobId,
	/// Its [`Job::content`]: the number may be another job's on another fork.
	pub content: H256,
	/// BLAKE3 of the output.
	pub output_root: H256,
	/// The whole output when the model's is 16 KiB at most, and nothing otherwise.
	pub output: OutputBytes,
}

/// What somebody looks through in order of time: each lane of the agenda holds the jobs that matter
/// to one party, so that nobody's work grows with what others put on chain.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum Lane<AccountId> {
	/// Jobs that wait, for whoever serves the model: by the last block at which they can be accepted.
	#[codec(index = 0)]
	Queued {
		/// What is to be run.
		model: ModelId,
		/// The only operator that may accept them, if there is one.
		designated: Option<AccountId>,
	},
	/// Jobs on which an operator owes a claim: by deadline.
	#[codec(index = 1)]
	Assigned(AccountId),
	/// Claims of a model, for its watchers: by the end of their windows.
	#[codec(index = 2)]
	Claimed(ModelId),
	/// Jobs that are over: by when they are reaped.
	#[codec(index = 3)]
	Over,
	/// Claims of which an operator owes pieces of the output: by deadline. They stand in
	/// [`Self::Claimed`] as well, or a demand would hide a claim from its watchers.
	#[codec(index = 4)]
	Demanded(AccountId),
}

/// Blocks that a job of a model gives, see [`Pallet::periods`](crate::Pallet::periods).
#[derive(
	Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, Copy, PartialEq, Eq, Debug, Default,
)]
pub struct Periods<BlockNumber> {
	/// For accepting it, all attempts together.
	pub queue: BlockNumber,
	/// For claiming after accepting.
	pub claim: BlockNumber,
	/// For challenging the claim, and for demanding its output.
	pub window: BlockNumber,
	/// For delivering pieces of the output, when nothing else waits for the operator.
	pub delivery: BlockNumber,
}

/// What a requester wants to have of an output that the claim did not bring. Exists as long as some of
/// it is missing and the operator still has time.
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
pub struct Demand<Balance, BlockNumber> {
	/// The first piece.
	pub first: u32,
	/// How many pieces.
	pub pieces: u32,
	/// Those that were not delivered yet: bit *n* is piece `first` + *n*.
	pub missing: u64,
	/// What the requester has on hold for each of them.
	pub fee: Balance,
	/// Last block at which they may be delivered.
	pub deadline: BlockNumber,
}

impl<Balance, BlockNumber> Demand<Balance, BlockNumber> {
	/// The bits of so many pieces, none missing beyond [`MAX_PIECES`].
	pub(crate) fn bits(pieces: u32) -> u64 {
		u64::MAX.checked_shr(MAX_PIECES.saturating_sub(pieces)).unwrap_or_default()
	}

	/// The bit of `piece`, if the demand is for it.
	pub(crate) fn bit(&self, piece: u32) -> Option<u64> {
		let place = piece.checked_sub(self.first).filter(|place| *place < self.pieces)?;
		1u64.checked_shl(place)
	}

	/// The pieces that are missing, in order.
	pub fn missing_pieces(&self) -> impl Iterator<Item = u32> {
		let (first, missing) = (self.first, self.missing);
		(0..MAX_PIECES)
			.filter(move |place| missing >> place & 1 == 1)
			.map(move |place| first.saturating_add(place))
	}
}

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
	/// Operators that missed its deadline. They do not get it again.
	pub missed: BoundedVec<AccountId, ConstU32<MAX_ATTEMPTS>>,
	/// Where the job stands.
	pub status: JobStatus<AccountId, Balance, BlockNumber>,
	/// Block under which the job stands in the agenda, in [its lane](Self::lane). `None` while the claim
	/// is held open beyond its window. A [`Demand`] stands there besides.
	pub due: Option<BlockNumber>,
}

impl<AccountId: Clone + Encode, Balance: Encode, BlockNumber> Job<AccountId, Balance, BlockNumber> {
	/// Number of the current attempt, from 0. Grows with every missed deadline.
	pub fn attempt(&self) -> u32 {
		self.missed.len() as u32
	}

	/// What signatures about the job name besides its number: blake2-256 of SCALE((requester, model,
	/// input root, fee, designated operator, number of the attempt)). A number may be another job's on
	/// another fork; a job of the same content is as good.
	pub fn content(&self) -> H256 {
		let content = (
			(&self.requester, &self.model, &self.input_root),
			(&self.fee, &self.designated, self.attempt()),
		);
		H256(content.using_encoded(sp_io::hashing::blake2_256))
	}

	/// The lane in which the job stands if it is due.
	pub fn lane(&self) -> Lane<AccountId> {
		match &self.status {
			JobStatus::Queued => {
				Lane::Queued { model: self.model, designated: self.designated.clone() }
			},
			JobStatus::Assigned { operator, .. } => Lane::Assigned(operator.clone()),
			JobStatus::Claimed { .. } => Lane::Claimed(self.model),
			JobStatus::Final { .. }
			| JobStatus::Fraud { .. }
			| JobStatus::Cancelled
			| JobStatus::Expired
			| JobStatus::Void { .. } => Lane::Over,
		}
	}
}

/// Where a job stands. The last five absorb: nothing leads out of them.
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
		/// How many disputes have ever forbidden finality.
		disputes: u32,
		/// Pieces of the output that the requester demanded and the operator did not deliver. If there
		/// are any, the claim ends as [`Self::Void`] where it would become final.
		withheld: u32,
		/// What the operator has earned by deliveries. It stays held from the requester until the claim
		/// is final, and goes back if the claim was false or void: otherwise who delivers garbage that
		/// it never computed would be paid for it before anybody could refute it.
		earned: Balance,
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
	/// The answer was not refuted, but the operator withheld the output. The requester was refunded.
	#[codec(index = 7)]
	Void {
		/// Who answered.
		operator: AccountId,
		/// BLAKE3 of the output, as claimed.
		output_root: H256,
	},
}

impl<AccountId, Balance: Default, BlockNumber> JobStatus<AccountId, Balance, BlockNumber> {
	/// Just claimed: nothing holds it open, nothing was withheld or earned.
	pub(crate) fn claimed(
		operator: AccountId,
		stake: Balance,
		output_root: H256,
		window_end: BlockNumber,
	) -> Self {
		JobStatus::Claimed {
			operator,
			stake,
			output_root,
			window_end,
			live: 0,
			disputes: 0,
			withheld: 0,
			earned: Balance::default(),
		}
	}
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
		match self {
			Self::Final { .. }
			| Self::Fraud { .. }
			| Self::Cancelled
			| Self::Expired
			| Self::Void { .. } => true,
			Self::Queued | Self::Assigned { .. } | Self::Claimed { .. } => false,
		}
	}
}
