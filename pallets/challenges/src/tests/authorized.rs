//! Calls that service keys authorise: valid only if they will succeed, and never twice.

use super::*;
use crate::{Call, HoldReason};
use assay_primitives::Authorization;
use frame_support::assert_noop;
use sp_runtime::{
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	DispatchError,
};

pub(super) fn refused(call: Call<Test>, why: InvalidTransaction) {
	let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
	assert_eq!(include(call), Err(TransactionValidityError::Invalid(why)));
	assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), before);
}

pub(super) fn open_call(job: JobId, run: &Run, who: u64) -> Call<Test> {
	let output_root = H256(run.output_root());
	let auth = auth(who, "challenges.open", (job, content(job), output_root));
	Call::open { job, output_root, auth }
}

pub(super) fn challenge_content(challenge: ChallengeId) -> H256 {
	let record = crate::Challenges::<Test>::get(challenge);
	record.map_or_else(H256::zero, |record| Challenges::content_of(&record))
}

pub(super) fn lapse_call(challenge: ChallengeId, who: u64) -> Call<Test> {
	let auth = auth(who, "challenges.lapse", (challenge, challenge_content(challenge)));
	Call::lapse { challenge, auth }
}

pub(super) fn reveal_call(job: JobId, run: &Run, who: u64) -> Call<Test> {
	let (trace_root, last_entry) = (H256(run.trace_root()), run.last_entry());
	let auth =
		auth(who, "challenges.reveal_trace", (job, content(job), trace_root, last_entry.clone()));
	Call::reveal_trace { job, trace_root, last_entry, auth }
}

pub(super) fn ask_call(challenge: ChallengeId, node: NodeKey, who: u64) -> Call<Test> {
	let record = crate::Challenges::<Test>::get(challenge);
	let trace_root = record.map(|record| trace_of(record.job)).unwrap_or_default();
	let args = (challenge, challenge_content(challenge), trace_root, node);
	Call::ask { challenge, node, auth: auth(who, "challenges.ask", args) }
}

pub(super) fn answer_call(job: JobId, run: &Run, node: NodeKey, who: u64) -> Call<Test> {
	let opening = run.open(&node);
	let auth = auth(who, "challenges.answer", (job, content(job), node, opening.clone()));
	Call::answer { job, node, opening, auth }
}

pub(super) fn prove_call(job: JobId, proof: Proof, who: u64) -> Call<Test> {
	let args = (job, content(job), trace_of(job), proof.clone());
	Call::prove_fault { job, proof, auth: auth(who, "challenges.prove_fault", args) }
}

/// The root of the trace that was revealed, if one was.
pub(super) fn trace_of(job: JobId) -> H256 {
	Challenges::posted_trace(job).unwrap_or_default()
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
		// As much as its bytes say that there is to do, which is far from the worst.
		let door = call.weight_of_authorize();
		assert!(door.all_lte(<() as WeightInfo>::authorize_prove_fault()));
		assert!(door.ref_time() < 2_000_000_000, "a small proof costs {door}");
		let info = call.get_dispatch_info();
		assert_eq!(info.class, DispatchClass::Operational);
		// Judged at the door, and not a second time.
		let judged = <() as WeightInfo>::prove_fault(8) - <() as WeightInfo>::judge();
		assert_eq!(info.call_weight, judged);
		let proof = proof(&honest, &liar, 1, 5);
		let signed = Call::<Test>::prove_fault { job, proof, auth: None };
		// Signed, it is judged in the dispatch, and pays for that.
		let paid = signed.get_dispatch_info().call_weight;
		assert!(
			paid.ref_time() > judged.ref_time() && paid.all_lte(<() as WeightInfo>::prove_fault(8))
		);
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
		let other_job = auth(ALICE, "challenges.open", (job + 1, content(job), output_root));
		refused(open_with(other_job), InvalidTransaction::BadProof);
		let other_call = auth(ALICE, "challenges.ask", (job, content(job), output_root));
		refused(open_with(other_call), InvalidTransaction::BadProof);
		let stranger = auth(77, "challenges.open", (job, content(job), output_root));
		refused(open_with(stranger), InvalidTransaction::BadSigner);
		let mixed = auth(ALICE, "challenges.open", (job, content(job), output_root))
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
		frame_support::hypothetically!({
			go_to(50);
			refused(answer_call(job, &liar, top, OPERATOR), InvalidTransaction::Stale);
		});
		answer(OPERATOR, job, &liar, top);
		walk(0, ALICE, job, &liar, &liar.way_to(1, 5)[1..]);
		refused(prove_call(job, proof(&honest, &liar, 1, 4), ALICE), InvalidTransaction::BadProof);
		refused(prove_call(job, Proof::default(), ALICE), InvalidTransaction::BadProof);
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

#[test]
fn what_ended_a_turn_does_not_also_forget_the_challenge() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		refused(lapse_call(id, ALICE), InvalidTransaction::Stale);
		go_to(2 + TracePeriod::get());
		refused(lapse_call(id, BOB), InvalidTransaction::BadSigner);
		let call = lapse_call(id, ALICE);
		assert_ok!(include(call.clone()));
		assert!(end_of(job).is_some());
		go_to(2 + TracePeriod::get() + Retention::get());
		refused(call, InvalidTransaction::BadProof);
		// The operator may also have it forgotten.
		assert_ok!(include(lapse_call(id, OPERATOR)));
		assert!(crate::Challenges::<Test>::get(id).is_none());
	});
}

