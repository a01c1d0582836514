//! Attention that is a recurrence: the state of every head is a matrix that keys and values are written into, and
//! the causal convolution that goes before it.
//!
//! Every step is written out, in the order of the definition; the state is kept transposed, `[heads, d_v, d_k]`, so
//! that reading it is a product of rows.

use assay_referee::{BinaryFn, DType, UnaryFn};

use super::heads::heads_attribute;
use crate::{
	error::{shown, Failure, Result},
	ir::Value,
	lower::{
		contraction::windows::{convolved, Windows},
		movement::ranges::part,
		Cx,
	},
};

/// How a step changes the state S, with key k, value v, decay g and rate β.
#[derive(Clone, Copy)]
struct Rule {
	/// S is multiplied by e^g first.
	decays: bool,
	/// What is written is β (v − kᵀS), not v.
	corrects: bool,
}

impl Rule {
	fn of(name: &str) -> Result<Rule> {
		let (decays, corrects) = match name {
			"linear" => (false, false),
			"gated" => (true, false),
			"delta" => (false, true),
			"gated_delta" => (true, true),
			other => {
				return Err(Failure::invalid(format!("update_rule `{}`", shown(other))));
			},
		};
		Ok(Rule { decays, corrects })
	}
}

/// `[batch, steps, heads · size]` as `[steps, batch · heads, size]`.
fn by_step(cx: &mut Cx<'_, '_>, x: &Value, heads: u32) -> Result<Value> {
	let &[batch, steps, width] = x.dims.as_slice() else {
		return Err(Failure::invalid(format!("{:?} is not [batch, steps, width]", x.dims)));
	};
	if heads == 0 || width % heads != 0 {
		return Err(Failure::invalid(format!("a width of {width} has not {heads} heads")));
	}
	let x = cx.b.transpose(x, &[1, 0, 2])?;
	x.view(vec![steps, batch * heads, width / heads])
}

/// `LinearAttention`.
pub(crate) fn linear_attention(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	cx.refuse_empty()?;
	let rule = Rule::of(cx.word("update_rule", "gated_delta")?)?;
	let (own, shared) = (heads_attribute(cx, "q_num_heads")?, heads_attribute(cx, "kv_num_heads")?);
	let (q, k, v) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	if shared == 0 || own % shared != 0 {
		return Err(Failure::invalid(format!("{own} heads cannot share {shared}")));
	}
	let batch = q.dims.first().copied().unwrap_or(0);
	let (q, k, v) = (by_step(cx, &q, own)?, by_step(cx, &k, shared)?, by_step(cx, &v, shared)?);
	let (steps, heads, key, value) = (k.dims[0], k.dims[1], k.dims[2], v.dims[2]);
	let share = own / shared;
	if q.dims != [steps, heads * share, key] || v.dims[..2] != k.dims[..2] {
		return Err(Failure::invalid("its queries, keys and values do not fit together"));
	}
	let decay = rule.decays.then(|| cx.float_input(4)).transpose()?;
	let decay = decay.map(|decay| by_step(cx, &decay, shared)).transpose()?;
	let rate = rule.corrects.then(|| cx.float_input(5)).transpose()?;
	let rate = rate.map(|rate| rates(cx, &rate, shared)).transpose()?;
	let fits = |x: &Option<Value>, width: u32| {
		x.as_ref().is_none_or(|x| {
			x.dims[..2] == [steps, heads] && matches!(x.dims[2], d if d == 1 || d == width)
		})
	};
	if !fits(&decay, key) || !fits(&rate, 1) {
		return Err(Failure::invalid("its decay or its rate does not fit its keys"));
	}
	let mut state = match cx.optional(3) {
		Some(past) if past.dims == [batch, shared, key, value] => {
			let past = past.view(vec![heads, key, value])?;
			cx.b.transpose(&past, &[0, 2, 1])?
		},
		Some(past) => {
			return Err(Failure::invalid(format!("a past of shape {:?}", past.dims)));
		},
		None => cx.b.expand(&Value::scalar_f32(0.0), vec![heads, value, key])?,
	};
	let scale = match cx.float("scale", 0.0)? {
		0.0 => (1.0 / f64::from(key).sqrt()) as f32,
		scale => scale,
	};
	let mut rows = Vec::new();
	for step in 0..steps {
		let mut at = |x: &Value| -> Result<Value> {
			part(cx, x, 0, (step, 1, 1))?.view(vec![heads, 1, x.dims[2]])
		};
		let (k, v) = (at(&k)?, at(&v)?);
		let (decay, rate) =
			(decay.as_ref().map(&mut at).transpose()?, rate.as_ref().map(&mut at).transpose()?);
		let q = part(cx, &q, 0, (step, 1, 1))?.view(vec![heads, share, key])?;
		if let Some(decay) = decay {
			let kept = cx.b.unary(UnaryFn::Exp, &decay)?;
			state = cx.b.binary(BinaryFn::Mul, &state, &kept)?;
		}
		let mut written = v;
		if let Some(rate) = rate {
			let known = cx.b.matmul(k.clone(), state.clone(), None, heads)?;
			let news = cx.b.binary(BinaryFn::Sub, &written, &known)?;
			written = cx.b.binary(BinaryFn::Mul, &rate, &news)?;
		}
		let column = written.view(vec![heads, value, 1])?;
		let outer = cx.b.binary(BinaryFn::Mul, &column, &k)?;
		state = cx.b.binary(BinaryFn::Add, &state, &outer)?;
		let read = cx.b.matmul(q, state.clone(), None, heads)?;
		let read = cx.b.binary_scalar(BinaryFn::Mul, &read, scale)?;
		rows.push(read.view(vec![batch, 1, own * value])?);
	}
	let y = cx.b.concat(&rows, 1)?;
	let state = cx.b.transpose(&state, &[0, 2, 1])?.view(vec![batch, shared, key, value])?;
	Ok(vec![y, state])
}

