//! Sums and products of all elements before one.

use assay_referee::{BinaryFn, DType, OpKind, MAX_RANK};

use crate::{
	dims,
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// `x` moved by `by` towards the end of its middle axis (`[outer, k, inner]`), `unit` coming in.
fn delayed(cx: &mut Cx<'_, '_>, x: &Value, by: u32, unit: &Value) -> Result<Value> {
	let [outer, k, inner] = [x.dims[0], x.dims[1], x.dims[2]];
	let steps = dims::strides(&x.dims);
	let kept = cx.b.strided(x, vec![outer, k - by, inner], 0, &steps)?;
	let mut before = [0; MAX_RANK];
	before[1] = by;
	cx.b.push(OpKind::Pad { before, fill: bits_of(unit) }, x.dtype, x.dims.clone(), vec![kept])
}

/// The canonical bits of a scalar.
fn bits_of(scalar: &Value) -> u64 {
	let mut bits = [0; 8];
	if let Some(bytes) = scalar.bytes() {
		bits[..bytes.len()].copy_from_slice(bytes);
	}
	u64::from_le_bytes(bits)
}

pub(crate) fn cumulative_sum(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cumulative(cx, BinaryFn::Add, 0)
}

pub(crate) fn cumulative_product(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cumulative(cx, BinaryFn::Mul, 1)
}

/// The last 2, 4, 8, … elements joined until they reach all before; `unit` changes nothing.
fn cumulative(cx: &mut Cx<'_, '_>, function: BinaryFn, unit: i64) -> Result<Value> {
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
	let unit = Value::scalar(x.dtype, unit);
	let mut y = flipped(cx, &x.view(dims.to_vec())?)?;
	if cx.flag("exclusive") {
		y = match k {
			1 => cx.b.expand(&unit, dims.to_vec())?,
			_ => delayed(cx, &y, 1, &unit)?,
		};
	}
	let y = joined(cx, y, function, &unit)?;
	flipped(cx, &y)?.view(x.dims)
}

/// For every element along the middle axis of `x [outer, k, inner]`, what those up to it come to; `unit` changes
/// nothing.
pub(crate) fn inclusive(
	cx: &mut Cx<'_, '_>,
	x: Value,
	function: BinaryFn,
	unit: i64,
) -> Result<Value> {
	let unit = Value::scalar(x.dtype, unit);
	joined(cx, x, function, &unit)
}

fn joined(cx: &mut Cx<'_, '_>, x: Value, function: BinaryFn, unit: &Value) -> Result<Value> {
	let (mut y, mut reach) = (x, 1);
	while reach < y.dims[1] {
		let moved = delayed(cx, &y, reach, unit)?;
		y = cx.b.binary(function, &y, &moved)?;
		reach *= 2;
	}
	Ok(y)
}
