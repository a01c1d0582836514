//! Reductions along the last axis, in the program format's order.
//!
//! Blocks of 1,024 elements, 32 lanes by position, a tree over the lanes, blocks ascending. Lanes
//! that hold no element hold the neutral one; combining with it changes nothing once a lane has
//! been combined with its own start value, so short rows skip them.

use crate::{
	cpu::{dispatch, simd::canonical, view, view_mut, Kernel, Pod},
	threads,
	transpose::transpose,
	KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, ReduceFn};
use core::marker::PhantomData;

/// Elements in one block, and lanes inside it.
pub(crate) const BLOCK: usize = 1024;
pub(crate) const LANES: usize = 32;
/// Rows that are reduced side by side when they are short.
const WIDTH: usize = 32;

/// A reduction's function; `combine` and `select` must be `#[inline(always)]`.
pub(crate) trait Combine<T>: Sync {
	const NEUTRAL: T;
	/// Whether `select` is less work than `combine`.
	const SELECTS: bool;
	fn combine(a: T, b: T) -> T;
	/// What `combine` gives where neither is NaN.
	fn select(a: T, b: T) -> T;
	/// The form in which a result is stored.
	fn stored(x: T) -> T;
}

pub(crate) struct Sum;
pub(crate) struct Prod;
pub(crate) struct Max;
pub(crate) struct Min;

/// A function of numbers that are not NaN.
struct Numbers<F>(PhantomData<F>);

impl<F: Combine<f32>> Combine<f32> for Numbers<F> {
	const NEUTRAL: f32 = F::NEUTRAL;
	const SELECTS: bool = false;
	#[inline(always)]
	fn combine(a: f32, b: f32) -> f32 {
		F::select(a, b)
	}
	#[inline(always)]
	fn select(a: f32, b: f32) -> f32 {
		F::select(a, b)
	}
	#[inline(always)]
	fn stored(x: f32) -> f32 {
		F::stored(x)
	}
}

macro_rules! combines {
	($type:ty, $selects:expr, $stored:expr;
		$($name:ident, $neutral:expr, |$a:ident, $b:ident| $body:expr, $select:expr;)*
	) => { $(
		impl Combine<$type> for $name {
			const NEUTRAL: $type = $neutral;
			const SELECTS: bool = $selects;
			#[inline(always)]
			fn combine($a: $type, $b: $type) -> $type { $body }
			#[inline(always)]
			fn select($a: $type, $b: $type) -> $type { $select }
			#[inline(always)]
			fn stored(x: $type) -> $type { $stored(x) }
		}
	)* };
}

combines! {
	f32, false, canonical;
	Sum, 0.0, |a, b| a + b, a + b;
	Prod, 1.0, |a, b| a * b, a * b;
}

combines! {
	f32, true, canonical;
	Max, f32::NEG_INFINITY, |a, b| if b < a || a.is_nan() { a } else { b }, if b < a { a } else { b };
	Min, f32::INFINITY, |a, b| if a < b || a.is_nan() { a } else { b }, if a < b { a } else { b };
}

macro_rules! whole_numbers {
	($($type:ty),*) => { $( combines! {
		$type, false, core::convert::identity;
		Sum, 0, |a, b| a.wrapping_add(b), a.wrapping_add(b);
		Prod, 1, |a, b| a.wrapping_mul(b), a.wrapping_mul(b);
		Max, <$type>::MIN, |a, b| a.max(b), a.max(b);
		Min, <$type>::MAX, |a, b| a.min(b), a.min(b);
	} )* };
}

whole_numbers!(i32, i64, u8, i8);

/// Runs a reduction or `ArgMax`; false when there is no kernel for its type.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let (Some(operand), &[bytes]) = (op.operands.first(), operands) else { return false };
	let k = operand.shape.last() as usize;
	let done = match (op.kind, operand.dtype) {
		(OpKind::Reduce(function), DType::F32) => view(bytes).zip(view_mut(out)).map(|(x, out)| {
			run_f32(function, x, k, out, cfg);
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

/// Reduces rows of `k` whole numbers, which may be combined in any order.
fn whole<T: Pod>(
	function: ReduceFn,
	k: usize,
	bytes: &[u8],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()>
where
	Sum: Combine<T>,
	Prod: Combine<T>,
	Max: Combine<T>,
	Min: Combine<T>,
{
	let (x, out) = (view::<T>(bytes)?, view_mut::<T>(out)?);
	match function {
		ReduceFn::Sum => fold::<T, Sum>(x, k, out, cfg),
		ReduceFn::Prod => fold::<T, Prod>(x, k, out, cfg),
		ReduceFn::Max => fold::<T, Max>(x, k, out, cfg),
		ReduceFn::Min => fold::<T, Min>(x, k, out, cfg),
	}
	Some(())
}

fn fold<T: Pod, F: Combine<T>>(x: &[T], k: usize, out: &mut [T], cfg: &KernelConfig) {
	threads::for_each_part(cfg.threads, out, WIDTH, k.div_ceil(4), |start, out| {
		let rows = &x[start * k..];
		dispatch(cfg.isa, WholeRows::<T, F> { rows, k, out, function: PhantomData });
	});
}

/// Some rows of whole numbers.
struct WholeRows<'a, T, F> {
	/// From the first row on.
	rows: &'a [T],
	k: usize,
	out: &'a mut [T],
	function: PhantomData<F>,
}

impl<T: Pod, F: Combine<T>> Kernel for WholeRows<'_, T, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		for (row, out) in self.rows.chunks_exact(self.k).zip(self.out) {
			*out = row.iter().fold(F::NEUTRAL, |total, &x| F::combine(total, x));
		}
	}
}

