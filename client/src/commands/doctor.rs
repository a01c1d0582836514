//! `assay doctor`: checks everything that a working setup needs, and says what to do.

use crate::{
	account,
	address::address,
	amount::{Amount, ASY},
	bundles,
	chain::{drift, Api, At},
	cli::Global,
	error::{Error, Result},
	output::hex0x,
};
use clap::Args;
use serde::Serialize;
use std::{fmt, process::Command, time::SystemTime};
use subxt::utils::AccountId32;

/// Arguments of `assay doctor`.
#[derive(Args, Debug, Default)]
pub struct DoctorArgs {
	/// Expect a chain with this genesis hash.
	#[arg(long, value_name = "HEX")]
	pub genesis: Option<String>,
	/// Check this account; the signing key's own by default.
	#[arg(long)]
	pub account: Option<String>,
}

/// Outcome of one check.
#[derive(Clone, Copy, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
	/// As it should be.
	Ok,
	/// Broken; the command exits with 1.
	Fail,
	/// Worth knowing; nothing is broken.
	Note,
}

/// One line of the report.
#[derive(Clone, Serialize, Debug)]
pub struct Check {
	/// What was checked.
	pub name: &'static str,
	/// How it is.
	pub verdict: Verdict,
	/// What was found.
	pub found: String,
	/// What to do about it.
	pub remedy: Option<String>,
}

impl fmt::Display for Check {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let verdict = match self.verdict {
			Verdict::Ok => "ok  ",
			Verdict::Fail => "FAIL",
			Verdict::Note => "note",
		};
		write!(f, "{verdict}  {:<12} {}", self.name, self.found)?;
		match &self.remedy {
			Some(remedy) => write!(f, "\n      {:<12} -> {remedy}", ""),
			None => Ok(()),
		}
	}
}

fn ok(name: &'static str, found: impl Into<String>) -> Check {
	Check { name, verdict: Verdict::Ok, found: found.into(), remedy: None }
}

fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
	let (found, remedy) = (found.into(), Some(remedy.into()));
	Check { name, verdict: Verdict::Fail, found, remedy }
}

fn note(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
	Check { verdict: Verdict::Note, ..fail(name, found, remedy) }
}

#[derive(Serialize)]
struct Report {
	ok: bool,
	checks: Vec<Check>,
}

impl fmt::Display for Report {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for check in &self.checks {
			writeln!(f, "{check}")?;
		}
		writeln!(f, "{}", if self.ok { "all is well" } else { "something needs attention" })
	}
}

/// Checks and prints; an error when a check failed.
pub async fn run(args: DoctorArgs, global: &Global) -> Result<()> {
	let out = global.output();
	let spinner = out.spinner("checking");
	let checks = examine(&args, global).await?;
	spinner.finish_and_clear();
	let failed = checks.iter().filter(|check| check.verdict == Verdict::Fail).count();
	out.report(&Report { ok: failed == 0, checks });
	match failed {
		0 => Ok(()),
		failed => Err(Error::failed(format!("{failed} of the checks failed"))),
	}
}

/// All checks, in the order in which one depends on another.
pub async fn examine(args: &DoctorArgs, global: &Global) -> Result<Vec<Check>> {
	let mut checks = vec![tools()];
	let account = who(args, global)?;
	let api = match Api::connect(&global.url).await {
		Ok(api) => Some(api),
		Err(error) => {
			let remedy = error.hint.clone().unwrap_or_default();
			checks.push(fail("node", error.message, remedy));
			None
		},
	};
	match &api {
		Some(api) => {
			let at = api.best().await?;
			checks.push(node(api).await);
			checks.push(chain(api, &at, args)?);
			checks.push(metadata(api));
			checks.push(blocks(api, &at).await?);
			checks.push(models(global, Some((api, &at))).await);
			if api.drift().is_empty() {
				checks.extend(account_checks(api, &at, account.as_ref()).await?);
			}
		},
		None => checks.push(models(global, None).await),
	}
	Ok(checks)
}

fn who(args: &DoctorArgs, global: &Global) -> Result<Option<AccountId32>> {
	if let Some(text) = &args.account {
		return account::account(text).map(Some);
	}
	if global.suri.is_none() && global.key_file.is_none() {
		return Ok(None);
	}
	global.signer().map(|key| Some(account::account_of(&key)))
}

/// What building from source needs.
fn tools() -> Check {
	let missing: Vec<&str> = ["cargo", "protoc", "python3"]
		.into_iter()
		.filter(|tool| {
			let mut command = Command::new(tool);
			let status = command.arg("--version").output();
			!status.is_ok_and(|output| output.status.success())
		})
		.collect();
	if missing.is_empty() {
		return ok("tools", "cargo, protoc and python3 are there");
	}
	let found = format!("missing: {}", missing.join(", "));
	note("tools", found, "needed only to build from source: run ./scripts/setup")
}

