//! Whole numbers of 8 bits and floats: conversions that become vectors, and in one pass the chains of
//! elementwise ops by which quantized models go from one to the other.

use crate::{
	cpu::{dispatch, simd::canonical, view, view_mut, Kernel, Pod},
	KernelConfig,
};
use assay_referee::DType;
use core::marker::PhantomData;

/// `x` within `low..=high`; NaN is 0.
#[inline(always)]
fn limited(x: f32, low: f32, high: f32) -> f32 {
	// Where 0 is the lowest value, the comparison below makes 0 of NaN.
	let x = if low != 0.0 && x.is_nan() { 0.0 } else { x };
	let x = if x > low { x } else { low };
	if x < high {
		x
	} else {
		high
	}
}

/// A whole number that floats are converted to, truncating and saturating, NaN to 0.
///
/// `x as u8` means the same, but compilers do it one element at a time.
pub(crate) trait Saturate {
	fn saturated(x: f32) -> Self;
}

/// A [`Saturate`] whose whole range floats hold.
trait Byte: Saturate + Whole {
	/// What `saturated` is made of: within the range, NaN 0, not truncated.
	fn limited(x: f32) -> f32;
}

macro_rules! bytes {
	($($name:ident)*) => { $(
		impl Byte for $name {
			#[inline(always)]
			fn limited(x: f32) -> f32 {
				limited(x, $name::MIN.into(), $name::MAX.into())
			}
		}

		impl Saturate for $name {
			#[inline(always)]
			fn saturated(x: f32) -> $name {
				// SAFETY: within the range of 8 bits.
				unsafe { <$name as Byte>::limited(x).to_int_unchecked::<i32>() as $name }
			}
		}
	)* };
}

bytes! { u8 i8 }

impl Saturate for i32 {
	#[inline(always)]
	fn saturated(x: f32) -> i32 {
		// The greatest float below 2^31; nothing lies between.
		let y = limited(x, -2_147_483_648.0, 2_147_483_520.0);
		if x >= 2_147_483_648.0 {
			i32::MAX
		} else {
			// SAFETY: between two numbers that fit.
			unsafe { y.to_int_unchecked::<i32>() }
		}
	}
}

/// A whole number as the nearest float.
trait Whole: Pod {
	fn float(self) -> f32;
}

macro_rules! whole {
	($($name:ty)*) => { $(
		impl Whole for $name {
			#[inline(always)]
			fn float(self) -> f32 {
				self as f32
			}
		}
	)* };
}

whole! { u8 i8 i32 }

/// What a chain of elementwise ops does to each element; the numbers are [`Scalars`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chain {
	/// Whole numbers of this type to floats: `(x - minus) · times`.
	Dequantize(DType),
	/// Floats to 8 bits: `x · by` or `x / by`, `+ before`, rounded, `+ plus`, saturated.
	Quantize {
		/// Whether it is a division.
		divides: bool,
		/// `U8` or `I8`.
		to: DType,
	},
	/// [`Chain::Quantize`], then [`Chain::Dequantize`].
	Through {
		/// Whether it is a division.
		divides: bool,
		/// The type in between, `U8` or `I8`.
		by_way_of: DType,
	},
}

/// The numbers of a [`Chain`]. Those that its ops do not have are such that they change nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalars {
	pub(crate) by: f32,
	pub(crate) before: f32,
	pub(crate) plus: f32,
	pub(crate) minus: f32,
	pub(crate) times: f32,
}

impl Default for Scalars {
	fn default() -> Scalars {
		// A sum with +0 turns -0 into +0, which is the same whole number; a difference keeps it.
		Scalars { by: 1.0, before: 0.0, plus: 0.0, minus: 0.0, times: 1.0 }
	}
}

impl Scalars {
	/// Whether `plus` is whole, so that sums of it and whole numbers are, and differences and products
	/// of numbers of 8 bits with the others are no NaN.
	fn are_plain(&self) -> bool {
		self.plus.trunc() == self.plus && self.minus.is_finite() && self.times.is_finite()
	}

	/// What is saturated. Inner NaN need not be canonical: what is stored is, or is a whole number.
	#[inline(always)]
	fn quantized<const DIVIDES: bool>(&self, x: f32) -> f32 {
		let y = if DIVIDES { x / self.by } else { x * self.by };
		(y + self.before).round_ties_even() + self.plus
	}

	/// `PLAIN` where [`Scalars::are_plain`].
	#[inline(always)]
	fn dequantized<const PLAIN: bool>(&self, x: f32) -> f32 {
		let y = (x - self.minus) * self.times;
		if PLAIN {
			y
		} else {
			canonical(y)
		}
	}
}

