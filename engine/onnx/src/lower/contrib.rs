//! Operators of the domain `com.microsoft`, which onnxruntime's exporters, optimizers and
//! quantizers write, and the normalisations of newer operator sets.

use assay_referee::{BinaryFn, ReduceFn, UnaryFn};

use super::{
	elementwise, matmul, nbits, norm, one, qlinear, reduce, rotary, standard, transformer, Cx,
};
use crate::{
	dims::{axis, product},
	error::{shown, ErrorKind, Failure, Result},
	ir::Value,
};

/// Operators of the standard domain that live here.
pub(super) fn lower_standard(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	match op_type {
		"Attention" => Some(super::attention::attention(cx)),
		"RotaryEmbedding" => one(rotary::standard(cx)),
		"RMSNormalization" => one(rms_norm(cx)),
		// onnxruntime has this one in the standard domain.
		"SimplifiedLayerNormalization" => one(rms_norm(cx)),
		_ => None,
	}
}

/// Operators of `com.microsoft`.
pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	match op_type {
		"Attention" => return Some(transformer::attention(cx)),
		"QAttention" => return Some(transformer::quantized_attention(cx)),
		"MultiHeadAttention" => return Some(transformer::multi_head(cx)),
		"GroupQueryAttention" => return Some(transformer::group_query(cx)),
		"EmbedLayerNormalization" => return Some(transformer::embed_layer_norm(cx)),
		"SkipLayerNormalization" => return Some(skip_layer_norm(cx)),
		"SkipSimplifiedLayerNormalization" => return Some(skip_rms_norm(cx)),
		_ => {},
	}
	if let Some(lowered) = qlinear::lower(cx, op_type) {
		return Some(lowered);
	}
	one(match op_type {
		"MatMulNBits" => nbits::matmul(cx),
		"RotaryEmbedding" => rotary::contrib(cx),
		"SimplifiedLayerNormalization" => rms_norm(cx),
		"Gelu" => biased(cx).and_then(|x| elementwise::gelu_of(cx, &x, false)),
		"BiasGelu" => biased(cx).and_then(|x| elementwise::gelu_of(cx, &x, false)),
		"FastGelu" => biased(cx).and_then(|x| elementwise::gelu_of(cx, &x, true)),
		"QuickGelu" => quick_gelu(cx),
		"FusedMatMul" => matmul::fused_matmul(cx),
		"FusedGemm" => standard_one(cx, "Gemm").and_then(|y| activation(cx, y)),
		"FusedConv" => fused_conv(cx),
		_ => return None,
	})
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
fn quick_gelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.702)?;
	let y = cx.b.binary_scalar(BinaryFn::Mul, &x, alpha)?;
	let y = cx.b.unary(UnaryFn::Sigmoid, &y)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

/// x / √(mean(x²) + ε) over the axes from `at` on.
fn by_root_mean_square(cx: &mut Cx<'_, '_>, x: &Value, at: usize, epsilon: f32) -> Result<Value> {
	let (outer, inner) = (product(&x.dims[..at]), product(&x.dims[at..]));
	let rows = x.view(vec![outer as u32, inner as u32])?;
	let square = cx.b.binary(BinaryFn::Mul, &rows, &rows)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &square)?;
	let mean = reduce::mean(cx, &sum, inner)?;
	let mean = cx.b.binary_scalar(BinaryFn::Add, &mean, epsilon)?;
	let root = cx.b.unary(UnaryFn::Sqrt, &mean)?;
	cx.b.binary(BinaryFn::Div, &rows, &reduce::per_row(&root)?)?.view(x.dims.clone())
}

fn rms_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
	cx.refuse_output(1, "the inverse root")?;
	let at = axis(cx.int("axis", -1), x.rank())?;
	let epsilon = cx.float("epsilon", 1e-5)?;
	let y = by_root_mean_square(cx, &x, at, epsilon)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	if y.dims == x.dims {
		Ok(y)
	} else {
		Err(Failure::invalid("its scale is larger than its input"))
	}
}

