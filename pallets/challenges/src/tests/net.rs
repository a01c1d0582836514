//! A small engine, and a chain with nodes that run the off-chain workers.

use super::*;
use crate::Call;
use assay_host::{
	Class, Engine, EngineExt, Note, Poll, Request, RequestId, Response, Roles, Status, Submission,
	Terms,
};
use assay_primitives::service::KEY_TYPE;
use assay_referee::tree;
use codec::Decode;
use frame_support::traits::Hooks;
use sp_core::{
	offchain::{
		testing::{TestOffchainExt, TestTransactionPoolExt},
		OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
	},
	Pair,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex},
};

/// Answers from the next run of the workers on, as an operator from one run and as a watcher from another.
#[derive(Clone)]
pub(super) struct SmallEngine(pub(super) Arc<Mutex<Inside>>);

pub(super) struct Inside {
	pub(super) roles: Roles,
	pub(super) build: u64,
	pub(super) operator: Run,
	pub(super) watcher: Run,
	pub(super) results: BTreeMap<RequestId, Arc<Vec<u8>>>,
	/// What is worked on.
	working: BTreeMap<RequestId, Arc<Vec<u8>>>,
	/// What was submitted, in this order.
	pub(super) terms: Vec<Terms>,
	/// Requests of this class find no room.
	pub(super) full: Option<Class>,
	pub(super) polls: usize,
	/// Whether inputs have to be those that requests name.
	pub(super) checks_input: bool,
	pub(super) notes: Vec<(Note, u64)>,
	pub(super) has_model: bool,
}

impl SmallEngine {
	pub(super) fn new(operator: &Run, watcher: &Run, roles: (bool, bool)) -> Self {
		Self(Arc::new(Mutex::new(Inside {
			roles: Roles { operator: roles.0, watcher: roles.1, cheats: false },
			build: 1,
			operator: operator.clone(),
			watcher: watcher.clone(),
			results: BTreeMap::new(),
			working: BTreeMap::new(),
			terms: Vec::new(),
			full: None,
			polls: 0,
			checks_input: true,
			notes: Vec::new(),
			has_model: true,
		})))
	}

	pub(super) fn requests(&self) -> usize {
		self.terms().len()
	}

	pub(super) fn terms(&self) -> Vec<Terms> {
		self.0.lock().unwrap().terms.clone()
	}

	pub(super) fn noted(&self, note: Note) -> Vec<u64> {
		let inside = self.0.lock().unwrap();
		inside.notes.iter().filter(|(kind, _)| *kind == note).map(|(_, value)| *value).collect()
	}
}

impl Inside {
	fn respond(&self, request: &Request) -> Response {
		let spec = request.spec();
		let run = match spec.lie {
			Some(_) => &self.operator,
			None => &self.watcher,
		};
		match request {
			Request::Run(_) => Response::Run { output_root: run.output_root(), output: Vec::new() },
			Request::Trace(_) => {
				Response::Trace { trace_root: run.trace_root(), last_entry: run.last_entry() }
			},
			Request::Open { node, .. } => Response::Opening(run.open(node)),
			Request::Output { .. } => Response::Failed("nobody demands outputs here".into()),
			Request::NextMove { trace_root, openings, .. } => {
				let liar = &self.operator;
				assert_eq!(*trace_root, liar.trace_root());
				for (node, opening) in openings {
					assert_eq!(*opening, liar.open(node));
				}
				let Some((entry, element)) = liar.first_difference(run) else {
					return Response::Agree;
				};
				match liar.way_to(entry, element).get(openings.len()) {
					Some(node) => Response::Ask(*node),
					None => Response::Prove(proof(run, liar, entry, element).to_vec()),
				}
			},
		}
	}
}

impl Engine for SmallEngine {
	fn submit(&mut self, id: RequestId, submission: Submission) -> Status {
		let mut inside = self.0.lock().unwrap();
		if inside.full == Some(submission.terms.class) {
			return Status::Full;
		}
		inside.terms.push(submission.terms);
		if inside.checks_input {
			assert_eq!(tree::hash(&submission.input), submission.request.spec().input_root);
		}
		let response = inside.respond(&submission.request).encode();
		inside.working.insert(id, Arc::new(response));
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId, _class: Class, _deadline: u64) -> Poll {
		let mut inside = self.0.lock().unwrap();
		inside.polls += 1;
		match inside.results.get(id) {
			Some(result) => Poll::Ready(result.clone()),
			None if inside.working.contains_key(id) => Poll::Not(Status::Queued),
			None => Poll::Not(Status::Unknown),
		}
	}

	fn has_model(&mut self, _model: &[u8; 32]) -> bool {
		self.0.lock().unwrap().has_model
	}

