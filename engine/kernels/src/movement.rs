//! Kernels that move values without changing them, by element size.

use crate::{
	cpu::{dispatch_simd, simd::Simd, view, view_mut, Buffer, Pod, SimdKernel},
	output::EpilogueWriter,
	threads,
	walk::Walk,
	Arg, Isa, KernelConfig,
};
use assay_referee::{DType, Layout, OpKind, OpRecord, Operand};
use core::{cell::RefCell, ops::Range};

/// Runs an op that only moves values; false when it is not one, or for unaligned operands.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let done = match (op.kind, op.dtype.size()) {
		(OpKind::Pack, _) => pack(op, operands, out),
		(_, 1) => typed::<u8>(op, operands, out, cfg),
		(_, 4) => typed::<u32>(op, operands, out, cfg),
		_ => typed::<u64>(op, operands, out, cfg),
	};
	done.is_some()
}

/// Values given as bits.
trait FromBits: Pod + Default {
	fn from_bits(bits: u64) -> Self;
}

impl FromBits for u8 {
	fn from_bits(bits: u64) -> u8 {
		bits as u8
	}
}

impl FromBits for u32 {
	fn from_bits(bits: u64) -> u32 {
		bits as u32
	}
}

impl FromBits for u64 {
	fn from_bits(bits: u64) -> u64 {
		bits
	}
}

fn typed<T: FromBits>(
	op: &OpRecord,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let out = view_mut::<T>(out)?;
	match op.kind {
		OpKind::Strided { offset, strides } => {
			let moves = Moves::new(op, offset, &strides, view(operands.first()?)?, cfg.isa);
			let unit = moves.unit().unwrap_or(64);
			threads::for_each_part(cfg.threads, out, unit, 1, |start, out| moves.part(start, out));
		},
		OpKind::Pad { before, fill } => {
			let data = view(operands.first()?)?;
			pad(op, &before, T::from_bits(fill), data, out);
		},
		OpKind::Concat { axis } => {
			let operands = operands.iter().map(|bytes| view(bytes));
			let operands = operands.collect::<Option<Vec<&[T]>>>()?;
			concat(op, axis.into(), &operands, out, cfg)?;
		},
		OpKind::Gather { axis } => {
			let [data, indices] = operands else { return None };
			gather(op, axis.into(), view(data)?, indices, out, cfg)?;
		},
		OpKind::Unfold { fill, .. } => {
			let data = view(operands.first()?)?;
			unfold(op, T::from_bits(fill), data, out, cfg)?;
		},
		_ => return None,
	}
	Some(())
}

/// Runs a strided op part by part through an epilogue; false for other ops and unaligned operands.
pub(crate) fn run_with_epilogue(
	op: &OpRecord,
	args: &[Arg<'_>],
	writer: &EpilogueWriter<'_>,
	cfg: &KernelConfig,
) -> bool {
	let [Arg::Bytes(bytes)] = args else { return false };
	if op.operands.first().is_none_or(|operand| operand.bytes() != bytes.len() as u64) {
		return false;
	}
	let done = match op.dtype.size() {
		1 => with_epilogue::<u8>(op, bytes, writer, cfg),
		4 => with_epilogue::<u32>(op, bytes, writer, cfg),
		_ => with_epilogue::<u64>(op, bytes, writer, cfg),
	};
	done.is_some()
}

/// Elements that are moved together before an epilogue takes them.
const MOVED: usize = 8 << 10;
/// Elements below which another thread costs more than it gains.
const WORTH: usize = 32 << 10;

thread_local! {
	static SPACE: RefCell<Buffer> = RefCell::default();
}

fn with_epilogue<T: Pod>(
	op: &OpRecord,
	bytes: &[u8],
	writer: &EpilogueWriter<'_>,
	cfg: &KernelConfig,
) -> Option<()> {
	let OpKind::Strided { offset, strides } = op.kind else { return None };
	let moves = Moves::<T>::new(op, offset, &strides, view(bytes)?, cfg.isa);
	let (elements, row) = (op.shape.elements() as usize, op.shape.last() as usize);
	// An epilogue takes whole rows, or a part of one.
	let unit = moves.unit().unwrap_or(row);
	let stretch = match MOVED / unit {
		0 if moves.unit().is_none() => MOVED,
		// Squares of a transposition are whole.
		units @ SIDE.. => units / SIDE * SIDE * unit,
		units => units.max(1) * unit,
	};
	let line = stretch.max(unit);
	let pieces = line.div_ceil(stretch);
	let count = elements.div_ceil(line) * pieces;
	let share = (WORTH / stretch).max(count.div_ceil(cfg.threads * 4)).max(1);
	threads::for_each(cfg.threads, count.div_ceil(share), |task| {
		SPACE.with(|space| {
			let space = &mut *space.borrow_mut();
			let size = size_of::<T>();
			space.grow((stretch * size).div_ceil(4));
			for piece in task * share..((task + 1) * share).min(count) {
				let (first, inside) = (piece / pieces * line, piece % pieces * stretch);
				let start = first + inside;
				let len = stretch.min(line - inside).min(elements - start);
				let Some(out) = view_mut::<T>(&mut space[..len * size]) else { continue };
				moves.part(start, out);
				// SAFETY: pieces have places of their own, of one row or of whole ones.
				unsafe { writer.run(&space[..len * size], start) };
			}
		});
	});
	Some(())
}

/// A strided op, of which parts can be computed.
struct Moves<'a, T> {
	walk: Walk<1>,
	/// What is left of it without the rows that are moved together.
	planes: Walk<1>,
	form: Form,
	offset: isize,
	data: &'a [T],
	isa: Isa,
}