/// Layer normalisation of the last axis.
pub(super) fn layer_norm(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	scale: &Value,
	bias: Option<&Value>,
	epsilon: f32,
) -> Result<Value> {
	let (_, shifted, deviation) = norm::centred(cx, x, epsilon)?;
	let y = cx.b.binary(BinaryFn::Div, &shifted, &deviation)?;
	let mut y = cx.b.binary(BinaryFn::Mul, &y, scale)?;
	if let Some(bias) = bias {
		y = cx.b.binary(BinaryFn::Add, &y, bias)?;
	}
	if y.dims == x.dims {
		Ok(y)
	} else {
		Err(Failure::invalid("its scale or bias is larger than its input"))
	}
}

/// input + skip, and the bias at `i` where there is one.
fn skipped(cx: &mut Cx<'_, '_>, i: usize) -> Result<Value> {
	let (x, skip) = (cx.float_input(0)?, cx.float_input(1)?);
	let sum = cx.b.binary(BinaryFn::Add, &x, &skip)?;
	let sum = match cx.optional(i) {
		Some(bias) => cx.b.binary(BinaryFn::Add, &sum, &bias)?,
		None => sum,
	};
	if sum.dims == x.dims {
		Ok(sum)
	} else {
		Err(Failure::invalid("its skip or bias is larger than its input"))
	}
}

/// The result, two outputs that inference has no use for, and the sum that was normalised.
fn with_sum(cx: &mut Cx<'_, '_>, y: Value, sum: Value) -> Result<Vec<Value>> {
	cx.refuse_output(1, "the mean")?;
	cx.refuse_output(2, "the inverse deviation")?;
	Ok(vec![y.clone(), y.clone(), y, sum])
}

fn skip_layer_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let sum = skipped(cx, 4)?;
	let scale = cx.float_input(2)?;
	let bias = cx.optional(3);
	let epsilon = cx.float("epsilon", 1e-12)?;
	let y = layer_norm(cx, &sum, &scale, bias.as_ref(), epsilon)?;
	with_sum(cx, y, sum)
}

fn skip_rms_norm(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let sum = skipped(cx, 3)?;
	let scale = cx.float_input(2)?;
	let epsilon = cx.float("epsilon", 1e-12)?;
	let last = axis(-1, sum.rank())?;
	let y = by_root_mean_square(cx, &sum, last, epsilon)?;
	let y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	with_sum(cx, y, sum)
}

/// Convolution, then the fourth input added, then the activation.
fn fused_conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut y = standard_one(cx, "Conv")?;
	if let Some(other) = cx.optional(3) {
		y = cx.b.binary(BinaryFn::Add, &y, &other)?;
	}
	activation(cx, y)
}

/// The first result of the standard operator `op_type` on the same inputs.
pub(super) fn standard_one(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let values = standard(cx, op_type)?;
	values.into_iter().next().ok_or_else(|| Failure::invalid("it gives nothing"))
}

/// The activation that the fused operators name, with its parameters.
fn activation(cx: &mut Cx<'_, '_>, x: Value) -> Result<Value> {
	let parameters = cx.floats("activation_params").unwrap_or_default().to_vec();
	let parameter = |cx: &Cx<'_, '_>, i: usize, name: &str, default: f32| -> Result<f32> {
		match parameters.get(i) {
			Some(x) if x.is_nan() => Err(Failure::invalid("a parameter of its activation is NaN")),
			Some(&x) => Ok(x),
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
			elementwise::sloped(cx, &x, &Value::scalar_f32(slope))
		},
		"Clip" => {
			let low = parameter(cx, 0, "activation_min", f32::NEG_INFINITY)?;
			let high = parameter(cx, 1, "activation_max", f32::INFINITY)?;
			let x = cx.b.binary_scalar(BinaryFn::Max, &x, low)?;
			cx.b.binary_scalar(BinaryFn::Min, &x, high)
		},
		"HardSigmoid" => {
			let alpha = parameter(cx, 0, "activation_alpha", 0.2)?;
			let beta = parameter(cx, 1, "activation_beta", 0.5)?;
			let y = cx.b.binary_scalar(BinaryFn::Mul, &x, alpha)?;
			let y = cx.b.binary_scalar(BinaryFn::Add, &y, beta)?;
			let y = cx.b.binary_scalar(BinaryFn::Min, &y, 1.0)?;
			cx.b.binary_scalar(BinaryFn::Max, &y, 0.0)
		},
		other => Err(Failure::new(
			ErrorKind::Unsupported,
			format!("its activation `{}` is not supported", shown(other)),
		)),
	}
}
