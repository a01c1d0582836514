//! The register tile: up to 14 rows by two vectors of output elements, all of one block of k.
//!
//! Lanes are output elements, so every element sees its own terms in ascending order: one fused
//! multiply-add chain from +0 per block of 256, and block sums added ascending in the output.

use crate::{
	cpu::simd::Simd,
	elementwise::fused::Light,
	output::{apply, After, Part},
};
use core::mem::MaybeUninit;

/// Vectors per panel of columns.
pub(crate) const PANEL_VECTORS: usize = 2;

/// Panels that a tile of one row reads: few rows need several to keep enough independent chains in flight.
pub(crate) const PANELS_OF_ONE_ROW: usize = 4;

/// The bias addition of a tile's last block; pointers are to the tile's first row or column.
#[derive(Clone, Copy)]
pub(crate) enum TileBias {
	None,
	Row(*const f32),
	Column(*const f32),
}

/// How a tile finds its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
	/// Left `[terms][rows]`, right panels of `[terms][2 * LANES]` aligned for the vectors.
	Packed,
	/// Left `[rows][terms]`, right as above.
	LeftRows,
	/// Left windows of an image: a term of a row is where [`Tile::places`] says, right as above.
	Windows,
}

/// How many floats ahead of what it reads one row asks for: it does nothing but wait for memory, and
/// the processor's own prefetching ends with every page. 8 KiB are what comes in while the first of them does.
const NEAR: usize = 2048;

const PACKED: u8 = Layout::Packed as u8;
const LEFT_ROWS: u8 = Layout::LeftRows as u8;
const WINDOWS: u8 = Layout::Windows as u8;

/// One tile of work.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
	pub(crate) layout: Layout,
	/// 1 to 256.
	pub(crate) terms: usize,
	pub(crate) lhs: *const f32,
	/// Floats from a row of the left side to the next, where it is not packed.
	pub(crate) lhs_step: usize,
	/// How far from a window's first float each of its terms is.
	pub(crate) places: *const usize,
	pub(crate) rhs: *const f32,
	/// Floats from one panel of the right side to the next.
	pub(crate) rhs_step: usize,
	/// Floats from one of its terms to the next: a panel, or as many as lie together for one row.
	pub(crate) rhs_term: usize,
	/// What a later tile will read, and how far each term moves on in it; any address.
	pub(crate) ahead: *const f32,
	pub(crate) ahead_step: usize,
	/// Output, rows `out_step` floats apart.
	pub(crate) out: *mut f32,
	pub(crate) out_step: usize,
	/// Valid columns, at most panels * 2 * LANES.
	pub(crate) columns: usize,
	/// Whether this is the first block of k (store the sum instead of adding it).
	pub(crate) first: bool,
	/// Whether this is the last block of k (add the bias and settle on one NaN).
	pub(crate) last: bool,
	pub(crate) bias: TileBias,
	/// What the last block does with a result besides, and the place of the tile's first one in the whole
	/// output, which that is of.
	pub(crate) after: &'a [After<'a>],
	pub(crate) at: usize,
}

/// Most panels that one call handles for a tile of `rows` rows.
pub(crate) const fn panels_per_tile<S: Simd>(rows: usize) -> usize {
	match rows {
		1 => PANELS_OF_ONE_ROW,
		2 => 2,
		// Needs more than sixteen registers.
		3 if S::MAX_ROWS > 8 => 2,
		_ => 1,
	}
}

