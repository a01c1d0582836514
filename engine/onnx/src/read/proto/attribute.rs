//! Attributes of nodes: a name and one value, whose kind the file says besides.

use super::{Budget, Graph, Tensor};
use crate::read::wire::{Field, Reader, Result};

/// A named constant of a node.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
	pub(crate) name: &'a str,
	pub(crate) value: AttributeValue<'a>,
}

/// The value of an attribute; the names are ONNX's.
#[derive(Debug)]
pub(crate) enum AttributeValue<'a> {
	Float(f32),
	Int(i64),
	String(&'a [u8]),
	Tensor(Box<Tensor<'a>>),
	/// A branch or body.
	Graph(Box<Graph<'a>>),
	Floats(Vec<f32>),
	Ints(Vec<i64>),
	Strings(Vec<&'a [u8]>),
	/// The attribute of this name that the call of the function has, in whose body this is.
	Reference(&'a str),
	/// A list without elements in a file that does not say of what.
	Empty,
	/// A kind that nothing supported here has: types, sparse tensors, lists of tensors or graphs.
	Other,
	/// Several values, none, or another than the file says it is.
	Contradictory,
}

/// Kinds of values as `AttributeProto.AttributeType` numbers them.
mod kind {
	pub(super) const UNDEFINED: i32 = 0;
	pub(super) const FLOAT: i32 = 1;
	pub(super) const INT: i32 = 2;
	pub(super) const STRING: i32 = 3;
	pub(super) const TENSOR: i32 = 4;
	pub(super) const GRAPH: i32 = 5;
	pub(super) const FLOATS: i32 = 6;
	pub(super) const INTS: i32 = 7;
	pub(super) const STRINGS: i32 = 8;
}

/// Every field of an attribute as it was found.
#[derive(Default)]
struct Fields<'a> {
	kind: i32,
	reference: Option<&'a str>,
	float: Option<f32>,
	int: Option<i64>,
	string: Option<&'a [u8]>,
	tensor: Option<Box<Tensor<'a>>>,
	graph: Option<Box<Graph<'a>>>,
	floats: Vec<f32>,
	ints: Vec<i64>,
	strings: Vec<&'a [u8]>,
	/// Whether a field of another kind is there.
	other: bool,
}

impl<'a> Attribute<'a> {
	/// The graph that is its value, if it is one.
	pub(crate) fn graph(&self) -> Option<&Graph<'a>> {
		match &self.value {
			AttributeValue::Graph(graph) => Some(graph),
			_ => None,
		}
	}

	/// The tensor that is its value, if it is one.
	pub(crate) fn tensor(&self) -> Option<&Tensor<'a>> {
		match &self.value {
			AttributeValue::Tensor(tensor) => Some(tensor),
			_ => None,
		}
	}

	pub(super) fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Attribute<'a>> {
		budget.part()?;
		let (mut name, mut fields) = ("", Fields::default());
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => name = field.text()?,
				20 => fields.kind = field.int32()?,
				21 => fields.reference = Some(field.text()?).filter(|name| !name.is_empty()),
				_ => fields.read(number, field, budget)?,
			}
		}
		Ok(Attribute { name, value: fields.value() })
	}
}

impl<'a> Fields<'a> {
	fn read(&mut self, number: u64, field: Field<'a>, budget: &mut Budget) -> Result<()> {
		match number {
			2 => self.float = Some(field.float()?),
			3 => self.int = Some(field.int()?),
			4 => self.string = Some(field.bytes()?),
			5 => self.tensor = Some(Box::new(Tensor::decode(field.message()?, budget)?)),
			6 => self.graph = Some(Box::new(Graph::nested(field.message()?, budget)?)),
			7 => field.floats(&mut self.floats)?,
			8 => field.ints(&mut self.ints)?,
			9 => {
				budget.string()?;
				self.strings.push(field.bytes()?);
			},
			10 | 11 | 14 | 15 | 22 | 23 => self.other = true,
			_ => {},
		}
		Ok(())
	}