/// How elements are moved together.
#[derive(Clone, Copy)]
enum Form {
	/// Runs that follow each other.
	Runs,
	/// Rows of 2, 4 or 8 elements, which are too short to be taken one by one: pixels that are
	/// repeated, or that come from so many images in turn; so many rows, which lie `outer` apart, of
	/// elements at these places.
	ShortRows { rows: usize, outer: isize, width: usize, places: [isize; 8] },
	/// Planes of so many rows, which are neighbours in the source: squares keep both sides in the cache.
	Planes { rows: usize },
}

impl<'a, T: Pod> Moves<'a, T> {
	fn new(op: &OpRecord, offset: u64, strides: &[i64], data: &'a [T], isa: Isa) -> Self {
		let strides: Vec<[isize; 1]> = strides.iter().map(|&s| [s as isize]).collect();
		let walk = Walk::new(op.shape.dims(), &strides);
		let [step] = walk.step;
		let mut planes = walk.planes();
		let form = match (walk.last_outer(), walk.inner) {
			(Some((rows, [outer])), 2 | 4 | 8) => {
				let (mut rows, mut outer, mut width) = (rows, outer, walk.inner);
				let mut places = core::array::from_fn(|j| j as isize * step);
				// Rows of a few rows are rows too.
				if let (Some((more, [next])), 4 | 8) = (planes.last_outer(), rows * width) {
					places = core::array::from_fn(|j| {
						(j / width) as isize * outer + (j % width) as isize * step
					});
					(width, rows, outer) = (rows * width, more, next);
					planes = planes.planes();
				}
				Form::ShortRows { rows, outer, width, places }
			},
			(Some((rows, [1])), _) if step != 1 && step != 0 => Form::Planes { rows },
			_ => Form::Runs,
		};
		Moves { walk, planes, form, offset: offset as isize, data, isa }
	}

	/// The number of elements of which parts have to be multiples, if there is one.
	fn unit(&self) -> Option<usize> {
		match self.form {
			Form::Runs => None,
			Form::ShortRows { rows, width, .. } => Some(rows * width),
			Form::Planes { .. } => Some(self.walk.inner),
		}
	}

	/// The elements from `start` on.
	fn part(&self, start: usize, out: &mut [T]) {
		match self.form {
			Form::ShortRows { rows, outer, width, ref places } => match width {
				2 => self.of_width::<2>([rows, start], outer, places, out),
				4 => self.of_width::<4>([rows, start], outer, places, out),
				_ => self.of_width::<8>([rows, start], outer, places, out),
			},
			Form::Planes { rows } => self.transpose(rows, start, out),
			Form::Runs => self.runs(start, out),
		}
	}

	fn runs(&self, start: usize, out: &mut [T]) {
		let ([step], data) = (self.walk.step, self.data);
		self.walk.runs(start, out.len(), |at, run, [place]| {
			let out = &mut out[at..at + run];
			let first = self.offset + place;
			match step {
				0 => out.fill(data[first as usize]),
				1 => out.copy_from_slice(&data[first as usize..][..run]),
				_ => out.iter_mut().enumerate().for_each(|(i, out)| {
					*out = data[(first + i as isize * step) as usize];
				}),
			}
		});
	}

