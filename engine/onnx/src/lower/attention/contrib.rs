//! Attention of the domain `com.microsoft`, as onnxruntime's exporters and optimizers write it.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn};

use super::{
	heads::{extended, heads_attribute, join_heads, split_heads, Heads},
	rotary,
	scores::{attend, causal, fits, Scoring},
};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{
		contraction::{product::product_of, quantized::float_product},
		movement::{index::times, ranges::part},
		reduction::layer_norm,
		Cx,
	},
};

/// The scale attribute, where 0 stands for 1 / √size.
fn scale(cx: &Cx<'_, '_>) -> Result<Option<f32>> {
	Ok(Some(cx.float("scale", 0.0)?).filter(|scale| *scale != 0.0))
}

/// Queries, keys and values that lie side by side in the last axis of `[batch, rows, width]`.
fn unpacked(cx: &mut Cx<'_, '_>, x: &Value, widths: [u32; 3]) -> Result<[Value; 3]> {
	let total: u64 = widths.iter().map(|&width| u64::from(width)).sum();
	if x.rank() != 3 || u64::from(x.dims[2]) != total {
		return Err(Failure::invalid(format!("{:?} does not hold {widths:?} columns", x.dims)));
	}
	let [q, k, v] = widths;
	Ok([part(cx, x, 2, (0, 1, q))?, part(cx, x, 2, (q, 1, k))?, part(cx, x, 2, (q + k, 1, v))?])
}

/// A mask of `[batch, columns]`, `[batch, rows, columns]` or lengths `[batch]`: where it is 0 the
/// filter is added to the scores.
fn key_mask(cx: &mut Cx<'_, '_>, mask: &Value, columns: u32) -> Result<Value> {
	let zero = Value::scalar(mask.dtype, 0);
	let kept = match *mask.dims.as_slice() {
		[batch, width] if width == columns => {
			cx.b.binary(BinaryFn::Greater, mask, &zero)?.view(vec![batch, 1, 1, columns])?
		},
		[batch, rows, width] if width == columns => {
			cx.b.binary(BinaryFn::Greater, mask, &zero)?.view(vec![batch, 1, rows, columns])?
		},
		[batch] => {
			let positions = cx.b.iota(columns)?;
			let lengths = cx.b.cast(mask, DType::I64)?.view(vec![batch, 1, 1, 1])?;
			cx.b.binary(BinaryFn::Less, &positions, &lengths)?
		},
		_ => {
			return Err(Failure::unsupported(format!(
				"a mask of shape {:?} over {columns} columns is not supported",
				mask.dims
			)));
		},
	};
	let filter = Value::scalar_f32(cx.float("mask_filter_value", -10000.0)?);
	cx.b.select(&kept, &Value::scalar_f32(0.0), &filter)
}

/// Attends and gives `[batch, rows, width]` with the keys and values that were attended to.
fn finish(
	cx: &mut Cx<'_, '_>,
	heads: Heads,
	mask: Option<Value>,
	bias: Option<Value>,
	past: u32,
) -> Result<(Value, Heads, Value)> {
	let [_, _, _, rows, columns] = fits(&heads)?;
	let mut how = Scoring { scale: scale(cx)?, ..Scoring::default() };
	if let Some(mask) = mask {
		how.biases.push(key_mask(cx, &mask, columns)?);
	}
	how.biases.extend(bias);
	if cx.flag("unidirectional") {
		how.allowed.push(causal(cx, rows, columns, past)?);
	}
	let done = attend(cx, &heads, &how)?;
	Ok((join_heads(cx, &done.y)?, heads, done.masked))
}

/// `Attention`: the projections to queries, keys and values are its own.
pub(crate) fn attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (x, weights) = (cx.float_input(0)?, cx.float_input(1)?);
	if cx.flag("do_rotary") || cx.flag("past_present_share_buffer") {
		return Err(Failure::unsupported("rotation inside and shared buffers are not supported"));
	}
	let mut projected = product_of(cx, &x, &weights)?;
	if cx.optional(2).is_some() {
		let bias = cx.float_input(2)?;
		projected = cx.b.binary(BinaryFn::Add, &projected, &bias)?;
	}
	self_attention(cx, &projected, [3, 4, 5])
}

