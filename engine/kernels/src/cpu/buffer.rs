//! Cache-line-aligned memory for tensors and packed operands.

use core::{fmt, mem::size_of, ops::Range};

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zero-initialised bytes that start on a 64-byte boundary, so that every element type and every
/// vector load is aligned.
#[derive(Default)]
pub struct Buffer {
	lines: Vec<Line>,
	len: usize,
}

impl Buffer {
	/// `floats` floats, all +0.
	pub(crate) fn zeroed(floats: usize) -> Buffer {
		Buffer::new(floats * 4)
	}

	/// `len` bytes, all zero.
	pub fn new(len: usize) -> Buffer {
		Buffer { lines: zeroed_lines(len.div_ceil(64)), len }
	}

	/// A copy of `bytes`.
	pub fn from_bytes(bytes: &[u8]) -> Buffer {
		let mut buffer = Buffer::new(bytes.len());
		buffer.copy_from_slice(bytes);
		buffer
	}

	pub(crate) fn floats(&self) -> &[f32] {
		// SAFETY: every bit pattern is a float, and a line is aligned for one.
		unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len / 4) }
	}

	pub(crate) fn floats_mut(&mut self) -> &mut [f32] {
		// SAFETY: as above, and the borrow is unique.
		unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len / 4) }
	}

	/// Makes room for at least `floats` floats; the contents are unspecified.
	pub(crate) fn grow(&mut self, floats: usize) {
		if self.len < floats * 4 {
			*self = Buffer::zeroed(floats);
		}
	}
}

/// `count` lines of zeros, on huge pages where that is possible: weights and activations are read
/// in many streams at once, more than there are pages in the first translation buffer.
fn zeroed_lines(count: usize) -> Vec<Line> {
	let mut lines: Vec<Line> = Vec::with_capacity(count);
	// Before the first touch, which decides what pages there are.
	ask_for_huge_pages(lines.as_mut_ptr().cast(), count * size_of::<Line>());
	lines.resize(count, Line([0; 64]));
	lines
}

/// Asks the system to back memory with pages of 2 MiB; nothing but speed depends on the answer.
#[cfg(all(target_os = "linux", not(miri)))]
fn ask_for_huge_pages(start: *mut u8, len: usize) {
	use core::ffi::{c_int, c_void};
	extern "C" {
		fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
	}
	const MADV_HUGEPAGE: c_int = 14;
	const HUGE: usize = 2 << 20;
	let skipped = start.align_offset(HUGE);
	let whole = len.saturating_sub(skipped) / HUGE * HUGE;
	if whole > 0 {
		// SAFETY: the range lies inside an allocation; the advice does not change what it holds.
		let _refused = unsafe { madvise(start.add(skipped).cast(), whole, MADV_HUGEPAGE) };
	}
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask_for_huge_pages(_start: *mut u8, _len: usize) {}

impl core::ops::Deref for Buffer {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		// SAFETY: the lines hold at least `len` initialised bytes.
		unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
	}
}

impl core::ops::DerefMut for Buffer {
	fn deref_mut(&mut self) -> &mut [u8] {
		// SAFETY: as above, and the borrow is unique.
		unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
	}
}

impl Clone for Buffer {
	fn clone(&self) -> Buffer {
		Buffer { lines: self.lines.clone(), len: self.len }
	}
}

impl fmt::Debug for Buffer {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "Buffer({} bytes)", self.len)
	}
}

/// Places of one piece of memory, some to write and some to read.
pub type Split<'a> = (Vec<&'a mut [u8]>, Vec<&'a [u8]>);

/// Borrows several places of `memory` at once; `None` when one to write overlaps another place, or
/// one lies outside.
///
/// # Examples
///
/// ```
/// use assay_kernels::split_borrow;
///
/// // A step of an execution reads one tensor and writes another one, which lie in the same memory.
/// let mut memory = [1, 2, 3, 0, 0, 0];
/// let (mut writes, reads) = split_borrow(&mut memory, &[3..6], &[0..3]).expect("they lie apart");
/// writes[0].copy_from_slice(reads[0]);
/// assert_eq!(memory, [1, 2, 3, 1, 2, 3]);
/// assert!(split_borrow(&mut memory, &[2..4], &[0..3]).is_none());
/// ```
pub fn split_borrow<'a>(
	memory: &'a mut [u8],
	write: &[Range<usize>],
	read: &[Range<usize>],
) -> Option<Split<'a>> {
	let inside = |range: &Range<usize>| range.start <= range.end && range.end <= memory.len();
	let apart = |a: &Range<usize>, b: &Range<usize>| a.end <= b.start || b.end <= a.start;
	let sound = write.iter().enumerate().all(|(i, range)| {
		let others = write[i + 1..].iter().chain(read);
		others.into_iter().all(|other| apart(range, other))
	});
	if !sound || !write.iter().chain(read).all(inside) {
		return None;
	}
	let base = memory.as_mut_ptr();
	// SAFETY: the range lies inside `memory`, which is borrowed for as long as the result, and no
	// range to write overlaps any other range.
	let writes = write.iter().map(|range| unsafe {
		core::slice::from_raw_parts_mut(base.add(range.start), range.len())
	});
	// SAFETY: as above; nothing writes to ranges that are read.
	let reads = read
		.iter()
		.map(|range| unsafe { core::slice::from_raw_parts(base.add(range.start), range.len()) });
	Some((writes.collect(), reads.collect()))
}