impl Chain {
	/// Computes `out` from as many elements `x`; `None` for bytes that are not aligned or of types
	/// that the chain does not take.
	pub(crate) fn run(
		self,
		mut scalars: Scalars,
		x: &[u8],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<()> {
		use DType::{I32, I8, U8};
		// A sum with +0 is never -0, and only whole numbers come of it.
		scalars.plus += 0.0;
		let call = Call { scalars, x, out, cfg };
		match self {
			Chain::Dequantize(U8) => call.dequantize::<u8>(),
			Chain::Dequantize(I8) => call.dequantize::<i8>(),
			Chain::Dequantize(I32) => call.dequantize::<i32>(),
			Chain::Quantize { divides: true, to: U8 } => call.quantize::<u8, true>(),
			Chain::Quantize { divides: false, to: U8 } => call.quantize::<u8, false>(),
			Chain::Quantize { divides: true, to: I8 } => call.quantize::<i8, true>(),
			Chain::Quantize { divides: false, to: I8 } => call.quantize::<i8, false>(),
			Chain::Through { divides: true, by_way_of: U8 } => call.through::<u8, true>(),
			Chain::Through { divides: false, by_way_of: U8 } => call.through::<u8, false>(),
			Chain::Through { divides: true, by_way_of: I8 } => call.through::<i8, true>(),
			Chain::Through { divides: false, by_way_of: I8 } => call.through::<i8, false>(),
			Chain::Dequantize(_) | Chain::Quantize { .. } | Chain::Through { .. } => None,
		}
	}
}

/// Operand and output of a chain.
struct Call<'a> {
	scalars: Scalars,
	x: &'a [u8],
	out: &'a mut [u8],
	cfg: &'a KernelConfig,
}

impl Call<'_> {
	fn dequantize<T: Whole>(self) -> Option<()> {
		if self.scalars.are_plain() {
			self.go::<T, f32, Dequantize<true>>()
		} else {
			self.go::<T, f32, Dequantize<false>>()
		}
	}

	fn quantize<T: Byte, const DIVIDES: bool>(self) -> Option<()> {
		self.go::<f32, T, Quantize<DIVIDES>>()
	}

	fn through<T: Byte, const DIVIDES: bool>(self) -> Option<()> {
		if self.scalars.are_plain() {
			self.go::<f32, f32, Through<T, DIVIDES, true>>()
		} else {
			self.go::<f32, f32, Through<T, DIVIDES, false>>()
		}
	}

	fn go<A: Pod, O: Pod, F: Map<A, O>>(self) -> Option<()> {
		let (x, out) = (view::<A>(self.x)?, view_mut::<O>(self.out)?);
		let function = PhantomData::<F>;
		dispatch(self.cfg.isa, Each { scalars: self.scalars, x, out, function });
		Some(())
	}
}

/// A function of one element and the scalars; `apply` must be `#[inline(always)]`.
trait Map<A, O> {
	fn apply(scalars: &Scalars, x: A) -> O;
}

struct Each<'a, A, O, F> {
	scalars: Scalars,
	x: &'a [A],
	out: &'a mut [O],
	function: PhantomData<F>,
}

impl<A: Pod, O: Pod, F: Map<A, O>> Kernel for Each<'_, A, O, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		for (out, &x) in self.out.iter_mut().zip(self.x) {
			*out = F::apply(&self.scalars, x);
		}
	}
}

struct Dequantize<const PLAIN: bool>;

impl<T: Whole, const PLAIN: bool> Map<T, f32> for Dequantize<PLAIN> {
	#[inline(always)]
	fn apply(scalars: &Scalars, x: T) -> f32 {
		scalars.dequantized::<PLAIN>(x.float())
	}
}

struct Quantize<const DIVIDES: bool>;

impl<T: Saturate, const DIVIDES: bool> Map<f32, T> for Quantize<DIVIDES> {
	#[inline(always)]
	fn apply(scalars: &Scalars, x: f32) -> T {
		T::saturated(scalars.quantized::<DIVIDES>(x))
	}
}

struct Through<T, const DIVIDES: bool, const PLAIN: bool>(PhantomData<T>);

impl<T: Byte, const DIVIDES: bool, const PLAIN: bool> Map<f32, f32> for Through<T, DIVIDES, PLAIN> {
	#[inline(always)]
	fn apply(scalars: &Scalars, x: f32) -> f32 {
		let y = scalars.quantized::<DIVIDES>(x);
		// A whole number is its own conversion.
		let y = if PLAIN { T::limited(y) } else { T::saturated(y).float() };
		scalars.dequantized::<PLAIN>(y)
	}
}