/// `QAttention`: as [`attention`], with 8-bit operands and a product in whole numbers.
pub(crate) fn quantized_attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	if cx.flag("do_rotary") || cx.flag("past_present_share_buffer") {
		return Err(Failure::unsupported("rotation inside and shared buffers are not supported"));
	}
	let (zeros, bias) = ([cx.optional(6), cx.optional(7)], Some(cx.float_input(2)?));
	let scales = [cx.float_input(3)?, cx.float_input(4)?];
	let projected = float_product(cx, [0, 1], scales, zeros, bias)?;
	// It has no summand of the scores.
	self_attention(cx, &projected, [5, 8, usize::MAX])
}

/// Attention among the rows of `[batch, rows, queries + keys + values]`; the inputs at `mask`, `past`
/// and `bias` are looked at where they are.
fn self_attention(
	cx: &mut Cx<'_, '_>,
	projected: &Value,
	[mask, past, bias]: [usize; 3],
) -> Result<Vec<Value>> {
	let widths = match cx.ints("qkv_hidden_sizes") {
		Some(&[q, k, v]) => [q, k, v].map(|width| u32::try_from(width).unwrap_or(0)),
		Some(_) => return Err(Failure::invalid("its qkv_hidden_sizes are not three")),
		None => [projected.dims.last().copied().unwrap_or(0) / 3; 3],
	};
	let number = heads_attribute(cx, "num_heads")?;
	let [q, k, v] = unpacked(cx, projected, widths)?;
	let (q, k) = (split_heads(cx, &q, number)?, split_heads(cx, &k, number)?);
	let mut heads = Heads { q, k, v: split_heads(cx, &v, number)? };
	let mut past_rows = 0;
	if let Some(past) = cx.optional(past) {
		let &[2, batch, count, rows, size] = past.dims.as_slice() else {
			return Err(Failure::invalid(format!("a past of shape {:?}", past.dims)));
		};
		past_rows = rows;
		let dims = vec![batch, count, rows, size];
		let key = part(cx, &past, 0, (0, 1, 1))?.view(dims.clone())?;
		let value = part(cx, &past, 0, (1, 1, 1))?.view(dims)?;
		heads.k = extended(cx, Some(key), heads.k)?;
		heads.v = extended(cx, Some(value), heads.v)?;
	}
	let (mask, bias) = (cx.optional(mask), cx.optional(bias));
	let (y, heads, _) = finish(cx, heads, mask, bias, past_rows)?;
	if !cx.wants(1) {
		return Ok(vec![y]);
	}
	let mut dims = vec![1];
	dims.extend_from_slice(&heads.k.dims);
	let both = [heads.k.view(dims.clone())?, heads.v.view(dims)?];
	Ok(vec![y, cx.b.concat(&both, 0)?])
}

/// Queries, keys and values of `MultiHeadAttention` in any of its layouts.
fn separate_heads(cx: &mut Cx<'_, '_>, number: u32) -> Result<Heads> {
	let query = cx.float_input(0)?;
	let [mut q, mut k, mut v] = match (cx.optional(1), cx.optional(2)) {
		(None, None) => packed_heads(cx, &query, number)?,
		(Some(pair), None) if pair.rank() == 5 => {
			let [k, v] = five(cx, &pair)?;
			[query, k, v]
		},
		(Some(k), Some(v)) => [query, k, v],
		_ => return Err(Failure::unsupported("its operands have a layout of their own")),
	};
	if let Some(bias) = cx.optional(3) {
		let wide = |x: &Value| match x.rank() {
			3 => x.dims[2],
			_ => x.dims.get(1).copied().unwrap_or(0) * x.dims.last().copied().unwrap_or(0),
		};
		let widths = [wide(&q), wide(&k), wide(&v)];
		let total = bias.elements();
		let line = bias.view(vec![1, 1, total as u32])?;
		let [to_q, to_k, to_v] = unpacked(cx, &line, widths)?;
		q = with_bias(cx, &q, &to_q)?;
		k = with_bias(cx, &k, &to_k)?;
		v = with_bias(cx, &v, &to_v)?;
	}
	let mut split = |x: Value| match x.rank() {
		3 => split_heads(cx, &x, number),
		_ => Ok(x),
	};
	Ok(Heads { q: split(q)?, k: split(k)?, v: split(v)? })
}

/// Adds a line `[1, 1, heads · size]` to `[batch, rows, heads · size]` or
/// `[batch, heads, rows, size]`.
fn with_bias(cx: &mut Cx<'_, '_>, x: &Value, line: &Value) -> Result<Value> {
	let line = match *x.dims.as_slice() {
		[_, heads, _, size] => line.view(vec![1, heads, 1, size])?,
		_ => line.clone(),
	};
	cx.b.binary(BinaryFn::Add, x, &line)
}

