//! One network of real node processes, and on it everything that only processes can show: a job
//! answered and paid while its operator restarts, a lie refuted, a silent operator slashed, and bad
//! input refused with words.

#![allow(clippy::unwrap_used)]

use assay_client::{
	account,
	amount::ASY,
	bundles,
	chain::{calls, drift, records::FaultKind, JobStatus},
	cli::{self, Cli},
	commands::{
		doctor::{examine, DoctorArgs, Verdict},
		job, model,
	},
	npz::Tensor,
	timeline::End,
	Api, Error, Kind, Until,
};
use assay_executor::{Options, Session};
use assay_tests::{
	devnet::Devnet,
	inputs::{best_of_rows, Digits},
	node::{self, NodeSpec},
	recorder::Recorder,
	roles::{self, Account},
};
use clap::Parser;
use std::{
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};
use subxt::utils::H256;
use subxt_signer::sr25519::Keypair;

const PATIENCE: Duration = Duration::from_secs(420);
const STAKE: u128 = 1_000 * ASY;

fn shipped(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits").join(name)
}

/// The network, its models and its accounts.
struct Scene {
	// Ends before the network does.
	recorder: Recorder,
	/// Connection to Bob's node, which runs throughout.
	api: Api,
	net: Devnet,
	digits: Digits,
	models: tempfile::TempDir,
	model: H256,
	requester: Account,
	honest: Account,
	liars: [Account; 2],
	watcher: Account,
}

impl Scene {
	async fn set() -> Scene {
		let models = tempfile::tempdir().unwrap();
		let onnx = shipped("digits.onnx");
		let model = roles::compile_digits(&onnx, &models.path().join("digits"), 1).unwrap();
		let lying = ["--alice", "--operator", "--drill", "lie:middle", "--drill", "silent"];
		let nodes = [
			NodeSpec::new("alice", &lying),
			NodeSpec::new("bob", &["--bob", "--watch"]),
			NodeSpec::new("charlie", &["--operator"]),
		];
		let mut net = Devnet::with_found_binary(models.path(), &nodes).await.unwrap();
		let api = net.api("bob").await.unwrap();
		let dev = |path| roles::dev(path).unwrap();
		let scene = Scene {
			recorder: Recorder::start(api.clone()),
			digits: Digits::load(&shipped("heldout.npz")).unwrap(),
			requester: dev("//Alice//stash"),
			honest: dev("//Charlie"),
			liars: [dev("//Dave"), dev("//Eve")],
			watcher: dev("//Bob"),
			net,
			api,
			models,
			model,
		};
		scene.cast().await
	}

	/// Publishes the model and gives everybody their roles.
	async fn cast(mut self) -> Scene {
		let bundle = bundles::load(&self.models.path().join("digits")).unwrap();
		let key = &self.requester.key;
		let sent = model::publish(&self.api, &bundle, None, key, Until::InBlock).await.unwrap();
		assert!(!sent.already_registered);
		let again = model::publish(&self.api, &bundle, None, key, Until::InBlock).await.unwrap();
		assert!(again.already_registered, "publishing twice is harmless");
		let alice = self.net.api("alice").await.unwrap();
		let charlie = self.net.api("charlie").await.unwrap();
		let models = [self.model];
		let (a, b, c, d) = futures::join!(
			roles::become_operator(&charlie, &self.honest, STAKE, &models),
			roles::become_operator(&alice, &self.liars[0], STAKE, &models),
			roles::become_operator(&alice, &self.liars[1], STAKE, &models),
			roles::become_watcher(&self.api, &self.watcher),
		);
		for outcome in [a, b, c] {
			outcome.unwrap();
		}
		d.unwrap();
		self
	}

	fn input(&self, image: usize) -> Vec<u8> {
		let described = bundles::describe(&self.models.path().join("digits")).unwrap();
		bundles::pack_tensors(&described.manifest, &[self.digits.batch(image, 1)]).unwrap()
	}

	async fn ask(&self, operator: &Account, image: usize) -> u64 {
		self.ask_as(&self.requester.key, None, Some(operator), image).await.unwrap().job
	}

	async fn ask_as(
		&self,
		signer: &Keypair,
		fee: Option<u128>,
		operator: Option<&Account>,
		image: usize,
	) -> Result<job::Requested, Error> {
		let at = self.api.best().await?;
		let model = model::resolve(&self.api, &at, "digits").await?;
		let operator = operator.map(|operator| &operator.id);
		let input = self.input(image);
		job::request(&self.api, &model, &input, fee, operator, signer, Until::InBlock).await
	}

