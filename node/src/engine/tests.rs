//! The engine end to end, without a chain: a small model on disk, requests in, responses out.

use super::{
	config::{EngineArgs, EngineConfig},
	drill::{Drill, Target},
	pool::EngineGuard,
	service::EngineService,
};
use assay_executor::{Bundle, Manifest};
use assay_host::{
	Class, Engine, Limits, Poll, Request, Response, Roles, RunSpec, Status, Submission, Terms,
};
use assay_referee::{tree, verify_fault, FaultProof, NodeKey, Object, Program};
use codec::{Decode, Encode};
use sc_service::ChainType;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystorePtr};
use std::{
	collections::BTreeSet,
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

fn config(models_dir: &Path) -> EngineConfig {
	EngineConfig {
		roles: Roles { operator: true, watcher: true, cheats: false },
		models_dir: models_dir.to_owned(),
		threads: 2,
		trace_memory: 1 << 20,
		drills: vec![],
		dev_seed: Some("//Alice".into()),
		limits: Limits::default(),
		accounts: BTreeSet::new(),
	}
}

fn start(config: impl FnOnce(&Path) -> EngineConfig) -> Node {
	let dir = tempfile::tempdir().expect("a folder");
	let model = publish(dir.path());
	let keystore: KeystorePtr = Arc::new(MemoryKeystore::new());
	let block = Duration::from_secs(3);
	let (engine, _guard) =
		EngineService::start(config(dir.path()), block, &keystore, None).expect("it starts");
	Node { engine, _guard, _dir: dir, model, keystore }
}

fn node(drills: Vec<Drill>) -> Node {
	start(|dir| EngineConfig { drills, ..config(dir) })
}

/// Whose run it is: the operator's lie in a drill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
	Operator,
	Watcher,
}

fn input() -> Vec<u8> {
	(0..ELEMENTS).flat_map(|i| (i + 1).to_le_bytes()).collect()
}

const TERMS: Terms = Terms { class: Class::Job, deadline: 100, at_stake: 1, job: 0 };

fn submission(request: &Request) -> Submission {
	Submission { request: request.clone(), terms: TERMS, input: input() }
}

impl Node {
	fn spec(&self, role: Role, job: u64) -> RunSpec {
		let lie = (role == Role::Operator).then_some(job);
		RunSpec { model: self.model, input_root: tree::hash(&input()), lie }
	}

	fn submit(&mut self, request: &Request) -> Status {
		self.engine.submit(request.id(), submission(request))
	}

	fn poll(&mut self, request: &Request) -> Poll {
		self.engine.poll(&request.id(), TERMS.class, TERMS.deadline)
	}

