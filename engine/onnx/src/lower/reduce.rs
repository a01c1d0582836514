//! Reductions over any axes: the reduced axes are moved to the end first.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::movement::{take, whole, Range};
use super::{one, Cx};
use crate::{
	dims::{axes, axis, product},
	error::{ErrorKind, Failure, Result},
	ir::Value,
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
		| "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce(cx, op_type),
		"GlobalAveragePool" => global_pool(cx, ReduceFn::Sum),
		"GlobalMaxPool" => global_pool(cx, ReduceFn::Max),
		"ArgMax" | "ArgMin" => arg_max(cx, op_type),
		"Softmax" | "LogSoftmax" => softmax(cx, op_type),
		"Hardmax" => hardmax(cx),
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
		.filter_map(|d| if reduced.contains(&d) { keep.then_some(1) } else { Some(x.dims[d]) })
		.collect()
}

fn reduce(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let mut x = cx.input(0)?;
	let is_bool = x.dtype == DType::Bool;
	if is_bool {
		if !matches!(op_type, "ReduceMax" | "ReduceMin") {
			return Err(Failure::new(ErrorKind::UnsupportedType, "it is not supported for bool"));
		}
		x = cx.b.cast(&x, DType::U8)?;
	}
	let list = cx.list("axes", 1)?.unwrap_or_default();
	let reduced = match list.is_empty() {
		true if cx.flag("noop_with_empty_axes") => return cx.input(0),
		true => (0..x.rank()).collect(),
		false => axes(&list, x.rank())?,
	};
	let out = reduced_dims(&x, &reduced, cx.int("keepdims", 1) != 0);
	if reduced.is_empty() {
		x = x.view(vec![1])?;
	}
	let count = reduced.iter().map(|&d| u64::from(x.dims[d])).product::<u64>();
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
		_ if is_bool => cx.b.cast(&result, DType::Bool)?,
		_ => result,
	};
	result.view(out)
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
	let at = axis(cx.int("axis", 0), x.rank())?;
	let out = reduced_dims(&x, &[at], cx.int("keepdims", 1) != 0);
	if op_type == "ArgMin" {
		// The largest of what has the opposite order.
		x = match x.dtype {
			DType::F32 => cx.b.unary(UnaryFn::Neg, &x)?,
			DType::Bool => cx.b.unary(UnaryFn::Not, &x)?,
			dtype => cx.b.binary(BinaryFn::Xor, &x, &Value::ones(dtype))?,
		};
	}
	let mut rows = gather_axes(cx, &x, &[at])?;
	let last = cx.flag("select_last_index");
	if last {
		let mut ranges: Vec<Range> = rows.dims.iter().map(|&dim| whole(dim)).collect();
		let size = x.dims[at];
		ranges[rows.rank() - 1] = Range { start: i64::from(size) - 1, step: -1, count: size };
		rows = take(cx, &rows, &ranges)?;
	}
	let mut index = arg_max_rows(cx, &rows)?;
	if last {
		let end = Value::scalar(DType::I64, i64::from(x.dims[at]) - 1);
		index = cx.b.binary(BinaryFn::Sub, &end, &index)?;
	}
	index.view(out)
}

/// The index of the first largest element of every row.
pub(super) fn arg_max_rows(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<Value> {
	let Some((_, outer)) = rows.dims.split_last() else {
		return Err(Failure::invalid("a scalar has no axis"));
	};
	cx.b.arg_max_last(rows)?.view(outer)
}

/// The classes of an operator like softmax as rows, and how to go back.
struct Classes {
	rows: Value,
	dims: Vec<u32>,
	/// The permutation that made the rows, where there is one.
	order: Option<Vec<usize>>,
}

impl Classes {
	/// The axis is the last by default; before operator set 13 all axes from it on were one.
	fn of(cx: &mut Cx<'_, '_>) -> Result<Classes> {
		let x = cx.float_input(0)?;
		let joined = cx.opset < 13;
		let at = match cx.int("axis", if joined { 1 } else { -1 }) {
			end if joined && end == x.rank() as i64 => x.rank(),
			other => axis(other, x.rank())?,
		};
		if !joined {
			return Classes::along(cx, &x, at);
		}
		let (outer, inner) = (product(&x.dims[..at]), product(&x.dims[at..]));
		let rows = x.view(vec![outer as u32, inner as u32])?;
		Ok(Classes { rows, dims: x.dims, order: None })
	}

	fn along(cx: &mut Cx<'_, '_>, x: &Value, at: usize) -> Result<Classes> {
		let mut order: Vec<usize> = (0..x.rank()).filter(|&d| d != at).collect();
		order.push(at);
		let rows = cx.b.transpose(x, &order)?;
		Ok(Classes { rows, dims: x.dims.clone(), order: Some(order) })
	}

	fn back(self, cx: &mut Cx<'_, '_>, y: &Value) -> Result<Value> {
		let Some(order) = self.order else { return y.view(self.dims) };
		let mut back = vec![0; order.len()];
		for (i, &d) in order.iter().enumerate() {
			back[d] = i;
		}
		cx.b.transpose(y, &back)
	}
}

fn softmax(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let classes = Classes::of(cx)?;
	let y = match op_type {
		"Softmax" => {
			let (_, _, e) = exponentials(cx, &classes.rows)?;
			let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
			let sum = per_row(&sum)?;
			cx.b.binary(BinaryFn::Div, &e, &sum)?
		},
		_ => log_softmax_rows(cx, &classes.rows)?,
	};
	classes.back(cx, &y)
}

fn log_softmax_rows(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<Value> {
	let (_, shifted, e) = exponentials(cx, rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
	let sum = per_row(&sum)?;
	let log = cx.b.unary(UnaryFn::Log, &sum)?;
	cx.b.binary(BinaryFn::Sub, &shifted, &log)
}

/// x - max - log(sum(exp(x - max))) along one axis.
pub(super) fn log_softmax(cx: &mut Cx<'_, '_>, x: &Value, at: usize) -> Result<Value> {
	let classes = Classes::along(cx, x, at)?;
	let y = log_softmax_rows(cx, &classes.rows)?;
	classes.back(cx, &y)
}

/// 1 at the first largest element, 0 elsewhere.
fn hardmax(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let classes = Classes::of(cx)?;
	let index = arg_max_rows(cx, &classes.rows)?;
	let index = per_row(&index)?;
	let size = classes.rows.dims.last().copied().unwrap_or(1);
	let places = cx.b.iota(size)?;
	let hot = cx.b.binary(BinaryFn::Equal, &index, &places)?;
	let y = cx.b.cast(&hot, DType::F32)?;
	classes.back(cx, &y)
}

/// The sum of all elements, as a scalar.
pub(super) fn sum_all(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let flat = x.view(vec![x.elements() as u32])?;
	cx.b.reduce_last(ReduceFn::Sum, &flat)
}
