//! The dearest proofs about an op of every kind: what judging may cost.
//!
//! The referee's bench `judge` has them judged natively, the example `judge` of `assay-wasm-check` in Wasm; the
//! example `admission` of the primitives takes their ops.

use assay_referee::*;

/// A proof that something in the only op's output is false, and its job's commitments.
pub struct Case {
	/// What is judged.
	pub name: String,
	/// The op.
	pub op: OpRecord,
	/// What the job is about.
	pub commitments: Commitments,
	/// The proof.
	pub proof: FaultProof,
}

/// Number of kinds of ops.
const KINDS: usize = 22;

/// The number of a kind, below [`KINDS`]: a kind without a case fails [`cases`], a new one to compile.
fn number(kind: &OpKind) -> usize {
	match kind {
		OpKind::Strided { .. } => 0,
		OpKind::Pad { .. } => 1,
		OpKind::Concat { .. } => 2,
		OpKind::Gather { .. } => 3,
		OpKind::Unfold { .. } => 4,
		OpKind::Unary(_) => 5,
		OpKind::Cast => 6,
		OpKind::Binary(_) => 7,
		OpKind::Select => 8,
		OpKind::MatMul { .. } => 9,
		OpKind::MatMulInteger => 10,
		OpKind::Reduce(_) => 11,
		OpKind::ArgMax => 12,
		OpKind::Pack => 13,
		OpKind::Scatter(_) => 14,
		OpKind::TopK { .. } => 15,
		OpKind::RoundTo { .. } => 16,
		OpKind::Map(_) => 17,
		OpKind::MapReduce { .. } => 18,
		OpKind::Conv(_) => 19,
		OpKind::Pool(_) => 20,
		OpKind::Recur { .. } => 21,
	}
}

/// What an operand's elements are.
#[derive(Clone, Copy)]
enum Values {
	/// Numbers of both signs, none of which is 0.
	Plain,
	/// All 0, as what comes after a Relu mostly is.
	Zero,
	/// So small that products of them are subnormal.
	Tiny,
	/// All the same index.
	Same,
	/// In ascending order.
	Ascending,
}

fn bytes(dtype: DType, count: u64, values: Values) -> Vec<u8> {
	let mut out = Vec::new();
	for i in 0..count {
		let plain = (i * 2_654_435_761 % 2039) as i64 - 1019;
		let number = match values {
			Values::Plain | Values::Tiny => plain | 1,
			Values::Zero => 0,
			Values::Same => 1,
			Values::Ascending => i as i64,
		};
		match dtype {
			DType::F32 => {
				let unit = if matches!(values, Values::Tiny) { 1e-24 } else { 1.0 / 700.0 };
				out.extend((number as f32 * unit).to_le_bytes());
			},
			DType::I32 => out.extend((number as i32).to_le_bytes()),
			DType::I64 => out.extend(number.to_le_bytes()),
			DType::U8 | DType::I8 => out.push(number as u8),
			DType::Bool => out.push((number & 2 != 0).into()),
		}
	}
	out
}

/// An op whose operands are weights.
struct Draft {
	name: String,
	op: OpRecord,
	weights: Vec<u8>,
}

impl Draft {
	fn new(name: &str, kind: OpKind, dtype: DType, dims: &[u32]) -> Draft {
		let op = OpRecord::new(kind, dtype, shape(dims), []);
		Draft { name: name.to_string(), op, weights: Vec::new() }
	}

	fn with(self, dtype: DType, dims: &[u32]) -> Draft {
		self.of(dtype, dims, Values::Plain)
	}

	fn of(mut self, dtype: DType, dims: &[u32], values: Values) -> Draft {
		self.weights.resize(self.weights.len().next_multiple_of(ALIGN as usize), 0);
		let operand = Operand::weight(self.weights.len() as u64, dtype, shape(dims));
		self.weights.extend(bytes(dtype, operand.shape.elements(), values));
		self.op.operands.push(operand);
		self
	}

	/// The op's own output as its last operand.
	fn itself(mut self) -> Draft {
		let own = Operand::op(0, self.op.dtype, self.op.shape);
		self.op.operands.push(own);
		self
	}

	/// That element `index` is false.
	fn element(self, index: u64) -> Case {
		let chunk = index * self.op.dtype.size() / CHUNK_BYTES;
		self.case(Location::Element(index), chunk, index..index + 1)
	}

	/// That the first chunk is false.
	fn chunk(self) -> Case {
		let count = (CHUNK_BYTES / self.op.dtype.size()).min(self.op.shape.elements());
		self.case(Location::Chunk(0), 0, 0..count)
	}

