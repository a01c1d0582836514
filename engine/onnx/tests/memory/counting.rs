//! The system's allocator, counting.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Far above the bound under test and below what machines have: a test fails instead of swapping.
const CAP: usize = 6 << 30;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts `more` bytes, unless they are too many.
fn takes(more: usize) -> bool {
	let now = NOW.fetch_add(more, Relaxed) + more;
	PEAK.fetch_max(now, Relaxed);
	now <= CAP
}

// SAFETY: every call goes to the system's allocator as it is, or gives null, which is allowed.
unsafe impl GlobalAlloc for Counting {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		if !takes(layout.size()) {
			return std::ptr::null_mut();
		}
		// SAFETY: the caller's promises are the system's.
		unsafe { System.alloc(layout) }
	}

	unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
		if !takes(layout.size()) {
			return std::ptr::null_mut();
		}
		// SAFETY: as above.
		unsafe { System.alloc_zeroed(layout) }
	}

	unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
		NOW.fetch_sub(layout.size(), Relaxed);
		// SAFETY: as above.
		unsafe { System.dealloc(pointer, layout) }
	}
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a closure gives, and the most bytes that were allocated at once while it ran, beyond those
/// before it.
pub(crate) fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
	let before = NOW.load(Relaxed);
	PEAK.store(before, Relaxed);
	let result = run();
	(result, PEAK.load(Relaxed) - before)
}
