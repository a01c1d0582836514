//! Support vector machines: kernels of the rows with the support vectors, weighed and joined. Classes are decided
//! pair by pair; every pair's winner has a vote.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use super::{
	coupling,
	scores::{list, rows, Labels, PostTransform},
};
use crate::{
	dims::check_dims,
	error::{shown, Failure, Result},
	ir::Value,
	lower::{reduction::reduce::per_row, Cx},
};

/// A product of two rows of features.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kernel {
	/// x · v
	Linear,
	/// (gamma · x · v + coef0)^degree
	Poly { gamma: f32, coef0: f32, degree: f32 },
	/// e^(-gamma · |x - v|²)
	Rbf { gamma: f32 },
	/// tanh(gamma · x · v + coef0)
	Sigmoid { gamma: f32, coef0: f32 },
}

impl Kernel {
	fn of(cx: &mut Cx<'_, '_>) -> Result<Kernel> {
		let parameters = list(cx, "kernel_params")?;
		let name = cx.word("kernel_type", "LINEAR")?;
		let kernel = match (name, parameters.as_slice()) {
			("LINEAR", [] | [_, _, _]) => Kernel::Linear,
			("POLY", &[gamma, coef0, degree]) => Kernel::Poly { gamma, coef0, degree },
			("RBF", &[gamma, _, _]) => Kernel::Rbf { gamma },
			("SIGMOID", &[gamma, coef0, _]) => Kernel::Sigmoid { gamma, coef0 },
			("LINEAR" | "POLY" | "RBF" | "SIGMOID", other) => {
				return Err(Failure::invalid(format!(
					"its kernel has {} parameters, and takes gamma, coef0 and degree",
					other.len()
				)));
			},
			(other, _) => return Err(Failure::invalid(format!("kernel_type `{}`", shown(other)))),
		};
		Ok(kernel)
	}

	/// Of rows `[n, features]` and vectors, one after another: `[n, vectors]`.
	fn apply(self, cx: &mut Cx<'_, '_>, x: &Value, vectors: &[f32]) -> Result<Value> {
		let (n, features) = (x.dims[0], x.dims[1]);
		let count = vectors.len() as u32 / features;
		let line = Value::list_f32(vectors, vec![1, count, features]);
		if let Kernel::Rbf { gamma } = self {
			check_dims(&[n, count, features])?;
			// The square of a difference loses nothing where the two are close, as a difference of squares would.
			let difference = cx.b.binary(BinaryFn::Sub, &x.view(vec![n, 1, features])?, &line)?;
			let squares = cx.b.binary(BinaryFn::Mul, &difference, &difference)?;
			let sum = cx.b.reduce_last(ReduceFn::Sum, &squares)?;
			let power = cx.b.binary_scalar(BinaryFn::Mul, &sum, -gamma)?;
			return cx.b.unary(UnaryFn::Exp, &power);
		}
		let product = cx.b.matmul(x.view(vec![1, n, features])?, line, None, 1)?;
		let product = product.view(vec![n, count])?;
		let line = |cx: &mut Cx<'_, '_>, gamma: f32, coef0: f32| {
			let scaled = cx.b.binary_scalar(BinaryFn::Mul, &product, gamma)?;
			cx.b.binary_scalar(BinaryFn::Add, &scaled, coef0)
		};
		match self {
			Kernel::Linear | Kernel::Rbf { .. } => Ok(product),
			Kernel::Sigmoid { gamma, coef0 } => {
				let line = line(cx, gamma, coef0)?;
				cx.b.unary(UnaryFn::Tanh, &line)
			},
			Kernel::Poly { gamma, coef0, degree } => {
				let line = line(cx, gamma, coef0)?;
				if degree != 2.0 && degree != 3.0 {
					return cx.b.binary_scalar(BinaryFn::Pow, &line, degree);
				}
				let square = cx.b.binary(BinaryFn::Mul, &line, &line)?;
				if degree == 2.0 {
					return Ok(square);
				}
				cx.b.binary(BinaryFn::Mul, &square, &line)
			},
		}
	}
}

/// The one number that a machine without support vectors adds to all scores.
fn only(rho: &[f32]) -> Result<f32> {
	match rho {
		[first, rest @ ..] if rest.iter().all(|x| x == first) => Ok(*first),
		[] => Err(Failure::invalid("it has no rho")),
		_ => Err(Failure::unsupported("it has several rho and no support vectors")),
	}
}

