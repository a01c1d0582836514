//! Rearranging bytes so that a tile reads them front to back, four terms of a row at a time.

use super::tile::{Way, COLUMNS};
use crate::{
	contraction::gemm::RowPanels,
	cpu::{dispatch_simd, simd::Simd, Buffer, Isa, SimdKernel},
	threads::{self, Shared},
	transpose::{transpose_with, SLACK},
};
use core::cell::RefCell;

/// Which operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
	/// Unsigned bytes, panels of the rows of a tile.
	Left,
	/// Signed bytes, panels of [`COLUMNS`] rows, which become columns.
	Right,
}

/// An operand `[batches, rows, k]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
	pub(super) bytes: &'a [u8],
	pub(super) batches: usize,
	pub(super) rows: usize,
	pub(super) k: usize,
	/// What every byte is changed by.
	pub(super) flip: u8,
}

/// An operand in panels, `[terms / 4][rows][4]`, and the sum of every row.
#[derive(Debug)]
pub(crate) struct Packed {
	side: Side,
	way: Way,
	/// Bytes, or numbers of 16 bits on the left of a [`Way`] that wants them.
	data: Buffer,
	sums: Vec<i32>,
	rows: usize,
	/// Bytes of a panel, and of what is read of it for each of its rows.
	step: usize,
	row: usize,
	panels: RowPanels,
}

thread_local! {
	/// Rows of whole quadruples.
	static SPACE: RefCell<Buffer> = RefCell::default();
}

impl Rows<'_> {
	/// The panels of a side; those of the right are whole, except the last one.
	fn panels(&self, side: Side, way: Way) -> RowPanels {
		match side {
			Side::Left => RowPanels::new(self.rows, way.rows()),
			Side::Right => RowPanels::whole(self.rows, COLUMNS),
		}
	}

	/// A panel of the right side alone.
	pub(super) fn panel(
		&self,
		batch: usize,
		first: usize,
		rows: usize,
		way: Way,
		isa: Isa,
	) -> Packed {
		let start = (batch * self.rows + first) * self.k;
		let bytes = &self.bytes[start..start + rows * self.k];
		Packed::new(&Rows { bytes, batches: 1, rows, ..*self }, Side::Right, way, 1, isa)
	}
}

impl Packed {
	pub(super) fn new(rows: &Rows<'_>, side: Side, way: Way, threads: usize, isa: Isa) -> Packed {
		let panels = rows.panels(side, way);
		let widest = match side {
			Side::Left => way.rows(),
			Side::Right => COLUMNS,
		};
		let quads = rows.k.div_ceil(4);
		let step = (quads * widest + SLACK) * 4;
		let mut data = Buffer::new(rows.batches * panels.count * step);
		let mut sums = vec![0; rows.batches * rows.rows];
		let (to, sums_at) = (Shared(data.as_mut_ptr()), Shared(sums.as_mut_ptr()));
		// A byte takes about a quarter of a nanosecond.
		let threads = if rows.bytes.len() < 1 << 17 { 1 } else { threads };
		threads::for_each(threads, rows.batches * panels.count, |task| {
			let part = panels.rows(task % panels.count);
			let first = task / panels.count * rows.rows + part.start;
			let count = part.len();
			let width = if side == Side::Left { count } else { COLUMNS };
			// SAFETY: panels, and their rows' sums, do not overlap; lines are aligned for floats.
			let (out, sums) = unsafe {
				let out = to.at(task * step).cast::<f32>();
				let sums = sums_at.at(first);
				(
					core::slice::from_raw_parts_mut(out, step / 4),
					core::slice::from_raw_parts_mut(sums, count),
				)
			};
			SPACE.with(|space| {
				let space = &mut *space.borrow_mut();
				space.grow(count * quads);
				let space = space.floats_mut();
				dispatch_simd(isa, Panel { rows, side, first, count, width, space, out, sums });
			});
		});
		let mut packed =
			Packed { side, way, data, sums, rows: rows.rows, step, row: quads * 4, panels };
		if side == Side::Left && way.wants_words() {
			packed.widen();
		}
		packed
	}

	/// Makes numbers of 16 bits of the left side's bytes.
	fn widen(&mut self) {
		let mut words = Buffer::new(self.data.len() * 2);
		for (to, &byte) in words.chunks_exact_mut(2).zip(&*self.data) {
			to.copy_from_slice(&u16::from(byte).to_le_bytes());
		}
		self.data = words;
		self.step *= 2;
		self.row *= 2;
	}

	/// Whether this is what a way takes on a side.
	pub(super) fn is(&self, side: Side, way: Way) -> bool {
		self.side == side
			&& match side {
				Side::Left => self.way == way,
				Side::Right => true,
			}
	}

	/// The panel that begins with row `first`, and its `count` rows' sums.
	pub(super) fn panel(&self, batch: usize, first: usize, count: usize) -> (&[u8], &[i32]) {
		let panel = batch * self.panels.count + self.panels.panel_of(first);
		let width = if self.side == Side::Left { count } else { COLUMNS };
		let data = &self.data[panel * self.step..][..width * self.row];
		(data, &self.sums[batch * self.rows + first..][..count])
	}
}

/// Packs one panel.
struct Panel<'a> {
	rows: &'a Rows<'a>,
	side: Side,
	/// Its first row, counted over all batches, and how many.
	first: usize,
	count: usize,
	width: usize,
	space: &'a mut [f32],
	out: &'a mut [f32],
	sums: &'a mut [i32],
}

impl SimdKernel for Panel<'_> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let Rows { bytes, k, flip, .. } = *self.rows;
		let quads = k.div_ceil(4);
		// SAFETY: the same memory, whose every byte is a value.
		let space = unsafe {
			core::slice::from_raw_parts_mut(
				self.space.as_mut_ptr().cast::<u8>(),
				self.space.len() * 4,
			)
		};
		let rows = bytes[self.first * k..].chunks_exact(k);
		for ((row, to), sum) in rows.zip(space.chunks_exact_mut(quads * 4)).zip(self.sums) {
			let mut total = 0;
			let (to, rest) = to.split_at_mut(k);
			if self.side == Side::Left {
				for (to, &byte) in to.iter_mut().zip(row) {
					*to = byte ^ flip;
					total += i32::from(byte ^ flip);
				}
			} else {
				for (to, &byte) in to.iter_mut().zip(row) {
					*to = byte ^ flip;
					total += i32::from((byte ^ flip) as i8);
				}
			}
			rest.fill(0);
			*sum = total;
		}
		// Moves of floats keep bits.
		transpose_with::<S>(self.space, quads, self.count, quads, self.out, self.width);
	}
}
