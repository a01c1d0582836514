//! Features of classical models: counts of n-grams, thresholds, selections.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn};

use crate::{
	dims::{check_dims, product, strides},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::{movement::gather::gather_along, Cx},
};

/// 1 above the threshold, else 0.
pub(crate) fn binarizer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let above = cx.b.binary_scalar(BinaryFn::Greater, &x, cx.float("threshold", 0.0)?)?;
	cx.b.cast(&above, DType::F32)
}

/// Columns of the last axis.
pub(crate) fn extract(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	if x.rank() == 0 || indices.dtype != DType::I64 {
		return Err(Failure::invalid("its input is a scalar or its indices are not int64"));
	}
	let count = indices.elements() as u32;
	let indices = indices.view(vec![count])?;
	let x = if x.rank() == 1 { x.view(vec![1, x.dims[0]])? } else { x };
	gather_along(cx, &x, &indices, x.rank() - 1)
}

/// The n-grams of one length, and where their counts go.
struct Grams {
	length: usize,
	/// One list of `length` words after another.
	words: Vec<i64>,
	places: Vec<i64>,
}

/// Largest number of words left out between two of an n-gram.
const MOST_SKIPPED: i64 = 64;

/// The n-grams that the node counts, by length.
fn grams(cx: &Cx<'_, '_>) -> Result<Vec<Grams>> {
	let missing = || Failure::unsupported("it has no list of whole numbers to count");
	let pool = cx.ints("pool_int64s").ok_or_else(missing)?;
	let counts = cx.ints("ngram_counts").ok_or_else(missing)?;
	let mut places = cx.ints("ngram_indexes").ok_or_else(missing)?;
	let lengths = cx.int("min_gram_length", 1)..=cx.int("max_gram_length", 1);
	let wrong = || Failure::invalid("its ngram_counts or ngram_indexes do not fit its pool");
	let mut found = Vec::new();
	for (i, &start) in counts.iter().enumerate() {
		let end = counts.get(i + 1).copied().unwrap_or(pool.len() as i64);
		let words = usize::try_from(start).ok().zip(usize::try_from(end).ok());
		let words = words.and_then(|(start, end)| pool.get(start..end)).ok_or_else(wrong)?;
		let length = i + 1;
		if words.len() % length != 0 {
			return Err(wrong());
		}
		let (own, rest) = places.split_at_checked(words.len() / length).ok_or_else(wrong)?;
		places = rest;
		if lengths.contains(&(length as i64)) && !words.is_empty() {
			found.push(Grams { length, words: words.to_vec(), places: own.to_vec() });
		}
	}
	Ok(found)
}

/// For rows `[b, c]` of words, how often each n-gram occurs with `distance` from word to word:
/// `[b, grams]`.
fn occurrences(cx: &mut Cx<'_, '_>, x: &Value, grams: &Grams, distance: u32) -> Result<Value> {
	let (rows, width, count) = (x.dims[0], x.dims[1], grams.places.len() as u32);
	let reach = (grams.length as u32 - 1) * distance;
	let windows = width - reach;
	check_dims(&[rows, count, windows])?;
	let mut all: Option<Value> = None;
	for j in 0..grams.length {
		let start = j as u64 * u64::from(distance);
		let steps = strides(&x.dims);
		let part = cx.b.strided(x, vec![rows, 1, windows], start, &[steps[0], 0, 1])?;
		let words: Vec<i64> = grams.words.iter().skip(j).step_by(grams.length).copied().collect();
		let words = Value::list_i64(&words).view(vec![count, 1])?;
		let same = cx.b.binary(BinaryFn::Equal, &part, &words)?;
		all = Some(match all {
			None => same,
			Some(all) => cx.b.binary(BinaryFn::And, &all, &same)?,
		});
	}
	let all = all.ok_or_else(|| Failure::invalid("an n-gram without words"))?;
	let hits = cx.b.cast(&all, DType::F32)?;
	cx.b.reduce_last(ReduceFn::Sum, &hits)
}