/// x · coefficientsᵀ + rho, `[n, lines]`: what is left of a machine without support vectors.
fn without_vectors(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	coefficients: &[f32],
	lines: u32,
	kernel: Kernel,
) -> Result<Value> {
	let (n, features) = (x.dims[0], x.dims[1]);
	if kernel != Kernel::Linear || !list(cx, "support_vectors")?.is_empty() {
		return Err(Failure::invalid("it has a kernel or support vectors, but none of any class"));
	}
	if coefficients.len() as u64 != u64::from(lines) * u64::from(features) {
		return Err(Failure::invalid(format!(
			"{} coefficients for {lines} scores of {features} features",
			coefficients.len()
		)));
	}
	let rho = list(cx, "rho")?;
	let rho = only(&rho)?;
	let weights = Value::list_f32(coefficients, vec![1, lines, features]);
	let product = cx.b.matmul(x.view(vec![1, n, features])?, weights, None, 1)?;
	cx.b.binary_scalar(BinaryFn::Add, &product.view(vec![n, lines])?, rho)
}

/// The kernels of the rows with as many support vectors as the node says: `[n, vectors]`.
fn kernels(cx: &mut Cx<'_, '_>, x: &Value, kernel: Kernel, count: u64) -> Result<Value> {
	let vectors = list(cx, "support_vectors")?;
	let features = u64::from(x.dims[1]);
	if count.checked_mul(features) != Some(vectors.len() as u64) {
		return Err(Failure::invalid(format!(
			"{} numbers for {count} support vectors of {features} features",
			vectors.len()
		)));
	}
	kernel.apply(cx, x, &vectors)
}

/// `SVMRegressor`. onnxruntime leaves `post_transform` out, which is why it is refused.
pub(crate) fn regressor(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = rows(cx)?;
	let n = x.dims[0];
	let count = u64::try_from(cx.int("n_supports", 0))
		.map_err(|_| Failure::invalid("its n_supports is negative"))?;
	let kernel = Kernel::of(cx)?;
	let coefficients = list(cx, "coefficients")?;
	let y = if count == 0 {
		without_vectors(cx, &x, &coefficients, 1, kernel)?
	} else {
		let kernels = kernels(cx, &x, kernel, count)?;
		let rho = list(cx, "rho")?;
		if coefficients.len() as u64 != count || rho.len() != 1 {
			return Err(Failure::invalid(format!(
				"{} coefficients and {} rho for {count} support vectors",
				coefficients.len(),
				rho.len()
			)));
		}
		let count = coefficients.len() as u32;
		let weights = Value::list_f32(&coefficients, vec![1, 1, count]);
		let bias = Some((Bias::Column, Value::list_f32(&rho, vec![1])));
		cx.b.matmul(kernels.view(vec![1, n, count])?, weights, bias, 1)?.view(vec![n, 1])?
	};
	if !cx.flag("one_class") {
		return Ok(y);
	}
	let is_inside = cx.b.binary_scalar(BinaryFn::Greater, &y, 0.0)?;
	cx.b.select(&is_inside, &Value::scalar_f32(1.0), &Value::scalar_f32(-1.0))
}

