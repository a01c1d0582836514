//! `Attention` of the standard operator set.

use assay_referee::{BinaryFn, DType, OpKind, MAX_RANK};

use super::{
	heads::{extended, heads_attribute, join_heads, split_heads, Heads},
	scores::{attend, causal, fits, Scoring},
};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// A mask with its last axis filled up to `columns` with `false` or -∞.
fn widened(cx: &mut Cx<'_, '_>, mask: Value, columns: u32) -> Result<Value> {
	let have = mask.dims.last().copied().unwrap_or(1);
	if mask.rank() == 0 || have >= columns || have == 1 {
		return Ok(mask);
	}
	let mut dims = mask.dims.clone();
	dims[mask.rank() - 1] = columns;
	let fill = match mask.dtype {
		DType::Bool => 0,
		_ => f32::NEG_INFINITY.to_bits().into(),
	};
	let kind = OpKind::Pad { before: [0; MAX_RANK], fill };
	cx.b.push(kind, mask.dtype, dims, vec![mask])
}

/// `Attention` of operator sets 23 and 24, as the specification was corrected after onnx 1.18:
/// three-dimensional operands are `[batch, rows, heads · size]`, and neighbouring heads of the
/// query share a head of the key.
pub(crate) fn attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (q, k, v) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	let flat = q.rank() == 3;
	let heads = if flat {
		let (own, shared) =
			(heads_attribute(cx, "q_num_heads")?, heads_attribute(cx, "kv_num_heads")?);
		let (k, v) = (split_heads(cx, &k, shared)?, split_heads(cx, &v, shared)?);
		Heads { q: split_heads(cx, &q, own)?, k, v }
	} else {
		Heads { q, k, v }
	};
	let past = cx.optional(4).and_then(|past| past.dims.get(2).copied()).unwrap_or(0);
	let (past_k, past_v) = (cx.optional(4), cx.optional(5));
	let heads =
		Heads { k: extended(cx, past_k, heads.k)?, v: extended(cx, past_v, heads.v)?, ..heads };
	let [batch, _, _, rows, columns] = fits(&heads)?;
	let mut how = Scoring { softcap: cx.float("softcap", 0.0)?, ..Scoring::default() };
	if cx.has("scale") {
		how.scale = Some(cx.float("scale", 0.0)?);
	}
	if let Some(mask) = cx.optional(3) {
		let mask = widened(cx, mask, columns)?;
		match mask.dtype {
			DType::Bool => how.allowed.push(mask),
			_ => how.biases.push(mask),
		}
	}
	if cx.flag("is_causal") {
		how.allowed.push(causal(cx, rows, columns, past)?);
	}
	if let Some(lengths) = cx.optional(6) {
		let positions = cx.b.iota(columns)?;
		let lengths = cx.b.cast(&lengths, DType::I64)?.view(vec![batch, 1, 1, 1])?;
		how.allowed.push(cx.b.binary(BinaryFn::Less, &positions, &lengths)?);
	}
	let done = attend(cx, &heads, &how)?;
	let y = if flat { join_heads(cx, &done.y)? } else { done.y };
	let scores = match cx.int("qk_matmul_output_mode", 0) {
		0 => done.raw,
		1 => done.masked,
		2 => done.capped,
		3 => done.weights,
		other => {
			return Err(Failure::invalid(format!("qk_matmul_output_mode={other} does not exist")));
		},
	};
	Ok(vec![y, heads.k, heads.v, scores])
}
