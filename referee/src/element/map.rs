//! Functions of one or two elements.

use super::broadcast;
use crate::{
	arith::{functions, NAN32},
	canonical,
	program::map::MAX_ARGUMENTS,
	Arith, BinaryFn, DType, OpRecord, Reader, StepFn, Steps, UnaryFn, MAX_OPERANDS, MAX_STEPS,
};

const ONE: u32 = 0x3f80_0000;
const SIGN: u32 = 0x8000_0000;
const INFINITY: u32 = 0x7f80_0000;

/// The whole number that canonical bits of an integer or a `Bool` stand for.
pub(super) const fn to_i64(dtype: DType, bits: u64) -> i64 {
	match dtype {
		DType::I32 => bits as u32 as i32 as i64,
		DType::I8 => bits as u8 as i8 as i64,
		_ => bits as i64,
	}
}

/// Types and bits of an expression's operands, then of the results of its steps.
pub(super) type Values = [(DType, u64); MAX_OPERANDS + MAX_STEPS];

/// Values that are not known yet.
pub(super) const NO_VALUES: Values = [(DType::Bool, 0); MAX_OPERANDS + MAX_STEPS];

/// The expression's value: all operands are read, then the steps run in order.
pub(super) fn map<A: Arith, R: Reader>(
	op: &OpRecord,
	steps: &Steps,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let mut values = NO_VALUES;
	read::<R>(op, 0, index, &mut values, reader)?;
	Ok(evaluate::<A>(steps, op.operands.len(), &mut values))
}

/// The expression's value where value 0 is `own`, and then come the operands from `first` on.
pub(super) fn epilogue<A: Arith, R: Reader>(
	op: &OpRecord,
	steps: &Steps,
	(own, first): ((DType, u64), usize),
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let mut values = NO_VALUES;
	values[0] = own;
	read::<R>(op, first, index, &mut values[1..], reader)?;
	Ok(evaluate::<A>(steps, 1 + op.operands.len().saturating_sub(first), &mut values))
}

/// Reads the operands from `first` on, which broadcast, for element `index`.
fn read<R: Reader>(
	op: &OpRecord,
	first: usize,
	index: u64,
	values: &mut [(DType, u64)],
	reader: &mut R,
) -> Result<(), R::Error> {
	let at = op.shape.unravel(index);
	let operands = op.operands.iter().enumerate().skip(first);
	for ((i, operand), value) in operands.zip(values) {
		*value = (operand.dtype, reader.read(i, broadcast(&operand.shape, &at))?);
	}
	Ok(())
}

/// The last step's result, of `values` whose first ones, those that are given, are known.
pub(super) fn evaluate<A: Arith>(steps: &Steps, first: usize, values: &mut Values) -> u64 {
	for (i, step) in steps.as_slice().iter().enumerate() {
		let mut arguments = [(DType::Bool, 0u64); MAX_ARGUMENTS];
		for (argument, &number) in arguments.iter_mut().zip(step.arguments()) {
			*argument = values[usize::from(number)];
		}
		let function = step.function();
		let types = arguments.map(|(dtype, _)| dtype);
		let dtype = function.result(&types[..function.arity()]);
		let [(from, a), (_, b), (_, c)] = arguments;
		let bits = match function {
			StepFn::Unary(function) => unary::<A>(function, from, a),
			StepFn::Cast(to) => cast::<A>(from, to, a),
			StepFn::Binary(function) => binary::<A>(function, from, a, b),
			StepFn::Select => {
				if a != 0 {
					b
				} else {
					c
				}
			},
			StepFn::RoundTo(format, overflow) => format.round(overflow, a as u32).into(),
		};
		values[first + i] = (dtype, canonical(dtype, bits));
	}
	values[first + steps.as_slice().len() - 1].1
}

pub(super) fn unary<A: Arith>(function: UnaryFn, dtype: DType, bits: u64) -> u64 {
	match (function, dtype) {
		(UnaryFn::Not, _) => (bits == 0).into(),
		(_, DType::F32) => unary_f32::<A>(function, bits as u32).into(),
		_ => {
			let x = to_i64(dtype, bits);
			let y = match function {
				UnaryFn::Neg => x.wrapping_neg(),
				UnaryFn::Abs => x.wrapping_abs(),
				UnaryFn::Relu => x.max(0),
				UnaryFn::Sign => x.signum(),
				_ => x,
			};
			y as u64
		},
	}
}

