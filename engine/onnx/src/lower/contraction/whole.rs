//! Products of matrices of whole numbers: every sum is written out as products that are added up. Both wrap, so
//! sums are exact in whatever order, and their low bits are those of the sums of narrower types.

use assay_referee::{BinaryFn, DType, ReduceFn, MAX_TENSOR_BYTES};

use super::product::{prepared, transposed, Product};
use crate::{
	dims::broadcast,
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// Most parts into which the terms of a sum are cut, so that the products of each fit into a tensor.
const MOST_PARTS: u64 = 64;

/// Refuses operands that are not of one type of whole numbers.
fn check(a: &Value, b: &Value) -> Result<()> {
	if a.dtype != b.dtype {
		return Err(Failure::invalid(format!(
			"its operands have different element types, {:?} and {:?}",
			a.dtype, b.dtype
		)));
	}
	if a.dtype == DType::Bool {
		return Err(Failure::new(ErrorKind::UnsupportedType, "its operands are bool"));
	}
	Ok(())
}

/// `a [ba, m, k] · b [bb, n, k]` as `[batch, m, n]`, where `ba` and `bb` divide `batch`.
pub(super) fn rows_by_rows(cx: &mut Cx<'_, '_>, a: &Value, b: &Value, batch: u32) -> Result<Value> {
	check(a, b)?;
	let (m, n, k) = (a.dims[1], b.dims[1], a.dims[2]);
	let repeated = |cx: &mut Cx<'_, '_>, x: &Value| -> Result<Value> {
		let own = x.view(vec![1, x.dims[0], x.dims[1], x.dims[2]])?;
		let all = vec![batch / x.dims[0], x.dims[0], x.dims[1], x.dims[2]];
		cx.b.expand(&own, all)?.view(vec![batch, x.dims[1], x.dims[2]])
	};
	let (a, b) = (repeated(cx, a)?, repeated(cx, b)?);
	let of_one_term = [batch, m, n]
		.iter()
		.fold(a.dtype.size(), |product, &dim| product.saturating_mul(dim.into()));
	let at_once = (MAX_TENSOR_BYTES / of_one_term.max(1)).min(k.into()).max(1);
	if u64::from(k).div_ceil(at_once) > MOST_PARTS {
		return Err(Failure::too_large(format!(
			"a product of {m} by {k} and {k} by {n} whole numbers, {batch} times, takes more than {MOST_PARTS} \
			 times 1 GiB"
		))
		.help("compute it in float32 if its numbers are below 2^24, or in smaller parts"));
	}
	let mut sum: Option<Value> = None;
	for start in (0..k).step_by(at_once as usize) {
		let count = (k - start).min(at_once as u32);
		let left = cx.b.part(&a, 2, start, count)?.view(vec![batch, m, 1, count])?;
		let right = cx.b.part(&b, 2, start, count)?.view(vec![batch, 1, n, count])?;
		let products = cx.b.binary(BinaryFn::Mul, &left, &right)?;
		let part = cx.b.reduce_last(ReduceFn::Sum, &products)?;
		sum = Some(match sum {
			None => part,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &part)?,
		});
	}
	sum.ok_or_else(|| Failure::invalid("its contracted dimension is empty"))
}

/// A product as `MatMul` has it.
pub(super) fn matmul(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Value> {
	check(a, b)?;
	let Product { a, b, batch, out } = prepared(cx, a, b)?;
	rows_by_rows(cx, &a, &b, batch)?.view(out)
}

/// A product as `Gemm` has it, with factors that are whole numbers.
pub(super) fn gemm(cx: &mut Cx<'_, '_>, mut a: Value, mut b: Value) -> Result<Value> {
	if a.rank() != 2 || b.rank() != 2 {
		return Err(Failure::invalid("its operands are not matrices"));
	}
	cx.refuse_empty()?;
	if cx.flag("transA") {
		a = transposed(cx, &a)?;
	}
	if cx.flag("transB") {
		b = transposed(cx, &b)?;
	}
	let alpha = factor(cx, "alpha", a.dtype)?;
	let y = matmul(cx, &a, &b)?;
	let y = times(cx, y, alpha)?;
	let Some(c) = cx.optional(2) else { return Ok(y) };
	let beta = factor(cx, "beta", a.dtype)?;
	if c.dtype != y.dtype || broadcast(&c.dims, &y.dims)? != y.dims {
		return Err(Failure::invalid(format!("{:?} cannot be added to {:?}", c.dims, y.dims)));
	}
	let c = times(cx, c, beta)?;
	cx.b.binary(BinaryFn::Add, &y, &c)
}

/// A factor that the type has.
fn factor(cx: &Cx<'_, '_>, name: &str, dtype: DType) -> Result<i64> {
	let value = cx.float(name, 1.0)?;
	let range = match dtype {
		DType::U8 => 0.0..=255.0,
		DType::I8 => -128.0..=127.0,
		// The whole numbers that f32 has without gaps.
		_ => -16_777_216.0..=16_777_216.0,
	};
	if value.fract() == 0.0 && range.contains(&value) {
		Ok(value as i64)
	} else {
		Err(Failure::unsupported(format!("{name}={value} of whole numbers is not supported")))
	}
}

fn times(cx: &mut Cx<'_, '_>, x: Value, factor: i64) -> Result<Value> {
	match factor {
		1 => Ok(x),
		_ => cx.b.binary(BinaryFn::Mul, &x, &Value::scalar(x.dtype, factor)),
	}
}
