//! A direction of a recurrent node as one `Recur` op for all its steps.

use assay_referee::{Bias, Cell, DType, OpKind, MAX_TERMS};

use super::{Activation, Kind, Net};
use crate::{dims, error::Result, ir::Value, lower::Cx};

/// What one direction gives.
pub(super) struct Run {
	/// `[steps, 1, batch, hidden]`: the state after every step, where it is wanted.
	pub(super) all: Option<Value>,
	/// `[1, batch, hidden]`: the states at the end.
	pub(super) h: Value,
	pub(super) c: Value,
}

impl Net {
	/// The state `[batch, hidden]` that direction `d` starts from.
	pub(super) fn initial(
		&self,
		cx: &mut Cx<'_, '_>,
		given: &Option<Value>,
		d: u32,
	) -> Result<Value> {
		let (batch, hidden) = (self.x.dims[1], self.hidden);
		match given {
			Some(given) => cx.b.part(given, 0, d, 1)?.view([batch, hidden]),
			None => cx.b.expand(&Value::scalar_f32(0.0), vec![batch, hidden]),
		}
	}

	/// The cell that direction `d` is; `None` when it has to be written out step by step: with
	/// peepholes, clipping, coupled gates, other activations or lengths that depend on the input, or more hidden
	/// units than one element may sum over.
	pub(super) fn cell(&self, d: u32) -> Option<Cell> {
		let count = self.kind.activations().len();
		let activations = self.activations.get(d as usize * count..)?.get(..count)?;
		let usual = activations.iter().eq(self.kind.activations());
		let fits = u64::from(self.hidden) * u64::from(self.kind.gates()) <= MAX_TERMS;
		let plain = self.clip.is_none()
			&& !self.coupled
			&& self.peepholes.is_none()
			&& self.lengths.is_none();
		match self.kind {
			_ if !plain || !fits => None,
			Kind::Lstm => usual.then_some(Cell::Lstm),
			Kind::Gru if self.linear_before_reset => usual.then_some(Cell::GruResetAfter),
			Kind::Gru => usual.then_some(Cell::Gru),
			Kind::Rnn if usual => Some(Cell::RnnTanh),
			Kind::Rnn => activations.iter().eq(&[Activation::Relu]).then_some(Cell::RnnRelu),
		}
	}

	/// Runs direction `d`. Backwards is forwards on the sequence turned round, turned round again.
	pub(super) fn run_cell(&self, cx: &mut Cx<'_, '_>, d: u32, cell: Cell) -> Result<Run> {
		let &[steps, batch, inputs] = self.x.dims.as_slice() else { return Err(super::rank()) };
		let (hidden, rows) = (self.hidden, self.hidden * self.kind.gates());
		let backwards = self.backwards || d == 1;
		// Elements from one step to the next, and the first step's offset.
		let turn =
			|step: i64| if backwards { (step * i64::from(steps - 1), -step) } else { (0, step) };
		let (from, step) = turn(i64::from(batch) * i64::from(inputs));
		let by = [step, inputs.into(), 1];
		let x = cx.b.strided(&self.x, self.x.dims.clone(), from as u64, &by)?;
		let count = dims::from_list(&[i64::from(steps) * i64::from(batch)])?[0];
		let weights = cx.b.part(&self.weights, 0, d, 1)?;
		let (early, late) = match &self.bias {
			Some(both) => {
				let both = cx.b.part(both, 0, d, 1)?.view([2 * rows])?;
				let early = cx.b.part(&both, 0, 0, rows)?;
				(Some((Bias::Column, early)), cx.b.part(&both, 0, rows, rows)?)
			},
			None => (None, cx.b.expand(&Value::scalar_f32(0.0), vec![rows])?),
		};
		let x = cx.b.matmul(x.view([1, count, inputs])?, weights, early, 1)?;
		let recurrent = cx.b.part(&self.recurrent, 0, d, 1)?.view([rows, hidden])?;
		let x = x.view([steps, batch, rows])?;
		let mut operands = vec![x, recurrent, late, self.initial(cx, &self.initial_h, d)?];
		if cell == Cell::Lstm {
			operands.push(self.initial(cx, &self.initial_c, d)?);
		}
		let parts = cell.parts();
		let dims = vec![steps, parts, batch, hidden];
		let y = cx.b.push(OpKind::Recur { cell }, DType::F32, dims, operands)?;
		let part = u64::from(batch) * u64::from(hidden);
		let (from, step) = turn((u64::from(parts) * part) as i64);
		let state = u64::from(parts - 1) * part;
		let by = [step, part as i64, hidden.into(), 1];
		let all = if cx.wants(0) {
			let dims = vec![steps, 1, batch, hidden];
			Some(cx.b.strided(&y, dims, from as u64 + state, &by)?)
		} else {
			None
		};
		let last = u64::from(steps - 1) * u64::from(parts) * part;
		let mut at_end = |offset| {
			cx.b.strided(&y, vec![1, batch, hidden], offset, &[part as i64, hidden.into(), 1])
		};
		Ok(Run { all, h: at_end(last + state)?, c: at_end(last)? })
	}
}
