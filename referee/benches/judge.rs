//! What the chain pays to judge a fault proof: the longest leaves, verified whole.

use assay_referee::*;
use codec::Encode;
use criterion::{criterion_group, criterion_main, Criterion};

/// A proof that element 0 of the only op's output is false, and its job's commitments.
fn case(op: OpRecord, weights: Vec<u8>) -> Result<(Commitments, FaultProof), String> {
	let text = |error: &dyn std::fmt::Display| error.to_string();
	let output = TensorSpec::new(op.dtype, op.shape);
	let program = Program::new(weights.len() as u64, Vec::new(), vec![output], vec![op.clone()]);
	program.check().map_err(|e| text(&e))?;
	let program_bytes = program.encode().map_err(|e| text(&e))?;
	let claimed = vec![0xa5; op.bytes() as usize];
	let trace = tree::hash(&claimed);
	let commitments = Commitments {
		program_root: tree::hash(&program_bytes),
		n_ops: 1,
		weights_root: tree::hash(&weights),
		weights_len: weights.len() as u64,
		input_root: tree::hash(&[]),
		input_len: 0,
		trace_root: tree::hash(&trace),
	};
	let views: Vec<&[u8]> = op
		.operands
		.iter()
		.map(|o| &weights[o.base() as usize..(o.base() + o.bytes()) as usize])
		.collect();
	let mut reader = RecordingReader::new(&op, &views);
	element::<Soft, _>(&op, 0, &mut reader).map_err(|e| text(&e))?;
	let slice = |bytes: &[u8], first, count| Slice::make(bytes, first, count).map_err(|e| text(&e));
	let mut reads = Vec::new();
	for operand in 0..op.operands.len() {
		for (first, count) in reader.runs(operand) {
			let slice = slice(&weights, first, count)?;
			reads.push(Read { operand: operand as u8, slice });
		}
	}
	let proof = FaultProof {
		entry: 0,
		at: Location::Element(0),
		record: slice(&program_bytes, 1, 1)?,
		entries: vec![slice(&trace, 0, 1)?],
		claimed: Claimed::Bytes(slice(&claimed, 0, 1)?),
		reads,
	};
	verify_fault(&commitments, &proof).map_err(|e| text(&e))?;
	Ok((commitments, proof))
}

fn floats(count: u32) -> Vec<u8> {
	(0..count).flat_map(|i| ((i % 1009) as f32 / 64.0 - 7.0).to_le_bytes()).collect()
}

fn judge(criterion: &mut Criterion) {
	let shape = |dims: &[u32]| Shape::new(dims).expect("a small shape");
	let k = MAX_TERMS as u32;
	let weights = floats(2 * k);
	let row = |offset| Operand::weight(offset, DType::F32, shape(&[1, 1, k]));
	let kind = OpKind::MatMul { bias: Bias::None };
	let second = row(u64::from(k) * 4);
	let matmul = OpRecord::new(kind, DType::F32, shape(&[1, 1, 1]), [row(0), second]);
	let kind = OpKind::Reduce(ReduceFn::Sum);
	let sum = OpRecord::new(kind, DType::F32, shape(&[1, 1]), [row(0)]);
	let kind = OpKind::Unary(UnaryFn::Tanh);
	let tanh = OpRecord::new(kind, DType::F32, shape(&[1, 1, k]), [row(0)]);
	// As many elements as may be judged, of the dearest function, of the dearest of what counts as a
	// multiply-add, and of many cheap steps.
	let reduction = |k: u32, step: StepFn, count: u8| {
		let steps: Vec<Step> = (0..count).map(|i| Step::new(step, &[i, i])).collect();
		let steps = Steps::new(&steps).expect("few steps");
		let kind = OpKind::MapReduce { function: ReduceFn::Sum, k, steps };
		let x = Operand::weight(0, DType::F32, shape(&[1, k]));
		OpRecord::new(kind, DType::F32, shape(&[1]), [x])
	};
	let exponentials = reduction(k / 66, StepFn::Unary(UnaryFn::Exp), 1);
	let roots = reduction(k / 3, StepFn::Unary(UnaryFn::Sqrt), 1);
	let quotients = reduction(k / 3, StepFn::Binary(BinaryFn::Div), 1);
	let steps = reduction(k / 49, StepFn::Binary(BinaryFn::Add), 24);
	let pool = Pool {
		function: ReduceFn::Sum,
		kernel: [64, 204],
		stride: [1, 1],
		dilation: [1, 1],
		pad: [0, 0],
		out: [1, 1],
	};
	let image = Operand::weight(0, DType::F32, shape(&[1, 64, 204]));
	let pool = OpRecord::new(OpKind::Pool(pool), DType::F32, shape(&[1, 1, 1]), [image]);
	for (name, op) in [
		("matmul 16384", matmul),
		("sum 16384", sum),
		("tanh", tanh),
		("exponentials 248", exponentials),
		("roots 5461", roots),
		("quotients 5461", quotients),
		("24 sums 334", steps),
		("window of 13056", pool),
	] {
		let (commitments, proof) = case(op, weights.clone()).expect("a valid case");
		let bytes = proof.encode();
		criterion.bench_function(&format!("{name}, {} bytes", bytes.len()), |bencher| {
			bencher.iter(|| {
				let proof = FaultProof::from_bytes(&bytes).expect("an encoded proof");
				verify_fault(&commitments, &proof)
			})
		});
	}
}

criterion_group!(benches, judge);
criterion_main!(benches);
