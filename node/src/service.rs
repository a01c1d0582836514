//! Builds the node from its parts.

use crate::{
	engine::{EngineConfig, EngineService},
	offchain, pool_memory, rpc,
};
use assay_runtime::{opaque::Block, Hash, RuntimeApi};
use sc_client_api::{Backend, BlockBackend, ExecutorProvider};
use sc_consensus::JustificationSyncLink;
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion, SyncOracle};
use sc_consensus_grandpa::SharedVoterState;
use sc_network::{config::FullNetworkConfiguration, NetworkBackend, ProtocolName};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager, WarpSyncConfig};
use sc_telemetry::{Telemetry, TelemetryHandle, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::inherents::BabeCreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use std::{sync::Arc, time::Duration};
use substrate_prometheus_endpoint::Registry;

/// Host functions the runtime may import: the SDK's and ours. Only off-chain workers are given an
/// engine; in every other call its functions answer that there is none.
type HostFunctions = (
	sp_io::SubstrateHostFunctions,
	assay_host::inference_engine::HostFunctions,
	assay_host::pool_memory::HostFunctions,
);

pub(crate) type Executor = sc_executor::WasmExecutor<HostFunctions>;
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
	client.execution_extensions().set_extensions_factory(pool_memory::Factory::default());
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
	let (mut parts, mut task_manager) = new_partial(&config)?;
	let engine = start_engine(engine, &parts, &config, &mut task_manager)?;

	let genesis = parts.client.block_hash(0)?.ok_or_else(|| {
		ServiceError::Other("the database holds no genesis block; purge the chain".into())
	})?;
	let registry = config.prometheus_registry().cloned();
	let mut net_config =
		FullNetworkConfiguration::<_, _, N>::new(&config.network, registry.clone());
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

	let (network, system_rpc_tx, tx_handler_controller, sync, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: parts.client.clone(),
			transaction_pool: parts.pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue: parts.import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(
				sc_consensus_grandpa::warp_proof::NetworkProvider::new(
					parts.backend.clone(),
					parts.grandpa_link.shared_authority_set().clone(),
					Vec::new(),
				),
			))),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	if config.offchain_worker.enabled {
		let worker = offchain::Parts {
			client: parts.client.clone(),
			storage: parts.backend.offchain_storage(),
			keystore: parts.keystore.clone(),
			pool: OffchainTransactionPoolFactory::new(parts.pool.clone()),
			network: Arc::new(network.clone()),
			is_validator: config.role.is_authority(),
			engine,
		};
		offchain::spawn(&task_manager, worker)?;
	}

	let voter_state = SharedVoterState::empty();
	let deps = rpc::Deps {
		client: parts.client.clone(),
		pool: parts.pool.clone(),
		select_chain: parts.select_chain.clone(),
		keystore: parts.keystore.clone(),
		babe: parts.babe_worker,
		grandpa: rpc::GrandpaDeps {
			voter_state: voter_state.clone(),
			authority_set: parts.grandpa_link.shared_authority_set().clone(),
			justifications: parts.grandpa_link.justification_stream(),
			proofs: sc_consensus_grandpa::FinalityProofProvider::new_for_service(
				parts.backend.clone(),
				Some(parts.grandpa_link.shared_authority_set().clone()),
			),
		},
		chain_spec: config.chain_spec.cloned_box().into(),
	};
	// BABE's essential worker ends with its last handle, and the RPC server may be off.
	task_manager.keep_alive(deps.babe.clone());

	let settings = Settings::new(&config);
	sc_service::spawn_tasks(sc_service::SpawnTasksParams {
		config,
		client: parts.client.clone(),
		backend: parts.backend,
		task_manager: &mut task_manager,
		keystore: parts.keystore.clone(),
		transaction_pool: parts.pool.clone(),
		rpc_builder: Box::new(move |subscriptions| {
			rpc::create(deps.clone(), subscriptions).map_err(Into::into)
		}),
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync.clone(),
		telemetry: parts.telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	let telemetry = parts.telemetry.as_ref().map(Telemetry::handle);
	if settings.role.is_authority() {
		let authoring = Authoring {
			client: parts.client,
			pool: parts.pool.clone(),
			keystore: parts.keystore.clone(),
			select_chain: parts.select_chain,
			block_import: parts.block_import,
			babe_link: parts.babe_link,
			telemetry: telemetry.clone(),
			sync: sync.clone(),
		};
		start_authoring(authoring, &settings, &task_manager)?;
	}
	if settings.grandpa {
		let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
			config: settings.voter(parts.keystore, grandpa_protocol, telemetry.clone()),
			link: parts.grandpa_link,
			network,
			sync,
			notification_service: grandpa_service,
			voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
			prometheus_registry: settings.registry,
			shared_voter_state: voter_state,
			telemetry,
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(parts.pool),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
	}
	Ok(task_manager)
}

/// Starts the engine, if the node plays a role; it stops with the task manager.
fn start_engine(
	engine: Option<EngineConfig>,
	parts: &Partial,
	config: &Configuration,
	task_manager: &mut TaskManager,
) -> Result<Option<EngineService>, ServiceError> {
	let Some(engine) = engine else { return Ok(None) };
	let block_time = parts.babe_link.config().slot_duration().as_duration();
	let registry = config.prometheus_registry();
	let (service, guard) = EngineService::start(engine, block_time, &parts.keystore, registry)?;
	// Dropped with the manager: interrupts running inferences and waits for them.
	task_manager.keep_alive(guard);
	Ok(Some(service))
}

/// What consensus needs of the configuration, which the node's tasks consume.
struct Settings {
	role: sc_network::config::Role,
	name: String,
	force_authoring: bool,
	grandpa: bool,
	registry: Option<Registry>,
}

impl Settings {
	fn new(config: &Configuration) -> Self {
		Self {
			role: config.role,
			name: config.network.node_name.clone(),
			force_authoring: config.force_authoring,
			grandpa: !config.disable_grandpa,
			registry: config.prometheus_registry().cloned(),
		}
	}

	/// How this node takes part in finality.
	fn voter(
		&self,
		keystore: KeystorePtr,
		protocol_name: ProtocolName,
		telemetry: Option<TelemetryHandle>,
	) -> sc_consensus_grandpa::Config {
		sc_consensus_grandpa::Config {
			gossip_duration: Duration::from_millis(333),
			justification_generation_period: JUSTIFICATION_PERIOD,
			name: Some(self.name.clone()),
			observer_enabled: false,
			keystore: self.role.is_authority().then_some(keystore),
			local_role: self.role,
			telemetry,
			protocol_name,
		}
	}
}

/// What block production needs.
struct Authoring<S> {
	client: Arc<FullClient>,
	pool: Arc<TransactionPool>,
	keystore: KeystorePtr,
	select_chain: SelectChain,
	block_import: BabeBlockImport,
	babe_link: BabeLink<Block>,
	telemetry: Option<TelemetryHandle>,
	sync: S,
}

/// Produces blocks in the slots of this node's keys.
fn start_authoring<S>(
	parts: Authoring<S>,
	settings: &Settings,
	task_manager: &TaskManager,
) -> Result<(), ServiceError>
where
	S: SyncOracle + JustificationSyncLink<Block> + Clone + Send + Sync + 'static,
{
	let slot_duration = parts.babe_link.config().slot_duration();
	let proposer = sc_basic_authorship::ProposerFactory::new(
		task_manager.spawn_handle(),
		parts.client.clone(),
		parts.pool,
		settings.registry.as_ref(),
		parts.telemetry.clone(),
	);
	let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
		keystore: parts.keystore,
		client: parts.client,
		select_chain: parts.select_chain,
		env: proposer,
		block_import: parts.block_import,
		sync_oracle: parts.sync.clone(),
		justification_sync_link: parts.sync,
		create_inherent_data_providers: inherents(slot_duration),
		force_authoring: settings.force_authoring,
		backoff_authoring_blocks: None::<()>,
		babe_link: parts.babe_link,
		block_proposal_slot_portion: SlotProportion::new(0.5),
		max_block_proposal_slot_portion: None,
		telemetry: parts.telemetry,
	})?;
	task_manager.spawn_essential_handle().spawn_blocking(
		"babe-proposer",
		Some("block-authoring"),
		babe,
	);
	Ok(())
}
