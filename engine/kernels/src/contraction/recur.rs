//! Recurrences: for every step a matrix product with the state, and functions of its result.

use crate::{
	contraction::gemm::{self, BiasRef, Lhs, Matrix, PackedRhs, Problem, Rhs},
	cpu::{dispatch, simd::canonical, view, view_mut, Buffer, Environment, Kernel},
	Hard, Isa, KernelConfig,
};
use assay_referee::{
	arith::functions::{sigmoid, tanh},
	decode_value, element, encode_value, Cell, OpKind, OpRecord, OutOfRange, Reader, TensorReader,
};

/// Multiply-adds from which on a step's product is shared among threads; a smaller one is done by the
/// time another thread has woken up, and there is one for every step.
const PARALLEL_WORK: usize = 1 << 20;

/// Recurrent weights rearranged for the matrix products, by the vector that they are multiplied
/// with.
#[derive(Debug)]
pub(crate) struct Weights {
	/// The gates that take the state.
	state: PackedRhs,
	/// The gate of a [`Cell::Gru`] that takes the state after its reset.
	reset: Option<PackedRhs>,
}

/// How many of a cell's gates, from the first on, take the state itself.
fn gates_of_state(cell: Cell) -> usize {
	let gates = cell.gates() as usize;
	if cell == Cell::Gru {
		gates - 1
	} else {
		gates
	}
}

impl Weights {
	fn new(cell: Cell, hidden: usize, data: &[f32], isa: Isa) -> Weights {
		let pack = |rows: &[f32]| {
			PackedRhs::new(Matrix::single(rows, hidden), 1, rows.len() / hidden, hidden, isa)
		};
		let (state, reset) = data.split_at(gates_of_state(cell) * hidden * hidden);
		Weights { state: pack(state), reset: (!reset.is_empty()).then(|| pack(reset)) }
	}
}

/// The recurrent weights of `op` rearranged; `None` for another operand or when the bytes are not
/// aligned.
pub(crate) fn prepare(op: &OpRecord, operand: usize, bytes: &[u8], isa: Isa) -> Option<Weights> {
	let OpKind::Recur { cell } = op.kind else { return None };
	let hidden = op.shape.last() as usize;
	let data = view::<f32>(bytes).filter(|_| operand == 1)?;
	let fits = data.len() == cell.gates() as usize * hidden * hidden;
	fits.then(|| Weights::new(cell, hidden, data, isa))
}

/// A recurrence to be computed.
pub(crate) struct Call<'a> {
	pub(crate) op: &'a OpRecord,
	pub(crate) cell: Cell,
	pub(crate) operands: &'a [&'a [u8]],
	pub(crate) prepared: Option<&'a Weights>,
	/// The first element to compute; the output holds what is before it.
	pub(crate) first: u64,
}

impl Call<'_> {
	/// Computes it into `out`. Elements of one part of one step do not depend on each other, and
	/// those after the first are computed or left as they are.
	pub(crate) fn run(&self, out: &mut [u8], cfg: &KernelConfig) {
		let _environment = Environment::enter();
		if self.fast(out, cfg).is_none() {
			self.slow(out);
		}
	}

	/// The element function, one element after another.
	fn slow(&self, out: &mut [u8]) {
		let (op, size) = (self.op, self.op.dtype.size() as usize);
		for index in self.first..op.shape.elements() {
			let mut reader = WithItself {
				operands: TensorReader::new(op, self.operands),
				own: self.operands.len() - 1,
				output: out,
				op,
			};
			let bits = element::<Hard, _>(op, index, &mut reader);
			debug_assert!(bits.is_ok(), "a checked record reads inside its operands");
			let place = &mut out[index as usize * size..(index as usize + 1) * size];
			let _ = encode_value(op.dtype, bits.unwrap_or(0), place);
		}
	}

	/// The kernel; `None` when the operands are not aligned for it.
	fn fast(&self, out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
		let cell = self.cell;
		let &[steps, parts, batch, hidden] = self.op.shape.dims() else { return None };
		let [steps, parts, batch, hidden] = [steps, parts, batch, hidden].map(|dim| dim as usize);
		let operand = |i: usize| view::<f32>(self.operands.get(i)?);
		let packed;
		let weights = match self.prepared.filter(|w| w.state.panel == gemm::panel_width(cfg.isa)) {
			Some(weights) => weights,
			None => {
				packed = Weights::new(cell, hidden, operand(1)?, cfg.isa);
				&packed
			},
		};
		let (x, bias, h0) = (operand(0)?, operand(2)?, operand(3)?);
		let c0 = if cell == Cell::Lstm { operand(4)? } else { &[] };
		let recurrence = Recurrence { cell, batch, hidden, x, weights, bias, h0, c0, cfg };
		let out = view_mut::<f32>(out)?;
		let size = batch * hidden;
		let mut space = Buffer::zeroed(cell.gates() as usize * size);
		// The part after the one that holds the element before `first`, or the first one.
		let mut part = (self.first as usize).div_ceil(size);
		while part < steps * parts {
			let step = part / parts;
			let (past, now) = out.split_at_mut(step * parts * size);
			recurrence.step(step, part % parts, past, now, space.floats_mut());
			part = (step + 1) * parts;
		}
		Some(())
	}
}

