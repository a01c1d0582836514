//! Matrix products. The program format wants the second matrix as `[n, k]`, the contracted axis
//! last in both; constant matrices are transposed when the model is compiled.

use assay_referee::{Bias, BinaryFn, DType};

use super::{one, qlinear, Cx};
use crate::{
	dims::{broadcast, check_dims, product},
	error::{Failure, Result},
	ir::Value,
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"MatMul" => matmul(cx),
		"Gemm" => gemm(cx),
		_ => return None,
	})
}

/// Swaps the last two axes.
fn transposed(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let mut order: Vec<usize> = (0..x.rank()).collect();
	let rank = x.rank();
	order.swap(rank - 1, rank - 2);
	cx.b.transpose(x, &order)
}

/// Both operands of a product, ready for the program format, and the shape of the result.
pub(super) struct Product {
	/// `[ba, m, k]`.
	pub(super) a: Value,
	/// `[bb, n, k]`.
	pub(super) b: Value,
	pub(super) batch: u32,
	pub(super) out: Vec<u32>,
}

/// Batched operands as `[batch, rows, k]`, with leading dimensions that repeat left out: the
/// format takes the batch index modulo an operand's own.
fn batched(cx: &mut Cx<'_, '_>, x: &Value, batch: &[u32]) -> Result<Value> {
	let matrix = x.dims[x.rank() - 2..].to_vec();
	let own = &x.dims[..x.rank() - 2];
	let leading = own.iter().take_while(|&&dim| dim == 1).count();
	let rest = &own[leading..];
	let x = if batch.ends_with(rest) {
		x.clone()
	} else {
		let mut full = batch.to_vec();
		full.extend_from_slice(&matrix);
		cx.b.expand(x, full)?
	};
	let count = x.elements() / product(&matrix);
	x.view(vec![count as u32, matrix[0], matrix[1]])
}

pub(super) fn prepare(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Product> {
	if a.rank() == 0 || b.rank() == 0 {
		return Err(Failure::invalid("a scalar is no matrix"));
	}
	let (a_line, b_line) = (a.rank() == 1, b.rank() == 1);
	let a = if a_line { a.view(vec![1, a.dims[0]])? } else { a.clone() };
	let b = if b_line { b.view(vec![b.dims[0], 1])? } else { b.clone() };
	let (m, k) = (a.dims[a.rank() - 2], a.dims[a.rank() - 1]);
	let (inner, n) = (b.dims[b.rank() - 2], b.dims[b.rank() - 1]);
	if k != inner {
		return Err(Failure::invalid(format!("{:?} cannot be multiplied by {:?}", a.dims, b.dims)));
	}
	if a.elements() == 0 || b.elements() == 0 {
		return Err(Failure::unsupported("an operand is empty"));
	}
	let lead = broadcast(&a.dims[..a.rank() - 2], &b.dims[..b.rank() - 2])?;
	let mut out = lead.clone();
	out.extend([m, n].iter().zip([a_line, b_line]).filter(|(_, line)| !line).map(|(dim, _)| dim));
	check_dims(&out)?;
	check_dims(&lead)?;
	let batch = product(&lead) as u32;
	let b = transposed(cx, &b)?;
	if product(&b.dims[..b.rank() - 2]) == 1 {
		// One matrix for all: the batch becomes rows.
		let rows = a.elements() / u64::from(k);
		let a = a.view(vec![1, rows as u32, k])?;
		let b = b.view(vec![1, n, k])?;
		return Ok(Product { a, b, batch: 1, out });
	}
	let a = batched(cx, &a, &lead)?;
	let b = batched(cx, &b, &lead)?;
	Ok(Product { a, b, batch, out })
}

fn matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.float_input(0)?, cx.float_input(1)?);
	if let Some(y) = qlinear::dequantized_matmul(cx, &a, &b)? {
		return Ok(y);
	}
	let (a, b) = (cx.b.materialized(&a)?, cx.b.materialized(&b)?);
	product_of(cx, &a, &b)
}

/// The matrix product of two `f32` values, with batches that broadcast.
pub(super) fn product_of(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Value> {
	let Product { a, b, batch, out } = prepare(cx, a, b)?;
	cx.b.matmul(a, b, None, batch)?.view(out)
}

/// `FusedMatMul` of `com.microsoft`: alpha · A · B, each perhaps transposed.
pub(super) fn fused_matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
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

fn gemm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (mut a, b) = (cx.float_input(0)?, cx.float_input(1)?);
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
	qlinear::dequantized_matmul(cx, a, &b)
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