	fn models(&mut self) -> Vec<[u8; 32]> {
		if self.0.lock().unwrap().has_model {
			vec![MODEL.0]
		} else {
			Vec::new()
		}
	}

	fn run_micros(&mut self, _model: &[u8; 32]) -> Option<u64> {
		None
	}

	fn backlog_micros(&mut self, _class: Class) -> u64 {
		0
	}

	fn acts_for(&mut self, _account: &[u8]) -> bool {
		true
	}

	fn build(&mut self) -> u64 {
		self.0.lock().unwrap().build
	}

	fn roles(&mut self) -> Roles {
		self.0.lock().unwrap().roles
	}

	fn note(&mut self, event: Note, value: u64) {
		self.0.lock().unwrap().notes.push((event, value));
	}
}

/// A node: an engine, and the service key of one account.
pub(super) struct Node {
	pub(super) engine: SmallEngine,
	pub(super) keystore: MemoryKeystore,
}

impl Node {
	pub(super) fn new(engine: SmallEngine, who: u64) -> Self {
		let keystore = MemoryKeystore::new();
		let suri = format!("0x{}", hex(&[who as u8; 32]));
		keystore.insert(KEY_TYPE, &suri, key_pair(who).public().as_ref()).unwrap();
		Self { engine, keystore }
	}
}

fn hex(bytes: &[u8]) -> String {
	bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A chain with nodes.
pub(super) struct Net {
	pub(super) ext: sp_io::TestExternalities,
	/// Takes the encoded transactions out of the pool.
	pub(super) take: Box<dyn FnMut() -> Vec<Vec<u8>>>,
	pub(super) nodes: Vec<Node>,
	/// Whether transactions get into blocks.
	pub(super) includes: bool,
	/// Whether nodes keep what the chain writes to the off-chain database.
	pub(super) indexes: bool,
	/// Whether blocks have room for the agenda.
	pub(super) idles: bool,
}

impl Net {
	pub(super) fn new(nodes: Vec<Node>) -> Self {
		let mut ext = new_test_ext();
		let (offchain, _) = TestOffchainExt::with_offchain_db(ext.offchain_db());
		let (pool_ext, pool) = TestTransactionPoolExt::new();
		ext.register_extension(OffchainDbExt::new(offchain.clone()));
		ext.register_extension(OffchainWorkerExt::new(offchain));
		ext.register_extension(TransactionPoolExt::new(pool_ext));
		let take = Box::new(move || pool.write().transactions.drain(..).collect());
		Self { ext, take, nodes, includes: true, indexes: true, idles: true }
	}

	/// Let the engine and the keys of a node be at hand.
	pub(super) fn connect(&mut self, node: usize) {
		let Node { engine, keystore } = &self.nodes[node];
		let mut inside = engine.0.lock().unwrap();
		let done = std::mem::take(&mut inside.working);
		inside.results.extend(done);
		drop(inside);
		self.ext.register_extension(EngineExt(Box::new(engine.clone())));
		let keystore: Arc<dyn Keystore> = Arc::new(keystore.clone());
		self.ext.register_extension(KeystoreExt(keystore));
	}

	/// The workers of one block run, and what they submit gets into the next. Returns the calls.
	pub(super) fn block(&mut self) -> Vec<Call<Test>> {
		for node in 0..self.nodes.len() {
			self.connect(node);
			self.ext.execute_with(|| Challenges::offchain_worker(System::block_number()));
		}
		let transactions = (self.take)();
		let calls = transactions.iter().map(|bytes| {
			let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("workers encode extrinsics");
			match extrinsic.function {
				RuntimeCall::Challenges(call) => call,
				other => panic!("unexpected {other:?}"),
			}
		});
		let calls: Vec<Call<Test>> = calls.collect();
		let (includes, idles) = (self.includes, self.idles);
		self.ext.execute_with(|| {
			go_to(System::block_number() + 1);
			for call in &calls {
				if includes {
					assert_ok!(include(call.clone()));
				}
			}
			if idles {
				Challenges::on_idle(System::block_number(), frame_support::weights::Weight::MAX);
			}
			check_invariants();
		});
		if self.indexes {
			self.ext.persist_offchain_overlay();
		}
		calls
	}

	pub(super) fn blocks(&mut self, count: u32) -> Vec<Call<Test>> {
		(0..count).flat_map(|_| self.block()).collect()
	}

	pub(super) fn with<R>(&mut self, test: impl FnOnce() -> R) -> R {
		self.ext.execute_with(test)
	}
}

/// A liar's node and a watcher's.
pub(super) fn two_nodes(honest: &Run, liar: &Run) -> Vec<Node> {
	vec![
		Node::new(SmallEngine::new(liar, liar, (true, false)), OPERATOR),
		Node::new(SmallEngine::new(liar, honest, (false, true)), ALICE),
	]
}
