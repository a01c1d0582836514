//! Running a region.

use super::{chain, From, Fused, Input, Linked, Place, Step, Width};
use crate::{
	cpu::{view, view_mut, Buffer, Pod},
	elementwise::{self, int8::Scalars, Elements},
	reduce,
	threads::{self, Shared, GRAIN},
	walk::Walk,
	KernelConfig, KernelError,
};
use assay_referee::OpKind;
use core::{cell::RefCell, ops::Range};

thread_local! {
	/// Tiles of this thread.
	static TILES: RefCell<Buffer> = RefCell::default();
}

/// Elements of a row from which on it pays to compute rows one by one rather than to write out what is
/// broadcast along them.
const LONG_ROW: usize = 256;

impl Fused {
	/// Computes the outputs, in the order of [`Fused::outputs`], from the operands, in the order of
	/// [`Fused::operands`].
	///
	/// # Errors
	/// A wrong number of operands or outputs, or a wrong length.
	pub fn run(
		&self,
		operands: &[&[u8]],
		outputs: &mut [&mut [u8]],
		cfg: &KernelConfig,
	) -> Result<(), KernelError> {
		self.check(operands, outputs)?;
		let aligned = aligned(operands);
		let operands: Vec<&[u8]> = operands
			.iter()
			.zip(&aligned)
			.map(|(bytes, copy)| copy.as_deref().unwrap_or(bytes))
			.collect();
		let mut copies: Vec<Option<Buffer>> = outputs
			.iter()
			.map(|out| (!(out.as_ptr() as usize).is_multiple_of(8)).then(|| Buffer::new(out.len())))
			.collect();
		let targets: Vec<Shared<u8>> = outputs
			.iter_mut()
			.zip(&mut copies)
			.map(|(out, copy)| Shared(copy.as_mut().map_or(out.as_mut_ptr(), |c| c.as_mut_ptr())))
			.collect();
		self.tiles(&operands, &targets, cfg);
		for (out, copy) in outputs.iter_mut().zip(copies) {
			if let Some(copy) = copy {
				out.copy_from_slice(&copy);
			}
		}
		Ok(())
	}

	fn check(&self, operands: &[&[u8]], outputs: &[&mut [u8]]) -> Result<(), KernelError> {
		if operands.len() != self.operands.len() {
			return Err(KernelError::OperandCount);
		}
		for (i, (operand, bytes)) in self.operands.iter().zip(operands).enumerate() {
			if operand.bytes() != bytes.len() as u64 {
				return Err(KernelError::Operand(i));
			}
		}
		let whole = |&(size, width): &(usize, Width)| size * self.count(width, self.elements);
		if !self.kept.iter().map(whole).eq(outputs.iter().map(|out| out.len())) {
			return Err(KernelError::Output);
		}
		Ok(())
	}

	/// Elements of `width` for `elements` full ones.
	fn count(&self, width: Width, elements: usize) -> usize {
		match width {
			Width::Full => elements,
			Width::Row => elements / self.row.max(1),
		}
	}

