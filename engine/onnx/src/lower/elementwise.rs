//! Functions of single elements: arithmetic, comparisons, activations, casts.

use assay_referee::{BinaryFn, DType, UnaryFn};

use super::{elements, one, Cx};
use crate::{
	error::{ErrorKind, Failure, Result},
	ir::Value,
	read,
};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	if let Some(function) = unary_function(op_type) {
		return one(unary(cx, function));
	}
	if let Some(function) = binary_function(op_type) {
		return one(binary(cx, function));
	}
	one(match op_type {
		"Identity" => cx.input(0),
		"Dropout" => return Some(dropout(cx)),
		"Cast" => cast(cx),
		"CastLike" => cast_like(cx),
		"Where" => select(cx),
		"Max" | "Min" | "Sum" | "Mean" => variadic(cx, op_type),
		"Mod" => modulo(cx),
		"Pow" => pow(cx),
		"Clip" => clip(cx),
		"LeakyRelu" => leaky_relu(cx),
		"PRelu" => prelu(cx),
		"Elu" | "Selu" => elu(cx, op_type),
		"Softsign" => softsign(cx),
		"HardSigmoid" => hard_sigmoid(cx, "HardSigmoid"),
		"HardSwish" => hard_sigmoid(cx, "HardSwish"),
		"Mish" => mish(cx),
		"Swish" => swish(cx),
		"Gelu" => gelu(cx),
		_ => return None,
	})
}

fn unary_function(op_type: &str) -> Option<UnaryFn> {
	Some(match op_type {
		"Neg" => UnaryFn::Neg,
		"Abs" => UnaryFn::Abs,
		"Sqrt" => UnaryFn::Sqrt,
		"Reciprocal" => UnaryFn::Reciprocal,
		"Exp" => UnaryFn::Exp,
		"Log" => UnaryFn::Log,
		"Tanh" => UnaryFn::Tanh,
		"Erf" => UnaryFn::Erf,
		"Sigmoid" => UnaryFn::Sigmoid,
		"Relu" => UnaryFn::Relu,
		"Sin" => UnaryFn::Sin,
		"Cos" => UnaryFn::Cos,
		"Softplus" => UnaryFn::Softplus,
		"Tan" => UnaryFn::Tan,
		"Asin" => UnaryFn::Asin,
		"Acos" => UnaryFn::Acos,
		"Atan" => UnaryFn::Atan,
		"Sinh" => UnaryFn::Sinh,
		"Cosh" => UnaryFn::Cosh,
		"Asinh" => UnaryFn::Asinh,
		"Acosh" => UnaryFn::Acosh,
		"Atanh" => UnaryFn::Atanh,
		"Floor" => UnaryFn::Floor,
		"Ceil" => UnaryFn::Ceil,
		"Round" => UnaryFn::Round,
		"Sign" => UnaryFn::Sign,
		"Not" => UnaryFn::Not,
		"IsNaN" => UnaryFn::IsNan,
		_ => return None,
	})
}

fn binary_function(op_type: &str) -> Option<BinaryFn> {
	Some(match op_type {
		"Add" => BinaryFn::Add,
		"Sub" => BinaryFn::Sub,
		"Mul" => BinaryFn::Mul,
		"Div" => BinaryFn::Div,
		"Equal" => BinaryFn::Equal,
		"Less" => BinaryFn::Less,
		"LessOrEqual" => BinaryFn::LessOrEqual,
		"Greater" => BinaryFn::Greater,
		"GreaterOrEqual" => BinaryFn::GreaterOrEqual,
		"And" | "BitwiseAnd" => BinaryFn::And,
		"Or" | "BitwiseOr" => BinaryFn::Or,
		"Xor" | "BitwiseXor" => BinaryFn::Xor,
		_ => return None,
	})
}

fn refuse_type(dtype: DType) -> Failure {
	Failure::new(ErrorKind::UnsupportedType, format!("it is not supported for {dtype:?}"))
		.help("cast to float32 before this node")
}

