//! Small programs to test with.

use crate::{Bundle, Manifest, Options, Session};
use assay_kernels::Isa;
use assay_referee::{
	tree, Bias, BinaryFn, DType, OpKind, OpRecord, Operand, Program, ReduceFn, Shape, TensorSpec,
	UnaryFn, ALIGN,
};
use std::sync::Arc;

/// Pseudo-random numbers; tests need no more than spread.
pub(super) struct Random(pub(super) u64);

impl Random {
	pub(super) fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
		let x = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58476d1ce4e5b9);
		x ^ (x >> 32)
	}

	pub(super) fn below(&mut self, n: u64) -> u64 {
		self.next() % n
	}

	pub(super) fn floats(&mut self, n: usize) -> Vec<u8> {
		(0..n).flat_map(|_| (self.below(2001) as f32 / 1000.0 - 1.0).to_le_bytes()).collect()
	}
}

pub(super) fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).unwrap()
}

/// Collects ops and weights.
#[derive(Default)]
pub(super) struct Builder {
	pub(super) ops: Vec<OpRecord>,
	pub(super) weights: Vec<u8>,
}

impl Builder {
	pub(super) fn weight(&mut self, random: &mut Random, dims: &[u32]) -> Operand {
		let shape = shape(dims);
		self.weights.resize(self.weights.len().next_multiple_of(ALIGN as usize), 0);
		let offset = self.weights.len() as u64;
		self.weights.extend(random.floats(shape.elements() as usize));
		Operand::weight(offset, DType::F32, shape)
	}

	pub(super) fn op(
		&mut self,
		kind: OpKind,
		dtype: DType,
		dims: &[u32],
		operands: &[Operand],
	) -> Operand {
		let shape = shape(dims);
		self.ops.push(OpRecord::new(kind, dtype, shape, operands));
		Operand::op(self.ops.len() as u32 - 1, dtype, shape)
	}

	pub(super) fn finish(self, inputs: &[TensorSpec]) -> Arc<Bundle> {
		let last = self.ops.last().unwrap();
		let outputs = vec![TensorSpec::new(last.dtype, last.shape)];
		let len = self.weights.len() as u64;
		let program = Program::new(len, inputs.to_vec(), outputs, self.ops);
		let manifest = Manifest::new(&program, tree::hash(&self.weights), &[], &[]).unwrap();
		Arc::new(Bundle::new(program, &self.weights, manifest).unwrap())
	}
}

/// A session and the raw input for it.
pub(super) struct Model {
	pub(super) bundle: Arc<Bundle>,
	pub(super) input: Vec<u8>,
}

impl Model {
	pub(super) fn session(&self, threads: usize) -> Session {
		Session::new(self.bundle.clone(), Options { threads, isa: None })
	}

	/// Runs and traces under every instruction set and these numbers of threads.
	pub(super) fn runs_equal_traces(&self, threads: &[usize]) {
		let expected = self.session(1).trace(&self.input, None).unwrap();
		for &threads in threads {
			for isa in Isa::available() {
				let options = Options { threads, isa: Some(isa) };
				let session = Session::new(self.bundle.clone(), options);
				assert_eq!(session.run(&self.input).unwrap(), expected.output(), "{isa}");
				let trace = session.trace(&self.input, None).unwrap();
				assert_eq!(trace.entries(), expected.entries(), "{isa} {threads}");
			}
		}
	}
}

/// Convolution, rectifier, max pooling, a dense layer: `[1, channels, side, side]` to 10 values.
pub(super) fn convolutional(seed: u64, channels: u32, side: u32) -> Model {
	let mut random = Random(seed);
	let mut b = Builder::default();
	let filters = 6;
	let spec = TensorSpec::new(DType::F32, shape(&[1, channels, side, side]));
	let image = Operand::input(0, DType::F32, spec.shape);
	let window = |size, stride, pad, out, groups, fill| OpKind::Unfold {
		kernel: [size; 2],
		stride: [stride; 2],
		dilation: [1; 2],
		pad: [pad; 2],
		out: [out; 2],
		groups,
		fill,
	};
	let (k, places) = (channels * 9, side * side);
	let patches = b.op(window(3, 1, 1, side, 1, 0), DType::F32, &[1, 1, places, k], &[image]);
	let kernel = b.weight(&mut random, &[1, filters, k]);
	let bias = b.weight(&mut random, &[filters]);
	let conv = b.op(
		OpKind::MatMul { bias: Bias::Row },
		DType::F32,
		&[1, filters, places],
		&[kernel, patches.view(shape(&[1, places, k])), bias],
	);
	let relu = b.op(OpKind::Unary(UnaryFn::Relu), DType::F32, &[1, filters, places], &[conv]);
	let half = side / 2;
	let pool = b.op(
		window(2, 2, 0, half, filters, 0xff80_0000),
		DType::F32,
		&[1, filters, half * half, 4],
		&[relu.view(shape(&[1, filters, side, side]))],
	);
	let features = filters * half * half;
	let max = b.op(OpKind::Reduce(ReduceFn::Max), DType::F32, &[features], &[pool]);
	let dense = b.weight(&mut random, &[1, 10, features]);
	let bias = b.weight(&mut random, &[10]);
	b.op(
		OpKind::MatMul { bias: Bias::Column },
		DType::F32,
		&[1, 1, 10],
		&[max.view(shape(&[1, 1, features])), dense, bias],
	);
	let input = random.floats((channels * side * side) as usize);
	Model { bundle: b.finish(&[spec]), input }
}

