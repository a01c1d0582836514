//! Steps of optimizers, as the specification writes them out.

use assay_referee::{BinaryFn, DType, UnaryFn};

use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// One step: from the rate, the count of updates and the tensors of one parameter to its new ones.
type Step = fn(&mut Cx<'_, '_>, &Value, &Value, &[Value]) -> Result<Vec<Value>>;

/// The inputs after rate and count are `kinds` lists of as many tensors as there are parameters;
/// so are the outputs, without the gradients.
fn steps(cx: &mut Cx<'_, '_>, kinds: usize, step: Step) -> Result<Vec<Value>> {
	let inputs = cx.all_inputs()?;
	let Some(([rate, count], tensors)) = inputs.split_first_chunk::<2>() else {
		return Err(Failure::invalid("it has no rate and count"));
	};
	let parameters = tensors.len() / kinds;
	let fits = parameters > 0 && tensors.len() % kinds == 0;
	if !fits || tensors.iter().chain([rate]).any(|tensor| tensor.dtype != DType::F32) {
		return Err(Failure::invalid("its inputs are not lists of float32 tensors of one length"));
	}
	let mut outputs = Vec::new();
	for i in 0..parameters {
		let own: Vec<Value> = tensors.iter().skip(i).step_by(parameters).cloned().collect();
		if own.iter().any(|tensor| tensor.dims != own[0].dims) {
			return Err(Failure::invalid("the tensors of a parameter differ in shape"));
		}
		outputs.push(step(cx, rate, count, &own)?);
	}
	let kinds = outputs.first().map_or(0, Vec::len);
	Ok((0..kinds).flat_map(|kind| outputs.iter().map(move |new| new[kind].clone())).collect())
}

/// The gradient with that of the regularisation term.
fn regularized(cx: &mut Cx<'_, '_>, x: &Value, gradient: &Value) -> Result<Value> {
	let term = cx.b.binary_scalar(BinaryFn::Mul, x, cx.float("norm_coefficient", 0.0)?)?;
	cx.b.binary(BinaryFn::Add, &term, gradient)
}

/// `a · x + b · y`.
fn mixed(cx: &mut Cx<'_, '_>, (a, x): (f32, &Value), (b, y): (&Value, &Value)) -> Result<Value> {
	let first = cx.b.binary_scalar(BinaryFn::Mul, x, a)?;
	let second = cx.b.binary(BinaryFn::Mul, y, b)?;
	cx.b.binary(BinaryFn::Add, &first, &second)
}

/// Square root plus epsilon.
fn scale(cx: &mut Cx<'_, '_>, squares: &Value, epsilon: f32) -> Result<Value> {
	let root = cx.b.unary(UnaryFn::Sqrt, squares)?;
	cx.b.binary_scalar(BinaryFn::Add, &root, epsilon)
}

/// `x - rate · direction`.
fn moved(cx: &mut Cx<'_, '_>, x: &Value, rate: &Value, direction: &Value) -> Result<Value> {
	let step = cx.b.binary(BinaryFn::Mul, direction, rate)?;
	cx.b.binary(BinaryFn::Sub, x, &step)
}

fn adagrad_step(
	cx: &mut Cx<'_, '_>,
	rate: &Value,
	count: &Value,
	own: &[Value],
) -> Result<Vec<Value>> {
	let [x, gradient, squares] = own else { return Err(Failure::invalid("a tensor is missing")) };
	let count = cx.b.cast(count, DType::F32)?;
	let decay = cx.b.binary_scalar(BinaryFn::Mul, &count, cx.float("decay_factor", 0.0)?)?;
	let decay = cx.b.binary_scalar(BinaryFn::Add, &decay, 1.0)?;
	let rate = cx.b.binary(BinaryFn::Div, rate, &decay)?;
	let gradient = regularized(cx, x, gradient)?;
	let square = cx.b.binary(BinaryFn::Mul, &gradient, &gradient)?;
	let squares = cx.b.binary(BinaryFn::Add, squares, &square)?;
	let below = scale(cx, &squares, cx.float("epsilon", 1e-6)?)?;
	let direction = cx.b.binary(BinaryFn::Div, &gradient, &below)?;
	Ok(vec![moved(cx, x, &rate, &direction)?, squares])
}

