//! Where results go: to the output as they are, through an epilogue, or with the channels last.

use crate::{
	cpu::{simd::Simd, view_mut, Buffer, Isa, Pod},
	elementwise::fused::{scatter, Block, Fused, Light, Scaled},
	threads::{self, Shared},
	transpose::{transpose_to, transpose_with, SLACK},
	KernelConfig,
};
use assay_referee::OpRecord;

/// Where a result goes.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a, T> {
	/// All of it to one place.
	Whole(Shared<T>),
	/// Part by part through an epilogue.
	Epilogue(&'a EpilogueWriter<'a>),
	/// Part by part to an output with the channels last.
	ChannelsLast(&'a ChannelsLastWriter<'a>),
}

/// How a convolution's products become an output with the channels last.
pub(crate) struct ChannelsLastWriter<'a> {
	/// The output, or the epilogue that writes it.
	to: Result<Shared<f32>, &'a EpilogueWriter<'a>>,
	groups: usize,
	/// Rows of a product, and its columns.
	m: usize,
	places: usize,
}

/// What becomes of the sums of a contraction of bytes.
pub(crate) struct OfSums<'a> {
	pub(crate) scaled: Scaled<f32>,
	pub(crate) steps: Vec<After<'a>>,
}

/// A step of an epilogue that a contraction applies itself, to vectors of its results.
pub(crate) type After<'a> = Light<&'a [f32], f32>;

/// Part of a row of an output or of what is added to it: a vector, or where the row ends in it, as much.
#[derive(Clone, Copy)]
pub(crate) struct Part {
	/// Elements, if they are no whole vector.
	count: Option<usize>,
}

impl Part {
	/// What is left of so many columns from the vector that begins with `column` on.
	#[inline(always)]
	pub(crate) fn new<S: Simd>(columns: usize, column: usize) -> Part {
		let left = columns - column;
		Part { count: (left < S::LANES).then_some(left) }
	}

	/// # Safety
	/// There are as many floats; S is enabled.
	#[inline(always)]
	pub(crate) unsafe fn load<S: Simd>(self, from: *const f32) -> S::V {
		// SAFETY: the caller's promise.
		unsafe {
			match self.count {
				None => S::load(from),
				Some(count) => S::load_first(from, count),
			}
		}
	}

	/// # Safety
	/// There is room for as many floats; S is enabled.
	#[inline(always)]
	pub(crate) unsafe fn store<S: Simd>(self, to: *mut f32, v: S::V) {
		// SAFETY: the caller's promise.
		unsafe {
			match self.count {
				None => S::store(to, v),
				Some(count) => S::store_first(to, v, count),
			}
		}
	}
}

/// Applies the steps of an epilogue to a vector of results, or to a part of one: the first is at this place of
/// the whole output and in this column.
///
/// # Safety
/// What is added to results or multiplied with them has an element for each of the output or of its columns. S
/// must be enabled.
#[inline(always)]
pub(crate) unsafe fn apply<S: Simd>(
	steps: &[After<'_>],
	mut x: S::V,
	[place, column]: [usize; 2],
	part: Part,
) -> S::V {
	for step in steps {
		// SAFETY: the caller's promise.
		x = unsafe {
			let sum = |y| S::canonical(S::add(x, y));
			let product = |y| S::canonical(S::mul(x, y));
			match *step {
				Light::Add(all) => sum(part.load::<S>(all.as_ptr().add(place))),
				Light::AddRow(row) => sum(part.load::<S>(row.as_ptr().add(column))),
				Light::ScaleRow(row) => product(part.load::<S>(row.as_ptr().add(column))),
				Light::Scale(y) => product(S::splat(y)),
				Light::Max(y) => S::max(x, S::splat(y)),
				Light::Min(y) => S::min(x, S::splat(y)),
				Light::Slope(slope) => S::or_negative(x, product(S::splat(slope))),
			}
		};
	}
	x
}

impl<'a> Target<'a, f32> {
	/// What the contraction is to apply to its results itself, and where they go then.
	pub(crate) fn with_steps(self) -> (Option<Vec<After<'a>>>, Self) {
		let Target::Epilogue(writer) = self else { return (None, self) };
		let steps = writer.steps();
		let target = if steps.is_some() { Target::Whole(writer.floats()) } else { self };
		(steps, target)
	}
}

/// Elements that are transposed together.
const TRANSPOSED: usize = 4 << 10;

impl<'a> ChannelsLastWriter<'a> {
	/// Products of `groups` entries each, of `m` rows and `places` columns, for `target`; `None` where
	/// that puts channels last already.
	pub(crate) fn new(
		target: Target<'a, f32>,
		groups: usize,
		m: usize,
		places: usize,
	) -> Option<ChannelsLastWriter<'a>> {
		let to = match target {
			Target::Whole(out) => Ok(out),
			Target::Epilogue(writer) => Err(writer),
			Target::ChannelsLast(_) => return None,
		};
		Some(ChannelsLastWriter { to, groups, m, places })
	}

	/// As [`Target::with_steps`]; for steps that look at nothing but the value.
	pub(crate) fn with_steps(&self) -> Option<(Vec<After<'a>>, ChannelsLastWriter<'a>)> {
		let writer = self.to.err()?;
		let steps = writer.steps()?;
		let alone = steps.iter().all(|step| !matches!(step, Light::Add(_)));
		let ChannelsLastWriter { groups, m, places, .. } = *self;
		alone.then(|| (steps, ChannelsLastWriter { to: Ok(writer.floats()), groups, m, places }))
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
	/// As [`EpilogueWriter::block`].
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
				Err(writer) => writer.block(bytes, Block { start, rows, columns: channels, step }),
				Ok(out) => scatter(bytes, channels * 4, out.at(start).cast(), step * 4),
			}
		}
	}

	/// As [`ChannelsLastWriter::lines`] for `from` with a row per channel, of `columns` elements.
	///
	/// # Safety
	/// As [`ChannelsLastWriter::lines`]; S must be enabled.
	#[inline(always)]
	pub(crate) unsafe fn block<S: Simd>(
		&self,
		from: &[f32],
		[entry, row, column]: [usize; 3],
		[channels, columns]: [usize; 2],
		space: &mut Buffer,
	) {
		if let Ok(out) = self.to {
			let start = self.place(entry, row, column);
			// SAFETY: the caller's promise.
			unsafe {
				let step = self.channels();
				return transpose_to::<S>(from, columns, channels, columns, out.at(start), step);
			}
		}
		let count = (TRANSPOSED / channels).next_multiple_of(S::LANES).max(S::LANES);
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
pub(crate) struct EpilogueWriter<'a> {
	pub(crate) region: &'a Fused,
	pub(crate) operands: Vec<&'a [u8]>,
	pub(crate) out: Shared<u8>,
	pub(crate) elements: usize,
	pub(crate) columns: usize,
	/// Bytes of an element of the result.
	pub(crate) size: usize,
	pub(crate) isa: Isa,
}