	/// Which kinds of values are there.
	fn present(&self) -> Vec<i32> {
		let present = [
			(self.float.is_some(), kind::FLOAT),
			(self.int.is_some(), kind::INT),
			(self.string.is_some(), kind::STRING),
			(self.tensor.is_some(), kind::TENSOR),
			(self.graph.is_some(), kind::GRAPH),
			(!self.floats.is_empty(), kind::FLOATS),
			(!self.ints.is_empty(), kind::INTS),
			(!self.strings.is_empty(), kind::STRINGS),
		];
		present.into_iter().filter_map(|(there, kind)| there.then_some(kind)).collect()
	}

	/// The one value. Files of the first format version do not say its kind, and writers of version 3 of
	/// Protocol Buffers leave out zeros and empty texts: where the kind is said, nothing stands for these.
	fn value(self) -> AttributeValue<'a> {
		let present = self.present();
		if let Some(name) = self.reference {
			return if present.is_empty() && !self.other {
				AttributeValue::Reference(name)
			} else {
				AttributeValue::Contradictory
			};
		}
		let kind = match (present.as_slice(), self.kind) {
			([], kind) => kind,
			(&[only], kind::UNDEFINED) => only,
			(&[only], kind) if only == kind => kind,
			_ => return AttributeValue::Contradictory,
		};
		if self.other {
			return if present.is_empty() {
				AttributeValue::Other
			} else {
				AttributeValue::Contradictory
			};
		}
		match kind {
			kind::UNDEFINED => AttributeValue::Empty,
			kind::FLOAT => AttributeValue::Float(self.float.unwrap_or_default()),
			kind::INT => AttributeValue::Int(self.int.unwrap_or_default()),
			kind::STRING => AttributeValue::String(self.string.unwrap_or_default()),
			kind::TENSOR => {
				self.tensor.map_or(AttributeValue::Contradictory, AttributeValue::Tensor)
			},
			kind::GRAPH => self.graph.map_or(AttributeValue::Contradictory, AttributeValue::Graph),
			kind::FLOATS => AttributeValue::Floats(self.floats),
			kind::INTS => AttributeValue::Ints(self.ints),
			kind::STRINGS => AttributeValue::Strings(self.strings),
			_ => AttributeValue::Other,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn decoded(bytes: &[u8]) -> String {
		let attribute = Attribute::decode(Reader::new(bytes), &mut Budget::for_tests()).unwrap();
		format!("{:?}", attribute.value)
	}

	/// Field numbers as tags: `f` 2 (four bytes), `i` 3, `s` 4, `ints` 8, `tp` 14, `type` 20.
	#[test]
	fn one_value_of_the_kind_that_the_file_says() {
		assert_eq!(decoded(&[3 << 3, 7]), "Int(7)");
		assert_eq!(decoded(&[3 << 3, 7, 0xa0, 1, 2]), "Int(7)");
		assert_eq!(decoded(&[0xa0, 1, 2]), "Int(0)", "a zero left out");
		assert_eq!(decoded(&[0xa0, 1, 1]), "Float(0.0)");
		assert_eq!(decoded(&[0xa0, 1, 3]), "String([])");
		assert_eq!(decoded(&[0xa0, 1, 7]), "Ints([])");
		assert_eq!(decoded(&[8 << 3, 1, 8 << 3, 2]), "Ints([1, 2])");
		assert_eq!(decoded(&[]), "Empty");
		assert_eq!(decoded(&[3 << 3, 7, 0xa0, 1, 1]), "Contradictory", "an integer called a float");
		assert_eq!(decoded(&[3 << 3, 7, 8 << 3, 1]), "Contradictory", "a number and a list");
		assert_eq!(decoded(&[0xa0, 1, 4]), "Contradictory", "a tensor that is not there");
		assert_eq!(decoded(&[14 << 3 | 2, 0, 0xa0, 1, 13]), "Other");
		assert_eq!(decoded(&[14 << 3 | 2, 0, 3 << 3, 7]), "Contradictory");
	}
}