	fn of_width<const N: usize>(
		&self,
		[rows, start]: [usize; 2],
		outer: isize,
		places: &[isize; 8],
		out: &mut [T],
	) {
		let (plane, data) = (rows * N, self.data);
		self.planes.runs(start / plane, out.len() / plane, |at, _, [place]| {
			let first = self.offset + place;
			let (out, _) = out[at * plane..(at + 1) * plane].as_chunks_mut::<N>();
			if outer == 1 {
				let lines: [&[T]; N] =
					core::array::from_fn(|j| &data[(first + places[j]) as usize..][..rows]);
				for (i, out) in out.iter_mut().enumerate() {
					*out = lines.map(|line| line[i]);
				}
			} else {
				for (i, out) in out.iter_mut().enumerate() {
					let first = first + i as isize * outer;
					*out = core::array::from_fn(|j| data[(first + places[j]) as usize]);
				}
			}
		});
	}

	fn transpose(&self, rows: usize, start: usize, out: &mut [T]) {
		let (columns, [step]) = (self.walk.inner, self.walk.step);
		let planes = &self.planes;
		let (mut row, end) = (start / columns, (start + out.len()) / columns);
		let mut rest = out;
		while row < end {
			let count = (rows - row % rows).min(end - row);
			let mut first = self.offset + (row % rows) as isize;
			planes.runs(row / rows, 1, |_, _, [place]| first += place);
			let (out, tail) = rest.split_at_mut(count * columns);
			let data = self.data;
			dispatch_simd(self.isa, Plane { data, first, step, rows: count, columns, out });
			(rest, row) = (tail, row + count);
		}
	}
}

/// Rows and columns that are transposed together.
const SIDE: usize = 16;

/// `out[r][c] = data[first + r + c * step]`.
struct Plane<'a, T> {
	data: &'a [T],
	first: isize,
	step: isize,
	rows: usize,
	columns: usize,
	out: &'a mut [T],
}

impl<T: Pod> Plane<'_, T> {
	/// Some rows and columns, one element after another.
	#[inline(always)]
	fn elements(&mut self, rows: Range<usize>, columns: Range<usize>) {
		for r in rows {
			for c in columns.clone() {
				let from = self.first + r as isize + c as isize * self.step;
				self.out[r * self.columns + c] = self.data[from as usize];
			}
		}
	}
}

impl<T: Pod> SimdKernel for Plane<'_, T> {
	#[inline(always)]
	unsafe fn run<S: Simd>(mut self) {
		let (rows, columns) = (self.rows, self.columns);
		// Everything that is read lies between these two.
		let last = self.first + rows as isize + (columns as isize - 1) * self.step;
		let inside = self.first >= 0 && last <= self.data.len() as isize;
		assert!(self.out.len() >= rows * columns);
		let size = size_of::<T>();
		let vectors = (size == size_of::<f32>() || size == 1) && self.step > 0 && inside;
		// Where there are enough, the last ones are taken again with those before, for whole squares.
		let last_of = |from: usize, all: usize| match all.checked_sub(SIDE) {
			Some(most) => (from.min(most), from.min(most) + SIDE),
			None => (from, all),
		};
		for row in (0..rows).step_by(SIDE) {
			let (row, end) = last_of(row, rows);
			for column in (0..columns).step_by(SIDE) {
				let (column, next) = last_of(column, columns);
				let square = end - row == SIDE && next - column == SIDE;
				if vectors && square && size == 1 {
					let from = self.first as usize + row + column * self.step as usize;
					// SAFETY: SIDE runs of SIDE bytes inside of `data`, and as many inside of `out`, as
					// checked. S is enabled.
					unsafe {
						let from = self.data.as_ptr().add(from).cast();
						let to = self.out.as_mut_ptr().add(row * columns + column).cast();
						S::transpose_bytes(from, self.step as usize, to, columns);
					}
				} else if vectors && square {
					for r in (row..end).step_by(S::LANES) {
						for c in (column..next).step_by(S::LANES) {
							let from = self.first as usize + r + c * self.step as usize;
							// SAFETY: LANES runs of LANES elements of four bytes inside of `data`, and as
							// many inside of `out`, as checked; loads and stores keep bits. S is enabled.
							unsafe {
								let from = self.data.as_ptr().add(from).cast();
								let to = self.out.as_mut_ptr().add(r * columns + c).cast();
								S::transpose(from, self.step as usize, S::LANES, to, columns);
							}
						}
					}
				} else {
					self.elements(row..end, column..next);
				}
			}
		}
	}
}

