//! What the demonstration prints and writes.

use super::{
	fraud::Scenario,
	main_job::Answer,
	stage::{Money, Stage},
};
use assay_client::{
	amount::{change, Amount},
	timeline::{End, Timeline},
};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn heading(text: &str) {
	println!("\n== {text}");
}

/// One line for each event of a job's history, with the accounts' dev paths for their addresses.
pub(super) fn history(stage: &Stage, title: &str, history: &Timeline) {
	println!("\n{title}");
	let names = stage.accounts();
	for entry in &history.entries {
		let mut line = entry.to_string();
		for account in &names {
			let address = account.id.to_string();
			line = line.replace(&format!("{}…", &address[..10]), &account.path);
		}
		println!("  {line}");
	}
}

/// Something that had to come out.
#[derive(Serialize, Clone, Debug)]
pub struct Check {
	/// What.
	pub what: String,
	/// Whether it did.
	pub ok: bool,
}

/// Somebody's money before and after, in 10^-12 ASY.
#[derive(Serialize, Clone, Debug)]
struct Change {
	owned_before: String,
	owned_after: String,
	stake_before: String,
	stake_after: String,
}

/// The whole demonstration.
#[derive(Serialize, Clone, Debug)]
pub struct Summary {
	/// What had to come out.
	pub checks: Vec<Check>,
	/// Digits read right and all held-out images.
	accuracy: Option<(usize, usize)>,
	/// The main job's answers.
	answers: Vec<Answer>,
	/// The false claims.
	scenarios: Vec<Scenario>,
	money: BTreeMap<String, Change>,
	/// Most memory each node used, in bytes.
	peak_memory: BTreeMap<String, u64>,
	seconds: f64,
	#[serde(skip)]
	watcher: String,
}

impl Summary {
	pub(super) fn new(
		stage: &Stage,
		answers: Vec<Answer>,
		scenarios: Vec<Scenario>,
		before: &Money,
		after: &Money,
	) -> Summary {
		let memory = |node: &crate::node::Node| Some((node.name.clone(), node.peak_memory()?));
		let money = before.iter().filter_map(|(who, (owned, stake))| {
			let (owned_after, stake_after) = after.get(who)?;
			let change = Change {
				owned_before: owned.to_string(),
				owned_after: owned_after.to_string(),
				stake_before: stake.to_string(),
				stake_after: stake_after.to_string(),
			};
			Some((who.clone(), change))
		});
		let mut summary = Summary {
			checks: Vec::new(),
			accuracy: accuracy(stage, &answers),
			money: money.collect(),
			answers,
			scenarios,
			peak_memory: stage.net.nodes.iter().filter_map(memory).collect(),
			seconds: stage.started.elapsed().as_secs_f64(),
			watcher: stage.watcher.path.clone(),
		};
		summary.check(stage);
		summary
	}

	fn check(&mut self, stage: &Stage) {
		let mut checks = Vec::new();
		let mut check = |what: String, ok: bool| checks.push(Check { what, ok });
		let finals = self.answers.iter().filter(|a| a.end == Some(End::Final)).count();
		let all = self.answers.len();
		check(format!("{finals} of {all} honest answers are final"), finals == all && all > 0);
		let (right, images) = self.accuracy.unwrap_or_default();
		let share = right as f64 / images.max(1) as f64;
		check(
			format!(
				"{right} of {images} held-out digits read right through the chain ({share:.3})"
			),
			images == stage.digits.labels.len() && share > 0.95,
		);
		for s in &self.scenarios {
			check(format!("{}: {} was caught and slashed", s.drill, s.operator), s.is_right());
		}
		let drills: std::collections::BTreeSet<_> =
			self.scenarios.iter().map(|s| s.drill.as_str()).collect();
		check("all five ways to cheat were tried".into(), drills.len() == 5);
		let gained = |who: &str, stake: bool| {
			let read = |text: &str| text.parse::<u128>().unwrap_or_default();
			self.money.get(who).map(|c| {
				if stake {
					(read(&c.stake_before), read(&c.stake_after))
				} else {
					(read(&c.owned_before), read(&c.owned_after))
				}
			})
		};
		let honest = &stage.operator.path;
		let kept = gained(honest, true).is_some_and(|(before, after)| before == after);
		check(format!("{honest}, who was honest, kept its stake"), kept);
		let paid = gained(honest, false).is_some_and(|(before, after)| after > before);
		check(format!("{honest} was paid"), paid);
		let rewarded = gained(&self.watcher, false).is_some_and(|(before, after)| after > before);
		check(format!("{}, who watched, was rewarded", self.watcher), rewarded);
		self.checks = checks;
	}

	/// Whether everything came out as it must.
	pub fn is_ok(&self) -> bool {
		!self.checks.is_empty() && self.checks.iter().all(|check| check.ok)
	}

	/// Prints the end of the demonstration.
	pub fn print(&self) {
		heading("Who lost and gained what");
		for (who, c) in &self.money {
			let read = |text: &str| text.parse::<u128>().unwrap_or_default();
			let owned = change(read(&c.owned_before), read(&c.owned_after));
			let stake = change(read(&c.stake_before), read(&c.stake_after));
			let (now, held) = (Amount(read(&c.owned_after)), Amount(read(&c.stake_after)));
			println!("{who:<14} owns {now:>26} ({owned}), of which stake {held} ({stake})");
		}
		heading("Summary of the disputes");
		println!(
			"{:<14} {:>8} {:>8} {:>12} {:>7}  verdict",
			"drill", "messages", "bytes", "weight (ms)", "blocks"
		);
		for s in &self.scenarios {
			let verdict = s.fault.map_or("none".into(), |fault| fault.to_string());
			let (weight, drill) = (s.ref_time as f64 / 1e9, &s.drill);
			print!("{drill:<14} {:>8} {:>8} {weight:>12.3}", s.messages, s.bytes);
			println!(" {:>7}  {verdict}", s.blocks);
		}
		for (node, bytes) in &self.peak_memory {
			println!("{node}: peak memory {} MiB", bytes >> 20);
		}
		heading("What had to come out");
		for check in &self.checks {
			println!("{}  {}", if check.ok { "ok  " } else { "FAIL" }, check.what);
		}
		println!("\n{:.0} s in all", self.seconds);
	}
}

/// Right answers over the held-out images, each counted once, if all were answered in batches.
fn accuracy(stage: &Stage, answers: &[Answer]) -> Option<(usize, usize)> {
	let mut found: BTreeMap<usize, usize> = BTreeMap::new();
	let batches = answers.iter().filter_map(|answer| answer.range.as_ref());
	for (start, digits) in batches.filter(|(_, digits)| digits.len() > 1) {
		found.extend(digits.iter().enumerate().map(|(i, digit)| (start + i, *digit)));
	}
	let right = found.iter().filter(|(i, digit)| stage.digits.labels.get(**i) == Some(digit));
	Some((right.count(), found.len()))
}
