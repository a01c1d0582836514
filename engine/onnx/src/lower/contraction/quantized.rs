//! Contractions of 8-bit values: exact sums in `i32`, then one rounding.

use assay_referee::{BinaryFn, DType};

use super::{integer, integer_conv::convolved, windows::per_filter};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{
		quantization::{
			linear,
			scales::{bytes, column, factor, requantize, single, to_float},
		},
		Cx,
	},
};

pub(crate) fn matmul_integer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 1)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(3));
	integer::matmul(cx, &a, &b, a_zero, b_zero)
}

pub(crate) fn matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (a_scale, b_scale) = (column(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let (y_scale, y_zero) = (column(cx.float_input(6)?)?, column(cx.input(7)?)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(5));
	let sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	let factor = factor(cx, [&a_scale, &b_scale], &y_scale)?;
	requantize(cx, &sums, &factor, Some(&y_zero), y_zero.dtype)
}

pub(crate) fn conv_integer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, weight) = (bytes(cx, 0)?, bytes(cx, 1)?);
	let (x_zero, w_zero) = (cx.optional(2), cx.optional(3));
	convolved(cx, [&x, &weight], x_zero, w_zero)
}

pub(crate) fn conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	if cx.flag("channels_last") {
		return Err(Failure::unsupported("channels_last=1 is not supported"));
	}
	let (x, weight) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (x_zero, w_zero, bias) = (cx.optional(2), cx.optional(5), cx.optional(8));
	let (y_scale, y_zero) = (single(cx.float_input(6)?)?, single(cx.input(7)?)?);
	let (x_scale, w_scale) = (single(cx.float_input(1)?)?, cx.float_input(4)?);
	let w_scale = per_filter(w_scale, x.rank())?;
	let mut sums = convolved(cx, [&x, &weight], x_zero, w_zero)?;
	if let Some(bias) = bias {
		if bias.dtype != DType::I32 || bias.dims != [weight.dims[0]] {
			return Err(Failure::invalid("its bias does not fit its weights"));
		}
		sums = cx.b.binary(BinaryFn::Add, &sums, &per_filter(bias, x.rank())?)?;
	}
	let factor = factor(cx, [&x_scale, &w_scale], &y_scale)?;
	requantize(cx, &sums, &factor, Some(&y_zero), y_zero.dtype)
}

/// Swaps the axes of a matrix on request.
fn maybe_transposed(cx: &mut Cx<'_, '_>, x: Value, flag: &str) -> Result<Value> {
	if cx.flag(flag) && x.rank() == 2 {
		cx.b.transpose(&x, &[1, 0])
	} else {
		Ok(x)
	}
}

/// `QGemm`: in floats where the result has no scale.
pub(crate) fn gemm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (bytes(cx, 0)?, bytes(cx, 3)?);
	let (a, b) = (maybe_transposed(cx, a, "transA")?, maybe_transposed(cx, b, "transB")?);
	let (a_scale, b_scale) = (single(cx.float_input(1)?)?, single(cx.float_input(4)?)?);
	let (a_zero, b_zero) = (cx.optional(2), cx.optional(5));
	let mut sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	if let Some(bias) = cx.optional(6) {
		sums = cx.b.binary(BinaryFn::Add, &sums, &bias)?;
	}
	let mut scale = cx.b.binary(BinaryFn::Mul, &a_scale, &b_scale)?;
	let alpha = cx.float("alpha", 1.0)?;
	if alpha != 1.0 {
		scale = cx.b.binary_scalar(BinaryFn::Mul, &scale, alpha)?;
	}
	let Some(y_scale) = cx.optional(7) else {
		let y = cx.b.cast(&sums, DType::F32)?;
		return cx.b.binary(BinaryFn::Mul, &y, &scale);
	};
	let factor = cx.b.binary(BinaryFn::Div, &scale, &single(y_scale)?)?;
	let y_zero = cx.optional(8).map(single).transpose()?;
	let dtype = y_zero.as_ref().map_or(a.dtype, |zero| zero.dtype);
	requantize(cx, &sums, &factor, y_zero.as_ref(), dtype)
}

pub(crate) fn dynamic_matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b, b_scale) = (cx.float_input(0)?, bytes(cx, 1)?, single(cx.float_input(2)?)?);
	let [a, a_scale, a_zero] = linear::dynamically(cx, &a)?;
	let (b_zero, bias) = (cx.optional(3), cx.optional(4));
	let sums = integer::matmul(cx, &a, &b, Some(a_zero), b_zero)?;
	to_float(cx, &sums, [&a_scale, &b_scale], bias)
}

/// The product of 8-bit inputs as floats, plus a bias.
pub(crate) fn float_product(
	cx: &mut Cx<'_, '_>,
	[a, b]: [usize; 2],
	[a_scale, b_scale]: [Value; 2],
	[a_zero, b_zero]: [Option<Value>; 2],
	bias: Option<Value>,
) -> Result<Value> {
	let (a, b) = (bytes(cx, a)?, bytes(cx, b)?);
	let sums = integer::matmul(cx, &a, &b, a_zero, b_zero)?;
	to_float(cx, &sums, [&column(a_scale)?, &single(b_scale)?], bias)
}

pub(crate) fn matmul_to_float(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (scales, zeros) =
		([cx.float_input(2)?, cx.float_input(3)?], [cx.optional(4), cx.optional(5)]);
	float_product(cx, [0, 1], scales, zeros, cx.optional(6))
}
