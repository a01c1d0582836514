//! BLAKE3 of many messages at once, one in each lane of the vectors.
//!
//! A traced run hashes every tensor, so hashing is most of what verifiability costs. The `blake3` crate
//! hashes one object at a time, 16 chunks in lockstep with AVX-512, and is bound by how long each
//! instruction takes to give its result. Two things go beyond it: two vectors of lanes are worked on in
//! turns, which hides that latency (see `docs/performance.md`), and lanes may hold chunks of different
//! objects, so that the small tensors of a small model fill vectors together.
//!
//! Only AVX-512 has kernels here: 32 registers hold the state of two vectors of messages, 16 do not.
//! Other instruction sets use the crate, which is also what the tests compare with.
//!
//! Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, *BLAKE3: one function, fast everywhere* (2020).

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod forest;
#[cfg(test)]
mod tests;

use crate::KernelConfig;
use assay_referee::{tree, Root};

/// The hash of each object.
pub fn hash_all(objects: &[&[u8]], config: &KernelConfig) -> Vec<Root> {
	#[cfg(target_arch = "x86_64")]
	if config.isa().level() == crate::cpu::Level::Avx512 {
		// SAFETY: there is an `Isa` only of what this processor has.
		return unsafe { forest::tops(objects, 0, true) };
	}
	let _ = config;
	objects.iter().map(|bytes| tree::hash(bytes)).collect()
}

/// The chaining value of the chunks in `bytes`, which start at chunk `first_chunk` of a larger object
/// and are a subtree of it; see [`tree::subtree_cv`]. Any other bytes give some value without meaning.
///
/// # Examples
///
/// ```
/// use assay_kernels::{hash_subtree, KernelConfig};
/// use assay_referee::tree;
///
/// // The halves of an object of four chunks, hashed one by one and put together.
/// let object = [7; 4 * 1024];
/// let (left, right) = object.split_at(2 * 1024);
/// let config = KernelConfig::default();
/// let values = [hash_subtree(left, 0, &config), hash_subtree(right, 2, &config)];
/// assert_eq!(tree::fold_root(&values), tree::hash(&object));
/// ```
pub fn hash_subtree(bytes: &[u8], first_chunk: u64, config: &KernelConfig) -> Root {
	#[cfg(target_arch = "x86_64")]
	if config.isa().level() == crate::cpu::Level::Avx512 {
		// SAFETY: there is an `Isa` only of what this processor has.
		return unsafe { forest::tops(&[bytes], first_chunk, false) }[0];
	}
	let _ = config;
	tree::subtree_cv(bytes, first_chunk)
}