fn unary_f32<A: Arith>(function: UnaryFn, bits: u32) -> u32 {
	let x = A::f32_from_bits(bits);
	let zero = A::f32_from_bits(0);
	let y = match function {
		UnaryFn::Neg => A::neg32(x),
		UnaryFn::Abs => A::abs32(x),
		UnaryFn::Sqrt => A::sqrt32(x),
		UnaryFn::Reciprocal => A::div32(A::f32_from_bits(ONE), x),
		UnaryFn::Exp => functions::exp::<A>(x),
		UnaryFn::Exp2 => functions::exp2::<A>(x),
		UnaryFn::Log => functions::log::<A>(x),
		UnaryFn::Tanh => functions::tanh::<A>(x),
		UnaryFn::Erf => functions::erf::<A>(x),
		UnaryFn::Sigmoid => functions::sigmoid::<A>(x),
		UnaryFn::Relu => max32::<A>(x, zero),
		UnaryFn::Sin => functions::sin::<A>(x),
		UnaryFn::Cos => functions::cos::<A>(x),
		UnaryFn::Softplus => functions::softplus::<A>(x),
		UnaryFn::Tan => functions::tan::<A>(x),
		UnaryFn::Asin => functions::asin::<A>(x),
		UnaryFn::Acos => functions::acos::<A>(x),
		UnaryFn::Atan => functions::atan::<A>(x),
		UnaryFn::Sinh => functions::sinh::<A>(x),
		UnaryFn::Cosh => functions::cosh::<A>(x),
		UnaryFn::Asinh => functions::asinh::<A>(x),
		UnaryFn::Acosh => functions::acosh::<A>(x),
		UnaryFn::Atanh => functions::atanh::<A>(x),
		UnaryFn::Floor => A::floor32(x),
		UnaryFn::Ceil => A::ceil32(x),
		UnaryFn::Round => A::round32(x),
		UnaryFn::Sign if A::lt32(zero, x) => A::f32_from_bits(ONE),
		UnaryFn::Sign if A::lt32(x, zero) => A::f32_from_bits(ONE | SIGN),
		UnaryFn::Sign if A::is_nan32(x) => x,
		UnaryFn::Sign => zero,
		UnaryFn::IsNan => return A::is_nan32(x).into(),
		// No rule lets `Not` meet `F32`.
		UnaryFn::Not => zero,
	};
	A::f32_to_bits(y)
}

/// NaN if either is NaN, else a if a > b, else b.
#[inline]
pub(super) fn max32<A: Arith>(a: A::F32, b: A::F32) -> A::F32 {
	ordered::<A>(A::lt32(b, a), a, b)
}

/// NaN if either is NaN, else a if a < b, else b.
#[inline]
pub(super) fn min32<A: Arith>(a: A::F32, b: A::F32) -> A::F32 {
	ordered::<A>(A::lt32(a, b), a, b)
}

#[inline]
fn ordered<A: Arith>(first: bool, a: A::F32, b: A::F32) -> A::F32 {
	if first || A::is_nan32(a) {
		a
	} else {
		b
	}
}

pub(super) fn binary<A: Arith>(function: BinaryFn, dtype: DType, a: u64, b: u64) -> u64 {
	if dtype == DType::F32 {
		binary_f32::<A>(function, a as u32, b as u32).into()
	} else {
		binary_integer(function, to_i64(dtype, a), to_i64(dtype, b))
	}
}

