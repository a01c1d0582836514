//! Verification of openings does not panic, and no random bytes open a node.

#![no_main]

use assay_referee::{is_child, verify_last_entry, verify_opening, Commitments, NodeKey, Opening};
use libfuzzer_sys::fuzz_target;
use parity_scale_codec::Decode;

fuzz_target!(|bytes: &[u8]| {
	let input = &mut &bytes[..];
	let Ok((commitments, parent, key)) = <(Commitments, NodeKey, NodeKey)>::decode(input) else {
		return;
	};
	is_child(&parent, commitments.weights_len, &key);
	let Ok(opening) = Opening::decode(input) else {
		return;
	};
	let c = &commitments;
	assert!(verify_opening(c, &key, &opening).is_err());
	if let Some(slice) = &opening.entry {
		assert!(verify_last_entry(&c.trace_root, c.n_ops, &[1; 32], slice).is_err());
	}
});
