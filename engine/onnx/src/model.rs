//! From the file to values: which nodes are needed, and each one's operands.

use std::collections::{HashMap, HashSet};

use assay_executor::Manifest;
use assay_referee::tree;

use crate::bind::{bind, Bound};
use crate::build::Builder;
use crate::constant;
use crate::error::{shown, CompileError, ErrorKind, Failure, Place};
use crate::finish::{finish, Finished};
use crate::lower::{lower, Cx};
use crate::proto::{Graph, Model, Node, Port, Tensor};
use crate::value::{product, Origin, Value};
use crate::{CompileOptions, Compiled};

/// Versions of the standard operator set whose meaning is known here.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=24;

pub(crate) fn compile(onnx: &[u8], options: &CompileOptions) -> Result<Compiled, CompileError> {
	let at_file = |failure: Failure| failure.at(Place::File);
	let model = Model::decode(onnx).map_err(|error| {
		at_file(
			Failure::new(
				ErrorKind::Malformed,
				format!("it is no ONNX model, or is damaged: {error}"),
			)
			.help("check that the whole file was copied"),
		)
	})?;
	let opset = standard_opset(&model).map_err(at_file)?;
	let Some(graph) = &model.graph else {
		return Err(at_file(Failure::new(ErrorKind::Malformed, "it holds no graph")));
	};
	if graph.has_sparse {
		return Err(at_file(Failure::unsupported("it has sparse weights")));
	}
	let mut walk = Walk::new(graph)?;
	let ports: Vec<&Port<'_>> =
		graph.inputs.iter().filter(|port| !walk.initializers.contains_key(port.name)).collect();
	let mut bound = bind(&ports, options)?;
	let mut names = HashSet::new();
	if let Some(port) = graph.outputs.iter().find(|port| !names.insert(port.name)) {
		let failure = Failure::invalid("two outputs have this name");
		return Err(failure.at(Place::Output(port.name.into())));
	}
	walk.declare(&mut bound)?;
	let mut builder = Builder::new(onnx.len() as u64);
	let outputs = walk.run(&mut builder, opset)?;
	let place = |node: usize| graph.nodes.get(node).map_or(Place::File, place);
	let finished = finish(builder.ops, &bound.inputs, &outputs, place)?;
	describe(onnx, graph, bound, finished, options).map_err(at_file)
}

/// The version of the standard operator set that the model is written for; a model that uses none
/// of its operators need not name one.
fn standard_opset(model: &Model<'_>) -> Result<i64, Failure> {
	let is_standard = |domain: &str| matches!(domain, "" | "ai.onnx");
	let named = model.opsets.iter().find(|(domain, _)| is_standard(domain));
	let mut nodes = model.graph.iter().flat_map(|graph| &graph.nodes);
	let version = match named {
		Some(&(_, version)) => version,
		None if !model.opsets.is_empty() && !nodes.any(|node| is_standard(node.domain)) => {
			*OPSETS.end()
		},
		None => {
			let reason = "it names no version of the operator set";
			return Err(Failure::new(ErrorKind::Malformed, reason));
		},
	};
	match OPSETS.contains(&version) {
		true => Ok(version),
		false => Err(Failure::unsupported(format!(
			"it is written for operator set {version}, supported are {} to {}",
			OPSETS.start(),
			OPSETS.end()
		))
		.help("export or convert the model for operator set 17")),
	}
}

fn place(node: &Node<'_>) -> Place {
	let name = match node.name {
		"" => node.outputs.first().copied().unwrap_or_default(),
		name => name,
	};
	Place::Node { name: name.into(), op_type: node.op_type.into() }
}

/// Every name of a graph and what it stands for.
struct Walk<'g, 'a> {
	graph: &'g Graph<'a>,
	initializers: HashMap<&'a str, &'g Tensor<'a>>,
	/// The node that produces a name.
	producers: HashMap<&'a str, usize>,
	values: HashMap<&'a str, Value>,
}

