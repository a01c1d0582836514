//! Attention of the standard operator set, and the parts that the operators of `com.microsoft`
//! share with it.
//!
//! The written order: `(q · scale) · kᵀ`, masks, softcap, softmax, `· v`. Heads of the query that
//! share a head of the key are rows of one product, so keys and values are never repeated.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::{reduce, Cx};
use crate::{
	dims::{broadcast, strides},
	error::{Failure, Result},
	ir::Value,
};

/// What is attended to: heads along dimension 1, all of four dimensions.
#[derive(Debug)]
pub(super) struct Heads {
	/// `[batch, heads, rows, size]`.
	pub(super) q: Value,
	/// `[batch, key heads, columns, size]`.
	pub(super) k: Value,
	/// `[batch, key heads, columns, size of a value]`.
	pub(super) v: Value,
}

/// How scores become weights.
#[derive(Debug, Default)]
pub(super) struct Scoring {
	/// `None`: 1 / √size.
	pub(super) scale: Option<f32>,
	/// Where a score counts; the others are -∞. Broadcasts over `[batch, heads, rows, columns]`.
	pub(super) allowed: Vec<Value>,
	/// Summands of the scores, which broadcast likewise.
	pub(super) biases: Vec<Value>,
	/// `tanh(x / softcap) · softcap` where it is not 0.
	pub(super) softcap: f32,
	/// Whether the cap comes before the masks, so that masked scores stay -∞.
	pub(super) caps_first: bool,
}

/// The result and the steps before it, each `[batch, heads, rows, ..]`.
#[derive(Debug)]
pub(super) struct Attended {
	pub(super) raw: Value,
	pub(super) masked: Value,
	pub(super) capped: Value,
	pub(super) weights: Value,
	pub(super) y: Value,
}

/// Element `start`, `start + step`, … of one axis, `count` of them; the caller keeps to the axis.
pub(super) fn part(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	axis: usize,
	(start, step, count): (u32, u32, u32),
) -> Result<Value> {
	let mut steps = strides(&x.dims);
	let offset = steps[axis] as u64 * u64::from(start);
	steps[axis] *= i64::from(step);
	let mut dims = x.dims.clone();
	dims[axis] = count;
	cx.b.strided(x, dims, offset, &steps)
}

/// `[batch, rows, heads · size]` as `[batch, heads, rows, size]`.
pub(super) fn split_heads(cx: &mut Cx<'_, '_>, x: &Value, heads: u32) -> Result<Value> {
	let &[batch, rows, width] = x.dims.as_slice() else {
		return Err(Failure::invalid(format!("{:?} is not [batch, rows, width]", x.dims)));
	};
	if heads == 0 || width % heads != 0 {
		return Err(Failure::invalid(format!("a width of {width} has not {heads} heads")));
	}
	let x = x.view(vec![batch, rows, heads, width / heads])?;
	cx.b.transpose(&x, &[0, 2, 1, 3])
}

/// `[batch, heads, rows, size]` as `[batch, rows, heads · size]`.
pub(super) fn join_heads(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let (batch, heads, rows, size) = (x.dims[0], x.dims[1], x.dims[2], x.dims[3]);
	cx.b.transpose(x, &[0, 2, 1, 3])?.view(vec![batch, rows, heads * size])
}

/// Whether column `c` may be seen from row `r`: `c <= r + past`.
pub(super) fn causal(cx: &mut Cx<'_, '_>, rows: u32, columns: u32, past: u32) -> Result<Value> {
	cx.b.spend(u64::from(rows) * u64::from(columns))?;
	let seen = |row: u32| {
		let limit = u64::from(row) + u64::from(past);
		(0..columns).map(move |column| u8::from(u64::from(column) <= limit))
	};
	let bytes = (0..rows).flat_map(seen).collect();
	Ok(Value::constant(DType::Bool, vec![rows, columns], bytes))
}

fn fits(heads: &Heads) -> Result<[u32; 5]> {
	let (&[batch, q_heads, rows, size], &[kb, k_heads, columns, k_size], &[vb, v_heads, vc, _]) =
		(heads.q.dims.as_slice(), heads.k.dims.as_slice(), heads.v.dims.as_slice())
	else {
		return Err(Failure::invalid("its operands have not four dimensions"));
	};
	let agree = [kb, vb] == [batch; 2] && v_heads == k_heads && vc == columns && k_size == size;
	if !agree || k_heads == 0 || q_heads % k_heads != 0 {
		return Err(Failure::invalid(format!(
			"a query of {:?}, keys of {:?} and values of {:?} do not fit together",
			heads.q.dims, heads.k.dims, heads.v.dims
		)));
	}
	let all_f32 = [&heads.q, &heads.k, &heads.v].iter().all(|x| x.dtype == DType::F32);
	if all_f32 {
		Ok([batch, q_heads, k_heads, rows, columns])
	} else {
		Err(Failure::invalid("its operands are no float tensors"))
	}
}

