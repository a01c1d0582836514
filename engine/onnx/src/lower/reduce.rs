//! Reductions over any axes: the reduced axes are moved to the end first.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::{one, Cx};
use crate::error::{ErrorKind, Failure, Result};
use crate::value::{axes, axis, product, Value};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
		| "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce(cx, op_type),
		"GlobalAveragePool" => global_pool(cx, ReduceFn::Sum),
		"GlobalMaxPool" => global_pool(cx, ReduceFn::Max),
		"ArgMax" | "ArgMin" => arg_max(cx, op_type),
		"Softmax" | "LogSoftmax" => softmax(cx, op_type),
		_ => return None,
	})
}

/// Moves `reduced` (ascending) behind the other axes and joins them: `[others.., product]`.
pub(super) fn gather_axes(cx: &mut Cx<'_, '_>, x: &Value, reduced: &[usize]) -> Result<Value> {
	let mut order: Vec<usize> = (0..x.rank()).filter(|d| !reduced.contains(d)).collect();
	let mut dims: Vec<u32> = order.iter().map(|&d| x.dims[d]).collect();
	let length: u64 = reduced.iter().map(|&d| u64::from(x.dims[d])).product();
	order.extend_from_slice(reduced);
	// A product of dimensions that passed the limit on elements.
	dims.push(length as u32);
	cx.b.transpose(x, &order)?.view(dims)
}

/// The dimensions with the reduced ones set to 1, or left out.
fn reduced_dims(x: &Value, reduced: &[usize], keep: bool) -> Vec<u32> {
	(0..x.rank())
		.filter_map(|d| match reduced.contains(&d) {
			false => Some(x.dims[d]),
			true => keep.then_some(1),
		})
		.collect()
}

fn reduce(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let mut x = cx.input(0)?;
	if x.dtype == DType::Bool {
		return Err(Failure::new(ErrorKind::UnsupportedType, "it is not supported for bool"));
	}
	let list = cx.list("axes", 1)?.unwrap_or_default();
	let reduced = match list.is_empty() {
		true if cx.flag("noop_with_empty_axes") => return Ok(x),
		true => (0..x.rank()).collect(),
		false => axes(&list, x.rank())?,
	};
	let out = reduced_dims(&x, &reduced, cx.int("keepdims", 1) != 0);
	if reduced.is_empty() {
		x = x.view(vec![1])?;
	}
	let count = reduced.iter().map(|&d| u64::from(x.dims[d])).product::<u64>();
	if x.is_constant() && x.elements() == 0 {
		return empty_reduction(op_type, x.dtype, out);
	}
	x = match op_type {
		"ReduceL2" | "ReduceSumSquare" => cx.b.binary(BinaryFn::Mul, &x, &x)?,
		"ReduceL1" => cx.b.unary(UnaryFn::Abs, &x)?,
		"ReduceLogSumExp" => return log_sum_exp(cx, &x, &reduced, out),
		_ => x,
	};
	let function = match op_type {
		"ReduceMax" => ReduceFn::Max,
		"ReduceMin" => ReduceFn::Min,
		"ReduceProd" => ReduceFn::Prod,
		_ => ReduceFn::Sum,
	};
	let last = if reduced.is_empty() { x.rank() - 1..x.rank() } else { 0..0 };
	let reduced: Vec<usize> = last.chain(reduced).collect();
	let rows = gather_axes(cx, &x, &reduced)?;
	let result = cx.b.reduce_last(function, &rows)?;
	let result = match op_type {
		"ReduceMean" => mean(cx, &result, count)?,
		"ReduceL2" => cx.b.unary(UnaryFn::Sqrt, &result)?,
		"ReduceLogSum" => cx.b.unary(UnaryFn::Log, &result)?,
		_ => result,
	};
	result.view(out)
}

/// What a reduction of a constant without elements gives (shape arithmetic of scalars).
fn empty_reduction(op_type: &str, dtype: DType, out: Vec<u32>) -> Result<Value> {
	let neutral = match op_type {
		"ReduceProd" => 1,
		"ReduceSum" => 0,
		_ => return Err(Failure::invalid("it reduces an empty tensor")),
	};
	match product(&out) {
		1 => Value::scalar(dtype, neutral).view(out),
		_ => Err(Failure::unsupported("it reduces an empty tensor")),
	}
}

