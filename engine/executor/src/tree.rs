//! BLAKE3 trees of which the inner values are kept: hashed by all threads at once, and opened
//! without hashing the object again.

use assay_kernels::{for_each_mut, hash_all, hash_subtree, KernelConfig};
use assay_referee::{
	tree::{self, chunk_count, node_range, subtree_cv},
	Root, Slice, TreeError, CHUNK_BYTES,
};
use std::ops::Range;

/// Chunks whose chaining value is kept: few enough that hashing them anew takes tens of microseconds and
/// that they stay in the second-level cache, enough that combining their values costs next to nothing.
const GRAIN: u64 = 256;

/// Tensors of up to as many bytes do not fill the vectors that hash them, so several are hashed together.
const SMALL: usize = 16 << 10;
/// Bytes of them that may wait: what fits the first-level cache.
const WAITING: usize = 2 * SMALL;

/// The root of an object and the chaining values of its subtrees of [`GRAIN`] chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
	len: u64,
	/// One for every [`GRAIN`] chunks; none when the object has no more than that.
	cvs: Vec<Root>,
	root: Root,
}

impl Tree {
	/// Hashes `bytes` on up to as many threads as `config` says.
	pub(crate) fn new(bytes: &[u8], config: &KernelConfig) -> Tree {
		Tree::with(bytes, config, |_, _| ())
	}

	/// As [`Tree::new`]; `see` is given every part of the object and where it starts, while it is in
	/// the cache.
	pub(crate) fn with(
		bytes: &[u8],
		config: &KernelConfig,
		see: impl Fn(usize, &[u8]) + Sync,
	) -> Tree {
		let len = bytes.len() as u64;
		if chunk_count(len) <= GRAIN {
			see(0, bytes);
			return Tree { len, cvs: Vec::new(), root: hash_all(&[bytes], config)[0] };
		}
		let part = (GRAIN * CHUNK_BYTES) as usize;
		let mut cvs = vec![Root::default(); bytes.len().div_ceil(part)];
		for_each_mut(config.threads(), &mut cvs, |i, cv| {
			let start = i * part;
			let bytes = &bytes[start..bytes.len().min(start + part)];
			// Hashing reads the part from memory while it computes; to look at it first would only wait.
			*cv = hash_subtree(bytes, i as u64 * GRAIN, config);
			see(start, bytes);
		});
		let root = tree::fold_root(&cvs);
		Tree { len, cvs, root }
	}

	/// The object's hash.
	pub(crate) fn root(&self) -> Root {
		self.root
	}

	/// Bytes of memory.
	pub(crate) fn memory(&self) -> usize {
		size_of::<Tree>() + size_of_val(&self.cvs[..])
	}

	/// The chaining value of a subtree, not the whole object.
	fn cv(&self, bytes: &[u8], range: Range<u64>) -> Root {
		let aligned = range.start.is_multiple_of(GRAIN)
			&& (range.end.is_multiple_of(GRAIN) || range.end == chunk_count(self.len));
		let kept = (range.start / GRAIN) as usize..range.end.div_ceil(GRAIN) as usize;
		match self.cvs.get(kept) {
			Some(cvs) if aligned => tree::fold(cvs),
			_ => {
				let at = |chunk: u64| bytes.len().min((chunk * CHUNK_BYTES) as usize);
				subtree_cv(&bytes[at(range.start)..at(range.end)], range.start)
			},
		}
	}

	/// As [`Slice::make`] for the object, whose bytes these are.
	pub(crate) fn slice(&self, bytes: &[u8], first: u64, chunks: u64) -> Result<Slice, TreeError> {
		let end = first.checked_add(chunks).filter(|&end| end <= chunk_count(self.len));
		let end = end.filter(|_| chunks > 0).ok_or(TreeError::Range)?;
		let at = |chunk: u64| bytes.len().min((chunk * CHUNK_BYTES) as usize);
		let data = bytes[at(first)..at(end)].to_vec();
		Slice::with_siblings(self.len, first, data, |range| self.cv(bytes, range))
	}