fn binary_f32<A: Arith>(function: BinaryFn, a_bits: u32, b_bits: u32) -> u32 {
	let (a, b) = (A::f32_from_bits(a_bits), A::f32_from_bits(b_bits));
	let y = match function {
		BinaryFn::Add => A::add32(a, b),
		BinaryFn::Sub => A::sub32(a, b),
		BinaryFn::Mul => A::mul32(a, b),
		BinaryFn::Div => A::div32(a, b),
		BinaryFn::Pow => functions::pow::<A>(a, b),
		BinaryFn::Min => min32::<A>(a, b),
		BinaryFn::Max => max32::<A>(a, b),
		BinaryFn::Mod => return remainder(a_bits, b_bits),
		BinaryFn::Equal => return A::eq32(a, b).into(),
		BinaryFn::Less => return A::lt32(a, b).into(),
		BinaryFn::LessOrEqual => return A::le32(a, b).into(),
		BinaryFn::Greater => return A::lt32(b, a).into(),
		BinaryFn::GreaterOrEqual => return A::le32(b, a).into(),
		// No rule lets these meet `F32`.
		BinaryFn::And | BinaryFn::Or | BinaryFn::Xor => return 0,
	};
	A::f32_to_bits(y)
}

/// Integers and `Bool`; the caller cuts the result to the element's size.
fn binary_integer(function: BinaryFn, a: i64, b: i64) -> u64 {
	let y = match function {
		BinaryFn::Add => a.wrapping_add(b),
		BinaryFn::Sub => a.wrapping_sub(b),
		BinaryFn::Mul => a.wrapping_mul(b),
		BinaryFn::Div if b == 0 => 0,
		BinaryFn::Div => a.wrapping_div(b),
		BinaryFn::Mod if b == 0 => 0,
		BinaryFn::Mod => {
			let r = a.wrapping_rem(b);
			if r != 0 && (r < 0) != (b < 0) {
				r + b
			} else {
				r
			}
		},
		BinaryFn::Min => a.min(b),
		BinaryFn::Max => a.max(b),
		BinaryFn::Equal => (a == b).into(),
		BinaryFn::Less => (a < b).into(),
		BinaryFn::LessOrEqual => (a <= b).into(),
		BinaryFn::Greater => (a > b).into(),
		BinaryFn::GreaterOrEqual => (a >= b).into(),
		BinaryFn::And => a & b,
		BinaryFn::Or => a | b,
		BinaryFn::Xor => a ^ b,
		// No rule lets `Pow` meet integers.
		BinaryFn::Pow => 0,
	};
	y as u64
}

/// The exact remainder of a / b truncated, with the sign of a; NaN for an infinite a, a zero b or
/// a NaN.
fn remainder(a: u32, b: u32) -> u32 {
	let sign = a & SIGN;
	let (a, b) = (a & !SIGN, b & !SIGN);
	if a >= INFINITY || b > INFINITY || b == 0 {
		return NAN32;
	}
	if a < b {
		return sign | a;
	}
	// A finite value is significand · 2^(exponent - 150).
	let parts = |bits: u32| match (bits & 0x007f_ffff, bits >> 23) {
		(fraction, 0) => (u64::from(fraction), 1),
		(fraction, exponent) => (u64::from(fraction | 0x0080_0000), exponent),
	};
	let ((m, a_exponent), (n, mut exponent)) = (parts(a), parts(b));
	let mut shift = a_exponent - exponent;
	let mut r = m % n;
	while shift > 0 {
		// r < 2^24, so 40 more bits fit.
		let step = shift.min(40);
		r = (r << step) % n;
		shift -= step;
	}
	while r != 0 && r < 0x0080_0000 && exponent > 1 {
		r <<= 1;
		exponent -= 1;
	}
	let magnitude =
		if r < 0x0080_0000 { r as u32 } else { (exponent << 23) | (r as u32 & 0x007f_ffff) };
	sign | magnitude
}

pub(super) fn cast<A: Arith>(from: DType, to: DType, bits: u64) -> u64 {
	if from == to {
		return bits;
	}
	match (from, to) {
		(DType::F32, DType::Bool) => (bits as u32 & !SIGN != 0).into(),
		(_, DType::Bool) => (bits != 0).into(),
		(DType::F32, _) => {
			let x = A::f32_from_bits(bits as u32);
			match to {
				DType::I32 => A::f32_to_i32(x) as u64,
				DType::U8 => A::f32_to_u8(x).into(),
				DType::I8 => A::f32_to_i8(x) as u64,
				_ => A::f32_to_i64(x) as u64,
			}
		},
		(_, DType::F32) => A::f32_to_bits(A::i64_to_f32(to_i64(from, bits))).into(),
		_ => to_i64(from, bits) as u64,
	}
}
