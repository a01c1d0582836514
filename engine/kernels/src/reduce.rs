//! Reductions along the last axis, in the format's order.
//!
//! Blocks of 1,024 elements, 32 lanes by position, a tree over the lanes, blocks ascending. Lanes
//! that hold no element hold the neutral one; combining with it changes nothing once a lane has
//! been combined with its own start value, so short rows skip them.

use crate::{
	gemm::{transpose, Image},
	isa::{dispatch, Kernel},
	parallel,
	simd::canonical,
	view::{view, view_mut, Pod},
	KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, ReduceFn};
use core::marker::PhantomData;

/// Elements in one block, and lanes inside it.
const BLOCK: usize = 1024;
const LANES: usize = 32;
/// Rows that are reduced side by side when they are short.
const WIDTH: usize = 32;

/// A reduction's function; `combine` and `select` must be `#[inline(always)]`.
trait Combine: Sync {
	const NEUTRAL: f32;
	/// Whether `select` is less work than `combine`.
	const SELECTS: bool;
	fn combine(a: f32, b: f32) -> f32;
	/// What `combine` gives where neither is NaN.
	#[inline(always)]
	fn select(a: f32, b: f32) -> f32 {
		Self::combine(a, b)
	}
}

/// A function of numbers that are not NaN.
struct Numbers<F>(PhantomData<F>);

impl<F: Combine> Combine for Numbers<F> {
	const NEUTRAL: f32 = F::NEUTRAL;
	const SELECTS: bool = false;
	#[inline(always)]
	fn combine(a: f32, b: f32) -> f32 {
		F::select(a, b)
	}
}

struct Sum;

impl Combine for Sum {
	const NEUTRAL: f32 = 0.0;
	const SELECTS: bool = false;
	#[inline(always)]
	fn combine(a: f32, b: f32) -> f32 {
		a + b
	}
}

struct Prod;

impl Combine for Prod {
	const NEUTRAL: f32 = 1.0;
	const SELECTS: bool = false;
	#[inline(always)]
	fn combine(a: f32, b: f32) -> f32 {
		a * b
	}
}

macro_rules! extremes {
	($($name:ident, $neutral:expr, |$a:ident, $b:ident| $first:expr;)*) => { $(
		struct $name;
		impl Combine for $name {
			const NEUTRAL: f32 = $neutral;
			const SELECTS: bool = true;
			#[inline(always)]
			fn combine($a: f32, $b: f32) -> f32 {
				if $first || $a.is_nan() { $a } else { $b }
			}
			#[inline(always)]
			fn select($a: f32, $b: f32) -> f32 {
				if $first { $a } else { $b }
			}
		}
	)* };
}

extremes! {
	Max, f32::NEG_INFINITY, |a, b| b < a;
	Min, f32::INFINITY, |a, b| a < b;
}

/// Where rows come from.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
	/// `[rows, k]`.
	Dense(&'a [f32]),
	/// The windows of an image, `[images * groups, windows, k]`.
	Image(&'a Image<'a>),
}

/// Runs a reduction or `ArgMax`; false when there is no kernel for its type.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let (Some(operand), &[bytes]) = (op.operands.first(), operands) else { return false };
	let k = operand.shape.last() as usize;
	let done = match (op.kind, operand.dtype) {
		(OpKind::Reduce(function), DType::F32) => view(bytes).zip(view_mut(out)).map(|(x, out)| {
			run_f32(function, Rows::Dense(x), k, out, cfg);
		}),
		(OpKind::Reduce(function), DType::I32) => whole::<i32>(function, k, bytes, out, cfg),
		(OpKind::Reduce(function), DType::I64) => whole::<i64>(function, k, bytes, out, cfg),
		(OpKind::Reduce(function), DType::U8) => whole::<u8>(function, k, bytes, out, cfg),
		(OpKind::Reduce(function), DType::I8) => whole::<i8>(function, k, bytes, out, cfg),
		(OpKind::ArgMax, DType::F32) => view(bytes).zip(view_mut(out)).map(|(x, out)| {
			arg_max(x, k, out, cfg);
		}),
		_ => None,
	};
	done.is_some()
}

