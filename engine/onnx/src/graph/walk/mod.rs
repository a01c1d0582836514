//! From a graph to values: which nodes are needed, each one's operands, and what names stand for.

mod call;
mod control;

use std::collections::{HashMap, HashSet};

use super::Bound;
use crate::{
	dims::product,
	error::{shown, CompileError, Failure, Place},
	ir::{Builder, Item, Origin, Value},
	lower::{check, is_standard, lower, Cx, Opsets},
	read::{Attribute, AttributeValue, Function, FunctionKey, Graph, Node, SparseTensor, Tensor},
};
use call::Frame;
use control::is_control;

/// Most nodes lowered, counting those of unrolled bodies as often as they are repeated.
const MAX_LOWERED: usize = 1 << 18;

/// Most parts of inner graphs looked at, counting those of a body as often as it is repeated.
const MAX_REPEATED: u64 = 1 << 25;

/// What helps against loops that are too long to be written out.
const FEWER_TURNS: &str =
	"compile the model for fewer turns of its loops, or the body of a loop by itself";

/// The place of a node: its name, or its first output's.
pub(crate) fn place(node: &Node<'_>) -> Place {
	let name = match node.name {
		"" => node.outputs.first().copied().unwrap_or_default(),
		name => name,
	};
	Place::Node { name: name.into(), op_type: node.op_type.into() }
}

/// A weight of a graph, as the file has it.
#[derive(Clone, Copy, PartialEq)]
enum Weight<'g, 'a> {
	Dense(&'g Tensor<'a>),
	Sparse(&'g SparseTensor<'a>),
}

/// Every name of one graph and what it stands for.
struct Scope<'g, 'a> {
	graph: &'g Graph<'a>,
	/// The names that are wanted of it.
	outputs: Vec<&'a str>,
	initializers: HashMap<&'a str, Weight<'g, 'a>>,
	/// The node that produces a name.
	producers: HashMap<&'a str, usize>,
	/// What names stand for; nothing where a function's caller left an operand out.
	values: HashMap<&'a str, Option<Item>>,
	/// Whether names of the graphs around it mean nothing in it: the body of a function.
	is_closed: bool,
}

impl<'g, 'a> Scope<'g, 'a> {
	/// `is_entered_once`: not one of a body, whose weights would be compared in every turn.
	fn new(
		graph: &'g Graph<'a>,
		outputs: Vec<&'a str>,
		is_entered_once: bool,
	) -> Result<Scope<'g, 'a>, CompileError> {
		let dense = graph.initializers.iter().map(|tensor| (tensor.name, Weight::Dense(tensor)));
		let sparse = graph.sparse.iter().map(|one| (one.values.name, Weight::Sparse(one)));
		let mut initializers = HashMap::new();
		for (name, weight) in dense.chain(sparse) {
			// Some exporters write a shared weight once for every use.
			let other = initializers.insert(name, weight);
			if other.is_some_and(|other| !is_entered_once || other != weight) {
				let failure = Failure::invalid("two different weights have this name");
				return Err(failure.at(Place::Weight(name.into())));
			}
		}
		let mut producers = HashMap::new();
		for (index, node) in graph.nodes.iter().enumerate() {
			for &output in node.outputs.iter().filter(|output| !output.is_empty()) {
				if initializers.contains_key(output) || producers.insert(output, index).is_some() {
					let reason = format!("its output `{}` already exists", shown(output));
					return Err(Failure::invalid(reason).at(place(node)));
				}
			}
		}
		let values = HashMap::new();
		Ok(Scope { graph, outputs, initializers, producers, values, is_closed: false })
	}

