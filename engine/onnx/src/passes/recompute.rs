//! Computes elementwise results anew for everyone who reads them, so that they are neither stored nor
//! committed to: the exponentials of a softmax for their sum and for the quotients, the differences of
//! a normalisation for their squares and for the result.

use assay_referee::{OpKind, Step, StepFn, Steps, MAX_OPERANDS};

use crate::{
	dims::product,
	ir::{users, Op, Value},
};

/// Makes the elementwise ops part of all that read them, elementwise ops and reductions, where these
/// can take them in. What is taken in stays behind as ops that nothing reads.
///
/// An engine runs elementwise ops and reductions together and computes once what they have in common,
/// but where products lie between two readers, or nothing but the operands connects them, it would do the
/// work twice; there the result stays.
pub(crate) fn recompute(ops: &mut [Op], root: usize, live: &[bool]) {
	let mut users = users(ops, live);
	let depths = depths(ops);
	for i in (0..root).rev().filter(|&i| live[i]) {
		if !ops[i].is_elementwise() {
			continue;
		}
		let mut readers = std::mem::take(&mut users[i]);
		readers.sort_unstable();
		readers.dedup();
		if readers.len() > 1 && follows_product(ops, &users, i) {
			// It becomes part of the product, which is stored all the same.
			users[i] = readers;
			continue;
		}
		let joined = run_together(ops, &depths, &readers)
			.then(|| readers.iter().map(|&reader| reading(ops, i, reader)).collect())
			.and_then(|joined: Option<Vec<Op>>| joined);
		let Some(joined) = joined else {
			users[i] = readers;
			continue;
		};
		for j in ops[i].operands.iter().filter_map(Value::op) {
			users[j].retain(|&user| user != i);
			users[j].extend(&readers);
		}
		for (reader, op) in readers.into_iter().zip(joined) {
			ops[reader] = op;
		}
	}
}

/// Whether an op is what alone reads a product, element for element.
fn follows_product(ops: &[Op], users: &[Vec<usize>], i: usize) -> bool {
	ops[i].operands.iter().filter_map(Value::op).any(|j| {
		let alone = ops[j].kind.own_operands().is_some() && !runs_with_others(&ops[j]);
		alone
			&& product(&ops[j].dims) == product(&ops[i].dims)
			&& users[j].iter().all(|&user| user == i)
	})
}

fn runs_with_others(op: &Op) -> bool {
	op.is_elementwise() || matches!(op.kind, OpKind::Reduce(_) | OpKind::MapReduce { .. })
}

/// For every op how often the ways to it change between ops that an engine runs with others and ops that
/// it runs by themselves, at most.
fn depths(ops: &[Op]) -> Vec<usize> {
	let mut depths: Vec<usize> = Vec::with_capacity(ops.len());
	for op in ops {
		let own = runs_with_others(op);
		let through = |j: usize| depths[j] + usize::from(!own || !runs_with_others(&ops[j]));
		let depth = op.operands.iter().filter_map(Value::op).map(through).max();
		depths.push(depth.unwrap_or(0));
	}
	depths
}

/// Whether an engine runs these ops, in ascending order, as one: each reads, perhaps through others that
/// are run with it, one before it, and no way between them leads elsewhere.
fn run_together(ops: &[Op], depths: &[usize], readers: &[usize]) -> bool {
	let (Some(&first), Some(&last)) = (readers.first(), readers.last()) else { return false };
	let mut with = vec![false; last + 1 - first];
	with[0] = true;
	for j in first + 1..=last {
		let before = |k: usize| k.checked_sub(first).is_some_and(|k| with[k]);
		with[j - first] =
			runs_with_others(&ops[j]) && ops[j].operands.iter().filter_map(Value::op).any(before);
	}
	readers.iter().all(|&reader| with[reader - first] && depths[reader] == depths[first])
}

/// The steps of an op and what they read; a plain reduction has none.
struct Expression {
	operands: Vec<Value>,
	steps: Vec<Step>,
}

impl Expression {
	fn of(op: &Op) -> Option<Expression> {
		let known = |operands: Vec<Value>, steps: &[Step]| {
			Some(Expression { operands, steps: steps.to_vec() })
		};
		if let OpKind::Map(steps) | OpKind::MapReduce { steps, .. } = &op.kind {
			return known(op.operands.clone(), steps.as_slice());
		}
		if let OpKind::Reduce(_) = op.kind {
			return known(op.operands.clone(), &[]);
		}
		let mut operands: Vec<Value> = Vec::new();
		let arguments: Vec<u8> =
			op.operands.iter().map(|value| number(&mut operands, value)).collect();
		known(operands, &[Step::new(StepFn::of(op.kind, op.dtype)?, &arguments)])
	}

