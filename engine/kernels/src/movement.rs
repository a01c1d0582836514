//! Kernels that move values without changing them, by element size.

use crate::{
	isa::{dispatch_simd, SimdKernel},
	parallel,
	simd::Simd,
	view::{view, view_mut, Pod},
	walk::Walk,
	KernelConfig,
};
use assay_referee::{DType, Layout, OpKind, OpRecord, Operand};
use core::ops::Range;

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
			let strides: Vec<[isize; 1]> = strides.iter().map(|&s| [s as isize]).collect();
			let walk = Walk::new(op.shape.dims(), &strides);
			strided(&walk, offset as isize, view(operands.first()?)?, out, cfg);
		},
		OpKind::Pad { before, fill } => {
			let data = view(operands.first()?)?;
			pad(op, &before, T::from_bits(fill), data, out);
		},
		OpKind::Concat { axis } => {
			let parts = operands.iter().map(|bytes| view(bytes)).collect::<Option<Vec<&[T]>>>()?;
			concat(op, axis.into(), &parts, out, cfg);
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

fn strided<T: Pod>(walk: &Walk<1>, offset: isize, data: &[T], out: &mut [T], cfg: &KernelConfig) {
	let [step] = walk.step;
	match (walk.last_outer(), walk.inner) {
		(Some((rows, [outer])), 2) => {
			narrow::<T, 2>(walk, [rows, 2], outer, offset, data, out, cfg)
		},
		(Some((rows, [outer])), 4) => {
			narrow::<T, 4>(walk, [rows, 4], outer, offset, data, out, cfg)
		},
		(Some((rows, [outer])), 8) => {
			narrow::<T, 8>(walk, [rows, 8], outer, offset, data, out, cfg)
		},
		(Some((rows, [1])), _) if step != 1 && step != 0 => {
			transpose(walk, rows, offset, data, out, cfg);
		},
		_ => runs(walk, offset, data, out, cfg),
	}
}

/// Runs that follow each other.
fn runs<T: Pod>(walk: &Walk<1>, offset: isize, data: &[T], out: &mut [T], cfg: &KernelConfig) {
	let [step] = walk.step;
	parallel::for_each_part(cfg.threads, out, 64, 1, |start, out| {
		walk.runs(start, out.len(), |at, run, [place]| {
			let out = &mut out[at..at + run];
			let first = offset + place;
			match step {
				0 => out.fill(data[first as usize]),
				1 => out.copy_from_slice(&data[first as usize..][..run]),
				_ => out.iter_mut().enumerate().for_each(|(i, out)| {
					*out = data[(first + i as isize * step) as usize];
				}),
			}
		});
	});
}

/// Runs of `N` elements, which are too short to be taken one by one: pixels that are repeated, or
/// that come from `N` images in turn.
fn narrow<T: Pod, const N: usize>(
	walk: &Walk<1>,
	[rows, columns]: [usize; 2],
	outer: isize,
	offset: isize,
	data: &[T],
	out: &mut [T],
	cfg: &KernelConfig,
) {
	let (plane, [step], planes) = (rows * columns, walk.step, walk.planes());
	parallel::for_each_part(cfg.threads, out, plane, 1, |start, out| {
		planes.runs(start / plane, out.len() / plane, |at, _, [place]| {
			let first = offset + place;
			let (out, _) = out[at * plane..(at + 1) * plane].as_chunks_mut::<N>();
			if outer == 1 {
				let lines: [&[T]; N] =
					core::array::from_fn(|j| &data[(first + j as isize * step) as usize..][..rows]);
				for (i, out) in out.iter_mut().enumerate() {
					*out = lines.map(|line| line[i]);
				}
			} else {
				for (i, out) in out.iter_mut().enumerate() {
					let first = first + i as isize * outer;
					*out = core::array::from_fn(|j| data[(first + j as isize * step) as usize]);
				}
			}
		});
	});
}

/// Planes whose rows are neighbours in the source: squares keep both sides in the cache.
fn transpose<T: Pod>(
	walk: &Walk<1>,
	rows: usize,
	offset: isize,
	data: &[T],
	out: &mut [T],
	cfg: &KernelConfig,
) {
	let (columns, [step]) = (walk.inner, walk.step);
	let planes = walk.planes();
	parallel::for_each_part(cfg.threads, out, columns, 1, |start, out| {
		let (mut row, end) = (start / columns, (start + out.len()) / columns);
		let mut rest = out;
		while row < end {
			let count = (rows - row % rows).min(end - row);
			let mut first = offset + (row % rows) as isize;
			planes.runs(row / rows, 1, |_, _, [place]| first += place);
			let (out, tail) = rest.split_at_mut(count * columns);
			dispatch_simd(cfg.isa, Plane { data, first, step, rows: count, columns, out });
			(rest, row) = (tail, row + count);
		}
	});
}

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
		const SIDE: usize = 16;
		let (rows, columns) = (self.rows, self.columns);
		// Everything that is read lies between these two.
		let last = self.first + rows as isize + (columns as isize - 1) * self.step;
		let inside = self.first >= 0 && last <= self.data.len() as isize;
		assert!(self.out.len() >= rows * columns);
		let size = size_of::<T>();
		let vectors = (size == size_of::<f32>() || size == 1) && self.step > 0 && inside;
		for row in (0..rows).step_by(SIDE) {
			let end = (row + SIDE).min(rows);
			let mut column = 0;
			while vectors && size == 1 && end - row == SIDE && column + SIDE <= columns {
				let from = self.first as usize + row + column * self.step as usize;
				// SAFETY: SIDE runs of SIDE bytes inside of `data`, and as many inside of `out`, as
				// checked. S is enabled.
				unsafe {
					let from = self.data.as_ptr().add(from).cast();
					let to = self.out.as_mut_ptr().add(row * columns + column).cast();
					S::transpose_bytes(from, self.step as usize, to, columns);
				}
				column += SIDE;
			}
			while vectors && size != 1 && end - row == SIDE && column + SIDE <= columns {
				for r in (row..end).step_by(S::LANES) {
					for c in (column..column + SIDE).step_by(S::LANES) {
						let from = self.first as usize + r + c * self.step as usize;
						// SAFETY: LANES runs of LANES elements of four bytes inside of `data`, and
						// as many inside of `out`, as checked; loads and stores keep bits. S is enabled.
						unsafe {
							let from = self.data.as_ptr().add(from).cast();
							let to = self.out.as_mut_ptr().add(r * columns + c).cast();
							S::transpose(from, self.step as usize, S::LANES, to, columns);
						}
					}
				}
				column += SIDE;
			}
			while column < columns {
				let next = (column + SIDE).min(columns);
				self.elements(row..end, column..next);
				column = next;
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

fn concat<T: Pod>(op: &OpRecord, axis: usize, parts: &[&[T]], out: &mut [T], cfg: &KernelConfig) {
	let inner = |dims: &[u32]| dims[axis..].iter().map(|&dim| dim as usize).product::<usize>();
	let lengths: Vec<usize> =
		op.operands.iter().map(|operand| inner(operand.shape.dims())).collect();
	let total = inner(op.shape.dims());
	parallel::for_each_part(cfg.threads, out, total, 1, |start, out| {
		for (row, out) in out.chunks_exact_mut(total).enumerate() {
			let row = start / total + row;
			let mut rest = out;
			for (part, &len) in parts.iter().zip(&lengths) {
				let (to, tail) = rest.split_at_mut(len);
				to.copy_from_slice(&part[row * len..(row + 1) * len]);
				rest = tail;
			}
		}
	});
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
	parallel::for_each_part(cfg.threads, out, inner, 1, |start, out| {
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
	parallel::for_each_part(cfg.threads, out, terms, 1, |start, out| {
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
