//! The engine as off-chain workers see it.

use super::{
	config::EngineConfig,
	keys,
	lag::Lag,
	metrics::Metrics,
	models::ModelStore,
	pool::{EngineGuard, Shared},
	queue::Queue,
	traces::TraceCache,
	work::Worker,
	LOG,
};
use assay_executor::Cancel;
use assay_host::{
	Class, Engine, EngineExt, Limits, Note, Poll, RequestId, Roles, Status, Submission,
};
use assay_referee::tree;
use codec::Encode;
use sc_service::Error;
use sp_core::crypto::{AccountId32, Ss58Codec};
use sp_externalities::Extension;
use sp_keystore::KeystorePtr;
use std::{
	collections::BTreeSet,
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};
use substrate_prometheus_endpoint::Registry;
use tokio::sync::Notify;

/// A handle to the engine; clones share it. No method blocks on a run.
#[derive(Clone)]
pub(crate) struct EngineService {
	shared: Arc<Shared>,
	lag: Arc<Mutex<Lag>>,
	roles: Roles,
	limits: Limits,
	/// SCALE bytes of the accounts it acts for; all if empty.
	accounts: Arc<BTreeSet<Vec<u8>>>,
	/// What tells this build of the engine from others; asked for with every claim that is looked at.
	build: u64,
}

impl EngineService {
	/// Starts the engine for a chain with a block every `block_time`. It stops when the guard is
	/// dropped.
	///
	/// # Errors
	/// The folder of models, the keystore or the threads.
	pub(crate) fn start(
		config: EngineConfig,
		block_time: Duration,
		keystore: &KeystorePtr,
		registry: Option<&Registry>,
	) -> Result<(Self, EngineGuard), Error> {
		let EngineConfig {
			roles,
			models_dir,
			threads,
			trace_memory,
			drills,
			dev_seed,
			limits,
			accounts,
		} = config;
		keys::prepare(keystore, dev_seed.as_deref())?;
		let folder = models_dir.display().to_string();
		let models = ModelStore::open(models_dir)
			.map_err(|error| Error::Other(format!("cannot use models folder {folder}: {error}")))?;
		log::info!(
			target: LOG,
			"🔬 Engine: {}, {threads} threads, {} models in {folder}",
			match (roles.operator, roles.watcher) {
				(true, true) => "operator and watcher",
				(true, false) => "operator",
				_ => "watcher",
			},
			models.len(),
		);
		say_whom(&accounts);
		if !drills.is_empty() {
			log::warn!(target: LOG, "🎭 Drill: this operator cheats on purpose: {drills:?}");
		}
		let worker = Worker {
			models,
			traces: TraceCache::new(trace_memory),
			drills,
			metrics: Metrics::new(registry)?,
			cancel: Cancel::new(),
		};
		let shared = Arc::new(Shared::new(worker, Queue::new(threads, block_time)));
		let guard = EngineGuard::start(shared.clone(), threads)?;
		let accounts = Arc::new(accounts.iter().map(Encode::encode).collect());
		// Of the version and the commit: what a mended kernel would find different is looked at again.
		let version = tree::hash(env!("SUBSTRATE_CLI_IMPL_VERSION").as_bytes());
		let build = version.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
		Ok((Self { shared, lag: Arc::default(), roles, limits, accounts, build }, guard))
	}

	/// The extension that gives one worker run access to the engine.
	pub(crate) fn extension(&self) -> Box<dyn Extension> {
		Box::new(EngineExt(Box::new(self.clone())))
	}

	/// The best chain has this block now: deadlines are measured against it.
	pub(crate) fn at_block(&self, number: u64) {
		self.shared.with(|queue| queue.at_block(number, Instant::now()));
	}

	/// Told whenever there is an answer to collect.
	pub(crate) fn answered(&self) -> Arc<Notify> {
		self.shared.answered.clone()
	}
}

fn say_whom(accounts: &BTreeSet<AccountId32>) {
	if accounts.is_empty() {
		log::info!(target: LOG, "🪪 Acts for every account that registered a key of this node");
	}
	for account in accounts {
		log::info!(target: LOG, "🪪 Acts for {}", account.to_ss58check());
	}
}

impl Engine for EngineService {
	fn submit(&mut self, id: RequestId, submission: Submission) -> Status {
		let worker = &self.shared.worker;
		if worker.withholds(&submission.request) {
			return Status::Running;
		}
		if !worker.models.has(&submission.request.spec().model) {
			return Status::NoModel;
		}
		// Whatever is refused anyway is refused before its bytes are hashed, and hashing, which is
		// milliseconds for a MiB, keeps nobody waiting.
		let refused = self.shared.with(|queue| queue.refuses(&id, &submission, Instant::now()));
		if let Some(status) = refused {
			return status;
		}
		if tree::hash(&submission.input) != submission.request.spec().input_root {
			log::debug!(target: LOG, "Job {}: the input is another one", submission.terms.job);
			return Status::Unknown;
		}
		self.shared.with(|queue| queue.submit(id, submission, Instant::now()))
	}

	fn poll(&mut self, id: &RequestId, class: Class, deadline: u64) -> Poll {
		self.shared.glance(|queue| queue.poll(id, class, deadline, Instant::now()))
	}

	fn stake(&mut self, id: &RequestId, at_stake: u64) {
		self.shared.glance(|queue| queue.stake(id, at_stake));
	}

	fn has_model(&mut self, model: &[u8; 32]) -> bool {
		self.shared.worker.models.has(model)
	}

	fn models(&mut self) -> Vec<[u8; 32]> {
		self.shared.worker.models.all()
	}

	fn run_micros(&mut self, model: &[u8; 32]) -> Option<u64> {
		self.shared.glance(|queue| queue.run_micros(model))
	}

	fn backlog_micros(&mut self, class: Class) -> u64 {
		self.shared.glance(|queue| queue.backlog_micros(class))
	}

	fn acts_for(&mut self, account: &[u8]) -> bool {
		self.accounts.is_empty() || self.accounts.contains(account)
	}

	fn build(&mut self) -> u64 {
		self.build
	}

	fn roles(&mut self) -> Roles {
		self.roles
	}

	fn limits(&mut self) -> Limits {
		self.limits
	}

	fn note(&mut self, event: Note, value: u64) {
		self.shared.worker.metrics.note(event, value);
		let change = self.lag.lock().unwrap_or_else(PoisonError::into_inner).note(event, value);
		if let Some(change) = change {
			change.log();
		}
	}
}
