//! One stake never backs two claims.

use crate::{mock::*, Error, Event, HoldReason, Operators as Records};
use assay_primitives::OperatorLedger;
use frame_support::{assert_noop, assert_ok, traits::Imbalance};

#[test]
fn exposure_never_exceeds_the_stake() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::expose(&ALICE, 200));
		assert_noop!(Operators::expose(&ALICE, 101), Error::<Test>::FreeStakeTooSmall);
		assert_ok!(Operators::expose(&ALICE, 100));
		assert_eq!(Operators::free_stake(&ALICE), 0);
		assert_noop!(Operators::unstake(signed(ALICE), 1), Error::<Test>::FreeStakeTooSmall);
		Operators::release(&ALICE, 200);
		assert_eq!(Operators::free_stake(&ALICE), 200);
	});
}

#[test]
fn money_on_its_way_out_backs_nothing() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::unstake(signed(ALICE), 200));
		assert_noop!(Operators::expose(&ALICE, 101), Error::<Test>::FreeStakeTooSmall);
		assert_ok!(Operators::expose(&ALICE, 100));
	});
}

#[test]
fn slashes_out_of_exposure_only() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::expose(&ALICE, 200));
		let credit = Operators::slash(&ALICE, 150, 40);
		assert_eq!(credit.peek(), 40);
		let record = Records::<Test>::get(ALICE).expect("still staked");
		assert_eq!((record.stake, record.exposed), (260, 50));
		assert_eq!(held(HoldReason::Stake, ALICE), 260);
		System::assert_last_event(Event::Slashed { operator: ALICE, amount: 40 }.into());
		// What is left of the exposure can be released as usual, and no more can be slashed.
		assert_eq!(Operators::slash(&ALICE, 50, 1_000).peek(), 50);
		assert_eq!(Operators::free_stake(&ALICE), 210);
	});
}

#[test]
fn dropped_slash_is_burned() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::expose(&ALICE, 200));
		let before = Balances::total_issuance();
		drop(Operators::slash(&ALICE, 200, 200));
		assert_eq!(Balances::total_issuance(), before - 200);
	});
}

#[test]
fn operator_without_a_stake_is_forgotten() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::expose(&ALICE, 300));
		drop(Operators::slash(&ALICE, 300, 300));
		assert_eq!(Records::<Test>::get(ALICE), None);
		<Operators as OperatorLedger<_, _>>::chill(&ALICE);
		assert!(!Operators::is_active(&ALICE));
	});
}
