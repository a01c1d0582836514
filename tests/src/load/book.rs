//! What happened on the chain, read from the events of every block.

use super::{scene::Scene, Figures, NoiseFigures, Spread, Steps};
use anyhow::{Context, Result};
use codec::Decode;
use std::collections::{BTreeMap, BTreeSet};
use subxt::events::Phase;

/// One job's life, in milliseconds of the blocks' time.
#[derive(Default, Clone, Copy, Debug)]
struct Life {
	requested: u64,
	claimed: Option<u64>,
	ended: Option<u64>,
	paid: bool,
}

/// Weight of one kind of step: picoseconds, and jobs that it was about.
#[derive(Default, Clone, Copy)]
struct Cost {
	picos: u64,
	jobs: u64,
}

/// The chain's computing time of a block in picoseconds.
const BLOCK_PICOS: f64 = 1e12;
/// Seconds of a block.
const BLOCK_SECONDS: f64 = 3.0;

/// Reads blocks once each, in order.
pub(super) struct Book {
	next: u64,
	honest: BTreeMap<u64, Life>,
	lies: BTreeMap<u64, Life>,
	/// Jobs of the noise, which nobody waits for, and those that are not over.
	foreign: BTreeSet<u64>,
	standing: BTreeSet<u64>,
	/// Live challenges of the noise.
	shams: BTreeSet<u64>,
	shams_opened: u32,
	frauds_final: usize,
	convicted: usize,
	slashed: usize,
	bonds_lost: usize,
	moves: usize,
	late: usize,
	costs: BTreeMap<&'static str, Cost>,
	/// Blocks whose weight counts, and the first job that does: those before it are the noise's prey.
	measured: Option<(u64, Option<u64>)>,
	first_measured: u64,
	used_picos: f64,
	used_blocks: u64,
	/// Of these, those that took no ordinary transactions.
	closed_blocks: u64,
	hooks_picos: f64,
}

impl Book {
	/// An empty book, from the next block on.
	pub(super) async fn open(scene: &Scene) -> Result<Self> {
		let next = scene.api.finalized().await?.block_number() + 1;
		Ok(Self {
			next,
			honest: BTreeMap::new(),
			lies: BTreeMap::new(),
			foreign: BTreeSet::new(),
			standing: BTreeSet::new(),
			shams: BTreeSet::new(),
			shams_opened: 0,
			frauds_final: 0,
			convicted: 0,
			slashed: 0,
			bonds_lost: 0,
			moves: 0,
			late: 0,
			costs: BTreeMap::new(),
			measured: None,
			first_measured: 0,
			used_picos: 0.0,
			used_blocks: 0,
			closed_blocks: 0,
			hooks_picos: 0.0,
		})
	}

	/// Weights count from the next block on.
	pub(super) fn measure_from_now(&mut self) {
		self.measured = Some((self.next, None));
		self.first_measured = self.honest.keys().next_back().map_or(0, |job| job + 1);
	}

	/// Weights count no longer.
	pub(super) fn measure_to_now(&mut self) {
		if let Some((_, end)) = &mut self.measured {
			*end = Some(self.next);
		}
	}

