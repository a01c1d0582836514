//! Inputs and outputs of a graph: names with declared types and shapes.

use super::Budget;
use crate::read::wire::{Reader, Result};

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

impl<'a> Port<'a> {
	pub(super) fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<Port<'a>> {
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
		// So that several free dimensions have one name, which says nothing of them.
		Dim::Named("-1" | "None") => Dim::Open,
		Dim::Named(name) if !name.chars().any(char::is_alphanumeric) => Dim::Open,
		other => other,
	})
}
