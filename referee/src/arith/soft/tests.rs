//! Integers against the processor's floats.

use crate::arith::{Arith, Soft, NAN32, NAN64};
use proptest::prelude::*;

/// Bits where something special happens: zeros, subnormals, ones, the largest numbers,
/// infinities, NaNs, the edges of the integer types, and halves.
const SPECIAL32: [u32; 36] = [
	0x0000_0000, // 0
	0x0000_0001, // smallest subnormal
	0x0000_0002,
	0x0000_0003,
	0x0040_0000,
	0x007f_ffff, // largest subnormal
	0x0080_0000, // smallest normal
	0x0080_0001,
	0x00ff_ffff,
	0x0100_0000,
	0x1a00_0000,
	0x337f_ffff,
	0x3380_0000, // 2^-24
	0x3380_0001,
	0x3400_0000,
	0x3eff_ffff,
	0x3f00_0000, // 0.5
	0x3f00_0001,
	0x3f7f_ffff,
	0x3f80_0000, // 1
	0x3f80_0001,
	0x3fc0_0000, // 1.5
	0x4020_0000, // 2.5
	0x437f_8000, // 255.5
	0x4b00_0000, // 2^23
	0x4b00_0001,
	0x4aff_ffff, // 2^23 - 0.5
	0x4eff_ffff,
	0x4f00_0000, // 2^31
	0x5eff_ffff,
	0x5f00_0000, // 2^63
	0x7f7f_ffff, // largest
	0x7f80_0000, // infinity
	0x7f80_0001, // signalling NaN
	0x7fc0_0000,
	0x7fff_ffff,
];

/// Numbers in which near-ties, cancellation and underflow are common.
fn any32() -> impl Strategy<Value = u32> {
	prop_oneof![
		2 => any::<u32>(),
		2 => (prop::sample::select(&SPECIAL32[..]), any::<bool>())
			.prop_map(|(x, negative)| x | u32::from(negative) << 31),
		2 => any::<u32>().prop_map(|x| (x & 0x83ff_ffff) + 0x3e00_0000),
		1 => any::<u32>().prop_map(|x| x & 0x80ff_ffff),
		1 => (any::<u32>(), 0..23u32).prop_map(|(x, n)| (x & 0xff80_0000) | 1 << n),
		1 => (any::<u32>(), 0..23u32).prop_map(|(x, n)| x | 0x007f_ffff >> n),
	]
}

fn any64() -> impl Strategy<Value = u64> {
	prop_oneof![
		2 => any::<u64>(),
		1 => any32().prop_map(|x| f64::from(f32::from_bits(x)).to_bits()),
		2 => any::<u64>().prop_map(|x| (x & 0x803f_ffff_ffff_ffff) + 0x3fe0_0000_0000_0000),
		1 => any::<u64>().prop_map(|x| x & 0x801f_ffff_ffff_ffff),
		1 => (any::<u64>(), 0..52u32).prop_map(|(x, n)| (x & 0xfff << 52) | 1 << n),
		1 => (any::<u64>(), 0..52u32).prop_map(|(x, n)| x | ((1 << 52) - 1) >> n),
		1 => any::<u64>().prop_map(|x| (x & 0x803f_ffff_ffff_ffff) + 0x3690_0000_0000_0000),
		1 => any::<u64>().prop_map(|x| (x & 0x803f_ffff_ffff_ffff) + 0x4340_0000_0000_0000),
	]
}

// NaN are told by their bits: where a value is compared with itself, compilers may keep whatever NaN it is.

fn same32(soft: u32, native: f32) {
	let bits = native.to_bits();
	let native = if bits & (u32::MAX >> 1) > f32::INFINITY.to_bits() { NAN32 } else { bits };
	assert_eq!(Soft::f32_to_bits(soft), native, "{soft:08x} {native:08x}");
}

fn same64(soft: u64, native: f64) {
	let bits = native.to_bits();
	let native = if bits & (u64::MAX >> 1) > f64::INFINITY.to_bits() { NAN64 } else { bits };
	assert_eq!(Soft::f64_to_bits(soft), native, "{soft:016x} {native:016x}");
}