	fn case(self, at: Location, chunk: u64, elements: std::ops::Range<u64>) -> Case {
		let Draft { name, op, weights } = self;
		let output = TensorSpec::new(op.dtype, op.shape);
		let weights_len = weights.len() as u64;
		let program = Program::new(weights_len, Vec::new(), vec![output], vec![op.clone()]);
		program.check().expect("a valid program");
		let program_bytes = program.encode().expect("it encodes");
		let mut claimed = bytes(op.dtype, op.shape.elements(), Values::Plain);
		let view = |operand: &Operand| {
			let (start, end) =
				(operand.base() as usize, (operand.base() + operand.bytes()) as usize);
			match operand.source {
				Source::Op(_) => claimed[start..end].to_vec(),
				_ => weights[start..end].to_vec(),
			}
		};
		let views: Vec<Vec<u8>> = op.operands.iter().map(view).collect();
		let views: Vec<&[u8]> = views.iter().map(Vec::as_slice).collect();
		let mut reader = RecordingReader::new(&op, &views);
		let first = (elements.start * op.dtype.size()) as usize;
		let mut truth = Vec::new();
		for index in elements {
			truth.push(element::<Soft, _>(&op, index, &mut reader).expect("it is there"));
		}
		// Whatever else is claimed, this is false.
		claimed[first] = truth[0] as u8 ^ 1;
		let trace = tree::hash(&claimed);
		let commitments = Commitments {
			program_root: program_root(&program_bytes),
			n_ops: 1,
			weights_root: tree::hash(&weights),
			weights_len,
			input_root: tree::hash(&[]),
			input_len: 0,
			trace_root: tree::hash(&trace),
		};
		let object = |operand: &Operand| match operand.source {
			Source::Op(_) => &claimed[..],
			_ => &weights[..],
		};
		let slice =
			|bytes: &[u8], first, count| Slice::make(bytes, first, count).expect("it is there");
		let mut reads = Vec::new();
		for (at, operand) in op.operands.iter().enumerate() {
			for (first, count) in reader.runs(at) {
				let slice = slice(object(operand), first, count);
				reads.push(Read { operand: at as u8, slice });
			}
		}
		let proof = FaultProof {
			entry: 0,
			at,
			record: slice(&program_bytes, 1, 1),
			entries: vec![slice(&trace, 0, 1)],
			claimed: Claimed::Bytes(slice(&claimed, chunk, 1)),
			reads,
		};
		verify_fault(&commitments, &proof).expect("a fault");
		Case { name, op, commitments, proof }
	}
}

fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).expect("a small shape")
}

fn steps(steps: &[(StepFn, [u8; 2])]) -> Steps {
	let steps: Vec<Step> = steps.iter().map(|(f, arguments)| Step::new(*f, arguments)).collect();
	Steps::new(&steps).expect("few steps")
}

/// As many steps as there may be, each of the result before.
fn repeated(function: StepFn, count: u8) -> Steps {
	let all: Vec<_> = (0..count).map(|i| (function, [i, i])).collect();
	steps(&all)
}

