//! Any op: the element function for every output element.

use crate::{threads, Hard, KernelConfig};
use assay_referee::{element, encode_value, leaf_terms, OpRecord, TensorReader};

/// Computes the whole output with the element function over native floats.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) {
	let size = op.dtype.size() as usize;
	let cost = leaf_terms(op).min(1 << 20) as usize * 10 / size + 10;
	threads::for_each_part(cfg.threads, out, size, cost, |start, part| {
		let mut reader = TensorReader::new(op, operands);
		let first = (start / size) as u64;
		for (i, place) in part.chunks_exact_mut(size).enumerate() {
			let bits = element::<Hard, _>(op, first + i as u64, &mut reader);
			debug_assert!(bits.is_ok(), "a checked record reads inside its operands");
			let _ = encode_value(op.dtype, bits.unwrap_or(0), place);
		}
	});
}
