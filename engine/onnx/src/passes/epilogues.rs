//! Joins contractions, reductions and movements with the elementwise op that alone reads them, so that their
//! results are neither stored nor committed to.

use assay_referee::{OpKind, Step, StepFn, Steps};

use super::broadcast::operand_as;
use super::views::part_of_input;
use crate::{
	dims::product,
	ir::{users, Op, Value},
};

/// Makes an elementwise op or expression the epilogue of an op that may have one and that nothing else
/// reads. The joined op stands where the elementwise one stood, after all its operands; what was before
/// stays behind as an op that nothing reads.
pub(crate) fn join_epilogues(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in (0..=root).filter(|&i| live[i]) {
		let mut sources: Vec<usize> = ops[i].operands.iter().filter_map(Value::op).collect();
		// Of several, the one that is computed last: it is the least likely to be in the way of others. What
		// is only moved may be joined with what it was moved from.
		let moves = |&j: &usize| !matches!(ops[j].kind, OpKind::Strided { .. });
		sources.sort_unstable_by_key(|j| (moves(j), *j));
		sources.dedup();
		let joined = sources.into_iter().rev().find_map(|j| {
			let alone = users[j].iter().all(|&user| user == i) && part_of_input(&ops[j]).is_none();
			alone.then(|| with_epilogue(&ops[j], j, &ops[i])).flatten()
		});
		if let Some(joined) = joined {
			ops[i] = joined;
		}
	}
}

/// Op `first`, which is op `j`, followed by op `next`, which reads it.
pub(crate) fn with_epilogue(first: &Op, j: usize, next: &Op) -> Option<Op> {
	let own = first.kind.own_operands().filter(|_| first.epilogue.is_none())?;
	debug_assert_eq!(first.operands.len(), own);
	let steps = steps(next)?;
	let dims = match first.kind {
		// Its output may have any shape of as many elements.
		OpKind::Reduce(_) | OpKind::Pool(_) => next.dims.clone(),
		_ => first.dims.clone(),
	};
	if product(&dims) != product(&next.dims) {
		return None;
	}
	let mut operands = first.operands.clone();
	let mut numbers = Vec::with_capacity(next.operands.len());
	for value in &next.operands {
		if value.op() == Some(j) {
			if value.elements() != product(&dims) {
				return None;
			}
			numbers.push(0);
		} else {
			operands.push(operand_as(value, &next.dims, &dims)?);
			numbers.push(operands.len() - own);
		}
	}
	// Results come after the values that are given, of which there may be fewer now.
	let given = 1 + operands.len() - own;
	let renumbered = steps.as_slice().iter().map(|step| {
		let number = |&old: &u8| {
			let old = usize::from(old);
			let new = numbers.get(old).copied().unwrap_or(given + old - numbers.len().min(old));
			u8::try_from(new).ok()
		};
		let arguments = step.arguments().iter().map(number).collect::<Option<Vec<_>>>()?;
		Some(Step::new(step.function(), &arguments))
	});
	let steps = Steps::new(&renumbered.collect::<Option<Vec<_>>>()?)?;
	let (dtype, epilogue) = (next.dtype, Some(steps));
	let joined = Op { kind: first.kind, dtype, dims, operands, epilogue, node: first.node };
	joined.is_judged().then_some(joined)
}

/// The steps of an expression, or the one of an elementwise op.
fn steps(op: &Op) -> Option<Steps> {
	if let OpKind::Map(steps) = op.kind {
		return Some(steps);
	}
	let function = StepFn::of(op.kind, op.dtype)?;
	Steps::new(&[Step::new(function, &[0, 1, 2])])
}