/// Whole numbers, which may be combined in any order.
trait Whole: Pod {
	fn sum(self, other: Self) -> Self;
	fn product(self, other: Self) -> Self;
	fn greater(self, other: Self) -> Self;
	fn smaller(self, other: Self) -> Self;
}

macro_rules! whole {
	($($name:ty)*) => { $(
		impl Whole for $name {
			#[inline(always)]
			fn sum(self, other: $name) -> $name { self.wrapping_add(other) }
			#[inline(always)]
			fn product(self, other: $name) -> $name { self.wrapping_mul(other) }
			#[inline(always)]
			fn greater(self, other: $name) -> $name { self.max(other) }
			#[inline(always)]
			fn smaller(self, other: $name) -> $name { self.min(other) }
		}
	)* };
}

whole! { i32 i64 u8 i8 }

/// Reduces rows of `k` whole numbers.
fn whole<T: Whole>(
	function: ReduceFn,
	k: usize,
	bytes: &[u8],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let (x, out) = (view::<T>(bytes)?, view_mut::<T>(out)?);
	parallel::for_each_part(cfg.threads, out, WIDTH, k.div_ceil(4), |start, out| {
		dispatch(cfg.isa, WholePart { function, x: &x[start * k..], k, out });
	});
	Some(())
}

struct WholePart<'a, T> {
	function: ReduceFn,
	/// From the first row on.
	x: &'a [T],
	k: usize,
	out: &'a mut [T],
}

impl<T: Whole> WholePart<'_, T> {
	#[inline(always)]
	fn fold(self, combine: impl Fn(T, T) -> T) {
		for (row, out) in self.x.chunks_exact(self.k).zip(self.out) {
			let [first, rest @ ..] = row else { continue };
			let mut total = *first;
			for &x in rest {
				total = combine(total, x);
			}
			*out = total;
		}
	}
}

impl<T: Whole> Kernel for WholePart<'_, T> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		match self.function {
			ReduceFn::Sum => self.fold(T::sum),
			ReduceFn::Prod => self.fold(T::product),
			ReduceFn::Max => self.fold(T::greater),
			ReduceFn::Min => self.fold(T::smaller),
		}
	}
}

/// Reduces rows of `k` elements into `out`.
pub(crate) fn run_f32(
	function: ReduceFn,
	rows: Rows<'_>,
	k: usize,
	out: &mut [f32],
	cfg: &KernelConfig,
) {
	match function {
		ReduceFn::Sum => reduce::<Sum>(rows, k, out, cfg),
		ReduceFn::Prod => reduce::<Prod>(rows, k, out, cfg),
		ReduceFn::Max => reduce::<Max>(rows, k, out, cfg),
		ReduceFn::Min => reduce::<Min>(rows, k, out, cfg),
	}
}

fn reduce<F: Combine>(rows: Rows<'_>, k: usize, out: &mut [f32], cfg: &KernelConfig) {
	parallel::for_each_part(cfg.threads, out, WIDTH, k.div_ceil(4), |start, out| {
		dispatch(cfg.isa, Part::<F> { rows, k, start, out, function: PhantomData });
	});
}

struct Part<'a, F> {
	rows: Rows<'a>,
	k: usize,
	/// First row.
	start: usize,
	out: &'a mut [f32],
	function: PhantomData<F>,
}

impl<F: Combine> Kernel for Part<'_, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let Part { rows, k, start, out, .. } = self;
		match rows {
			Rows::Dense(x) if k > LANES => {
				for (row, out) in x[start * k..].chunks_exact(k).zip(out) {
					*out = long::<F>(row);
				}
			},
			Rows::Dense(x) => {
				let mut space = [0f32; LANES * WIDTH];
				for (i, out) in out.chunks_mut(WIDTH).enumerate() {
					let from = (start + i * WIDTH) * k;
					transpose(&x[from..], k, out.len(), k, &mut space, WIDTH);
					short::<F>(&mut space, k, out);
				}
			},
			Rows::Image(image) => windows::<F>(image, k, start, out),
		}
	}
}