	/// Computes a part of the one output of a region made by `Fused::of_parts`, of which `given` are the
	/// elements of the first operand, row after row; the others are in `operands`, in the order of
	/// [`Fused::operands`].
	///
	/// # Safety
	/// The block lies inside the output, and nobody else uses that part of it. All are aligned for every
	/// element type, and `given` has the block's elements.
	pub(crate) unsafe fn block(
		&self,
		operands: &[&[u8]],
		output: Shared<u8>,
		given: &[u8],
		block: Block,
		isa: crate::Isa,
	) {
		let alone = KernelConfig { threads: 1, isa };
		// Operands that are broadcast are read in place along rows, unless these are short.
		let walks = self.steps.iter().flat_map(|step| &step.inputs);
		let by_rows = block.columns >= LONG_ROW
			&& walks.into_iter().any(|input| matches!(input.from, From::Walk { .. }));
		let block = if block.is_split() || by_rows {
			block
		} else {
			Block::run(block.start, block.rows * block.columns)
		};
		let size = given.len() / (block.rows * block.columns).max(1);
		// Whole rows of a tile where they are short, else stretches of one row.
		let rows = (self.tile / block.columns.max(1)).max(1);
		let stretches = block.columns.div_ceil(self.tile).max(1);
		let columns = block.columns.div_ceil(stretches).max(1);
		TILES.with(|slots| {
			let slots = &mut *slots.borrow_mut();
			slots.grow(self.slots * self.slot_bytes / 4);
			let slots = Shared(slots.as_mut_ptr());
			for row in (0..block.rows).step_by(rows) {
				let rows = rows.min(block.rows - row);
				for column in (0..block.columns).step_by(columns) {
					let columns = columns.min(block.columns - column);
					let start = block.start + row * block.step + column;
					let given = &given[(row * block.columns + column) * size..];
					let given = &given[..rows * columns * size];
					let block = Block { start, rows, columns, step: block.step };
					let outputs = &[output];
					let tile = Tile { fused: self, operands, outputs, slots, given, block };
					self.steps.iter().for_each(|step| tile.step(step, &alone));
				}
			}
		});
	}

	/// Rough nanoseconds for ten elements.
	pub(crate) fn cost(&self) -> usize {
		self.cost
	}

	fn tiles(&self, operands: &[&[u8]], outputs: &[Shared<u8>], cfg: &KernelConfig) {
		let tiles = self.elements.div_ceil(self.tile);
		let tile_cost = (self.tile * self.cost / 10).max(1);
		let share = tiles.div_ceil(cfg.threads * 4);
		let per_task = if cfg.threads <= 1 { tiles } else { share.max(GRAIN / tile_cost).max(1) };
		let alone = KernelConfig { threads: 1, isa: cfg.isa };
		threads::for_each(cfg.threads, tiles.div_ceil(per_task), |task| {
			TILES.with(|slots| {
				let slots = &mut *slots.borrow_mut();
				slots.grow(self.slots * self.slot_bytes / 4);
				let slots = Shared(slots.as_mut_ptr());
				for tile in task * per_task..((task + 1) * per_task).min(tiles) {
					let start = tile * self.tile;
					let block = Block::run(start, self.tile.min(self.elements - start));
					let tile = Tile { fused: self, operands, outputs, slots, given: &[], block };
					self.steps.iter().for_each(|step| tile.step(step, &alone));
				}
			});
		});
	}
}

/// Copies of the operands that no element type could be read from in place.
fn aligned(operands: &[&[u8]]) -> Vec<Option<Buffer>> {
	let copy = |bytes: &&[u8]| {
		(!(bytes.as_ptr() as usize).is_multiple_of(8)).then(|| Buffer::from_bytes(bytes))
	};
	operands.iter().map(copy).collect()
}

/// Some columns of some rows of an index space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
	/// The first element.
	pub(crate) start: usize,
	pub(crate) rows: usize,
	pub(crate) columns: usize,
	/// Elements from a row to the next.
	pub(crate) step: usize,
}

impl Block {
	/// Neighbouring elements.
	pub(crate) fn run(start: usize, len: usize) -> Block {
		Block { start, rows: 1, columns: len, step: len }
	}

	/// Whether its elements are no neighbours.
	fn is_split(&self) -> bool {
		self.rows > 1 && self.step != self.columns
	}

	/// The first element of every row.
	fn starts(&self) -> impl Iterator<Item = usize> {
		let Block { start, rows, step, .. } = *self;
		(0..rows).map(move |row| start + row * step)
	}
}

/// A block of the index space; of several rows where the region is run block by block only.
struct Tile<'a> {
	fused: &'a Fused,
	operands: &'a [&'a [u8]],
	outputs: &'a [Shared<u8>],
	slots: Shared<u8>,
	/// The elements that are given.
	given: &'a [u8],
	/// Full elements.
	block: Block,
}

