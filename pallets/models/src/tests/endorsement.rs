//! Standing behind a model that somebody else registered.

use crate::{mock::*, Endorsements, Error, Event, ModelMetadata, ModelState, Models as Registered};
use assay_primitives::{ModelId, ModelRegistry};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate, BoundedVec};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn squatter_that_retires_takes_nothing_from_the_honest_publisher() {
	build_and_execute(|| {
		let model = registered_by(BOB);
		assert_eq!(shown(&model), "first");
		System::set_block_number(7);
		assert_ok!(Models::endorse(by(ALICE), model, words("honest")));
		let endorsed = Event::Endorsed { model, endorser: ALICE, deposit: DEPOSIT };
		System::assert_last_event(endorsed.into());
		assert_eq!(Endorsements::<Test>::get(model, ALICE).expect("it stands").since, 7);
		// The squatter speaks only as long as it stands there with its deposit.
		assert_eq!(shown(&model), "first");
		assert_ok!(Models::retire(by(BOB), model));
		let returned = Event::Withdrawn { model, endorser: BOB, returned: DEPOSIT };
		System::assert_last_event(returned.into());
		assert_eq!((held(ALICE), held(BOB)), (DEPOSIT, 0));
		assert_eq!(shown(&model), "honest");
		assert!(Models::info(&model).expect("registered").active);
		assert_ok!(Models::job_opened(&model));
		Models::job_closed(&model);
		assert_noop!(Models::remove(by(BOB), model), Error::<Test>::ModelActive);
	});
}

#[test]
fn an_account_endorses_once() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		let already: DispatchError = Error::<Test>::AlreadyEndorsed.into();
		assert_noop!(Models::endorse(by(ALICE), model, metadata()), already);
		assert_ok!(Models::endorse(by(BOB), model, metadata()));
		assert_noop!(Models::endorse(by(BOB), model, metadata()), already);
		let again = || Models::register(by(BOB), program(2), WEIGHTS, metadata());
		assert_noop!(again(), Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn endorsing_a_retired_model_revives_it_and_returns_the_old_deposit() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::retire(by(ALICE), model));
		assert_ok!(Models::endorse(by(BOB), model, words("revived")));
		assert_eq!((held(ALICE), held(BOB)), (0, DEPOSIT));
		assert_eq!(shown(&model), "revived");
		let record = Registered::<Test>::get(model).expect("registered");
		assert_eq!(record.state, ModelState::Endorsed);
		assert_ok!(Models::job_opened(&model));
		Models::job_closed(&model);
	});
}

/// Who withdrew last comes back, with just the money that it has on hold.
#[test]
fn the_last_to_withdraw_endorses_again() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::retire(by(ALICE), model));
		let free = Balances::free_balance(ALICE);
		let gone = Balances::transfer_allow_death(by(ALICE), BOB, free - 1);
		assert_ok!(gone);
		assert_ok!(Models::endorse(by(ALICE), model, words("again")));
		assert_eq!((held(ALICE), shown(&model)), (DEPOSIT, "again".to_string()));
	});
}

#[test]
fn nothing_changes_for_who_cannot_pay() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		let endorse = || Models::endorse(by(POOR), model, metadata());
		assert_noop!(endorse(), TokenError::FundsUnavailable);
		// Nor does the old deposit come back for an endorsement that fails.
		assert_ok!(Models::retire(by(ALICE), model));
		assert_noop!(endorse(), TokenError::FundsUnavailable);
		assert_eq!(held(ALICE), DEPOSIT);
	});
}

#[test]
fn fails_for_bad_metadata() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		let endorse = |metadata| Models::endorse(by(BOB), model, metadata);
		let malformed: DispatchError = Error::<Test>::MetadataMalformed.into();
		assert_noop!(endorse(words("")), malformed);
		let latin1 = BoundedVec::truncate_from(vec![0xe9]);
		assert_noop!(endorse(ModelMetadata { version: latin1, ..metadata() }), malformed);
		let child = |parent| ModelMetadata { parent: Some(parent), ..metadata() };
		assert_noop!(endorse(child(model)), malformed);
		let unknown = Error::<Test>::ParentUnknown;
		assert_noop!(endorse(child(ModelId::repeat_byte(9))), unknown);
	});
}

/// Bytes of the state that endorsing, withdrawing from anywhere in the list and recalling look at, among
/// so many strangers who stand behind the model.
fn read_among(strangers: u64) -> usize {
	let mut ext = new_test_ext();
	let model = ext.execute_with(|| {
		let model = registered_by(ALICE);
		for stranger in 1_000..1_000 + strangers {
			Balances::set_balance(&stranger, DEPOSIT + 1);
			assert_ok!(Models::endorse(by(stranger), model, words("crowd")));
		}
		// Another block, which reads no events of this one.
		System::reset_events();
		model
	});
	ext.commit_all().expect("there is no transaction open");
	let (_, proof) = ext.execute_and_prove(|| {
		assert_ok!(Models::endorse(by(BOB), model, metadata()));
		assert_ok!(Models::retire(by(1_000 + strangers / 2), model));
		assert_ok!(Models::retire(by(ALICE), model));
		assert_eq!(shown(&model), "crowd");
		let reason = b"wrong".to_vec().try_into().expect("short");
		assert_ok!(Models::recall(by(BOB), model, reason));
	});
	ext.execute_with(|| Models::do_try_state().expect("invariants hold"));
	proof.encoded_size()
}

/// Strangers may make the list as long as they can pay for: nobody goes through it.
#[test]
fn a_crowd_costs_nobody_anything() {
	let (few, many) = (read_among(128), read_among(1_024));
	assert!(many < 2 * few, "{many} bytes among 1,024, {few} among 128");
}
