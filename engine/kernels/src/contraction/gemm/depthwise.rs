//! Convolution of every channel with a filter of its own, without packing anything.
//!
//! Lanes are neighbouring windows of one row; a tile is a few rows of a few vectors, so that there
//! are enough independent chains. Terms ascend as everywhere.

use super::{
	image::{self, Region},
	pack::BLOCK,
	problem::{Lhs, Matrix, Problem, Rhs},
	Image, Space, SPACE,
};
use crate::{
	cpu::{dispatch_simd, simd::Simd, Buffer, Isa, SimdKernel},
	output::Target,
	threads,
	transpose::SLACK,
};
use core::ops::Range;

/// Rows of a tile, and its vectors per row.
const ROWS: usize = 4;
const VECTORS: usize = 2;

/// Floats of a region that stays in the first-level cache.
const REGION: usize = 6 << 10;

/// Results that are worth an epilogue's while, and stay in the first-level cache.
const ENOUGH: usize = 6 << 10;

/// Channels that are computed together where they come last in the output: a line of the cache.
const TOGETHER: usize = 16;

/// Solves `p` if it is a depthwise convolution with one filter per channel; false otherwise.
pub(super) fn run(p: &Problem<'_>, target: Target<'_, f32>, threads: usize, isa: Isa) -> bool {
	let (Lhs::Rows(filters), Rhs::Image(image)) = (p.lhs, p.rhs) else { return false };
	if p.m != 1 || image.group() != 1 || p.k > BLOCK || p.rhs_batches != p.batch {
		return false;
	}
	// Rows of windows that are computed from one copied region.
	let Some(one) = image.region(0, 0..1, 0..1) else { return false };
	let row = image.stride[0].saturating_mul(one.len() / one_rows(image)).max(1);
	let rows = (REGION / row).max(2 * ROWS).min(image.out[0]);
	if image.region(0, 0..1, 0..rows).is_none() {
		return false;
	}
	// Of one channel, so that it does not matter how many rows are copied.
	let places = &image.places(&one, 0..p.k);
	let work = p.batch * p.n * p.k;
	let threads = if work < 1 << 16 { 1 } else { threads };
	// Channels that are computed together.
	let group = match target {
		Target::Whole(_) | Target::Epilogue(_) => 1,
		Target::ChannelsLast(_) => TOGETHER,
	};
	let groups = p.batch.div_ceil(group);
	let tasks = if threads > 1 { groups.min(threads * 4) } else { 1 };
	threads::for_each(threads, tasks, |task| {
		SPACE.with(|space| {
			let first = |task: usize| (task * groups / tasks * group).min(p.batch);
			let channels = first(task)..first(task + 1);
			let space = &mut space.borrow_mut();
			dispatch_simd(isa, Task { p, image, filters, places, rows, channels, space, target });
		});
	});
	true
}

/// Rows of the image that one row of windows reads.
fn one_rows(image: &Image<'_>) -> usize {
	(image.kernel[0] - 1) * image.dilation[0] + 1
}

/// Channels that are computed one after another by one thread.
struct Task<'a, 'p> {
	p: &'a Problem<'p>,
	image: &'a Image<'p>,
	filters: Matrix<'a>,
	places: &'a [usize; BLOCK],
	/// Rows of windows per region.
	rows: usize,
	/// Entries of the batch: channels of all images.
	channels: Range<usize>,
	space: &'a mut Space,
	target: Target<'a, f32>,
}

impl SimdKernel for Task<'_, '_> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let (p, image) = (self.p, self.image);
		let work = Channels { p, image, filters: self.filters, places: self.places };
		let Space { image: space, sums, lines, .. } = self.space;
		let [height, width] = image.out;
		match self.target {
			Target::Whole(_) => {},
			Target::Epilogue(_) => sums.grow(ENOUGH + self.rows * width),
			Target::ChannelsLast(writer) => {
				sums.grow(TOGETHER * self.rows * width);
				let mut channel = self.channels.start;
				while channel < self.channels.end {
					// Neighbours of one image.
					let left = writer.channels() - channel % writer.channels();
					let count = TOGETHER.min(left).min(self.channels.end - channel);
					for first in (0..height).step_by(self.rows) {
						let len = self.rows.min(height - first) * width;
						for (i, out) in sums.floats_mut()[..count * len].chunks_mut(len).enumerate()
						{
							// SAFETY: S is enabled.
							unsafe { work.windows::<S>(channel + i, first, space, out) };
						}
						let from = &sums.floats()[..count * len];
						let place = [channel, 0, first * width];
						// SAFETY: these windows are this task's own. S is enabled.
						unsafe { writer.block::<S>(from, place, [count, len], lines) };
					}
					channel += count;
				}
				return;
			},
		}
		// Results that wait for their epilogue: the first, and how many.
		let mut waiting = (self.channels.start * p.n, 0);
		for channel in self.channels.clone() {
			for first in (0..height).step_by(self.rows) {
				let start = channel * p.n + first * width;
				let len = self.rows.min(height - first) * width;
				let out = match self.target {
					// SAFETY: these windows are this task's own.
					Target::Whole(out) => unsafe {
						core::slice::from_raw_parts_mut(out.at(start), len)
					},
					Target::Epilogue(_) | Target::ChannelsLast(_) => {
						&mut sums.floats_mut()[waiting.1..][..len]
					},
				};
				// SAFETY: S is enabled.
				unsafe { work.windows::<S>(channel, first, space, out) };
				let Target::Epilogue(writer) = self.target else { continue };
				waiting.1 += len;
				let last = start + len == self.channels.end * p.n;
				// Parts of a channel, or some whole ones.
				if len < p.n || waiting.1 >= ENOUGH || last {
					// SAFETY: as above.
					unsafe { writer.run(&sums[..waiting.1 * 4], waiting.0) };
					waiting = (start + len, 0);
				}
			}
		}
	}
}

