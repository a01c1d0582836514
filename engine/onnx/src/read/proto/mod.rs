//! The parts of the ONNX format that a compiler needs, borrowed from the file's bytes.
//!
//! Field numbers are those of `onnx.proto`. Unknown fields are skipped. Graphs inside attributes
//! (`If`, `Loop`, `Scan`) nest to a bounded depth, so a file cannot exhaust the stack.

mod attribute;
mod function;
mod port;
mod sparse;

pub(crate) use attribute::{Attribute, AttributeValue};
pub(crate) use function::{Function, FunctionKey};
pub(crate) use port::{Dim, Port};
pub(crate) use sparse::SparseTensor;

use std::collections::HashSet;

use super::wire::{Field, Reader, Result, WireError};

/// Most nodes, attributes, tensors and ports together: a two-byte field makes a part of some
/// hundred bytes in memory, and this bounds what a hostile file can make of that.
const MAX_PARTS: usize = 1 << 18;

/// Most strings in lists: a forest has one for every node.
const MAX_STRINGS: usize = 1 << 22;

/// Most graphs inside one another.
const MAX_NESTING: usize = 16;

/// What a file may still make of its bytes.
struct Budget {
	parts: usize,
	strings: usize,
	/// Graphs that may still be entered from here.
	nesting: usize,
}

impl Budget {
	fn part(&mut self) -> Result<()> {
		self.parts = self.parts.checked_sub(1).ok_or(WireError::TooMany)?;
		Ok(())
	}

	fn string(&mut self) -> Result<()> {
		self.strings = self.strings.checked_sub(1).ok_or(WireError::TooMany)?;
		Ok(())
	}

	#[cfg(test)]
	fn for_tests() -> Budget {
		Budget { parts: MAX_PARTS, strings: MAX_STRINGS, nesting: MAX_NESTING }
	}
}

#[derive(Debug, Default)]
pub(crate) struct Model<'a> {
	pub(crate) graph: Option<Graph<'a>>,
	/// Operator set versions by domain.
	pub(crate) opsets: Vec<(&'a str, i64)>,
	pub(crate) functions: Vec<Function<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
	pub(crate) nodes: Vec<Node<'a>>,
	pub(crate) initializers: Vec<Tensor<'a>>,
	pub(crate) inputs: Vec<Port<'a>>,
	pub(crate) outputs: Vec<Port<'a>>,
	pub(crate) sparse: Vec<SparseTensor<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct Node<'a> {
	pub(crate) name: &'a str,
	pub(crate) op_type: &'a str,
	pub(crate) domain: &'a str,
	/// Which of several functions of this name is meant.
	pub(crate) overload: &'a str,
	pub(crate) inputs: Vec<&'a str>,
	pub(crate) outputs: Vec<&'a str>,
	pub(crate) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tensor<'a> {
	pub(crate) name: &'a str,
	pub(crate) dims: Vec<i64>,
	pub(crate) data_type: i32,
	pub(crate) raw: Option<&'a [u8]>,
	pub(crate) floats: Vec<f32>,
	pub(crate) doubles: Vec<f64>,
	/// `int32_data`, `int64_data` or `uint64_data`, whichever the file has.
	pub(crate) ints: Vec<i64>,
	/// Where the data are, if they lie in another file.
	pub(crate) external: Option<Box<External<'a>>>,
	pub(crate) segmented: bool,
}

/// Where in another file a tensor's data are, as the file says it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct External<'a> {
	pub(crate) location: Option<&'a str>,
	pub(crate) offset: Option<&'a str>,
	pub(crate) length: Option<&'a str>,
}

impl<'a> Model<'a> {
	pub(crate) fn decode(bytes: &'a [u8]) -> Result<Model<'a>> {
		let budget = &mut Budget { parts: MAX_PARTS, strings: MAX_STRINGS, nesting: MAX_NESTING };
		let mut model = Model::default();
		let mut reader = Reader::new(bytes);
		while let Some((number, field)) = reader.next()? {
			match number {
				7 => model.graph = Some(Graph::decode(field.message()?, budget)?),
				8 => model.opsets.push(opset(field.message()?, budget)?),
				25 => model.functions.push(Function::decode(field.message()?, budget)?),
				_ => {},
			}
		}
		Ok(model)
	}
}

fn opset<'a>(mut reader: Reader<'a>, budget: &mut Budget) -> Result<(&'a str, i64)> {
	budget.part()?;
	let mut opset = ("", 0);
	while let Some((number, field)) = reader.next()? {
		match number {
			1 => opset.0 = field.text()?,
			2 => opset.1 = field.int()?,
			_ => {},
		}
	}
	Ok(opset)
}

impl<'a> Graph<'a> {
	/// How much there is to look at: its parts and the names that its nodes and inner graphs have.
	pub(crate) fn parts(&self) -> u64 {
		let mut parts = 1 + self.initializers.len() + self.sparse.len();
		parts += self.inputs.len() + self.outputs.len();
		let mut inner = 0;
		for node in &self.nodes {
			parts += 1 + node.inputs.len() + node.outputs.len() + node.attributes.len();
			let graphs = node.attributes.iter().filter_map(Attribute::graph);
			inner += graphs.map(Graph::parts).sum::<u64>();
		}
		parts as u64 + inner
	}

