//! The watcher's worker: recomputes the claims of others, and refutes those that are false.

use alloc::vec::Vec;
use assay_host::{worker, Answer, Class, Note, Request, Response, RunSpec};
use assay_primitives::{service::ServiceKey, Claims, JobId, ModelId, PageKey};
use assay_referee::{NodeKey, Opening};
use codec::DecodeAll;
use frame_support::BoundedVec;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::{offchain::StorageKind, H256};
use sp_runtime::SaturatedConversion;

use super::{
	done::{Done, Progress},
	marks::Mark,
	terms, Run,
};
use crate::{
	opening_key, Call, ChallengeId, ChallengeOf, Challenged, Challenges, ClaimOf, Config, Own,
	Pallet, Turn, ASK_TAG, LOG_TARGET, OPEN_TAG, PROVE_FAULT_TAG,
};

/// Most live challenges of one account that one run looks at: a dozen moves of each fill more blocks
/// than a turn has. Each has the account's bond behind it, so nobody else can fill this.
const MAX_OWN: usize = 8_192;

/// Most claims that one run looks at, those whose window ends first. The engine has its own limit
/// and keeps of what does not fit what is worth most.
const MAX_LOOKS: u32 = 4_096;

/// Most pages with something to do that one run takes up, of all models together.
const MAX_PAGES: usize = 1_024;

/// Pages read at a time.
const PAGES_AT_ONCE: u32 = 64;

/// What a look at a claim showed.
enum Seen {
	/// The engine has it and is not done.
	Pending,
	/// It is right.
	Right,
	/// There is nothing to do about it: it is our own, in dispute with us, or over.
	Settled,
	/// It is wrong, and not challenged by us yet.
	Wrong,
	/// The engine has not said yet.
	Unchecked,
}

/// Play the challenges of local accounts, then look at the claims of others.
pub(super) fn work<T: Config>(run: &mut Run<T>) {
	own(run);
	watch(run);
}

/// Play our own challenges, those whose turn ends first first.
fn own<T: Config>(run: &mut Run<T>) {
	let mut live = Vec::new();
	for (key, owner) in &run.keys {
		for id in Own::<T>::iter_key_prefix(owner).take(MAX_OWN).map(ChallengeId::from_be_bytes) {
			let Some(challenge) = Challenges::<T>::get(id) else { continue };
			let turn = Pallet::<T>::turn_of(&challenge);
			live.push((turn, id, challenge, key.clone()));
		}
	}
	worker::note(Note::ChallengesOpen, live.len() as u64);
	live.sort_by_key(|(turn, id, ..)| (turn.map(|turn| turn.deadline()), *id));
	let now = Pallet::<T>::now();
	// What is sent now can be in the next block, not in this one.
	for (turn, id, challenge, key) in live {
		match (T::Claims::open_claim(challenge.job), turn) {
			(Some(claim), Some(Turn::Challenger { deadline })) if now < deadline => {
				play(run, id, &challenge, &claim, &key, deadline);
			},
			// The operator is late, or the claim is over and the bond comes back; the agenda does
			// this too, in blocks that have room.
			_ => run.lapse(id, &challenge, &key),
		}
	}
}

