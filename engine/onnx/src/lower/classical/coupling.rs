//! Probabilities of classes from those of pairs of classes, by the iteration of Wu, Lin and Weng ("Probability
//! Estimates for Multi-class Classification by Pairwise Coupling", 2004, algorithm 2), as libsvm and onnxruntime have
//! it: with the first value that satisfies their rough condition, not with the limit.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{reduction::reduce::per_row, Cx},
};

/// Passes over all classes. Of almost eight million random tables of 2 to 26 classes, extreme ones among them, none
/// took more than four; rows that would take more than these become NaN.
const PASSES: usize = 6;

/// Most classes: six passes over 26 are 1,087 ops, and a program has 1,024 at most.
const MOST_CLASSES: u32 = 20;

/// What is left to go, times the number of classes, where the iteration ends.
const LEFT: f32 = 0.005;

/// How far a pair's probability keeps from 0 and 1.
const MARGIN: f32 = 1e-7;

/// Probabilities `[n, classes]` from the scores of pairs `[n, pairs]`: a pair's first class has σ(-(a · score + b)).
pub(super) fn probabilities(
	cx: &mut Cx<'_, '_>,
	scores: &Value,
	classes: u32,
	a: &[f32],
	b: &[f32],
) -> Result<Value> {
	if classes > MOST_CLASSES {
		return Err(Failure::unsupported(format!(
			"probabilities of {classes} classes by pairwise coupling, the most is {MOST_CLASSES}"
		))
		.help("leave the probabilities out with --outputs, or export the model without them"));
	}
	let first = of_pairs(cx, scores, a, b)?;
	let mut state = State::new(cx, &first, classes)?;
	let mut found: Option<(Value, Value)> = None;
	let limit = LEFT / classes as f32;
	for pass in 0..=PASSES {
		let error = state.restart(cx)?;
		let done = per_row(&cx.b.binary_scalar(BinaryFn::Less, &error, limit)?)?;
		found = Some(match found {
			None => (done, state.p.clone()),
			Some((before, kept)) => {
				let kept = cx.b.select(&before, &kept, &state.p)?;
				(cx.b.binary(BinaryFn::Or, &before, &done)?, kept)
			},
		});
		if pass < PASSES {
			state.pass(cx)?;
		}
	}
	let (done, p) = found.ok_or_else(|| Failure::invalid("no pass"))?;
	// 0, or NaN where the iteration has not ended: no constant may be NaN.
	let sign = cx.b.select(&done, &Value::scalar_f32(1.0), &Value::scalar_f32(-1.0))?;
	let mark = cx.b.unary(UnaryFn::Log, &sign)?;
	cx.b.binary(BinaryFn::Add, &p, &mark)
}

/// The probability of the first class of every pair.
fn of_pairs(cx: &mut Cx<'_, '_>, scores: &Value, a: &[f32], b: &[f32]) -> Result<Value> {
	let line = |list: &[f32]| Value::list_f32(list, vec![list.len() as u32]);
	let scaled = cx.b.binary(BinaryFn::Mul, scores, &line(a))?;
	let value = cx.b.binary(BinaryFn::Add, &scaled, &line(b))?;
	let opposite = cx.b.unary(UnaryFn::Neg, &value)?;
	// Not 1 - σ(value), of which small probabilities would have few digits.
	let first = cx.b.unary(UnaryFn::Sigmoid, &opposite)?;
	let first = cx.b.binary_scalar(BinaryFn::Max, &first, MARGIN)?;
	cx.b.binary_scalar(BinaryFn::Min, &first, 1.0 - MARGIN)
}

/// The iteration for all rows at once.
struct State {
	/// The symmetric matrix Q, `[n, classes, classes]`.
	q: Value,
	/// Its rows `[n, classes]` and its diagonal, each `[n, 1]`.
	lines: Vec<Value>,
	diagonal: Vec<Value>,
	/// Probabilities `[n, classes]`.
	p: Value,
	/// Q · p `[n, classes]` and pᵀ · Q · p `[n, 1]`.
	qp: Value,
	pqp: Value,
}

