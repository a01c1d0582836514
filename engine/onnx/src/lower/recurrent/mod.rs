//! `LSTM`, `GRU` and `RNN`: one op for all steps, or written out step by step.
//!
//! The inputs' part of the gates is one matrix product for all steps; every step adds the state's
//! part. As one op: (x·W + Wb) + (h·R + Rb). Written out: (x·W + (Wb + Rb)) + h·R.

mod activation;
mod op;

use activation::{activations, Activation};
use op::Run;

use assay_referee::{Bias, BinaryFn, DType, MAX_OPS};

use crate::{
	dims,
	error::{shown, Failure, Result},
	ir::Value,
	lower::{quantization::scales::bytes, Cx},
};

pub(crate) fn lstm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	Net::of(cx, Kind::Lstm).and_then(|net| net.run(cx))
}

/// `DynamicQuantizeLSTM`: the weights are 8-bit numbers. onnxruntime rounds the inputs and the states of every
/// step to 8 bits as well, which here they are not: the result differs by what that rounding loses.
pub(crate) fn quantized_lstm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let mut weights = |i: usize, parameters: usize| -> Result<Value> {
		let x = bytes(cx, i)?;
		let &[directions, _, rows] = x.dims.as_slice() else {
			return Err(Failure::invalid("its weights have not 3 dimensions"));
		};
		// One for every direction, or for every column of it.
		let along = |value: Value| match *value.dims.as_slice() {
			[n] if n == directions => value.view([n, 1, 1]),
			[n, columns] if n == directions && columns == rows => value.view([n, 1, columns]),
			_ => Err(Failure::invalid(format!("scales or zero points of shape {:?}", value.dims))),
		};
		let (scale, zero) =
			(along(cx.float_input(parameters)?)?, along(cx.input(parameters + 1)?)?);
		if zero.dtype != x.dtype {
			return Err(Failure::invalid("a zero point's type differs"));
		}
		let floats = [cx.b.cast(&x, DType::F32)?, cx.b.cast(&zero, DType::F32)?];
		let difference = cx.b.binary(BinaryFn::Sub, &floats[0], &floats[1])?;
		let weights = cx.b.binary(BinaryFn::Mul, &difference, &scale)?;
		cx.b.transpose(&weights, &[0, 2, 1])
	};
	let (weights, recurrent) = (weights(1, 8)?, weights(2, 10)?);
	Net::new(cx, Kind::Lstm, weights, recurrent).and_then(|net| net.run(cx))
}

pub(crate) fn gru(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	Net::of(cx, Kind::Gru).and_then(|net| net.run(cx))
}

pub(crate) fn rnn(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	Net::of(cx, Kind::Rnn).and_then(|net| net.run(cx))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
	Lstm,
	Gru,
	Rnn,
}

impl Kind {
	fn gates(self) -> u32 {
		match self {
			Kind::Lstm => 4,
			Kind::Gru => 3,
			Kind::Rnn => 1,
		}
	}

	fn activations(self) -> &'static [Activation] {
		match self {
			Kind::Lstm => &[Activation::Sigmoid, Activation::Tanh, Activation::Tanh],
			Kind::Gru => &[Activation::Sigmoid, Activation::Tanh],
			Kind::Rnn => &[Activation::Tanh],
		}
	}
}

/// A recurrent node with its sequence first: x is `[steps, batch, inputs]`.
struct Net {
	kind: Kind,
	x: Value,
	weights: Value,
	recurrent: Value,
	bias: Option<Value>,
	/// Steps of every entry of the batch.
	lengths: Option<Value>,
	initial_h: Option<Value>,
	initial_c: Option<Value>,
	peepholes: Option<Value>,
	hidden: u32,
	directions: u32,
	/// Whether the first direction runs from the end.
	backwards: bool,
	/// Three per direction at most.
	activations: Vec<Activation>,
	clip: Option<f32>,
	linear_before_reset: bool,
	/// LSTM whose forget gate is 1 − its input gate.
	coupled: bool,
	batch_first: bool,
}

fn rank() -> Failure {
	Failure::invalid("its input has not 3 dimensions")
}

