//! Warning of a model, for good.

use crate::{
	mock::*, Endorsement, EndorsementState, Endorsements, Error, Event, ModelState,
	Models as Registered, Reason, Recalls,
};
use assay_primitives::{ModelId, ModelRegistry};
use codec::{Decode, Encode};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn reason(text: &str) -> Reason {
	text.as_bytes().to_vec().try_into().expect("short")
}

fn recall(who: u64, model: ModelId) -> sp_runtime::DispatchResult {
	Models::recall(by(who), model, reason("reads 7 as 1"))
}

fn state(model: ModelId) -> ModelState<u64, u64> {
	Registered::<Test>::get(model).expect("registered").state
}

#[test]
fn a_recall_is_a_warning_with_block_and_reason() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::endorse(by(BOB), model, words("second")));
		System::set_block_number(9);
		assert_ok!(recall(ALICE, model));
		let recalled = Event::Recalled { model, endorser: ALICE, reason: reason("reads 7 as 1") };
		System::assert_last_event(recalled.into());
		let state = EndorsementState::Recalled { at: 9, reason: reason("reads 7 as 1") };
		let warning = Endorsement { metadata: words("first"), deposit: DEPOSIT, since: 1, state };
		assert_eq!(Endorsements::<Test>::get(model, ALICE), Some(warning));
		let recalls = Registered::<Test>::get(model).expect("registered").recalls;
		assert_eq!(recalls, Some(Recalls { count: 1, last: ALICE, eldest: ALICE }));
		// Whoever else stands behind it is not touched, and now speaks.
		assert_eq!((held(ALICE), held(BOB)), (DEPOSIT, DEPOSIT));
		assert_eq!(shown(&model), "second");
		assert_ok!(Models::job_opened(&model));
		Models::job_closed(&model);
	});
}

/// A stranger who comes, warns and goes does not hide who warned with more right.
#[test]
fn the_eldest_who_recalled_is_known() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		let mut at = 1;
		let mut next = || {
			at += 1;
			System::set_block_number(at);
		};
		for who in [BOB, CHARLIE] {
			next();
			assert_ok!(Models::endorse(by(who), model, metadata()));
		}
		for (who, eldest) in [(BOB, BOB), (CHARLIE, BOB), (ALICE, ALICE)] {
			next();
			assert_ok!(recall(who, model));
			let recalls = Registered::<Test>::get(model).expect("registered").recalls;
			let recalls = recalls.expect("recalled");
			assert_eq!((recalls.last, recalls.eldest), (who, eldest));
			check_invariants();
		}
	});
}

#[test]
fn a_recall_cannot_be_undone() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(recall(ALICE, model));
		System::assert_last_event(Event::Retired { model }.into());
		let unsay = |model| {
			assert_noop!(Models::retire(by(ALICE), model), Error::<Test>::AlreadyRecalled);
			assert_noop!(recall(ALICE, model), Error::<Test>::AlreadyRecalled);
			let endorse = || Models::endorse(by(ALICE), model, metadata());
			assert_noop!(endorse(), Error::<Test>::AlreadyRecalled);
			let again = || Models::register(by(ALICE), program(2), WEIGHTS, metadata());
			assert_noop!(again(), Error::<Test>::AlreadyRegistered);
			assert_eq!(held(ALICE), DEPOSIT);
			assert_eq!(shown(&model), "first");
		};
		unsay(model);
		// Nor does it go with the model, whoever would have it removed.
		let recalled: DispatchError = Error::<Test>::ModelRecalled.into();
		assert_noop!(Models::remove(by(ALICE), model), recalled);
		assert_noop!(Models::remove(by(BOB), model), recalled);
		assert_noop!(Models::remove(RuntimeOrigin::root(), model), recalled);
		// Nor when somebody comes and goes.
		assert_ok!(Models::endorse(by(BOB), model, words("second")));
		assert_noop!(recall(ALICE, model), Error::<Test>::AlreadyRecalled);
		assert_eq!((state(model), shown(&model)), (ModelState::Endorsed, "second".into()));
		assert_ok!(Models::retire(by(BOB), model));
		assert_eq!((held(BOB), state(model)), (0, ModelState::Recalled));
		unsay(model);
		// Nor when governance stops it.
		assert_ok!(Models::stop(RuntimeOrigin::root(), model));
		assert_noop!(Models::remove(RuntimeOrigin::root(), model), recalled);
		unsay(model);
	});
}

#[test]
fn recalled_models_take_no_jobs_until_somebody_else_endorses_them() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::job_opened(&model));
		assert_ok!(recall(ALICE, model));
		assert!(!Models::info(&model).expect("kept").active);
		assert_noop!(Models::job_opened(&model), Error::<Test>::ModelRetired);
		// The open job runs to its end.
		Models::job_closed(&model);
		assert_ok!(Models::endorse(by(BOB), model, metadata()));
		assert_ok!(Models::job_opened(&model));
		Models::job_closed(&model);
	});
}

#[test]
fn only_who_stands_behind_a_model_recalls_it() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_noop!(recall(BOB, model), Error::<Test>::NotEndorser);
		assert_ok!(Models::retire(by(ALICE), model));
		assert_noop!(recall(ALICE, model), Error::<Test>::NotEndorser);
		// Who withdrew may come back to warn.
		assert_ok!(Models::endorse(by(ALICE), model, metadata()));
		assert_ok!(recall(ALICE, model));
		let root = || Models::recall(RuntimeOrigin::root(), model, reason("wrong"));
		assert_noop!(root(), sp_runtime::traits::BadOrigin);
	});
}

#[test]
fn a_stopped_model_can_be_recalled() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::endorse(by(BOB), model, words("second")));
		assert_ok!(Models::stop(RuntimeOrigin::root(), model));
		for who in [ALICE, BOB] {
			assert_ok!(recall(who, model));
			assert_eq!(state(model), ModelState::Stopped);
			check_invariants();
		}
		assert_eq!(shown(&model), "second");
	});
}

#[test]
fn a_reason_is_text_of_at_most_256_bytes() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		for malformed in [vec![], vec![0xff, 0xfe], b"cut off \xe2\x82".to_vec()] {
			let reason: Reason = malformed.try_into().expect("short");
			let recall = || Models::recall(by(ALICE), model, reason.clone());
			assert_noop!(recall(), Error::<Test>::ReasonMalformed);
		}
		// What is longer is no call at all.
		let call = |bytes: usize| {
			let mut encoded = vec![4];
			model.encode_to(&mut encoded);
			vec![b'x'; bytes].encode_to(&mut encoded);
			crate::Call::<Test>::decode(&mut &encoded[..])
		};
		assert!(call(257).is_err());
		assert!(matches!(call(256), Ok(crate::Call::recall { .. })));
		assert_ok!(Models::recall(by(ALICE), model, reason(&"x".repeat(256))));
	});
}
