//! A job's history: every step of the chain that had to do with it, from its request to its end.

use crate::{
	chain::{Api, BlockView, ChainEvent, Step},
	error::{Error, Kind, Result},
};
use serde::Serialize;
use std::{fmt, time::Duration};

/// One event of a job's history.
#[derive(Clone, Serialize, Debug)]
pub struct Entry {
	/// Milliseconds from the block of the first entry to this one's.
	pub after_ms: u64,
	/// The call that caused it, if a transaction did.
	pub call: Option<String>,
	/// The event.
	#[serde(flatten)]
	pub event: ChainEvent,
}

impl fmt::Display for Entry {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let seconds = self.after_ms as f64 / 1_000.0;
		write!(f, "{seconds:>7.1} s  {}", self.event)
	}
}

/// How a job ended.
#[derive(Clone, Copy, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum End {
	/// The answer is final and paid.
	Final,
	/// The answer was false or was not defended; the requester was refunded.
	Fraud,
	/// The operator withheld the output; the requester was refunded.
	Void,
	/// The requester withdrew it.
	Cancelled,
	/// Nobody answered in time.
	Expired,
}

impl End {
	/// How the job of `event` ends with it, if it does.
	pub fn of(event: &ChainEvent) -> Option<End> {
		match event.name.as_str() {
			"Jobs::Finalized" => Some(End::Final),
			"Jobs::FaultAccepted" => Some(End::Fraud),
			"Jobs::Voided" => Some(End::Void),
			"Jobs::Cancelled" => Some(End::Cancelled),
			"Jobs::Expired" => Some(End::Expired),
			"Jobs::DeadlineMissed" if event.fields["queued"] == false => Some(End::Expired),
			_ => None,
		}
	}
}

/// The history of one job, fed block by block.
///
/// # Examples
///
/// ```
/// use assay_client::timeline::{End, Timeline};
/// # use assay_client::chain::{BlockView, ChainEvent};
/// # use subxt::utils::H256;
/// # let event = |name: &str| {
/// #     let (name, fields) = (name.into(), serde_json::json!({ "job": 7 }));
/// #     ChainEvent { block: 1, extrinsic: None, name, fields, text: String::new() }
/// # };
/// # let block = |number, event| {
/// #     let (time_ms, hash) = (6_000 * number, H256::zero());
/// #     BlockView { number, hash, time_ms, steps: vec![], hooks: vec![event] }
/// # };
/// # let expires = block(10, event("Jobs::Expired"));
/// # let is_reaped = block(11, event("Jobs::Reaped"));
///
/// let mut timeline = Timeline::new(7);
/// // Blocks of the chain, in order: the job expires in one and is reaped in the next, which is after its end.
/// assert_eq!([timeline.add(&expires), timeline.add(&is_reaped)], [1, 0]);
/// assert_eq!(timeline.end, Some(End::Expired));
/// assert!(timeline.event("Jobs::Expired").is_some());
/// ```
#[derive(Clone, Serialize, Debug)]
pub struct Timeline {
	/// Number of the job.
	pub job: u64,
	/// Its events in order.
	pub entries: Vec<Entry>,
	/// The transactions about it, with their costs.
	pub steps: Vec<Step>,
	/// How it ended, once it has.
	pub end: Option<End>,
	#[serde(skip)]
	started_ms: Option<u64>,
}

impl Timeline {
	/// The history of `job`, empty yet.
	pub fn new(job: u64) -> Self {
		Timeline { job, entries: Vec::new(), steps: Vec::new(), end: None, started_ms: None }
	}

	/// Takes what `block` says about the job; blocks must come in order, each once. Returns how
	/// many entries are new.
	pub fn add(&mut self, block: &BlockView) -> usize {
		let before = self.entries.len();
		if self.end.is_some() {
			return 0;
		}
		for step in &block.steps {
			let about = |event: &&ChainEvent| event.is_assay() && event.job() == Some(self.job);
			let events: Vec<_> = step.events.iter().filter(about).cloned().collect();
			if events.is_empty() {
				continue;
			}
			for event in events {
				self.push(block, Some(step.call.clone()), event);
			}
			self.steps.push(step.clone());
		}
		for event in &block.hooks {
			if event.is_assay() && event.job() == Some(self.job) {
				self.push(block, None, event.clone());
			}
		}
		self.entries.len() - before
	}

	fn push(&mut self, block: &BlockView, call: Option<String>, event: ChainEvent) {
		let started = *self.started_ms.get_or_insert(block.time_ms);
		self.end = self.end.or(End::of(&event));
		let after_ms = block.time_ms.saturating_sub(started);
		self.entries.push(Entry { after_ms, call, event });
	}

