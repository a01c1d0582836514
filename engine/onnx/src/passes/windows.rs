//! Joins products and reductions with the windows they read, so that the windows, many times the image, are neither
//! stored nor committed to.

use assay_referee::{Bias, Conv, DType, ImageLayout, OpKind, Pool, MAX_RANK};

use crate::{
	dims::product,
	ir::{users, Op, Origin, Value},
};

/// Makes a convolution of every product, and a pooling of every reduction, with the windows of an image
/// that nothing else reads.
///
/// Where one element would read too many runs of the image as it is, it reads a transposed copy with
/// the channels last, which convolutions of the same image share; what fits neither stays as it is.
pub(crate) fn join_windows(ops: &mut [Op], root: usize, live: &[bool]) {
	let users = users(ops, live);
	// Images with the channels last, by the image.
	let mut turned: Vec<(Value, Value)> = Vec::new();
	for i in (0..=root).filter(|&i| live[i]) {
		if let Some((windows, joined)) = pooling(ops, i) {
			if users[windows].len() == 1 && joined.is_judged() {
				ops[i] = joined;
			}
			continue;
		}
		let Some((windows, joined)) = convolution(ops, i) else { continue };
		if users[windows].len() != 1 {
			continue;
		}
		if joined.is_judged() {
			ops[i] = joined;
			continue;
		}
		let image = joined.operands[1].clone();
		if product(&ops[windows].dims) < product(&image.dims) {
			// The windows are less than a copy.
			continue;
		}
		let known = turned.iter().find(|(of, _)| same_image(of, &image)).map(|(_, turned)| turned);
		// The windows' place is free for the copy.
		let Some(copy) = known.cloned().or_else(|| channels_last(&image, windows)) else {
			continue;
		};
		let Some(joined) = over(joined, copy.clone()).filter(Op::is_judged) else { continue };
		ops[i] = joined;
		if known.is_none() {
			if let Some(op) = transposition(&image, &copy.dims, ops[windows].node) {
				ops[windows] = op;
			}
			turned.push((image, copy));
		}
	}
}

/// The convolution that op `i` is, over the image with the channels first, and the op that gives the
/// windows.
fn convolution(ops: &[Op], i: usize) -> Option<(usize, Op)> {
	let op = &ops[i];
	let OpKind::MatMul { bias } = op.kind else { return None };
	let patches = op.operands.get(1)?;
	let windows = patches.op()?;
	let unfold = &ops[windows];
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill: 0 } = unfold.kind else {
		return None;
	};
	let &[n, _, places, terms] = unfold.dims.as_slice() else { return None };
	let batch = n.checked_mul(groups)?;
	if unfold.dtype != DType::F32
		|| patches.dims != [batch, places, terms]
		|| op.dims.first() != Some(&batch)
	{
		return None;
	}
	let (layout, output) = (ImageLayout::ChannelsFirst, ImageLayout::ChannelsFirst);
	let kind =
		OpKind::Conv(Conv { kernel, stride, dilation, pad, out, groups, layout, output, bias });
	let mut operands = op.operands.clone();
	operands[1] = unfold.operands.first()?.clone();
	debug_assert_eq!(operands.len(), if bias == Bias::None { 2 } else { 3 });
	Some((windows, Op { kind, operands, ..op.clone() }))
}

/// The pooling that op `i` is, and the op that gives the windows.
fn pooling(ops: &[Op], i: usize) -> Option<(usize, Op)> {
	let op = &ops[i];
	let OpKind::Reduce(function) = op.kind else { return None };
	let patches = op.operands.first()?;
	let windows = patches.op()?;
	let unfold = &ops[windows];
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } = unfold.kind else {
		return None;
	};
	let image = unfold.operands.first()?;
	let &[n, c, h, w] = image.dims.as_slice() else { return None };
	let whole = patches.dims.last() == unfold.dims.last();
	if !whole || groups != c || fill != function.neutral(op.dtype) {
		return None;
	}
	let planes = n.checked_mul(c)?;
	let image = image.view(vec![planes, h, w]).ok()?;
	let kind = OpKind::Pool(Pool { function, kernel, stride, dilation, pad, out });
	Some((windows, Op { kind, operands: vec![image], ..op.clone() }))
}

/// The convolution over an image with the channels last.
fn over(mut op: Op, image: Value) -> Option<Op> {
	let OpKind::Conv(conv) = op.kind else { return None };
	op.kind = OpKind::Conv(Conv { layout: ImageLayout::ChannelsLast, ..conv });
	op.operands[1] = image;
	Some(op)
}

fn same_image(a: &Value, b: &Value) -> bool {
	let origin = match (&a.origin, &b.origin) {
		(Origin::Op(a), Origin::Op(b)) | (Origin::Input(a), Origin::Input(b)) => a == b,
		_ => false,
	};
	origin && a.dims == b.dims
}

/// An image `[n, c, h, w]` with the channels last, as the output of op `index`.
fn channels_last(image: &Value, index: usize) -> Option<Value> {
	let &[n, c, h, w] = image.dims.as_slice() else { return None };
	let (dtype, element) = (image.dtype, image.element);
	Some(Value { dtype, element, dims: vec![n, h, w, c], origin: Origin::Op(index) })
}

fn transposition(image: &Value, dims: &[u32], node: usize) -> Option<Op> {
	let &[_, h, w, c] = dims else { return None };
	let [h, w, c] = [h, w, c].map(i64::from);
	let mut strides = [0; MAX_RANK];
	for ((place, step), &dim) in strides.iter_mut().zip([c * h * w, w, 1, h * w]).zip(dims) {
		*place = if dim > 1 { step } else { 0 };
	}
	let kind = OpKind::Strided { offset: 0, strides };
	let operands = vec![image.clone()];
	let dims = dims.to_vec();
	Some(Op { kind, dtype: image.dtype, dims, operands, epilogue: None, node })
}
