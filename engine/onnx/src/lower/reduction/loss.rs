//! Losses of classifiers.

use assay_referee::{BinaryFn, DType, UnaryFn};

use super::{
	reduce::{mean, sum_all},
	softmax::log_softmax_along,
};
use crate::{
	dims::product,
	error::{Failure, Result},
	ir::Value,
	lower::{
		movement::{gather::gather_along, index::gather_elements},
		Cx,
	},
};

pub(crate) fn negative_log_likelihood(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let log = cx.float_input(0)?;
	loss(cx, &log).map(|loss| vec![loss])
}

pub(crate) fn cross_entropy(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let scores = cx.float_input(0)?;
	if scores.rank() < 2 {
		return Err(Failure::invalid("its scores have no classes"));
	}
	let log = log_softmax_along(cx, &scores, 1)?;
	let loss = loss(cx, &log)?;
	Ok(vec![loss, log])
}

/// -log[n, target[n, ..], ..], times the class's weight, reduced as the node says. Input 1 is the
/// target, input 2 the weights.
fn loss(cx: &mut Cx<'_, '_>, log: &Value) -> Result<Value> {
	let target = cx.input(1)?;
	let &[n, classes, ref rest @ ..] = log.dims.as_slice() else {
		return Err(Failure::invalid("its input has no classes"));
	};
	let area = product(rest) as u32;
	let line = target.view(vec![n, 1, area])?;
	let mut line = cx.b.cast(&line, DType::I64)?;
	let zero = Value::scalar_f32(0.0);
	let mut ignored = None;
	if cx.has("ignore_index") {
		let index = Value::scalar(DType::I64, cx.int("ignore_index", 0));
		let mask = cx.b.binary(BinaryFn::Equal, &line, &index)?;
		line = cx.b.select(&mask, &Value::scalar(DType::I64, 0), &line)?;
		ignored = Some(mask);
	}
	let rows = log.view(vec![n, classes, area])?;
	let picked = gather_elements(cx, &rows, &line, 1)?;
	let mut loss = cx.b.unary(UnaryFn::Neg, &picked)?;
	let mut weights = match cx.optional(2) {
		Some(_) => {
			let weights = cx.float_input(2)?;
			if weights.dims != [classes] {
				return Err(Failure::invalid("its weights do not fit its classes"));
			}
			Some(gather_along(cx, &weights, &line, 0)?)
		},
		None => ignored.is_some().then(|| Value::scalar_f32(1.0)),
	};
	if let (Some(mask), Some(all)) = (&ignored, &weights) {
		weights = Some(cx.b.select(mask, &zero, all)?);
	}
	if let Some(mask) = &ignored {
		loss = cx.b.select(mask, &zero, &loss)?;
	}
	if let (Some(weights), Some(_)) = (&weights, cx.optional(2)) {
		loss = cx.b.binary(BinaryFn::Mul, &loss, weights)?;
	}
	reduced(cx, &loss, weights, &target)
}

fn reduced(
	cx: &mut Cx<'_, '_>,
	loss: &Value,
	weights: Option<Value>,
	target: &Value,
) -> Result<Value> {
	match (cx.word("reduction", "mean")?, weights) {
		("none", _) => loss.view(target.dims.clone()),
		("sum", _) => sum_all(cx, loss),
		("mean", None) => {
			let sum = sum_all(cx, loss)?;
			mean(cx, &sum, loss.elements())
		},
		("mean", Some(weights)) => {
			let sum = sum_all(cx, loss)?;
			let total = sum_all(cx, &weights)?;
			cx.b.binary(BinaryFn::Div, &sum, &total)
		},
		(other, _) => Err(Failure::invalid(format!(
			"reduction `{}` does not exist",
			crate::error::shown(other)
		))),
	}
}