fn check_one(a: u32) {
	let x = f32::from_bits(a);
	same32(Soft::sqrt32(a), x.sqrt());
	same32(Soft::neg32(a), -x);
	same32(Soft::abs32(a), x.abs());
	same32(Soft::floor32(a), x.floor());
	same32(Soft::ceil32(a), x.ceil());
	same32(Soft::round32(a), x.round_ties_even());
	same32(Soft::trunc32(a), x.trunc());
	assert_eq!(Soft::is_nan32(a), x.is_nan());
	same64(Soft::f32_to_f64(a), f64::from(x));
	assert_eq!(Soft::f32_to_i32(a), x as i32);
	assert_eq!(Soft::f32_to_i64(a), x as i64);
	assert_eq!(Soft::f32_to_u8(a), x as u8);
	assert_eq!(Soft::f32_to_i8(a), x as i8);
	same32(Soft::i32_to_f32(a as i32), a as i32 as f32);
	same32(Soft::u8_to_f32(a as u8), f32::from(a as u8));
}

fn check_two(a: u32, b: u32) {
	let (x, y) = (f32::from_bits(a), f32::from_bits(b));
	same32(Soft::add32(a, b), x + y);
	same32(Soft::sub32(a, b), x - y);
	same32(Soft::mul32(a, b), x * y);
	same32(Soft::div32(a, b), x / y);
	assert_eq!(Soft::lt32(a, b), x < y);
	assert_eq!(Soft::le32(a, b), x <= y);
	assert_eq!(Soft::eq32(a, b), x == y);
}

fn check_wide(a: u64, b: u64) {
	let (x, y) = (f64::from_bits(a), f64::from_bits(b));
	same64(Soft::add64(a, b), x + y);
	same64(Soft::sub64(a, b), x - y);
	same64(Soft::mul64(a, b), x * y);
	same64(Soft::div64(a, b), x / y);
	same64(Soft::neg64(a), -x);
	same64(Soft::abs64(a), x.abs());
	assert_eq!(Soft::lt64(a, b), x < y);
	assert_eq!(Soft::le64(a, b), x <= y);
	assert_eq!(Soft::eq64(a, b), x == y);
	same32(Soft::f64_to_f32(a), x as f32);
	assert_eq!(Soft::f64_to_i64(a), x as i64);
}

/// `a * b + c` by another road: binary64 rounded to odd, then to binary32.
fn fma_to_odd(a: u32, b: u32, c: u32) -> f32 {
	let [a, b, c] = [a, b, c].map(|x| f64::from(f32::from_bits(x)));
	let product = a * b;
	let sum = product + c;
	let part = sum - product;
	let error = (product - (sum - part)) + (c - part);
	let bits = sum.to_bits();
	if error.abs() > 0.0 && bits & 1 == 0 {
		let away = (error > 0.0) == (sum > 0.0);
		return f64::from_bits(if away { bits + 1 } else { bits - 1 }) as f32;
	}
	sum as f32
}

#[test]
fn special_values_of_binary32() {
	let signed: Vec<u32> = SPECIAL32.iter().flat_map(|&x| [x, x | 1 << 31]).collect();
	for &a in &signed {
		check_one(a);
		for &b in &signed {
			check_two(a, b);
			for &c in &signed {
				same32(Soft::fma32(a, b, c), fma_to_odd(a, b, c));
			}
		}
	}
}

/// A wider sum that is rounded a second time is wrong here: the exact result lies next to the
/// middle of two subnormals, nearer than binary64 can tell, so the sum lands on the middle.
#[test]
fn fma_rounds_once_into_subnormals() {
	let fma = |a, b, c| Soft::fma32(a, b, c);
	// Just below the middle of 00010001 and 00010002, whose even one is the wrong one.
	assert_eq!(fma(0x9700_0800, 0x1cff_f001, 0x0001_0002), 0x0001_0001);
	assert_eq!(fma(0x1700_0800, 0x1cff_f001, 0x8001_0002), 0x8001_0001);
	// Just above the middle of 00010002 and 00010003.
	assert_eq!(fma(0x1700_0800, 0x1cff_f001, 0x0001_0002), 0x0001_0003);
	// Just above the middle of 00100000 and 00100001, and just below it.
	assert_eq!(fma(0x99ff_e000, 0x1a00_1002, 0x0010_0001), 0x0010_0001);
	assert_eq!(fma(0x19ff_e000, 0x1a00_1002, 0x8010_0001), 0x8010_0001);
	assert_eq!(fma(0x19ff_e000, 0x1a00_1002, 0x0010_0001), 0x0010_0001);
	for (a, b, c) in [
		(0x9700_0800, 0x1cff_f001, 0x0001_0002),
		(0x1700_0800, 0x1cff_f001, 0x0001_0002),
		(0x99ff_e000, 0x1a00_1002, 0x0010_0001),
		(0x19ff_e000, 0x1a00_1002, 0x0010_0001),
	] {
		same32(fma(a, b, c), fma_to_odd(a, b, c));
	}
}

