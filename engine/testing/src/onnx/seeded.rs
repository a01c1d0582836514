//! Inputs that are the same bytes on every machine.

use assay_executor::{Manifest, NamedTensor};
use assay_referee::DType;

/// Xorshift.
pub(super) struct Random(u64);

impl Random {
	/// Every seed below 2⁶³ gives another row of numbers.
	pub(super) fn new(seed: u64) -> Random {
		// An odd factor is invertible, and xorshift must not start from 0.
		const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
		Random(seed.wrapping_mul(2).wrapping_add(1).wrapping_mul(ODD))
	}

	/// The next number, below 2²⁴.
	pub(super) fn draw(&mut self) -> u32 {
		self.0 ^= self.0 << 13;
		self.0 ^= self.0 >> 7;
		self.0 ^= self.0 << 17;
		(self.0 >> 40) as u32
	}
}

/// The bytes of every input of a model, whole numbers below what `below` says of the input's name.
pub fn inputs(manifest: &Manifest, below: impl Fn(&str) -> u32) -> Vec<Vec<u8>> {
	let mut random = Random::new(0);
	let input = |input: &NamedTensor| {
		let count = input.shape.iter().map(|&dim| u64::from(dim)).product();
		elements(&mut random, input.dtype, count, below(&input.name))
	};
	manifest.inputs.iter().map(input).collect()
}

/// Numbers from [-1, 1) in steps of 2⁻²³, or whole numbers from 0 to below `below`.
fn elements(random: &mut Random, dtype: DType, count: u64, below: u32) -> Vec<u8> {
	let mut bytes = Vec::new();
	for _ in 0..count {
		let whole = (random.draw() % below).to_le_bytes();
		match dtype {
			DType::F32 => {
				let x = random.draw() as f32 / (1 << 23) as f32 - 1.0;
				bytes.extend(x.to_le_bytes());
			},
			DType::Bool => bytes.push(whole[0] % 2),
			DType::U8 | DType::I8 => bytes.push(whole[0]),
			DType::I32 => bytes.extend(whole),
			DType::I64 => bytes.extend([whole, [0; 4]].concat()),
		}
	}
	bytes
}
