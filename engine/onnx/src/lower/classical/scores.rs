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
	/// The argument for which the normal distribution has that probability.
	Probit,
}

impl PostTransform {
	pub(super) fn of(name: &str) -> Result<PostTransform> {
		Ok(match name {
			"NONE" => PostTransform::None,
			"SOFTMAX" => PostTransform::Softmax,
			"LOGISTIC" => PostTransform::Logistic,
			"SOFTMAX_ZERO" => PostTransform::SoftmaxZero,
			"PROBIT" => PostTransform::Probit,
			other => {
				return Err(Failure::invalid(format!("post_transform `{}`", shown(other))));
			},
		})
	}

	/// Of a regressor's targets. Of one alone onnxruntime takes the probit, and nothing else.
	pub(super) fn of_targets(self, cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
		if self != PostTransform::Probit && scores.dims.last() == Some(&1) {
			return Ok(scores.clone());
		}
		self.apply(cx, scores)
	}

	/// Both scores of two classes, where one is known, of the second: the first is what is missing to 1, or, of scores
	/// that are no probabilities, the opposite. Of one score only the logistic function makes a distribution;
	/// onnxruntime leaves the others out, and writes one probit where two are to be.
	pub(super) fn of_one(
		self,
		cx: &mut Cx<'_, '_>,
		score: &Value,
		is_probability: bool,
	) -> Result<Value> {
		let one = Value::scalar_f32(1.0);
		let (first, second) = match (self, is_probability) {
			(PostTransform::Probit, _) => {
				return Err(Failure::unsupported(
					"post_transform PROBIT of two labels with one score",
				)
				.help("export the model with a score for each label, or without the transform"));
			},
			(PostTransform::Logistic, true) => {
				let second = self.apply(cx, score)?;
				(cx.b.binary(BinaryFn::Sub, &one, &second)?, second)
			},
			(_, true) => (cx.b.binary(BinaryFn::Sub, &one, score)?, score.clone()),
			(PostTransform::Logistic, false) => {
				let other = cx.b.unary(UnaryFn::Neg, score)?;
				(self.apply(cx, &other)?, self.apply(cx, score)?)
			},
			(_, false) => (cx.b.unary(UnaryFn::Neg, score)?, score.clone()),
		};
		cx.b.concat(&[first, second], 1)
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
			PostTransform::Probit => probit(cx, scores),
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

/// √2 · erf⁻¹(2p - 1) by Winitzki's approximation, operation by operation as onnxruntime has it: about one half its
/// rounding shows in the third digit.
fn probit(cx: &mut Cx<'_, '_>, p: &Value) -> Result<Value> {
	const A: f32 = 0.147;
	#[allow(clippy::approx_constant, reason = "onnxruntime has no more digits of it")]
	const PI: f32 = 3.14159;
	let one = Value::scalar_f32(1.0);
	let doubled = cx.b.binary_scalar(BinaryFn::Mul, p, 2.0)?;
	let x = cx.b.binary_scalar(BinaryFn::Sub, &doubled, 1.0)?;
	let is_below = cx.b.binary_scalar(BinaryFn::Less, &x, 0.0)?;
	let sign = cx.b.select(&is_below, &Value::scalar_f32(-1.0), &one)?;
	let below = cx.b.binary(BinaryFn::Sub, &one, &x)?;
	let above = cx.b.binary(BinaryFn::Add, &one, &x)?;
	let product = cx.b.binary(BinaryFn::Mul, &below, &above)?;
	let log = cx.b.unary(UnaryFn::Log, &product)?;
	let half = cx.b.binary_scalar(BinaryFn::Mul, &log, 0.5)?;
	let v = cx.b.binary_scalar(BinaryFn::Add, &half, 2.0 / (PI * A))?;
	let scaled = cx.b.binary_scalar(BinaryFn::Mul, &log, 1.0 / A)?;
	let square = cx.b.binary(BinaryFn::Mul, &v, &v)?;
	let inside = cx.b.binary(BinaryFn::Sub, &square, &scaled)?;
	let root = cx.b.unary(UnaryFn::Sqrt, &inside)?;
	let rest = cx.b.binary(BinaryFn::Sub, &root, &v)?;
	let size = cx.b.unary(UnaryFn::Sqrt, &rest)?;
	let result = cx.b.binary(BinaryFn::Mul, &size, &sign)?;
	cx.b.binary_scalar(BinaryFn::Mul, &result, std::f32::consts::SQRT_2)
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
		self.second(cx, &above.view(vec![scores.dims[0]])?)
	}

	/// The second label where a condition `[n]` holds, else the first.
	pub(super) fn second(&self, cx: &mut Cx<'_, '_>, condition: &Value) -> Result<Value> {
		let index = cx.b.cast(condition, DType::I64)?;
		self.at(cx, &index)
	}

	/// Whether they are 0 and 1.
	pub(super) fn are_indices(&self) -> bool {
		self.numbers.as_deref() == Some(&[0, 1])
	}

	/// Refuses the label of a classifier with one, for which onnxruntime gives 0 or 1, whatever it is.
	pub(super) fn refuse_one(&self, cx: &Cx<'_, '_>) -> Result<()> {
		if self.count != 1 || !cx.wants(0) {
			return Ok(());
		}
		Err(Failure::unsupported("it has one label alone, and engines give others in its place")
			.help("leave the label out with --outputs"))
	}
}

/// An attribute that is a list of numbers without NaN, empty where the node does not have it.
pub(super) fn list(cx: &mut Cx<'_, '_>, name: &str) -> Result<Vec<f32>> {
	let list = cx.floats(name).unwrap_or_default();
	if list.iter().any(|x| x.is_nan()) {
		return Err(Failure::invalid(format!("its attribute `{name}` has a NaN")));
	}
	cx.b.spend(list.len() as u64 * 4)?;
	Ok(list.to_vec())
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
