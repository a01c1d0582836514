//! The inference engine of a node: the real executor behind the real host functions, honest or not.
//!
//! It answers within the block: what a worker asks in one block it collects in the next, as from a
//! node that is quick. For a slow model it takes the blocks that the model says, for one run at a time,
//! and of what it traced it keeps the last run only, as from a node that is busy and small.

use assay_executor::{Bundle, Manifest, Move, Options, Session, Trace};
use assay_host::{
	Class, Engine, Note, Poll, Request, RequestId, Response, Roles, RunSpec, Status, Submission,
};
use assay_primitives::{samples, JobId, ModelId};
use assay_referee::{
	opening::ENTRIES_PER_CHUNK, tree, NodeKey, Object, Opening, Program, Root, Slice,
};
use assay_runtime::{constants::time::SLOT_MILLIS, AccountId, BlockNumber};
use codec::Encode;
use sp_core::H256;
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A model ready to run.
#[derive(Clone)]
pub struct Model {
	session: Arc<Session>,
	/// Blocks that a run takes.
	blocks: BlockNumber,
}

impl Model {
	/// A chain of `ops` operations on `elements` integers.
	pub fn chain(ops: u32, elements: u32) -> Self {
		let program = Program::decode(&samples::chain(ops, elements)).expect("samples are valid");
		let manifest = Manifest::new(&program, tree::hash(&[]), &[], &[]);
		let manifest = manifest.expect("samples have a byte form");
		let bundle = Bundle::new(program, &[], manifest).expect("its parts fit");
		let session = Session::new(Arc::new(bundle), Options { threads: 1, isa: None });
		let session = Arc::new(session);
		Self { session, blocks: 0 }
	}

	/// The same model, of which a run takes so many blocks on the nodes that have it so.
	pub fn slow(self, blocks: BlockNumber) -> Self {
		Self { blocks, ..self }
	}

	/// Whether a run takes blocks.
	pub fn is_slow(&self) -> bool {
		self.blocks > 0
	}

	/// Microseconds that a run takes.
	pub fn run_micros(&self) -> u64 {
		match self.blocks {
			0 => 1_000,
			blocks => micros_of(blocks),
		}
	}

	/// Its name.
	pub fn id(&self) -> ModelId {
		H256(self.session.bundle().model_id())
	}

	/// Its program.
	pub fn program(&self) -> &[u8] {
		self.session.bundle().program_bytes()
	}

	/// Number of its operations.
	pub fn ops(&self) -> u32 {
		self.session.bundle().program().header.n_ops
	}

	/// Root of its weights, of which it has none.
	pub fn weights_root(&self) -> H256 {
		H256(tree::hash(&[]))
	}

	/// An input, another one for each number.
	pub fn input(&self, number: u64) -> Vec<u8> {
		let bytes = self.session.bundle().program().header.input_layout().total_len;
		let words = (0..bytes / 4).map(|i| (i * 7 + number * 13 + 1) as u32);
		words.flat_map(u32::to_le_bytes).collect()
	}

	/// What the model really gives for an input.
	pub fn output(&self, input: &[u8]) -> Vec<u8> {
		self.session.run(input).expect("the input is as long as the model's")
	}

	/// The honest trace of a run.
	pub fn trace(&self, input: &[u8]) -> Trace {
		self.session.trace(input, None).expect("the input is as long as the model's")
	}
}

/// How an operator behaves. Honest unless a method says otherwise.
pub trait Conduct: Send {
	/// Whether any of the following says something else than for [`Honest`].
	fn cheats(&self) -> bool {
		true
	}

	/// The operation in which it lies about this job, of a model of so many.
	fn lie(&self, _job: JobId, _ops: u32) -> Option<u32> {
		None
	}

	/// Whether its engine keeps silent about this request.
	fn withholds(&self, _request: &Request) -> bool {
		false
	}

	/// The trace that it commits to, given the one of the run that it claims.
	fn entries(&self, run: &[Root]) -> Vec<Root> {
		run.to_vec()
	}
}

/// Does what it should.
pub struct Honest;

impl Conduct for Honest {
	fn cheats(&self) -> bool {
		false
	}
}

/// Where in a model a lie is.
#[derive(Clone, Copy)]
pub enum Place {
	/// The first operation.
	First,
	/// One in the middle.
	Middle,
	/// The last.
	Last,
}

impl Place {
	/// The operation, of so many.
	pub fn op(self, ops: u32) -> u32 {
		match self {
			Self::First => 0,
			Self::Middle => ops / 2,
			Self::Last => ops - 1,
		}
	}
}

/// Lies, and then plays on as if nothing were wrong.
pub struct Liar(pub Place);

impl Conduct for Liar {
	fn lie(&self, _: JobId, ops: u32) -> Option<u32> {
		Some(self.0.op(ops))
	}
}

/// Lies, and then says nothing: about the trace or, if it `reveals`, about its nodes.
pub struct Mute {
	/// Whether it says what its trace is.
	pub reveals: bool,
}

impl Conduct for Mute {
	fn lie(&self, _: JobId, ops: u32) -> Option<u32> {
		Some(Place::Middle.op(ops))
	}

