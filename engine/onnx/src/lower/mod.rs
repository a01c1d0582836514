//! Lowers ONNX operators to ops of the program format, each in one written order of operations.
//!
//! [`registry`] has every operator, [`schema`] what a node of it may have; the rooms are by what is computed, not
//! by who defined it. What needs several rooms, or is alone of its kind, stands beside them: 8-bit operators around
//! a float one (`qlinear`), steps of optimizers.

mod attention;
mod classical;
mod context;
mod contraction;
mod elements;
mod elementwise;
mod image;
mod lists;
mod movement;
mod qlinear;
mod quantization;
mod recurrent;
mod reduction;
mod registry;
mod schema;
mod signal;
mod training;

pub(crate) use context::Cx;
pub(crate) use schema::{check, is_standard, Opsets};

use crate::{
	error::{Failure, Result},
	ir::Item,
};

/// Lowers one node, if it has what its operator takes; gives one item per output, or fewer when the rest are not
/// wanted. Nothing stands for an optional value that is not there.
pub(crate) fn lower(mut cx: Cx<'_, '_>, opsets: &Opsets<'_>) -> Result<Vec<Option<Item>>> {
	let cx = &mut cx;
	let operator = registry::find(cx)?;
	check(cx.node, cx.attributes(), opsets)?;
	if !takes_dequantized(cx.node.op_type) {
		cx.materialize_inputs()?;
	}
	if let Some(items) = operator.lower_items(cx)? {
		return Ok(items);
	}
	let on_tensors = |cx: &mut Cx<'_, '_>| {
		let values = operator.lower(cx)?;
		let values = values.ok_or_else(|| Failure::invalid("its inputs are no tensors"))?;
		elements::at_type(cx, values)
	};
	let items = lists::lower(cx, on_tensors)?;
	Ok(items.into_iter().map(Some).collect())
}

/// Whether an operator looks at what its operands were dequantized from, before it needs them as floats.
fn takes_dequantized(op_type: &str) -> bool {
	matches!(op_type, "MatMul" | "Gemm" | "Conv" | "Gather" | "Transpose" | "QuantizeLinear")
}