impl State {
	/// Where the iteration starts. With r the probability of i against j, `Q[i][i] = Σ r[j][i]²` and
	/// `Q[i][j] = -r[j][i] · r[i][j]`.
	fn new(cx: &mut Cx<'_, '_>, first: &Value, classes: u32) -> Result<State> {
		let (n, pairs) = (first.dims[0], first.dims[1]);
		let all = classes as usize;
		let second = cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), first)?;
		cx.b.spend(u64::from(n) * 4 + (all * all) as u64 * 12)?;
		let nothing = Value::list_f32(&vec![0.0; n as usize], vec![n, 1]);
		let known = cx.b.concat(&[first.clone(), second, nothing], 1)?;
		// Where in that list each pair of classes is.
		let mut places = vec![2 * i64::from(pairs); all * all];
		let of_two = (0..all).flat_map(|i| (i + 1..all).map(move |j| (i, j)));
		for (pair, (i, j)) in (0i64..).zip(of_two) {
			places[i * all + j] = pair;
			places[j * all + i] = i64::from(pairs) + pair;
		}
		let dims = vec![n, classes * classes];
		let operands = vec![known, Value::list_i64(&places)];
		let r = cx.b.push(OpKind::Gather { axis: 1 }, DType::F32, dims, operands)?;
		let r = r.view(vec![n, classes, classes])?;
		let turned = cx.b.transpose(&r, &[0, 2, 1])?;
		let products = cx.b.binary(BinaryFn::Mul, &turned, &r)?;
		let squares = cx.b.binary(BinaryFn::Mul, &turned, &turned)?;
		let sums = cx.b.reduce_last(ReduceFn::Sum, &squares)?;
		let mut is_diagonal = vec![0; all * all];
		(0..all).for_each(|i| is_diagonal[i * all + i] = 1);
		let is_diagonal = Value::constant(DType::Bool, vec![1, classes, classes], is_diagonal);
		let apart = cx.b.unary(UnaryFn::Neg, &products)?;
		let q = cx.b.select(&is_diagonal, &per_row(&sums)?, &apart)?;
		let p = Value::list_f32(&vec![1.0 / classes as f32; n as usize * all], vec![n, classes]);
		let (mut lines, mut diagonal) = (Vec::new(), Vec::new());
		for i in 0..classes {
			lines.push(cx.b.part(&q, 1, i, 1)?.view(vec![n, classes])?);
			diagonal.push(cx.b.part(&sums, 1, i, 1)?);
		}
		Ok(State { qp: p.clone(), pqp: p.clone(), q, lines, diagonal, p })
	}

	/// Computes Q · p and pᵀ · Q · p anew, and how far the first is from the second at most: `[n]`.
	fn restart(&mut self, cx: &mut Cx<'_, '_>) -> Result<Value> {
		let (n, classes) = (self.p.dims[0], self.p.dims[1]);
		let p = self.p.view(vec![n, 1, classes])?;
		let terms = cx.b.binary(BinaryFn::Mul, &self.q, &p)?;
		self.qp = cx.b.reduce_last(ReduceFn::Sum, &terms)?;
		let terms = cx.b.binary(BinaryFn::Mul, &self.p, &self.qp)?;
		self.pqp = per_row(&cx.b.reduce_last(ReduceFn::Sum, &terms)?)?;
		let apart = cx.b.binary(BinaryFn::Sub, &self.qp, &self.pqp)?;
		let apart = cx.b.unary(UnaryFn::Abs, &apart)?;
		cx.b.reduce_last(ReduceFn::Max, &apart)
	}

	/// Moves one probability after another, and divides all by their sum at the end: what the iteration divides by
	/// after every step cancels, since every step depends on ratios alone.
	fn pass(&mut self, cx: &mut Cx<'_, '_>) -> Result<()> {
		let mut sum = Value::scalar_f32(1.0);
		let mut moved = Vec::new();
		for i in 0..self.p.dims[1] {
			let at = i as usize;
			let own = cx.b.part(&self.qp, 1, i, 1)?;
			let mean = cx.b.binary(BinaryFn::Div, &self.pqp, &sum)?;
			let step = cx.b.binary(BinaryFn::Sub, &mean, &own)?;
			let step = cx.b.binary(BinaryFn::Div, &step, &self.diagonal[at])?;
			let p = cx.b.part(&self.p, 1, i, 1)?;
			moved.push(cx.b.binary(BinaryFn::Add, &p, &step)?);
			// step · Q[i][i] + 2 · (Q · p)[i]
			let slope = cx.b.binary(BinaryFn::Add, &mean, &own)?;
			let gain = cx.b.binary(BinaryFn::Mul, &step, &slope)?;
			self.pqp = cx.b.binary(BinaryFn::Add, &self.pqp, &gain)?;
			let change = cx.b.binary(BinaryFn::Mul, &self.lines[at], &step)?;
			self.qp = cx.b.binary(BinaryFn::Add, &self.qp, &change)?;
			sum = cx.b.binary(BinaryFn::Add, &sum, &step)?;
		}
		let moved = cx.b.concat(&moved, 1)?;
		self.p = cx.b.binary(BinaryFn::Div, &moved, &sum)?;
		Ok(())
	}
}
