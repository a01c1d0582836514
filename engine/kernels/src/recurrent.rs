//! Steps of recurrent layers, from the kernels of their parts.

use crate::{
	contraction, elementwise, generic,
	view::{view, view_mut},
	Arg, Buffer, KernelConfig,
};
use assay_referee::{arith::NAN32, Bias, DType, OpKind, OpRecord, Operand, Shape, UnaryFn};

const F32: usize = 4;

/// Runs an `LstmStep`; false for operands that are not aligned.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	match op.kind {
		OpKind::LstmStep { step } => lstm_step(op, step, operands, out, cfg).is_some(),
		_ => false,
	}
}

fn operand(dims: &[u32]) -> Option<Operand> {
	Some(Operand::input(0, DType::F32, Shape::new(dims).ok()?))
}

/// A function of every element.
fn map(function: UnaryFn, x: &[u8], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	let x_operand = operand(&[u32::try_from(x.len() / F32).ok()?])?;
	let shape = x_operand.shape;
	let op = OpRecord::new(OpKind::Unary(function), DType::F32, shape, [x_operand]);
	if !elementwise::run(&op, &[x], out, cfg) {
		generic::run(&op, &[x], out, cfg);
	}
	Some(())
}

fn lstm_step(
	op: &OpRecord,
	step: u32,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let (&[gates, weights, state], &[_, batch, hidden]) = (operands, op.shape.dims()) else {
		return None;
	};
	let (rows, entries, units) = (4 * hidden, batch as usize, hidden as usize);
	let before = state.get(..entries * units * F32)?;
	let at = step as usize * entries * 4 * units;
	let gates = view::<f32>(gates)?.get(at..at + entries * 4 * units)?;
	let cells = view::<f32>(state)?.get(entries * units..)?;
	let (out_hidden, out_cells) = out.split_at_mut(entries * units * F32);

	let shape = Shape::new(&[1, batch, rows]).ok()?;
	let parts = [operand(&[1, batch, hidden])?, operand(&[1, rows, hidden])?];
	let product = OpRecord::new(OpKind::MatMul { bias: Bias::None }, DType::F32, shape, parts);
	let mut sums = Buffer::new(entries * 4 * units * F32);
	if !contraction::run(&product, &[Arg::Bytes(before), Arg::Bytes(weights)], &mut sums, cfg) {
		generic::run(&product, &[before, weights], &mut sums, cfg);
	}
	for (sum, &gate) in view_mut::<f32>(&mut sums)?.iter_mut().zip(gates) {
		*sum = canonical(gate + *sum);
	}
	let mut outputs = Buffer::new(entries * units * F32);
	let mut values = Buffer::new(4 * units * F32);
	let next_cells = view_mut::<f32>(out_cells)?;
	for entry in 0..entries {
		let row = &sums[entry * 4 * units * F32..][..4 * units * F32];
		let (three, new) = row.split_at(3 * units * F32);
		let (sigmoids, tanhs) = values.split_at_mut(3 * units * F32);
		map(UnaryFn::Sigmoid, three, sigmoids, cfg)?;
		map(UnaryFn::Tanh, new, tanhs, cfg)?;
		let values = view::<f32>(&values)?;
		let span = entry * units..(entry + 1) * units;
		let pairs = next_cells[span.clone()].iter_mut().zip(&cells[span.clone()]);
		for (j, (next, &cell)) in pairs.enumerate() {
			let (input, forget, new) = (values[j], values[2 * units + j], values[3 * units + j]);
			*next = canonical(forget * cell + input * new);
		}
		view_mut::<f32>(&mut outputs)?[span].copy_from_slice(&values[units..2 * units]);
	}
	let mut shown = Buffer::new(entries * units * F32);
	map(UnaryFn::Tanh, out_cells, &mut shown, cfg)?;
	let parts = view::<f32>(&outputs)?.iter().zip(view::<f32>(&shown)?);
	for (next, (&output, &shown)) in view_mut::<f32>(out_hidden)?.iter_mut().zip(parts) {
		*next = canonical(output * shown);
	}
	Some(())
}

/// The stored form of a result: one NaN.
fn canonical(x: f32) -> f32 {
	if x.is_nan() {
		f32::from_bits(NAN32)
	} else {
		x
	}
}
