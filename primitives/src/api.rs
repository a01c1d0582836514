//! What the runtime answers about its referee, without a transaction.

use alloc::vec::Vec;
use assay_referee::{
	element, leaf_bound, proof::MAX_CHUNK_TERMS, OpRecord, Place, Soft, TensorReader, RECORD_BYTES,
};

sp_api::decl_runtime_apis! {
	/// The referee as this chain's runtime contains it, for anybody to ask.
	pub trait RefereeApi {
		/// `count` elements, from `first` on, of the output of the operation in `record`, computed
		/// from the whole tensors `operands`: their bits, zero-extended.
		///
		/// `None` when the record is malformed or exceeds the leaf limits, when the operands are not
		/// those it names, or when the elements take more terms than one chunk may.
		fn elements(record: Vec<u8>, first: u64, count: u64, operands: Vec<Vec<u8>>) -> Option<Vec<u64>>;
	}
}

/// The body of [`RefereeApi::elements`].
pub fn referee_elements(
	record: &[u8],
	first: u64,
	count: u64,
	operands: &[Vec<u8>],
) -> Option<Vec<u64>> {
	let record: &[u8; RECORD_BYTES] = record.try_into().ok()?;
	let op = OpRecord::from_bytes(record).ok()?;
	let fits = op.operands.len() == operands.len()
		&& op.operands.iter().zip(operands).all(|(o, bytes)| o.bytes() == bytes.len() as u64);
	let end = first.checked_add(count)?;
	let bound = leaf_bound(&op, &Place::alone(&op));
	let terms = bound.terms.checked_mul(count)?;
	if !fits
		|| end > op.shape.elements()
		|| !bound.is_within_limits()
		|| terms > MAX_CHUNK_TERMS.max(bound.terms)
	{
		return None;
	}
	let views: Vec<&[u8]> = operands.iter().map(Vec::as_slice).collect();
	let mut reader = TensorReader::new(&op, &views);
	(first..end).map(|index| element::<Soft, _>(&op, index, &mut reader).ok()).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use assay_referee::{BinaryFn, DType, OpKind, Operand, Shape};

	fn sum() -> [u8; RECORD_BYTES] {
		let shape = Shape::new(&[2]).unwrap();
		let operands =
			[Operand::weight(0, DType::I32, shape), Operand::weight(64, DType::I32, shape)];
		OpRecord::new(OpKind::Binary(BinaryFn::Add), DType::I32, shape, operands)
			.to_bytes()
			.unwrap()
	}

	#[test]
	fn answers_the_elements() {
		let operands = [vec![1, 0, 0, 0, 2, 0, 0, 0], vec![3, 0, 0, 0, 4, 0, 0, 0]];
		assert_eq!(referee_elements(&sum(), 0, 2, &operands), Some(vec![4, 6]));
		assert_eq!(referee_elements(&sum(), 1, 1, &operands), Some(vec![6]));
		assert_eq!(referee_elements(&sum(), 2, 0, &operands), Some(vec![]));
	}

	#[test]
	fn refuses_what_does_not_fit() {
		let operands = [vec![0; 8], vec![0; 8]];
		assert_eq!(referee_elements(&sum(), 1, 2, &operands), None);
		assert_eq!(referee_elements(&sum(), u64::MAX, 2, &operands), None);
		assert_eq!(referee_elements(&sum(), 0, u64::MAX, &operands), None);
		assert_eq!(referee_elements(&sum(), 0, 1, &operands[..1]), None);
		assert_eq!(referee_elements(&sum(), 0, 1, &[vec![0; 8], vec![0; 7]]), None);
		assert_eq!(referee_elements(&sum()[1..], 0, 1, &operands), None);
		assert_eq!(referee_elements(&[0xff; RECORD_BYTES], 0, 1, &operands), None);
	}
}