/// The convolution of one channel.
#[derive(Clone, Copy)]
struct Channels<'a, 'p> {
	p: &'a Problem<'p>,
	image: &'a Image<'p>,
	filters: Matrix<'a>,
	places: &'a [usize; BLOCK],
}

impl Channels<'_, '_> {
	/// The rows of windows from row `first` on that `out` has room for.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn windows<S: Simd>(
		&self,
		channel: usize,
		first: usize,
		space: &mut Buffer,
		out: &mut [f32],
	) {
		let (p, image) = (self.p, self.image);
		let width = image.out[1];
		let filter = self.filters.part(channel % p.lhs_batches, 0, 0, [1, p.k]);
		let column_bias = || p.column_bias(channel, first * width);
		let bias = match p.row_bias(channel) {
			Some(bias) => Some(Bias::One(bias[0])),
			None => column_bias().map(|bias| Bias::Each(&bias[..out.len()])),
		};
		let rows = first..first + out.len() / width;
		let Some(region) = image.region(channel, 0..1, rows) else { return };
		image::grow(space, &region, (ROWS + VECTORS) * SLACK);
		// SAFETY: S is enabled.
		unsafe { image.copy::<S>(&region, space.floats_mut()) };
		let work = Windows { image, region: &region, filter, places: self.places, bias };
		// SAFETY: the region holds the windows and slack after it.
		unsafe { work.compute::<S>(space.floats().as_ptr(), out) };
	}
}

#[derive(Clone, Copy)]
enum Bias<'a> {
	One(f32),
	/// One per window.
	Each(&'a [f32]),
}

/// Some rows of windows of one channel.
struct Windows<'a> {
	image: &'a Image<'a>,
	region: &'a Region,
	filter: &'a [f32],
	places: &'a [usize; BLOCK],
	bias: Option<Bias<'a>>,
}