#[test]
fn an_operator_ends_the_turn_of_a_sham() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&honest);
		let id = open(ALICE, job, &liar);
		reveal(job, &honest);
		go_to(2 + TurnPeriod::get());
		assert_ok!(include(lapse_call(id, OPERATOR)));
		assert_eq!(AllClaims::get()[&job].held, 0);
	});
}

#[test]
fn neither_party_keeps_the_others_call_out_of_the_pool() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let tags = |calls: [Call<Test>; 2]| {
			let [a, b] = calls.map(|call| pooled(call).provides);
			assert_ne!(a, b);
		};
		tags([open_call(job, &honest, ALICE), open_call(job, &honest, BOB)]);
		let first = open(ALICE, job, &honest);
		let second = open(BOB, job, &honest);
		frame_support::hypothetically!({
			go_to(2 + TracePeriod::get());
			tags([lapse_call(first, ALICE), lapse_call(first, OPERATOR)]);
		});
		reveal(job, &liar);
		let top = NodeKey::top(assay_referee::Object::Trace);
		tags([ask_call(first, top, ALICE), ask_call(second, top, BOB)]);
		let way = liar.way_to(1, 5);
		walk(first, ALICE, job, &liar, &way);
		for node in way {
			assert_ok!(Challenges::ask(signed(BOB), second, node, None));
		}
		let proof = proof(&honest, &liar, 1, 5);
		tags([prove_call(job, proof.clone(), ALICE), prove_call(job, proof, BOB)]);
	});
}

#[test]
fn a_call_waits_as_long_as_it_can_be_valid() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let life = u64::from(assay_primitives::authorization::LIFETIME);
		// The deadline still counts, and so does this block.
		assert_eq!(pooled(open_call(job, &honest, ALICE)).longevity, WINDOW + 1);
		open(ALICE, job, &honest);
		go_to(5);
		assert_eq!(pooled(reveal_call(job, &liar, OPERATOR)).longevity, TracePeriod::get() - 3);
		reveal(job, &liar);
		RunMicros::set(0);
		AllClaims::mutate(|claims| claims.get_mut(&job).unwrap().view.window_end = 1_000);
		assert_eq!(pooled(open_call(job, &honest, BOB)).longevity, life);
	});
}

/// Judging is the dearest thing that a node does for nothing: whoever wants it has a bond at stake, and
/// has paid for the answers on the way to a chunk of the trace. There the fault of a small tensor shows.
#[test]
fn only_who_has_located_the_fault_proves_for_nothing() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		let proof = || proof(&honest, &liar, 20, 0);
		let way = liar.way_to(20, 0);
		let chunk = 1;
		assert_eq!((way[chunk].object, way[chunk].level), (assay_referee::Object::Trace, 0));
		for node in &way[..=chunk] {
			refused(prove_call(job, proof(), ALICE), InvalidTransaction::BadSigner);
			assert_ok!(Challenges::ask(signed(ALICE), id, *node, None));
			refused(prove_call(job, proof(), ALICE), InvalidTransaction::BadSigner);
			answer(OPERATOR, job, &liar, *node);
		}
		for node in &way[chunk + 1..] {
			assert_ok!(hypothetically(|| include(prove_call(job, proof(), ALICE))));
			assert_ok!(Challenges::ask(signed(ALICE), id, *node, None));
			answer(OPERATOR, job, &liar, *node);
		}
		for who in [BOB, POOR, OPERATOR] {
			refused(prove_call(job, proof(), who), InvalidTransaction::BadSigner);
		}
		frame_support::hypothetically!({
			pass(TurnPeriod::get() + 2);
			refused(prove_call(job, proof(), ALICE), InvalidTransaction::BadSigner);
		});
		// A challenge against another job does not count.
		let other = claim(&liar);
		open(BOB, other, &honest);
		refused(prove_call(job, proof(), BOB), InvalidTransaction::BadSigner);
		assert_ok!(hypothetically(|| include(prove_call(job, proof(), ALICE))));
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(), None));
	});
}

