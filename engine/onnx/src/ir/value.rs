//! Values while a model is being compiled: constants whose bytes are known, inputs, and results of
//! ops, each under some shape.

use std::cell::OnceCell;
use std::ops::Deref;
use std::rc::Rc;

use assay_executor::ElementType;
use assay_referee::DType;

use crate::{
	dims::{check_dims, product, Dims},
	error::{Failure, Result},
};

/// Bytes of a constant up to which equal ones are told by their content.
const SHORT: usize = 64;

/// The elements of a constant.
#[derive(Debug)]
pub(crate) struct Constant {
	bytes: Vec<u8>,
	/// The bits that all of its elements have, if they have: looked at once, however many nodes read
	/// the constant.
	uniform: OnceCell<Option<u64>>,
}

impl Deref for Constant {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		&self.bytes
	}
}

/// Where a value's elements are.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
	/// Known at compile time: canonical little-endian elements.
	Constant(Rc<Constant>),
	/// The input of the model with this position.
	Input(usize),
	/// The output of the op with this index in the builder.
	Op(usize),
}

/// A tensor under a shape. Reshaping changes only `dims`.
#[derive(Clone, Debug)]
pub(crate) struct Value {
	/// The type it is computed in.
	pub(crate) dtype: DType,
	/// The type that the file has for it.
	pub(crate) element: ElementType,
	pub(crate) dims: Dims,
	pub(crate) origin: Origin,
}

impl Value {
	pub(crate) fn constant(dtype: DType, dims: Dims, bytes: Vec<u8>) -> Value {
		debug_assert_eq!(bytes.len() as u64, product(&dims) * dtype.size());
		let constant = Constant { bytes, uniform: OnceCell::new() };
		let origin = Origin::Constant(Rc::new(constant));
		Value { dtype, element: dtype.into(), dims, origin }
	}

	pub(crate) fn scalar_f32(x: f32) -> Value {
		Value::constant(DType::F32, Vec::new(), x.to_le_bytes().to_vec())
	}

	pub(crate) fn list_i64(values: &[i64]) -> Value {
		let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
		Value::constant(DType::I64, vec![values.len() as u32], bytes)
	}

	pub(crate) fn list_f32(values: &[f32], dims: Dims) -> Value {
		Value::constant(DType::F32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
	}

	/// A scalar of `dtype` that holds the whole number `x` (0 or 1 for any type; otherwise it must
	/// be in the type's range).
	pub(crate) fn scalar(dtype: DType, x: i64) -> Value {
		let bytes = match dtype {
			DType::F32 => (x as f32).to_le_bytes().to_vec(),
			other => x.to_le_bytes()[..other.size() as usize].to_vec(),
		};
		Value::constant(dtype, Vec::new(), bytes)
	}

	/// A scalar of an integer type with all bits set.
	pub(crate) fn ones(dtype: DType) -> Value {
		Value::constant(dtype, Vec::new(), vec![0xff; dtype.size() as usize])
	}

	pub(crate) fn rank(&self) -> usize {
		self.dims.len()
	}

	pub(crate) fn elements(&self) -> u64 {
		product(&self.dims)
	}

	pub(crate) fn bytes(&self) -> Option<&[u8]> {
		match &self.origin {
			Origin::Constant(bytes) => Some(bytes),
			_ => None,
		}
	}

	/// The op whose output it is, under whatever shape.
	pub(crate) fn op(&self) -> Option<usize> {
		match self.origin {
			Origin::Op(index) => Some(index),
			_ => None,
		}
	}

	pub(crate) fn is_constant(&self) -> bool {
		matches!(self.origin, Origin::Constant(_))
	}

	/// The same elements under an element type of the file whose values they have.
	pub(crate) fn tagged(self, element: ElementType) -> Value {
		debug_assert_eq!(element.computed(), self.dtype);
		Value { element, ..self }
	}

	/// The same elements in other dimensions.
	pub(crate) fn view(&self, dims: impl Into<Dims>) -> Result<Value> {
		let dims = dims.into();
		check_dims(&dims)?;
		if product(&dims) != self.elements() {
			return Err(Failure::invalid(format!(
				"{:?} cannot be reshaped to {dims:?}: the numbers of elements differ",
				self.dims
			)));
		}
		Ok(Value { dims, ..self.clone() })
	}

	/// The same elements with ones put before the dimensions, up to `rank`.
	pub(crate) fn with_rank(&self, rank: usize) -> Result<Value> {
		let mut dims = vec![1; rank.saturating_sub(self.rank())];
		dims.extend_from_slice(&self.dims);
		self.view(dims)
	}

	/// The elements of a constant of whole numbers.
	pub(crate) fn whole_numbers(&self) -> Option<Vec<i64>> {
		let bytes = self.bytes()?;
		match self.dtype {
			DType::I64 => {
				Some(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
			},
			DType::I32 => {
				Some(bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect())
			},
			DType::U8 | DType::Bool => Some(bytes.iter().map(|&b| b.into()).collect()),
			DType::I8 => Some(bytes.iter().map(|&b| (b as i8).into()).collect()),
			DType::F32 => None,
		}
	}

	/// The elements of an `f32` constant.
	pub(crate) fn floats(&self) -> Option<Vec<f32>> {
		let bytes = self.bytes()?;
		(self.dtype == DType::F32)
			.then(|| bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
	}

	/// The bits of a constant whose elements are all the same, zero-extended.
	pub(crate) fn uniform_bits(&self) -> Option<u64> {
		let Origin::Constant(constant) = &self.origin else { return None };
		let size = self.dtype.size() as usize;
		*constant.uniform.get_or_init(|| {
			let first = constant.get(..size)?;
			constant.chunks_exact(size).all(|element| element == first).then(|| {
				let mut bits = [0; 8];
				bits[..size].copy_from_slice(first);
				u64::from_le_bytes(bits)
			})
		})
	}

	/// The one value that every element of an `f32` constant has.
	pub(crate) fn uniform_f32(&self) -> Option<f32> {
		match self.dtype {
			DType::F32 => self.uniform_bits().map(|bits| f32::from_bits(bits as u32)),
			_ => None,
		}
	}

	/// Whether both are the same elements under the same shape.
	pub(crate) fn is_same(&self, other: &Value) -> bool {
		let origin = match (&self.origin, &other.origin) {
			// Long ones are not compared: a file may have many that differ at the end only.
			(Origin::Constant(a), Origin::Constant(b)) => {
				Rc::ptr_eq(a, b) || (a.len() <= SHORT && a[..] == b[..])
			},
			(Origin::Input(a), Origin::Input(b)) | (Origin::Op(a), Origin::Op(b)) => a == b,
			_ => false,
		};
		origin && self.dtype == other.dtype && self.dims == other.dims
	}
}
