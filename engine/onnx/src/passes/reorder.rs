//! Computes products in the order in which their results are read: the heads of an attention one after
//! another, a second operand with its rows and columns exchanged. A product's bits do not depend on which
//! factor comes first, nor on which others are computed with it.

use assay_referee::{Bias, OpKind};

use crate::{
	dims::product,
	ir::{users, Op, Value},
};

/// Makes a product of every view that puts the elements of one, which nothing else reads, in another
/// order, where it splits columns or rows into batches or exchanges the two. What it takes the place of
/// stays behind as an op that nothing reads.
pub(crate) fn reorder_products(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in (0..root).filter(|&i| live[i]) {
		let Some(j) = ops[i].operands.first().and_then(Value::op) else { continue };
		if users[j].len() != 1 {
			continue;
		}
		if let Some(op) = reordered(&ops[i], &ops[j]) {
			ops[i] = op;
		}
	}
}

/// What the dimensions of a view run over, from the outermost on, those of 1 left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
	Rows(u32),
	Columns(u32),
}

/// The product whose elements lie as the view `view` puts those of `of`.
fn reordered(view: &Op, of: &Op) -> Option<Op> {
	let (OpKind::MatMul { bias }, &[1, m, n]) = (of.kind, of.dims.as_slice()) else { return None };
	let [a, b, addend @ ..] = of.operands.as_slice() else { return None };
	let k = *a.dims.last()?;
	let parts = parts(view, m, n)?;
	let columns_first = matches!(parts.first(), Some(Axis::Columns(_)));
	// The first dimensions, until the other kind begins, then those, then what is left.
	let turn = parts.iter().position(|part| matches!(part, Axis::Columns(_)) != columns_first)?;
	let rest = &parts[turn..];
	let back = rest.iter().position(|part| matches!(part, Axis::Columns(_)) == columns_first);
	let (middle, last) = rest.split_at(back.unwrap_or(rest.len()));
	let size = |parts: &[Axis]| -> u32 {
		parts.iter().map(|&(Axis::Rows(size) | Axis::Columns(size))| size).product()
	};
	let whole = size(middle) == if columns_first { m } else { n };
	if !whole {
		return None;
	}
	let (batch, inner) = match last {
		// Nothing but an exchange.
		[] => (1, size(&parts[..turn])),
		last => (size(&parts[..turn]), size(last)),
	};
	// The factor that is split into batches, and the one that all of them share.
	let (split, shared) = if columns_first { (b, a) } else { (a, b) };
	let split = split.view(vec![batch, inner, k]).ok()?;
	let split_first = last.is_empty();
	let exchanged = columns_first == split_first;
	let factors = if split_first { [split, shared.clone()] } else { [shared.clone(), split] };
	let rows = size(middle);
	let dims = if split_first { vec![1, inner, rows] } else { vec![batch, rows, inner] };
	// A bias goes with its factor, and is split like it.
	let of_split = |value: &Value| match batch {
		1 => value.view(vec![inner]),
		_ => value.view(vec![batch, inner]),
	};
	let with_split = (bias == Bias::Column) == columns_first;
	let addend = match addend {
		[] => None,
		[value, ..] if with_split => Some(of_split(value).ok()?),
		[value, ..] => Some(value.view(vec![rows]).ok()?),
	};
	let bias = match bias {
		Bias::Row if exchanged => Bias::Column,
		Bias::Column if exchanged => Bias::Row,
		as_it_is => as_it_is,
	};
	let operands = factors.into_iter().chain(addend).collect();
	Some(Op { kind: OpKind::MatMul { bias }, dims, operands, ..view.clone() })
}

/// What the dimensions of a view of a product `[1, m, n]` run over, if the view has every element once
/// and keeps the order among rows and among columns.
fn parts(view: &Op, m: u32, n: u32) -> Option<Vec<Axis>> {
	let OpKind::Strided { offset: 0, strides } = view.kind else { return None };
	if product(&view.dims) != u64::from(m) * u64::from(n) {
		return None;
	}
	let (mut rows, mut columns) = (u64::from(m), u64::from(n));
	let mut parts = Vec::new();
	for (&dim, step) in view.dims.iter().zip(strides).filter(|(&dim, _)| dim > 1) {
		// Each takes the outermost of what is left of the rows, or of the columns.
		let (size, step) = (u64::from(dim), u64::try_from(step).ok()?);
		let inside = |left: u64, unit: u64| {
			let first = left.is_multiple_of(size) && step == left / size * unit;
			first.then_some(left / size)
		};
		match (inside(rows, n.into()), inside(columns, 1)) {
			(Some(left), _) => {
				rows = left;
				parts.push(Axis::Rows(dim));
			},
			(None, Some(left)) => {
				columns = left;
				parts.push(Axis::Columns(dim));
			},
			(None, None) => return None,
		}
	}
	(rows == 1 && columns == 1).then_some(parts)
}