/// Computes one tile of `rows` rows and `panels` panels.
///
/// # Safety
/// The pointers of `tile` must be valid for what it describes, `rows` between 1 and
/// `S::MAX_ROWS`, `panels` 1 or `panels_per_tile(rows)`, and S's instructions enabled.
#[inline(always)]
pub(crate) unsafe fn compute<S: Simd>(tile: &Tile<'_>, rows: usize, panels: usize) {
	// Of a panel that is half empty, that half is not computed.
	let vectors =
		if panels == 1 { tile.columns.div_ceil(S::LANES) } else { panels * PANEL_VECTORS };
	let mut sums = Sums::<S>([const { MaybeUninit::uninit() }; MOST_VECTORS]);
	// SAFETY: the caller's promise; the sums are those of so many rows and vectors.
	unsafe {
		for r in 0..rows {
			// The output comes from memory while its sums are computed, and so does what is added to it.
			S::prefetch_near(tile.out.wrapping_add(r * tile.out_step));
			S::prefetch_near(tile.out.wrapping_add(r * tile.out_step + (vectors - 1) * S::LANES));
		}
		if tile.last {
			for step in tile.after {
				let Light::Add(floats) = step else { continue };
				for r in 0..rows {
					let at = floats.as_ptr().wrapping_add(tile.at + r * tile.out_step);
					S::prefetch_near(at);
					S::prefetch_near(at.wrapping_add((vectors - 1) * S::LANES));
				}
			}
		}
		match tile.layout {
			Layout::Packed => compute_with::<S, PACKED>(tile, rows, vectors, &mut sums),
			Layout::LeftRows => compute_with::<S, LEFT_ROWS>(tile, rows, vectors, &mut sums),
			Layout::Windows => compute_with::<S, WINDOWS>(tile, rows, vectors, &mut sums),
		}
		store::<S>(tile, &sums, rows, vectors);
	}
}

/// Most vectors of a tile.
const MOST_VECTORS: usize = 28;

/// The sums of a tile, a vector after the other, row after row.
struct Sums<S: Simd>([MaybeUninit<S::V>; MOST_VECTORS]);

#[inline(always)]
unsafe fn compute_with<S: Simd, const LAYOUT: u8>(
	tile: &Tile<'_>,
	rows: usize,
	vectors: usize,
	sums: &mut Sums<S>,
) {
	// SAFETY: the caller's promise.
	unsafe {
		match (rows, vectors) {
			(1, 8) => block::<S, LAYOUT, 1, 8>(tile, sums),
			(2, 4) => block::<S, LAYOUT, 2, 4>(tile, sums),
			(3, 4) => block::<S, LAYOUT, 3, 4>(tile, sums),
			(1, 1) => block::<S, LAYOUT, 1, 1>(tile, sums),
			(2, 1) => block::<S, LAYOUT, 2, 1>(tile, sums),
			(3, 1) => block::<S, LAYOUT, 3, 1>(tile, sums),
			(4, 1) => block::<S, LAYOUT, 4, 1>(tile, sums),
			(5, 1) if S::MAX_ROWS >= 5 => block::<S, LAYOUT, 5, 1>(tile, sums),
			(6, 1) if S::MAX_ROWS >= 6 => block::<S, LAYOUT, 6, 1>(tile, sums),
			(7, 1) if S::MAX_ROWS >= 7 => block::<S, LAYOUT, 7, 1>(tile, sums),
			(8, 1) if S::MAX_ROWS >= 8 => block::<S, LAYOUT, 8, 1>(tile, sums),
			(9, 1) if S::MAX_ROWS >= 9 => block::<S, LAYOUT, 9, 1>(tile, sums),
			(10, 1) if S::MAX_ROWS >= 10 => block::<S, LAYOUT, 10, 1>(tile, sums),
			(11, 1) if S::MAX_ROWS >= 11 => block::<S, LAYOUT, 11, 1>(tile, sums),
			(12, 1) if S::MAX_ROWS >= 12 => block::<S, LAYOUT, 12, 1>(tile, sums),
			(13, 1) if S::MAX_ROWS >= 13 => block::<S, LAYOUT, 13, 1>(tile, sums),
			(14, 1) if S::MAX_ROWS >= 14 => block::<S, LAYOUT, 14, 1>(tile, sums),
			(1, 2) => block::<S, LAYOUT, 1, 2>(tile, sums),
			(2, 2) => block::<S, LAYOUT, 2, 2>(tile, sums),
			(3, 2) => block::<S, LAYOUT, 3, 2>(tile, sums),
			(4, 2) => block::<S, LAYOUT, 4, 2>(tile, sums),
			(5, 2) if S::MAX_ROWS >= 5 => block::<S, LAYOUT, 5, 2>(tile, sums),
			(6, 2) if S::MAX_ROWS >= 6 => block::<S, LAYOUT, 6, 2>(tile, sums),
			(7, 2) if S::MAX_ROWS >= 7 => block::<S, LAYOUT, 7, 2>(tile, sums),
			(8, 2) if S::MAX_ROWS >= 8 => block::<S, LAYOUT, 8, 2>(tile, sums),
			(9, 2) if S::MAX_ROWS >= 9 => block::<S, LAYOUT, 9, 2>(tile, sums),
			(10, 2) if S::MAX_ROWS >= 10 => block::<S, LAYOUT, 10, 2>(tile, sums),
			(11, 2) if S::MAX_ROWS >= 11 => block::<S, LAYOUT, 11, 2>(tile, sums),
			(12, 2) if S::MAX_ROWS >= 12 => block::<S, LAYOUT, 12, 2>(tile, sums),
			(13, 2) if S::MAX_ROWS >= 13 => block::<S, LAYOUT, 13, 2>(tile, sums),
			(14, 2) if S::MAX_ROWS >= 14 => block::<S, LAYOUT, 14, 2>(tile, sums),
			_ => unreachable!("no tile of {rows} rows and {vectors} vectors"),
		}
	}
}

