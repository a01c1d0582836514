//! What scatter and top-k give, by doing the whole row.

use super::{binary_oracle, f, signed, Tensors};
use crate::*;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) fn scatter(t: &Tensors<'_>, function: ScatterFn, at: &[u64]) -> u64 {
	let [data, indices, updates] = [0, 1, 2].map(|i| t.op.operands[i].shape.dims());
	let mut row: Vec<u64> = (0..data[1]).map(|c| t.at(0, &[at[0], c.into()])).collect();
	for k in 0..u64::from(updates[1]) {
		let index = t.at(1, &[if indices[0] == 1 { 0 } else { at[0] }, k]);
		let index = signed(t.op.operands[1].dtype, index);
		let index = if index < 0 { index + i128::from(data[1]) } else { index };
		let Some(place) = usize::try_from(index).ok().and_then(|i| row.get_mut(i)) else {
			continue;
		};
		let new = t.at(2, &[at[0], k]);
		let binary = match function {
			ScatterFn::Replace => None,
			ScatterFn::Add => Some(BinaryFn::Add),
			ScatterFn::Mul => Some(BinaryFn::Mul),
			ScatterFn::Min => Some(BinaryFn::Min),
			ScatterFn::Max => Some(BinaryFn::Max),
		};
		let combined = binary.map(|binary| binary_oracle(binary, t.op.dtype, *place, new));
		*place = canonical(t.op.dtype, combined.unwrap_or(new));
	}
	row[at[1] as usize]
}

pub(super) fn top_k(t: &Tensors<'_>, largest: bool, index: u64) -> u64 {
	let count = u64::from(t.op.shape.last());
	let from = t.op.operands[0].dtype;
	let row = t.row(index / count);
	let compare = |x: u64, y: u64| match from {
		DType::F32 => match (f(x).is_nan(), f(y).is_nan()) {
			(false, false) => f(x).partial_cmp(&f(y)).unwrap(),
			(x, y) => x.cmp(&y),
		},
		_ => signed(from, x).cmp(&signed(from, y)),
	};
	let mut order: Vec<usize> = (0..row.len()).collect();
	// A stable sort keeps equal elements in the order of their indices.
	order.sort_by(|&a, &b| -> Ordering {
		let ascending = compare(row[a], row[b]);
		if largest {
			ascending.reverse()
		} else {
			ascending
		}
	});
	order[(index % count) as usize] as u64
}
