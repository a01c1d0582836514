//! Turns the collected ops into a program: joins what the format can join, drops what nothing
//! reads, and lays out the weights.

use std::collections::HashMap;

use assay_referee::{
	Bias, BinaryFn, CheckReason, DType, Layout, OpKind, OpRecord, Operand, Program, TensorSpec,
	ALIGN, MAX_OPERANDS, MAX_OPS, MAX_RANK,
};

use crate::bind::BoundInput;
use crate::build::{own_output, shape, users, Op};
use crate::convolutions::join_windows;
use crate::epilogues::join_epilogues;
use crate::error::{CompileError, ErrorKind, Failure, Place, Result};
use crate::expressions::join_expressions;
use crate::layouts::{compute_transposed, join_layouts};
use crate::movements::{
	concat_before_repetitions, convolve_before_permutations, join_parts, join_views,
	move_before_permutations, part_of_input, read_before_repetitions,
};
use crate::recompute::recompute;
use crate::reorder::reorder_products;
use crate::value::{broadcast, product, strides, Origin, Value};

/// A finished program with what only the compiler knows about it.
#[derive(Debug)]
pub(crate) struct Finished {
	pub(crate) program: Program,
	pub(crate) weights: Vec<u8>,
	/// Elements of the distinct weights.
	pub(crate) parameters: u64,
	/// For every op, the index of the node it comes from.
	pub(crate) nodes: Vec<usize>,
}

/// Rewrites the ops up to the root that are live, to fewer of them or fewer bytes between them.
type Pass = fn(&mut [Op], usize, &[bool]);

/// In this order: products before the expressions they are read by, expressions as large as they can be
/// before what takes them in.
const PASSES: [Pass; 15] = [
	join_biases,
	join_windows,
	reorder_products,
	join_expressions,
	read_before_repetitions,
	move_before_permutations,
	convolve_before_permutations,
	// What comes after such a convolution.
	move_before_permutations,
	join_views,
	join_parts,
	compute_transposed,
	recompute,
	concat_before_repetitions,
	join_epilogues,
	join_layouts,
];

