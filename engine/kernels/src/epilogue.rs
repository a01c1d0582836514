//! The expression after a contraction, a reduction or a movement, applied to parts of the result while they are in the
//! cache.

use crate::{
	buffer::Buffer,
	contraction, expression,
	fused::{scatter, Block},
	gemm::{transpose_with, SLACK},
	movement,
	parallel::{self, Shared},
	simd::Simd,
	view::{view_mut, Pod},
	Arg, Fused, KernelConfig, KernelError,
};
use assay_referee::{OpKind, OpRecord, Source};
use core::cell::RefCell;

thread_local! {
	/// A whole result, where no kernel gives it part by part.
	static RESULT: RefCell<Buffer> = RefCell::default();
}

/// What is decided once about an op with an epilogue.
#[derive(Debug)]
pub struct Epilogue {
	/// The op without its epilogue.
	own: OpRecord,
	/// The epilogue as an expression, the first operand of which is what `own` gives.
	expression: OpRecord,
	/// The expression on parts, where every step has a kernel for them.
	parts: Option<Fused>,
}

impl Epilogue {
	/// The epilogue of a valid op, if it has one.
	pub fn new(op: &OpRecord) -> Option<Epilogue> {
		let [own, expression] = op.apart(0)?;
		let parts = Fused::of_parts(&expression);
		Some(Epilogue { own, expression, parts })
	}

	/// As [`crate::execute_with`], for the op that this is the epilogue of.
	pub(crate) fn execute(
		&self,
		args: &[Arg<'_>],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Result<(), KernelError> {
		let first = self.own.operands.len();
		let (own, rest) = args.split_at_checked(first).ok_or(KernelError::OperandCount)?;
		if out.len() as u64 != self.expression.bytes() {
			return Err(KernelError::Output);
		}
		let mut operands: Vec<&[u8]> = vec![&[]];
		for (at, (arg, operand)) in rest.iter().zip(&self.expression.operands[1..]).enumerate() {
			match arg {
				Arg::Bytes(bytes) | Arg::Prepared(_, bytes)
					if bytes.len() as u64 == operand.bytes() =>
				{
					operands.push(bytes);
				},
				_ => return Err(KernelError::Operand(first + at)),
			}
		}
		let finish = self.finish(&operands, out, cfg);
		if let Some(finish) = &finish {
			let followed = match self.own.kind {
				OpKind::Strided { .. } => movement::run_followed(&self.own, own, finish, cfg),
				_ => contraction::run_followed(&self.own, own, finish, cfg),
			};
			if followed {
				return Ok(());
			}
		}
		RESULT.with(|result| {
			let result = &mut *result.borrow_mut();
			let bytes = self.own.bytes() as usize;
			result.grow(bytes.div_ceil(4));
			crate::execute_with(&self.own, own, None, &mut result[..bytes], cfg)?;
			let operands = [&[&result[..bytes]], &operands[1..]].concat();
			if let Some(finish) = finish {
				finish.whole(operands[0], cfg);
			} else {
				expression::run(&self.expression, &operands, out, cfg);
			}
			Ok(())
		})
	}

	/// What applies the epilogue to parts; `None` where that is not possible.
	fn finish<'a>(
		&'a self,
		operands: &[&'a [u8]],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<Finish<'a>> {
		let region = self.parts.as_ref()?;
		let number = |source: Source| match source {
			Source::Op(at) => at as usize,
			Source::Input(_) | Source::Weight(_) => 0,
		};
		let operands: Vec<&[u8]> =
			region.operands().iter().map(|operand| operands[number(operand.source)]).collect();
		let aligned = |at: *const u8| (at as usize).is_multiple_of(8);
		let all = aligned(out.as_ptr())
			&& operands.iter().all(|bytes| bytes.is_empty() || aligned(bytes.as_ptr()));
		all.then_some(Finish {
			region,
			operands,
			out: Shared(out.as_mut_ptr()),
			elements: self.own.shape.elements() as usize,
			columns: self.own.shape.last() as usize,
			size: self.own.dtype.size() as usize,
			isa: cfg.isa,
		})
	}
}

/// Where a result goes.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a, T> {
	/// All of it to one place.
	Whole(Shared<T>),
	/// Part by part through an epilogue.
	Followed(&'a Finish<'a>),
	/// Part by part to an output with the channels last.
	Turned(&'a Turn<'a>),
}

/// How a convolution's products become an output with the channels last.
pub(crate) struct Turn<'a> {
	/// The output, or the epilogue that writes it.
	to: Result<Shared<f32>, &'a Finish<'a>>,
	groups: usize,
	/// Rows of a product, and its columns.
	m: usize,
	places: usize,
}

/// Elements that are turned together.
const TURNED: usize = 4 << 10;