	/// The names that the outputs need, and for each node that they need, the nodes that it reads from.
	fn needed(&self) -> (HashSet<&'a str>, Vec<Option<Vec<usize>>>) {
		let mut names = HashSet::new();
		let mut nodes: Vec<Option<Vec<usize>>> = vec![None; self.graph.nodes.len()];
		let mut open: Vec<&str> = self.outputs.clone();
		while let Some(name) = open.pop() {
			if !names.insert(name) {
				continue;
			}
			if let Some(&index) = self.producers.get(name) {
				if nodes[index].is_none() {
					let read = self.graph.nodes[index].names_read();
					let before = read.iter().filter_map(|name| self.producers.get(name).copied());
					nodes[index] = Some(before.collect());
					open.extend(read);
				}
			}
		}
		(names, nodes)
	}
}

/// The needed nodes in an order in which those that each reads from come before it. Nodes that come sorted keep
/// their order; of a circle, the first node that reads from it says so.
fn ordered(nodes: &[Option<Vec<usize>>]) -> Vec<usize> {
	#[derive(Clone, Copy, PartialEq)]
	enum Mark {
		New,
		Open,
		Done,
	}
	let mut marks = vec![Mark::New; nodes.len()];
	let mut order = Vec::new();
	for start in (0..nodes.len()).filter(|&i| nodes[i].is_some()) {
		let mut open = vec![start];
		while let Some(&node) = open.last() {
			match marks[node] {
				Mark::New => {
					marks[node] = Mark::Open;
					let before = nodes[node].iter().flatten().copied();
					open.extend(before.filter(|&other| marks[other] == Mark::New));
				},
				Mark::Open => {
					marks[node] = Mark::Done;
					order.push(node);
					open.pop();
				},
				Mark::Done => {
					open.pop();
				},
			}
		}
	}
	order
}

/// The graphs being lowered, the model's own first and each inside the one before it.
pub(crate) struct Walk<'g, 'a> {
	scopes: Vec<Scope<'g, 'a>>,
	/// Every node lowered so far; what ops name as their origin.
	pub(crate) nodes: Vec<&'g Node<'a>>,
	/// What nodes mean, the model's own first; then of every function whose body is being lowered.
	frames: Vec<Frame<'g, 'a>>,
	functions: HashMap<FunctionKey<'a>, &'g Function<'a>>,
	/// Parts of inner graphs that may still be looked at.
	repeats: u64,
}

