//! What the lowering of a node sees: its operands, its attributes, and the builder of the program.

use std::cell::Cell;

use assay_referee::DType;

use super::schema::{Opsets, Schema};
use crate::{
	error::{shown, ErrorKind, Failure, Result, KNOWN_SHAPES},
	ir::{Builder, Item, Value},
	read::{AttributeValue, Node, Tensor},
};

/// One node with its operands' values.
///
/// It notes which inputs and attributes are read, so that a node is refused that has others: see
/// [`refuse_unread`](Cx::refuse_unread).
pub(crate) struct Cx<'a, 'm> {
	pub(crate) b: &'a mut Builder,
	pub(crate) node: &'a Node<'m>,
	inputs: Vec<Option<Item>>,
	attributes: Vec<(&'m str, &'a AttributeValue<'m>)>,
	/// Version of the standard operator set.
	pub(crate) opset: i64,
	/// Version of the operator set of the node's domain, and what the operator takes in it.
	version: i64,
	schema: Option<&'static Schema>,
	/// For every output, whether something reads it.
	wanted: Vec<bool>,
	/// For every input and every attribute, whether it was read.
	read_inputs: Vec<Cell<bool>>,
	read_attributes: Vec<Cell<bool>>,
}

impl<'a, 'm> Cx<'a, 'm> {
	pub(crate) fn new(
		b: &'a mut Builder,
		node: &'a Node<'m>,
		inputs: Vec<Option<Item>>,
		attributes: Vec<(&'m str, &'a AttributeValue<'m>)>,
		opsets: &Opsets<'_>,
		wanted: Vec<bool>,
	) -> Cx<'a, 'm> {
		let version = opsets.version(node.domain);
		Cx {
			b,
			node,
			opset: opsets.standard,
			version,
			schema: Schema::in_force(node.domain, node.op_type, version),
			wanted,
			read_inputs: vec![Cell::new(false); inputs.len()],
			read_attributes: vec![Cell::new(false); attributes.len()],
			inputs,
			attributes,
		}
	}

	/// The attributes of the node, those of a call in the place of references to them.
	pub(crate) fn attributes(&self) -> &[(&'m str, &'a AttributeValue<'m>)] {
		&self.attributes
	}

	/// Version of the operator set of the node's domain.
	pub(crate) fn version(&self) -> i64 {
		self.version
	}

	/// Computes what was deferred of the inputs.
	pub(crate) fn materialize_inputs(&mut self) -> Result<()> {
		for input in self.inputs.iter_mut().flatten() {
			if let Item::Tensor(value) = input {
				*value = self.b.materialized(value)?;
			}
		}
		Ok(())
	}

	/// Refuses a node of which something was not looked at that could change its result: inputs, and
	/// attributes that are not at their default. What does not matter is named in `attributes` and `inputs`.
	pub(crate) fn refuse_unread(&self, attributes: &[&str], inputs: &[usize]) -> Result<()> {
		for ((name, value), read) in self.attributes.iter().zip(&self.read_attributes) {
			let parameter = self.schema.and_then(|schema| schema.parameter(name));
			let is_default = parameter.is_some_and(|parameter| parameter.is_default(value));
			if !read.get() && !is_default && !attributes.contains(name) {
				let reason = format!("its attribute `{}` is not supported here", shown(name));
				return Err(Failure::unsupported(reason));
			}
		}
		for (i, (input, read)) in self.inputs.iter().zip(&self.read_inputs).enumerate() {
			if input.is_some() && !read.get() && !inputs.contains(&i) {
				return Err(Failure::unsupported(format!("its input {i} is not supported here")));
			}
		}
		Ok(())
	}

	/// The inputs as they are, for what says nothing of their meaning.
	pub(crate) fn operands(&self) -> impl Iterator<Item = &Value> {
		self.inputs.iter().flatten().filter_map(Item::tensor)
	}

	/// The inputs with their names, whatever they are, for what decides how the node is lowered; they are not
	/// read by that.
	pub(crate) fn items(&self) -> impl Iterator<Item = (&'m str, &Item)> {
		let named = self.node.inputs.iter().zip(&self.inputs);
		named.filter_map(|(name, item)| Some((*name, item.as_ref()?)))
	}

	/// Puts other items in the place of the inputs, one for each.
	pub(crate) fn replace_items(
		&mut self,
		mut with: impl FnMut(&mut Builder, &Item) -> Result<Item>,
	) -> Result<()> {
		for input in self.inputs.iter_mut().flatten() {
			*input = with(self.b, input)?;
		}
		Ok(())
	}

	/// How many inputs it has, those left out among them.
	pub(crate) fn input_count(&self) -> usize {
		self.inputs.len()
	}

	/// Does something with one value in the place of the inputs.
	pub(crate) fn with_input<T>(&mut self, only: Value, run: impl FnOnce(&mut Self) -> T) -> T {
		let inputs = std::mem::replace(&mut self.inputs, vec![Some(only.into())]);
		let result = run(self);
		self.inputs = inputs;
		result
	}

	/// Input `i`, which must be there.
	pub(crate) fn input(&self, i: usize) -> Result<Value> {
		self.optional(i).ok_or_else(|| Failure::invalid(format!("its input {i} is missing")))
	}

	/// Input `i`, where there is one.
	pub(crate) fn optional(&self, i: usize) -> Option<Value> {
		match self.item(i) {
			Some(Item::Tensor(value)) => Some(value),
			// Which tensors only are lowered from.
			_ => None,
		}
	}

	/// Input `i`, whatever it is, where there is one.
	pub(crate) fn item(&self, i: usize) -> Option<Item> {
		let item = self.inputs.get(i).cloned().flatten();
		if let (Some(_), Some(read)) = (&item, self.read_inputs.get(i)) {
			read.set(true);
		}
		item
	}

	/// Input `i` of `f32`.
	pub(crate) fn float_input(&self, i: usize) -> Result<Value> {
		let value = self.input(i)?;
		match value.dtype {
			DType::F32 => Ok(value),
			other => Err(Failure::new(
				ErrorKind::UnsupportedType,
				format!("it is supported for float32 only, its input {i} is {other:?}"),
			)),
		}
	}

	/// Every input; all must be there, and one at least.
	pub(crate) fn all_inputs(&self) -> Result<Vec<Value>> {
		if self.inputs.is_empty() {
			return Err(Failure::invalid("it has no inputs"));
		}
		(0..self.inputs.len()).map(|i| self.input(i)).collect()
	}

	/// Input `i` where it decides a shape or an axis: a constant list of whole numbers.
	pub(crate) fn list_input(&self, i: usize) -> Result<Option<Vec<i64>>> {
		let Some(value) = self.optional(i) else { return Ok(None) };
		if !value.is_constant() {
			let name = self.node.inputs.get(i).copied().unwrap_or_default();
			return Err(Failure::new(
				ErrorKind::DynamicShape,
				format!("`{}` decides a shape and depends on the model's input", shown(name)),
			)
			.help(KNOWN_SHAPES));
		}
		if value.rank() > 1 {
			return Err(Failure::invalid(format!("its input {i} is not a list")));
		}
		match value.whole_numbers() {
			Some(list) => Ok(Some(list)),
			None => Err(Failure::invalid(format!("its input {i} is not a list of whole numbers"))),
		}
	}

	/// A list that older operator sets have as an attribute and newer ones as an input.
	pub(crate) fn list(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>> {
		match self.ints(attribute) {
			Some(list) => Ok(Some(list.to_vec())),
			None => self.list_input(input),
		}
	}

	/// The value of an attribute, which is now read.
	fn attribute(&self, name: &str) -> Option<&'a AttributeValue<'m>> {
		debug_assert!(Schema::is_parameter(name), "no operator has an attribute {name}");
		let at = self.attributes.iter().position(|(other, _)| *other == name)?;
		self.read_attributes[at].set(true);
		Some(self.attributes[at].1)
	}

	/// The default that the operator's own version has for an attribute.
	fn default(&self, name: &str) -> Option<&'static str> {
		self.schema?.parameter(name)?.default()
	}

	/// An attribute of one whole number; where the node does not say it, the operator's own default, or this one
	/// if it has none.
	pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
		match self.attribute(name) {
			Some(AttributeValue::Int(value)) => *value,
			_ => self.default(name).and_then(|text| text.parse().ok()).unwrap_or(default),
		}
	}

	/// An attribute that is true when it is not 0.
	pub(crate) fn flag(&self, name: &str) -> bool {
		self.int(name, 0) != 0
	}

	/// An attribute of one number, with a default as [`int`](Cx::int) has.
	pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32> {
		match self.attribute(name) {
			Some(AttributeValue::Float(value)) if value.is_nan() => {
				Err(Failure::invalid(format!("its attribute `{name}` is NaN")))
			},
			Some(AttributeValue::Float(value)) => Ok(*value),
			_ => Ok(self.default(name).and_then(|text| text.parse().ok()).unwrap_or(default)),
		}
	}

	/// An attribute of one number, which may be NaN.
	pub(crate) fn any_float(&self, name: &str, default: f32) -> f32 {
		match self.attribute(name) {
			Some(AttributeValue::Float(value)) => *value,
			_ => default,
		}
	}

	/// An attribute that is a list of whole numbers.
	pub(crate) fn ints(&self, name: &str) -> Option<&'a [i64]> {
		match self.attribute(name)? {
			AttributeValue::Ints(values) => Some(values),
			AttributeValue::Empty => Some(&[]),
			_ => None,
		}
	}

