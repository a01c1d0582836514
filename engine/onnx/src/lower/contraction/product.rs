//! Operands of matrix products as the program format wants them: the second matrix as `[n, k]`, the
//! contracted axis last in both. Constant matrices are transposed when the model is compiled.

use crate::{
	dims::{broadcast, check_dims, product},
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// Swaps the last two axes.
pub(super) fn transposed(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let mut order: Vec<usize> = (0..x.rank()).collect();
	let rank = x.rank();
	order.swap(rank - 1, rank - 2);
	cx.b.transpose(x, &order)
}

/// Both operands of a product, ready for the program format, and the shape of the result.
pub(crate) struct Product {
	/// `[ba, m, k]`.
	pub(crate) a: Value,
	/// `[bb, n, k]`.
	pub(crate) b: Value,
	pub(crate) batch: u32,
	pub(crate) out: Vec<u32>,
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

pub(crate) fn prepared(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Product> {
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

/// The matrix product of two `f32` values, with batches that broadcast.
pub(crate) fn product_of(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Value> {
	let Product { a, b, batch, out } = prepared(cx, a, b)?;
	cx.b.matmul(a, b, None, batch)?.view(out)
}
