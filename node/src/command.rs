//! Carries out the command line.

use crate::{
	chain_spec,
	cli::{Cli, ExportMetadataCmd, MetadataHashCmd, Subcommand},
	engine::EngineConfig,
	service::{self, Partial},
};
use sc_cli::SubstrateCli;
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend, NetworkWorker};
use sc_service::{ChainSpec, Configuration};
use std::io::Write;

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Assay Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
		let spec = match id {
			"dev" => chain_spec::development()?,
			"" | "local" => chain_spec::local()?,
			path => chain_spec::ChainSpec::from_json_file(path.into())?,
		};
		// Every command loads the chain before it prints anything about accounts.
		chain_spec::set_address_format(&spec.properties());
		Ok(Box::new(spec))
	}
}

/// Parse the command line and do what it says.
pub(crate) fn run() -> sc_cli::Result<()> {
	chain_spec::set_address_format(&Default::default());
	let mut cli = Cli::from_args();
	make_network_key_on_development_chains(&mut cli);
	match &cli.subcommand {
		None => run_node(&cli),
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::ExportMetadata(cmd)) => export_metadata(cmd),
		Some(Subcommand::MetadataHash(cmd)) => metadata_hash(cmd),
		Some(Subcommand::ExportChainSpec(cmd)) => {
			let spec = cli.load_spec(&cmd.chain)?;
			cmd.run(spec)
		},
		Some(Subcommand::PurgeChain(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database))
		},
		Some(Subcommand::ChainInfo(cmd)) => cli
			.create_runner(cmd)?
			.sync_run(|config| cmd.run::<assay_runtime::opaque::Block>(&config)),
		Some(Subcommand::CheckBlock(cmd)) => with_partial(&cli, cmd, |parts, _| {
			Ok(Box::pin(cmd.run(parts.client, parts.import_queue)))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => with_partial(&cli, cmd, |parts, _| {
			Ok(Box::pin(cmd.run(parts.client, parts.import_queue)))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => with_partial(&cli, cmd, |parts, config| {
			Ok(Box::pin(cmd.run(parts.client, config.database)))
		}),
		Some(Subcommand::ExportState(cmd)) => with_partial(&cli, cmd, |parts, config| {
			Ok(Box::pin(cmd.run(parts.client, config.chain_spec)))
		}),
		Some(Subcommand::Revert(cmd)) => with_partial(&cli, cmd, |parts, _| {
			let revert = Box::new(|client, backend, blocks| {
				sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok(Box::pin(cmd.run(parts.client, parts.backend, Some(revert))))
		}),
	}
}

/// A future of a command on the database.
type Work<'a> = std::pin::Pin<Box<dyn std::future::Future<Output = sc_cli::Result<()>> + 'a>>;

/// Open the chain's database and run `work` on it until it ends or a signal comes.
fn with_partial<'a, C: sc_cli::CliConfiguration>(
	cli: &Cli,
	cmd: &'a C,
	work: impl FnOnce(Partial, Configuration) -> sc_cli::Result<Work<'a>>,
) -> sc_cli::Result<()> {
	cli.create_runner(cmd)?.async_run(|config| {
		let (parts, task_manager) = service::new_partial(&config)?;
		Ok((work(parts, config)?, task_manager))
	})
}

/// Validators of a public chain must bring their network key, lest its loss go unnoticed. Chains on
/// one machine are made to be thrown away: there the first start makes a key.
fn make_network_key_on_development_chains(cli: &mut Cli) {
	if cli.subcommand.is_some() {
		return;
	}
	let shared = &cli.run.shared_params;
	let chain = cli.load_spec(&shared.chain_id(shared.is_dev()));
	// What is wrong with the specification is reported when the node loads it.
	if chain.is_ok_and(|chain| chain_spec::is_development(&chain.chain_type())) {
		cli.run.network_params.node_key_params.unsafe_force_node_key_generation = true;
	}
}

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
	let runner = cli.create_runner(&cli.run)?;
	runner.run_node_until_exit(|mut config| async move {
		let engine = EngineConfig::new(&cli.engine, &config)?;
		if engine.is_some() {
			// Workers are how the engine is reached, and the index is how openings travel.
			config.offchain_worker.enabled = true;
			config.offchain_worker.indexing_enabled = true;
		}
		match config.network.network_backend {
			NetworkBackendType::Litep2p => {
				service::new_full::<Litep2pNetworkBackend>(config, engine)
			},
			NetworkBackendType::Libp2p => service::new_full::<
				NetworkWorker<assay_runtime::opaque::Block, assay_runtime::Hash>,
			>(config, engine),
		}
		.map_err(sc_cli::Error::Service)
	})
}

/// The native runtime knows its own metadata: no chain has to run.
fn export_metadata(cmd: &ExportMetadataCmd) -> sc_cli::Result<()> {
	let metadata = assay_runtime::Runtime::metadata_at_version(cmd.metadata_version)
		.ok_or_else(|| format!("no metadata of version {}", cmd.metadata_version))?;
	match &cmd.output {
		Some(path) => std::fs::write(path, &*metadata)?,
		None => std::io::stdout().write_all(&metadata)?,
	}
	Ok(())
}

/// What `substrate-wasm-builder` computes with its feature `metadata-hash`, but without compiling
/// the runtime twice and an executor for its build script: the hash covers the types, transactions
/// and the few facts below, and those the native runtime knows.
fn metadata_hash(cmd: &MetadataHashCmd) -> sc_cli::Result<()> {
	use assay_runtime::{constants::currency, Runtime, VERSION};
	use codec::Decode;

	let metadata = Runtime::metadata_at_version(15).ok_or("no metadata of version 15")?;
	let metadata = frame_metadata::RuntimeMetadataPrefixed::decode(&mut &metadata[..])
		.map_err(|error| format!("the runtime's own metadata does not decode: {error}"))?;
	let info = merkleized_metadata::ExtraInfo {
		spec_version: VERSION.spec_version,
		spec_name: VERSION.spec_name.into(),
		base58_prefix: cmd.ss58_prefix,
		decimals: currency::DECIMALS,
		token_symbol: currency::SYMBOL.into(),
	};
	let digest = merkleized_metadata::generate_metadata_digest(&metadata.1, info)
		.map_err(|error| format!("the metadata has no digest: {error}"))?;
	println!("0x{}", hex::encode(digest.hash()));
	Ok(())
}