	async fn stake(&self, account: &Account) -> u128 {
		let at = self.api.finalized().await.unwrap();
		self.api.operator(&at, &account.id).await.unwrap().map_or(0, |o| o.record.stake)
	}

	async fn owns(&self, account: &Account) -> u128 {
		let at = self.api.finalized().await.unwrap();
		self.api.balance(&at, &account.id).await.unwrap().total()
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_serves_restarts_and_slashes() {
	let mut scene = Scene::set().await;
	the_committed_metadata_is_the_nodes(&scene);
	let watcher_before = scene.owns(&scene.watcher).await;

	// Two consecutive numbers get both drills, whichever comes first.
	let lies = [scene.ask(&scene.liars[0], 1).await, scene.ask(&scene.liars[1], 2).await];
	let job = scene.ask(&scene.honest, 0).await;

	scene.recorder.event_of(job, "Jobs::Accepted", PATIENCE).await.unwrap();
	an_operator_restarts(&mut scene).await;
	bad_input_is_refused(&scene, job).await;
	the_command_line_agrees(&scene).await;

	the_answer_is_right_and_paid(&scene, job).await;
	for (lie, liar) in lies.into_iter().zip(&scene.liars) {
		a_cheat_is_slashed(&scene, lie, liar).await;
	}
	assert_eq!(scene.stake(&scene.honest).await, STAKE, "honest operators keep their stake");
	assert!(scene.owns(&scene.watcher).await > watcher_before, "the watcher was rewarded");
	metrics_tell(&mut scene);
	everything_stops(&mut scene).await;
}

fn the_committed_metadata_is_the_nodes(scene: &Scene) {
	assert_eq!(scene.api.drift(), []);
	let binary = node::find_binary().unwrap();
	let output = std::process::Command::new(binary).arg("export-metadata").output().unwrap();
	assert!(output.status.success());
	assert!(
		output.stdout == drift::COMMITTED_METADATA,
		"the runtime changed: run scripts/update-metadata and commit the result"
	);
}

/// The operator's node stops in the middle of a job and, started again, goes on with it.
async fn an_operator_restarts(scene: &mut Scene) {
	let node = scene.net.node("charlie").unwrap();
	let (status, took) = node.stop("TERM").await.unwrap();
	assert!(status.success(), "{status}");
	assert!(took < Duration::from_secs(20), "stopping took {took:?}");
	node.restart().await.unwrap();
}

async fn the_answer_is_right_and_paid(scene: &Scene, job: u64) {
	let history = scene.recorder.end_of(job, PATIENCE).await.unwrap();
	assert_eq!(history.end, Some(End::Final), "{:#?}", history.entries);
	for event in ["Jobs::Requested", "Jobs::Accepted", "Jobs::Claimed", "Jobs::Finalized"] {
		assert!(history.event(event).is_some(), "{event} is missing");
	}
	let at = scene.api.finalized().await.unwrap();
	let output = scene.api.job_output(&at, job).await.unwrap().unwrap();
	let bundle = Arc::new(bundles::load(&scene.models.path().join("digits")).unwrap());
	let named = bundles::unpack(bundle.manifest(), &output).unwrap();
	assert_eq!(best_of_rows(&named[0], 10).unwrap(), [scene.digits.labels[0]]);
	let session = Session::new(bundle, Options::default()).unwrap();
	assert_eq!(session.run(&scene.input(0)).unwrap(), output, "the same bits on this machine");
	let record = scene.api.job(&at, job).await.unwrap().unwrap();
	assert_eq!(record.output_root().unwrap().0, Session::output_root(&output));
	assert_eq!(history.event("Jobs::Finalized").unwrap().balance("paid"), Some(record.fee));
}

async fn a_cheat_is_slashed(scene: &Scene, job: u64, liar: &Account) {
	let history = scene.recorder.end_of(job, PATIENCE).await.unwrap();
	assert_eq!(history.end, Some(End::Fraud), "{:#?}", history.entries);
	let at = scene.api.finalized().await.unwrap();
	let status = scene.api.job(&at, job).await.unwrap().unwrap().status;
	let JobStatus::Fraud { fault, operator, .. } = status else { panic!("{status}") };
	assert_eq!(operator, liar.id);
	match job % 2 {
		0 => assert!(matches!(fault, FaultKind::Leaf { .. } | FaultKind::Chunk { .. }), "{fault}"),
		_ => assert_eq!(fault, FaultKind::NoTrace),
	}
	let slashed = history.event("Jobs::FaultAccepted").unwrap().balance("slashed").unwrap();
	assert!(slashed > 0);
	assert_eq!(scene.stake(liar).await, STAKE - slashed);
	let finder = history.event("Jobs::SlashShared").unwrap().text_of("finder").unwrap().to_string();
	assert_eq!(finder, scene.watcher.id.to_string(), "the watcher found it on its own");
}

async fn bad_input_is_refused(scene: &Scene, job: u64) {
	let (api, stranger) = (&scene.api, roles::dev("//Ferdie").unwrap());
	let refused = |error: Error, code: &str| {
		assert_eq!((error.kind, error.code.as_deref()), (Kind::Refused, Some(code)), "{error}");
		assert!(error.hint.is_some(), "{error} says what to do");
	};
	let at = api.best().await.unwrap();
	let error = model::resolve(api, &at, "no such model").await.unwrap_err();
	assert_eq!(error.kind, Kind::NotFound);

	let error = scene.ask_as(&stranger.key, Some(1), None, 0).await.unwrap_err();
	assert!(error.to_string().contains("--fee"), "{error}");
	refused(error, "Jobs::FeeTooSmall");

	let call = calls::request_job(H256([7; 32]), &[0; 8], ASY, None);
	let error = api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	refused(error, "Jobs::ModelUnknown");

	let call = calls::request_job(scene.model, &[0; 8], ASY, None);
	let error = api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	refused(error, "Jobs::InputLength");

	let call = calls::claim_job(job, 0, [1; 32], &[0; 40]);
	let error = api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	let code = error.code.clone().unwrap_or_default();
	assert!(code == "Jobs::NotAssignee" || code == "Jobs::NotAssigned", "{error}");

	let call = calls::prove_fault(job, b"not a proof");
	let error = api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	let code = error.code.clone().unwrap_or_default();
	assert!(code == "Challenges::BadProof" || code == "Challenges::TraceNotPosted", "{error}");

	let poor = account::keypair("//Nobody").unwrap();
	let error = scene.ask_as(&poor, None, None, 0).await.unwrap_err();
	assert_eq!(error.kind, Kind::Refused, "{error}");
	assert!(error.to_string().contains("cannot pay"), "{error}");

	let described = bundles::describe(&scene.models.path().join("digits")).unwrap();
	let wrong = Tensor::f32("image", &[1, 64], &[0.0; 64]);
	let error = bundles::pack_tensors(&described.manifest, &[wrong]).unwrap_err();
	assert!(error.to_string().contains("float32[1, 1, 8, 8]"), "{error}");
	let error = Api::connect("ws://127.0.0.1:9").await.err().unwrap();
	assert_eq!(error.kind, Kind::Unreachable);
}

async fn the_command_line_agrees(scene: &Scene) {
	let models = scene.models.path().to_string_lossy().into_owned();
	let parse = |line: &str| {
		let words = line.split(' ').map(String::from);
		let global = ["--url", scene.api.url(), "--models-dir", &models].map(String::from);
		Cli::try_parse_from(words.chain(global)).unwrap()
	};
	for line in
		["assay model show digits", "assay operator list", "assay job list", "assay challenge list"]
	{
		cli::run(parse(line)).await.unwrap_or_else(|error| panic!("{line}: {error}"));
	}
	let global = parse("assay doctor --suri //Bob").global;
	let checks = examine(&DoctorArgs::default(), &global).await.unwrap();
	let failed: Vec<_> = checks.iter().filter(|c| c.verdict == Verdict::Fail).collect();
	assert!(failed.is_empty(), "{failed:#?}");
	assert!(checks.iter().any(|c| c.name == "metadata" && c.verdict == Verdict::Ok));
}

fn metrics_tell(scene: &mut Scene) {
	let bob = scene.net.node("bob").unwrap();
	assert!(bob.metric("assay_mismatches_seen_total").unwrap_or_default() >= 2.0);
	assert!(bob.metric("assay_engine_runs_total").unwrap_or_default() >= 1.0);
	assert!(bob.metric("assay_engine_queue_length").is_some());
}

async fn everything_stops(scene: &mut Scene) {
	for node in &mut scene.net.nodes {
		let (status, took) = node.stop("INT").await.unwrap();
		assert!(status.success(), "{}: {status}", node.name);
		assert!(took < Duration::from_secs(20), "{}: stopping took {took:?}", node.name);
	}
}
