//! Proofs.

use super::*;
use crate::Error;
use assay_primitives::FaultKind;
use assay_referee::Claimed;
use frame_support::assert_noop;

fn prove(job: JobId, proof: Proof) -> frame_support::dispatch::DispatchResultWithPostInfo {
	Challenges::prove_fault(signed(BOB), job, proof, None)
}

/// A false claim whose trace is revealed.
fn revealed() -> (Run, Run, JobId) {
	let (honest, liar) = short();
	let job = claim(&liar);
	open(ALICE, job, &honest);
	reveal(job, &liar);
	(honest, liar, job)
}

#[test]
fn a_proof_needs_no_bond_and_is_free() {
	build_and_execute(|| {
		let (honest, liar, job) = revealed();
		let result = Challenges::prove_fault(signed(POOR), job, proof(&honest, &liar, 1, 5), None);
		assert_eq!(result.expect("valid").pays_fee, frame_support::dispatch::Pays::No);
	});
}

#[test]
fn a_chunk_can_be_proven_wrong() {
	build_and_execute(|| {
		let (honest, liar, job) = revealed();
		let proof = honest.prove(&liar, 1, Location::Chunk(0));
		assert_ok!(prove(job, Proof::try_from(proof.encode()).unwrap()));
		let kind = FaultKind::Chunk { entry: 1, chunk: 0 };
		assert_eq!(end_of(job), Some(End::Fault { kind, finder: Some(ALICE), prover: Some(BOB) }));
	});
}

#[test]
fn a_true_element_cannot_be_proven_wrong() {
	build_and_execute(|| {
		let (honest, liar, job) = revealed();
		assert_noop!(prove(job, proof(&honest, &liar, 1, 4)), Error::<Test>::FaultNotShown);
		assert_noop!(prove(job, proof(&honest, &liar, 0, 0)), Error::<Test>::FaultNotShown);
		// What follows consistently from the lie is right by itself.
		assert_noop!(prove(job, proof(&liar, &liar, 2, 5)), Error::<Test>::FaultNotShown);
	});
}

#[test]
fn an_honest_claim_cannot_be_proven_wrong() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&honest);
		open(ALICE, job, &liar);
		reveal(job, &honest);
		for entry in 0..3 {
			for element in 0..8 {
				let refused = prove(job, proof(&honest, &honest, entry, element));
				assert_noop!(refused, Error::<Test>::FaultNotShown);
				// Evidence from another trace does not belong here.
				if (entry, element) == (1, 5) {
					let foreign = prove(job, proof(&honest, &liar, entry, element));
					assert_noop!(foreign, Error::<Test>::ProofRefused);
				}
			}
		}
	});
}

#[test]
fn malformed_proofs_are_refused() {
	build_and_execute(|| {
		let (honest, liar, job) = revealed();
		let good = proof(&honest, &liar, 1, 5);
		let refused = |bytes: Vec<u8>| {
			assert_noop!(prove(job, Proof::truncate_from(bytes)), Error::<Test>::ProofRefused);
		};
		refused(vec![]);
		refused(vec![0xff; 1_000]);
		refused(good[..good.len() - 1].to_vec());
		refused([&good[..], &[0]].concat());
		let broken = |change: &dyn Fn(&mut assay_referee::FaultProof)| {
			let mut proof = honest.prove(&liar, 1, Location::Element(5));
			change(&mut proof);
			refused(proof.encode());
		};
		broken(&|proof| proof.reads.clear());
		broken(&|proof| proof.entries.clear());
		broken(&|proof| proof.entry = 3);
		broken(&|proof| proof.at = Location::Element(8));
		broken(&|proof| proof.record.start = 1);
		broken(&|proof| proof.record.data[0] ^= 1);
		broken(&|proof| proof.reads[0].operand = 1);
		broken(&|proof| proof.reads[0].slice.data[0] ^= 1);
		broken(&|proof| {
			proof.claimed = Claimed::Cv { index: 0, cv: [0; 32], path: vec![] };
		});
		assert_ok!(prove(job, good));
	});
}

#[test]
fn a_proof_needs_the_operators_trace() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let good = proof(&honest, &liar, 1, 5);
		assert_noop!(prove(job, good.clone()), Error::<Test>::TraceNotPosted);
		open(ALICE, job, &honest);
		assert_noop!(prove(job, good.clone()), Error::<Test>::TraceNotPosted);
		reveal(job, &liar);
		assert_ok!(prove(job, good));
	});
}

#[test]
fn an_ended_claim_absorbs_everything() {
	build_and_execute(|| {
		let (honest, liar, job) = revealed();
		let second = open(BOB, job, &honest);
		assert_ok!(prove(job, proof(&honest, &liar, 1, 5)));
		let end = end_of(job);
		let top = NodeKey::top(assay_referee::Object::Trace);
		assert_noop!(prove(job, proof(&honest, &liar, 1, 5)), Error::<Test>::ClaimNotOpen);
		let root = H256(honest.output_root());
		assert_noop!(
			Challenges::open(signed(REQUESTER), job, root, None),
			Error::<Test>::ClaimNotOpen
		);
		assert_noop!(
			Challenges::reveal_trace(signed(OPERATOR), job, root, liar.last_entry(), None),
			Error::<Test>::ClaimNotOpen
		);
		assert_noop!(
			Challenges::answer(signed(OPERATOR), job, top, liar.open(&top), None),
			Error::<Test>::ClaimNotOpen
		);
		assert_noop!(Challenges::ask(signed(BOB), second, top, None), Error::<Test>::ChallengeOver);
		assert_noop!(Challenges::poke(signed(BOB), job), Error::<Test>::NothingDue);
		pass(100);
		assert_eq!(end_of(job), end);
	});
}
