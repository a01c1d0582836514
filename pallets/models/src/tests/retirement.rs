//! Retiring and removing.

use crate::{mock::*, Error, Event, Metadata, Models as Registered};
use assay_primitives::{ModelId, ModelRegistry};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::traits::BadOrigin;
use sp_runtime::DispatchError;

fn registered() -> ModelId {
	let program = program(2);
	let model = id_of(&program);
	assert_ok!(Models::register(RuntimeOrigin::signed(ALICE), program, WEIGHTS, metadata()));
	model
}

#[test]
fn retired_models_take_no_jobs() {
	build_and_execute(|| {
		let model = registered();
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::retire(RuntimeOrigin::signed(ALICE), model));
		System::assert_last_event(Event::Retired { model }.into());
		assert!(!Models::info(&model).expect("kept").active);
		assert_noop!(Models::job_opened(&model), Error::<Test>::ModelRetired);
		Models::job_closed(&model);
	});
}

#[test]
fn only_the_publisher_or_root_retires() {
	build_and_execute(|| {
		let model = registered();
		let bob = RuntimeOrigin::signed(BOB);
		assert_noop!(Models::retire(bob.clone(), model), Error::<Test>::NotPublisher);
		assert_noop!(Models::remove(bob, model), Error::<Test>::NotPublisher);
		assert_noop!(Models::retire(RuntimeOrigin::none(), model), BadOrigin);
		assert_ok!(Models::retire(RuntimeOrigin::root(), model));
		assert_noop!(Models::retire(RuntimeOrigin::root(), model), Error::<Test>::ModelRetired);
	});
}

#[test]
fn fails_for_an_unknown_model() {
	build_and_execute(|| {
		let model = ModelId::repeat_byte(9);
		let unknown: DispatchError = Error::<Test>::ModelUnknown.into();
		assert_noop!(Models::retire(RuntimeOrigin::signed(ALICE), model), unknown);
		assert_noop!(Models::remove(RuntimeOrigin::root(), model), unknown);
		assert_noop!(Models::job_opened(&model), unknown);
	});
}

#[test]
fn removal_returns_the_deposit() {
	build_and_execute(|| {
		let model = registered();
		let alice = RuntimeOrigin::signed(ALICE);
		assert_noop!(Models::remove(alice.clone(), model), Error::<Test>::ModelActive);
		assert_ok!(Models::retire(alice.clone(), model));
		assert_ok!(Models::remove(alice, model));
		System::assert_last_event(Event::Removed { model, deposit: 130 }.into());
		assert_eq!(held(ALICE), 0);
		assert_eq!(Registered::<Test>::iter().count(), 0);
		assert_eq!(Metadata::<Test>::iter().count(), 0);
		// The name is free again, for the same bytes.
		registered();
	});
}

#[test]
fn open_jobs_forbid_removal() {
	build_and_execute(|| {
		let model = registered();
		let alice = RuntimeOrigin::signed(ALICE);
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::job_opened(&model));
		assert_ok!(Models::retire(alice.clone(), model));
		Models::job_closed(&model);
		assert_noop!(Models::remove(alice.clone(), model), Error::<Test>::JobsOpen);
		Models::job_closed(&model);
		assert_ok!(Models::remove(alice, model));
	});
}
