//! The instruction sets that kernels are compiled for, and the choice among them.

use crate::simd::Simd;
use core::fmt;

/// An instruction set level. All of them give the same bits; they differ in speed only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Isa {
	/// Plain Rust, no fused multiply-add instruction needed.
	Scalar,
	/// x86-64 with AVX2 and FMA.
	Avx2,
	/// x86-64 with AVX-512 F, BW, DQ and VL.
	Avx512,
	/// Armv8-A Advanced SIMD.
	Neon,
}

impl Isa {
	/// The best level of this processor.
	pub fn detect() -> Isa {
		for isa in [Isa::Avx512, Isa::Avx2, Isa::Neon] {
			if isa.is_available() {
				return isa;
			}
		}
		Isa::Scalar
	}

	/// Whether this processor can run the level.
	pub fn is_available(self) -> bool {
		match self {
			Isa::Scalar => true,
			#[cfg(target_arch = "x86_64")]
			Isa::Avx2 => {
				is_x86_feature_detected!("avx2")
					&& is_x86_feature_detected!("fma")
					&& is_x86_feature_detected!("bmi2")
			},
			#[cfg(target_arch = "x86_64")]
			Isa::Avx512 => {
				Isa::Avx2.is_available()
					&& is_x86_feature_detected!("avx512f")
					&& is_x86_feature_detected!("avx512bw")
					&& is_x86_feature_detected!("avx512dq")
					&& is_x86_feature_detected!("avx512vl")
			},
			#[cfg(target_arch = "aarch64")]
			Isa::Neon => true,
			_ => false,
		}
	}

	/// Every level that this processor can run, slowest first.
	pub fn available() -> Vec<Isa> {
		[Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512]
			.into_iter()
			.filter(|isa| isa.is_available())
			.collect()
	}

	/// The level's name, as `FromStr` reads it.
	pub fn name(self) -> &'static str {
		match self {
			Isa::Scalar => "scalar",
			Isa::Avx2 => "avx2",
			Isa::Avx512 => "avx512",
			Isa::Neon => "neon",
		}
	}
}

impl fmt::Display for Isa {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.name())
	}
}

impl core::str::FromStr for Isa {
	type Err = String;

	fn from_str(s: &str) -> Result<Isa, String> {
		[Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon]
			.into_iter()
			.find(|isa| isa.name() == s)
			.ok_or_else(|| format!("unknown instruction set {s:?}: scalar, avx2, avx512 or neon"))
	}
}

/// Plain Rust that is compiled once per instruction set.
pub(crate) trait Kernel {
	/// What it computes.
	type Output;
	/// The work; must be `#[inline(always)]`, as must be what it calls in its inner loops.
	fn run(self) -> Self::Output;
}

/// Runs a kernel with the instructions of `isa`, which must be available.
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
	match isa {
		// SAFETY: `KernelConfig` holds only levels that `is_available` confirmed.
		#[cfg(target_arch = "x86_64")]
		Isa::Avx512 => unsafe { avx512(kernel) },
		// SAFETY: as above.
		#[cfg(target_arch = "x86_64")]
		Isa::Avx2 => unsafe { avx2(kernel) },
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

/// Runs a vector kernel with the vectors of `isa`, which must be available.
pub(crate) fn dispatch_simd<K: SimdKernel>(isa: Isa, kernel: K) {
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
	unsafe fn avx512<K: SimdKernel>(kernel: K) {
		// SAFETY: the features are enabled here.
		unsafe { kernel.run::<crate::simd::Avx512>() }
	}
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx2,fma,bmi2")]
	unsafe fn avx2<K: SimdKernel>(kernel: K) {
		// SAFETY: the features are enabled here.
		unsafe { kernel.run::<crate::simd::Avx2>() }
	}
	// SAFETY: `KernelConfig` holds only levels that `is_available` confirmed.
	unsafe {
		match isa {
			#[cfg(target_arch = "x86_64")]
			Isa::Avx512 => avx512(kernel),
			#[cfg(target_arch = "x86_64")]
			Isa::Avx2 => avx2(kernel),
			#[cfg(target_arch = "aarch64")]
			Isa::Neon => kernel.run::<crate::simd::Neon>(),
			_ => kernel.run::<crate::simd::Scalar>(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn names_round_trip() {
		for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon] {
			assert_eq!(isa.name().parse(), Ok(isa));
		}
		assert!("sse9".parse::<Isa>().is_err());
		assert!(Isa::detect().is_available());
	}
}
