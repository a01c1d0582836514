//! Reductions over the windows of an image, in the program format's order.
//!
//! Neighbouring windows are reduced side by side. For that the elements at one place of all windows of a
//! block must lie together: the block of the image under them is copied once, padding included, and where
//! windows are more than one row or column apart, as several blocks, one for each place between them.

use crate::{
	cpu::{dispatch, view, view_mut, Kernel, Pod},
	reduce::{begin, combine_all, side_by_side, store, Combine, Max, Min, Prod, Sum, BLOCK, LANES},
	threads, KernelConfig,
};
use assay_referee::{DType, OpRecord, Pool, ReduceFn};
use core::marker::PhantomData;

/// Elements that are reduced side by side, for all places of a window: what the first-level cache has room
/// for.
const SPACE: usize = 4 * 1024;

/// Columns of a block of windows, but for narrow images.
const COLUMNS: usize = 128;

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
	terms: usize,
	stride: [usize; 2],
	pad: [usize; 2],
	/// For every row and every column of a window, which of the copied blocks its elements are in, and how
	/// far into it they begin.
	places: [Vec<(usize, usize)>; 2],
	/// For every copied block, the row or column of the padded image that it begins with.
	phases: [Vec<usize>; 2],
	/// Rows and columns that a block of windows has, at most, and that the copied blocks have beyond it.
	block: [usize; 2],
	more: [usize; 2],
}

impl Geometry {
	/// `None` where a window is so large, or has its elements so far apart, that copying does not pay.
	fn new(op: &OpRecord, pool: &Pool) -> Option<Geometry> {
		let pair = |pair: [u32; 2]| pair.map(|x| x as usize);
		let &[_, height, width] = op.operands.first()?.shape.dims() else { return None };
		let (kernel, stride, out) = (pair(pool.kernel), pair(pool.stride), pair(pool.out));
		let terms = kernel[0] * kernel[1];
		if terms > BLOCK {
			return None;
		}
		let mut phases = [Vec::new(), Vec::new()];
		let places = [0, 1].map(|d| {
			let place = |piece: usize| {
				let at = piece * pool.dilation[d] as usize;
				let known = phases[d].iter().position(|&known| known == at % stride[d]);
				let copy = known.unwrap_or_else(|| {
					phases[d].push(at % stride[d]);
					phases[d].len() - 1
				});
				(copy, at / stride[d])
			};
			(0..kernel[d]).map(place).collect::<Vec<_>>()
		});
		let more = [0, 1].map(|d| places[d].iter().map(|place| place.1).max().unwrap_or(0));
		let columns = out[1].min(COLUMNS);
		let room = SPACE / terms.min(LANES) / (columns + more[1]);
		let block = [room.clamp(1, out[0]), columns];
		let (size, pad) = (pair([height, width]), pair(pool.pad));
		let geometry = Geometry { size, out, terms, stride, pad, places, phases, block, more };
		let [rows, columns] = [0, 1].map(|d| block[d] + more[d]);
		let copied = geometry.phases[0].len() * geometry.phases[1].len() * rows * columns;
		(copied <= 4 * block[0] * block[1] * terms + SPACE).then_some(geometry)
	}

	/// Whether the columns of each copied row are the even ones or the odd ones of a whole row of the image.
	fn splits_pairs(&self) -> bool {
		let both = self.phases[1].len() == 2 && self.stride[1] == 2;
		// Windows may lie in the padding as a whole, which is then longer than a row.
		let inside = self.pad[1].div_ceil(2) <= self.pitch();
		both && inside && self.block[1] == self.out[1]
	}

	/// Elements from one row of a copied block to the next.
	fn pitch(&self) -> usize {
		self.block[1] + self.more[1]
	}

