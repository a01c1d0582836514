//! f32 contraction in the format's order, for dense operands and for patches of an image.

mod pack;
mod tile;

pub(crate) use pack::{PackedLhs, PackedRhs};

use crate::{
	buffer::Buffer,
	isa::{dispatch_simd, Isa, SimdKernel},
	parallel::{self, Shared},
	simd::Simd,
};
use core::{cell::RefCell, ops::Range};
pub(crate) use pack::transpose;
use pack::{blocks, RowPanels, BLOCK};
use tile::{compute, panels_per_tile, Tile, TileBias, PANEL_VECTORS};

/// The left operand, `[batches, m, k]`.
#[derive(Clone, Copy)]
pub(crate) enum Lhs<'a> {
	Dense(&'a [f32]),
	Packed(&'a PackedLhs),
}

/// The right operand, `[batches, n, k]`.
#[derive(Clone, Copy)]
pub(crate) enum Rhs<'a> {
	Dense(&'a [f32]),
	Packed(&'a PackedRhs),
	Image(&'a Image<'a>),
}

/// An image whose patches are the right operand of a convolution: what `Unfold` would write.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a> {
	pub(crate) data: &'a [f32],
	pub(crate) channels: usize,
	pub(crate) height: usize,
	pub(crate) width: usize,
	pub(crate) groups: usize,
	pub(crate) kernel: [usize; 2],
	pub(crate) stride: [usize; 2],
	pub(crate) dilation: [usize; 2],
	pub(crate) pad: [usize; 2],
	pub(crate) out: [usize; 2],
	pub(crate) fill: f32,
}

/// What is added once at the end.
#[derive(Clone, Copy)]
pub(crate) enum BiasRef<'a> {
	None,
	/// `[m]`, or `[lhs batches, m]`.
	Row(&'a [f32]),
	/// `[n]`.
	Column(&'a [f32]),
}

/// `out[b][i][j] = Σ_t lhs[b % lhs_batches][i][t] * rhs[b % rhs_batches][j][t] + bias`.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
	pub(crate) batch: usize,
	pub(crate) m: usize,
	pub(crate) n: usize,
	pub(crate) k: usize,
	pub(crate) lhs: Lhs<'a>,
	pub(crate) lhs_batches: usize,
	pub(crate) rhs: Rhs<'a>,
	pub(crate) rhs_batches: usize,
	pub(crate) bias: BiasRef<'a>,
}

/// Most rows of a register tile of `isa`.
pub(crate) fn max_rows(isa: Isa) -> usize {
	with_simd(isa).0
}

/// Columns of a panel of `isa`.
pub(crate) fn panel_width(isa: Isa) -> usize {
	with_simd(isa).1 * PANEL_VECTORS
}

/// (rows, lanes) of an instruction set.
fn with_simd(isa: Isa) -> (usize, usize) {
	use crate::simd;
	match isa {
		#[cfg(target_arch = "x86_64")]
		Isa::Avx512 => (simd::Avx512::MAX_ROWS, simd::Avx512::LANES),
		#[cfg(target_arch = "x86_64")]
		Isa::Avx2 => (simd::Avx2::MAX_ROWS, simd::Avx2::LANES),
		#[cfg(target_arch = "aarch64")]
		Isa::Neon => (simd::Neon::MAX_ROWS, simd::Neon::LANES),
		_ => (simd::Scalar::MAX_ROWS, simd::Scalar::LANES),
	}
}

thread_local! {
	/// Packing space of this thread: left panel, right block.
	static SCRATCH: RefCell<(Buffer, Buffer)> = RefCell::default();
}

/// Solves `problem` into `out`, `[batch, m, n]`.
pub(crate) fn run(problem: &Problem<'_>, out: &mut [f32], threads: usize, isa: Isa) {
	debug_assert_eq!(out.len(), problem.batch * problem.m * problem.n);
	let problem = simplify(*problem);
	let panel = panel_width(isa);
	let rows = RowPanels::new(problem.m, max_rows(isa));
	let panels = problem.n.div_ceil(panel);
	let (row_tasks, column_tasks) = split(&problem, rows.count, panels, panel, threads);
	let out = Shared(out.as_mut_ptr());
	parallel::for_each(threads, problem.batch * row_tasks * column_tasks, |task| {
		let column = task % column_tasks;
		let row = task / column_tasks % row_tasks;
		let batch = task / column_tasks / row_tasks;
		SCRATCH.with(|scratch| {
			let (lhs_space, rhs_space) = &mut *scratch.borrow_mut();
			dispatch_simd(
				isa,
				Part {
					problem: &problem,
					batch,
					row_panels: row * rows.count / row_tasks..(row + 1) * rows.count / row_tasks,
					column_panels: column * panels / column_tasks
						..(column + 1) * panels / column_tasks,
					lhs_space,
					rhs_space,
					// SAFETY: the batch entry lies inside the output.
					out: Shared(unsafe { out.at(batch * problem.m * problem.n) }),
				},
			);
		});
	});
}

/// Rewrites a problem to one with the same result and longer rows or columns.
fn simplify(p: Problem<'_>) -> Problem<'_> {
	// One right operand for all: batches of rows are just more rows.
	if p.batch > 1
		&& p.rhs_batches == 1
		&& p.lhs_batches == p.batch
		&& matches!(p.lhs, Lhs::Dense(_))
		&& !matches!(p.bias, BiasRef::Row(_))
	{
		return Problem { batch: 1, lhs_batches: 1, m: p.m * p.batch, ..p };
	}
	p
}

/// Into how many tasks to split (rows, columns) of one batch entry.
fn split(
	p: &Problem<'_>,
	row_panels: usize,
	column_panels: usize,
	panel: usize,
	threads: usize,
) -> (usize, usize) {
	// A block of packed columns should stay in the second-level cache.
	let columns = column_panels.div_ceil((512 / panel).max(1));
	let work = p.m as u64 * p.n as u64 * p.k as u64;
	if threads <= 1 || work * (p.batch as u64) < 1 << 18 {
		return (1, columns);
	}
	let wanted = (threads * 3).div_ceil(p.batch);
	let columns = columns.max(wanted.min(column_panels));
	let rows = wanted.div_ceil(columns).min(row_panels.div_ceil(4)).max(1);
	(rows, columns)
}

/// One task: some panels of rows by some panels of columns of one batch entry.
struct Part<'a, 'p> {
	problem: &'a Problem<'p>,
	batch: usize,
	row_panels: Range<usize>,
	column_panels: Range<usize>,
	lhs_space: &'a mut Buffer,
	rhs_space: &'a mut Buffer,
	out: Shared<f32>,
}

impl SimdKernel for Part<'_, '_> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let p = self.problem;
		let panel = S::LANES * PANEL_VECTORS;
		let rows = RowPanels::new(p.m, S::MAX_ROWS);
		let columns = self.column_panels.start * panel..(self.column_panels.end * panel).min(p.n);
		self.lhs_space.grow(BLOCK * S::MAX_ROWS);
		self.rhs_space.grow(BLOCK * panel * self.column_panels.len());
		for block in blocks(p.k) {
			let (rhs, rhs_step) = rhs_block(p, self.batch, &block, &columns, self.rhs_space, panel);
			for row_panel in self.row_panels.clone() {
				let row = rows.rows(row_panel);
				let lhs = lhs_block(p, self.batch, &block, &row, self.lhs_space);
				let mut at = 0;
				while at < self.column_panels.len() {
					let wide = panels_per_tile(row.len());
					let count = if at + wide <= self.column_panels.len() { wide } else { 1 };
					let column = columns.start + at * panel;
					let tile = Tile {
						lhs,
						rhs: rhs[at * rhs_step..].as_ptr(),
						rhs_step,
						// SAFETY: the tile's first element lies inside the batch entry.
						out: unsafe { self.out.at(row.start * p.n + column) },
						out_step: p.n,
						columns: (count * panel).min(columns.end - column),
						first: block.start == 0,
						last: block.end == p.k,
						bias: tile_bias(p, self.batch, row.start, column),
					};
					// SAFETY: the slices above are long enough: `lhs` holds `terms * rows`
					// floats and `rhs` `count` panels of `terms * panel`; this task alone
					// writes these rows and columns. S is enabled by the caller.
					unsafe { compute::<S>(&tile, row.len(), count) };
					at += count;
				}
			}
		}
	}
}