/// `√(1 - beta^count) / (1 - alpha^count)` after the first update, else 1.
fn correction(cx: &mut Cx<'_, '_>, count: &Value, alpha: f32, beta: f32) -> Result<Value> {
	let float = cx.b.cast(count, DType::F32)?;
	let mut rest = |base: f32| -> Result<Value> {
		let power = cx.b.binary(BinaryFn::Pow, &Value::scalar_f32(base), &float)?;
		cx.b.binary(BinaryFn::Sub, &Value::scalar_f32(1.0), &power)
	};
	let (first, second) = (rest(alpha)?, rest(beta)?);
	let root = cx.b.unary(UnaryFn::Sqrt, &second)?;
	let factor = cx.b.binary(BinaryFn::Div, &root, &first)?;
	let later = cx.b.binary_scalar(BinaryFn::Greater, &float, 0.0)?;
	cx.b.select(&later, &factor, &Value::scalar_f32(1.0))
}

fn adam_step(
	cx: &mut Cx<'_, '_>,
	rate: &Value,
	count: &Value,
	own: &[Value],
) -> Result<Vec<Value>> {
	let [x, gradient, first, second] = own else {
		return Err(Failure::invalid("a tensor is missing"));
	};
	let (alpha, beta) = (cx.float("alpha", 0.9)?, cx.float("beta", 0.999)?);
	let gradient = regularized(cx, x, gradient)?;
	let first = mixed(cx, (alpha, first), (&Value::scalar_f32(1.0 - alpha), &gradient))?;
	let square = cx.b.binary(BinaryFn::Mul, &gradient, &gradient)?;
	let second = mixed(cx, (beta, second), (&Value::scalar_f32(1.0 - beta), &square))?;
	let factor = correction(cx, count, alpha, beta)?;
	let rate = cx.b.binary(BinaryFn::Mul, rate, &factor)?;
	let below = scale(cx, &second, cx.float("epsilon", 1e-6)?)?;
	let direction = cx.b.binary(BinaryFn::Div, &first, &below)?;
	let mut x = moved(cx, x, &rate, &direction)?;
	let post = cx.float("norm_coefficient_post", 0.0)?;
	if post != 0.0 {
		x = cx.b.binary_scalar(BinaryFn::Mul, &x, 1.0 - post)?;
	}
	Ok(vec![x, first, second])
}

fn momentum_step(
	cx: &mut Cx<'_, '_>,
	rate: &Value,
	count: &Value,
	own: &[Value],
) -> Result<Vec<Value>> {
	let [x, gradient, velocity] = own else { return Err(Failure::invalid("a tensor is missing")) };
	let (alpha, beta) = (cx.float("alpha", 0.0)?, cx.float("beta", 0.0)?);
	let gradient = regularized(cx, x, gradient)?;
	// The first gradient counts in full.
	let float = cx.b.cast(count, DType::F32)?;
	let later = cx.b.binary_scalar(BinaryFn::Greater, &float, 0.0)?;
	let beta = cx.b.select(&later, &Value::scalar_f32(beta), &Value::scalar_f32(1.0))?;
	let velocity = mixed(cx, (alpha, velocity), (&beta, &gradient))?;
	let direction = match cx.word("mode", "standard")? {
		"nesterov" => {
			let ahead = cx.b.binary_scalar(BinaryFn::Mul, &velocity, alpha)?;
			cx.b.binary(BinaryFn::Add, &gradient, &ahead)?
		},
		"standard" => velocity.clone(),
		_ => return Err(Failure::invalid("its mode is neither standard nor nesterov")),
	};
	Ok(vec![moved(cx, x, rate, &direction)?, velocity])
}

pub(crate) fn adagrad(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	steps(cx, 3, adagrad_step)
}

pub(crate) fn adam(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	steps(cx, 4, adam_step)
}

pub(crate) fn momentum(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	steps(cx, 3, momentum_step)
}