/// A trace of one chunk has no node but its top.
#[test]
fn a_short_trace_takes_one_question_before_the_proof() {
	build_and_execute(|| {
		let (honest, liar, job, id) = revealed();
		let top = liar.way_to(1, 5)[0];
		assert_ok!(Challenges::ask(signed(ALICE), id, top, None));
		answer(OPERATOR, job, &liar, top);
		assert_ok!(include(prove_call(job, proof(&honest, &liar, 1, 5), ALICE)));
	});
}

/// A pool judges one proof of each account about a trace.
#[test]
fn a_pool_judges_once() {
	use frame_support::traits::Authorize;
	use sp_runtime::transaction_validity::TransactionSource;
	use std::sync::{Arc, Mutex};
	/// What was remembered, in order: names that come twice stand there twice.
	#[derive(Clone, Default)]
	struct Names(Arc<Mutex<Vec<[u8; 32]>>>);
	impl assay_host::PoolMemory for Names {
		fn remembers(&mut self, name: &[u8; 32]) -> bool {
			self.0.lock().unwrap().contains(name)
		}

		fn remember(&mut self, name: [u8; 32]) {
			self.0.lock().unwrap().push(name);
		}
	}
	let names = Names::default();
	let known = || names.0.lock().unwrap().len();
	let mut ext = new_test_ext();
	ext.register_extension(assay_host::PoolMemoryExt(Box::new(names.clone())));
	ext.execute_with(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let way = liar.way_to(1, 5);
		let ids = [ALICE, BOB].map(|who| open(who, job, &honest));
		reveal(job, &liar);
		walk(ids[0], ALICE, job, &liar, &way);
		for node in &way {
			assert_ok!(Challenges::ask(signed(BOB), ids[1], *node, None));
		}
		let good = proof(&honest, &liar, 1, 5);
		let bad = |flip: u8| {
			let mut bad = good.clone();
			let last = bad.len() - 1;
			bad[last] ^= flip;
			bad
		};

		// A good one costs two names, its bringer's and its own; by whomever it is brought again, none.
		pooled(prove_call(job, good.clone(), ALICE));
		assert_eq!(known(), 2);
		for who in [ALICE, BOB] {
			pooled(prove_call(job, good.clone(), who));
			assert_eq!(known(), 2, "not judged again");
		}
		// A second one of the same account is not looked at.
		refused(prove_call(job, bad(1), ALICE), InvalidTransaction::BadProof);
		assert_eq!(known(), 2, "not judged");

		// A bad one costs the name of who brought it.
		refused(prove_call(job, bad(1), BOB), InvalidTransaction::BadProof);
		assert_eq!(known(), 3);
		refused(prove_call(job, bad(2), BOB), InvalidTransaction::BadProof);
		assert_eq!(known(), 3, "not judged");
		pooled(prove_call(job, good.clone(), BOB));

		// When the good one is forgotten, a bad one speaks against who brought it and nobody else.
		names.0.lock().unwrap().drain(..2);
		let own = RuntimeCall::from(prove_call(job, good.clone(), BOB));
		let refusal = Err(TransactionValidityError::Invalid(InvalidTransaction::BadProof));
		assert_eq!(own.authorize(TransactionSource::External).unwrap().map(drop), refusal);
		pooled(prove_call(job, good.clone(), ALICE));

		// A block neither asks nor tells; and who signs and pays is heard always.
		names.0.lock().unwrap().drain(1..);
		hypothetically(|| {
			own.authorize(TransactionSource::InBlock).unwrap().expect("a block judges");
		});
		assert_eq!(known(), 1);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, good.clone(), None));
	});
}

/// What a key signed under one trace says nothing where another was revealed: on another fork a move would
/// lead astray, and a proof speak against who brought it.
#[test]
fn moves_name_the_trace_that_they_follow_from() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		let way = liar.way_to(1, 5);
		let (ask, prove) = hypothetically(|| {
			crate::Disputes::<Test>::mutate(job, |dispute| {
				let dispute = dispute.as_mut().expect("it is disputed");
				dispute.trace = crate::TraceState::Posted { root: H256::repeat_byte(9), at: 1 };
			});
			(ask_call(id, way[0], ALICE), prove_call(job, proof(&honest, &liar, 1, 5), ALICE))
		});
		reveal(job, &liar);
		refused(ask, InvalidTransaction::BadProof);
		walk(id, ALICE, job, &liar, &way);
		refused(prove, InvalidTransaction::BadProof);
		assert_ok!(hypothetically(|| include(prove_call(job, proof(&honest, &liar, 1, 5), ALICE))));
	});
}

