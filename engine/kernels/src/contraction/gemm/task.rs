//! One task: some panels of rows by some panels of columns of one batch entry.

use super::{
	image::{self, Image, Region},
	pack::{blocks, copy_lines, RowPanels, BLOCK},
	problem::{Lhs, Problem, Rhs},
	tile::{compute, panels_per_tile, Layout, Tile, TileBias, PANEL_VECTORS},
	windows, Space,
};
use crate::{
	cpu::{simd::Simd, SimdKernel},
	elementwise::fused::Block,
	output::{After, Target},
	threads::Shared,
	transpose::{transpose_with, SLACK},
};
use core::ops::Range;

pub(super) struct Task<'a, 'p> {
	pub(super) problem: &'a Problem<'p>,
	pub(super) batch: usize,
	pub(super) row_panels: Range<usize>,
	pub(super) column_panels: Range<usize>,
	pub(super) space: &'a mut Space,
	pub(super) target: Target<'a, f32>,
	/// What is done with every result before it is written.
	pub(super) after: &'a [After<'a>],
}

/// The left side of one block of k.
struct Left<'a> {
	layout: Layout,
	/// The task's first row, or the copied strip of an image.
	data: *const f32,
	step: usize,
	windows: Option<(&'a Image<'a>, windows::Strip)>,
}

/// Columns up to which reading rows where they are beats packing them.
const FEW_COLUMNS: usize = 64;

/// Floats of the right side that are worked at together: a first-level cache full where they lie
/// ready, more where they are gathered, so that neighbours in memory are read together.
const GROUP: usize = 8 << 10;
const GATHERED: usize = 32 << 10;

impl SimdKernel for Task<'_, '_> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let p = self.problem;
		let panel = S::LANES * PANEL_VECTORS;
		let panels = p.row_panels(S::MAX_ROWS);
		let rows =
			panels.rows(self.row_panels.start).start..panels.rows(self.row_panels.end - 1).end;
		let columns = self.column_panels.start * panel..(self.column_panels.end * panel).min(p.n);
		let wide = panels_per_tile::<S>(p.m);
		let most = if matches!(p.rhs, Rhs::Packed(_)) { GROUP } else { GATHERED };
		let group = (most / (panel * p.k.min(BLOCK))).max(1).next_multiple_of(wide) * panel;
		let Space { lhs: lhs_space, rhs: rhs_space, image: image_space, sums, lines } = self.space;
		let size = [rows.len(), columns.len()];
		let out = match self.target {
			Target::Whole(out) => Out::Whole(out),
			Target::Epilogue(_) | Target::ChannelsLast(_) => {
				sums.grow(size[0] * size[1]);
				let data = Shared(sums.floats_mut().as_mut_ptr());
				Out::Space { data, rows: rows.clone(), columns: columns.clone() }
			},
		};
		rhs_space.grow(BLOCK.min(p.k) * group + SLACK);
		for block in blocks(p.k) {
			// SAFETY: S is enabled.
			let left = unsafe {
				let row_panels = &self.row_panels;
				left::<S>(
					p,
					self.batch,
					&block,
					&panels,
					row_panels,
					columns.len(),
					[lhs_space, image_space],
				)
			};
			// SAFETY: S is enabled.
			let right = unsafe { Right::new::<S>(p, self.batch, &block, &columns, image_space) };
			for start in columns.clone().step_by(group) {
				let columns = start..(start + group).min(columns.end);
				// SAFETY: S is enabled.
				let rhs = unsafe { right.panels::<S>(&columns, rhs_space.floats_mut()) };
				let tiles = Tiles {
					problem: p,
					batch: self.batch,
					block: &block,
					panels,
					row_panels: &self.row_panels,
					first_row: rows.start,
					columns,
					left: &left,
					rhs,
					out: &out,
					after: self.after,
				};
				// SAFETY: `left` and `rhs` hold the block's terms for these rows and columns;
				// this task alone writes them. S is enabled.
				unsafe { tiles.compute::<S>(wide) };
			}
		}
		match self.target {
			Target::Whole(_) => {},
			// SAFETY: this part of the output is the task's own.
			Target::Epilogue(writer) => unsafe {
				let mut from = 0;
				let mut column = columns.start;
				while column < columns.end {
					let end = p.entry_end(column).min(columns.end);
					let start = p.place(self.batch, rows.start, column);
					let block =
						Block { start, rows: size[0], columns: end - column, step: p.entry };
					let len = size[0] * block.columns * 4;
					writer.block(&sums[from..from + len], block);
					(from, column) = (from + len, end);
				}
			},
			// SAFETY: as above. S is enabled.
			Target::ChannelsLast(writer) => unsafe {
				let first = [self.batch, rows.start, columns.start];
				writer.block::<S>(&sums.floats()[..size[0] * size[1]], first, size, lines);
			},
		}
	}
}

