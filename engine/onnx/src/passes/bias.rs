//! Joins matrix products with what is added to each of their rows or columns.

use assay_referee::{Bias, BinaryFn, OpKind};

use crate::{
	dims::product,
	ir::{users, Op, Value},
};

/// Joins a matrix product and the addition of a row or column after it, which the format has as
/// one op with the same order of operations.
pub(super) fn join_biases(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in 0..=root {
		if live[i] {
			if let Some(joined) = join_bias(ops, i, &users) {
				ops[i] = joined;
			}
		}
	}
}

fn join_bias(ops: &[Op], i: usize, users: &[Vec<usize>]) -> Option<Op> {
	let op = &ops[i];
	if op.kind != OpKind::Binary(BinaryFn::Add) {
		return None;
	}
	for (product_at, bias_at) in [(0, 1), (1, 0)] {
		let Some(j) = op.operands[product_at].op() else { continue };
		let bias = &op.operands[bias_at];
		let source = &ops[j];
		let plain = source.kind == OpKind::MatMul { bias: Bias::None };
		let fits = users[j].len() == 1 && op.operands[product_at].dims == op.dims;
		if !plain || !fits {
			continue;
		}
		if let Some((side, bias)) = bias_side(source, &op.dims, bias) {
			let mut operands = source.operands.clone();
			operands.push(bias);
			let dims = source.dims.clone();
			return Some(Op {
				kind: OpKind::MatMul { bias: side },
				dtype: op.dtype,
				dims,
				operands,
				epilogue: None,
				node: op.node,
			});
		}
	}
	None
}

/// How a value that varies along one axis of the sum lies on the product `[batch, m, n]`.
fn bias_side(product_op: &Op, dims: &[u32], bias: &Value) -> Option<(Bias, Value)> {
	let &[_, m, n] = product_op.dims.as_slice() else { return None };
	let batch = *product_op.operands[0].dims.first()?;
	let mut varying = (0..dims.len()).filter(|&d| bias.dims[d] != 1);
	let (axis, None) = (varying.next()?, varying.next()) else { return None };
	let inner = product(&dims[axis + 1..]);
	let length = dims[axis];
	if inner == 1 && length == n {
		return Some((Bias::Column, bias.view(vec![n]).ok()?));
	}
	if inner == u64::from(n) && length == m {
		return Some((Bias::Row, bias.view(vec![m]).ok()?));
	}
	if inner == u64::from(n) && u64::from(length) == u64::from(batch) * u64::from(m) {
		return Some((Bias::Row, bias.view(vec![batch, m]).ok()?));
	}
	None
}