/// What a proof costs is told from its bytes before, and what was less is given back: few challenges to
/// settle, fewer hashes than the bytes could have held.
#[test]
fn what_a_proof_cost_less_is_given_back() {
	use frame_support::{dispatch::GetDispatchInfo, traits::Authorize, weights::Weight};
	use sp_runtime::{traits::Dispatchable, transaction_validity::TransactionSource};
	build_and_execute(|| {
		let (honest, liar, job, id) = revealed();
		walk(id, ALICE, job, &liar, &liar.way_to(1, 5));
		let proof = proof(&honest, &liar, 1, 5);
		let by_key = RuntimeCall::from(prove_call(job, proof.clone(), ALICE));
		let signed_call = RuntimeCall::from(Call::prove_fault { job, proof, auth: None });
		let cost = |origin: RuntimeOrigin, call: &RuntimeCall| {
			let info = call.clone().dispatch(origin).expect("it is right");
			info.actual_weight.expect("it is told")
		};
		let alone = hypothetically(|| cost(signed(BOB), &signed_call));
		open(BOB, job, &honest);
		let beside = hypothetically(|| cost(signed(BOB), &signed_call));
		assert!(alone.all_lte(beside) && alone != beside, "{alone} {beside}");
		let info = signed_call.get_dispatch_info();
		assert_eq!(info.extension_weight, Weight::zero(), "a signed proof passes no door");
		let charged = info.call_weight;
		assert!(beside.all_lte(charged) && beside != charged, "{beside} {charged}");
		// At the door likewise; the dispatch then pays for no judging.
		let (_, spared) = by_key.authorize(TransactionSource::InBlock).unwrap().unwrap();
		assert!(spared != Weight::zero());
		let authorized = frame_system::RawOrigin::Authorized.into();
		assert!(cost(authorized, &by_key).all_lte(beside));
	});
}

#[test]
fn an_authorised_proof_is_judged_once_in_a_block() {
	use crate::Judged;
	use assay_primitives::FaultKind;
	use frame_support::traits::Authorize;
	use sp_runtime::{traits::Dispatchable, transaction_validity::TransactionSource};
	let marker = FaultKind::Leaf { entry: 9, element: 9 };
	let authorized = || -> RuntimeOrigin { frame_system::RawOrigin::Authorized.into() };
	build_and_execute(|| {
		let (honest, liar, job, id) = revealed();
		walk(id, ALICE, job, &liar, &liar.way_to(1, 5));
		let call: RuntimeCall = prove_call(job, proof(&honest, &liar, 1, 5), ALICE).into();
		for source in [TransactionSource::External, TransactionSource::Local] {
			call.authorize(source).unwrap().unwrap();
			assert_eq!(Judged::<Test>::get(), None);
		}
		call.authorize(TransactionSource::InBlock).unwrap().unwrap();
		let (of, _) = Judged::<Test>::get().expect("judged at the door");
		// The dispatch believes the note about this very proof.
		hypothetically(|| {
			Judged::<Test>::put((of, marker));
			assert_ok!(call.clone().dispatch(authorized()));
			assert!(matches!(end_of(job), Some(End::Fault { kind, .. }) if kind == marker));
		});
		// And judges itself where the note is about another proof, claim, trace or block.
		hypothetically(|| {
			Judged::<Test>::put((of, marker));
			let other = prove_call(job, proof(&honest, &liar, 1, 4), ALICE);
			assert!(RuntimeCall::from(other).dispatch(authorized()).is_err());
		});
		hypothetically(|| {
			Judged::<Test>::put((of, marker));
			pass(1);
			assert_ok!(call.clone().dispatch(authorized()));
			assert!(matches!(end_of(job), Some(End::Fault { kind, .. }) if kind != marker));
		});
		// A signed proof is judged in the dispatch, whatever is noted.
		hypothetically(|| {
			Judged::<Test>::put((of, marker));
			let proof = proof(&honest, &liar, 1, 5);
			assert_ok!(Challenges::prove_fault(signed(BOB), job, proof, None));
			assert!(matches!(end_of(job), Some(End::Fault { kind, .. }) if kind != marker));
		});
		// The note does not outlive the transaction.
		assert_ok!(call.dispatch(authorized()));
		assert_eq!(Judged::<Test>::get(), None);
	});
}