async fn node(api: &Api) -> Check {
	let remedy = "look at the node's log";
	let parts = async {
		let name = api.methods.system_name().await?;
		let version = api.methods.system_version().await?;
		Ok::<_, Error>((name, version, api.methods.system_health().await?))
	};
	match parts.await {
		Ok((name, version, health)) => {
			let found = format!("{name} {version} at {}, {} peers", api.url(), health.peers);
			if health.is_syncing {
				return fail("node", format!("{found}, still syncing"), "wait, then try again");
			}
			if health.should_have_peers && health.peers == 0 {
				return note("node", found, "no peers: fine only if this is the one node");
			}
			ok("node", found)
		},
		Err(error) => fail("node", error.message, remedy),
	}
}

fn chain(api: &Api, at: &At, args: &DoctorArgs) -> Result<Check> {
	let genesis = api.genesis_hash();
	let found = format!("genesis {}, runtime {}", hex0x(&genesis.0), at.spec_version());
	if let Some(expected) = &args.genesis {
		if account::hash(expected)? != genesis.0 {
			let remedy = "the node is on another chain: check --url and the node's --chain";
			return Ok(fail("chain", found, remedy));
		}
	}
	Ok(ok("chain", found))
}

fn metadata(api: &Api) -> Check {
	match drift::ensure_none(api.drift()) {
		Ok(()) => ok("metadata", "the runtime is the one this client was built for"),
		Err(error) => fail("metadata", error.message, error.hint.unwrap_or_default()),
	}
}

async fn blocks(api: &Api, best: &At) -> Result<Check> {
	let view = api.block(best).await?;
	let finalized = api.finalized().await?.block_number();
	let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
	let age = (now.as_millis() as u64).saturating_sub(view.time_ms) / 1_000;
	let found = format!("best {}, finalized {finalized}, last block {age} s ago", view.number);
	if view.number > 0 && age > 60 {
		return Ok(fail("blocks", found, "no block for a minute: check that the validators run"));
	}
	if view.number > finalized + 20 {
		return Ok(fail("blocks", found, "finality lags: check that two thirds of validators run"));
	}
	Ok(ok("blocks", found))
}

async fn models(global: &Global, chain: Option<(&Api, &At)>) -> Check {
	let dir = global.models_dir.display();
	let found = bundles::list(&global.models_dir);
	if found.is_empty() {
		let found = format!("no bundles in {dir}");
		let remedy = "name the folder with --models-dir, or make one: assay model compile -o DIR";
		return note("models", found, remedy);
	}
	let mut broken = Vec::new();
	let mut registered = 0;
	for bundle in &found {
		if let Err(error) = bundles::load(&bundle.dir) {
			broken.push(error.message);
		}
		if let Some((api, at)) = chain {
			let id = subxt::utils::H256(bundle.manifest.model_id);
			registered += usize::from(matches!(api.model(at, id).await, Ok(Some(_))));
		}
	}
	if !broken.is_empty() {
		return fail("models", broken.join("; "), "compile them again: assay model compile");
	}
	let count = found.len();
	match chain {
		Some(_) => ok("models", format!("{count} bundles in {dir}, {registered} registered")),
		None => ok("models", format!("{count} bundles in {dir}")),
	}
}

async fn account_checks(api: &Api, at: &At, account: Option<&AccountId32>) -> Result<Vec<Check>> {
	let Some(account) = account else {
		let remedy = "give --key-file, --suri or --account to check an account";
		return Ok(vec![note("account", "none given", remedy)]);
	};
	let balance = api.balance(at, account).await?;
	let (free, held) = (Amount(balance.free), Amount(balance.reserved));
	let found = format!("{}: {free} free, {held} held", address(account));
	let mut checks = vec![if balance.free < ASY {
		fail("balance", found, "too little for fees: send it some ASY")
	} else {
		ok("balance", found)
	}];
	checks.push(service_key(api, at, account).await?);
	if let Some(operator) = api.operator(at, account).await? {
		let found = format!(
			"{:?}, stake {}, serves {} models",
			operator.record.status,
			Amount(operator.record.stake),
			operator.serves.len()
		);
		checks.push(match operator.record.status {
			crate::chain::records::OperatorStatus::Chilled { until } => {
				let remedy =
					format!("it gets no work: assay operator activate, from block {until} on");
				fail("operator", found, remedy)
			},
			_ if operator.serves.is_empty() => {
				fail("operator", found, "it gets no work: assay operator serve MODEL…")
			},
			_ => ok("operator", found),
		});
	}
	Ok(checks)
}

async fn service_key(api: &Api, at: &At, account: &AccountId32) -> Result<Check> {
	let Some(key) = api.service_key(at, account).await? else {
		let remedy = "needed by operators and watchers only: assay operator key insert";
		return Ok(note("service key", "none", remedy));
	};
	let text = hex0x(&key);
	Ok(match api.has_service_key(key).await {
		Some(true) => ok("service key", format!("{text}, held by this node")),
		Some(false) => fail(
			"service key",
			format!("{text}, not held by this node"),
			"assay operator key insert --service-file FILE, against the node that does the work",
		),
		None => note(
			"service key",
			format!("{text}; the node does not say whether it holds it"),
			"ask from the node's own machine, where unsafe RPC is allowed",
		),
	})
}
