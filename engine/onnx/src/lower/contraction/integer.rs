//! Exact products of 8-bit matrices with any zero points.
//!
//! The format's contraction takes one zero point for the first operand and one, or one per column,
//! for the second. Others are taken out of the sums: `Σ (a - z) b = Σ a b - z Σ b`, which holds for
//! wrapping sums as well.

use assay_referee::{BinaryFn, DType, OpKind, MAX_TERMS};

use super::product::prepared;
use crate::{
	dims::{check_dims, product},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// A zero point as one element where it is uniform.
fn uniform(zero: Value) -> Result<Value> {
	let Some(bits) = zero.uniform_bits() else {
		return if zero.elements() == 1 { zero.view(vec![]) } else { Ok(zero) };
	};
	Ok(Value::constant(zero.dtype, vec![], bits.to_le_bytes()[..1].to_vec()))
}

fn checked(zero: Option<Value>, of: &Value) -> Result<Value> {
	match zero {
		None => Ok(Value::scalar(of.dtype, 0)),
		Some(zero) if zero.dtype == of.dtype => uniform(zero),
		Some(_) => Err(Failure::invalid("a zero point's type differs")),
	}
}

/// `sums - zeros · others`, with broadcasting.
fn without(cx: &mut Cx<'_, '_>, sums: &Value, zeros: &Value, others: &Value) -> Result<Value> {
	let zeros = cx.b.cast(zeros, DType::I32)?;
	let part = cx.b.binary(BinaryFn::Mul, &zeros, others)?;
	let result = cx.b.binary(BinaryFn::Sub, sums, &part)?;
	if result.dims == sums.dims {
		Ok(result)
	} else {
		Err(Failure::invalid("a zero point does not fit its operand"))
	}
}

fn ones(cx: &mut Cx<'_, '_>, dtype: DType, dims: Vec<u32>) -> Result<Value> {
	check_dims(&dims)?;
	let count = product(&dims);
	cx.b.spend(count)?;
	Ok(Value::constant(dtype, dims, vec![1; count as usize]))
}

/// The format's own contraction: `a [ba, m, k]`, `b [bb, n, k]` to `[batch, m, n]`.
fn contract(
	cx: &mut Cx<'_, '_>,
	a: &Value,
	b: &Value,
	[a_zero, b_zero]: [&Value; 2],
	batch: u32,
) -> Result<Value> {
	let (m, n, k) = (a.dims[1], b.dims[1], a.dims[2]);
	if u64::from(k) > MAX_TERMS {
		// Sums that wrap are exact in whatever order.
		return cx.b.sum_of_parts(k, |builder, start, len| {
			let (a, b) = (builder.part(a, 2, start, len)?, builder.part(b, 2, start, len)?);
			let operands = vec![a, b, a_zero.clone(), b_zero.clone()];
			builder.push(OpKind::MatMulInteger, DType::I32, vec![batch, m, n], operands)
		});
	}
	let operands = vec![a.clone(), b.clone(), a_zero.clone(), b_zero.clone()];
	cx.b.push(OpKind::MatMulInteger, DType::I32, vec![batch, m, n], operands)
}

/// Rows of `a [ba, m, k]` by rows of `b [bb, n, k]`, where `bb` is a multiple of `ba`: `[bb, m, n]`.
/// The zero points of a are one, or `[ba, m, 1]`; that of b is one.
pub(crate) fn rows_by_rows(
	cx: &mut Cx<'_, '_>,
	a: &Value,
	b: &Value,
	a_zero: Option<Value>,
	b_zero: Option<Value>,
) -> Result<Value> {
	let (a_zero, b_zero) = (checked(a_zero, a)?, checked(b_zero, b)?);
	let batch = b.dims[0];
	if a_zero.elements() == 1 {
		return contract(cx, a, b, [&a_zero, &b_zero], batch);
	}
	let none = Value::scalar(a.dtype, 0);
	let (groups, m, n) = (a.dims[0], a.dims[1], b.dims[1]);
	let sums = contract(cx, a, b, [&none, &b_zero], batch)?;
	let line = ones(cx, a.dtype, vec![1, 1, a.dims[2]])?;
	let others = contract(cx, &line, b, [&none, &b_zero], batch)?;
	let sums = sums.view(vec![batch / groups, groups, m, n])?;
	let others = others.view(vec![batch / groups, groups, 1, n])?;
	without(cx, &sums, &a_zero, &others)?.view(vec![batch, m, n])
}

/// A product as `MatMul` has it. The zero points of a are one, `[m]` or `[.., m, 1]`, those of b one,
/// `[n]` or `[.., 1, n]`.
pub(crate) fn matmul(
	cx: &mut Cx<'_, '_>,
	a: &Value,
	b: &Value,
	a_zero: Option<Value>,
	b_zero: Option<Value>,
) -> Result<Value> {
	let (a_zero, b_zero) = (checked(a_zero, a)?, checked(b_zero, b)?);
	if a_zero.elements() > 1 {
		let (&k, none) = (a.dims.last().unwrap_or(&1), Value::scalar(a.dtype, 0));
		let a_zero = match *a_zero.dims.as_slice() {
			[rows] => a_zero.view(vec![rows, 1])?,
			_ => a_zero,
		};
		let sums = matmul(cx, a, b, Some(none.clone()), Some(b_zero.clone()))?;
		let line = ones(cx, a.dtype, vec![1, k])?;
		let others = matmul(cx, &line, b, Some(none), Some(b_zero))?;
		return without(cx, &sums, &a_zero, &others);
	}
	let product = prepared(cx, a, b)?;
	let n = product.b.dims[1];
	let fits = b_zero.elements() == 1 || b_zero.dims == [n];
	if !fits {
		let none = Value::scalar(b.dtype, 0);
		let sums = matmul(cx, a, b, Some(a_zero.clone()), Some(none.clone()))?;
		let line = ones(cx, b.dtype, vec![product.a.dims[2], 1])?;
		let others = matmul(cx, a, &line, Some(a_zero), Some(none))?;
		return without(cx, &sums, &b_zero, &others);
	}
	let zeros = [&a_zero, &b_zero];
	contract(cx, &product.a, &product.b, zeros, product.batch)?.view(product.out)
}
