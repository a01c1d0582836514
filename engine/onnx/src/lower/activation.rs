//! Activations and bit operations written out as existing functions.

use assay_referee::{BinaryFn, DType, OpKind, UnaryFn};

use super::{one, Cx};
use crate::{
	dims,
	error::{ErrorKind, Failure, Result},
	ir::Value,
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"Celu" => celu(cx),
		"Shrink" => shrink(cx),
		"ThresholdedRelu" => thresholded_relu(cx),
		"IsInf" => is_infinite(cx),
		"BitwiseNot" => bitwise_not(cx),
		"BitShift" => bit_shift(cx),
		"CumSum" => cumulative_sum(cx),
		"OptionalHasElement" => {
			let is_there = cx.optional(0).is_some();
			Ok(Value::scalar(DType::Bool, is_there.into()))
		},
		"OptionalGetElement" => cx.input(0),
		_ => return None,
	})
}

/// max(0, x) + min(0, alpha · (e^(x / alpha) - 1)).
fn celu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.0)?;
	let scaled = cx.b.binary_scalar(BinaryFn::Div, &x, alpha)?;
	let e = cx.b.unary(UnaryFn::Exp, &scaled)?;
	let e = cx.b.binary_scalar(BinaryFn::Sub, &e, 1.0)?;
	let e = cx.b.binary_scalar(BinaryFn::Mul, &e, alpha)?;
	let low = cx.b.binary_scalar(BinaryFn::Min, &e, 0.0)?;
	let high = cx.b.unary(UnaryFn::Relu, &x)?;
	cx.b.binary(BinaryFn::Add, &high, &low)
}

/// x + bias below -lambd, x - bias above lambd, 0 between.
fn shrink(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (bias, limit) = (cx.float("bias", 0.0)?, cx.float("lambd", 0.5)?);
	let below = cx.b.binary_scalar(BinaryFn::Less, &x, -limit)?;
	let above = cx.b.binary_scalar(BinaryFn::Greater, &x, limit)?;
	let lower = cx.b.binary_scalar(BinaryFn::Add, &x, bias)?;
	let upper = cx.b.binary_scalar(BinaryFn::Sub, &x, bias)?;
	let rest = cx.b.select(&above, &upper, &Value::scalar_f32(0.0))?;
	cx.b.select(&below, &lower, &rest)
}

/// x above alpha, else 0.
fn thresholded_relu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let above = cx.b.binary_scalar(BinaryFn::Greater, &x, cx.float("alpha", 1.0)?)?;
	cx.b.select(&above, &x, &Value::scalar_f32(0.0))
}

/// Beyond the largest finite number.
fn is_infinite(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (negative, positive) =
		(cx.int("detect_negative", 1) != 0, cx.int("detect_positive", 1) != 0);
	match (negative, positive) {
		(true, true) => {
			let size = cx.b.unary(UnaryFn::Abs, &x)?;
			cx.b.binary_scalar(BinaryFn::Greater, &size, f32::MAX)
		},
		(true, false) => cx.b.binary_scalar(BinaryFn::Less, &x, f32::MIN),
		(false, true) => cx.b.binary_scalar(BinaryFn::Greater, &x, f32::MAX),
		// Nothing is less than itself.
		(false, false) => cx.b.binary(BinaryFn::Less, &x, &x),
	}
}

fn bitwise_not(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	if x.dtype.is_integer() {
		cx.b.binary(BinaryFn::Xor, &x, &Value::ones(x.dtype))
	} else {
		Err(Failure::new(ErrorKind::UnsupportedType, "it is supported for integers only"))
	}
}

/// A shift is a product with, or a quotient by, a power of two; from 8 bits on nothing is left.
fn bit_shift(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, y) = (cx.input(0)?, cx.input(1)?);
	if x.dtype != DType::U8 || y.dtype != DType::U8 {
		return Err(Failure::new(ErrorKind::UnsupportedType, "it is supported for uint8 only"));
	}
	let table = Value::constant(DType::U8, vec![8], (0..8).map(|i| 1 << i).collect());
	let at = cx.b.cast(&y, DType::I32)?;
	// What is beyond the table is 0, and a division by 0 gives 0.
	let dims = y.dims;
	let power = cx.b.push(OpKind::Gather { axis: 0 }, DType::U8, dims, vec![table, at])?;
	let function = match cx.word("direction", "")? {
		"LEFT" => BinaryFn::Mul,
		"RIGHT" => BinaryFn::Div,
		_ => return Err(Failure::invalid("its direction is neither LEFT nor RIGHT")),
	};
	cx.b.binary(function, &x, &power)
}

/// `x` moved by `by` towards the end of its middle axis (`[outer, k, inner]`), zeros coming in.
fn delayed(cx: &mut Cx<'_, '_>, x: &Value, by: u32) -> Result<Value> {
	let [outer, k, inner] = [x.dims[0], x.dims[1], x.dims[2]];
	let steps = dims::strides(&x.dims);
	let kept = cx.b.strided(x, vec![outer, k - by, inner], 0, &steps)?;
	let mut before = [0; assay_referee::MAX_RANK];
	before[1] = by;
	cx.b.push(OpKind::Pad { before, fill: 0 }, x.dtype, x.dims.clone(), vec![kept])
}

/// Sums of the last 2, 4, 8, … elements until they reach all before.
fn cumulative_sum(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
