//! Reductions over any axes: the reduced axes are moved to the end first.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use crate::{
	dims::{axes, axis, product},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::{
		movement::ranges::{take, whole, Range},
		Cx,
	},
};

/// Moves `reduced` (ascending) behind the other axes and joins them: `[others.., product]`.
pub(crate) fn gather_axes(cx: &mut Cx<'_, '_>, x: &Value, reduced: &[usize]) -> Result<Value> {
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

/// What a reduction makes of the elements it joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reduction {
	Sum,
	Mean,
	Max,
	Min,
	Prod,
	L1,
	L2,
	SumSquare,
	LogSum,
	LogSumExp,
}

pub(crate) fn reduce(cx: &mut Cx<'_, '_>, how: Reduction) -> Result<Value> {
	let mut x = cx.input(0)?;
	let is_bool = x.dtype == DType::Bool;
	if is_bool {
		if !matches!(how, Reduction::Max | Reduction::Min) {
			return Err(Failure::new(ErrorKind::UnsupportedType, "it is not supported for bool"));
		}
		x = cx.b.cast(&x, DType::U8)?;
	}
	let list = cx.list("axes", 1)?.unwrap_or_default();
	let (keeps_dims, keeps_all) = (cx.int("keepdims", 1) != 0, cx.flag("noop_with_empty_axes"));
	let reduced = match list.is_empty() {
		true if keeps_all => return cx.input(0),
		true => (0..x.rank()).collect(),
		false => axes(&list, x.rank())?,
	};
	let out = reduced_dims(&x, &reduced, keeps_dims);
	if reduced.is_empty() {
		x = x.view(vec![1])?;
	}
	let count = reduced.iter().map(|&d| u64::from(x.dims[d])).product::<u64>();
	x = match how {
		Reduction::L2 | Reduction::SumSquare => cx.b.binary(BinaryFn::Mul, &x, &x)?,
		Reduction::L1 => cx.b.unary(UnaryFn::Abs, &x)?,
		Reduction::LogSumExp => return log_sum_exp(cx, &x, &reduced, out),
		_ => x,
	};
	let function = match how {
		Reduction::Max => ReduceFn::Max,
		Reduction::Min => ReduceFn::Min,
		Reduction::Prod => ReduceFn::Prod,
		_ => ReduceFn::Sum,
	};
	let last = if reduced.is_empty() { x.rank() - 1..x.rank() } else { 0..0 };
	let reduced: Vec<usize> = last.chain(reduced).collect();
	let rows = gather_axes(cx, &x, &reduced)?;
	let result = cx.b.reduce_last(function, &rows)?;
	let result = match how {
		Reduction::Mean => mean(cx, &result, count)?,
		Reduction::L2 => cx.b.unary(UnaryFn::Sqrt, &result)?,
		Reduction::LogSum => cx.b.unary(UnaryFn::Log, &result)?,
		_ if is_bool => cx.b.cast(&result, DType::Bool)?,
		_ => result,
	};
	result.view(out)
}

/// A sum divided by the number of its terms.
pub(crate) fn mean(cx: &mut Cx<'_, '_>, sum: &Value, count: u64) -> Result<Value> {
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
pub(crate) fn exponentials(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<(Value, Value, Value)> {
	let largest = cx.b.reduce_last(ReduceFn::Max, rows)?;
	let column = per_row(&largest)?;
	let shifted = cx.b.binary(BinaryFn::Sub, rows, &column)?;
	let e = cx.b.unary(UnaryFn::Exp, &shifted)?;
	Ok((largest, shifted, e))
}

/// One value per row as a column that broadcasts over the row.
pub(crate) fn per_row(x: &Value) -> Result<Value> {
	let mut dims = x.dims.clone();
	dims.push(1);
	x.view(dims)
}

pub(crate) fn global_pool(cx: &mut Cx<'_, '_>, function: ReduceFn) -> Result<Value> {
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

pub(crate) fn arg_max(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	index_of_largest(cx, &x)
}

/// The largest of what has the opposite order.
pub(crate) fn arg_min(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	axis(cx.int("axis", 0), x.rank())?;
	let opposite = match x.dtype {
		DType::F32 => cx.b.unary(UnaryFn::Neg, &x)?,
		DType::Bool => cx.b.unary(UnaryFn::Not, &x)?,
		dtype => cx.b.binary(BinaryFn::Xor, &x, &Value::ones(dtype))?,
	};
	index_of_largest(cx, &opposite)
}

/// Along the node's axis, the index of the first or last largest element of `x`.
fn index_of_largest(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let at = axis(cx.int("axis", 0), x.rank())?;
	let out = reduced_dims(x, &[at], cx.int("keepdims", 1) != 0);
	let mut rows = gather_axes(cx, x, &[at])?;
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
pub(crate) fn arg_max_rows(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<Value> {
	let Some((_, outer)) = rows.dims.split_last() else {
		return Err(Failure::invalid("a scalar has no axis"));
	};
	cx.b.arg_max_last(rows)?.view(outer)
}

/// The sum of all elements, as a scalar.
pub(crate) fn sum_all(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let flat = x.view(vec![x.elements() as u32])?;
	cx.b.reduce_last(ReduceFn::Sum, &flat)
}