/// What one direction works with.
struct Direction {
	/// `[steps, batch, gates·hidden]`: the inputs' part of the gates, biases included.
	gates: Value,
	/// `[1, gates·hidden, hidden]`.
	recurrent: Value,
	/// GRU with `linear_before_reset`: the bias `[hidden]` that joins the state's part.
	late_bias: Option<Value>,
	/// `[3, hidden]`, for input, output and forget gate.
	peepholes: Option<Value>,
	activations: Vec<Activation>,
}

impl Net {
	fn of(cx: &mut Cx<'_, '_>, kind: Kind) -> Result<Net> {
		let (weights, recurrent) = (cx.float_input(1)?, cx.float_input(2)?);
		Net::new(cx, kind, weights, recurrent)
	}

	fn new(cx: &mut Cx<'_, '_>, kind: Kind, weights: Value, recurrent: Value) -> Result<Net> {
		let x = cx.float_input(0)?;
		let batch_first = cx.flag("layout");
		let x = match (x.rank(), batch_first) {
			(3, false) => x,
			(3, true) => cx.b.transpose(&x, &[1, 0, 2])?,
			_ => return Err(rank()),
		};
		let (directions, backwards) = match cx.word("direction", "forward")? {
			"forward" => (1, false),
			"reverse" => (1, true),
			"bidirectional" => (2, false),
			other => return Err(Failure::invalid(format!("direction `{}`", shown(other)))),
		};
		let hidden = recurrent.dims.last().copied().unwrap_or(0);
		let rows = hidden.checked_mul(kind.gates()).unwrap_or(0);
		if cx.int("hidden_size", hidden.into()) != i64::from(hidden) {
			return Err(Failure::invalid(format!(
				"its hidden_size is not {hidden}, as its weights"
			)));
		}
		let fits = weights.dims == [directions, rows, x.dims[2]]
			&& recurrent.dims == [directions, rows, hidden]
			&& rows > 0
			&& !x.dims.contains(&0);
		if !fits {
			return Err(Failure::invalid(format!(
				"weights of shapes {:?} and {:?} do not fit an input of {:?}",
				weights.dims, recurrent.dims, x.dims
			)));
		}
		let clip = cx.has("clip").then(|| cx.float("clip", 0.0)).transpose()?;
		let mut net = Net {
			kind,
			weights,
			recurrent,
			bias: cx.optional(3),
			lengths: None,
			initial_h: None,
			initial_c: None,
			peepholes: None,
			hidden,
			directions,
			backwards,
			activations: activations(cx, kind, directions)?,
			clip: clip.filter(|&clip| clip > 0.0),
			linear_before_reset: kind == Kind::Gru && cx.flag("linear_before_reset"),
			coupled: kind == Kind::Lstm && cx.flag("input_forget"),
			batch_first,
			x,
		};
		net.operands(cx)?;
		Ok(net)
	}

	/// The optional operands, checked.
	fn operands(&mut self, cx: &mut Cx<'_, '_>) -> Result<()> {
		let (steps, batch, hidden) = (self.x.dims[0], self.x.dims[1], self.hidden);
		let rows = hidden * self.kind.gates();
		let fits = |value: &Option<Value>, dims: &[u32]| {
			value.as_ref().is_none_or(|value| value.dims == dims && value.dtype == DType::F32)
		};
		let turn = |cx: &mut Cx<'_, '_>, value: Option<Value>| match value {
			Some(value) if self.batch_first && value.rank() == 3 => {
				cx.b.transpose(&value, &[1, 0, 2]).map(Some)
			},
			other => Ok(other),
		};
		self.initial_h = turn(cx, cx.optional(5))?;
		if self.kind == Kind::Lstm {
			self.initial_c = turn(cx, cx.optional(6))?;
			self.peepholes = cx.optional(7);
		}
		let state = [self.directions, batch, hidden];
		let good = fits(&self.bias, &[self.directions, rows * 2])
			&& fits(&self.initial_h, &state)
			&& fits(&self.initial_c, &state)
			&& fits(&self.peepholes, &[self.directions, hidden * 3]);
		if !good {
			return Err(Failure::invalid("its biases, initial state or peepholes do not fit"));
		}
		if let Some(lengths) = cx.optional(4) {
			if lengths.dims != [batch] || !lengths.dtype.is_integer() {
				return Err(Failure::invalid("sequence_lens does not fit its input"));
			}
			let full = lengths
				.whole_numbers()
				.is_some_and(|list| list.iter().all(|&length| length >= i64::from(steps)));
			self.lengths = (!full).then_some(lengths);
		}
		Ok(())
	}

