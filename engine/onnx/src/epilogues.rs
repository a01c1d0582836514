//! Joins contractions and reductions with the elementwise op that alone reads them, so that their results
//! are neither stored nor committed to.

use assay_referee::{OpKind, Step, StepFn, Steps};

use crate::build::{users, Op};
use crate::value::{product, Dims, Value};

/// Makes an elementwise op or expression the epilogue of a contraction or a reduction that nothing else
/// reads. The joined op stands where the elementwise one stood, after all its operands; what was before
/// stays behind as an op that nothing reads.
pub(crate) fn join_epilogues(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in (0..=root).filter(|&i| live[i]) {
		let mut sources: Vec<usize> = ops[i].operands.iter().filter_map(Value::op).collect();
		sources.sort_unstable();
		sources.dedup();
		// Of several, the one that is computed last: it is the least likely to be in the way of others.
		let joined = sources.into_iter().rev().find_map(|j| {
			let alone = users[j].iter().all(|&user| user == i);
			let joined = alone.then(|| followed(ops, j, i)).flatten()?;
			(i != root || joined.dims == ops[i].dims).then_some(joined)
		});
		if let Some(joined) = joined {
			ops[i] = joined;
		}
	}
}

/// Op `j` followed by op `i`, which reads it.
fn followed(ops: &[Op], j: usize, i: usize) -> Option<Op> {
	let (first, next) = (&ops[j], &ops[i]);
	let own = first.kind.own_operands().filter(|_| first.epilogue.is_none())?;
	debug_assert_eq!(first.operands.len(), own);
	let steps = steps(next)?;
	let dims = match first.kind {
		// Its output may have any shape of as many elements.
		OpKind::Reduce(_) => next.dims.clone(),
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
			operands.push(value.view(broadcast_as(&value.dims, &next.dims, &dims)?).ok()?);
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

/// The view under which an operand `view`, which broadcasts to `from`, broadcasts to `to` in the same way,
/// where `from` and `to` are shapes of the same elements; `None` when there is none.
fn broadcast_as(view: &[u32], from: &[u32], to: &[u32]) -> Option<Dims> {
	if product(view) == product(from) {
		return Some(to.to_vec());
	}
	// For every dimension of `to`, whether the operand repeats along it, once that is known.
	let mut repeats: Vec<Option<bool>> = vec![None; to.len()];
	let (mut place, mut rest) = (0, to.first().copied()?);
	for (&own, &dim) in view.iter().zip(from) {
		let mut left = dim;
		while left > 1 {
			while rest == 1 {
				place += 1;
				rest = *to.get(place)?;
			}
			let common = left.min(rest);
			let known = *repeats[place].get_or_insert(own == 1);
			if left % common != 0 || rest % common != 0 || known != (own == 1) {
				return None;
			}
			(left, rest) = (left / common, rest / common);
		}
	}
	let dims = to.iter().zip(&repeats);
	Some(dims.map(|(&dim, &repeats)| if repeats == Some(false) { dim } else { 1 }).collect())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn broadcasting_under_another_shape() {
		let image: [u32; 4] = [1, 6, 4, 5];
		for (view, to, expected) in [
			([1, 6, 1, 1], &[1, 6, 20][..], Some(&[1, 6, 1][..])),
			([1, 1, 1, 1], &[1, 6, 20], Some(&[1, 1, 1])),
			([1, 6, 4, 5], &[6, 20], Some(&[6, 20])),
			([1, 1, 4, 5], &[1, 6, 20], Some(&[1, 1, 20])),
			([1, 1, 4, 1], &[1, 6, 20], None),
			([1, 6, 4, 1], &[24, 5], Some(&[24, 1])),
			([1, 1, 4, 1], &[24, 5], None),
			([1, 6, 1, 1], &[1, 2, 3, 1, 20], Some(&[1, 2, 3, 1, 1])),
			([1, 1, 1, 5], &[12, 10], None),
			([1, 6, 1, 1], &[8, 15], None),
		] {
			assert_eq!(broadcast_as(&view, &image, to).as_deref(), expected, "{view:?} {to:?}");
		}
		assert_eq!(broadcast_as(&[], &[], &[1, 1]).as_deref(), Some(&[1, 1][..]));
		assert_eq!(broadcast_as(&[1], &[1], &[]).as_deref(), Some(&[][..]));
	}
}