	fn withholds(&self, request: &Request) -> bool {
		match request {
			Request::Trace(_) => !self.reveals,
			Request::Open { .. } => true,
			Request::Run(_) | Request::NextMove { .. } | Request::Output { .. } => false,
		}
	}
}

/// Tells the truth, and keeps long outputs to itself.
pub struct Withholder;

impl Conduct for Withholder {
	fn withholds(&self, request: &Request) -> bool {
		matches!(request, Request::Output { .. })
	}
}

/// Lies, and keeps the output of the lie to itself as well.
pub struct WithholdingLiar(pub Place);

impl Conduct for WithholdingLiar {
	fn lie(&self, _: JobId, ops: u32) -> Option<u32> {
		Some(self.0.op(ops))
	}

	fn withholds(&self, request: &Request) -> bool {
		matches!(request, Request::Output { .. })
	}
}

/// Accepts, and never runs anything.
pub struct Idle;

impl Conduct for Idle {
	fn withholds(&self, _: &Request) -> bool {
		true
	}
}

/// Lies, and commits to a trace of junk from the operation `from` on, up to the output.
pub struct Junk {
	/// Where the lie is.
	pub lie: Place,
	/// Whether the entries before the lie are junk too.
	pub all: bool,
}

impl Conduct for Junk {
	fn lie(&self, _: JobId, ops: u32) -> Option<u32> {
		Some(self.lie.op(ops))
	}

	fn entries(&self, run: &[Root]) -> Vec<Root> {
		let last = run.len() - 1;
		let from = if self.all { 0 } else { self.lie.op(run.len() as u32) as usize + 1 };
		let junk = |(entry, root): (usize, &Root)| match entry {
			entry if (from..last).contains(&entry) => {
				tree::hash(&[root.as_slice(), b"junk"].concat())
			},
			_ => *root,
		};
		run.iter().enumerate().map(junk).collect()
	}
}

/// A run and what its operator commits to.
struct Committed {
	trace: Trace,
	entries: Vec<Root>,
}

impl Committed {
	fn root(&self) -> Root {
		tree::hash(self.entries.as_flattened())
	}

	fn entry_slice(&self, entry: u32) -> Option<Slice> {
		let bytes = self.entries.as_flattened();
		Slice::make(bytes, u64::from(entry) / ENTRIES_PER_CHUNK, 1).ok()
	}

	/// The opening of a node; nothing for one of which only the root was made up.
	fn open(&self, node: &NodeKey) -> Option<Opening> {
		match node.object {
			Object::Trace => {
				let bytes = self.entries.as_flattened();
				let level = node.level_in(bytes.len() as u64)?;
				let (payload, path) = tree::open_node(bytes, level, node.index).ok()?;
				Some(Opening { entry: None, record: None, path, payload })
			},
			Object::Tensor(entry) => {
				let same =
					self.entries.get(entry as usize) == self.trace.entries().get(entry as usize);
				let opening = self.trace.open(node).ok().filter(|_| same)?;
				Some(Opening { entry: Some(self.entry_slice(entry)?), ..opening })
			},
		}
	}
}

/// Microseconds in so many blocks.
fn micros_of(blocks: BlockNumber) -> u64 {
	u64::from(blocks) * SLOT_MILLIS * 1_000
}

/// A handle to an engine; clones share it.
#[derive(Clone)]
pub struct InProcess(Arc<Mutex<Inside>>);

/// The block from which on an answer can be had, and its bytes, if there is one.
type Answered = (BlockNumber, Option<Arc<Vec<u8>>>);

struct Inside {
	models: BTreeMap<[u8; 32], Model>,
	roles: Roles,
	account: Vec<u8>,
	conduct: Box<dyn Conduct>,
	/// What was asked, and from which block on it is answered; nothing for what is never answered.
	answers: BTreeMap<RequestId, Answered>,
	runs: BTreeMap<([u8; 32], Root, Option<JobId>), Arc<Committed>>,
	/// The block whose workers ask.
	now: BlockNumber,
	/// When the runs of slow models that were begun are over.
	busy_until: BlockNumber,
	/// The last run of a slow model that was traced, and when that is done.
	traced: Option<(RunSpec, BlockNumber)>,
	/// How many runs without a trace were made.
	plain_runs: usize,
}

impl InProcess {
	/// An engine for the node of `account` that has these models.
	pub fn new(
		account: &AccountId,
		models: &[Model],
		(operator, watcher): (bool, bool),
		conduct: Box<dyn Conduct>,
	) -> Self {
		let cheats = conduct.cheats();
		Self(Arc::new(Mutex::new(Inside {
			models: models.iter().map(|model| (model.id().0, model.clone())).collect(),
			roles: Roles { operator, watcher, cheats },
			account: account.encode(),
			conduct,
			answers: BTreeMap::new(),
			runs: BTreeMap::new(),
			now: 0,
			busy_until: 0,
			traced: None,
			plain_runs: 0,
		})))
	}

	/// How many runs without a trace it made: one for each that it was asked for by another name.
	pub fn plain_runs(&self) -> usize {
		self.inside().plain_runs
	}

