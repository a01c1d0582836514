//! What every version of every operator takes: how many inputs and outputs, and which attributes of which
//! type. Nodes are checked against this before they are lowered, so that nothing in a file is passed over.
//!
//! The table, `operator_sets.txt`, is written by `scripts/compare/operator_sets.py` from the packages that define
//! the operators; its head says how a line reads. `scripts/test` compares the two.

mod check;
mod opsets;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

pub(crate) use check::check;
pub(crate) use opsets::{is_standard, Opsets};

use crate::read::AttributeValue;

/// The types of attributes that a supported operator has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
	Float,
	Int,
	String,
	Tensor,
	Graph,
	Floats,
	Ints,
	Strings,
	/// What no supported operator reads.
	Other,
}

/// An attribute as an operator declares it.
#[derive(Debug)]
pub(crate) struct Parameter {
	name: &'static str,
	kind: Kind,
	default: Option<&'static str>,
	required: bool,
}

/// Least and most inputs or outputs.
#[derive(Clone, Copy, Debug)]
struct Count {
	least: usize,
	/// `None` without a limit.
	most: Option<usize>,
}

/// What one version of an operator takes.
#[derive(Debug)]
pub(crate) struct Schema {
	since: i64,
	/// Whether that operator set removed the operator.
	removed: bool,
	inputs: Count,
	outputs: Count,
	attributes: Vec<Parameter>,
}

/// The versions of the operators by domain and name, oldest first.
type Table = HashMap<&'static str, HashMap<&'static str, Vec<Schema>>>;

/// The name of a domain as the table has it.
fn canonical(domain: &str) -> &str {
	match domain {
		"" => "ai.onnx",
		other => other,
	}
}

impl Schema {
	fn table() -> &'static Table {
		static TABLE: OnceLock<Table> = OnceLock::new();
		TABLE.get_or_init(|| {
			parse(include_str!("operator_sets.txt")).expect("a test reads the table")
		})
	}

	/// Every version of an operator, oldest first; none of an unknown one.
	fn versions(domain: &str, name: &str) -> &'static [Schema] {
		let operators = Schema::table().get(canonical(domain));
		operators.and_then(|operators| operators.get(name)).map_or(&[], Vec::as_slice)
	}

	/// Whether any operator has an attribute of this name; the lowering asks for no other.
	pub(super) fn is_parameter(name: &str) -> bool {
		static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
		let names = NAMES.get_or_init(|| {
			let schemas = Schema::table().values().flat_map(HashMap::values).flatten();
			schemas.flat_map(|schema| &schema.attributes).map(|parameter| parameter.name).collect()
		});
		names.contains(name)
	}

	/// The version of an operator that is in force in a version of its domain's operator set.
	pub(crate) fn in_force(domain: &str, name: &str, version: i64) -> Option<&'static Schema> {
		Schema::versions(domain, name).iter().rev().find(|schema| schema.since <= version)
	}

	/// The attribute of this name.
	pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
		self.attributes.iter().find(|parameter| parameter.name == name)
	}
}

impl Parameter {
	/// What the attribute has where a node does not say it.
	pub(super) fn default(&self) -> Option<&'static str> {
		self.default
	}

	/// Whether a value is what the attribute has where a node does not say it.
	pub(crate) fn is_default(&self, value: &AttributeValue<'_>) -> bool {
		let Some(default) = self.default else { return false };
		match value {
			AttributeValue::Int(value) => default.parse() == Ok(*value),
			AttributeValue::Float(value) => default.parse() == Ok(*value),
			AttributeValue::String(value) => default.as_bytes() == *value,
			AttributeValue::Ints(values) => {
				values.iter().map(i64::to_string).collect::<Vec<_>>().join(",") == default
			},
			_ => false,
		}
	}
}

/// Reads the table; `None` when a line is not as it should be.
fn parse(text: &'static str) -> Option<Table> {
	let (mut table, mut domain) = (Table::new(), None);
	for line in text.lines() {
		match line.strip_prefix('[') {
			Some(heading) => domain = Some(heading.strip_suffix(']')?),
			None => {
				let (name, schema) = parse_line(line)?;
				table.entry(domain?).or_default().entry(name).or_default().push(schema);
			},
		}
	}
	Some(table)
}

/// `NAME SINCE INPUTS OUTPUTS [ATTRIBUTE]…` or `NAME SINCE removed`.
fn parse_line(line: &'static str) -> Option<(&'static str, Schema)> {
	let mut words = line.split(' ');
	let (name, since) = (words.next()?, words.next()?.parse().ok()?);
	let none = Count { least: 0, most: Some(0) };
	let mut schema =
		Schema { since, removed: false, inputs: none, outputs: none, attributes: Vec::new() };
	match words.next()? {
		"removed" => schema.removed = true,
		inputs => {
			(schema.inputs, schema.outputs) = (parse_count(inputs)?, parse_count(words.next()?)?);
		},
	}
	schema.attributes = words.map(parse_parameter).collect::<Option<_>>()?;
	Some((name, schema))
}

/// `LEAST..MOST` or `LEAST..`.
fn parse_count(word: &str) -> Option<Count> {
	let (least, most) = word.split_once("..")?;
	let most = if most.is_empty() { None } else { Some(most.parse().ok()?) };
	Some(Count { least: least.parse().ok()?, most })
}

/// `NAME:TYPE[=DEFAULT][!]`.
fn parse_parameter(word: &'static str) -> Option<Parameter> {
	let (word, required) = match word.strip_suffix('!') {
		Some(rest) => (rest, true),
		None => (word, false),
	};
	let (name, kind) = word.split_once(':')?;
	let (kind, default) = match kind.split_once('=') {
		Some((kind, default)) => (kind, Some(default)),
		None => (kind, None),
	};
	let kind = match kind {
		"float" => Kind::Float,
		"int" => Kind::Int,
		"string" => Kind::String,
		"tensor" => Kind::Tensor,
		"graph" => Kind::Graph,
		"floats" => Kind::Floats,
		"ints" => Kind::Ints,
		"strings" => Kind::Strings,
		"tensors" | "graphs" | "sparse_tensor" | "sparse_tensors" | "type_proto"
		| "type_protos" => Kind::Other,
		_ => return None,
	};
	Some(Parameter { name, kind, default, required })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_table_reads() {
		let table = parse(include_str!("operator_sets.txt")).expect("every line reads");
		assert_eq!(table.len(), 4, "domains");
		for (operator, versions) in table.values().flatten() {
			assert!(versions.is_sorted_by_key(|schema| schema.since), "{operator:?}");
		}
		let conv = Schema::in_force("", "Conv", 21).expect("it exists");
		assert_eq!((conv.since, conv.inputs.least, conv.inputs.most), (11, 2, Some(3)));
		assert_eq!(conv.parameter("group").and_then(|group| group.default), Some("1"));
		assert!(Schema::in_force("", "Upsample", 10).is_some_and(|schema| schema.removed));
		assert!(Schema::in_force("", "Attention", 22).is_none());
	}

	#[test]
	fn a_line_that_is_not_one_does_not_read() {
		for line in ["Conv", "Conv 1", "Conv 1 2", "Conv x 1..1 1..1", "Conv 1 1..x 1..1"] {
			assert!(parse_line(line).is_none(), "{line}");
		}
		assert!(parse_line("Conv 1 1..1 1..1 group").is_none());
		assert!(parse_line("Conv 1 1..1 1..1 group:word").is_none());
		assert!(parse_line("Conv 1 1..1 1.. group:int=1 pads:ints!").is_some());
	}
}
