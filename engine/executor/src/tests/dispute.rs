//! The whole game in one process: a dishonest operator always loses, at the right place.

use super::models::{convolutional, dense, random, Model, Random};
use crate::{Move, Tamper, Trace};
use assay_referee::{
	opening::is_child, verify_fault, verify_last_entry, verify_opening, Fault, FaultProof, NodeKey,
	Opening, Root,
};
use codec::Encode;

/// Most nodes that one dispute may ask for.
const MOVES: usize = 6;

/// Plays until the challenger proves, with the checks that the chain makes.
pub(super) fn play(challenger: &Trace, operator: &Trace) -> (FaultProof, Fault, usize) {
	let c = challenger.commitments(&operator.root());
	let n = operator.entries().len() as u32;
	let last = operator.last_entry_proof().unwrap();
	assert_eq!(verify_last_entry(&c.trace_root, n, &operator.output_root(), &last), Ok(()));
	let mut openings: Vec<(NodeKey, Opening)> = Vec::new();
	let mut parent: Option<(NodeKey, u64)> = None;
	for moves in 0..=MOVES {
		match challenger.next_move(&operator.root(), &openings).unwrap() {
			Move::Ask(key) => {
				if let Some((parent, len)) = parent {
					assert!(is_child(&parent, len, &key), "{parent:?} {key:?}");
				}
				let opening = operator.open(&key).unwrap();
				let opened = verify_opening(&c, &key, &opening).unwrap();
				parent = Some((key, opened.object_len));
				openings.push((key, opening));
			},
			Move::Prove(proof) => {
				let bytes = proof.encode();
				assert_eq!(FaultProof::from_bytes(&bytes).as_ref(), Ok(&proof));
				let fault = verify_fault(&c, &proof).unwrap();
				return (proof, fault, moves);
			},
			Move::Agree => panic!("the traces differ"),
		}
	}
	panic!("too many moves");
}

/// The place that a fault names, as (entry, first byte, end byte).
pub(super) fn place(model: &Model, fault: &Fault) -> (u32, u64, u64) {
	let ops = &model.bundle.program().ops;
	match *fault {
		Fault::Element { entry, element } => {
			let size = ops[entry as usize].dtype.size();
			(entry, element * size, element * size + size)
		},
		Fault::Chunk { entry, chunk } => (entry, chunk * 1024, chunk * 1024 + 1024),
	}
}

pub(super) fn check(model: &Model, op: u32, element: u64) -> (FaultProof, Fault, usize) {
	let session = model.session(1);
	let honest = session.trace(&model.input, None).unwrap();
	let tamper = Tamper { op, element: Some(element) };
	let wrong = session.trace(&model.input, Some(&tamper)).unwrap();
	check_traces(model, &honest, &wrong, &tamper)
}

fn check_traces(
	model: &Model,
	honest: &Trace,
	wrong: &Trace,
	tamper: &Tamper,
) -> (FaultProof, Fault, usize) {
	let result = play(honest, wrong);
	let (entry, start, end) = place(model, &result.1);
	let record = &model.bundle.program().ops[tamper.op as usize];
	let byte = tamper.element.unwrap() * record.dtype.size();
	assert_eq!(entry, tamper.op);
	assert!((start..end).contains(&byte), "{:?} {tamper:?}", result.1);
	result
}

#[test]
fn honest_traces_agree() {
	let model = convolutional(1, 3, 12);
	let (one, two) = (model.session(1), model.session(2));
	let a = one.trace(&model.input, None).unwrap();
	let b = two.trace(&model.input, None).unwrap();
	assert_eq!(a.root(), b.root());
	assert_eq!(a.next_move(&b.root(), &[]).unwrap(), Move::Agree);
}

#[test]
fn every_op_of_a_convolutional_network() {
	let model = convolutional(2, 3, 16);
	let ops = &model.bundle.program().ops;
	let mut random = Random(9);
	for (op, record) in ops.iter().enumerate() {
		for element in [0, record.shape.elements() - 1, random.below(record.shape.elements())] {
			check(&model, op as u32, element);
		}
	}
}

