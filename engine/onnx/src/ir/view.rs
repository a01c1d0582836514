//! A view of a view is one view.

use assay_referee::{OpKind, MAX_RANK};

use super::op::Op;
use super::value::{Origin, Value};
use crate::dims::{strides, Dims};

/// What a `Strided` op reads: its operand, offset and one step per dimension of `dims`.
pub(crate) struct View {
	pub(crate) source: Value,
	pub(crate) offset: u64,
	pub(crate) dims: Dims,
	pub(crate) steps: Vec<i64>,
}

/// The view of the operand of the `Strided` op among `ops` that gives `x` which has the elements
/// `offset + Σ idx·steps` of `x`, where it is one.
pub(crate) fn composed(
	ops: &[Op],
	x: &Value,
	dims: &[u32],
	offset: u64,
	steps: &[i64],
) -> Option<View> {
	let Origin::Op(i) = x.origin else { return None };
	let inner = ops.get(i)?;
	let source = inner.operands.first()?;
	if source.elements() == 1 && matches!(inner.kind, OpKind::Strided { .. }) {
		// One element repeated, in whatever order.
		let (source, dims, steps) = (source.clone(), dims.to_vec(), vec![0; dims.len()]);
		return Some(View { source, offset: 0, dims, steps });
	}
	compose(inner, dims, offset, steps).filter(|view| view.dims == dims)
}

/// Follows every output dimension along dimensions of the inner op's output, of which it may run over
/// several: it is split then. The positions along each of those stay inside it, so no step carries over
/// into another one.
pub(crate) fn compose(inner: &Op, dims: &[u32], offset: u64, steps: &[i64]) -> Option<View> {
	let OpKind::Strided { offset: inner_offset, strides: inner_steps } = inner.kind else {
		return None;
	};
	let flat = strides(&inner.dims);
	let mut rest = i64::try_from(offset).ok()?;
	let mut start = [0i64; MAX_RANK];
	for (place, &size) in start.iter_mut().zip(&flat) {
		(*place, rest) = (rest / size, rest % size);
	}
	let (mut low, mut high) = (start, start);
	let mut composed: Vec<(u32, i64)> = Vec::new();
	for (&dim, &step) in dims.iter().zip(steps) {
		if dim == 1 || step == 0 {
			composed.push((dim, 0));
			continue;
		}
		// From the innermost part of the dimension outwards.
		let (mut left, mut step, at) = (dim, step, composed.len());
		while left > 1 {
			let (j, wraps, part) = along(&inner.dims, &flat, left, step)?;
			let all = wraps * (i64::from(part) - 1);
			(low[j], high[j]) = (low[j] + all.min(0), high[j] + all.max(0));
			composed.insert(at, (part, wraps * inner_steps[j]));
			(left, step) = (left / part, step.checked_mul(part.into())?);
		}
	}
	let inside = |j: usize| low[j] >= 0 && high[j] < i64::from(inner.dims[j]);
	if !(0..flat.len()).all(inside) {
		return None;
	}
	let moved: i64 = start.iter().zip(&inner_steps).map(|(&at, &step)| at * step).sum();
	let offset = u64::try_from(i64::try_from(inner_offset).ok()? + moved).ok()?;
	let (dims, steps) = composed.into_iter().unzip();
	Some(View { source: inner.operands.first()?.clone(), offset, dims, steps })
}

/// The dimension of an output of `dims`, with steps `flat`, along which `count` steps of `step` elements
/// lead, the steps along it that each is, and how many of them it has: all, or a factor of `count` after
/// which the dimension before goes on.
fn along(dims: &[u32], flat: &[i64], count: u32, step: i64) -> Option<(usize, i64, u32)> {
	let wraps =
		|j: usize| (step % flat[j] == 0).then_some(step / flat[j]).filter(|&wraps| wraps != 0);
	let whole = |j: usize| {
		let all = wraps(j)?.abs().checked_mul(i64::from(count) - 1)?;
		(all < i64::from(dims[j])).then_some((j, wraps(j)?, count))
	};
	let factor = |j: usize| {
		let wraps = u32::try_from(wraps(j)?).ok()?;
		let part = dims[j] / wraps;
		let fits = part > 1 && dims[j].is_multiple_of(wraps) && count.is_multiple_of(part);
		fits.then_some((j, wraps.into(), part))
	};
	(0..dims.len()).find_map(whole).or_else(|| (0..dims.len()).find_map(factor))
}
