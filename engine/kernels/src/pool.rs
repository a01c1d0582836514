//! Reductions over the windows of an image, in the format's order.
//!
//! Neighbouring windows are reduced side by side. For that the elements at one place of all windows of
//! a row must lie together: every row of the image is copied once, padding included, and where windows
//! are more than one column apart, as several rows, one for each place between them.

use crate::{
	isa::{dispatch, Kernel},
	parallel,
	reduce::{combine_all, side_by_side, store, Combine, Max, Min, Prod, Sum, BLOCK, LANES},
	view::{view, view_mut, Pod},
	KernelConfig,
};
use assay_referee::{DType, OpRecord, Pool, ReduceFn};
use core::marker::PhantomData;

/// Elements of copied rows that are held at once: what the second-level cache has room for.
const HELD: usize = 32 * 1024;

/// Elements that are reduced side by side: what the first-level cache has room for.
const SPACE: usize = 4 * 1024;

/// Elements of the widest vectors, with which pieces of rows are filled up.
const VECTOR: usize = 16;

/// Runs a pooling; false when there is no kernel for it.
pub(crate) fn run(
	op: &OpRecord,
	pool: &Pool,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> bool {
	let (Some(geometry), &[image]) = (Geometry::new(op, pool), operands) else { return false };
	let call = Call { geometry: &geometry, function: pool.function, image, cfg };
	let done = match op.dtype {
		DType::F32 => call.of::<f32>(out),
		DType::I32 => call.of::<i32>(out),
		DType::I64 => call.of::<i64>(out),
		DType::U8 => call.of::<u8>(out),
		DType::I8 => call.of::<i8>(out),
		DType::Bool => None,
	};
	done.is_some()
}

/// Where the elements of the windows are.
struct Geometry {
	/// Height and width of the image and of the output.
	size: [usize; 2],
	out: [usize; 2],
	kernel: [usize; 2],
	stride: [usize; 2],
	dilation: [usize; 2],
	pad: [usize; 2],
	/// For every column of a window, which of a row's copies its elements are in, and where the first
	/// window's is.
	columns: Vec<(usize, usize)>,
	/// For every copy of a row, the column that its first element has in the padded image.
	phases: Vec<usize>,
	/// Elements of one copy of a row.
	len: usize,
}

impl Geometry {
	/// `None` where the windows are so many, or so wide, that copying rows for them does not pay.
	fn new(op: &OpRecord, pool: &Pool) -> Option<Geometry> {
		let pair = |pair: [u32; 2]| pair.map(|x| x as usize);
		let &[_, height, width] = op.operands.first()?.shape.dims() else { return None };
		let (kernel, stride) = (pair(pool.kernel), pair(pool.stride));
		let (dilation, out) = (pair(pool.dilation), pair(pool.out));
		if kernel[0] * kernel[1] > BLOCK {
			return None;
		}
		let mut phases = Vec::new();
		let columns: Vec<(usize, usize)> = (0..kernel[1])
			.map(|column| {
				let (phase, offset) =
					(column * dilation[1] % stride[1], column * dilation[1] / stride[1]);
				let known = phases.iter().position(|&known| known == phase);
				let copy = known.unwrap_or_else(|| {
					phases.push(phase);
					phases.len() - 1
				});
				(copy, offset)
			})
			.collect();
		let len = columns.iter().map(|column| column.1).max()? + out[1];
		let geometry = Geometry {
			size: pair([height, width]),
			out,
			kernel,
			stride,
			dilation,
			pad: pair(pool.pad),
			columns,
			phases,
			len,
		};
		(geometry.row() <= 4 * (width as usize + out[1]) + BLOCK).then_some(geometry)
	}

	/// Elements of all copies of a row, and of what is read beyond them.
	fn row(&self) -> usize {
		self.phases.len() * self.len + VECTOR
	}

	/// The row of the image under row `piece` of the windows in row `y` of the output.
	fn source(&self, y: usize, piece: usize) -> Option<usize> {
		let padded = y * self.stride[0] + piece * self.dilation[0];
		padded.checked_sub(self.pad[0]).filter(|&row| row < self.size[0])
	}
}

struct Call<'a> {
	geometry: &'a Geometry,
	function: ReduceFn,
	image: &'a [u8],
	cfg: &'a KernelConfig,
}

