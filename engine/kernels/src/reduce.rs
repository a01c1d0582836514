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
	view::{view, view_mut},
	KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, ReduceFn};
use core::marker::PhantomData;

/// Elements in one block, and lanes inside it.
const BLOCK: usize = 1024;
const LANES: usize = 32;
/// Rows that are reduced side by side when they are short.
const WIDTH: usize = 32;

/// A reduction's function; `combine` must be `#[inline(always)]`.
trait Combine: Sync {
	const NEUTRAL: f32;
	fn combine(a: f32, b: f32) -> f32;
}

macro_rules! combines {
	($($name:ident, $neutral:expr, |$a:ident, $b:ident| $body:expr;)*) => { $(
		struct $name;
		impl Combine for $name {
			const NEUTRAL: f32 = $neutral;
			#[inline(always)]
			fn combine($a: f32, $b: f32) -> f32 { $body }
		}
	)* };
}

combines! {
	Sum, 0.0, |a, b| a + b;
	Prod, 1.0, |a, b| a * b;
	Max, f32::NEG_INFINITY, |a, b| if b < a || a.is_nan() { a } else { b };
	Min, f32::INFINITY, |a, b| if a < b || a.is_nan() { a } else { b };
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
		(OpKind::ArgMax, DType::F32) => view(bytes).zip(view_mut(out)).map(|(x, out)| {
			arg_max(x, k, out, cfg);
		}),
		_ => None,
	};
	done.is_some()
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
		total = Some(match total {
			None => lanes[0],
			Some(total) => F::combine(total, lanes[0]),
		});
	}
	canonical(total.unwrap_or(F::NEUTRAL))
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
