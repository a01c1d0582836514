//! f32 contraction in the program format's order, for dense operands and for patches of an image.

mod depthwise;
mod image;
mod pack;
mod problem;
mod task;
#[cfg(test)]
mod tests;
mod tile;
mod windows;

pub(crate) use image::{Image, Region};
pub(crate) use pack::{PackedLhs, PackedRhs, RowPanels, BLOCK};
pub(crate) use problem::{BiasRef, Lhs, Matrix, Problem, Rhs};

use crate::{
	cpu::{dispatch_simd, simd::Simd, Buffer, Isa, Level},
	output::Target,
	threads::{self, Shared, GRAIN},
};
use core::cell::RefCell;
use task::Task;
use tile::PANEL_VECTORS;

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
	use crate::cpu::simd;
	match isa.level() {
		#[cfg(target_arch = "x86_64")]
		Level::Avx512 => (simd::Avx512::MAX_ROWS, simd::Avx512::LANES),
		#[cfg(target_arch = "x86_64")]
		Level::Avx2 => (simd::Avx2::MAX_ROWS, simd::Avx2::LANES),
		#[cfg(target_arch = "aarch64")]
		Level::Neon => (simd::Neon::MAX_ROWS, simd::Neon::LANES),
		_ => (simd::Scalar::MAX_ROWS, simd::Scalar::LANES),
	}
}

/// Packing space of a thread.
#[derive(Default)]
struct Space {
	lhs: Buffer,
	rhs: Buffer,
	image: Buffer,
	/// Results that are not written where they are computed, and some of them transposed.
	sums: Buffer,
	lines: Buffer,
}

thread_local! {
	static SPACE: RefCell<Space> = RefCell::default();
}

/// Solves `problem` into `out`, `[batch, m, n]`.
pub(crate) fn run(problem: &Problem<'_>, out: &mut [f32], threads: usize, isa: Isa) {
	debug_assert_eq!(out.len(), problem.batch * problem.m * problem.n);
	run_to(problem, Target::Whole(Shared(out.as_mut_ptr())), threads, isa);
}

/// As [`run`], to a target of `[batch, m, n]` elements.
pub(crate) fn run_to(problem: &Problem<'_>, target: Target<'_, f32>, threads: usize, isa: Isa) {
	debug_assert!(problem.entry == problem.n || problem.entry.is_multiple_of(panel_width(isa)));
	debug_assert!(problem.n.is_multiple_of(problem.entry));
	let problem = problem.simplified();
	let image;
	let problem = match (problem.lhs, problem.rhs) {
		(_, Rhs::Image(windows)) => {
			image = windows.with_long_rows();
			Problem { rhs: Rhs::Image(&image), ..problem }
		},
		(Lhs::Image(windows), _) => {
			image = windows.with_long_rows();
			Problem { lhs: Lhs::Image(&image), ..problem }
		},
		_ => problem,
	};
	if depthwise::run(&problem, target, threads, isa) {
		return;
	}
	let (steps, target) = target.with_steps();
	let writer;
	let (steps, target) = match (steps, target) {
		(None, Target::ChannelsLast(own)) => match own.with_steps() {
			Some((steps, own)) => {
				writer = own;
				(steps, Target::ChannelsLast(&writer))
			},
			None => (Vec::new(), target),
		},
		(steps, target) => (steps.unwrap_or_default(), target),
	};
	let panel = panel_width(isa);
	let rows = problem.row_panels(max_rows(isa));
	let panels = problem.n.div_ceil(panel);
	let together = match problem.rhs {
		Rhs::Packed(packed) => packed.together,
		_ => 1,
	};
	// Its tiles are the only ones that find panels that lie together.
	assert!(together == 1 || problem.m == 1);
	// Little work is not cut into tasks either, each of which would pack its operands.
	let threads = if cost(&problem) < GRAIN as u64 { 1 } else { threads };
	let in_parts = !matches!(target, Target::Whole(_));
	let (row_tasks, column_tasks) = split(&problem, rows.count, panels, panel, threads, in_parts);
	let groups = panels.div_ceil(together);
	let column_tasks = column_tasks.min(groups);
	let first_panel = |task: usize| (task * groups / column_tasks * together).min(panels);
	threads::for_each(threads, problem.batch * row_tasks * column_tasks, |task| {
		let column = task % column_tasks;
		let row = task / column_tasks % row_tasks;
		let batch = task / column_tasks / row_tasks;
		SPACE.with(|space| {
			dispatch_simd(
				isa,
				Task {
					problem: &problem,
					batch,
					row_panels: row * rows.count / row_tasks..(row + 1) * rows.count / row_tasks,
					column_panels: first_panel(column)..first_panel(column + 1),
					space: &mut space.borrow_mut(),
					target,
					after: &steps,
				},
			);
		});
	});
}

