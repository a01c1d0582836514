//! Spares copies between elementwise ops and others: what is only repeated is read where it is, and what is
//! only permuted is computed with before.

use assay_referee::{Bias, ImageLayout, OpKind, ALIGN, MAX_RANK};

use crate::build::{users, Op};
use crate::compose::compose;
use crate::epilogues::broadcast_as;
use crate::expressions::same;
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
		let alike = same(source, &first.operands[0])
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
fn strided(op: &Op) -> Option<(u64, [i64; MAX_RANK])> {
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

/// Computes convolutions of single pixels before a permutation of these, where they give fewer elements
/// than they take.
pub(crate) fn convolve_before_permutations(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in (0..=root).filter(|&i| live[i]) {
		let Some(j) = ops[i].operands.get(1).and_then(Value::op) else { continue };
		if users[j] != [i] || product(&ops[i].dims) >= product(&ops[j].dims) {
			continue;
		}
		if let Some([first, second]) = convolved(ops, j, i) {
			(ops[j], ops[i]) = (first, second);
		}
	}
}

/// The permutation `j` of pixels and the convolution `i` after it the other way round.
fn convolved(ops: &[Op], j: usize, i: usize) -> Option<[Op; 2]> {
	let (moved, op) = (&ops[j], &ops[i]);
	let OpKind::Conv(conv) = op.kind else { return None };
	let &[n, c, h, w] = op.operands[1].dims.as_slice() else { return None };
	let first = ImageLayout::ChannelsFirst;
	let single = conv.kernel == [1, 1] && conv.stride == [1, 1] && conv.pad == [0, 0];
	// A bias per pixel would have to be moved.
	let alike = conv.bias != Bias::Column && op.epilogue.is_none();
	if !single || !alike || conv.out != [h, w] || conv.layout != first || conv.output != first {
		return None;
	}
	permutation(moved)?;
	let (_, steps) = strided(moved)?;
	// The planes stay where they are.
	let pixels = u64::from(h) * u64::from(w);
	let planes = (0..=moved.dims.len()).find(|&at| product(&moved.dims[at..]) == pixels)?;
	let whole = strides(&moved.dims);
	let mut outer = moved.dims.iter().zip(whole).zip(steps).take(planes);
	if !outer.all(|((&dim, step), own)| dim == 1 || own == step) {
		return None;
	}
	let mut operands = op.operands.clone();
	operands[1] = moved.operands[0].view(vec![n, c, h, w]).ok()?;
	if operands.iter().filter_map(Value::op).any(|k| k >= j) {
		return None;
	}
	let before = Op { operands, ..op.clone() };
	let rows = u32::try_from(product(&op.dims) / pixels).ok()?;
	let dims = [&[rows], &moved.dims[planes..]].concat();
	let mut own = [0; MAX_RANK];
	own.get_mut(1..dims.len())?.copy_from_slice(&steps[planes..moved.dims.len()]);
	own[0] = if rows > 1 { pixels as i64 } else { 0 };
	let kind = OpKind::Strided { offset: 0, strides: own };
	let result =
		Value { dims: before.dims.clone(), origin: Origin::Op(j), ..op.operands[1].clone() };
	let after = Op { kind, dims, operands: vec![result], ..moved.clone() };
	(before.is_judged() && after.is_judged()).then_some([before, after])
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
