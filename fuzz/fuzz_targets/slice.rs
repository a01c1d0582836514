//! Verification of slices does not panic, and true slices verify.

#![no_main]

use assay_referee::{tree, Slice};
use libfuzzer_sys::fuzz_target;
use parity_scale_codec::Decode;

fuzz_target!(|input: (u64, u64, u64, &[u8])| {
	let (total, first, count, bytes) = input;
	if let Ok(slice) = Slice::decode(&mut &bytes[..]) {
		assert!(slice.verify(&[0; 32], total).is_err());
		let near = slice.byte_range().end.saturating_add(total % 4096);
		assert!(slice.verify(&[0; 32], near).is_err());
	}
	let chunks = tree::chunk_count(bytes.len() as u64);
	let first = first % chunks;
	let count = 1 + count % (chunks - first);
	let slice = Slice::make(bytes, first, count).expect("inside the object");
	assert_eq!(slice.verify(&tree::hash(bytes), bytes.len() as u64), Ok(()));
});
