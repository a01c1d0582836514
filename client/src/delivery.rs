//! Outputs that were delivered in pieces: found in the bodies of blocks, and checked against their root.
//!
//! A delivery's bytes are nowhere but in the transaction that brought them. Each piece proves itself, so
//! it does not matter which call carried it, whether that call was wrapped in others, or whether it
//! succeeded: what is under the claimed root is the output.

use assay_referee::{tree, Slice, CHUNK_BYTES};
use codec::{Decode, Encode};
use std::collections::BTreeMap;

/// Collects the pieces of one output.
///
/// # Examples
///
/// ```
/// use assay_client::delivery::Collector;
/// use assay_referee::{tree, Slice};
/// use codec::Encode;
///
/// let output: Vec<u8> = (0..100_000u32).map(|i| (i / 3) as u8).collect();
/// let (root, len) = (tree::hash(&output), output.len() as u64);
/// let mut collector = Collector::new(7, root, len, 64 << 10);
/// // The last 34 chunks are delivered before the first 64, inside of whatever calls.
/// for (piece, chunks) in [(1u32, 34), (0, 64)] {
///     let slice = Slice::make(&output, u64::from(piece) * 64, chunks)?;
///     let extrinsic = [b"call".to_vec(), (7u64, piece, slice).encode()].concat();
///     assert_eq!(collector.take(&extrinsic), 1);
/// }
/// assert_eq!(collector.into_output(), Some(output));
/// # Ok::<(), assay_referee::TreeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Collector {
	job: u64,
	root: [u8; 32],
	len: u64,
	piece_bytes: u64,
	pieces: BTreeMap<u32, Vec<u8>>,
}

impl Collector {
	/// Of the output of `job` that has this root and length; the chain cuts outputs into pieces of
	/// `piece_bytes`.
	pub fn new(job: u64, root: [u8; 32], len: u64, piece_bytes: u32) -> Self {
		let piece_bytes = u64::from(piece_bytes).max(CHUNK_BYTES);
		Self { job, root, len, piece_bytes, pieces: BTreeMap::new() }
	}

	/// How many pieces the output has.
	pub fn count(&self) -> u32 {
		u32::try_from(self.len.div_ceil(self.piece_bytes)).unwrap_or(u32::MAX)
	}

	/// How many of them are here.
	pub fn found(&self) -> u32 {
		self.pieces.len() as u32
	}

	/// Those that are not, in order.
	pub fn missing(&self) -> Vec<u32> {
		(0..self.count()).filter(|piece| !self.pieces.contains_key(piece)).collect()
	}

	/// Takes every piece that the bytes of an extrinsic hold; returns how many are new.
	pub fn take(&mut self, extrinsic: &[u8]) -> usize {
		let job = self.job.to_le_bytes();
		let before = self.pieces.len();
		// The arguments of a delivery, wherever they stand: job, piece, and the first chunk of the slice.
		for at in 0..extrinsic.len().saturating_sub(job.len()) {
			let tail = &extrinsic[at..];
			if tail.starts_with(&job) {
				self.take_arguments(&tail[job.len()..]);
			}
		}
		self.pieces.len() - before
	}

	fn take_arguments(&mut self, mut bytes: &[u8]) -> Option<()> {
		let piece = u32::decode(&mut bytes).ok()?;
		let first = u64::from(piece) * (self.piece_bytes / CHUNK_BYTES);
		if piece >= self.count()
			|| self.pieces.contains_key(&piece)
			|| !bytes.starts_with(&first.encode())
		{
			return None;
		}
		let slice = Slice::decode(&mut bytes).ok()?;
		let begin = u64::from(piece) * self.piece_bytes;
		let whole = (self.len - begin).min(self.piece_bytes);
		if slice.data.len() as u64 != whole || slice.verify(&self.root, self.len).is_err() {
			return None;
		}
		self.pieces.insert(piece, slice.data);
		Some(())
	}

	/// The output, if all of it is here.
	pub fn into_output(self) -> Option<Vec<u8>> {
		let output: Vec<u8> = self.pieces.into_values().flatten().collect();
		(output.len() as u64 == self.len && tree::hash(&output) == self.root).then_some(output)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const PIECE: u32 = 64 << 10;

	fn output() -> Vec<u8> {
		(0..150_000u32).map(|i| (i / 3) as u8).collect()
	}

	fn collector() -> Collector {
		let output = output();
		Collector::new(7, tree::hash(&output), output.len() as u64, PIECE)
	}

	/// An extrinsic with a delivery in it, behind `before` bytes of something else.
	fn extrinsic(job: u64, piece: u32, before: usize) -> Vec<u8> {
		let output = output();
		let first = u64::from(piece) * 64;
		let chunks = tree::chunk_count(output.len() as u64) - first;
		let slice = Slice::make(&output, first, chunks.min(64)).unwrap();
		let mut bytes = vec![7; before];
		bytes.extend((job, piece, slice).encode());
		bytes.extend([9; 97]);
		bytes
	}

	#[test]
	fn pieces_make_the_output_in_any_order_and_any_wrapping() {
		let mut collector = collector();
		assert_eq!(collector.missing(), [0, 1, 2]);
		for (piece, before) in [(2, 5), (0, 0), (1, 3_000)] {
			assert_eq!(collector.take(&extrinsic(7, piece, before)), 1);
			assert_eq!(collector.take(&extrinsic(7, piece, before)), 0);
		}
		assert_eq!(collector.missing(), [0; 0]);
		assert_eq!(collector.into_output(), Some(output()));
	}

	#[test]
	fn two_pieces_in_one_batch_are_two() {
		let mut collector = collector();
		let both = [extrinsic(7, 0, 4), extrinsic(7, 1, 4)].concat();
		assert_eq!(collector.take(&both), 2);
		assert_eq!((collector.found(), collector.missing()), (2, vec![2]));
		assert_eq!(collector.into_output(), None);
	}

	#[test]
	fn nothing_else_is_taken() {
		let mut collector = collector();
		assert_eq!(collector.take(&extrinsic(8, 0, 4)), 0);
		for changed in [30, 200, 65_600] {
			let mut bytes = extrinsic(7, 0, 0);
			bytes[changed] ^= 1;
			assert_eq!(collector.take(&bytes), 0, "{changed}");
		}
		for length in [0, 7, 8, 20, 30_000] {
			assert_eq!(collector.take(&extrinsic(7, 0, 0)[..length]), 0);
		}
		// A slice that is right and no piece.
		let slice = Slice::make(&output(), 0, 3).unwrap();
		assert_eq!(collector.take(&(7u64, 0u32, slice).encode()), 0);
		assert_eq!(collector.missing().len(), 3);
	}
}
