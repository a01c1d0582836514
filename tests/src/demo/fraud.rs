//! The fraud: five false claims at once, and what becomes of them.

use super::{
	report,
	stage::{Stage, DRILLS},
	PATIENCE,
};
use anyhow::{Context, Result};
use assay_client::{
	amount::Amount,
	bundles,
	chain::{calls, records::FaultKind, ChainEvent, JobStatus, Step},
	timeline::{End, Timeline},
	Until,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A job whose operator will cheat.
#[derive(Clone, Debug)]
pub(super) struct Lie {
	job: u64,
	liar: usize,
	drill: &'static str,
}

/// A false claim and what became of it.
#[derive(Serialize, Clone, Debug)]
pub(super) struct Scenario {
	/// How the operator cheated, as its node was told.
	pub drill: String,
	/// Number of the job.
	pub job: u64,
	/// Who cheated, by dev path.
	pub operator: String,
	/// How the job ended.
	pub end: Option<End>,
	/// What the chain found.
	pub fault: Option<FaultKind>,
	/// Number of operations of the model.
	pub ops: u32,
	/// Dispute transactions about the job that took effect.
	pub messages: usize,
	/// Their bytes.
	pub bytes: u64,
	/// Blocks from the claim to the verdict.
	pub blocks: u64,
	/// Their weight: picoseconds of reference time.
	pub ref_time: u64,
	/// What the operator lost, in 10^-12 ASY.
	pub slashed: String,
	/// What the watcher got of that.
	pub to_watcher: String,
	/// What the requester got of that, besides its fee.
	pub to_requester: String,
	/// What was burned.
	pub burned: String,
	/// Whether the operator's stake on the chain shrank by what the event says.
	pub stake_agrees: bool,
	/// Its history.
	pub history: Timeline,
}

/// Sends five jobs, one to each cheating operator. Consecutive numbers get all five drills.
pub(super) async fn request(stage: &Stage) -> Result<Vec<Lie>> {
	let bundle = stage.bundle("digits")?;
	let model = stage.model("digits")?;
	let at = stage.api.best().await?;
	let known = stage.api.model(&at, model).await?.context("the model is published")?;
	let fee = stage.api.least_fee(&at, known.record.info.units)?;
	let mut sender = stage.api.sender(&stage.victim.key).await?;
	let mut sent = Vec::new();
	for (index, liar) in stage.liars.iter().enumerate() {
		let image = stage.digits.batch(10 + index, 1);
		let input = bundles::pack_tensors(&bundle.manifest, &[image])?;
		let call = calls::request_job(model, &input, fee, Some(&liar.id));
		sent.push(sender.send(&call).await?);
	}
	let mut lies = Vec::with_capacity(sent.len());
	for (liar, pending) in sent.into_iter().enumerate() {
		// Finalized: in a block that is abandoned later, the job has another number.
		let receipt = pending.wait(Until::Finalized).await?;
		let event = receipt.step.event("Jobs::Requested").context("the request left no event")?;
		let job = event.job().context("the request's event names no job")?;
		let drill = DRILLS[(job % DRILLS.len() as u64) as usize];
		lies.push(Lie { job, liar, drill });
	}
	lies.sort_by_key(|lie| DRILLS.iter().position(|drill| *drill == lie.drill));
	println!("requested {} jobs of operators that will cheat", lies.len());
	Ok(lies)
}

/// Waits for all verdicts and prints them.
pub(super) async fn follow(stage: &Stage, lies: Vec<Lie>) -> Result<Vec<Scenario>> {
	let mut scenarios = Vec::with_capacity(lies.len());
	for lie in lies {
		let history = stage.recorder.end_of(lie.job, PATIENCE).await?;
		let scenario = judge(stage, &lie, history).await?;
		print(stage, &scenario);
		scenarios.push(scenario);
	}
	Ok(scenarios)
}

async fn judge(stage: &Stage, lie: &Lie, history: Timeline) -> Result<Scenario> {
	let end_block = history.entries.last().map(|entry| entry.event.block).unwrap_or_default();
	let at = stage.api.at_number(end_block).await?;
	let before = stage.api.at_number(end_block.saturating_sub(1)).await?;
	let liar = &stage.liars[lie.liar];
	let stake = |operator: Option<assay_client::chain::records::Operator>| {
		operator.map(|operator| operator.record.stake).unwrap_or_default()
	};
	let lost = stake(stage.api.operator(&before, &liar.id).await?)
		.saturating_sub(stake(stage.api.operator(&at, &liar.id).await?));
	let record = stage.api.job(&at, lie.job).await?;
	let fault = record.and_then(|job| match job.status {
		JobStatus::Fraud { fault, .. } => Some(fault),
		_ => None,
	});
	let amount = |event: &str, field: &str| {
		history.event(event).and_then(|e: &ChainEvent| e.balance(field)).unwrap_or_default()
	};
	let slashed = amount("Jobs::FaultAccepted", "slashed");
	let to_prover = amount("Jobs::SlashShared", "to_prover");
	let to_watcher = amount("Jobs::SlashShared", "to_finder") + to_prover;
	let dispute: Vec<&Step> =
		history.steps.iter().filter(|step| step.call.starts_with("Challenges.")).collect();
	let claimed = history.event("Jobs::Claimed").map(|event| event.block);
	let manifest = &stage.bundle("digits")?.dir;
	Ok(Scenario {
		drill: lie.drill.into(),
		job: lie.job,
		operator: liar.path.clone(),
		end: history.end,
		fault,
		ops: bundles::load(manifest)?.program().header.n_ops,
		messages: dispute.len(),
		bytes: dispute.iter().map(|step| step.bytes).sum(),
		blocks: end_block.saturating_sub(claimed.unwrap_or(end_block)),
		ref_time: dispute.iter().map(|step| step.ref_time).sum(),
		slashed: slashed.to_string(),
		to_watcher: to_watcher.to_string(),
		to_requester: amount("Jobs::SlashShared", "to_requester").to_string(),
		burned: amount("Jobs::SlashShared", "burned").to_string(),
		stake_agrees: lost == slashed && slashed > 0,
		history,
	})
}

impl Scenario {
	/// Whether the verdict is the one that this way to cheat deserves.
	pub(super) fn is_right(&self) -> bool {
		let last = self.ops.saturating_sub(1);
		let entry = match self.fault {
			Some(FaultKind::Leaf { entry, .. } | FaultKind::Chunk { entry, .. }) => Some(entry),
			_ => None,
		};
		let fits = match self.drill.as_str() {
			"lie:first" => entry == Some(0),
			"lie:middle" => entry.is_some_and(|entry| entry > 0 && entry < last),
			"lie:last" => entry == Some(last),
			"silent" => self.fault == Some(FaultKind::NoTrace),
			"unresponsive" => matches!(self.fault, Some(FaultKind::NoAnswer(_))),
			_ => false,
		};
		fits && self.end == Some(End::Fraud) && self.stake_agrees
	}
}

fn print(stage: &Stage, scenario: &Scenario) {
	let s = scenario;
	let title = format!("{} by {} in job {} ({} ops)", s.drill, s.operator, s.job, s.ops);
	report::history(stage, &title, &s.history);
	println!("  what each step cost the chain:");
	println!("    {:<7} {:<26} {:>8} {:>14}", "block", "call", "bytes", "weight (ms)");
	let mut total: BTreeMap<&str, u64> = BTreeMap::new();
	for step in &s.history.steps {
		let weight = step.ref_time as f64 / 1e9;
		println!("    #{:<6} {:<26} {:>8} {weight:>14.3}", step.block, step.call, step.bytes);
		*total.entry(step.call.as_str()).or_default() += 1;
	}
	let amount = |text: &str| Amount(text.parse().unwrap_or_default());
	println!(
		"  dispute: {} messages, {} bytes, {:.3} ms of weight, {} blocks from claim to verdict",
		s.messages,
		s.bytes,
		s.ref_time as f64 / 1e9,
		s.blocks
	);
	let verdict = s.fault.map_or("no fault was found".into(), |fault| fault.to_string());
	println!("  verdict: {verdict}");
	println!(
		"  money:   {} lost {}; the watcher got {}, the requester {} and its fee, {} burned",
		s.operator,
		amount(&s.slashed),
		amount(&s.to_watcher),
		amount(&s.to_requester),
		amount(&s.burned)
	);
}
