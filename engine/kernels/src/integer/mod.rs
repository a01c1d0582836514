//! 8-bit contraction: exact sums in 32 bits, so any order of the terms gives the same bits.
//!
//! The processors' instructions take unsigned bytes on the left and signed ones on the right.
//! Operands of the other kind are moved by 128, and their zero points with them; zero points are
//! taken out of the sums, `Σ (a - y)(b - z) = Σ a b - y Σ b - z Σ a + k y z`, in arithmetic modulo
//! 2^32, which is exact because the result is.

mod pack;
#[cfg(test)]
mod tests;
mod tile;

use crate::{
	gemm::RowPanels,
	isa::{dispatch, Isa, Kernel},
	parallel::{self, Shared},
	view::view_mut,
	Arg, KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, Operand};
pub(crate) use pack::Packed;
use pack::{Rows, Side};
use tile::{Way, COLUMNS, MOST_ROWS};

/// Nanoseconds of work below which another thread costs more than it gains.
const GRAIN: usize = 10_000;

/// Rearranges an operand of a `MatMulInteger`, a weight; `None` for zero points.
pub(crate) fn prepare(op: &OpRecord, operand: usize, bytes: &[u8], isa: Isa) -> Option<Packed> {
	let side = match operand {
		0 => Side::Left,
		1 => Side::Right,
		_ => return None,
	};
	let rows = rows(op.operands.get(operand)?, bytes, side)?;
	(op.kind == OpKind::MatMulInteger).then(|| Packed::new(&rows, side, Way::of(isa), 1, isa))
}

/// The rows of an operand `[batches, rows, k]`; `None` when it is something else.
fn rows<'a>(operand: &Operand, bytes: &'a [u8], side: Side) -> Option<Rows<'a>> {
	let &[batches, rows, k] = operand.shape.dims() else { return None };
	let [batches, rows, k] = [batches, rows, k].map(|dim| dim as usize);
	let flip = flip(operand, side);
	(bytes.len() == batches * rows * k).then_some(Rows { bytes, batches, rows, k, flip })
}

/// What moves an operand's bytes to the kind that its side takes.
fn flip(operand: &Operand, side: Side) -> u8 {
	let fits = match side {
		Side::Left => operand.dtype == DType::U8,
		Side::Right => operand.dtype == DType::I8,
	};
	if fits {
		0
	} else {
		0x80
	}
}

/// Runs a `MatMulInteger`; `None` for operands that are not aligned or not there.
pub(crate) fn run(
	op: &OpRecord,
	args: &[Arg<'_>],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	run_with(Way::of(cfg.isa), op, args, out, cfg)
}

fn run_with(
	way: Way,
	op: &OpRecord,
	args: &[Arg<'_>],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let [a, b, y, z] = [0, 1, 2, 3].map(|i| match args.get(i) {
		Some(Arg::Bytes(bytes) | Arg::Prepared(_, bytes)) => Some(*bytes),
		_ => None,
	});
	let [a_operand, b_operand] = [op.operands.first()?, op.operands.get(1)?];
	let a = rows(a_operand, a?, Side::Left)?;
	let b = rows(b_operand, b?, Side::Right)?;
	let &[batch, m, n] = op.shape.dims() else { return None };
	let [batch, m, n] = [batch, m, n].map(|dim| dim as usize);
	let out = view_mut::<i32>(out).filter(|out| out.len() == batch * m * n)?;
	let &[y] = y? else { return None };
	let y = i32::from(y ^ a.flip);
	let z: Vec<i32> = z?.iter().map(|z| i32::from((z ^ b.flip) as i8)).collect();
	if z.len() != 1 && z.len() != n {
		return None;
	}
	let prepared = |i: usize| match args[i] {
		Arg::Prepared(prepared, _) => prepared.integer(),
		_ => None,
	};
	let work = batch * m * n * a.k / 100 + batch * n * a.k / 32;
	let threads = if work < GRAIN { 1 } else { cfg.threads };
	let packed;
	let left = match prepared(0).filter(|left| left.is(Side::Left, way)) {
		Some(left) => left,
		None => {
			packed = Packed::new(&a, Side::Left, way, threads, cfg.isa);
			&packed
		},
	};
	let right = prepared(1).filter(|right| right.is(Side::Right, way));
	let (row_panels, panels) = (RowPanels::new(m, way.rows()), n.div_ceil(COLUMNS));
	// Each task packs the columns that are not packed yet.
	let wanted = if right.is_some() { (threads * 4).div_ceil(batch * panels) } else { 1 };
	let row_tasks = if threads > 1 { wanted.min(row_panels.count) } else { 1 };
	let out = Shared(out.as_mut_ptr());
	parallel::for_each(threads, batch * panels * row_tasks, |task| {
		let (row_task, task) = (task % row_tasks, task / row_tasks);
		let (entry, panel) = (task / panels, task % panels);
		let first = panel * COLUMNS;
		let columns = COLUMNS.min(n - first);
		let (a_entry, b_entry) = (entry % a.batches, entry % b.batches);
		let own;
		let (right, sums) = match right {
			Some(right) => right.panel(b_entry, first, columns),
			None => {
				own = b.panel(b_entry, first, columns, way, cfg.isa);
				own.panel(0, 0, columns)
			},
		};
		let mut zeros = [0; COLUMNS];
		for (j, zero) in zeros.iter_mut().enumerate().take(columns) {
			*zero = if z.len() == 1 { z[0] } else { z[first + j] };
		}
		let mut base = [0; COLUMNS];
		for ((base, &zero), &sum) in base.iter_mut().zip(&zeros).zip(sums) {
			*base = (a.k as i32).wrapping_mul(zero).wrapping_sub(sum).wrapping_mul(y);
		}
		let part =
			row_task * row_panels.count / row_tasks..(row_task + 1) * row_panels.count / row_tasks;
		for row_panel in part {
			let rows = row_panels.rows(row_panel);
			let (left, row_sums) = left.panel(a_entry, rows.start, rows.len());
			let mut sums = [[0; COLUMNS]; MOST_ROWS];
			tile::compute(way, left, right, rows.len(), &mut sums);
			let at = (entry * m + rows.start) * n + first;
			// SAFETY: this task alone writes these rows of these columns, which lie inside the output.
			let out = unsafe { out.at(at) };
			let sums = &sums[..rows.len()];
			let finish = Finish { sums, base, zeros, row_sums, columns, out, step: n };
			dispatch(cfg.isa, finish);
		}
	});
	Some(())
}

/// Takes the zero points out of a tile's sums and writes them.
struct Finish<'a> {
	sums: &'a [[i32; COLUMNS]],
	/// What is added to every row.
	base: [i32; COLUMNS],
	/// The zero points of the columns.
	zeros: [i32; COLUMNS],
	/// Σ a of every row.
	row_sums: &'a [i32],
	columns: usize,
	/// Where the first row goes, and how far the next one is.
	out: *mut i32,
	step: usize,
}

impl Kernel for Finish<'_> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		for (r, (sums, &row_sum)) in self.sums.iter().zip(self.row_sums).enumerate() {
			let mut line = [0; COLUMNS];
			for j in 0..COLUMNS {
				let zero = self.zeros[j].wrapping_mul(row_sum);
				line[j] = sums[j].wrapping_add(self.base[j]).wrapping_sub(zero);
			}
			// SAFETY: the caller of the tile has `columns` columns of these rows for itself.
			unsafe {
				let out = self.out.add(r * self.step);
				core::ptr::copy_nonoverlapping(line.as_ptr(), out, self.columns);
			}
		}
	}
}
