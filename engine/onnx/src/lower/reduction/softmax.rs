//! Softmax and its relatives: the classes are brought to the end as rows.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::reduce::{arg_max_rows, exponentials, per_row};
use crate::{
	dims::{axis, product},
	error::Result,
	ir::Value,
	lower::Cx,
};

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
		let joined = cx.opset < 13;
		Classes::from(cx, cx.int("axis", if joined { 1 } else { -1 }), joined)
	}

	/// The classes along `axis`, or along all axes from it on `joined` to one.
	fn from(cx: &mut Cx<'_, '_>, at: i64, joined: bool) -> Result<Classes> {
		let x = cx.float_input(0)?;
		let at = match at {
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

pub(crate) fn softmax(cx: &mut Cx<'_, '_>) -> Result<Value> {
	Classes::of(cx).and_then(|classes| softmax_of(cx, classes))
}

/// What `QLinearSoftmax` has between its quantizations: the operator set whose meaning it has is an attribute.
pub(crate) fn quantized(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let joined = cx.int("opset", 13) < 13;
	Classes::from(cx, cx.int("axis", -1), joined).and_then(|classes| softmax_of(cx, classes))
}

fn softmax_of(cx: &mut Cx<'_, '_>, classes: Classes) -> Result<Value> {
	let y = softmax_rows(cx, &classes.rows)?;
	classes.back(cx, &y)
}

/// e^(x - max) over their sum, of every row.
pub(crate) fn softmax_rows(cx: &mut Cx<'_, '_>, rows: &Value) -> Result<Value> {
	let (_, _, e) = exponentials(cx, rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
	let sum = per_row(&sum)?;
	cx.b.binary(BinaryFn::Div, &e, &sum)
}

pub(crate) fn log_softmax(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let classes = Classes::of(cx)?;
	let y = log_softmax_rows(cx, &classes.rows)?;
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
pub(crate) fn log_softmax_along(cx: &mut Cx<'_, '_>, x: &Value, at: usize) -> Result<Value> {
	let classes = Classes::along(cx, x, at)?;
	let y = log_softmax_rows(cx, &classes.rows)?;
	classes.back(cx, &y)
}

/// 1 at the first largest element, 0 elsewhere.
pub(crate) fn hardmax(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let classes = Classes::of(cx)?;
	let index = arg_max_rows(cx, &classes.rows)?;
	let index = per_row(&index)?;
	let size = classes.rows.dims.last().copied().unwrap_or(1);
	let places = cx.b.iota(size)?;
	let hot = cx.b.binary(BinaryFn::Equal, &index, &places)?;
	let y = cx.b.cast(&hot, DType::F32)?;
	classes.back(cx, &y)
}