fn pad<T: Pod>(op: &OpRecord, before: &[u32; 8], fill: T, data: &[T], out: &mut [T]) {
	out.fill(fill);
	let inner = op.operands[0].shape.dims();
	// Walk the source; the output is the operand with strides.
	let mut strides = vec![[0isize; 1]; inner.len()];
	let (mut step, mut first) = (1isize, 0isize);
	for (d, &dim) in op.shape.dims().iter().enumerate().rev() {
		strides[d] = [step];
		first += before[d] as isize * step;
		step *= dim as isize;
	}
	let walk = Walk::new(inner, &strides);
	let [step] = walk.step;
	walk.runs(0, data.len(), |at, run, [place]| {
		let first = (first + place) as usize;
		let from = &data[at..at + run];
		if step == 1 {
			out[first..first + run].copy_from_slice(from);
		} else {
			let to = out[first..].iter_mut().step_by(step.unsigned_abs().max(1));
			to.zip(from).for_each(|(to, &x)| *to = x);
		}
	});
}

fn concat<T: Pod>(
	op: &OpRecord,
	axis: usize,
	operands: &[&[T]],
	out: &mut [T],
	cfg: &KernelConfig,
) -> Option<()> {
	let dims = op.shape.dims();
	let joined = operands.iter().zip(&op.operands);
	let joined = joined.map(|(&data, own)| Joined::new(data, own.shape.dims(), dims, axis));
	let joined = joined.collect::<Option<Vec<Joined<'_, T>>>>()?;
	let total: usize = dims[axis..].iter().map(|&dim| dim as usize).product();
	// Rows that stay in the cache while each operand is written to them.
	let rows = (JOINED / total).max(1);
	threads::for_each_part(cfg.threads, out, total, 1, |start, out| {
		for (block, out) in out.chunks_mut(rows * total).enumerate() {
			let (first, mut offset) = (start / total + block * rows, 0);
			for operand in &joined {
				operand.write(first, &mut out[offset..], total);
				offset += operand.written;
			}
		}
	});
	Some(())
}

/// Elements of rows to which operands are joined together.
const JOINED: usize = 4 << 10;

/// An operand of a *Concat*.
struct Joined<'a, T> {
	data: &'a [T],
	/// The first element of a row, for each of the output's rows.
	walk: Walk<1>,
	/// The dimensions of a row: so many elements, each of them repeated so many times.
	inner: Vec<(usize, usize)>,
	/// Elements of a row, and those that they become.
	read: usize,
	written: usize,
}

