//! The instruction sets that kernels are compiled for, and the choice among them.

use crate::cpu::simd::Simd;
use core::fmt;

/// An instruction set that this processor has: no value of another can be made, so whoever holds one
/// may use its instructions. All of them give the same bits; they differ in speed only.
///
/// # Examples
///
/// ```
/// use assay_kernels::Isa;
///
/// // As a command line names it: what the processor lacks cannot be had.
/// match "avx512".parse::<Isa>() {
///     Ok(isa) => assert!(Isa::available().contains(&isa)),
///     Err(why) => assert!(why.starts_with("this processor does not have avx512; its best is")),
/// }
/// assert_eq!("scalar".parse(), Ok(Isa::SCALAR));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Isa(Level);

/// The instruction sets that kernels are compiled for, whether or not this processor has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) enum Level {
	/// Plain Rust, no fused multiply-add instruction needed.
	Scalar,
	/// x86-64 with AVX2 and FMA.
	Avx2,
	/// x86-64 with AVX-512 F, BW, DQ and VL.
	Avx512,
	/// Armv8-A Advanced SIMD.
	Neon,
}

impl Level {
	/// All of them, slowest first.
	const ALL: [Level; 4] = [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512];

	/// It, if this processor has it.
	pub(crate) fn isa(self) -> Option<Isa> {
		self.is_available().then_some(Isa(self))
	}

	fn is_available(self) -> bool {
		match self {
			Level::Scalar => true,
			#[cfg(target_arch = "x86_64")]
			Level::Avx2 => {
				is_x86_feature_detected!("avx2")
					&& is_x86_feature_detected!("fma")
					&& is_x86_feature_detected!("bmi2")
			},
			#[cfg(target_arch = "x86_64")]
			Level::Avx512 => {
				Level::Avx2.is_available()
					&& is_x86_feature_detected!("avx512f")
					&& is_x86_feature_detected!("avx512bw")
					&& is_x86_feature_detected!("avx512dq")
					&& is_x86_feature_detected!("avx512vl")
			},
			#[cfg(target_arch = "aarch64")]
			Level::Neon => true,
			_ => false,
		}
	}

	fn name(self) -> &'static str {
		match self {
			Level::Scalar => "scalar",
			Level::Avx2 => "avx2",
			Level::Avx512 => "avx512",
			Level::Neon => "neon",
		}
	}
}

impl Isa {
	/// Plain Rust, which every processor runs.
	pub const SCALAR: Isa = Isa(Level::Scalar);

	/// The best of this processor.
	pub fn detect() -> Isa {
		Isa::available().last().copied().unwrap_or(Isa::SCALAR)
	}

	/// All that this processor has, slowest first.
	pub fn available() -> Vec<Isa> {
		Level::ALL.into_iter().filter_map(Level::isa).collect()
	}

	/// Which one it is.
	pub(crate) fn level(self) -> Level {
		self.0
	}

	/// Its name, as `FromStr` reads it.
	pub fn name(self) -> &'static str {
		self.0.name()
	}
}

impl fmt::Display for Isa {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.name())
	}
}

impl core::str::FromStr for Isa {
	type Err = String;

	/// # Errors
	/// A sentence about a name that is none, or that of a set which this processor lacks.
	fn from_str(name: &str) -> Result<Isa, String> {
		let level = Level::ALL.into_iter().find(|level| level.name() == name);
		let level =
			level.ok_or_else(|| format!("{name:?} is none of scalar, avx2, avx512, neon"))?;
		let best = Isa::detect();
		level
			.isa()
			.ok_or_else(|| format!("this processor does not have {name}; its best is {best}"))
	}
}

/// Plain Rust that is compiled once per instruction set.
pub(crate) trait Kernel {
	/// What it computes.
	type Output;
	/// The work; must be `#[inline(always)]`, as must be what it calls in its inner loops.
	fn run(self) -> Self::Output;
}

/// Runs a kernel with the instructions of `isa`.
pub(crate) fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
	unsafe fn avx512<K: Kernel>(kernel: K) -> K::Output {
		kernel.run()
	}
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx2,fma,bmi2")]
	unsafe fn avx2<K: Kernel>(kernel: K) -> K::Output {
		kernel.run()
	}
	match isa.level() {
		// SAFETY: there is an `Isa` only of what this processor has.
		#[cfg(target_arch = "x86_64")]
		Level::Avx512 => unsafe { avx512(kernel) },
		// SAFETY: as above.
		#[cfg(target_arch = "x86_64")]
		Level::Avx2 => unsafe { avx2(kernel) },
		_ => kernel.run(),
	}
}

/// Work written over explicit vectors.
pub(crate) trait SimdKernel {
	/// The work; must be `#[inline(always)]`.
	///
	/// # Safety
	/// The instruction set of `S` must be enabled where this is inlined.
	unsafe fn run<S: Simd>(self);
}

/// Runs a vector kernel with the vectors of `isa`.
pub(crate) fn dispatch_simd<K: SimdKernel>(isa: Isa, kernel: K) {
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
	unsafe fn avx512<K: SimdKernel>(kernel: K) {
		// SAFETY: the features are enabled here.
		unsafe { kernel.run::<crate::cpu::simd::Avx512>() }
	}
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx2,fma,bmi2")]
	unsafe fn avx2<K: SimdKernel>(kernel: K) {
		// SAFETY: the features are enabled here.
		unsafe { kernel.run::<crate::cpu::simd::Avx2>() }
	}
	// SAFETY: there is an `Isa` only of what this processor has.
	unsafe {
		match isa.level() {
			#[cfg(target_arch = "x86_64")]
			Level::Avx512 => avx512(kernel),
			#[cfg(target_arch = "x86_64")]
			Level::Avx2 => avx2(kernel),
			#[cfg(target_arch = "aarch64")]
			Level::Neon => kernel.run::<crate::cpu::simd::Neon>(),
			_ => kernel.run::<crate::cpu::simd::Scalar>(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn names_round_trip() {
		for level in Level::ALL {
			assert_eq!(level.name().parse().ok(), level.isa());
		}
		assert!("sse9".parse::<Isa>().is_err());
	}

	#[test]
	fn what_the_processor_lacks_cannot_be_had() {
		let lacking = Level::ALL.into_iter().filter(|level| level.isa().is_none());
		// No processor is of two kinds.
		let lacking: Vec<_> = lacking.map(Level::name).collect();
		assert!(lacking.contains(&"neon") || lacking.contains(&"avx2"));
		assert!(lacking.iter().all(|name| name.parse::<Isa>().is_err()));
		assert_eq!(Isa::available().last(), Some(&Isa::detect()));
	}
}
