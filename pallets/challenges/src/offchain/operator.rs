//! The operator's worker: reveals the trace and opens the nodes that challengers ask for.

use assay_host::{Request, Response, Role, RunSpec};
use assay_primitives::{service::ServiceKey, Claims, JobId};
use assay_referee::NodeKey;
use sp_core::H256;

use super::{Run, MAX_JOBS};
use crate::{Call, ClaimOf, Config, Disputes, NodeState, Nodes, TraceState};

/// Most open questions of one job that one run looks at.
const MAX_QUESTIONS: usize = 256;

/// Defend the claims of local operators.
pub(super) fn work<T: Config>(run: &mut Run<T>) {
	let mut jobs = match run.marks.served {
		Some(last) => {
			let after = Disputes::<T>::hashed_key_for(last);
			Disputes::<T>::iter_keys_from(after).take(MAX_JOBS as usize).collect()
		},
		None => alloc::vec::Vec::new(),
	};
	if jobs.is_empty() {
		jobs = Disputes::<T>::iter_keys().take(MAX_JOBS as usize).collect();
	}
	// A full round begins again at the front.
	run.marks.served = jobs.last().copied().filter(|_| jobs.len() == MAX_JOBS as usize);
	for job in jobs {
		let Some(claim) = T::Claims::open_claim(job) else { continue };
		let Some(key) = run.key_of(&claim.operator).cloned() else { continue };
		defend(run, job, &claim, &key);
	}
}

/// Do what the disputes about `job` demand.
fn defend<T: Config>(run: &mut Run<T>, job: JobId, claim: &ClaimOf<T>, key: &ServiceKey) {
	match Disputes::<T>::get(job).map(|dispute| dispute.trace) {
		Some(TraceState::Demanded { .. }) => reveal(run, job, claim, key),
		Some(TraceState::Posted { .. }) => {
			let questions: alloc::vec::Vec<_> = Nodes::<T>::iter_prefix(job)
				.filter(|(_, state)| matches!(state, NodeState::Asked { .. }))
				.map(|(node, _)| node)
				.take(MAX_QUESTIONS)
				.collect();
			for node in questions {
				answer(run, job, claim, key, node);
			}
		},
		None => {},
	}
}

/// The run that the claim is about.
fn spec<T: Config>(job: JobId, claim: &ClaimOf<T>) -> Option<RunSpec> {
	let input = T::Claims::input(job)?;
	Some(RunSpec { role: Role::Operator, model: claim.model.0, job, input })
}

/// Commit to the trace.
fn reveal<T: Config>(run: &mut Run<T>, job: JobId, claim: &ClaimOf<T>, key: &ServiceKey) {
	let name = ("reveal_trace", job);
	if !run.may_submit(&name) {
		return;
	}
	let Some(spec) = spec::<T>(job, claim) else { return };
	let Some(Response::Trace { trace_root, last_entry }) = run.ask(&Request::Trace(spec)) else {
		return;
	};
	let trace_root = H256(trace_root);
	let args = (job, trace_root, last_entry.clone());
	run.submit(name, key, "challenges.reveal_trace", &args, |auth| Call::reveal_trace {
		job,
		trace_root,
		last_entry,
		auth,
	});
}

/// Open `node`.
fn answer<T: Config>(
	run: &mut Run<T>,
	job: JobId,
	claim: &ClaimOf<T>,
	key: &ServiceKey,
	node: NodeKey,
) {
	let name = ("answer", job, node);
	if !run.may_submit(&name) {
		return;
	}
	let Some(spec) = spec::<T>(job, claim) else { return };
	let Some(Response::Opening(opening)) = run.ask(&Request::Open { spec, node }) else { return };
	let args = (job, node, opening.clone());
	run.submit(name, key, "challenges.answer", &args, |auth| Call::answer {
		job,
		node,
		opening,
		auth,
	});
}
