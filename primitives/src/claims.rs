//! What the challenges pallet may know of and do to claims.

use alloc::vec::Vec;
use assay_referee::{Commitments, NodeKey, Root};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::DispatchResult;

use crate::{JobId, ModelId, ModelInfo, PageKey};

/// Why a claim is false.
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
pub enum FaultKind {
	/// The chain recomputed one element of a tensor and got another value.
	#[codec(index = 0)]
	Leaf {
		/// Trace entry, which is the number of the operation.
		entry: u32,
		/// Number of the element in the operation's output.
		element: u64,
	},
	/// The chain recomputed one 1 KiB chunk of a tensor and got other bytes.
	#[codec(index = 1)]
	Chunk {
		/// Trace entry, which is the number of the operation.
		entry: u32,
		/// Number of the chunk in the operation's output.
		chunk: u64,
	},
	/// The operator did not reveal its trace root in time.
	#[codec(index = 2)]
	NoTrace,
	/// Nobody opened this node of the trace in time.
	#[codec(index = 3)]
	NoAnswer(NodeKey),
}

impl FaultKind {
	/// Whether the operator was late, rather than proven wrong by recomputation.
	pub fn is_timeout(&self) -> bool {
		matches!(self, Self::NoTrace | Self::NoAnswer(_))
	}
}

/// An open claim: everything a dispute about it needs.
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
pub struct ClaimView<AccountId, BlockNumber, Balance> {
	/// Who claims.
	pub operator: AccountId,
	/// Who pays.
	pub requester: AccountId,
	/// What was run.
	pub model: ModelId,
	/// Facts about the model.
	pub info: ModelInfo,
	/// BLAKE3 of the input, computed by the chain.
	pub input_root: H256,
	/// BLAKE3 of the output, as claimed.
	pub output_root: H256,
	/// Last block at which a challenge may be opened.
	pub window_end: BlockNumber,
	/// What the requester pays.
	pub fee: Balance,
	/// What the operator loses if the claim is false.
	pub stake: Balance,
	/// Number of the attempt that was claimed.
	pub attempt: u32,
}

impl<AccountId, BlockNumber, Balance> ClaimView<AccountId, BlockNumber, Balance> {
	/// What a signature about this claim names besides the job's number, which may be another job's on
	/// another fork.
	pub fn content(&self) -> H256
	where
		AccountId: Encode,
		Balance: Encode,
	{
		let content = (
			(&self.operator, &self.requester, &self.model, &self.input_root),
			(&self.output_root, &self.fee, &self.stake, self.attempt),
		);
		H256(content.using_encoded(sp_io::hashing::blake2_256))
	}

	/// The roots and lengths that the referee checks evidence against, given the operator's
	/// trace root.
	pub fn commitments(&self, trace_root: Root) -> Commitments {
		Commitments {
			program_root: self.info.program_root.0,
			n_ops: self.info.n_ops,
			weights_root: self.info.weights_root.0,
			weights_len: self.info.weights_len,
			input_root: self.input_root.0,
			input_len: self.info.input_len,
			trace_root,
		}
	}
}

/// Claims, as the challenges pallet sees them. A job holds at most one claim in its life.
///
/// A claim is *open* from the moment it is made until it is final or proven false. It does not
/// become final while something holds it open, however late.
pub trait Claims<AccountId, BlockNumber, Balance> {
	/// The claim of `job` while it is open; `None` before it and ever after.
	fn open_claim(job: JobId) -> Option<ClaimView<AccountId, BlockNumber, Balance>>;

	/// Pages of the open claims for `model`, from the one behind `after` on, at most `limit`: the
	/// earliest end of a window first. The block of a page's key is the first after the window.
	///
	/// For watchers, whose work is what stands here for the models they have, whatever others put on
	/// chain. A page may still name claims that are open no more; a claim that disputes hold open
	/// beyond its window is in no page.
	fn claim_pages(
		model: &ModelId,
		after: Option<PageKey>,
		limit: u32,
	) -> Vec<(PageKey, Vec<JobId>)>;

	/// The input of `job`, as long as the job is not reaped.
	fn input(job: JobId) -> Option<Vec<u8>>;

	/// Forbid finality until the matching [`Self::release_open`].
	///
	/// # Errors
	/// When the claim is not open.
	fn hold_open(job: JobId) -> DispatchResult;

	/// Withdraw one [`Self::hold_open`]. Does nothing when the claim is no longer open.
	fn release_open(job: JobId);

	/// End an open claim as false: refund the requester, slash the operator, share the slash.
	///
	/// `finder` is whose challenge came first, `prover` who submitted the proof. A timeout rewards
	/// no prover.
	///
	/// # Errors
	/// When the claim is not open; nothing is changed then.
	fn fault(
		job: JobId,
		kind: FaultKind,
		finder: Option<AccountId>,
		prover: Option<AccountId>,
	) -> DispatchResult;

	/// An open claim by `operator` of `output_root` for a new model and `input`.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_claim(
		operator: &AccountId,
		key: Option<crate::ServiceKey>,
		program: Vec<u8>,
		weights_root: H256,
		input: Vec<u8>,
		output_root: H256,
	) -> JobId;
}
