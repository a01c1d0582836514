//! Matrix products of floats.

use assay_referee::{Bias, BinaryFn, DType};

use super::{
	dequantized::dequantized_matmul,
	product::{product_of, transposed},
	whole,
};
use crate::{
	dims::broadcast,
	error::{Failure, Result},
	ir::Value,
	lower::{elementwise::activation, Cx},
};

pub(crate) fn matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	if a.dtype != DType::F32 || b.dtype != DType::F32 {
		return whole::matmul(cx, &a, &b);
	}
	if let Some(y) = dequantized_matmul(cx, &a, &b)? {
		return Ok(y);
	}
	let (a, b) = (cx.b.materialized(&a)?, cx.b.materialized(&b)?);
	product_of(cx, &a, &b)
}

/// `FusedMatMul` of `com.microsoft`: alpha · A · B, each perhaps transposed.
pub(crate) fn fused_matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (mut a, mut b) = (cx.float_input(0)?, cx.float_input(1)?);
	if cx.flag("transBatchA") || cx.flag("transBatchB") {
		return Err(Failure::unsupported("transposed batches are not supported"));
	}
	if cx.flag("transA") && a.rank() > 1 {
		a = transposed(cx, &a)?;
	}
	if cx.flag("transB") && b.rank() > 1 {
		b = transposed(cx, &b)?;
	}
	let y = product_of(cx, &a, &b)?;
	match cx.float("alpha", 1.0)? {
		1.0 => Ok(y),
		alpha => cx.b.binary_scalar(BinaryFn::Mul, &y, alpha),
	}
}

/// `GemmFastGelu` of `com.microsoft`: a product, a bias where there is one, and the activation.
pub(crate) fn product_fast_gelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.float_input(0)?, cx.float_input(1)?);
	let mut y = product_of(cx, &a, &b)?;
	if cx.optional(2).is_some() {
		let bias = cx.float_input(2)?;
		y = cx.b.binary(BinaryFn::Add, &y, &bias)?;
	}
	cx.with_input(y, |cx| activation::biased_gelu(cx, true))
}

/// `FusedGemm` of `com.microsoft`.
pub(crate) fn fused_gemm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.float_input(0)?;
	let y = gemm(cx)?;
	activation::named(cx, y)
}

pub(crate) fn gemm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (mut a, b) = (cx.input(0)?, cx.input(1)?);
	if a.dtype != DType::F32 || b.dtype != DType::F32 {
		return whole::gemm(cx, a, b);
	}
	if a.rank() != 2 || b.rank() != 2 {
		return Err(Failure::invalid("its operands are not matrices"));
	}
	if cx.flag("transA") {
		a = transposed(cx, &a)?;
	}
	let by_rows = cx.flag("transB");
	let (&[m, k], &[mut inner, mut n]) = (a.dims.as_slice(), b.dims.as_slice()) else {
		return Err(Failure::invalid("its operands are not matrices"));
	};
	if by_rows {
		(inner, n) = (n, inner);
	}
	if k != inner {
		return Err(Failure::invalid(format!("inner dimensions {k} and {inner} differ")));
	}
	let (alpha, beta) = (cx.float("alpha", 1.0)?, cx.float("beta", 1.0)?);
	let c = match cx.optional(2).filter(|_| beta != 0.0) {
		Some(c) => Some(cx.b.materialized(&c)?),
		None => None,
	};
	if let Some(c) = &c {
		if c.dtype != DType::F32 || broadcast(&c.dims, &[m, n])? != [m, n] {
			return Err(Failure::invalid(format!("{:?} cannot be added to {:?}", c.dims, [m, n])));
		}
	}
	let is_line = |c: &Value| c.elements() == u64::from(n) && c.dims.last() == Some(&n);
	let (bias, c) = match (dequantized_gemm(cx, &a, &b, by_rows)?, c) {
		(Some(whole), c) => return with_factors(cx, whole, [alpha, beta], c),
		(None, Some(c)) if alpha == 1.0 && beta == 1.0 && is_line(&c) => {
			(Some((Bias::Column, c.view(vec![n])?)), None)
		},
		(None, c) => (None, c),
	};
	let (a, mut b) = (cx.b.materialized(&a)?, cx.b.materialized(&b)?);
	if !by_rows {
		b = transposed(cx, &b)?;
	}
	let (a, b) = (a.view(vec![1, m, k])?, b.view(vec![1, n, k])?);
	let y = cx.b.matmul(a, b, bias, 1)?.view(vec![m, n])?;
	with_factors(cx, y, [alpha, beta], c)
}

/// The product in whole numbers, where both operands were dequantized.
fn dequantized_gemm(
	cx: &mut Cx<'_, '_>,
	a: &Value,
	b: &Value,
	by_rows: bool,
) -> Result<Option<Value>> {
	if cx.b.quantized(b)?.is_none() {
		return Ok(None);
	}
	let b = if by_rows { transposed(cx, b)? } else { b.clone() };
	dequantized_matmul(cx, a, &b)
}

/// alpha · y + beta · c.
fn with_factors(
	cx: &mut Cx<'_, '_>,
	mut y: Value,
	[alpha, beta]: [f32; 2],
	c: Option<Value>,
) -> Result<Value> {
	if alpha != 1.0 {
		y = cx.b.binary_scalar(BinaryFn::Mul, &y, alpha)?;
	}
	let Some(mut c) = c else { return Ok(y) };
	if beta != 1.0 {
		c = cx.b.binary_scalar(BinaryFn::Mul, &c, beta)?;
	}
	cx.b.binary(BinaryFn::Add, &y, &c)
}
