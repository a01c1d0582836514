//! Patches of an image as the right operand of a convolution.
//!
//! A region of the image is copied with its padding, the columns sorted by their remainder modulo
//! the stride. After that every term of neighbouring windows is a run of neighbouring floats,
//! whatever the kernel, stride, dilation and padding.

use super::{pack::BLOCK, problem::Matrix};
use crate::{
	cpu::{simd::Simd, Buffer},
	transpose::{transpose_to, SLACK},
};
use core::ops::Range;

/// An image whose patches are the right operand of a convolution: what `Unfold` would write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image<'a> {
	pub(crate) data: &'a [f32],
	/// Whether it lies as `[n, height, width, channels]`, not `[n, channels, height, width]`; for one group.
	pub(crate) channels_last: bool,
	pub(crate) channels: usize,
	pub(crate) height: usize,
	pub(crate) width: usize,
	pub(crate) groups: usize,
	pub(crate) kernel: [usize; 2],
	pub(crate) stride: [usize; 2],
	pub(crate) dilation: [usize; 2],
	pub(crate) pad: [usize; 2],
	pub(crate) out: [usize; 2],
	pub(crate) fill: f32,
}

/// Most floats of a region.
const MOST: usize = 1 << 22;

/// How a copied region is laid out: `[channels][rows][phases][line]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
	/// First channel of the image, counted over all images.
	channel: usize,
	channels: usize,
	/// First row of windows.
	first: usize,
	rows: usize,
	/// Rows from those of one row of windows to the next: the stride, or less where no window reads some.
	step: usize,
	/// Remainders of columns modulo the stride that occur.
	phases: usize,
	line: usize,
}

impl Region {
	/// Floats from the first row of a row of windows to that of the next.
	pub(crate) fn step_floats(&self) -> usize {
		self.step * self.row_floats()
	}

	/// Floats from one of its rows to the next.
	pub(crate) fn row_floats(&self) -> usize {
		self.phases * self.line
	}

	/// Its floats.
	pub(crate) fn len(&self) -> usize {
		self.channels * self.rows * self.phases * self.line
	}
}

