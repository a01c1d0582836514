//! 8-bit contraction: exact sums in 32 bits, so any order of the terms gives the same bits.
//!
//! The processors' instructions take unsigned bytes on the left and signed ones on the right.
//! Operands of the other kind are moved by 128, and their zero points with them; zero points are
//! taken out of the sums, `Σ (a - y)(b - z) = Σ a b - y Σ b - z Σ a + k y z`, in arithmetic modulo
//! 2^32, which is exact because the result is.

mod image;
mod pack;
#[cfg(test)]
mod tests;
mod tile;

use crate::{
	contraction::gemm::RowPanels,
	cpu::{dispatch_simd, simd::Simd, Buffer, Isa, SimdKernel},
	elementwise::fused::Block,
	output::{apply, OfSums, Part, Target},
	threads::{self, Shared, GRAIN},
	Arg, KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, Operand};
use core::{cell::RefCell, ops::Range};
use image::Windows;
pub(crate) use pack::Packed;
use pack::{Rows, Side};
use tile::{Way, COLUMNS, MOST_ROWS};

/// Results that are worth an epilogue's while.
const ENOUGH: usize = 2048;

thread_local! {
	/// Results that an epilogue takes.
	static SUMS: RefCell<Buffer> = RefCell::default();
}

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
	target: Target<'_, i32>,
	cfg: &KernelConfig,
) -> Option<()> {
	run_with(Way::of(cfg.isa), op, args, target, cfg)
}