/// Look at the claims for our models, page by page, and report how that goes.
fn watch<T: Config>(run: &mut Run<T>) {
	// What is sent now can be in the next block, not in this one.
	let next = Pallet::<T>::now().saturated_into::<u32>().saturating_add(1);
	let mut done = Done::load::<T>();
	let missed = done.expire(next);
	let (mut looks, mut checked, mut unchecked) = (MAX_LOOKS, 0, 0);
	let mut first = None;
	for (page, model, jobs) in to_check::<T>(&done, next) {
		let before = done.of(&model.0, page);
		let mut progress = Progress { entries: jobs.len() as u32, done: true, ..before };
		let mut right = 0;
		progress.unchecked = 0;
		for job in jobs {
			let seen = if looks > 0 { look(run, job) } else { Seen::Unchecked };
			// What the engine works on already takes no room from what it does not know yet.
			if !matches!(seen, Seen::Pending) {
				looks = looks.saturating_sub(1);
			}
			match seen {
				Seen::Right => right += 1,
				Seen::Settled => {},
				Seen::Wrong => progress.done = false,
				Seen::Pending | Seen::Unchecked => progress.unchecked += 1,
			}
		}
		checked += u64::from(right).saturating_sub(before.right.into());
		progress.right = before.right.max(right);
		if progress.unchecked > 0 {
			progress.done = false;
			unchecked += u64::from(progress.unchecked);
			first = first.or(Some(page.due()));
		}
		done.note(&model.0, page, progress);
	}
	done.save();
	worker::note(Note::ClaimsChecked, checked);
	worker::note(Note::ClaimsMissed, missed);
	worker::note(Note::ClaimsUnchecked, unchecked);
	// Zero when there are none.
	let left = first.map_or(0, |due| due.saturating_sub(next));
	worker::note(Note::BlocksToCheck, left.into());
}

/// The pages of claims for the engine's models that are not done and can still be challenged in the
/// block `next`, the earliest end of a window first.
fn to_check<T: Config>(done: &Done, next: u32) -> Vec<(PageKey, ModelId, Vec<JobId>)> {
	let models = worker::models();
	// No model takes the room of another.
	let share = (MAX_PAGES / models.len().max(1)).max(1);
	let mut found = Vec::new();
	for model in models {
		let model = H256(model);
		// The block of a page is the first after the windows of its claims.
		let mut after = Some(PageKey::new(next, u32::MAX));
		let end = found.len().saturating_add(share);
		while found.len() < end {
			let pages = T::Claims::claim_pages(&model, after, PAGES_AT_ONCE);
			let was_last = pages.len() < PAGES_AT_ONCE as usize;
			after = pages.last().map(|(page, _)| *page);
			for (page, jobs) in pages {
				let known = done.of(&model.0, page);
				if !known.done || (known.entries as usize) < jobs.len() {
					found.push((page, model, jobs));
				}
			}
			if was_last {
				break;
			}
		}
	}
	found.sort_by_key(|(page, ..)| *page);
	found
}

/// Recompute a claim and challenge it if it is false.
fn look<T: Config>(run: &mut Run<T>, job: JobId) -> Seen {
	let Some(claim) = T::Claims::open_claim(job) else { return Seen::Settled };
	if Pallet::<T>::now() >= claim.window_end
		|| run.is_local(&claim.operator)
		|| run.keys.iter().any(|(_, owner)| Pallet::<T>::is_challenging(owner, job))
	{
		return Seen::Settled;
	}
	let mark = Mark::of::<T>(&claim);
	if mark.is_noted() {
		return Seen::Right;
	}
	let terms = terms::<T>(Class::Watch, job, &claim, claim.window_end);
	let request = Request::Run(honest::<T>(&claim));
	let output_root = match run.ask(&request, terms) {
		Answer::Ready(Response::Run { output_root, .. }) => output_root,
		Answer::Pending => return Seen::Pending,
		_ => return Seen::Unchecked,
	};
	if output_root == claim.output_root.0 {
		mark.note();
		return Seen::Right;
	}
	challenge(run, job, &claim, H256(output_root));
	Seen::Wrong
}

/// The honest run to compare with.
fn honest<T: Config>(claim: &ClaimOf<T>) -> RunSpec {
	RunSpec { model: claim.model.0, input_root: claim.input_root.0, lie: None }
}

