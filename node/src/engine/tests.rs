//! The engine end to end, without a chain: a small model on disk, requests in, responses out.

use super::{
	config::{EngineArgs, EngineConfig},
	drill::{Drill, Target},
	pool::EngineGuard,
	service::EngineService,
};
use assay_executor::{Bundle, Manifest};
use assay_host::{Engine, Poll, Request, Response, Role, Roles, RunSpec, Status};
use assay_referee::{tree, verify_fault, FaultProof, NodeKey, Object, Program};
use codec::Decode;
use sc_service::ChainType;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystorePtr};
use std::{
	path::Path,
	sync::Arc,
	time::{Duration, Instant},
};

const ELEMENTS: u32 = 512;
const OPS: u32 = 6;

fn program() -> Program {
	Program::decode(&assay_primitives::samples::chain(OPS, ELEMENTS)).expect("a valid program")
}

/// Writes the model into a folder of models; returns its name.
fn publish(models: &Path) -> [u8; 32] {
	let program = program();
	let manifest = Manifest::new(&program, tree::hash(&[]), &[], &[]).expect("it has a byte form");
	let id = manifest.model_id;
	Bundle::new(program, &[], manifest)
		.expect("the parts fit")
		.write(models.join("negate"))
		.expect("the folder is writable");
	id
}

struct Node {
	engine: EngineService,
	_guard: EngineGuard,
	_dir: tempfile::TempDir,
	model: [u8; 32],
	keystore: KeystorePtr,
}

fn node(drills: Vec<Drill>) -> Node {
	let dir = tempfile::tempdir().expect("a folder");
	let model = publish(dir.path());
	let config = EngineConfig {
		roles: Roles { operator: true, watcher: true },
		models_dir: dir.path().to_owned(),
		threads: 2,
		trace_memory: 1 << 20,
		drills,
		dev_seed: Some("//Alice".into()),
	};
	let keystore: KeystorePtr = Arc::new(MemoryKeystore::new());
	let (engine, _guard) = EngineService::start(config, &keystore, None).expect("it starts");
	Node { engine, _guard, _dir: dir, model, keystore }
}

impl Node {
	fn spec(&self, role: Role, job: u64) -> RunSpec {
		let input = (0..ELEMENTS).flat_map(|i| (i + 1).to_le_bytes()).collect();
		RunSpec { role, model: self.model, job, input }
	}

	/// Submits the request and waits for the answer.
	fn ask(&mut self, request: Request) -> Response {
		let id = request.id();
		let deadline = Instant::now() + Duration::from_secs(20);
		loop {
			match self.engine.poll(&id) {
				Poll::Ready(bytes) => {
					return Response::decode(&mut &bytes[..]).expect("it decodes")
				},
				Poll::Not(Status::Unknown) => {
					let status = self.engine.submit(id, request.clone());
					assert!(matches!(status, Status::Queued | Status::Running), "{status:?}");
				},
				Poll::Not(_) => std::thread::sleep(Duration::from_millis(2)),
			}
			assert!(Instant::now() < deadline, "no answer to {request:?}");
		}
	}

	fn output_root(&mut self, role: Role, job: u64) -> [u8; 32] {
		match self.ask(Request::Run(self.spec(role, job))) {
			Response::Run { output_root, output } => {
				assert_eq!(tree::hash(&output), output_root);
				output_root
			},
			other => panic!("{other:?}"),
		}
	}

	fn trace_root(&mut self, role: Role, job: u64) -> [u8; 32] {
		match self.ask(Request::Trace(self.spec(role, job))) {
			Response::Trace { trace_root, .. } => trace_root,
			other => panic!("{other:?}"),
		}
	}

	/// Plays a dispute about `job` to its end: how many nodes were opened, and the proof.
	fn dispute(&mut self, job: u64) -> (usize, FaultProof) {
		let trace_root = self.trace_root(Role::Operator, job);
		let mut openings = Vec::new();
		loop {
			let spec = self.spec(Role::Watcher, job);
			let request = Request::NextMove { spec, trace_root, openings: openings.clone() };
			match self.ask(request) {
				Response::Ask(node) => {
					let spec = self.spec(Role::Operator, job);
					match self.ask(Request::Open { spec, node }) {
						Response::Opening(opening) => openings.push((node, opening)),
						other => panic!("{other:?}"),
					}
				},
				Response::Prove(bytes) => {
					return (openings.len(), FaultProof::from_bytes(&bytes).expect("it decodes"))
				},
				other => panic!("{other:?}"),
			}
		}
	}
}

#[test]
fn runs_models_and_answers_honestly() {
	let mut node = node(vec![]);
	let expected = tree::hash(&node.spec(Role::Operator, 1).input);
	// An even number of negations changes nothing.
	assert_eq!(node.output_root(Role::Operator, 1), expected);
	assert_eq!(node.output_root(Role::Watcher, 1), expected);
	let trace_root = node.trace_root(Role::Operator, 1);
	assert_eq!(trace_root, node.trace_root(Role::Watcher, 1));
	let spec = node.spec(Role::Watcher, 1);
	let request = Request::NextMove { spec, trace_root, openings: vec![] };
	assert_eq!(node.ask(request), Response::Agree);
}