/// Rates `[batch, steps, heads or 1]` as `[steps, batch · heads, 1]`.
fn rates(cx: &mut Cx<'_, '_>, rate: &Value, heads: u32) -> Result<Value> {
	match *rate.dims.as_slice() {
		[batch, steps, 1] if heads > 1 => {
			let wide = cx.b.expand(rate, vec![batch, steps, heads])?;
			by_step(cx, &wide, heads)
		},
		_ => by_step(cx, rate, heads),
	}
}

/// `CausalConvWithState`: every channel convolved with its own kernel, after the last columns of the step before.
pub(crate) fn causal_conv(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let (x, weight) = (cx.float_input(0)?, cx.float_input(1)?);
	// A past without columns is that of a kernel of one.
	if x.elements() == 0 || weight.elements() == 0 {
		return Err(Failure::unsupported("its input or its weights are empty"));
	}
	let (&[batch, channels, length], &[filters, 1, kernel]) =
		(x.dims.as_slice(), weight.dims.as_slice())
	else {
		return Err(Failure::invalid("its input is not [batch, channels, length]"));
	};
	if filters != channels || kernel == 0 || length == 0 {
		return Err(Failure::invalid("its weights do not fit its input"));
	}
	let past = match cx.optional(3) {
		Some(past) if past.dims == [batch, channels, kernel - 1] => past,
		Some(past) => {
			return Err(Failure::invalid(format!("a past of shape {:?}", past.dims)));
		},
		None => cx.b.expand(&Value::scalar_f32(0.0), vec![batch, channels, kernel - 1])?,
	};
	let all = if kernel > 1 { cx.b.concat(&[past, x], 2)? } else { x };
	let bias = match cx.optional(2) {
		Some(bias) if bias.dims != [channels] || bias.dtype != DType::F32 => {
			return Err(Failure::invalid("its bias does not fit its weights"));
		},
		bias => bias,
	};
	let windows = Windows::new(cx, &all.dims[2..], &[kernel.into()])?;
	let y = convolved(cx, [&all, &weight], bias, channels, &windows)?;
	let mut y = windows.restored(cx, &y, &all, channels)?;
	match cx.word("activation", "none")? {
		"none" => {},
		"silu" | "swish" => {
			let gate = cx.b.unary(UnaryFn::Sigmoid, &y)?;
			y = cx.b.binary(BinaryFn::Mul, &y, &gate)?;
		},
		other => return Err(Failure::invalid(format!("activation `{}`", shown(other)))),
	}
	let state = part(cx, &all, 2, (length, 1, kernel - 1))?;
	Ok(vec![y, state])
}