impl<'g, 'a> Walk<'g, 'a> {
	pub(crate) fn new(
		opsets: Opsets<'a>,
		functions: &'g [Function<'a>],
	) -> Result<Walk<'g, 'a>, CompileError> {
		let mut by_key = HashMap::new();
		for function in functions {
			if by_key.insert(function.key(), function).is_some() {
				let reason = format!("two functions are called `{}`", shown(function.name));
				return Err(Failure::invalid(reason).at(Place::File));
			}
		}
		let frames = vec![Frame::new(opsets)];
		let (scopes, nodes) = (Vec::new(), Vec::new());
		Ok(Walk { scopes, nodes, frames, functions: by_key, repeats: MAX_REPEATED })
	}

	/// Makes `graph` the one whose names come first, of which `outputs` are wanted.
	pub(crate) fn enter(
		&mut self,
		graph: &'g Graph<'a>,
		outputs: Vec<&'a str>,
	) -> Result<(), CompileError> {
		let is_outermost = self.scopes.is_empty();
		self.scopes.push(Scope::new(graph, outputs, is_outermost)?);
		Ok(())
	}

	/// Whether the outermost graph has a weight of this name.
	pub(crate) fn has_initializer(&self, name: &str) -> bool {
		self.scopes.first().is_some_and(|scope| scope.initializers.contains_key(name))
	}

	/// Gives the model's inputs their values. Those without elements carry nothing: they become
	/// constants and are no inputs of the program.
	pub(crate) fn declare(
		&mut self,
		bound: &mut Bound<'a>,
		builder: &mut Builder,
	) -> Result<(), CompileError> {
		let mut next = 0;
		for input in &bound.inputs {
			let value = match product(&input.dims) {
				0 => Value::constant(input.dtype, input.dims.clone(), Vec::new())
					.tagged(input.element),
				_ => {
					let (dtype, element) = (input.dtype, input.element);
					let origin = Origin::Input(next);
					next += 1;
					Value { dtype, element, dims: input.dims.clone(), origin }
				},
			};
			self.name(input.name, value)?;
		}
		bound.inputs.retain(|input| product(&input.dims) != 0);
		for (input, numbers) in &bound.fixed {
			let at = |failure: Failure| failure.at(Place::Input(input.name.into()));
			let each =
				|number: &i64| Value::scalar(input.dtype, *number).bytes().map(<[u8]>::to_vec);
			let value = match numbers.as_slice() {
				&[one] => {
					let one = Value::scalar(input.dtype, one);
					builder.expand(&one, input.dims.clone()).map_err(at)?
				},
				numbers => {
					let bytes = numbers.iter().filter_map(each).collect::<Vec<_>>().concat();
					Value::constant(input.dtype, input.dims.clone(), bytes)
				},
			};
			self.name(input.name, value.tagged(input.element))?;
		}
		Ok(())
	}

	fn name(&mut self, name: &'a str, item: impl Into<Item>) -> Result<(), CompileError> {
		self.name_optional(name, Some(item.into()))
	}

	fn name_optional(&mut self, name: &'a str, item: Option<Item>) -> Result<(), CompileError> {
		let taken = self.scopes.last_mut().is_none_or(|scope| {
			scope.values.insert(name, item).is_some() || scope.producers.contains_key(name)
		});
		if taken {
			Err(Failure::invalid("its name is used twice").at(Place::Input(name.into())))
		} else {
			Ok(())
		}
	}

	/// What a name that `reader` needs stands for, in the innermost graph that has it; nothing for an operand of
	/// a function that its caller left out.
	fn optional_item(
		&mut self,
		builder: &mut Builder,
		name: &'a str,
		reader: impl FnOnce() -> Place,
	) -> Result<Option<Item>, CompileError> {
		for scope in self.scopes.iter_mut().rev() {
			if let Some(item) = scope.values.get(name) {
				return Ok(item.clone());
			}
			if let Some(weight) = scope.initializers.get(name) {
				let value = match weight {
					Weight::Dense(tensor) => builder.constant(tensor),
					Weight::Sparse(tensor) => builder.sparse_constant(tensor),
				};
				let value = value.map_err(|failure| failure.at(Place::Weight(name.into())))?;
				scope.values.insert(name, Some(value.clone().into()));
				return Ok(Some(value.into()));
			}
			// A name of the graph's own hides those around it, also before it stands for something.
			if let Some(&index) = scope.producers.get(name) {
				let node = scope.graph.nodes.get(index).map_or("", |node| node.op_type);
				let reason = format!(
					"it needs `{}`, and the {} that makes it needs, directly or not, what this gives",
					shown(name),
					shown(node)
				);
				return Err(Failure::invalid(reason).at(reader()));
			}
			if scope.is_closed {
				break;
			}
		}
		let reason = format!("nothing before it produces `{}`, which it needs", shown(name));
		Err(Failure::invalid(reason).at(reader()))
	}

	/// What a name that `reader` cannot do without stands for.
	fn item(
		&mut self,
		builder: &mut Builder,
		name: &'a str,
		reader: impl Fn() -> Place,
	) -> Result<Item, CompileError> {
		self.optional_item(builder, name, &reader)?.ok_or_else(|| {
			let reason = format!("`{}`, which it needs, was left out", shown(name));
			Failure::invalid(reason).at(reader())
		})
	}

	/// Lowers a graph inside a node, with `inputs` as the values of its inputs; gives its outputs.
	pub(crate) fn run_inner(
		&mut self,
		builder: &mut Builder,
		graph: &'g Graph<'a>,
		inputs: Vec<Item>,
	) -> Result<Vec<Item>, CompileError> {
		self.repeat_parts(graph.parts())?;
		self.enter(graph, graph.outputs.iter().map(|port| port.name).collect())?;
		for (port, item) in graph.inputs.iter().zip(inputs) {
			self.name(port.name, item)?;
		}
		let outputs = self.run(builder)?;
		self.scopes.pop();
		Ok(outputs)
	}

	/// Takes from how much may be done for inner graphs, where nodes that are lowered are not all: a body
	/// of none is still entered in every turn.
	pub(crate) fn repeat_parts(&mut self, parts: u64) -> Result<(), CompileError> {
		let left = self.repeats.checked_sub(parts);
		self.repeats = left.ok_or_else(|| {
			let reason = format!(
				"bodies of loops and functions come to more than {MAX_REPEATED} parts, repeated"
			);
			let node = self.nodes.last().map_or(Place::File, |node| place(node));
			Failure::too_large(reason).help(FEWER_TURNS).at(node)
		})?;
		Ok(())
	}

	/// Lowers every needed node of the innermost graph; gives what its outputs stand for.
	pub(crate) fn run(&mut self, builder: &mut Builder) -> Result<Vec<Item>, CompileError> {
		let Some(scope) = self.scopes.last() else { return Ok(Vec::new()) };
		let (graph, (names, nodes)) = (scope.graph, scope.needed());
		let wanted_outputs = scope.outputs.clone();
		for node in ordered(&nodes).into_iter().map(|i| &graph.nodes[i]) {
			let inputs = node
				.inputs
				.iter()
				.map(|&name| match name {
					"" => Ok(None),
					name => self.optional_item(builder, name, || place(node)),
				})
				.collect::<Result<Vec<_>, _>>()?;
			if self.nodes.len() >= MAX_LOWERED {
				let reason =
					format!("with bodies repeated, the model has more than {MAX_LOWERED} nodes");
				return Err(Failure::too_large(reason).help(FEWER_TURNS).at(place(node)));
			}
			builder.node = self.nodes.len();
			self.nodes.push(node);
			let wanted: Vec<bool> = node.outputs.iter().map(|name| names.contains(name)).collect();
			let items = self.lower(builder, node, inputs, wanted)?;
			self.keep(node, items, &names)?;
		}
		let output = |name: &str| Place::Output(name.into());
		let outputs = wanted_outputs.into_iter();
		outputs.map(|name| self.item(builder, name, || output(name))).collect()
	}

	fn lower(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		inputs: Vec<Option<Item>>,
		wanted: Vec<bool>,
	) -> Result<Vec<Option<Item>>, CompileError> {
		let fail = |failure: Failure| failure.at(place(node));
		if let Some(&function) = self.functions.get(&node.called()) {
			let items = self.call(builder, node, function, inputs)?;
			return Ok(items.into_iter().map(Some).collect());
		}
		let frame = self.frames.last().ok_or_else(|| fail(Failure::invalid("it has no place")))?;
		let attributes = frame.attributes(node);
		if is_standard(node.domain) && is_control(node.op_type) {
			check(node, &attributes, &frame.opsets).map_err(fail)?;
			let refers = |a: &Attribute<'_>| matches!(a.value, AttributeValue::Reference(_));
			if node.attributes.iter().any(refers) {
				return Err(fail(Failure::unsupported("its attributes are those of a call")));
			}
			let opset = frame.opsets.standard;
			let items = self.control(builder, node, inputs, opset)?;
			return Ok(items.into_iter().map(Some).collect());
		}
		let cx = Cx::new(builder, node, inputs, attributes, &frame.opsets, wanted);
		lower(cx, &frame.opsets).map_err(fail)
	}

	/// Names a node's outputs.
	fn keep(
		&mut self,
		node: &'g Node<'a>,
		items: Vec<Option<Item>>,
		needed: &HashSet<&'a str>,
	) -> Result<(), CompileError> {
		let mut items = items.into_iter();
		for &output in &node.outputs {
			match (items.next(), self.scopes.last_mut()) {
				(Some(item), Some(scope)) if !output.is_empty() => {
					scope.values.insert(output, item);
				},
				(None, _) if needed.contains(output) => {
					let reason = format!("its output `{}` is not supported", shown(output));
					return Err(Failure::unsupported(reason).at(place(node)));
				},
				_ => {},
			}
		}
		Ok(())
	}
}
