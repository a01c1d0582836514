//! Money into and out of stakes.

use crate::{mock::*, Error, Event, HoldReason, OperatorStatus, Operators as Records};
use assay_primitives::OperatorLedger;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

#[test]
fn first_stake_makes_an_active_operator() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 100));
		assert!(Operators::is_active(&ALICE));
		assert_eq!(Operators::free_stake(&ALICE), 100);
		assert_eq!(held(HoldReason::Stake, ALICE), 100);
		assert_ok!(Operators::stake(signed(ALICE), 1));
		System::assert_last_event(Event::Staked { operator: ALICE, amount: 1, active: 101 }.into());
	});
}

#[test]
fn fails_below_the_least_stake() {
	build_and_execute(|| {
		assert_noop!(Operators::stake(signed(ALICE), 99), Error::<Test>::StakeTooSmall);
		assert_noop!(Operators::stake(signed(ALICE), 0), Error::<Test>::AmountZero);
		assert_noop!(Operators::stake(signed(ALICE), 5_000), TokenError::FundsUnavailable);
		assert!(!Operators::is_active(&ALICE));
	});
}

#[test]
fn unstaked_money_returns_after_the_period() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::unstake(signed(ALICE), 120));
		assert_eq!(Operators::free_stake(&ALICE), 180);
		System::set_block_number(10);
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NothingDue);
		System::set_block_number(11);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		System::assert_last_event(Event::Withdrawn { operator: ALICE, amount: 120 }.into());
		assert_eq!(held(HoldReason::Stake, ALICE), 180);
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NothingDue);
	});
}

#[test]
fn unstaking_everything_chills_and_forgets() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::serve(signed(ALICE), vec![model(1)].try_into().expect("short")));
		assert_noop!(Operators::unstake(signed(ALICE), 250), Error::<Test>::StakeTooSmall);
		assert_ok!(Operators::unstake(signed(ALICE), 300));
		assert!(!Operators::is_active(&ALICE));
		System::set_block_number(8);
		assert_noop!(Operators::activate(signed(ALICE)), Error::<Test>::StakeTooSmall);
		System::set_block_number(11);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Records::<Test>::get(ALICE), None);
		assert!(!Operators::serves(&ALICE, &model(1)));
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NotOperator);
		assert_eq!(Balances::free_balance(ALICE), 1_000);
	});
}

#[test]
fn at_most_so_many_amounts_leave_at_a_time() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		for _ in 0..3 {
			assert_ok!(Operators::unstake(signed(ALICE), 10));
		}
		assert_noop!(Operators::unstake(signed(ALICE), 10), Error::<Test>::TooManyUnstaking);
		System::set_block_number(11);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_ok!(Operators::unstake(signed(ALICE), 10));
	});
}

#[test]
fn staking_again_does_not_activate() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 100));
		assert_ok!(Operators::chill(signed(ALICE)));
		assert_ok!(Operators::stake(signed(ALICE), 100));
		let status = Records::<Test>::get(ALICE).map(|record| record.status);
		assert!(matches!(status, Some(OperatorStatus::Chilled { .. })));
	});
}
