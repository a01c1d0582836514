//! Rearranging operands so that the register tile reads them front to back.

use super::{panel_width, problem::Matrix, tile::PANELS_OF_ONE_ROW};
use crate::{
	cpu::{dispatch_simd, simd::Simd, Buffer, Isa, SimdKernel},
	transpose::{transpose_with, SLACK},
};
use core::ops::Range;

/// Terms of one fused multiply-add chain; block sums are added in ascending order.
pub(crate) const BLOCK: usize = 256;

/// The left operand packed once: per block of k, per panel of rows, `[terms][rows]`.
#[derive(Debug)]
pub(crate) struct PackedLhs {
	pub(crate) data: Buffer,
	/// Floats of one batch entry.
	pub(crate) batch_step: usize,
	pub(crate) max_rows: usize,
}

/// The right operand packed once: per block of k, per panel of columns, `[terms][panel]`. Where several
/// panels lie together, whole groups of them are `[terms][panels][panel]` and the rest as before.
#[derive(Debug)]
pub(crate) struct PackedRhs {
	pub(crate) data: Buffer,
	/// Floats of one batch entry.
	pub(crate) batch_step: usize,
	pub(crate) panel: usize,
	/// Panels that lie together: 1, or as many as a tile of one row reads.
	pub(crate) together: usize,
}

/// The blocks of k, in order.
pub(crate) fn blocks(k: usize) -> impl Iterator<Item = Range<usize>> {
	(0..k).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(k))
}

/// The panels that `m` rows are cut into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowPanels {
	m: usize,
	pub(crate) count: usize,
	cut: Cut,
}

#[derive(Clone, Copy, Debug)]
enum Cut {
	/// As even as possible.
	Even,
	/// Of so many rows, but for the last one.
	Whole(usize),
	/// Every `line` rows into `parts`, as even as possible.
	Lines { line: usize, parts: usize },
}

impl RowPanels {
	/// None longer than `max_rows`, as even as possible.
	pub(crate) fn new(m: usize, max_rows: usize) -> RowPanels {
		RowPanels { m, count: m.div_ceil(max_rows), cut: Cut::Even }
	}

	/// All of `rows`, except the last one.
	pub(crate) fn whole(m: usize, rows: usize) -> RowPanels {
		RowPanels { m, count: m.div_ceil(rows), cut: Cut::Whole(rows) }
	}

	/// None longer than `max_rows`, each inside one of the lines of `line` rows that `m` consists of.
	pub(crate) fn lines(m: usize, line: usize, max_rows: usize) -> RowPanels {
		let parts = line.div_ceil(max_rows);
		RowPanels { m, count: m / line * parts, cut: Cut::Lines { line, parts } }
	}

	#[inline(always)]
	pub(crate) fn rows(&self, panel: usize) -> Range<usize> {
		match self.cut {
			Cut::Even => panel * self.m / self.count..(panel + 1) * self.m / self.count,
			Cut::Whole(rows) => panel * rows..((panel + 1) * rows).min(self.m),
			Cut::Lines { line, parts } => {
				let (start, part) = (panel / parts * line, panel % parts);
				start + part * line / parts..start + (part + 1) * line / parts
			},
		}
	}

	/// The panel that begins with a row.
	pub(crate) fn panel_of(&self, first: usize) -> usize {
		match self.cut {
			Cut::Even => (first * self.count).div_ceil(self.m.max(1)),
			Cut::Whole(rows) => first / rows,
			Cut::Lines { line, parts } => {
				first / line * parts + (first % line * parts).div_ceil(line)
			},
		}
	}
}

/// Copies `lines`, `[terms][columns]` with `step` floats between lines, to panels of
/// `[terms][panel]`; columns that are missing become zeros.
#[inline(always)]
pub(crate) fn copy_lines<S: Simd>(
	lines: &[f32],
	step: usize,
	columns: usize,
	terms: usize,
	out: &mut [f32],
	panel: usize,
) {
	let (whole, rest) = (columns / panel, columns % panel);
	assert!(panel.is_multiple_of(S::LANES));
	assert!(out.len() >= columns.div_ceil(panel) * terms * panel);
	assert!((terms.max(1) - 1) * step + columns <= lines.len());
	for t in 0..terms {
		for i in 0..whole {
			for v in (0..panel).step_by(S::LANES) {
				// SAFETY: both places lie inside the slices, as asserted.
				unsafe {
					let x = S::load(lines.as_ptr().add(t * step + i * panel + v));
					S::store(out.as_mut_ptr().add((i * terms + t) * panel + v), x);
				}
			}
		}
		if rest > 0 {
			let line = &lines[t * step + whole * panel..][..rest];
			let out = &mut out[(whole * terms + t) * panel..][..panel];
			out[..rest].copy_from_slice(line);
			out[rest..].fill(0.0);
		}
	}
}

