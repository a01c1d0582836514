//! Spares copies of what is only repeated: it is read where it is.

use assay_referee::OpKind;

use super::broadcast::{before_expansion, broadcast_as};
use crate::{
	dims::product,
	ir::{users, Op, Value},
};

/// Lets elementwise ops read what a strided op only repeats from before it, where nothing else reads the
/// copy: they broadcast by themselves, under a shape in which the repetitions are dimensions.
pub(crate) fn read_before_repetitions(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in 0..root {
		if !live[i] || !ops[i].is_elementwise() {
			continue;
		}
		for at in 0..ops[i].operands.len() {
			let alone = |j: usize| users[j].iter().all(|&user| user == i);
			if ops[i].operands[at].op().is_some_and(alone) {
				if let Some(op) = without_repetition(ops, i, at) {
					ops[i] = op;
				}
			}
		}
	}
}

/// Op `i`, which is elementwise, with operand `at` from before its repetition.
fn without_repetition(ops: &[Op], i: usize, at: usize) -> Option<Op> {
	let op = &ops[i];
	let value = &op.operands[at];
	let copy = &ops[value.op()?];
	if value.elements() != product(&op.dims) {
		return None;
	}
	let source = before_expansion(ops, &value.view(copy.dims.clone()).ok()?)?;
	// Under the op's own shape, or under the copy's.
	[&op.dims, &copy.dims].into_iter().find_map(|dims| {
		let mut joined = Op { dims: dims.clone(), ..op.clone() };
		for (place, operand) in joined.operands.iter_mut().zip(&op.operands) {
			*place = if operand.op() == value.op() {
				source.view(broadcast_as(&source.dims, &copy.dims, dims)?).ok()?
			} else {
				operand.view(broadcast_as(&operand.dims, &op.dims, dims)?).ok()?
			};
		}
		joined.is_judged().then_some(joined)
	})
}

/// Lets a *Concat* repeat what a strided op only repeats for it.
pub(crate) fn concat_before_repetitions(ops: &mut [Op], _root: usize, live: &[bool]) {
	for i in (0..ops.len()).filter(|&i| live.get(i) == Some(&true)) {
		let OpKind::Concat { axis } = ops[i].kind else { continue };
		for at in 0..ops[i].operands.len() {
			if let Some(source) = before_repetition(ops, &ops[i].operands[at], axis.into()) {
				ops[i].operands[at] = source;
			}
		}
	}
}

/// What a value repeats, each element as often before the next, but not along dimension `axis`; under a
/// shape that has the elements of each dimension without their repetitions.
fn before_repetition(ops: &[Op], value: &Value, axis: usize) -> Option<Value> {
	let copy = &ops[value.op()?];
	let source = before_expansion(ops, &value.view(copy.dims.clone()).ok()?)?;
	let mut parts = copy.dims.iter().zip(&source.dims).filter(|(&dim, _)| dim > 1);
	let mut dims = Vec::with_capacity(value.dims.len());
	for &dim in &value.dims {
		let (mut all, mut own) = (1, 1);
		while all < dim {
			let (&next, &kept) = parts.next()?;
			// Repetitions come last.
			if kept > 1 && own != all {
				return None;
			}
			(all, own) = (all.checked_mul(next)?, own * kept);
		}
		if all != dim {
			return None;
		}
		dims.push(own);
	}
	let fits = dims.get(axis) == value.dims.get(axis);
	source.view(dims).ok().filter(|_| fits)
}
