//! The error function.

use super::exponential::exp_wide;
use super::{clamp, constant, finish_odd, polynomial, ONE, TWO};
use crate::arith::Arith;

/// `erf(x) / x - 1` in `x^2`, for `|x| <= 1`, relative error of erf below 2^-56.3.
const SMALL: [u64; 13] = [
	0x3fc0_6eba_8214_db69,
	0xbfd8_1274_6b03_7a25,
	0x3fbc_e2f2_1a04_58d9,
	0xbf9b_82ce_3135_4da7,
	0x3f75_65bc_d2c6_5e79,
	0xbf4c_02db_933d_6073,
	0x3f1f_9a3b_96e7_1d90,
	0xbeef_4dcf_3d89_89f3,
	0x3ebb_a693_a997_2c02,
	0xbe86_3923_b0ce_9360,
	0x3e51_3299_36c7_7e5b,
	0xbe1c_4f7a_cd9c_d98f,
	0x3de3_bfcc_4299_e088,
];

/// `erfc(x) e^(x^2)` in `x - 2`, for `x` from 1 to 3.93, error of erf below 2^-58.7.
const LARGE: [u64; 21] = [
	0x3fd0_5867_1b52_c776,
	0xbfbb_5703_4efd_3f71,
	0x3fa5_672b_9ea1_3e96,
	0xbf8f_a9d3_ac95_56a9,
	0x3f76_4907_2159_9f78,
	0xbf5e_028e_8a50_5c1c,
	0x3f43_69ff_a0fc_01ea,
	0xbf28_3822_17ef_5aa8,
	0x3f0d_37ba_1647_dc39,
	0xbef1_15cf_d5fd_ad8b,
	0x3ed3_697e_063e_a9ba,
	0xbeb5_777c_c487_48dd,
	0x3e97_23c0_3f55_d019,
	0xbe78_5c1d_9a01_333d,
	0x3e59_1e52_93dc_b8b1,
	0xbe39_3861_8f01_a18d,
	0x3e18_419f_89aa_21dc,
	0xbdf7_cd13_f01b_0e88,
	0x3dda_9271_b374_9815,
	0xbdb9_bd0a_b8e0_ede2,
	0x3d88_6534_2f2b_7f3f,
];

/// 3.93, above which erf rounds to 1.
const ALL: u64 = 0x400f_70a3_d70a_3d71;

/// The error function `2 / sqrt(pi) * integral of e^(-t^2) from 0 to x`, correctly rounded.
/// -1 and 1 at the infinities, NaN for NaN.
#[inline(always)]
pub fn erf<A: Arith>(x: A::F32) -> A::F32 {
	let a = clamp::<A>(A::abs64(A::f32_to_f64(x)), 0, ALL);
	let z = A::mul64(a, a);
	let one = constant::<A>(ONE);
	// Each polynomial gets an argument of its own range, because it grows fast outside.
	let small_z = if A::lt64(z, one) { z } else { one };
	let small = A::add64(a, A::mul64(a, polynomial::<A, 13>(small_z, &SMALL)));
	let tail = polynomial::<A, 21>(A::sub64(a, constant::<A>(TWO)), &LARGE);
	let large = A::sub64(one, A::mul64(exp_wide::<A>(A::neg64(z)), tail));
	finish_odd::<A>(x, if A::lt64(a, one) { small } else { large })
}
