//! Unary, binary, select and cast kernels: which function for which types.
//!
//! The functions restate the referee's over native types; the tests compare them bit by bit.

pub(crate) mod expression;
pub(crate) mod float_formats;
pub(crate) mod fused;
pub(crate) mod int8;
mod map;
mod rounded_once;

pub use fused::{Fused, Member};

use crate::{
	cpu::{simd::canonical, view, view_mut, Pod},
	walk::Walk,
	Hard, KernelConfig,
};
use assay_referee::{arith::functions, BinaryFn, DType, OpKind, OpRecord, UnaryFn};
use int8::Saturate;
use map::{map1, map2, select, Map1, Map2};
use rounded_once::Estimated;
use std::borrow::Cow;

macro_rules! unary_functions {
	($($name:ident: $from:ty => $to:ty, $cost:literal, |$x:ident| $body:expr;)*) => { $(
		struct $name;
		impl Map1<$from, $to> for $name {
			const COST: usize = $cost;
			#[inline(always)]
			fn apply($x: $from) -> $to { $body }
		}
	)* };
}

unary_functions! {
	Neg: f32 => f32, 1, |x| canonical(-x);
	Abs: f32 => f32, 1, |x| canonical(x.abs());
	Sqrt: f32 => f32, 1, |x| canonical(x.sqrt());
	Reciprocal: f32 => f32, 1, |x| canonical(1.0 / x);
	Exp: f32 => f32, 2, |x| functions::exp::<Hard>(x);
	Exp2: f32 => f32, 2, |x| functions::exp2::<Hard>(x);
	Log: f32 => f32, 4, |x| canonical(functions::log::<Hard>(x));
	Tanh: f32 => f32, 3, |x| functions::tanh::<Hard>(x);
	Erf: f32 => f32, 4, |x| canonical(functions::erf::<Hard>(x));
	Sigmoid: f32 => f32, 3, |x| functions::sigmoid::<Hard>(x);
	Relu: f32 => f32, 1, |x| if x > 0.0 { x } else if x.is_nan() { canonical(x) } else { 0.0 };
	Sin: f32 => f32, 8, |x| canonical(functions::sin::<Hard>(x));
	Cos: f32 => f32, 8, |x| canonical(functions::cos::<Hard>(x));
	Softplus: f32 => f32, 5, |x| functions::softplus::<Hard>(x);
	Tan: f32 => f32, 10, |x| canonical(functions::tan::<Hard>(x));
	Asin: f32 => f32, 10, |x| canonical(functions::asin::<Hard>(x));
	Acos: f32 => f32, 10, |x| canonical(functions::acos::<Hard>(x));
	Atan: f32 => f32, 10, |x| canonical(functions::atan::<Hard>(x));
	Sinh: f32 => f32, 5, |x| canonical(functions::sinh::<Hard>(x));
	Cosh: f32 => f32, 5, |x| canonical(functions::cosh::<Hard>(x));
	Asinh: f32 => f32, 10, |x| canonical(functions::asinh::<Hard>(x));
	Acosh: f32 => f32, 10, |x| canonical(functions::acosh::<Hard>(x));
	Atanh: f32 => f32, 10, |x| canonical(functions::atanh::<Hard>(x));
	Floor: f32 => f32, 1, |x| canonical(x.floor());
	Ceil: f32 => f32, 1, |x| canonical(x.ceil());
	Round: f32 => f32, 1, |x| canonical(x.round_ties_even());
	Not: u8 => u8, 1, |x| u8::from(x == 0);
	IsNan: f32 => u8, 1, |x| u8::from(x.is_nan());
}

macro_rules! estimated_functions {
	($($name:ident, $error:expr, $estimate:path;)*) => { $(
		impl Estimated for $name {
			const ERROR: f64 = $error;
			#[inline(always)]
			fn estimate(x: f32) -> f64 { $estimate(x) }
		}
	)* };
}

/// 2^-40.
const E40: f64 = 1.0 / (1u64 << 40) as f64;

estimated_functions! {
	Exp, E40 / 4.0, rounded_once::estimate_exp;
	Sigmoid, E40 / 4.0, rounded_once::estimate_sigmoid;
	Tanh, E40 / 2.0, rounded_once::estimate_tanh;
	Erf, E40, rounded_once::estimate_erf;
}