#[test]
fn fma_rounds_once() {
	// (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the product alone loses its last bit.
	assert_eq!(Soft::fma32(0x3f80_0800, 0x3f80_0800, 0xbf80_1000), 0x3380_0000);
	// An exact zero is +0, and a tiny addend breaks a tie of the product.
	assert_eq!(Soft::fma32(0x3f80_0000, 0x3f80_0000, 0xbf80_0000), 0);
	assert_eq!(Soft::fma32(0x3f80_0800, 0x3f80_0800, 0x0000_0001), 0x3f80_1001);
	assert_eq!(Soft::fma32(0x3f80_0800, 0x3f80_0800, 0x8000_0001), 0x3f80_1000);
}

#[test]
fn integers_to_floats() {
	let mut edges = vec![0i64, 1, -1, i64::MIN, i64::MAX, i64::from(i32::MIN), i64::from(i32::MAX)];
	for shift in 20..63 {
		for near in -2..=2 {
			edges.extend([(1i64 << shift) + near, -(1i64 << shift) + near]);
			edges.push(((1i64 << shift) | (1 << (shift - 20))) + near);
		}
	}
	for x in edges {
		same32(Soft::i64_to_f32(x), x as f32);
		same64(Soft::i64_to_f64(x), x as f64);
		same32(Soft::i32_to_f32(x as i32), x as i32 as f32);
	}
}

#[test]
fn every_nan_is_seen_as_the_canonical_one() {
	for nan in [0x7f80_0001, 0xff80_0001, 0xffff_ffff, 0x7fc0_0001] {
		assert_eq!(Soft::f32_to_bits(Soft::f32_from_bits(nan)), NAN32);
		assert_eq!(Soft::f32_to_bits(Soft::neg32(nan)), NAN32);
		assert_eq!(Soft::f64_to_bits(Soft::f32_to_f64(nan)), NAN64);
	}
	assert_eq!(Soft::f64_to_bits(0xfff0_0000_0000_0001), NAN64);
}

/// What follows from one step after another.
fn chain_by_steps(a: &[u32], b: &[u32], sum: u32) -> f32 {
	let step = |sum: f32, (&a, &b): (&u32, &u32)| fma_to_odd(a, b, sum.to_bits());
	a.iter().zip(b).fold(f32::from_bits(sum), step)
}

fn check_chain(a: &[u32], b: &[u32], sum: u32) {
	same32(Soft::chain32(a, b, sum), chain_by_steps(a, b, sum));
}

#[test]
fn chains_of_special_values() {
	let signed: Vec<u32> = SPECIAL32.iter().flat_map(|&x| [x, x | 1 << 31]).collect();
	for &a in &signed {
		for &b in &signed {
			for &sum in &signed {
				// The sum before, and what such a step leaves for the next one.
				check_chain(&[a], &[b], sum);
				check_chain(&[a, 0x3fc0_0001, a], &[b, 0x3f80_0003, 0xbf80_0001], sum);
			}
		}
	}
	same32(Soft::chain32(&[], &[], 0x8000_0000), -0.0);
	// As many steps as the shorter has.
	check_chain(&[0x3f80_0000; 3], &[0x4000_0000; 2], 0);
}