/// `n` random ops on tensors `[rows, columns]`; every result is used.
pub(super) fn random(seed: u64, n: usize, rows: u32, columns: u32) -> Model {
	let mut random = Random(seed);
	let mut b = Builder::default();
	let dims = [rows, columns];
	let spec = TensorSpec::new(DType::F32, shape(&dims));
	let input = Operand::input(0, DType::F32, spec.shape);
	let mut unused = Vec::new();
	let mut pool = vec![input];
	while b.ops.len() + unused.len() < n {
		let pick = |random: &mut Random| pool[random.below(pool.len() as u64) as usize];
		let x = pick(&mut random);
		let made = match random.below(7) {
			0 => b.op(OpKind::Unary(UnaryFn::Tanh), DType::F32, &dims, &[x]),
			1 => {
				let w = b.weight(&mut random, &[1, columns, columns]);
				let x = x.view(shape(&[1, rows, columns]));
				b.op(OpKind::MatMul { bias: Bias::None }, DType::F32, &[1, rows, columns], &[x, w])
					.view(spec.shape)
			},
			2 => {
				// Flip both axes.
				let mut strides = [0; 8];
				strides[..2].copy_from_slice(&[-i64::from(columns), -1]);
				let offset = u64::from(rows * columns - 1);
				b.op(OpKind::Strided { offset, strides }, DType::F32, &dims, &[x])
			},
			3 => {
				let m = b.op(OpKind::Reduce(ReduceFn::Max), DType::F32, &[rows], &[x]);
				let m = m.view(shape(&[rows, 1]));
				b.op(OpKind::Binary(BinaryFn::Sub), DType::F32, &dims, &[x, m])
			},
			4 => {
				let y = pick(&mut random);
				let less = b.op(OpKind::Binary(BinaryFn::Less), DType::Bool, &dims, &[x, y]);
				b.op(OpKind::Select, DType::F32, &dims, &[less, x, y])
			},
			_ => {
				let y = pick(&mut random);
				b.op(OpKind::Binary(BinaryFn::Add), DType::F32, &dims, &[x, y])
			},
		};
		let ops = &b.ops;
		unused.retain(|other: &Operand| {
			ops.iter().all(|op| op.operands.iter().all(|used| used.source != other.source))
		});
		pool.push(made);
		unused.push(made);
	}
	while unused.len() > 1 {
		let (x, y) = (unused.remove(0), unused.remove(0));
		unused.push(b.op(OpKind::Binary(BinaryFn::Add), DType::F32, &dims, &[x, y]));
	}
	let input = random.floats((rows * columns) as usize);
	Model { bundle: b.finish(&[spec]), input }
}

/// A long contraction and an elementwise op: `[m, k]` to `[m, n]`.
pub(super) fn dense(seed: u64, m: u32, k: u32, n: u32) -> Model {
	let mut random = Random(seed);
	let mut b = Builder::default();
	let spec = TensorSpec::new(DType::F32, shape(&[m, k]));
	let x = Operand::input(0, DType::F32, shape(&[1, m, k]));
	let w = b.weight(&mut random, &[1, n, k]);
	let y = b.op(OpKind::MatMul { bias: Bias::None }, DType::F32, &[1, m, n], &[x, w]);
	b.op(OpKind::Unary(UnaryFn::Sigmoid), DType::F32, &[1, m, n], &[y]);
	let input = random.floats((m * k) as usize);
	Model { bundle: b.finish(&[spec]), input }
}
