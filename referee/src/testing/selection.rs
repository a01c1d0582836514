//! Records that scatter and order elements.

use super::*;
use alloc::vec::Vec;

pub(super) fn scatter(rng: &mut Rng) -> OpRecord {
	let function = rng.pick(ScatterFn::ALL);
	let types = if function == ScatterFn::Replace { &DType::ALL[..] } else { &DType::ALL[..5] };
	let dtype = rng.pick(types);
	let (rows, size) = (rng.dim(4), rng.dim(12));
	let count = rng.pick(&[1, 2, 3, 7, 20, 300]);
	let index_rows = rng.pick(&[1, rows]);
	let index_type = rng.pick(&[DType::I32, DType::I64]);
	let operands = [
		rng.operand(dtype, &[rows, size]),
		rng.operand(index_type, &[index_rows, count]),
		rng.operand(dtype, &[rows, count]),
	];
	OpRecord::new(OpKind::Scatter(function), dtype, shape(&[rows, size]), operands)
}

pub(super) fn top_k(rng: &mut Rng) -> OpRecord {
	let (dtype, size) = (rng.pick(&DType::ALL), rng.pick(&K_EDGES));
	let rank = rng.below(3);
	let mut dims: Vec<u32> = rng.dims(rank, 3);
	let kind = OpKind::TopK { largest: rng.below(2) == 1 };
	let count = rng.dim(size.into());
	dims.push(size);
	let x = rng.operand(dtype, &dims);
	dims[rank as usize] = count;
	OpRecord::new(kind, DType::I64, shape(&dims), [x])
}
