//! Against the `blake3` crate.

use super::*;
use crate::Isa;

/// Lengths around blocks, chunks, vectors of them and pairs of vectors.
fn lengths() -> impl Iterator<Item = usize> {
	let chunks = [1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 65, 255, 256, 257, 1000].map(|n| n * 1024);
	let around = chunks.into_iter().flat_map(|n| [n - 1, n, n + 1, n + 64, n + 500]);
	(0..200).chain([511, 512, 513, 1000]).chain(around)
}

fn bytes(len: usize, seed: usize) -> Vec<u8> {
	(0..len).map(|i| ((i * i + seed * 77) >> 7) as u8).collect()
}

#[test]
fn one_object() {
	for isa in Isa::available() {
		let config = KernelConfig::new(1, isa);
		for len in lengths() {
			let bytes = bytes(len, len);
			assert_eq!(hash_all(&[&bytes], &config), [tree::hash(&bytes)], "{isa} {len}");
		}
	}
}

#[test]
fn many_objects() {
	let objects: Vec<Vec<u8>> = lengths().enumerate().map(|(i, len)| bytes(len, i)).collect();
	for isa in Isa::available() {
		let config = KernelConfig::new(1, isa);
		for count in [0, 1, 2, 15, 16, 17, 31, 33, 60, objects.len()] {
			for stride in [1, 7] {
				let some = objects.iter().step_by(stride).take(count).map(|bytes| &bytes[..]);
				let some: Vec<&[u8]> = some.collect();
				let expected: Vec<Root> = some.iter().map(|bytes| tree::hash(bytes)).collect();
				assert_eq!(hash_all(&some, &config), expected, "{isa} {count} {stride}");
			}
		}
	}
}

#[test]
fn subtrees() {
	for isa in Isa::available() {
		let config = KernelConfig::new(1, isa);
		for (first, chunks) in [(0, 2), (0, 256), (256, 256), (1 << 33, 256), (6, 2), (7, 1)] {
			for cut in [0, 1, 63, 64, 1023] {
				let bytes = bytes(chunks * 1024 - cut, chunks);
				let expected = tree::subtree_cv(&bytes, first);
				assert_eq!(
					hash_subtree(&bytes, first, &config),
					expected,
					"{isa} {first} {chunks} {cut}"
				);
			}
		}
	}
}
