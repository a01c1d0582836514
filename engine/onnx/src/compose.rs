//! A view of a view is one view.

use assay_referee::{OpKind, MAX_RANK};

use crate::build::{Builder, Op};
use crate::value::{strides, Origin, Value};

/// What a `Strided` op reads: its operand, offset and one step per output dimension.
pub(crate) struct View {
	pub(crate) source: Value,
	pub(crate) offset: u64,
	pub(crate) steps: Vec<i64>,
}

impl Builder {
	/// The view of the operand of the `Strided` op that gives `x` which has the elements
	/// `offset + Σ idx·steps` of `x`, where it is one.
	pub(crate) fn composed(
		&self,
		x: &Value,
		dims: &[u32],
		offset: u64,
		steps: &[i64],
	) -> Option<View> {
		let Origin::Op(i) = x.origin else { return None };
		let inner = self.ops.get(i)?;
		let source = inner.operands.first()?;
		if source.elements() == 1 && matches!(inner.kind, OpKind::Strided { .. }) {
			// One element repeated, in whatever order.
			let (source, offset, steps) = (source.clone(), 0, vec![0; dims.len()]);
			return Some(View { source, offset, steps });
		}
		compose(inner, dims, offset, steps)
	}
}

/// Follows every output dimension along one dimension of the inner op's output. The positions along
/// each of those stay inside it, so no step carries over into another one.
fn compose(inner: &Op, dims: &[u32], offset: u64, steps: &[i64]) -> Option<View> {
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
	let mut composed = Vec::new();
	for (&dim, &step) in dims.iter().zip(steps) {
		if dim == 1 || step == 0 {
			composed.push(0);
			continue;
		}
		let reach = i64::from(dim) - 1;
		let fits = |&j: &usize| {
			let (turns, odd) = (step / flat[j], step % flat[j]);
			odd == 0
				&& turns != 0
				&& turns.abs().checked_mul(reach).is_some_and(|all| all < i64::from(inner.dims[j]))
		};
		let j = (0..flat.len()).find(fits)?;
		let turns = step / flat[j];
		let all = turns * reach;
		(low[j], high[j]) = (low[j] + all.min(0), high[j] + all.max(0));
		composed.push(turns * inner_steps[j]);
	}
	let inside = |j: usize| low[j] >= 0 && high[j] < i64::from(inner.dims[j]);
	if !(0..flat.len()).all(inside) {
		return None;
	}
	let moved: i64 = start.iter().zip(&inner_steps).map(|(&at, &step)| at * step).sum();
	let offset = u64::try_from(i64::try_from(inner_offset).ok()? + moved).ok()?;
	Some(View { source: inner.operands.first()?.clone(), offset, steps: composed })
}