	fn run(&self, cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
		let (mut outputs, mut last_h, mut last_c) = (Vec::new(), Vec::new(), Vec::new());
		for d in 0..self.directions {
			let run = match self.cell(d) {
				Some(cell) => self.run_cell(cx, d, cell)?,
				None => self.write_out(cx, d)?,
			};
			outputs.extend(run.all);
			last_h.push(run.h);
			last_c.push(run.c);
		}
		let mut values = Vec::new();
		let order = if self.batch_first { [2, 0, 1, 3] } else { [0, 1, 2, 3] };
		values.push(if cx.wants(0) {
			let joined = cx.b.concat(&outputs, 1)?;
			cx.b.transpose(&joined, &order)?
		} else {
			last_h[0].clone()
		});
		for (i, last) in [(1, last_h), (2, last_c)] {
			if i == 2 && self.kind != Kind::Lstm {
				continue;
			}
			values.push(if cx.wants(i) {
				let joined = cx.b.concat(&last, 0)?;
				let order = if self.batch_first { [1, 0, 2] } else { [0, 1, 2] };
				cx.b.transpose(&joined, &order)?
			} else {
				last[0].clone()
			});
		}
		Ok(values)
	}

	/// One direction step by step.
	fn write_out(&self, cx: &mut Cx<'_, '_>, d: u32) -> Result<Run> {
		let (steps, batch, hidden) = (self.x.dims[0], self.x.dims[1], self.hidden);
		let direction = self.direction(cx, d)?;
		let (rows, h, c) = self.steps(cx, d, &direction)?;
		let all = if cx.wants(0) {
			let rows =
				rows.iter().map(|row| row.view([1, batch, hidden])).collect::<Result<Vec<_>>>()?;
			Some(cx.b.concat(&rows, 0)?.view([steps, 1, batch, hidden])?)
		} else {
			None
		};
		Ok(Run { all, h: h.view([1, batch, hidden])?, c: c.view([1, batch, hidden])? })
	}

	/// Prepares one direction: the inputs' part of the gates for all steps.
	fn direction(&self, cx: &mut Cx<'_, '_>, d: u32) -> Result<Direction> {
		let (steps, batch, inputs) = (self.x.dims[0], self.x.dims[1], self.x.dims[2]);
		let rows = self.hidden * self.kind.gates();
		let weights = cx.b.part(&self.weights, 0, d, 1)?;
		let recurrent = cx.b.part(&self.recurrent, 0, d, 1)?;
		let (mut bias, mut late_bias) = (None, None);
		if let Some(both) = &self.bias {
			let both = cx.b.part(both, 0, d, 1)?.view([2 * rows])?;
			let early = cx.b.part(&both, 0, 0, rows)?;
			let late = cx.b.part(&both, 0, rows, rows)?;
			bias = Some(if self.linear_before_reset {
				// The state's bias of the last gate is multiplied by the reset gate.
				let gates = 2 * self.hidden;
				let (a, b) = (cx.b.part(&early, 0, 0, gates)?, cx.b.part(&late, 0, 0, gates)?);
				let sum = cx.b.binary(BinaryFn::Add, &a, &b)?;
				let own = cx.b.part(&early, 0, gates, self.hidden)?;
				late_bias = Some(cx.b.part(&late, 0, gates, self.hidden)?);
				cx.b.concat(&[sum, own], 0)?
			} else {
				cx.b.binary(BinaryFn::Add, &early, &late)?
			});
		}
		let x = self.x.view([
			1,
			dims::from_list(&[i64::from(steps) * i64::from(batch)])?[0],
			inputs,
		])?;
		let bias = bias.map(|bias| (Bias::Column, bias));
		let gates = cx.b.matmul(x, weights, bias, 1)?.view([steps, batch, rows])?;
		let peepholes = match &self.peepholes {
			Some(all) => Some(cx.b.part(all, 0, d, 1)?.view([3, self.hidden])?),
			None => None,
		};
		let count = self.kind.activations().len();
		let activations = self.activations[d as usize * count..][..count].to_vec();
		Ok(Direction { gates, recurrent, late_bias, peepholes, activations })
	}

