//! Sums of all elements before one.

use assay_referee::{BinaryFn, DType, OpKind, MAX_RANK};

use crate::{
	dims,
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// `x` moved by `by` towards the end of its middle axis (`[outer, k, inner]`), zeros coming in.
fn delayed(cx: &mut Cx<'_, '_>, x: &Value, by: u32) -> Result<Value> {
	let [outer, k, inner] = [x.dims[0], x.dims[1], x.dims[2]];
	let steps = dims::strides(&x.dims);
	let kept = cx.b.strided(x, vec![outer, k - by, inner], 0, &steps)?;
	let mut before = [0; MAX_RANK];
	before[1] = by;
	cx.b.push(OpKind::Pad { before, fill: 0 }, x.dtype, x.dims.clone(), vec![kept])
}

/// Sums of the last 2, 4, 8, … elements until they reach all before.
pub(crate) fn cumulative_sum(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let x = cx.input(0)?;
	if x.dtype == DType::Bool {
		return Err(Failure::new(ErrorKind::UnsupportedType, "it is not supported for bool"));
	}
	let at = match cx.list_input(1)?.as_deref() {
		Some(&[at]) => dims::axis(at, x.rank())?,
		_ => return Err(Failure::invalid("its axis is missing")),
	};
	let (outer, inner) = (dims::product(&x.dims[..at]), dims::product(&x.dims[at + 1..]));
	let (k, dims) = (x.dims[at], [outer as u32, x.dims[at], inner as u32]);
	let steps = dims::strides(&dims);
	let reverse = cx.flag("reverse");
	let flipped = |cx: &mut Cx<'_, '_>, y: &Value| {
		if reverse {
			let start = u64::from(k - 1) * steps[1] as u64;
			cx.b.strided(y, dims.to_vec(), start, &[steps[0], -steps[1], steps[2]])
		} else {
			Ok(y.clone())
		}
	};
	let mut y = flipped(cx, &x.view(dims.to_vec())?)?;
	if cx.flag("exclusive") {
		y = match k {
			1 => cx.b.binary(BinaryFn::Mul, &y, &Value::scalar(x.dtype, 0))?,
			_ => delayed(cx, &y, 1)?,
		};
	}
	let mut reach = 1;
	while reach < k {
		let moved = delayed(cx, &y, reach)?;
		y = cx.b.binary(BinaryFn::Add, &y, &moved)?;
		reach *= 2;
	}
	flipped(cx, &y)?.view(x.dims)
}