#[inline(always)]
unsafe fn block<S: Simd, const LAYOUT: u8, const ROWS: usize, const VECTORS: usize>(
	t: &Tile<'_>,
	sums: &mut Sums<S>,
) {
	const { assert!(ROWS * VECTORS <= MOST_VECTORS) };
	// SAFETY: the caller's promise.
	let own = unsafe { multiply::<S, LAYOUT, ROWS, VECTORS>(t) };
	for (sum, own) in sums.0.iter_mut().zip(own.as_flattened()) {
		sum.write(*own);
	}
}

/// The sums of one tile, in registers.
#[inline(always)]
unsafe fn multiply<S: Simd, const LAYOUT: u8, const ROWS: usize, const VECTORS: usize>(
	t: &Tile<'_>,
) -> [[S::V; VECTORS]; ROWS] {
	// SAFETY: the caller's promise: both sides hold as many terms as the tile says.
	unsafe {
		let mut sums = [[S::splat(0.0); VECTORS]; ROWS];
		let (mut lhs, mut rhs, mut ahead) = (t.lhs, t.rhs, t.ahead);
		let lhs_step = if LAYOUT == PACKED { 1 } else { t.lhs_step };
		// Wrapping pointers: a check in this loop would force the sums out of their registers.
		for term in 0..t.terms {
			let mut b = [S::splat(0.0); VECTORS];
			for (v, lanes) in b.iter_mut().enumerate() {
				let panel = v / PANEL_VECTORS * t.rhs_step;
				let from = rhs.wrapping_add(panel + v % PANEL_VECTORS * S::LANES);
				*lanes = S::load_aligned(from);
				if ROWS == 1 {
					S::prefetch_near(from.wrapping_add(NEAR));
				}
			}
			let mut left = lhs;
			if LAYOUT == WINDOWS {
				left = lhs.wrapping_add(*t.places.wrapping_add(term));
			}
			for (r, row) in sums.iter_mut().enumerate() {
				// Three rows share a pointer, or there would be more than registers.
				if LAYOUT == WINDOWS && r > 0 && r % 3 == 0 {
					left = left.wrapping_add(3 * lhs_step);
				}
				let at = if LAYOUT == WINDOWS { r % 3 } else { r };
				let a = S::splat(*left.wrapping_add(at * lhs_step));
				for (sum, &b) in row.iter_mut().zip(&b) {
					*sum = S::fma(a, b, *sum);
				}
			}
			if ROWS > 1 {
				S::prefetch(ahead);
				ahead = ahead.wrapping_add(t.ahead_step);
			}
			lhs = lhs.wrapping_add(match LAYOUT {
				PACKED => ROWS,
				LEFT_ROWS => 1,
				_ => 0,
			});
			rhs = rhs.wrapping_add(if ROWS == 1 { t.rhs_term } else { PANEL_VECTORS * S::LANES });
		}
		sums
	}
}