/// `Unary` on `f32` and `Bool`; false when there is no kernel for it.
fn unary(function: UnaryFn, x: &[u8], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	fn go<A: Pod, O: Pod, F: Map1<A, O>>(
		x: &[u8],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<()> {
		map1::<A, O, F>(view(x)?, view_mut(out)?, cfg);
		Some(())
	}
	fn estimated<F: Estimated>(x: &[u8], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
		rounded_once::map_estimated::<F>(view(x)?, view_mut(out)?, cfg);
		Some(())
	}
	match function {
		UnaryFn::Neg => go::<f32, f32, Neg>(x, out, cfg),
		UnaryFn::Abs => go::<f32, f32, Abs>(x, out, cfg),
		UnaryFn::Sqrt => go::<f32, f32, Sqrt>(x, out, cfg),
		UnaryFn::Reciprocal => go::<f32, f32, Reciprocal>(x, out, cfg),
		UnaryFn::Exp => estimated::<Exp>(x, out, cfg),
		UnaryFn::Exp2 => go::<f32, f32, Exp2>(x, out, cfg),
		UnaryFn::Log => go::<f32, f32, Log>(x, out, cfg),
		UnaryFn::Tanh => estimated::<Tanh>(x, out, cfg),
		UnaryFn::Erf => estimated::<Erf>(x, out, cfg),
		UnaryFn::Sigmoid => estimated::<Sigmoid>(x, out, cfg),
		UnaryFn::Relu => go::<f32, f32, Relu>(x, out, cfg),
		UnaryFn::Sin => go::<f32, f32, Sin>(x, out, cfg),
		UnaryFn::Cos => go::<f32, f32, Cos>(x, out, cfg),
		UnaryFn::Softplus => go::<f32, f32, Softplus>(x, out, cfg),
		UnaryFn::Tan => go::<f32, f32, Tan>(x, out, cfg),
		UnaryFn::Asin => go::<f32, f32, Asin>(x, out, cfg),
		UnaryFn::Acos => go::<f32, f32, Acos>(x, out, cfg),
		UnaryFn::Atan => go::<f32, f32, Atan>(x, out, cfg),
		UnaryFn::Sinh => go::<f32, f32, Sinh>(x, out, cfg),
		UnaryFn::Cosh => go::<f32, f32, Cosh>(x, out, cfg),
		UnaryFn::Asinh => go::<f32, f32, Asinh>(x, out, cfg),
		UnaryFn::Acosh => go::<f32, f32, Acosh>(x, out, cfg),
		UnaryFn::Atanh => go::<f32, f32, Atanh>(x, out, cfg),
		UnaryFn::Floor => go::<f32, f32, Floor>(x, out, cfg),
		UnaryFn::Ceil => go::<f32, f32, Ceil>(x, out, cfg),
		UnaryFn::Round => go::<f32, f32, Round>(x, out, cfg),
		UnaryFn::Not => go::<u8, u8, Not>(x, out, cfg),
		UnaryFn::IsNan => go::<f32, u8, IsNan>(x, out, cfg),
		UnaryFn::Sign => None,
	}
}

macro_rules! binary_functions {
	($($name:ident: $from:ty => $to:ty, $cost:literal, |$a:ident, $b:ident| $body:expr;)*) => { $(
		struct $name;
		impl Map2<$from, $to> for $name {
			const COST: usize = $cost;
			#[inline(always)]
			fn apply($a: $from, $b: $from) -> $to { $body }
		}
	)* };
}

binary_functions! {
	AddF: f32 => f32, 1, |a, b| canonical(a + b);
	SubF: f32 => f32, 1, |a, b| canonical(a - b);
	MulF: f32 => f32, 1, |a, b| canonical(a * b);
	DivF: f32 => f32, 1, |a, b| canonical(a / b);
	PowF: f32 => f32, 30, |a, b| canonical(functions::pow::<Hard>(a, b));
	MinF: f32 => f32, 1, |a, b| if a < b || a.is_nan() { a } else { b };
	MaxF: f32 => f32, 1, |a, b| if b < a || a.is_nan() { a } else { b };
	EqualF: f32 => u8, 1, |a, b| u8::from(a == b);
	LessF: f32 => u8, 1, |a, b| u8::from(a < b);
	LessOrEqualF: f32 => u8, 1, |a, b| u8::from(a <= b);
	AddL: i64 => i64, 1, |a, b| a.wrapping_add(b);
	SubL: i64 => i64, 1, |a, b| a.wrapping_sub(b);
	MulL: i64 => i64, 1, |a, b| a.wrapping_mul(b);
	EqualL: i64 => u8, 1, |a, b| u8::from(a == b);
	LessL: i64 => u8, 1, |a, b| u8::from(a < b);
	LessOrEqualL: i64 => u8, 1, |a, b| u8::from(a <= b);
	AddI: i32 => i32, 1, |a, b| a.wrapping_add(b);
	SubI: i32 => i32, 1, |a, b| a.wrapping_sub(b);
	MulI: i32 => i32, 1, |a, b| a.wrapping_mul(b);
	MinI: i32 => i32, 1, |a, b| a.min(b);
	MaxI: i32 => i32, 1, |a, b| a.max(b);
	EqualI: i32 => u8, 1, |a, b| u8::from(a == b);
	LessI: i32 => u8, 1, |a, b| u8::from(a < b);
	LessOrEqualI: i32 => u8, 1, |a, b| u8::from(a <= b);
	AddB: u8 => u8, 1, |a, b| a.wrapping_add(b);
	SubB: u8 => u8, 1, |a, b| a.wrapping_sub(b);
	MinB: u8 => u8, 1, |a, b| a.min(b);
	MaxB: u8 => u8, 1, |a, b| a.max(b);
	MinS: i8 => i8, 1, |a, b| a.min(b);
	MaxS: i8 => i8, 1, |a, b| a.max(b);
	EqualB: u8 => u8, 1, |a, b| u8::from(a == b);
	AndB: u8 => u8, 1, |a, b| a & b;
	OrB: u8 => u8, 1, |a, b| a | b;
	XorB: u8 => u8, 1, |a, b| a ^ b;
}

/// Operands and output of a binary op.
struct Binary<'a> {
	walk: Cow<'a, Walk<2>>,
	a: &'a [u8],
	b: &'a [u8],
	out: &'a mut [u8],
	cfg: &'a KernelConfig,
}

