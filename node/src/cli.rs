//! Command line of the node.

use crate::engine::EngineArgs;
use sc_cli::RunCmd;

/// The Assay node.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
	/// What to do instead of running a node.
	#[command(subcommand)]
	pub(crate) subcommand: Option<Subcommand>,

	/// Options of every Substrate node.
	#[clap(flatten)]
	pub(crate) run: RunCmd,

	/// Options of the inference engine.
	#[clap(flatten)]
	pub(crate) engine: EngineArgs,
}

/// What to do instead of running a node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
	/// Make, inspect and insert keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Write the specification of a chain.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Check blocks again.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Write blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Write the state of a block as a chain specification.
	ExportState(sc_cli::ExportStateCmd),

	/// Read blocks from a file.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Remove all data of a chain.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Take the chain back by a number of blocks.
	Revert(sc_cli::RevertCmd),

	/// Show where the database of a chain stands.
	ChainInfo(sc_cli::ChainInfoCmd),

	/// Write the runtime's metadata, SCALE-encoded with its version prefix.
	ExportMetadata(ExportMetadataCmd),

	/// Print the hash of the runtime's metadata that hardware wallets sign with (RFC 78).
	MetadataHash(MetadataHashCmd),
}

/// Options of `export-metadata`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportMetadataCmd {
	/// File to write instead of standard output.
	#[arg(long, value_name = "FILE")]
	pub(crate) output: Option<std::path::PathBuf>,

	/// Version of the metadata format.
	#[arg(long, value_name = "N", default_value_t = 16)]
	pub(crate) metadata_version: u32,
}

/// Options of `metadata-hash`.
#[derive(Debug, clap::Args)]
pub(crate) struct MetadataHashCmd {
	/// Address prefix of the chain: the only part of the hash that differs between the runtimes of
	/// development chains and of public networks.
	#[arg(long, value_name = "N", default_value_t = assay_runtime::constants::SS58_PREFIX)]
	pub(crate) ss58_prefix: u16,
}