	/// This expression with the steps of `inner` in place of reads of op `i`, which it is of.
	fn with(&self, i: usize, inner: &Expression) -> Option<Expression> {
		let mut operands = inner.operands.clone();
		// Numbers of this expression's operands in the joined one, but for those that are op `i`.
		let numbers: Vec<Option<u8>> = self
			.operands
			.iter()
			.map(|value| (value.op() != Some(i)).then(|| number(&mut operands, value)))
			.collect();
		if operands.len() > MAX_OPERANDS {
			return None;
		}
		let (old, new) = (inner.operands.len(), operands.len());
		let moved = |own: usize| if own < old { own } else { own - old + new };
		let result = (new + inner.steps.len()).checked_sub(1)?;
		let place = |own: usize| match numbers.get(own) {
			Some(number) => number.map_or(result, usize::from),
			None => own - self.operands.len() + new + inner.steps.len(),
		};
		let step = |step: &Step, place: &dyn Fn(usize) -> usize| -> Option<Step> {
			let arguments: Result<Vec<u8>, _> =
				step.arguments().iter().map(|&own| place(own.into()).try_into()).collect();
			Some(Step::new(step.function(), &arguments.ok()?))
		};
		let first = inner.steps.iter().map(|own| step(own, &moved));
		let steps = first.chain(self.steps.iter().map(|own| step(own, &place)));
		Some(Expression { operands, steps: steps.collect::<Option<_>>()? })
	}
}

/// The place of a value among operands, to which it is added if need be.
fn number(operands: &mut Vec<Value>, value: &Value) -> u8 {
	let known = operands.iter().position(|known| known.is_same(value)).unwrap_or_else(|| {
		operands.push(value.clone());
		operands.len() - 1
	});
	known as u8
}

/// Op `reader` with what op `i` does in place of reading its result; `None` where it reads it in another
/// order than element for element, or where that would be too much for one op.
fn reading(ops: &[Op], i: usize, reader: usize) -> Option<Op> {
	let (producer, op) = (&ops[i], &ops[reader]);
	let mut reads = op.operands.iter().filter(|value| value.op() == Some(i));
	let reduces = match op.kind {
		OpKind::Reduce(function) => Some((function, *op.operands.first()?.dims.last()?)),
		OpKind::MapReduce { function, k, .. } => Some((function, k)),
		_ if op.is_elementwise() => None,
		_ => return None,
	};
	// What the steps run over.
	let mut dims = op.dims.clone();
	dims.extend(reduces.map(|(_, k)| k));
	if !reads.all(|value| value.dims == dims) {
		return None;
	}
	let mut inner = Expression::of(producer)?;
	for value in &mut inner.operands {
		*value = seen_as(value, &producer.dims, &dims)?;
	}
	let Expression { operands, steps } = Expression::of(op)?.with(i, &inner)?;
	let steps = Steps::new(&steps)?;
	let kind = match reduces {
		Some((function, k)) => OpKind::MapReduce { function, k, steps },
		None => OpKind::Map(steps),
	};
	Some(Op { kind, operands, ..op.clone() }).filter(Op::is_judged)
}

/// What broadcasts to the dimensions `from` as what broadcasts to `to`, other dimensions of the same
/// elements; `None` where it varies along a part only of what these join or split.
fn seen_as(value: &Value, from: &[u32], to: &[u32]) -> Option<Value> {
	if from == to {
		return Some(value.clone());
	}
	let mut dims = vec![1; to.len()];
	let next = |dims: &[u32], at: usize| {
		dims[at..].iter().position(|&dim| dim != 1).map_or(dims.len(), |ones| at + ones)
	};
	let (mut i, mut j) = (next(from, 0), next(to, 0));
	while i < from.len() || j < to.len() {
		let (first, start) = (i, j);
		let (mut a, mut b) = (u64::from(*from.get(i)?), u64::from(*to.get(j)?));
		while a != b {
			if a < b {
				(i, a) = (i + 1, a * u64::from(*from.get(i + 1)?))
			} else {
				(j, b) = (j + 1, b * u64::from(*to.get(j + 1)?))
			}
		}
		let own = &value.dims[first..=i];
		if *own == from[first..=i] {
			dims[start..=j].copy_from_slice(&to[start..=j]);
		} else if own.iter().any(|&dim| dim != 1) {
			return None;
		}
		(i, j) = (next(from, i + 1), next(to, j + 1));
	}
	value.view(dims).ok()
}