impl Binary<'_> {
	fn go<A: Pod, O: Pod, F: Map2<A, O>>(self) -> Option<()> {
		let (a, b, out) = (view(self.a)?, view(self.b)?, view_mut(self.out)?);
		map2::<A, O, F>(&self.walk, a, b, out, self.cfg);
		Some(())
	}

	fn swapped(self) -> Self {
		let Binary { mut walk, a, b, out, cfg } = self;
		walk.to_mut().swap();
		Binary { walk, a: b, b: a, out, cfg }
	}

	fn run(self, function: BinaryFn, dtype: DType) -> Option<()> {
		use BinaryFn as F;
		use DType as T;
		match (function, dtype) {
			(F::Greater, _) => self.swapped().run(F::Less, dtype),
			(F::GreaterOrEqual, _) => self.swapped().run(F::LessOrEqual, dtype),
			(F::Add, T::F32) => self.go::<f32, f32, AddF>(),
			(F::Sub, T::F32) => self.go::<f32, f32, SubF>(),
			(F::Mul, T::F32) => self.go::<f32, f32, MulF>(),
			(F::Div, T::F32) => self.go::<f32, f32, DivF>(),
			(F::Pow, T::F32) => self.go::<f32, f32, PowF>(),
			(F::Min, T::F32) => self.go::<f32, f32, MinF>(),
			(F::Max, T::F32) => self.go::<f32, f32, MaxF>(),
			(F::Equal, T::F32) => self.go::<f32, u8, EqualF>(),
			(F::Less, T::F32) => self.go::<f32, u8, LessF>(),
			(F::LessOrEqual, T::F32) => self.go::<f32, u8, LessOrEqualF>(),
			(F::Add, T::I64) => self.go::<i64, i64, AddL>(),
			(F::Sub, T::I64) => self.go::<i64, i64, SubL>(),
			(F::Mul, T::I64) => self.go::<i64, i64, MulL>(),
			(F::Equal, T::I64) => self.go::<i64, u8, EqualL>(),
			(F::Less, T::I64) => self.go::<i64, u8, LessL>(),
			(F::LessOrEqual, T::I64) => self.go::<i64, u8, LessOrEqualL>(),
			(F::Add, T::I32) => self.go::<i32, i32, AddI>(),
			(F::Sub, T::I32) => self.go::<i32, i32, SubI>(),
			(F::Mul, T::I32) => self.go::<i32, i32, MulI>(),
			(F::Min, T::I32) => self.go::<i32, i32, MinI>(),
			(F::Max, T::I32) => self.go::<i32, i32, MaxI>(),
			(F::Equal, T::I32) => self.go::<i32, u8, EqualI>(),
			(F::Less, T::I32) => self.go::<i32, u8, LessI>(),
			(F::LessOrEqual, T::I32) => self.go::<i32, u8, LessOrEqualI>(),
			(F::Add, T::U8 | T::I8) => self.go::<u8, u8, AddB>(),
			(F::Sub, T::U8 | T::I8) => self.go::<u8, u8, SubB>(),
			(F::Min, T::U8) => self.go::<u8, u8, MinB>(),
			(F::Max, T::U8) => self.go::<u8, u8, MaxB>(),
			(F::Min, T::I8) => self.go::<i8, i8, MinS>(),
			(F::Max, T::I8) => self.go::<i8, i8, MaxS>(),
			(F::Equal, T::U8 | T::I8 | T::Bool) => self.go::<u8, u8, EqualB>(),
			(F::And, T::U8 | T::I8 | T::Bool) => self.go::<u8, u8, AndB>(),
			(F::Or, T::U8 | T::I8 | T::Bool) => self.go::<u8, u8, OrB>(),
			(F::Xor, T::U8 | T::I8 | T::Bool) => self.go::<u8, u8, XorB>(),
			_ => None,
		}
	}
}

