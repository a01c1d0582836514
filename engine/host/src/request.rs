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

/// What a request is worth to this node, best first. Each class has room of its own in the engine's
/// queue, and what is in a better class is worked on before everything in a worse one.
#[repr(u32)]
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
	/// A move in a dispute: an opening that is owed, or the challenger's next step.
	#[codec(index = 0)]
	Move = 0,
	/// A trace or a piece of an output that is owed.
	#[codec(index = 1)]
	Trace = 1,
	/// A job that this node's operator accepted.
	#[codec(index = 2)]
	Job = 2,
	/// A claim of somebody else's to be looked at.
	#[codec(index = 3)]
	Watch = 3,
	/// What nobody loses anything over.
	#[codec(index = 4)]
	Other = 4,
}

impl Class {
	/// All classes, best first.
	pub const ALL: [Self; 5] = [Self::Move, Self::Trace, Self::Job, Self::Watch, Self::Other];

	/// The class with this number, if there is one.
	pub fn from_raw(raw: u32) -> Option<Self> {
		Self::ALL.into_iter().find(|class| *class as u32 == raw)
	}
}

/// How urgent a request is. Says nothing about what is asked, so the same request under other terms
/// is still the same work.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
	/// Whose turn it is.
	pub class: Class,
	/// Block of the best chain by which the answer is of use. Within a class the earliest goes first.
	pub deadline: u64,
	/// What is lost if the answer is late, in the chain's smallest units; saturated. Decides what a
	/// node that cannot do everything looks at.
	pub at_stake: u64,
	/// The job it is about, for logs.
	pub job: u64,
}

/// Which roles this node's workers play; a set of bits in the raw interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles {
	/// The node works on jobs of operators whose service key it holds.
	pub operator: bool,
	/// The node recomputes and challenges the claims of others.
	pub watcher: bool,
	/// The node's operator cheats in a rehearsal: its runs differ from job to job, so a request has
	/// to name the job, see [`RunSpec::lie`].
	pub cheats: bool,
}

impl Roles {
	/// Bit 0 is the operator's, bit 1 the watcher's, bit 2 says that the operator cheats; other bits
	/// are ignored.
	pub fn from_bits(bits: u32) -> Self {
		Self { operator: bits & 1 != 0, watcher: bits & 2 != 0, cheats: bits & 4 != 0 }
	}

	/// The bits that [`Self::from_bits`] reads.
	pub fn bits(self) -> u32 {
		u32::from(self.operator) | u32::from(self.watcher) << 1 | u32::from(self.cheats) << 2
	}
}

/// What this node's operator takes on, as the node was configured. A job beyond a limit is another
/// operator's.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
	/// Longest run it accepts, in microseconds, as [`worker::run_micros`](crate::worker::run_micros)
	/// measures them; `None` for no limit.
	pub max_run_micros: Option<u64>,
	/// Most stake it puts behind one job, in the chain's smallest units; `None` for no limit.
	pub max_exposure: Option<u128>,
}

/// One run of one model on one input. Whoever asks for it, for whichever job, means the same run.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RunSpec {
	/// The model's identifier.
	pub model: [u8; 32],
	/// BLAKE3 root of the input.
	pub input_root: Root,
	/// On a node whose operator cheats, the operator's job, on which the lie depends. `None`
	/// everywhere else, and for honest runs on such a node.
	pub lie: Option<u64>,
}

/// What a worker asks of the engine.
///
/// The input's bytes are not part of it: they are handed over once, when the request is submitted.
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
	/// Some chunks of the output, with their proof; answered by [`Response::Output`].
	#[codec(index = 4)]
	Output {
		/// The run.
		spec: RunSpec,
		/// The first chunk.
		first: u64,
		/// How many. What they and their proof come to must fit a response.
		chunks: u64,
	},
}