impl Call<'_> {
	fn of<T: Pod>(&self, out: &mut [u8]) -> Option<()>
	where
		Sum: Combine<T>,
		Prod: Combine<T>,
		Max: Combine<T>,
		Min: Combine<T>,
	{
		let (image, out) = (view::<T>(self.image)?, view_mut::<T>(out)?);
		match self.function {
			ReduceFn::Sum => self.with::<T, Sum>(image, out),
			ReduceFn::Prod => self.with::<T, Prod>(image, out),
			ReduceFn::Max => self.with::<T, Max>(image, out),
			ReduceFn::Min => self.with::<T, Min>(image, out),
		}
		Some(())
	}

	fn with<T: Pod, F: Combine<T>>(&self, image: &[T], out: &mut [T]) {
		let Call { geometry, cfg, .. } = *self;
		let weight = geometry.kernel[0] * geometry.kernel[1] / 8;
		parallel::for_each_part(cfg.threads, out, geometry.out[1], weight, |start, out| {
			let first = start / geometry.out[1];
			let function = PhantomData::<F>;
			dispatch(cfg.isa, Rows { geometry, image, first, out, function });
		});
	}
}

/// Some rows of the output.
struct Rows<'a, T, F> {
	geometry: &'a Geometry,
	image: &'a [T],
	/// Number of the first row, counted over all planes.
	first: usize,
	out: &'a mut [T],
	function: PhantomData<F>,
}

impl<T: Pod, F: Combine<T>> Kernel for Rows<'_, T, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let Rows { geometry: g, image, first, out, .. } = self;
		let area = g.size[0] * g.size[1];
		let mut held = Held::new(g, F::NEUTRAL);
		let mut lanes = vec![F::NEUTRAL; SPACE];
		// So many rows of output that the rows they read can be held, one at least.
		let most = (HELD / g.row()).saturating_sub((g.kernel[0] - 1) * g.dilation[0]);
		let most = (most / g.stride[0]).max(1);
		let (mut row, mut rest) = (first, out);
		while !rest.is_empty() {
			let (plane, y) = (row / g.out[0], row % g.out[0]);
			let rows = most.min(g.out[0] - y).min(rest.len() / g.out[1]);
			let (block, after) = rest.split_at_mut(rows * g.out[1]);
			held.begin(g, y, rows);
			reduce::<T, F>(g, &image[plane * area..][..area], y, &mut held, &mut lanes, block);
			(row, rest) = (row + rows, after);
		}
	}
}

/// Rows of one plane, copied when they are first asked for.
struct Held<T> {
	copies: Vec<T>,
	ready: Vec<bool>,
	/// The row of the image that comes first.
	first: usize,
	/// A row of padding.
	neutral: Vec<T>,
}

impl<T: Pod> Held<T> {
	fn new(g: &Geometry, neutral: T) -> Held<T> {
		let (copies, ready) = (Vec::new(), Vec::new());
		Held { copies, ready, first: 0, neutral: vec![neutral; g.row()] }
	}

	/// Forgets all rows; the next ones are those that `rows` rows of output from `y` on read.
	fn begin(&mut self, g: &Geometry, y: usize, rows: usize) {
		let reach = (y + rows - 1) * g.stride[0] + (g.kernel[0] - 1) * g.dilation[0];
		let end = (reach + 1).saturating_sub(g.pad[0]).min(g.size[0]);
		self.first = (y * g.stride[0]).saturating_sub(g.pad[0]).min(end);
		self.ready.clear();
		self.ready.resize(end - self.first, false);
		let len = self.ready.len() * g.row();
		if self.copies.len() < len {
			self.copies.resize(len, self.neutral[0]);
		}
	}

