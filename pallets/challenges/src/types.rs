//! Records of the interrogation game.

use assay_referee::NodeKey;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	pallet_prelude::{ConstU32, TypeInfo},
	traits::fungible,
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::traits::AtLeast32BitUnsigned;

use assay_primitives::JobId;

use crate::Config;

/// Number of a challenge. Numbers grow, so the smaller of two challenges was opened first.
pub type ChallengeId = u64;

/// Most moves of one challenge: two levels of the trace, its chunk, two levels of a tensor, and
/// the tensor's chunk.
pub const MAX_MOVES: u32 = 6;

/// Balance of the configured currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// A [`Challenge`] of this runtime.
pub type ChallengeOf<T> =
	Challenge<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// A [`Dispute`] of this runtime.
pub type DisputeOf<T> = Dispute<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

/// A [`NodeState`] of this runtime.
pub type NodeStateOf<T> =
	NodeState<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// A claim as its open challenges see it.
pub type ClaimOf<T> = assay_primitives::ClaimView<
	<T as frame_system::Config>::AccountId,
	BlockNumberFor<T>,
	BalanceOf<T>,
>;

/// Whether the operator has committed to the trace of its run.
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
pub enum TraceState<BlockNumber> {
	/// The operator owes its trace root.
	#[codec(index = 0)]
	Demanded {
		/// Last block at which it may be revealed.
		deadline: BlockNumber,
	},
	/// The operator is bound to this trace.
	#[codec(index = 1)]
	Posted {
		/// BLAKE3 of the list of all tensor roots.
		root: H256,
		/// When it was revealed.
		at: BlockNumber,
	},
}

/// What all challenges of one job share.
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
pub struct Dispute<AccountId, BlockNumber> {
	/// Whose claim it is, known here longer than the claim is open.
	pub operator: AccountId,
	/// Blocks that one run of the model takes.
	pub work: BlockNumber,
	/// The operator's commitment to its trace.
	pub trace: TraceState<BlockNumber>,
	/// How many challenges of the job are on record, live or over.
	pub records: u32,
	/// No live challenge of the job has a smaller number.
	pub first: ChallengeId,
}

/// How long the turns about one claim last, in blocks.
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
pub struct Periods<BlockNumber> {
	/// In which the operator reveals its trace, when nothing else waits for it.
	pub trace: BlockNumber,
	/// In which the operator opens a node, when nothing else waits for it.
	pub answer: BlockNumber,
	/// In which a challenger moves.
	pub turn: BlockNumber,
}

/// What an operator owes: its trace of a job, or the opening of a node of that trace.
pub type Debt = (JobId, Option<NodeKey>);

/// Most challenges in one page of the agenda.
pub const CHALLENGES_PER_PAGE: u32 = 64;

/// One page of the agenda.
pub type AgendaPage = BoundedVec<ChallengeId, ConstU32<CHALLENGES_PER_PAGE>>;

/// One party's walk from the trace root down to what the operator got wrong.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Challenge<AccountId, Balance, BlockNumber> {
	/// The job whose claim is challenged.
	pub job: JobId,
	/// The challenger.
	pub who: AccountId,
	/// The output root that the challenger says is right.
	pub output_root: H256,
	/// What the challenger has on hold until the challenge is over.
	pub bond: Balance,
	/// Whether the bond comes from the allowance of the challenger's service key.
	pub by_key: bool,
	/// What the key has paid for answers. The challenge that wins gives it back to the allowance: the
	/// finder's share is more.
	pub fees: Balance,
	/// When the challenge was opened.
	pub opened_at: BlockNumber,
	/// When the challenger moved last or, if the challenge is over, when it ended.
	pub since: BlockNumber,
	/// Block under which it stands in the agenda: when it is looked at again by itself.
	pub due: BlockNumber,
	/// The nodes that the challenger walked through, from the trace's top down. It looks at the
	/// last one.
	pub path: BoundedVec<NodeKey, ConstU32<MAX_MOVES>>,
	/// Where the challenge stands.
	pub state: ChallengeState,
}

impl<AccountId: Encode, Balance, BlockNumber> Challenge<AccountId, Balance, BlockNumber> {
	/// What a signature about this challenge names besides its number, which may be another
	/// challenge's on another fork: the job and its claim, who says what, and the way so far. `claim`
	/// is the content of the claim while that is open.
	pub fn content(&self, claim: Option<H256>) -> H256 {
		let content = (self.job, claim, &self.who, &self.output_root, &self.path, self.state);
		H256(content.using_encoded(sp_io::hashing::blake2_256))
	}
}

impl<AccountId, Balance, BlockNumber> Challenge<AccountId, Balance, BlockNumber> {
	/// Whether the challenge is still being played.
	pub fn is_live(&self) -> bool {
		self.state == ChallengeState::Live
	}

	/// The node that the challenger looks at; nothing before its first move.
	pub fn cursor(&self) -> Option<&NodeKey> {
		self.path.last()
	}
}

/// Where a challenge stands.
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
pub enum ChallengeState {
	/// Being played. Whose turn it is follows from the node at the cursor, see [`Turn`].
	#[codec(index = 0)]
	Live,
	/// The claim was false and this was the earliest challenge against it.
	#[codec(index = 1)]
	Won,
	/// The challenger let its turn pass. Says nothing about the claim.
	#[codec(index = 2)]
	Lapsed,
	/// The claim ended otherwise; the bond went back.
	#[codec(index = 3)]
	Mooted,
}

/// What is known of one node of the trace or of one of its tensors. A node is asked for at most
/// once and opened at most once in the life of a job.
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
pub enum NodeState<AccountId, Balance, BlockNumber> {
	/// The operator owes the opening.
	#[codec(index = 0)]
	Asked {
		/// Last block at which it may be published.
		deadline: BlockNumber,
		/// Who pays for it.
		payer: AccountId,
		/// What is on hold for it.
		fee: Balance,
		/// Whether the fee comes from the allowance of the payer's service key.
		by_key: bool,
	},
	/// Published. The content is in the block's body and in the off-chain database.
	#[codec(index = 1)]
	Opened {
		/// When.
		at: BlockNumber,
		/// Length in bytes of the trace or tensor that the node belongs to, which says what its
		/// children are.
		object_len: u64,
	},
}

/// Whose move it is in a live challenge, and until when.
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
pub enum Turn<BlockNumber> {
	/// The operator owes something and loses if it is late.
	#[codec(index = 0)]
	Operator {
		/// Last block at which it may answer.
		deadline: BlockNumber,
	},
	/// The challenger has to move and loses its bond if it is late.
	#[codec(index = 1)]
	Challenger {
		/// Last block at which it may move.
		deadline: BlockNumber,
	},
}

impl<BlockNumber: AtLeast32BitUnsigned + Copy> Turn<BlockNumber> {
	/// Last block of the turn.
	pub fn deadline(&self) -> BlockNumber {
		match self {
			Self::Operator { deadline } | Self::Challenger { deadline } => *deadline,
		}
	}

	/// Whether the turn is over at `now`. At the deadline itself it is not.
	pub fn is_over(&self, now: BlockNumber) -> bool {
		now > self.deadline()
	}

	/// First block at which the turn is over.
	pub fn over_at(&self) -> BlockNumber {
		self.deadline().saturating_add(1u32.into())
	}
}
