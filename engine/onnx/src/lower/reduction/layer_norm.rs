//! Normalisation of the last axes, and what exporters fuse with it.

use assay_referee::{BinaryFn, ReduceFn, UnaryFn};

use super::{
	norm::centred,
	reduce::{self, per_row},
};
use crate::{
	dims::{axis, product},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

pub(crate) fn layer_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
	let at = axis(cx.int("axis", -1), x.rank())?;
	let (outer, inner) = (x.dims[..at].to_vec(), &x.dims[at..]);
	let rows = x.view(vec![product(&outer) as u32, product(inner) as u32])?;
	let epsilon = cx.float("epsilon", 1e-5)?;
	let (mean, shifted, deviation) = centred(cx, &rows, epsilon)?;
	let mut y = cx.b.binary(BinaryFn::Div, &shifted, &deviation)?.view(x.dims.clone())?;
	y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	if cx.optional(2).is_some() {
		let bias = cx.float_input(2)?;
		y = cx.b.binary(BinaryFn::Add, &y, &bias)?;
	}
	if y.dims != x.dims {
		return Err(Failure::invalid("its scale or bias is larger than its input"));
	}
	let mut column = outer;
	column.resize(x.rank(), 1);
	let inverse =
		if cx.wants(2) { cx.b.unary(UnaryFn::Reciprocal, &deviation)? } else { deviation };
	Ok(vec![y, mean.view(column.clone())?, inverse.view(column)?])
}

/// Layer normalisation of the last axis.
pub(crate) fn normalized_last_axis(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	bias: Option<&Value>,
	epsilon: f32,
) -> Result<Value> {
	let (_, shifted, deviation) = centred(cx, x, epsilon)?;
	let y = cx.b.binary(BinaryFn::Div, &shifted, &deviation)?;
	let mut y = cx.b.binary(BinaryFn::Mul, &y, scale)?;
	if let Some(bias) = bias {
		y = cx.b.binary(BinaryFn::Add, &y, bias)?;
	}
	if y.dims == x.dims {
		Ok(y)
	} else {
		Err(Failure::invalid("its scale or bias is larger than its input"))
	}
}

/// x / √(mean(x²) + ε) over the axes from `at` on.
fn by_root_mean_square(cx: &mut Cx<'_, '_>, x: &Value, at: usize, epsilon: f32) -> Result<Value> {
	let (outer, inner) = (product(&x.dims[..at]), product(&x.dims[at..]));
	let rows = x.view(vec![outer as u32, inner as u32])?;
	let square = cx.b.binary(BinaryFn::Mul, &rows, &rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &square)?;
	let mean = reduce::mean(cx, &sum, inner)?;
	let mean = cx.b.binary_scalar(BinaryFn::Add, &mean, epsilon)?;
	let root = cx.b.unary(UnaryFn::Sqrt, &mean)?;
	cx.b.binary(BinaryFn::Div, &rows, &per_row(&root)?)?.view(x.dims.clone())
}

/// x / √(mean(x²) + ε) · scale over the axes from `at` on.
pub(crate) fn rms_normalized(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	at: usize,
	epsilon: f32,
) -> Result<Value> {
	let y = by_root_mean_square(cx, x, at, epsilon)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, scale)?;
	if y.dims == x.dims {
		Ok(y)
	} else {
		Err(Failure::invalid("its scale is larger than its input"))
	}
}

pub(crate) fn rms_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
	cx.refuse_output(1, "the inverse root")?;
	let at = axis(cx.int("axis", -1), x.rank())?;
	let epsilon = cx.float("epsilon", 1e-5)?;
	rms_normalized(cx, &x, &scale, at, epsilon)
}

/// input + skip, and the bias at `i` where there is one.
fn skipped(cx: &mut Cx<'_, '_>, i: usize) -> Result<Value> {
	let (x, skip) = (cx.float_input(0)?, cx.float_input(1)?);
	let sum = cx.b.binary(BinaryFn::Add, &x, &skip)?;
	let sum = match cx.optional(i) {
		Some(bias) => cx.b.binary(BinaryFn::Add, &sum, &bias)?,
		None => sum,
	};
	if sum.dims == x.dims {
		Ok(sum)
	} else {
		Err(Failure::invalid("its skip or bias is larger than its input"))
	}
}

/// The result, two outputs that inference has no use for, and the sum that was normalised.
fn with_sum(cx: &mut Cx<'_, '_>, y: Value, sum: Value) -> Result<Vec<Value>> {
	cx.refuse_output(1, "the mean")?;
	cx.refuse_output(2, "the inverse deviation")?;
	Ok(vec![y.clone(), y.clone(), y, sum])
}

pub(crate) fn skip_layer_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let sum = skipped(cx, 4)?;
	let scale = cx.float_input(2)?;
	let bias = cx.optional(3);
	let epsilon = cx.float("epsilon", 1e-12)?;
	let y = normalized_last_axis(cx, &sum, &scale, bias.as_ref(), epsilon)?;
	with_sum(cx, y, sum)
}

pub(crate) fn skip_rms_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let sum = skipped(cx, 3)?;
	let scale = cx.float_input(2)?;
	let epsilon = cx.float("epsilon", 1e-12)?;
	let last = axis(-1, sum.rank())?;
	let y = by_root_mean_square(cx, &sum, last, epsilon)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	with_sum(cx, y, sum)
}