impl Image<'_> {
	/// The same windows of the same values with the longer side along the rows.
	pub(crate) fn with_long_rows(self) -> Self {
		if self.width != 1 || self.kernel[1] != 1 || self.pad[1] != 0 || self.out[1] != 1 {
			return self;
		}
		let swap = |[a, b]: [usize; 2]| [b, a];
		Image {
			height: self.width,
			width: self.height,
			kernel: swap(self.kernel),
			stride: swap(self.stride),
			dilation: swap(self.dilation),
			pad: swap(self.pad),
			out: swap(self.out),
			..self
		}
	}

	/// Whether the windows are the pixels, one by one.
	pub(crate) fn is_pixels(&self) -> bool {
		self.kernel == [1, 1]
			&& self.stride == [1, 1]
			&& self.pad == [0, 0]
			&& self.out == [self.height, self.width]
	}

	/// The images as the only rows of matrices, where the one window of each is all of it.
	pub(crate) fn as_one_row(&self) -> Option<Matrix<'_>> {
		let whole = self.pad == [0, 0] && self.kernel == [self.height, self.width];
		let one = self.out == [1, 1] && self.dilation == [1, 1] && self.groups == 1;
		(whole && one).then_some(())?;
		let len = self.channels * self.height * self.width;
		Matrix::dense(self.data, [self.data.len() / len, 1, len])
	}

	/// Channels of a group.
	pub(crate) fn group(&self) -> usize {
		self.channels / self.groups
	}

	/// The region that rows `rows` of the windows of image-and-group `batch` read, for some of the
	/// group's channels; `None` when it would be very large.
	pub(crate) fn region(
		&self,
		batch: usize,
		channels: Range<usize>,
		rows: Range<usize>,
	) -> Option<Region> {
		let reach =
			|axis: usize| (self.kernel[axis] - 1).checked_mul(self.dilation[axis])?.checked_add(1);
		// What lies between windows that do not touch is left out.
		let step = self.stride[0].min(reach(0)?);
		let phases = self.stride[1].min(reach(1)?);
		let last = (self.out[1] - 1).checked_mul(self.stride[1])?;
		let region = Region {
			channel: batch * self.group() + channels.start,
			channels: channels.len(),
			first: rows.start,
			rows: (rows.len() - 1).checked_mul(step)?.checked_add(reach(0)?)?,
			step,
			phases,
			line: last.checked_add(reach(1)?)?.div_ceil(self.stride[1]),
		};
		let floats = [region.rows, region.phases, region.line]
			.into_iter()
			.try_fold(region.channels, usize::checked_mul)?;
		(floats <= MOST).then_some(region)
	}

	/// Whether a region of any windows can be copied.
	pub(crate) fn has_regions(&self) -> bool {
		let window = self.kernel[0] * self.kernel[1];
		let channels = self.channels.min(BLOCK / window + 2);
		self.region(0, 0..channels, 0..self.out[0]).is_some()
	}

	/// Copies a region; `out` has room for it and [`SLACK`] floats more.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	pub(crate) unsafe fn copy<S: Simd>(&self, region: &Region, out: &mut [f32]) {
		let plane = self.height * self.width;
		assert!(out.len() >= region.len() + SLACK);
		if self.channels_last {
			for y in 0..region.rows {
				// SAFETY: the caller's promise.
				unsafe { self.copy_transposed::<S>(region, y, self.row(region, y), out) };
			}
			return;
		}
		// The same for every row, and divisions take longer than copying a short one.
		let phases: Vec<Columns> =
			(0..region.phases).map(|phase| self.columns(phase, region.line)).collect();
		for c in 0..region.channels {
			for y in 0..region.rows {
				let start = (c * region.rows + y) * region.row_floats();
				let out = &mut out[start..];
				let y = self.row(region, y);
				if y < 0 || y as usize >= self.height {
					out[..region.row_floats()].fill(self.fill);
					continue;
				}
				let row = (region.channel + c) * plane + y as usize * self.width;
				let mut out = &mut out[..];
				for columns in &phases {
					// SAFETY: the caller's promise.
					unsafe { self.copy_phase::<S>(row, columns, region.line, out) };
					out = &mut out[region.line..];
				}
			}
		}
	}

	/// The row of the image that row `y` of a region is, or one beside it.
	fn row(&self, region: &Region, y: usize) -> isize {
		let y = if region.step == self.stride[0] {
			region.first * self.stride[0] + y
		} else {
			(region.first + y / region.step) * self.stride[0] + y % region.step
		};
		y as isize - self.pad[0] as isize
	}

	/// Where the columns `phase`, `phase + stride`, … of a padded row are, `len` of them.
	fn columns(&self, phase: usize, len: usize) -> Columns {
		let stride = self.stride[1];
		let left = self.pad[1].saturating_sub(phase).div_ceil(stride).min(len);
		let first = (phase + left * stride).saturating_sub(self.pad[1]);
		let inside = self.width.saturating_sub(first).div_ceil(stride).min(len - left);
		Columns { left, first, inside }
	}

	/// Row `y` of every channel of a region, which is row `row` of an image with the channels last.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn copy_transposed<S: Simd>(
		&self,
		region: &Region,
		y: usize,
		row: isize,
		out: &mut [f32],
	) {
		let step = region.rows * region.row_floats();
		let out = &mut out[y * region.row_floats()..];
		if row < 0 || row as usize >= self.height {
			let rows = out.chunks_mut(step).take(region.channels);
			return rows.for_each(|out| out[..region.row_floats()].fill(self.fill));
		}
		let (image, channel) = (region.channel / self.channels, region.channel % self.channels);
		let row = (image * self.height + row as usize) * self.width;
		for phase in 0..region.phases {
			let Columns { left, first, inside } = self.columns(phase, region.line);
			let out = &mut out[phase * region.line..];
			for out in out.chunks_mut(step).take(region.channels) {
				out[..left].fill(self.fill);
				out[left + inside..region.line].fill(self.fill);
			}
			if inside > 0 {
				let from = &self.data[(row + first) * self.channels + channel..];
				let to = &mut out[left..];
				assert!((region.channels - 1) * step + inside <= to.len());
				// SAFETY: there is room for the lines, as asserted; the caller's promise.
				unsafe {
					let (pixel, channels) = (self.stride[1] * self.channels, region.channels);
					transpose_to::<S>(from, pixel, inside, channels, to.as_mut_ptr(), step);
				}
			}
		}
	}

	/// These columns of the padded row at `row`, `len` of them; may write [`SLACK`] floats more, which `out`
	/// has room for.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn copy_phase<S: Simd>(
		&self,
		row: usize,
		columns: &Columns,
		len: usize,
		out: &mut [f32],
	) {
		let stride = self.stride[1];
		let Columns { left, first, inside } = *columns;
		// What is too much is overwritten by what follows.
		let fill = |out: &mut [f32], count: usize| match out.first_chunk_mut::<SLACK>() {
			Some(out) if count <= S::LANES => {
				// SAFETY: a vector has at most SLACK lanes. S is enabled.
				unsafe { S::store(out.as_mut_ptr(), S::splat(self.fill)) };
			},
			_ => out[..count].fill(self.fill),
		};
		if left > 0 {
			fill(out, left);
		}
		if inside > 0 {
			let from = &self.data[row + first..];
			let to = &mut out[left..];
			let rounded = inside.next_multiple_of(S::LANES);
			match stride {
				1 if rounded <= from.len() && rounded <= to.len() => {
					for i in (0..rounded).step_by(S::LANES) {
						// SAFETY: both slices have `rounded` floats. S is enabled.
						unsafe { S::store(to.as_mut_ptr().add(i), S::load(from.as_ptr().add(i))) };
					}
				},
				1 => to[..inside].copy_from_slice(&from[..inside]),
				2 if 2 * rounded <= from.len() && rounded <= to.len() => {
					for i in (0..rounded).step_by(S::LANES) {
						// SAFETY: there are twice `rounded` floats, and room for `rounded`. S is enabled.
						unsafe {
							let x = S::load_even(from.as_ptr().add(2 * i));
							S::store(to.as_mut_ptr().add(i), x);
						}
					}
				},
				2 => {
					let (pairs, rest) = from[..(2 * inside).min(from.len())].as_chunks::<2>();
					to.iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair[0]);
					if pairs.len() < inside {
						to[pairs.len()] = rest[0];
					}
				},
				_ => {
					let pixels = from.iter().step_by(stride);
					to[..inside].iter_mut().zip(pixels).for_each(|(to, &x)| *to = x);
				},
			}
		}
		if left + inside < len {
			fill(&mut out[left + inside..], len - left - inside);
		}
	}

	/// Where term (channel of the region, row, column of the kernel) of a region's first window is.
	#[inline(always)]
	pub(crate) fn place(&self, region: &Region, channel: usize, y: usize, x: usize) -> usize {
		let x = x * self.dilation[1];
		let row = channel * region.rows + y * self.dilation[0];
		(row * region.phases + x % self.stride[1]) * region.line + x / self.stride[1]
	}

	/// Where the terms of a block are in the region that holds their channels.
	#[inline(always)]
	pub(crate) fn places(&self, region: &Region, terms: Range<usize>) -> [usize; BLOCK] {
		let [kh, kw] = self.kernel;
		let mut places = [0; BLOCK];
		let (mut y, mut x) = (terms.start / kw % kh, terms.start % kw);
		let mut channel = 0;
		for place in &mut places[..terms.len()] {
			*place = self.place(region, channel, y, x);
			x += 1;
			if x == kw {
				(x, y) = (0, y + 1);
			}
			if y == kh {
				(y, channel) = (0, channel + 1);
			}
		}
		places
	}

	/// The channels that hold the terms of a block.
	pub(crate) fn channels_of(&self, terms: &Range<usize>) -> Range<usize> {
		let window = self.kernel[0] * self.kernel[1];
		terms.start / window..terms.end.div_ceil(window)
	}

	/// Rows of windows that contain these windows.
	pub(crate) fn rows_of(&self, windows: &Range<usize>) -> Range<usize> {
		windows.start / self.out[1]..windows.end.div_ceil(self.out[1])
	}

	/// The runs of windows in one row among at most 64: where they go, where their first terms are in
	/// a region, how many; and how many runs.
	#[inline(always)]
	pub(crate) fn runs(
		&self,
		region: &Region,
		columns: Range<usize>,
	) -> ([(usize, usize, usize); 64], usize) {
		let mut runs = [(0, 0, 0); 64];
		let (mut at, mut count) = (columns.start, 0);
		while at < columns.end {
			let (y, x) = (at / self.out[1], at % self.out[1]);
			let from = (y - region.first) * region.step_floats() + x;
			let len = (self.out[1] - x).min(columns.end - at);
			runs[count] = (at - columns.start, from, len);
			(at, count) = (at + len, count + 1);
		}
		(runs, count)
	}

	/// As [`Image::copy`] for an image of bytes, each changed by `flip`.
	#[inline(always)]
	pub(crate) fn copy_bytes(
		&self,
		region: &Region,
		data: &[u8],
		[fill, flip]: [u8; 2],
		out: &mut [u8],
	) {
		let (stride, len) = (self.stride[1], region.line);
		for (line, out) in out.chunks_exact_mut(region.row_floats()).enumerate() {
			let (c, y) = (line / region.rows, self.row(region, line % region.rows));
			if y < 0 || y as usize >= self.height {
				out.fill(fill ^ flip);
				continue;
			}
			let row = ((region.channel + c) * self.height + y as usize) * self.width;
			let row = &data[row..row + self.width];
			for (phase, out) in out.chunks_exact_mut(len).enumerate() {
				let Columns { left, first, inside } = self.columns(phase, len);
				out[..left].fill(fill ^ flip);
				out[left + inside..].fill(fill ^ flip);
				let out = &mut out[left..left + inside];
				if stride == 1 && inside > 0 {
					for (to, &byte) in out.iter_mut().zip(&row[first..][..inside]) {
						*to = byte ^ flip;
					}
				} else if inside > 0 {
					for (to, &byte) in out.iter_mut().zip(row[first..].iter().step_by(stride)) {
						*to = byte ^ flip;
					}
				}
			}
		}
	}

	/// Packs the windows `columns`, at most one panel, from a region: `[terms][panel]`. Lanes
	/// beyond the last window hold anything.
	///
	/// # Safety
	/// `region` with its terms at `places` holds the windows, and `panel` floats after its end are
	/// readable; `out` has room for the terms and `panel` floats more. S is enabled.
	#[inline(always)]
	pub(crate) unsafe fn pack_region<S: Simd>(
		&self,
		region: &Region,
		data: *const f32,
		places: &[usize],
		columns: Range<usize>,
		out: *mut f32,
		panel: usize,
	) {
		let (runs, count) = self.runs(region, columns);
		if let [(_, from, len)] = runs[..count] {
			let from = data.wrapping_add(from);
			// SAFETY: the caller's promise; a line ends at most a vector too late.
			return unsafe {
				match len.div_ceil(S::LANES) {
					1 => copy_vectors::<S, 1>(from, places, out, panel),
					_ => copy_vectors::<S, 2>(from, places, out, panel),
				}
			};
		}
		for (t, &place) in places.iter().enumerate() {
			// What is too much of one run is overwritten by the next.
			for &(to, from, len) in &runs[..count] {
				let mut i = 0;
				while i < len {
					// SAFETY: the caller's promise; a run ends at most a vector too late.
					unsafe {
						let x = S::load(data.wrapping_add(place + from + i));
						S::store(out.wrapping_add(t * panel + to + i), x);
					}
					i += S::LANES;
				}
			}
		}
	}

	/// Packs the windows `rows` from a region that holds them, its terms at `places`:
	/// `[terms][rows]`.
	#[inline(always)]
	pub(crate) fn pack_windows(
		&self,
		region: &Region,
		data: &[f32],
		places: &[usize],
		rows: Range<usize>,
		out: &mut [f32],
	) {
		let count = rows.len();
		for (r, window) in rows.enumerate() {
			let (y, x) = (window / self.out[1], window % self.out[1]);
			let first = (y - region.first) * region.step_floats() + x;
			for (&place, out) in places.iter().zip(out[r..].iter_mut().step_by(count)) {
				*out = data[first + place];
			}
		}
	}

	/// Packs one panel of patches straight from the image: positions `columns` (of
	/// `oh * ow`), terms `terms` (of `ic, kh, kw`), for image-and-group `batch`.
	#[inline(always)]
	pub(crate) fn pack(
		&self,
		batch: usize,
		terms: Range<usize>,
		columns: Range<usize>,
		out: &mut [f32],
		panel: usize,
	) {
		debug_assert!(!self.channels_last);
		let [kh, kw] = self.kernel;
		let plane = self.height * self.width;
		for (term, line) in terms.zip(out.chunks_exact_mut(panel)) {
			let (channel, y, x) = (term / (kh * kw), term / kw % kh, term % kw);
			let source = &self.data[(batch * self.group() + channel) * plane..][..plane];
			let dy = (y * self.dilation[0]) as isize - self.pad[0] as isize;
			let dx = (x * self.dilation[1]) as isize - self.pad[1] as isize;
			let mut at = columns.start;
			while at < columns.end {
				let (oy, ox) = (at / self.out[1], at % self.out[1]);
				let run = (self.out[1] - ox).min(columns.end - at);
				let to = &mut line[at - columns.start..][..run];
				self.pack_run(source, oy, ox, dy, dx, to);
				at += run;
			}
			line[columns.len()..].fill(0.0);
		}
	}

	/// A run of positions in one output row, starting at `(oy, ox)`.
	#[inline(always)]
	fn pack_run(&self, source: &[f32], oy: usize, ox: usize, dy: isize, dx: isize, to: &mut [f32]) {
		let iy = (oy * self.stride[0]) as isize + dy;
		if iy < 0 || iy as usize >= self.height {
			to.fill(self.fill);
			return;
		}
		let row = &source[iy as usize * self.width..][..self.width];
		let stride = self.stride[1];
		let first = (ox * stride) as isize + dx;
		// Positions left of the image, then inside it, then right of it.
		let left = if first >= 0 { 0 } else { first.unsigned_abs().div_ceil(stride) }.min(to.len());
		let start = first + (left * stride) as isize;
		let inside = if start as usize >= self.width || start < 0 {
			0
		} else {
			(self.width - start as usize).div_ceil(stride)
		}
		.min(to.len() - left);
		to[..left].fill(self.fill);
		to[left + inside..].fill(self.fill);
		if inside == 0 {
			return;
		}
		let to = &mut to[left..left + inside];
		let from = &row[start as usize..];
		if stride == 1 {
			to.copy_from_slice(&from[..inside]);
		} else {
			for (to, &x) in to.iter_mut().zip(from.iter().step_by(stride)) {
				*to = x;
			}
		}
	}
}

/// Which columns of a padded row are inside of the image.
struct Columns {
	/// Those before.
	left: usize,
	/// The image's column of the first inside.
	first: usize,
	inside: usize,
}

/// Copies N vectors from each of `places` to lines of `panel` floats.
///
/// # Safety
/// The vectors are readable there, and `to` has room for them. S is enabled.
#[inline(always)]
unsafe fn copy_vectors<S: Simd, const N: usize>(
	from: *const f32,
	places: &[usize],
	to: *mut f32,
	panel: usize,
) {
	for (t, &place) in places.iter().enumerate() {
		for v in 0..N {
			// SAFETY: the caller's promise.
			unsafe {
				let x = S::load(from.wrapping_add(place + v * S::LANES));
				S::store(to.wrapping_add(t * panel + v * S::LANES), x);
			}
		}
	}
}

/// Room for a region and for reads beyond its end.
pub(crate) fn grow(space: &mut Buffer, region: &Region, slack: usize) {
	space.grow(region.len() + slack);
}
