//! How long the encoded proof that one element is wrong may be.
//!
//! What does not depend on the element is counted exactly: the op's record and the trace entries. What
//! does is bounded over all elements: how the runs of chunks that it reads may lie in their objects,
//! and how many hashes of the tree lie beside each.

use super::bound::{Place, ReadBound};
use super::record::{OpRecord, Operand, Source};
use crate::{
	opening::{ENTRIES_PER_CHUNK, ENTRY_BYTES},
	tree::{chunk_count, count_siblings, CHUNK_BYTES, CV_BYTES},
};
use alloc::collections::BTreeSet;
use core::ops::Range;

/// Bytes of [`crate::FaultProof::entry`] and of a [`crate::Location`].
const HEAD: u64 = 4 + 9;

/// Bytes of the discriminant of [`crate::Claimed`], and of [`crate::Read::operand`]: a claimed chunk is
/// as long as a read of it.
const TAG: u64 = 1;

/// Upper bound of the bytes of an encoded proof that an element of `op` is wrong, where `op` stands at
/// `place` and reads what `parts` say.
pub(super) fn proof_bytes(op: &OpRecord, place: &Place, parts: &[ReadBound]) -> u64 {
	let n_ops = u64::from(place.n_ops);
	let record = u64::from(place.entry).saturating_add(1);
	let record = exact((n_ops + 1) * CHUNK_BYTES, record..record.saturating_add(1));
	let claimed = Region::whole(op.bytes()).proof(1, CHUNK_BYTES);
	let reads = parts.iter().map(|part| {
		let operands = op.operands.iter().enumerate();
		let among = operands.filter(|(at, _)| part.of >> at & 1 != 0);
		let costs = among.map(|(_, operand)| Region::of(operand, place));
		costs.map(|region| region.proof(part.spans, part.bytes)).max().unwrap_or(0)
	});
	let spans = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.spans));
	let fixed = HEAD + record + entries(op, place) + claimed + compact(spans);
	reads.fold(fixed, u64::saturating_add)
}

/// Bytes of an encoded compact number.
const fn compact(n: u64) -> u64 {
	match n {
		0..=0x3f => 1,
		0x40..=0x3fff => 2,
		0x4000..=0x3fff_ffff => 4,
		_ => 9,
	}
}

/// Bytes of an encoded [`crate::Slice`].
const fn slice(data: u64, siblings: u64) -> u64 {
	8 + compact(data) + data + compact(siblings) + siblings * CV_BYTES as u64
}

/// Bytes of the slice of these chunks of an object of `len` bytes; 0 for chunks it does not have.
fn exact(len: u64, chunks: Range<u64>) -> u64 {
	let end = chunks.end.saturating_mul(CHUNK_BYTES).min(len);
	let Some(data) = end.checked_sub(chunks.start.saturating_mul(CHUNK_BYTES)) else { return 0 };
	slice(data, count_siblings(len, &chunks))
}

/// Bytes of the trace entries: of the op's own, and of all ops that it may read. Whatever it reads of
/// them, no entry that is left out would make the proof longer: a chunk is longer than the hashes that
/// take its place.
fn entries(op: &OpRecord, place: &Place) -> u64 {
	let mut chunks = BTreeSet::from([u64::from(place.entry) / ENTRIES_PER_CHUNK]);
	for operand in &op.operands {
		if let Source::Op(producer) = operand.source {
			chunks.insert(u64::from(producer) / ENTRIES_PER_CHUNK);
		}
	}
	let len = u64::from(place.n_ops) * ENTRY_BYTES;
	let (mut bytes, mut count) = (0, 0);
	let mut run: Option<Range<u64>> = None;
	for chunk in chunks {
		match &mut run {
			Some(run) if run.end == chunk => run.end += 1,
			_ => {
				let before = run.replace(chunk..chunk + 1);
				bytes += before.map_or(0, |run| exact(len, run));
				count += 1;
			},
		}
	}
	compact(count) + bytes + run.map_or(0, |run| exact(len, run))
}

/// The chunks of an object among which the elements of an operand lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Region {
	/// Bytes of the object.
	len: u64,
	/// First chunk and last chunk of the operand.
	first: u64,
	last: u64,
}

impl Region {
	/// All of an object of `len` bytes.
	const fn whole(len: u64) -> Region {
		Region { len, first: 0, last: chunk_count(len) - 1 }
	}

	fn of(operand: &Operand, place: &Place) -> Region {
		let len = match operand.source {
			Source::Op(_) => return Region::whole(operand.bytes()),
			Source::Input(_) => place.input_len,
			Source::Weight(_) => place.weights_len,
		};
		let end = operand.base().saturating_add(operand.bytes()).min(len);
		let last = end.saturating_sub(1) / CHUNK_BYTES;
		Region { len, first: (operand.base() / CHUNK_BYTES).min(last), last }
	}

	/// Upper bound of the bytes of the reads of at most `runs` runs of neighbouring chunks, no two of
	/// which are neighbours, of at most `bytes` bytes of chunks.
	///
	/// More chunks make a proof longer, since a chunk is longer than the hashes it may save, unless it is
	/// the object's last one; so do more runs of as many chunks.
	fn proof(&self, runs: u64, bytes: u64) -> u64 {
		let chunks = self.last - self.first + 1;
		let count = (bytes / CHUNK_BYTES).min(chunks).max(1);
		let runs = runs.min(chunks.div_ceil(2));
		if count == chunk_count(self.len) && count > 1 {
			self.of_count(runs, count).max(self.of_count(runs, count - 1))
		} else {
			self.of_count(runs, count)
		}
	}

