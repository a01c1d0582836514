//! Windows of an image of bytes as the right operand, without them being written out.

use super::tile::COLUMNS;
use crate::{
	contraction::{
		fusible_operand,
		gemm::{Image, Region, BLOCK},
		geometry,
	},
	cpu::{dispatch, Buffer, Isa, Kernel},
};
use assay_referee::{OpKind, OpRecord};
use core::{cell::RefCell, ops::Range};

/// Panels whose windows are taken from one copied region.
pub(super) const GROUP: usize = 8;

thread_local! {
	/// A region, and a panel.
	static SPACE: RefCell<[Buffer; 2]> = RefCell::default();
}

/// What `unfold` would write.
pub(super) struct Windows<'a> {
	image: Image<'static>,
	bytes: &'a [u8],
	/// What lies outside of the image, and what every byte is changed by.
	fill: [u8; 2],
}

impl<'a> Windows<'a> {
	/// `None` where they are not the right operand of `op`, or would need a very large copy.
	pub(super) fn new(
		unfold: &OpRecord,
		op: &OpRecord,
		bytes: &'a [u8],
		flip: u8,
	) -> Option<Windows<'a>> {
		let OpKind::Unfold { fill, .. } = unfold.kind else { return None };
		let (image, _) = geometry(unfold).filter(|&(_, len)| len == bytes.len())?;
		fusible_operand(unfold, op).filter(|&at| at == 1)?;
		let image = image.with_long_rows();
		let rows = (GROUP * COLUMNS / image.out[1] + 2).min(image.out[0]);
		image.region(0, 0..image.group(), 0..rows)?;
		Some(Windows { image, bytes, fill: [fill as u8, flip] })
	}

	/// Gives the panels of some windows of an image-and-group, with their columns and these' sums.
	pub(super) fn panels(
		&self,
		batch: usize,
		windows: Range<usize>,
		isa: Isa,
		mut take: impl FnMut(Range<usize>, (&[u8], &[i32])),
	) {
		let image = &self.image;
		let rows = image.rows_of(&windows);
		let Some(region) = image.region(batch, 0..image.group(), rows) else { return };
		SPACE.with(|space| {
			let [copy, panel] = &mut *space.borrow_mut();
			let terms = image.group() * image.kernel[0] * image.kernel[1];
			copy.grow((region.len() + COLUMNS).div_ceil(4));
			panel.grow(terms.div_ceil(4) * COLUMNS);
			dispatch(isa, Copy { windows: self, region: &region, out: &mut copy[..region.len()] });
			let panel = &mut panel[..terms.div_ceil(4) * COLUMNS * 4];
			for start in windows.clone().step_by(COLUMNS) {
				let columns = start..(start + COLUMNS).min(windows.end);
				let mut sums = [0; COLUMNS];
				dispatch(
					isa,
					Panel {
						image,
						region: &region,
						data: copy,
						terms,
						columns: columns.clone(),
						out: panel,
						sums: &mut sums,
					},
				);
				let count = columns.len();
				take(columns, (panel, &sums[..count]));
			}
		});
	}
}

/// Copies a region.
struct Copy<'a> {
	windows: &'a Windows<'a>,
	region: &'a Region,
	out: &'a mut [u8],
}

impl Kernel for Copy<'_> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let Windows { image, bytes, fill } = self.windows;
		image.copy_bytes(self.region, bytes, *fill, self.out);
	}
}

/// Packs one panel from a region that holds its windows, with [`COLUMNS`] bytes after it.
struct Panel<'a> {
	image: &'a Image<'static>,
	region: &'a Region,
	data: &'a [u8],
	terms: usize,
	columns: Range<usize>,
	out: &'a mut [u8],
	sums: &'a mut [i32; COLUMNS],
}

impl Kernel for Panel<'_> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let (runs, count) = self.image.runs(self.region, self.columns);
		let (panel, _) = self.out.as_chunks_mut::<{ 4 * COLUMNS }>();
		for (at, panel) in panel.chunks_mut(BLOCK / 4).enumerate() {
			let block = at * BLOCK..((at + 1) * BLOCK).min(self.terms);
			let places = self.image.places(self.region, block.clone());
			let channel = self.image.channels_of(&block).start;
			let first = self.image.place(self.region, channel, 0, 0);
			// At most 256 terms, of -128 to 127: 16 bits hold their sums.
			let mut block_sums = [0i16; COLUMNS];
			for (quad, out) in panel.iter_mut().enumerate() {
				// Four terms of all windows; what is too much of one run is overwritten by the next.
				let mut lines = [[0u8; 2 * COLUMNS]; 4];
				for (i, line) in lines.iter_mut().enumerate() {
					let term = quad * 4 + i;
					if term >= block.len() {
						break;
					}
					for &(to, from, _) in &runs[..count] {
						let from = first + places[term] + from;
						let source = &self.data[from..from + COLUMNS];
						line[to..to + COLUMNS].copy_from_slice(source);
					}
				}
				let [a, b, c, d] = &lines;
				let (out, _) = out.as_chunks_mut::<4>();
				for j in 0..COLUMNS {
					let low = u32::from(a[j]) | u32::from(b[j]) << 8;
					let high = u32::from(c[j]) << 16 | u32::from(d[j]) << 24;
					out[j] = (low | high).to_le_bytes();
				}
				for j in 0..COLUMNS {
					let pair = |x: u8, y: u8| i16::from(x as i8) + i16::from(y as i8);
					block_sums[j] += pair(a[j], b[j]) + pair(c[j], d[j]);
				}
			}
			for (sum, &block) in self.sums.iter_mut().zip(&block_sums) {
				*sum += i32::from(block);
			}
		}
	}
}