/// All rows of a task by one group of columns, one block of k.
struct Tiles<'a, 'p> {
	problem: &'a Problem<'p>,
	batch: usize,
	block: &'a Range<usize>,
	panels: RowPanels,
	row_panels: &'a Range<usize>,
	/// The task's first row.
	first_row: usize,
	columns: Range<usize>,
	left: &'a Left<'p>,
	/// Panels of the columns.
	rhs: *const f32,
	out: &'a Out,
	after: &'a [After<'a>],
}

/// Where the results of a task go.
enum Out {
	/// To the output.
	Whole(Shared<f32>),
	/// Into space for these rows and columns of the task, one entry after another.
	Space { data: Shared<f32>, rows: Range<usize>, columns: Range<usize> },
}

impl Out {
	/// The place of an element, and how far the next row is.
	///
	/// # Safety
	/// The element must be one of the task's.
	#[inline(always)]
	unsafe fn at(
		&self,
		p: &Problem<'_>,
		batch: usize,
		row: usize,
		column: usize,
	) -> (*mut f32, usize) {
		match self {
			// SAFETY: the caller's promise.
			Out::Whole(out) => (unsafe { out.at(p.place(batch, row, column)) }, p.entry),
			Out::Space { data, rows, columns } => {
				let end = p.entry_end(column);
				let first = (end - p.entry).max(columns.start);
				let step = end.min(columns.end) - first;
				let before = rows.len() * (first - columns.start);
				// SAFETY: the space is for all of the task's elements.
				let at = unsafe { data.at(before + (row - rows.start) * step + column - first) };
				(at, step)
			},
		}
	}
}

impl Tiles<'_, '_> {
	/// # Safety
	/// `left` and `rhs` must hold the block's terms for these rows and columns, and nobody else may
	/// use that part of the output. S must be enabled.
	#[inline(always)]
	unsafe fn compute<S: Simd>(&self, wide: usize) {
		let (p, block, terms) = (self.problem, self.block, self.block.len());
		let panel = S::LANES * PANEL_VECTORS;
		let step = panel * terms;
		let all = self.columns.len().div_ceil(panel);
		// While this group is multiplied, the next one comes from memory; where it is gathered first,
		// the next rows do, if they lie ready.
		let mut ahead_step = (wide * panel).div_ceil(self.row_panels.len());
		let mut ahead = self.rhs.wrapping_add(all * step);
		let rows_ahead = matches!(p.lhs, Lhs::Packed(_)) && !matches!(p.rhs, Rhs::Packed(_));
		let row_bias = p.row_bias(self.batch);
		for row_panel in self.row_panels.clone() {
			let row = self.panels.rows(row_panel);
			if rows_ahead {
				ahead = self.left.row(row.end, self.first_row, terms);
				ahead_step = row.len().div_ceil(all.div_ceil(wide));
			}
			let mut at = 0;
			while at < all {
				let start = self.columns.start + at * panel;
				// A tile lies in one entry.
				let end = p.entry_end(start).min(self.columns.end);
				let count = if start + wide * panel <= end { wide } else { 1 };
				let end = (start + count * panel).min(end);
				// SAFETY: the tile's first element is one of the task's.
				let (out, out_step) = unsafe { self.out.at(p, self.batch, row.start, start) };
				let (rhs, rhs_step, rhs_term) = self.panel(start / panel, at, step);
				let tile = Tile {
					layout: self.left.layout,
					terms,
					lhs: self.left.row(row.start, self.first_row, terms),
					lhs_step: self.left.step,
					places: self.left.places(),
					rhs,
					rhs_step,
					rhs_term,
					ahead,
					ahead_step,
					out,
					out_step,
					columns: end - start,
					at: p.place(self.batch, row.start, start),
					after: self.after,
					first: block.start == 0,
					last: block.end == p.k,
					bias: match (p.column_bias(self.batch, start), row_bias) {
						(Some(bias), _) => TileBias::Column(bias.as_ptr()),
						(_, Some(bias)) => TileBias::Row(bias[row.start..].as_ptr()),
						_ => TileBias::None,
					},
				};
				// SAFETY: the caller's promise.
				unsafe { compute::<S>(&tile, row.len(), count) };
				ahead = ahead.wrapping_add(ahead_step * terms);
				at += count;
			}
		}
	}

