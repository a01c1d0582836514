//! Withdrawing, stopping and removing.

use crate::{
	mock::*, Endorsements, Error, Event, Metadata, ModelState, Models as Registered, Standing,
};
use assay_primitives::{ModelId, ModelRegistry};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{traits::BadOrigin, DispatchError};

fn state(model: ModelId) -> ModelState<u64, u64> {
	Registered::<Test>::get(model).expect("registered").state
}

#[test]
fn retired_models_take_no_jobs() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::retire(by(ALICE), model));
		let withdrawn = Event::Withdrawn { model, endorser: ALICE, returned: 0 };
		System::assert_has_event(withdrawn.into());
		System::assert_last_event(Event::Retired { model }.into());
		assert!(!Models::info(&model).expect("kept").active);
		assert_eq!(state(model), ModelState::Retired { depositor: ALICE, deposit: DEPOSIT });
		assert_eq!(held(ALICE), DEPOSIT, "the record is paid for until it goes");
		assert_noop!(Models::job_opened(&model), Error::<Test>::ModelRetired);
		Models::job_closed(&model);
	});
}

#[test]
fn only_who_stands_behind_a_model_retires() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_noop!(Models::retire(by(BOB), model), Error::<Test>::NotEndorser);
		assert_noop!(Models::retire(RuntimeOrigin::none(), model), BadOrigin);
		assert_noop!(Models::retire(RuntimeOrigin::root(), model), BadOrigin);
		assert_ok!(Models::retire(by(ALICE), model));
		assert_noop!(Models::retire(by(ALICE), model), Error::<Test>::NotEndorser);
	});
}

#[test]
fn fails_for_an_unknown_model() {
	build_and_execute(|| {
		let model = ModelId::repeat_byte(9);
		let unknown: DispatchError = Error::<Test>::ModelUnknown.into();
		assert_noop!(Models::retire(by(ALICE), model), unknown);
		assert_noop!(Models::remove(RuntimeOrigin::root(), model), unknown);
		assert_noop!(Models::endorse(by(ALICE), model, metadata()), unknown);
		let reason = b"wrong".to_vec().try_into().expect("short");
		assert_noop!(Models::recall(by(ALICE), model, reason), unknown);
		assert_noop!(Models::stop(RuntimeOrigin::root(), model), unknown);
		assert_noop!(Models::job_opened(&model), unknown);
	});
}

#[test]
fn removal_by_anybody_returns_the_deposit() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_noop!(Models::remove(by(ALICE), model), Error::<Test>::ModelActive);
		assert_ok!(Models::retire(by(ALICE), model));
		assert_noop!(Models::remove(RuntimeOrigin::none(), model), BadOrigin);
		assert_ok!(Models::remove(by(BOB), model));
		System::assert_last_event(Event::Removed { model, deposit: DEPOSIT }.into());
		assert_eq!((held(ALICE), held(BOB)), (0, 0));
		assert_eq!(Registered::<Test>::iter().count(), 0);
		assert_eq!(Metadata::<Test>::iter().count(), 0);
		assert_eq!(Endorsements::<Test>::iter().count(), 0);
		// The name is free again, for the same bytes.
		registered_by(BOB);
	});
}

#[test]
fn open_jobs_forbid_removal() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::retire(by(ALICE), model));
		Models::job_closed(&model);
		assert_noop!(Models::remove(by(ALICE), model), Error::<Test>::JobsOpen);
		Models::job_closed(&model);
		assert_ok!(Models::remove(by(ALICE), model));
	});
}

#[test]
fn governance_stops_a_model_for_everybody() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::endorse(by(BOB), model, metadata()));
		assert_noop!(Models::stop(by(ALICE), model), BadOrigin);
		assert_ok!(Models::stop(RuntimeOrigin::root(), model));
		System::assert_last_event(Event::Stopped { model }.into());
		let stopped: DispatchError = Error::<Test>::ModelStopped.into();
		assert!(!Models::info(&model).expect("kept").active);
		assert_noop!(Models::job_opened(&model), stopped);
		assert_noop!(Models::stop(RuntimeOrigin::root(), model), stopped);
		assert_noop!(Models::endorse(by(CHARLIE), model, metadata()), stopped);
		let again = || Models::register(by(CHARLIE), program(2), WEIGHTS, metadata());
		assert_noop!(again(), Error::<Test>::AlreadyRegistered);

		// Deposits are stuck no more than before; the last one's neither.
		assert_noop!(Models::remove(RuntimeOrigin::root(), model), Error::<Test>::ModelActive);
		for who in [ALICE, BOB] {
			assert_ok!(Models::retire(by(who), model));
			assert_eq!(held(who), 0);
			assert_eq!(state(model), ModelState::Stopped);
		}
		assert_noop!(Models::remove(by(ALICE), model), stopped);
		assert_ok!(Models::remove(RuntimeOrigin::root(), model));
	});
}

#[test]
fn stopping_a_retired_model_returns_its_deposit() {
	build_and_execute(|| {
		let model = registered_by(ALICE);
		assert_ok!(Models::retire(by(ALICE), model));
		assert_ok!(Models::stop(RuntimeOrigin::root(), model));
		assert_eq!((held(ALICE), state(model)), (0, ModelState::Stopped));
	});
}

/// Whoever leaves, from wherever in the list, the others' neighbours are right and the longest
/// standing one speaks.
#[test]
fn endorsers_leave_in_any_order() {
	let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
	for order in orders {
		build_and_execute(|| {
			let all = [(ALICE, "first"), (BOB, "second"), (CHARLIE, "third")];
			let model = registered_by(ALICE);
			assert_ok!(Models::endorse(by(BOB), model, words("second")));
			assert_ok!(Models::endorse(by(CHARLIE), model, words("third")));
			let mut left = all.to_vec();
			for number in order {
				assert_ok!(Models::retire(by(all[number].0), model));
				left.retain(|(who, _)| *who != all[number].0);
				check_invariants();
				let Some(&(first, name)) = left.first() else { continue };
				assert_eq!(shown(&model), name);
				assert_eq!(held(all[number].0), 0);
				let (count, last) = (left.len() as u32, left[left.len() - 1].0);
				let standing = Registered::<Test>::get(model).expect("registered").standing;
				assert_eq!(standing, Some(Standing { count, first, last }));
			}
			let depositor = all[order[2]].0;
			assert_eq!(state(model), ModelState::Retired { depositor, deposit: DEPOSIT });
		});
	}
}
