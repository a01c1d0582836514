//! Spares copies between elementwise ops and others: what is only repeated is read where it is, and what is
//! only permuted is computed with before.

use assay_referee::{OpKind, MAX_RANK};

use crate::build::{users, Op};
use crate::epilogues::broadcast_as;
use crate::finish::before_expansion;
use crate::value::{product, strides, Dims, Origin, Value};

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
			*place = match operand.op() == value.op() {
				true => source.view(broadcast_as(&source.dims, &copy.dims, dims)?).ok()?,
				false => operand.view(broadcast_as(&operand.dims, &op.dims, dims)?).ok()?,
			};
		}
		joined.is_judged().then_some(joined)
	})
}

/// Exchanges a permutation of what an op gives that may have an epilogue and the elementwise op after it,
/// which then can be that epilogue.
pub(crate) fn move_before_permutations(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in 0..=root {
		if !live[i] || !ops[i].is_elementwise() {
			continue;
		}
		let sources: Vec<usize> = ops[i].operands.iter().filter_map(Value::op).collect();
		let exchanged = sources.into_iter().find_map(|j| {
			let alone = |op: usize, user: usize| users[op].iter().all(|&other| other == user);
			let source = ops[j].operands.first()?.op()?;
			let follows = ops[source].kind.own_operands().is_some();
			let fits = follows && alone(j, i) && alone(source, j);
			Some((j, fits.then(|| exchanged(ops, j, i)).flatten()?))
		});
		if let Some((j, [first, second])) = exchanged {
			if i == root && second.dims != ops[i].dims {
				continue;
			}
			(ops[j], ops[i]) = (first, second);
		}
	}
}

/// The permutation `j` and the elementwise op `i` after it the other way round.
fn exchanged(ops: &[Op], j: usize, i: usize) -> Option<[Op; 2]> {
	let (moved, op) = (&ops[j], &ops[i]);
	let (dims, places) = permutation(moved)?;
	let mut operands = Vec::with_capacity(op.operands.len());
	for value in &op.operands {
		let before = match &value.origin {
			Origin::Op(k) if *k == j && value.elements() == product(&op.dims) => {
				moved.operands[0].view(dims.clone()).ok()?
			},
			// It has to be there when the elementwise op runs now.
			Origin::Op(k) if *k >= j => return None,
			_ => {
				let view = broadcast_as(&value.dims, &op.dims, &moved.dims)?;
				value.view(permuted(&view, &places, dims.len())?).ok()?
			},
		};
		operands.push(before);
	}
	let first = Op { dims, operands, ..op.clone() };
	let result = Value {
		dtype: op.dtype,
		element: op.dtype.into(),
		dims: first.dims.clone(),
		origin: Origin::Op(j),
	};
	let second = Op { dtype: op.dtype, operands: vec![result], ..moved.clone() };
	(first.is_judged() && second.is_judged()).then_some([first, second])
}

/// The shape under which a strided op permutes the dimensions of its operand, if it does nothing else, and
/// for every dimension of its output that is not one, which of these it is.
fn permutation(op: &Op) -> Option<(Dims, Vec<Option<usize>>)> {
	let OpKind::Strided { offset: 0, strides: steps } = op.kind else { return None };
	let mut order: Vec<usize> = (0..op.dims.len()).filter(|&d| op.dims[d] > 1).collect();
	order.sort_by_key(|&d| std::cmp::Reverse(steps[d]));
	let dims: Dims = order.iter().map(|&d| op.dims[d]).collect();
	let contiguous = order.iter().zip(strides(&dims)).all(|(&d, step)| steps[d] == step);
	if !contiguous || product(&dims) != op.operands.first()?.elements() || dims.len() > MAX_RANK {
		return None;
	}
	let place = |d: usize| order.iter().position(|&other| other == d);
	Some((dims, (0..op.dims.len()).map(place).collect()))
}

/// A view of as many dimensions as `places` with its dimensions put at these places; `None` where its
/// elements would have to be moved.
fn permuted(view: &[u32], places: &[Option<usize>], rank: usize) -> Option<Dims> {
	let mut dims = vec![1; rank];
	let mut last = None;
	for (&dim, place) in view.iter().zip(places).filter(|(&dim, _)| dim > 1) {
		let place = (*place)?;
		if last.is_some_and(|last| last > place) {
			return None;
		}
		last = Some(place);
		dims[place] = dim;
	}
	Some(dims)
}