/// One row, lane by lane.
#[inline(always)]
fn long<F: Combine>(row: &[f32]) -> f32 {
	let mut total = None;
	for block in row.chunks(BLOCK) {
		let value = match F::SELECTS && !has_nan(block) {
			true => combined::<Numbers<F>>(block),
			false => combined::<F>(block),
		};
		total = Some(match total {
			None => value,
			Some(total) => F::combine(total, value),
		});
	}
	canonical(total.unwrap_or(F::NEUTRAL))
}

#[inline(always)]
fn combined<F: Combine>(block: &[f32]) -> f32 {
	let mut lanes = [F::NEUTRAL; LANES];
	let (whole, rest) = block.as_chunks::<LANES>();
	for part in whole {
		for (lane, &x) in lanes.iter_mut().zip(part) {
			*lane = F::combine(*lane, x);
		}
	}
	for (lane, &x) in lanes.iter_mut().zip(rest) {
		*lane = F::combine(*lane, x);
	}
	let mut width = LANES / 2;
	while width > 0 {
		for lane in 0..width {
			lanes[lane] = F::combine(lanes[lane], lanes[lane + width]);
		}
		width /= 2;
	}
	lanes[0]
}

#[inline(always)]
fn has_nan(block: &[f32]) -> bool {
	let magnitudes = block.iter().map(|x| x.to_bits() & 0x7fff_ffff);
	magnitudes.fold(0, u32::max) > f32::INFINITY.to_bits()
}

/// `WIDTH` rows of at most `LANES` elements side by side: `space` is `[k][WIDTH]`.
#[inline(always)]
fn short<F: Combine>(space: &mut [f32; LANES * WIDTH], k: usize, out: &mut [f32]) {
	let (lines, _) = space.as_chunks_mut::<WIDTH>();
	let lines = &mut lines[..k];
	for line in lines.iter_mut() {
		line.iter_mut().for_each(|x| *x = F::combine(F::NEUTRAL, *x));
	}
	let (mut used, mut width) = (k, LANES / 2);
	while width > 0 {
		if used > width {
			let (low, high) = lines.split_at_mut(width);
			for (a, b) in low.iter_mut().zip(&high[..used - width]) {
				for (a, &b) in a.iter_mut().zip(b) {
					*a = F::combine(*a, b);
				}
			}
			used = width;
		}
		width /= 2;
	}
	for (out, &x) in out.iter_mut().zip(&lines[0]) {
		*out = canonical(x);
	}
}

/// Windows of an image, `WIDTH` neighbours at a time; `k` is at most `LANES`.
#[inline(always)]
fn windows<F: Combine>(image: &Image<'_>, k: usize, start: usize, out: &mut [f32]) {
	let places = image.out[0] * image.out[1];
	let mut space = [0f32; LANES * WIDTH];
	let mut done = 0;
	while done < out.len() {
		let (batch, place) = ((start + done) / places, (start + done) % places);
		let run = WIDTH.min(places - place).min(out.len() - done);
		image.pack(batch, 0..k, place..place + run, &mut space, WIDTH);
		short::<F>(&mut space, k, &mut out[done..done + run]);
		done += run;
	}
}

/// Whether [`Rows::Image`] can be used for windows of `k` elements.
pub(crate) fn takes_windows(k: usize) -> bool {
	k <= LANES
}

fn arg_max(x: &[f32], k: usize, out: &mut [i64], cfg: &KernelConfig) {
	parallel::for_each_part(cfg.threads, out, 1, k, |start, out| {
		for (row, out) in x[start * k..].chunks_exact(k).zip(out) {
			let mut best = row[0];
			let mut place = 0;
			for (i, &x) in row.iter().enumerate().skip(1) {
				if !best.is_nan() && (x.is_nan() || x > best) {
					best = x;
					place = i as i64;
				}
			}
			*out = place;
		}
	});
}