macro_rules! casts {
	($(($name:ident $from:ty => $to:ty))*) => { $(
		struct $name;
		impl Map1<$from, $to> for $name {
			#[inline(always)]
			fn apply(x: $from) -> $to { x as $to }
		}
	)* };
}

casts! {
	(F32ToI64 f32 => i64)
	(I32ToF32 i32 => f32) (I64ToF32 i64 => f32) (U8ToF32 u8 => f32) (I8ToF32 i8 => f32)
	(I32ToI64 i32 => i64) (I64ToI32 i64 => i32) (U8ToI32 u8 => i32) (I8ToI32 i8 => i32)
	(U8ToI64 u8 => i64) (I8ToI64 i8 => i64) (I32ToU8 i32 => u8) (I64ToU8 i64 => u8)
}

unary_functions! {
	F32ToI32: f32 => i32, 1, |x| i32::saturated(x);
	F32ToU8: f32 => u8, 1, |x| u8::saturated(x);
	F32ToI8: f32 => i8, 1, |x| i8::saturated(x);
	F32ToBool: f32 => u8, 1, |x| u8::from(x != 0.0);
	I32ToBool: i32 => u8, 1, |x| u8::from(x != 0);
	I64ToBool: i64 => u8, 1, |x| u8::from(x != 0);
}

