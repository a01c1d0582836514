//! One network of real node processes, and on it everything that only processes can show: jobs
//! answered and paid while their operator restarts, with outputs inline and as a root only; lies
//! refuted by a chunk and by a single element, silent operators slashed; jobs cancelled, stake taken
//! back, and bad input refused with words; and what wallets expect of any chain.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod wallets;

use assay_client::{
	account,
	amount::ASY,
	bundles,
	chain::{calls, drift, records::FaultKind, JobStatus},
	cli::{self, Cli},
	commands::{
		doctor::{examine, DoctorArgs, Verdict},
		job,
		model::{self, Trust},
	},
	npz::{self, Tensor},
	output::{hex0x, Output},
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
/// Length of the wide network's input.
const WIDE_TERMS: u32 = 4_352;

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
	/// The digits network.
	model: H256,
	/// `tests/models/wide.onnx`: no claim of it carries its output, and no dispute about its
	/// product ends at a chunk.
	wide: H256,
	/// A network that nobody serves.
	unserved: H256,
	requester: Account,
	honest: Account,
	/// Two that lie about digits, two about the wide network.
	liars: [Account; 4],
	watcher: Account,
}

impl Scene {
	async fn set() -> Scene {
		let models = tempfile::tempdir().unwrap();
		let onnx = shipped("digits.onnx");
		let model = roles::compile_digits(&onnx, &models.path().join("digits"), 1).unwrap();
		let unserved = roles::compile_digits(&onnx, &models.path().join("digits-2"), 2).unwrap();
		let wide = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/wide.onnx");
		let wide = roles::compile_plain(&wide, &models.path().join("wide"), "wide").unwrap();
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
			liars: ["//Dave", "//Eve", "//Dave//stash", "//Eve//stash"].map(dev),
			watcher: dev("//Bob"),
			net,
			api,
			models,
			model,
			wide,
			unserved,
		};
		scene.cast().await
	}

	/// Publishes the models and gives everybody their roles.
	async fn cast(mut self) -> Scene {
		let publish = async |name: &str| {
			let bundle = bundles::load(&self.models.path().join(name)).unwrap();
			let key = &self.requester.key;
			model::publish(&self.api, &bundle, None, key, Until::InBlock).await.unwrap()
		};
		for name in ["digits", "digits-2", "wide"] {
			assert!(!publish(name).await.already_registered);
		}
		assert!(publish("digits").await.already_registered, "publishing twice is harmless");
		let alice = self.net.api("alice").await.unwrap();
		let charlie = self.net.api("charlie").await.unwrap();
		let models = [self.model, self.wide];
		let operator = |node, who| roles::become_operator(node, who, STAKE, &models);
		let liars = self.liars.iter().map(|liar| operator(&alice, liar));
		let (honest, liars, watcher) = futures::join!(
			operator(&charlie, &self.honest),
			futures::future::join_all(liars),
			roles::become_watcher(&self.api, &self.watcher),
		);
		for outcome in liars.into_iter().chain([honest]) {
			outcome.unwrap();
		}
		watcher.unwrap();
		self
	}

	fn input(&self, image: usize) -> Vec<u8> {
		let described = bundles::describe(&self.models.path().join("digits")).unwrap();
		bundles::pack_tensors(&described.manifest, &[self.digits.batch(image, 1)]).unwrap()
	}

	fn wide_input(&self) -> Vec<u8> {
		let row: Vec<f32> = (0..WIDE_TERMS).map(|i| (i % 97) as f32 / 97.0).collect();
		let described = bundles::describe(&self.models.path().join("wide")).unwrap();
		let tensor = Tensor::f32("x", &[1, WIDE_TERMS], &row);
		bundles::pack_tensors(&described.manifest, &[tensor]).unwrap()
	}

	async fn ask(&self, operator: &Account, image: usize) -> u64 {
		self.ask_as(&self.requester.key, None, Some(operator), image).await.unwrap().job
	}

	async fn ask_wide(&self, operator: &Account) -> u64 {
		let (id, input) = (self.wide, self.wide_input());
		let at = self.api.best().await.unwrap();
		let model = self.api.model(&at, id).await.unwrap().unwrap();
		let (key, by) = (&self.requester.key, Some(&operator.id));
		let sent = job::request(&self.api, &model, &input, None, by, key, Until::InBlock).await;
		sent.unwrap().job
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
	let lies = [
		scene.ask(&scene.liars[0], 1).await,
		scene.ask(&scene.liars[1], 2).await,
		scene.ask_wide(&scene.liars[2]).await,
		scene.ask_wide(&scene.liars[3]).await,
	];
	let job = scene.ask(&scene.honest, 0).await;

	scene.recorder.event_of(job, "Jobs::Accepted", PATIENCE).await.unwrap();
	an_operator_restarts(&mut scene).await;
	bad_input_is_refused(&scene, job).await;
	let wide = scene.ask_wide(&scene.honest).await;
	// Only now is it certain that a window is open: that of the first job may have passed while the node was
	// away, or not have begun.
	scene.recorder.event_of(wide, "Jobs::Claimed", PATIENCE).await.unwrap();
	a_bad_proof_is_refused(&scene, wide).await;
	a_large_answer_is_delivered(&scene, wide).await;
	two_senders_share_an_account(&scene).await;
	a_job_nobody_serves_is_cancelled(&scene).await;
	a_recall_is_heeded(&scene).await;
	the_command_line_agrees(&scene).await;
	// Nobody asks for anything or pays while this stops money for a block; disputes go on meanwhile.
	wallets::what_wallets_expect_is_there(&scene).await;

	the_answer_is_right_and_paid(&scene, job).await;
	a_large_answer_is_its_root(&scene, wide).await;
	a_delivered_answer_is_there_for_all(&scene, wide).await;
	for (lie, liar) in lies.into_iter().zip(&scene.liars) {
		a_cheat_is_slashed(&scene, lie, liar).await;
	}
	assert_eq!(scene.stake(&scene.honest).await, STAKE, "honest operators keep their stake");
	stake_comes_back_slowly(&scene).await;
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

/// Whoever sends second takes the next nonce instead of an error, also when it read its nonce before the
/// first had sent.
async fn two_senders_share_an_account(scene: &Scene) {
	let (api, key) = (&scene.api, &scene.requester.key);
	let (mut one, mut two) = (api.sender(key).await.unwrap(), api.sender(key).await.unwrap());
	let call = calls::transfer(&scene.honest.id, ASY);
	let waiting = one.send(&call).await.unwrap();
	let behind = two.send(&call).await.unwrap();
	for sent in [waiting, behind] {
		sent.wait(Until::InBlock).await.unwrap();
	}
	// Now both nonces are behind the chain's.
	let late = one.send(&call).await.unwrap();
	late.wait(Until::InBlock).await.unwrap();
	two.send(&call).await.unwrap().wait(Until::InBlock).await.unwrap();
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
	let session = Session::new(bundle, Options::default());
	assert_eq!(session.run(&scene.input(0)).unwrap(), output, "the same bits on this machine");
	let record = scene.api.job(&at, job).await.unwrap().unwrap();
	assert_eq!(record.output_root().unwrap().0, Session::output_root(&output));
	assert_eq!(history.event("Jobs::Finalized").unwrap().balance("paid"), Some(record.fee));
}

/// What the model gives for the wide input on this machine.
fn wide_output(scene: &Scene) -> Vec<u8> {
	let bundle = Arc::new(bundles::load(&scene.models.path().join("wide")).unwrap());
	Session::new(bundle, Options::default()).run(&scene.wide_input()).unwrap()
}

/// The requester of a long output gets it from the operator's node, against a fee, while the window is
/// open; nobody else can make it deliver.
async fn a_large_answer_is_delivered(scene: &Scene, job: u64) {
	let (api, out) = (&scene.api, Output::quiet());
	let stranger = roles::dev("//Ferdie").unwrap();
	let refused = job::fetch(api, job, ASY, || Ok(stranger.key.clone()), out).await.unwrap_err();
	assert_eq!(refused.code.as_deref(), Some("Jobs::NotRequester"), "{refused}");
	let signer = || Ok(scene.requester.key.clone());
	let dear = job::fetch(api, job, ASY / 100, signer, out).await.unwrap_err();
	assert!(dear.to_string().contains("--max-fee"), "{dear}");
	let fetched = job::fetch(api, job, ASY, signer, out).await.unwrap();
	assert!(fetched.bytes == wide_output(scene), "the same bits on this machine");
	assert_eq!((fetched.from, fetched.paid), (job::Origin::Operator, ASY / 5));
}

/// What was delivered is in the blocks, and costs nobody anything any more.
async fn a_delivered_answer_is_there_for_all(scene: &Scene, job: u64) {
	let unpaid = || -> Result<Keypair, Error> { panic!("there is nothing to pay") };
	let fetched = job::fetch(&scene.api, job, 0, unpaid, Output::quiet()).await.unwrap();
	assert!(fetched.bytes == wide_output(scene));
	assert_eq!((fetched.from, fetched.paid), (job::Origin::Blocks, 0));
}

/// An output of more than 16 KiB stays with those who compute it; the chain has its root.
async fn a_large_answer_is_its_root(scene: &Scene, job: u64) {
	let history = scene.recorder.end_of(job, PATIENCE).await.unwrap();
	assert_eq!(history.end, Some(End::Final), "{:#?}", history.entries);
	let at = scene.api.finalized().await.unwrap();
	assert_eq!(scene.api.job_output(&at, job).await.unwrap(), None);
	let record = scene.api.job(&at, job).await.unwrap().unwrap();
	assert_eq!(record.output_root().unwrap().0, Session::output_root(&wide_output(scene)));
}

/// The requester of a job that waits for an operator takes it back, and its fee.
async fn a_job_nobody_serves_is_cancelled(scene: &Scene) {
	let who = roles::dev("//Bob//stash").unwrap();
	let at = scene.api.best().await.unwrap();
	let model = scene.api.model(&at, scene.unserved).await.unwrap().unwrap();
	let before = scene.api.balance(&at, &who.id).await.unwrap();
	let input = [scene.input(3), scene.input(4)].concat();
	// Finalized: a job in a block that is abandoned later is unknown to the next call.
	let sent = job::request(&scene.api, &model, &input, None, None, &who.key, Until::Finalized);
	let sent = sent.await.unwrap();
	let stranger = roles::dev("//Ferdie").unwrap();
	let call = calls::cancel_job(sent.job);
	let error = scene.api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	assert_eq!(error.code.as_deref(), Some("Jobs::NotRequester"), "{error}");
	let receipt = scene.api.submit(&call, &who.key, Until::Finalized).await.unwrap();
	let at = scene.api.finalized().await.unwrap();
	let after = scene.api.balance(&at, &who.id).await.unwrap();
	let fees: u128 = sent.transaction_fee.parse::<u128>().unwrap() + receipt.step.fee;
	assert_eq!(after.total(), before.total() - fees, "only the transactions were paid for");
}

/// Somebody endorses what another registered and left, then warns of it: requesters are told, and who
/// used it is found.
async fn a_recall_is_heeded(scene: &Scene) {
	let (api, id, endorser) = (&scene.api, scene.unserved, roles::dev("//Ferdie").unwrap());
	let bundle = bundles::load(&scene.models.path().join("digits-2")).unwrap();
	let publish = || model::publish(api, &bundle, None, &endorser.key, Until::InBlock);
	let found = async || {
		let at = api.best().await.unwrap();
		let found = api.model(&at, id).await.unwrap().unwrap();
		(at, found)
	};
	let report = publish().await.unwrap();
	assert!(report.already_registered && !report.already_endorsed, "{report}");
	assert!(publish().await.unwrap().already_endorsed, "endorsing twice is harmless");
	// A stranger's warning is told, and keeps nobody from a model whose publisher stands by it.
	let stranger = roles::dev("//Eve").unwrap();
	// Finalized: on a fork without the endorsement there is nothing to recall.
	model::publish(api, &bundle, None, &stranger.key, Until::Finalized).await.unwrap();
	let slander = calls::recall_model(id, "I have a better one");
	api.submit(&slander, &stranger.key, Until::InBlock).await.unwrap();
	let (at, slandered) = found().await;
	assert_eq!((slandered.endorsers(), slandered.recalls()), (2, 1));
	model::ensure_trusted(api, &at, &slandered, Trust::Unrecalled).await.unwrap();

	let retire = calls::retire_model(id);
	api.submit(&retire, &scene.requester.key, Until::InBlock).await.unwrap();
	let (at, left) = found().await;
	assert!(left.record.info.active, "one endorsement is enough");
	let endorsements = api.endorsements(&at, id, 8).await.unwrap();
	let named: Vec<_> =
		endorsements.iter().map(|one| (one.account, one.recall.is_some())).collect();
	assert_eq!(named, [(endorser.id, false), (stranger.id, true)]);
	model::ensure_trusted(api, &at, &left, Trust::Unrecalled).await.unwrap();
	model::ensure_trusted(api, &at, &left, Trust::Endorser(&endorser.id)).await.unwrap();

	let recall = calls::recall_model(id, "reads 7 as 1");
	api.submit(&recall, &endorser.key, Until::Finalized).await.unwrap();
	let (at, recalled) = found().await;
	assert_eq!((recalled.endorsers(), recalled.recalls()), (0, 2));
	assert!(!recalled.record.info.active);
	let warned = model::ensure_trusted(api, &at, &recalled, Trust::Unrecalled).await.unwrap_err();
	assert!(warned.to_string().contains("reads 7 as 1"), "{warned}");
	model::ensure_trusted(api, &at, &recalled, Trust::Anyway).await.unwrap();
	for account in [&endorser, &scene.requester] {
		let trust = Trust::Endorser(&account.id);
		model::ensure_trusted(api, &at, &recalled, trust).await.unwrap_err();
	}
	let error = publish().await.unwrap_err();
	assert_eq!(error.code.as_deref(), Some("Models::AlreadyRecalled"), "{error}");

	let mut looked_at = 0;
	let used = api.jobs_of(&at, id, |seen| looked_at = seen).await.unwrap();
	assert!(looked_at > 1, "there are jobs of other models");
	let used: Vec<_> = used.iter().map(|(_, job)| (job.requester, job.status.word())).collect();
	assert_eq!(used, [(roles::dev("//Bob//stash").unwrap().id, "cancelled")]);
}

/// What is unstaked can be withdrawn when disputes about older claims must be over, not before.
async fn stake_comes_back_slowly(scene: &Scene) {
	let key = &scene.honest.key;
	scene.api.submit(&calls::unstake(STAKE / 4), key, Until::Finalized).await.unwrap();
	let error = scene.api.submit(&calls::withdraw(), key, Until::InBlock).await.unwrap_err();
	assert_eq!(error.code.as_deref(), Some("Operators::NothingDue"), "{error}");
}

async fn a_cheat_is_slashed(scene: &Scene, job: u64, liar: &Account) {
	let history = scene.recorder.end_of(job, PATIENCE).await.unwrap();
	assert_eq!(history.end, Some(End::Fraud), "{:#?}", history.entries);
	let at = scene.api.finalized().await.unwrap();
	let status = scene.api.job(&at, job).await.unwrap().unwrap().status;
	let JobStatus::Fraud { fault, operator, .. } = status else { panic!("{status}") };
	assert_eq!(operator, liar.id);
	let wide = scene.api.job(&at, job).await.unwrap().unwrap().model == scene.wide;
	match job % 2 {
		0 if wide => assert!(matches!(fault, FaultKind::Leaf { entry: 1, .. }), "{fault}"),
		0 => assert!(matches!(fault, FaultKind::Chunk { .. }), "{fault}"),
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
	let by_id = model::resolve(api, &at, &hex0x(&scene.model.0)).await.unwrap();
	assert_eq!(by_id.id, scene.model);
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

	let call = calls::claim_jobs(&[(job, H256::zero())], [1; 32], &[0; 40]);
	let error = api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	let code = error.code.clone().unwrap_or_default();
	assert!(code == "Jobs::NotAssignee" || code == "Jobs::JobNotAssigned", "{error}");

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

/// While the window of the job's claim is open.
async fn a_bad_proof_is_refused(scene: &Scene, job: u64) {
	let stranger = roles::dev("//Ferdie").unwrap();
	let call = calls::prove_fault(job, b"not a proof");
	let error = scene.api.submit(&call, &stranger.key, Until::InBlock).await.unwrap_err();
	assert_eq!(error.code.as_deref(), Some("Challenges::TraceNotPosted"), "{error}");
	assert!(error.hint.is_some(), "{error} says what to do");
}

async fn the_command_line_agrees(scene: &Scene) {
	let models = scene.models.path().to_string_lossy().into_owned();
	let parse = |line: &str| {
		let words = line.split(' ').map(String::from);
		let global = ["--url", scene.api.url(), "--models-dir", &models].map(String::from);
		Cli::try_parse_from(words.chain(global)).unwrap()
	};
	let image = scene.models.path().join("image.npz");
	let submit = format!(
		"assay job submit digits --input {} --operator {} --suri //Ferdie",
		image.display(),
		scene.honest.path,
	);
	npz::write(&image, &[scene.digits.batch(3, 2)]).unwrap();
	let refused = cli::run(parse(&submit)).await.unwrap_err();
	assert_eq!(refused.kind, Kind::Usage, "two images are not one: {refused}");
	npz::write(&image, &[scene.digits.batch(3, 1)]).unwrap();
	for line in [
		&submit[..],
		"assay model show digits-2",
		"assay model list",
		"assay model jobs digits",
		"assay operator list",
		"assay job list",
		"assay challenge list",
	] {
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
