//! Serves one request.

use super::{
	drill::Drill,
	metrics::Metrics,
	models::ModelStore,
	traces::{TraceCache, TraceKey},
	LOG,
};
use assay_executor::{Cancel, ExecError, Move, Session, Tamper, Trace};
use assay_host::{Request, Response, Role, RunSpec, MAX_INLINE_OUTPUT};
use codec::Encode;
use std::{sync::Arc, time::Instant};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
	/// The node is stopping.
	#[error("interrupted")]
	Cancelled,
	/// Anything the asker should read.
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
	/// The drill that applies to a run: only the operator's own runs are ever corrupted.
	fn drill(&self, spec: &RunSpec) -> Option<Drill> {
		match spec.role {
			Role::Operator => Drill::select(&self.drills, spec.job),
			Role::Watcher => None,
		}
	}

	/// Whether a drill never answers this request.
	pub(super) fn withholds(&self, request: &Request) -> bool {
		matches!(
			(request, self.drill(request.spec())),
			(Request::Trace(_), Some(Drill::Silent))
				| (Request::Open { .. }, Some(Drill::Silent | Drill::Unresponsive))
		)
	}

	/// Does the work.
	pub(super) fn serve(&self, request: &Request) -> Result<Response, WorkError> {
		let spec = request.spec();
		let session = self.models.session(&spec.model).map_err(WorkError::Failed)?;
		match request {
			Request::Run(_) => self.run(&session, spec),
			Request::Trace(_) => {
				let trace = self.trace(&session, spec)?;
				let last_entry = trace.last_entry_proof()?;
				Ok(Response::Trace { trace_root: trace.root(), last_entry })
			},
			Request::Open { node, .. } => {
				Ok(Response::Opening(self.trace(&session, spec)?.open(node)?))
			},
			Request::NextMove { trace_root, openings, .. } => {
				let trace = self.trace(&session, spec)?;
				Ok(match trace.next_move(trace_root, openings)? {
					Move::Ask(node) => Response::Ask(node),
					Move::Prove(proof) => Response::Prove(proof.encode()),
					Move::Agree => Response::Agree,
				})
			},
		}
	}

	fn run(&self, session: &Session, spec: &RunSpec) -> Result<Response, WorkError> {
		let output = if self.drill(spec).is_some() {
			// A lie has to be the one that the trace will tell.
			self.trace(session, spec)?.output().to_vec()
		} else {
			let start = Instant::now();
			let output = session.run_with(&spec.input, &self.cancel)?;
			self.metrics.executed("run", &spec.model, start.elapsed());
			output
		};
		let output_root = Session::output_root(&output);
		let output = if output.len() > MAX_INLINE_OUTPUT { Vec::new() } else { output };
		Ok(Response::Run { output_root, output })
	}

	/// The trace of a run: a recent one, or made now.
	fn trace(&self, session: &Session, spec: &RunSpec) -> Result<Arc<Trace>, WorkError> {
		let tamper = match self.drill(spec) {
			Some(drill) => find_lie(session, spec, drill)?,
			None => None,
		};
		let input = sp_io::hashing::blake2_256(&spec.input);
		let key = TraceKey { model: spec.model, input, tamper };
		if let Some(trace) = self.traces.get(&key) {
			return Ok(trace);
		}
		let start = Instant::now();
		let trace = Arc::new(session.trace_with(&spec.input, tamper.as_ref(), &self.cancel)?);
		self.metrics.executed("trace", &spec.model, start.elapsed());
		self.traces.put(key, trace.clone());
		Ok(trace)
	}
}

/// The corruption that a drill stands for: at its op or, where no change there would reach the
/// output, at the next op where one does. The same for every request about one job.
fn find_lie(session: &Session, spec: &RunSpec, drill: Drill) -> Result<Option<Tamper>, WorkError> {
	let n_ops = u32::try_from(session.bundle().program().ops.len()).unwrap_or(u32::MAX);
	for op in drill.op(spec.job, n_ops)..n_ops {
		if let Some(tamper) = session.tamper_that_changes_output(&spec.input, op)? {
			log::warn!(target: LOG, "🎭 Drill: lying about job {} at op {op}", spec.job);
			return Ok(Some(tamper));
		}
	}
	Ok(None)
}
