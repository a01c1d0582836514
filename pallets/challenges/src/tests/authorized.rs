//! Calls that service keys authorise: valid only if they will succeed, and never twice.

use super::*;
use crate::{Call, HoldReason};
use assay_primitives::Authorization;
use frame_support::assert_noop;
use sp_runtime::{
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	DispatchError,
};

fn refused(call: Call<Test>, why: InvalidTransaction) {
	let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
	assert_eq!(include(call), Err(TransactionValidityError::Invalid(why)));
	assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), before);
}

fn open_call(job: JobId, run: &Run, who: u64) -> Call<Test> {
	let output_root = H256(run.output_root());
	let auth = auth(who, "challenges.open", (job, output_root));
	Call::open { job, output_root, auth }
}

fn reveal_call(job: JobId, run: &Run, who: u64) -> Call<Test> {
	let (trace_root, last_entry) = (H256(run.trace_root()), run.last_entry());
	let auth = auth(who, "challenges.reveal_trace", (job, trace_root, last_entry.clone()));
	Call::reveal_trace { job, trace_root, last_entry, auth }
}

fn ask_call(challenge: ChallengeId, node: NodeKey, who: u64) -> Call<Test> {
	let auth = auth(who, "challenges.ask", (challenge, node));
	Call::ask { challenge, node, auth }
}

fn answer_call(job: JobId, run: &Run, node: NodeKey, who: u64) -> Call<Test> {
	let opening = run.open(&node);
	let auth = auth(who, "challenges.answer", (job, node, opening.clone()));
	Call::answer { job, node, opening, auth }
}

fn prove_call(job: JobId, proof: Proof, who: u64) -> Call<Test> {
	let auth = auth(who, "challenges.prove_fault", (job, proof.clone()));
	Call::prove_fault { job, proof, auth }
}

#[test]
fn authorisations_are_weighed_and_disputes_have_room() {
	use crate::WeightInfo;
	use frame_support::{
		dispatch::{DispatchClass, GetDispatchInfo},
		traits::Authorize,
	};
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let call = prove_call(job, proof(&honest, &liar, 1, 5), ALICE);
		assert_eq!(call.weight_of_authorize(), <() as WeightInfo>::authorize_prove_fault());
		let info = call.get_dispatch_info();
		assert_eq!(info.class, DispatchClass::Operational);
		assert_eq!(info.call_weight, <() as WeightInfo>::prove_fault());
	});
}

#[test]
fn keys_play_the_whole_game() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		assert_ok!(include(reveal_call(job, &liar, OPERATOR)));
		for node in liar.way_to(20, 0) {
			assert_ok!(include(ask_call(0, node, ALICE)));
			assert_ok!(include(answer_call(job, &liar, node, OPERATOR)));
		}
		assert_ok!(include(prove_call(job, proof(&honest, &liar, 20, 0), ALICE)));
		assert!(matches!(
			end_of(job),
			Some(End::Fault { finder: Some(ALICE), prover: Some(ALICE), .. })
		));
	});
}

#[test]
fn a_call_without_authorisation_is_not_valid() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let output_root = H256(honest.output_root());
		refused(Call::open { job, output_root, auth: None }, InvalidTransaction::Call);
		// Neither is an authorisation that nobody checked an origin.
		let call = open_call(job, &honest, ALICE);
		let Call::open { auth, .. } = call else { unreachable!() };
		let none = frame_system::RawOrigin::None.into();
		assert_noop!(
			Challenges::open(none, job, output_root, auth.clone()),
			DispatchError::BadOrigin
		);
		// And an account does not lend its name to a key.
		assert_noop!(
			Challenges::open(signed(BOB), job, output_root, auth),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn forged_and_foreign_signatures_are_refused() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let output_root = H256(honest.output_root());
		let open_with = |auth| Call::open { job, output_root, auth };
		let other_job = auth(ALICE, "challenges.open", (job + 1, output_root));
		refused(open_with(other_job), InvalidTransaction::BadProof);
		let other_call = auth(ALICE, "challenges.ask", (job, output_root));
		refused(open_with(other_call), InvalidTransaction::BadProof);
		let stranger = auth(77, "challenges.open", (job, output_root));
		refused(open_with(stranger), InvalidTransaction::BadSigner);
		let mixed = auth(ALICE, "challenges.open", (job, output_root))
			.map(|auth| Authorization { key: sp_core::Pair::public(&key_pair(BOB)), ..auth });
		refused(open_with(mixed), InvalidTransaction::BadProof);
	});
}

#[test]
fn a_lapsed_challenge_cannot_be_repeated_by_others() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let call = open_call(job, &honest, ALICE);
		assert_ok!(include(call.clone()));
		assert_ok!(include(reveal_call(job, &liar, OPERATOR)));
		pass(TurnPeriod::get() + 2);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
		refused(call, InvalidTransaction::Stale);
	});
}

#[test]
fn what_would_fail_is_not_valid() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let top = NodeKey::top(assay_referee::Object::Trace);
		refused(open_call(job, &honest, POOR), InvalidTransaction::Payment);
		refused(open_call(job, &liar, ALICE), InvalidTransaction::Stale);
		refused(open_call(9, &honest, ALICE), InvalidTransaction::Stale);
		refused(reveal_call(job, &liar, OPERATOR), InvalidTransaction::Stale);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		refused(reveal_call(job, &liar, BOB), InvalidTransaction::BadSigner);
		refused(reveal_call(job, &honest, OPERATOR), InvalidTransaction::BadProof);
		refused(ask_call(0, top, ALICE), InvalidTransaction::Stale);
		assert_ok!(include(reveal_call(job, &liar, OPERATOR)));
		refused(answer_call(job, &liar, top, OPERATOR), InvalidTransaction::Stale);
		refused(ask_call(0, top, BOB), InvalidTransaction::Stale);
		frame_support::hypothetically!({
			use frame_support::traits::fungible::Mutate;
			Balances::set_balance(&ALICE, QueryFee::get());
			refused(ask_call(0, top, ALICE), InvalidTransaction::Payment);
		});
		assert_ok!(include(ask_call(0, top, ALICE)));
		refused(answer_call(job, &honest, top, OPERATOR), InvalidTransaction::BadProof);
		// Strangers pay for the check of their answers.
		refused(answer_call(job, &liar, top, BOB), InvalidTransaction::BadSigner);
		refused(prove_call(job, proof(&honest, &liar, 1, 4), ALICE), InvalidTransaction::BadProof);
		refused(prove_call(job, Proof::default(), ALICE), InvalidTransaction::BadProof);
		System::set_block_number(50);
		refused(answer_call(job, &liar, top, OPERATOR), InvalidTransaction::Stale);
	});
}

#[test]
fn oversized_evidence_is_refused_before_any_work() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		let (trace_root, mut last_entry) = (H256(liar.trace_root()), liar.last_entry());
		last_entry.data.resize(1 << 20, 0);
		let call = Call::reveal_trace { job, trace_root, last_entry, auth: auth(OPERATOR, "", ()) };
		refused(call, InvalidTransaction::ExhaustsResources);
		let node = NodeKey::top(assay_referee::Object::Trace);
		let mut opening = liar.open(&node);
		opening.payload.resize(1 << 20, 0);
		let call = Call::answer { job, node, opening, auth: auth(OPERATOR, "", ()) };
		refused(call, InvalidTransaction::ExhaustsResources);
	});
}
