//! The off-chain workers, with a small engine behind them.

use super::*;
use crate::{Call, Event, HoldReason};
use assay_host::{
	Class, Engine, EngineExt, Note, Poll, Request, RequestId, Response, Roles, Status, Submission,
	Terms,
};
use assay_primitives::{outbox::RESEND_AFTER, service::KEY_TYPE};
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

/// Answers at the second poll, as an operator from one run and as a watcher from another.
#[derive(Clone)]
struct SmallEngine(Arc<Mutex<Inside>>);

struct Inside {
	roles: Roles,
	operator: Run,
	watcher: Run,
	results: BTreeMap<RequestId, Arc<Vec<u8>>>,
	/// What was submitted, in this order.
	terms: Vec<Terms>,
	/// Requests of this class find no room.
	full: Option<Class>,
	polls: usize,
	notes: Vec<(Note, u64)>,
	has_model: bool,
}

impl SmallEngine {
	fn new(operator: &Run, watcher: &Run, roles: (bool, bool)) -> Self {
		Self(Arc::new(Mutex::new(Inside {
			roles: Roles { operator: roles.0, watcher: roles.1, cheats: false },
			operator: operator.clone(),
			watcher: watcher.clone(),
			results: BTreeMap::new(),
			terms: Vec::new(),
			full: None,
			polls: 0,
			notes: Vec::new(),
			has_model: true,
		})))
	}

	fn requests(&self) -> usize {
		self.terms().len()
	}

	fn terms(&self) -> Vec<Terms> {
		self.0.lock().unwrap().terms.clone()
	}

