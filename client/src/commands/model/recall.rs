//! `assay model recall|jobs`: warning of a model, heeding a warning, and who used it.

use super::{resolve, ModelRef};
use crate::{
	address::address,
	chain::{
		calls,
		records::{Endorsement, Model},
		Api, At,
	},
	cli::Global,
	commands::{job::Numbered, Done},
	error::{Error, Result},
	output::{hex0x, note, printable},
};
use clap::Args;
use serde::Serialize;
use std::fmt;
use subxt::utils::{AccountId32, H256};

/// Longest reason that the chain takes, in bytes.
const MAX_REASON: usize = 256;

/// Jobs of the chain after which the progress is told again.
const PROGRESS: u64 = 64;

/// Arguments of `assay model recall`.
#[derive(Args, Clone, Debug)]
pub struct RecallArgs {
	/// Id (or its unique beginning), name on the chain, or bundle folder.
	pub model: String,
	/// What is wrong with it, for those who used it: at most 256 bytes. It cannot be taken back.
	#[arg(long, value_name = "TEXT")]
	pub reason: String,
}

/// What `assay model jobs` prints: the jobs that used a model, as far as the chain holds them.
#[derive(Serialize)]
struct JobsReport {
	model: H256,
	/// Block at which was looked.
	at: u64,
	/// Jobs of all models that were looked through.
	looked_at: u64,
	jobs: Vec<Numbered>,
}

impl fmt::Display for JobsReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for Numbered { job, record } in &self.jobs {
			let (status, requested) = (record.status.word(), record.requested);
			let requester = address(&record.requester);
			writeln!(f, "{job:>6}  {status:<9} block {requested:<8} {requester}")?;
		}
		let (count, model) = (self.jobs.len(), hex0x(&self.model.0));
		writeln!(f, "{count} of the {} jobs that the chain holds use {model}", self.looked_at)?;
		writeln!(f, "those that are over are forgotten after a while: older ones are in the blocks of archive nodes")
	}
}

async fn jobs_of(api: &Api, model: H256, global: &Global) -> Result<JobsReport> {
	let spinner = global.output().spinner("looking through the jobs of the chain");
	let at = api.best().await?;
	let mut looked_at = 0;
	let jobs = api.jobs_of(&at, model, |seen| {
		looked_at = seen;
		if seen.is_multiple_of(PROGRESS) {
			spinner.set_message(format!("looked through {seen} jobs of the chain"));
		}
	});
	let jobs = jobs.await?;
	spinner.finish_and_clear();
	let jobs = jobs.into_iter().map(|(job, record)| Numbered { job, record }).collect();
	Ok(JobsReport { model, at: at.block_number(), looked_at, jobs })
}

pub(super) async fn jobs(model: &ModelRef, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let model = resolve(&api, &api.best().await?, &model.model).await?.id;
	global.output().report(&jobs_of(&api, model, global).await?);
	Ok(())
}

/// What `assay model recall` prints.
#[derive(Serialize)]
struct RecallReport {
	#[serde(flatten)]
	done: Done,
	used_by: JobsReport,
}

impl fmt::Display for RecallReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}{}", self.done, self.used_by)
	}
}

pub(super) async fn recall(args: &RecallArgs, global: &Global) -> Result<()> {
	let signer = global.signer()?;
	if args.reason.is_empty() || args.reason.len() > MAX_REASON {
		let length = args.reason.len();
		return Err(Error::usage(format!("a reason has 1 to {MAX_REASON} bytes, not {length}"))
			.hint("say in short what is wrong; a link can lead to the rest"));
	}
	let api = global.api().await?;
	let model = resolve(&api, &api.best().await?, &args.model).await?.id;
	let call = calls::recall_model(model, &args.reason);
	let receipt = api.submit(&call, &signer, global.until()).await?;
	let used_by = jobs_of(&api, model, global).await.map_err(|error| {
		error
			.context("the model is recalled; its jobs could not be listed")
			.hint(format!("list them with `assay model jobs {}`", hex0x(&model.0)))
	})?;
	global.output().report(&RecallReport { done: Done::new(&receipt), used_by });
	Ok(())
}

/// Whose word a requester takes for a model.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
	/// Anybody's who stands behind it, unless somebody warns of it who had stood there before.
	Unrecalled,
	/// Anybody's, whoever warns of it.
	Anyway,
	/// This account's and nobody else's.
	Endorser(&'a AccountId32),
}

/// Lets a model through that may be used for a job, and says on stderr who warns of it.
///
/// # Errors
/// When somebody recalled it who had stood behind it before everybody who still does, or the account that
/// is trusted does not stand behind it.
pub async fn ensure_trusted(api: &Api, at: &At, model: &Model, trust: Trust<'_>) -> Result<()> {
	if let Trust::Endorser(account) = trust {
		let own = api.endorsement(at, model.id, account).await?;
		return match own {
			None => {
				Err(Error::failed(format!("{} does not stand behind this model", address(account)))
					.hint(format!("see who does: assay model show {}", hex0x(&model.id.0))))
			},
			Some(Endorsement { recall: None, .. }) => Ok(()),
			Some(own) => Err(Error::failed(warning(&own, 1)).hint("use another model")),
		};
	}
	let Some(recalls) = &model.record.recalls else { return Ok(()) };
	let eldest = api.endorsement(at, model.id, &recalls.eldest).await?;
	let Some(eldest) = eldest else { return Ok(()) };
	let warning = warning(&eldest, recalls.count);
	// Anybody can endorse a model and recall it. That says little about one behind which somebody stands
	// who stood there before.
	let first = match &model.record.standing {
		Some(standing) => api.endorsement(at, model.id, &standing.first).await?,
		None => None,
	};
	let stands = first.is_some_and(|first| first.since <= eldest.since);
	if stands || matches!(trust, Trust::Anyway) {
		note(&format!("warning: {warning}"));
		return Ok(());
	}
	Err(Error::failed(warning).hint(
		"use another model; or name who stands behind it and whom you trust, with --endorsed-by ACCOUNT; \
		 or give --accept-recalled",
	))
}

fn warning(recalled: &Endorsement, count: u32) -> String {
	let who = address(&recalled.account);
	let (at, reason) = match &recalled.recall {
		Some(recall) => (recall.at, printable(&recall.reason)),
		None => (recalled.since, String::new()),
	};
	let others = match count.saturating_sub(1) {
		0 => String::new(),
		others => format!(" (and {others} others recalled it)"),
	};
	let since = recalled.since;
	format!("{who}, who endorsed this model at block {since}, recalled it at block {at}: {reason}{others}")
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::chain::records::Recall;

	#[test]
	fn a_warning_says_who_when_and_why() {
		let recall = Recall { at: 7, reason: "reads 7\x1b as 1".into() };
		let account = AccountId32([1; 32]);
		let shown = address(&account).to_string();
		let recalled = Endorsement {
			account,
			words: Default::default(),
			deposit: 0,
			since: 3,
			recall: Some(recall),
		};
		let said = warning(&recalled, 3);
		for part in [shown.as_str(), "block 3", "block 7", "reads 7\u{fffd} as 1", "2 others"] {
			assert!(said.contains(part), "{part}: {said}");
		}
	}
}