impl Tile<'_> {
	fn step(&self, step: &Step, cfg: &KernelConfig) {
		let nothing = Elements { bytes: &[], single: true };
		let mut operands = [nothing; 1 + chain::SCALARS];
		for (i, (operand, input)) in operands.iter_mut().zip(&step.inputs).enumerate() {
			*operand = self.operand(i, input, step.walk.is_some());
		}
		let size = step.op.dtype.size() as usize;
		let (at, bytes) = self.place(step.target, size, step.width);
		// SAFETY: `place` gives room for the tile that this thread alone writes; the operands lie in
		// other slots, in other outputs or outside, because an op never gets a slot that it reads.
		let out = unsafe { core::slice::from_raw_parts_mut(at, bytes) };
		let done = match (&step.chain, step.op.kind, view(operands[0].bytes)) {
			(Some(linked), ..) => {
				linked.chain.run(linked.scalars(&operands), operands[0].bytes, out, cfg)
			},
			(None, OpKind::Reduce(function), Some(x)) => view_mut(out).map(|out| {
				reduce::run_f32(function, x, self.fused.row, out, cfg);
			}),
			_ => {
				let operands = &operands[..step.inputs.len()];
				elementwise::run_elements(&step.op, operands, step.walk.as_ref(), out, cfg)
			},
		};
		debug_assert!(done.is_some(), "a region holds only what has a kernel");
		if let (Place::Output(to), true) = (step.target, self.block.is_split()) {
			let run = self.block.columns * size;
			// SAFETY: the block lies inside the output, and is this thread's alone.
			unsafe {
				let to = self.outputs[to].at(self.block.start * size);
				scatter(out, run, to, self.block.step * size);
			}
		}
	}

	/// Full elements.
	fn len(&self) -> usize {
		self.block.rows * self.block.columns
	}

	/// Where this tile's elements of a place are, and their bytes.
	fn place(&self, place: Place, size: usize, width: Width) -> (*mut u8, usize) {
		let bytes = self.fused.count(width, self.len()) * size;
		let at = match place {
			Place::Output(_) if self.block.is_split() => {
				let slot = self.fused.slots - 4;
				// SAFETY: as below; no step has this slot.
				unsafe { self.slots.at(slot * self.fused.slot_bytes) }
			},
			// SAFETY: there are `slots` slots, each with room for a tile of the widest elements.
			Place::Slot(slot) => unsafe { self.slots.at(slot * self.fused.slot_bytes) },
			// SAFETY: the outputs have the region's lengths, and the tile lies inside.
			Place::Output(at) => unsafe {
				self.outputs[at].at(self.fused.count(width, self.block.start) * size)
			},
		};
		(at, bytes)
	}

	fn read(&self, place: Place, size: usize, width: Width) -> &[u8] {
		let (at, bytes) = self.place(place, size, width);
		// SAFETY: an earlier step of this tile wrote these bytes; no step writes them while the
		// slice is in use, see `step`.
		unsafe { core::slice::from_raw_parts(at, bytes) }
	}

	/// Operand number `i` of a step; `by_rows` when the step follows broadcast rows itself.
	fn operand(&self, i: usize, input: &Input, by_rows: bool) -> Elements<'_> {
		let size = input.size;
		let start = self.fused.count(input.width, self.block.start);
		let len = self.fused.count(input.width, self.len());
		let elements = |bytes, single| Elements { bytes, single };
		let rows = |bytes: &'_ [u8]| {
			if by_rows || bytes.len() == size {
				None
			} else {
				Some(Walk::rows(self.fused.row, [0], [1]))
			}
		};
		match &input.from {
			From::Tile(place) => elements(self.read(*place, size, input.width), false),
			From::Given => elements(self.given, false),
			From::Dense { at } if self.block.is_split() => {
				let walk = Walk::flat(usize::MAX, [1]);
				elements(self.gather(i, size, self.operands[*at], &walk), false)
			},
			From::Dense { at } => {
				elements(&self.operands[*at][start * size..][..len * size], false)
			},
			From::Single { at } => elements(self.operands[*at], true),
			From::Rows(place) => {
				let bytes = self.read(*place, size, Width::Row);
				match rows(bytes) {
					Some(walk) => elements(self.expand(i, size, &walk, bytes, 0..len), false),
					None => elements(bytes, true),
				}
			},
			From::EachRow { at } => {
				let (first, count) = (start / self.fused.row, len / self.fused.row);
				let bytes = &self.operands[*at][first * size..][..count * size];
				match rows(bytes) {
					Some(walk) => elements(self.expand(i, size, &walk, bytes, 0..len), false),
					None => elements(bytes, true),
				}
			},
			From::OneRow { at } if by_rows || len == self.fused.row => {
				elements(self.operands[*at], false)
			},
			From::OneRow { at } => {
				let walk = Walk::rows(self.fused.row, [1], [0]);
				elements(self.expand(i, size, &walk, self.operands[*at], 0..len), false)
			},
			From::Walk { at, walk } if self.block.is_split() => {
				elements(self.gather(i, size, self.operands[*at], walk), false)
			},
			From::Walk { at, walk } => {
				self.walked(i, size, self.operands[*at], walk, start..start + len)
			},
		}
	}

	/// Elements `range` of a broadcast operand, in place where they are a run.
	fn walked<'b>(
		&'b self,
		i: usize,
		size: usize,
		bytes: &'b [u8],
		walk: &Walk<1>,
		range: Range<usize>,
	) -> Elements<'b> {
		let elements = |bytes, single| Elements { bytes, single };
		match (walk.place_of_run(range.start, range.len()), walk.step) {
			(Some(place), [0]) => elements(&bytes[place * size..][..size], true),
			(Some(place), [1]) => elements(&bytes[place * size..][..range.len() * size], false),
			_ => elements(self.expand(i, size, walk, bytes, range), false),
		}
	}

	/// Writes out broadcast elements, in the slot kept for operand `i`.
	fn expand(
		&self,
		i: usize,
		size: usize,
		walk: &Walk<1>,
		bytes: &[u8],
		range: Range<usize>,
	) -> &[u8] {
		let out = self.slot(i, range.len() * size);
		expand(size, walk, bytes, range, out);
		out
	}

	/// Writes out an operand's elements of a block of several rows, in the slot kept for operand `i`.
	fn gather(&self, i: usize, size: usize, bytes: &[u8], walk: &Walk<1>) -> &[u8] {
		let out = self.slot(i, self.len() * size);
		let columns = self.block.columns;
		for (start, out) in self.block.starts().zip(out.chunks_exact_mut(columns * size)) {
			expand(size, walk, bytes, start..start + columns, out);
		}
		out
	}

	/// The slot kept for operand `i`, of which `len` bytes are needed.
	#[allow(clippy::mut_from_ref, reason = "a slot is lent to one operand at a time")]
	fn slot(&self, i: usize, len: usize) -> &mut [u8] {
		let slot = Place::Slot(self.fused.slots - 3 + i);
		let (at, _) = self.place(slot, 1, Width::Full);
		// SAFETY: the last three slots are for operands: no step writes to them, and a step expands
		// each of its operands once. A slot has room for a tile of the widest elements.
		unsafe { core::slice::from_raw_parts_mut(at, len) }
	}
}