fn unary(cx: &mut Cx<'_, '_>, function: UnaryFn) -> Result<Value> {
	let x = cx.input(0)?;
	let fits = match function {
		UnaryFn::Not => x.dtype == DType::Bool,
		UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Sign | UnaryFn::Relu => x.dtype != DType::Bool,
		_ => x.dtype == DType::F32,
	};
	if !fits {
		return Err(refuse_type(x.dtype));
	}
	cx.b.unary(function, &x)
}

fn binary(cx: &mut Cx<'_, '_>, function: BinaryFn) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	let logical = matches!(function, BinaryFn::And | BinaryFn::Or | BinaryFn::Xor);
	if a.dtype == DType::Bool && !logical && function != BinaryFn::Equal
		|| a.dtype == DType::F32 && logical
	{
		return Err(refuse_type(a.dtype));
	}
	cx.b.binary(function, &a, &b)
}

fn dropout(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let training = cx.optional(2).is_some_and(|flag| match flag.whole_numbers() {
		Some(values) => values.iter().any(|&value| value != 0),
		None => true,
	});
	// Dropping nothing is the same in training.
	let keeps_all = cx.optional(1).is_some_and(|ratio| ratio.uniform_f32() == Some(0.0));
	if training && !keeps_all {
		return Err(Failure::unsupported("it is in training mode")
			.help("export the model for inference (in PyTorch: model.eval())"));
	}
	if !cx.wants(1) {
		return Ok(vec![x]);
	}
	cx.b.spend(x.elements())?;
	let mask = vec![1; x.elements() as usize];
	let mask = Value::constant(DType::Bool, x.dims.clone(), mask);
	Ok(vec![x, mask])
}

fn cast(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let to = i32::try_from(cx.int("to", 0)).unwrap_or(0);
	let element = read::element(to)?;
	let x = cx.input(0)?;
	let saturate = cx.int("saturate", 1) != 0;
	elements::convert(cx.b, &x, element, saturate)
}

fn cast_like(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, like) = (cx.input(0)?, cx.input(1)?);
	let saturate = cx.int("saturate", 1) != 0;
	elements::convert(cx.b, &x, like.element, saturate)
}

fn select(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (condition, a, b) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
	if condition.dtype != DType::Bool || a.dtype != b.dtype {
		return Err(Failure::invalid("its operands have wrong element types"));
	}
	cx.b.select(&condition, &a, &b)
}

/// Whether every element is this infinity, so that it never wins (`Max` with -inf, `Min` with inf).
fn never_wins(value: &Value, function: BinaryFn) -> bool {
	let loser = if function == BinaryFn::Max { f32::NEG_INFINITY } else { f32::INFINITY };
	value.uniform_f32() == Some(loser)
}

/// `Max` or `Min` of two, without an op where one of them is an infinity that never wins.
fn extreme(cx: &mut Cx<'_, '_>, function: BinaryFn, a: &Value, b: &Value) -> Result<Value> {
	let dims = crate::dims::broadcast(&a.dims, &b.dims)?;
	if never_wins(a, function) && b.dims == dims && b.dtype == DType::F32 {
		return Ok(b.clone());
	}
	if never_wins(b, function) && a.dims == dims && a.dtype == DType::F32 {
		return Ok(a.clone());
	}
	cx.b.binary(function, a, b)
}

fn variadic(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let inputs = cx.all_inputs()?;
	let mut value = inputs[0].clone();
	for next in &inputs[1..] {
		value = match op_type {
			"Max" => extreme(cx, BinaryFn::Max, &value, next)?,
			"Min" => extreme(cx, BinaryFn::Min, &value, next)?,
			_ => cx.b.binary(BinaryFn::Add, &value, next)?,
		};
	}
	match op_type {
		"Mean" if inputs.len() > 1 => {
			cx.b.binary_scalar(BinaryFn::Div, &value, inputs.len() as f32)
		},
		_ => Ok(value),
	}
}

