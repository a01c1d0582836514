//! Elements as ops read them, where the committed bytes are others.
//!
//! Weights and inputs may hold any bits. Ops read one NaN for every NaN, and 0 or 1 for every `Bool`;
//! of weights, which are mapped from a file, only the parts that differ are copied.

use assay_kernels::Buffer;
use assay_referee::{canonical, DType, Program, Source};
use std::{collections::BTreeMap, ops::Range};

/// The parts of the weights that ops read as one type, by where they start.
///
/// Parts may overlap (a program may read the same bytes twice), so they are merged by type.
pub(super) struct Regions {
	floats: Vec<(u64, u64)>,
	bools: Vec<(u64, u64)>,
}

impl Regions {
	pub(super) fn new(program: &Program) -> Regions {
		let of = |dtype| {
			let operands = program.ops.iter().flat_map(|op| op.operands.iter());
			let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
			for operand in operands.filter(|operand| operand.dtype == dtype) {
				if let Source::Weight(offset) = operand.source {
					let end = parts.entry(offset).or_default();
					*end = (*end).max(offset.saturating_add(operand.bytes()));
				}
			}
			let mut merged: Vec<(u64, u64)> = Vec::new();
			for (start, end) in parts {
				match merged.last_mut() {
					Some(last) if start <= last.1 => last.1 = last.1.max(end),
					_ => merged.push((start, end)),
				}
			}
			merged
		};
		Regions { floats: of(DType::F32), bools: of(DType::Bool) }
	}

	/// Whether a float in `part`, which starts at byte `start`, may be a NaN, or a `Bool` is neither 0
	/// nor 1.
	pub(super) fn may_be_read_otherwise(&self, start: usize, part: &[u8]) -> bool {
		let overlapping = |regions: &[(u64, u64)], test: fn(&[u8]) -> bool| {
			let (from, to) = (start as u64, (start + part.len()) as u64);
			let first = regions.partition_point(|&(_, end)| end <= from);
			regions[first..].iter().take_while(|(begin, _)| *begin < to).any(|&(begin, end)| {
				let (begin, end) = (begin.max(from) - from, end.min(to) - from);
				test(&part[begin as usize..end as usize])
			})
		};
		overlapping(&self.floats, holds_not_finite)
			|| overlapping(&self.bools, |bytes| bytes.iter().fold(false, |bad, &x| bad | (x > 1)))
	}
}

/// Whether one of these floats is not finite.
fn holds_not_finite(bytes: &[u8]) -> bool {
	/// The vectors that every x86-64 has would take a tenth of the time of hashing.
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx2")]
	fn wide(bytes: &[u8]) -> bool {
		exponent_of_ones(bytes)
	}
	#[cfg(target_arch = "x86_64")]
	if is_x86_feature_detected!("avx2") {
		// SAFETY: the processor has it.
		return unsafe { wide(bytes) };
	}
	exponent_of_ones(bytes)
}

/// Written without an early end, so that compilers make vector code of it.
#[inline(always)]
fn exponent_of_ones(bytes: &[u8]) -> bool {
	let (words, _) = bytes.as_chunks::<4>();
	// An exponent of ones, and no other, carries into the sign bit.
	let carry = |x: &[u8; 4]| (u32::from_le_bytes(*x) & 0x7f80_0000) + 0x0080_0000;
	words.iter().fold(0, |all, x| all | carry(x)) >> 31 != 0
}

/// What ops read in place of weights that are not canonical: a NaN that is not the one, a `Bool` that is
/// neither 0 nor 1.
///
/// By element type, since the same bytes may be read as another type: where each part of the weights
/// starts, and the part as elements of that type.
#[derive(Debug, Default)]
pub(super) struct Readable {
	floats: Vec<(u64, Buffer)>,
	bools: Vec<(u64, Buffer)>,
}

impl Readable {
	/// The parts among `regions` with an element that is not canonical.
	pub(super) fn new(regions: &Regions, weights: &[u8]) -> Readable {
		let of = |regions: &[(u64, u64)], dtype| {
			let part = |&(start, end): &(u64, u64)| {
				let bytes = weights.get(start as usize..end as usize)?;
				let mut part = Buffer::from_bytes(bytes);
				make_canonical(dtype, &mut part);
				(part[..] != *bytes).then_some((start, part))
			};
			regions.iter().filter_map(part).collect()
		};
		Readable { floats: of(&regions.floats, DType::F32), bools: of(&regions.bools, DType::Bool) }
	}

	/// The bytes in `range` of the weights as elements of type `dtype`, if they are others.
	pub(super) fn get(&self, dtype: DType, range: &Range<usize>) -> Option<&[u8]> {
		let parts = match dtype {
			DType::F32 => &self.floats,
			DType::Bool => &self.bools,
			_ => return None,
		};
		let before = parts.partition_point(|&(start, _)| start <= range.start as u64);
		let (start, part) = parts.get(before.checked_sub(1)?)?;
		let start = *start as usize;
		part.get(range.start - start..range.end.checked_sub(start)?)
	}
}

/// Whether every element is surely canonical. Infinities are not looked at twice: they count as if they were not.
pub(crate) fn is_canonical(dtype: DType, bytes: &[u8]) -> bool {
	match dtype {
		DType::F32 => !holds_not_finite(bytes),
		DType::Bool => !bytes.iter().fold(false, |bad, &x| bad | (x > 1)),
		DType::I32 | DType::I64 | DType::U8 | DType::I8 => true,
	}
}

/// Makes every element canonical: one NaN, and 0 or 1 in every `Bool`.
pub(crate) fn make_canonical(dtype: DType, bytes: &mut [u8]) {
	match dtype {
		DType::F32 => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
			let bits = canonical(DType::F32, u32::from_le_bytes(*x).into()) as u32;
			*x = bits.to_le_bytes();
		}),
		DType::Bool => bytes.iter_mut().for_each(|x| *x = u8::from(*x != 0)),
		DType::I32 | DType::I64 | DType::U8 | DType::I8 => {},
	}
}