/// Copies rows of `run` bytes to places `step` bytes apart.
///
/// # Safety
/// Nobody else uses these places, which lie inside an allocation.
pub(crate) unsafe fn scatter(from: &[u8], run: usize, to: *mut u8, step: usize) {
	/// A line of the cache, which is copied without asking how long it is.
	const LINE: usize = 64;
	if run == LINE {
		let (lines, _) = from.as_chunks::<LINE>();
		for (i, line) in lines.iter().enumerate() {
			// SAFETY: the caller's promise; bytes have no alignment.
			unsafe { to.add(i * step).cast::<[u8; LINE]>().write(*line) };
		}
	} else {
		for (i, row) in from.chunks_exact(run).enumerate() {
			// SAFETY: the caller's promise.
			unsafe { core::ptr::copy_nonoverlapping(row.as_ptr(), to.add(i * step), run) };
		}
	}
}

/// Writes out broadcast elements.
fn expand(size: usize, walk: &Walk<1>, bytes: &[u8], range: Range<usize>, out: &mut [u8]) {
	let done = match size {
		1 => spread::<u8>(walk, bytes, range, out),
		4 => spread::<u32>(walk, bytes, range, out),
		_ => spread::<u64>(walk, bytes, range, out),
	};
	debug_assert!(done.is_some(), "operands are aligned");
}

