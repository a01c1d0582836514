//! Opening challenges and revealing traces.

use super::*;
use crate::{Error, Event, HoldReason, Turn};
use frame_support::assert_noop;

#[test]
fn opening_holds_the_bond_and_demands_the_trace() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), MinBond::get());
		assert_eq!(AllClaims::get()[&job].held, 1);
		let deadline = 1 + TracePeriod::get();
		System::assert_has_event(Event::TraceDemanded { job, deadline }.into());
		assert_eq!(Challenges::turn(id), Some(Turn::Operator { deadline }));
		assert_eq!(Challenges::bond(job), Some(MinBond::get()));
		assert_eq!(Challenges::live_challenges(job), vec![id]);
		// A second challenge does not put the deadline off.
		pass(3);
		let second = open(BOB, job, &honest);
		assert_eq!(Challenges::turn(second), Some(Turn::Operator { deadline }));
	});
}

#[test]
fn large_models_have_larger_bonds() {
	build_and_execute(|| {
		let (_, liar) = short();
		let job = claim(&liar);
		AllClaims::mutate(|claims| {
			claims.get_mut(&job).unwrap().view.info.units = 1_234_567_890;
		});
		assert_eq!(Challenges::bond(job), Some(1_235 * BondPerMillionUnits::get()));
	});
}

#[test]
fn fails_for_the_claimed_output() {
	build_and_execute(|| {
		let (_, liar) = short();
		let job = claim(&liar);
		let same = H256(liar.output_root());
		assert_noop!(
			Challenges::open(signed(ALICE), job, same, None),
			Error::<Test>::OutputUndisputed
		);
	});
}

#[test]
fn fails_without_a_claim_or_after_its_end() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let root = H256(honest.output_root());
		assert_noop!(Challenges::open(signed(ALICE), 7, root, None), Error::<Test>::ClaimNotOpen);
		let job = claim(&liar);
		finalize(job);
		assert_noop!(Challenges::open(signed(ALICE), job, root, None), Error::<Test>::ClaimNotOpen);
	});
}

#[test]
fn boundary_last_block_of_the_window() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let root = H256(honest.output_root());
		pass(WINDOW);
		open(ALICE, job, &honest);
		pass(1);
		assert_noop!(Challenges::open(signed(BOB), job, root, None), Error::<Test>::WindowOver);
	});
}

#[test]
fn fails_without_money() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let root = H256(honest.output_root());
		assert_noop!(Challenges::open(signed(POOR), job, root, None), Error::<Test>::CannotPay);
	});
}

#[test]
fn one_live_challenge_per_account() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let root = H256(honest.output_root());
		let id = open(ALICE, job, &honest);
		assert_noop!(
			Challenges::open(signed(ALICE), job, root, None),
			Error::<Test>::AlreadyChallenging
		);
		// After a lapse it may pay for another try.
		reveal(job, &liar);
		pass(TurnPeriod::get() + 2);
		assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::NothingDue);
		assert_eq!(open(ALICE, job, &honest), id + 1);
	});
}

#[test]
fn only_the_operator_reveals_once_and_in_time() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let root = H256(liar.trace_root());
		let reveal_as = |who, run: &Run| {
			Challenges::reveal_trace(signed(who), job, root, run.last_entry(), None)
		};
		assert_noop!(reveal_as(OPERATOR, &liar), Error::<Test>::TraceNotDemanded);
		open(ALICE, job, &honest);
		assert_noop!(reveal_as(BOB, &liar), Error::<Test>::NotOperator);
		// Another trace may not be revealed: it does not end with the claimed output.
		assert_noop!(reveal_as(OPERATOR, &honest), Error::<Test>::LastEntryMismatch);
		let other = H256(honest.trace_root());
		assert_noop!(
			Challenges::reveal_trace(signed(OPERATOR), job, other, honest.last_entry(), None),
			Error::<Test>::LastEntryMismatch
		);
		// The deadline itself is in time.
		System::set_block_number(1 + TracePeriod::get());
		frame_support::hypothetically!({
			System::set_block_number(2 + TracePeriod::get());
			assert_noop!(reveal_as(OPERATOR, &liar), Error::<Test>::DeadlineOver);
		});
		assert_ok!(reveal_as(OPERATOR, &liar));
		assert_noop!(reveal_as(OPERATOR, &liar), Error::<Test>::TraceAlreadyPosted);
	});
}

#[test]
fn a_challenge_after_the_trace_has_a_full_turn() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		reveal(job, &liar);
		pass(4);
		let second = open(BOB, job, &honest);
		let deadline = 5 + TurnPeriod::get();
		assert_eq!(Challenges::turn(second), Some(Turn::Challenger { deadline }));
	});
}
