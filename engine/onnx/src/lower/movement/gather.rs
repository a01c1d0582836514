//! `Gather`: elements at indices along one axis.

use assay_referee::{DType, OpKind, StepFn};

use super::ranges::{take, whole, Range};
use crate::{
	dims::{axis, check_dims, product},
	error::{Failure, Result},
	ir::{Op, Origin, Value},
	lower::Cx,
};

/// `x` at `indices` along one axis.
pub(crate) fn gather_along(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	indices: &Value,
	at: usize,
) -> Result<Value> {
	let mut dims = x.dims[..at].to_vec();
	dims.extend_from_slice(&indices.dims);
	dims.extend_from_slice(&x.dims[at + 1..]);
	check_dims(&dims)?;
	if product(&dims) == 0 && x.is_constant() && indices.is_constant() {
		return Ok(Value::constant(x.dtype, dims, Vec::new()));
	}
	if let Some((op, table)) =
		over_table(cx, x, TABLE_STEPS).filter(|_| product(&dims) < x.elements())
	{
		let Op { kind, dtype, mut operands, .. } = op;
		let picked = gather_along(cx, &operands[table].clone(), indices, at)?;
		for operand in &mut operands {
			*operand = operand.view(vec![1; dims.len()]).unwrap_or_else(|_| picked.clone());
		}
		return cx.b.push(kind, dtype, dims, operands);
	}
	let operands = vec![cx.b.materialized(x)?, indices.clone()];
	cx.b.push(OpKind::Gather { axis: at as u8 }, x.dtype, dims, operands)
}

/// Most elementwise ops between a table and what takes rows of it.
const TABLE_STEPS: usize = 8;

/// The elementwise op that `x` is, where it makes a table of a constant one, and the operand that is
/// the table: a quantized embedding, of which a run needs a few rows. It may as well come after.
fn over_table(cx: &Cx<'_, '_>, x: &Value, steps: usize) -> Option<(Op, usize)> {
	let (Origin::Op(j), Some(steps)) = (&x.origin, steps.checked_sub(1)) else { return None };
	let op = cx.b.ops.get(*j)?;
	if op.dims != x.dims || StepFn::of(op.kind, op.dtype).is_none() || x.elements() == 1 {
		return None;
	}
	let mut whole = (0..op.operands.len()).filter(|&i| op.operands[i].elements() != 1);
	let (table, None) = (whole.next()?, whole.next()) else { return None };
	let value = &op.operands[table];
	let constant = value.is_constant() || over_table(cx, value, steps).is_some();
	(constant && value.dims == x.dims).then(|| (op.clone(), table))
}

pub(crate) fn gather(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	let at = axis(cx.int("axis", 0), x.rank())?;
	if !matches!(indices.dtype, DType::I32 | DType::I64) {
		return Err(Failure::invalid("its indices are not int32 or int64"));
	}
	let Some(list) = indices.whole_numbers() else { return gather_along(cx, &x, &indices, at) };
	let x = cx.b.materialized(&x)?;
	let dim = i64::from(x.dims[at]);
	if let Some(index) = list.iter().find(|&&index| index < -dim || index >= dim) {
		return Err(Failure::invalid(format!("index {index} is outside an axis of {dim}")));
	}
	match list.as_slice() {
		// One element is a slice.
		&[index] => {
			let mut ranges: Vec<Range> = x.dims.iter().map(|&dim| whole(dim)).collect();
			ranges[at] = Range { start: index.rem_euclid(dim), step: 1, count: 1 };
			let mut dims = x.dims[..at].to_vec();
			dims.extend_from_slice(&indices.dims);
			dims.extend_from_slice(&x.dims[at + 1..]);
			take(cx, &x, &ranges)?.view(dims)
		},
		_ => gather_along(cx, &x, &indices, at),
	}
}