	/// A graph inside an attribute.
	fn nested(reader: Reader<'a>, budget: &mut Budget) -> Result<Graph<'a>> {
		budget.part()?;
		budget.nesting = budget.nesting.checked_sub(1).ok_or(WireError::Nesting)?;
		let graph = Graph::decode(reader, budget)?;
		budget.nesting += 1;
		Ok(graph)
	}

	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Graph<'a>> {
		let mut graph = Graph::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => graph.nodes.push(Node::decode(field.message()?, budget)?),
				5 => graph.initializers.push(Tensor::decode(field.message()?, budget)?),
				11 => graph.inputs.push(Port::decode(field.message()?, budget)?),
				12 => graph.outputs.push(Port::decode(field.message()?, budget)?),
				15 => graph.sparse.push(SparseTensor::decode(field.message()?, budget)?),
				_ => {},
			}
		}
		Ok(graph)
	}
}

impl<'a> Node<'a> {
	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Node<'a>> {
		budget.part()?;
		let mut node = Node::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => node.inputs.push(name(field, budget)?),
				2 => node.outputs.push(name(field, budget)?),
				3 => node.name = field.text()?,
				4 => node.op_type = field.text()?,
				5 => node.attributes.push(Attribute::decode(field.message()?, budget)?),
				7 => node.domain = field.text()?,
				8 => node.overload = field.text()?,
				_ => {},
			}
		}
		Ok(node)
	}
}

fn name<'a>(field: Field<'a>, budget: &mut Budget) -> Result<&'a str> {
	budget.part()?;
	field.text()
}

impl<'a> Node<'a> {
	/// The value of the attribute of this name.
	pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeValue<'a>> {
		let found = self.attributes.iter().find(|attribute| attribute.name == name)?;
		Some(&found.value)
	}

	/// The graph in the attribute of this name.
	pub(crate) fn graph(&self, name: &str) -> Option<&Graph<'a>> {
		self.attributes.iter().find(|attribute| attribute.name == name)?.graph()
	}

	/// Every name that the node reads of the graph that it is in, be it in a graph inside it: there a name that
	/// the inner graph has itself is that one.
	pub(crate) fn names_read(&self) -> Vec<&'a str> {
		let mut names = self.inputs.clone();
		for graph in self.attributes.iter().filter_map(Attribute::graph) {
			graph.read_around(&mut names);
		}
		names
	}
}

impl<'a> Graph<'a> {
	/// Adds the names that the graph reads of those around it. Graphs lie in one another no deeper than
	/// [`MAX_NESTING`].
	fn read_around(&self, names: &mut Vec<&'a str>) {
		let weights = self.initializers.iter().chain(self.sparse.iter().map(|one| &one.values));
		let mut own: HashSet<&str> = weights.map(|tensor| tensor.name).collect();
		own.extend(self.inputs.iter().map(|port| port.name));
		own.extend(self.nodes.iter().flat_map(|node| &node.outputs));
		let inner = self.nodes.iter().flat_map(Node::names_read);
		let read = inner.chain(self.outputs.iter().map(|port| port.name));
		names.extend(read.filter(|name| !own.contains(name)));
	}
}

impl<'a> Tensor<'a> {
	/// A tensor in a file of its own.
	pub(crate) fn from_bytes(bytes: &'a [u8]) -> Result<Tensor<'a>> {
		Tensor::decode(Reader::new(bytes), &mut Budget { parts: MAX_PARTS, strings: 0, nesting: 0 })
	}

	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Tensor<'a>> {
		budget.part()?;
		let mut tensor = Tensor::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => field.ints(&mut tensor.dims)?,
				2 => tensor.data_type = field.int32()?,
				3 => tensor.segmented = true,
				4 => field.floats(&mut tensor.floats)?,
				5 | 7 | 11 => field.ints(&mut tensor.ints)?,
				10 => field.doubles(&mut tensor.doubles)?,
				8 => tensor.name = field.text()?,
				9 => tensor.raw = Some(field.bytes()?),
				13 => {
					let external = tensor.external.get_or_insert_default();
					let (key, value) = entry(field.message()?)?;
					match key {
						"location" => external.location = Some(value),
						"offset" => external.offset = Some(value),
						"length" => external.length = Some(value),
						_ => {},
					}
				},
				14 if field.int32()? != 0 => {
					tensor.external.get_or_insert_default();
				},
				_ => {},
			}
		}
		Ok(tensor)
	}
}

/// A key and its value.
fn entry(mut reader: Reader<'_>) -> Result<(&str, &str)> {
	let mut entry = ("", "");
	while let Some((number, field)) = reader.next()? {
		match number {
			1 => entry.0 = field.text()?,
			2 => entry.1 = field.text()?,
			_ => {},
		}
	}
	Ok(entry)
}