/// Reads operands, and the output as far as it is known.
struct WithItself<'a> {
	operands: TensorReader<'a>,
	own: usize,
	output: &'a [u8],
	op: &'a OpRecord,
}

impl Reader for WithItself<'_> {
	type Error = OutOfRange;

	fn read(&mut self, operand: usize, element: u64) -> Result<u64, OutOfRange> {
		if operand != self.own {
			return self.operands.read(operand, element);
		}
		let start = element as usize * self.op.dtype.size() as usize;
		let tail = self.output.get(start..).ok_or(OutOfRange)?;
		decode_value(self.op.dtype, tail).ok_or(OutOfRange)
	}
}

/// A recurrence's operands.
struct Recurrence<'a> {
	cell: Cell,
	batch: usize,
	hidden: usize,
	/// `[steps, batch, gates * hidden]`.
	x: &'a [f32],
	weights: &'a Weights,
	bias: &'a [f32],
	h0: &'a [f32],
	c0: &'a [f32],
	cfg: &'a KernelConfig,
}

impl Recurrence<'_> {
	/// Computes the parts of one step from `first_part` on. `past` is the output before the step,
	/// `now` begins with the step's, `space` has room for every gate.
	fn step(
		&self,
		step: usize,
		first_part: usize,
		past: &[f32],
		now: &mut [f32],
		space: &mut [f32],
	) {
		let (cell, size) = (self.cell, self.batch * self.hidden);
		let (gates, parts) = (cell.gates() as usize, cell.parts() as usize);
		let before = |part: usize, initial| match past.len().checked_sub(parts * size) {
			Some(start) => &past[start + part * size..][..size],
			None => initial,
		};
		let h = before(parts - 1, self.h0);
		let old = if cell == Cell::Lstm { before(0, self.c0) } else { h };
		let of_state = gates_of_state(cell);
		let (state_bias, reset_bias) = self.bias.split_at(of_state * self.hidden);
		let (gated, reset) = space.split_at_mut(of_state * size);
		self.product(h, &self.weights.state, state_bias, gated);
		for part in first_part..parts {
			let (done, out) = now[..(part + 1) * size].split_at_mut(part * size);
			if let (1, Some(weights)) = (part, &self.weights.reset) {
				self.product(done, weights, reset_bias, reset);
			}
			let x = &self.x[step * gates * size..][..gates * size];
			let rows = Rows { cell, part, hidden: self.hidden, x, gated, reset, old, done, out };
			dispatch(self.cfg.isa, rows);
		}
	}

	/// `out[b] = state[b] * weightsᵀ + bias` for every row of the batch.
	fn product(&self, state: &[f32], weights: &PackedRhs, bias: &[f32], out: &mut [f32]) {
		let problem = Problem {
			batch: 1,
			m: self.batch,
			n: bias.len(),
			k: self.hidden,
			lhs: Lhs::Rows(Matrix::single(state, self.hidden)),
			lhs_batches: 1,
			rhs: Rhs::Packed(weights),
			rhs_batches: 1,
			entry: bias.len(),
			bias: BiasRef::Column(bias),
		};
		let work = problem.m * problem.n * problem.k;
		let threads = if work < PARALLEL_WORK { 1 } else { self.cfg.threads };
		gemm::run(&problem, out, threads, self.cfg.isa);
	}
}

/// One part of one step, for every row of the batch.
struct Rows<'a> {
	cell: Cell,
	part: usize,
	hidden: usize,
	/// What the step takes from outside, `[batch, gates, hidden]`.
	x: &'a [f32],
	/// Products with the state, `[batch, gates, hidden]`; gates once applied.
	gated: &'a mut [f32],
	/// Products with the state after its reset, `[batch, hidden]`; empty where there are none.
	reset: &'a [f32],
	/// An LSTM's c before the step, else h.
	old: &'a [f32],
	/// The part before this one; empty for the first.
	done: &'a [f32],
	out: &'a mut [f32],
}

