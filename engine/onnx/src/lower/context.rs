//! What the lowering of a node sees: its operands, its attributes, and the builder of the program.

use assay_referee::DType;

use crate::{
	error::{shown, ErrorKind, Failure, Result},
	ir::{Builder, Value},
	read::{Attribute, Node, Tensor},
};

/// One node with its operands' values.
pub(crate) struct Cx<'a, 'm> {
	pub(crate) b: &'a mut Builder,
	pub(crate) node: &'a Node<'m>,
	pub(crate) inputs: Vec<Option<Value>>,
	/// Version of the standard operator set.
	pub(crate) opset: i64,
	/// For every output, whether something reads it.
	pub(crate) wanted: Vec<bool>,
}

impl<'a, 'm> Cx<'a, 'm> {
	/// Computes what was deferred of the inputs.
	pub(crate) fn materialize_inputs(&mut self) -> Result<()> {
		for input in self.inputs.iter_mut().flatten() {
			*input = self.b.materialized(input)?;
		}
		Ok(())
	}

	/// Input `i`, which must be there.
	pub(crate) fn input(&self, i: usize) -> Result<Value> {
		self.optional(i).ok_or_else(|| Failure::invalid(format!("its input {i} is missing")))
	}

	/// Input `i`, where there is one.
	pub(crate) fn optional(&self, i: usize) -> Option<Value> {
		self.inputs.get(i).cloned().flatten()
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
			.help("shapes must be known when the model is compiled"));
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

	fn attribute(&self, name: &str) -> Option<&'a Attribute<'m>> {
		let node: &'a Node<'m> = self.node;
		node.attributes.iter().find(|attribute| attribute.name == name)
	}

	/// An attribute of one whole number.
	pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
		self.attribute(name).and_then(|attribute| attribute.int).unwrap_or(default)
	}

	/// An attribute that is true when it is not 0.
	pub(crate) fn flag(&self, name: &str) -> bool {
		self.int(name, 0) != 0
	}

	/// An attribute of one number.
	pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32> {
		let value = self.attribute(name).and_then(|attribute| attribute.float).unwrap_or(default);
		if value.is_nan() {
			Err(Failure::invalid(format!("its attribute `{name}` is NaN")))
		} else {
			Ok(value)
		}
	}

	/// An attribute that is a list of whole numbers.
	pub(crate) fn ints(&self, name: &str) -> Option<&'a [i64]> {
		self.attribute(name).map(|attribute| attribute.ints.as_slice())
	}

	/// An attribute that is a list of numbers.
	pub(crate) fn floats(&self, name: &str) -> Option<&'a [f32]> {
		self.attribute(name).map(|attribute| attribute.floats.as_slice())
	}

	/// An attribute that is a list of words.
	pub(crate) fn words(&self, name: &str) -> Result<Option<Vec<&'m str>>> {
		let Some(attribute) = self.attribute(name) else { return Ok(None) };
		let words = attribute.strings.iter().map(|bytes| std::str::from_utf8(bytes));
		words
			.collect::<Result<_, _>>()
			.map(Some)
			.map_err(|_| Failure::invalid(format!("its attribute `{name}` is not a list of words")))
	}

	/// An attribute that is a word.
	pub(crate) fn word(&self, name: &str, default: &'static str) -> Result<&'m str> {
		match self.attribute(name).and_then(|attribute| attribute.string) {
			None => Ok(default),
			Some(bytes) => std::str::from_utf8(bytes)
				.map_err(|_| Failure::invalid(format!("its attribute `{name}` is not text"))),
		}
	}

	/// An attribute that is a tensor.
	pub(crate) fn tensor(&self, name: &str) -> Option<&'a Tensor<'m>> {
		self.attribute(name).and_then(|attribute| attribute.tensor.as_deref())
	}

	/// Whether the node has this attribute.
	pub(crate) fn has(&self, name: &str) -> bool {
		self.attribute(name).is_some()
	}

	/// Refuses inputs without elements, for operators that divide by sizes.
	pub(crate) fn refuse_empty(&self) -> Result<()> {
		match self.inputs.iter().flatten().find(|value| value.elements() == 0) {
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
