//! Builds the node from its parts.

use crate::{
	engine::{EngineConfig, EngineService},
	rpc,
};
use assay_runtime::{opaque::Block, Hash, RuntimeApi};
use futures::FutureExt;
use sc_client_api::{Backend, BlockBackend};
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::SharedVoterState;
use sc_network::{config::FullNetworkConfiguration, NetworkBackend};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager, WarpSyncConfig};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::inherents::BabeCreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use std::{sync::Arc, time::Duration};

/// Host functions the runtime may import: the SDK's and the engine's. Only off-chain workers are
/// given an engine; in every other call those functions answer that there is none.
type HostFunctions = (sp_io::SubstrateHostFunctions, assay_host::inference_engine::HostFunctions);

type Executor = sc_executor::WasmExecutor<HostFunctions>;
pub(crate) type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
pub(crate) type FullBackend = sc_service::TFullBackend<Block>;
pub(crate) type SelectChain = sc_consensus::LongestChain<FullBackend, Block>;
pub(crate) type TransactionPool = TransactionPoolHandle<Block, FullClient>;
type GrandpaBlockImport =
	sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, FullClient, SelectChain>;
type BabeBlockImport = sc_consensus_babe::BabeBlockImport<
	Block,
	FullClient,
	GrandpaBlockImport,
	BabeCreateInherentDataProviders<Block>,
	SelectChain,
>;

/// Parts shared by a running node and by commands on its database.
pub(crate) struct Partial {
	/// The chain.
	pub(crate) client: Arc<FullClient>,
	/// Its database.
	pub(crate) backend: Arc<FullBackend>,
	/// Checks and imports blocks.
	pub(crate) import_queue: sc_consensus::DefaultImportQueue<Block>,
	keystore: KeystorePtr,
	select_chain: SelectChain,
	pool: Arc<TransactionPool>,
	block_import: BabeBlockImport,
	babe_link: BabeLink<Block>,
	babe_worker: BabeWorkerHandle<Block>,
	grandpa_link: GrandpaLink,
	telemetry: Option<Telemetry>,
}

/// How often GRANDPA stores a justification, in blocks.
const JUSTIFICATION_PERIOD: u32 = 512;

/// Opens the database and makes everything that does not need a network.
pub(crate) fn new_partial(config: &Configuration) -> Result<(Partial, TaskManager), ServiceError> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, sc_telemetry::Error> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;
	let handle = telemetry.as_ref().map(|(_, telemetry)| telemetry.handle());

	let executor = sc_service::new_wasm_executor::<HostFunctions>(&config.executor);
	let (client, backend, keystore, task_manager) = sc_service::new_full_parts::<
		Block,
		RuntimeApi,
		_,
	>(
		config, handle.clone(), executor, Vec::new()
	)?;
	let client = Arc::new(client);
	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});

	let select_chain = sc_consensus::LongestChain::new(backend.clone());
	let pool = Arc::new(
		sc_transaction_pool::Builder::new(
			task_manager.spawn_essential_handle(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(config.prometheus_registry())
		.build(),
	);

	let (grandpa_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		handle.clone(),
	)?;
	let justification_import = grandpa_import.clone();

	let babe_config = sc_consensus_babe::configuration(&*client)?;
	let slot_duration = babe_config.slot_duration();
	let (block_import, babe_link) = sc_consensus_babe::block_import(
		babe_config,
		grandpa_import,
		client.clone(),
		inherents(slot_duration),
		select_chain.clone(),
		OffchainTransactionPoolFactory::new(pool.clone()),
	)?;
	let (import_queue, babe_worker) =
		sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
			link: babe_link.clone(),
			block_import: block_import.clone(),
			justification_import: Some(Box::new(justification_import)),
			client: client.clone(),
			slot_duration,
			spawner: &task_manager.spawn_essential_handle(),
			registry: config.prometheus_registry(),
			telemetry: handle,
		})?;

	let partial = Partial {
		client,
		backend,
		import_queue,
		keystore: keystore.keystore(),
		select_chain,
		pool,
		block_import,
		babe_link,
		babe_worker,
		grandpa_link,
		telemetry,
	};
	Ok((partial, task_manager))
}

/// What the author of a block states in it: the time, and the slot that follows from it.
fn inherents(
	slot_duration: sp_consensus_babe::SlotDuration,
) -> BabeCreateInherentDataProviders<Block> {
	Arc::new(move |_parent, ()| async move {
		let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
		let slot =
			sp_consensus_babe::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
				*timestamp,
				slot_duration,
			);
		Ok((slot, timestamp))
	})
}