	/// Tells it the block whose workers run.
	pub(crate) fn at(&self, block: BlockNumber) {
		self.inside().now = block;
	}

	fn inside(&self) -> MutexGuard<'_, Inside> {
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Inside {
	/// The block from which on a request is answered that comes now.
	fn answered_at(&mut self, request: &Request) -> BlockNumber {
		let spec = *request.spec();
		let blocks = self.models.get(&spec.model).map_or(0, |model| model.blocks);
		if blocks == 0 {
			return 0;
		}
		let traced = !matches!(request, Request::Run(_));
		match self.traced {
			Some((last, done)) if traced && last == spec => return done,
			_ => {},
		}
		// What runs already is not stopped.
		self.busy_until = self.busy_until.max(self.now) + blocks;
		if traced {
			self.traced = Some((spec, self.busy_until));
		}
		self.busy_until
	}

	fn respond(&mut self, request: &Request, input: &[u8]) -> Option<Response> {
		let spec = request.spec();
		if spec.lie.is_some() && self.conduct.withholds(request) {
			return None;
		}
		if let (Request::Run(_), None) = (request, spec.lie) {
			let output = self.models.get(&spec.model)?.output(input);
			return Some(run_response(output));
		}
		let run = self.run(spec, input)?;
		Some(match request {
			Request::Run(_) => run_response(run.trace.output().to_vec()),
			Request::Trace(_) => {
				let last_entry = run.entry_slice(run.entries.len() as u32 - 1)?;
				Response::Trace { trace_root: run.root(), last_entry }
			},
			Request::Open { node, .. } => Response::Opening(run.open(node)?),
			Request::Output { first, chunks, .. } => {
				Response::Output(run.trace.output_slice(*first, *chunks).ok()?)
			},
			Request::NextMove { trace_root, openings, .. } => {
				match run.trace.next_move(trace_root, openings) {
					Ok(Move::Ask(node)) => Response::Ask(node),
					Ok(Move::Prove(proof)) => Response::Prove(proof.encode()),
					Ok(Move::Agree) => Response::Agree,
					Err(error) => Response::Failed(error.to_string()),
				}
			},
		})
	}

	/// The traced run that a request is about, false if the conduct says so.
	fn run(&mut self, spec: &RunSpec, input: &[u8]) -> Option<Arc<Committed>> {
		let key = (spec.model, spec.input_root, spec.lie);
		if let Some(known) = self.runs.get(&key) {
			return Some(known.clone());
		}
		let model = self.models.get(&spec.model)?;
		let lie = spec.lie.and_then(|job| self.conduct.lie(job, model.ops()));
		let tamper = match lie {
			Some(op) => model.session.tamper_that_changes_output(input, op).ok()?,
			None => None,
		};
		let trace = model.session.trace(input, tamper.as_ref()).ok()?;
		let entries = match lie {
			Some(_) => self.conduct.entries(trace.entries()),
			None => trace.entries().to_vec(),
		};
		let run = Arc::new(Committed { trace, entries });
		self.runs.insert(key, run.clone());
		Some(run)
	}
}

fn run_response(output: Vec<u8>) -> Response {
	Response::run(Session::output_root(&output), output)
}

impl Engine for InProcess {
	fn submit(&mut self, id: RequestId, submission: Submission) -> Status {
		let mut inside = self.inside();
		let spec = submission.request.spec();
		if !inside.models.contains_key(&spec.model) {
			return Status::NoModel;
		}
		if tree::hash(&submission.input) != spec.input_root {
			return Status::Unknown;
		}
		if !inside.answers.contains_key(&id) {
			let answer = inside.respond(&submission.request, &submission.input);
			let answer = answer.map(|response| Arc::new(response.encode()));
			let from = inside.answered_at(&submission.request);
			inside.plain_runs += usize::from(matches!(submission.request, Request::Run(_)));
			inside.answers.insert(id, (from, answer));
		}
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId, _: Class, _: u64) -> Poll {
		let inside = self.inside();
		match inside.answers.get(id) {
			Some((from, Some(answer))) if *from <= inside.now => Poll::Ready(answer.clone()),
			Some(_) => Poll::Not(Status::Running),
			None => Poll::Not(Status::Unknown),
		}
	}

	fn has_model(&mut self, model: &[u8; 32]) -> bool {
		self.inside().models.contains_key(model)
	}

	fn models(&mut self) -> Vec<[u8; 32]> {
		self.inside().models.keys().copied().collect()
	}

	fn run_micros(&mut self, model: &[u8; 32]) -> Option<u64> {
		self.inside().models.get(model).map(Model::run_micros)
	}

	fn backlog_micros(&mut self, _: Class) -> u64 {
		let inside = self.inside();
		micros_of(inside.busy_until.saturating_sub(inside.now))
	}

	fn acts_for(&mut self, account: &[u8]) -> bool {
		self.inside().account == account
	}

	fn build(&mut self) -> u64 {
		1
	}

	fn roles(&mut self) -> Roles {
		self.inside().roles
	}

	fn note(&mut self, _: Note, _: u64) {}
}
