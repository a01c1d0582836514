//! Lowers ONNX operators to ops of the program format, each in one written order of operations.
//!
//! [`registry`] has every operator; the rooms are by what is computed, not by who defined it. What needs several
//! rooms, or is alone of its kind, stands beside them: 8-bit operators around a float one (`qlinear`), features of
//! classical models, steps of optimizers.

mod attention;
mod context;
mod contraction;
mod elements;
mod elementwise;
mod features;
mod image;
mod movement;
mod qlinear;
mod quantization;
mod recurrent;
mod reduction;
mod registry;
mod signal;
mod training;

pub(crate) use context::Cx;

use crate::{error::Result, ir::Value};

/// Lowers one node; gives one value per output, or fewer when the rest are not wanted.
pub(crate) fn lower(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	if !takes_dequantized(cx.node.op_type) {
		cx.materialize_inputs()?;
	}
	let operator = registry::find(cx)?;
	let values = operator.lower(cx)?;
	elements::at_type(cx, values)
}

/// Whether an operator looks at what its operands were dequantized from, before it needs them as floats.
fn takes_dequantized(op_type: &str) -> bool {
	matches!(op_type, "MatMul" | "Gemm" | "Conv" | "Gather" | "Transpose" | "QuantizeLinear")
}
