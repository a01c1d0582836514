//! Turns that pass, and who pays for it.

use super::*;
use crate::{ChallengeState, Challenges as Records, Error, Event, HoldReason};
use frame_support::{assert_noop, traits::Hooks, weights::Weight};

#[test]
fn boundary_last_block_for_a_trace() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		System::set_block_number(1 + TracePeriod::get());
		assert_noop!(Challenges::poke(signed(BOB), job), Error::<Test>::NothingDue);
		System::set_block_number(2 + TracePeriod::get());
		let result = Challenges::poke(signed(BOB), job);
		assert_eq!(result.expect("due").pays_fee, frame_support::dispatch::Pays::No);
		assert!(end_of(job).is_some());
	});
}

#[test]
fn boundary_last_block_of_a_challengers_turn() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		System::set_block_number(1 + TurnPeriod::get());
		assert_noop!(Challenges::lapse(signed(BOB), id), Error::<Test>::NothingDue);
		System::set_block_number(2 + TurnPeriod::get());
		assert_ok!(Challenges::lapse(signed(BOB), id));
		let (paid, burned) = (MinBond::get() / 10 * 6, MinBond::get() / 10 * 4);
		System::assert_last_event(
			Event::ChallengeLapsed { challenge: id, job, who: ALICE, paid, burned }.into(),
		);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
		assert_eq!(Balances::free_balance(OPERATOR), RICHES + paid);
		assert_eq!(AllClaims::get()[&job].held, 0);
	});
}

#[test]
fn a_lapse_leaves_the_claim_as_it_was() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let before = AllClaims::get()[&job].view;
		open(ALICE, job, &honest);
		reveal(job, &liar);
		pass(TurnPeriod::get() + 2);
		assert_eq!(AllClaims::get()[&job].view, before);
		// The claim can still be proven false, by anybody and without a challenge.
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert!(matches!(end_of(job), Some(End::Fault { finder: None, prover: Some(BOB), .. })));
	});
}

#[test]
fn blocks_without_room_only_delay() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		for block in 2..100 {
			System::set_block_number(block);
			assert_eq!(Challenges::on_idle(block, Weight::zero()), Weight::zero());
		}
		assert_eq!(end_of(job), None);
		check_invariants();
		let used = Challenges::on_idle(99, Weight::MAX);
		assert!(used.ref_time() > 0);
		assert!(end_of(job).is_some());
	});
}

#[test]
fn every_block_with_some_room_makes_progress() {
	build_and_execute(|| {
		let (honest, liar) = short();
		for _ in 0..5 {
			let job = claim(&liar);
			open(ALICE, job, &honest);
		}
		System::set_block_number(50);
		let step = <() as crate::WeightInfo>::on_idle_alarm();
		let room = step.saturating_add(<() as crate::WeightInfo>::on_idle_block() * 3);
		let mut over = 0;
		// Some calls only get past blocks without alarms.
		for _ in 0..60 {
			let used = Challenges::on_idle(50, room);
			assert!(used.all_lte(room));
			let now = (0..5).filter(|job| end_of(*job).is_some()).count();
			assert!(now == over || now == over + 1);
			over = now;
			check_invariants();
		}
		assert_eq!(over, 5);
	});
}

#[test]
fn alarms_are_never_late() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		// The operator is quick, so the challenger's turn ends before the trace was even due.
		reveal(job, &liar);
		pass(TurnPeriod::get() + 1);
		assert!(Records::<Test>::get(id).unwrap().is_live());
		pass(1);
		assert_eq!(Records::<Test>::get(id).unwrap().state, ChallengeState::Lapsed);
	});
}

#[test]
fn what_is_over_can_be_forgotten_by_anybody() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		System::set_block_number(30);
		assert_ok!(Challenges::lapse(signed(BOB), id));
		System::set_block_number(30 + Retention::get());
		// Not as long as the claim is open: others may need what it left.
		assert_noop!(Challenges::lapse(signed(BOB), id), Error::<Test>::NothingDue);
		finalize(job);
		frame_support::hypothetically!({
			System::set_block_number(29 + Retention::get());
			assert_noop!(Challenges::lapse(signed(BOB), id), Error::<Test>::NothingDue);
		});
		assert_ok!(Challenges::lapse(signed(BOB), id));
		assert_noop!(Challenges::lapse(signed(BOB), id), Error::<Test>::UnknownChallenge);
		assert_eq!(crate::Disputes::<Test>::iter().count(), 0);
	});
}
