//! Ensembles of trees: what they are (`forest`), how rows go down (`descent`), and here what their leaves' weights
//! become.

mod descent;
mod forest;
mod sets;

use assay_referee::{BinaryFn, ReduceFn};

use super::scores::{rows, Labels, PostTransform};
use crate::{
	error::{shown, Failure, Result},
	ir::Value,
	lower::{reduction::reduce, Cx},
};
use forest::{numbers, Forest, Votes};

/// The base values, which are one per target or none.
fn base_values(cx: &mut Cx<'_, '_>, targets: u32) -> Result<Option<Value>> {
	let base = numbers(cx, "base_values", "base_values_as_tensor")?;
	match base.len() {
		0 => Ok(None),
		n if n as u64 == u64::from(targets) => Ok(Some(Value::list_f32(&base, vec![targets]))),
		n => Err(Failure::invalid(format!("{n} base values for {targets} targets"))),
	}
}

/// How many results an ensemble has.
fn targets(cx: &Cx<'_, '_>) -> Result<u32> {
	let targets = u32::try_from(cx.int("n_targets", 1)).ok().filter(|&n| n > 0);
	targets.ok_or_else(|| Failure::invalid("its n_targets is out of range"))
}

/// `TreeEnsembleRegressor`.
pub(crate) fn regressor(cx: &mut Cx<'_, '_>) -> Result<Value> {
	const VOTES: Votes = Votes {
		trees: "target_treeids",
		nodes: "target_nodeids",
		targets: "target_ids",
		weights: "target_weights",
		tensor: "target_weights_as_tensor",
	};
	let targets = targets(cx)?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let forest = Forest::read(cx, targets, &VOTES)?;
	let aggregate = Aggregate::of(cx.word("aggregate_function", "SUM")?)?;
	let base = base_values(cx, targets)?;
	let scores = aggregate.scores(cx, &forest, base)?;
	transform.of_targets(cx, &scores)
}

/// `TreeEnsemble`.
pub(crate) fn ensemble(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let targets = targets(cx)?;
	let named = |number: i64, names: [&'static str; 5]| {
		usize::try_from(number).ok().and_then(|at| names.get(at).copied()).unwrap_or("")
	};
	let transform = cx.int("post_transform", 0);
	let transform = PostTransform::of(named(
		transform,
		["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"],
	))?;
	if matches!(transform, PostTransform::Softmax | PostTransform::Logistic) && targets > 1 {
		return Err(Failure::unsupported(
			"post_transform 1 and 2 are the softmax and the logistic function, and in onnxruntime the other way round",
		)
		.help("export the model without it, and with a node that does the same"));
	}
	let aggregate = cx.int("aggregate_function", 1);
	let aggregate = Aggregate::of(named(aggregate, ["AVERAGE", "SUM", "MIN", "MAX", ""]))?;
	let forest = Forest::read_split(cx, targets)?;
	let scores = aggregate.scores(cx, &forest, None)?;
	transform.of_targets(cx, &scores)
}

/// How the weights of all trees become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aggregate {
	Sum,
	Average,
	Min,
	Max,
}

impl Aggregate {
	fn of(name: &str) -> Result<Aggregate> {
		Ok(match name {
			"SUM" => Aggregate::Sum,
			"AVERAGE" => Aggregate::Average,
			"MIN" => Aggregate::Min,
			"MAX" => Aggregate::Max,
			other => {
				return Err(Failure::invalid(format!("aggregate_function `{}`", shown(other))));
			},
		})
	}

	/// What a leaf without a weight for a target has in its place: what changes nothing.
	fn neutral(self) -> f32 {
		match self {
			Aggregate::Sum | Aggregate::Average => 0.0,
			Aggregate::Min => f32::MAX,
			Aggregate::Max => f32::MIN,
		}
	}

	/// The scores `[rows, targets]`. Of several targets, one that no leaf which a row reaches has a weight for is 0,
	/// whatever its base value, as onnxruntime has it.
	fn scores(self, cx: &mut Cx<'_, '_>, forest: &Forest, base: Option<Value>) -> Result<Value> {
		let is_alone = forest.named.len() == 1;
		if is_alone && self.neutral() != 0.0 && !forest.is_complete() {
			return Err(Failure::unsupported("the least or largest of leaves that have no weight"));
		}
		let x = rows(cx)?;
		let at = forest.leaves(cx, &x)?;
		let reached = forest.reached(cx, &at, self.neutral())?;
		let mut scores = self.apply(cx, &reached)?;
		let matters = !is_alone && (base.is_some() || self.neutral() != 0.0);
		if let Some(base) = base {
			scores = cx.b.binary(BinaryFn::Add, &scores, &base)?;
		}
		match forest.voted(cx, &at)? {
			Some(voted) if matters => cx.b.select(&voted, &scores, &Value::scalar_f32(0.0)),
			_ => Ok(scores),
		}
	}

