//! Recurrent cells.

use super::{contract, map};
use crate::{
	arith::functions::{sigmoid, tanh},
	Arith, Cell, OpRecord, Reader,
};

/// Positions of the operands; the op's own output is the last.
const X: usize = 0;
const R: usize = 1;
const R_BIAS: usize = 2;
const H_0: usize = 3;
const C_0: usize = 4;

const ONE: u32 = 0x3f80_0000;

/// A place in an operand: its position, and an element.
type At = (usize, u64);

/// One element of one step: where it is, and a reader of what it needs.
struct Unit<'a, Src> {
	reader: &'a mut Src,
	/// Position of the operand that is the output itself.
	own: usize,
	cell: Cell,
	/// Sizes.
	batch: u64,
	hidden: u64,
	/// Coordinates.
	step: u64,
	row: u64,
	column: u64,
}

pub(super) fn recur<A: Arith, Src: Reader>(
	op: &OpRecord,
	cell: Cell,
	index: u64,
	reader: &mut Src,
) -> Result<u64, Src::Error> {
	let [step, part, row, column, ..] = op.shape.unravel(index);
	let (batch, hidden) = (super::dim(&op.shape, 2), super::dim(&op.shape, 3));
	let own = cell.operands() - 1;
	let mut unit = Unit { reader, own, cell, batch, hidden, step, row, column };
	let y = match (cell, part) {
		(Cell::Lstm, 0) => unit.lstm_cell::<A>()?,
		(Cell::Lstm, _) => unit.lstm_state::<A>()?,
		(Cell::Gru, 0) => unit.gru_reset::<A>()?,
		(Cell::Gru | Cell::GruResetAfter, _) => unit.gru_state::<A>()?,
		(Cell::RnnTanh, _) => tanh::<A>(unit.gate::<A>(0)?),
		(Cell::RnnRelu, _) => map::max32::<A>(unit.gate::<A>(0)?, A::f32_from_bits(0)),
	};
	Ok(A::f32_to_bits(y).into())
}

impl<Src: Reader> Unit<'_, Src> {
	fn read<A: Arith>(&mut self, (operand, element): At) -> Result<A::F32, Src::Error> {
		self.reader.read(operand, element).map(|bits| A::f32_from_bits(bits as u32))
	}

	/// Where this row of a part of step `step` starts in the output.
	fn output(&self, step: u64, part: u64) -> At {
		let parts = u64::from(self.cell.parts());
		(self.own, ((step * parts + part) * self.batch + self.row) * self.hidden)
	}

	/// Where this row of a part starts in the step before, or in what the first step starts from.
	fn before(&self, part: u64, initial: usize) -> At {
		match self.step.checked_sub(1) {
			Some(step) => self.output(step, part),
			None => (initial, self.row * self.hidden),
		}
	}

	/// Where this row of the state h before this step starts.
	fn state_before(&self) -> At {
		self.before(u64::from(self.cell.parts()) - 1, H_0)
	}

	/// The element of a row that has this element's column.
	fn own_column(&self, (operand, first): At) -> At {
		(operand, first + self.column)
	}

	/// What the step takes from outside for this element's row of a gate.
	fn input<A: Arith>(&mut self, gate: u64) -> Result<A::F32, Src::Error> {
		let rows = u64::from(self.cell.gates()) * self.hidden;
		let start = (self.step * self.batch + self.row) * rows;
		self.read::<A>((X, start + gate * self.hidden + self.column))
	}

	/// A row of state times this element's row of a gate's weights, plus its bias.
	fn product<A: Arith>(&mut self, state: At, gate: u64) -> Result<A::F32, Src::Error> {
		let row = gate * self.hidden + self.column;
		let weights = (R, row * self.hidden);
		let sum = contract::dot::<A, Src>(self.reader, state, weights, self.hidden)?;
		Ok(A::add32(sum, self.read::<A>((R_BIAS, row))?))
	}

	/// A gate before its function, with the product of `state`.
	fn gate_of<A: Arith>(&mut self, state: At, gate: u64) -> Result<A::F32, Src::Error> {
		let product = self.product::<A>(state, gate)?;
		Ok(A::add32(self.input::<A>(gate)?, product))
	}

	/// A gate before its function.
	fn gate<A: Arith>(&mut self, gate: u64) -> Result<A::F32, Src::Error> {
		self.gate_of::<A>(self.state_before(), gate)
	}

	/// C = σ(f) · c + σ(i) · tanh(g).
	fn lstm_cell<A: Arith>(&mut self) -> Result<A::F32, Src::Error> {
		let add = sigmoid::<A>(self.gate::<A>(0)?);
		let keep = sigmoid::<A>(self.gate::<A>(2)?);
		let new = tanh::<A>(self.gate::<A>(3)?);
		let old = self.read::<A>(self.own_column(self.before(0, C_0)))?;
		Ok(A::add32(A::mul32(keep, old), A::mul32(add, new)))
	}

	/// H = σ(o) · tanh(C).
	fn lstm_state<A: Arith>(&mut self) -> Result<A::F32, Src::Error> {
		let gate = sigmoid::<A>(self.gate::<A>(1)?);
		let cell = self.read::<A>(self.own_column(self.output(self.step, 0)))?;
		Ok(A::mul32(gate, tanh::<A>(cell)))
	}

	/// Q = σ(r) · h.
	fn gru_reset<A: Arith>(&mut self) -> Result<A::F32, Src::Error> {
		let reset = sigmoid::<A>(self.gate::<A>(1)?);
		let old = self.read::<A>(self.own_column(self.state_before()))?;
		Ok(A::mul32(reset, old))
	}

	/// H = (1 - σ(z)) · n + σ(z) · h.
	fn gru_state<A: Arith>(&mut self) -> Result<A::F32, Src::Error> {
		let keep = sigmoid::<A>(self.gate::<A>(0)?);
		let new = match self.cell {
			Cell::Gru => self.gate_of::<A>(self.output(self.step, 0), 2)?,
			_ => {
				let reset = sigmoid::<A>(self.gate::<A>(1)?);
				let product = self.product::<A>(self.state_before(), 2)?;
				A::add32(self.input::<A>(2)?, A::mul32(reset, product))
			},
		};
		let old = self.read::<A>(self.own_column(self.state_before()))?;
		let replace = A::sub32(A::f32_from_bits(ONE), keep);
		Ok(A::add32(A::mul32(replace, tanh::<A>(new)), A::mul32(keep, old)))
	}
}
