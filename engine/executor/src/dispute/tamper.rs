//! Deliberately wrong executions, for drills.

use assay_referee::{DType, OpRecord};

/// One element of one op's output that is replaced before anything reads it: later ops, and later
/// elements of an op that reads itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tamper {
	/// Index of the op.
	pub op: u32,
	/// Row-major index of the element; the middle one when `None`.
	pub element: Option<u64>,
}

impl Tamper {
	/// Replaces the element in the op's output, always by another value, and says which it was.
	///
	/// An `f32` becomes a few times larger and never NaN; other values have a high bit flipped.
	pub(crate) fn apply(&self, op: &OpRecord, out: &mut [u8]) -> u64 {
		let elements = op.shape.elements();
		let element = self.element.unwrap_or(elements / 2).min(elements - 1);
		let size = op.dtype.size() as usize;
		let start = element as usize * size;
		let Some(place) = out.get_mut(start..start + size) else { return element };
		match op.dtype {
			DType::F32 => {
				let old = f32::from_le_bytes([place[0], place[1], place[2], place[3]]);
				place.copy_from_slice(&other(old).to_le_bytes());
			},
			// Sums of products are scaled down later, indices are not.
			DType::I32 => place[2] ^= 0x20,
			DType::I64 => place[0] ^= 1,
			DType::U8 | DType::I8 => place[0] ^= 0x40,
			DType::Bool => place[0] ^= 1,
		}
		element
	}
}

/// A clearly different finite value: far enough to survive rounding, positive so that it survives
/// a rectifier or a maximum.
fn other(x: f32) -> f32 {
	let y = x.abs() * 4.0 + 1.0;
	if y.is_finite() {
		y
	} else {
		0.5
	}
}

/// Elements worth trying when looking for one that matters: the ends, the middle, and a spread.
pub(crate) fn candidates(elements: u64) -> impl Iterator<Item = u64> {
	const TRIES: u64 = 24;
	let step = (elements / TRIES).max(1);
	let spread = (0..TRIES.min(elements)).map(move |i| i * step);
	[elements / 2, 0, elements - 1].into_iter().chain(spread)
}