/// softmax(scores) · v.
pub(super) fn attend(cx: &mut Cx<'_, '_>, heads: &Heads, how: &Scoring) -> Result<Attended> {
	let [batch, q_heads, k_heads, rows, columns] = fits(heads)?;
	let (size, v_size) = (heads.q.dims[3], heads.v.dims[3]);
	let groups = batch * k_heads;
	let shared = q_heads / k_heads * rows;
	let scale = how.scale.unwrap_or((1.0 / f64::from(size).sqrt()) as f32);
	let q = match scale {
		1.0 => heads.q.clone(),
		_ => cx.b.binary_scalar(BinaryFn::Mul, &heads.q, scale)?,
	};
	let (q, k) = (q.view(vec![groups, shared, size])?, heads.k.view(vec![groups, columns, size])?);
	let all = vec![batch, q_heads, rows, columns];
	let raw = cx.b.matmul(q, k, None, groups)?.view(all)?;
	let (masked, capped) = if how.caps_first {
		let capped = capped(cx, &raw, how.softcap)?;
		let masked = masked(cx, &capped, how)?;
		(masked.clone(), masked)
	} else {
		let masked = masked(cx, &raw, how)?;
		let capped = capped(cx, &masked, how.softcap)?;
		(masked, capped)
	};
	let (_, _, e) = reduce::exponentials(cx, &capped)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
	let weights = cx.b.binary(BinaryFn::Div, &e, &reduce::per_row(&sum)?)?;
	let v = cx.b.transpose(&heads.v, &[0, 1, 3, 2])?.view(vec![groups, v_size, columns])?;
	let p = weights.view(vec![groups, shared, columns])?;
	let y = cx.b.matmul(p, v, None, groups)?.view(vec![batch, q_heads, rows, v_size])?;
	Ok(Attended { raw, masked, capped, weights, y })
}

/// tanh(scores / cap) · cap.
fn capped(cx: &mut Cx<'_, '_>, scores: &Value, cap: f32) -> Result<Value> {
	if cap == 0.0 {
		return Ok(scores.clone());
	}
	let y = cx.b.binary_scalar(BinaryFn::Div, scores, cap)?;
	let y = cx.b.unary(UnaryFn::Tanh, &y)?;
	cx.b.binary_scalar(BinaryFn::Mul, &y, cap)
}

fn masked(cx: &mut Cx<'_, '_>, raw: &Value, how: &Scoring) -> Result<Value> {
	let mut scores = raw.clone();
	let too_large = |mask: &Value| {
		Failure::invalid(format!("a mask of {:?} does not fit its scores", mask.dims))
	};
	for bias in &how.biases {
		if broadcast(&bias.dims, &raw.dims)? != raw.dims {
			return Err(too_large(bias));
		}
		scores = cx.b.binary(BinaryFn::Add, &scores, bias)?;
	}
	for allowed in &how.allowed {
		if broadcast(&allowed.dims, &raw.dims)? != raw.dims {
			return Err(too_large(allowed));
		}
		scores = cx.b.select(allowed, &scores, &Value::scalar_f32(f32::NEG_INFINITY))?;
	}
	Ok(scores)
}

/// A number of heads from an attribute, 0 where there is none.
pub(super) fn heads_attribute(cx: &Cx<'_, '_>, name: &str) -> Result<u32> {
	u32::try_from(cx.int(name, 0)).map_err(|_| Failure::invalid(format!("its {name} is negative")))
}

/// `past` and `new` along the axis of columns.
pub(super) fn extended(cx: &mut Cx<'_, '_>, past: Option<Value>, new: Value) -> Result<Value> {
	match past {
		None => Ok(new),
		Some(past) if past.rank() == 4 => cx.b.concat(&[past, new], 2),
		Some(past) => Err(Failure::invalid(format!("past values of shape {:?}", past.dims))),
	}
}

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
	let kind = assay_referee::OpKind::Pad { before: [0; assay_referee::MAX_RANK], fill };
	cx.b.push(kind, mask.dtype, dims, vec![mask])
}

/// `Attention` of operator sets 23 and 24, as the specification was corrected after onnx 1.18:
/// three-dimensional operands are `[batch, rows, heads · size]`, and neighbouring heads of the
/// query share a head of the key.
pub(super) fn attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
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
