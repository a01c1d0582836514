//! Makes one view of several: of views of views, of parts that are put together again, and of none where
//! elements come out where they were.

use assay_referee::{OpKind, ALIGN, MAX_RANK};

use crate::{
	dims::{product, strides},
	ir::{compose, users, Op, Origin},
};

/// Makes one strided op of parts of a tensor that are put one after another at the same distance.
pub(crate) fn join_parts(ops: &mut [Op], _root: usize, live: &[bool]) {
	for i in (0..ops.len()).filter(|&i| live.get(i) == Some(&true)) {
		if let Some(joined) = joined_parts(ops, i) {
			ops[i] = joined;
		}
	}
}

fn joined_parts(ops: &[Op], i: usize) -> Option<Op> {
	let op = &ops[i];
	let OpKind::Concat { axis } = op.kind else { return None };
	if product(&op.dims[..axis.into()]) != 1 {
		return None;
	}
	let parts: Option<Vec<&Op>> = op.operands.iter().map(|value| Some(&ops[value.op()?])).collect();
	let parts = parts?;
	let [first, second, ..] = parts.as_slice() else { return None };
	let (offset, steps) = strided(first)?;
	let place = |part: &Op| i64::try_from(strided(part)?.0).ok();
	let distance = place(second)?.checked_sub(place(first)?)?;
	let mut expected = place(first)?;
	for (part, value) in parts.iter().zip(&op.operands) {
		let source = &part.operands[0];
		let alike = source.is_same(&first.operands[0])
			&& strided(part)? == (expected as u64, steps)
			&& part.dims == first.dims
			&& value.elements() == product(&part.dims);
		if !alike || part.epilogue.is_some() {
			return None;
		}
		expected = expected.checked_add(distance)?;
	}
	let dims = [&[parts.len() as u32], &first.dims[..]].concat();
	let mut all = [0; MAX_RANK];
	all.get_mut(1..dims.len())?.copy_from_slice(&steps[..first.dims.len()]);
	all[0] = distance;
	let kind = OpKind::Strided { offset, strides: all };
	let joined = Op { kind, dims, operands: first.operands.clone(), ..op.clone() };
	joined.is_judged().then_some(joined)
}

/// Makes one strided op of two that follow each other, and none of two that put back what they moved.
pub(crate) fn join_views(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in (0..=root).filter(|&i| live[i]) {
		let Some(j) = strided(&ops[i]).and(ops[i].operands[0].op()) else { continue };
		let Some(joined) = joined_view(&ops[i], &ops[j]) else { continue };
		if i != root && is_whole(&joined) {
			let source = joined.operands[0].origin.clone();
			for &user in &users[i] {
				let reads = ops[user].operands.iter_mut().filter(|value| value.op() == Some(i));
				reads.for_each(|value| value.origin = source.clone());
			}
		} else if users[j] == [i] {
			ops[i] = joined;
		}
	}
}

/// The strided op that does what `second` does to the result of `first`.
fn joined_view(second: &Op, first: &Op) -> Option<Op> {
	let (offset, steps) = strided(second)?;
	let view = compose(first, &second.dims, offset, &steps[..second.dims.len()])?;
	let mut all = [0; MAX_RANK];
	all.get_mut(..view.steps.len())?.copy_from_slice(&view.steps);
	let kind = OpKind::Strided { offset: view.offset, strides: all };
	let joined = Op { kind, dims: view.dims, operands: vec![view.source], ..second.clone() };
	joined.is_judged().then_some(joined)
}

/// The input and the offset in bytes of its elements that a strided op gives, if they are neighbours and
/// begin where an operand may: who reads them reads the input.
pub(crate) fn part_of_input(op: &Op) -> Option<(usize, u64)> {
	let (offset, own) = strided(op).filter(|_| op.epilogue.is_none())?;
	let source = op.operands.first()?;
	let Origin::Input(input) = source.origin else { return None };
	let start = offset.checked_mul(source.dtype.size())?;
	(follow(&op.dims, &own) && start.is_multiple_of(ALIGN)).then_some((input, start))
}

/// Whether these steps lead from each element to the next.
fn follow(dims: &[u32], own: &[i64; MAX_RANK]) -> bool {
	let mut steps = dims.iter().zip(strides(dims)).zip(own);
	steps.all(|((&dim, step), own)| dim == 1 || *own == step)
}

/// Offset and steps of a strided op.
pub(super) fn strided(op: &Op) -> Option<(u64, [i64; MAX_RANK])> {
	match op.kind {
		OpKind::Strided { offset, strides } => Some((offset, strides)),
		_ => None,
	}
}

/// Whether a strided op gives all of its operand as it is.
fn is_whole(op: &Op) -> bool {
	let whole = op.operands[0].elements() == product(&op.dims);
	whole && strided(op).is_some_and(|(offset, own)| offset == 0 && follow(&op.dims, &own))
}
