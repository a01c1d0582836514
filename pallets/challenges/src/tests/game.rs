//! The whole game, from a false claim to its end.

use super::*;
use crate::{ChallengeState, Challenges as Records, Event, HoldReason};
use assay_primitives::FaultKind;
use frame_support::traits::fungible::Mutate;

/// A liar in (entry, element) against one honest challenger, to the end.
fn refute(lie: (u32, u64), questions: usize) {
	build_and_execute(|| {
		let (honest, liar) = long(lie);
		let job = claim(&liar);
		let issued = Balances::total_issuance();
		let id = open(ALICE, job, &honest);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), MinBond::get());
		pass(1);
		reveal(job, &liar);
		pass(1);

		let (entry, element) = liar.first_difference(&honest).expect("it lies");
		assert_eq!((entry, element), lie);
		let way = liar.way_to(entry, element);
		assert_eq!(way.len(), questions);
		walk(id, ALICE, job, &liar, &way);
		let proof = proof(&honest, &liar, entry, element);
		assert_ok!(Challenges::prove_fault(signed(ALICE), job, proof, None));

		let kind = FaultKind::Leaf { entry, element };
		let end = End::Fault { kind, finder: Some(ALICE), prover: Some(ALICE) };
		assert_eq!(end_of(job), Some(end));
		System::assert_has_event(
			Event::ChallengeWon { challenge: id, job, who: ALICE, bond: MinBond::get() }.into(),
		);
		assert_eq!(Records::<Test>::get(id).map(|record| record.state), Some(ChallengeState::Won));
		// The bond is back; five sixths of every question went to the operator.
		let asked = QueryFee::get() * questions as u64;
		assert_eq!(Balances::free_balance(ALICE), RICHES - asked);
		assert_eq!(Balances::free_balance(OPERATOR), RICHES + asked / 6 * 5);
		assert_eq!(Balances::total_issuance(), issued - asked / 6);

		// Later nothing is left.
		pass(2 * Retention::get());
		assert_eq!(Records::<Test>::iter().count(), 0);
		assert_eq!(crate::Nodes::<Test>::iter().count(), 0);
		assert_eq!(crate::Disputes::<Test>::iter().count(), 0);
		assert_eq!(crate::Challenged::<Test>::iter().count(), 0);
		assert_eq!(crate::AgendaPages::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_lie_in_the_first_op_is_refuted() {
	refute((0, 0), 4);
}

#[test]
fn a_lie_in_a_middle_op_is_refuted() {
	refute((17, 300), 4);
}

#[test]
fn a_lie_in_the_last_op_is_refuted() {
	refute((39, 599), 4);
}

#[test]
fn short_objects_need_two_questions() {
	build_and_execute(|| {
		let (honest, liar, job, id) = revealed();
		let way = liar.way_to(1, 5);
		assert_eq!(way.len(), 2);
		walk(id, ALICE, job, &liar, &way);
		assert_ok!(Challenges::prove_fault(signed(ALICE), job, proof(&honest, &liar, 1, 5), None));
		assert!(end_of(job).is_some());
	});
}

#[test]
fn a_silent_operator_loses() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		pass(TracePeriod::get() + 2);
		let end = End::Fault { kind: FaultKind::NoTrace, finder: Some(ALICE), prover: None };
		assert_eq!(end_of(job), Some(end));
		assert_eq!(Balances::free_balance(ALICE), RICHES);
	});
}

#[test]
fn an_unresponsive_operator_loses() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		let way = liar.way_to(20, 0);
		walk(id, ALICE, job, &liar, &way[..2]);
		assert_ok!(Challenges::ask(signed(ALICE), id, way[2], None));
		pass(AnswerPeriod::get() + 2);
		let kind = FaultKind::NoAnswer(way[2]);
		assert_eq!(end_of(job), Some(End::Fault { kind, finder: Some(ALICE), prover: None }));
		// Two questions were answered; the third one's fee came back with the bond.
		assert_eq!(Balances::free_balance(ALICE), RICHES - 2 * QueryFee::get());
		System::assert_has_event(
			Event::QueryRefunded { job, node: way[2], who: ALICE, fee: QueryFee::get() }.into(),
		);
	});
}