/// Reduces rows of `k` elements into `out`.
pub(crate) fn run_f32(
	function: ReduceFn,
	rows: &[f32],
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

fn reduce<F: Combine<f32>>(rows: &[f32], k: usize, out: &mut [f32], cfg: &KernelConfig) {
	threads::for_each_part(cfg.threads, out, WIDTH, k.div_ceil(4), |start, out| {
		dispatch(cfg.isa, FloatRows::<F> { rows, k, start, out, function: PhantomData });
	});
}

/// Some rows of floats.
struct FloatRows<'a, F> {
	/// `[rows, k]`.
	rows: &'a [f32],
	k: usize,
	/// First row.
	start: usize,
	out: &'a mut [f32],
	function: PhantomData<F>,
}

impl<F: Combine<f32>> Kernel for FloatRows<'_, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let FloatRows { rows, k, start, out, .. } = self;
		if k > LANES {
			for (row, out) in rows[start * k..].chunks_exact(k).zip(out) {
				*out = long::<F>(row);
			}
			return;
		}
		let mut space = [0f32; LANES * WIDTH];
		for (i, out) in out.chunks_mut(WIDTH).enumerate() {
			let from = (start + i * WIDTH) * k;
			transpose(&rows[from..], k, out.len(), k, &mut space, WIDTH);
			side_by_side::<f32, F>(&mut space, k, WIDTH);
			store::<f32, F>(out, &space);
		}
	}
}

/// One row, lane by lane.
#[inline(always)]
fn long<F: Combine<f32>>(row: &[f32]) -> f32 {
	let mut total = None;
	for block in row.chunks(BLOCK) {
		let value = if F::SELECTS && !has_nan(block) {
			combined::<Numbers<F>>(block)
		} else {
			combined::<F>(block)
		};
		total = Some(match total {
			None => value,
			Some(total) => F::combine(total, value),
		});
	}
	canonical(total.unwrap_or(F::NEUTRAL))
}

#[inline(always)]
fn combined<F: Combine<f32>>(block: &[f32]) -> f32 {
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

/// Rows of `k` elements, at most [`LANES`], side by side: `lanes` is `[k, width]`, and the results are
/// then the first `width` of it, not yet in the form in which they are stored.
///
/// The loops run over many lanes at once, because loops of a few known steps are unrolled before they
/// could become vectors.
#[inline(always)]
pub(crate) fn side_by_side<T: Copy, F: Combine<T>>(lanes: &mut [T], k: usize, width: usize) {
	begin::<T, F>(&mut lanes[..k * width]);
	let (mut used, mut half) = (k, LANES / 2);
	while half > 0 {
		if used > half {
			let (low, high) = lanes.split_at_mut(half * width);
			combine_all::<T, F>(&mut low[..(used - half) * width], high);
			used = half;
		}
		half /= 2;
	}
}

/// What lanes hold after their first elements.
#[inline(always)]
pub(crate) fn begin<T: Copy, F: Combine<T>>(lanes: &mut [T]) {
	lanes.iter_mut().for_each(|x| *x = F::combine(F::NEUTRAL, *x));
}

/// Combines every element with the one beside it.
#[inline(always)]
pub(crate) fn combine_all<T: Copy, F: Combine<T>>(to: &mut [T], from: &[T]) {
	to.iter_mut().zip(from).for_each(|(a, &b)| *a = F::combine(*a, b));
}

/// Puts results into the form in which they are stored.
#[inline(always)]
pub(crate) fn store<T: Copy, F: Combine<T>>(out: &mut [T], results: &[T]) {
	out.iter_mut().zip(results).for_each(|(out, &x)| *out = F::stored(x));
}

fn arg_max(x: &[f32], k: usize, out: &mut [i64], cfg: &KernelConfig) {
	threads::for_each_part(cfg.threads, out, 1, k, |start, out| {
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