impl Request {
	/// The run that the request is about.
	pub fn spec(&self) -> &RunSpec {
		match self {
			Self::Run(spec) | Self::Trace(spec) => spec,
			Self::Open { spec, .. } | Self::NextMove { spec, .. } | Self::Output { spec, .. } => {
				spec
			},
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
}

/// A request with what the engine needs to serve it, as it crosses the boundary.
#[derive(Encode, Decode, Clone, PartialEq, Eq, Debug)]
pub struct Submission {
	/// What is asked.
	pub request: Request,
	/// How urgent it is.
	pub terms: Terms,
	/// The input tensors, in the layout that the program's header gives. The engine checks them
	/// against [`RunSpec::input_root`].
	pub input: Vec<u8>,
}

impl Submission {
	/// Decode a submission; `None` if it is too long, malformed or has bytes left over.
	///
	/// # Examples
	///
	/// ```
	/// use assay_host::{Class, Request, RunSpec, Submission, Terms};
	/// use codec::Encode;
	///
	/// let spec = RunSpec { model: [7; 32], input_root: [4; 32], lie: None };
	/// let terms = Terms { class: Class::Watch, deadline: 40, at_stake: 10, job: 3 };
	/// let submission = Submission { request: Request::Trace(spec), terms, input: vec![1, 2, 3] };
	/// let mut bytes = submission.encode();
	/// assert_eq!(Submission::from_bytes(&bytes), Some(submission));
	/// bytes.push(0);
	/// assert_eq!(Submission::from_bytes(&bytes), None);
	/// ```
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
	/// The chunks of the output that were asked for, under its root.
	#[codec(index = 7)]
	Output(Slice),
}

impl Response {
	/// To a run with this output: a long one is left out, and demanded where it is wanted.
	///
	/// # Examples
	///
	/// ```
	/// use assay_host::{Response, MAX_INLINE_OUTPUT};
	///
	/// let (output_root, long) = ([9; 32], vec![5; MAX_INLINE_OUTPUT + 1]);
	/// assert_eq!(Response::run(output_root, long), Response::Run { output_root, output: vec![] });
	/// ```
	pub fn run(output_root: Root, output: Vec<u8>) -> Response {
		let output = if output.len() > MAX_INLINE_OUTPUT { Vec::new() } else { output };
		Response::Run { output_root, output }
	}
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
	/// The class of the request has no room now; ask again in a later run.
	Full = 7,
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
			7 => Self::Full,
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
	/// Claims were sent; the value is how many.
	ClaimsSent = 0,
	/// A claim differs from our own run; the value is the job.
	MismatchSeen = 1,
	/// A gauge: how many challenges of this node's keys are live.
	ChallengesOpen = 2,
	/// A fault proof was sent; the value is the job.
	ProofSent = 3,
	/// Jobs were accepted; the value is how many.
	AcceptsSent = 4,
	/// A gauge: claims within their window that this node could look at and has not yet.
	ClaimsUnchecked = 5,
	/// A gauge: blocks left for the earliest of these.
	BlocksToCheck = 6,
	/// Claims left their window before this node had looked at them; the value is how many.
	ClaimsMissed = 7,
	/// Claims were looked at and found right; the value is how many.
	ClaimsChecked = 8,
	/// A false claim could not be challenged, or a challenge could not go on, for want of money or
	/// allowance; the value is the job.
	DisputeUnpaid = 9,
}

impl Note {
	/// The note with this number, if there is one.
	pub fn from_raw(raw: u32) -> Option<Self> {
		Some(match raw {
			0 => Self::ClaimsSent,
			1 => Self::MismatchSeen,
			2 => Self::ChallengesOpen,
			3 => Self::ProofSent,
			4 => Self::AcceptsSent,
			5 => Self::ClaimsUnchecked,
			6 => Self::BlocksToCheck,
			7 => Self::ClaimsMissed,
			8 => Self::ClaimsChecked,
			9 => Self::DisputeUnpaid,
			_ => return None,
		})
	}
}
