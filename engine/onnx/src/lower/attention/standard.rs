//! `Attention` of the standard operator set.

use assay_referee::{BinaryFn, DType, OpKind, MAX_RANK};

use super::{
	heads::{extended, heads_attribute, join_heads, split_heads, Heads},
	scores::{attend, fits, Scoring, Window},
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

/// `Attention`, as onnx 1.23 words it for operator set 25, and in place for 23 and 24: three-dimensional operands
/// are `[batch, rows, heads · size]`, neighbouring heads of the query share a head of the key, the cap comes before
/// the masks, and rows that see nothing give 0.
pub(crate) fn attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (q, k, v) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	let flat = q.rank() == 3;
	let (own, shared) = (heads_attribute(cx, "q_num_heads")?, heads_attribute(cx, "kv_num_heads")?);
	let heads = if flat {
		let (k, v) = (split_heads(cx, &k, shared)?, split_heads(cx, &v, shared)?);
		Heads { q: split_heads(cx, &q, own)?, k, v }
	} else {
		let says = |number: u32, x: &Value| number == 0 || x.dims.get(1) == Some(&number);
		if !(says(own, &q) && says(shared, &k)) {
			return Err(Failure::invalid("its operands have other numbers of heads than it says"));
		}
		Heads { q, k, v }
	};
	let (past_k, past_v, lengths) = (cx.optional(4), cx.optional(5), cx.optional(6));
	if past_k.is_some() != past_v.is_some() || (past_k.is_some() && lengths.is_some()) {
		return Err(Failure::invalid("its past keys, past values and lengths do not go together"));
	}
	let past = past_k.as_ref().and_then(|past| past.dims.get(2).copied()).unwrap_or(0);
	let heads =
		Heads { k: extended(cx, past_k, heads.k)?, v: extended(cx, past_v, heads.v)?, ..heads };
	let [batch, _, _, rows, columns] = fits(&heads)?;
	let lengths = match lengths {
		Some(lengths) if lengths.dims == [batch] => Some(cx.b.cast(&lengths, DType::I64)?),
		Some(lengths) => {
			return Err(Failure::invalid(format!("lengths of shape {:?}", lengths.dims)));
		},
		None => None,
	};
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
	let window = window(cx)?;
	how.allowed.extend(match &lengths {
		// The rows are the last ones of what is valid.
		Some(lengths) => {
			let first = Value::scalar(DType::I64, rows.into());
			let first = cx.b.binary(BinaryFn::Sub, lengths, &first)?;
			window.masks(cx, &first, rows, columns)?
		},
		None => window.masks(cx, &Value::list_i64(&[past.into()]), rows, columns)?,
	});
	if let Some(lengths) = lengths {
		let positions = cx.b.iota(columns)?;
		let lengths = lengths.view(vec![batch, 1, 1, 1])?;
		how.allowed.push(cx.b.binary(BinaryFn::Less, &positions, &lengths)?);
	}
	how.blind_rows_are_zero = !how.allowed.is_empty() || !how.biases.is_empty();
	// Floats of every size are computed as 32-bit ones.
	precision(cx)?;
	let done = attend(cx, &heads, &how)?;
	let y = if flat { join_heads(cx, &done.y)? } else { done.y };
	let scores = match cx.int("qk_matmul_output_mode", 0) {
		0 => done.raw,
		1 => done.capped,
		2 => done.masked,
		3 => done.weights,
		other => {
			return Err(Failure::invalid(format!("qk_matmul_output_mode={other} does not exist")));
		},
	};
	Ok(vec![y, heads.k, heads.v, scores])
}

/// What `is_causal` and the window's two sides let a row see.
fn window(cx: &Cx<'_, '_>) -> Result<Window> {
	let side = |name: &str| match cx.int(name, -1) {
		-1 => Ok(None),
		size => u32::try_from(size)
			.map(Some)
			.map_err(|_| Failure::invalid(format!("{name}={size} is neither -1 nor a number"))),
	};
	let (left, right) = (side("left_window_size")?, side("right_window_size")?);
	Ok(Window { left, right: if cx.flag("is_causal") { Some(0) } else { right } })
}

/// The type that softmax is computed in at least.
fn precision(cx: &Cx<'_, '_>) -> Result<()> {
	match cx.int("softmax_precision", 1) {
		1 | 10 | 11 | 16 => Ok(()),
		other => Err(Failure::invalid(format!("softmax_precision={other} is no float type"))),
	}
}
