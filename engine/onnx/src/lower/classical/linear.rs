//! Linear models, and what goes before them.

use assay_referee::{Bias, BinaryFn, DType, ReduceFn, UnaryFn};

use super::scores::{list, rows, Labels, PostTransform};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{reduction::reduce::per_row, Cx},
};

/// x · coefficientsᵀ + intercepts, `[n, targets]`.
fn product(cx: &mut Cx<'_, '_>, x: &Value, targets: u32) -> Result<Value> {
	let (n, features) = (x.dims[0], x.dims[1]);
	let coefficients = list(cx, "coefficients")?;
	let intercepts = list(cx, "intercepts")?;
	let fits = coefficients.len() as u64 == u64::from(targets) * u64::from(features)
		&& (intercepts.is_empty() || intercepts.len() == targets as usize)
		&& targets > 0;
	if !fits {
		return Err(Failure::invalid(format!(
			"{} coefficients and {} intercepts for {targets} targets of {features} features",
			coefficients.len(),
			intercepts.len()
		)));
	}
	let weights = Value::list_f32(&coefficients, vec![1, targets, features]);
	let bias = (!intercepts.is_empty())
		.then(|| (Bias::Column, Value::list_f32(&intercepts, vec![targets])));
	cx.b.matmul(x.view(vec![1, n, features])?, weights, bias, 1)?.view(vec![n, targets])
}

pub(crate) fn regressor(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let targets = u32::try_from(cx.int("targets", 1)).unwrap_or(0);
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let x = rows(cx)?;
	let y = product(cx, &x, targets)?;
	transform.of_targets(cx, &y)
}

/// With one line of coefficients and two labels, the score is that of the second class.
pub(crate) fn classifier(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let labels = Labels::of(cx, "classlabels_ints", "classlabels_strings")?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let x = rows(cx)?;
	let count = cx.floats("coefficients").unwrap_or_default().len() as u64;
	let lines = count / u64::from(x.dims[1].max(1));
	let scores = product(cx, &x, u32::try_from(lines).unwrap_or(0))?;
	if lines == 1 && labels.count == 2 {
		let label = labels.above(cx, &scores, 0.0)?;
		return Ok(vec![label, transform.of_one(cx, &scores, true)?]);
	}
	labels.refuse_one(cx)?;
	if lines != u64::from(labels.count) {
		return Err(Failure::invalid(format!("{lines} scores for {} labels", labels.count)));
	}
	let label = labels.largest(cx, &scores)?;
	Ok(vec![label, transform.of_targets(cx, &scores)?])
}

/// (x − offset) · scale, each one number or one per feature.
pub(crate) fn scaler(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let mut y = cx.b.cast(&x, DType::F32)?;
	for (name, function) in [("offset", BinaryFn::Sub), ("scale", BinaryFn::Mul)] {
		let list = list(cx, name)?;
		if list.is_empty() {
			continue;
		}
		if list.len() != 1 && x.dims.last() != Some(&(list.len() as u32)) {
			return Err(Failure::invalid(format!("its {name} does not fit {:?}", x.dims)));
		}
		let line = Value::list_f32(&list, vec![list.len() as u32]);
		y = cx.b.binary(function, &y, &line)?;
	}
	Ok(y)
}

/// Rows over their largest element, the sum of their sizes or their length; as they are where that is 0.
pub(crate) fn normalizer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let dims = cx.input(0)?.dims;
	let x = rows(cx)?;
	let size = match cx.word("norm", "MAX")? {
		"MAX" => cx.b.reduce_last(ReduceFn::Max, &x)?,
		"L1" => {
			let sizes = cx.b.unary(UnaryFn::Abs, &x)?;
			cx.b.reduce_last(ReduceFn::Sum, &sizes)?
		},
		"L2" => {
			let squares = cx.b.binary(BinaryFn::Mul, &x, &x)?;
			let sum = cx.b.reduce_last(ReduceFn::Sum, &squares)?;
			cx.b.unary(UnaryFn::Sqrt, &sum)?
		},
		_ => return Err(Failure::invalid("its norm is none of MAX, L1 and L2")),
	};
	let is_zero = cx.b.binary_scalar(BinaryFn::Equal, &size, 0.0)?;
	let size = cx.b.select(&is_zero, &Value::scalar_f32(1.0), &size)?;
	cx.b.binary(BinaryFn::Div, &x, &per_row(&size)?)?.view(dims)
}
