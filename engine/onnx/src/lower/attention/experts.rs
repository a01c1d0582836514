//! `MoE` and `QMoE`: of several feed-forward networks, those that a router prefers for each row.
//!
//! Which experts a row takes depends on the input, so all are computed for every row; the others' results are
//! dropped. A row's weights are its router's softmax at the experts it takes, divided by their sum where that is asked
//! for.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn, ScatterFn, UnaryFn};

use crate::{
	dims::{from_list, product},
	error::{shown, Failure, Result},
	ir::Value,
	lower::{
		elementwise::activation::{gelu_of, swish_of},
		movement::{index::gather_elements, ranges::part},
		quantization::packed::code,
		reduction::{reduce::per_row, softmax},
		Cx,
	},
};

/// The networks, each `[experts, rows of weights, columns]`, and their biases `[experts, rows]`.
struct Experts {
	up: Value,
	up_bias: Option<Value>,
	down: Value,
	down_bias: Option<Value>,
}

/// What stands between the two products.
enum Activation {
	Relu,
	Gelu,
	Silu,
	Identity,
	/// Of pairs of a gate and a value beside each other.
	Swiglu {
		alpha: f32,
		beta: f32,
		limit: Option<f32>,
	},
}

impl Activation {
	fn of(cx: &Cx<'_, '_>) -> Result<Activation> {
		match cx.word("activation_type", "relu")? {
			"relu" => Ok(Activation::Relu),
			"gelu" => Ok(Activation::Gelu),
			"silu" => Ok(Activation::Silu),
			"identity" => Ok(Activation::Identity),
			"swiglu" if cx.int("swiglu_fusion", 0) == 1 => Ok(Activation::Swiglu {
				alpha: cx.float("activation_alpha", 1.0)?,
				beta: cx.float("activation_beta", 0.0)?,
				limit: if cx.has("swiglu_limit") {
					Some(cx.float("swiglu_limit", f32::MAX)?)
				} else {
					None
				},
			}),
			"swiglu" => Err(Failure::unsupported("swiglu other than with swiglu_fusion=1")),
			other => Err(Failure::unsupported(format!("activation_type `{}`", shown(other)))),
		}
	}

	/// Of `[experts, rows, columns]`.
	fn apply(&self, cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
		match *self {
			Activation::Relu => cx.b.unary(UnaryFn::Relu, x),
			Activation::Gelu => gelu_of(cx, x, true),
			Activation::Silu => swish_of(cx, x, 1.0),
			Activation::Identity => Ok(x.clone()),
			Activation::Swiglu { alpha, beta, limit } => {
				let half = x.dims[2] / 2;
				if !x.dims[2].is_multiple_of(2) {
					return Err(Failure::invalid("gates and values are not as many"));
				}
				let mut gate = part(cx, x, 2, (0, 2, half))?;
				let mut value = part(cx, x, 2, (1, 2, half))?;
				if let Some(limit) = limit {
					gate = cx.b.binary_scalar(BinaryFn::Min, &gate, limit)?;
					value = cx.b.binary_scalar(BinaryFn::Max, &value, -limit)?;
					value = cx.b.binary_scalar(BinaryFn::Min, &value, limit)?;
				}
				let gate = swish_of(cx, &gate, alpha)?;
				let value = match beta {
					0.0 => value,
					beta => cx.b.binary_scalar(BinaryFn::Add, &value, beta)?,
				};
				cx.b.binary(BinaryFn::Mul, &gate, &value)
			},
		}
	}
}

/// `MoE`: weights as they are.
pub(crate) fn mixture(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let experts = Experts {
		up: cx.float_input(2)?,
		up_bias: cx.optional(3),
		down: cx.float_input(4)?,
		down_bias: cx.optional(5),
	};
	let normalizes = cx.flag("normalize_routing_weights");
	mixed(cx, &experts, normalizes)
}

/// `QMoE`: weights of 4 or 8 bits with a scale for each row, or for each block of one.
pub(crate) fn quantized_mixture(cx: &mut Cx<'_, '_>) -> Result<Value> {
	if cx.word("quant_type", "int")? != "int" || !matches!(cx.int("weights_prepacked", -1), -1 | 0)
	{
		return Err(Failure::unsupported("weights other than of whole numbers, in their order"));
	}
	if !cx.flag("normalize_routing_weights") {
		return Err(Failure::unsupported(
			"normalize_routing_weights=0: engines differ in what the weights are then",
		)
		.help("export the model with normalize_routing_weights=1"));
	}
	let bits = cx.int("expert_weight_bits", 4);
	for name in ["fc1_expert_weight_bits", "fc2_expert_weight_bits", "fc3_expert_weight_bits"] {
		if cx.int(name, bits) != bits {
			return Err(Failure::unsupported("weights of different numbers of bits"));
		}
	}
	let bits = match bits {
		4 | 8 => bits as u32,
		_ => return Err(Failure::unsupported(format!("weights of {bits} bits"))),
	};
	let width = cx.float_input(0)?.dims.last().copied().unwrap_or(0);
	let inner = cx.input(5)?.dims.last().copied().unwrap_or(0).saturating_mul(8 / bits);
	let experts = Experts {
		up: decoded(cx, [2, 3], width, bits)?,
		up_bias: cx.optional(4),
		down: decoded(cx, [5, 6], inner, bits)?,
		down_bias: cx.optional(7),
	};
	mixed(cx, &experts, true)
}