fn modulo(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	// The program format has one meaning per type: the sign of a for floats, of b for integers.
	match (a.dtype, cx.flag("fmod")) {
		(DType::F32, false) => {
			Err(Failure::unsupported(format!("fmod=0 is not supported for {:?}", a.dtype)))
		},
		(DType::F32 | DType::U8, _) | (_, false) => cx.b.binary(BinaryFn::Mod, &a, &b),
		_ => {
			let quotient = cx.b.binary(BinaryFn::Div, &a, &b)?;
			let whole = cx.b.binary(BinaryFn::Mul, &quotient, &b)?;
			cx.b.binary(BinaryFn::Sub, &a, &whole)
		},
	}
}

fn pow(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	if a.dtype.is_integer() {
		return integer_pow(cx, &a, &b);
	}
	let (x, y) = (cx.b.cast(&a, DType::F32)?, cx.b.cast(&b, DType::F32)?);
	if a.dtype != DType::F32 && !(a.is_constant() && b.is_constant()) {
		return Err(refuse_type(a.dtype));
	}
	// What the power is by definition; a multiplication costs a thirtieth of it.
	let plain = crate::dims::broadcast(&x.dims, &y.dims)? == x.dims;
	let power = match y.uniform_f32().filter(|_| plain) {
		Some(2.0) => cx.b.binary(BinaryFn::Mul, &x, &x)?,
		Some(3.0) => {
			let square = cx.b.binary(BinaryFn::Mul, &x, &x)?;
			cx.b.binary(BinaryFn::Mul, &square, &x)?
		},
		Some(-1.0) => cx.b.unary(UnaryFn::Reciprocal, &x)?,
		_ => cx.b.binary(BinaryFn::Pow, &x, &y)?,
	};
	cx.b.cast(&power, a.dtype)
}

/// Powers of integers by squaring, for constant exponents that are whole and not negative.
fn integer_pow(cx: &mut Cx<'_, '_>, x: &Value, y: &Value) -> Result<Value> {
	let exponents = match (y.whole_numbers(), y.floats()) {
		(Some(list), _) => list,
		(None, Some(list)) => {
			list.iter().map(|&y| if y.fract() == 0.0 { y as i64 } else { -1 }).collect()
		},
		_ => return Err(Failure::unsupported("its exponents depend on the model's input")),
	};
	if exponents.iter().any(|&exponent| exponent < 0) {
		return Err(Failure::unsupported(
			"an exponent of an integer is negative or no whole number",
		));
	}
	let bits = exponents.iter().map(|y| 64 - y.leading_zeros()).max().unwrap_or(0);
	let unit = Value::scalar(x.dtype, 1);
	let dims = crate::dims::broadcast(&x.dims, &y.dims)?;
	let (mut result, mut square) = (cx.b.expand(&unit, dims)?, x.clone());
	for bit in 0..bits {
		cx.b.spend(exponents.len() as u64)?;
		let mask = exponents.iter().map(|&exponent| (exponent >> bit & 1) as u8).collect();
		let mask = Value::constant(DType::Bool, y.dims.clone(), mask);
		let factor = cx.b.select(&mask, &square, &unit)?;
		result = cx.b.binary(BinaryFn::Mul, &result, &factor)?;
		if bit + 1 < bits {
			square = cx.b.binary(BinaryFn::Mul, &square, &square)?;
		}
	}
	Ok(result)
}

fn clip(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let bound = |cx: &Cx<'_, '_>, name: &str, input: usize| -> Result<Option<Value>> {
		if cx.has(name) {
			Ok(Some(Value::scalar_f32(cx.float(name, 0.0)?)))
		} else {
			Ok(cx.optional(input))
		}
	};
	if let Some(low) = bound(cx, "min", 1)? {
		x = extreme(cx, BinaryFn::Max, &x, &low)?;
	}
	if let Some(high) = bound(cx, "max", 2)? {
		x = extreme(cx, BinaryFn::Min, &x, &high)?;
	}
	Ok(x)
}

