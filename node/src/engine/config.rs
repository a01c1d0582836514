//! The engine's options and what they mean on the chain at hand.

use super::drill::Drill;
use crate::chain_spec::is_development;
use assay_host::{Limits, Roles};
use sc_service::{ChainType, Configuration};
use sp_core::crypto::{AccountId32, Ss58Codec};
use std::{collections::BTreeSet, path::PathBuf};

/// Decimals of the chain's currency.
const DECIMALS: u32 = assay_runtime::constants::currency::DECIMALS as u32;

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

	/// Act for this account, as SS58 or hexadecimal; may be given several times. Needed by --operator
	/// and --watch, except on development and local chains, where a node acts for every account that registered
	/// one of its service keys.
	#[arg(long, value_name = "ADDRESS", value_parser = account)]
	pub(crate) service_account: Vec<AccountId32>,

	/// As an operator, accept no job whose run takes longer here, in seconds (decimals allowed).
	#[arg(long, value_name = "S", value_parser = micros)]
	pub(crate) max_run_seconds: Option<u64>,

	/// As an operator, put at most so much stake behind one job, in ASY (decimals allowed).
	#[arg(long, value_name = "ASY", value_parser = units)]
	pub(crate) max_exposure: Option<u128>,

	/// Cheat, to rehearse a dispute; on development and local chains only. `lie:first`, `lie:middle`,
	/// `lie:last`, `lie:random` or `lie:OP` corrupts one element of that op; `silent` lies and
	/// never reveals the trace; `unresponsive` lies and never opens a node; `withholding`
	/// tells the truth and delivers no output. Given several times, the number of the job picks one.
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
	/// What the operator takes on.
	pub(crate) limits: Limits,
	/// Whom it acts for; empty, on development chains only, for everybody whose key it has.
	pub(crate) accounts: BTreeSet<AccountId32>,
}

impl EngineConfig {
	/// The engine's part of the command line; `None` if the node plays no role.
	///
	/// # Errors
	/// Options that need a role without one, a role without an account to play it for, or a
	/// drill on a chain that is not a development chain.
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
			if args.models_dir.is_some()
				|| args.engine_threads.is_some()
				|| !args.service_account.is_empty()
				|| args.limits() != Limits::default()
			{
				return Err("the engine's options need --operator or --watch".into());
			}
			return Ok(None);
		}
		if !args.operator && args.limits() != Limits::default() {
			return Err("--max-run-seconds and --max-exposure need --operator".into());
		}
		if args.service_account.is_empty() && !development {
			return Err(
				"--operator and --watch need --service-account ADDRESS: the account in whose \
			            name this node signs, and whose money it can lose"
					.into(),
			);
		}
		let threads = args.engine_threads.map_or_else(
			|| std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2)),
			usize::from,
		);
		Ok(Some(Self {
			roles: Roles {
				operator: args.operator,
				watcher: args.watch,
				cheats: !args.drill.is_empty(),
			},
			models_dir: args.models_dir.clone().unwrap_or(default_dir),
			threads,
			trace_memory: u64::from(args.engine_memory) << 20,
			drills: args.drill.clone(),
			dev_seed: dev_seed.filter(|_| development),
			limits: args.limits(),
			accounts: args.service_account.iter().cloned().collect(),
		}))
	}
}

impl EngineArgs {
	fn limits(&self) -> Limits {
		Limits { max_run_micros: self.max_run_seconds, max_exposure: self.max_exposure }
	}
}

/// An account as SS58, of whichever network, or as hexadecimal: the chain's own prefix is not known yet
/// when the command line is read.
fn account(text: &str) -> Result<AccountId32, String> {
	match text.strip_prefix("0x") {
		Some(_) => text.parse().map_err(str::to_string),
		None => AccountId32::from_ss58check_with_version(text)
			.map(|(account, _)| account)
			.map_err(|error| format!("no address: {error}")),
	}
}

/// Microseconds of a number of seconds.
fn micros(text: &str) -> Result<u64, String> {
	let micros = decimal(text, 6)?;
	u64::try_from(micros).map_err(|_| "too many seconds".into())
}

/// The chain's smallest units of an amount in its currency.
fn units(text: &str) -> Result<u128, String> {
	decimal(text, DECIMALS)
}

/// A decimal number times ten to the power of `digits`, exactly.
fn decimal(text: &str, digits: u32) -> Result<u128, String> {
	let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
	let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
	if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
		return Err(format!("{text:?} is not a decimal number"));
	}
	let spare = digits
		.checked_sub(u32::try_from(fraction.len()).unwrap_or(u32::MAX))
		.ok_or_else(|| format!("at most {digits} digits after the point"))?;
	let zeros = "0".repeat(spare as usize);
	format!("{whole}{fraction}{zeros}").parse().map_err(|_| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn addresses_of_every_network_are_read() {
		let alice = sp_keyring::Sr25519Keyring::Alice.to_account_id();
		// Ours, those of public networks, and one that nobody registered.
		for prefix in [42u16, 0, 9_779, 12_345] {
			let address = alice.to_ss58check_with_version(prefix.into());
			assert_eq!(account(&address), Ok(alice.clone()), "{prefix}");
		}
		assert_eq!(account(&format!("0x{}", hex::encode(&alice))), Ok(alice));
		for wrong in ["", "0x", "0x12", "5nobody", "Alice"] {
			assert!(account(wrong).is_err(), "{wrong:?}");
		}
	}

	#[test]
	fn decimals_are_exact() {
		assert_eq!(micros("2"), Ok(2_000_000));
		assert_eq!(micros("0.25"), Ok(250_000));
		assert_eq!(micros("1.000001"), Ok(1_000_001));
		assert_eq!(units("10"), Ok(10_000_000_000_000));
		assert_eq!(units("0.000000000001"), Ok(1));
		assert_eq!(units("1."), Ok(1_000_000_000_000));
		for wrong in ["", ".", ".5", "-1", "1e3", "1.0000000", "1_0", "١", "99999999999999999999"]
		{
			assert!(micros(wrong).is_err(), "{wrong}");
		}
		assert!(units(&"9".repeat(40)).is_err());
	}
}