/// The cases: of every kind, the most terms or elements that may be judged, by the dearest functions.
pub fn cases() -> Vec<Case> {
	use DType::{Bool, F32, I32, I64, I8, U8};
	let k = MAX_TERMS as u32;
	let exp = StepFn::Unary(UnaryFn::Exp);
	let mut all = movements();
	all.extend([
		Draft::new("tanh", OpKind::Unary(UnaryFn::Tanh), F32, &[k]).with(F32, &[k]).element(5),
		Draft::new("chunk of roots", OpKind::Unary(UnaryFn::Sqrt), F32, &[k])
			.with(F32, &[k])
			.chunk(),
		Draft::new("chunk of casts", OpKind::Cast, U8, &[k]).with(F32, &[k]).chunk(),
		Draft::new("chunk of remainders", OpKind::Binary(BinaryFn::Mod), F32, &[64])
			.with(F32, &[64])
			.with(F32, &[1])
			.chunk(),
		Draft::new("chunk of powers", OpKind::Binary(BinaryFn::Pow), F32, &[256])
			.with(F32, &[256])
			.with(F32, &[1])
			.chunk(),
		Draft::new("chunk of quotients", OpKind::Binary(BinaryFn::Div), F32, &[256])
			.with(F32, &[256])
			.with(F32, &[1])
			.chunk(),
		Draft::new("chunk of choices", OpKind::Select, U8, &[1024])
			.with(Bool, &[1024])
			.with(U8, &[1024])
			.with(U8, &[1024])
			.chunk(),
		Draft::new(
			"chunk of halves",
			OpKind::RoundTo { format: FloatFormat::F8E4M3Fn, overflow: Overflow::Special },
			F32,
			&[256],
		)
		.with(F32, &[256])
		.chunk(),
		Draft::new(
			"chunk of 24 sums",
			OpKind::Map(repeated(StepFn::Binary(BinaryFn::Add), 24)),
			F32,
			&[256],
		)
		.with(F32, &[256])
		.chunk(),
		Draft::new("chunk of 24 exponentials", OpKind::Map(repeated(exp, 24)), F32, &[256])
			.with(F32, &[256])
			.chunk(),
	]);
	let product = |name, values| {
		let factors = if matches!(values, Values::Tiny) { Values::Tiny } else { Values::Plain };
		Draft::new(name, OpKind::MatMul { bias: Bias::Row }, F32, &[1, 1, 1])
			.of(F32, &[1, 1, k], values)
			.of(F32, &[1, 1, k], factors)
			.with(F32, &[1])
			.element(0)
	};
	all.extend([
		product("matmul 16384", Values::Plain),
		product("matmul 16384 of zeros", Values::Zero),
		product("matmul 16384 of subnormals", Values::Tiny),
		Draft::new("chunk of matmul 1000", OpKind::MatMul { bias: Bias::None }, F32, &[1, 16, 16])
			.with(F32, &[1, 16, 1000])
			.with(F32, &[1, 16, 1000])
			.chunk(),
		Draft::new("matmul of bytes 16384", OpKind::MatMulInteger, I32, &[1, 1, 1])
			.with(U8, &[1, 1, k])
			.with(I8, &[1, 1, k])
			.with(U8, &[])
			.with(I8, &[])
			.element(0),
		Draft::new("sum 16384", OpKind::Reduce(ReduceFn::Sum), F32, &[1])
			.with(F32, &[1, k])
			.element(0),
		Draft::new("product 16384", OpKind::Reduce(ReduceFn::Prod), F32, &[1])
			.with(F32, &[1, k])
			.element(0),
		Draft::new("maximum 16384", OpKind::Reduce(ReduceFn::Max), F32, &[1])
			.with(F32, &[1, k])
			.element(0),
		Draft::new("sum 16384 of i64", OpKind::Reduce(ReduceFn::Sum), I64, &[1])
			.with(I64, &[1, k])
			.element(0),
		Draft::new("argmax 16384", OpKind::ArgMax, I64, &[1])
			.of(F32, &[1, k], Values::Ascending)
			.element(0),
		Draft::new("argmax 16384 of i64", OpKind::ArgMax, I64, &[1]).with(I64, &[1, k]).element(0),
		Draft::new("top 8192 of 16384", OpKind::TopK { largest: true }, I64, &[1, k / 2])
			.with(F32, &[1, k])
			.element(u64::from(k) / 2 - 1),
		Draft::new("top 8192 of 16384 in order", OpKind::TopK { largest: true }, I64, &[1, k / 2])
			.of(I64, &[1, k], Values::Ascending)
			.element(u64::from(k) / 2 - 1),
		Draft::new("scatter 16384", OpKind::Scatter(ScatterFn::Replace), F32, &[1, 9])
			.with(F32, &[1, 9])
			.with(I32, &[1, k])
			.with(F32, &[1, k])
			.element(3),
		Draft::new("scatter 8192 sums", OpKind::Scatter(ScatterFn::Add), F32, &[1, 9])
			.with(F32, &[1, 9])
			.of(I64, &[1, k / 2], Values::Same)
			.with(F32, &[1, k / 2])
			.element(1),
	]);
	let reduction = |name: &str, k: u32, steps| {
		let kind = OpKind::MapReduce { function: ReduceFn::Sum, k, steps };
		Draft::new(name, kind, F32, &[1]).with(F32, &[1, k]).element(0)
	};
	all.extend([
		reduction("exponentials 248", k / 66, steps(&[(exp, [0, 0])])),
		reduction("hyperbolic 248", k / 66, steps(&[(StepFn::Unary(UnaryFn::Asinh), [0, 0])])),
		reduction("roots 5461", k / 3, steps(&[(StepFn::Unary(UnaryFn::Sqrt), [0, 0])])),
		reduction("quotients 5461", k / 3, steps(&[(StepFn::Binary(BinaryFn::Div), [0, 0])])),
		reduction("24 sums 334", k / 49, repeated(StepFn::Binary(BinaryFn::Add), 24)),
	]);
	all.extend(windows());
	for (&cell, hidden) in Cell::ALL.iter().zip([512, 512, 512, 1024, 1024]) {
		let kind = OpKind::Recur { cell };
		let rows = cell.gates() * hidden;
		let mut draft =
			Draft::new(&format!("{cell:?} of {hidden}"), kind, F32, &[2, cell.parts(), 1, hidden])
				.with(F32, &[2, 1, rows])
				.with(F32, &[rows, hidden])
				.with(F32, &[rows])
				.with(F32, &[1, hidden]);
		if cell == Cell::Lstm {
			draft = draft.with(F32, &[1, hidden]);
		}
		// Of the second step: the part that takes more.
		let parts = u64::from(cell.parts());
		let part = if cell == Cell::Lstm { 0 } else { parts - 1 };
		all.push(draft.itself().element((parts + part) * u64::from(hidden) + 7));
	}
	let mut seen = [false; KINDS];
	all.iter().for_each(|case| seen[number(&case.op.kind)] = true);
	assert_eq!(seen, [true; KINDS], "a kind of op has no case");
	all
}

