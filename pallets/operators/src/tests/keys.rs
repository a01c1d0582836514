//! Service keys.

use crate::{mock::*, Error, Event, HoldReason};
use assay_primitives::{KeyAllowances, KeyOwners};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn key_acts_for_the_account_that_set_it() {
	build_and_execute(|| {
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
		System::assert_last_event(
			Event::ServiceKeySet { account: ALICE, key: Some(key(1)) }.into(),
		);
		assert_eq!(Operators::owner_of(&key(1)), Some(ALICE));
		assert_eq!(held(HoldReason::ServiceKey, ALICE), 5);
	});
}

#[test]
fn new_key_replaces_the_old_one() {
	build_and_execute(|| {
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 2)));
		assert_eq!(Operators::owner_of(&key(1)), None);
		assert_eq!(Operators::owner_of(&key(2)), Some(ALICE));
		assert_eq!(held(HoldReason::ServiceKey, ALICE), 5);
	});
}

#[test]
fn key_belongs_to_one_account() {
	build_and_execute(|| {
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
		let taken: DispatchError = Error::<Test>::KeyTaken.into();
		assert_noop!(Operators::set_service_key(signed(BOB), key_for(BOB, 1)), taken);
		assert_noop!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)), taken);
	});
}

#[test]
fn unset_key_returns_the_deposit() {
	build_and_execute(|| {
		assert_noop!(Operators::set_service_key(signed(ALICE), None), Error::<Test>::KeyNotSet);
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
		assert_ok!(Operators::set_service_key(signed(ALICE), None));
		assert_eq!(Operators::owner_of(&key(1)), None);
		assert_eq!(held(HoldReason::ServiceKey, ALICE), 0);
		assert_ok!(Operators::set_service_key(signed(BOB), key_for(BOB, 1)));
	});
}

#[test]
fn copied_key_is_worthless() {
	build_and_execute(|| {
		// Somebody sees Alice's registration in the pool and is quicker.
		let copied = key_for(ALICE, 1);
		let refused: DispatchError = Error::<Test>::KeyNotPossessed.into();
		assert_noop!(Operators::set_service_key(signed(BOB), copied), refused);
		// A proof by another key is none either.
		let (_, other) = key_for(BOB, 2).unwrap();
		assert_noop!(Operators::set_service_key(signed(BOB), Some((key(1), other))), refused);
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
	});
}

#[test]
fn key_spends_its_allowance_and_no_more() {
	build_and_execute(|| {
		assert_noop!(Operators::spend(&ALICE, 1), Error::<Test>::KeyNotSet);
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 1)));
		assert_eq!(Operators::allowance(&ALICE), 50);
		assert_ok!(Operators::spend(&ALICE, 30));
		assert_noop!(Operators::spend(&ALICE, 21), Error::<Test>::AllowanceTooSmall);
		Operators::restore(&ALICE, 10);
		assert_ok!(Operators::spend(&ALICE, 30));
		assert_eq!(Operators::allowance(&ALICE), 0);
		// A new key is no new allowance.
		assert_ok!(Operators::set_service_key(signed(ALICE), key_for(ALICE, 2)));
		assert_eq!(Operators::allowance(&ALICE), 0);
		assert_ok!(Operators::set_key_allowance(signed(ALICE), 7));
		System::assert_last_event(Event::AllowanceSet { account: ALICE, allowance: 7 }.into());
		assert_eq!(Operators::allowance(&ALICE), 7);
		assert_noop!(Operators::set_key_allowance(signed(BOB), 7), Error::<Test>::KeyNotSet);
		// What comes back later, from before, adds nothing: an allowance of nothing stays nothing.
		Operators::restore(&ALICE, 50);
		assert_eq!(Operators::allowance(&ALICE), 7);
		assert_ok!(Operators::set_key_allowance(signed(ALICE), 0));
		Operators::restore(&ALICE, 50);
		assert_eq!(Operators::allowance(&ALICE), 0);
		assert_noop!(Operators::spend(&ALICE, 1), Error::<Test>::AllowanceTooSmall);
	});
}
