//! Weights are read as inputs are: whatever their bits, there is an element they stand for.

use super::models::{shape, Builder};
use crate::{Bundle, Manifest, Options, Session};
use assay_kernels::Isa;
use assay_referee::{
	element, tree, DType, OpKind, OpRecord, Operand, Program, Soft, Source, TensorReader,
	TensorSpec, UnaryFn, ALIGN,
};
use assay_testing::records::{record, tensors, Rng, KINDS};
use std::{collections::BTreeSet, sync::Arc};

/// Bits that stand for the same element as these canonical ones, or for another that is not finite.
fn odd(rng: &mut Rng, dtype: DType, bits: u64) -> u64 {
	match (dtype, rng.below(8)) {
		(DType::F32, 0) => 0x7f80_0001 + rng.below(0x7f_fffe) + (rng.below(2) << 31),
		(DType::F32, 1) => 0x7f80_0000 + (rng.below(2) << 31),
		(DType::Bool, _) => rng.below(256),
		_ => bits,
	}
}

/// The op with all its operands among the weights, and weights full of bits that are not canonical.
fn with_odd_weights(rng: &mut Rng, kind: u64) -> (Program, Vec<u8>) {
	let op = record(rng, kind);
	let own = op.self_operand();
	let mut weights: Vec<u8> = Vec::new();
	let mut operands = Vec::new();
	for (at, (operand, bytes)) in op.operands.iter().zip(tensors(rng, &op)).enumerate() {
		if own == Some(at) {
			operands.push(Operand { source: Source::Op(0), ..*operand });
			continue;
		}
		weights.resize(weights.len().next_multiple_of(ALIGN as usize), 0);
		operands.push(Operand { source: Source::Weight(weights.len() as u64), ..*operand });
		for element in bytes.chunks(operand.dtype.size() as usize) {
			let mut bits = [0; 8];
			bits[..element.len()].copy_from_slice(element);
			let bits = odd(rng, operand.dtype, u64::from_le_bytes(bits));
			weights.extend_from_slice(&bits.to_le_bytes()[..element.len()]);
		}
	}
	let spec = TensorSpec::new(op.dtype, op.shape);
	let program =
		Program::new(weights.len() as u64, vec![], vec![spec], vec![OpRecord { operands, ..op }]);
	(program, weights)
}

fn bundle(program: Program, weights: &[u8]) -> Arc<Bundle> {
	let manifest = Manifest::new(&program, tree::hash(weights), &[], &[]).unwrap();
	Arc::new(Bundle::new(program, weights, manifest).unwrap())
}

/// What the referee computes of every element of the only op.
fn judged(program: &Program, weights: &[u8]) -> Vec<u8> {
	let op = &program.ops[0];
	let size = op.dtype.size() as usize;
	let mut out: Vec<u8> = Vec::new();
	for index in 0..op.shape.elements() {
		let bytes = |operand: &Operand| match operand.source {
			Source::Op(_) => &out[..],
			_ => &weights[operand.base() as usize..][..operand.bytes() as usize],
		};
		let operands: Vec<&[u8]> = op.operands.iter().map(bytes).collect();
		let bits = element::<Soft, _>(op, index, &mut TensorReader::new(op, &operands)).unwrap();
		out.extend_from_slice(&bits.to_le_bytes()[..size]);
	}
	out
}

/// Ops of every kind and weights of every type, by the kernels of every instruction set.
#[test]
fn odd_weights_are_read_as_the_referee_reads_them() {
	let mut types = BTreeSet::new();
	for kind in 0..KINDS {
		for seed in 0..24 {
			let (program, weights) = with_odd_weights(&mut Rng(seed), kind);
			types.extend(program.ops[0].operands.iter().map(|operand| operand.dtype));
			let expected = judged(&program, &weights);
			let bundle = bundle(program, &weights);
			assert_eq!(bundle.weights(), weights);
			for isa in Isa::available() {
				let options = Options { threads: 1, isa: Some(isa) };
				let session = Session::new(bundle.clone(), options);
				let op = &bundle.program().ops[0];
				assert!(session.run(&[]).unwrap() == expected, "{isa:?} {seed} {op:?}");
			}
		}
	}
	assert_eq!(types.into_iter().collect::<Vec<_>>(), DType::ALL);
}

/// The same bytes as numbers, as floats and as truth values: each reads its own elements of them.
#[test]
fn weights_of_two_types_at_once() {
	let weights: Vec<u8> = (0..64u32).flat_map(|i| (0xffc0_0000 + 7 * i).to_le_bytes()).collect();
	let mut b = Builder::default();
	let of = |dtype, dims: &[u32]| Operand::weight(0, dtype, shape(dims));
	let parts = [
		b.op(OpKind::Unary(UnaryFn::Neg), DType::F32, &[64], &[of(DType::F32, &[64])]),
		b.op(OpKind::Unary(UnaryFn::Neg), DType::I32, &[64], &[of(DType::I32, &[64])]),
		b.op(OpKind::Unary(UnaryFn::Not), DType::Bool, &[99], &[of(DType::Bool, &[99])]),
	];
	b.op(OpKind::Pack, DType::U8, &[512 + 99], &parts);
	let specs = parts.map(|part| TensorSpec::new(part.dtype, part.shape));
	let program = Program::new(weights.len() as u64, vec![], specs.to_vec(), b.ops);
	let session = Session::new(bundle(program, &weights), Options::default());
	let output = session.run(&[]).unwrap();
	let words = |bytes: &[u8]| -> Vec<u32> {
		bytes.as_chunks().0.iter().map(|x| u32::from_le_bytes(*x)).collect()
	};
	assert_eq!(words(&output[..256]), [0x7fc0_0000; 64]);
	let negative: Vec<u32> = words(&weights).iter().map(|x| x.wrapping_neg()).collect();
	assert_eq!(words(&output[256..512]), negative);
	let not: Vec<u8> = weights[..99].iter().map(|&x| u8::from(x == 0)).collect();
	assert_eq!(output[512..], not);
	// What is committed to, and proven, is what was given.
	let trace = session.trace(&[], None).unwrap();
	assert_eq!(trace.commitments(&trace.root()).weights_root, tree::hash(&weights));
}