impl<'a> Turn<'a> {
	/// Products of `groups` entries each, of `m` rows and `places` columns, for `target`; `None` where
	/// that turns already.
	pub(crate) fn new(
		target: Target<'a, f32>,
		groups: usize,
		m: usize,
		places: usize,
	) -> Option<Turn<'a>> {
		let to = match target {
			Target::Whole(out) => Ok(out),
			Target::Followed(finish) => Err(finish),
			Target::Turned(_) => return None,
		};
		Some(Turn { to, groups, m, places })
	}

	/// Rows of the products of an image: the output's channels.
	pub(crate) fn channels(&self) -> usize {
		self.groups * self.m
	}

	/// The output's element for a row and a column of an entry of the batch.
	fn place(&self, entry: usize, row: usize, column: usize) -> usize {
		let (image, group) = (entry / self.groups, entry % self.groups);
		(image * self.places + column) * self.channels() + group * self.m + row
	}

	/// Writes rows of neighbouring channels, of which `from` are the elements, for neighbouring columns
	/// from column `column` on; the first is row `row` of an entry.
	///
	/// # Safety
	/// As [`Finish::block`].
	pub(crate) unsafe fn lines(
		&self,
		from: &[f32],
		[entry, row, column]: [usize; 3],
		channels: usize,
	) {
		let start = self.place(entry, row, column);
		let (rows, step) = (from.len() / channels, self.channels());
		// SAFETY: `f32` has no padding; the rest is the caller's promise.
		unsafe {
			let bytes = core::slice::from_raw_parts(from.as_ptr().cast(), from.len() * 4);
			match self.to {
				Err(finish) => finish.block(bytes, Block { start, rows, columns: channels, step }),
				Ok(out) => scatter(bytes, channels * 4, out.at(start).cast(), step * 4),
			}
		}
	}

	/// As [`Turn::lines`] for `from` with a row per channel, of `columns` elements.
	///
	/// # Safety
	/// As [`Turn::lines`]; S must be enabled.
	#[inline(always)]
	pub(crate) unsafe fn block<S: Simd>(
		&self,
		from: &[f32],
		[entry, row, column]: [usize; 3],
		[channels, columns]: [usize; 2],
		space: &mut Buffer,
	) {
		let count = (TURNED / channels).next_multiple_of(S::LANES).max(S::LANES);
		space.grow(count * channels + SLACK);
		for first in (0..columns).step_by(count) {
			let count = count.min(columns - first);
			let lines = space.floats_mut();
			transpose_with::<S>(&from[first..], columns, channels, count, lines, channels);
			// SAFETY: the caller's promise.
			unsafe {
				self.lines(&lines[..count * channels], [entry, row, column + first], channels);
			}
		}
	}
}

impl<T: Pod> Target<'_, T> {
	/// The output of `op`; `None` where it is not aligned or has another length.
	pub(crate) fn whole(out: &mut [u8], op: &OpRecord) -> Option<Self> {
		let out = view_mut::<T>(out).filter(|out| out.len() as u64 == op.shape.elements())?;
		Some(Target::Whole(Shared(out.as_mut_ptr())))
	}
}

/// Applies an epilogue to parts of a result and writes the output.
pub(crate) struct Finish<'a> {
	region: &'a Fused,
	operands: Vec<&'a [u8]>,
	out: Shared<u8>,
	elements: usize,
	columns: usize,
	/// Bytes of an element of the result.
	size: usize,
	isa: crate::Isa,
}

impl Finish<'_> {
	/// Writes the output's elements of a block, of which the result is `from`, row after row.
	///
	/// # Safety
	/// The block lies inside the output, nobody else uses that part of it, and `from` has as many
	/// elements, aligned for their type.
	pub(crate) unsafe fn block(&self, from: &[u8], block: Block) {
		debug_assert_eq!(from.len(), block.rows * block.columns * self.size);
		// SAFETY: the caller's promise; `Epilogue::finish` has looked at what is aligned.
		unsafe { self.region.block(&self.operands, self.out, from, block, self.isa) };
	}

	/// Writes the output's elements from `first` on, of which the result is `from`.
	///
	/// # Safety
	/// As [`Finish::block`]; the elements are of one row, or of whole rows.
	pub(crate) unsafe fn run(&self, from: &[u8], first: usize) {
		let count = from.len() / self.size;
		let block = match count > self.columns {
			true => {
				let (rows, columns) = (count / self.columns, self.columns);
				Block { start: first, rows, columns, step: columns }
			},
			false => Block::run(first, count),
		};
		// SAFETY: the caller's promise.
		unsafe { self.block(from, block) };
	}

	/// Writes the whole output, of which the result is `from`.
	fn whole(&self, from: &[u8], cfg: &KernelConfig) {
		let (row, rows) = (self.columns, self.elements / self.columns);
		// Below some 10 microseconds of work another thread costs more than it gains.
		let least = 100_000 / (row * self.region.cost()).max(1);
		let share = rows.div_ceil(cfg.threads * 4).max(least).max(1);
		parallel::for_each(cfg.threads, rows.div_ceil(share), |task| {
			let part = task * share * row..((task + 1) * share).min(rows) * row;
			// SAFETY: tasks have rows of their own; a result lies in a buffer, which is aligned.
			unsafe { self.run(&from[part.start * self.size..part.end * self.size], part.start) };
		});
	}
}
