//! Figures for the node's Prometheus registry.

use assay_host::Note;
use std::time::Duration;
use substrate_prometheus_endpoint::{
	exponential_buckets, register, Counter, CounterVec, Gauge, HistogramOpts, HistogramVec, Opts,
	PrometheusError, Registry, U64,
};

/// The engine's figures.
#[derive(Clone)]
pub(super) struct Metrics {
	/// Requests waiting for a thread.
	pub(super) queue_length: Gauge<U64>,
	runs: CounterVec<U64>,
	failures: Counter<U64>,
	seconds: HistogramVec,
	claims_sent: Counter<U64>,
	mismatches_seen: Counter<U64>,
	challenges_open: Gauge<U64>,
	proofs_sent: Counter<U64>,
}

impl Metrics {
	/// Registers the figures; without a registry they are only counted.
	pub(super) fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		let own = Registry::new();
		let registry = registry.unwrap_or(&own);
		// From a millisecond to four minutes.
		let buckets = exponential_buckets(0.001, 4.0, 10)?;
		Ok(Self {
			queue_length: register(
				Gauge::new("assay_engine_queue_length", "Requests waiting for an engine thread")?,
				registry,
			)?,
			runs: register(
				CounterVec::new(
					Opts::new("assay_engine_runs_total", "Executions of models, by kind"),
					&["kind"],
				)?,
				registry,
			)?,
			failures: register(
				Counter::new("assay_engine_failures_total", "Requests that could not be served")?,
				registry,
			)?,
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
			claims_sent: register(
				Counter::new("assay_claims_sent_total", "Claims sent by this node's workers")?,
				registry,
			)?,
			mismatches_seen: register(
				Counter::new(
					"assay_mismatches_seen_total",
					"Claims of others that differ from this node's own run",
				)?,
				registry,
			)?,
			challenges_open: register(
				Gauge::new("assay_challenges_open", "Live challenges of this node's keys")?,
				registry,
			)?,
			proofs_sent: register(
				Counter::new(
					"assay_proofs_sent_total",
					"Fault proofs sent by this node's workers",
				)?,
				registry,
			)?,
		})
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
			Note::ClaimSent => self.claims_sent.inc(),
			Note::MismatchSeen => self.mismatches_seen.inc(),
			Note::ChallengesOpen => self.challenges_open.set(value),
			Note::ProofSent => self.proofs_sent.inc(),
		}
	}
}
