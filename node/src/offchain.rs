//! Runs the runtime's off-chain worker.
//!
//! The SDK's [`OffchainWorkers`] know how to run it and when: after each notification of a new best
//! block. What decides when is here, [`Pace`]: the SDK is fed notifications of our own, and tells
//! through the spawner it is given when a run is over.

use crate::{engine::EngineService, pace::Pace};
use futures::{future::BoxFuture, FutureExt, StreamExt};
use sc_client_api::{
	blockchain, BlockImportNotification, BlockchainEvents, FinalityNotifications,
	ImportNotifications, StorageEventStream, StorageKey,
};
use sc_offchain::{NetworkProvider, OffchainWorkerApi, OffchainWorkerOptions, OffchainWorkers};
use sc_service::{error::Error as ServiceError, SpawnTaskHandle, TaskManager};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sc_utils::mpsc::tracing_unbounded;
use sp_api::ProvideRuntimeApi;
use sp_core::{offchain::OffchainStorage, traits::SpawnNamed};
use sp_keystore::KeystorePtr;
use sp_runtime::{
	traits::{Block as BlockT, Header as _},
	SaturatedConversion,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Name of our tasks' group in metrics.
const GROUP: Option<&str> = Some("offchain-worker");

/// Notifications that may wait before the SDK warns. At most one does.
const FEED_WARNING: usize = 8;

/// What the worker is given.
pub(crate) struct Parts<C, B: BlockT, S> {
	/// The chain.
	pub(crate) client: Arc<C>,
	/// The worker's own storage in the node's database.
	pub(crate) storage: Option<S>,
	/// Keys to sign with.
	pub(crate) keystore: KeystorePtr,
	/// Where it submits.
	pub(crate) pool: OffchainTransactionPoolFactory<B>,
	/// The network.
	pub(crate) network: Arc<dyn NetworkProvider + Send + Sync>,
	/// Whether this is an authority.
	pub(crate) is_validator: bool,
	/// The engine, if the node has one.
	pub(crate) engine: Option<EngineService>,
}

/// Runs the worker for as long as the task manager lives.
///
/// # Errors
/// The SDK's worker pool cannot start.
pub(crate) fn spawn<C, B, S>(
	task_manager: &TaskManager,
	parts: Parts<C, B, S>,
) -> Result<(), ServiceError>
where
	C: ProvideRuntimeApi<B> + BlockchainEvents<B> + Send + Sync + 'static,
	C::Api: OffchainWorkerApi<B>,
	B: BlockT,
	S: OffchainStorage + 'static,
{
	let Parts { client, storage, keystore, pool, network, is_validator, engine } = parts;
	let extensions = engine.clone();
	let workers = OffchainWorkers::new(OffchainWorkerOptions {
		runtime_api_provider: client.clone(),
		keystore: Some(keystore),
		offchain_db: storage,
		transaction_pool: Some(pool),
		network_provider: network,
		is_validator,
		enable_http_requests: false,
		custom_extensions: move |_| extensions.iter().map(EngineService::extension).collect(),
	})?;
	let (feed, fed) = tracing_unbounded("mpsc_offchain_worker_feed", FEED_WARNING);
	let source = Arc::new(Source { client: client.clone(), fed: Mutex::new(Some(fed)) });
	let finished = Arc::new(Notify::new());
	let spawner = Spawner { inner: task_manager.spawn_handle(), finished: finished.clone() };
	task_manager.spawn_handle().spawn(
		"offchain-workers-runner",
		GROUP,
		workers.run(source, spawner),
	);

	// As long as it is the newest, a notification is kept, and with it the block's state.
	let blocks = client
		.import_notification_stream()
		.filter(|block| futures::future::ready(block.is_new_best));
	let answers = engine.as_ref().map_or_else(Arc::default, EngineService::answered);
	let keep = async move {
		let run = |block: BlockImportNotification<B>| {
			if let Some(engine) = &engine {
				engine.at_block((*block.header.number()).saturated_into());
			}
			let sent = feed.unbounded_send(block).is_ok();
			let finished = finished.clone();
			async move {
				if sent {
					finished.notified().await;
				}
				sent
			}
		};
		Pace::default().keep(blocks, &answers, run).await;
		log::debug!(target: "offchain-worker", "No more blocks to run workers on");
	};
	task_manager.spawn_handle().spawn("offchain-workers-pace", GROUP, keep);
	Ok(())
}

/// Gives the SDK's loop our notifications instead of the client's.
struct Source<C, B: BlockT> {
	client: Arc<C>,
	fed: Mutex<Option<ImportNotifications<B>>>,
}

impl<C: BlockchainEvents<B>, B: BlockT> BlockchainEvents<B> for Source<C, B> {
	fn import_notification_stream(&self) -> ImportNotifications<B> {
		let fed = self.fed.lock().unwrap_or_else(PoisonError::into_inner).take();
		// There is one loop; another would hear nothing.
		fed.unwrap_or_else(|| tracing_unbounded("mpsc_offchain_worker_none", 1).1)
	}

	fn every_import_notification_stream(&self) -> ImportNotifications<B> {
		self.client.every_import_notification_stream()
	}

	fn finality_notification_stream(&self) -> FinalityNotifications<B> {
		self.client.finality_notification_stream()
	}

	fn storage_changes_notification_stream(
		&self,
		filter_keys: Option<&[StorageKey]>,
		child_filter_keys: Option<&[(StorageKey, Option<Vec<StorageKey>>)]>,
	) -> blockchain::Result<StorageEventStream<B::Hash>> {
		self.client.storage_changes_notification_stream(filter_keys, child_filter_keys)
	}
}

/// Spawns what the SDK wants spawned, one task for each run of the worker, and tells when it is over.
#[derive(Clone)]
struct Spawner {
	inner: SpawnTaskHandle,
	finished: Arc<Notify>,
}

/// Tells when it is dropped: the run may also panic or be aborted.
struct Tell(Arc<Notify>);

impl Drop for Tell {
	fn drop(&mut self) {
		self.0.notify_one();
	}
}

impl Spawner {
	fn told(&self, future: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
		let tell = Tell(self.finished.clone());
		async move {
			let _tell = tell;
			future.await;
		}
		.boxed()
	}
}

impl SpawnNamed for Spawner {
	fn spawn_blocking(
		&self,
		name: &'static str,
		group: Option<&'static str>,
		future: BoxFuture<'static, ()>,
	) {
		SpawnNamed::spawn_blocking(&self.inner, name, group, self.told(future));
	}

	fn spawn(
		&self,
		name: &'static str,
		group: Option<&'static str>,
		future: BoxFuture<'static, ()>,
	) {
		SpawnNamed::spawn(&self.inner, name, group, self.told(future));
	}
}