fn cast(from: DType, to: DType, x: &[u8], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	fn go<A: Pod, O: Pod, F: Map1<A, O>>(
		x: &[u8],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<()> {
		map1::<A, O, F>(view(x)?, view_mut(out)?, cfg);
		Some(())
	}
	use DType as T;
	if from == to {
		out.copy_from_slice(x);
		return Some(());
	}
	match (from, to) {
		(T::F32, T::I32) => go::<f32, i32, F32ToI32>(x, out, cfg),
		(T::F32, T::I64) => go::<f32, i64, F32ToI64>(x, out, cfg),
		(T::F32, T::U8) => go::<f32, u8, F32ToU8>(x, out, cfg),
		(T::F32, T::I8) => go::<f32, i8, F32ToI8>(x, out, cfg),
		(T::F32, T::Bool) => go::<f32, u8, F32ToBool>(x, out, cfg),
		(T::I32, T::F32) => go::<i32, f32, I32ToF32>(x, out, cfg),
		(T::I64, T::F32) => go::<i64, f32, I64ToF32>(x, out, cfg),
		(T::U8 | T::Bool, T::F32) => go::<u8, f32, U8ToF32>(x, out, cfg),
		(T::I8, T::F32) => go::<i8, f32, I8ToF32>(x, out, cfg),
		(T::I32, T::I64) => go::<i32, i64, I32ToI64>(x, out, cfg),
		(T::I64, T::I32) => go::<i64, i32, I64ToI32>(x, out, cfg),
		(T::U8 | T::Bool, T::I32) => go::<u8, i32, U8ToI32>(x, out, cfg),
		(T::I8, T::I32) => go::<i8, i32, I8ToI32>(x, out, cfg),
		(T::U8 | T::Bool, T::I64) => go::<u8, i64, U8ToI64>(x, out, cfg),
		(T::I8, T::I64) => go::<i8, i64, I8ToI64>(x, out, cfg),
		(T::I32, T::U8 | T::I8) => go::<i32, u8, I32ToU8>(x, out, cfg),
		(T::I64, T::U8 | T::I8) => go::<i64, u8, I64ToU8>(x, out, cfg),
		(T::U8 | T::Bool, T::I8) | (T::I8 | T::Bool, T::U8) => {
			out.copy_from_slice(x);
			Some(())
		},
		(T::I32, T::Bool) => go::<i32, u8, I32ToBool>(x, out, cfg),
		(T::I64, T::Bool) => go::<i64, u8, I64ToBool>(x, out, cfg),
		_ => None,
	}
}

fn select_by(
	walk: &Walk<3>,
	dtype: DType,
	operands: [&[u8]; 3],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	fn go<T: Pod>(
		walk: &Walk<3>,
		[c, a, b]: [&[u8]; 3],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<()> {
		select::<T>(walk, c, view(a)?, view(b)?, view_mut(out)?, cfg);
		Some(())
	}
	match dtype.size() {
		1 => go::<u8>(walk, operands, out, cfg),
		4 => go::<u32>(walk, operands, out, cfg),
		_ => go::<u64>(walk, operands, out, cfg),
	}
}

fn run_select(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	let [c, a, b] = &op.operands[..] else { return None };
	let dims = [c.shape.dims(), a.shape.dims(), b.shape.dims()];
	let walk = Walk::broadcast(op.shape.dims(), dims);
	select_by(&walk, op.dtype, operands.try_into().ok()?, out, cfg)
}

/// The elements of an operand that neighbouring elements of the output are computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a> {
	pub(crate) bytes: &'a [u8],
	/// One element for all of them instead of one for each.
	pub(crate) single: bool,
}

/// Runs `op`'s function on elements of its operands, as many as `out` has or one; with `walk`, a
/// binary function on operands that are read as it says. `None` when there is no kernel for the
/// types, whatever the length.
pub(crate) fn run_elements(
	op: &OpRecord,
	operands: &[Elements<'_>],
	walk: Option<&Walk<2>>,
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let len = out.len() / op.dtype.size() as usize;
	let step = |operand: &Elements<'_>| isize::from(!operand.single);
	match (op.kind, operands) {
		(OpKind::Unary(function), [x]) if !x.single => run_unary(op, function, x.bytes, out, cfg),
		(OpKind::Cast, [x]) if !x.single => cast(op.operands[0].dtype, op.dtype, x.bytes, out, cfg),
		(OpKind::RoundTo { format, overflow }, [x]) if !x.single => {
			float_formats::run(format, overflow, &[x.bytes], out, cfg).then_some(())
		},
		(OpKind::Binary(function), [a, b]) => {
			let walk = match walk {
				Some(walk) => Cow::Borrowed(walk),
				None => Cow::Owned(Walk::flat(len, [step(a), step(b)])),
			};
			let operands = Binary { walk, a: a.bytes, b: b.bytes, out, cfg };
			operands.run(function, op.operands[0].dtype)
		},
		(OpKind::Select, [c, a, b]) => {
			let walk = Walk::flat(len, [step(c), step(a), step(b)]);
			select_by(&walk, op.dtype, [c.bytes, a.bytes, b.bytes], out, cfg)
		},
		_ => None,
	}
}

fn run_unary(
	op: &OpRecord,
	function: UnaryFn,
	x: &[u8],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let native = matches!(op.operands[0].dtype, DType::F32)
		|| (function == UnaryFn::Not && op.dtype == DType::Bool);
	native.then(|| unary(function, x, out, cfg)).flatten()
}

/// Runs an elementwise op; false when there is no kernel for its types.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let done = match (op.kind, operands) {
		(OpKind::Unary(function), &[x]) => run_unary(op, function, x, out, cfg),
		(OpKind::Cast, &[x]) => cast(op.operands[0].dtype, op.dtype, x, out, cfg),
		(OpKind::Binary(function), &[a, b]) => {
			let dims = [op.operands[0].shape.dims(), op.operands[1].shape.dims()];
			let walk = Cow::Owned(Walk::broadcast(op.shape.dims(), dims));
			Binary { walk, a, b, out, cfg }.run(function, op.operands[0].dtype)
		},
		(OpKind::Select, _) => run_select(op, operands, out, cfg),
		_ => None,
	};
	done.is_some()
}
