//! A small honest execution, and lies about it.

use super::*;

/// A program with its weights, an input, and what an operator publishes about one execution.
#[derive(Clone)]
pub(crate) struct World {
	pub(crate) program: Program,
	pub(crate) program_bytes: Vec<u8>,
	pub(crate) weights: Vec<u8>,
	pub(crate) input: Vec<u8>,
	pub(crate) tensors: Vec<Vec<u8>>,
	pub(crate) trace: Vec<u8>,
	pub(crate) commitments: Commitments,
}

impl World {
	/// An honest execution of a program of seven ops.
	pub(crate) fn new() -> World {
		World::of(toy_program(), |input| {
			// One row of the input gives NaN.
			input[3 * 1200..3 * 1200 + 4].copy_from_slice(&0x7fc0_0000u32.to_le_bytes());
		})
	}

	/// An honest execution of one recurrence, whose output has several chunks that do not end
	/// where steps do.
	pub(crate) fn recurrent(cell: Cell) -> World {
		let own = Operand::op(0, DType::F32, Shape::SCALAR);
		let (sizes, mut offset, mut first) = ([9, 2, 23], 0u64, true);
		let op = recurrence(cell, sizes, own, |dims| {
			if core::mem::take(&mut first) {
				return Operand::input(0, DType::F32, shape(dims));
			}
			let operand = Operand::weight(offset, DType::F32, shape(dims));
			offset = (offset + operand.bytes()).next_multiple_of(ALIGN);
			operand
		});
		let inputs = vec![TensorSpec::new(DType::F32, op.operands[0].shape)];
		let outputs = vec![TensorSpec::new(DType::F32, op.shape)];
		World::of(Program::new(offset, inputs, outputs, vec![op]), |_| ())
	}

	/// An honest execution of a program on a random input, perhaps changed.
	fn of(program: Program, change_input: impl FnOnce(&mut [u8])) -> World {
		let mut rng = Rng(7);
		assert_eq!(program.check(), Ok(()));
		let mut finite = |bytes: u64| -> Vec<u8> {
			(0..bytes / 4)
				.flat_map(|_| scaled(rng.below(2000) as i32 - 1000, -8).to_le_bytes())
				.collect()
		};
		let weights = finite(program.header.weights_len);
		let mut input = finite(program.header.input_layout().total_len);
		change_input(&mut input);
		World::honest(program, weights, input)
	}

	/// An honest execution of one op on random tensors.
	pub(crate) fn alone(rng: &mut Rng, mut op: OpRecord) -> World {
		let tensors = tensors(rng, &op);
		let (own, mut weights) = (op.self_operand(), Vec::new());
		for (at, (operand, tensor)) in op.operands.iter_mut().zip(tensors).enumerate() {
			if own == Some(at) {
				operand.source = Source::Op(0);
				continue;
			}
			weights.resize(weights.len().next_multiple_of(ALIGN as usize), 0);
			operand.source = Source::Weight(weights.len() as u64);
			weights.extend(tensor);
		}
		let spec = TensorSpec::new(op.dtype, op.shape);
		let program = Program::new(weights.len() as u64, vec![], vec![spec], vec![op]);
		assert_eq!(program.check(), Ok(()));
		World::honest(program, weights, Vec::new())
	}

	fn honest(program: Program, weights: Vec<u8>, input: Vec<u8>) -> World {
		let program_bytes = program.encode().unwrap();
		let commitments = Commitments {
			program_root: tree::hash(&program_bytes),
			n_ops: program.header.n_ops,
			weights_root: tree::hash(&weights),
			weights_len: weights.len() as u64,
			input_root: tree::hash(&input),
			input_len: input.len() as u64,
			trace_root: [0; 32],
		};
		let mut world = World {
			program,
			program_bytes,
			weights,
			input,
			tensors: Vec::new(),
			trace: Vec::new(),
			commitments,
		};
		world.run_from(0);
		world
	}

	/// Computes the tensors from op `first` on, and publishes the trace.
	fn run_from(&mut self, first: usize) {
		self.tensors.truncate(first);
		for op in &self.program.ops[first..] {
			let mut out = Vec::new();
			self.compute(op, &mut out);
			self.tensors.push(out);
		}
		self.trace = self.tensors.iter().flat_map(|t| tree::hash(t)).collect();
		self.commitments.trace_root = tree::hash(&self.trace);
	}

