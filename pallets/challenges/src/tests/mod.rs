// A panic is how a test fails.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod allowance;
mod authorized;
mod game;
mod hostile;
mod interrogation;
mod net;
mod opening;
mod signatures;
mod time;
mod timeouts;
mod verdicts;
pub(crate) mod whole;
mod work;
mod workers;

use assay_primitives::JobId;
use assay_referee::{Location, NodeKey};
use codec::Encode;
use frame_support::{assert_ok, BoundedVec};
use sp_core::H256;

use crate::{fixtures::Run, mock::*, ChallengeId, NextChallenge};

type Proof = BoundedVec<u8, frame_support::traits::ConstU32<{ assay_referee::MAX_PROOF_BYTES }>>;

/// Open a challenge of `who` with the output of `honest`.
fn open(who: u64, job: JobId, honest: &Run) -> ChallengeId {
	assert_ok!(Challenges::open(signed(who), job, H256(honest.output_root()), None));
	NextChallenge::<Test>::get() - 1
}

/// Reveal the trace of `run`.
fn reveal(job: JobId, run: &Run) {
	let root = H256(run.trace_root());
	assert_ok!(Challenges::reveal_trace(signed(OPERATOR), job, root, run.last_entry(), None));
}

/// The short runs: a claim of the liar's, which Alice challenges, and whose trace is revealed.
fn revealed() -> (Run, Run, JobId, ChallengeId) {
	let (honest, liar) = short();
	let job = claim(&liar);
	let id = open(ALICE, job, &honest);
	reveal(job, &liar);
	(honest, liar, job, id)
}

/// Have `who` answer a question from `run`.
fn answer(who: u64, job: JobId, run: &Run, node: NodeKey) {
	assert_ok!(Challenges::answer(signed(who), job, node, run.open(&node), None));
}

/// Ask for the nodes of `way` one by one, each answered from `run` in the next block.
fn walk(id: ChallengeId, who: u64, job: JobId, run: &Run, way: &[NodeKey]) {
	for node in way {
		assert_ok!(Challenges::ask(signed(who), id, *node, None));
		pass(1);
		answer(OPERATOR, job, run, *node);
		pass(1);
	}
}

/// The encoded proof that `liar` is wrong in an element.
fn proof(honest: &Run, liar: &Run, entry: u32, element: u64) -> Proof {
	let proof = honest.prove(liar, entry, Location::Element(element));
	Proof::try_from(proof.encode()).expect("proofs are short")
}

/// A long run: the trace has two chunks, the tensors three. The true one, and one with a lie.
fn long(lie: (u32, u64)) -> (Run, Run) {
	(run(40, 600, None), run(40, 600, Some(lie)))
}

/// A short run: everything fits one chunk. The true one, and one with a lie.
fn short() -> (Run, Run) {
	(run(3, 8, None), run(3, 8, Some((1, 5))))
}
