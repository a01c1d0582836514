//! Ops that move values without changing them.

use super::{dim, view};
use crate::{program::align, OpKind, OpRecord, Reader, MAX_RANK};

pub(super) fn strided<R: Reader>(
	op: &OpRecord,
	offset: u64,
	strides: &[i64; MAX_RANK],
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let at = op.shape.unravel(index);
	// Partial sums may leave the operand, the whole sum does not: wrapping is exact.
	let source = at.iter().zip(strides).fold(offset, |sum, (&c, &stride)| {
		sum.wrapping_add((c as i64).wrapping_mul(stride) as u64)
	});
	reader.read(0, source)
}

pub(super) fn pad<R: Reader>(
	op: &OpRecord,
	before: &[u32; MAX_RANK],
	fill: u64,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let at = op.shape.unravel(index);
	let mut source = 0;
	for ((&inner, &c), &before) in view(op, 0).dims().iter().zip(&at).zip(before) {
		match c.checked_sub(before.into()) {
			Some(c) if c < u64::from(inner) => source = source * u64::from(inner) + c,
			_ => return Ok(fill),
		}
	}
	reader.read(0, source)
}

pub(super) fn concat<R: Reader>(
	op: &OpRecord,
	axis: usize,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let mut at = op.shape.unravel(index);
	let last = op.operands.len().saturating_sub(1);
	let mut part = 0;
	while part < last && at[axis] >= dim(view(op, part), axis) {
		at[axis] -= dim(view(op, part), axis);
		part += 1;
	}
	let mut source = 0;
	for (d, &own) in view(op, part).dims().iter().enumerate() {
		let own = u64::from(own);
		// How often each element is repeated.
		let times = if d == axis { 1 } else { dim(&op.shape, d) / own };
		source = source * own + at[d] / times;
	}
	reader.read(part, source)
}

pub(super) fn gather<R: Reader>(
	op: &OpRecord,
	axis: usize,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let data = view(op, 0);
	let inner: u64 = (axis + 1..data.rank()).map(|d| dim(data, d)).product();
	let count = view(op, 1).elements();
	let size = dim(data, axis);
	let bits = reader.read(1, index / inner % count)?;
	let wanted = super::map::to_i64(super::dtype(op, 1), bits);
	let wanted = if wanted < 0 { wanted.wrapping_add(size as i64) } else { wanted };
	match u64::try_from(wanted) {
		Ok(at) if at < size => {
			reader.read(0, (index / inner / count * size + at) * inner + index % inner)
		},
		_ => Ok(0),
	}
}

pub(super) fn unfold<R: Reader>(
	op: &OpRecord,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } = op.kind else {
		return Ok(0);
	};
	let [kernel, stride, dilation, pad, out] =
		[kernel, stride, dilation, pad, out].map(|pair| pair.map(u64::from));
	let source = view(op, 0);
	let (channels, height, width) = (dim(source, 1), dim(source, 2), dim(source, 3));
	let mut rest = index;
	let mut next = |size: u64| {
		let at = rest % size;
		rest /= size;
		at
	};
	// From the innermost: kernel column, kernel row, channel in its group, window, group, image.
	let (kx, ky) = (next(kernel[1]), next(kernel[0]));
	let channel = next(channels / u64::from(groups));
	let (ox, oy) = (next(out[1]), next(out[0]));
	let group = next(groups.into());
	let image = rest;
	let y = (oy * stride[0] + ky * dilation[0]).checked_sub(pad[0]);
	let x = (ox * stride[1] + kx * dilation[1]).checked_sub(pad[1]);
	match (y, x) {
		(Some(y), Some(x)) if y < height && x < width => {
			let plane = image * channels + group * (channels / u64::from(groups)) + channel;
			reader.read(0, (plane * height + y) * width + x)
		},
		_ => Ok(fill),
	}
}

pub(super) fn pack<R: Reader>(op: &OpRecord, index: u64, reader: &mut R) -> Result<u64, R::Error> {
	let mut end = 0u64;
	for (i, operand) in op.operands.iter().enumerate() {
		let start = align(end);
		end = start.saturating_add(operand.bytes());
		if index < end {
			// Before the start lies the gap after the operand before.
			let Some(at) = index.checked_sub(start) else {
				return Ok(0);
			};
			let size = operand.dtype.size();
			return Ok(reader.read(i, at / size)? >> (8 * (at % size)));
		}
	}
	Ok(0)
}