	/// Panel `q` of the problem, `at` of these columns, whose panels are `step` floats; how far the next
	/// is, and each term from the next.
	#[inline(always)]
	fn panel(&self, q: usize, at: usize, step: usize) -> (*const f32, usize, usize) {
		let width = step / self.block.len();
		match self.problem.rhs {
			Rhs::Packed(packed) if packed.together > 1 => {
				let (place, term) = packed.place(q, self.problem.n, self.block.len());
				let own = packed.place(q - at, self.problem.n, self.block.len()).0;
				let next = if term == width { step } else { width };
				(self.rhs.wrapping_add(place).wrapping_sub(own), next, term)
			},
			_ => (self.rhs.wrapping_add(at * step), step, width),
		}
	}
}

impl Left<'_> {
	/// A row that is the first of a panel; the task's first row is `first`.
	#[inline(always)]
	fn row(&self, row: usize, first: usize, terms: usize) -> *const f32 {
		let floats = match (&self.windows, self.layout) {
			(Some((image, strip)), _) => image.strip_start(strip, row),
			(None, Layout::LeftRows) => (row - first) * self.step,
			(None, _) => (row - first) * terms,
		};
		self.data.wrapping_add(floats)
	}

	/// Where the terms of a window are.
	#[inline(always)]
	fn places(&self) -> *const usize {
		self.windows.as_ref().map_or(core::ptr::null(), |(_, strip)| strip.places.as_ptr())
	}
}

/// The left operand's rows in one block of k.
///
/// # Safety
/// S must be enabled.
#[inline(always)]
unsafe fn left<'p, S: Simd>(
	p: &Problem<'p>,
	batch: usize,
	block: &Range<usize>,
	panels: &RowPanels,
	row_panels: &Range<usize>,
	columns: usize,
	[space, image_space]: [&mut crate::Buffer; 2],
) -> Left<'p> {
	let windows = None;
	let batch = batch % p.lhs_batches;
	let rows = panels.rows(row_panels.start).start..panels.rows(row_panels.end - 1).end;
	match p.lhs {
		Lhs::Packed(packed) => {
			let start = batch * packed.batch_step + block.start * p.m + rows.start * block.len();
			let data = packed.data.floats()[start..][..rows.len() * block.len()].as_ptr();
			Left { layout: Layout::Packed, data, step: 0, windows }
		},
		Lhs::Rows(matrix) => {
			let part = |rows: &Range<usize>| {
				matrix.part(batch, rows.start, block.start, [rows.len(), block.len()])
			};
			if rows.len() == 1 || columns <= FEW_COLUMNS {
				let layout = if rows.len() == 1 { Layout::Packed } else { Layout::LeftRows };
				return Left { layout, data: part(&rows).as_ptr(), step: matrix.step, windows };
			}
			space.grow(rows.len() * block.len() + SLACK);
			let out = space.floats_mut();
			for panel in row_panels.clone() {
				let row = panels.rows(panel);
				let out = &mut out[(row.start - rows.start) * block.len()..];
				let (count, terms) = (row.len(), block.len());
				transpose_with::<S>(part(&row), matrix.step, count, terms, out, count);
			}
			Left { layout: Layout::Packed, data: out.as_ptr(), step: 0, windows }
		},
		Lhs::Windows(image) => {
			// SAFETY: the caller's promise.
			let strip = unsafe { image.copy_strip::<S>(batch, block, &rows, image_space) };
			let (data, step) = (image_space.floats().as_ptr(), image.strip_step(&strip));
			Left { layout: Layout::Windows, data, step, windows: Some((image, strip)) }
		},
		Lhs::Image(image) => {
			space.grow(rows.len() * block.len());
			let out = space.floats_mut();
			// SAFETY: S is enabled.
			let region = unsafe { region::<S>(image, batch, block, &rows, image_space) };
			for panel in row_panels.clone() {
				let row = panels.rows(panel);
				let out = &mut out[(row.start - rows.start) * block.len()..];
				let count = row.len();
				match &region {
					Some((region, places)) => {
						let places = &places[..block.len()];
						image.pack_windows(region, image_space.floats(), places, row, out);
					},
					None => image.pack(
						batch,
						block.clone(),
						row,
						&mut out[..count * block.len()],
						count,
					),
				}
			}
			Left { layout: Layout::Packed, data: out.as_ptr(), step: 0, windows }
		},
	}
}

