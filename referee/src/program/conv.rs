//! Convolutions: contractions whose second operand are windows of an image.

use super::bound::{self, ReadBound};
use super::check::RecordError::{self, Dims, Parameter, Type};
use super::record::{Bias, OpRecord};
use super::rules::{bias_fits, require, windows_in_range};
use crate::{DType, Shape};
use alloc::vec;
use alloc::vec::Vec;

/// How the image that a convolution reads lies, or the one it gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ImageLayout {
	/// `[n, c, h, w]`; an output is `[n·groups, m, oh·ow]`.
	ChannelsFirst = 0,
	/// `[n, h, w, c]`, where a window of all channels lies in one piece per row; an output is
	/// `[n, oh·ow, groups·m]`.
	ChannelsLast = 1,
}

/// What a convolution is told about its windows.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // 8 filters of 3 x 3 over 3 channels of 32 x 32 pixels, with a border of zeros.
/// let conv = Conv {
///     kernel: [3, 3],
///     stride: [1, 1],
///     dilation: [1, 1],
///     pad: [1, 1],
///     out: [32, 32],
///     groups: 1,
///     layout: ImageLayout::ChannelsFirst,
///     output: ImageLayout::ChannelsFirst,
///     bias: Bias::None,
/// };
/// let filters = Operand::weight(0, DType::F32, Shape::new(&[1, 8, 3 * 3 * 3])?);
/// let image = Operand::input(0, DType::F32, Shape::new(&[1, 3, 32, 32])?);
/// let shape = Shape::new(&[1, 8, 32 * 32])?;
/// OpRecord::new(OpKind::Conv(conv), DType::F32, shape, [filters, image]).validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv {
	/// Window height and width.
	pub kernel: [u32; 2],
	/// Step between windows, down and right.
	pub stride: [u32; 2],
	/// Step inside a window, down and right.
	pub dilation: [u32; 2],
	/// Rows of zeros above, columns of zeros to the left.
	pub pad: [u32; 2],
	/// Number of windows, down (oh) and right (ow).
	pub out: [u32; 2],
	/// Number of channel groups; divides the channels.
	pub groups: u32,
	/// How the image lies.
	pub layout: ImageLayout,
	/// How the output lies.
	pub output: ImageLayout,
	/// Where the bias is added, as by [`super::record::OpKind::MatMul`].
	pub bias: Bias,
}

impl Conv {
	/// `[n, c, h, w]` of an image of this shape; `None` when it is no image.
	pub fn image(&self, shape: &Shape) -> Option<[u32; 4]> {
		let &[n, a, b, c] = shape.dims() else { return None };
		Some(match self.layout {
			ImageLayout::ChannelsFirst => [n, a, b, c],
			ImageLayout::ChannelsLast => [n, c, a, b],
		})
	}

	/// `[n·groups, m, oh·ow]` of an output of this shape; `None` when it is none.
	pub fn product(&self, shape: &Shape) -> Option<[u32; 3]> {
		let &[n, a, b] = shape.dims() else { return None };
		match self.output {
			ImageLayout::ChannelsFirst => Some([n, a, b]),
			ImageLayout::ChannelsLast => {
				let m = b.checked_div(self.groups)?;
				(m * self.groups == b).then_some([n.checked_mul(self.groups)?, m, a])
			},
		}
	}
}

pub(super) fn validate(op: &OpRecord, conv: &Conv) -> Result<(), RecordError> {
	let [a, x, rest @ ..] = op.operands.as_slice() else { return Err(RecordError::OperandCount) };
	let biases = usize::from(conv.bias != Bias::None);
	require(rest.len() == biases, RecordError::OperandCount)?;
	require(op.operands.iter().all(|operand| operand.dtype == DType::F32), Type)?;
	require(op.dtype == DType::F32, Type)?;
	windows_in_range(&conv.stride, &conv.dilation, &conv.pad)?;
	let [n, c, ..] = conv.image(&x.shape).ok_or(Dims)?;
	require(conv.groups != 0 && c % conv.groups == 0, Parameter)?;
	let &[ba, m, k] = a.shape.dims() else { return Err(Dims) };
	let [batch, rows, places] = conv.product(&op.shape).ok_or(Dims)?;
	let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
	let terms = product(conv.kernel[0], conv.kernel[1]).checked_mul((c / conv.groups).into());
	require(terms == Some(k.into()) && rows == m, Dims)?;
	require(u64::from(batch) == product(n, conv.groups) && batch % ba == 0, Dims)?;
	require(u64::from(places) == product(conv.out[0], conv.out[1]), Dims)?;
	require(u64::from(k) <= bound::MAX_TERMS, RecordError::TooManyTerms)?;
	match rest.first() {
		None => Ok(()),
		Some(addend) => require(bias_fits(conv.bias, addend, [ba, m], [batch, places]), Dims),
	}
}

/// A row of filters, a bias, and the window.
pub(super) fn parts(op: &OpRecord, conv: &Conv) -> Vec<ReadBound> {
	let shape = |operand: usize| op.operands.get(operand).map_or(Shape::SCALAR, |o| o.shape);
	let k = u64::from(shape(0).last());
	let [_, c, h, w] = conv.image(&shape(1)).unwrap_or([1; 4]).map(u64::from);
	let group = c / u64::from(conv.groups.max(1));
	let [rows, pieces] = conv.kernel.map(u64::from);
	let dilation = u64::from(conv.dilation[1]);
	let (lines, piece, step, region) = match conv.layout {
		ImageLayout::ChannelsFirst => (group * rows, 1, dilation, group * h * w),
		ImageLayout::ChannelsLast => (rows, group, c * dilation, c * h * w),
	};
	let size = DType::F32.size();
	let (runs, bytes) = bound::windows(lines, (pieces, piece, step), region, size);
	let mut all = vec![ReadBound::row(0, k, size), ReadBound::new([1], runs, bytes)];
	all.extend((conv.bias != Bias::None).then(|| ReadBound::singles([2], 1)));
	all
}
