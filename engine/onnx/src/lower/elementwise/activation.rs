//! Activations, each written out as existing functions of one element.

use assay_referee::{BinaryFn, UnaryFn};

use crate::{
	error::{shown, ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// `x` where it is not negative, else `slope · x`.
pub(crate) fn sloped(cx: &mut Cx<'_, '_>, x: &Value, slope: &Value) -> Result<Value> {
	let scaled = cx.b.binary(BinaryFn::Mul, slope, x)?;
	let positive = cx.b.binary_scalar(BinaryFn::GreaterOrEqual, x, 0.0)?;
	cx.b.select(&positive, x, &scaled)
}

pub(crate) fn leaky_relu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let slope = Value::scalar_f32(cx.float("alpha", 0.01)?);
	sloped(cx, &x, &slope)
}

pub(crate) fn prelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, slope) = (cx.float_input(0)?, cx.float_input(1)?);
	sloped(cx, &x, &slope)
}

pub(crate) fn elu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.0)?;
	scaled_elu(cx, &x, alpha, 1.0)
}

pub(crate) fn selu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (alpha, scale) = (cx.float("alpha", 1.673_263_2)?, cx.float("gamma", 1.050_701)?);
	scaled_elu(cx, &x, alpha, scale)
}

/// `scale · x` above 0, else `scale · alpha · (e^x - 1)`.
pub(crate) fn scaled_elu(cx: &mut Cx<'_, '_>, x: &Value, alpha: f32, scale: f32) -> Result<Value> {
	let e = cx.b.unary(UnaryFn::Exp, x)?;
	let e = cx.b.binary_scalar(BinaryFn::Sub, &e, 1.0)?;
	let e = cx.b.binary_scalar(BinaryFn::Mul, &e, alpha)?;
	let positive = cx.b.binary_scalar(BinaryFn::Greater, x, 0.0)?;
	let y = cx.b.select(&positive, x, &e)?;
	match scale {
		1.0 => Ok(y),
		_ => cx.b.binary_scalar(BinaryFn::Mul, &y, scale),
	}
}

pub(crate) fn softsign(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	softsign_of(cx, &x)
}

/// x / (1 + |x|).
pub(crate) fn softsign_of(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let size = cx.b.unary(UnaryFn::Abs, x)?;
	let below = cx.b.binary_scalar(BinaryFn::Add, &size, 1.0)?;
	cx.b.binary(BinaryFn::Div, x, &below)
}

/// alpha · x + beta, without what changes nothing.
pub(crate) fn line(cx: &mut Cx<'_, '_>, x: &Value, alpha: f32, beta: f32) -> Result<Value> {
	let y = match alpha {
		1.0 => x.clone(),
		_ => cx.b.binary_scalar(BinaryFn::Mul, x, alpha)?,
	};
	match beta {
		0.0 => Ok(y),
		_ => cx.b.binary_scalar(BinaryFn::Add, &y, beta),
	}
}

/// max(0, min(1, alpha · x + beta)).
pub(crate) fn clamped_line(cx: &mut Cx<'_, '_>, x: &Value, alpha: f32, beta: f32) -> Result<Value> {
	let y = cx.b.binary_scalar(BinaryFn::Mul, x, alpha)?;
	let y = cx.b.binary_scalar(BinaryFn::Add, &y, beta)?;
	let y = cx.b.binary_scalar(BinaryFn::Min, &y, 1.0)?;
	cx.b.binary_scalar(BinaryFn::Max, &y, 0.0)
}

pub(crate) fn hard_sigmoid(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (alpha, beta) = (cx.float("alpha", 0.2)?, cx.float("beta", 0.5)?);
	clamped_line(cx, &x, alpha, beta)
}

pub(crate) fn hard_swish(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let y = clamped_line(cx, &x, 1.0 / 6.0, 0.5)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

pub(crate) fn mish(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let y = cx.b.unary(UnaryFn::Softplus, &x)?;
	let y = cx.b.unary(UnaryFn::Tanh, &y)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

/// The first operand by `swish`, times the second.
pub(crate) fn swiglu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (gate, linear) = (swish(cx)?, cx.float_input(1)?);
	if gate.dims != linear.dims {
		return Err(Failure::invalid("its operands have different shapes"));
	}
	cx.b.binary(BinaryFn::Mul, &gate, &linear)
}

pub(crate) fn swish(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.0)?;
	swish_of(cx, &x, alpha)
}

/// x · sigmoid(alpha · x), without an op for 1.
pub(crate) fn swish_of(cx: &mut Cx<'_, '_>, x: &Value, alpha: f32) -> Result<Value> {
	let scaled = match alpha {
		1.0 => x.clone(),
		_ => cx.b.binary_scalar(BinaryFn::Mul, x, alpha)?,
	};
	let y = cx.b.unary(UnaryFn::Sigmoid, &scaled)?;
	cx.b.binary(BinaryFn::Mul, x, &y)
}

pub(crate) fn gelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	match cx.word("approximate", "none")? {
		"none" => gelu_of(cx, &x, false),
		"tanh" => gelu_of(cx, &x, true),
		other => {
			Err(Failure::unsupported(format!("approximate=`{}` is not supported", shown(other))))
		},
	}
}

