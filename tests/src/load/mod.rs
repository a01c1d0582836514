//! How many jobs a network settles, and whether honest parties are in time, under load and spam.
//!
//! Each scenario has a network of its own: Alice authors blocks and serves, Bob authors and watches. In
//! all but the first, Charlie's node lies about every job that is sent to it, somebody makes noise, and
//! what counts is that the liar is convicted all the same.

mod book;
mod noise;
mod scene;

use crate::command::Files;
use anyhow::{bail, Context, Result};
use book::Book;
use clap::{Args, ValueEnum};
use noise::Noise;
use scene::Scene;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What others do to the chain meanwhile.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
	/// Nothing.
	NoNoise,
	/// Jobs that nobody serves wait in the queue, by default 50,000.
	IdleForeignJobs,
	/// An operator of its own requester claims the same answer over and over.
	SelfDealtClaims,
	/// Challenges against the honest operator's claims, by default 1,000, whose challengers then do
	/// nothing.
	ShamChallenges,
}

impl Scenario {
	fn name(self) -> String {
		self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
	}
}

/// Options of the load run.
#[derive(Args, Clone, Debug)]
pub struct Options {
	/// Scenarios to run, one after the other; all by default.
	#[arg(value_enum)]
	pub scenarios: Vec<Scenario>,
	/// Seconds for which jobs are sent.
	#[arg(long, default_value_t = 300)]
	pub seconds: u64,
	/// Jobs sent a second without noise.
	#[arg(long, default_value_t = 60)]
	pub rate: u32,
	/// Jobs sent a second beside noise.
	#[arg(long, default_value_t = 10)]
	pub rate_in_noise: u32,
	/// How much noise: jobs, claims or challenges; each scenario has its own default.
	#[arg(long)]
	pub noise: Option<u32>,
	/// What it works with.
	#[command(flatten)]
	pub files: Files,
}

/// Middle and tail of a distribution.
#[derive(Serialize, Clone, Copy, Default, Debug)]
pub struct Spread {
	/// Half of them are at most this.
	pub p50: f64,
	/// Ninety-nine in a hundred are at most this.
	pub p99: f64,
}

impl Spread {
	/// Of seconds, in any order.
	pub fn of(mut values: Vec<f64>) -> Self {
		values.sort_by(f64::total_cmp);
		let at = |share: f64| {
			let last = values.len().saturating_sub(1) as f64;
			values.get((last * share).round() as usize).copied().unwrap_or_default()
		};
		Self { p50: at(0.5), p99: at(0.99) }
	}
}

/// What one scenario showed.
#[derive(Serialize, Clone, Debug)]
pub struct Figures {
	/// The scenario.
	pub name: String,
	/// Honest jobs requested.
	pub requested: usize,
	/// Honest jobs that became final.
	pub settled: usize,
	/// Honest jobs settled a second, from the first that became final to the last.
	pub jobs_per_second: f64,
	/// Seconds from the request to the claim, by the blocks' time.
	pub to_claim: Spread,
	/// Seconds from the request to the payment.
	pub to_final: Spread,
	/// Claims that the watcher looked at and found right.
	pub claims_checked: u64,
	/// Claims whose window was over before the watcher had looked.
	pub claims_unseen: u64,
	/// What the honest owed in time, of claims, traces, openings and moves: those that were in time.
	pub moves_in_time: f64,
	/// How many such moves there were.
	pub moves: usize,
	/// How much noise there was.
	pub noise: NoiseFigures,
	/// Lies told.
	pub lies: usize,
	/// Lies that the runtime convicted.
	pub convicted: usize,
	/// Lies that became final.
	pub frauds_final: usize,
	/// Times that the honest operator lost stake.
	pub honest_slashed: usize,
	/// Bonds that the honest watcher lost.
	pub honest_bonds_lost: usize,
	/// Share of the blocks' computing time in use while jobs were sent, by weight.
	pub weight_share: f64,
	/// Jobs a second at which the chain's computing time would be used up, by the weight that a job
	/// took.
	pub limit_by_weight: f64,
	/// Weight of each step of a job's life in microseconds, as charged: request, accept, claim, and what
	/// the block's own hooks did, per job.
	pub micros: Steps,
}

/// Noise: jobs, claims or challenges of others.
#[derive(Serialize, Clone, Copy, Default, Debug)]
pub struct NoiseFigures {
	/// How much was put on the chain in all.
	pub made: u32,
	/// How much of it was not over when the first honest job was sent.
	pub at_start: usize,
	/// The least that was not over while jobs were sent.
	pub least: usize,
}

/// Microseconds of weight per job.
#[derive(Serialize, Clone, Copy, Default, Debug)]
pub struct Steps {
	/// Requesting.
	pub request: f64,
	/// Accepting.
	pub accept: f64,
	/// Claiming.
	pub claim: f64,
	/// Becoming final and being reaped, in idle time.
	pub hooks: f64,
}

