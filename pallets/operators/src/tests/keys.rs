//! Service keys.

use crate::{mock::*, Error, Event, HoldReason};
use assay_primitives::KeyOwners;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn key_acts_for_the_account_that_set_it() {
	build_and_execute(|| {
		assert_ok!(Operators::set_service_key(signed(ALICE), Some(key(1))));
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
		assert_ok!(Operators::set_service_key(signed(ALICE), Some(key(1))));
		assert_ok!(Operators::set_service_key(signed(ALICE), Some(key(2))));
		assert_eq!(Operators::owner_of(&key(1)), None);
		assert_eq!(Operators::owner_of(&key(2)), Some(ALICE));
		assert_eq!(held(HoldReason::ServiceKey, ALICE), 5);
	});
}

#[test]
fn key_belongs_to_one_account() {
	build_and_execute(|| {
		assert_ok!(Operators::set_service_key(signed(ALICE), Some(key(1))));
		let taken: DispatchError = Error::<Test>::KeyTaken.into();
		assert_noop!(Operators::set_service_key(signed(BOB), Some(key(1))), taken);
		assert_noop!(Operators::set_service_key(signed(ALICE), Some(key(1))), taken);
	});
}

#[test]
fn unset_key_returns_the_deposit() {
	build_and_execute(|| {
		assert_noop!(Operators::set_service_key(signed(ALICE), None), Error::<Test>::NoKey);
		assert_ok!(Operators::set_service_key(signed(ALICE), Some(key(1))));
		assert_ok!(Operators::set_service_key(signed(ALICE), None));
		assert_eq!(Operators::owner_of(&key(1)), None);
		assert_eq!(held(HoldReason::ServiceKey, ALICE), 0);
		assert_ok!(Operators::set_service_key(signed(BOB), Some(key(1))));
	});
}