/// (code - middle) · scale of the constant inputs `[packed, scales]`, for rows of `columns`.
fn decoded(
	cx: &mut Cx<'_, '_>,
	[packed, scales]: [usize; 2],
	columns: u32,
	bits: u32,
) -> Result<Value> {
	let (packed, scales) = (cx.input(packed)?, cx.float_input(scales)?);
	let &[experts, rows, bytes] = packed.dims.as_slice() else {
		return Err(Failure::invalid(format!("weights of shape {:?}", packed.dims)));
	};
	let blocks = match *scales.dims.as_slice() {
		[e, n] if [e, n] == [experts, rows] => 1,
		[e, n, blocks] if [e, n] == [experts, rows] => blocks,
		_ => 0,
	};
	let block = columns.checked_div(blocks).unwrap_or(0);
	let named = cx.int("block_size", 0);
	let fits = packed.dtype == DType::U8
		&& block > 0
		&& block * blocks == columns
		&& (blocks == 1 || named == i64::from(block))
		&& u64::from(columns) * u64::from(bits) == u64::from(bytes) * 8;
	if !fits {
		return Err(Failure::invalid(format!(
			"weights of {:?} and scales of {:?} do not fit rows of {columns}",
			packed.dims, scales.dims
		)));
	}
	let (Some(codes), Some(scales)) = (packed.bytes(), scales.floats()) else {
		return Err(Failure::unsupported("its weights are no constants"));
	};
	let dims = from_list(&[experts.into(), rows.into(), columns.into()])?;
	cx.b.spend(product(&dims) * 4)?;
	let middle = (1u32 << (bits - 1)) as f32;
	let mut weights = Vec::with_capacity(product(&dims) as usize);
	for (row, codes) in codes.chunks_exact(bytes as usize).enumerate() {
		let scales = &scales[row * blocks as usize..];
		for i in 0..columns as usize {
			weights.push((f32::from(code(codes, i, bits)) - middle) * scales[i / block as usize]);
		}
	}
	Ok(Value::list_f32(&weights, dims))
}

/// The sum of what a row's experts give, weighted.
fn mixed(cx: &mut Cx<'_, '_>, experts: &Experts, normalizes: bool) -> Result<Value> {
	cx.refuse_empty()?;
	let (x, router) = (cx.float_input(0)?, cx.float_input(1)?);
	let width = x.dims.last().copied().unwrap_or(1);
	let rows = (x.elements() / u64::from(width)) as u32;
	let (&[count, between, columns], &[same, out, inner]) =
		(experts.up.dims.as_slice(), experts.down.dims.as_slice())
	else {
		return Err(Failure::invalid("its weights have not three dimensions"));
	};
	let activation = Activation::of(cx)?;
	let pairs = if matches!(activation, Activation::Swiglu { .. }) { 2 } else { 1 };
	let fits = same == count
		&& columns == width
		&& out == width
		&& inner.checked_mul(pairs) == Some(between)
		&& router.dims == [rows, count];
	if !fits {
		return Err(Failure::invalid(format!(
			"experts of {:?} and {:?}, and a router of {:?}, do not fit {:?}",
			experts.up.dims, experts.down.dims, router.dims, x.dims
		)));
	}
	let bias = |bias: &Option<Value>, size: u32| match bias {
		None => Ok(None),
		Some(bias) if bias.dtype == DType::F32 => {
			Ok(Some((Bias::Column, bias.view(vec![count, size])?)))
		},
		Some(_) => Err(Failure::invalid("a bias is no float tensor")),
	};
	let weights = routed(cx, &router, normalizes)?;
	let (up_bias, down_bias) = (bias(&experts.up_bias, between)?, bias(&experts.down_bias, out)?);
	let x_rows = x.view(vec![1, rows, width])?;
	let y = cx.b.matmul(x_rows, experts.up.clone(), up_bias, count)?;
	let y = activation.apply(cx, &y)?;
	let y = cx.b.matmul(y, experts.down.clone(), down_bias, count)?;
	// The experts last, to be added in their order; what was not asked for is nothing, whatever it is.
	let y = cx.b.transpose(&y, &[1, 2, 0])?;
	let weights = weights.view(vec![rows, 1, count])?;
	let is_left_out = cx.b.binary_scalar(BinaryFn::Equal, &weights, 0.0)?;
	let parts = cx.b.binary(BinaryFn::Mul, &y, &weights)?;
	let parts = cx.b.select(&is_left_out, &Value::scalar_f32(0.0), &parts)?;
	cx.b.reduce_last(ReduceFn::Sum, &parts)?.view(x.dims)
}

/// What every expert weighs for every row, `[rows, experts]`: 0 where it is not among the first `k`.
fn routed(cx: &mut Cx<'_, '_>, router: &Value, normalizes: bool) -> Result<Value> {
	let (rows, count) = (router.dims[0], router.dims[1]);
	let taken = u32::try_from(cx.int("k", 1)).ok().filter(|&k| (1..=count).contains(&k));
	let taken =
		taken.ok_or_else(|| Failure::invalid(format!("its k does not fit {count} experts")))?;
	let shares = softmax::softmax_rows(cx, router)?;
	let best = cx.b.top_k_last(router, taken, true)?;
	let mut own = gather_elements(cx, &shares, &best, 1)?;
	if normalizes {
		let sum = per_row(&cx.b.reduce_last(ReduceFn::Sum, &own)?)?;
		own = cx.b.binary(BinaryFn::Div, &own, &sum)?;
	}
	let none = cx.b.expand(&Value::scalar_f32(0.0), vec![rows, count])?;
	let kind = OpKind::Scatter(ScatterFn::Replace);
	cx.b.push(kind, DType::F32, vec![rows, count], vec![none, best, own])
}