	/// Jobs, honest or lied about, that have not ended.
	fn open_jobs(&self) -> impl Iterator<Item = (&u64, &Life)> + '_ {
		self.honest.iter().chain(&self.lies).filter(|(_, life)| life.ended.is_none())
	}

	/// How many have not ended.
	pub(super) fn count_open(&self) -> usize {
		self.open_jobs().count()
	}

	/// Whether everything has ended.
	pub(super) fn is_over(&self) -> bool {
		self.open_jobs().next().is_none()
	}

	/// Honest jobs so far.
	pub(super) fn honest(&self) -> usize {
		self.honest.len()
	}

	/// Honest claims that are open, for those who want to challenge them.
	pub(super) fn open_claims(&self) -> Vec<u64> {
		let open = self.honest.iter().filter(|(_, l)| l.claimed.is_some() && l.ended.is_none());
		open.map(|(job, _)| *job).collect()
	}

	/// Numbers of the noise's jobs.
	pub(super) fn foreign(&self) -> &BTreeSet<u64> {
		&self.foreign
	}

	/// How many of these are not over.
	pub(super) fn standing(&self) -> usize {
		self.standing.len()
	}

	/// How many challenges of the noise there were.
	pub(super) fn shams_opened(&self) -> u32 {
		self.shams_opened
	}

	/// How many challenges of the noise are live.
	pub(super) fn shams(&self) -> usize {
		self.shams.len()
	}

	/// Take in what was finalized meanwhile.
	pub(super) async fn read(&mut self, scene: &Scene) -> Result<()> {
		let last = scene.api.finalized().await?.block_number();
		while self.next <= last {
			self.block(scene, self.next).await?;
			self.next += 1;
		}
		Ok(())
	}

	async fn block(&mut self, scene: &Scene, number: u64) -> Result<()> {
		let at = scene.api.at_number(number).await?;
		let time = scene.api.time_ms(&at).await?;
		let mut calls = Vec::new();
		for extrinsic in at.extrinsics().fetch().await?.iter() {
			let extrinsic = extrinsic?;
			calls.push(format!("{}.{}", extrinsic.pallet_name(), extrinsic.call_name()));
		}
		// What each extrinsic was about, how many jobs, and what it cost.
		let mut about = vec![(0u64, 0u64); calls.len()];
		let mut picos = 0u64;
		for event in at.events().fetch().await?.iter() {
			let event = event?;
			let bytes = event.field_bytes();
			let name = (event.pallet_name(), event.event_name());
			let index = match event.phase() {
				Phase::ApplyExtrinsic(index) => Some(index as usize),
				_ => None,
			};
			let jobs = self.event(scene, name, bytes, time)?;
			if let Some(entry) = index.and_then(|index| about.get_mut(index)) {
				entry.0 += jobs;
				if name.0 == "System" && name.1.starts_with("Extrinsic") {
					entry.1 = weight_of(&event).unwrap_or_default();
					picos += entry.1;
				}
			}
		}
		let measured = self
			.measured
			.is_some_and(|(from, to)| number >= from && to.is_none_or(|to| number < to));
		if measured {
			for (call, (jobs, picos)) in calls.iter().zip(&about) {
				let step = match call.as_str() {
					"Jobs.request" | "Utility.batch" | "Utility.batch_all" => "request",
					"Jobs.accept" => "accept",
					"Jobs.claim" => "claim",
					_ => continue,
				};
				if *jobs > 0 {
					let cost = self.costs.entry(step).or_default();
					cost.jobs += jobs;
					cost.picos += picos;
				}
			}
			let all = scene.api.block_ref_time(&at).await? as f64;
			self.used_blocks += 1;
			// The session pallet charges a whole block when it rotates keys, whatever that takes.
			if all >= BLOCK_PICOS {
				self.closed_blocks += 1;
			} else {
				self.used_picos += all;
				self.hooks_picos += (all - picos as f64).max(0.0);
			}
		}
		Ok(())
	}

	/// Take in one event; how many jobs it moved on.
	fn event(&mut self, scene: &Scene, name: (&str, &str), bytes: &[u8], time: u64) -> Result<u64> {
		let number = |at: usize| -> Result<u64> {
			let mut slice = bytes.get(at..).unwrap_or_default();
			u64::decode(&mut slice).context("an event is too short")
		};
		let account = |at: usize| bytes.get(at..at + 32).unwrap_or_default();
		match name {
			("Jobs", "Requested") => {
				let (job, requester) = (number(0)?, account(8));
				let life = Life { requested: time, ..Life::default() };
				if requester == scene.victim.id.0 {
					self.lies.insert(job, life);
				} else if requester == scene.noisy.id.0 {
					self.foreign.insert(job);
					self.standing.insert(job);
				} else {
					self.honest.insert(job, life);
				}
				return Ok(1);
			},
			("Jobs", "Accepted") => return Ok(1),
			("Jobs", "Claimed") => {
				self.moves += usize::from(account(8) == scene.operator.id.0);
				if let Some(life) = self.life(number(0)?) {
					life.claimed = Some(time);
				}
				return Ok(1);
			},
			("Jobs", "Finalized") => {
				let job = number(0)?;
				// Every answer of the liar's is a lie.
				self.frauds_final += usize::from(self.lies.contains_key(&job));
				if let Some(life) = self.end(job, time) {
					life.paid = true;
				}
			},
			("Jobs", "FaultAccepted") => {
				let job = number(0)?;
				self.convicted += usize::from(self.lies.contains_key(&job));
				// The honest operator is at fault only by silence.
				self.late += usize::from(self.honest.contains_key(&job));
				self.end(job, time);
			},
			("Jobs", "Voided") => {
				let job = number(0)?;
				self.late += usize::from(self.honest.contains_key(&job));
				self.end(job, time);
			},
			("Jobs", "Expired" | "Cancelled") => {
				self.end(number(0)?, time);
			},
			("Jobs", "DeadlineMissed") => {
				self.late += usize::from(account(8) == scene.operator.id.0);
			},
			("Operators", "Slashed") => {
				self.slashed += usize::from(account(0) == scene.operator.id.0);
			},
			("Challenges", "ChallengeLapsed") => {
				let honest = account(16) == scene.watcher.id.0;
				self.bonds_lost += usize::from(honest);
				self.late += usize::from(honest);
				self.shams.remove(&number(0)?);
			},
			("Challenges", "ChallengeMooted" | "ChallengeWon") => {
				self.shams.remove(&number(0)?);
			},
			// The honest operator answers about its own jobs, the honest watcher asks about lies.
			("Challenges", "TraceRevealed" | "NodeOpened") => {
				self.moves += usize::from(self.honest.contains_key(&number(0)?));
			},
			("Challenges", "NodeAsked") => {
				self.moves += usize::from(self.lies.contains_key(&number(8)?));
			},
			("Challenges", "ChallengeOpened") => {
				self.moves += usize::from(account(16) == scene.watcher.id.0);
				if account(16) == scene.noisy.id.0 {
					self.shams.insert(number(0)?);
					self.shams_opened += 1;
				}
			},
			_ => {},
		}
		Ok(0)
	}

	/// A job is over; whose life that ended, if anybody waits for it.
	fn end(&mut self, job: u64, time: u64) -> Option<&mut Life> {
		self.standing.remove(&job);
		let life = self.life(job)?;
		life.ended = Some(time);
		Some(life)
	}

	fn life(&mut self, job: u64) -> Option<&mut Life> {
		match self.honest.get_mut(&job) {
			Some(life) => Some(life),
			None => self.lies.get_mut(&job),
		}
	}

	/// The figures of a scenario that has ended.
	pub(super) async fn figures(
		self,
		name: String,
		noise: NoiseFigures,
		scene: &Scene,
	) -> Result<Figures> {
		let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1_000.0;
		let honest = || self.honest.range(self.first_measured..).map(|(_, life)| life);
		let paid: Vec<_> = honest().filter(|life| life.paid).collect();
		let claims = paid.iter().filter_map(|life| Some(seconds(life.requested, life.claimed?)));
		let finals = paid.iter().filter_map(|life| Some(seconds(life.requested, life.ended?)));
		let ends = || paid.iter().filter_map(|life| life.ended);
		let span = seconds(ends().min().unwrap_or(0), ends().max().unwrap_or(0));
		let micros = |step: &str| {
			let cost = self.costs.get(step).copied().unwrap_or_default();
			cost.picos as f64 / 1e6 / (cost.jobs.max(1)) as f64
		};
		let (request, accept, claim) = (micros("request"), micros("accept"), micros("claim"));
		let settled_meanwhile =
			self.costs.get("claim").map(|cost| cost.jobs).unwrap_or_default().max(1);
		let hooks = self.hooks_picos / 1e6 / settled_meanwhile as f64;
		let each = request + accept + claim + hooks;
		let open = (self.used_blocks - self.closed_blocks) as f64;
		let moves = self.moves + self.late;
		let unseen = scene.watcher_metric("assay_claims_missed_total");
		Ok(Figures {
			name,
			requested: honest().count(),
			settled: paid.len(),
			// The first block of payments is where counting begins.
			jobs_per_second: paid.len() as f64 / (span + BLOCK_SECONDS),
			to_claim: Spread::of(claims.collect()),
			to_final: Spread::of(finals.collect()),
			claims_checked: scene.watcher_metric("assay_claims_checked_total"),
			claims_unseen: unseen,
			moves_in_time: 1.0 - self.late as f64 / moves.max(1) as f64,
			moves,
			noise,
			lies: self.lies.len(),
			convicted: self.convicted,
			frauds_final: self.frauds_final,
			honest_slashed: self.slashed,
			honest_bonds_lost: self.bonds_lost,
			weight_share: self.used_picos / BLOCK_PICOS / open.max(1.0),
			limit_by_weight: open / self.used_blocks.max(1) as f64 * 1e6
				/ BLOCK_SECONDS
				/ each.max(1e-9),
			micros: Steps { request, accept, claim, hooks },
		})
	}
}

/// The reference time in an event of success or failure: compact, after the error if there is one.
fn weight_of(event: &subxt::events::Event<'_, assay_client::chain::AssayConfig>) -> Option<u64> {
	// `ExtrinsicSuccess { dispatch_info: { weight: { ref_time: Compact, .. }, .. } }`.
	(event.event_name() == "ExtrinsicSuccess")
		.then(|| codec::Compact::<u64>::decode(&mut &event.field_bytes()[..]).ok())
		.flatten()
		.map(|compact| compact.0)
}
