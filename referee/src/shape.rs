//! Static tensor shapes.

use crate::DType;
use core::fmt;

/// Most dimensions a shape may have.
pub const MAX_RANK: usize = 8;

/// Most bytes one tensor may have (1 GiB); no shape has more elements than this either.
pub const MAX_TENSOR_BYTES: u64 = 1 << 30;

/// Why a list of dimensions is not a shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShapeError {
	/// More than [`MAX_RANK`] dimensions.
	Rank,
	/// A dimension is zero.
	ZeroDim,
	/// More than [`MAX_TENSOR_BYTES`] elements.
	TooLarge,
}

impl fmt::Display for ShapeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			ShapeError::Rank => "a shape has at most 8 dimensions",
			ShapeError::ZeroDim => "a dimension is zero",
			ShapeError::TooLarge => "a tensor has at most 1 GiB",
		})
	}
}

impl core::error::Error for ShapeError {}

/// Row-major static shape; every dimension is at least 1, rank 0 is a scalar.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
	rank: u8,
	// Unused dimensions are zero, so that derived equality is equality of shapes.
	dims: [u32; MAX_RANK],
}

impl Shape {
	/// The shape of a single value: no dimensions, one element.
	pub const SCALAR: Shape = Shape { rank: 0, dims: [0; MAX_RANK] };

	/// The shape with these dimensions, outermost first.
	///
	/// # Errors
	/// Rank above [`MAX_RANK`], a zero dimension, or more than [`MAX_TENSOR_BYTES`]
	/// elements.
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::{DType, Shape, ShapeError};
	///
	/// let image = Shape::new(&[3, 224, 224])?;
	/// assert_eq!(image.bytes(DType::F32), 4 * 3 * 224 * 224);
	/// // Row-major: the last dimension goes fastest.
	/// assert_eq!(image.unravel(225)[..3], [0, 1, 1]);
	/// assert_eq!(Shape::new(&[3, 0]), Err(ShapeError::ZeroDim));
	/// # Ok::<(), ShapeError>(())
	/// ```
	pub fn new(dims: &[u32]) -> Result<Shape, ShapeError> {
		let mut shape = Shape::SCALAR;
		shape.dims.get_mut(..dims.len()).ok_or(ShapeError::Rank)?.copy_from_slice(dims);
		shape.rank = dims.len() as u8;
		let mut elements = 1u64;
		for &dim in dims {
			if dim == 0 {
				return Err(ShapeError::ZeroDim);
			}
			// Cannot overflow: the product so far is at most 2^30 and `dim` below 2^32.
			elements *= u64::from(dim);
			if elements > MAX_TENSOR_BYTES {
				return Err(ShapeError::TooLarge);
			}
		}
		Ok(shape)
	}

	/// The dimensions, outermost first.
	#[inline]
	pub fn dims(&self) -> &[u32] {
		&self.dims[..self.rank()]
	}

	/// Number of dimensions.
	#[inline]
	pub const fn rank(&self) -> usize {
		self.rank as usize
	}

	/// Number of elements: at least 1, at most [`MAX_TENSOR_BYTES`].
	#[inline]
	pub fn elements(&self) -> u64 {
		self.dims().iter().map(|&dim| u64::from(dim)).product()
	}

	/// Bytes of a tensor of this shape, at most 2^33 (a record with more than
	/// [`MAX_TENSOR_BYTES`] is refused when it is decoded).
	#[inline]
	pub fn bytes(&self, dtype: DType) -> u64 {
		self.elements() * dtype.size()
	}

	/// The last dimension; 1 for a scalar.
	#[inline]
	pub fn last(&self) -> u32 {
		self.dims().last().copied().unwrap_or(1)
	}

	/// The coordinates of element `index`, one per dimension; the rest of the array is zero.
	#[inline]
	pub fn unravel(&self, mut index: u64) -> [u64; MAX_RANK] {
		let mut at = [0; MAX_RANK];
		for (place, &dim) in at.iter_mut().zip(self.dims()).rev() {
			*place = index % u64::from(dim);
			index /= u64::from(dim);
		}
		at
	}
}

impl fmt::Debug for Shape {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Debug::fmt(self.dims(), f)
	}
}

impl fmt::Display for Shape {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Debug::fmt(self.dims(), f)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn limits() {
		assert_eq!(Shape::new(&[1; 9]), Err(ShapeError::Rank));
		assert_eq!(Shape::new(&[3, 0]), Err(ShapeError::ZeroDim));
		assert_eq!(Shape::new(&[u32::MAX, u32::MAX]), Err(ShapeError::TooLarge));
		assert_eq!(Shape::new(&[1 << 15, 1 << 15]).map(|s| s.elements()), Ok(1 << 30));
		assert_eq!(Shape::new(&[]), Ok(Shape::SCALAR));
		assert_eq!(Shape::SCALAR.elements(), 1);
	}

	#[test]
	fn coordinates() {
		let shape = Shape::new(&[2, 3, 4]).unwrap();
		assert_eq!(shape.unravel(23)[..3], [1, 2, 3]);
		assert_eq!(shape.unravel(5)[..3], [0, 1, 1]);
		assert_eq!(shape.last(), 4);
		assert_eq!(Shape::SCALAR.unravel(0), [0; 8]);
	}
}
