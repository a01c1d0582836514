//! Those who act: nodes with the runtime's own workers, and strangers with plans of their own.

mod copies;
mod demands;
mod node;
mod shams;
mod strangers;
mod timing;

pub use copies::{
	Copier, FrontRunner, Hoarder, KeyCopier, Misuser, Player, Recorder, Recording, Squatter,
};
pub use demands::{Demander, DemandsWhen};
pub use node::{Gauge, Node};
pub use shams::Shams;
pub(crate) use strangers::register_key;
pub use strangers::{
	Friend, Grabber, Leaver, Newcomer, Perjurer, Poker, Revenant, Saboteur, Spammer, Sudo, Thief,
};
pub use timing::{Late, Sleeper};

use assay_primitives::{Claims, JobId};
use assay_runtime::{BlockNumber, Runtime, RuntimeCall};
use pallet_challenges::{Challenged, Disputes, NodeState, Nodes, TraceState, Turn};
use pallet_jobs::JobStatus;
use pallet_operators::KeyOwner;

/// Last block at which a call counts, for the one who makes it; nothing for calls without a deadline.
/// Reads the state.
fn deadline(call: &RuntimeCall) -> Option<BlockNumber> {
	use pallet_challenges::Call as C;
	use pallet_jobs::Call as J;
	let turn_of = |challenge: u64| match assay_runtime::Challenges::turn(challenge) {
		Some(Turn::Challenger { deadline }) => Some(deadline),
		_ => None,
	};
	match call {
		RuntimeCall::Jobs(J::claim { answers, .. }) => {
			let job = pallet_jobs::Jobs::<Runtime>::get(answers.first()?.job)?;
			match job.status {
				JobStatus::Assigned { deadline, .. } => Some(deadline),
				_ => None,
			}
		},
		RuntimeCall::Jobs(J::deliver { job, .. }) => {
			pallet_jobs::Demands::<Runtime>::get(job).map(|demand| demand.deadline)
		},
		RuntimeCall::Challenges(call) => match call {
			C::open { job, .. } => {
				assay_runtime::Jobs::open_claim(*job).map(|claim| claim.window_end)
			},
			C::reveal_trace { job, .. } => match Disputes::<Runtime>::get(job)?.trace {
				TraceState::Demanded { deadline } => Some(deadline),
				TraceState::Posted { .. } => None,
			},
			C::answer { job, node, .. } => match Nodes::<Runtime>::get(job, node)? {
				NodeState::Asked { deadline, .. } => Some(deadline),
				NodeState::Opened { .. } => None,
			},
			C::ask { challenge, .. } => turn_of(*challenge),
			C::prove_fault { job, auth: Some(auth), .. } => {
				let who = KeyOwner::<Runtime>::get(&auth.key)?;
				turn_of(Challenged::<Runtime>::get(job, who)?)
			},
			_ => None,
		},
		_ => None,
	}
}

/// Whether a job has been answered and may still be refuted. Reads the state.
fn is_open(job: JobId) -> bool {
	assay_runtime::Jobs::open_claim(job).is_some()
}
