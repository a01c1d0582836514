//! Whether honest parties come to no harm when a network falls apart and comes together again.
//!
//! The network is cut while jobs are accepted and claimed and lies are disputed: both parts go on, each
//! with a chain of its own and other jobs under the same numbers. When it heals, one part takes the
//! other's chain. What was signed on the chain that lost must not turn into a lie on the one that won,
//! and what it had done must be done again in time.
//!
//! Chance decides which chain wins: the one with more primary slots. So it is cut again and again, until
//! each move of a job and of a dispute was in blocks that were lost.

mod links;
mod scene;

use crate::command::Files;
use anyhow::{bail, Context, Result};
use assay_client::{
	address::address,
	chain::{BlockView, ChainEvent},
	timeline::End,
	Api,
};
use clap::Args;
use scene::Scene;
use serde::Serialize;
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::{Duration, Instant},
};

/// Options of the run.
#[derive(Args, Clone, Debug)]
pub struct Options {
	/// How often the network is cut at most. A cut takes a minute and a half.
	#[arg(long, default_value_t = 12)]
	pub cuts: u32,
	/// What it works with.
	#[command(flatten)]
	pub files: Files,
}

/// The moves that are to be lost at least once each.
const MOVES: [&str; 7] = [
	"Jobs.accept",
	"Jobs.claim",
	"Challenges.open",
	"Challenges.reveal_trace",
	"Challenges.ask",
	"Challenges.answer",
	"Challenges.prove_fault",
];

/// Seconds from the first lie of a round to the cut, in which it gets as far as its proof.
const LEAD: u64 = 30;
/// Seconds for which the network is cut. In shorter time than a turn, at half the speed: who cannot be
/// heard for a whole turn loses it, which no signature can mend.
const APART: u64 = 36;
/// Seconds between two honest jobs, and between two lies.
const ASK_EVERY: u64 = 3;
const LIE_EVERY: u64 = 10;

/// What the run showed.
#[derive(Serialize, Clone, Default, Debug)]
pub struct Figures {
	/// How often the network was cut.
	pub cuts: u32,
	/// How often the part with the parties lost its chain.
	pub reorganisations: u32,
	/// Blocks that it lost so.
	pub lost_blocks: usize,
	/// Calls in them, by name.
	pub lost_calls: BTreeMap<String, usize>,
	/// Requests sent.
	pub sent: usize,
	/// Jobs on the chain in the end.
	pub jobs: usize,
	/// Honest answers that became final.
	pub settled: usize,
	/// Lies that the runtime convicted.
	pub convicted: usize,
	/// Lies that became final.
	pub frauds_final: usize,
	/// Times that the honest operator lost stake.
	pub honest_slashed: usize,
	/// Bonds that the honest watcher lost.
	pub honest_bonds_lost: usize,
}

impl Figures {
	fn missing(&self) -> Vec<&'static str> {
		MOVES.into_iter().filter(|name| !self.lost_calls.contains_key(*name)).collect()
	}

	/// Whether nothing happened that must not, and everything that was to be tried was.
	fn is_ok(&self) -> bool {
		let harm = self.frauds_final + self.honest_slashed + self.honest_bonds_lost;
		harm == 0 && self.convicted > 0 && self.settled > 0 && self.missing().is_empty()
	}

	fn print(&self) {
		println!("  requests       {} sent, {} jobs on the chain", self.sent, self.jobs);
		println!(
			"  outcomes       {} honest final, {} lies convicted",
			self.settled, self.convicted
		);
		for name in MOVES {
			let count = self.lost_calls.get(name).copied().unwrap_or_default();
			println!("  lost           {name}: {count}");
		}
		println!(
			"partition: {} cuts, {} reorganisations, {} blocks lost; frauds final {}, honest slashed \
			 {}, honest bonds lost {}",
			self.cuts,
			self.reorganisations,
			self.lost_blocks,
			self.frauds_final,
			self.honest_slashed,
			self.honest_bonds_lost,
		);
	}
}

/// Cuts and heals a network until every move was lost once; whether all came out right.
pub async fn run(options: &Options) -> Result<bool> {
	println!("partition");
	let mut scene = Scene::set(options).await?;
	let mut figures = Figures::default();
	while figures.cuts < options.cuts && !figures.missing().is_empty() {
		round(&mut scene, &mut figures).await?;
	}
	let blocks = all_over(&scene).await?;
	judge(&scene, &blocks, &mut figures);
	figures.print();
	options.files.write(&figures)?;
	let missing = figures.missing();
	if !missing.is_empty() {
		println!("  never lost     {}; cut more often with --cuts", missing.join(", "));
	}
	if !figures.is_ok() {
		let kept = scene.net.keep_logs();
		println!("  logs           {}", kept.unwrap_or_default().display());
	}
	Ok(figures.is_ok())
}

