//! An allocator that only ever takes, until everything is forgotten at once.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of a Wasm page.
const PAGE: usize = 65_536;

unsafe extern "C" {
	/// Where the module's own data end; its address counts.
	static __heap_base: u8;
}

struct Stack;

/// Where the next allocation starts; 0 before the first.
static NEXT: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Stack = Stack;

/// Forgets every allocation.
pub(crate) fn reset() {
	NEXT.store(0, Relaxed);
}

fn end_of_memory() -> usize {
	core::arch::wasm32::memory_size(0) * PAGE
}

// SAFETY: allocations follow one another, inside of the memory and after the module's data; there
// is one thread.
unsafe impl GlobalAlloc for Stack {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		let next = match NEXT.load(Relaxed) {
			0 => &raw const __heap_base as usize,
			next => next,
		};
		let start = next.next_multiple_of(layout.align());
		let Some(end) = start.checked_add(layout.size()) else { return core::ptr::null_mut() };
		let missing = end.saturating_sub(end_of_memory()).div_ceil(PAGE);
		if missing > 0 && core::arch::wasm32::memory_grow(0, missing) == usize::MAX {
			return core::ptr::null_mut();
		}
		NEXT.store(end, Relaxed);
		start as *mut u8
	}

	unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
		// The newest allocation can be taken back.
		if at as usize + layout.size() == NEXT.load(Relaxed) {
			NEXT.store(at as usize, Relaxed);
		}
	}
}
