//! What a worker may ask of the engine, and what it may hear back.

use alloc::{string::String, vec::Vec};
use assay_referee::{NodeKey, Opening, Root, Slice};
use codec::{Decode, DecodeAll, Encode};

/// Name of a request: BLAKE2b-256 of its encoding.
pub type RequestId = [u8; 32];

/// Largest encoded request the engine accepts, in bytes: an input of a few MiB and the openings of
/// one challenge.
pub const MAX_REQUEST_BYTES: usize = 8 << 20;

/// Largest encoded response a worker accepts, in bytes: twice the largest fault proof.
pub const MAX_RESPONSE_BYTES: usize = 512 << 10;

/// Largest output, in bytes, that [`Response::Run`] carries whole.
pub const MAX_INLINE_OUTPUT: usize = 16 << 10;

/// In whose name a request is made.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
	/// The operator of the job. A fraud drill corrupts these runs and no others.
	#[codec(index = 0)]
	Operator,
	/// A watcher, who recomputes other operators' jobs.
	#[codec(index = 1)]
	Watcher,
}

/// Which roles this node's workers play; a set of bits in the raw interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles {
	/// The node works on jobs of operators whose service key it holds.
	pub operator: bool,
	/// The node recomputes and challenges the claims of others.
	pub watcher: bool,
}

impl Roles {
	/// Bit 0 is the operator's, bit 1 the watcher's; other bits are ignored.
	pub fn from_bits(bits: u32) -> Self {
		Self { operator: bits & 1 != 0, watcher: bits & 2 != 0 }
	}

	/// Bit 0 is the operator's, bit 1 the watcher's.
	pub fn bits(self) -> u32 {
		u32::from(self.operator) | u32::from(self.watcher) << 1
	}
}

/// One run of one model on one input.
#[derive(Encode, Decode, Clone, PartialEq, Eq, Debug)]
pub struct RunSpec {
	/// In whose name.
	pub role: Role,
	/// The model's identifier.
	pub model: [u8; 32],
	/// The job; results of the same run for different jobs are kept apart.
	pub job: u64,
	/// The input tensors, in the layout that the program's header gives.
	pub input: Vec<u8>,
}

/// What a worker asks of the engine.
#[derive(Encode, Decode, Clone, PartialEq, Eq, Debug)]
pub enum Request {
	/// Run the model; answered by [`Response::Run`].
	#[codec(index = 0)]
	Run(RunSpec),
	/// Run it and commit to the trace; answered by [`Response::Trace`].
	#[codec(index = 1)]
	Trace(RunSpec),
	/// Open one node of the trace or of a tensor; answered by [`Response::Opening`].
	#[codec(index = 2)]
	Open {
		/// The run.
		spec: RunSpec,
		/// The node to open.
		node: NodeKey,
	},
	/// Find the challenger's next step; answered by [`Response::Ask`], [`Response::Prove`] or
	/// [`Response::Agree`].
	#[codec(index = 3)]
	NextMove {
		/// The honest run to compare with.
		spec: RunSpec,
		/// The operator's commitment to its trace.
		trace_root: Root,
		/// What the operator has opened so far, in any order.
		openings: Vec<(NodeKey, Opening)>,
	},
}

impl Request {
	/// The run that the request is about.
	pub fn spec(&self) -> &RunSpec {
		match self {
			Self::Run(spec) | Self::Trace(spec) => spec,
			Self::Open { spec, .. } | Self::NextMove { spec, .. } => spec,
		}
	}

	/// The request's name.
	pub fn id(&self) -> RequestId {
		Self::id_of(&self.encode())
	}

	/// The name of an encoded request.
	pub fn id_of(encoded: &[u8]) -> RequestId {
		sp_io::hashing::blake2_256(encoded)
	}

	/// Decode a request; `None` if it is too long, malformed or has bytes left over.
	pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
		if bytes.len() > MAX_REQUEST_BYTES {
			return None;
		}
		Self::decode_all(&mut &bytes[..]).ok()
	}
}

/// What the engine answers.
#[derive(Encode, Decode, Clone, PartialEq, Eq, Debug)]
pub enum Response {
	/// The run is done.
	#[codec(index = 0)]
	Run {
		/// BLAKE3 root of the output tensor.
		output_root: Root,
		/// The output's bytes, or nothing if there are more than [`MAX_INLINE_OUTPUT`].
		output: Vec<u8>,
	},
	/// The trace is committed.
	#[codec(index = 1)]
	Trace {
		/// BLAKE3 root of the list of all tensor roots.
		trace_root: Root,
		/// Proof that the list ends with the output root.
		last_entry: Slice,
	},
	/// The node's opening.
	#[codec(index = 2)]
	Opening(Opening),
	/// The challenger should ask for this node.
	#[codec(index = 3)]
	Ask(NodeKey),
	/// The challenger can prove the fault: an encoded `FaultProof`.
	#[codec(index = 4)]
	Prove(Vec<u8>),
	/// The operator's trace is the honest one as far as it is open.
	#[codec(index = 5)]
	Agree,
	/// The request cannot be served; says why. Asking again may help once the engine has forgotten.
	#[codec(index = 6)]
	Failed(String),
}

/// Where a request stands.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
	/// No engine here: the node runs without one, or this is not an off-chain worker.
	Unavailable = 0,
	/// Never submitted, refused as malformed, or forgotten.
	Unknown = 1,
	/// Waiting for the engine.
	Queued = 2,
	/// Being worked on.
	Running = 3,
	/// Done; the response is in the caller's buffer.
	Ready = 4,
	/// Done, but the caller's buffer is too small; nothing was written.
	TooSmall = 5,
	/// The engine has no such model.
	NoModel = 6,
}

impl Status {
	/// The status that a raw function returned; unknown numbers read as [`Status::Unavailable`].
	pub fn from_raw(raw: u32) -> Self {
		match raw {
			1 => Self::Unknown,
			2 => Self::Queued,
			3 => Self::Running,
			4 => Self::Ready,
			5 => Self::TooSmall,
			6 => Self::NoModel,
			_ => Self::Unavailable,
		}
	}

	/// Pack with the length of the response in bytes, as the raw `poll` returns it.
	pub fn with_len(self, len: usize) -> u64 {
		(self as u64) << 32 | u64::from(u32::try_from(len).unwrap_or(u32::MAX))
	}

	/// Undo [`Self::with_len`].
	pub fn split(raw: u64) -> (Self, usize) {
		(Self::from_raw((raw >> 32) as u32), (raw & u64::from(u32::MAX)) as usize)
	}
}

/// What workers report for the node's metrics.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
	/// A claim was sent; the value is the job.
	ClaimSent = 0,
	/// A claim differs from our own run; the value is the job.
	MismatchSeen = 1,
	/// A gauge: how many challenges of this node's keys are live.
	ChallengesOpen = 2,
	/// A fault proof was sent; the value is the job.
	ProofSent = 3,
}

impl Note {
	/// The note with this number, if there is one.
	pub fn from_raw(raw: u32) -> Option<Self> {
		Some(match raw {
			0 => Self::ClaimSent,
			1 => Self::MismatchSeen,
			2 => Self::ChallengesOpen,
			3 => Self::ProofSent,
			_ => return None,
		})
	}
}