	/// An attribute that is a list of numbers.
	pub(crate) fn floats(&self, name: &str) -> Option<&'a [f32]> {
		match self.attribute(name)? {
			AttributeValue::Floats(values) => Some(values),
			AttributeValue::Empty => Some(&[]),
			_ => None,
		}
	}

	/// An attribute that is a list of words.
	pub(crate) fn words(&self, name: &str) -> Result<Option<Vec<&'m str>>> {
		let words: &[&'m [u8]] = match self.attribute(name) {
			Some(AttributeValue::Strings(words)) => words,
			Some(AttributeValue::Empty) => &[],
			_ => return Ok(None),
		};
		words
			.iter()
			.map(|bytes| std::str::from_utf8(bytes))
			.collect::<Result<_, _>>()
			.map(Some)
			.map_err(|_| Failure::invalid(format!("its attribute `{name}` is not a list of words")))
	}

	/// An attribute that is a word, with a default as [`int`](Cx::int) has.
	pub(crate) fn word(&self, name: &str, default: &'static str) -> Result<&'m str> {
		match self.attribute(name) {
			Some(AttributeValue::String(bytes)) => std::str::from_utf8(bytes)
				.map_err(|_| Failure::invalid(format!("its attribute `{name}` is not text"))),
			_ => Ok(self.default(name).unwrap_or(default)),
		}
	}

	/// An attribute that is a tensor.
	pub(crate) fn tensor(&self, name: &str) -> Option<&'a Tensor<'m>> {
		match self.attribute(name)? {
			AttributeValue::Tensor(tensor) => Some(tensor),
			_ => None,
		}
	}

	/// Whether the node has this attribute.
	pub(crate) fn has(&self, name: &str) -> bool {
		self.attribute(name).is_some()
	}

	/// Refuses inputs without elements, for operators that divide by sizes.
	pub(crate) fn refuse_empty(&self) -> Result<()> {
		match self.operands().find(|value| value.elements() == 0) {
			Some(value) => {
				Err(Failure::unsupported(format!("an input, of shape {:?}, is empty", value.dims)))
			},
			None => Ok(()),
		}
	}

	/// Whether something reads output `i`.
	pub(crate) fn wants(&self, i: usize) -> bool {
		self.wanted.get(i).copied().unwrap_or(false)
	}

	/// Refuses nodes whose output `i` is read.
	pub(crate) fn refuse_output(&self, i: usize, what: &str) -> Result<()> {
		if self.wants(i) {
			Err(Failure::unsupported(format!("its output {i} ({what}) is not supported")))
		} else {
			Ok(())
		}
	}
}
