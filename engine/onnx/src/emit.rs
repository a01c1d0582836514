//! Writes the ops of a model, once they are rewritten, as a program, and lays out the weights.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use assay_referee::{
	BinaryFn, CheckReason, DType, Layout, OpKind, OpRecord, Operand, Program, TensorSpec, ALIGN,
	MAX_OPS,
};

use crate::{
	error::{CompileError, ErrorKind, Failure, Place, Result},
	graph::BoundInput,
	ir::{own_output, shape, Op, Origin, Value},
	passes::{part_of_input, rewrite, Rewritten},
};

/// A program with what only the compiler knows about it.
#[derive(Debug)]
pub(crate) struct Emitted {
	pub(crate) program: Program,
	pub(crate) weights: Vec<u8>,
	/// Elements of the distinct weights.
	pub(crate) parameters: u64,
	/// For every op, the index of the node it comes from.
	pub(crate) nodes: Vec<usize>,
}

/// Makes the program that computes `outputs`.
pub(crate) fn emit(
	ops: Vec<Op>,
	inputs: &[BoundInput<'_>],
	outputs: &[Value],
	place: impl Fn(usize) -> Place,
) -> Result<Emitted, CompileError> {
	let at_file = |failure: Failure| failure.at(Place::File);
	let specs = outputs
		.iter()
		.map(|value| Ok(TensorSpec::new(value.dtype, shape(&value.dims)?)))
		.collect::<Result<Vec<_>>>()
		.map_err(at_file)?;
	let Rewritten { ops, root, live } = rewrite(ops, outputs, &specs).map_err(at_file)?;
	// Before constants are looked at, once for every op that reads them.
	let living = ops.iter().zip(&live).filter(|(_, live)| **live);
	check_count(living.map(|(op, _)| op.node), &place)?;
	let mut emitter = Emitter::new(inputs).map_err(at_file)?;
	for (i, op) in ops.iter().enumerate().take(root + 1).filter(|(i, _)| live[*i]) {
		if let Some((input, start)) = part_of_input(op).filter(|_| i != root) {
			emitter.parts.insert(i, emitter.input_offsets[input] + start);
			continue;
		}
		emitter.emit(i, op).map_err(|failure| failure.at(place(op.node)))?;
	}
	check_count(emitter.nodes.iter().copied(), &place)?;
	let declared = inputs
		.iter()
		.map(|input| Ok(TensorSpec::new(input.dtype, shape(&input.dims)?)))
		.collect::<Result<Vec<_>>>()
		.map_err(at_file)?;
	let program = Program::new(emitter.weights.len() as u64, declared, specs, emitter.ops);
	check(&program, &emitter.nodes, place)?;
	Ok(Emitted {
		program,
		weights: emitter.weights,
		parameters: emitter.parameters,
		nodes: emitter.nodes,
	})
}

/// Refuses programs of too many ops, which are of these nodes.
fn check_count(
	nodes: impl Iterator<Item = usize>,
	place: &impl Fn(usize) -> Place,
) -> Result<(), CompileError> {
	let (mut count, mut of_node) = (0usize, BTreeMap::new());
	for node in nodes {
		count += 1;
		*of_node.entry(node).or_insert(0usize) += 1;
	}
	if count <= MAX_OPS as usize {
		return Ok(());
	}
	let most = of_node.into_iter().max_by_key(|&(node, count)| (count, Reverse(node)));
	let (node, own) = most.map_or((Place::File, 0), |(node, count)| (place(node), count));
	// One of many is not to blame.
	let share = if own * 10 > count { format!("; {own} are of {node}") } else { String::new() };
	let failure =
		Failure::too_large(format!("the program has {count} ops, the most is {MAX_OPS}{share}"));
	// Where one node is most of them, it is what has to become smaller.
	let at = if own * 2 > count { node } else { Place::File };
	Err(failure
		.help("use a smaller model, fewer turns of its loops, or compile it in parts")
		.at(at))
}

/// Writes records and weights.
struct Emitter {
	ops: Vec<OpRecord>,
	nodes: Vec<usize>,
	/// New index of every op that has been written.
	index: HashMap<usize, u32>,
	input_offsets: Vec<u64>,
	/// Offset in the inputs of every op that is left out because it is a part of one.
	parts: HashMap<usize, u64>,
	weights: Vec<u8>,
	parameters: u64,
	/// Offset of a weight by the hash of its bytes.
	interned: HashMap<[u8; 32], u64>,
	/// Offset of a constant of the ops by where its bytes are in memory.
	placed: HashMap<usize, u64>,
	/// Op that makes a constant with infinities, by the hash of its bytes.
	infinite: HashMap<[u8; 32], u32>,
}

impl Emitter {
	fn new(inputs: &[BoundInput<'_>]) -> Result<Emitter> {
		let mut lengths = Vec::new();
		for input in inputs {
			lengths.push(shape(&input.dims)?.bytes(input.dtype));
		}
		Ok(Emitter {
			ops: Vec::new(),
			nodes: Vec::new(),
			index: HashMap::new(),
			input_offsets: Layout::new(lengths).offsets,
			parts: HashMap::new(),
			weights: Vec::new(),
			parameters: 0,
			interned: HashMap::new(),
			placed: HashMap::new(),
			infinite: HashMap::new(),
		})
	}

	fn emit(&mut self, old: usize, op: &Op) -> Result<()> {
		let may_be_infinite = matches!(
			op.kind,
			OpKind::Binary(_)
				| OpKind::Select
				| OpKind::Map(_)
				| OpKind::MapReduce { .. }
				| OpKind::Strided { .. }
				| OpKind::Pad { .. }
				| OpKind::Concat { .. }
				| OpKind::Gather { .. }
				| OpKind::Scatter(_)
				| OpKind::Pack
		);
		let mut operands = Vec::new();
		let own = op.kind.own_operands().unwrap_or(op.operands.len());
		for (at, value) in op.operands.iter().enumerate() {
			operands.push(self.operand(value, may_be_infinite || at >= own, op.node)?);
		}
		let dims = shape(&op.dims)?;
		operands.extend(own_output(op.kind, self.ops.len() as u32, dims));
		let record = OpRecord::new(op.kind, op.dtype, dims, operands);
		let record = OpRecord { epilogue: op.epilogue, ..record };
		let new = self.push(record, op.node);
		self.index.insert(old, new);
		Ok(())
	}

	fn push(&mut self, record: OpRecord, node: usize) -> u32 {
		self.ops.push(record);
		self.nodes.push(node);
		(self.ops.len() - 1) as u32
	}

	fn operand(&mut self, value: &Value, may_be_infinite: bool, node: usize) -> Result<Operand> {
		let dims = shape(&value.dims)?;
		match &value.origin {
			Origin::Input(i) => Ok(Operand::input(self.input_offsets[*i], value.dtype, dims)),
			Origin::Op(j) => match (self.index.get(j), self.parts.get(j)) {
				(Some(&new), _) => Ok(Operand::op(new, value.dtype, dims)),
				(None, Some(&start)) => Ok(Operand::input(start, value.dtype, dims)),
				(None, None) => Err(Failure::invalid("an operand is computed after its use")),
			},
			Origin::Constant(bytes) => {
				let address = bytes.as_ptr().addr();
				if let Some(&offset) = self.placed.get(&address) {
					return Ok(Operand::weight(offset, value.dtype, dims));
				}
				let finite = value.dtype != DType::F32
					|| bytes.as_chunks::<4>().0.iter().all(|b| f32::from_le_bytes(*b).is_finite());
				if finite {
					let offset = self.weight(bytes, value.dtype);
					self.placed.insert(address, offset);
					return Ok(Operand::weight(offset, value.dtype, dims));
				}
				let floats = value.floats().unwrap_or_default();
				if !may_be_infinite || floats.iter().any(|x| x.is_nan()) {
					return Err(Failure::new(ErrorKind::NotFinite, "a weight is NaN or infinite")
						.help("check the training run that made this model"));
				}
				let index = self.infinite_constant(bytes, &floats, value, node)?;
				Ok(Operand::op(index, value.dtype, dims))
			},
		}
	}

	/// Places bytes in the weights, once.
	fn weight(&mut self, bytes: &[u8], dtype: DType) -> u64 {
		let hash = *blake3::hash(bytes).as_bytes();
		if let Some(&offset) = self.interned.get(&hash) {
			return offset;
		}
		let offset = (self.weights.len() as u64).next_multiple_of(ALIGN);
		self.weights.resize(offset as usize, 0);
		self.weights.extend_from_slice(bytes);
		self.parameters += bytes.len() as u64 / dtype.size();
		self.interned.insert(hash, offset);
		offset
	}

	/// Weights are finite, so a mask with infinities is a quotient: x / 1 = x and ±1 / 0 = ±∞.
	fn infinite_constant(
		&mut self,
		bytes: &[u8],
		floats: &[f32],
		value: &Value,
		node: usize,
	) -> Result<u32> {
		let hash = *blake3::hash(bytes).as_bytes();
		if let Some(&index) = self.infinite.get(&hash) {
			return Ok(index);
		}
		let pick = |finite: fn(f32) -> f32, infinite: fn(f32) -> f32| -> Vec<u8> {
			let pick = |x: &f32| if x.is_finite() { finite(*x) } else { infinite(*x) };
			floats.iter().flat_map(|x| pick(x).to_le_bytes()).collect()
		};
		let above = self.weight(&pick(|x| x, f32::signum), DType::F32);
		let below = self.weight(&pick(|_| 1.0, |_| 0.0), DType::F32);
		let dims = shape(&value.dims)?;
		let operands = [above, below].map(|offset| Operand::weight(offset, DType::F32, dims));
		let kind = OpKind::Binary(BinaryFn::Div);
		let index = self.push(OpRecord::new(kind, DType::F32, dims, operands.to_vec()), node);
		self.infinite.insert(hash, index);
		Ok(index)
	}
}

/// The referee's own check; what it refuses is said in terms of the model.
fn check(
	program: &Program,
	nodes: &[usize],
	place: impl Fn(usize) -> Place,
) -> Result<(), CompileError> {
	let Err(error) = program.check() else { return Ok(()) };
	let node = nodes.get(error.op as usize);
	let place = node.map_or(Place::File, |&node| place(node));
	let failure = match error.reason {
		CheckReason::LeafTooLarge => Failure::new(ErrorKind::LeafLimit, error.reason.to_string())
			.help("split the layer into smaller parts"),
		reason => Failure::unsupported(format!("it does not fit the program format ({reason})")),
	};
	Err(failure.at(place))
}