/// Ops that move elements, of which a whole chunk is judged.
fn movements() -> Vec<Case> {
	use DType::{F32, I64, U8};
	let mut strides = [0; MAX_RANK];
	(strides[0], strides[1]) = (1, 64);
	let mut before = [0; MAX_RANK];
	(before[0], before[1]) = (1, 1);
	let unfold = OpKind::Unfold {
		kernel: [3, 3],
		stride: [1, 1],
		dilation: [1, 1],
		pad: [1, 1],
		out: [16, 16],
		groups: 1,
		fill: 0,
	};
	let functions = repeated(StepFn::Unary(UnaryFn::Tanh), 19);
	let strided = OpKind::Strided { offset: 0, strides };
	let mut followed = Draft::new("chunk of a transpose, 19 functions", strided, F32, &[64, 64])
		.with(F32, &[64, 64]);
	followed.op.epilogue = Some(functions);
	let mut concat = Draft::new("chunk of a concat", OpKind::Concat { axis: 1 }, U8, &[100, 12]);
	let mut pack = Draft::new("chunk of a pack", OpKind::Pack, U8, &[11 * 128 + 80]);
	for _ in 0..12 {
		concat = concat.with(U8, &[100, 1]);
		pack = pack.with(F32, &[20]);
	}
	vec![
		Draft::new("chunk of a transpose", strided, U8, &[64, 64]).with(U8, &[64, 64]).chunk(),
		followed.chunk(),
		Draft::new("chunk of a pad", OpKind::Pad { before, fill: 0 }, U8, &[33, 33])
			.with(U8, &[31, 31])
			.chunk(),
		concat.chunk(),
		Draft::new("chunk of a gather", OpKind::Gather { axis: 0 }, U8, &[16, 64])
			.with(U8, &[9, 64])
			.of(I64, &[16], Values::Same)
			.chunk(),
		Draft::new("chunk of windows", unfold, U8, &[1, 1, 256, 18])
			.with(U8, &[1, 2, 16, 16])
			.chunk(),
		pack.chunk(),
	]
}

/// Contractions and reductions of windows.
fn windows() -> Vec<Case> {
	use DType::{F32, I64};
	let conv = |name: &str, layout, kernel: [u32; 2], channels: u32, size: [u32; 2]| {
		let conv = Conv {
			kernel,
			stride: [1, 1],
			dilation: [1, 1],
			pad: [0, 0],
			out: [1, 1],
			groups: 1,
			layout,
			output: ImageLayout::ChannelsFirst,
			bias: Bias::Row,
		};
		let image = match layout {
			ImageLayout::ChannelsFirst => [1, channels, size[0], size[1]],
			ImageLayout::ChannelsLast => [1, size[0], size[1], channels],
		};
		Draft::new(name, OpKind::Conv(conv), F32, &[1, 1, 1])
			.with(F32, &[1, 1, channels * kernel[0] * kernel[1]])
			.with(F32, &image)
			.with(F32, &[1])
			.element(0)
	};
	let pool = |name: &str, dtype, function, kernel: [u32; 2], size: [u32; 2]| {
		let [stride, dilation, out] = [[1, 1]; 3];
		let pool = Pool { function, kernel, stride, dilation, pad: [0, 0], out };
		Draft::new(name, OpKind::Pool(pool), dtype, &[1, 1, 1])
			.with(dtype, &[1, size[0], size[1]])
			.element(0)
	};
	vec![
		conv("convolution 13104, channels first", ImageLayout::ChannelsFirst, [6, 6], 364, [6, 6]),
		conv("convolution 13104, channels last", ImageLayout::ChannelsLast, [6, 6], 364, [6, 6]),
		// Every row lies in chunks of its own.
		conv("convolution 1764, far apart", ImageLayout::ChannelsFirst, [42, 42], 1, [42, 600]),
		pool("window of 13056", F32, ReduceFn::Sum, [64, 204], [64, 204]),
		pool("window of 13056 of i64", I64, ReduceFn::Max, [64, 204], [64, 204]),
	]
}