impl Figures {
	/// Whether nothing happened that must not.
	pub fn is_ok(&self) -> bool {
		self.frauds_final == 0 && self.honest_slashed == 0 && self.honest_bonds_lost == 0
	}

	fn print(&self) {
		let Self { to_claim, to_final, micros, .. } = self;
		println!("  jobs           {} requested, {} settled", self.requested, self.settled);
		println!("  throughput     {:.1} jobs/s", self.jobs_per_second);
		println!("  to claim       p50 {:.1} s, p99 {:.1} s", to_claim.p50, to_claim.p99);
		println!("  to final       p50 {:.1} s, p99 {:.1} s", to_final.p50, to_final.p99);
		let share = 100.0 * self.moves_in_time;
		println!("  moves in time  {share:.1} % of {}", self.moves);
		println!(
			"  watcher        {} claims right, {} unseen",
			self.claims_checked, self.claims_unseen
		);
		println!(
			"  weight         request {:.0} µs, accept {:.0}, claim {:.0}, hooks {:.0}: at most {:.0} jobs/s",
			micros.request, micros.accept, micros.claim, micros.hooks, self.limit_by_weight
		);
		if self.noise.made > 0 {
			let NoiseFigures { made, at_start, least } = self.noise;
			println!(
				"  noise          {made} in all, {at_start} at the start and never under {least}"
			);
		}
		if self.lies > 0 {
			println!("  lies           {} told, {} convicted", self.lies, self.convicted);
		}
	}
}

#[derive(Serialize)]
struct Report {
	scenarios: Vec<Figures>,
}

/// Runs the scenarios; whether all came out right.
pub async fn run(options: &Options) -> Result<bool> {
	let scenarios = if options.scenarios.is_empty() {
		Scenario::value_variants().to_vec()
	} else {
		options.scenarios.clone()
	};
	let mut all = Vec::new();
	for scenario in scenarios {
		println!("{}", scenario.name());
		let figures = one(scenario, options)
			.await
			.with_context(|| format!("scenario {}", scenario.name()))?;
		figures.print();
		all.push(figures);
		options.files.write(&Report { scenarios: all.clone() })?;
	}
	let best = all.iter().map(|figures| figures.jobs_per_second).fold(0.0, f64::max);
	let sum = |of: fn(&Figures) -> usize| all.iter().map(of).sum::<usize>();
	println!(
		"load: {best:.1} jobs/s; frauds final {}, honest slashed {}, honest bonds lost {}",
		sum(|f| f.frauds_final),
		sum(|f| f.honest_slashed),
		sum(|f| f.honest_bonds_lost),
	);
	Ok(all.iter().all(Figures::is_ok))
}

/// Seconds between two lies.
const LIE_EVERY: u64 = 15;

async fn one(scenario: Scenario, options: &Options) -> Result<Figures> {
	let mut scene = Scene::set(options, scenario != Scenario::NoNoise).await?;
	let mut book = Book::open(&scene).await?;
	let mut noise = Noise::begin(scenario, options.noise, &mut scene, &mut book).await?;
	let at_start = noise.standing(&book);
	let mut least = at_start;
	let rate = match scenario {
		Scenario::NoNoise => options.rate,
		_ => options.rate_in_noise,
	};
	let started = Instant::now();
	let mut sent = 0u64;
	let mut lied = 0u64;
	book.measure_from_now();
	loop {
		let seconds = started.elapsed().as_secs_f64();
		if seconds >= options.seconds as f64 {
			break;
		}
		let due = (seconds * f64::from(rate)) as u64;
		while sent < due {
			let count = (due - sent).min(scene::PER_EXTRINSIC);
			scene.request_honest(count as u32).await?;
			sent += count;
		}
		if scene.lies() && started.elapsed().as_secs() / LIE_EVERY >= lied {
			scene.request_lie().await?;
			lied += 1;
		}
		noise.keep(&mut scene, &mut book).await?;
		book.read(&scene).await?;
		least = least.min(noise.standing(&book));
		tokio::time::sleep(Duration::from_millis(250)).await;
	}
	book.measure_to_now();
	// Time follows the chain: until everything has ended, or nothing moves any more.
	let patience = Duration::from_secs(600);
	let waiting = Instant::now();
	while !book.is_over() {
		book.read(&scene).await?;
		if waiting.elapsed() > patience {
			bail!("{} jobs have not ended after {} s", book.count_open(), patience.as_secs());
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
	let noise = NoiseFigures { made: noise.made(&book), at_start, least };
	book.figures(scenario.name(), noise, &scene).await
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn spreads_are_taken_from_the_sorted_values() {
		let spread = Spread::of((1..=100).rev().map(f64::from).collect());
		assert_eq!((spread.p50, spread.p99), (51.0, 99.0));
		assert_eq!(Spread::of(vec![]).p99, 0.0);
	}
}