/// Cuts the network once, in the middle of jobs and disputes, and heals it.
async fn round(scene: &mut Scene, figures: &mut Figures) -> Result<()> {
	let started = Instant::now();
	let (mut asked, mut lied, mut cut_at) = (0, 0, None);
	loop {
		let seconds = started.elapsed().as_secs();
		if seconds >= LEAD + APART {
			break;
		}
		if cut_at.is_none() && seconds >= LEAD {
			scene.cut().await?;
			cut_at = Some(scene.near.best_number().await?);
		}
		if seconds / LIE_EVERY >= lied {
			scene.ask_a_liar().await?;
			lied += 1;
			figures.sent += 1;
		}
		if seconds / ASK_EVERY >= asked {
			scene.ask(false).await?;
			figures.sent += 1;
			if cut_at.is_some() {
				scene.ask(true).await?;
				figures.sent += 1;
			}
			asked += 1;
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	let from = cut_at.context("the network was cut")?;
	let ours = blocks_from(&scene.near, from).await?;
	scene.heal().await?;
	figures.cuts += 1;
	agree(scene).await?;
	let mut lost = 0;
	for block in &ours {
		if scene.far.at_number(block.number).await?.block_hash() == block.hash {
			continue;
		}
		lost += 1;
		for step in block.steps.iter().filter(|step| step.failure.is_none()) {
			*figures.lost_calls.entry(step.call.clone()).or_default() += 1;
		}
	}
	figures.lost_blocks += lost;
	figures.reorganisations += u32::from(lost > 0);
	println!("  cut {:<10} {} blocks apart, {lost} of them lost", figures.cuts, ours.len());
	Ok(())
}

/// The blocks of the best chain from the one with number `from` on.
async fn blocks_from(api: &Api, from: u64) -> Result<Vec<BlockView>> {
	let mut blocks = Vec::new();
	for number in from..=api.best_number().await? {
		blocks.push(api.block(&api.at_number(number).await?).await?);
	}
	Ok(blocks)
}

/// Waits until both parts have finalized a block that was not there when they came together.
async fn agree(scene: &Scene) -> Result<()> {
	let until = scene.near.best_number().await?.max(scene.far.best_number().await?) + 1;
	let patience = Duration::from_secs(240);
	for api in [&scene.near, &scene.far] {
		crate::devnet::wait_for_finality(api, until, patience)
			.await
			.context("the parts did not come together again")?;
	}
	Ok(())
}

/// Waits until every job has ended; returns all finalized blocks.
async fn all_over(scene: &Scene) -> Result<Vec<Arc<BlockView>>> {
	let started = Instant::now();
	loop {
		let blocks = scene.recorder.blocks();
		let mut open = BTreeSet::new();
		let head = blocks.last().map_or(0, |block| block.number);
		for event in blocks.iter().flat_map(|block| block.events()) {
			let Some(job) = event.job() else { continue };
			if event.is("Jobs::Requested") {
				open.insert(job);
			} else if End::of(event).is_some() {
				open.remove(&job);
			}
		}
		let best = scene.near.best_number().await?;
		// What the pool still holds is in a block by then.
		if open.is_empty() && head + 10 > best && started.elapsed() > Duration::from_secs(30) {
			return Ok(blocks);
		}
		if started.elapsed() > Duration::from_secs(600) {
			bail!("{} jobs have not ended", open.len());
		}
		tokio::time::sleep(Duration::from_secs(1)).await;
	}
}

/// Counts what became of everybody.
fn judge(scene: &Scene, blocks: &[Arc<BlockView>], figures: &mut Figures) {
	let operator = address(&scene.operator.id).to_string();
	let watcher = address(&scene.watcher.id).to_string();
	let liars: BTreeSet<String> =
		scene.liars.iter().map(|liar| address(&liar.id).to_string()).collect();
	let by = |event: &ChainEvent, field: &str| event.text_of(field).unwrap_or("").to_string();
	for event in blocks.iter().flat_map(|block| block.events()) {
		let honest = by(event, "operator") == operator;
		match event.name.as_str() {
			"Jobs::Requested" => figures.jobs += 1,
			"Jobs::Finalized" if honest => figures.settled += 1,
			"Jobs::Finalized" if liars.contains(&by(event, "operator")) => {
				figures.frauds_final += 1;
			},
			"Jobs::FaultAccepted" | "Jobs::DeadlineMissed" if honest => figures.honest_slashed += 1,
			"Jobs::FaultAccepted" => figures.convicted += 1,
			"Challenges::ChallengeLapsed" if by(event, "who") == watcher => {
				figures.honest_bonds_lost += 1;
			},
			_ => {},
		}
	}
}
