//! The engine as off-chain workers see it.

use super::{
	config::EngineConfig,
	keys,
	metrics::Metrics,
	models::ModelStore,
	pool::{EngineGuard, Shared},
	traces::TraceCache,
	work::Worker,
	LOG,
};
use assay_executor::Cancel;
use assay_host::{Engine, EngineExt, Note, Poll, Request, RequestId, Roles, Status};
use sc_service::Error;
use sp_externalities::Extension;
use sp_keystore::KeystorePtr;
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// A handle to the engine; clones share it. No method blocks on a run.
#[derive(Clone)]
pub(crate) struct EngineService {
	shared: Arc<Shared>,
	roles: Roles,
}

impl EngineService {
	/// Starts the engine. It stops when the guard is dropped.
	///
	/// Errors: the folder of models, the keystore or the threads.
	pub(crate) fn start(
		config: EngineConfig,
		keystore: &KeystorePtr,
		registry: Option<&Registry>,
	) -> Result<(Self, EngineGuard), Error> {
		let EngineConfig { roles, models_dir, threads, trace_memory, drills, dev_seed } = config;
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
		if !drills.is_empty() {
			log::warn!(target: LOG, "🎭 Drill: this operator cheats on purpose: {drills:?}");
		}
		let shared = Arc::new(Shared::new(Worker {
			models,
			traces: TraceCache::new(trace_memory),
			drills,
			metrics: Metrics::new(registry)?,
			cancel: Cancel::new(),
		}));
		let guard = EngineGuard::start(shared.clone(), threads)?;
		Ok((Self { shared, roles }, guard))
	}

	/// The extension that gives one worker run access to the engine.
	pub(crate) fn extension(&self) -> Box<dyn Extension> {
		Box::new(EngineExt(Box::new(self.clone())))
	}
}

impl Engine for EngineService {
	fn submit(&mut self, id: RequestId, request: Request) -> Status {
		let worker = &self.shared.worker;
		if worker.withholds(&request) {
			return Status::Running;
		}
		if !worker.models.has(&request.spec().model) {
			return Status::NoModel;
		}
		let mut queue = self.shared.queue();
		let status = queue.submit(id, request);
		worker.metrics.queue_length.set(queue.len() as u64);
		drop(queue);
		self.shared.wake_one();
		status
	}

	fn poll(&mut self, id: &RequestId) -> Poll {
		self.shared.queue().poll(id)
	}

	fn has_model(&mut self, model: &[u8; 32]) -> bool {
		self.shared.worker.models.has(model)
	}

	fn roles(&mut self) -> Roles {
		self.roles
	}

	fn note(&mut self, event: Note, value: u64) {
		self.shared.worker.metrics.note(event, value);
	}
}