impl<'g, 'a> Walk<'g, 'a> {
	fn new(graph: &'g Graph<'a>) -> Result<Walk<'g, 'a>, CompileError> {
		let mut initializers = HashMap::new();
		for tensor in &graph.initializers {
			if initializers.insert(tensor.name, tensor).is_some() {
				let failure = Failure::invalid("two weights have this name");
				return Err(failure.at(Place::Weight(tensor.name.into())));
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
		Ok(Walk { graph, initializers, producers, values: HashMap::new() })
	}

	/// Gives the inputs values. Those without elements carry nothing: they become constants and are
	/// no inputs of the program.
	fn declare(&mut self, bound: &mut Bound<'a>) -> Result<(), CompileError> {
		let mut next = 0;
		for input in &bound.inputs {
			let value = match product(&input.dims) {
				0 => Value::constant(input.dtype, input.dims.clone(), Vec::new()),
				_ => {
					let origin = Origin::Input(next);
					next += 1;
					Value { dtype: input.dtype, dims: input.dims.clone(), origin }
				},
			};
			let again = self.values.insert(input.name, value).is_some();
			if again || self.producers.contains_key(input.name) {
				let failure = Failure::invalid("its name is used twice");
				return Err(failure.at(Place::Input(input.name.into())));
			}
		}
		bound.inputs.retain(|input| product(&input.dims) != 0);
		Ok(())
	}

	/// Names and nodes that the outputs need.
	fn needed(&self) -> (HashSet<&'a str>, Vec<bool>) {
		let mut names = HashSet::new();
		let mut nodes = vec![false; self.graph.nodes.len()];
		let mut open: Vec<&str> = self.graph.outputs.iter().map(|port| port.name).collect();
		while let Some(name) = open.pop() {
			if !names.insert(name) {
				continue;
			}
			if let Some(&index) = self.producers.get(name) {
				if !std::mem::replace(&mut nodes[index], true) {
					open.extend(&self.graph.nodes[index].inputs);
				}
			}
		}
		(names, nodes)
	}

	/// The value of a name that `reader` needs.
	fn value(
		&mut self,
		name: &'a str,
		reader: impl FnOnce() -> Place,
	) -> Result<Value, CompileError> {
		if let Some(value) = self.values.get(name) {
			return Ok(value.clone());
		}
		match self.initializers.get(name) {
			Some(tensor) => {
				let value = constant::decode(tensor)
					.map_err(|failure| failure.at(Place::Weight(name.into())))?;
				self.values.insert(name, value.clone());
				Ok(value)
			},
			None => {
				let reason =
					format!("nothing before it produces `{}`, which it needs", shown(name));
				Err(Failure::invalid(reason).at(reader()))
			},
		}
	}

	/// Lowers every needed node; gives the outputs' values.
	fn run(&mut self, builder: &mut Builder, opset: i64) -> Result<Vec<Value>, CompileError> {
		let (names, nodes) = self.needed();
		let graph = self.graph;
		for (index, node) in graph.nodes.iter().enumerate().filter(|(i, _)| nodes[*i]) {
			builder.node = index;
			let inputs = node
				.inputs
				.iter()
				.map(|&name| match name {
					"" => Ok(None),
					name => self.value(name, || place(node)).map(Some),
				})
				.collect::<Result<Vec<_>, _>>()?;
			let wanted = node.outputs.iter().map(|name| names.contains(name)).collect();
			let mut cx = Cx { b: builder, node, inputs, opset, wanted };
			let values = lower(&mut cx).map_err(|failure| failure.at(place(node)))?;
			let mut values = values.into_iter();
			for &output in &node.outputs {
				match values.next() {
					Some(value) if !output.is_empty() => {
						self.values.insert(output, value);
					},
					None if names.contains(output) => {
						let reason = format!("its output `{}` is not supported", shown(output));
						return Err(Failure::unsupported(reason).at(place(node)));
					},
					_ => {},
				}
			}
		}
		let output = |name: &str| Place::Output(name.into());
		graph.outputs.iter().map(|port| self.value(port.name, || output(port.name))).collect()
	}
}

fn describe(
	onnx: &[u8],
	graph: &Graph<'_>,
	bound: Bound<'_>,
	finished: Finished,
	options: &CompileOptions,
) -> Result<Compiled, Failure> {
	let Finished { program, weights, parameters, nodes } = finished;
	let inputs: Vec<String> = bound.inputs.iter().map(|input| input.name.into()).collect();
	let outputs: Vec<String> = graph.outputs.iter().map(|port| port.name.into()).collect();
	let mut manifest = Manifest::new(&program, tree::hash(&weights), &inputs, &outputs)
		.map_err(|error| Failure::invalid(error.to_string()))?;
	manifest.name = options.name.clone();
	manifest.version = options.version.clone();
	manifest.licence = options.licence.clone();
	manifest.source_hash = tree::hash(onnx);
	manifest.dims = bound.dims;
	manifest.compiler = concat!("assay-onnx ", env!("CARGO_PKG_VERSION")).into();
	let origins = nodes
		.iter()
		.map(|&node| match graph.nodes.get(node).map(place) {
			Some(Place::Node { name, .. }) => name,
			_ => String::new(),
		})
		.collect();
	Ok(Compiled { program, weights, manifest, parameters, origins })
}