/// Starts a node; its tasks end when the returned manager is dropped.
pub(crate) fn new_full<N: NetworkBackend<Block, Hash>>(
	config: Configuration,
	engine: Option<EngineConfig>,
) -> Result<TaskManager, ServiceError> {
	let (parts, mut task_manager) = new_partial(&config)?;
	let Partial {
		client,
		backend,
		import_queue,
		keystore,
		select_chain,
		pool,
		block_import,
		babe_link,
		babe_worker,
		grandpa_link,
		mut telemetry,
	} = parts;

	let engine = engine
		.map(|engine| EngineService::start(engine, &keystore, config.prometheus_registry()))
		.transpose()?;
	let engine = engine.map(|(engine, guard)| {
		// Dropped with the manager: interrupts running inferences and waits for them.
		task_manager.keep_alive(guard);
		engine
	});

	let registry = config.prometheus_registry().cloned();
	let mut net_config =
		FullNetworkConfiguration::<_, _, N>::new(&config.network, registry.clone());
	let genesis = client.block_hash(0)?.ok_or_else(|| {
		ServiceError::Other("the database holds no genesis block; purge the chain".into())
	})?;
	let metrics = N::register_notification_metrics(registry.as_ref());
	let grandpa_protocol =
		sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
	let (grandpa_notifications, grandpa_service) =
		sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
			grandpa_protocol.clone(),
			metrics.clone(),
			net_config.peer_store_handle(),
		);
	net_config.add_notification_protocol(grandpa_notifications);
	let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::new(),
	));

	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	if config.offchain_worker.enabled {
		spawn_offchain_workers(
			&task_manager,
			&config,
			OffchainParts {
				client: client.clone(),
				backend: &backend,
				keystore: keystore.clone(),
				pool: pool.clone(),
				network: Arc::new(network.clone()),
				engine,
			},
		)?;
	}
	let role = config.role;
	let name = config.network.node_name.clone();
	let (force_authoring, grandpa_enabled) = (config.force_authoring, !config.disable_grandpa);
	let voter_state = SharedVoterState::empty();
	let deps = rpc::Deps {
		client: client.clone(),
		pool: pool.clone(),
		select_chain: select_chain.clone(),
		keystore: keystore.clone(),
		babe: babe_worker,
		grandpa: rpc::GrandpaDeps {
			voter_state: voter_state.clone(),
			authority_set: grandpa_link.shared_authority_set().clone(),
			justifications: grandpa_link.justification_stream(),
			proofs: sc_consensus_grandpa::FinalityProofProvider::new_for_service(
				backend.clone(),
				Some(grandpa_link.shared_authority_set().clone()),
			),
		},
	};
	// BABE's essential worker ends with its last handle, and the RPC server may be off.
	task_manager.keep_alive(deps.babe.clone());

	sc_service::spawn_tasks(sc_service::SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut task_manager,
		keystore: keystore.clone(),
		transaction_pool: pool.clone(),
		rpc_builder: Box::new(move |subscriptions| {
			rpc::create(deps.clone(), subscriptions).map_err(Into::into)
		}),
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync_service.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	if role.is_authority() {
		let slot_duration = babe_link.config().slot_duration();
		let proposer = sc_basic_authorship::ProposerFactory::new(
			task_manager.spawn_handle(),
			client.clone(),
			pool.clone(),
			registry.as_ref(),
			telemetry.as_ref().map(Telemetry::handle),
		);
		let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
			keystore: keystore.clone(),
			client,
			select_chain,
			env: proposer,
			block_import,
			sync_oracle: sync_service.clone(),
			justification_sync_link: sync_service.clone(),
			create_inherent_data_providers: inherents(slot_duration),
			force_authoring,
			backoff_authoring_blocks: None::<()>,
			babe_link,
			block_proposal_slot_portion: SlotProportion::new(0.5),
			max_block_proposal_slot_portion: None,
			telemetry: telemetry.as_ref().map(Telemetry::handle),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking(
			"babe-proposer",
			Some("block-authoring"),
			babe,
		);
	}

	if grandpa_enabled {
		let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
			config: sc_consensus_grandpa::Config {
				gossip_duration: Duration::from_millis(333),
				justification_generation_period: JUSTIFICATION_PERIOD,
				name: Some(name),
				observer_enabled: false,
				keystore: role.is_authority().then_some(keystore),
				local_role: role,
				telemetry: telemetry.as_ref().map(Telemetry::handle),
				protocol_name: grandpa_protocol,
			},
			link: grandpa_link,
			network,
			sync: sync_service,
			notification_service: grandpa_service,
			voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
			prometheus_registry: registry,
			shared_voter_state: voter_state,
			telemetry: telemetry.as_ref().map(Telemetry::handle),
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(pool),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
	}

	Ok(task_manager)
}

/// What off-chain workers are given.
struct OffchainParts<'a> {
	client: Arc<FullClient>,
	backend: &'a FullBackend,
	keystore: KeystorePtr,
	pool: Arc<TransactionPool>,
	network: Arc<dyn sc_offchain::NetworkProvider + Send + Sync>,
	engine: Option<EngineService>,
}

/// Runs the runtime's worker after every new best block, with the engine at hand if there is one.
fn spawn_offchain_workers(
	task_manager: &TaskManager,
	config: &Configuration,
	parts: OffchainParts<'_>,
) -> Result<(), ServiceError> {
	let OffchainParts { client, backend, keystore, pool, network, engine } = parts;
	let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
		runtime_api_provider: client.clone(),
		keystore: Some(keystore),
		offchain_db: backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(pool)),
		network_provider: network,
		is_validator: config.role.is_authority(),
		enable_http_requests: false,
		custom_extensions: move |_| engine.iter().map(EngineService::extension).collect(),
	})?;
	task_manager.spawn_handle().spawn(
		"offchain-workers-runner",
		Some("offchain-worker"),
		workers.run(client, task_manager.spawn_handle()).boxed(),
	);
	Ok(())
}
