//! Windows of an image as the left operand of a convolution.
//!
//! A strip of the image is copied with its padding and with the channels last, for the channels of one
//! block of terms only, so that a pixel's are few neighbouring floats. Every term of the windows in a row
//! is then one distance from a window's first float, and neighbouring windows lie one distance apart:
//! nothing has to be gathered.

use super::{
	image::Image,
	pack::{RowPanels, BLOCK},
};
use crate::{
	cpu::{simd::Simd, Buffer},
	transpose::{transpose_with, SLACK},
};
use core::ops::Range;

/// A copied strip of an image, `[rows][line][channels]`, and where the terms of a block are in it.
pub(super) struct Strip {
	/// First row of windows, and the first of a row.
	first: [usize; 2],
	/// Pixels of a row.
	line: usize,
	channels: usize,
	/// How far from a window's first float each term of the block is.
	pub(super) places: [usize; BLOCK],
}

impl Image<'_> {
	/// The same windows, all in one row where every pixel is one.
	pub(crate) fn joined(self) -> Self {
		if !self.is_pixels() {
			return self;
		}
		let all = self.height * self.width;
		Image { height: 1, width: all, out: [1, all], ..self }
	}

	/// The panels of windows: each in one row of them.
	pub(super) fn window_panels(&self, max_rows: usize) -> RowPanels {
		RowPanels::lines(self.out[0] * self.out[1], self.out[1], max_rows)
	}

	/// Pixels that a number of windows reach over.
	fn reach(&self, axis: usize, windows: usize) -> usize {
		(windows - 1) * self.stride[axis] + (self.kernel[axis] - 1) * self.dilation[axis] + 1
	}

	/// Whether what lies between the windows that are worked at together is not much more than they.
	pub(crate) fn are_near(&self, filters: usize) -> bool {
		const MOST: usize = 1 << 22;
		let [kh, kw] = self.kernel;
		let rows = together(filters).div_ceil(self.out[1]).min(self.out[0]) + 2;
		let floats = [self.reach(1, self.out[1]), self.channels.min(BLOCK / (kh * kw) + 2)]
			.into_iter()
			.try_fold(self.reach(0, rows), usize::checked_mul);
		floats.is_some_and(|floats| floats <= MOST)
	}

	/// Copies what some windows of image `batch` read of the channels that the terms of a block are of.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	pub(super) unsafe fn copy_strip<S: Simd>(
		&self,
		batch: usize,
		block: &Range<usize>,
		windows: &Range<usize>,
		space: &mut Buffer,
	) -> Strip {
		let [kh, kw] = self.kernel;
		let channels = block.start / (kh * kw)..block.end.div_ceil(kh * kw);
		let rows = windows.start / self.out[1]..windows.end.div_ceil(self.out[1]);
		let columns = match rows.len() {
			1 => windows.start % self.out[1]..(windows.end - 1) % self.out[1] + 1,
			_ => 0..self.out[1],
		};
		let (line, count) = (self.reach(1, columns.len()), channels.len());
		let height = self.reach(0, rows.len());
		space.grow(height * line * count + SLACK);
		let top = (rows.start * self.stride[0]) as isize - self.pad[0] as isize;
		let start = columns.start * self.stride[1];
		let left = self.pad[1].saturating_sub(start).min(line);
		let start = start.saturating_sub(self.pad[1]).min(self.width);
		let pixels = start..self.width.min(start + line - left);
		let inside = pixels.len();
		for y in 0..height {
			let out = &mut space.floats_mut()[y * line * count..];
			let y = top + y as isize;
			if y < 0 || y as usize >= self.height {
				out[..line * count].fill(0.0);
				continue;
			}
			out[..left * count].fill(0.0);
			// SAFETY: the caller's promise.
			unsafe {
				self.copy_row::<S>(
					[batch, y as usize],
					&channels,
					&pixels,
					&mut out[left * count..],
				)
			};
			out[(left + inside) * count..line * count].fill(0.0);
		}
		let mut places = [0; BLOCK];
		for (place, term) in places.iter_mut().zip(block.clone()) {
			let (channel, y, x) = (term / (kh * kw), term / kw % kh, term % kw);
			let pixel = y * self.dilation[0] * line + x * self.dilation[1];
			*place = pixel * count + channel - channels.start;
		}
		Strip { first: [rows.start, columns.start], line, channels: count, places }
	}

	/// Copies some channels of some pixels of a row; may write [`SLACK`] floats more, which `out` has
	/// room for.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn copy_row<S: Simd>(
		&self,
		[batch, y]: [usize; 2],
		channels: &Range<usize>,
		pixels: &Range<usize>,
		out: &mut [f32],
	) {
		// Windows may see nothing but padding.
		if pixels.is_empty() {
			return;
		}
		let count = channels.len();
		let image = &self.data[batch * self.channels * self.height * self.width..];
		if !self.channels_last {
			let plane = self.height * self.width;
			let from = &image[channels.start * plane + y * self.width + pixels.start..];
			transpose_with::<S>(from, plane, count, pixels.len(), out, count);
			return;
		}
		let from = &image[(y * self.width + pixels.start) * self.channels..];
		let from = &from[..pixels.len() * self.channels];
		let out = &mut out[..pixels.len() * count];
		if count == self.channels {
			return out.copy_from_slice(from);
		}
		let whole = count / S::LANES * S::LANES;
		let pixels = from[channels.start..].chunks(self.channels);
		for (to, from) in out.chunks_exact_mut(count).zip(pixels) {
			let from = &from[..count];
			for i in (0..whole).step_by(S::LANES) {
				// SAFETY: both have `count` floats.
				unsafe { S::store(to.as_mut_ptr().add(i), S::load(from.as_ptr().add(i))) };
			}
			to[whole..].copy_from_slice(&from[whole..]);
		}
	}

	/// Floats from a window to the next one of its row.
	pub(super) fn strip_step(&self, strip: &Strip) -> usize {
		self.stride[1] * strip.channels
	}

	/// Where a window begins in the copied strip that holds it.
	#[inline(always)]
	pub(super) fn strip_start(&self, strip: &Strip, window: usize) -> usize {
		let (y, x) = (window / self.out[1] - strip.first[0], window % self.out[1] - strip.first[1]);
		(y * self.stride[0] * strip.line + x * self.stride[1]) * strip.channels
	}
}

/// Windows to work at together with so many filters, so that their results stay in the second-level
/// cache; but filters are read once for every such number.
pub(super) fn together(filters: usize) -> usize {
	const MOST: usize = 64 << 10;
	(MOST / filters.max(1)).max(512)
}
