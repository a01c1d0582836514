//! The engine's options and what they mean on the chain at hand.

use super::drill::Drill;
use crate::chain_spec::is_development;
use assay_host::Roles;
use sc_service::{ChainType, Configuration};
use std::path::PathBuf;

/// Most engine threads one node may start.
const MAX_THREADS: u16 = 256;

/// Options of the inference engine.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Inference engine")]
pub(crate) struct EngineArgs {
	/// Serve jobs: accept, run and claim those of operators whose service key this node holds,
	/// and answer challenges against them.
	#[arg(long)]
	pub(crate) operator: bool,

	/// Watch: recompute the claims of others on models found here, and challenge wrong ones.
	#[arg(long)]
	pub(crate) watch: bool,

	/// Folder of compiled models, one bundle folder each (default: `models` in the base path).
	#[arg(long, value_name = "DIR")]
	pub(crate) models_dir: Option<PathBuf>,

	/// Threads that run models, one run each (default: half of the machine's).
	#[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
	pub(crate) engine_threads: Option<u16>,

	/// Memory for the traces of recent runs, in MiB.
	#[arg(long, value_name = "MIB", default_value_t = 1024)]
	pub(crate) engine_memory: u32,

	/// Cheat, to rehearse a dispute; on development chains only. `lie:first`, `lie:middle`,
	/// `lie:last`, `lie:random` or `lie:OP` corrupts one element of that op; `silent` lies and
	/// never reveals the trace; `unresponsive` lies and never opens a node. Given several times,
	/// the number of the job picks one.
	#[arg(long, value_name = "SPEC")]
	pub(crate) drill: Vec<Drill>,
}

/// What the engine is to do, checked against the chain.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
	/// The roles it plays; at least one.
	pub(crate) roles: Roles,
	/// Where the models are.
	pub(crate) models_dir: PathBuf,
	/// Worker threads, at least one.
	pub(crate) threads: usize,
	/// Memory for traces, in bytes.
	pub(crate) trace_memory: u64,
	/// How to cheat as an operator; empty on honest nodes.
	pub(crate) drills: Vec<Drill>,
	/// Seed of the service key on development chains.
	pub(crate) dev_seed: Option<String>,
}

impl EngineConfig {
	/// The engine's part of the command line; `None` if the node plays no role.
	///
	/// Errors: options that need a role without one, or a drill on a chain that is not a
	/// development chain.
	pub(crate) fn new(
		args: &EngineArgs,
		config: &Configuration,
	) -> Result<Option<Self>, sc_cli::Error> {
		let default_dir = config.base_path.path().join("models");
		Self::from_parts(
			args,
			&config.chain_spec.chain_type(),
			default_dir,
			config.dev_key_seed.clone(),
		)
		.map_err(sc_cli::Error::Input)
	}

	pub(super) fn from_parts(
		args: &EngineArgs,
		chain: &ChainType,
		default_dir: PathBuf,
		dev_seed: Option<String>,
	) -> Result<Option<Self>, String> {
		let development = is_development(chain);
		if !args.drill.is_empty() && !development {
			return Err("--drill makes this operator cheat and is accepted on development and \
			            local chains only"
				.into());
		}
		if !args.drill.is_empty() && !args.operator {
			return Err("--drill needs --operator: only an operator can cheat".into());
		}
		if !args.operator && !args.watch {
			if args.models_dir.is_some() || args.engine_threads.is_some() {
				return Err("the engine's options need --operator or --watch".into());
			}
			return Ok(None);
		}
		let threads = args.engine_threads.map_or_else(
			|| std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2)),
			usize::from,
		);
		Ok(Some(Self {
			roles: Roles { operator: args.operator, watcher: args.watch },
			models_dir: args.models_dir.clone().unwrap_or(default_dir),
			threads,
			trace_memory: u64::from(args.engine_memory) << 20,
			drills: args.drill.clone(),
			dev_seed: dev_seed.filter(|_| development),
		}))
	}
}