/// Packs all rows of a matrix: per block of k, panels given by `panels` of a width.
struct Pack<'a, P> {
	source: Matrix<'a>,
	batches: usize,
	k: usize,
	out: &'a mut [f32],
	batch_step: usize,
	/// The rows of each panel, its width, and how many rows of all precede it in a block.
	panels: P,
}

impl<P: Iterator<Item = (Range<usize>, usize, usize)> + Clone> SimdKernel for Pack<'_, P> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let padded = self.panels.clone().map(|(_, width, _)| width).sum::<usize>();
		for batch in 0..self.batches {
			for block in blocks(self.k) {
				for (rows, width, before) in self.panels.clone() {
					let at = batch * self.batch_step + block.start * padded + before * block.len();
					let size = [rows.len(), block.len()];
					let source = self.source.part(batch, rows.start, block.start, size);
					let out = &mut self.out[at..];
					transpose_with::<S>(source, self.source.step, size[0], size[1], out, width);
				}
			}
		}
	}
}

impl PackedLhs {
	/// Packs `[batches, m, k]`.
	pub(crate) fn new(
		source: Matrix<'_>,
		batches: usize,
		m: usize,
		k: usize,
		max_rows: usize,
		isa: Isa,
	) -> Self {
		let batch_step = (m * k).next_multiple_of(16);
		let mut data = Buffer::zeroed(batches * batch_step + SLACK);
		let rows = RowPanels::new(m, max_rows);
		let panels = (0..rows.count).map(move |p| rows.rows(p));
		let panels = panels.map(|rows| (rows.clone(), rows.len(), rows.start));
		let out = data.floats_mut();
		dispatch_simd(isa, Pack { source, batches, k, out, batch_step, panels });
		PackedLhs { data, batch_step, max_rows }
	}
}

impl PackedRhs {
	/// Packs `[batches, n, k]` for products of any number of rows.
	pub(crate) fn new(source: Matrix<'_>, batches: usize, n: usize, k: usize, isa: Isa) -> Self {
		PackedRhs::with(source, [batches, n, k], 1, isa)
	}

	/// Packs `[n, k]` for products of one row, which then reads it from front to back.
	pub(crate) fn for_one_row(source: Matrix<'_>, n: usize, k: usize, isa: Isa) -> Self {
		PackedRhs::with(source, [1, n, k], PANELS_OF_ONE_ROW, isa)
	}

	fn with(
		source: Matrix<'_>,
		[batches, n, k]: [usize; 3],
		together: usize,
		isa: Isa,
	) -> PackedRhs {
		let panel = panel_width(isa);
		let batch_step = n.next_multiple_of(panel) * k;
		let mut data = Buffer::zeroed(batches * batch_step + SLACK);
		let (group, grouped) = (panel * together, n - n % (panel * together));
		let groups = (0..grouped).step_by(group).map(move |start| (start, group));
		let rest = (grouped..n).step_by(panel).map(move |start| (start, panel));
		let panels = groups
			.chain(rest)
			.map(move |(start, width)| (start..(start + width).min(n), width, start));
		let out = data.floats_mut();
		dispatch_simd(isa, Pack { source, batches, k, out, batch_step, panels });
		PackedRhs { data, batch_step, panel, together }
	}

	/// How far panel `q` of `n` columns is from the first, and each of its terms from the next.
	#[inline(always)]
	pub(crate) fn place(&self, q: usize, n: usize, terms: usize) -> (usize, usize) {
		let first = q - q % self.together;
		if (first + self.together) * self.panel > n {
			return (q * self.panel * terms, self.panel);
		}
		((first * terms + q - first) * self.panel, self.together * self.panel)
	}
}
