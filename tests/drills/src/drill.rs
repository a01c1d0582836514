//! What a drill is, and what comes out of it.

use crate::{ledger::Verdict, stage::Cast, world::World};
use assay_primitives::{FaultKind, JobId};
use assay_runtime::Runtime;
use pallet_jobs::Jobs;
use serde::Serialize;

/// An attack, and what must come of it.
#[derive(Clone, Copy)]
pub struct Drill {
	/// Its name, in kebab case.
	pub name: &'static str,
	/// What it shows, in one line.
	pub shows: &'static str,
	/// Sets the stage, plays, and says what came of it.
	pub play: fn(&Cast) -> Outcome,
}

/// What came of a drill.
#[derive(Serialize, Clone, Default, Debug)]
pub struct Outcome {
	/// Blocks from the first of the chain to the last.
	pub blocks: u32,
	/// False answers that became final.
	pub frauds_final: usize,
	/// Honest parties that lost stake.
	pub honest_slashed: usize,
	/// Honest parties that lost bonds, or more than they may.
	pub lost: usize,
	/// What else was expected and did not come, and invariants that did not hold.
	pub unexpected: Vec<String>,
}

impl Outcome {
	/// What came of a world that was played, and of these expectations.
	pub fn of(world: &World, checks: Checks) -> Self {
		let mut unexpected: Vec<String> = world.ledger.broken().to_vec();
		unexpected.extend(checks.0);
		Self {
			blocks: world.chain.number(),
			frauds_final: world.ledger.frauds_final(),
			honest_slashed: world.ledger.honest_slashed(),
			lost: world.ledger.lost(),
			unexpected,
		}
	}

	/// Both together.
	pub fn and(mut self, other: Self) -> Self {
		self.blocks += other.blocks;
		self.frauds_final += other.frauds_final;
		self.honest_slashed += other.honest_slashed;
		self.lost += other.lost;
		self.unexpected.extend(other.unexpected);
		self
	}

	/// Whether the attack came to nothing.
	pub fn is_good(&self) -> bool {
		self.frauds_final == 0
			&& self.honest_slashed == 0
			&& self.lost == 0
			&& self.unexpected.is_empty()
	}
}

/// Expectations that were not met.
#[derive(Default)]
pub struct Checks(Vec<String>);

impl Checks {
	/// None so far.
	pub fn new() -> Self {
		Self::default()
	}

	/// What was not met.
	pub fn into_inner(self) -> Vec<String> {
		self.0
	}

	/// Expects that this holds.
	pub fn that(&mut self, holds: bool, what: impl Into<String>) {
		if !holds {
			self.0.push(what.into());
		}
	}

	/// Expects that a claim was refuted, and for such a reason.
	pub fn fraud(&mut self, world: &World, job: JobId, fits: impl Fn(&FaultKind) -> bool) {
		match world.ledger.verdict(job) {
			Some((Verdict::Fraud { fault, .. }, _)) if fits(fault) => {},
			other => self.0.push(format!("job {job} should be refuted, but: {other:?}")),
		}
	}

	/// Expects that a true answer became final.
	pub fn is_final(&mut self, world: &World, job: JobId) {
		match world.ledger.verdict(job) {
			Some((Verdict::Final { true_answer: true, .. }, _)) => {},
			other => self.0.push(format!("job {job} should be final, but: {other:?}")),
		}
	}
}

/// The operation that a fault is in, if it was proven.
pub fn entry_of(fault: &FaultKind) -> Option<u32> {
	match fault {
		FaultKind::Leaf { entry, .. } | FaultKind::Chunk { entry, .. } => Some(*entry),
		FaultKind::NoTrace | FaultKind::NoAnswer(_) => None,
	}
}

/// Whether every job is over and nobody has a bond in a challenge any more.
pub fn settled(world: &mut World) -> bool {
	world.challenges_are_over()
		&& world.chain.read(|| Jobs::<Runtime>::iter_values().all(|job| job.status.is_terminal()))
}

/// The drill of this name.
pub fn find<'a>(drills: &'a [Drill], name: &str) -> Option<&'a Drill> {
	drills.iter().find(|drill| drill.name == name)
}

/// Names that somebody who typed this may have meant, the closest first.
pub fn close_names(drills: &[Drill], typed: &str) -> Vec<&'static str> {
	let mut near: Vec<(usize, &'static str)> = drills
		.iter()
		.map(|drill| {
			let contains = drill.name.contains(typed) || typed.contains(drill.name);
			(if contains { 0 } else { distance(typed, drill.name) }, drill.name)
		})
		.filter(|(far, name)| *far <= name.len().max(typed.len()) / 2)
		.collect();
	near.sort();
	near.into_iter().map(|(_, name)| name).take(5).collect()
}

/// Letters to insert, remove or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
	let b: Vec<char> = b.chars().collect();
	let mut row: Vec<usize> = (0..=b.len()).collect();
	for (i, x) in a.chars().enumerate() {
		let mut diagonal = i;
		row[0] = i + 1;
		for (j, y) in b.iter().enumerate() {
			let replaced = diagonal + usize::from(x != *y);
			diagonal = row[j + 1];
			row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
		}
	}
	row[b.len()]
}
