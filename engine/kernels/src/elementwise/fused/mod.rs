//! Elementwise ops and row reductions computed together, tile by tile.
//!
//! A chain such as `x · ½ · (1 + erf(x / √2))`, a softmax or a layer normalisation reads and writes
//! every intermediate once per op when the ops run one after another. [`Fused`] runs all of them on
//! a tile that stays in the first-level cache before it goes on to the next. Each op still computes
//! each element by its own kernel from the same operands, so that no bit changes.
//!
//! All ops of a region share one index space of `rows · k` elements: a *full* op has an element for
//! each, a *row* op (a reduction over `k`, or arithmetic on such) one for each row.

mod build;
mod chain;
mod exec;
mod light;

use crate::{elementwise::int8::Chain, walk::Walk};
use assay_referee::{OpRecord, Operand};
pub(crate) use build::named;
pub(crate) use exec::{scatter, Block};
pub(crate) use light::{Light, Lights, Scaled};

/// Longest row that is reduced inside a region; longer ones would not stay in the cache.
const MAX_ROW: usize = 8192;
/// Elements of a tile, where rows allow it.
const TILE: usize = 2048;
/// Rows of a tile of short rows: as many as the reduction of short rows takes side by side.
const SHORT_ROWS: usize = 32;
/// Most ops of one region.
const MAX_OPS: usize = 64;

/// One op that is to be part of a region.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
	/// The op's index in its program, as [`assay_referee::Source::Op`] names it.
	pub index: u32,
	/// The op.
	pub op: &'a OpRecord,
	/// Whether its output is needed outside the region.
	pub keep: bool,
}

/// A region: ops that are computed together.
///
/// # Examples
///
/// ```
/// use assay_kernels::{Fused, KernelConfig, Member};
/// use assay_referee::*;
///
/// // The exponentials of a softmax, exp(x - max(x)) of each row of `[2, 3]`: ops 0 to 2.
/// let (full, column) = (Shape::new(&[2, 3])?, Shape::new(&[2, 1])?);
/// let x = Operand::input(0, DType::F32, full);
/// let max = OpRecord::new(OpKind::Reduce(ReduceFn::Max), DType::F32, Shape::new(&[2])?, [x]);
/// let operands = [x, Operand::op(0, DType::F32, column)];
/// let less = OpRecord::new(OpKind::Binary(BinaryFn::Sub), DType::F32, full, operands);
/// let less_of = Operand::op(1, DType::F32, full);
/// let exp = OpRecord::new(OpKind::Unary(UnaryFn::Exp), DType::F32, full, [less_of]);
/// let member = |index, op, keep| Member { index, op, keep };
/// let members = [member(0, &max, false), member(1, &less, false), member(2, &exp, true)];
/// let region = Fused::new(&members).expect("they have the same rows");
/// // Only the last is written; what members read of each other never leaves the cache.
/// assert_eq!(region.outputs(), [2]);
/// let bytes = [1f32, 2.0, 2.0, 5.0, 5.0, 5.0].map(f32::to_le_bytes).concat();
/// // All of its operands are x, under one view or another.
/// let operands = vec![&bytes[..]; region.operands().len()];
/// let mut out = [0; 24];
/// region.run(&operands, &mut [&mut out], &KernelConfig::default())?;
/// assert_eq!(out[4..8], 1f32.to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Fused {
	steps: Vec<Step>,
	operands: Vec<Operand>,
	outputs: Vec<u32>,
	/// Bytes per full element of each output's element type, and its width.
	kept: Vec<(usize, Width)>,
	elements: usize,
	/// Elements of a row; 0 when no op reduces.
	row: usize,
	/// Full elements of a tile, a multiple of `row`.
	tile: usize,
	/// Tile-sized places for intermediates, the last three for expanded operands, the one before
	/// these for results that are not written where they are needed.
	slots: usize,
	slot_bytes: usize,
	/// Rough nanoseconds for one full element.
	cost: usize,
	/// The steps of a region that is given parts, where they are few and cheap.
	light: Option<light::Expression>,
}

/// Elements that an op has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Width {
	/// One for every element of the index space.
	Full,
	/// One for every row.
	Row,
}

/// One op of a region, or a chain of them.
#[derive(Debug)]
struct Step {
	/// The op; of a chain, the last one.
	op: OpRecord,
	width: Width,
	inputs: Vec<Input>,
	/// How a binary op follows its operands, where they are not both element for element.
	walk: Option<Walk<2>>,
	chain: Option<Linked>,
	target: Place,
}

/// Several ops with one kernel: what they do to the step's first input.
#[derive(Debug)]
struct Linked {
	chain: Chain,
	/// Which inputs are its scalars, in the order of [`chain::SCALARS`].
	scalars: [Option<usize>; chain::SCALARS],
}

/// Where a tile of an op's results is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
	Slot(usize),
	Output(usize),
}

#[derive(Debug)]
struct Input {
	/// Bytes of one element.
	size: usize,
	/// Elements that the op reads of it: its own width, or full for a reduction.
	width: Width,
	from: From,
}

#[derive(Debug)]
enum From {
	/// What the region's first operand would hold, which whoever runs a part of it has at hand.
	Given,
	/// Another op's results, of the same width.
	Tile(Place),
	/// A row op's results, each for a whole row.
	Rows(Place),
	/// Operand `at` of the region, element for element.
	Dense { at: usize },
	/// Operand `at` of the region, one element for all.
	Single { at: usize },
	/// Operand `at` of the region, each element for a whole row.
	EachRow { at: usize },
	/// Operand `at` of the region, one row for all.
	OneRow { at: usize },
	/// Operand `at` of the region, broadcast in another way.
	Walk { at: usize, walk: Walk<1> },
}

impl Fused {
	/// The operands of the region, in the order in which [`Fused::run`] takes them.
	pub fn operands(&self) -> &[Operand] {
		&self.operands
	}

	/// The steps of a region made by `Fused::of_parts`, if they are light, with their operands among these.
	/// For whole numbers also what makes floats of them.
	pub(crate) fn light<'a>(&self, operands: &[&'a [u8]]) -> Option<Lights<'a>> {
		let floats = |at: usize| crate::cpu::view::<f32>(operands[at]);
		let one = |at: usize| floats(at)?.first().copied();
		let single = |single: light::Single| match single {
			light::Single::Zero => Some(0.0),
			light::Single::At(at) => one(at),
			light::Single::If { at, zero } => one(at).filter(|_| one(zero) == Some(0.0)),
		};
		let light = self.light.as_ref()?;
		let steps = light.steps.iter().map(|step| {
			Some(match *step {
				Light::Add(at) => Light::Add(floats(at)?),
				Light::AddRow(at) => Light::AddRow(floats(at)?),
				Light::ScaleRow(at) => Light::ScaleRow(floats(at)?),
				Light::Scale(at) => Light::Scale(single(at)?),
				Light::Max(at) => Light::Max(single(at)?),
				Light::Min(at) => Light::Min(single(at)?),
				Light::Slope(at) => Light::Slope(single(at)?),
			})
		});
		let steps = steps.collect::<Option<Vec<_>>>()?;
		let scaled = match light.scaled {
			None => None,
			Some(Scaled { minus, times }) => {
				let one = |at: Option<usize>| at.map_or(Some(None), |at| one(at).map(Some));
				Some(Scaled { minus: one(minus)?, times: one(times)? })
			},
		};
		Some((scaled, steps))
	}

	/// The ops whose outputs [`Fused::run`] writes, in its order.
	pub fn outputs(&self) -> &[u32] {
		&self.outputs
	}
}

#[cfg(test)]
mod tests;