	/// The first event with this name.
	pub fn event(&self, name: &str) -> Option<&ChainEvent> {
		self.entries.iter().map(|entry| &entry.event).find(|event| event.is(name))
	}

	/// Blocks from the first entry to the last.
	pub fn blocks(&self) -> u64 {
		match (self.entries.first(), self.entries.last()) {
			(Some(first), Some(last)) => last.event.block - first.event.block,
			_ => 0,
		}
	}
}

/// Follows finalized blocks from number `from` on and gives each to `look` until it says stop.
///
/// # Errors
/// [`Kind::Timeout`] when no block comes for `patience`, or the node goes away.
pub async fn follow(
	api: &Api,
	from: u64,
	patience: Duration,
	mut look: impl FnMut(&BlockView) -> bool,
) -> Result<()> {
	let mut heads = api.finalized_blocks().await?;
	let mut next = from;
	loop {
		let head = tokio::time::timeout(patience, heads.next()).await.map_err(|_| {
			let seconds = patience.as_secs();
			Error::new(Kind::Timeout, format!("no block was finalized for {seconds} seconds"))
				.hint("check with `assay doctor` that the validators run")
		})?;
		let head = head.ok_or_else(|| {
			Error::new(Kind::Unreachable, "the node closed the connection")
				.hint("nothing is lost: the chain goes on; try again with `assay job watch`")
		})??;
		while next <= head.number() {
			let at =
				if head.number() == next { head.at().await? } else { api.at_number(next).await? };
			if look(&api.block(&at).await?) {
				return Ok(());
			}
			next += 1;
		}
	}
}

/// Follows one job to its end; `show` sees each new entry.
///
/// # Errors
/// As [`follow`], after two minutes without a block.
///
/// # Examples
///
/// ```no_run
/// use assay_client::{timeline::{self, End}, Api};
///
/// # async fn example(api: Api) -> assay_client::Result<()> {
/// // From the block in which the job was requested.
/// let history = timeline::watch(&api, 7, 1_200, |entry| println!("{entry}")).await?;
/// match history.end {
///     Some(End::Final) => println!("answered within {} blocks", history.blocks()),
///     end => println!("not answered: {end:?}"),
/// }
/// # Ok(())
/// # }
/// ```
pub async fn watch(
	api: &Api,
	job: u64,
	from: u64,
	mut show: impl FnMut(&Entry),
) -> Result<Timeline> {
	let mut timeline = Timeline::new(job);
	let patience = Duration::from_secs(120);
	follow(api, from, patience, |block| {
		let new = timeline.add(block);
		let first = timeline.entries.len() - new;
		timeline.entries[first..].iter().for_each(&mut show);
		timeline.end.is_some()
	})
	.await?;
	Ok(timeline)
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use subxt::utils::H256;

	fn event(name: &str, fields: serde_json::Value) -> ChainEvent {
		let text = String::new();
		ChainEvent { block: 1, extrinsic: None, name: name.into(), fields, text }
	}

	fn block(number: u64, hooks: Vec<ChainEvent>) -> BlockView {
		let time_ms = 1_000 * number;
		BlockView { number, hash: H256::zero(), time_ms, steps: Vec::new(), hooks }
	}

	#[test]
	fn only_events_of_the_job_count_and_the_end_is_the_end() {
		let mut timeline = Timeline::new(7);
		assert_eq!(timeline.add(&block(1, vec![event("Jobs::Requested", json!({"job": 7}))])), 1);
		assert_eq!(timeline.add(&block(2, vec![event("Jobs::Requested", json!({"job": 8}))])), 0);
		assert_eq!(timeline.add(&block(3, vec![event("Balances::Held", json!({"job": 7}))])), 0);
		assert_eq!(timeline.add(&block(4, vec![event("Jobs::Finalized", json!({"job": 7}))])), 1);
		assert_eq!(timeline.end, Some(End::Final));
		assert_eq!(timeline.entries[1].after_ms, 3_000);
		assert_eq!(timeline.add(&block(5, vec![event("Jobs::Reaped", json!({"job": 7}))])), 0);
	}

	#[test]
	fn a_missed_deadline_ends_a_job_only_when_it_is_not_queued_again() {
		let mut timeline = Timeline::new(1);
		let missed =
			|queued: bool| event("Jobs::DeadlineMissed", json!({"job": 1, "queued": queued}));
		timeline.add(&block(1, vec![missed(true)]));
		assert_eq!(timeline.end, None);
		timeline.add(&block(2, vec![missed(false)]));
		assert_eq!(timeline.end, Some(End::Expired));
	}
}
