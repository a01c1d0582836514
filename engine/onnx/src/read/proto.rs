//! The parts of the ONNX format that a compiler needs, borrowed from the file's bytes.
//!
//! Field numbers are those of `onnx.proto`. Unknown fields are skipped. Graphs inside attributes
//! (`If`, `Loop`, `Scan`) nest to a bounded depth, so a file cannot exhaust the stack.

use super::wire::{Field, Reader, Result, WireError};

/// Most nodes, attributes, tensors and ports together: a two-byte field makes a part of some
/// hundred bytes in memory, and this bounds what a hostile file can make of that.
const MAX_PARTS: usize = 1 << 18;

/// Most graphs inside one another.
const MAX_NESTING: usize = 16;

struct Budget {
	parts: usize,
	/// Graphs that may still be entered from here.
	nesting: usize,
}

impl Budget {
	fn part(&mut self) -> Result<()> {
		self.parts = self.parts.checked_sub(1).ok_or(WireError::TooMany)?;
		Ok(())
	}
}

#[derive(Debug, Default)]
pub(crate) struct Model<'a> {
	pub(crate) graph: Option<Graph<'a>>,
	/// Operator set versions by domain.
	pub(crate) opsets: Vec<(&'a str, i64)>,
}

#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
	pub(crate) nodes: Vec<Node<'a>>,
	pub(crate) initializers: Vec<Tensor<'a>>,
	pub(crate) inputs: Vec<Port<'a>>,
	pub(crate) outputs: Vec<Port<'a>>,
	pub(crate) has_sparse: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Node<'a> {
	pub(crate) name: &'a str,
	pub(crate) op_type: &'a str,
	pub(crate) domain: &'a str,
	pub(crate) inputs: Vec<&'a str>,
	pub(crate) outputs: Vec<&'a str>,
	pub(crate) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct Attribute<'a> {
	pub(crate) name: &'a str,
	pub(crate) float: Option<f32>,
	pub(crate) int: Option<i64>,
	pub(crate) string: Option<&'a [u8]>,
	pub(crate) tensor: Option<Box<Tensor<'a>>>,
	/// A branch or body.
	pub(crate) graph: Option<Box<Graph<'a>>>,
	pub(crate) floats: Vec<f32>,
	pub(crate) ints: Vec<i64>,
	pub(crate) strings: Vec<&'a [u8]>,
}

#[derive(Debug, Default)]
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
#[derive(Debug, Default)]
pub(crate) struct External<'a> {
	pub(crate) location: Option<&'a str>,
	pub(crate) offset: Option<&'a str>,
	pub(crate) length: Option<&'a str>,
}

/// An input or output of the graph.
#[derive(Debug, Default)]
pub(crate) struct Port<'a> {
	pub(crate) name: &'a str,
	/// `None` for sequences, maps, optional and sparse values, and where the type is missing.
	pub(crate) tensor: Option<TensorType<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct TensorType<'a> {
	pub(crate) data_type: i32,
	/// `None` where even the number of dimensions is open.
	pub(crate) dims: Option<Vec<Dim<'a>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dim<'a> {
	Known(i64),
	Named(&'a str),
	Open,
}

impl<'a> Model<'a> {
	pub(crate) fn decode(bytes: &'a [u8]) -> Result<Model<'a>> {
		let budget = &mut Budget { parts: MAX_PARTS, nesting: MAX_NESTING };
		let mut model = Model::default();
		let mut reader = Reader::new(bytes);
		while let Some((number, field)) = reader.next()? {
			match number {
				7 => model.graph = Some(Graph::decode(field.message()?, budget)?),
				8 => model.opsets.push(opset(field.message()?, budget)?),
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
		let mut parts = 1 + self.initializers.len() + self.inputs.len() + self.outputs.len();
		let mut inner = 0;
		for node in &self.nodes {
			parts += 1 + node.inputs.len() + node.outputs.len() + node.attributes.len();
			let graphs = node.attributes.iter().filter_map(|attribute| attribute.graph.as_deref());
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
				15 => graph.has_sparse = true,
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
	/// The graph in the attribute of this name.
	pub(crate) fn graph(&self, name: &str) -> Option<&Graph<'a>> {
		self.attributes.iter().find(|attribute| attribute.name == name)?.graph.as_deref()
	}

	/// Every name that the node or a graph inside it reads; those of the graph itself included.
	pub(crate) fn names_read(&self) -> Vec<&'a str> {
		let mut names = self.inputs.clone();
		let mut open: Vec<&Node<'a>> = vec![self];
		while let Some(node) = open.pop() {
			for graph in node.attributes.iter().filter_map(|attribute| attribute.graph.as_deref()) {
				names.extend(graph.outputs.iter().map(|port| port.name));
				names.extend(graph.nodes.iter().flat_map(|inner| &inner.inputs));
				open.extend(&graph.nodes);
			}
		}
		names
	}
}

impl<'a> Attribute<'a> {
	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Attribute<'a>> {
		budget.part()?;
		let mut attribute = Attribute::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => attribute.name = field.text()?,
				2 => attribute.float = Some(field.float()?),
				3 => attribute.int = Some(field.int()?),
				4 => attribute.string = Some(field.bytes()?),
				5 => attribute.tensor = Some(Box::new(Tensor::decode(field.message()?, budget)?)),
				6 => attribute.graph = Some(Box::new(Graph::nested(field.message()?, budget)?)),
				7 => field.floats(&mut attribute.floats)?,
				8 => field.ints(&mut attribute.ints)?,
				9 => {
					budget.part()?;
					attribute.strings.push(field.bytes()?);
				},
				_ => {},
			}
		}
		Ok(attribute)
	}
}

impl<'a> Tensor<'a> {
	/// A tensor in a file of its own.
	pub(crate) fn from_bytes(bytes: &'a [u8]) -> Result<Tensor<'a>> {
		Tensor::decode(Reader::new(bytes), &mut Budget { parts: MAX_PARTS, nesting: 0 })
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

impl<'a> Port<'a> {
	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Port<'a>> {
		budget.part()?;
		let mut port = Port::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => port.name = field.text()?,
				2 => {
					let mut kinds = field.message()?;
					while let Some((number, field)) = kinds.next()? {
						// The other kinds are sequences, maps, optional and sparse values.
						if number == 1 {
							port.tensor = Some(TensorType::decode(field.message()?, budget)?);
						}
					}
				},
				_ => {},
			}
		}
		Ok(port)
	}
}

impl<'a> TensorType<'a> {
	fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<TensorType<'a>> {
		let mut tensor = TensorType::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => tensor.data_type = field.int32()?,
				2 => {
					let dims = tensor.dims.get_or_insert_default();
					let mut shape = field.message()?;
					while let Some((number, field)) = shape.next()? {
						if number == 1 {
							budget.part()?;
							dims.push(dim(field.message()?)?);
						}
					}
				},
				_ => {},
			}
		}
		Ok(tensor)
	}
}

fn dim(mut reader: Reader<'_>) -> Result<Dim<'_>> {
	let mut dim = Dim::Open;
	while let Some((number, field)) = reader.next()? {
		match number {
			1 => dim = Dim::Known(field.int()?),
			2 => dim = Dim::Named(field.text()?),
			_ => {},
		}
	}
	Ok(match dim {
		// Exporters write these for "anything".
		Dim::Known(value) if value <= 0 => Dim::Open,
		Dim::Named("") => Dim::Open,
		other => other,
	})
}