#[test]
fn an_honest_operator_outlasts_a_challenge() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&honest);
		let id = open(ALICE, job, &liar);
		reveal(job, &honest);
		walk(id, ALICE, job, &honest, &honest.way_to(20, 0));
		pass(TurnPeriod::get() + 2);
		let state = Records::<Test>::get(id).map(|record| record.state);
		assert_eq!(state, Some(ChallengeState::Lapsed));
		assert_eq!(end_of(job), None);
		let (bond, asked) = (MinBond::get(), 4 * QueryFee::get());
		assert_eq!(Balances::free_balance(ALICE), RICHES - bond - asked);
		assert_eq!(Balances::free_balance(OPERATOR), RICHES + bond / 10 * 6 + asked / 6 * 5);
		finalize(job);
		pass(2 * Retention::get());
		assert_eq!(crate::Nodes::<Test>::iter().count(), 0);
		assert_eq!(Records::<Test>::iter().count(), 0);
	});
}

#[test]
fn two_challengers_share_the_openings() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		let first = open(ALICE, job, &honest);
		let second = open(BOB, job, &honest);
		reveal(job, &liar);
		let way = liar.way_to(20, 0);
		// Bob walks first; Alice follows on what is open, and waits for free where he waits.
		walk(second, BOB, job, &liar, &way[..3]);
		assert_ok!(Challenges::ask(signed(BOB), second, way[3], None));
		for node in &way {
			assert_ok!(Challenges::ask(signed(ALICE), first, *node, None));
		}
		assert_eq!(held(HoldReason::QueryFee, ALICE), 0);
		answer(OPERATOR, job, &liar, way[3]);
		// Bob proves, but Alice was first.
		let proof = proof(&honest, &liar, 20, 0);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof, None));
		let kind = FaultKind::Leaf { entry: 20, element: 0 };
		let end = End::Fault { kind, finder: Some(ALICE), prover: Some(BOB) };
		assert_eq!(end_of(job), Some(end));
		let state = |id| Records::<Test>::get(id).map(|record| record.state);
		assert_eq!(state(first), Some(ChallengeState::Won));
		assert_eq!(state(second), Some(ChallengeState::Mooted));
		assert_eq!(Balances::free_balance(ALICE), RICHES);
		assert_eq!(Balances::free_balance(BOB), RICHES - 4 * QueryFee::get());
	});
}

#[test]
fn sham_challengers_do_not_help_a_liar() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		// More shams than one call settles, all before the honest challenger.
		let shams: Vec<u64> = (100..120).collect();
		for sham in &shams {
			Balances::set_balance(sham, RICHES);
			open(*sham, job, &run(40, 600, Some((3, *sham))));
		}
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		// The shams let their turns pass while the honest one walks.
		walk(id, ALICE, job, &liar, &liar.way_to(20, 0));
		pass(2);
		assert_eq!(Challenges::live_challenges(job), vec![id]);
		let proof = proof(&honest, &liar, 20, 0);
		assert_ok!(Challenges::prove_fault(signed(ALICE), job, proof, None));
		assert!(matches!(end_of(job), Some(End::Fault { finder: Some(ALICE), .. })));
	});
}

#[test]
fn all_bonds_come_back_however_many_challenge() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let many: Vec<u64> = (100..130).collect();
		for who in &many {
			Balances::set_balance(who, RICHES);
			open(*who, job, &honest);
		}
		reveal(job, &liar);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		// One call settles a batch, anybody may settle the next, the agenda does the rest.
		assert_eq!(Challenges::live_of(job).count(), many.len() - 8);
		check_invariants();
		assert_ok!(Challenges::poke(signed(BOB), job));
		assert_eq!(Challenges::live_of(job).count(), many.len() - 16);
		assert_ok!(Challenges::lapse(signed(BOB), 29, None));
		pass(TracePeriod::get() + 2);
		for who in many {
			assert_eq!(Balances::free_balance(who), RICHES);
		}
		frame_support::assert_noop!(
			Challenges::poke(signed(BOB), job),
			crate::Error::<Test>::NothingDue
		);
	});
}