/// Rough nanoseconds that a problem takes on one thread: for its multiply-adds, and for reading the
/// right side, of which few rows make little use.
fn cost(p: &Problem<'_>) -> u64 {
	let right = p.batch as u64 * p.n as u64 * p.k as u64;
	right * p.m as u64 / 100 + right / 32
}

/// Into how many tasks to split (rows, columns) of one batch entry.
fn split(
	p: &Problem<'_>,
	row_panels: usize,
	column_panels: usize,
	panel: usize,
	threads: usize,
	in_parts: bool,
) -> (usize, usize) {
	// The packed rows of a block should stay in the second-level cache.
	const MOST_ROWS: usize = 768;
	let least_rows = match p.lhs {
		Lhs::Rows(_) => p.m.div_ceil(MOST_ROWS),
		Lhs::Windows(_) => p.m.div_ceil(windows::together(p.n)),
		Lhs::Packed(_) | Lhs::Image(_) => 1,
	};
	const MOST_LEFT: usize = 256 << 10;
	// As should the outputs; but a task does not pay off for a few columns.
	const MOST_OUT: usize = 64 << 10;
	let least_columns = match p.rhs {
		Rhs::Packed(_) if !in_parts => 1,
		// What the epilogue takes should not leave the second-level cache; every task packs the rows.
		Rhs::Packed(_) => {
			column_panels.div_ceil((4 * MOST_OUT / (p.m * panel).max(1)).max(512 / panel))
		},
		_ => column_panels.div_ceil((MOST_OUT / (p.m * panel).max(1)).max(512 / panel)),
	};
	// A few tasks more than threads even out how fast these are; but each reads all of the left side,
	// which takes as long as the arithmetic where it comes from beyond the second-level cache.
	let each = if p.m * p.k > MOST_LEFT { 2 } else { 4 };
	let wanted = if threads > 1 { (threads * each).div_ceil(p.batch) } else { 1 };
	if matches!((p.lhs, p.rhs), (Lhs::Rows(_), Rhs::Packed(_))) && p.m > 1 {
		// Every task packs its rows, and reads all weights of its columns.
		let rows = least_rows.max(wanted.min(threads).min(row_panels.div_ceil(2)));
		let most = column_panels.div_ceil(4);
		// Of few tasks, as many for each thread.
		let most = if most > threads { most - most % threads } else { most };
		let wanted = wanted.div_ceil(2 * rows).min(most);
		(rows, wanted.max(least_columns))
	} else if let Lhs::Windows(_) = p.lhs {
		// Tasks of rows each read all filters, tasks of columns each copy all windows, which takes longer.
		let each = if p.m > 2 * p.n { 4 } else { 1 };
		let rows = (threads * each).div_ceil(p.batch).max(least_rows).next_multiple_of(threads);
		match threads {
			1 => (least_rows, least_columns),
			_ if 2 * p.m > p.n => (rows.min(row_panels), 1),
			_ => (least_rows, threads.min(column_panels)),
		}
	} else {
		// What has to be packed of the right side should be packed by one task.
		let columns = least_columns.max(wanted.min(column_panels.div_ceil(2)));
		// Tasks that share windows each gather them: then as few as give every thread one.
		let gathers = matches!(p.rhs, Rhs::Image(_));
		let enough = if gathers { threads.div_ceil(p.batch) } else { wanted };
		(least_rows.max(enough.div_ceil(columns).min(row_panels.div_ceil(2))), columns)
	}
}
