//! A node beside what its operator takes.

use super::{Count, Kind, Opsets, Parameter, Schema};
use crate::{
	error::{shown, ErrorKind, Failure, Result},
	read::{AttributeValue, Node},
};

/// Refuses a node that does not have what its operator takes, in the version in force. Nothing is said of
/// operators that no version of the table has.
///
/// # Errors
///
/// An operator that is not there yet or any more; too few or too many inputs or outputs; an attribute that the
/// operator does not have, of another type, twice, or missing.
pub(crate) fn check(
	node: &Node<'_>,
	attributes: &[(&str, &AttributeValue<'_>)],
	opsets: &Opsets<'_>,
) -> Result<()> {
	let version = opsets.version(node.domain);
	let versions = Schema::versions(node.domain, node.op_type);
	let Some(first) = versions.first() else { return Ok(()) };
	let Some(schema) = Schema::in_force(node.domain, node.op_type, version) else {
		return Err(Failure::invalid(format!(
			"operator set {version} has no such operator, {} is the first that has",
			first.since
		))
		.help("export the model for that operator set"));
	};
	if schema.removed {
		return Err(Failure::invalid(format!(
			"operator set {} removed the operator, and the model is written for {version}",
			schema.since
		))
		.help("convert the model, or name the operator set that it is written for"));
	}
	count(node.inputs.len(), schema.inputs, "inputs")?;
	count(node.outputs.len(), schema.outputs, "outputs")?;
	let mut found: Vec<&str> = Vec::new();
	for &(name, value) in attributes {
		if found.contains(&name) {
			return Err(Failure::invalid(format!("it has attribute `{}` twice", shown(name))));
		}
		found.push(name);
		match schema.parameter(name) {
			Some(parameter) => typed(value, parameter)?,
			None => return Err(unknown(node, name, schema, version)),
		}
	}
	let missing = schema.attributes.iter().find(|p| p.required && !found.contains(&p.name));
	match missing {
		Some(missing) => Err(Failure::invalid(format!(
			"its attribute `{}`, {}, is missing",
			missing.name,
			missing.kind.described()
		))),
		None => Ok(()),
	}
}

fn count(has: usize, takes: Count, what: &str) -> Result<()> {
	let Count { least, most } = takes;
	if has >= least && most.is_none_or(|most| has <= most) {
		return Ok(());
	}
	let takes = match most {
		None => format!("{least} or more"),
		Some(most) if most == least => format!("{least}"),
		Some(most) => format!("{least} to {most}"),
	};
	Err(Failure::invalid(format!("it has {has} {what}, the operator takes {takes}")))
}

fn typed(value: &AttributeValue<'_>, parameter: &Parameter) -> Result<()> {
	use AttributeValue as Value;
	let fits = matches!(
		(value, parameter.kind),
		(Value::Float(_), Kind::Float)
			| (Value::Int(_), Kind::Int)
			| (Value::String(_), Kind::String)
			| (Value::Tensor(_), Kind::Tensor)
			| (Value::Graph(_), Kind::Graph)
			| (Value::Floats(_), Kind::Floats)
			| (Value::Ints(_), Kind::Ints)
			| (Value::Strings(_), Kind::Strings)
			| (Value::Empty, Kind::Floats | Kind::Ints | Kind::Strings)
			| (Value::Other, Kind::Other)
	);
	if fits {
		return Ok(());
	}
	let has = match value {
		Value::Float(_) => "a float",
		Value::Int(_) => "an integer",
		Value::String(_) => "a string",
		Value::Tensor(_) => "a tensor",
		Value::Graph(_) => "a graph",
		Value::Floats(_) => "a list of floats",
		Value::Ints(_) => "a list of integers",
		Value::Strings(_) => "a list of strings",
		Value::Reference(_) => "that of a call, outside of any function",
		Value::Empty => "empty",
		Value::Other => "of a kind that is not supported",
		Value::Contradictory => "not one value of the type that it names",
	};
	Err(Failure::invalid(format!(
		"its attribute `{}` is {has}, the operator takes {}",
		parameter.name,
		parameter.kind.described()
	)))
}

impl Kind {
	fn described(self) -> &'static str {
		match self {
			Kind::Float => "a float",
			Kind::Int => "an integer",
			Kind::String => "a string",
			Kind::Tensor => "a tensor",
			Kind::Graph => "a graph",
			Kind::Floats => "a list of floats",
			Kind::Ints => "a list of integers",
			Kind::Strings => "a list of strings",
			Kind::Other => "a kind that is not supported",
		}
	}
}

/// Why an attribute is refused: other versions of the operator have it, or none has.
fn unknown(node: &Node<'_>, name: &str, schema: &Schema, version: i64) -> Failure {
	let versions = Schema::versions(node.domain, node.op_type);
	let other = versions.iter().find(|other| other.parameter(name).is_some());
	let name = shown(name);
	match other {
		Some(other) => Failure::invalid(format!(
			"it has no attribute `{name}` in operator set {version}; operator set {} has it",
			other.since
		))
		.help("convert the model, or name the operator set that it is written for"),
		None => {
			let names: Vec<&str> = schema.attributes.iter().map(|p| p.name).collect();
			let has = if names.is_empty() { "none".into() } else { names.join(", ") };
			Failure::new(
				ErrorKind::Invalid,
				format!("the operator has no attribute `{name}`; it has {has}"),
			)
			.help("correct its name, or remove it")
		},
	}
}