fn run_with(
	way: Way,
	op: &OpRecord,
	args: &[Arg<'_>],
	target: Target<'_, i32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let columns = op.shape.last() as usize;
	let (target, of_sums) = match target {
		Target::Whole(out) => (Ok(out), None),
		Target::Epilogue(writer) => match writer.of_sums(columns) {
			// Floats have as many bytes as their sums.
			Some((out, of_sums)) => (Ok(Shared(out.0.cast())), Some(of_sums)),
			None => (Err(writer), None),
		},
		Target::ChannelsLast(_) => return None,
	};
	let [a, b, y, z] = [0, 1, 2, 3].map(|i| match args.get(i) {
		Some(Arg::Bytes(bytes) | Arg::Prepared(_, bytes)) => Some(*bytes),
		_ => None,
	});
	let [a_operand, b_operand] = [op.operands.first()?, op.operands.get(1)?];
	let a = rows(a_operand, a?, Side::Left)?;
	let prepared = |i: usize, side| match args[i] {
		Arg::Prepared(prepared, _) => prepared.integer().filter(|packed| packed.is(side, way)),
		_ => None,
	};
	let flip = flip(b_operand, Side::Right);
	let right = match (args[1], prepared(1, Side::Right)) {
		(Arg::Patches { unfold, image }, _) => {
			Right::Windows(Windows::new(unfold, op, image, flip)?)
		},
		(_, Some(packed)) => Right::Packed(packed),
		_ => Right::Rows(rows(b_operand, b?, Side::Right)?),
	};
	let &[b_batches, ..] = b_operand.shape.dims() else { return None };
	let &[batch, m, n] = op.shape.dims() else { return None };
	let [batch, m, n] = [batch, m, n].map(|dim| dim as usize);
	let &[y] = y? else { return None };
	let z: Vec<i32> = z?.iter().map(|z| i32::from((z ^ flip) as i8)).collect();
	if z.len() != 1 && z.len() != n {
		return None;
	}
	let work = batch * m * n * a.k / 100 + batch * n * a.k / 32;
	let threads = if work < GRAIN { 1 } else { cfg.threads };
	let packed;
	let left = match prepared(0, Side::Left) {
		Some(left) => left,
		None => {
			packed = Packed::new(&a, Side::Left, way, threads, cfg.isa);
			&packed
		},
	};
	let product = Product {
		way,
		isa: cfg.isa,
		k: a.k,
		left,
		a_batches: a.batches,
		panels: RowPanels::new(m, way.rows()),
		y: i32::from(y ^ a.flip),
		z: &z,
		of_sums: of_sums.as_ref(),
	};
	// Panels of a task, and tasks by rows: what is not packed yet is packed by one task.
	let panels = n.div_ceil(COLUMNS);
	// An epilogue is not worth while for a few elements.
	let wide = match target {
		Ok(_) => 1,
		Err(_) => (ENOUGH / (m * COLUMNS)).clamp(1, panels.div_ceil(threads)),
	};
	let (group, row_tasks) = match right {
		Right::Windows(_) => (image::GROUP.min(panels.div_ceil(threads)), 1),
		Right::Rows(_) => (wide, 1),
		Right::Packed(_) if threads == 1 => (wide, 1),
		Right::Packed(_) => {
			let groups = panels.div_ceil(wide);
			(wide, (threads * 4).div_ceil(batch * groups).min(product.panels.count))
		},
	};
	let groups = panels.div_ceil(group);
	threads::for_each(threads, batch * groups * row_tasks, |task| {
		let (row_task, task) = (task % row_tasks, task / row_tasks);
		let (entry, first) = (task / groups, task % groups * group);
		let b_entry = entry % b_batches as usize;
		let count = product.panels.count;
		let part = row_task * count / row_tasks..(row_task + 1) * count / row_tasks;
		let columns = |panel: usize| panel * COLUMNS..((panel + 1) * COLUMNS).min(n);
		let panels = first..(first + group).min(panels);
		let all = columns(panels.start).start..columns(panels.end - 1).end;
		let first_row = product.panels.rows(part.start).start;
		let rows = first_row..product.panels.rows(part.end - 1).end;
		let start = (entry * m + rows.start) * n + all.start;
		let compute = |out: *mut i32, step: usize| {
			let place = Place { entry, first: [first_row, all.start], start, out, step };
			match &right {
				Right::Packed(packed) => panels.clone().for_each(|panel| {
					let columns = columns(panel);
					let panel = packed.panel(b_entry, columns.start, columns.len());
					product.columns(&place, columns, &part, panel);
				}),
				Right::Rows(rows) => panels.clone().for_each(|panel| {
					let columns = columns(panel);
					let own = rows.panel(b_entry, columns.start, columns.len(), way, cfg.isa);
					let panel = own.panel(0, 0, columns.len());
					product.columns(&place, columns, &part, panel);
				}),
				Right::Windows(windows) => {
					windows.panels(b_entry, all.clone(), cfg.isa, |columns, panel| {
						product.columns(&place, columns, &part, panel);
					});
				},
			}
		};
		match target {
			// SAFETY: the task's first element lies inside the output.
			Ok(out) => compute(unsafe { out.at(start) }, n),
			Err(writer) => SUMS.with(|sums| {
				let sums = &mut *sums.borrow_mut();
				let block = Block { start, rows: rows.len(), columns: all.len(), step: n };
				let count = block.rows * block.columns;
				sums.grow(count);
				compute(sums.as_mut_ptr().cast(), block.columns);
				// SAFETY: this part of the output is the task's own.
				unsafe { writer.block(&sums[..count * 4], block) };
			}),
		}
	});
	Some(())
}

/// Where a task's results go.
struct Place {
	/// Entry of the batch.
	entry: usize,
	/// The task's first row and column.
	first: [usize; 2],
	/// The place of its first element in the whole output.
	start: usize,
	/// Where its first element goes, and how far the next row is.
	out: *mut i32,
	step: usize,
}

/// The right operand.
enum Right<'a> {
	Packed(&'a Packed),
	Rows(Rows<'a>),
	Windows(Windows<'a>),
}

/// A product but for its right side.
struct Product<'a> {
	way: Way,
	isa: Isa,
	/// Terms.
	k: usize,
	left: &'a Packed,
	a_batches: usize,
	panels: RowPanels,
	/// Zero points of the left side and of the columns.
	y: i32,
	z: &'a [i32],
	/// What becomes of the sums before they are written, as floats then.
	of_sums: Option<&'a OfSums<'a>>,
}

impl Product<'_> {
	/// Computes the columns `columns`, at most a panel, of some panels of rows: nobody else may write
	/// them. The panel comes with its columns' sums.
	fn columns(
		&self,
		place: &Place,
		columns: Range<usize>,
		row_panels: &Range<usize>,
		(right, sums): (&[u8], &[i32]),
	) {
		let k = self.k;
		let mut zeros = [0; COLUMNS];
		for (zero, j) in zeros.iter_mut().zip(columns.clone()) {
			*zero = if self.z.len() == 1 { self.z[0] } else { self.z[j] };
		}
		let mut base = [0; COLUMNS];
		for ((base, &zero), &sum) in base.iter_mut().zip(&zeros).zip(sums) {
			*base = (k as i32).wrapping_mul(zero).wrapping_sub(sum).wrapping_mul(self.y);
		}
		for row_panel in row_panels.clone() {
			let rows = self.panels.rows(row_panel);
			let batch = place.entry % self.a_batches;
			let (left, row_sums) = self.left.panel(batch, rows.start, rows.len());
			let mut sums = [[0; COLUMNS]; MOST_ROWS];
			tile::compute(self.way, left, right, rows.len(), &mut sums);
			let [row, column] = place.first;
			let before = (rows.start - row) * place.step + columns.start - column;
			// SAFETY: these rows of these columns are the task's.
			let out = unsafe { place.out.add(before) };
			let correction = Correction {
				sums: &sums[..rows.len()],
				base,
				zeros,
				row_sums,
				columns: columns.clone(),
				place: place.start + before,
				of_sums: self.of_sums,
				out,
				step: place.step,
			};
			dispatch_simd(self.isa, correction);
		}
	}
}

/// Takes the zero points out of a tile's sums and writes them.
struct Correction<'a> {
	sums: &'a [[i32; COLUMNS]],
	/// What is added to every row.
	base: [i32; COLUMNS],
	/// The zero points of the columns.
	zeros: [i32; COLUMNS],
	/// Σ a of every row.
	row_sums: &'a [i32],
	columns: Range<usize>,
	/// The place of the first in the whole output.
	place: usize,
	of_sums: Option<&'a OfSums<'a>>,
	/// Where the first row goes, and how far the next one is.
	out: *mut i32,
	step: usize,
}