	/// As [`tree::open_node`] for the object, whose bytes these are.
	pub(crate) fn open(
		&self,
		bytes: &[u8],
		level: u8,
		index: u64,
	) -> Result<(Vec<u8>, Vec<Root>), TreeError> {
		let range = node_range(self.len, level, index).ok_or(TreeError::Range)?;
		let path = tree::beside(self.len, &range);
		let path = path.into_iter().map(|range| self.cv(bytes, range)).collect();
		let Some(below) = level.checked_sub(1) else {
			let start = (range.start * CHUNK_BYTES) as usize;
			let end = bytes.len().min((range.end * CHUNK_BYTES) as usize);
			return Ok((bytes[start..end].to_vec(), path));
		};
		let first = index * tree::ARITY;
		let children = (first..first + tree::ARITY)
			.map_while(|i| node_range(self.len, below, i).filter(|child| child.start < range.end));
		Ok((children.flat_map(|child| self.cv(bytes, child)).collect(), path))
	}
}

/// Trees over the tensors of an execution, taken in as they are computed.
#[derive(Debug)]
pub(crate) struct Trees {
	config: KernelConfig,
	trees: Vec<Tree>,
	/// Small tensors that are not hashed yet, and which they are.
	waiting: Vec<u8>,
	places: Vec<(u32, Range<usize>)>,
}

impl Trees {
	/// Over `count` tensors, on up to as many threads as `config` says.
	pub(crate) fn new(count: usize, config: KernelConfig) -> Trees {
		let trees = vec![Tree::default(); count];
		Trees { config, trees, waiting: Vec::new(), places: Vec::new() }
	}

	/// Takes in tensor `op`, which is in the cache and may be overwritten afterwards.
	pub(crate) fn add(&mut self, op: u32, tensor: &[u8]) {
		if tensor.len() > SMALL {
			self.trees[op as usize] = Tree::new(tensor, &self.config);
			return;
		}
		if self.waiting.len() + tensor.len() > WAITING {
			self.flush();
		}
		let start = self.waiting.len();
		self.waiting.extend_from_slice(tensor);
		self.places.push((op, start..self.waiting.len()));
	}

	/// The trees.
	pub(crate) fn finish(mut self) -> Vec<Tree> {
		self.flush();
		self.trees
	}

	fn flush(&mut self) {
		let tensors: Vec<&[u8]> =
			self.places.iter().map(|(_, place)| &self.waiting[place.clone()]).collect();
		let roots = hash_all(&tensors, &self.config);
		for ((op, place), root) in self.places.drain(..).zip(roots) {
			let len = place.len() as u64;
			self.trees[op as usize] = Tree { len, cvs: Vec::new(), root };
		}
		self.waiting.clear();
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use assay_kernels::Isa;

	#[test]
	fn equals_the_referee() {
		let grain = (GRAIN * CHUNK_BYTES) as usize;
		for len in [
			0,
			1,
			1023,
			1024,
			1025,
			grain - 1,
			grain,
			grain + 1,
			3 * grain + 17,
			17 * grain,
			1 << 20,
			(1 << 20) + 1,
			5_000_001,
		] {
			let bytes: Vec<u8> = (0..len).map(|i| ((i * i) >> 7) as u8).collect();
			for threads in [1, 2, 7] {
				let tree = Tree::new(&bytes, &KernelConfig::new(threads, Isa::detect()));
				assert_eq!(tree.root(), tree::hash(&bytes), "{len}");
				let chunks = chunk_count(len as u64);
				for (first, count) in [
					(0, 1),
					(chunks - 1, 1),
					(chunks / 2, 1),
					(chunks / 3, chunks / 2),
					(0, chunks),
				] {
					let expected = Slice::make(&bytes, first, count);
					assert_eq!(tree.slice(&bytes, first, count), expected, "{len}");
				}
				assert!(tree.slice(&bytes, chunks, 1).is_err());
				assert!(tree.slice(&bytes, 0, 0).is_err());
				for level in 0..=tree::top(len as u64) {
					for index in [0, 1, 2, chunks / 2, chunks - 1] {
						let expected = tree::open_node(&bytes, level, index);
						assert_eq!(tree.open(&bytes, level, index).ok(), expected.ok(), "{len}");
					}
				}
			}
		}
	}
}
