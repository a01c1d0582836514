//! Convolutions of floats.

use assay_referee::{BinaryFn, DType};

use super::{
	dequantized::dequantized_conv,
	windows::{conv_form, convolved, per_filter, Windows},
};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{elementwise::activation, Cx},
};

pub(crate) fn conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, weight) = (cx.float_input(0)?, cx.float_input(1)?);
	let (kernel, groups) = conv_form(cx, &x, &weight)?;
	let filters = weight.dims[0];
	let bias = match cx.optional(2) {
		Some(bias) => Some(cx.b.materialized(&bias)?),
		None => None,
	};
	if bias.as_ref().is_some_and(|bias| bias.dims != [filters] || bias.dtype != DType::F32) {
		return Err(Failure::invalid("its bias does not fit its weights"));
	}
	if let Some(y) = dequantized_conv(cx, &x, &weight)? {
		return match bias {
			Some(bias) => cx.b.binary(BinaryFn::Add, &y, &per_filter(bias, x.rank())?),
			None => Ok(y),
		};
	}
	let (x, weight) = (cx.b.materialized(&x)?, cx.b.materialized(&weight)?);
	let windows = Windows::new(cx, &x.dims[2..], &kernel)?;
	let y = convolved(cx, [&x, &weight], bias, groups, &windows)?;
	windows.restored(cx, &y, &x, filters)
}

/// Convolution, then the fourth input added, then the activation.
pub(crate) fn fused_conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut y = conv(cx)?;
	if let Some(other) = cx.optional(3) {
		y = cx.b.binary(BinaryFn::Add, &y, &other)?;
	}
	activation::named(cx, y)
}