	/// The copies of a row of the plane; of a row of padding where there is none.
	#[inline(always)]
	fn row(&mut self, g: &Geometry, plane: &[T], row: Option<usize>) -> &[T] {
		let Some(row) = row else { return &self.neutral };
		let at = row - self.first;
		let copies = &mut self.copies[at * g.row()..][..g.row()];
		if !core::mem::replace(&mut self.ready[at], true) {
			let line = &plane[row * g.size[1]..][..g.size[1]];
			for (copy, &phase) in copies.chunks_exact_mut(g.len).zip(&g.phases) {
				copy_phase(line, g.stride[1], phase, g.pad[1], self.neutral[0], copy);
			}
		}
		copies
	}
}

/// Every `step`-th element of a row, from column `phase` of the row with `pad` elements before it.
#[inline(always)]
fn copy_phase<T: Pod>(line: &[T], step: usize, phase: usize, pad: usize, fill: T, copy: &mut [T]) {
	let before = pad.saturating_sub(phase).div_ceil(step).min(copy.len());
	let first = (before * step + phase).saturating_sub(pad);
	let count = line.len().saturating_sub(first).div_ceil(step).min(copy.len() - before);
	copy[..before].fill(fill);
	copy[before + count..].fill(fill);
	let (line, copy) = (line.get(first..).unwrap_or(&[]), &mut copy[before..before + count]);
	match step {
		1 => copy.copy_from_slice(&line[..count]),
		2 => {
			let (pairs, rest) = line.as_chunks::<2>();
			let whole = count.min(pairs.len());
			copy.iter_mut().zip(&pairs[..whole]).for_each(|(to, pair)| *to = pair[0]);
			copy[whole..].iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
		},
		_ => copy.iter_mut().zip(line.iter().step_by(step)).for_each(|(to, &from)| *to = from),
	}
}

/// The windows of the rows of output from `y` on.
#[inline(always)]
fn reduce<T: Pod, F: Combine<T>>(
	g: &Geometry,
	plane: &[T],
	y: usize,
	held: &mut Held<T>,
	lanes: &mut [T],
	out: &mut [T],
) {
	let terms = g.kernel[0] * g.kernel[1];
	let used = terms.min(LANES);
	// So many columns of so many rows at a time: a piece of a row takes whole vectors.
	let room = lanes.len() / used;
	let columns = g.out[1].min(room / VECTOR * VECTOR);
	let piece = columns.next_multiple_of(VECTOR);
	let rows = (room / piece).clamp(1, out.len() / g.out[1]);
	let width = rows * piece;
	for (block, out) in out.chunks_mut(rows * g.out[1]).enumerate() {
		let count = out.len() / g.out[1];
		for x in (0..g.out[1]).step_by(columns) {
			let end = g.out[1].min(x + columns);
			let reach = (end - x).next_multiple_of(VECTOR);
			for (line, to) in (0..count).map(|line| (block * rows + line, line * piece)) {
				for term in 0..terms {
					let (down, across) = (term / g.kernel[1], term % g.kernel[1]);
					let row = held.row(g, plane, g.source(y + line, down));
					let (copy, offset) = g.columns[across];
					let from = &row[copy * g.len + offset + x..][..reach];
					let lane = &mut lanes[term % LANES * width + to..][..reach];
					if term < LANES {
						store_neutral::<T, F>(lane, from);
					} else {
						combine_all::<T, F>(lane, from);
					}
				}
			}
			side_by_side::<T, F>(lanes, used, width);
			for (line, out) in out.chunks_exact_mut(g.out[1]).enumerate() {
				store::<T, F>(&mut out[x..end], &lanes[line * piece..]);
			}
		}
	}
}

/// What lanes hold after their first elements.
#[inline(always)]
fn store_neutral<T: Pod, F: Combine<T>>(lanes: &mut [T], from: &[T]) {
	lanes.iter_mut().zip(from).for_each(|(lane, &x)| *lane = F::combine(F::NEUTRAL, x));
}
