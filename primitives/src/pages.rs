//! Names of pages in an index that is read in order of time.
//!
//! An index by deadline is a map from (lane, [`PageKey`]) to a bounded list. With the `Identity`
//! hasher over the key's big-endian bytes, storage iterates the pages of a lane from the earliest
//! deadline on, whatever other lanes hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Name of a page: the block at which time changes what stands in it, and its number among the pages
/// of that block. Orders as its bytes do.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
)]
pub struct PageKey([u8; 8]);

impl PageKey {
	/// The page `number` of block `due`.
	pub fn new(due: u32, number: u32) -> Self {
		let mut bytes = [0; 8];
		bytes[..4].copy_from_slice(&due.to_be_bytes());
		bytes[4..].copy_from_slice(&number.to_be_bytes());
		Self(bytes)
	}

	/// The block at which time changes what stands in the page.
	pub fn due(&self) -> u32 {
		let [a, b, c, d, ..] = self.0;
		u32::from_be_bytes([a, b, c, d])
	}

	/// Its number among the pages of that block.
	pub fn number(&self) -> u32 {
		let [.., a, b, c, d] = self.0;
		u32::from_be_bytes([a, b, c, d])
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn bytes_order_as_time_does() {
		let keys = [(0, 0), (0, 1), (1, 0), (255, 3), (256, 0), (u32::MAX, u32::MAX)];
		for pair in keys.windows(2) {
			let [a, b] = [pair[0], pair[1]].map(|(due, number)| PageKey::new(due, number));
			assert!(a < b && a.encode() < b.encode());
			assert_eq!((a.due(), a.number()), pair[0]);
		}
	}
}