/// `[batch, rows, heads, 3, size]`, or `[batch, rows, 3 · heads · size]`, taken apart.
fn packed_heads(cx: &mut Cx<'_, '_>, x: &Value, number: u32) -> Result<[Value; 3]> {
	match *x.dims.as_slice() {
		[batch, rows, heads, 3, size] => {
			let mut take = |at: u32| -> Result<Value> {
				let one = part(cx, x, 3, (at, 1, 1))?;
				one.view(vec![batch, rows, heads * size])
			};
			Ok([take(0)?, take(1)?, take(2)?])
		},
		[_, _, width] if number > 0 && width % 3 == 0 => unpacked(cx, x, [width / 3; 3]),
		_ => Err(Failure::unsupported(format!("packed operands of shape {:?}", x.dims))),
	}
}

/// `[batch, rows, heads, 2, size]` taken apart.
fn five(cx: &mut Cx<'_, '_>, x: &Value) -> Result<[Value; 2]> {
	let &[batch, rows, heads, 2, size] = x.dims.as_slice() else {
		return Err(Failure::unsupported(format!("packed operands of shape {:?}", x.dims)));
	};
	let mut take = |at: u32| -> Result<Value> {
		part(cx, x, 3, (at, 1, 1))?.view(vec![batch, rows, heads * size])
	};
	Ok([take(0)?, take(1)?])
}

/// `MultiHeadAttention`.
pub(crate) fn multi_head(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let mut heads = separate_heads(cx, heads_attribute(cx, "num_heads")?)?;
	let (past_k, past_v) = (cx.optional(6), cx.optional(7));
	let past = past_k.as_ref().and_then(|past| past.dims.get(2).copied()).unwrap_or(0);
	heads.k = extended(cx, past_k, heads.k)?;
	heads.v = extended(cx, past_v, heads.v)?;
	let (mask, bias) = (cx.optional(4), cx.optional(5));
	let (y, heads, scores) = finish(cx, heads, mask, bias, past)?;
	Ok(vec![y, heads.k, heads.v, scores])
}

/// `GroupQueryAttention`. Of its inputs, quantized caches and padded chunks are not supported; what the whole
/// length is, the other operands say.
pub(crate) fn group_query(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (own, shared) = (heads_attribute(cx, "num_heads")?, heads_attribute(cx, "kv_num_heads")?);
	let query = cx.float_input(0)?;
	let [q, k, v] = match (cx.optional(1), cx.optional(2)) {
		(Some(k), Some(v)) => [query, k, v],
		_ => {
			let total = own.saturating_add(shared.saturating_mul(2));
			let size = query.dims.last().copied().unwrap_or(0).checked_div(total).unwrap_or(0);
			unpacked(cx, &query, [own * size, shared * size, shared * size])?
		},
	};
	let (q, k) = (split_heads(cx, &q, own)?, split_heads(cx, &k, shared)?);
	let mut heads = Heads { q, k, v: split_heads(cx, &v, shared)? };
	let (batch, rows) = (heads.q.dims[0], heads.q.dims[2]);
	normalize_heads(cx, &mut heads)?;
	let room = cx.optional(3).and_then(|past| past.dims.get(2).copied()).unwrap_or(0);
	let first = first_position(cx, batch, rows, room)?;
	if cx.flag("do_rotary") {
		let positions = match cx.optional(9) {
			Some(given) => given,
			None => positions(cx, &first, rows)?,
		};
		let (cos, sin) = (cx.float_input(7)?, cx.float_input(8)?);
		let half = cos.dims.last().copied().unwrap_or(0);
		let cos = rotary::angles(cx, &cos, &positions, half)?;
		let sin = rotary::angles(cx, &sin, &positions, half)?;
		let (width, interleaved) = (half.saturating_mul(2), cx.flag("rotary_interleaved"));
		heads.q = rotary::rotate(cx, &heads.q, [&cos, &sin], width, interleaved)?;
		heads.k = rotary::rotate(cx, &heads.k, [&cos, &sin], width, interleaved)?;
	}
	let (past_k, past_v) = (cx.optional(3), cx.optional(4));
	heads.k = appended(cx, past_k, heads.k, &first)?;
	heads.v = appended(cx, past_v, heads.v, &first)?;
	let columns = heads.k.dims[2];
	let mut how = Scoring {
		scale: scale(cx)?,
		softcap: cx.float("softcap", 0.0)?,
		sink: sink(cx, own)?,
		..Scoring::default()
	};
	how.biases.extend(cx.optional(10));
	how.allowed = match cx.int("causal", 1) {
		0 => vec![before_end(cx, batch, columns)?],
		1 => seen(cx, &first, rows, columns)?,
		other => return Err(Failure::invalid(format!("causal={other} is neither 0 nor 1"))),
	};
	let done = attend(cx, &heads, &how)?;
	let scores = match cx.int("qk_output", 0) {
		0 if cx.wants(3) => {
			return Err(Failure::invalid("its scores are read, which qk_output=0 leaves out"));
		},
		0 | 1 => done.masked,
		2 => done.weights,
		other => return Err(Failure::invalid(format!("qk_output={other} does not exist"))),
	};
	Ok(vec![join_heads(cx, &done.y)?, heads.k, heads.v, scores])
}