	/// Over the trees, the last axis of `[rows, targets, trees]`.
	fn apply(self, cx: &mut Cx<'_, '_>, reached: &Value) -> Result<Value> {
		match self {
			Aggregate::Sum => cx.b.reduce_last(ReduceFn::Sum, reached),
			Aggregate::Average => {
				let trees = reached.dims.last().copied().unwrap_or(1);
				let sum = cx.b.reduce_last(ReduceFn::Sum, reached)?;
				reduce::mean(cx, &sum, trees.into())
			},
			Aggregate::Min => cx.b.reduce_last(ReduceFn::Min, reached),
			Aggregate::Max => cx.b.reduce_last(ReduceFn::Max, reached),
		}
	}
}

/// `TreeEnsembleClassifier`. Of more than two labels the first largest score's is taken, of those with a weight.
pub(crate) fn classifier(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	const VOTES: Votes = Votes {
		trees: "class_treeids",
		nodes: "class_nodeids",
		targets: "class_ids",
		weights: "class_weights",
		tensor: "class_weights_as_tensor",
	};
	let labels = Labels::of(cx, "classlabels_int64s", "classlabels_strings")?;
	labels.refuse_one(cx)?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let forest = Forest::read(cx, labels.count, &VOTES)?;
	let x = rows(cx)?;
	let at = forest.leaves(cx, &x)?;
	let reached = forest.reached(cx, &at, 0.0)?;
	let scores = cx.b.reduce_last(ReduceFn::Sum, &reached)?;
	if labels.count == 2 {
		return of_two(cx, &labels, &forest, &at, &scores, transform);
	}
	if let Some(base) = base_values(cx, labels.count)? {
		let scores = cx.b.binary(BinaryFn::Add, &scores, &base)?;
		let label = labels.largest(cx, &scores)?;
		return Ok(vec![label, transform.of_targets(cx, &scores)?]);
	}
	let counted = match forest.voted(cx, &at)? {
		Some(_) if cx.wants(0) && !forest.always_votes() => {
			return Err(Failure::unsupported(
				"a row may reach leaves without any weight, and has no label",
			)
			.help("leave the label out with --outputs"));
		},
		Some(voted) => cx.b.select(&voted, &scores, &Value::scalar_f32(f32::MIN))?,
		None => scores.clone(),
	};
	let label = labels.largest(cx, &counted)?;
	Ok(vec![label, transform.of_targets(cx, &scores)?])
}

/// With two labels and weights for one class alone there is one score, of the second label: above one half where no
/// weight is negative, above 0 otherwise. With weights for both, onnxruntime decides by the sign of the second score,
/// and not by the larger one as the specification has it; where a row reaches no weight for the second, by that of
/// the first.
fn of_two(
	cx: &mut Cx<'_, '_>,
	labels: &Labels,
	forest: &Forest,
	at: &Value,
	scores: &Value,
	transform: PostTransform,
) -> Result<Vec<Value>> {
	let base = numbers(cx, "base_values", "base_values_as_tensor")?;
	let positive = forest.weights.iter().all(|&weight| weight >= 0.0);
	let threshold = if positive { 0.5 } else { 0.0 };
	let first = cx.b.part(scores, 1, 0, 1)?;
	let second = cx.b.part(scores, 1, 1, 1)?;
	let voted = forest.voted(cx, at)?;
	match (forest.named.as_slice(), base.as_slice(), voted) {
		([true, false], [], _) => {
			let label = labels.above(cx, &first, threshold)?;
			Ok(vec![label, transform.of_one(cx, &first, positive)?])
		},
		([true, false], &[base], _) if forest.is_certain(0) => {
			let score = cx.b.binary_scalar(BinaryFn::Add, &first, base)?;
			let label = labels.above(cx, &score, threshold)?;
			Ok(vec![label, transform.of_one(cx, &score, positive)?])
		},
		([false, true], [], _) if forest.is_certain(1) => {
			let label = labels.above(cx, &second, threshold)?;
			Ok(vec![label, transform.apply(cx, scores)?])
		},
		([true, true], [], voted) => {
			if cx.wants(0) && !labels.are_indices() {
				return Err(Failure::unsupported(
					"of two labels with weights for both, engines choose in other ways or give 0 and 1",
				)
				.help("leave the label out with --outputs, and take the larger score"));
			}
			let Some(voted) = voted.filter(|_| !forest.is_certain(1)) else {
				let label = labels.above(cx, &second, 0.0)?;
				return Ok(vec![label, transform.apply(cx, scores)?]);
			};
			let has_second = cx.b.part(&voted, 1, 1, 1)?;
			let score = cx.b.select(&has_second, &second, &first)?;
			let label = labels.above(cx, &score, 0.0)?;
			let both = transform.apply(cx, scores)?;
			let alone = transform.of_one(cx, &first, false)?;
			Ok(vec![label, cx.b.select(&has_second, &both, &alone)?])
		},
		_ => Err(Failure::unsupported(
			"two labels with base values for both, or with leaves that have no weight, mean different things to \
			 different engines",
		)
		.help("write the base values into the leaves of one tree")),
	}
}
