//! Long LSTMs: one op per step.

use assay_referee::{BinaryFn, DType, OpKind};

use super::super::Cx;
use super::{Direction, Kind, Net};
use crate::error::Result;
use crate::value::Value;

/// Most steps of an LSTM that are written out in their parts.
const SHORT: u32 = 16;

impl Net {
	/// Whether every step is one op.
	pub(super) fn has_whole_steps(&self) -> bool {
		self.kind == Kind::Lstm
			&& self.x.dims[0] > SHORT
			&& self.clip.is_none()
			&& self.peepholes.is_none()
			&& self.activations.chunks(3).all(|names| names == Kind::Lstm.activations())
	}

	/// As [`Net::steps`], with one op per step; the states come as one value `[steps, batch, h]`,
	/// or not at all where nothing reads them.
	pub(super) fn whole_steps(
		&self,
		cx: &mut Cx<'_, '_>,
		d: u32,
		direction: &Direction,
	) -> Result<(Vec<Value>, Value, Value)> {
		let (steps, batch, hidden) = (self.x.dims[0], self.x.dims[1], self.hidden);
		let h = self.initial(cx, d, &self.initial_h)?.view([1, batch, hidden])?;
		let c = self.initial(cx, d, &self.initial_c)?.view([1, batch, hidden])?;
		let mut state = cx.b.concat(&[h, c], 0)?;
		let weights = direction.recurrent.view([4 * hidden, hidden])?;
		let mut rows = Vec::new();
		let backwards = self.backwards || d == 1;
		let before = cx.b.ops.len();
		for step in 0..steps {
			let step = if backwards { steps - 1 - step } else { step };
			let operands = vec![direction.gates.clone(), weights.clone(), state.clone()];
			let (kind, dims) = (OpKind::LstmStep { step }, vec![2, batch, hidden]);
			let next = cx.b.push(kind, DType::F32, dims, operands)?;
			let row = self.within_length(cx, step, next, &mut state)?;
			rows.push(row.view([1, 2, batch, hidden])?);
			if rows.len() == 1 {
				self.check_length(cx.b.ops.len() - before)?;
			}
		}
		if backwards {
			rows.reverse();
		}
		let h = cx.b.part(&state, 0, 0, 1)?.view([batch, hidden])?;
		let c = cx.b.part(&state, 0, 1, 1)?.view([batch, hidden])?;
		if !cx.wants(0) {
			return Ok((Vec::new(), h, c));
		}
		let joined = cx.b.concat(&rows, 0)?;
		let all = cx.b.part(&joined, 1, 0, 1)?.view([steps, batch, hidden])?;
		Ok((vec![all], h, c))
	}

	/// Takes the next state where the sequence goes on; gives what the step outputs.
	fn within_length(
		&self,
		cx: &mut Cx<'_, '_>,
		step: u32,
		next: Value,
		state: &mut Value,
	) -> Result<Value> {
		let Some(lengths) = &self.lengths else {
			state.clone_from(&next);
			return Ok(next);
		};
		let at = Value::scalar(lengths.dtype, step.into());
		let inside = cx.b.binary(BinaryFn::Less, &at, lengths)?.view([1, self.x.dims[1], 1])?;
		*state = cx.b.select(&inside, &next, state)?;
		cx.b.select(&inside, &next, &Value::scalar_f32(0.0))
	}
}
