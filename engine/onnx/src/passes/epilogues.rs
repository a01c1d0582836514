//! Joins contractions, reductions and movements with the elementwise op that alone reads them, so that their
//! results are neither stored nor committed to.

use assay_referee::{OpKind, Step, StepFn, Steps};

use crate::build::{users, Op};
use crate::movements::part_of_input;
use crate::value::{product, Dims, Value};

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
			alone.then(|| followed(&ops[j], j, &ops[i])).flatten()
		});
		if let Some(joined) = joined {
			ops[i] = joined;
		}
	}
}

/// Op `first`, which is op `j`, followed by op `next`, which reads it.
pub(crate) fn followed(first: &Op, j: usize, next: &Op) -> Option<Op> {
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

/// The view under which an operand `view`, which broadcasts to `from`, broadcasts to `to` in the same way,
/// where `from` and `to` are shapes of the same elements; `None` when there is none.
pub(crate) fn broadcast_as(view: &[u32], from: &[u32], to: &[u32]) -> Option<Dims> {
	if product(view) == product(from) {
		return Some(to.to_vec());
	}
	let parts = parts(view, from, to)?;
	let dims = to.iter().enumerate().map(|(place, &dim)| {
		let mut own = parts.iter().filter(|part| part.place == place).map(|part| part.step != 0);
		let varies = own.next().unwrap_or(false);
		own.all(|other| other == varies).then_some(if varies { dim } else { 1 })
	});
	dims.collect()
}

/// Elements up to which a constant is written out to be broadcast under another shape.
const WRITTEN: u64 = 1 << 12;

/// As [`broadcast_as`]; a small constant is written out where no view of it will do.
fn operand_as(value: &Value, from: &[u32], to: &[u32]) -> Option<Value> {
	if let Some(dims) = broadcast_as(&value.dims, from, to) {
		return value.view(dims).ok();
	}
	let bytes = value.bytes()?;
	let parts = parts(&value.dims, from, to)?;
	let varies = |place: usize| parts.iter().any(|part| part.place == place && part.step != 0);
	let dims: Dims =
		to.iter().enumerate().map(|(place, &dim)| if varies(place) { dim } else { 1 }).collect();
	if product(&dims) > WRITTEN {
		return None;
	}
	let size = value.dtype.size() as usize;
	let mut written = Vec::with_capacity(product(&dims) as usize * size);
	for index in 0..product(&dims) {
		let (mut rest, mut at) = (index, 0);
		for part in parts.iter().rev().filter(|part| varies(part.place)) {
			at += rest % u64::from(part.size) * part.step;
			rest /= u64::from(part.size);
		}
		written.extend_from_slice(&bytes[at as usize * size..][..size]);
	}
	Some(Value::constant(value.dtype, dims, written))
}

/// A factor of a dimension of two shapes of the same elements.
struct Part {
	/// The dimension of the second shape.
	place: usize,
	size: u32,
	/// Elements of an operand from one to the next; 0 where the operand repeats.
	step: u64,
}

/// The dimensions that two shapes have in common, outermost first, as an operand that broadcasts to the
/// first lies along them.
fn parts(view: &[u32], from: &[u32], to: &[u32]) -> Option<Vec<Part>> {
	let mut parts = Vec::new();
	let (mut place, mut rest) = (0, to.first().copied()?);
	let mut inner = product(view);
	for (&own, &dim) in view.iter().zip(from) {
		let mut left = dim;
		inner /= u64::from(own);
		while left > 1 {
			while rest == 1 {
				place += 1;
				rest = *to.get(place)?;
			}
			let size = left.min(rest);
			if left % size != 0 || rest % size != 0 {
				return None;
			}
			(left, rest) = (left / size, rest / size);
			let step = if own == 1 { 0 } else { inner * u64::from(left) };
			parts.push(Part { place, size, step });
		}
	}
	Some(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
	use super::*;
	use assay_referee::DType;

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

	#[test]
	fn constants_are_written_out() {
		let bytes: Vec<u8> = (0..3u32).flat_map(|x| x.to_le_bytes()).collect();
		let value = Value::constant(DType::I32, vec![3, 1, 1], bytes);
		let written = operand_as(&value, &[3, 2, 5], &[6, 5]).unwrap();
		assert_eq!(written.dims, [6, 1]);
		assert_eq!(written.whole_numbers(), Some(vec![0, 0, 1, 1, 2, 2]));
		let written = operand_as(&value, &[3, 2, 5], &[1, 30]).unwrap();
		assert_eq!(written.whole_numbers().unwrap()[9..12], [0, 1, 1]);
		assert!(operand_as(&value, &[3, 2, 5], &[5, 6]).is_none());
		let large = Value::constant(DType::U8, vec![2, 1, 1], vec![0, 1]);
		assert!(operand_as(&large, &[2, 2, 40_000], &[160_000]).is_none());
	}
}