/// 0.5 · x · (1 + erf(x / √2)), or with tanh(√(2/π) · (x + 0.044715 · x³)) in place of erf.
pub(crate) fn gelu_of(cx: &mut Cx<'_, '_>, x: &Value, tanh: bool) -> Result<Value> {
	let y = if tanh {
		let square = cx.b.binary(BinaryFn::Mul, x, x)?;
		let cube = cx.b.binary(BinaryFn::Mul, &square, x)?;
		let y = cx.b.binary_scalar(BinaryFn::Mul, &cube, 0.044_715)?;
		let y = cx.b.binary(BinaryFn::Add, x, &y)?;
		let y = cx.b.binary_scalar(BinaryFn::Mul, &y, 0.797_884_6)?;
		cx.b.unary(UnaryFn::Tanh, &y)?
	} else {
		let y = cx.b.binary_scalar(BinaryFn::Mul, x, std::f32::consts::FRAC_1_SQRT_2)?;
		cx.b.unary(UnaryFn::Erf, &y)?
	};
	let y = cx.b.binary_scalar(BinaryFn::Add, &y, 1.0)?;
	let half = cx.b.binary_scalar(BinaryFn::Mul, x, 0.5)?;
	cx.b.binary(BinaryFn::Mul, &half, &y)
}

/// The Gelu of the input, plus the second one where there is one.
pub(crate) fn biased_gelu(cx: &mut Cx<'_, '_>, tanh: bool) -> Result<Value> {
	let x = biased(cx)?;
	gelu_of(cx, &x, tanh)
}

/// The input, plus the second one where there is one.
fn biased(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	match cx.optional(1) {
		Some(bias) => cx.b.binary(BinaryFn::Add, &x, &bias),
		None => Ok(x),
	}
}

/// x · sigmoid(alpha · x).
pub(crate) fn quick_gelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.702)?;
	let y = cx.b.binary_scalar(BinaryFn::Mul, &x, alpha)?;
	let y = cx.b.unary(UnaryFn::Sigmoid, &y)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

/// max(0, x) + min(0, alpha · (e^(x / alpha) - 1)).
pub(crate) fn celu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.0)?;
	let scaled = cx.b.binary_scalar(BinaryFn::Div, &x, alpha)?;
	let e = cx.b.unary(UnaryFn::Exp, &scaled)?;
	let e = cx.b.binary_scalar(BinaryFn::Sub, &e, 1.0)?;
	let e = cx.b.binary_scalar(BinaryFn::Mul, &e, alpha)?;
	let low = cx.b.binary_scalar(BinaryFn::Min, &e, 0.0)?;
	let high = cx.b.unary(UnaryFn::Relu, &x)?;
	cx.b.binary(BinaryFn::Add, &high, &low)
}

/// x + bias below -lambd, x - bias above lambd, 0 between.
pub(crate) fn shrink(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (bias, limit) = (cx.float("bias", 0.0)?, cx.float("lambd", 0.5)?);
	let below = cx.b.binary_scalar(BinaryFn::Less, &x, -limit)?;
	let above = cx.b.binary_scalar(BinaryFn::Greater, &x, limit)?;
	let lower = cx.b.binary_scalar(BinaryFn::Add, &x, bias)?;
	let upper = cx.b.binary_scalar(BinaryFn::Sub, &x, bias)?;
	let rest = cx.b.select(&above, &upper, &Value::scalar_f32(0.0))?;
	cx.b.select(&below, &lower, &rest)
}

/// x above alpha, else 0.
pub(crate) fn thresholded_relu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	above(cx, &x, cx.float("alpha", 1.0)?)
}

/// `x` where it is above `alpha`, else 0.
pub(crate) fn above(cx: &mut Cx<'_, '_>, x: &Value, alpha: f32) -> Result<Value> {
	let above = cx.b.binary_scalar(BinaryFn::Greater, x, alpha)?;
	cx.b.select(&above, x, &Value::scalar_f32(0.0))
}

/// The activation that the fused operators name, with its parameters.
pub(crate) fn named(cx: &mut Cx<'_, '_>, x: Value) -> Result<Value> {
	let parameters = cx.floats("activation_params").unwrap_or_default().to_vec();
	let parameter = |cx: &Cx<'_, '_>, i: usize, name: &str, default: f32| -> Result<f32> {
		match parameters.get(i) {
			Some(x) if x.is_nan() => Err(Failure::invalid("a parameter of its activation is NaN")),
			Some(&x) => Ok(x),
			None if name.is_empty() => Ok(default),
			None => cx.float(name, default),
		}
	};
	match cx.word("activation", "")? {
		"" => Ok(x),
		"Relu" => cx.b.unary(UnaryFn::Relu, &x),
		"Sigmoid" => cx.b.unary(UnaryFn::Sigmoid, &x),
		"Tanh" => cx.b.unary(UnaryFn::Tanh, &x),
		"LeakyRelu" => {
			let slope = parameter(cx, 0, "activation_alpha", 0.01)?;
			sloped(cx, &x, &Value::scalar_f32(slope))
		},
		"Clip" => {
			let low = parameter(cx, 0, "", f32::NEG_INFINITY)?;
			let high = parameter(cx, 1, "", f32::INFINITY)?;
			let x = cx.b.binary_scalar(BinaryFn::Max, &x, low)?;
			cx.b.binary_scalar(BinaryFn::Min, &x, high)
		},
		"HardSigmoid" => {
			let alpha = parameter(cx, 0, "activation_alpha", 0.2)?;
			let beta = parameter(cx, 1, "activation_beta", 0.5)?;
			clamped_line(cx, &x, alpha, beta)
		},
		other => Err(Failure::new(
			ErrorKind::Unsupported,
			format!("its activation `{}` is not supported", shown(other)),
		)),
	}
}
