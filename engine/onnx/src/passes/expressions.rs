//! Joins elementwise ops whose results nothing else reads into expressions, so that these results
//! are neither stored nor committed to, and count as one op.

use assay_referee::{OpKind, Step, StepFn, Steps, MAX_OPERANDS, MAX_STEPS};

use crate::ir::{users, Op, Value};

/// Makes one op of every set of elementwise ops of one shape of which only the last is read by
/// others. What is joined stays behind as ops that nothing reads.
pub(crate) fn join_expressions(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	// Members in descending order, so that the first is the one whose result the others serve.
	let mut groups: Vec<Vec<usize>> = Vec::new();
	let mut group_of: Vec<Option<usize>> = vec![None; ops.len()];
	for i in (0..=root).rev().filter(|&i| live[i] && function(&ops[i]).is_some()) {
		let group = if i == root { None } else { common_group(ops, i, &users[i], &group_of) };
		let group = group.filter(|&group| {
			groups[group].push(i);
			let fits = groups[group].len() <= MAX_STEPS
				&& outside(ops, &groups[group]).len() <= MAX_OPERANDS;
			if !fits {
				groups[group].pop();
			}
			fits
		});
		group_of[i] = group.or_else(|| {
			groups.push(vec![i]);
			Some(groups.len() - 1)
		});
	}
	for group in groups.iter().filter(|group| group.len() > 1) {
		if let Some(joined) = expression(ops, group) {
			ops[group[0]] = joined;
		}
	}
}

fn function(op: &Op) -> Option<StepFn> {
	StepFn::of(op.kind, op.dtype)
}

/// The group that all users of op `i` are in, if they read its result element for element.
fn common_group(
	ops: &[Op],
	i: usize,
	users: &[usize],
	group_of: &[Option<usize>],
) -> Option<usize> {
	let group = group_of[*users.first()?]?;
	let alike = users.iter().all(|&user| {
		let reads = ops[user].operands.iter().filter(|value| value.op() == Some(i));
		group_of[user] == Some(group)
			&& ops[user].dims == ops[i].dims
			&& reads.into_iter().all(|value| value.dims == ops[i].dims)
	});
	alike.then_some(group)
}

/// What the members read that is no member's result, each once, in the order of the program.
fn outside<'a>(ops: &'a [Op], members: &[usize]) -> Vec<&'a Value> {
	let mut values: Vec<&Value> = Vec::new();
	for value in members.iter().rev().flat_map(|&i| &ops[i].operands) {
		let inside = value.op().is_some_and(|j| members.contains(&j));
		if !inside && !values.iter().any(|known| known.is_same(value)) {
			values.push(value);
		}
	}
	values
}

/// The op that does what `members` do, given in descending order.
fn expression(ops: &[Op], members: &[usize]) -> Option<Op> {
	let values = outside(ops, members);
	let number = |value: &Value| -> Option<u8> {
		let member = value.op().and_then(|j| members.iter().rev().position(|&i| i == j));
		let number = match member {
			Some(step) => values.len() + step,
			None => values.iter().position(|known| known.is_same(value))?,
		};
		u8::try_from(number).ok()
	};
	let step = |&i: &usize| -> Option<Step> {
		let arguments: Option<Vec<u8>> = ops[i].operands.iter().map(number).collect();
		Some(Step::new(function(&ops[i])?, &arguments?))
	};
	let steps = members.iter().rev().map(step).collect::<Option<Vec<_>>>()?;
	let operands = values.into_iter().cloned().collect();
	Some(Op { kind: OpKind::Map(Steps::new(&steps)?), operands, ..ops[members[0]].clone() })
}