#[inline(always)]
fn tile_bias(p: &Problem<'_>, batch: usize, row: usize, column: usize) -> TileBias {
	match p.bias {
		BiasRef::None => TileBias::None,
		BiasRef::Row(bias) => {
			let start = if bias.len() == p.m { 0 } else { batch % p.lhs_batches * p.m };
			TileBias::Row(bias[start + row..].as_ptr())
		},
		BiasRef::Column(bias) => TileBias::Column(bias[column..].as_ptr()),
	}
}

/// The left operand's rows in one block of k, as `[terms][rows]`.
#[inline(always)]
fn lhs_block<'a>(
	p: &Problem<'a>,
	batch: usize,
	block: &Range<usize>,
	rows: &Range<usize>,
	space: &'a mut Buffer,
) -> &'a [f32] {
	let batch = batch % p.lhs_batches;
	match p.lhs {
		Lhs::Packed(packed) => {
			let start = batch * packed.batch_step + block.start * p.m + rows.start * block.len();
			&packed.data.floats()[start..][..rows.len() * block.len()]
		},
		Lhs::Dense(data) => {
			let source = &data[(batch * p.m + rows.start) * p.k + block.start..];
			if rows.len() == 1 {
				return &source[..block.len()];
			}
			let out = &mut space.floats_mut()[..rows.len() * block.len()];
			transpose(source, p.k, rows.len(), block.len(), out, rows.len());
			out
		},
	}
}