/// `x` where it is not negative, else `slope · x`.
pub(super) fn sloped(cx: &mut Cx<'_, '_>, x: &Value, slope: &Value) -> Result<Value> {
	let scaled = cx.b.binary(BinaryFn::Mul, slope, x)?;
	let positive = cx.b.binary_scalar(BinaryFn::GreaterOrEqual, x, 0.0)?;
	cx.b.select(&positive, x, &scaled)
}

fn leaky_relu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let slope = Value::scalar_f32(cx.float("alpha", 0.01)?);
	sloped(cx, &x, &slope)
}

fn prelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, slope) = (cx.float_input(0)?, cx.float_input(1)?);
	sloped(cx, &x, &slope)
}

/// `scale · x` above 0, else `scale · alpha · (e^x - 1)`.
fn elu(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (alpha, scale) = match op_type {
		"Elu" => (cx.float("alpha", 1.0)?, 1.0),
		_ => (cx.float("alpha", 1.673_263_2)?, cx.float("gamma", 1.050_701)?),
	};
	let e = cx.b.unary(UnaryFn::Exp, &x)?;
	let e = cx.b.binary_scalar(BinaryFn::Sub, &e, 1.0)?;
	let e = cx.b.binary_scalar(BinaryFn::Mul, &e, alpha)?;
	let positive = cx.b.binary_scalar(BinaryFn::Greater, &x, 0.0)?;
	let y = cx.b.select(&positive, &x, &e)?;
	match scale {
		1.0 => Ok(y),
		_ => cx.b.binary_scalar(BinaryFn::Mul, &y, scale),
	}
}

fn softsign(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let size = cx.b.unary(UnaryFn::Abs, &x)?;
	let below = cx.b.binary_scalar(BinaryFn::Add, &size, 1.0)?;
	cx.b.binary(BinaryFn::Div, &x, &below)
}

/// max(0, min(1, alpha · x + beta)), for HardSwish times x.
fn hard_sigmoid(cx: &mut Cx<'_, '_>, op_type: &str) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (alpha, beta) = match op_type {
		"HardSwish" => (1.0 / 6.0, 0.5),
		_ => (cx.float("alpha", 0.2)?, cx.float("beta", 0.5)?),
	};
	let y = cx.b.binary_scalar(BinaryFn::Mul, &x, alpha)?;
	let y = cx.b.binary_scalar(BinaryFn::Add, &y, beta)?;
	let y = cx.b.binary_scalar(BinaryFn::Min, &y, 1.0)?;
	let y = cx.b.binary_scalar(BinaryFn::Max, &y, 0.0)?;
	match op_type {
		"HardSwish" => cx.b.binary(BinaryFn::Mul, &x, &y),
		_ => Ok(y),
	}
}

fn mish(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let y = cx.b.unary(UnaryFn::Softplus, &x)?;
	let y = cx.b.unary(UnaryFn::Tanh, &y)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

fn swish(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let alpha = cx.float("alpha", 1.0)?;
	let scaled = match alpha {
		1.0 => x.clone(),
		_ => cx.b.binary_scalar(BinaryFn::Mul, &x, alpha)?,
	};
	let y = cx.b.unary(UnaryFn::Sigmoid, &scaled)?;
	cx.b.binary(BinaryFn::Mul, &x, &y)
}

fn gelu(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	match cx.word("approximate", "none")? {
		"none" => gelu_of(cx, &x, false),
		"tanh" => gelu_of(cx, &x, true),
		other => {
			let other = crate::error::shown(other);
			Err(Failure::unsupported(format!("approximate=`{other}` is not supported")))
		},
	}
}

/// 0.5 · x · (1 + erf(x / √2)), or with tanh(√(2/π) · (x + 0.044715 · x³)) in place of erf.
pub(super) fn gelu_of(cx: &mut Cx<'_, '_>, x: &Value, tanh: bool) -> Result<Value> {
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