	/// Elements of a copied block.
	fn copy(&self) -> usize {
		(self.block[0] + self.more[0]) * self.pitch()
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
		let weight = geometry.terms / 8;
		threads::for_each_part(cfg.threads, out, geometry.out[1], weight, |start, out| {
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
		let copies = g.phases[0].len() * g.phases[1].len() * g.copy();
		let mut space = Space {
			copies: vec![F::NEUTRAL; copies],
			lanes: vec![F::NEUTRAL; g.terms.min(LANES) * g.block[0] * g.pitch()],
			neutral: F::NEUTRAL,
		};
		let (mut row, mut rest) = (first, out);
		while !rest.is_empty() {
			let (plane, y) = (row / g.out[0], row % g.out[0]);
			let rows = g.block[0].min(g.out[0] - y).min(rest.len() / g.out[1]);
			let (block, after) = rest.split_at_mut(rows * g.out[1]);
			let plane = &image[plane * area..][..area];
			for x in (0..g.out[1]).step_by(g.block[1]) {
				space.copy(g, plane, [y, x], rows);
				space.reduce::<F>(g, rows);
				let columns = g.block[1].min(g.out[1] - x);
				let results = space.lanes.chunks(g.pitch());
				for (out, results) in block.chunks_exact_mut(g.out[1]).zip(results) {
					store::<T, F>(&mut out[x..x + columns], results);
				}
			}
			(row, rest) = (row + rows, after);
		}
	}
}

struct Space<T> {
	/// The copied blocks of the image, by phase of the rows, then of the columns.
	copies: Vec<T>,
	/// The elements of the windows of a block, by place in the window; then the results.
	lanes: Vec<T>,
	/// What padding holds.
	neutral: T,
}

impl<T: Pod> Space<T> {
	/// Copies what `rows` rows of windows from `[y, x]` on cover.
	#[inline(always)]
	fn copy(&mut self, g: &Geometry, plane: &[T], [y, x]: [usize; 2], rows: usize) {
		if g.splits_pairs() {
			return self.copy_pairs(g, plane, y, rows);
		}
		let mut copies = self.copies.chunks_exact_mut(g.copy());
		for &down in &g.phases[0] {
			for &across in &g.phases[1] {
				let Some(copy) = copies.next() else { return };
				let lines = copy.chunks_exact_mut(g.pitch()).take(rows + g.more[0]);
				for (line, to) in (y..).zip(lines) {
					let row = (line * g.stride[0] + down).checked_sub(g.pad[0]);
					match row.filter(|&row| row < g.size[0]) {
						Some(row) => {
							let from = &plane[row * g.size[1]..][..g.size[1]];
							let first = x * g.stride[1] + across;
							copy_phase(from, g.stride[1], first, g.pad[1], self.neutral, to);
						},
						None => to.fill(self.neutral),
					}
				}
			}
		}
	}

	/// As [`Space::copy`] for whole rows of windows that are two columns apart: both blocks of a row at once. What
	/// is padding in a block is padding in every block.
	#[inline(always)]
	fn copy_pairs(&mut self, g: &Geometry, plane: &[T], y: usize, rows: usize) {
		let (len, pitch, pad) = (g.copy(), g.pitch(), g.pad[1]);
		let swapped = (g.phases[1][0] + pad) % 2 == 1;
		for (&down, copies) in g.phases[0].iter().zip(self.copies.chunks_exact_mut(2 * len)) {
			let (even, odd) = copies.split_at_mut(len);
			let (even, odd) = if swapped { (odd, even) } else { (even, odd) };
			let lines = even.chunks_exact_mut(pitch).zip(odd.chunks_exact_mut(pitch));
			for (line, (even, odd)) in (y..).zip(lines.take(rows + g.more[0])) {
				let row = (line * g.stride[0] + down).checked_sub(g.pad[0]);
				let Some(row) = row.filter(|&row| row < g.size[0]) else {
					even.fill(self.neutral);
					odd.fill(self.neutral);
					continue;
				};
				let (pairs, rest) = plane[row * g.size[1]..][..g.size[1]].as_chunks::<2>();
				let (even, odd) = (&mut even[pad / 2..], &mut odd[pad.div_ceil(2)..]);
				let both = pairs.len().min(even.len()).min(odd.len());
				let (pairs, more) = pairs.split_at(both);
				for ((even, odd), &[a, b]) in even.iter_mut().zip(odd.iter_mut()).zip(pairs) {
					(*even, *odd) = (a, b);
				}
				let next = more.first().map_or(rest, |pair| pair);
				if let (Some(even), Some(&a)) = (even.get_mut(both), next.first()) {
					*even = a;
				}
				if let (Some(odd), Some(&b)) = (odd.get_mut(both), next.get(1)) {
					*odd = b;
				}
			}
		}
	}

	/// Reduces the windows of a block of `rows` rows; what lies between the ends of rows is reduced with
	/// them, and not looked at.
	#[inline(always)]
	fn reduce<F: Combine<T>>(&mut self, g: &Geometry, rows: usize) {
		let width = rows * g.pitch() - g.more[1];
		match g.terms {
			2 => return self.reduce_few::<F, 2>(g, width),
			3 => return self.reduce_few::<F, 3>(g, width),
			4 => return self.reduce_few::<F, 4>(g, width),
			9 => return self.reduce_few::<F, 9>(g, width),
			_ => {},
		}
		for term in 0..g.terms {
			let from = under(&self.copies, g, term, width);
			let lane = &mut self.lanes[term % LANES * width..][..width];
			if term < LANES {
				lane.copy_from_slice(from);
			} else {
				if term < 2 * LANES {
					begin::<T, F>(lane);
				}
				combine_all::<T, F>(lane, from);
			}
		}
		side_by_side::<T, F>(&mut self.lanes, g.terms.min(LANES), width);
	}

	/// As [`Space::reduce`] for windows of so few elements that what becomes of them stays in registers.
	#[inline(always)]
	fn reduce_few<F: Combine<T>, const TERMS: usize>(&mut self, g: &Geometry, width: usize) {
		let terms: [&[T]; TERMS] = core::array::from_fn(|term| under(&self.copies, g, term, width));
		for (i, out) in self.lanes[..width].iter_mut().enumerate() {
			const { assert!(TERMS <= 16 && 16 < LANES) };
			let mut lanes: [T; TERMS] =
				core::array::from_fn(|t| F::combine(F::NEUTRAL, terms[t][i]));
			let mut used = TERMS;
			for half in [8, 4, 2, 1] {
				for lane in half..used {
					lanes[lane - half] = F::combine(lanes[lane - half], lanes[lane]);
				}
				used = used.min(half);
			}
			*out = lanes[0];
		}
	}
}

/// The elements under one place of the windows of a block, in the copied blocks.
#[inline(always)]
fn under<'a, T>(copies: &'a [T], g: &Geometry, term: usize, width: usize) -> &'a [T] {
	let (down, across) = (term / g.places[1].len(), term % g.places[1].len());
	let ((copy_row, row), (copy_column, column)) = (g.places[0][down], g.places[1][across]);
	let copy = copy_row * g.phases[1].len() + copy_column;
	&copies[copy * g.copy() + row * g.pitch() + column..][..width]
}

/// Every `step`-th element of a row, from column `first` of the row with `pad` elements before it.
#[inline(always)]
fn copy_phase<T: Pod>(line: &[T], step: usize, first: usize, pad: usize, fill: T, copy: &mut [T]) {
	let before = pad.saturating_sub(first).div_ceil(step).min(copy.len());
	let start = (before * step + first).saturating_sub(pad);
	let count = line.len().saturating_sub(start).div_ceil(step).min(copy.len() - before);
	copy[..before].fill(fill);
	copy[before + count..].fill(fill);
	let (line, copy) = (line.get(start..).unwrap_or(&[]), &mut copy[before..before + count]);
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