/// A sum divided by the number of its terms.
pub(super) fn mean(cx: &mut Cx<'_, '_>, sum: &Value, count: u64) -> Result<Value> {
	let count = match sum.dtype {
		DType::F32 => Value::scalar_f32(count as f32),
		DType::I32 | DType::I64 => Value::scalar(sum.dtype, count as i64),
		other => {
			return Err(Failure::new(ErrorKind::UnsupportedType, format!("a mean of {other:?}")));
		},
	};
	cx.b.binary(BinaryFn::Div, sum, &count)
}

/// max + log(sum(exp(x - max))).
fn log_sum_exp(cx: &mut Cx<'_, '_>, x: &Value, reduced: &[usize], out: Vec<u32>) -> Result<Value> {
	let rows = gather_axes(cx, x, reduced)?;
	let (largest, _, e) = exponentials(cx, &rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
	let log = cx.b.unary(UnaryFn::Log, &sum)?;
	cx.b.binary(BinaryFn::Add, &log, &largest)?.view(out)
}

/// For rows `[.., k]`: their maxima `[..]`, x - max, and its exponential.
pub(super) fn exponentials(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<(Value, Value, Value)> {
	let largest = cx.b.reduce_last(ReduceFn::Max, rows)?;
	let column = per_row(&largest)?;
	let shifted = cx.b.binary(BinaryFn::Sub, rows, &column)?;
	let e = cx.b.unary(UnaryFn::Exp, &shifted)?;
	Ok((largest, shifted, e))
}

/// One value per row as a column that broadcasts over the row.
pub(super) fn per_row(x: &Value) -> Result<Value> {
	let mut dims = x.dims.clone();
	dims.push(1);
	x.view(dims)
}

fn global_pool(cx: &mut Cx<'_, '_>, function: ReduceFn) -> Result<Value> {
	let x = cx.float_input(0)?;
	if x.rank() < 2 {
		return Err(Failure::invalid("its input has no channels"));
	}
	let mut out = x.dims[..2].to_vec();
	let area = product(&x.dims[2..]);
	let rows = x.view(vec![x.dims[0], x.dims[1], area as u32])?;
	let result = cx.b.reduce_last(function, &rows)?;
	let result = match function {
		ReduceFn::Sum => mean(cx, &result, area)?,
		_ => result,
	};
	out.resize(x.rank(), 1);
	result.view(out)
}

fn arg_max(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let mut x = cx.input(0)?;
	if cx.flag("select_last_index") {
		return Err(Failure::unsupported("select_last_index=1 is not supported"));
	}
	let at = axis(cx.int("axis", 0), x.rank())?;
	let out = reduced_dims(&x, &[at], cx.int("keepdims", 1) != 0);
	if op_type == "ArgMin" {
		if x.dtype != DType::F32 {
			return Err(Failure::new(
				ErrorKind::UnsupportedType,
				"it is supported for float32 only",
			));
		}
		x = cx.b.unary(UnaryFn::Neg, &x)?;
	}
	let rows = gather_axes(cx, &x, &[at])?;
	cx.b.arg_max_last(&rows)?.view(out)
}

fn softmax(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let x = cx.float_input(0)?;
	// Before operator set 13 all axes from `axis` on were one.
	let joined = cx.opset < 13;
	let at = match cx.int("axis", if joined { 1 } else { -1 }) {
		end if joined && end == x.rank() as i64 => x.rank(),
		other => axis(other, x.rank())?,
	};
	let (rows, order) = match joined {
		true => {
			let (outer, inner) = (product(&x.dims[..at]), product(&x.dims[at..]));
			(x.view(vec![outer as u32, inner as u32])?, None)
		},
		false => {
			let mut order: Vec<usize> = (0..x.rank()).filter(|&d| d != at).collect();
			order.push(at);
			(cx.b.transpose(&x, &order)?, Some(order))
		},
	};
	let (_, shifted, e) = exponentials(cx, &rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
	let sum = per_row(&sum)?;
	let y = match op_type {
		"Softmax" => cx.b.binary(BinaryFn::Div, &e, &sum)?,
		_ => {
			let log = cx.b.unary(UnaryFn::Log, &sum)?;
			cx.b.binary(BinaryFn::Sub, &shifted, &log)?
		},
	};
	match order {
		None => y.view(x.dims),
		Some(order) => {
			let mut back = vec![0; order.len()];
			for (i, &d) in order.iter().enumerate() {
				back[d] = i;
			}
			cx.b.transpose(&y, &back)
		},
	}
}