/// Challenge a claim of which we computed `output_root`.
fn challenge<T: Config>(run: &mut Run<T>, job: JobId, claim: &ClaimOf<T>, output_root: H256) {
	let name = ("open", job, claim.content());
	if run.outbox.sent_lately(&name) {
		return;
	}
	worker::note(Note::MismatchSeen, job);
	log::warn!(
		target: LOG_TARGET,
		"job {job}: claimed output {:?} but we computed {output_root:?}",
		claim.output_root,
	);
	let Some(key) = challenger(run, job, claim) else {
		log::error!(
			target: LOG_TARGET,
			"job {job}: cannot challenge: no local service key whose owner has {:?} free and \
			 allowed for the bond and has not challenged this job before",
			Pallet::<T>::bond_for(claim),
		);
		worker::note(Note::DisputeUnpaid, job);
		// Say so once in a while, not in every block.
		run.outbox.note(&name);
		return;
	};
	let args = (job, claim.content(), output_root);
	run.submit(name, &key, OPEN_TAG, &args, |auth| Call::open { job, output_root, auth });
}

/// A local key whose owner can open a challenge against `job`.
fn challenger<T: Config>(run: &Run<T>, job: JobId, claim: &ClaimOf<T>) -> Option<ServiceKey> {
	let able = |owner: &T::AccountId| {
		*owner != claim.operator
			&& !Challenged::<T>::contains_key(job, owner)
			&& Pallet::<T>::can_bond_by_key(owner, claim)
	};
	run.keys.iter().find(|(_, owner)| able(owner)).map(|(key, _)| key.clone())
}

/// Make the next move of a challenge, which is ours to make until `deadline`.
fn play<T: Config>(
	run: &mut Run<T>,
	id: ChallengeId,
	challenge: &ChallengeOf<T>,
	claim: &ClaimOf<T>,
	key: &ServiceKey,
	deadline: BlockNumberFor<T>,
) {
	let job = challenge.job;
	let content = challenge.content(Some(claim.content()));
	let name = ("move", id, content);
	if run.outbox.sent_lately(&name) {
		return;
	}
	let Ok(trace_root) = Pallet::<T>::posted_trace(job) else { return };
	let Some(openings) = gather::<T>(challenge, trace_root) else {
		log::error!(
			target: LOG_TARGET,
			"job {job}: an opening is missing from the off-chain database; start the node with \
			 off-chain indexing enabled",
		);
		run.outbox.note(&name);
		return;
	};
	let request =
		Request::NextMove { spec: honest::<T>(claim), trace_root: trace_root.0, openings };
	match run.ask(&request, terms::<T>(Class::Move, job, claim, deadline)) {
		Answer::Ready(Response::Ask(node)) => {
			if !Pallet::<T>::can_pay_query_by_key(&challenge.who, job, &node) {
				log::error!(
					target: LOG_TARGET,
					"job {job}: cannot go on: {:?} has too little free or allowed for a query",
					challenge.who,
				);
				worker::note(Note::DisputeUnpaid, job);
				run.outbox.note(&name);
				return;
			}
			let args = (id, content, trace_root, node);
			let call = |auth| Call::ask { challenge: id, node, auth };
			run.submit(name, key, ASK_TAG, &args, call);
		},
		Answer::Ready(Response::Prove(proof)) => {
			prove(run, name, (job, claim, trace_root), key, proof)
		},
		Answer::Ready(Response::Agree) => {
			log::error!(
				target: LOG_TARGET,
				"job {job}: the operator's trace equals ours though the output differs; the \
				 challenge will lapse",
			);
			run.outbox.note(&name);
		},
		_ => {},
	}
}

/// Submit the proof that ends the claim.
fn prove<T: Config>(
	run: &mut Run<T>,
	name: impl codec::Encode,
	(job, claim, trace_root): (JobId, &ClaimOf<T>, H256),
	key: &ServiceKey,
	proof: Vec<u8>,
) {
	let Ok(proof) = BoundedVec::try_from(proof) else {
		log::error!(target: LOG_TARGET, "job {job}: the engine made too long a proof");
		return;
	};
	let args = (job, claim.content(), trace_root, proof.clone());
	let sent = run.submit(name, key, PROVE_FAULT_TAG, &args, |auth| Call::prove_fault {
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