impl Windows<'_> {
	/// # Safety
	/// `data` is the region, with slack after it; S is enabled.
	#[inline(always)]
	unsafe fn compute<S: Simd>(&self, data: *const f32, out: &mut [f32]) {
		let close = self.image.stride[0] == 1 && self.image.dilation[0] == 1;
		// SAFETY: the caller's promise.
		unsafe {
			match self.image.kernel {
				[3, 3] if close => self.tiles::<S, 3, 3>(data, out),
				[5, 5] if close => self.tiles::<S, 5, 5>(data, out),
				_ => self.tiles::<S, 0, 0>(data, out),
			}
		}
	}

	/// All windows; rows of windows that overlap share what they read where the size of the kernel
	/// is given.
	///
	/// # Safety
	/// As [`Windows::compute`]; the size is the kernel's, or zeros.
	#[inline(always)]
	unsafe fn tiles<S: Simd, const KH: usize, const KW: usize>(
		&self,
		data: *const f32,
		out: &mut [f32],
	) {
		let width = self.image.out[1];
		let rows = out.len() / width;
		let mut y = 0;
		while y < rows {
			let tall = ROWS <= rows;
			// The last rows again, where they do not fill a tile of their own.
			if tall {
				y = y.min(rows - ROWS);
			}
			let mut x = 0;
			while x < width {
				let wide = x + S::LANES < width;
				for r in 0..ROWS {
					let ahead = (y + r) * width + x + 4 * VECTORS * S::LANES;
					// SAFETY: S is enabled; any address will do.
					unsafe { S::prefetch_near(out.as_ptr().wrapping_add(ahead)) };
				}
				// SAFETY: the caller's promise; lanes beyond a row end in the next row or in the
				// slack.
				unsafe {
					match (tall, wide, KH) {
						(false, true, _) => self.tile::<S, 1, VECTORS>(data, y, x, out),
						(false, false, _) => self.tile::<S, 1, 1>(data, y, x, out),
						(true, true, 0) => self.tile::<S, ROWS, VECTORS>(data, y, x, out),
						(true, false, 0) => self.tile::<S, ROWS, 1>(data, y, x, out),
						(true, true, _) => self.shared::<S, KH, KW, VECTORS>(data, y, x, out),
						(true, false, _) => self.shared::<S, KH, KW, 1>(data, y, x, out),
					}
				}
				x += if wide { VECTORS } else { 1 } * S::LANES;
			}
			y += if tall { ROWS } else { 1 };
		}
	}

	/// `ROWS` rows from row `y` on, which overlap, `V` vectors from column `x` on.
	///
	/// # Safety
	/// As [`Windows::compute`]; row `y + ROWS - 1` exists.
	#[inline(always)]
	unsafe fn shared<S: Simd, const KH: usize, const KW: usize, const V: usize>(
		&self,
		data: *const f32,
		y: usize,
		x: usize,
		out: &mut [f32],
	) {
		let step = self.region.row_floats();
		let filter = self.filter.as_ptr();
		let data = data.wrapping_add(y * step + x);
		let columns: [usize; KW] = core::array::from_fn(|kx| self.places[kx]);
		// SAFETY: the caller's promise; the filter has KH * KW weights.
		unsafe {
			let mut sums = [[S::splat(0.0); V]; ROWS];
			// A window sees the rows of the image in ascending order, as it must.
			for iy in 0..KH + ROWS - 1 {
				let row = data.wrapping_add(iy * step);
				for (kx, &column) in columns.iter().enumerate() {
					let mut pixels = [S::splat(0.0); V];
					for (v, pixels) in pixels.iter_mut().enumerate() {
						*pixels = S::load(row.wrapping_add(column + v * S::LANES));
					}
					for (r, sums) in sums.iter_mut().enumerate() {
						if iy >= r && iy - r < KH {
							let weight = S::splat(*filter.add((iy - r) * KW + kx));
							for (sum, &pixels) in sums.iter_mut().zip(&pixels) {
								*sum = S::fma(weight, pixels, *sum);
							}
						}
					}
				}
			}
			self.store_tile::<S, ROWS, V>(&sums, y, x, out);
		}
	}

	/// `H` rows from row `y` on, `V` vectors from column `x` on.
	///
	/// # Safety
	/// As [`Windows::compute`]; row `y + H - 1` exists.
	#[inline(always)]
	unsafe fn tile<S: Simd, const H: usize, const V: usize>(
		&self,
		data: *const f32,
		y: usize,
		x: usize,
		out: &mut [f32],
	) {
		let step = self.region.step_floats();
		let data = data.wrapping_add(y * step + x);
		// SAFETY: the caller's promise.
		unsafe {
			let mut sums = [[S::splat(0.0); V]; H];
			for (&place, &weight) in self.places.iter().zip(self.filter) {
				let weight = S::splat(weight);
				let from = data.wrapping_add(place);
				for (r, row) in sums.iter_mut().enumerate() {
					for (v, sum) in row.iter_mut().enumerate() {
						let x = S::load(from.wrapping_add(r * step + v * S::LANES));
						*sum = S::fma(weight, x, *sum);
					}
				}
			}
			self.store_tile::<S, H, V>(&sums, y, x, out);
		}
	}

	/// # Safety
	/// S is enabled.
	#[inline(always)]
	unsafe fn store_tile<S: Simd, const H: usize, const V: usize>(
		&self,
		sums: &[[S::V; V]; H],
		y: usize,
		x: usize,
		out: &mut [f32],
	) {
		let width = self.image.out[1];
		for (r, row) in sums.iter().enumerate() {
			for (v, &sum) in row.iter().enumerate() {
				let x = x + v * S::LANES;
				if x < width {
					let count = (width - x).min(S::LANES);
					// A row that is a single tile is followed by one that is written later.
					let alone = width <= V * S::LANES;
					// SAFETY: the caller's promise.
					unsafe { self.store::<S>(sum, (y + r) * width + x, (count, alone), out) };
				}
			}
		}
	}

	/// Writes the first `count` lanes, or all where what follows is written `later`.
	///
	/// # Safety
	/// S is enabled.
	#[inline(always)]
	unsafe fn store<S: Simd>(
		&self,
		sum: S::V,
		at: usize,
		(count, later): (usize, bool),
		out: &mut [f32],
	) {
		let room = out.len() - at;
		let out = &mut out[at..];
		let mut lanes = [0f32; SLACK];
		// SAFETY: a vector has at most SLACK lanes, and `out` has LANES of them where it is written
		// directly.
		unsafe {
			let mut x = sum;
			match self.bias {
				None => {},
				Some(Bias::One(bias)) => x = S::add(x, S::splat(bias)),
				Some(Bias::Each(bias)) => {
					lanes[..count].copy_from_slice(&bias[at..at + count]);
					x = S::add(x, S::load(lanes.as_ptr()));
				},
			}
			let x = S::canonical(x);
			if count == S::LANES || (later && room >= S::LANES) {
				S::store(out.as_mut_ptr(), x);
			} else {
				S::store(lanes.as_mut_ptr(), x);
				out[..count].copy_from_slice(&lanes[..count]);
			}
		}
	}
}
