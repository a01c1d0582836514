//! Correctly rounded functions, mostly by a cheaper way than the referee's.
//!
//! The referee's functions give the correctly rounded value, so that any way to that value gives
//! the same bits. Here a value is first estimated with fused multiply-adds and fewer terms. If the
//! estimate's error cannot reach the middle of two `f32` numbers, rounding it gives the value; else
//! the referee's function decides, for the whole group of elements, which is rare. Compared with
//! the referee's on all 2^32 inputs by `cargo run --release -p assay-kernels --example exhaustive
//! -- kernels`.
//!
//! The polynomials interpolate at Chebyshev nodes.

use crate::{
	cpu::{dispatch, simd::canonical, Isa, Kernel},
	elementwise::map::{map1, Map1},
	threads, KernelConfig,
};
use core::marker::PhantomData;

/// Elements that are estimated, and if need be computed again, together.
const GROUP: usize = 64;

/// A correctly rounded function with an estimate; `estimate` must be `#[inline(always)]`.
pub(crate) trait Estimated: Map1<f32, f32> {
	/// Bound of the estimate's relative error.
	const ERROR: f64;
	/// The value before rounding, finite; anything for NaN.
	fn estimate(x: f32) -> f64;
}

/// `out[i] = F(x[i])`.
pub(crate) fn map_estimated<F: Estimated>(x: &[f32], out: &mut [f32], cfg: &KernelConfig) {
	// Without the instruction, a fused multiply-add costs more than it saves.
	if cfg.isa == Isa::SCALAR {
		return map1::<f32, f32, F>(x, out, cfg);
	}
	threads::for_each_part(cfg.threads, out, GROUP, F::COST, |start, out| {
		let x = &x[start..start + out.len()];
		dispatch(cfg.isa, Groups::<F> { x, out, function: PhantomData });
	});
}

/// Elements that are computed group by group.
struct Groups<'a, F> {
	x: &'a [f32],
	out: &'a mut [f32],
	function: PhantomData<F>,
}

impl<F: Estimated> Kernel for Groups<'_, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let (x, x_rest) = self.x.as_chunks::<GROUP>();
		let (out, out_rest) = self.out.as_chunks_mut::<GROUP>();
		for (out, x) in out.iter_mut().zip(x) {
			group::<F>(x, out);
		}
		if !out_rest.is_empty() {
			let mut padded = [0f32; GROUP];
			let mut values = [0f32; GROUP];
			padded[..x_rest.len()].copy_from_slice(x_rest);
			group::<F>(&padded, &mut values);
			out_rest.copy_from_slice(&values[..out_rest.len()]);
		}
	}
}

#[inline(always)]
fn group<F: Estimated>(x: &[f32; GROUP], out: &mut [f32; GROUP]) {
	let mut doubt = 0u32;
	for (out, &x) in out.iter_mut().zip(x) {
		let y = F::estimate(x);
		// The true value lies between these; where they round alike, so does it.
		let low = y.mul_add(-F::ERROR, y) as f32;
		let high = y.mul_add(F::ERROR, y) as f32;
		doubt |= low.to_bits() ^ high.to_bits();
		*out = if x.is_nan() { canonical(x) } else { high };
	}
	if doubt != 0 {
		for (out, &x) in out.iter_mut().zip(x) {
			*out = F::apply(x);
		}
	}
}

/// `c[0] + c[1] x + c[2] x^2 + ...`
#[inline(always)]
fn polynomial<const N: usize>(x: f64, c: &[u64; N]) -> f64 {
	let mut sum = f64::from_bits(c[N - 1]);
	for &c in c[..N - 1].iter().rev() {
		sum = sum.mul_add(x, f64::from_bits(c));
	}
	sum
}

/// `x` within `-limit..=limit`; NaN gives `-limit`.
#[inline(always)]
fn clamp(x: f64, limit: f64) -> f64 {
	let x = if x > -limit { x } else { -limit };
	if x < limit {
		x
	} else {
		limit
	}
}