impl Linked {
	/// The values of the scalars, which are among these operands.
	fn scalars(&self, operands: &[Elements<'_>]) -> Scalars {
		let mut values = Scalars::default();
		let Scalars { by, before, plus, minus, times } = &mut values;
		for (value, at) in [by, before, plus, minus, times].into_iter().zip(self.scalars) {
			let bytes = at.and_then(|at| operands[at].bytes.first_chunk());
			*value = bytes.map_or(*value, |&bytes| f32::from_le_bytes(bytes));
		}
		values
	}
}

/// Elements `range` of a broadcast operand, in order.
fn spread<T: Pod>(walk: &Walk<1>, bytes: &[u8], range: Range<usize>, out: &mut [u8]) -> Option<()> {
	let (data, out) = (view::<T>(bytes)?, view_mut::<T>(out)?);
	let whole = |run: usize| range.start.is_multiple_of(run) && range.len().is_multiple_of(run);
	match (walk.inner, walk.step, walk.last_outer()) {
		(2, [0], Some((rows, [1]))) if whole(2) => repeat::<T, 2>(walk, rows, data, range, out),
		(4, [0], Some((rows, [1]))) if whole(4) => repeat::<T, 4>(walk, rows, data, range, out),
		(8, [0], Some((rows, [1]))) if whole(8) => repeat::<T, 8>(walk, rows, data, range, out),
		_ => runs(walk, data, range, out),
	}
	Some(())
}

/// Neighbours that are repeated `N` times each, `rows` of them in a line: runs too short to be taken one
/// by one.
fn repeat<T: Pod, const N: usize>(
	walk: &Walk<1>,
	rows: usize,
	data: &[T],
	range: Range<usize>,
	out: &mut [T],
) {
	let planes = walk.planes();
	let (mut at, end) = (range.start / N, range.end / N);
	let (mut rest, _) = out.as_chunks_mut::<N>();
	while at < end {
		let count = (rows - at % rows).min(end - at);
		let mut first = at % rows;
		planes.runs(at / rows, 1, |_, _, [place]| first += place as usize);
		let (line, tail) = rest.split_at_mut(count);
		line.iter_mut().zip(&data[first..first + count]).for_each(|(out, &x)| *out = [x; N]);
		(rest, at) = (tail, at + count);
	}
}

fn runs<T: Pod>(walk: &Walk<1>, data: &[T], range: Range<usize>, out: &mut [T]) {
	walk.runs(range.start, range.len(), |at, run, [place]| {
		let (out, place) = (&mut out[at..at + run], place as usize);
		match walk.step {
			[0] => out.fill(data[place]),
			[1] => out.copy_from_slice(&data[place..place + run]),
			[step] => {
				let data = data[place..].iter().step_by(step.unsigned_abs().max(1));
				out.iter_mut().zip(data).for_each(|(out, &x)| *out = x);
			},
		}
	});
}