#[test]
fn every_lie_is_found_and_proved() {
	let targets = [Target::First, Target::Middle, Target::Last, Target::Random, Target::Op(1)];
	let mut node = node(targets.map(Drill::Lie).to_vec());
	for (job, target) in (0u64..).zip(targets) {
		let honest = node.output_root(Role::Watcher, job);
		assert_ne!(node.output_root(Role::Operator, job), honest, "{target:?}");
		let trace_root = node.trace_root(Role::Operator, job);
		let (asked, proof) = node.dispute(job);
		assert!(asked <= 6, "{target:?} took {asked} moves");
		assert_eq!(proof.entry, Drill::Lie(target).op(job, OPS), "{target:?}");

		let input = node.spec(Role::Operator, job).input;
		let commitments = assay_referee::Commitments {
			program_root: program().root().expect("it has a byte form"),
			n_ops: OPS,
			weights_root: tree::hash(&[]),
			weights_len: 0,
			input_root: tree::hash(&input),
			input_len: input.len() as u64,
			trace_root,
		};
		verify_fault(&commitments, &proof).expect("the referee agrees");
	}
}

#[test]
fn restarted_node_tells_the_same_lie() {
	let lies = || vec![Drill::Lie(Target::Random)];
	let (mut before, mut after) = (node(lies()), node(lies()));
	for job in 0..4 {
		assert_eq!(before.output_root(Role::Operator, job), after.output_root(Role::Operator, job));
		assert_eq!(before.trace_root(Role::Operator, job), after.trace_root(Role::Operator, job));
	}
}

#[test]
fn silent_and_unresponsive_drills_withhold() {
	let mut node = node(vec![Drill::Silent, Drill::Unresponsive]);
	let honest = node.output_root(Role::Watcher, 0);
	for job in [0, 1] {
		assert_ne!(node.output_root(Role::Operator, job), honest);
	}
	let top = NodeKey { object: Object::Trace, level: NodeKey::TOP, index: 0 };
	let withheld = [
		Request::Trace(node.spec(Role::Operator, 0)),
		Request::Open { spec: node.spec(Role::Operator, 1), node: top },
	];
	// The unresponsive one does reveal its trace, and nobody else is affected.
	node.trace_root(Role::Operator, 1);
	node.trace_root(Role::Watcher, 0);
	for request in withheld {
		for _ in 0..3 {
			assert_eq!(node.engine.submit(request.id(), request.clone()), Status::Running);
			assert!(matches!(node.engine.poll(&request.id()), Poll::Not(Status::Unknown)));
		}
	}
}

#[test]
fn wrong_requests_fail_clearly() {
	let mut node = node(vec![]);
	let mut spec = node.spec(Role::Operator, 0);
	spec.input.pop();
	match node.ask(Request::Run(spec)) {
		Response::Failed(reason) => assert!(reason.contains("2047 bytes"), "{reason}"),
		other => panic!("{other:?}"),
	}
	let mut spec = node.spec(Role::Operator, 0);
	spec.model = [7; 32];
	let request = Request::Run(spec);
	assert_eq!(node.engine.submit(request.id(), request), Status::NoModel);
	assert!(!node.engine.has_model(&[7; 32]));
	let model = node.model;
	assert!(node.engine.has_model(&model));
}

#[test]
fn dev_seed_gives_the_service_key() {
	let node = node(vec![]);
	let keys = node.keystore.sr25519_public_keys(assay_primitives::service::KEY_TYPE);
	assert_eq!(keys, [sp_keyring::Sr25519Keyring::Alice.public()]);
}

#[test]
fn damaged_bundles_are_left_out() {
	let mut node = node(vec![]);
	let folder = node._dir.path().join("negate");
	let mut bytes = std::fs::read(folder.join("program.bin")).expect("it is there");
	bytes[1024] ^= 1;
	std::fs::write(folder.join("program.bin"), bytes).expect("it is writable");
	let request = Request::Run(node.spec(Role::Operator, 0));
	assert!(matches!(node.ask(request), Response::Failed(_)));
	let model = node.model;
	assert!(!node.engine.has_model(&model));
}

#[test]
fn stopping_is_quick() {
	let node = node(vec![]);
	let start = Instant::now();
	drop(node);
	assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn drills_are_for_development_chains() {
	let args = EngineArgs { operator: true, drill: vec![Drill::Silent], ..Default::default() };
	let make = |args: &EngineArgs, chain| {
		EngineConfig::from_parts(args, &chain, "models".into(), Some("//Alice".into()))
	};
	for chain in [ChainType::Development, ChainType::Local] {
		let config = make(&args, chain).expect("accepted").expect("has a role");
		assert_eq!(config.drills, args.drill);
	}
	for chain in [ChainType::Live, ChainType::Custom("mine".into())] {
		let error = make(&args, chain).expect_err("refused");
		assert!(error.contains("development"), "{error}");
	}
	let honest = EngineArgs { watch: true, ..Default::default() };
	let config = make(&honest, ChainType::Live).expect("accepted").expect("has a role");
	assert_eq!(config.dev_seed, None);
	assert!(make(&EngineArgs::default(), ChainType::Live).expect("accepted").is_none());
	let watcher = EngineArgs { watch: true, ..args };
	let watcher = EngineArgs { operator: false, ..watcher };
	assert!(make(&watcher, ChainType::Development).is_err());
}

#[test]
fn drills_parse() {
	for (text, drill) in [
		("lie:first", Drill::Lie(Target::First)),
		("lie:middle", Drill::Lie(Target::Middle)),
		("lie:last", Drill::Lie(Target::Last)),
		("lie:random", Drill::Lie(Target::Random)),
		("lie:17", Drill::Lie(Target::Op(17))),
		("silent", Drill::Silent),
		("unresponsive", Drill::Unresponsive),
	] {
		assert_eq!(text.parse(), Ok(drill));
	}
	for text in ["", "lie", "lie:", "lie:-1", "lie:conv", "quiet"] {
		assert!(text.parse::<Drill>().is_err(), "{text:?}");
	}
}