/// The right operand's columns in one block of k, as panels, and the floats between panels.
#[inline(always)]
fn rhs_block<'a>(
	p: &Problem<'a>,
	batch: usize,
	block: &Range<usize>,
	columns: &Range<usize>,
	space: &'a mut Buffer,
	panel: usize,
) -> (&'a [f32], usize) {
	let batch = batch % p.rhs_batches;
	let step = panel * block.len();
	let panels = columns.len().div_ceil(panel);
	if let Rhs::Packed(packed) = p.rhs {
		let padded = p.n.next_multiple_of(panel);
		let start = batch * packed.batch_step + block.start * padded + columns.start * block.len();
		return (&packed.data.floats()[start..][..panels * step], step);
	}
	let out = &mut space.floats_mut()[..panels * step];
	for (i, out) in out.chunks_exact_mut(step).enumerate() {
		let start = columns.start + i * panel;
		let end = (start + panel).min(columns.end);
		match p.rhs {
			Rhs::Dense(data) => {
				let source = &data[(batch * p.n + start) * p.k + block.start..];
				transpose(source, p.k, end - start, block.len(), out, panel);
			},
			Rhs::Image(image) => image.pack(batch, block.clone(), start..end, out, panel),
			Rhs::Packed(_) => {},
		}
	}
	(out, step)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn values(n: usize, seed: u32) -> Vec<f32> {
		let mut x = seed | 1;
		(0..n)
			.map(|_| {
				x ^= x << 13;
				x ^= x >> 17;
				x ^= x << 5;
				(x as f32 / 2f32.powi(31) - 1.0) * if x & 63 == 0 { 1e-38 } else { 1.0 }
			})
			.collect()
	}

	fn reference(p: &Problem<'_>, lhs: &[f32], rhs: &[f32]) -> Vec<f32> {
		let mut out = Vec::new();
		for b in 0..p.batch {
			for i in 0..p.m {
				for j in 0..p.n {
					let a = &lhs[((b % p.lhs_batches) * p.m + i) * p.k..][..p.k];
					let c = &rhs[((b % p.rhs_batches) * p.n + j) * p.k..][..p.k];
					let sums = a.chunks(BLOCK).zip(c.chunks(BLOCK)).map(|(a, c)| {
						a.iter().zip(c).fold(0f32, |s, (&a, &c)| crate::fma32_to_odd(a, c, s))
					});
					let sum = sums.reduce(|s, x| s + x).unwrap();
					out.push(match p.bias {
						BiasRef::None => sum,
						BiasRef::Row(bias) => sum + bias[i],
						BiasRef::Column(bias) => sum + bias[j],
					});
				}
			}
		}
		out
	}

	#[test]
	fn every_level_and_packing_agrees() {
		let bias = values(600, 99);
		for (batch, lb, rb, m, n, k) in [
			(1, 1, 1, 1, 1, 1),
			(1, 1, 1, 29, 67, 257),
			(1, 1, 1, 1, 200, 513),
			(1, 1, 1, 2, 150, 300),
			(4, 2, 4, 5, 33, 255),
			(3, 3, 1, 7, 40, 511),
			(2, 1, 2, 15, 31, 256),
		] {
			let (a, b) = (values(lb * m * k, 7), values(rb * n * k, 8));
			for bias in [BiasRef::None, BiasRef::Row(&bias[..m]), BiasRef::Column(&bias[..n])] {
				let p = Problem {
					batch,
					m,
					n,
					k,
					lhs: Lhs::Dense(&a),
					lhs_batches: lb,
					rhs: Rhs::Dense(&b),
					rhs_batches: rb,
					bias,
				};
				let expected = reference(&p, &a, &b);
				for isa in Isa::available() {
					let pl = PackedLhs::new(&a, lb, m, k, max_rows(isa));
					let pr = PackedRhs::new(&b, rb, n, k, panel_width(isa));
					for (threads, lhs, rhs) in [
						(1, p.lhs, p.rhs),
						(3, Lhs::Packed(&pl), p.rhs),
						(2, p.lhs, Rhs::Packed(&pr)),
						(7, Lhs::Packed(&pl), Rhs::Packed(&pr)),
					] {
						let mut out = vec![0f32; batch * m * n];
						run(&Problem { lhs, rhs, ..p }, &mut out, threads, isa);
						let equal =
							out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
						assert!(equal, "{isa} {threads} {batch} {m} {n} {k}");
					}
				}
			}
		}
	}
}
