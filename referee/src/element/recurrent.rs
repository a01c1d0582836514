//! Steps of recurrent layers.

use super::{contract::dot, dim, view};
use crate::{
	arith::functions::{sigmoid, tanh},
	Arith, OpRecord, Reader,
};

/// One element of the next state `[2, batch, h]` of an LSTM.
pub(super) fn lstm_step<A: Arith, R: Reader>(
	op: &OpRecord,
	step: u32,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let (batch, hidden) = (dim(view(op, 2), 1), dim(view(op, 2), 2));
	let (wants_hidden, entry, unit) =
		(index / hidden / batch == 0, index / hidden % batch, index % hidden);
	let gates_at = (u64::from(step) * batch + entry) * 4 * hidden;
	// Input, output and forget gate, then the cell: the order of ONNX.
	let mut gate = |number: u64| {
		let row = number * hidden + unit;
		let own = A::f32_from_bits(reader.read(0, gates_at + row)? as u32);
		let recurrent = dot::<A, R>((2, entry * hidden), (1, row * hidden), hidden, reader)?;
		Ok(A::add32(own, recurrent))
	};
	let input = sigmoid::<A>(gate(0)?);
	let forget = sigmoid::<A>(gate(2)?);
	let new = tanh::<A>(gate(3)?);
	let output = if wants_hidden { Some(sigmoid::<A>(gate(1)?)) } else { None };
	let cell = A::f32_from_bits(reader.read(2, (batch + entry) * hidden + unit)? as u32);
	let cell = A::add32(A::mul32(forget, cell), A::mul32(input, new));
	let result = match output {
		Some(output) => A::mul32(output, tanh::<A>(cell)),
		None => cell,
	};
	Ok(A::f32_to_bits(result).into())
}
