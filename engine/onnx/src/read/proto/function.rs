//! Functions that a model brings along: operators whose meaning is a graph of its own.

use super::{name, opset, Attribute, Budget, Graph, Node};
use crate::read::wire::{Reader, Result};

/// Domain, name and overload of a function.
pub(crate) type FunctionKey<'a> = (&'a str, &'a str, &'a str);

/// The standard domain has two names.
fn canonical(domain: &str) -> &str {
	if domain == "ai.onnx" {
		""
	} else {
		domain
	}
}

impl<'a> Node<'a> {
	/// The function that the node calls, if there is such a one.
	pub(crate) fn called(&self) -> FunctionKey<'a> {
		(canonical(self.domain), self.op_type, self.overload)
	}

	/// Its operands, results and attributes.
	pub(crate) fn parts(&self) -> u64 {
		(self.inputs.len() + self.outputs.len() + self.attributes.len()) as u64
	}
}

/// A function: what a node of its name and domain stands for.
#[derive(Debug, Default)]
pub(crate) struct Function<'a> {
	pub(crate) name: &'a str,
	pub(crate) domain: &'a str,
	pub(crate) overload: &'a str,
	pub(crate) inputs: Vec<&'a str>,
	/// Attributes without a default, and with one.
	pub(crate) attributes: Vec<&'a str>,
	pub(crate) defaults: Vec<Attribute<'a>>,
	/// Its own operator sets.
	pub(crate) opsets: Vec<(&'a str, i64)>,
	/// Its nodes; inputs and outputs are the names above and below.
	pub(crate) body: Graph<'a>,
	pub(crate) outputs: Vec<&'a str>,
}

impl<'a> Function<'a> {
	pub(super) fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Function<'a>> {
		budget.part()?;
		let mut function = Function::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => function.name = field.text()?,
				4 => function.inputs.push(name(field, budget)?),
				5 => function.outputs.push(name(field, budget)?),
				6 => function.attributes.push(name(field, budget)?),
				7 => function.body.nodes.push(Node::decode(field.message()?, budget)?),
				9 => function.opsets.push(opset(field.message()?, budget)?),
				10 => function.domain = field.text()?,
				11 => function.defaults.push(Attribute::decode(field.message()?, budget)?),
				13 => function.overload = field.text()?,
				_ => {},
			}
		}
		Ok(function)
	}

	/// Domain, name and overload, by which nodes call it.
	pub(crate) fn key(&self) -> FunctionKey<'a> {
		(canonical(self.domain), self.name, self.overload)
	}

	/// How much there is to look at besides its body.
	pub(crate) fn parts(&self) -> u64 {
		let names = self.inputs.len() + self.outputs.len() + self.attributes.len();
		(names + self.defaults.len() + self.opsets.len()) as u64
	}
}