impl Kernel for Rows<'_> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let n = self.hidden;
		let (gates, of_state) = (self.cell.gates() as usize, gates_of_state(self.cell));
		for (row, out) in self.out.chunks_exact_mut(n).enumerate() {
			let x = &self.x[row * gates * n..][..gates * n];
			let z = &mut self.gated[row * of_state * n..][..of_state * n];
			let old = &self.old[row * n..][..n];
			let part = row * n..(row + 1) * n;
			let done = self.done.get(part.clone()).unwrap_or(&[]);
			match (self.cell, self.part) {
				(Cell::Lstm, 0) => lstm_cell(x, z, old, out),
				(Cell::Lstm, _) => lstm_state(x, z, done, out),
				(Cell::Gru, 0) => gru_reset(x, z, old, out),
				(Cell::Gru, _) => {
					let reset = self.reset.get(part).unwrap_or(&[]);
					gru_state(&x[2 * n..], reset, gate(x, z, 0, n, sigmoid::<Hard>), old, out);
				},
				(Cell::GruResetAfter, _) => reset_after(x, z, old, out),
				(Cell::RnnTanh, _) => {
					out.copy_from_slice(gate(x, z, 0, n, |x| canonical(tanh::<Hard>(x))));
				},
				(Cell::RnnRelu, _) => out.copy_from_slice(gate(x, z, 0, n, relu)),
			}
		}
	}
}

#[inline(always)]
fn relu(x: f32) -> f32 {
	if x > 0.0 || x.is_nan() {
		canonical(x)
	} else {
		0.0
	}
}

/// Applies gate `index`: its row of `z` becomes `function(x + z)`.
#[inline(always)]
fn gate<'z>(
	x: &[f32],
	z: &'z mut [f32],
	index: usize,
	n: usize,
	function: impl Fn(f32) -> f32,
) -> &'z [f32] {
	let z = &mut z[index * n..][..n];
	for (z, &x) in z.iter_mut().zip(&x[index * n..][..n]) {
		*z = function(x + *z);
	}
	z
}

#[inline(always)]
fn lstm_cell(x: &[f32], z: &mut [f32], old: &[f32], out: &mut [f32]) {
	let n = out.len();
	gate(x, z, 0, n, sigmoid::<Hard>);
	gate(x, z, 2, n, sigmoid::<Hard>);
	gate(x, z, 3, n, tanh::<Hard>);
	let (add, keep, new) = (&z[..n], &z[2 * n..][..n], &z[3 * n..][..n]);
	for (j, out) in out.iter_mut().enumerate() {
		*out = canonical(keep[j] * old[j] + add[j] * new[j]);
	}
}

#[inline(always)]
fn lstm_state(x: &[f32], z: &mut [f32], cell: &[f32], out: &mut [f32]) {
	let open = gate(x, z, 1, out.len(), sigmoid::<Hard>);
	for ((out, &open), &cell) in out.iter_mut().zip(open).zip(cell) {
		*out = canonical(open * tanh::<Hard>(cell));
	}
}

#[inline(always)]
fn gru_reset(x: &[f32], z: &mut [f32], old: &[f32], out: &mut [f32]) {
	let reset = gate(x, z, 1, out.len(), sigmoid::<Hard>);
	for ((out, &reset), &old) in out.iter_mut().zip(reset).zip(old) {
		*out = canonical(reset * old);
	}
}

/// `out = (1 - keep) * tanh(x + product) + keep * old`.
#[inline(always)]
fn gru_state(x: &[f32], product: &[f32], keep: &[f32], old: &[f32], out: &mut [f32]) {
	let n = out.len();
	let (x, product, keep, old) = (&x[..n], &product[..n], &keep[..n], &old[..n]);
	for (j, out) in out.iter_mut().enumerate() {
		let new = tanh::<Hard>(x[j] + product[j]);
		*out = canonical((1.0 - keep[j]) * new + keep[j] * old[j]);
	}
}

#[inline(always)]
fn reset_after(x: &[f32], z: &mut [f32], old: &[f32], out: &mut [f32]) {
	let n = out.len();
	gate(x, z, 0, n, sigmoid::<Hard>);
	gate(x, z, 1, n, sigmoid::<Hard>);
	let (gates, product) = z.split_at_mut(2 * n);
	let (keep, reset) = gates.split_at(n);
	for (product, &reset) in product.iter_mut().zip(reset) {
		*product *= reset;
	}
	gru_state(&x[2 * n..], product, keep, old, out);
}