/// Divides every head of queries and keys by its root mean square, where there are weights for that.
fn normalize_heads(cx: &mut Cx<'_, '_>, heads: &mut Heads) -> Result<()> {
	let (q_weight, k_weight) = match (cx.optional(14), cx.optional(15)) {
		(None, None) => return Ok(()),
		(Some(q), Some(k)) => (q, k),
		_ => return Err(Failure::invalid("of q_norm_weight and k_norm_weight it has one only")),
	};
	let shared = cx.float("qk_norm_epsilon", 1e-6)?;
	let (q_epsilon, k_epsilon) =
		(cx.float("q_norm_epsilon", shared)?, cx.float("k_norm_epsilon", shared)?);
	heads.q = layer_norm::rms_normalized(cx, &heads.q, &q_weight, 3, q_epsilon)?;
	heads.k = layer_norm::rms_normalized(cx, &heads.k, &k_weight, 3, k_epsilon)?;
	Ok(())
}

/// The score that every row has besides those of its columns: one per head, or 0.
fn sink(cx: &mut Cx<'_, '_>, heads: u32) -> Result<Option<Value>> {
	match (cx.optional(11), cx.int("smooth_softmax", -1)) {
		(Some(sink), -1 | 0) if sink.dims == [heads] => sink.view(vec![heads, 1, 1]).map(Some),
		(Some(sink), _) => Err(Failure::invalid(format!(
			"sinks of shape {:?} for {heads} heads, or with a smooth softmax besides",
			sink.dims
		))),
		(None, 1) => Ok(Some(Value::scalar_f32(0.0))),
		(None, -1 | 0) => Ok(None),
		(None, other) => Err(Failure::invalid(format!("smooth_softmax={other} does not exist"))),
	}
}

/// Which columns are valid: those up to `seqlens_k`, the last position.
fn before_end(cx: &mut Cx<'_, '_>, batch: u32, columns: u32) -> Result<Value> {
	let last = cx.input(5)?;
	let last = cx.b.cast(&last, DType::I64)?.view(vec![batch, 1, 1, 1])?;
	let column = cx.b.iota(columns)?;
	cx.b.binary(BinaryFn::LessOrEqual, &column, &last)
}

/// The position of the first row of every sequence, `[batch, 1]`: 0 without a past, otherwise
/// what `seqlens_k` (the last position) leaves. A first prompt that is filled up to more rows than it has
/// leaves less than nothing: it begins at 0.
fn first_position(cx: &mut Cx<'_, '_>, batch: u32, rows: u32, room: u32) -> Result<Value> {
	if room == 0 {
		return Value::list_i64(&[0]).view(vec![1, 1]);
	}
	let last = cx.input(5)?;
	let last = cx.b.cast(&last, DType::I64)?.view(vec![batch, 1])?;
	let first =
		cx.b.binary(BinaryFn::Add, &last, &Value::scalar(DType::I64, 1 - i64::from(rows)))?;
	if rows == 1 {
		// Of one row the last position is the first, and never below 0.
		return Ok(first);
	}
	cx.b.binary(BinaryFn::Max, &first, &Value::scalar(DType::I64, 0))
}

/// `first + 0, first + 1, …`, as `[batch or 1, count]`.
fn positions(cx: &mut Cx<'_, '_>, first: &Value, count: u32) -> Result<Value> {
	let steps = cx.b.iota(count)?;
	cx.b.binary(BinaryFn::Add, first, &steps)
}