	fn of_count(&self, runs: u64, count: u64) -> u64 {
		let runs = runs.min(count).max(1);
		let (siblings, most) = self.siblings(runs, count);
		let data = (count * CHUNK_BYTES).min(self.len);
		if runs == 1 {
			return TAG + slice(data, siblings);
		}
		// The length of a run of 16 chunks or more takes two bytes more.
		let lengths = 2 * runs + 2 * runs.min((count - runs) / 15);
		runs * (TAG + 8 + compact(most)) + lengths + data + siblings * CV_BYTES as u64
	}

	/// Upper bound of the hashes beside all of so many runs of so many chunks, and beside one of them.
	///
	/// Think of the object's tree as a perfect one of `depth` levels, some of whose chunks do not exist:
	/// those only take hashes away. Beside a run of one chunk lie `depth`. A run of more contains a
	/// highest boundary: one between two subtrees of `2^j` chunks whose parent is the smallest subtree
	/// that contains the run. Above that parent lie `depth - j - 1` hashes, and in each half at most
	/// `j`: one for every zero among the low bits of the number of chunks less one. No two runs have
	/// the same highest boundary, and in one subtree of `2^(j + 1)` chunks there are one of `j`, two of
	/// `j - 1`, four of `j - 2` and so on.
	fn siblings(&self, runs: u64, count: u64) -> (u64, u64) {
		let depth = u64::from(64 - (chunk_count(self.len) - 1).leading_zeros());
		let single = depth;
		if self.first == self.last || count == 1 {
			return (runs * single, single);
		}
		let top = u64::from(63 - (self.first ^ self.last).leading_zeros());
		let longer = (depth + top).saturating_sub(1);
		if runs == 1 {
			let outside = chunk_count(self.len) - count;
			let ones = u64::from((count - 2).count_ones());
			let most = longer.saturating_sub(ones).min(outside);
			return (most, most);
		}
		// As many as possible with two chunks or more, each at a boundary of its own.
		let pairs = runs.min(count - runs);
		let (mut all, mut level, mut left) = ((runs - pairs) * single, 0, pairs);
		while left > 0 {
			let here = left.min(1 << level);
			all += here * longer.saturating_sub(level).max(single);
			left -= here;
			level += 1;
		}
		(all, longer.max(single))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec::Vec;

	/// Number, chunks and bytes of the reads of the runs that the bits of `set` make, from chunk `first` on.
	fn actual(len: u64, first: u64, set: u64) -> (u64, u64, u64) {
		let (mut runs, mut count, mut bytes, mut at) = (0, 0, 0, 0);
		while set >> at != 0 {
			at += (set >> at).trailing_zeros() as u64;
			let length = (set >> at).trailing_ones() as u64;
			bytes += TAG + exact(len, first + at..first + at + length);
			(runs, count, at) = (runs + 1, count + length, at + length);
		}
		(runs, count, bytes)
	}

	/// Every set of chunks of every region of small objects.
	#[test]
	fn no_reads_are_longer_than_the_bound() {
		let lengths = (1..=11u64).flat_map(|n| [n * CHUNK_BYTES, n * CHUNK_BYTES - 1000]);
		for len in lengths {
			let chunks = chunk_count(len);
			for first in 0..chunks {
				for last in first..chunks {
					let region = Region { len, first, last };
					for set in 1u64..1 << (last - first + 1) {
						let (runs, count, bytes) = actual(len, first, set);
						for (more_runs, more) in [(0, 0), (1, 1), (0, 3), (2, 5)] {
							let bound =
								region.proof(runs + more_runs, (count + more) * CHUNK_BYTES);
							assert!(bytes <= bound, "{region:?} {set:b}: {bytes} > {bound}");
						}
					}
				}
			}
		}
	}

	/// The bound for one run is reached in a perfect tree, whatever its length.
	#[test]
	fn the_bound_of_one_run_is_reached() {
		for depth in 0..=6 {
			let chunks = 1u64 << depth;
			let region = Region::whole(chunks * CHUNK_BYTES);
			for count in 1..=chunks / 2 {
				let of = |first| TAG + exact(region.len, first..first + count);
				let longest = (0..=chunks - count).map(of).max();
				assert_eq!(longest, Some(region.proof(1, count * CHUNK_BYTES)), "{chunks} {count}");
			}
		}
	}

	/// Pairs of chunks around the highest boundaries, one of 1 GiB: as long as the bound says.
	#[test]
	fn the_bound_of_many_runs_is_reached() {
		let region = Region::whole(1 << 30);
		for levels in 1..=6 {
			// The boundaries between the parts, when the object is cut into 2^levels.
			let part = (1u64 << 20) >> levels;
			let middles: Vec<u64> = (1..1 << levels).map(|at| at * part).collect();
			let runs = middles.iter().map(|at| TAG + exact(region.len, at - 1..at + 1));
			let count = middles.len() as u64;
			let bound = region.proof(count, 2 * count * CHUNK_BYTES);
			// A few of the runs might have been long.
			assert_eq!(runs.sum::<u64>(), bound - count / 15 * 2);
		}
		// Single chunks are all as deep.
		let single = TAG + exact(region.len, 7..8);
		assert_eq!(region.proof(10, 10 * CHUNK_BYTES), 10 * single);
	}
}