/// `SVMClassifier`.
pub(crate) fn classifier(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let labels = Labels::of(cx, "classlabels_ints", "classlabels_strings")?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let kernel = Kernel::of(cx)?;
	let x = rows(cx)?;
	let coefficients = list(cx, "coefficients")?;
	let (a, b) = (list(cx, "prob_a")?, list(cx, "prob_b")?);
	let counts = cx.ints("vectors_per_class").unwrap_or_default();
	let counts: Option<Vec<u32>> = counts.iter().map(|&count| u32::try_from(count).ok()).collect();
	let counts = counts.ok_or_else(|| Failure::invalid("its vectors_per_class is out of range"))?;
	if counts.iter().all(|&count| count == 0) {
		let scores = without_vectors(cx, &x, &coefficients, labels.count, kernel)?;
		let label = label_of_line(cx, &labels, &scores, &coefficients, !a.is_empty())?;
		return Ok(vec![label, transform.of_targets(cx, &scores)?]);
	}
	let pairs = pairs(labels.count);
	let all = counts.iter().map(|&count| u64::from(count)).sum::<u64>();
	let rho = list(cx, "rho")?;
	let fits = counts.len() as u64 == u64::from(labels.count)
		&& labels.count >= 2
		&& rho.len() as u64 == pairs
		&& Some(coefficients.len() as u64) == u64::from(labels.count - 1).checked_mul(all)
		&& a.len() == b.len()
		&& (a.is_empty() || a.len() as u64 == pairs);
	if !fits {
		return Err(Failure::invalid(format!(
			"{} coefficients, {} rho, {} prob_a and {} prob_b for {all} support vectors of {} classes, of which {} \
			 are labelled",
			coefficients.len(),
			rho.len(),
			a.len(),
			b.len(),
			counts.len(),
			labels.count
		)));
	}
	let kernels = kernels(cx, &x, kernel, all)?;
	let scores = pair_scores(cx, &kernels, &counts, &coefficients, &rho)?;
	let label = if cx.wants(0) {
		let votes = votes(cx, &scores, labels.count)?;
		labels.largest(cx, &votes)?
	} else {
		scores.clone()
	};
	let scores = if !cx.wants(1) {
		scores
	} else if !a.is_empty() {
		let probabilities = coupling::probabilities(cx, &scores, labels.count, &a, &b)?;
		transform.apply(cx, &probabilities)?
	} else if labels.count == 2 {
		transform.of_one(cx, &scores, transform != PostTransform::None)?
	} else {
		transform.apply(cx, &scores)?
	};
	Ok(vec![label, scores])
}

/// Of `classes` classes, how many pairs.
fn pairs(classes: u32) -> u64 {
	u64::from(classes) * u64::from(classes.saturating_sub(1)) / 2
}

/// The label of scores without support vectors. Of two labels onnxruntime takes the second where the largest score,
/// whosever it is, is large enough.
fn label_of_line(
	cx: &mut Cx<'_, '_>,
	labels: &Labels,
	scores: &Value,
	coefficients: &[f32],
	has_probabilities: bool,
) -> Result<Value> {
	if labels.count != 2 || has_probabilities {
		return labels.largest(cx, scores);
	}
	let largest = cx.b.reduce_last(ReduceFn::Max, scores)?;
	let second = if coefficients.iter().all(|&x| x >= 0.0) {
		cx.b.binary_scalar(BinaryFn::GreaterOrEqual, &largest, 0.5)?
	} else {
		cx.b.binary_scalar(BinaryFn::Greater, &largest, 0.0)?
	};
	let first = cx.b.part(scores, 1, 0, 1)?.view(vec![scores.dims[0]])?;
	let last = cx.b.part(scores, 1, 1, 1)?.view(vec![scores.dims[0]])?;
	let larger = cx.b.binary(BinaryFn::Greater, &last, &first)?;
	let second = cx.b.binary(BinaryFn::Or, &second, &larger)?;
	labels.second(cx, &second)
}

/// What every class' support vectors say of the other classes, joined pair by pair: `[n, pairs]`, in the order 01,
/// 02, … 12, …. The coefficients are `[classes - 1, vectors]`: for a vector of class i, row j says what it means
/// against class j, and a class has no row against itself.
fn pair_scores(
	cx: &mut Cx<'_, '_>,
	kernels: &Value,
	counts: &[u32],
	coefficients: &[f32],
	rho: &[f32],
) -> Result<Value> {
	let (n, all) = (kernels.dims[0], kernels.dims[1]);
	let others = counts.len() as u32 - 1;
	check_dims(&[n, others, all])?;
	cx.b.spend(coefficients.len() as u64 * 4 + rho.len() as u64 * 16)?;
	let coefficients = Value::list_f32(coefficients, vec![1, others, all]);
	let terms = cx.b.binary(BinaryFn::Mul, &kernels.view(vec![n, 1, all])?, &coefficients)?;
	let halves = halves(cx, &terms)?;
	let (mut first, mut second) = (Vec::new(), Vec::new());
	let others = u64::from(others);
	for i in 0..counts.len() as u64 {
		for j in i + 1..counts.len() as u64 {
			first.push((i * others + j - 1) as i64);
			second.push((j * others + i) as i64);
		}
	}
	let mut sum: Option<Value> = None;
	for half in &halves {
		let joined = of_classes(cx, half, counts)?;
		let mut take = |places: &[i64]| {
			let operands = vec![joined.clone(), Value::list_i64(places)];
			cx.b.push(OpKind::Gather { axis: 1 }, DType::F32, vec![n, rho.len() as u32], operands)
		};
		let (first, second) = (take(&first)?, take(&second)?);
		let both = cx.b.binary(BinaryFn::Add, &first, &second)?;
		sum = Some(match sum {
			None => both,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &both)?,
		});
	}
	let sum = sum.ok_or_else(|| Failure::invalid("it has no terms"))?;
	cx.b.binary(BinaryFn::Add, &sum, &Value::list_f32(rho, vec![rho.len() as u32]))
}