/// Puts the sums to their places in the output.
///
/// # Safety
/// `sums` are those of as many rows and vectors; else as [`compute`].
#[inline(always)]
unsafe fn store<S: Simd>(t: &Tile<'_>, sums: &Sums<S>, rows: usize, vectors: usize) {
	// SAFETY: the caller's promise.
	unsafe {
		match (t.last, t.first, t.bias) {
			(false, ..) => store_sums::<S>(t, sums, rows, vectors),
			(true, true, TileBias::None) => store_last::<S, true, 0>(t, sums, rows, vectors),
			(true, true, TileBias::Row(_)) => store_last::<S, true, 1>(t, sums, rows, vectors),
			(true, true, TileBias::Column(_)) => store_last::<S, true, 2>(t, sums, rows, vectors),
			(true, false, TileBias::None) => store_last::<S, false, 0>(t, sums, rows, vectors),
			(true, false, TileBias::Row(_)) => store_last::<S, false, 1>(t, sums, rows, vectors),
			(true, false, TileBias::Column(_)) => store_last::<S, false, 2>(t, sums, rows, vectors),
		}
	}
}

/// A block that is not the last: the sums, or these and those before.
///
/// # Safety
/// As [`store`].
#[inline(always)]
unsafe fn store_sums<S: Simd>(t: &Tile<'_>, sums: &Sums<S>, rows: usize, vectors: usize) {
	let mut sums = sums.0.iter();
	for row in 0..rows {
		for (v, sum) in sums.by_ref().take(vectors).enumerate() {
			let column = v * S::LANES;
			let part = Part::new::<S>(t.columns, column);
			// SAFETY: the caller's promise.
			unsafe {
				let out = t.out.add(row * t.out_step + column);
				let sum = sum.assume_init();
				let x = if t.first { sum } else { S::add(part.load::<S>(out), sum) };
				part.store::<S>(out, x);
			}
		}
	}
}

/// The last block of a tile, of a kind that is decided once.
///
/// # Safety
/// As [`store`]; `FIRST` and `BIAS` are the tile's.
#[inline(always)]
unsafe fn store_last<S: Simd, const FIRST: bool, const BIAS: u8>(
	t: &Tile<'_>,
	sums: &Sums<S>,
	rows: usize,
	vectors: usize,
) {
	let mut sums = sums.0.iter();
	for row in 0..rows {
		// SAFETY: the caller's promise: the output, a bias and what is added hold the tile's rows and columns.
		unsafe {
			let bias = match t.bias {
				TileBias::Row(bias) if BIAS == 1 => S::splat(*bias.add(row)),
				_ => S::splat(0.0),
			};
			for (v, sum) in sums.by_ref().take(vectors).enumerate() {
				let column = v * S::LANES;
				let part = Part::new::<S>(t.columns, column);
				let place = row * t.out_step + column;
				let out = t.out.add(place);
				let mut x = sum.assume_init();
				if !FIRST {
					x = S::add(part.load::<S>(out), x);
				}
				match t.bias {
					TileBias::Column(bias) if BIAS == 2 => {
						x = S::add(x, part.load::<S>(bias.add(column)));
					},
					_ if BIAS == 1 => x = S::add(x, bias),
					_ => {},
				}
				x = S::canonical(x);
				if !t.after.is_empty() {
					x = apply::<S>(t.after, x, [t.at + place, 0], part);
				}
				part.store::<S>(out, x);
			}
		}
	}
}
