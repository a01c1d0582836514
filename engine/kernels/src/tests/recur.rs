//! Recurrences: the kernel reads its own output, so the element function is run in order.

use super::{configs, expected, operand, shape, Random};
use crate::{execute, execute_with, prepare, resume, Arg, Buffer};
use assay_referee::{
	element, encode_value, Cell, DType, OpKind, OpRecord, Operand, Soft, TensorReader,
};
use proptest::prelude::*;

/// Elements from `first` on by the element function, each reading those before it.
pub(super) fn compute_from(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], first: usize) {
	for index in first..out.len() / 4 {
		let tensors = [operands, &[&out[..]]].concat();
		let bits = element::<Soft, _>(op, index as u64, &mut TensorReader::new(op, &tensors));
		encode_value(op.dtype, bits.unwrap(), &mut out[index * 4..]).unwrap();
	}
}

fn recurrence(cell: Cell, [steps, batch, hidden]: [u32; 3]) -> OpRecord {
	let rows = cell.gates() * hidden;
	let dims = [steps, cell.parts(), batch, hidden];
	let state: &[u32] = &[batch, hidden];
	let shapes: [&[u32]; 5] = [&[steps, batch, rows], &[rows, hidden], &[rows], state, state];
	let inputs = &shapes[..cell.operands() - 1];
	let mut operands: Vec<Operand> = inputs.iter().map(|dims| operand(DType::F32, dims)).collect();
	operands.push(Operand::op(0, DType::F32, shape(&dims)));
	let op = OpRecord::new(OpKind::Recur { cell }, DType::F32, shape(&dims), operands);
	op.validate().unwrap();
	op
}

/// Random operands, without the output itself. Weights are small enough that states stay within
/// the functions' curved parts.
fn tensors(op: &OpRecord, seed: u64, plain: bool) -> Vec<Buffer> {
	let mut random = Random(seed);
	let inputs = &op.operands[..op.operands.len() - 1];
	let mut tensors: Vec<Buffer> = inputs.iter().map(|x| random.tensor(x, plain)).collect();
	let scale = 1.0 / (op.shape.last() as f32).sqrt();
	tensors[1].floats_mut().iter_mut().filter(|x| x.is_finite()).for_each(|x| *x *= scale);
	tensors
}

/// Compares the kernel with the element function: with and without rearranged weights, resumed
/// after every place in `resumed`, and on bytes that are not aligned.
fn check(op: &OpRecord, seed: u64, plain: bool, resumed: &[u64]) {
	let tensors = tensors(op, seed, plain);
	let mut operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
	operands.push(&[]);
	let want = expected(op, &operands);
	for cfg in configs() {
		let mut out = Buffer::new(want.len());
		execute(op, &operands, &mut out, &cfg).unwrap();
		assert!(out[..] == want[..], "{cfg:?} {op:?}");
		let packed = prepare(op, 1, operands[1], cfg.isa()).unwrap();
		let mut args: Vec<Arg<'_>> = operands.iter().map(|bytes| Arg::Bytes(bytes)).collect();
		args[1] = Arg::Prepared(&packed, operands[1]);
		let mut out = Buffer::new(want.len());
		execute_with(op, &args, None, &mut out, &cfg).unwrap();
		assert!(out[..] == want[..], "rearranged {cfg:?} {op:?}");
		for element in resumed.iter().map(|at| at % op.shape.elements()) {
			let changed = resume_after(op, &operands, &want, element as usize);
			let mut out = Buffer::from_bytes(&want);
			out.floats_mut()[element as usize] = 0.625;
			resume(op, &operands, &mut out, element, &cfg).unwrap();
			assert!(out[..] == changed[..], "after {element} {cfg:?} {op:?}");
		}
	}
	let mut bytes = Buffer::new(want.len() + 1);
	execute(op, &operands, &mut bytes[1..], &configs()[0]).unwrap();
	assert!(bytes[1..] == want[..], "unaligned {op:?}");
}

/// The output when one element of it is another, and those after it follow from that.
fn resume_after(op: &OpRecord, operands: &[&[u8]], want: &[u8], element: usize) -> Vec<u8> {
	let mut out = want.to_vec();
	out[element * 4..element * 4 + 4].copy_from_slice(&0.625f32.to_le_bytes());
	compute_from(op, &operands[..operands.len() - 1], &mut out, element + 1);
	out
}

proptest! {
	#![proptest_config(crate::tests::cases(16))]

	#[test]
	fn recurrences(
		cell in prop::sample::select(Cell::ALL),
		steps in 1u32..10, batch in 1u32..4,
		hidden in prop::sample::select(vec![1u32, 2, 7, 8, 9, 16, 30, 31, 32, 33, 63, 64, 65]),
		plain: bool,
		seed: u64,
	) {
		check(&recurrence(cell, [steps, batch, hidden]), seed, plain, &[seed, seed >> 20]);
	}
}

#[test]
fn wide_recurrences() {
	for (i, &cell) in Cell::ALL.iter().enumerate() {
		for hidden in [255, 256, 257] {
			let sizes = [3 - (i as u32 % 2), 1 + i as u32 % 3, hidden];
			check(&recurrence(cell, sizes), u64::from(hidden), true, &[300]);
		}
	}
}

/// Large enough a product for several threads.
#[test]
fn shared_steps() {
	check(&recurrence(Cell::Lstm, [2, 5, 230]), 5, true, &[]);
}

#[test]
fn wrong_lengths_are_refused() {
	let op = recurrence(Cell::Lstm, [2, 1, 4]);
	let tensors = tensors(&op, 3, true);
	let good: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).chain([&[][..]]).collect();
	let cfg = configs()[0];
	let mut out = Buffer::new(op.bytes() as usize);
	assert!(execute(&op, &good, &mut out, &cfg).is_ok());
	assert!(execute(&op, &good, &mut out[4..], &cfg).is_err());
	assert!(execute(&op, &good[1..], &mut out, &cfg).is_err());
	for at in 0..5 {
		let mut operands = good.clone();
		operands[at] = &operands[at][4..];
		assert!(execute(&op, &operands, &mut out, &cfg).is_err());
		assert!(resume(&op, &operands, &mut out, 0, &cfg).is_err());
		let packed = prepare(&op, 1, good[1], cfg.isa()).unwrap();
		let mut args: Vec<Arg<'_>> = operands.iter().map(|bytes| Arg::Bytes(bytes)).collect();
		args[1] = Arg::Prepared(&packed, operands[1]);
		assert!(execute_with(&op, &args, None, &mut out, &cfg).is_err());
	}
}