/// Makes the program that computes `outputs`.
pub(crate) fn finish(
	mut ops: Vec<Op>,
	inputs: &[BoundInput<'_>],
	outputs: &[Value],
	place: impl Fn(usize) -> Place,
) -> Result<Finished, CompileError> {
	let at_file = |failure: Failure| failure.at(Place::File);
	let specs = outputs
		.iter()
		.map(|value| Ok(TensorSpec::new(value.dtype, shape(&value.dims)?)))
		.collect::<Result<Vec<_>>>()
		.map_err(at_file)?;
	let last_node = ops.last().map_or(0, |op| op.node);
	let root = root(&mut ops, outputs, &specs, last_node).map_err(at_file)?;
	let mut live = live(&ops, root);
	for (i, _) in live.iter().enumerate().filter(|(_, live)| **live) {
		skip_expansions(&mut ops, i);
	}
	for pass in PASSES {
		pass(&mut ops, root, &live);
		live = self::live(&ops, root);
	}
	// Before constants are looked at, once for every op that reads them.
	check_count(live.iter().filter(|live| **live).count()).map_err(at_file)?;
	let mut emitter = Emitter::new(inputs).map_err(at_file)?;
	for (i, op) in ops.iter().enumerate().take(root + 1).filter(|(i, _)| live[*i]) {
		if let Some((input, start)) = part_of_input(op).filter(|_| i != root) {
			emitter.parts.insert(i, emitter.input_offsets[input] + start);
			continue;
		}
		emitter.emit(i, op).map_err(|failure| failure.at(place(op.node)))?;
	}
	check_count(emitter.ops.len()).map_err(at_file)?;
	let declared = inputs
		.iter()
		.map(|input| Ok(TensorSpec::new(input.dtype, shape(&input.dims)?)))
		.collect::<Result<Vec<_>>>()
		.map_err(at_file)?;
	let program = Program::new(emitter.weights.len() as u64, declared, specs, emitter.ops);
	check(&program, &emitter.nodes, place)?;
	Ok(Finished {
		program,
		weights: emitter.weights,
		parameters: emitter.parameters,
		nodes: emitter.nodes,
	})
}

/// Refuses programs of too many ops.
fn check_count(count: usize) -> Result<()> {
	match count > MAX_OPS as usize {
		false => Ok(()),
		true => {
			Err(Failure::too_large(format!("the program has {count} ops, the most is {MAX_OPS}"))
				.help("use a smaller model, or compile it in parts"))
		},
	}
}

/// The index of the op that gives the program's output, added where the outputs are not one op's
/// result as it is.
fn root(ops: &mut Vec<Op>, outputs: &[Value], specs: &[TensorSpec], node: usize) -> Result<usize> {
	let op = match outputs {
		[] => return Err(Failure::invalid("the model has no outputs")),
		[one] => {
			if let Origin::Op(index) = one.origin {
				return Ok(index);
			}
			let mut steps = [0; MAX_RANK];
			for ((place, step), &dim) in steps.iter_mut().zip(strides(&one.dims)).zip(&one.dims) {
				*place = if dim > 1 { step } else { 0 };
			}
			let kind = OpKind::Strided { offset: 0, strides: steps };
			let (operands, dims) = (vec![one.clone()], one.dims.clone());
			Op { kind, dtype: one.dtype, dims, operands, epilogue: None, node }
		},
		many if many.len() > MAX_OPERANDS => {
			return Err(Failure::too_large(format!(
				"the model has {} outputs, the most is {MAX_OPERANDS}",
				many.len()
			)));
		},
		many => {
			let total = Layout::new(specs.iter().map(TensorSpec::bytes)).total_len;
			let total =
				u32::try_from(total).map_err(|_| Failure::too_large("the outputs exceed 1 GiB"))?;
			let operands = many.to_vec();
			let (kind, dims) = (OpKind::Pack, vec![total]);
			Op { kind, dtype: DType::U8, dims, operands, epilogue: None, node }
		},
	};
	ops.push(op);
	Ok(ops.len() - 1)
}

/// Which ops the one at `root` needs, itself included.
fn live(ops: &[Op], root: usize) -> Vec<bool> {
	let mut live = vec![false; ops.len()];
	live[root] = true;
	for i in (0..=root).rev() {
		if live[i] {
			ops[i].operands.iter().filter_map(Value::op).for_each(|j| live[j] = true);
		}
	}
	live
}

/// Reads the operands of an elementwise op from before their expansion: it broadcasts by itself.
fn skip_expansions(ops: &mut [Op], i: usize) {
	if !matches!(ops[i].kind, OpKind::Binary(_) | OpKind::Select) {
		return;
	}
	for operand in 0..ops[i].operands.len() {
		let Some(source) = before_expansion(ops, &ops[i].operands[operand]) else { continue };
		let mut operands = ops[i].operands.clone();
		operands[operand] = source;
		let joined = operands.iter().try_fold(Vec::new(), |dims, o| broadcast(&dims, &o.dims));
		if joined.is_ok_and(|dims| dims == ops[i].dims) {
			ops[i].operands = operands;
		}
	}
}

/// What a value repeats along some axes, if it is only that.
pub(crate) fn before_expansion(ops: &[Op], value: &Value) -> Option<Value> {
	let Origin::Op(j) = value.origin else { return None };
	let op = &ops[j];
	let OpKind::Strided { offset: 0, strides: steps } = op.kind else { return None };
	if value.dims != op.dims {
		return None;
	}
	let dims: Vec<u32> =
		op.dims.iter().zip(steps).map(|(&dim, step)| if step == 0 { 1 } else { dim }).collect();
	let source = &op.operands[0];
	let contiguous =
		strides(&dims).iter().zip(&dims).zip(steps).all(|((&s, &dim), step)| dim == 1 || s == step);
	if !contiguous || product(&dims) != source.elements() {
		return None;
	}
	source.view(dims).ok()
}

/// Joins a matrix product and the addition of a row or column after it, which the format has as
/// one op with the same order of operations.
fn join_biases(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	for i in 0..=root {
		if live[i] {
			if let Some(joined) = join_bias(ops, i, &users) {
				ops[i] = joined;
			}
		}
	}
}

fn join_bias(ops: &[Op], i: usize, users: &[Vec<usize>]) -> Option<Op> {
	let op = &ops[i];
	if op.kind != OpKind::Binary(BinaryFn::Add) {
		return None;
	}
	for (product_at, bias_at) in [(0, 1), (1, 0)] {
		let Some(j) = op.operands[product_at].op() else { continue };
		let bias = &op.operands[bias_at];
		let source = &ops[j];
		let plain = source.kind == OpKind::MatMul { bias: Bias::None };
		let fits = users[j].len() == 1 && op.operands[product_at].dims == op.dims;
		if !plain || !fits {
			continue;
		}
		if let Some((side, bias)) = bias_side(source, &op.dims, bias) {
			let mut operands = source.operands.clone();
			operands.push(bias);
			let dims = source.dims.clone();
			return Some(Op {
				kind: OpKind::MatMul { bias: side },
				dtype: op.dtype,
				dims,
				operands,
				epilogue: None,
				node: op.node,
			});
		}
	}
	None
}

/// How a value that varies along one axis of the sum lies on the product `[batch, m, n]`.
fn bias_side(product_op: &Op, dims: &[u32], bias: &Value) -> Option<(Bias, Value)> {
	let &[_, m, n] = product_op.dims.as_slice() else { return None };
	let batch = *product_op.operands[0].dims.first()?;
	let mut varying = (0..dims.len()).filter(|&d| bias.dims[d] != 1);
	let (axis, None) = (varying.next()?, varying.next()) else { return None };
	let inner = product(&dims[axis + 1..]);
	let length = dims[axis];
	if inner == 1 && length == n {
		return Some((Bias::Column, bias.view(vec![n]).ok()?));
	}
	if inner == u64::from(n) && length == m {
		return Some((Bias::Row, bias.view(vec![m]).ok()?));
	}
	if inner == u64::from(n) && u64::from(length) == u64::from(batch) * u64::from(m) {
		return Some((Bias::Row, bias.view(vec![batch, m]).ok()?));
	}
	None
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
	known: HashMap<[u8; 32], u64>,
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
			known: HashMap::new(),
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
		if let Some(&offset) = self.known.get(&hash) {
			return offset;
		}
		let offset = (self.weights.len() as u64).next_multiple_of(ALIGN);
		self.weights.resize(offset as usize, 0);
		self.weights.extend_from_slice(bytes);
		self.parameters += bytes.len() as u64 / dtype.size();
		self.known.insert(hash, offset);
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
