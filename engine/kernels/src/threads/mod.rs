//! Splitting work over threads. The split never changes a result: tasks write disjoint outputs.

mod helpers;

use crate::cpu::Environment;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Nanoseconds of work below which another thread costs more than it gains.
pub(crate) const GRAIN: usize = 10_000;

/// Runs `task(0) .. task(tasks - 1)`, each once, on this thread and up to `threads - 1` helpers,
/// which all callers of a process share.
pub fn for_each(threads: usize, tasks: usize, task: impl Fn(usize) + Sync) {
	if threads <= 1 || tasks <= 1 {
		let _environment = Environment::enter();
		(0..tasks).for_each(task);
		return;
	}
	let next = AtomicUsize::new(0);
	helpers::together(threads.min(tasks) - 1, &|| {
		let _environment = Environment::enter();
		loop {
			let i = next.fetch_add(1, Ordering::Relaxed);
			if i >= tasks {
				return;
			}
			task(i);
		}
	});
}

/// As [`for_each`], with one element of `items` for each task: `task(i, &mut items[i])`.
///
/// # Examples
///
/// ```
/// let mut squares = [0; 100];
/// assay_kernels::for_each_mut(4, &mut squares, |i, square| *square = i * i);
/// assert!(squares.iter().enumerate().all(|(i, square)| *square == i * i));
/// ```
pub fn for_each_mut<T: Send>(threads: usize, items: &mut [T], task: impl Fn(usize, &mut T) + Sync) {
	let count = items.len();
	let items = Shared(items.as_mut_ptr());
	// SAFETY: every task takes an element of its own, inside the slice.
	for_each(threads, count, |i| task(i, unsafe { &mut *items.at(i) }));
}

/// Runs `task(start, part)` for consecutive parts of `out`, each a multiple of `unit` elements
/// long except perhaps the last; `weight` is the rough cost of an element in nanoseconds.
pub(crate) fn for_each_part<T: Send>(
	threads: usize,
	out: &mut [T],
	unit: usize,
	weight: usize,
	task: impl Fn(usize, &mut [T]) + Sync,
) {
	let unit = unit.max(1);
	let units = out.len().div_ceil(unit);
	let unit_cost = unit.saturating_mul(weight.max(1));
	let per_task = (GRAIN / unit_cost).max(units.div_ceil(threads.max(1) * 4)).max(1);
	if threads <= 1 || units <= per_task {
		let _environment = Environment::enter();
		if !out.is_empty() {
			task(0, out);
		}
		return;
	}
	let len = out.len();
	let out = Shared(out.as_mut_ptr());
	for_each(threads, units.div_ceil(per_task), |i| {
		let start = i * per_task * unit;
		let end = (start + per_task * unit).min(len);
		// SAFETY: parts of different tasks do not overlap and lie inside `out`.
		let part = unsafe { core::slice::from_raw_parts_mut(out.at(start), end - start) };
		task(start, part);
	});
}

/// A pointer that several threads write through, each to its own part.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub(crate) *mut T);

// SAFETY: users promise disjoint writes.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: users promise disjoint writes.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
	/// The pointer `offset` elements on.
	///
	/// # Safety
	/// The place must lie inside the allocation.
	#[inline(always)]
	pub(crate) unsafe fn at(&self, offset: usize) -> *mut T {
		// SAFETY: the caller's promise.
		unsafe { self.0.add(offset) }
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn parts_cover_everything_once() {
		for threads in [1, 2, 3, 7] {
			for (len, unit) in [(0, 1), (1, 5), (1000, 7), (100_000, 16)] {
				let mut out = vec![0usize; len];
				for_each_part(threads, &mut out, unit, 10, |start, part| {
					assert_eq!(start % unit, 0);
					part.iter_mut().enumerate().for_each(|(i, x)| *x += start + i + 1);
				});
				assert!(out.iter().enumerate().all(|(i, &x)| x == i + 1));
			}
		}
	}
}
