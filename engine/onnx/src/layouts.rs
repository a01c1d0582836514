//! Lets a convolution give its output with the channels last where all that reads it reads it so, so that
//! no transposed copy is stored and committed to.

use assay_referee::{Conv, ImageLayout, OpKind};

use crate::build::{users, Op};
use crate::value::{Dims, Origin, Value};

/// Drops the transposition between convolutions, where it is all that reads the first one.
pub(crate) fn join_layouts(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for j in 0..root {
		let Some(source) = ops[j].operands.first().and_then(Value::op).filter(|_| live[j]) else {
			continue;
		};
		let reads = |&user: &usize| {
			let read = |at: usize| ops[user].operands[at].op() == Some(j);
			let others = (0..ops[user].operands.len()).filter(|&at| at != 1).any(read);
			let OpKind::Conv(conv) = ops[user].kind else { return false };
			conv.layout == ImageLayout::ChannelsLast && !others
		};
		if users[source] != [j] || !users[j].iter().all(reads) {
			continue;
		}
		let Some(turned) = turned(&ops[source], &ops[j]) else { continue };
		ops[source] = turned;
		for &user in &users[j] {
			ops[user].operands[1].origin = Origin::Op(source);
		}
	}
}

/// The convolution whose output is what `copy` makes of that of `op`.
fn turned(op: &Op, copy: &Op) -> Option<Op> {
	let OpKind::Conv(conv) = op.kind else { return None };
	let &[n, h, w, c] = copy.dims.as_slice() else { return None };
	let OpKind::Strided { offset: 0, strides } = copy.kind else { return None };
	let [height, width, channels] = [h, w, c].map(i64::from);
	let steps = [channels * height * width, width, 1, height * width];
	let mut pairs = copy.dims.iter().zip(steps).zip(strides);
	// A dimension of one is never stepped along.
	let turns = pairs.all(|((&dim, step), own)| dim == 1 || step == own);
	let &[batch, m, places] = op.dims.as_slice() else { return None };
	let fits = conv.output == ImageLayout::ChannelsFirst
		&& batch == n.checked_mul(conv.groups)?
		&& c == m.checked_mul(conv.groups)?
		&& places == h.checked_mul(w)?;
	if !turns || !fits {
		return None;
	}
	let kind = OpKind::Conv(Conv { output: ImageLayout::ChannelsLast, ..conv });
	let own = op.kind.own_operands()?;
	let mut operands = op.operands.clone();
	for value in &mut operands[own..] {
		*value = value.view(last(&value.dims, [n, conv.groups, m])?).ok()?;
	}
	let turned = Op { kind, dims: vec![n, places, c], operands, ..op.clone() };
	turned.is_judged().then_some(turned)
}

/// The view of an operand `[n·groups, m, places]`, each dimension of which may be one instead, for an output
/// with the channels last; `None` where its elements would have to be moved.
fn last(view: &[u32], [n, groups, m]: [u32; 3]) -> Option<Dims> {
	let &[batch, rows, places] = view else { return None };
	let channels = match (batch, rows) {
		(1, 1) => 1,
		_ if n > 1 || places > 1 => return None,
		// Of one image the entries are the groups.
		_ if batch == groups && rows == m => groups * m,
		_ => return None,
	};
	Some(vec![1, places, channels])
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn views_with_the_channels_last() {
		for (view, sizes, expected) in [
			([1, 1, 1], [2, 3, 4], Some([1, 1, 1])),
			([1, 1, 9], [2, 3, 4], Some([1, 9, 1])),
			([3, 4, 1], [1, 3, 4], Some([1, 1, 12])),
			([1, 4, 1], [1, 1, 4], Some([1, 1, 4])),
			([3, 1, 1], [1, 3, 1], Some([1, 1, 3])),
			([3, 1, 1], [1, 3, 4], None),
			([1, 4, 1], [1, 3, 4], None),
			([6, 4, 1], [2, 3, 4], None),
			([3, 4, 9], [1, 3, 4], None),
		] {
			assert_eq!(last(&view, sizes), expected.map(Vec::from), "{view:?} {sizes:?}");
		}
	}
}