	/// Submits the request and waits for the answer.
	fn ask(&mut self, request: Request) -> Response {
		let deadline = Instant::now() + Duration::from_secs(20);
		loop {
			match self.poll(&request) {
				Poll::Ready(bytes) => {
					return Response::decode(&mut &bytes[..]).expect("it decodes")
				},
				Poll::Not(Status::Unknown) => {
					let status = self.submit(&request);
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
	let expected = tree::hash(&input());
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

		let input = input();
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
			assert_eq!(node.submit(&request), Status::Running);
			assert!(matches!(node.poll(&request), Poll::Not(Status::Unknown)));
		}
	}
}

/// Pieces of an output prove themselves, in any order, and also after the trace was forgotten.
#[test]
fn pieces_of_the_output_are_under_its_root() {
	let mut node = start(|dir| EngineConfig { trace_memory: 0, ..config(dir) });
	let root = node.output_root(Role::Operator, 0);
	let len = u64::from(ELEMENTS) * 4;
	let spec = node.spec(Role::Operator, 0);
	for (first, chunks) in [(1, 1), (0, 2), (0, 1)] {
		let Response::Output(slice) = node.ask(Request::Output { spec, first, chunks }) else {
			panic!("it is there")
		};
		slice.verify(&root, len).expect("it is under the root");
		assert_eq!((slice.start, slice.data.len() as u64), (first, chunks * 1_024));
	}
	let beyond = node.ask(Request::Output { spec, first: 1, chunks: 2 });
	assert!(matches!(beyond, Response::Failed(_)), "{beyond:?}");
}

/// Who withholds the output lies about nothing; and who lies delivers what it claimed.
#[test]
fn withholding_drill_keeps_the_output_only() {
	let mut node = node(vec![Drill::Withholding, Drill::Lie(Target::Last)]);
	let honest = node.output_root(Role::Watcher, 0);
	assert_eq!(node.output_root(Role::Operator, 0), honest);
	assert_eq!(node.trace_root(Role::Operator, 0), node.trace_root(Role::Watcher, 0));
	let output = |spec| Request::Output { spec, first: 0, chunks: 2 };
	let withheld = output(node.spec(Role::Operator, 0));
	assert_eq!(node.submit(&withheld), Status::Running);
	assert!(matches!(node.poll(&withheld), Poll::Not(Status::Unknown)));
	let lie = node.output_root(Role::Operator, 1);
	assert_ne!(lie, honest);
	let request = output(node.spec(Role::Operator, 1));
	let Response::Output(slice) = node.ask(request) else { panic!("it is there") };
	slice.verify(&lie, u64::from(ELEMENTS) * 4).expect("what it claimed");
}

#[test]
fn wrong_requests_fail_clearly() {
	let mut node = node(vec![]);
	let mut short = input();
	short.pop();
	let spec = RunSpec { input_root: tree::hash(&short), ..node.spec(Role::Watcher, 0) };
	let request = Request::Run(spec);
	let submission = Submission { input: short, ..submission(&request) };
	assert_eq!(node.engine.submit(request.id(), submission), Status::Queued);
	match node.ask(request) {
		Response::Failed(reason) => assert!(reason.contains("2047 bytes"), "{reason}"),
		other => panic!("{other:?}"),
	}
	let request = Request::Run(RunSpec { model: [7; 32], ..node.spec(Role::Watcher, 0) });
	assert_eq!(node.submit(&request), Status::NoModel);
	assert!(!node.engine.has_model(&[7; 32]));
	let model = node.model;
	assert!(node.engine.has_model(&model));
	assert_eq!(node.engine.models(), [model]);
}

#[test]
fn another_input_than_the_named_one_is_refused() {
	let mut node = node(vec![]);
	let request = Request::Run(node.spec(Role::Watcher, 0));
	let mut submission = submission(&request);
	submission.input[0] ^= 1;
	assert_eq!(node.engine.submit(request.id(), submission), Status::Unknown);
	assert!(matches!(node.poll(&request), Poll::Not(Status::Unknown)));
	// Nor does it stand in the way of the right one.
	assert_eq!(node.submit(&request), Status::Queued);
	assert!(matches!(node.ask(request), Response::Run { .. }));
}

#[test]
fn equal_claims_are_one_run_and_a_trace_answers_it_too() {
	let mut node = node(vec![]);
	let model = node.model;
	assert_eq!(node.engine.run_micros(&model), None);
	let trace = Request::Trace(node.spec(Role::Watcher, 0));
	assert!(matches!(node.ask(trace), Response::Trace { .. }));
	let request = Request::Run(node.spec(Role::Watcher, 0));
	let Response::Run { output_root, .. } = node.ask(request.clone()) else { panic!("a run") };
	assert_eq!(output_root, tree::hash(&input()));
	// It was known: nothing ran that could have been measured.
	assert_eq!(node.engine.run_micros(&model), None);
	for _ in 0..1_000 {
		assert!(matches!(node.poll(&request), Poll::Ready(_)));
		assert_eq!(node.submit(&request), Status::Ready);
	}
	let lie = Request::Run(node.spec(Role::Operator, 0));
	node.ask(lie);
	assert!(node.engine.run_micros(&model).is_some_and(|micros| micros > 0));
	assert_eq!(node.engine.backlog_micros(Class::Other), 0);
}

#[tokio::test]
async fn answers_wake_the_worker() {
	let mut node = node(vec![]);
	let answered = node.engine.answered();
	let request = Request::Run(node.spec(Role::Watcher, 0));
	assert_eq!(node.submit(&request), Status::Queued);
	let woken = tokio::time::timeout(Duration::from_secs(20), answered.notified());
	woken.await.expect("there is an answer");
	assert!(matches!(node.poll(&request), Poll::Ready(_)));
}

#[test]
fn acts_for_whom_it_was_told_to() {
	let alice = sp_keyring::Sr25519Keyring::Alice.to_account_id();
	let bob = sp_keyring::Sr25519Keyring::Bob.to_account_id();
	let limits = Limits { max_run_micros: Some(5), max_exposure: Some(6) };
	let mut chosen =
		start(|dir| EngineConfig { accounts: [alice.clone()].into(), limits, ..config(dir) });
	assert!(chosen.engine.acts_for(&alice.encode()));
	assert!(!chosen.engine.acts_for(&bob.encode()));
	assert_eq!(chosen.engine.limits(), limits);
	let mut any = node(vec![]);
	assert!(any.engine.acts_for(&alice.encode()) && any.engine.acts_for(&bob.encode()));
	assert_eq!(any.engine.limits(), Limits::default());
}

#[test]
fn dev_seed_gives_the_service_key() {
	let node = node(vec![]);
	let keys = node.keystore.sr25519_public_keys(assay_primitives::service::KEY_TYPE);
	assert_eq!(keys, [sp_keyring::Sr25519Keyring::Alice.public()]);
}

#[test]
fn a_damaged_bundle_is_asked_for_until_it_is_mended() {
	let mut node = node(vec![]);
	let (model, path) = (node.model, node._dir.path().join("negate").join("program.bin"));
	let whole = std::fs::read(&path).expect("it is there");
	let mut damaged = whole.clone();
	damaged[1024] ^= 1;
	std::fs::write(&path, damaged).expect("it is writable");
	let trace = |node: &Node, job| Request::Trace(node.spec(Role::Operator, job));
	let request = trace(&node, 0);
	assert!(matches!(node.ask(request), Response::Failed(_)));
	// While a claim may be owed the model is not given up, nor its files read again for each request.
	assert!(node.engine.has_model(&model));
	let request = trace(&node, 1);
	assert!(matches!(node.ask(request), Response::Failed(_)));
	assert!(node.engine.has_model(&model));
	// The new files are noticed long before the next attempt is due.
	std::thread::sleep(Duration::from_millis(1_100));
	std::fs::write(&path, whole).expect("it is writable");
	let request = trace(&node, 2);
	assert!(matches!(node.ask(request), Response::Trace { .. }));
	// Without files there is no model.
	assert_eq!(node.engine.models(), [model]);
}

#[test]
fn a_model_whose_files_are_gone_is_not_there() {
	let mut node = node(vec![]);
	let model = node.model;
	std::fs::remove_dir_all(node._dir.path().join("negate")).expect("it is there");
	let request = Request::Run(node.spec(Role::Watcher, 0));
	assert!(matches!(node.ask(request), Response::Failed(_)));
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
	let error = make(&honest, ChainType::Live).expect_err("for nobody");
	assert!(error.contains("--service-account"), "{error}");
	assert!(make(&honest, ChainType::Local).is_ok());
	let alice = sp_keyring::Sr25519Keyring::Alice.to_account_id();
	let honest = EngineArgs { service_account: vec![alice], ..honest };
	let config = make(&honest, ChainType::Live).expect("accepted").expect("has a role");
	assert_eq!(config.dev_seed, None);
	assert!(make(&EngineArgs::default(), ChainType::Live).expect("accepted").is_none());
	assert!(make(&args, ChainType::Local).expect("accepted").expect("has a role").roles.cheats);
	let watcher = EngineArgs { watch: true, ..args };
	let watcher = EngineArgs { operator: false, ..watcher };
	assert!(make(&watcher, ChainType::Development).is_err());
}

#[test]
fn options_are_read_from_the_command_line() {
	#[derive(clap::Parser)]
	struct Line {
		#[clap(flatten)]
		engine: EngineArgs,
	}
	let parse = |line: &[&str]| {
		let line = <Line as clap::Parser>::try_parse_from([&["node"], line].concat())
			.map_err(|error| error.to_string())?;
		EngineConfig::from_parts(&line.engine, &ChainType::Live, "models".into(), None)
	};
	let alice = sp_keyring::Sr25519Keyring::Alice.to_account_id();
	let (address, hex) = (alice.to_string(), format!("0x{}", hex::encode(&alice)));
	let bob = sp_keyring::Sr25519Keyring::Bob.to_account_id();
	let bob_hex = format!("0x{}", hex::encode(&bob));
	let line = [
		"--operator",
		"--service-account",
		&address,
		"--service-account",
		&hex,
		"--service-account",
		&bob_hex,
		"--max-run-seconds",
		"1.5",
		"--max-exposure",
		"20.25",
	];
	let config = parse(&line).expect("accepted").expect("has a role");
	assert_eq!(config.accounts, [alice, bob].into());
	let limits = Limits { max_run_micros: Some(1_500_000), max_exposure: Some(20_250_000_000_000) };
	assert_eq!(config.limits, limits);
	assert!(!config.roles.cheats);
	for wrong in [
		&["--operator", "--service-account", "5nobody"][..],
		&["--operator", "--service-account", &address, "--max-exposure", "much"],
		&["--watch", "--service-account", &address, "--max-exposure", "1"],
		&["--operator"],
		&["--operator", "--watch", "--max-exposure", "1"],
		&["--service-account", &address],
		&["--max-run-seconds", "1"],
	] {
		assert!(parse(wrong).is_err(), "{wrong:?}");
	}
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
		("withholding", Drill::Withholding),
	] {
		assert_eq!(text.parse(), Ok(drill));
	}
	for text in ["", "lie", "lie:", "lie:-1", "lie:conv", "quiet"] {
		assert!(text.parse::<Drill>().is_err(), "{text:?}");
	}
}
