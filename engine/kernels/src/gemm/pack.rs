//! Rearranging operands so that the register tile reads them front to back.

use super::Image;
use crate::buffer::Buffer;
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

/// The right operand packed once: per block of k, per panel of columns, `[terms][panel]`.
#[derive(Debug)]
pub(crate) struct PackedRhs {
	pub(crate) data: Buffer,
	/// Floats of one batch entry.
	pub(crate) batch_step: usize,
	pub(crate) panel: usize,
}

/// The blocks of k, in order.
pub(crate) fn blocks(k: usize) -> impl Iterator<Item = Range<usize>> {
	(0..k).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(k))
}

/// The panels that `m` rows are cut into, none longer than `max_rows`, as even as possible.
#[derive(Clone, Copy)]
pub(crate) struct RowPanels {
	m: usize,
	pub(crate) count: usize,
}

impl RowPanels {
	pub(crate) fn new(m: usize, max_rows: usize) -> RowPanels {
		RowPanels { m, count: m.div_ceil(max_rows) }
	}

	pub(crate) fn rows(&self, panel: usize) -> Range<usize> {
		panel * self.m / self.count..(panel + 1) * self.m / self.count
	}
}

/// Writes `out[t][r] = source[r][t]` for `rows` rows `step` floats apart and `terms` terms; rows
/// of `out` are `width` floats and filled up with zeros.
#[inline(always)]
pub(crate) fn transpose(
	source: &[f32],
	step: usize,
	rows: usize,
	terms: usize,
	out: &mut [f32],
	width: usize,
) {
	debug_assert!(rows <= width && out.len() >= terms * width);
	let out = &mut out[..terms * width];
	if rows < width {
		out.fill(0.0);
	}
	// Eight terms at a time keep the written lines in the first-level cache.
	for (chunk, out) in out.chunks_mut(8 * width).enumerate() {
		let from = chunk * 8;
		let count = out.len() / width;
		for r in 0..rows {
			let line = &source[r * step + from..][..count];
			for (t, &x) in line.iter().enumerate() {
				out[t * width + r] = x;
			}
		}
	}
}

impl PackedLhs {
	/// Packs `[batches, m, k]`.
	pub(crate) fn new(data: &[f32], batches: usize, m: usize, k: usize, max_rows: usize) -> Self {
		let batch_step = (m * k).next_multiple_of(16);
		let mut packed = Buffer::zeroed(batches * batch_step);
		let panels = RowPanels::new(m, max_rows);
		for (batch, out) in packed.floats_mut().chunks_mut(batch_step).enumerate() {
			let source = &data[batch * m * k..(batch + 1) * m * k];
			for block in blocks(k) {
				for rows in (0..panels.count).map(|p| panels.rows(p)) {
					let at = block.start * m + rows.start * block.len();
					let from = rows.start * k + block.start;
					transpose(
						&source[from..],
						k,
						rows.len(),
						block.len(),
						&mut out[at..],
						rows.len(),
					);
				}
			}
		}
		PackedLhs { data: packed, batch_step, max_rows }
	}
}

impl PackedRhs {
	/// Packs `[batches, n, k]`.
	pub(crate) fn new(data: &[f32], batches: usize, n: usize, k: usize, panel: usize) -> Self {
		let padded = n.next_multiple_of(panel);
		let batch_step = padded * k;
		let mut packed = Buffer::zeroed(batches * batch_step);
		for (batch, out) in packed.floats_mut().chunks_mut(batch_step).enumerate() {
			let source = &data[batch * n * k..(batch + 1) * n * k];
			for block in blocks(k) {
				for start in (0..n).step_by(panel) {
					let columns = panel.min(n - start);
					let at = block.start * padded + start * block.len();
					transpose(
						&source[start * k + block.start..],
						k,
						columns,
						block.len(),
						&mut out[at..],
						panel,
					);
				}
			}
		}
		PackedRhs { data: packed, batch_step, panel }
	}
}

impl Image<'_> {
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
		let [kh, kw] = self.kernel;
		let plane = self.height * self.width;
		let channels = self.channels / self.groups;
		let image = batch / self.groups * self.groups * channels + batch % self.groups * channels;
		for (term, line) in terms.zip(out.chunks_exact_mut(panel)) {
			let (channel, y, x) = (term / (kh * kw), term / kw % kh, term % kw);
			let source = &self.data[(image + channel) * plane..][..plane];
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
