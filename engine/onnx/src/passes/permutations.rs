//! Spares copies of what is only permuted: it is computed with before.

use assay_referee::{Bias, ImageLayout, OpKind, MAX_RANK};

use super::broadcast::broadcast_as;
use super::views::strided;
use crate::{
	dims::{product, strides, Dims},
	ir::{users, Op, Origin, Value},
};

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
