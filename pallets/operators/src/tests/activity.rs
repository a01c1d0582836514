//! Who takes which work.

use crate::{mock::*, Error, Event, Serving};
use assay_primitives::{ModelId, OperatorLedger};
use frame_support::{assert_noop, assert_ok, BoundedVec};

fn serve(who: u64, models: Vec<ModelId>) -> sp_runtime::DispatchResult {
	Operators::serve(signed(who), BoundedVec::truncate_from(models))
}

#[test]
fn serves_the_models_it_names() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 100));
		assert_ok!(serve(ALICE, vec![model(3), model(1), model(3)]));
		System::assert_last_event(Event::Serves { operator: ALICE, models: 2 }.into());
		assert_eq!(Serving::<Test>::get(ALICE).into_inner(), vec![model(1), model(3)]);
		assert!(Operators::serves(&ALICE, &model(3)) && !Operators::serves(&ALICE, &model(2)));
		assert_ok!(serve(ALICE, vec![model(2)]));
		assert!(!Operators::serves(&ALICE, &model(3)));
		assert_ok!(serve(ALICE, vec![]));
		assert_eq!(Serving::<Test>::iter().count(), 0);
	});
}

#[test]
fn fails_for_strangers_and_unavailable_models() {
	build_and_execute(|| {
		assert_noop!(serve(BOB, vec![model(1)]), Error::<Test>::NotOperator);
		assert_ok!(Operators::stake(signed(ALICE), 100));
		for byte in [99, 100] {
			let models = vec![model(1), model(byte)];
			assert_noop!(serve(ALICE, models), Error::<Test>::ModelUnavailable);
		}
	});
}

#[test]
fn chilled_operators_get_no_new_work() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		assert_ok!(Operators::expose(&ALICE, 100));
		assert_ok!(Operators::chill(signed(ALICE)));
		assert_noop!(Operators::chill(signed(ALICE)), Error::<Test>::OperatorChilled);
		assert_noop!(Operators::expose(&ALICE, 100), Error::<Test>::OperatorChilled);
		Operators::release(&ALICE, 100);
		// A chill is no switch.
		System::assert_has_event(Event::Chilled { operator: ALICE, until: 8 }.into());
		System::set_block_number(7);
		assert_noop!(Operators::activate(signed(ALICE)), Error::<Test>::ChillNotOver);
		System::set_block_number(8);
		assert_ok!(Operators::activate(signed(ALICE)));
		assert_noop!(Operators::activate(signed(ALICE)), Error::<Test>::OperatorActive);
		assert_ok!(Operators::expose(&ALICE, 100));
	});
}

#[test]
fn third_missed_deadline_in_a_row_chills() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		Operators::note_missed(&ALICE);
		Operators::note_missed(&ALICE);
		Operators::note_served(&ALICE);
		Operators::note_missed(&ALICE);
		Operators::note_missed(&ALICE);
		assert!(Operators::is_active(&ALICE));
		Operators::note_missed(&ALICE);
		assert!(!Operators::is_active(&ALICE));
		System::assert_has_event(Event::DeadlineMissed { operator: ALICE, in_row: 3 }.into());
		assert_noop!(Operators::activate(signed(ALICE)), Error::<Test>::ChillNotOver);
		System::set_block_number(8);
		assert_ok!(Operators::activate(signed(ALICE)));
		Operators::note_missed(&ALICE);
		assert!(Operators::is_active(&ALICE));
	});
}

#[test]
fn chill_for_a_fault_lasts() {
	build_and_execute(|| {
		assert_ok!(Operators::stake(signed(ALICE), 300));
		// Chilling oneself first is no way round it.
		assert_ok!(Operators::chill(signed(ALICE)));
		System::set_block_number(5);
		<Operators as OperatorLedger<_, _>>::chill(&ALICE);
		for block in [5, 8, 11] {
			System::set_block_number(block);
			assert_noop!(Operators::activate(signed(ALICE)), Error::<Test>::ChillNotOver);
		}
		System::set_block_number(12);
		assert_ok!(Operators::activate(signed(ALICE)));
	});
}
