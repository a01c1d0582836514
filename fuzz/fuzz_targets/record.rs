//! An accepted record encodes to the same bytes, and its element function is total: it reads only
//! inside the operands, within the static bound, whatever values it reads.

#![no_main]

use assay_referee::{
	canonical, element, leaf_bound, OpRecord, Place, Reader, Soft, MAX_TERMS, RECORD_BYTES,
};
use libfuzzer_sys::fuzz_target;

struct Arbitrary<'a> {
	op: &'a OpRecord,
	seed: u64,
	reads: u64,
}

impl Reader for Arbitrary<'_> {
	type Error = ();

	fn read(&mut self, operand: usize, element: u64) -> Result<u64, ()> {
		let operand = &self.op.operands[operand];
		assert!(element < operand.shape.elements());
		self.reads += 1;
		self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(element | 1);
		Ok(canonical(operand.dtype, self.seed >> 7))
	}
}

fuzz_target!(|input: (u64, u64, Vec<u8>)| {
	let (seed, index, bytes) = input;
	// Fields that matter lie at the start of each part; the rest is zero.
	let mut record = [0; RECORD_BYTES];
	let length = bytes.len().min(RECORD_BYTES);
	record[..length].copy_from_slice(&bytes[..length]);
	let Ok(op) = OpRecord::from_bytes(&record) else {
		return;
	};
	assert_eq!(op.to_bytes(), Ok(record));
	let bound = leaf_bound(&op, &Place::alone(&op));
	assert!(bound.terms <= MAX_TERMS);
	for index in [0, index % op.shape.elements(), op.shape.elements() - 1] {
		let mut reader = Arbitrary { op: &op, seed, reads: 0 };
		let value = element::<Soft, _>(&op, index, &mut reader);
		assert_eq!(value, value.map(|bits| canonical(op.dtype, bits)));
		assert!(reader.reads <= 2 * bound.terms + 2);
	}
});
