//! The operator's worker: reveals the trace and opens the nodes that challengers ask for.

use alloc::vec::Vec;
use assay_host::{Answer, Class, Request, Response, RunSpec, Terms};
use assay_primitives::{service::ServiceKey, Claims, JobId};
use assay_referee::NodeKey;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::SaturatedConversion;

use super::{terms, Run};
use crate::{
	impls::Due, Against, Call, ClaimOf, Config, Owed, Pallet, ANSWER_TAG, REVEAL_TRACE_TAG,
};

/// Most debts of one operator that one run looks at, those due first: those behind them are due when
/// the operator is expected to have answered these.
const MAX_DEBTS: usize = 4_096;

/// Most challenges against one operator that one run looks at because their time has come.
const MAX_AGAINST: usize = 1_024;

/// Do what local operators owe, then see to it that who lets a turn pass does not hold up their
/// claims. `lies` in a rehearsal.
pub(super) fn work<T: Config>(run: &mut Run<T>, lies: bool) {
	pay(run, lies);
	end_shams(run);
}

/// End the turns of challengers that are over, where blocks had no room for the agenda to do so.
fn end_shams<T: Config>(run: &mut Run<T>) {
	let now: u32 = Pallet::<T>::now().saturated_into();
	for (key, owner) in run.keys.clone() {
		let due = Against::<T>::iter_key_prefix((&owner,))
			.take_while(|(at, _)| u32::from_be_bytes(*at) <= now)
			.take(MAX_AGAINST);
		for (_, id) in due {
			// A turn of its own that is over is not the operator's to end.
			if let Ok((challenge, Due::Forfeit(_))) = Pallet::<T>::what_is_due(id) {
				run.lapse(id, &challenge, &key);
			}
		}
	}
}

/// Do what local operators owe, what is due first first.
fn pay<T: Config>(run: &mut Run<T>, lies: bool) {
	let mut debts = Vec::new();
	for (number, (_, owner)) in run.keys.iter().enumerate() {
		let owed = Owed::<T>::iter_key_prefix((owner,)).take(MAX_DEBTS);
		debts.extend(owed.map(|(due, debt)| (u32::from_be_bytes(due), number, debt)));
	}
	// Each list is in order already; this is for several operators on one node.
	debts.sort_by_key(|(due, ..)| *due);
	// What is sent now can be in the next block, not in this one.
	let now: u32 = Pallet::<T>::now().saturated_into();
	for (due, number, (job, node)) in debts {
		// What would come late is refused; what is owed for a claim that ended goes when its money
		// does.
		let Some(claim) = T::Claims::open_claim(job).filter(|_| due > now) else { continue };
		let Some((key, _)) = run.keys.get(number).cloned() else { continue };
		let spec = RunSpec {
			model: claim.model.0,
			input_root: claim.input_root.0,
			lie: lies.then_some(job),
		};
		let deadline: BlockNumberFor<T> = due.into();
		match node {
			None => {
				let terms = terms::<T>(Class::Trace, job, &claim, deadline);
				reveal(run, job, &claim, &key, spec, terms);
			},
			Some(node) => {
				let terms = terms::<T>(Class::Move, job, &claim, deadline);
				answer(run, (job, node), &claim, &key, spec, terms);
			},
		}
	}
}

/// Commit to the trace.
fn reveal<T: Config>(
	run: &mut Run<T>,
	job: JobId,
	claim: &ClaimOf<T>,
	key: &ServiceKey,
	spec: RunSpec,
	terms: Terms,
) {
	let name = ("reveal_trace", job, claim.content());
	if run.outbox.sent_lately(&name) {
		return;
	}
	let Answer::Ready(Response::Trace { trace_root, last_entry }) =
		run.ask(&Request::Trace(spec), terms)
	else {
		return;
	};
	let trace_root = H256(trace_root);
	let args = (job, claim.content(), trace_root, last_entry.clone());
	run.submit(name, key, REVEAL_TRACE_TAG, &args, |auth| Call::reveal_trace {
		job,
		trace_root,
		last_entry,
		auth,
	});
}

/// Open a node of the trace.
fn answer<T: Config>(
	run: &mut Run<T>,
	(job, node): (JobId, NodeKey),
	claim: &ClaimOf<T>,
	key: &ServiceKey,
	spec: RunSpec,
	terms: Terms,
) {
	let name = ("answer", job, claim.content(), node);
	if run.outbox.sent_lately(&name) {
		return;
	}
	let Answer::Ready(Response::Opening(opening)) = run.ask(&Request::Open { spec, node }, terms)
	else {
		return;
	};
	let args = (job, claim.content(), node, opening.clone());
	run.submit(name, key, ANSWER_TAG, &args, |auth| Call::answer { job, node, opening, auth });
}
