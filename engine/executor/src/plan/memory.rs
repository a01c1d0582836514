//! Memory for tensors: where each one lies, and pieces of memory that executions use in turn.

use assay_kernels::Buffer;
use memmap2::MmapMut;
use std::{
	ops::{Deref, DerefMut, Range},
	sync::{Arc, Mutex, PoisonError},
};

/// Tensors start at multiples of this, so that no two share a cache line.
const ALIGN: usize = 64;
/// From this size on memory is mapped by itself, in large pages where the system has them: the
/// first touch of a small page costs as much as writing it.
const LARGE: usize = 1 << 21;

/// A tensor whose place is sought.
pub(crate) struct Tensor {
	/// Bytes.
	pub(crate) len: usize,
	/// The steps during which it must not be overwritten, both inclusive.
	pub(crate) alive: (usize, usize),
}

impl Tensor {
	fn meets(&self, other: &Tensor) -> bool {
		self.alive.0 <= other.alive.1 && other.alive.0 <= self.alive.1
	}
}

/// A place for every tensor so that no two that are alive together overlap, and the bytes needed.
///
/// Large tensors are placed first, each as low as it can lie: short of optimal by little, and low
/// places are used again and again, which keeps them in the cache.
pub(crate) fn arrange(tensors: &[Tensor]) -> (Vec<Range<usize>>, usize) {
	let mut order: Vec<usize> = (0..tensors.len()).collect();
	order.sort_by_key(|&i| (std::cmp::Reverse(tensors[i].len), i));
	let mut places = vec![0..0; tensors.len()];
	// Indices of the placed tensors, by where they start.
	let mut placed: Vec<usize> = Vec::with_capacity(tensors.len());
	let mut total = 0;
	for i in order {
		let tensor = &tensors[i];
		let room = tensor.len.next_multiple_of(ALIGN);
		let mut start = 0;
		for &other in placed.iter().filter(|&&other| tensors[other].meets(tensor)) {
			let taken: &Range<usize> = &places[other];
			if start + room <= taken.start {
				break;
			}
			start = start.max(taken.end.next_multiple_of(ALIGN));
		}
		places[i] = start..start + tensor.len;
		total = total.max(start + room);
		let at = placed.partition_point(|&other| places[other].start <= start);
		placed.insert(at, i);
	}
	(places, total)
}

/// Bytes on a cache line's boundary, of unspecified content.
#[derive(Debug)]
pub(crate) enum Memory {
	Small(Buffer),
	Mapped(MmapMut),
}

impl Memory {
	fn new(len: usize) -> Memory {
		if len >= LARGE {
			if let Ok(map) = MmapMut::map_anon(len) {
				// Advice only; without it pages are small.
				#[cfg(target_os = "linux")]
				let _ = map.advise(memmap2::Advice::HugePage);
				return Memory::Mapped(map);
			}
		}
		Memory::Small(Buffer::new(len))
	}
}

impl Deref for Memory {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		match self {
			Memory::Small(buffer) => buffer,
			Memory::Mapped(map) => map,
		}
	}
}

impl DerefMut for Memory {
	fn deref_mut(&mut self) -> &mut [u8] {
		match self {
			Memory::Small(buffer) => buffer,
			Memory::Mapped(map) => map,
		}
	}
}

/// Pieces of memory of one size that are not in use; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
	len: usize,
	/// Most pieces that are kept.
	most: usize,
	spare: Arc<Mutex<Vec<Memory>>>,
}

impl Pool {
	pub(crate) fn new(len: usize, most: usize) -> Pool {
		Pool { len, most, spare: Arc::default() }
	}

	/// A piece to use, which goes back to the pool when it is dropped.
	pub(crate) fn take(&self) -> Lent {
		let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
		let memory = spare.unwrap_or_else(|| Memory::new(self.len));
		Lent { memory: Some(memory), pool: self.clone() }
	}
}

/// A piece of memory out of a [`Pool`].
#[derive(Debug)]
pub(crate) struct Lent {
	/// `Some` until dropped.
	memory: Option<Memory>,
	pool: Pool,
}

impl Deref for Lent {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		self.memory.as_deref().unwrap_or(&[])
	}
}

impl DerefMut for Lent {
	fn deref_mut(&mut self) -> &mut [u8] {
		self.memory.as_deref_mut().unwrap_or(&mut [])
	}
}

impl Drop for Lent {
	fn drop(&mut self) {
		let mut spare = self.pool.spare.lock().unwrap_or_else(PoisonError::into_inner);
		if spare.len() < self.pool.most {
			spare.extend(self.memory.take());
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn tensors_alive_together_lie_apart() {
		let mut seed = 1u64;
		let mut next = |n: u64| {
			seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
			((seed >> 33) % n) as usize
		};
		for count in [1, 2, 7, 60] {
			let tensors: Vec<Tensor> = (0..count)
				.map(|_| {
					let (start, len) = (next(40), next(9));
					Tensor { len: 1 + next(5000), alive: (start, start + len) }
				})
				.collect();
			let (places, total) = arrange(&tensors);
			let sum: usize = tensors.iter().map(|x| x.len.next_multiple_of(ALIGN)).sum();
			assert!(total <= sum);
			for (i, a) in tensors.iter().enumerate() {
				assert_eq!(places[i].len(), a.len);
				assert!(places[i].start % ALIGN == 0 && places[i].end <= total);
				for (j, b) in tensors.iter().enumerate().skip(i + 1) {
					let apart =
						places[i].end <= places[j].start || places[j].end <= places[i].start;
					assert!(apart || !a.meets(b), "{i} and {j}");
				}
			}
		}
	}

	#[test]
	fn tensors_that_never_meet_share() {
		let tensor = |step| Tensor { len: 640, alive: (step, step + 1) };
		let (_, total) = arrange(&(0..10).map(tensor).collect::<Vec<_>>());
		assert_eq!(total, 1280);
	}

	#[test]
	fn pieces_come_back() {
		let pool = Pool::new(1 << 22, 1);
		let (mut one, two) = (pool.take(), pool.take());
		one[12345] = 77;
		drop(one);
		drop(two);
		assert_eq!(pool.spare.lock().unwrap().len(), 1);
		assert_eq!(pool.take()[12345], 77);
	}
}