/// Terms `[n, lines, vectors]` as sums of two: of the first all sums over vectors are exact, and the second are small.
/// What two classes say of each other cancels for the most part, and onnxruntime adds it in float64.
///
/// Adding 1.5 · 2ᵏ and taking it away rounds to multiples of 2ᵏ⁻²³; with 2ᵏ at least twice the sum of the sizes,
/// no sum of such multiples needs more than 24 bits.
fn halves(cx: &mut Cx<'_, '_>, terms: &Value) -> Result<[Value; 2]> {
	/// Terms too large for that stay as they are.
	const LARGEST: f32 = 1e30;
	let sizes = cx.b.unary(UnaryFn::Abs, terms)?;
	let size = cx.b.reduce_last(ReduceFn::Sum, &sizes)?;
	let log = cx.b.unary(UnaryFn::Log, &size)?;
	let log = cx.b.binary_scalar(BinaryFn::Mul, &log, std::f32::consts::LOG2_E)?;
	let up = cx.b.unary(UnaryFn::Ceil, &log)?;
	// One for the twice, and one for what the logarithm and the sum lose.
	let power = cx.b.binary_scalar(BinaryFn::Add, &up, 2.0)?;
	let power = cx.b.unary(UnaryFn::Exp2, &power)?;
	let large = per_row(&cx.b.binary_scalar(BinaryFn::Mul, &power, 1.5)?)?;
	let fits = cx.b.binary_scalar(BinaryFn::Less, &large, LARGEST)?;
	let shifted = cx.b.binary(BinaryFn::Add, terms, &large)?;
	let high = cx.b.binary(BinaryFn::Sub, &shifted, &large)?;
	let high = cx.b.select(&fits, &high, terms)?;
	let low = cx.b.binary(BinaryFn::Sub, terms, &high)?;
	let low = cx.b.select(&fits, &low, &Value::scalar_f32(0.0))?;
	Ok([high, low])
}

/// The sums of terms `[n, lines, vectors]` over each class' vectors, class after class: `[n, classes · lines]`.
fn of_classes(cx: &mut Cx<'_, '_>, terms: &Value, counts: &[u32]) -> Result<Value> {
	let (n, lines) = (terms.dims[0], terms.dims[1]);
	let (mut parts, mut start) = (Vec::new(), 0);
	for &count in counts {
		let own = cx.b.part(terms, 2, start, count)?;
		parts.push(cx.b.reduce_last(ReduceFn::Sum, &own)?.view(vec![n, lines])?);
		start += count;
	}
	cx.b.concat(&parts, 1)
}

/// How many pairs each class wins: the first of a pair where its score is above 0. Class c is the second of c pairs;
/// of those it wins what the first does not.
fn votes(cx: &mut Cx<'_, '_>, scores: &Value, classes: u32) -> Result<Value> {
	let (n, pairs) = (scores.dims[0], scores.dims[1]);
	cx.b.spend(u64::from(classes) * u64::from(pairs) * 4)?;
	let mut table = vec![0.0; classes as usize * pairs as usize];
	let of_two = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i as usize, j as usize)));
	for (pair, (i, j)) in of_two.enumerate() {
		table[i * pairs as usize + pair] = 1.0;
		table[j * pairs as usize + pair] = -1.0;
	}
	let as_second: Vec<f32> = (0..classes).map(|class| class as f32).collect();
	let above = cx.b.binary_scalar(BinaryFn::Greater, scores, 0.0)?;
	let above = cx.b.cast(&above, DType::F32)?.view(vec![1, n, pairs])?;
	let table = Value::list_f32(&table, vec![1, classes, pairs]);
	let bias = Some((Bias::Column, Value::list_f32(&as_second, vec![classes])));
	cx.b.matmul(above, table, bias, 1)?.view(vec![n, classes])
}