	/// Runs one direction; gives the state after every step in the order of the sequence, and the
	/// last state.
	fn steps(
		&self,
		cx: &mut Cx<'_, '_>,
		d: u32,
		direction: &Direction,
	) -> Result<(Vec<Value>, Value, Value)> {
		let (steps, batch) = (self.x.dims[0], self.x.dims[1]);
		let mut h = self.initial(cx, &self.initial_h, d)?;
		let mut c = self.initial(cx, &self.initial_c, d)?;
		let mut rows = Vec::new();
		let backwards = self.backwards || d == 1;
		let before = cx.b.ops.len();
		for step in 0..steps {
			let step = if backwards { steps - 1 - step } else { step };
			let gates =
				cx.b.part(&direction.gates, 0, step, 1)?.view([batch, direction.gates.dims[2]])?;
			let (next_h, next_c) = match self.kind {
				Kind::Lstm => self.lstm(cx, direction, &gates, &h, &c)?,
				Kind::Gru => (self.gru(cx, direction, &gates, &h)?, c.clone()),
				Kind::Rnn => (self.rnn(cx, direction, &gates, &h)?, c.clone()),
			};
			rows.push(match &self.lengths {
				None => {
					(h, c) = (next_h, next_c);
					h.clone()
				},
				Some(lengths) => {
					let at = Value::scalar(lengths.dtype, step.into());
					let inside = cx.b.binary(BinaryFn::Less, &at, lengths)?.view([batch, 1])?;
					h = cx.b.select(&inside, &next_h, &h)?;
					if self.kind == Kind::Lstm {
						c = cx.b.select(&inside, &next_c, &c)?;
					}
					cx.b.select(&inside, &next_h, &Value::scalar_f32(0.0))?
				},
			});
			if rows.len() == 1 {
				self.check_length(cx.b.ops.len() - before)?;
			}
		}
		if backwards {
			rows.reverse();
		}
		Ok((rows, h, c))
	}

	/// Refuses sequences whose steps alone are more ops than a program may have.
	fn check_length(&self, per_step: usize) -> Result<()> {
		let each = per_step * self.directions as usize;
		let room = MAX_OPS as usize - MAX_OPS as usize / 12;
		let fit = room / each.max(1);
		if self.x.dims[0] as usize <= fit {
			Ok(())
		} else {
			Err(Failure::too_large(format!(
				"its {} steps of {each} ops exceed the {MAX_OPS} ops of a program",
				self.x.dims[0]
			))
			.help(format!("compile the model for sequences of at most {fit} steps")))
		}
	}

	/// h·R for one step, as `[batch, rows]`.
	fn recur(
		&self,
		cx: &mut Cx<'_, '_>,
		h: &Value,
		weights: &Value,
		bias: Option<Value>,
	) -> Result<Value> {
		let (batch, rows) = (h.dims[0], weights.dims[1]);
		let bias = bias.map(|bias| (Bias::Column, bias));
		let h = h.view([1, batch, self.hidden])?;
		cx.b.matmul(h, weights.clone(), bias, 1)?.view([batch, rows])
	}

	fn activate(&self, cx: &mut Cx<'_, '_>, x: &Value, activation: Activation) -> Result<Value> {
		let mut x = x.clone();
		if let Some(clip) = self.clip {
			x = cx.b.binary_scalar(BinaryFn::Min, &x, clip)?;
			x = cx.b.binary_scalar(BinaryFn::Max, &x, -clip)?;
		}
		activation.apply(cx, &x)
	}