impl<'a> EpilogueWriter<'a> {
	/// The output, whose elements are `f32`.
	fn floats(&self) -> Shared<f32> {
		Shared(self.out.0.cast())
	}

	/// The steps that a contraction of floats can apply itself, if these are all.
	fn steps(&self) -> Option<Vec<After<'a>>> {
		let (None, steps) = self.region.light(&self.operands)? else { return None };
		let alike = |step: &After<'_>| {
			matches!(step, Light::Add(_) | Light::Max(_) | Light::Min(_) | Light::Slope(_))
		};
		steps.iter().all(alike).then_some(steps)
	}

	/// The output, and what a contraction of bytes, whose rows have so many columns, can do with its sums
	/// itself, if that is all.
	pub(crate) fn of_sums(&self, columns: usize) -> Option<(Shared<f32>, OfSums<'a>)> {
		let (Some(scaled), steps) = self.region.light(&self.operands)? else { return None };
		let fits = steps.iter().all(|step| match step {
			Light::AddRow(row) | Light::ScaleRow(row) => row.len() == columns,
			_ => true,
		});
		fits.then(|| (self.floats(), OfSums { scaled, steps }))
	}

	/// Writes the output's elements of a block, of which the result is `from`, row after row.
	///
	/// # Safety
	/// The block lies inside the output, nobody else uses that part of it, and `from` has as many
	/// elements, aligned for their type.
	pub(crate) unsafe fn block(&self, from: &[u8], block: Block) {
		debug_assert_eq!(from.len(), block.rows * block.columns * self.size);
		// SAFETY: the caller's promise; `Epilogue::writer` has looked at what is aligned.
		unsafe { self.region.block(&self.operands, self.out, from, block, self.isa) };
	}

	/// Writes the output's elements from `first` on, of which the result is `from`.
	///
	/// # Safety
	/// As [`EpilogueWriter::block`]; the elements are of one row, or of whole rows.
	pub(crate) unsafe fn run(&self, from: &[u8], first: usize) {
		let count = from.len() / self.size;
		let block = if count > self.columns {
			let (rows, columns) = (count / self.columns, self.columns);
			Block { start: first, rows, columns, step: columns }
		} else {
			Block::run(first, count)
		};
		// SAFETY: the caller's promise.
		unsafe { self.block(from, block) };
	}

	/// Writes the whole output, of which the result is `from`.
	pub(crate) fn whole(&self, from: &[u8], cfg: &KernelConfig) {
		let (row, rows) = (self.columns, self.elements / self.columns);
		// Below some 10 microseconds of work another thread costs more than it gains.
		let least = 100_000 / (row * self.region.cost()).max(1);
		let share = rows.div_ceil(cfg.threads * 4).max(least).max(1);
		threads::for_each(cfg.threads, rows.div_ceil(share), |task| {
			let part = task * share * row..((task + 1) * share).min(rows) * row;
			// SAFETY: tasks have rows of their own; a result lies in a buffer, which is aligned.
			unsafe { self.run(&from[part.start * self.size..part.end * self.size], part.start) };
		});
	}
}
