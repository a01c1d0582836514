//! Weights of which the file has only the elements that are not zero.

use super::{Budget, Tensor};
use crate::read::wire::{Reader, Result};

/// A sparse weight; its name is that of `values`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SparseTensor<'a> {
	/// `[count]`.
	pub(crate) values: Tensor<'a>,
	/// Where they are: `[count]` in row-major order, or `[count, rank]`.
	pub(crate) indices: Tensor<'a>,
	pub(crate) dims: Vec<i64>,
}

impl<'a> SparseTensor<'a> {
	pub(super) fn decode(mut reader: Reader<'a>, budget: &mut Budget) -> Result<SparseTensor<'a>> {
		budget.part()?;
		let mut tensor = SparseTensor::default();
		while let Some((number, field)) = reader.next()? {
			match number {
				1 => tensor.values = Tensor::decode(field.message()?, budget)?,
				2 => tensor.indices = Tensor::decode(field.message()?, budget)?,
				3 => field.ints(&mut tensor.dims)?,
				_ => {},
			}
		}
		Ok(tensor)
	}
}
