//! What a name of the file may stand for besides one tensor: a sequence of tensors, and what its nodes take from
//! the places of a mask that is known when the model runs.
//!
//! How many places a mask picks is not known when the model is compiled, so what has one row for each of them has
//! no shape of the program format. It is kept as a tensor that has a row for every place, beside the mask: what
//! puts the rows back where they came from, and what computes with each row by itself, needs no more.

use std::rc::Rc;

use assay_referee::{DType, ReduceFn};

use super::{Builder, Value};
use crate::{
	dims::from_list,
	error::{shown, ErrorKind, Failure, Result},
};

/// What an element of a list takes of the memory that constants may use, in bytes: lists are copied.
pub(crate) const ELEMENT_BYTES: u64 = 256;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Item {
	Tensor(Value),
	/// Tensors in an order, each of its own shape.
	Sequence(Rc<Vec<Value>>),
	Picked(Picked),
}

/// What depends on which places a mask picks.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
	/// `bool`: the places that are picked, in the order in which they are stored.
	pub(crate) mask: Value,
	pub(crate) what: What,
	/// What an output of the model is, of as many rows as there may be: the picked ones first, then rows that
	/// say that they are none.
	pub(crate) filled: Option<Value>,
}

/// What is known of the places.
#[derive(Clone, Debug)]
pub(crate) enum What {
	/// Where they are, as `i64`: `[axes, places]`, or with the axes last `[places, axes]`.
	Coordinates { axes_last: bool },
	/// Numbers of `i64`, the number of places among them: a shape, or a part of one.
	Sizes { sizes: Vec<Size>, is_scalar: bool },
	/// A tensor with one row for each place, `[places, ..]`: here with one for every place of the mask, picked or
	/// not.
	Rows(Value),
}

/// One number of a shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
	Known(i64),
	/// How many places the mask picks.
	Places,
}

impl Size {
	/// The number, where it is known.
	pub(crate) fn known(self) -> Option<i64> {
		match self {
			Size::Known(number) => Some(number),
			Size::Places => None,
		}
	}
}

impl Item {
	/// The tensor that it is, if it is one.
	pub(crate) fn tensor(&self) -> Option<&Value> {
		match self {
			Item::Tensor(value) => Some(value),
			Item::Sequence(_) | Item::Picked(_) => None,
		}
	}

	/// What it is, in words.
	pub(crate) fn described(&self) -> &'static str {
		match self {
			Item::Tensor(_) => "a tensor",
			Item::Sequence(_) => "a sequence",
			Item::Picked(_) => "of a size that depends on the model's input",
		}
	}
}

impl Picked {
	pub(crate) fn item(mask: &Value, what: What) -> Item {
		Item::Picked(Picked { mask: mask.clone(), what, filled: None })
	}

	/// What a name stands for that is used in a way in which its size has to be known.
	pub(crate) fn refused(name: &str) -> Failure {
		let what = if name.is_empty() {
			"its size".into()
		} else {
			format!("the size of `{}`", shown(name))
		};
		let reason = format!(
			"{what} depends on the model's input: it has a row for each place that a mask picks"
		);
		Failure::new(ErrorKind::DynamicShape, reason).help(
			"end the model before it, as onnx.utils.extract_model cuts a file; of such a value are supported what computes with every row by itself, and \
			 ScatterND back to the same places",
		)
	}

	/// The tensor that an output of a model is, or that one is taken from: numbers of a shape can be counted.
	pub(crate) fn settled(&self, builder: &mut Builder) -> Result<Option<Value>> {
		let What::Sizes { sizes, is_scalar } = &self.what else { return Ok(None) };
		let flat = self.mask.view(from_list(&[self.mask.elements() as i64])?)?;
		let ones = builder.cast(&flat, DType::I64)?;
		let count = builder.reduce_last(ReduceFn::Sum, &ones)?.view(vec![1])?;
		let number = |size: &Size| match size {
			Size::Known(number) => Value::list_i64(&[*number]),
			Size::Places => count.clone(),
		};
		let numbers: Vec<Value> = sizes.iter().map(number).collect();
		let value = builder.concat(&numbers, 0)?;
		if *is_scalar {
			value.view(vec![]).map(Some)
		} else {
			Ok(Some(value))
		}
	}

	/// The tensor that an output of the model is.
	pub(crate) fn output(&self, builder: &mut Builder) -> Result<Value> {
		match &self.filled {
			Some(filled) => Ok(filled.clone()),
			None => self.settled(builder)?.ok_or_else(|| Picked::refused("")),
		}
	}
}

impl From<Value> for Item {
	fn from(value: Value) -> Item {
		Item::Tensor(value)
	}
}