/// `(e^r - 1) / r` for `|r| <= ln(2) / 2`, relative error below 2^-43.
const EXP: [u64; 9] = [
	0x3ff0_0000_0000_0001,
	0x3fdf_ffff_ffff_70d9,
	0x3fc5_5555_5555_2acd,
	0x3fa5_5555_5744_821e,
	0x3f81_1111_11f8_4c67,
	0x3f56_c164_db13_e5c4,
	0x3f2a_019a_1bef_a621,
	0x3efa_15aa_27c4_b7cc,
	0x3ec7_2d44_8b20_4afa,
];

/// `(p, s)` with `e^x = (1 + p) s`, `s` a power of two, for `|x| <= 600`.
#[inline(always)]
fn exp_parts(x: f64) -> (f64, f64) {
	// 1.5 · 2^52: adding it leaves the nearest integer in the low bits of the sum.
	const ROUNDER: f64 = 6_755_399_441_055_744.0;
	let shifted = x.mul_add(core::f64::consts::LOG2_E, ROUNDER);
	let k = shifted - ROUNDER;
	let r = k.mul_add(-core::f64::consts::LN_2, x);
	let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1f64.to_bits()));
	(r * polynomial(r, &EXP), scale)
}

/// `e^x`, constant beyond `|x| = 160`.
#[inline(always)]
fn exp(x: f64) -> f64 {
	let (p, scale) = exp_parts(clamp(x, 160.0));
	p.mul_add(scale, scale)
}

#[inline(always)]
pub(crate) fn estimate_exp(x: f32) -> f64 {
	exp(f64::from(x))
}

#[inline(always)]
pub(crate) fn estimate_sigmoid(x: f32) -> f64 {
	1.0 / (1.0 + exp(-f64::from(x)))
}

#[inline(always)]
pub(crate) fn estimate_tanh(x: f32) -> f64 {
	// E / (E + 2) with E = e^(2|x|) - 1, which keeps relative accuracy near 0.
	let a = clamp(f64::from(x.abs()), 10.0);
	let (p, scale) = exp_parts(a + a);
	let e = p.mul_add(scale, scale - 1.0);
	(e / (e + 2.0)).copysign(f64::from(x))
}

/// `erf(√z) / √z` in `2z / 3.93² - 1`, for z up to 3.93², relative error below 2^-42.
const ERF: [u64; 23] = [
	0x3fd7_074b_5a18_7dfb,
	0xbfc6_ff1b_cde5_fed3,
	0x3fc1_1fb9_78e2_739e,
	0xbfbb_e77c_42eb_30ef,
	0x3fb7_3065_7b4d_3160,
	0xbfb2_f98c_e2ad_73cc,
	0x3fad_e883_9275_2847,
	0xbfa6_63b7_0c10_bb37,
	0x3f9f_96c8_25ba_3390,
	0xbf94_eb02_7001_d950,
	0x3f89_f902_8176_d323,
	0xbf7e_3e6e_29c9_74a8,
	0x3f70_8b13_8ec4_66f5,
	0xbf61_0e02_7ac5_1368,
	0x3f50_8d4c_a0c1_e9bc,
	0xbf3e_11dc_3c5e_bce6,
	0x3f2a_3e93_6a32_1644,
	0xbf17_1d05_8724_46fd,
	0x3f01_e6ec_0059_0b21,
	0xbee2_c4f8_6fde_ba14,
	0x3ecc_ba0b_2164_2c86,
	0xbec6_cbc3_a114_4457,
	0x3eac_9cb3_7a6f_4dea,
];

#[inline(always)]
pub(crate) fn estimate_erf(x: f32) -> f64 {
	// Beyond 3.93 the value rounds to that at 3.93, which is 1.
	const LIMIT: f64 = 3.93;
	let x = clamp(f64::from(x), LIMIT);
	let t = (x * x).mul_add(2.0 / (LIMIT * LIMIT), -1.0);
	x * polynomial(t, &ERF)
}