pub(crate) fn count_ngrams(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let rows = match *x.dims.as_slice() {
		[width] => x.view(vec![1, width])?,
		[_, _] => x.clone(),
		_ => return Err(Failure::invalid("its input is neither a list nor rows")),
	};
	let rows = cx.b.cast(&rows, DType::I64)?;
	let skipped = cx.int("max_skip_count", 0);
	if !(0..=MOST_SKIPPED).contains(&skipped) {
		return Err(Failure::unsupported(format!("max_skip_count={skipped}")));
	}
	let (mut parts, mut places) = (Vec::new(), Vec::new());
	for grams in grams(cx)? {
		cx.b.spend(grams.words.len() as u64 * 8 * (skipped as u64 + 1))?;
		// Single words have no distance.
		let distances = if grams.length == 1 { 1 } else { skipped as u64 + 1 };
		let fits = |distance: &u64| (grams.length as u64 - 1) * distance < u64::from(rows.dims[1]);
		let mut sum = None;
		for distance in (1..=distances).filter(fits) {
			let counts = occurrences(cx, &rows, &grams, distance as u32)?;
			sum = Some(match sum {
				None => counts,
				Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &counts)?,
			});
		}
		if let Some(sum) = sum {
			parts.push(sum);
			places.extend(grams.places);
		}
	}
	let counts = arranged(cx, &rows, &parts, &places)?;
	let weighted = weighted(cx, &counts)?;
	let width = counts.dims[1];
	weighted.view(if x.rank() == 1 { vec![width] } else { vec![x.dims[0], width] })
}

/// Counts at their places; a place that no n-gram has is 0.
fn arranged(cx: &mut Cx<'_, '_>, rows: &Value, parts: &[Value], places: &[i64]) -> Result<Value> {
	let all = cx.ints("ngram_indexes").unwrap_or_default().to_vec();
	let most = all.iter().copied().max().unwrap_or(-1);
	let width = u32::try_from(most.saturating_add(1));
	let width = width.map_err(|_| Failure::too_large("an index is too large"))?;
	check_dims(&[rows.dims[0], width])?;
	cx.b.spend(u64::from(width) * 8)?;
	if all.iter().any(|&place| place < 0) || width == 0 {
		return Err(Failure::invalid("an index is negative, or there is none"));
	}
	// An index beyond the counts gives zero.
	let mut sources = vec![places.len() as i64; width as usize];
	for (source, &place) in (0i64..).zip(places) {
		if std::mem::replace(&mut sources[place as usize], source) != places.len() as i64 {
			return Err(Failure::unsupported("two n-grams have one index"));
		}
	}
	let dims = vec![rows.dims[0], width];
	if parts.is_empty() {
		cx.b.spend(product(&dims) * 4)?;
		return Ok(Value::list_f32(&vec![0.0; product(&dims) as usize], dims));
	}
	let counts = cx.b.concat(parts, 1)?;
	let operands = vec![counts, Value::list_i64(&sources)];
	cx.b.push(OpKind::Gather { axis: 1 }, DType::F32, dims, operands)
}

fn weighted(cx: &mut Cx<'_, '_>, counts: &Value) -> Result<Value> {
	let weights = match cx.floats("weights") {
		Some(weights) if !weights.is_empty() => {
			if weights.len() as u32 != counts.dims[1] || weights.iter().any(|w| w.is_nan()) {
				return Err(Failure::new(ErrorKind::Invalid, "its weights do not fit its indices"));
			}
			cx.b.spend(weights.len() as u64 * 4)?;
			Some(Value::list_f32(weights, vec![weights.len() as u32]))
		},
		_ => None,
	};
	let counts = match cx.word("mode", "")? {
		"TF" => return Ok(counts.clone()),
		"TFIDF" => counts.clone(),
		"IDF" => {
			let some = cx.b.binary_scalar(BinaryFn::Greater, counts, 0.0)?;
			cx.b.cast(&some, DType::F32)?
		},
		_ => return Err(Failure::invalid("its mode is none of TF, IDF and TFIDF")),
	};
	match weights {
		Some(weights) => cx.b.binary(BinaryFn::Mul, &counts, &weights),
		None => Ok(counts),
	}
}
