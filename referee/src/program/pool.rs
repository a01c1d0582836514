//! Pooling: reductions over the windows of an image.

use super::bound::{self, ReadBound};
use super::check::RecordError::{self, Dims, Parameter, Type};
use super::record::{OpRecord, ReduceFn};
use super::rules::{operands, require, windows_in_range};
use crate::DType;
use alloc::vec;
use alloc::vec::Vec;

/// What a pooling is told about its windows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pool {
	/// How the elements of a window are combined.
	pub function: ReduceFn,
	/// Window height and width.
	pub kernel: [u32; 2],
	/// Step between windows, down and right.
	pub stride: [u32; 2],
	/// Step inside a window, down and right.
	pub dilation: [u32; 2],
	/// Rows of padding above, columns of padding to the left; what lies in the padding takes no part.
	pub pad: [u32; 2],
	/// Number of windows, down (oh) and right (ow).
	pub out: [u32; 2],
}

impl Pool {
	/// Elements of a window.
	pub fn terms(&self) -> u64 {
		u64::from(self.kernel[0]) * u64::from(self.kernel[1])
	}
}

pub(super) fn validate(op: &OpRecord, pool: &Pool) -> Result<(), RecordError> {
	let [x] = operands(op)?;
	require(x.dtype == op.dtype && x.dtype != DType::Bool, Type)?;
	windows_in_range(&pool.stride, &pool.dilation, &pool.pad)?;
	require(pool.terms() != 0, Parameter)?;
	require(pool.terms() <= bound::MAX_TERMS, RecordError::TooManyTerms)?;
	let &[planes, _, _] = x.shape.dims() else { return Err(Dims) };
	let windows = u64::from(pool.out[0]) * u64::from(pool.out[1]);
	require(windows.checked_mul(planes.into()) == Some(op.shape.elements()), Dims)
}

/// The window.
pub(super) fn parts(op: &OpRecord, pool: &Pool) -> Vec<ReadBound> {
	let area = op.operands.first().map_or(1, |x| {
		let sides = x.shape.dims().iter().skip(1);
		sides.fold(1, |area, &side| area * u64::from(side))
	});
	let [lines, pieces] = pool.kernel.map(u64::from);
	let step = u64::from(pool.dilation[1]);
	let (runs, bytes) = bound::windows(lines, (pieces, 1, step), area, op.own_dtype().size());
	vec![ReadBound::new([0], runs, bytes)]
}