	/// c' = f∘c + i∘g; h' = o∘act(c').
	fn lstm(
		&self,
		cx: &mut Cx<'_, '_>,
		direction: &Direction,
		gates: &Value,
		h: &Value,
		c: &Value,
	) -> Result<(Value, Value)> {
		let n = self.hidden;
		let recurrent = self.recur(cx, h, &direction.recurrent, None)?;
		let gates = cx.b.binary(BinaryFn::Add, gates, &recurrent)?;
		let (f, g, out) =
			(direction.activations[0], direction.activations[1], direction.activations[2]);
		let gate = |cx: &mut Cx<'_, '_>, i: u32, c: &Value| -> Result<Value> {
			let mut gate = cx.b.part(&gates, 1, i * n, n)?;
			if let Some(peepholes) = &direction.peepholes {
				let row = cx.b.part(peepholes, 0, i, 1)?;
				let seen = cx.b.binary(BinaryFn::Mul, &row, c)?;
				gate = cx.b.binary(BinaryFn::Add, &gate, &seen)?;
			}
			self.activate(cx, &gate, f)
		};
		// Without peepholes three gates are one call of the function.
		let joint = match direction.peepholes {
			None => {
				let three = cx.b.part(&gates, 1, 0, 3 * n)?;
				Some(self.activate(cx, &three, f)?)
			},
			Some(_) => None,
		};
		let take = |cx: &mut Cx<'_, '_>, i: u32, c: &Value| match &joint {
			Some(three) => cx.b.part(three, 1, i * n, n),
			None => gate(cx, i, c),
		};
		let input = take(cx, 0, c)?;
		let forget = if self.coupled {
			cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), &input)?
		} else {
			take(cx, 2, c)?
		};
		let new = cx.b.part(&gates, 1, 3 * n, n)?;
		let new = self.activate(cx, &new, g)?;
		let kept = cx.b.binary(BinaryFn::Mul, &forget, c)?;
		let added = cx.b.binary(BinaryFn::Mul, &input, &new)?;
		let c = cx.b.binary(BinaryFn::Add, &kept, &added)?;
		let output = take(cx, 1, &c)?;
		let shown = out.apply(cx, &c)?;
		let h = cx.b.binary(BinaryFn::Mul, &output, &shown)?;
		Ok((h, c))
	}

	/// h' = (1 − z)∘n + z∘h.
	fn gru(
		&self,
		cx: &mut Cx<'_, '_>,
		direction: &Direction,
		gates: &Value,
		h: &Value,
	) -> Result<Value> {
		let n = self.hidden;
		let (f, g) = (direction.activations[0], direction.activations[1]);
		let two = cx.b.part(&direction.recurrent, 1, 0, 2 * n)?;
		let last = cx.b.part(&direction.recurrent, 1, 2 * n, n)?;
		let recurrent = self.recur(cx, h, &two, None)?;
		let first = cx.b.part(gates, 1, 0, 2 * n)?;
		let both = cx.b.binary(BinaryFn::Add, &first, &recurrent)?;
		let both = self.activate(cx, &both, f)?;
		let (update, reset) = (cx.b.part(&both, 1, 0, n)?, cx.b.part(&both, 1, n, n)?);
		let seen = if self.linear_before_reset {
			let seen = self.recur(cx, h, &last, direction.late_bias.clone())?;
			cx.b.binary(BinaryFn::Mul, &reset, &seen)?
		} else {
			let kept = cx.b.binary(BinaryFn::Mul, &reset, h)?;
			self.recur(cx, &kept, &last, None)?
		};
		let own = cx.b.part(gates, 1, 2 * n, n)?;
		let new = cx.b.binary(BinaryFn::Add, &own, &seen)?;
		let new = self.activate(cx, &new, g)?;
		let rest = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), &update)?;
		let new = cx.b.binary(BinaryFn::Mul, &rest, &new)?;
		let old = cx.b.binary(BinaryFn::Mul, &update, h)?;
		cx.b.binary(BinaryFn::Add, &new, &old)
	}

	fn rnn(
		&self,
		cx: &mut Cx<'_, '_>,
		direction: &Direction,
		gates: &Value,
		h: &Value,
	) -> Result<Value> {
		let recurrent = self.recur(cx, h, &direction.recurrent, None)?;
		let sum = cx.b.binary(BinaryFn::Add, gates, &recurrent)?;
		self.activate(cx, &sum, direction.activations[0])
	}
}
