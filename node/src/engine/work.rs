//! Serves one request.

use super::{
	drill::Drill,
	metrics::Metrics,
	models::ModelStore,
	queue::{Kind, Work},
	traces::TraceCache,
	LOG,
};
use assay_executor::{Cancel, DisputeError, ExecError, Move, Session, Tamper, Trace};
use assay_host::{Request, Response, RunSpec};
use codec::Encode;
use std::{
	sync::Arc,
	time::{Duration, Instant},
};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
	/// The node is stopping.
	#[error("interrupted")]
	Cancelled,
	/// The model cannot be loaded, which the store has said already.
	#[error("{0}")]
	NoModel(String),
	/// Anything else the asker should read.
	#[error("{0}")]
	Failed(String),
}

impl From<ExecError> for WorkError {
	fn from(error: ExecError) -> Self {
		match error {
			ExecError::Cancelled => Self::Cancelled,
			other => Self::Failed(other.to_string()),
		}
	}
}

impl From<DisputeError> for WorkError {
	fn from(error: DisputeError) -> Self {
		match error {
			DisputeError::Exec(error) => error.into(),
			other => Self::Failed(other.to_string()),
		}
	}
}

/// What came of a request.
pub(super) struct Served {
	/// The answer.
	pub(super) response: Response,
	/// How long such work takes; `None` if it was known already.
	pub(super) took: Option<(Kind, Duration)>,
}

/// What serving needs; shared by all threads.
pub(super) struct Worker {
	/// The models.
	pub(super) models: ModelStore,
	/// Recent traces.
	pub(super) traces: TraceCache,
	/// Ways to cheat; empty on honest nodes.
	pub(super) drills: Vec<Drill>,
	/// Figures.
	pub(super) metrics: Metrics,
	/// Set when the node stops.
	pub(super) cancel: Cancel,
}

impl Worker {
	/// The drill that applies to a run, with the job: only the operator's own runs are ever corrupted.
	fn drill(&self, spec: &RunSpec) -> Option<(Drill, u64)> {
		let job = spec.lie?;
		Some((Drill::select(&self.drills, job)?, job))
	}

	/// Whether a drill never answers this request.
	pub(super) fn withholds(&self, request: &Request) -> bool {
		matches!(
			(request, self.drill(request.spec())),
			(Request::Trace(_), Some((Drill::Silent, _)))
				| (Request::Open { .. }, Some((Drill::Silent | Drill::Unresponsive, _)))
				| (Request::Output { .. }, Some((Drill::Withholding, _)))
		)
	}

	/// Does the work.
	pub(super) fn serve(&self, work: &Work) -> Result<Served, WorkError> {
		let spec = work.request.spec();
		let session = self.models.session(&spec.model).map_err(WorkError::NoModel)?;
		// Loading is not part of what a run takes.
		let start = Instant::now();
		let response = match &work.request {
			Request::Run(_) => return self.run(&session, spec, &work.input),
			Request::Trace(_) => {
				let trace = self.trace(&session, spec, &work.input)?;
				let last_entry = trace.last_entry_proof()?;
				Response::Trace { trace_root: trace.root(), last_entry }
			},
			Request::Open { node, .. } => {
				Response::Opening(self.trace(&session, spec, &work.input)?.open(node)?)
			},
			Request::Output { first, chunks, .. } => {
				let trace = self.trace(&session, spec, &work.input)?;
				Response::Output(trace.output_slice(*first, *chunks)?)
			},
			Request::NextMove { trace_root, openings, .. } => {
				let trace = self.trace(&session, spec, &work.input)?;
				match trace.next_move(trace_root, openings)? {
					Move::Ask(node) => Response::Ask(node),
					Move::Prove(proof) => Response::Prove(proof.encode()),
					Move::Agree => Response::Agree,
				}
			},
		};
		Ok(Served { response, took: Some((Kind::Dispute, start.elapsed())) })
	}

	fn run(&self, session: &Session, spec: &RunSpec, input: &[u8]) -> Result<Served, WorkError> {
		// A trace has the output of its run; and a lie has to be the one that the trace will tell.
		let known = match self.drill(spec) {
			Some(_) => Some(self.trace(session, spec, input)?),
			None => self.traces.get(spec),
		};
		if let Some(trace) = known {
			let response = Response::run(trace.output_root(), trace.output().to_vec());
			return Ok(Served { response, took: None });
		}
		let start = Instant::now();
		let output = session.run_with(input, &self.cancel)?;
		let response = Response::run(Session::output_root(&output), output);
		let took = start.elapsed();
		self.metrics.executed("run", &spec.model, took);
		Ok(Served { response, took: Some((Kind::Run, took)) })
	}

	/// The trace of a run: a recent one, or made now.
	fn trace(
		&self,
		session: &Session,
		spec: &RunSpec,
		input: &[u8],
	) -> Result<Arc<Trace>, WorkError> {
		if let Some(trace) = self.traces.get(spec) {
			return Ok(trace);
		}
		let tamper = match self.drill(spec) {
			Some((drill, job)) => find_lie(session, drill, job, input)?,
			None => None,
		};
		let start = Instant::now();
		let trace = Arc::new(session.trace_with(input, tamper.as_ref(), &self.cancel)?);
		self.metrics.executed("trace", &spec.model, start.elapsed());
		self.traces.put(*spec, trace.clone());
		Ok(trace)
	}
}

/// The corruption that a drill stands for: at its op or, where no change there would reach the
/// output, at the next op where one does. The same for every request about one job.
fn find_lie(
	session: &Session,
	drill: Drill,
	job: u64,
	input: &[u8],
) -> Result<Option<Tamper>, WorkError> {
	if drill == Drill::Withholding {
		return Ok(None);
	}
	let n_ops = u32::try_from(session.bundle().program().ops.len()).unwrap_or(u32::MAX);
	for op in drill.op(job, n_ops)..n_ops {
		if let Some(tamper) = session.tamper_that_changes_output(input, op)? {
			log::warn!(target: LOG, "🎭 Drill: lying about job {job} at op {op}");
			return Ok(Some(tamper));
		}
	}
	Ok(None)
}
