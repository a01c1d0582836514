//! A single wrong bit anywhere in a trace is found and proven, whatever op it belongs to.

use super::{
	dispute::{place, play},
	models::{convolutional, dense, random, Model},
};
use crate::{Bundle, Manifest, Trace};
use assay_referee::{tree, Layout, OpKind, OpRecord, Operand, Program, Source, TensorSpec};
use assay_testing::records::{record, tensors, Rng, KINDS};
use std::sync::Arc;

/// Random records of every kind, and bits flipped for each of them.
const RECORDS: u64 = 12;
const FLIPS: u64 = 8;

/// A model of the op, with all operands as inputs, and of an op that reverses its output.
fn model(rng: &mut Rng, mut op: OpRecord) -> Model {
	let own = op.self_operand();
	let mut inputs = tensors(rng, &op);
	// What it reads of itself comes last and is no input.
	inputs.truncate(own.unwrap_or(inputs.len()));
	let layout = Layout::new(inputs.iter().map(|bytes| bytes.len() as u64));
	let mut input = vec![0; layout.total_len as usize];
	let mut specs = Vec::new();
	let places = layout.offsets.iter().zip(&inputs);
	if let Some(own) = own {
		op.operands[own].source = Source::Op(0);
	}
	for (operand, (&offset, bytes)) in op.operands.iter_mut().zip(places) {
		input[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
		*operand = Operand::input(offset, operand.dtype, operand.shape);
		specs.push(TensorSpec::new(operand.dtype, operand.shape));
	}
	let flat = super::models::shape(&[op.shape.elements() as u32]);
	let mut strides = [0; 8];
	strides[0] = -1;
	let kind = OpKind::Strided { offset: op.shape.elements() - 1, strides };
	let reverse = OpRecord::new(kind, op.dtype, flat, [Operand::op(0, op.dtype, flat)]);
	let outputs = vec![TensorSpec::new(op.dtype, flat)];
	let program = Program::new(0, specs, outputs, vec![op, reverse]);
	let manifest = Manifest::new(&program, tree::hash(&[]), &[], &[]).unwrap();
	Model { bundle: Arc::new(Bundle::new(program, &[], manifest).unwrap()), input }
}

/// Flips a random bit of op `entry`'s tensor, commits to that, and disputes it.
fn flip(rng: &mut Rng, model: &Model, honest: &Trace, entry: u32) {
	let bit = rng.below(8 * honest.tensor(entry).unwrap().len() as u64);
	let wrong = honest.with_flipped_bit(entry, bit);
	let (_, fault, _) = play(honest, &wrong);
	let (found, start, end) = place(model, &fault);
	assert_eq!(found, entry, "bit {bit}: {:?}", model.bundle.program().ops);
	assert!((start..end).contains(&(bit / 8)), "bit {bit} of op {entry}: {fault:?}");
}

#[test]
fn of_every_kind_of_op() {
	let mut flips = 0;
	for kind in 0..KINDS {
		let mut rng = Rng(kind);
		for _ in 0..RECORDS {
			let op = record(&mut rng, kind);
			let model = model(&mut rng, op);
			let honest = model.session(1).trace(&model.input, None).unwrap();
			for i in 0..FLIPS {
				// Mostly of the op itself.
				flip(&mut rng, &model, &honest, u32::from(i == 0));
				flips += 1;
			}
		}
	}
	assert!(flips >= 1_000, "{flips}");
}

#[test]
fn of_whole_models() {
	let models = [convolutional(41, 3, 16), dense(42, 4, 3000, 300), random(43, 60, 9, 64)];
	for model in models {
		let mut rng = Rng(44);
		let honest = model.session(1).trace(&model.input, None).unwrap();
		for _ in 0..150 {
			let entry = rng.below(honest.entries().len() as u64) as u32;
			flip(&mut rng, &model, &honest, entry);
		}
	}
}
