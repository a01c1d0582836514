//! Arithmetic, comparisons and logic of single elements.

use assay_executor::ElementType;
use assay_referee::{BinaryFn, DType, OpKind, UnaryFn};

use crate::{
	dims,
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

fn refuse_type(dtype: DType) -> Failure {
	Failure::new(ErrorKind::UnsupportedType, format!("it is not supported for {dtype:?}"))
		.help("cast to float32 before this node")
}

pub(crate) fn unary(cx: &mut Cx<'_, '_>, function: UnaryFn) -> Result<Value> {
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

pub(crate) fn binary(cx: &mut Cx<'_, '_>, function: BinaryFn) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	let logical = matches!(function, BinaryFn::And | BinaryFn::Or | BinaryFn::Xor);
	if a.dtype == DType::Bool && !logical && function != BinaryFn::Equal
		|| a.dtype == DType::F32 && logical
	{
		return Err(refuse_type(a.dtype));
	}
	cx.b.binary(function, &a, &b)
}

pub(crate) fn select(cx: &mut Cx<'_, '_>) -> Result<Value> {
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
	let dims = dims::broadcast(&a.dims, &b.dims)?;
	if never_wins(a, function) && b.dims == dims && b.dtype == DType::F32 {
		return Ok(b.clone());
	}
	if never_wins(b, function) && a.dims == dims && a.dtype == DType::F32 {
		return Ok(a.clone());
	}
	cx.b.binary(function, a, b)
}

/// All operands, from the first to the last, by `function`: `Max`, `Min` or `Add`.
pub(crate) fn folded(cx: &mut Cx<'_, '_>, function: BinaryFn) -> Result<Value> {
	let inputs = cx.all_inputs()?;
	let mut value = inputs[0].clone();
	for next in &inputs[1..] {
		value = match function {
			BinaryFn::Max | BinaryFn::Min => extreme(cx, function, &value, next)?,
			_ => cx.b.binary(function, &value, next)?,
		};
	}
	Ok(value)
}

pub(crate) fn mean(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let sum = folded(cx, BinaryFn::Add)?;
	match cx.input_count() {
		1 => Ok(sum),
		count => cx.b.binary_scalar(BinaryFn::Div, &sum, count as f32),
	}
}

pub(crate) fn modulo(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	// The program format has one meaning per type: the sign of a for floats, of b for integers.
	match (a.dtype, cx.flag("fmod")) {
		(DType::F32, false) => floored_rest(cx, &a, &b),
		(DType::F32 | DType::U8, _) | (_, false) => cx.b.binary(BinaryFn::Mod, &a, &b),
		_ => {
			let quotient = cx.b.binary(BinaryFn::Div, &a, &b)?;
			let whole = cx.b.binary(BinaryFn::Mul, &quotient, &b)?;
			cx.b.binary(BinaryFn::Sub, &a, &whole)
		},
	}
}

/// a − ⌊a / b⌋ · b, which has the sign of b: the rest towards 0, brought to the other side where its sign differs.
fn floored_rest(cx: &mut Cx<'_, '_>, a: &Value, b: &Value) -> Result<Value> {
	let zero = Value::scalar_f32(0.0);
	let rest = cx.b.binary(BinaryFn::Mod, a, b)?;
	let moved = cx.b.binary(BinaryFn::Add, &rest, b)?;
	let (below, b_below) =
		(cx.b.binary(BinaryFn::Less, &rest, &zero)?, cx.b.binary(BinaryFn::Less, b, &zero)?);
	let differs = cx.b.binary(BinaryFn::Xor, &below, &b_below)?;
	let other = cx.b.select(&differs, &moved, &rest)?;
	// A rest of 0 has a sign too.
	let signed = cx.b.select(&b_below, &Value::scalar_f32(-0.0), &zero)?;
	let is_zero = cx.b.binary(BinaryFn::Equal, &rest, &zero)?;
	cx.b.select(&is_zero, &signed, &other)
}

pub(crate) fn pow(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (a, b) = (cx.input(0)?, cx.input(1)?);
	if a.dtype.is_integer() {
		return integer_pow(cx, &a, &b);
	}
	let (x, y) = (cx.b.cast(&a, DType::F32)?, cx.b.cast(&b, DType::F32)?);
	if a.dtype != DType::F32 && !(a.is_constant() && b.is_constant()) {
		return Err(refuse_type(a.dtype));
	}
	// What the power is by definition; a multiplication costs a thirtieth of it.
	let plain = dims::broadcast(&x.dims, &y.dims)? == x.dims;
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
		_ => {
			return Err(Failure::unsupported(
				"the exponents of whole numbers depend on the model's input",
			)
			.help("make them constants, or cast both operands to float32 before this node"));
		},
	};
	if exponents.iter().any(|&exponent| exponent < 0) {
		return Err(Failure::unsupported(
			"an exponent of an integer is negative or no whole number",
		));
	}
	let bits = exponents.iter().map(|y| 64 - y.leading_zeros()).max().unwrap_or(0);
	let unit = Value::scalar(x.dtype, 1);
	let dims = dims::broadcast(&x.dims, &y.dims)?;
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

pub(crate) fn clip(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let bound = |cx: &Cx<'_, '_>, name: &str, input: usize| -> Result<Option<Value>> {
		if cx.has(name) {
			let default = if input == 1 { f32::MIN } else { f32::MAX };
			Ok(Some(Value::scalar_f32(cx.float(name, default)?)))
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

/// Beyond the largest finite number.
pub(crate) fn is_infinite(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let (negative, positive) =
		(cx.int("detect_negative", 1) != 0, cx.int("detect_positive", 1) != 0);
	match (negative, positive) {
		(true, true) => {
			let size = cx.b.unary(UnaryFn::Abs, &x)?;
			cx.b.binary_scalar(BinaryFn::Greater, &size, f32::MAX)
		},
		(true, false) => cx.b.binary_scalar(BinaryFn::Less, &x, f32::MIN),
		(false, true) => cx.b.binary_scalar(BinaryFn::Greater, &x, f32::MAX),
		// Nothing is less than itself.
		(false, false) => cx.b.binary(BinaryFn::Less, &x, &x),
	}
}

pub(crate) fn bitwise_not(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	if x.dtype.is_integer() {
		cx.b.binary(BinaryFn::Xor, &x, &Value::ones(x.dtype))
	} else {
		Err(Failure::new(ErrorKind::UnsupportedType, "it is supported for integers only"))
	}
}

/// A shift is a product with, or a quotient by, a power of two. Beyond the bits of the type nothing is left but,
/// of a negative number shifted right, its sign.
pub(crate) fn bit_shift(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, y) = (cx.input(0)?, cx.input(1)?);
	if !x.dtype.is_integer() || x.element != y.element {
		return Err(Failure::new(
			ErrorKind::UnsupportedType,
			"it is supported for whole numbers of one type only",
		));
	}
	// What is uint64 in the file is computed with a sign, which a shift to the left may set.
	let is_signed = matches!(
		x.element,
		ElementType::Plain(DType::I8 | DType::I32 | DType::I64)
			| ElementType::I16
			| ElementType::U64
	);
	let left = match cx.word("direction", "")? {
		"LEFT" => true,
		"RIGHT" => false,
		_ => return Err(Failure::invalid("its direction is neither LEFT nor RIGHT")),
	};
	// A quotient by the sign bit would have the wrong sign; that shift leaves the sign alone.
	let bits = x.element.bits() - u64::from(is_signed && !left);
	let powers: Vec<u8> = (0..bits)
		.flat_map(|i| (1u64 << i).to_le_bytes().into_iter().take(x.dtype.size() as usize))
		.collect();
	let table = Value::constant(x.dtype, vec![bits as u32], powers);
	let mut at = cx.b.cast(&y, DType::I64)?;
	if is_signed {
		// A negative index would count from the end.
		let zero = Value::scalar(DType::I64, 0);
		let negative = cx.b.binary(BinaryFn::Less, &at, &zero)?;
		at = cx.b.select(&negative, &Value::scalar(DType::I64, 64), &at)?;
	}
	// What is beyond the table is 0, and so is a quotient by 0.
	let dims = at.dims.clone();
	let power = cx.b.push(OpKind::Gather { axis: 0 }, x.dtype, dims, vec![table, at.clone()])?;
	if left {
		return cx.b.binary(BinaryFn::Mul, &x, &power);
	}
	if !is_signed {
		return cx.b.binary(BinaryFn::Div, &x, &power);
	}
	// Towards -∞: the rest of the division, which has the divisor's sign, is taken off before.
	let rest = cx.b.binary(BinaryFn::Mod, &x, &power)?;
	let even = cx.b.binary(BinaryFn::Sub, &x, &rest)?;
	let shifted = cx.b.binary(BinaryFn::Div, &even, &power)?;
	let zero = Value::scalar(x.dtype, 0);
	let is_negative = cx.b.binary(BinaryFn::Less, &x, &zero)?;
	let sign = cx.b.select(&is_negative, &Value::ones(x.dtype), &zero)?;
	let beyond = cx.b.binary(BinaryFn::Equal, &power, &zero)?;
	let shifted = cx.b.select(&beyond, &sign, &shifted)?;
	if x.element != ElementType::U64 {
		return Ok(shifted);
	}
	// Without a sign, zeros come in; nothing is left from 64 on.
	let masks: Vec<i64> = (0..64).map(|bits| (u64::MAX >> bits) as i64).collect();
	let (dims, masks) = (at.dims.clone(), Value::list_i64(&masks));
	let mask = cx.b.push(OpKind::Gather { axis: 0 }, DType::I64, dims, vec![masks, at])?;
	cx.b.binary(BinaryFn::And, &shifted, &mask)
}
