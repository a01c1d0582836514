//! What can be registered, and what it costs.

use crate::{
	mock::*, Error, Event, Metadata, ModelMetadata, ModelState, Models as Registered, Standing,
};
use assay_primitives::ModelRegistry;
use frame_support::{assert_noop, assert_ok, BoundedVec};
use proptest::prelude::*;
use sp_core::H256;
use sp_runtime::DispatchError;
use sp_runtime::TokenError;

fn register(who: u64, program: &[u8], metadata: ModelMetadata) -> sp_runtime::DispatchResult {
	let program = BoundedVec::truncate_from(program.to_vec());
	Models::register(RuntimeOrigin::signed(who), program, WEIGHTS, metadata)
}

#[test]
fn registers_a_sound_program() {
	build_and_execute(|| {
		let program = program(3);
		let model = id_of(&program);
		assert_ok!(register(ALICE, &program, metadata()));

		let info = Models::info(&model).expect("registered");
		assert_eq!((info.n_ops, info.input_len, info.output_len, info.weights_len), (3, 64, 64, 0));
		assert!(info.active && info.units > 0);
		assert_eq!(Metadata::<Test>::get(model), Some(metadata()));
		assert_eq!(held(ALICE), 100 + 4 * 10);
		let record = Registered::<Test>::get(model).expect("registered");
		assert_eq!((record.state, record.recalls), (ModelState::Endorsed, None));
		assert_eq!(record.standing, Some(Standing { count: 1, first: ALICE, last: ALICE }));
		System::assert_has_event(Event::Endorsed { model, endorser: ALICE, deposit: 140 }.into());
		System::assert_last_event(
			Event::Registered {
				model,
				publisher: ALICE,
				program_root: info.program_root,
				weights_root: WEIGHTS,
				n_ops: 3,
				deposit: 140,
			}
			.into(),
		);
	});
}

/// The table of ports is committed to by its hash in the header.
#[test]
fn a_program_with_a_table_of_ports_has_one_form() {
	build_and_execute(|| {
		let program = with_most_inputs(8);
		let model = id_of(&program);
		let mut other = program.clone();
		// A dimension of the last input.
		let at = 2 * assay_referee::RECORD_BYTES + 64 + 511 * 36 - 60;
		other[at] ^= 3;
		assert_eq!(id_of(&other), model, "the root does not read the table");
		let malformed = Err(Error::<Test>::ProgramMalformed.into());
		assert_eq!(register(ALICE, &other, metadata()), malformed);
		let records = 2 * assay_referee::RECORD_BYTES;
		assert_eq!(register(ALICE, &program[..records], metadata()), malformed);
		assert_ok!(register(ALICE, &program, metadata()));
		let info = Models::info(&model).expect("registered");
		assert_eq!((info.n_ops, info.input_len), (1, 511 * 64 + 4));
		let duplicate = Err(Error::<Test>::AlreadyRegistered.into());
		assert_eq!(register(BOB, &other, metadata()), duplicate);
	});
}

/// What cannot be run again within any period cannot be checked.
#[test]
fn fails_for_models_slower_than_every_period() {
	build_and_execute(|| {
		let program = assay_primitives::samples::chain(8, 1 << 18);
		let micros = assay_referee::Program::decode(&program).expect("it is valid").run_micros();
		MaxRunMicros::set(micros - 1);
		let refused = register(ALICE, &program, metadata());
		assert_eq!(refused, Err(Error::<Test>::ModelTooSlow.into()));
		MaxRunMicros::set(micros);
		assert_ok!(register(ALICE, &program, metadata()));
	});
}

/// What could not be demanded at once could be kept back.
#[test]
fn fails_for_outputs_too_long_to_be_demanded() {
	use assay_primitives::{samples::chain, MAX_OUTPUT_BYTES};
	build_and_execute(|| {
		let most = (MAX_OUTPUT_BYTES / 4) as u32;
		let refused = register(ALICE, &chain(1, most + 1), metadata());
		assert_eq!(refused, Err(Error::<Test>::OutputTooLong.into()));
		assert_ok!(register(ALICE, &chain(1, most), metadata()));
	});
}

#[test]
fn fails_for_a_duplicate() {
	build_and_execute(|| {
		assert_ok!(register(ALICE, &program(3), metadata()));
		assert_noop!(register(BOB, &program(3), metadata()), Error::<Test>::AlreadyRegistered);
		assert_ok!(register(BOB, &program(4), metadata()));
	});
}

#[test]
fn names_differ_by_weights() {
	build_and_execute(|| {
		assert_ok!(register(ALICE, &program(1), metadata()));
		let other = H256::repeat_byte(8);
		assert_ok!(Models::register(RuntimeOrigin::signed(ALICE), program(1), other, metadata()));
		assert_eq!(Registered::<Test>::iter().count(), 2);
	});
}

#[test]
fn fails_for_malformed_bytes() {
	build_and_execute(|| {
		let program = program(2);
		let malformed: DispatchError = Error::<Test>::ProgramMalformed.into();
		assert_noop!(register(ALICE, &[], metadata()), malformed);
		assert_noop!(register(ALICE, &program[..2_048], metadata()), malformed);
		let mut longer = program.to_vec();
		longer.push(0);
		assert_noop!(register(ALICE, &longer, metadata()), malformed);
		let mut magic = program.to_vec();
		magic[0] ^= 1;
		assert_noop!(register(ALICE, &magic, metadata()), malformed);
	});
}

#[test]
fn names_the_operation_that_breaks_a_rule() {
	build_and_execute(|| {
		// Records 1 and 2 swapped: operation 0 reads operation 0.
		let sound = program(3);
		let mut swapped = sound.to_vec();
		swapped[1_024..2_048].copy_from_slice(&sound[2_048..3_072]);
		swapped[2_048..3_072].copy_from_slice(&sound[1_024..2_048]);
		assert_noop!(register(ALICE, &swapped, metadata()), Error::<Test>::OperationRefused(0));
	});
}

#[test]
fn fails_for_bad_metadata() {
	build_and_execute(|| {
		let malformed: DispatchError = Error::<Test>::MetadataMalformed.into();
		let nameless = ModelMetadata { name: Default::default(), ..metadata() };
		assert_noop!(register(ALICE, &program(1), nameless), malformed);
		let latin1 = BoundedVec::truncate_from(vec![0xe9]);
		let licence = ModelMetadata { licence: latin1, ..metadata() };
		assert_noop!(register(ALICE, &program(1), licence), malformed);
	});
}

#[test]
fn needs_a_registered_parent() {
	build_and_execute(|| {
		let parent = id_of(&program(1));
		let child = ModelMetadata { parent: Some(parent), ..metadata() };
		let malformed = Error::<Test>::MetadataMalformed;
		assert_noop!(register(ALICE, &program(1), child.clone()), malformed);
		assert_noop!(register(BOB, &program(2), child.clone()), Error::<Test>::ParentUnknown);
		assert_ok!(register(ALICE, &program(1), metadata()));
		assert_ok!(register(BOB, &program(2), child));
	});
}

#[test]
fn fails_without_money_for_the_deposit() {
	build_and_execute(|| {
		assert_noop!(register(POOR, &program(1), metadata()), TokenError::FundsUnavailable);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// Whatever single byte of a program is changed, the call ends in `Ok` or in a clear error.
	#[test]
	fn survives_any_changed_byte(at in 0usize..3_072, with in 1u8..=255) {
		build_and_execute(|| {
			let mut program = program(2).to_vec();
			program[at] ^= with;
			let _ = register(ALICE, &program, metadata());
		});
	}
}
