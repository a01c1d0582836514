//! The watcher's worker: recomputes the claims of others, and refutes those that are false.

use alloc::vec::Vec;
use assay_host::{worker, Note, Request, Response, Role, RunSpec};
use assay_primitives::{service::ServiceKey, Claims, JobId};
use assay_referee::{NodeKey, Opening};
use codec::DecodeAll;
use frame_support::BoundedVec;
use sp_core::{offchain::StorageKind, H256};

use super::{Run, MAX_JOBS};
use crate::{
	opening_key, Call, ChallengeId, ChallengeOf, Challenged, Challenges, ClaimOf, Config, Pallet,
	Turn, LOG_TARGET,
};

/// Watch the next jobs of the round.
pub(super) fn work<T: Config>(run: &mut Run<T>) {
	let mut jobs = T::Claims::open_jobs(run.marks.watched, MAX_JOBS);
	if jobs.is_empty() && run.marks.watched.is_some() {
		jobs = T::Claims::open_jobs(None, MAX_JOBS);
	}
	// A full round begins again at the front.
	run.marks.watched = jobs.last().copied().filter(|_| jobs.len() == MAX_JOBS as usize);
	run.marks.retain_equal(|job| T::Claims::open_claim(job).is_some());
	let mut live = 0;
	for job in jobs {
		let Some(claim) = T::Claims::open_claim(job) else { continue };
		match own_challenge(run, job) {
			Some((id, challenge, key)) => {
				live += 1;
				play(run, id, &challenge, &claim, &key);
			},
			None => check(run, job, &claim),
		}
	}
	worker::note(Note::ChallengesOpen, live);
}

/// The live challenge of a local key's owner against `job`, and that key.
fn own_challenge<T: Config>(
	run: &Run<T>,
	job: JobId,
) -> Option<(ChallengeId, ChallengeOf<T>, ServiceKey)> {
	run.keys.iter().find_map(|(key, owner)| {
		let id = Challenged::<T>::get(job, owner)?;
		let challenge = Challenges::<T>::get(id).filter(|challenge| challenge.is_live())?;
		Some((id, challenge, key.clone()))
	})
}

/// The honest run to compare with.
fn spec<T: Config>(job: JobId, claim: &ClaimOf<T>) -> Option<RunSpec> {
	let input = T::Claims::input(job)?;
	Some(RunSpec { role: Role::Watcher, model: claim.model.0, job, input })
}

/// Recompute a claim and challenge it if it is false.
fn check<T: Config>(run: &mut Run<T>, job: JobId, claim: &ClaimOf<T>) {
	let in_window = Pallet::<T>::now() <= claim.window_end;
	let name = ("open", job);
	if !in_window
		|| run.marks.is_equal(job, &claim.output_root.0)
		|| !run.may_submit(&name)
		|| run.key_of(&claim.operator).is_some()
		|| !worker::has_model(&claim.model.0)
	{
		return;
	}
	let Some(spec) = spec::<T>(job, claim) else { return };
	let Some(Response::Run { output_root, .. }) = run.ask(&Request::Run(spec)) else { return };
	if output_root == claim.output_root.0 {
		run.marks.equal(job, output_root);
		return;
	}
	worker::note(Note::MismatchSeen, job);
	log::warn!(
		target: LOG_TARGET,
		"job {job}: claimed output {:?} but we computed {:?}",
		claim.output_root,
		H256(output_root),
	);
	let Some(key) = challenger(run, job, claim) else {
		log::error!(
			target: LOG_TARGET,
			"job {job}: cannot challenge: no local service key whose owner has {:?} free for the \
			 bond and has not challenged this job before",
			Pallet::<T>::bond_for(claim),
		);
		// Say so once in a while, not in every block.
		run.marks.sent(&name, run.block);
		return;
	};
	let output_root = H256(output_root);
	run.submit(name, &key, "challenges.open", &(job, output_root), |auth| Call::open {
		job,
		output_root,
		auth,
	});
}

/// A local key whose owner can open a challenge against `job`.
fn challenger<T: Config>(run: &Run<T>, job: JobId, claim: &ClaimOf<T>) -> Option<ServiceKey> {
	let able = |owner: &T::AccountId| {
		*owner != claim.operator
			&& !Challenged::<T>::contains_key(job, owner)
			&& Pallet::<T>::can_bond(owner, claim)
	};
	run.keys.iter().find(|(_, owner)| able(owner)).map(|(key, _)| key.clone())
}

/// Make the next move of a challenge, if it is ours to make.
fn play<T: Config>(
	run: &mut Run<T>,
	id: ChallengeId,
	challenge: &ChallengeOf<T>,
	claim: &ClaimOf<T>,
	key: &ServiceKey,
) {
	let job = challenge.job;
	let Some(Turn::Challenger { .. }) = Pallet::<T>::turn_of(challenge) else { return };
	let name = ("move", id, challenge.path.len() as u32);
	if !run.may_submit(&name) {
		return;
	}
	let Ok(trace_root) = Pallet::<T>::posted_trace(job) else { return };
	let Some(openings) = gather::<T>(challenge, trace_root) else {
		log::error!(
			target: LOG_TARGET,
			"job {job}: an opening is missing from the off-chain database; start the node with \
			 off-chain indexing enabled",
		);
		run.marks.sent(&name, run.block);
		return;
	};
	let Some(spec) = spec::<T>(job, claim) else { return };
	let request = Request::NextMove { spec, trace_root: trace_root.0, openings };
	match run.ask(&request) {
		Some(Response::Ask(node)) => {
			run.submit(name, key, "challenges.ask", &(id, node), |auth| Call::ask {
				challenge: id,
				node,
				auth,
			});
		},
		Some(Response::Prove(proof)) => prove(run, name, job, key, proof),
		Some(Response::Agree) => {
			log::error!(
				target: LOG_TARGET,
				"job {job}: the operator's trace equals ours though the output differs; the \
				 challenge will lapse",
			);
			run.marks.sent(&name, run.block);
		},
		_ => {},
	}
}

/// Submit the proof that ends the claim.
fn prove<T: Config>(
	run: &mut Run<T>,
	name: impl codec::Encode,
	job: JobId,
	key: &ServiceKey,
	proof: Vec<u8>,
) {
	let Ok(proof) = BoundedVec::try_from(proof) else {
		log::error!(target: LOG_TARGET, "job {job}: the engine made too long a proof");
		return;
	};
	let args = (job, proof.clone());
	let sent = run.submit(name, key, "challenges.prove_fault", &args, |auth| Call::prove_fault {
		job,
		proof,
		auth,
	});
	if sent {
		worker::note(Note::ProofSent, job);
	}
}

/// The openings on the way of `challenge`; `None` if one is missing.
fn gather<T: Config>(
	challenge: &ChallengeOf<T>,
	trace_root: H256,
) -> Option<Vec<(NodeKey, Opening)>> {
	let read = |node: &NodeKey| {
		let key = opening_key(challenge.job, &trace_root, node);
		let bytes = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &key)?;
		Some((*node, Opening::decode_all(&mut &bytes[..]).ok()?))
	};
	challenge.path.iter().map(read).collect()
}
