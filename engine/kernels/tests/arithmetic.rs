//! The arithmetic in integers, the native one, and correctly rounded functions give equal bits.
//!
//! A sample of what `cargo run --release -p assay-kernels --example exhaustive` checks in full.

#[path = "../examples/exhaustive/oracle.rs"]
mod oracle;
#[path = "../examples/exhaustive/pairs.rs"]
mod pairs;

use assay_kernels::Hard;
use assay_referee::arith::{functions, Arith, Soft};
use assay_referee::UnaryFn;

/// One input in this many; odd, so that the sample reaches all low bits.
const STRIDE: usize = 257;

/// The integers, which are slower, take one of those in this many.
const SOFT_STRIDE: usize = 63;

/// Zeros, subnormals, numbers around 1, 2^24 and the ends of the range, infinities, NaNs, multiples
/// of pi / 2, and inputs whose results lie nearest to the middle of two numbers.
const SPECIAL: [u32; 51] = [
	0x3288_85a3,
	0x3982_6222,
	0x3a12_85ff,
	0x3d8d_6b23,
	0x4bdd_65a5,
	0x6558_90d3,
	0x6eb1_a8ec,
	0x0000_0000,
	0x0000_0001,
	0x007f_ffff,
	0x0080_0000,
	0x0100_0000,
	0x3300_0000,
	0x3380_0000,
	0x3400_0000,
	0x34c0_0000,
	0x3880_0000,
	0x39ea_41d0,
	0x3a92_8601,
	0x3b42_9d37,
	0x3c41_3d3a,
	0x3cf3_a937,
	0x4117_8feb,
	0x4c5d_65a5,
	0x65d8_90d3,
	0x6f31_a8ec,
	0x3f00_0000,
	0x3f49_0fda,
	0x3f49_0fdb,
	0x3f7f_ffff,
	0x3f80_0000,
	0x3f80_0001,
	0x3fc9_0fdb,
	0x4020_0000,
	0x4049_0fdb,
	0x407b_0000,
	0x4120_0000,
	0x42b1_7218,
	0x42b1_7217,
	0x42cf_f1b5,
	0x4300_0000,
	0x4315_0000,
	0x4619_9998,
	0x4b80_0000,
	0x5f18_b878,
	0x5f80_0000,
	0x6115_cb11,
	0x7f7f_ffff,
	0x7f80_0000,
	0x7f80_0001,
	0x7fc0_0000,
];

fn check(name: &str, hard: fn(f32) -> f32, soft: fn(u32) -> u32, oracle: fn(f32) -> f32) {
	let special = SPECIAL.iter().flat_map(|&x| [x, x | 1 << 31]);
	let special = special.map(|x| (0, x));
	for (i, x) in special.chain((0..=u32::MAX).step_by(STRIDE).enumerate()) {
		let expected = Hard::f32_to_bits(oracle(f32::from_bits(x)));
		let native = Hard::f32_to_bits(hard(f32::from_bits(x)));
		assert_eq!(native, expected, "{name} of {x:08x}");
		if i % SOFT_STRIDE == 0 {
			let integer = Soft::f32_to_bits(soft(x));
			assert_eq!(integer, expected, "{name} of {x:08x} in integers");
		}
	}
}

macro_rules! correctly_rounded {
	($($name:ident: $oracle:path),* $(,)?) => {$(
		#[test]
		fn $name() {
			let name = stringify!($name);
			check(name, functions::$name::<Hard>, functions::$name::<Soft>, $oracle);
		}
	)*

		/// What this file compares with an oracle.
		const COMPARED: &[&str] = &[$(stringify!($name)),*];
	};
}

correctly_rounded! {
	exp: core_math::expf,
	exp2: core_math::exp2f,
	log: core_math::logf,
	tanh: core_math::tanhf,
	erf: core_math::erff,
	sigmoid: oracle::sigmoid,
	softplus: oracle::softplus,
	sin: core_math::sinf,
	cos: core_math::cosf,
	tan: core_math::tanf,
	asin: core_math::asinf,
	acos: core_math::acosf,
	atan: core_math::atanf,
	sinh: core_math::sinhf,
	cosh: core_math::coshf,
	asinh: core_math::asinhf,
	acosh: core_math::acoshf,
	atanh: core_math::atanhf,
}

#[test]
fn every_elementary_function_has_an_oracle() {
	let functions = UnaryFn::ALL.iter().filter(|function| function.is_elementary());
	let mut wanted: Vec<String> = functions.map(|f| format!("{f:?}").to_lowercase()).collect();
	let mut compared = COMPARED.to_vec();
	wanted.sort();
	compared.sort_unstable();
	assert_eq!(compared, wanted);
}

#[test]
fn random_operands() {
	for name in pairs::NAMES {
		assert_eq!(pairs::check(name, 1 << 17, 1), 0, "{name}");
	}
}

fn pow(x: f32, y: f32) -> f32 {
	let hard = functions::pow::<Hard>(x, y);
	let soft = functions::pow::<Soft>(x.to_bits(), y.to_bits());
	assert_eq!(Hard::f32_to_bits(hard), Soft::f32_to_bits(soft), "{x} to {y}");
	hard
}

#[test]
fn pow_has_the_special_cases_of_the_standard() {
	let tiny = f32::from_bits(1);
	let values = [0.0, tiny, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 7.0, 16_777_215.0, 3.0e38];
	let values = values.into_iter().chain([f32::INFINITY, f32::NAN]).flat_map(|x| [x, -x]);
	let values: Vec<f32> = values.collect();
	for &x in &values {
		for &y in &values {
			let special =
				!x.is_finite() || !y.is_finite() || x == 0.0 || y == 0.0 || x.abs() == 1.0;
			// These are products of rounded products by definition.
			if special || (x < 0.0 && y != 3.0) {
				let expected = core_math::powf(x, y);
				assert_eq!(Hard::f32_to_bits(pow(x, y)), Hard::f32_to_bits(expected), "{x} to {y}");
			}
		}
	}
}

#[test]
fn pow_by_multiplication() {
	for x in (0..=u32::MAX).step_by(STRIDE * SOFT_STRIDE).map(f32::from_bits) {
		let bits = Hard::f32_to_bits;
		assert_eq!(bits(pow(x, 2.0)), bits(x * x));
		assert_eq!(bits(pow(x, 3.0)), bits(x * x * x));
		assert_eq!(bits(pow(x, -1.0)), bits(1.0 / x));
		assert_eq!(bits(pow(x, 1.0)), bits(x));
		if x > 0.0 {
			assert_eq!(bits(pow(x, 0.5)), bits(x.sqrt()));
		}
	}
}