	fn noted(&self, note: Note) -> Vec<u64> {
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
		assert_eq!(tree::hash(&submission.input), submission.request.spec().input_root);
		let response = inside.respond(&submission.request).encode();
		inside.results.insert(id, Arc::new(response));
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId, _class: Class, _deadline: u64) -> Poll {
		let mut inside = self.0.lock().unwrap();
		inside.polls += 1;
		match inside.results.get(id) {
			Some(result) => Poll::Ready(result.clone()),
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

	fn roles(&mut self) -> Roles {
		self.0.lock().unwrap().roles
	}

	fn note(&mut self, event: Note, value: u64) {
		self.0.lock().unwrap().notes.push((event, value));
	}
}

/// A node: an engine, and the service key of one account.
struct Node {
	engine: SmallEngine,
	keystore: MemoryKeystore,
}

impl Node {
	fn new(engine: SmallEngine, who: u64) -> Self {
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
struct Net {
	ext: sp_io::TestExternalities,
	/// Takes the encoded transactions out of the pool.
	take: Box<dyn FnMut() -> Vec<Vec<u8>>>,
	nodes: Vec<Node>,
	/// Whether transactions get into blocks.
	includes: bool,
	/// Whether nodes keep what the chain writes to the off-chain database.
	indexes: bool,
}

impl Net {
	fn new(nodes: Vec<Node>) -> Self {
		let mut ext = new_test_ext();
		let (offchain, _) = TestOffchainExt::with_offchain_db(ext.offchain_db());
		let (pool_ext, pool) = TestTransactionPoolExt::new();
		ext.register_extension(OffchainDbExt::new(offchain.clone()));
		ext.register_extension(OffchainWorkerExt::new(offchain));
		ext.register_extension(TransactionPoolExt::new(pool_ext));
		let take = Box::new(move || pool.write().transactions.drain(..).collect());
		Self { ext, take, nodes, includes: true, indexes: true }
	}

	/// The workers of one block run, and what they submit gets into the next. Returns the calls.
	fn block(&mut self) -> Vec<Call<Test>> {
		for node in &self.nodes {
			self.ext.register_extension(EngineExt(Box::new(node.engine.clone())));
			let keystore: Arc<dyn Keystore> = Arc::new(node.keystore.clone());
			self.ext.register_extension(KeystoreExt(keystore));
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
		let includes = self.includes;
		self.ext.execute_with(|| {
			go_to(System::block_number() + 1);
			for call in &calls {
				if includes {
					assert_ok!(include(call.clone()));
				}
			}
			Challenges::on_idle(System::block_number(), frame_support::weights::Weight::MAX);
			check_invariants();
		});
		if self.indexes {
			self.ext.persist_offchain_overlay();
		}
		calls
	}

	fn blocks(&mut self, count: u32) -> Vec<Call<Test>> {
		(0..count).flat_map(|_| self.block()).collect()
	}

	fn with<R>(&mut self, test: impl FnOnce() -> R) -> R {
		self.ext.execute_with(test)
	}
}

/// A liar's node and a watcher's.
fn two_nodes(honest: &Run, liar: &Run) -> Vec<Node> {
	vec![
		Node::new(SmallEngine::new(liar, liar, (true, false)), OPERATOR),
		Node::new(SmallEngine::new(liar, honest, (false, true)), ALICE),
	]
}

#[test]
fn workers_play_the_whole_game() {
	let (honest, liar) = long((20, 0));
	let mut net = Net::new(two_nodes(&honest, &liar));
	let job = net.with(|| claim(&liar));
	let calls = net.blocks(40);
	net.with(|| {
		let kind = assay_primitives::FaultKind::Leaf { entry: 20, element: 0 };
		let end = End::Fault { kind, finder: Some(ALICE), prover: Some(ALICE) };
		assert_eq!(end_of(job), Some(end));
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
	});
	// Opening, trace, four questions and answers, proof; nothing twice.
	assert_eq!(calls.len(), 1 + 1 + 4 + 4 + 1);
	let watcher = &net.nodes[1].engine;
	assert_eq!(watcher.noted(Note::MismatchSeen), vec![job]);
	assert_eq!(watcher.noted(Note::ProofSent), vec![job]);
	assert!(watcher.noted(Note::ChallengesOpen).contains(&1));
	assert_eq!(watcher.noted(Note::ChallengesOpen).last(), Some(&0));
}

#[test]
fn a_right_claim_is_run_once_and_left_alone() {
	let (honest, _) = short();
	let mut net = Net::new(two_nodes(&honest, &honest));
	net.with(|| claim(&honest));
	assert!(net.blocks(10).is_empty());
	assert_eq!(net.nodes[1].engine.requests(), 1);
}

#[test]
fn an_honest_operators_worker_outlasts_a_sham() {
	let (honest, liar) = short();
	let mut net =
		Net::new(vec![Node::new(SmallEngine::new(&honest, &honest, (true, true)), OPERATOR)]);
	let job = net.with(|| {
		let job = claim(&honest);
		open(BOB, job, &liar);
		job
	});
	net.blocks(4);
	net.with(|| {
		assert_ok!(Challenges::ask(signed(BOB), 0, honest.way_to(1, 5)[0], None));
	});
	net.blocks(30);
	net.with(|| {
		assert_eq!(end_of(job), None);
		assert_eq!(Challenges::live_of(job).count(), 0);
		System::assert_has_event(
			Event::ChallengeLapsed { challenge: 0, job, who: BOB, paid: 600, burned: 400 }.into(),
		);
	});
	// Two calls, and no run of its own claim as a watcher.
	assert_eq!(net.nodes[0].engine.requests(), 2);
}

#[test]
fn what_has_no_effect_is_submitted_again_later() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.includes = false;
	net.with(|| claim(&liar));
	let submitted: Vec<usize> = (0..14).map(|_| net.block().len()).collect();
	assert_eq!(submitted.iter().sum::<usize>(), 4);
	let at: Vec<usize> = (0..14).filter(|block| submitted[*block] == 1).collect();
	assert!(at.windows(2).all(|pair| pair[1] - pair[0] == RESEND_AFTER as usize));
}

#[test]
fn nothing_happens_without_an_engine_roles_model_or_money() {
	let (honest, liar) = short();
	// No engine.
	let mut net = Net::new(Vec::new());
	net.with(|| {
		claim(&liar);
		Challenges::offchain_worker(1);
	});
	assert!((net.take)().is_empty());
	// No role.
	let mut net =
		Net::new(vec![Node::new(SmallEngine::new(&liar, &honest, (false, false)), ALICE)]);
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	// No model.
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.nodes[1].engine.0.lock().unwrap().has_model = false;
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	// No money.
	let mut net = Net::new(vec![Node::new(SmallEngine::new(&liar, &honest, (false, true)), POOR)]);
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	assert_eq!(net.nodes[0].engine.noted(Note::MismatchSeen).len(), 1);
}

#[test]
fn no_challenge_is_opened_after_the_window() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.with(|| {
		claim(&liar);
		pass(WINDOW + 1);
	});
	assert!(net.blocks(5).is_empty());
	assert_eq!(net.nodes[1].engine.requests(), 0);
}

#[test]
fn a_watcher_without_the_openings_makes_no_wrong_move() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.indexes = false;
	let job = net.with(|| claim(&liar));
	let calls = net.blocks(30);
	// It asked the first question and could not read the answer.
	assert_eq!(calls.iter().filter(|call| matches!(call, Call::ask { .. })).count(), 1);
	net.with(|| assert_eq!(end_of(job), None));
}