impl SimdKernel for Correction<'_> {
	#[inline(always)]
	unsafe fn run<S: Simd>(self) {
		let columns = self.columns.len();
		for (r, (sums, &row_sum)) in self.sums.iter().zip(self.row_sums).enumerate() {
			let mut line = [0; COLUMNS];
			for j in (0..COLUMNS).step_by(S::LANES) {
				let [sums, base, zeros] = [&sums[j..], &self.base[j..], &self.zeros[j..]];
				let [sums, base, zeros] = [sums, base, zeros].map(<[i32]>::as_ptr);
				// SAFETY: a panel is whole vectors; S is enabled.
				unsafe { S::correct(sums, base, zeros, row_sum, line[j..].as_mut_ptr()) };
			}
			// SAFETY: the caller of the tile has these columns of these rows for itself; S is enabled.
			unsafe {
				let out = self.out.add(r * self.step);
				match self.of_sums {
					Some(of_sums) => {
						let first = [self.place + r * self.step, self.columns.start];
						of_sums.write::<S>(&line, first, out.cast(), columns);
					},
					None => core::ptr::copy_nonoverlapping(line.as_ptr(), out, columns),
				}
			}
		}
	}
}

impl OfSums<'_> {
	/// Writes what becomes of some sums of neighbouring columns, of which the first is at this place of the output
	/// and in this column.
	///
	/// # Safety
	/// There is room for as many floats; all sums are of the output's columns. S must be enabled.
	#[inline(always)]
	unsafe fn write<S: Simd>(
		&self,
		sums: &[i32; COLUMNS],
		[place, column]: [usize; 2],
		out: *mut f32,
		columns: usize,
	) {
		for first in (0..columns).step_by(S::LANES) {
			let part = Part::new::<S>(columns, first);
			// SAFETY: the caller's promise.
			unsafe {
				let mut x = S::of_ints(sums.as_ptr().add(first));
				if let Some(minus) = self.scaled.minus {
					x = S::canonical(S::add(x, S::splat(-minus)));
				}
				if let Some(times) = self.scaled.times {
					x = S::canonical(S::mul(x, S::splat(times)));
				}
				x = apply::<S>(&self.steps, x, [place + first, column + first], part);
				part.store::<S>(out.add(first), x);
			}
		}
	}
}