	/// Appends the elements that `out` does not hold yet.
	fn compute(&self, op: &OpRecord, out: &mut Vec<u8>) {
		let size = op.dtype.size();
		for index in out.len() as u64 / size..op.shape.elements() {
			let tensor = |(at, operand)| match op.self_operand() {
				Some(own) if own == at => &out[..],
				_ => self.operand(operand),
			};
			let tensors: Vec<&[u8]> = op.operands.iter().enumerate().map(tensor).collect();
			let mut reader = TensorReader::new(op, &tensors);
			let bits = element::<Soft, _>(op, index, &mut reader).unwrap();
			out.extend_from_slice(&bits.to_le_bytes()[..size as usize]);
		}
	}

	/// The object that holds an operand.
	pub(crate) fn object(&self, source: Source) -> &[u8] {
		match source {
			Source::Op(index) => &self.tensors[index as usize],
			Source::Input(_) => &self.input,
			Source::Weight(_) => &self.weights,
		}
	}

	pub(crate) fn operand(&self, operand: &Operand) -> &[u8] {
		let start = operand.base() as usize;
		&self.object(operand.source)[start..start + operand.bytes() as usize]
	}

	/// The same execution with one element of one op's output replaced, and everything after
	/// computed from it: later ops, and later elements of an op that reads itself.
	pub(crate) fn tampered(&self, entry: u32, element: u64, change: u64) -> World {
		let mut world = self.clone();
		let size = self.program.ops[entry as usize].dtype.size();
		let at = (element * size) as usize;
		let bytes = &mut world.tensors[entry as usize][at..at + size as usize];
		for (byte, change) in bytes.iter_mut().zip(change.to_le_bytes()) {
			*byte ^= change;
		}
		let op = &self.program.ops[entry as usize];
		if op.self_operand().is_some() {
			let mut tensor = core::mem::take(&mut world.tensors[entry as usize]);
			tensor.truncate(at + size as usize);
			world.compute(op, &mut tensor);
			world.tensors[entry as usize] = tensor;
		}
		world.run_from(entry as usize + 1);
		world
	}
}

fn toy_program() -> Program {
	use DType::*;
	let weight = |offset, dims: &[u32]| Operand::weight(offset, F32, shape(dims));
	let ops = vec![
		OpRecord::new(
			OpKind::MatMul { bias: Bias::Row },
			F32,
			shape(&[1, 4, 8]),
			[
				Operand::input(0, F32, shape(&[1, 4, 300])),
				weight(0, &[1, 8, 300]),
				weight(9600, &[4]),
			],
		),
		OpRecord::new(
			OpKind::Unary(UnaryFn::Tanh),
			F32,
			shape(&[32]),
			[Operand::op(0, F32, shape(&[32]))],
		),
		OpRecord::new(
			OpKind::Binary(BinaryFn::Add),
			F32,
			shape(&[32, 50]),
			[Operand::op(1, F32, shape(&[32, 1])), weight(9664, &[1, 50])],
		),
		OpRecord::new(
			OpKind::Reduce(ReduceFn::Max),
			F32,
			shape(&[32]),
			[Operand::op(2, F32, shape(&[32, 50]))],
		),
		OpRecord::new(OpKind::ArgMax, I64, shape(&[32]), [Operand::op(2, F32, shape(&[32, 50]))]),
		OpRecord::new(OpKind::Cast, U8, shape(&[32]), [Operand::op(3, F32, shape(&[32]))]),
		OpRecord::new(
			OpKind::Pack,
			U8,
			shape(&[128 + 256 + 32]),
			[
				Operand::op(3, F32, shape(&[32])),
				Operand::op(4, I64, shape(&[32])),
				Operand::op(5, U8, shape(&[32])),
			],
		),
	];
	let outputs = [F32, I64, U8].map(|dtype| TensorSpec::new(dtype, shape(&[32])));
	let inputs = vec![TensorSpec::new(F32, shape(&[4, 300]))];
	Program::new(9664 + 200, inputs, outputs.to_vec(), ops)
}