/// Copies the part of an image that some windows' terms of a block lie in, and says where each
/// term is; `None` when it would be very large.
///
/// # Safety
/// S must be enabled.
#[inline(always)]
unsafe fn region<S: Simd>(
	image: &Image<'_>,
	batch: usize,
	block: &Range<usize>,
	windows: &Range<usize>,
	space: &mut crate::Buffer,
) -> Option<(Region, [usize; BLOCK])> {
	let (channels, rows) = (image.channels_of(block), image.rows_of(windows));
	let region = image.region(batch, channels, rows)?;
	image::grow(space, &region, SLACK);
	// SAFETY: the caller's promise.
	unsafe { image.copy::<S>(&region, space.floats_mut()) };
	let places = image.places(&region, block.clone());
	Some((region, places))
}

/// The right side of one block of k.
struct Right<'a, 'p> {
	p: &'a Problem<'p>,
	batch: usize,
	block: &'a Range<usize>,
	/// A copied part of an image, and where the terms are in it.
	region: Option<(Region, *const f32, [usize; BLOCK])>,
}

impl<'a, 'p> Right<'a, 'p> {
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn new<S: Simd>(
		p: &'a Problem<'p>,
		batch: usize,
		block: &'a Range<usize>,
		columns: &Range<usize>,
		space: &mut crate::Buffer,
	) -> Self {
		let batch = batch % p.rhs_batches;
		let mut right = Right { p, batch, block, region: None };
		if let Rhs::Image(image) = p.rhs {
			// SAFETY: the caller's promise.
			let region = unsafe { region::<S>(image, batch, block, columns, space) };
			right.region = region.map(|(region, places)| (region, space.floats().as_ptr(), places));
		}
		right
	}

	/// The panels of some columns, one after another.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn panels<S: Simd>(&self, columns: &Range<usize>, space: &mut [f32]) -> *const f32 {
		let panel = S::LANES * PANEL_VECTORS;
		let terms = self.block.len();
		let step = panel * terms;
		match self.p.rhs {
			Rhs::Packed(packed) => {
				let padded = self.p.n.next_multiple_of(panel);
				let block = self.batch * packed.batch_step + self.block.start * padded;
				let block = &packed.data.floats()[block..][..padded * terms];
				return block
					.as_ptr()
					.wrapping_add(packed.place(columns.start / panel, self.p.n, terms).0);
			},
			Rhs::Lines(matrix) => {
				let size = [terms, columns.len()];
				let part = matrix.part(self.batch, self.block.start, columns.start, size);
				copy_lines::<S>(part, matrix.step, size[1], terms, space, panel);
			},
			_ => {
				for (i, start) in columns.clone().step_by(panel).enumerate() {
					let columns = start..(start + panel).min(columns.end);
					// SAFETY: the caller's promise.
					unsafe { self.pack::<S>(columns, &mut space[i * step..], panel) };
				}
			},
		}
		space.as_ptr()
	}

	/// Packs one panel.
	///
	/// # Safety
	/// S must be enabled.
	#[inline(always)]
	unsafe fn pack<S: Simd>(&self, columns: Range<usize>, out: &mut [f32], panel: usize) {
		let (block, terms) = (self.block, self.block.len());
		match self.p.rhs {
			Rhs::Rows(matrix) => {
				let size = [columns.len(), terms];
				let part = matrix.part(self.batch, columns.start, block.start, size);
				transpose_with::<S>(part, matrix.step, size[0], terms, out, panel);
			},
			Rhs::Image(image) => match &self.region {
				Some((region, data, places)) => {
					assert!(out.len() >= terms * panel + SLACK);
					// SAFETY: the region was made for all windows of the task, with SLACK floats
					// after it; `out` has room, as asserted.
					unsafe {
						let places = &places[..terms];
						let out = out.as_mut_ptr();
						image.pack_region::<S>(region, *data, places, columns, out, panel);
					}
				},
				None => image.pack(self.batch, block.clone(), columns, out, panel),
			},
			Rhs::Packed(_) | Rhs::Lines(_) => {},
		}
	}
}
