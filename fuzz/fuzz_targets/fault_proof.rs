//! Decoding and judging proofs does not panic; whatever is accepted encodes to the same bytes.
//!
//! The commitments are made from the proof itself, so that the judge gets past the hashes: a
//! program of one op whose record is the proof's, and one-chunk objects that hold its slices.

#![no_main]

use assay_referee::{tree, verify_fault, Claimed, Commitments, FaultProof, Slice, RECORD_BYTES};
use libfuzzer_sys::fuzz_target;
use parity_scale_codec::Encode;

/// The slice that is all of an object, and the object's root and length.
fn whole(slice: &mut Slice) -> ([u8; 32], u64) {
	slice.start = 0;
	slice.data.truncate(1024);
	slice.siblings.clear();
	(tree::hash(&slice.data), slice.data.len() as u64)
}

fuzz_target!(|bytes: &[u8]| {
	let Ok(mut proof) = FaultProof::from_bytes(bytes) else {
		return;
	};
	assert_eq!(proof.encode(), bytes);
	let mut c = Commitments {
		program_root: [0; 32],
		n_ops: proof.entry.wrapping_add(1),
		weights_root: [0; 32],
		weights_len: 0,
		input_root: [0; 32],
		input_len: 0,
		trace_root: [0; 32],
	};
	assert!(verify_fault(&c, &proof).is_err());

	proof.entry = 0;
	c.n_ops = 1;
	let mut program = vec![0; RECORD_BYTES];
	proof.record.data.resize(RECORD_BYTES, 0);
	program.extend_from_slice(&proof.record.data);
	proof.record = Slice::make(&program, 1, 1).expect("a program of one op");
	c.program_root = tree::hash(&program);
	if let Some(read) = proof.reads.first_mut() {
		proof.reads = vec![{
			(c.input_root, c.input_len) = whole(&mut read.slice);
			(c.weights_root, c.weights_len) = (c.input_root, c.input_len);
			read.clone()
		}];
	}
	if let Claimed::Bytes(slice) = &mut proof.claimed {
		let (entry, _) = whole(slice);
		proof.entries = vec![Slice::make(&entry, 0, 1).expect("a trace of one entry")];
		c.trace_root = tree::hash(&entry);
	}
	let _ = verify_fault(&c, &proof);
});