/// The past up to the first position, then the new rows; what lies beyond is never seen.
fn appended(cx: &mut Cx<'_, '_>, past: Option<Value>, new: Value, first: &Value) -> Result<Value> {
	let Some(past) = past else { return Ok(new) };
	let room = past.dims.get(2).copied().unwrap_or(0);
	let all = extended(cx, Some(past), new)?;
	let full = first.whole_numbers().is_some_and(|n| n.iter().all(|&n| n == i64::from(room)));
	if full || room == 0 {
		return Ok(all);
	}
	let (batch, heads, columns) = (all.dims[0], all.dims[1], all.dims[2]);
	let at = cx.b.iota(columns)?;
	let first = if batch == 1 { first.view(vec![1])? } else { first.clone() };
	let shift = cx.b.binary(BinaryFn::Sub, &Value::scalar(DType::I64, room.into()), &first)?;
	let moved = cx.b.binary(BinaryFn::Add, &at, &shift)?;
	let is_past = cx.b.binary(BinaryFn::Less, &at, &first)?;
	let source = cx.b.select(&is_past, &at, &moved)?;
	let dims = all.dims.clone();
	if batch == 1 {
		return cx.b.push(OpKind::Gather { axis: 2 }, DType::F32, dims, vec![all, source]);
	}
	// Every sequence's own columns, of each of its heads.
	let starts = cx.b.iota(batch * heads)?.view(vec![batch, heads, 1])?;
	let starts = times(cx, &starts, columns.into())?;
	let source = source.view(vec![source.dims[0], 1, columns])?;
	let source = cx.b.binary(BinaryFn::Add, &source, &starts)?;
	let rows = all.view(vec![batch * heads * columns, all.dims[3]])?;
	cx.b.push(OpKind::Gather { axis: 0 }, DType::F32, dims, vec![rows, source])
}

/// Which columns a row sees: none after its own position, none before its window.
fn seen(cx: &mut Cx<'_, '_>, first: &Value, rows: u32, columns: u32) -> Result<Vec<Value>> {
	let row = positions(cx, first, rows)?;
	let row = row.view(vec![row.dims[0], 1, rows, 1])?;
	let column = cx.b.iota(columns)?;
	let mut masks = vec![cx.b.binary(BinaryFn::LessOrEqual, &column, &row)?];
	let window = cx.int("local_window_size", -1);
	if window > 0 {
		let start = cx.b.binary(BinaryFn::Sub, &row, &Value::scalar(DType::I64, window))?;
		masks.push(cx.b.binary(BinaryFn::Greater, &column, &start)?);
	}
	Ok(masks)
}

/// `EmbedLayerNormalization`: words, positions and segments, added and normalised.
pub(crate) fn embed_layer_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let ids = cx.input(0)?;
	let &[batch, rows] = ids.dims.as_slice() else {
		return Err(Failure::invalid(format!("ids of shape {:?}", ids.dims)));
	};
	let words = rows_of(cx, 2, &ids)?;
	let width = words.dims.last().copied().unwrap_or(0);
	let at = match cx.optional(8) {
		Some(positions) => positions,
		None => cx.b.iota(rows)?.view(vec![1, rows])?,
	};
	let places = rows_of(cx, 3, &at)?;
	let mut sum = cx.b.binary(BinaryFn::Add, &words, &places)?;
	if let (Some(segments), true) = (cx.optional(1), cx.optional(4).is_some()) {
		let segments = rows_of(cx, 4, &segments)?;
		sum = cx.b.binary(BinaryFn::Add, &sum, &segments)?;
	}
	let (scale, bias) = (cx.float_input(5)?, cx.float_input(6)?);
	let epsilon = cx.float("epsilon", 1e-12)?;
	let y = layer_norm::normalized_last_axis(cx, &sum, &scale, Some(&bias), epsilon)?;
	let lengths = match cx.optional(7) {
		Some(mask) => {
			let mask = cx.b.cast(&mask, DType::I32)?.view(vec![batch, rows])?;
			cx.b.reduce_last(ReduceFn::Sum, &mask)?
		},
		None => {
			let zero = Value::scalar(DType::I32, 0);
			cx.b.expand(&zero, vec![batch])?
		},
	};
	if y.dims != [batch, rows, width] {
		return Err(Failure::invalid("its positions or segments are larger than its ids"));
	}
	Ok(vec![y, lengths, sum])
}

/// The rows of table `i` at `indices`.
fn rows_of(cx: &mut Cx<'_, '_>, i: usize, indices: &Value) -> Result<Value> {
	let table = cx.float_input(i)?;
	let &[_, width] = table.dims.as_slice() else {
		return Err(Failure::invalid(format!("its input {i} is no table but {:?}", table.dims)));
	};
	let mut dims = indices.dims.clone();
	dims.push(width);
	cx.b.push(OpKind::Gather { axis: 0 }, DType::F32, dims, vec![table, indices.clone()])
}
