//! Calls of the functions that a model brings along.

use std::collections::{HashMap, HashSet};

use super::{place, Walk};
use crate::{
	error::{shown, CompileError, Failure},
	ir::{Builder, Item},
	lower::Opsets,
	read::{AttributeValue, Function, Node},
};

/// Most functions whose bodies lie inside one another; one that calls itself never ends.
const MAX_CALLS: usize = 32;

/// What the nodes of the model, or of a function's body, mean.
pub(super) struct Frame<'g, 'a> {
	pub(super) opsets: Opsets<'a>,
	/// The attributes of the call, and the defaults of those that it does not have; nothing for the model itself,
	/// whose nodes can refer to no call.
	bound: Option<HashMap<&'a str, &'g AttributeValue<'a>>>,
}

impl<'g, 'a> Frame<'g, 'a> {
	pub(super) fn new(opsets: Opsets<'a>) -> Frame<'g, 'a> {
		Frame { opsets, bound: None }
	}

	/// The attributes of a node, those of the call in the place of references to them: what the call does not
	/// have, the node does not have. Names with two underscores in front are for tools.
	pub(super) fn attributes(&self, node: &'g Node<'a>) -> Vec<(&'a str, &'g AttributeValue<'a>)> {
		let known = node.attributes.iter().filter(|attribute| !attribute.name.starts_with("__"));
		known
			.filter_map(|attribute| match (&attribute.value, &self.bound) {
				(AttributeValue::Reference(name), Some(bound)) => {
					Some((attribute.name, *bound.get(name)?))
				},
				(value, _) => Some((attribute.name, value)),
			})
			.collect()
	}
}

impl<'g, 'a> Walk<'g, 'a> {
	/// Lowers the body of `function` with the operands and attributes of `node`.
	pub(super) fn call(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		function: &'g Function<'a>,
		inputs: Vec<Option<Item>>,
	) -> Result<Vec<Item>, CompileError> {
		let fail = |failure: Failure| failure.at(place(node));
		if self.frames.len() > MAX_CALLS {
			let reason = format!("functions call one another more than {MAX_CALLS} deep");
			return Err(fail(Failure::invalid(reason)));
		}
		if inputs.len() > function.inputs.len() || node.outputs.len() > function.outputs.len() {
			let reason = "it has more inputs or outputs than its function in the file";
			return Err(fail(Failure::invalid(reason)));
		}
		// Before anything is made for it: a call of a function with endless attributes costs as much as it has.
		self.repeat_parts(function.body.parts() + function.parts() + node.parts())?;
		let frame = self.frame(node, function).map_err(fail)?;
		let outputs = function.outputs.iter().take(node.outputs.len()).copied().collect();
		self.enter(&function.body, outputs)?;
		if let Some(scope) = self.scopes.last_mut() {
			scope.is_closed = true;
		}
		let left_out = std::iter::repeat(None);
		for (name, item) in function.inputs.iter().zip(inputs.into_iter().chain(left_out)) {
			self.name_optional(name, item)?;
		}
		let at = builder.node;
		self.frames.push(frame);
		let items = self.run(builder)?;
		self.frames.pop();
		self.scopes.pop();
		builder.node = at;
		Ok(items)
	}

	/// What the nodes of the function's body mean in a call.
	fn frame(
		&self,
		node: &'g Node<'a>,
		function: &'g Function<'a>,
	) -> Result<Frame<'g, 'a>, Failure> {
		let mut bound: HashMap<&'a str, &'g AttributeValue<'a>> =
			function.defaults.iter().map(|default| (default.name, &default.value)).collect();
		let declared: HashSet<&str> = function.attributes.iter().copied().collect();
		let given = self.frames.last().map(|frame| frame.attributes(node)).unwrap_or_default();
		for (name, value) in given {
			if !declared.contains(name) && !bound.contains_key(name) {
				let reason = format!("its function in the file has no attribute `{}`", shown(name));
				return Err(Failure::invalid(reason));
			}
			bound.insert(name, value);
		}
		let values = function.body.nodes.iter().flat_map(|node| &node.attributes);
		let mut read = values.filter_map(|attribute| match attribute.value {
			AttributeValue::Reference(name) => Some(name),
			_ => None,
		});
		let is_missing = |name: &&str| declared.contains(name) && !bound.contains_key(name);
		if let Some(missing) = read.find(is_missing) {
			let reason = format!("its attribute `{}` is missing", shown(missing));
			return Err(Failure::invalid(reason));
		}
		let opsets = match (function.opsets.as_slice(), self.frames.first()) {
			// Exporters that know one version only write it down once.
			([], Some(first)) => first.opsets.clone(),
			(named, _) => Opsets::of(named, &function.body)?,
		};
		Ok(Frame { opsets, bound: Some(bound) })
	}
}
