//! Cache-line-aligned memory for tensors and packed operands.

use core::fmt;

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
		Buffer { lines: vec![Line([0; 64]); len.div_ceil(64)], len }
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
