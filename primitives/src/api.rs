//! What the runtime answers about its referee, without a transaction.

use alloc::vec::Vec;
use assay_referee::{element, leaf_bound, OpRecord, Soft, TensorReader, RECORD_BYTES};

sp_api::decl_runtime_apis! {
	/// The referee as this chain's runtime contains it, for anybody to ask.
	pub trait RefereeApi {
		/// Element `index` of the output of the operation in `record`, computed from the whole
		/// tensors `operands`: its bits, zero-extended.
		///
		/// `None` when the record is malformed or exceeds the leaf limits, or when the operands are
		/// not those it names.
		fn element(record: Vec<u8>, index: u64, operands: Vec<Vec<u8>>) -> Option<u64>;
	}
}

/// The body of [`RefereeApi::element`].
pub fn referee_element(record: &[u8], index: u64, operands: &[Vec<u8>]) -> Option<u64> {
	let record: &[u8; RECORD_BYTES] = record.try_into().ok()?;
	let op = OpRecord::from_bytes(record).ok()?;
	let fits = op.operands.len() == operands.len()
		&& op.operands.iter().zip(operands).all(|(o, bytes)| o.bytes() == bytes.len() as u64);
	if !fits || index >= op.shape.elements() || !leaf_bound(&op).is_within_limits() {
		return None;
	}
	let views: Vec<&[u8]> = operands.iter().map(Vec::as_slice).collect();
	element::<Soft, _>(&op, index, &mut TensorReader::new(&op, &views)).ok()
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
	fn answers_the_element() {
		let operands = [vec![1, 0, 0, 0, 2, 0, 0, 0], vec![3, 0, 0, 0, 4, 0, 0, 0]];
		assert_eq!(referee_element(&sum(), 0, &operands), Some(4));
		assert_eq!(referee_element(&sum(), 1, &operands), Some(6));
	}

	#[test]
	fn refuses_what_does_not_fit() {
		let operands = [vec![0; 8], vec![0; 8]];
		assert_eq!(referee_element(&sum(), 2, &operands), None);
		assert_eq!(referee_element(&sum(), 0, &operands[..1]), None);
		assert_eq!(referee_element(&sum(), 0, &[vec![0; 8], vec![0; 7]]), None);
		assert_eq!(referee_element(&sum()[1..], 0, &operands), None);
		assert_eq!(referee_element(&[0xff; RECORD_BYTES], 0, &operands), None);
	}
}
