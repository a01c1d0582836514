//! Figures for the node's Prometheus registry.

use assay_host::{Class, Note};
use std::time::Duration;
use substrate_prometheus_endpoint::{
	exponential_buckets, register, Counter, CounterVec, Gauge, GaugeVec, HistogramOpts,
	HistogramVec, Opts, PrometheusError, Registry, U64,
};

/// The engine's figures.
#[derive(Clone)]
pub(super) struct Metrics {
	queue_length: [Gauge<U64>; Class::ALL.len()],
	refused: [Counter<U64>; Class::ALL.len()],
	answers_kept: Gauge<U64>,
	runs: CounterVec<U64>,
	failures: Counter<U64>,
	seconds: HistogramVec,
	claims_sent: Counter<U64>,
	accepts_sent: Counter<U64>,
	claims_checked: Counter<U64>,
	claims_missed: Counter<U64>,
	claims_unchecked: Gauge<U64>,
	blocks_to_check: Gauge<U64>,
	mismatches_seen: Counter<U64>,
	challenges_open: Gauge<U64>,
	proofs_sent: Counter<U64>,
	disputes_unpaid: Counter<U64>,
}

/// A class as it is written in labels.
fn label(class: Class) -> &'static str {
	match class {
		Class::Move => "move",
		Class::Trace => "trace",
		Class::Job => "job",
		Class::Watch => "watch",
		Class::Other => "other",
	}
}

impl Metrics {
	/// Registers the figures; without a registry they are only counted.
	pub(super) fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		let own = Registry::new();
		let registry = registry.unwrap_or(&own);
		let counter = |name: &str, help: &str| register(Counter::new(name, help)?, registry);
		let gauge = |name: &str, help: &str| register(Gauge::new(name, help)?, registry);
		let counters = |name: &str, help: &str, label: &str| {
			register(CounterVec::new(Opts::new(name, help), &[label])?, registry)
		};
		// From a millisecond to four minutes.
		let buckets = exponential_buckets(0.001, 4.0, 10)?;
		let waiting = Opts::new(
			"assay_engine_queue_length",
			"Requests waiting for an engine thread, by class",
		);
		let waiting = register(GaugeVec::<U64>::new(waiting, &["class"])?, registry)?;
		let refused = counters(
			"assay_engine_refused_total",
			"Requests for which the queue had no room, or that worthier ones displaced, by class",
			"class",
		)?;
		Ok(Self {
			queue_length: Class::ALL.map(|class| waiting.with_label_values(&[label(class)])),
			refused: Class::ALL.map(|class| refused.with_label_values(&[label(class)])),
			answers_kept: gauge(
				"assay_engine_answers_kept",
				"Answers kept for workers to collect",
			)?,
			runs: counters("assay_engine_runs_total", "Executions of models, by kind", "kind")?,
			failures: counter("assay_engine_failures_total", "Requests that could not be served")?,
			seconds: register(
				HistogramVec::new(
					HistogramOpts::new(
						"assay_engine_run_seconds",
						"Duration of one execution of a model, in seconds",
					)
					.buckets(buckets),
					&["model"],
				)?,
				registry,
			)?,
			claims_sent: counter("assay_claims_sent_total", "Claims sent by this node's workers")?,
			accepts_sent: counter(
				"assay_accepts_sent_total",
				"Acceptances of jobs sent by this node's workers",
			)?,
			claims_checked: counter(
				"assay_claims_checked_total",
				"Claims of others that this node looked at and found right",
			)?,
			claims_missed: counter(
				"assay_claims_missed_total",
				"Claims of others that became final before this node had looked at them",
			)?,
			claims_unchecked: gauge(
				"assay_claims_unchecked",
				"Claims of others that this node could look at and has not yet",
			)?,
			blocks_to_check: gauge(
				"assay_blocks_to_check",
				"Blocks left to look at the most urgent of them",
			)?,
			mismatches_seen: counter(
				"assay_mismatches_seen_total",
				"Claims of others that differ from this node's own run",
			)?,
			challenges_open: gauge("assay_challenges_open", "Live challenges of this node's keys")?,
			proofs_sent: counter(
				"assay_proofs_sent_total",
				"Fault proofs sent by this node's workers",
			)?,
			disputes_unpaid: counter(
				"assay_disputes_unpaid_total",
				"Times that a dispute could not begin or go on for want of money or allowance",
			)?,
		})
	}

	/// So many requests of a class wait.
	pub(super) fn waiting(&self, class: Class, count: usize) {
		self.queue_length[class as usize].set(count as u64);
	}

	/// So many requests of each class found no room.
	pub(super) fn refused(&self, counts: [u64; Class::ALL.len()]) {
		for (counter, count) in self.refused.iter().zip(counts) {
			if count > 0 {
				counter.inc_by(count);
			}
		}
	}

	/// So many answers are kept.
	pub(super) fn answers(&self, count: usize) {
		self.answers_kept.set(count as u64);
	}

	/// One execution of `model`, of this kind (`run` or `trace`), took so long.
	pub(super) fn executed(&self, kind: &str, model: &[u8; 32], took: Duration) {
		self.runs.with_label_values(&[kind]).inc();
		let model = hex::encode(&model[..8]);
		self.seconds.with_label_values(&[&model]).observe(took.as_secs_f64());
	}

	/// A request failed.
	pub(super) fn failed(&self) {
		self.failures.inc();
	}

	/// A worker reported something.
	pub(super) fn note(&self, event: Note, value: u64) {
		match event {
			Note::ClaimsSent => self.claims_sent.inc_by(value),
			Note::AcceptsSent => self.accepts_sent.inc_by(value),
			Note::ClaimsChecked => self.claims_checked.inc_by(value),
			Note::ClaimsMissed => self.claims_missed.inc_by(value),
			Note::ClaimsUnchecked => self.claims_unchecked.set(value),
			Note::BlocksToCheck => self.blocks_to_check.set(value),
			Note::MismatchSeen => self.mismatches_seen.inc(),
			Note::ChallengesOpen => self.challenges_open.set(value),
			Note::ProofSent => self.proofs_sent.inc(),
			Note::DisputeUnpaid => self.disputes_unpaid.inc(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// What is alerted on and what the operator's page explains is what there is.
	#[test]
	fn alerts_and_documentation_name_these_metrics() {
		let registry = Registry::new();
		let metrics = Metrics::new(Some(&registry)).expect("names are unique");
		// What has labels shows with its first value.
		metrics.executed("run", &[0; 32], Duration::from_millis(1));
		let there: Vec<String> =
			registry.gather().iter().map(|family| family.get_name().to_owned()).collect();
		let named = |text: &str| -> Vec<String> {
			text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
				.filter(|word| word.starts_with("assay_"))
				.map(str::to_owned)
				.collect()
		};
		let alerts = named(include_str!("../../../monitoring/alerts.yml"));
		let page = named(include_str!("../../../docs/operator.md"));
		assert!(!alerts.is_empty());
		for name in alerts.iter().chain(&page) {
			assert!(there.contains(name), "there is no metric {name}");
		}
		for name in &there {
			assert!(page.contains(name), "docs/operator.md does not explain {name}");
		}
	}
}
