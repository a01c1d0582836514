//! A vector of f32 lanes, as narrow an interface as the contraction kernels need.

#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Bits of the one NaN that is stored.
pub(crate) const NAN_BITS: u32 = 0x7fc0_0000;

/// `x`, with the one NaN for any NaN.
///
/// Compares bits, not floats: compilers take one NaN to be as good as another and drop a float
/// comparison that only replaces NaN by NaN (after a square root, for one).
#[inline(always)]
pub(crate) fn canonical(x: f32) -> f32 {
	let bits = x.to_bits();
	f32::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { NAN_BITS } else { bits })
}

/// One instruction set's vector of f32 lanes.
///
/// # Safety
/// All methods need the instruction set that the implementor is named after. Loads and stores
/// need [`Simd::LANES`] valid floats at the pointer; no alignment is needed.
pub(crate) unsafe trait Simd: Copy + 'static {
	/// The vector.
	type V: Copy;
	/// Floats per vector.
	const LANES: usize;
	/// Most rows of a register tile.
	const MAX_ROWS: usize;

	/// All lanes `x`.
	unsafe fn splat(x: f32) -> Self::V;
	/// `LANES` floats from `p`.
	unsafe fn load(p: *const f32) -> Self::V;
	/// `LANES` floats from `p`, a multiple of the vector's size. In builds with debug assertions
	/// unaligned loads check their pointer, which inner loops cannot afford.
	unsafe fn load_aligned(p: *const f32) -> Self::V;
	/// `out[i] = sums[i] + base[i] - zeros[i] * by` for `LANES` whole numbers, modulo 2^32.
	unsafe fn correct(
		sums: *const i32,
		base: *const i32,
		zeros: *const i32,
		by: i32,
		out: *mut i32,
	);
	/// `LANES` whole numbers from `p`, to nearest.
	unsafe fn of_ints(p: *const i32) -> Self::V;
	/// `LANES` floats to `p`.
	unsafe fn store(p: *mut f32, v: Self::V);
	/// Every second one of `2 * LANES` floats from `p`, the first included.
	#[inline(always)]
	unsafe fn load_even(p: *const f32) -> Self::V {
		let mut lanes = [0f32; 16];
		// SAFETY: the caller gives as many floats; no vector has more than 16.
		unsafe {
			for (i, lane) in lanes.iter_mut().enumerate().take(Self::LANES) {
				*lane = *p.add(2 * i);
			}
			Self::load(lanes.as_ptr())
		}
	}
	/// `count` floats from `p`, fewer than `LANES`, and zeros in the other lanes.
	#[inline(always)]
	unsafe fn load_first(p: *const f32, count: usize) -> Self::V {
		let mut lanes = [0f32; 16];
		// SAFETY: the caller gives as many floats; no vector has more than 16.
		unsafe {
			for (i, lane) in lanes.iter_mut().enumerate().take(count) {
				*lane = *p.add(i);
			}
			Self::load(lanes.as_ptr())
		}
	}
	/// The first `count` lanes to `p`, fewer than `LANES`.
	#[inline(always)]
	unsafe fn store_first(p: *mut f32, v: Self::V, count: usize) {
		let mut lanes = [0f32; 16];
		// SAFETY: as above.
		unsafe {
			Self::store(lanes.as_mut_ptr(), v);
			for (i, &lane) in lanes.iter().enumerate().take(count) {
				*p.add(i) = lane;
			}
		}
	}
	/// `a + b` per lane.
	unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
	/// `a * b + c` per lane, rounded once.
	unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
	/// The lanes of `a` where they are larger or NaN, else those of `b`.
	unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
	/// The lanes of `a` where they are smaller or NaN, else those of `b`.
	unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
	/// `a * b` per lane.
	#[inline(always)]
	unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
		// SAFETY: the contract. What is added changes no product, not even the sign of zero.
		unsafe { Self::fma(a, b, Self::splat(-0.0)) }
	}
	/// The lanes of `x` where they are not negative, else those of `other`.
	unsafe fn or_negative(x: Self::V, other: Self::V) -> Self::V;
	/// Every NaN lane becomes the canonical NaN.
	unsafe fn canonical(v: Self::V) -> Self::V;
	/// Asks for the cache line at `p`, any address, to be brought into the second-level cache.
	#[inline(always)]
	unsafe fn prefetch(p: *const f32) {
		#[cfg(target_arch = "x86_64")]
		// SAFETY: every processor of the target has the instruction; any address will do.
		unsafe {
			use core::arch::x86_64::*;
			_mm_prefetch::<_MM_HINT_T1>(p.cast());
		}
		#[cfg(not(target_arch = "x86_64"))]
		let _ = p;
	}
	/// The same for the first-level cache.
	#[inline(always)]
	unsafe fn prefetch_near(p: *const f32) {
		#[cfg(target_arch = "x86_64")]
		// SAFETY: as above.
		unsafe {
			use core::arch::x86_64::*;
			_mm_prefetch::<_MM_HINT_T0>(p.cast());
		}
		#[cfg(not(target_arch = "x86_64"))]
		let _ = p;
	}
	/// Writes `out[t * width + r] = source[r * step + t]` for `LANES` terms t and `LANES` rows r,
	/// term by term; rows from `rows` on read as zeros. Every row needs `LANES` valid floats.
	unsafe fn transpose(source: *const f32, step: usize, rows: usize, out: *mut f32, width: usize);
	/// Writes `out[t * width + r] = source[r * step + t]` for 16 rows r of 16 bytes t.
	#[inline(always)]
	unsafe fn transpose_bytes(source: *const u8, step: usize, out: *mut u8, width: usize) {
		for t in 0..16 {
			for r in 0..16 {
				// SAFETY: the caller gives 16 bytes in each of 16 rows on both sides.
				unsafe { *out.add(t * width + r) = *source.add(r * step + t) };
			}
		}
	}
}