impl<'a, T: Pod> Joined<'a, T> {
	/// An operand of the dimensions `own` in an output of `dims`; `None` where a walk has no room for them.
	fn new(data: &'a [T], own: &[u32], dims: &[u32], axis: usize) -> Option<Joined<'a, T>> {
		let inner: Vec<(usize, usize)> = (axis..own.len())
			.map(|d| (own[d] as usize, if d == axis { 1 } else { (dims[d] / own[d]) as usize }))
			.collect();
		let read: usize = inner.iter().map(|&(own, _)| own).product();
		let written = inner.iter().map(|&(own, times)| own * times).product();
		let (mut sizes, mut steps) = (Vec::new(), Vec::new());
		let mut step = read as isize;
		for (&own, &dim) in own[..axis].iter().zip(dims).rev() {
			for (size, step) in [(dim / own, 0), (own, step)] {
				sizes.insert(0, size);
				steps.insert(0, [step]);
			}
			step *= own as isize;
		}
		let walk = Walk::new(&sizes, &steps);
		walk.is_short().then_some(Joined { data, walk, inner, read, written })
	}

	/// Writes the output's rows from `first` on, which are `total` elements apart.
	fn write(&self, first: usize, out: &mut [T], total: usize) {
		let [step] = self.walk.step;
		let alike = self.read == self.written;
		self.walk.runs(first, out.len().div_ceil(total), |at, run, [place]| {
			for (row, out) in out[at * total..].chunks_mut(total).take(run).enumerate() {
				let from = (place + row as isize * step) as usize;
				let (from, out) = (&self.data[from..from + self.read], &mut out[..self.written]);
				if alike {
					out.copy_from_slice(from)
				} else {
					repeat(from, &self.inner, out)
				}
			}
		});
	}
}

/// Writes elements of these dimensions with their repetitions.
fn repeat<T: Pod>(from: &[T], dims: &[(usize, usize)], out: &mut [T]) {
	if dims.iter().all(|&(_, times)| times == 1) {
		out.copy_from_slice(from);
		return;
	}
	let Some((&(own, times), rest)) = dims.split_first() else { return };
	let (step, len) = (from.len() / own, out.len() / own);
	let inner = len / times;
	for (from, out) in from.chunks_exact(step).zip(out.chunks_exact_mut(len)) {
		if let ([x], []) = (from, rest) {
			out.fill(*x);
			continue;
		}
		let (first, others) = out.split_at_mut(inner);
		repeat(from, rest, first);
		others.chunks_exact_mut(inner).for_each(|other| other.copy_from_slice(first));
	}
}

fn gather<T: Pod + Default>(
	op: &OpRecord,
	axis: usize,
	data: &[T],
	indices: &[u8],
	out: &mut [T],
	cfg: &KernelConfig,
) -> Option<()> {
	let dims = op.operands[0].shape.dims();
	let inner: usize = dims[axis + 1..].iter().map(|&dim| dim as usize).product();
	let size = dims[axis] as usize;
	let indices: Vec<i64> = match op.operands[1].dtype {
		DType::I32 => view::<i32>(indices)?.iter().map(|&i| i.into()).collect(),
		_ => view::<i64>(indices)?.to_vec(),
	};
	threads::for_each_part(cfg.threads, out, inner, 1, |start, out| {
		for (row, out) in out.chunks_exact_mut(inner).enumerate() {
			let row = start / inner + row;
			let index = indices[row % indices.len()];
			let index = if index < 0 { index.wrapping_add(size as i64) } else { index };
			match usize::try_from(index) {
				Ok(at) if at < size => {
					let first = (row / indices.len() * size + at) * inner;
					out.copy_from_slice(&data[first..first + inner]);
				},
				_ => out.fill(T::default()),
			}
		}
	});
	Some(())
}

fn pack(op: &OpRecord, operands: &[&[u8]], out: &mut [u8]) -> Option<()> {
	let layout = Layout::new(op.operands.iter().map(Operand::bytes));
	out.fill(0);
	for (bytes, &offset) in operands.iter().zip(&layout.offsets) {
		let start = usize::try_from(offset).ok()?;
		out.get_mut(start..start + bytes.len())?.copy_from_slice(bytes);
	}
	Some(())
}

fn unfold<T: Pod>(
	op: &OpRecord,
	fill: T,
	data: &[T],
	out: &mut [T],
	cfg: &KernelConfig,
) -> Option<()> {
	let OpKind::Unfold { kernel, stride, dilation, pad, out: places, groups, .. } = op.kind else {
		return None;
	};
	let &[_, channels, height, width] = op.operands[0].shape.dims() else { return None };
	let [height, width] = [height as usize, width as usize];
	let pair = |p: [u32; 2]| p.map(|x| x as usize);
	let [kernel, stride, dilation, pad, places] = [kernel, stride, dilation, pad, places].map(pair);
	let own = (channels / groups) as usize;
	let terms = own * kernel[0] * kernel[1];
	let windows = places[0] * places[1];
	threads::for_each_part(cfg.threads, out, terms, 1, |start, out| {
		for (i, out) in out.chunks_exact_mut(terms).enumerate() {
			let window = start / terms + i;
			// Groups of all images lie one after another, as their channels do.
			let (planes, place) = (window / windows * own, window % windows);
			let top = (place / places[1] * stride[0]) as isize - pad[0] as isize;
			let left = (place % places[1] * stride[1]) as isize - pad[1] as isize;
			for (line, out) in out.chunks_exact_mut(kernel[1]).enumerate() {
				let (channel, ky) = (line / kernel[0], line % kernel[0]);
				let y = top + (ky * dilation[0]) as isize;
				if y < 0 || y as usize >= height {
					out.fill(fill);
					continue;
				}
				let row = &data[((planes + channel) * height + y as usize) * width..][..width];
				for (kx, out) in out.iter_mut().enumerate() {
					let x = left + (kx * dilation[1]) as isize;
					*out = if x < 0 { fill } else { row.get(x as usize).copied().unwrap_or(fill) };
				}
			}
		}
	});
	Some(())
}