#[test]
fn random_programs() {
	for (seed, n, rows, columns) in
		[(1, 3, 3, 5), (2, 12, 7, 40), (3, 33, 4, 9), (4, 40, 20, 30), (5, 70, 9, 64)]
	{
		let model = random(seed, n, rows, columns);
		let ops = &model.bundle.program().ops;
		let mut random = Random(seed * 77);
		for _ in 0..8 {
			let op = random.below(ops.len() as u64);
			let element = random.below(ops[op as usize].shape.elements());
			check(&model, op as u32, element);
		}
		check(&model, 0, 0);
		check(&model, ops.len() as u32 - 1, 0);
	}
}

#[test]
fn two_levels_of_tensor() {
	// 1.4 MB per tensor: more than 1,024 chunks.
	let model = random(7, 3, 600, 600);
	let ops = &model.bundle.program().ops;
	for (op, record) in ops.iter().enumerate() {
		if record.bytes() > 1 << 20 {
			let (_, _, moves) = check(&model, op as u32, record.shape.elements() - 1);
			assert!(moves <= 4, "{moves}");
		}
	}
}

#[test]
fn long_sums_are_judged_by_element() {
	let model = dense(3, 40, 4000, 50);
	let (_, fault, moves) = check(&model, 0, 1234);
	assert_eq!(fault, Fault::Element { entry: 0, element: 1234 });
	assert_eq!(moves, 3);
	// The sigmoid after it is cheap enough for a whole chunk.
	let (proof, fault, moves) = check(&model, 1, 1234);
	assert_eq!(fault, Fault::Chunk { entry: 1, chunk: 1234 * 4 / 1024 });
	assert_eq!(moves, 2);
	assert!(proof.encoded_size() < 16 * 1024);
}

#[test]
fn single_chunks_need_one_opening() {
	let model = random(11, 5, 4, 4);
	let (_, fault, moves) = check(&model, 2, 7);
	assert_eq!((fault, moves), (Fault::Chunk { entry: 2, chunk: 0 }, 1));
	// A dense layer of 10 values over 4,000 terms: one chunk, but judged by element.
	let model = dense(3, 2, 16_000, 50);
	let (_, fault, moves) = check(&model, 0, 99);
	assert_eq!((fault, moves), (Fault::Element { entry: 0, element: 99 }, 2));
}

#[test]
fn junk_after_the_fault_does_not_help() {
	for (seed, n, op) in [(21, 20, 4), (22, 70, 10), (23, 70, 33), (24, 70, 0)] {
		let model = random(seed, n, 6, 50);
		let session = model.session(1);
		let honest = session.trace(&model.input, None).unwrap();
		let tamper = Tamper { op, element: Some(123) };
		let wrong = session.trace(&model.input, Some(&tamper)).unwrap();
		let mut entries: Vec<Root> = wrong.entries().to_vec();
		let mut random = Random(seed);
		let last = entries.len() - 1;
		for entry in &mut entries[op as usize + 1..last] {
			entry.fill_with(|| random.next() as u8);
		}
		let wrong = wrong.with_entries(entries);
		check_traces(&model, &honest, &wrong, &tamper);
	}
}

#[test]
fn unverified_openings_are_ignored() {
	let model = random(31, 40, 6, 50);
	let session = model.session(1);
	let honest = session.trace(&model.input, None).unwrap();
	let tamper = Tamper { op: 5, element: None };
	let wrong = session.trace(&model.input, Some(&tamper)).unwrap();
	let Move::Ask(key) = honest.next_move(&wrong.root(), &[]).unwrap() else { panic!() };
	// The honest opening does not belong to the operator's root.
	let opening = honest.open(&key).unwrap();
	assert_eq!(honest.next_move(&wrong.root(), &[(key, opening)]).unwrap(), Move::Ask(key));
}
