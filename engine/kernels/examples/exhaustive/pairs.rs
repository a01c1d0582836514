//! Operations of several arguments, on random ones rich in special values and near-ties.

use assay_kernels::{fma32_to_odd, Hard};
use assay_referee::arith::{functions, Arith, Soft};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What [`check`] knows.
pub(crate) const NAMES: [&str; 4] = ["fma", "arithmetic", "binary64", "pow"];

/// Xorshift, seeded per thread.
struct Random(u64);

impl Random {
	fn next(&mut self) -> u64 {
		self.0 ^= self.0 << 13;
		self.0 ^= self.0 >> 7;
		self.0 ^= self.0 << 17;
		self.0
	}
	/// Bits of a number: any, near 1, subnormal, or with few bits set.
	fn f32(&mut self) -> u32 {
		let r = self.next();
		let bits = (r >> 32) as u32;
		match r & 7 {
			0 | 1 => bits,
			2..=4 => (bits & 0x87ff_ffff) + 0x3c00_0000,
			5 => bits & 0x80ff_ffff,
			6 => (bits & 0xff80_0000) | (1 << ((r >> 3) % 23)),
			_ => bits | (0x007f_ffff >> ((r >> 3) % 23)),
		}
	}
	/// The same for binary64.
	fn f64(&mut self) -> u64 {
		let r = self.next();
		let bits = self.next();
		match r & 7 {
			0 | 1 => bits,
			2..=4 => (bits & 0x83ff_ffff_ffff_ffff) + (0x3e << 56),
			5 => bits & 0x801f_ffff_ffff_ffff,
			6 => (bits & (0xfff << 52)) | (1 << ((r >> 3) % 52)),
			_ => bits | ((1 << 52) - 1) >> ((r >> 3) % 52),
		}
	}
}

/// Whether `Soft` and `Hard` agree on one random case.
fn agrees(name: &str, random: &mut Random) -> bool {
	match name {
		"fma" => {
			let (a, b, c) = (random.f32(), random.f32(), random.f32());
			let soft = Soft::f32_to_bits(Soft::fma32(a, b, c));
			let [a, b, c] = [a, b, c].map(f32::from_bits);
			soft == Hard::f32_to_bits(native_fma(a, b, c))
				&& soft == Hard::f32_to_bits(fma32_to_odd(a, b, c))
		},
		"arithmetic" => {
			let (a, b) = (random.f32(), random.f32());
			let [x, y] = [a, b].map(f32::from_bits);
			let same = |s: u32, h: f32| Soft::f32_to_bits(s) == Hard::f32_to_bits(h);
			same(Soft::add32(a, b), x + y)
				&& same(Soft::sub32(a, b), x - y)
				&& same(Soft::mul32(a, b), x * y)
				&& same(Soft::div32(a, b), x / y)
				&& same(Soft::sqrt32(a), x.sqrt())
				&& Soft::lt32(a, b) == (x < y)
				&& Soft::le32(a, b) == (x <= y)
				&& Soft::eq32(a, b) == (x == y)
		},
		"binary64" => {
			let (a, b) = (random.f64(), random.f64());
			let [x, y] = [a, b].map(f64::from_bits);
			let same = |s: u64, h: f64| Soft::f64_to_bits(s) == Hard::f64_to_bits(h);
			same(Soft::add64(a, b), x + y)
				&& same(Soft::sub64(a, b), x - y)
				&& same(Soft::mul64(a, b), x * y)
				&& same(Soft::div64(a, b), x / y)
				&& Soft::lt64(a, b) == (x < y)
				&& Soft::f32_to_bits(Soft::f64_to_f32(a)) == Hard::f32_to_bits(x as f32)
				&& Soft::f64_to_i64(a) == x as i64
				&& Soft::i64_to_f64(a as i64) == (a as i64 as f64).to_bits()
				&& Soft::i64_to_f32(a as i64) == (a as i64 as f32).to_bits()
		},
		_ => {
			let (a, b) = (random.f32(), random.f32());
			let hard = functions::pow::<Hard>(f32::from_bits(a), f32::from_bits(b));
			Soft::f32_to_bits(functions::pow::<Soft>(a, b)) == Hard::f32_to_bits(hard)
		},
	}
}

/// The processor's fused operation where it has one.
fn native_fma(a: f32, b: f32, c: f32) -> f32 {
	#[cfg(target_arch = "x86_64")]
	{
		#[target_feature(enable = "fma")]
		fn hardware(a: f32, b: f32, c: f32) -> f32 {
			a.mul_add(b, c)
		}
		if std::arch::is_x86_feature_detected!("fma") {
			// SAFETY: the processor has just been asked.
			return unsafe { hardware(a, b, c) };
		}
	}
	Hard::fma32(a, b, c)
}

/// Compares `count` random cases; gives the number of differences.
pub(crate) fn check(name: &str, count: u64, threads: u64) -> u64 {
	let started = Instant::now();
	let differ = AtomicU64::new(0);
	std::thread::scope(|scope| {
		for t in 0..threads {
			let differ = &differ;
			scope.spawn(move || {
				let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (t + 1));
				for _ in 0..count / threads {
					let state = random.0;
					if !agrees(name, &mut random) && differ.fetch_add(1, Ordering::Relaxed) < 32 {
						let mut again = Random(state);
						println!(
							"{name}: {:08x} {:08x} {:08x}",
							again.f32(),
							again.f32(),
							again.f32()
						);
					}
				}
			});
		}
	});
	let differ = differ.into_inner();
	let seconds = started.elapsed().as_secs_f64();
	println!("{name:9} {count} random cases, {differ} differ between integers and native; {seconds:.0} s");
	differ
}
