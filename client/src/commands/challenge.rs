//! `assay challenge`: look at disputes, and open one by hand.

use super::Done;
use crate::{
	account,
	amount::Amount,
	bundles,
	chain::{calls, records::Challenge, Api},
	cli::Global,
	error::{Error, Result},
	output::{hex0x, note},
};
use assay_executor::{Options, Session};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{fmt, path::PathBuf, sync::Arc};

/// Commands about challenges.
#[derive(Subcommand, Debug)]
pub enum ChallengeCommand {
	/// List the challenges on record.
	List {
		/// Only those against this job.
		#[arg(long)]
		job: Option<u64>,
	},
	/// Show one challenge.
	Show {
		/// Its number.
		challenge: u64,
	},
	/// Challenge the claim of a job, after running the job on this machine.
	Open(OpenArgs),
}

/// Arguments of `assay challenge open`.
#[derive(Args, Debug)]
pub struct OpenArgs {
	/// The job whose claim is false.
	pub job: u64,
	/// The right output root; computed from the bundle by default.
	#[arg(long, value_name = "HEX")]
	pub output_root: Option<String>,
	/// The model's bundle; looked for in --models-dir by default.
	#[arg(long, value_name = "DIR")]
	pub bundle: Option<PathBuf>,
}

/// Runs one of them.
pub async fn run(command: ChallengeCommand, global: &Global) -> Result<()> {
	match command {
		ChallengeCommand::List { job } => list(job, global).await,
		ChallengeCommand::Show { challenge } => show(challenge, global).await,
		ChallengeCommand::Open(args) => open(args, global).await,
	}
}

#[derive(Serialize)]
struct Numbered {
	challenge: u64,
	#[serde(flatten)]
	record: Challenge,
}

impl fmt::Display for Numbered {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let c = &self.record;
		writeln!(f, "challenge    {}", self.challenge)?;
		writeln!(f, "job          {}", c.job)?;
		writeln!(f, "challenger   {}", c.who)?;
		writeln!(f, "output root  {}", hex0x(&c.output_root.0))?;
		writeln!(f, "bond         {}", Amount(c.bond))?;
		writeln!(f, "opened at    block {}", c.opened_at)?;
		writeln!(f, "last move    block {}", c.since)?;
		writeln!(f, "state        {}", state(c))
	}
}

fn state(challenge: &Challenge) -> String {
	use crate::chain::records::ChallengeState::*;
	match (challenge.state, challenge.path.last()) {
		(Live, Some(node)) => format!("live, {} moves, at {node}", challenge.path.len()),
		(Live, None) => "live, no move yet".into(),
		(Won, _) => "won: the claim was false".into(),
		(Lapsed, _) => "lapsed: the challenger stopped".into(),
		(Mooted, _) => "mooted: the claim ended otherwise".into(),
	}
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Numbered>);

impl fmt::Display for List {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.0.is_empty() {
			return writeln!(f, "no challenges on record");
		}
		for c in &self.0 {
			let (id, r) = (c.challenge, &c.record);
			writeln!(f, "{id:>6}  job {:<6} by {}  {}", r.job, r.who, state(r))?;
		}
		Ok(())
	}
}

async fn list(job: Option<u64>, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let found = api.challenges(&api.best().await?).await?;
	let wanted = found.into_iter().filter(|(_, c)| job.is_none_or(|job| job == c.job));
	let list = wanted.map(|(challenge, record)| Numbered { challenge, record }).collect();
	global.output().report(&List(list));
	Ok(())
}

async fn show(challenge: u64, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let record = api.challenge(&api.best().await?, challenge).await?.ok_or_else(|| {
		Error::not_found(format!("no challenge {challenge} is on record"))
			.hint("challenges are forgotten some time after they end; see `assay challenge list`")
	})?;
	global.output().report(&Numbered { challenge, record });
	Ok(())
}

async fn open(args: OpenArgs, global: &Global) -> Result<()> {
	let signer = global.signer()?;
	let api = global.api().await?;
	let root = match &args.output_root {
		Some(text) => account::hash(text)?,
		None => recompute(&api, &args, global).await?,
	};
	let receipt =
		api.submit(&calls::open_challenge(args.job, root), &signer, global.until()).await?;
	let out = global.output();
	out.report(&Done::new(&receipt));
	if !out.json {
		note(&format!(
			"The challenge lapses unless it is played on: a node with --watch does that for an \
			 account whose service key it holds ({}).",
			account::account_of(&signer)
		));
	}
	Ok(())
}

/// Runs the job's model on the job's input here.
async fn recompute(api: &Api, args: &OpenArgs, global: &Global) -> Result<[u8; 32]> {
	let out = global.output();
	let at = api.best().await?;
	let job = super::job::require(api, &at, args.job).await?;
	let input = api.job_input(&at, args.job).await?.ok_or_else(|| {
		Error::not_found(format!("the chain no longer holds the input of job {}", args.job))
	})?;
	let found = bundles::find(&job.model.0, args.bundle.as_deref(), &global.models_dir)?;
	let spinner = out.spinner("running the model");
	let bundle = Arc::new(bundles::load(&found.dir)?);
	let session = Session::new(bundle, Options::default());
	let root = Session::output_root(&session.run(&input)?);
	spinner.finish_and_clear();
	if job.output_root().is_some_and(|claimed| claimed.0 == root) {
		return Err(Error::failed(format!("the claim of job {} is right", args.job))
			.hint("this machine computes the same output root; there is nothing to challenge"));
	}
	Ok(root)
}
