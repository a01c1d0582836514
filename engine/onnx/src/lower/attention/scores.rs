//! Scores of queries and keys, the weights they become, and the values weighted.
//!
//! The written order: `(q · scale) · kᵀ`, softcap, biases, masks, softmax, `· v`. The cap comes before the masks,
//! so that what is masked has no weight. Heads of the query that share a head of the key are rows of one product,
//! so keys and values are never repeated.

use assay_referee::{BinaryFn, DType, ReduceFn, UnaryFn};

use super::heads::Heads;
use crate::{
	dims::broadcast,
	error::{Failure, Result},
	ir::Value,
	lower::{reduction::reduce::per_row, Cx},
};

/// How scores become weights.
#[derive(Debug, Default)]
pub(crate) struct Scoring {
	/// `None`: 1 / √size.
	pub(crate) scale: Option<f32>,
	/// Where a score counts; the others are -∞. Broadcasts over `[batch, heads, rows, columns]`.
	pub(crate) allowed: Vec<Value>,
	/// Summands of the scores, which broadcast likewise.
	pub(crate) biases: Vec<Value>,
	/// `tanh(x / softcap) · softcap` where it is above 0.
	pub(crate) softcap: f32,
	/// Whether rows that see nothing have weights of 0, and not NaN.
	pub(crate) blind_rows_are_zero: bool,
	/// One more score of every row, whose value is 0: it takes weight and gives nothing. A scalar, or one per
	/// head as `[heads, 1, 1]`.
	pub(crate) sink: Option<Value>,
}

/// The result and the steps before it, each `[batch, heads, rows, ..]`.
#[derive(Debug)]
pub(crate) struct Attended {
	pub(crate) raw: Value,
	/// After the softcap.
	pub(crate) capped: Value,
	/// With biases and masks.
	pub(crate) masked: Value,
	pub(crate) weights: Value,
	pub(crate) y: Value,
}

/// Which columns a row sees, by position: row `r` stands at `first + r`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
	/// How many columns before its own position a row sees at most.
	pub(crate) left: Option<u32>,
	/// How many columns after its own position a row sees at most: none is causal.
	pub(crate) right: Option<u32>,
}

impl Window {
	/// The masks, each `[batch or 1, 1, rows, columns]`; `first` has one position per entry of the batch, or one.
	pub(crate) fn masks(
		self,
		cx: &mut Cx<'_, '_>,
		first: &Value,
		rows: u32,
		columns: u32,
	) -> Result<Vec<Value>> {
		let steps = cx.b.iota(rows)?.view(vec![rows, 1])?;
		let first = first.view(vec![first.elements() as u32, 1, 1, 1])?;
		let row = cx.b.binary(BinaryFn::Add, &first, &steps)?;
		let column = cx.b.iota(columns)?;
		let mut masks = Vec::new();
		if let Some(right) = self.right {
			let last =
				cx.b.binary(BinaryFn::Add, &row, &Value::scalar(DType::I64, right.into()))?;
			masks.push(cx.b.binary(BinaryFn::LessOrEqual, &column, &last)?);
		}
		if let Some(left) = self.left {
			let start =
				cx.b.binary(BinaryFn::Sub, &row, &Value::scalar(DType::I64, left.into()))?;
			masks.push(cx.b.binary(BinaryFn::GreaterOrEqual, &column, &start)?);
		}
		Ok(masks)
	}
}

/// Which columns a row sees where every row stands after the same `past`: `c <= r + past`.
pub(crate) fn causal(cx: &mut Cx<'_, '_>, rows: u32, columns: u32, past: u32) -> Result<Value> {
	cx.b.spend(u64::from(rows) * u64::from(columns))?;
	let seen = |row: u32| {
		let limit = u64::from(row) + u64::from(past);
		(0..columns).map(move |column| u8::from(u64::from(column) <= limit))
	};
	let bytes = (0..rows).flat_map(seen).collect();
	Ok(Value::constant(DType::Bool, vec![rows, columns], bytes))
}

pub(super) fn fits(heads: &Heads) -> Result<[u32; 5]> {
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
pub(crate) fn attend(cx: &mut Cx<'_, '_>, heads: &Heads, how: &Scoring) -> Result<Attended> {
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
	let capped = capped(cx, &raw, how.softcap)?;
	let masked = masked(cx, &capped, how)?;
	let weights = weights(cx, &masked, how)?;
	let v = cx.b.transpose(&heads.v, &[0, 1, 3, 2])?.view(vec![groups, v_size, columns])?;
	let p = weights.view(vec![groups, shared, columns])?;
	let y = cx.b.matmul(p, v, None, groups)?.view(vec![batch, q_heads, rows, v_size])?;
	Ok(Attended { raw, capped, masked, weights, y })
}

/// Softmax over the columns.
fn weights(cx: &mut Cx<'_, '_>, scores: &Value, how: &Scoring) -> Result<Value> {
	let mut largest = per_row(&cx.b.reduce_last(ReduceFn::Max, scores)?)?;
	if let Some(sink) = &how.sink {
		largest = cx.b.binary(BinaryFn::Max, &largest, sink)?;
	}
	// A row that sees nothing is all -∞: below the lowest number its exponentials are 0, not NaN.
	if how.blind_rows_are_zero {
		largest = cx.b.binary_scalar(BinaryFn::Max, &largest, f32::MIN)?;
	}
	let shifted = cx.b.binary(BinaryFn::Sub, scores, &largest)?;
	let e = cx.b.unary(UnaryFn::Exp, &shifted)?;
	let mut sum = per_row(&cx.b.reduce_last(ReduceFn::Sum, &e)?)?;
	if let Some(sink) = &how.sink {
		let shifted = cx.b.binary(BinaryFn::Sub, sink, &largest)?;
		let taken = cx.b.unary(UnaryFn::Exp, &shifted)?;
		sum = cx.b.binary(BinaryFn::Add, &sum, &taken)?;
	}
	// Where a row sees something, its largest exponential is 1.
	if how.blind_rows_are_zero {
		sum = cx.b.binary_scalar(BinaryFn::Max, &sum, 1.0)?;
	}
	cx.b.binary(BinaryFn::Div, &e, &sum)
}

/// tanh(scores / cap) · cap.
fn capped(cx: &mut Cx<'_, '_>, scores: &Value, cap: f32) -> Result<Value> {
	if cap <= 0.0 {
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
