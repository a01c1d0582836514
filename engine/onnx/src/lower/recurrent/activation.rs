//! The activation functions of recurrent layers, with their parameters.

use assay_referee::UnaryFn;

use super::Kind;
use crate::{
	error::{shown, Failure, Result},
	ir::Value,
	lower::{elementwise::activation as function, Cx},
};

/// A function of one gate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Activation {
	Sigmoid,
	Tanh,
	Relu,
	Softsign,
	Softplus,
	/// max(0, min(1, alpha · x + beta)).
	HardSigmoid(f32, f32),
	LeakyRelu(f32),
	Elu(f32),
	/// x above alpha, else 0.
	ThresholdedRelu(f32),
	/// alpha · tanh(beta · x).
	ScaledTanh(f32, f32),
	/// alpha · x + beta.
	Affine(f32, f32),
}

/// The parameters of a node's functions, which take them in their order, those that have some.
struct Parameters<'a> {
	alphas: std::slice::Iter<'a, f32>,
	betas: std::slice::Iter<'a, f32>,
}

impl Parameters<'_> {
	fn alpha(&mut self, default: Option<f32>) -> Result<f32> {
		next(&mut self.alphas, default, "activation_alpha")
	}

	fn beta(&mut self, default: Option<f32>) -> Result<f32> {
		next(&mut self.betas, default, "activation_beta")
	}
}

fn next(list: &mut std::slice::Iter<'_, f32>, default: Option<f32>, name: &str) -> Result<f32> {
	let value = list.next().copied().or(default);
	let value = value.ok_or_else(|| Failure::invalid(format!("its {name} has too few values")))?;
	if value.is_nan() {
		Err(Failure::invalid(format!("its {name} has a NaN")))
	} else {
		Ok(value)
	}
}

impl Activation {
	fn of(name: &str, parameters: &mut Parameters<'_>) -> Result<Activation> {
		Ok(match name.to_ascii_lowercase().as_str() {
			"sigmoid" => Activation::Sigmoid,
			"tanh" => Activation::Tanh,
			"relu" => Activation::Relu,
			"softsign" => Activation::Softsign,
			"softplus" => Activation::Softplus,
			"hardsigmoid" => {
				Activation::HardSigmoid(parameters.alpha(Some(0.2))?, parameters.beta(Some(0.5))?)
			},
			"leakyrelu" => Activation::LeakyRelu(parameters.alpha(Some(0.01))?),
			"elu" => Activation::Elu(parameters.alpha(Some(1.0))?),
			"thresholdedrelu" => Activation::ThresholdedRelu(parameters.alpha(Some(1.0))?),
			"scaledtanh" => Activation::ScaledTanh(parameters.alpha(None)?, parameters.beta(None)?),
			"affine" => Activation::Affine(parameters.alpha(None)?, parameters.beta(None)?),
			_ => return Err(Failure::invalid(format!("activation `{}`", shown(name)))),
		})
	}

	pub(super) fn apply(self, cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
		match self {
			Activation::Sigmoid => cx.b.unary(UnaryFn::Sigmoid, x),
			Activation::Tanh => cx.b.unary(UnaryFn::Tanh, x),
			Activation::Relu => cx.b.unary(UnaryFn::Relu, x),
			Activation::Softplus => cx.b.unary(UnaryFn::Softplus, x),
			Activation::Softsign => function::softsign_of(cx, x),
			Activation::HardSigmoid(alpha, beta) => function::clamped_line(cx, x, alpha, beta),
			Activation::LeakyRelu(alpha) => function::sloped(cx, x, &Value::scalar_f32(alpha)),
			Activation::Elu(alpha) => function::scaled_elu(cx, x, alpha, 1.0),
			Activation::ThresholdedRelu(alpha) => function::above(cx, x, alpha),
			Activation::ScaledTanh(alpha, beta) => {
				let y = function::line(cx, x, beta, 0.0)?;
				let y = cx.b.unary(UnaryFn::Tanh, &y)?;
				function::line(cx, &y, alpha, 0.0)
			},
			Activation::Affine(alpha, beta) => function::line(cx, x, alpha, beta),
		}
	}
}

/// The activation functions of all directions.
pub(super) fn activations(cx: &Cx<'_, '_>, kind: Kind, directions: u32) -> Result<Vec<Activation>> {
	let default = kind.activations();
	let names = match cx.words("activations")? {
		Some(words) if !words.is_empty() => words,
		_ => return Ok(default.repeat(directions as usize)),
	};
	if names.len() != default.len() * directions as usize {
		return Err(Failure::invalid(format!("{} activations", names.len())));
	}
	let mut parameters = Parameters {
		alphas: cx.floats("activation_alpha").unwrap_or_default().iter(),
		betas: cx.floats("activation_beta").unwrap_or_default().iter(),
	};
	names.iter().map(|name| Activation::of(name, &mut parameters)).collect()
}
