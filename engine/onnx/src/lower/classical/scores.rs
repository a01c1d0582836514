//! What scores of classes or targets become, and the class that they stand for.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use crate::{
	error::{shown, Failure, Result},
	ir::Value,
	lower::{
		reduction::reduce::{arg_max_rows, exponentials, per_row},
		Cx,
	},
};

/// What happens to the scores `[n, classes]` at the end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum PostTransform {
	None,
	Softmax,
	Logistic,
	/// As softmax, but zeros stay.
	SoftmaxZero,
}

impl PostTransform {
	pub(super) fn of(name: &str) -> Result<PostTransform> {
		Ok(match name {
			"NONE" => PostTransform::None,
			"SOFTMAX" => PostTransform::Softmax,
			"LOGISTIC" => PostTransform::Logistic,
			"SOFTMAX_ZERO" => PostTransform::SoftmaxZero,
			"PROBIT" => return Err(Failure::unsupported("post_transform PROBIT")),
			other => {
				return Err(Failure::invalid(format!("post_transform `{}`", shown(other))));
			},
		})
	}

	/// Of a regressor's targets. Of one alone onnxruntime leaves out what the specification wants.
	pub(super) fn of_targets(self, cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
		if self != PostTransform::None && scores.dims.last() == Some(&1) {
			return Err(Failure::unsupported(
				"a post_transform of one target means different things to different engines",
			)
			.help("export the model without it, and with a node that does the same"));
		}
		self.apply(cx, scores)
	}

	pub(super) fn apply(self, cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
		match self {
			PostTransform::None => Ok(scores.clone()),
			PostTransform::Logistic => cx.b.unary(UnaryFn::Sigmoid, scores),
			PostTransform::Softmax => {
				let (_, _, e) = exponentials(cx, scores)?;
				let sum = cx.b.reduce_last(ReduceFn::Sum, &e)?;
				cx.b.binary(BinaryFn::Div, &e, &per_row(&sum)?)
			},
			PostTransform::SoftmaxZero => softmax_zero(cx, scores),
		}
	}
}

/// What is within 10⁻⁷ of 0 is multiplied by e^-max, as onnxruntime has it, and takes no part in the sum.
fn softmax_zero(cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
	let (largest, _, e) = exponentials(cx, scores)?;
	let size = cx.b.unary(UnaryFn::Abs, scores)?;
	let is_zero = cx.b.binary_scalar(BinaryFn::LessOrEqual, &size, 1e-7)?;
	let counted = cx.b.select(&is_zero, &Value::scalar_f32(0.0), &e)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &counted)?;
	let below = cx.b.unary(UnaryFn::Neg, &largest)?;
	let below = cx.b.unary(UnaryFn::Exp, &below)?;
	let small = cx.b.binary(BinaryFn::Mul, scores, &per_row(&below)?)?;
	let parts = cx.b.select(&is_zero, &small, &e)?;
	cx.b.binary(BinaryFn::Div, &parts, &per_row(&sum)?)
}

/// The labels of a classifier's classes, which are whole numbers or texts.
pub(super) struct Labels {
	/// Nothing where they are texts.
	numbers: Option<Vec<i64>>,
	pub(super) count: u32,
}

impl Labels {
	/// The labels in two attributes, of which a node has one.
	pub(super) fn of(cx: &Cx<'_, '_>, numbers: &str, words: &str) -> Result<Labels> {
		let words = cx.words(words)?.unwrap_or_default();
		let numbers = cx.ints(numbers).unwrap_or_default();
		match (numbers, words.as_slice()) {
			([], []) | ([_, ..], [_, ..]) => {
				Err(Failure::invalid("it has no labels, or both whole numbers and texts"))
			},
			([], words) => {
				if cx.wants(0) {
					return Err(Failure::unsupported("its labels are texts").help(
						"leave the label out: name the other outputs, as `assay model compile --outputs` does",
					));
				}
				Ok(Labels { numbers: None, count: words.len() as u32 })
			},
			(numbers, _) => {
				Ok(Labels { numbers: Some(numbers.to_vec()), count: numbers.len() as u32 })
			},
		}
	}

	/// The labels of the classes at `indices` `[n]`; the indices themselves where nobody wants texts.
	fn at(&self, cx: &mut Cx<'_, '_>, indices: &Value) -> Result<Value> {
		let Some(numbers) = &self.numbers else { return Ok(indices.clone()) };
		cx.b.spend(numbers.len() as u64 * 8)?;
		let operands = vec![Value::list_i64(numbers), indices.clone()];
		cx.b.push(OpKind::Gather { axis: 0 }, DType::I64, indices.dims.clone(), operands)
	}

	/// The label of the first largest score in every row of `[n, classes]`.
	pub(super) fn largest(&self, cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
		let index = arg_max_rows(cx, scores)?;
		self.at(cx, &index)
	}

	/// The second label where a score of `[n, 1]` is above `threshold`, else the first.
	pub(super) fn above(
		&self,
		cx: &mut Cx<'_, '_>,
		scores: &Value,
		threshold: f32,
	) -> Result<Value> {
		let above = cx.b.binary_scalar(BinaryFn::Greater, scores, threshold)?;
		let index = cx.b.cast(&above, DType::I64)?.view(vec![scores.dims[0]])?;
		self.at(cx, &index)
	}
}

/// Rows of features as floats: a list is one row.
pub(super) fn rows(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	if x.elements() == 0 {
		return Err(Failure::unsupported("its input is empty"));
	}
	let x = cx.b.cast(&x, DType::F32)?;
	match *x.dims.as_slice() {
		[features] => x.view(vec![1, features]),
		[_, _] => Ok(x),
		_ => Err(Failure::invalid(format!("{:?} is not [rows, features]", x.dims))),
	}
}
