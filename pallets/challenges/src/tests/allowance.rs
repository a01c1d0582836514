//! What a service key may spend of its owner's money.

use super::{
	authorized::{ask_call, open_call},
	*,
};
use crate::{Call, HoldReason};
use assay_primitives::KeyAllowances;
use assay_referee::Object;
use sp_runtime::transaction_validity::InvalidTransaction;

fn spent(who: u64) -> u64 {
	ALLOWANCE - StubKeys::allowance(&who)
}

#[test]
fn a_key_spends_what_it_puts_on_hold() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		assert_eq!(spent(ALICE), MinBond::get());
		reveal(job, &liar);
		let top = NodeKey::top(Object::Trace);
		assert_ok!(include(ask_call(0, top, ALICE)));
		assert_eq!(spent(ALICE), MinBond::get() + QueryFee::get());
		assert_eq!(Challenges::on_hold_by_key()[&ALICE], spent(ALICE));
		answer(OPERATOR, job, &liar, top);
		assert_eq!(spent(ALICE), MinBond::get() + QueryFee::get());
		// Who wins has earned what it paid for answers, and may spend it again.
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert_eq!(spent(ALICE), 0);
	});
}

/// A thief who has the key ask about lies that somebody else is first to challenge earns the owner
/// nothing, so it must not get to spend more than the allowance.
#[test]
fn only_the_winner_may_spend_its_fees_again() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(BOB, job, &honest);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		reveal(job, &liar);
		let top = NodeKey::top(Object::Trace);
		assert_ok!(include(ask_call(1, top, ALICE)));
		answer(OPERATOR, job, &liar, top);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert_eq!(spent(ALICE), QueryFee::get());
	});
}

/// Fees that the owner signed for were never the key's to spend.
#[test]
fn winning_gives_back_what_the_key_paid_and_no_more() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		Spent::set([(ALICE, ALLOWANCE / 2)].into());
		assert_ok!(include(open_call(job, &honest, ALICE)));
		reveal(job, &liar);
		let top = NodeKey::top(Object::Trace);
		assert_ok!(Challenges::ask(signed(ALICE), 0, top, None));
		answer(OPERATOR, job, &liar, top);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert_eq!(spent(ALICE), ALLOWANCE / 2);
	});
}

/// A watcher proves one lie after the other without its owner.
#[test]
fn a_watcher_does_not_run_out_by_winning() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let top = NodeKey::top(Object::Trace);
		for number in 0..2 * ALLOWANCE / QueryFee::get() {
			let job = claim(&liar);
			assert_ok!(include(open_call(job, &honest, ALICE)));
			reveal(job, &liar);
			assert_ok!(include(ask_call(number, top, ALICE)));
			answer(OPERATOR, job, &liar, top);
			let shown = proof(&honest, &liar, 1, 5);
			assert_ok!(Challenges::prove_fault(signed(BOB), job, shown, None));
			assert_eq!(spent(ALICE), 0);
		}
	});
}

#[test]
fn a_fee_that_comes_back_may_be_spent_again() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		reveal(job, &liar);
		assert_ok!(include(ask_call(0, NodeKey::top(Object::Trace), ALICE)));
		// The operator falls silent: bond and fee come back.
		pass(AnswerPeriod::get() + 2);
		assert!(end_of(job).is_some());
		assert_eq!(spent(ALICE), 0);
	});
}

#[test]
fn a_lost_bond_stays_spent() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		assert_ok!(include(open_call(job, &honest, ALICE)));
		reveal(job, &liar);
		pass(TurnPeriod::get() + 2);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
		assert_eq!(spent(ALICE), MinBond::get());
	});
}

#[test]
fn what_the_owner_signs_spends_nothing() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		Spent::set([(ALICE, ALLOWANCE)].into());
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		assert_ok!(Challenges::ask(signed(ALICE), id, NodeKey::top(Object::Trace), None));
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		// Nor does it give anything back.
		assert_eq!(spent(ALICE), ALLOWANCE);
	});
}

#[test]
fn a_key_without_allowance_is_refused_at_the_door() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let refused = |call: Call<Test>| {
			let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
			assert_eq!(include(call), Err(InvalidTransaction::Payment.into()));
			assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), before);
		};
		Spent::set([(ALICE, ALLOWANCE - MinBond::get() + 1)].into());
		refused(open_call(job, &honest, ALICE));
		Spent::set([(ALICE, ALLOWANCE - MinBond::get())].into());
		assert_ok!(include(open_call(job, &honest, ALICE)));
		reveal(job, &liar);
		let top = NodeKey::top(Object::Trace);
		refused(ask_call(0, top, ALICE));
		// A node that somebody else has asked for costs nothing.
		let second = open(BOB, job, &honest);
		assert_ok!(Challenges::ask(signed(BOB), second, top, None));
		assert_ok!(include(ask_call(0, top, ALICE)));
		assert_eq!(spent(ALICE), ALLOWANCE);
	});
}
