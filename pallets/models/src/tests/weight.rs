//! The program that registering is measured with.

use crate::mock::*;
use assay_primitives::{samples, ModelRegistry};
use frame_support::{assert_ok, BoundedVec};
use std::time::Instant;

#[test]
fn heaviest_programs_can_be_registered() {
	build_and_execute(|| {
		for ops in [1, 2, 33, 1_023] {
			let program = BoundedVec::truncate_from(samples::heaviest(ops));
			let model = id_of(&program);
			assert_ok!(Models::register(by(ALICE), program, WEIGHTS, metadata()));
			assert_eq!(Models::info(&model).expect("registered").n_ops, ops);
		}
	});
}

/// Measures; the example `admission` of `assay-primitives` says which record it is and why.
#[test]
#[ignore = "measures time"]
fn heaviest_programs_are_dearer_than_ordinary_ones() {
	let nanoseconds = |program: &[u8]| {
		let once = || {
			let start = Instant::now();
			let info = Models::examine(program, Default::default(), WEIGHTS);
			assert_ok!(info);
			start.elapsed().as_nanos()
		};
		let records = program.len() / assay_referee::RECORD_BYTES;
		(0..50).map(|_| once()).min().unwrap_or_default() / records as u128
	};
	for rank in [0, 1, 8] {
		let table = nanoseconds(&with_most_inputs(rank));
		println!("{table} ns a record of a program that is hardly more than inputs of rank {rank}");
	}
	let ordinary = nanoseconds(&samples::chain(1_024, 16));
	let heaviest = nanoseconds(&samples::heaviest(1_024));
	println!("{ordinary} ns an ordinary record, {heaviest} ns one of the heaviest");
	assert!(heaviest > 4 * ordinary);
}