/// One chain of random factors of magnitudes that meet, cancel, vanish or overflow: `steps` steps.
fn random_chain(rng: &mut crate::testing::Rng, steps: usize) {
	let spread = rng.pick(&[1, 4, 16, 40, 100, 250]);
	let middle = rng.below(254) as u32;
	let number = |rng: &mut crate::testing::Rng| {
		let bits = rng.draw() as u32;
		let exponent = (middle + (rng.draw() % spread) as u32) % 256;
		match rng.below(64) {
			0 => bits,
			1 => 0,
			2..8 => bits & 0x8000_0000 | exponent << 23 | 0x007f_ffff >> rng.below(24),
			_ => bits & 0x807f_ffff | exponent << 23,
		}
	};
	let mut a: Vec<u32> = (0..steps).map(|_| number(rng)).collect();
	let mut b: Vec<u32> = (0..steps).map(|_| number(rng)).collect();
	// The second half takes away what the first half gave, in another order.
	if rng.below(2) == 0 {
		let half = steps / 2;
		for i in 0..half {
			(a[steps - 1 - i], b[steps - 1 - i]) = (a[i] ^ 1 << 31, b[i] ^ (i as u32 & 1));
		}
	}
	let mut native = f32::from_bits(number(rng));
	let start = native.to_bits();
	for i in 0..steps {
		let next = fma_to_odd(a[i], b[i], native.to_bits());
		if next.is_nan() || next.is_infinite() {
			// Nothing comes of it any more: from here on a new chain.
			same32(Soft::chain32(&a[..=i], &b[..=i], start), next);
			check_chain(&a[i + 1..], &b[i + 1..], 0);
			return;
		}
		native = next;
	}
	same32(Soft::chain32(&a, &b, start), native);
	// Every sum between, of which the end tells little when the last product is large.
	let ends = (0..steps).step_by(7);
	ends.for_each(|end| check_chain(&a[..end], &b[..end], start));
}

#[test]
fn random_chains() {
	let mut rng = crate::testing::Rng(1);
	(0..20_000).for_each(|_| random_chain(&mut rng, 24));
}

/// Single steps on random bits, 10^8 of them, and as many in chains: a minute.
#[test]
#[ignore = "run by hand: cargo test --release -p assay-referee -- --ignored many"]
fn many_chains() {
	let mut rng = crate::testing::Rng(std::env::var("SEED").map_or(2, |s| s.parse().unwrap()));
	for _ in 0..100_000_000u64 {
		let (ab, c) = (rng.draw(), rng.draw());
		let (a, b) = (ab as u32, (ab >> 32) as u32);
		// Every other sum as large as the product, so that they meet.
		let c = match c >> 63 {
			0 => c as u32,
			_ => Soft::mul32(a, b).wrapping_add((c as u32 & 0x1fff_ffff).wrapping_sub(0x0fff_ffff)),
		};
		same32(Soft::chain32(&[a], &[b], c), fma_to_odd(a, b, c));
		same32(Soft::fma32(a, b, c), fma_to_odd(a, b, c));
	}
	(0..2_000_000).for_each(|_| random_chain(&mut rng, 24));
}

proptest! {
	// Making a case costs far more than checking it, so each stands for its neighbours as well.
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	#[test]
	fn one_operand(a in any32(), n in any::<i64>(), shift in 0..64u32) {
		check_one(a);
		same32(Soft::i64_to_f32(n >> shift), (n >> shift) as f32);
		same64(Soft::i64_to_f64(n >> shift), (n >> shift) as f64);
	}

	#[test]
	fn two_operands(a in any32(), b in any32()) {
		for (a, b) in (0..64u32).map(|n| (a ^ (n & 7), b ^ (n >> 3))) {
			check_two(a, b);
		}
	}

	#[test]
	fn nearly_equal_operands(a in any32()) {
		for near in 0..64u32 {
			check_two(a, a.wrapping_add(near));
			check_two(a, a.wrapping_add(near) ^ 1 << 31);
		}
	}

	#[test]
	fn fused(a in any32(), b in any32(), c in any32()) {
		for (a, c) in (0..64u32).map(|n| (a ^ (n & 7), c ^ (n >> 3))) {
			same32(Soft::fma32(a, b, c), fma_to_odd(a, b, c));
		}
	}

	#[test]
	fn fused_with_cancellation(a in any32(), b in any32()) {
		for near in 0..64u32 {
			let c = Soft::neg32(Soft::mul32(a, b)).wrapping_add(near).wrapping_sub(32);
			same32(Soft::fma32(a, b, c), fma_to_odd(a, b, c));
		}
	}

	#[test]
	fn binary64(a in any64(), b in any64()) {
		for (a, b) in (0..64u64).map(|n| (a ^ (n & 7), b ^ (n >> 3))) {
			check_wide(a, b);
		}
	}
}
