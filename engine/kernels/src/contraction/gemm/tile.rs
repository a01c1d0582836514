//! The register tile: up to 14 rows by two vectors of output elements, all of one block of k.
//!
//! Lanes are output elements, so every element sees its own terms in ascending order: one fused
//! multiply-add chain from +0 per block of 256, and block sums added ascending in the output.

use crate::cpu::simd::{canonical, Simd};

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
pub(crate) struct Tile {
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
pub(crate) unsafe fn compute<S: Simd>(tile: &Tile, rows: usize, panels: usize) {
	// SAFETY: the caller's promise.
	unsafe {
		match tile.layout {
			Layout::Packed => compute_with::<S, PACKED>(tile, rows, panels),
			Layout::LeftRows => compute_with::<S, LEFT_ROWS>(tile, rows, panels),
			Layout::Windows => compute_with::<S, WINDOWS>(tile, rows, panels),
		}
	}
}

#[inline(always)]
unsafe fn compute_with<S: Simd, const LAYOUT: u8>(tile: &Tile, rows: usize, panels: usize) {
	// SAFETY: the caller's promise.
	unsafe {
		match (rows, panels) {
			(1, PANELS_OF_ONE_ROW) => block::<S, LAYOUT, 1, PANELS_OF_ONE_ROW>(tile),
			(1, _) => block::<S, LAYOUT, 1, 1>(tile),
			(2, 2) => block::<S, LAYOUT, 2, 2>(tile),
			(2, _) => block::<S, LAYOUT, 2, 1>(tile),
			(3, 2) => block::<S, LAYOUT, 3, 2>(tile),
			(3, _) => block::<S, LAYOUT, 3, 1>(tile),
			(4, _) => block::<S, LAYOUT, 4, 1>(tile),
			(5, _) if S::MAX_ROWS >= 5 => block::<S, LAYOUT, 5, 1>(tile),
			(6, _) if S::MAX_ROWS >= 6 => block::<S, LAYOUT, 6, 1>(tile),
			(7, _) if S::MAX_ROWS >= 7 => block::<S, LAYOUT, 7, 1>(tile),
			(8, _) if S::MAX_ROWS >= 8 => block::<S, LAYOUT, 8, 1>(tile),
			(9, _) if S::MAX_ROWS >= 9 => block::<S, LAYOUT, 9, 1>(tile),
			(10, _) if S::MAX_ROWS >= 10 => block::<S, LAYOUT, 10, 1>(tile),
			(11, _) if S::MAX_ROWS >= 11 => block::<S, LAYOUT, 11, 1>(tile),
			(12, _) if S::MAX_ROWS >= 12 => block::<S, LAYOUT, 12, 1>(tile),
			(13, _) if S::MAX_ROWS >= 13 => block::<S, LAYOUT, 13, 1>(tile),
			(14, _) if S::MAX_ROWS >= 14 => block::<S, LAYOUT, 14, 1>(tile),
			_ => debug_assert!(false, "no tile of {rows} rows"),
		}
	}
}

#[inline(always)]
unsafe fn block<S: Simd, const LAYOUT: u8, const ROWS: usize, const PANELS: usize>(t: &Tile) {
	// SAFETY: the caller's promise.
	unsafe {
		// The output comes from memory while its sums are computed.
		for r in 0..ROWS {
			for v in 0..PANELS * PANEL_VECTORS {
				S::prefetch_near(t.out.wrapping_add(r * t.out_step + v * S::LANES));
			}
		}
		let sums = multiply::<S, LAYOUT, ROWS, PANELS>(t);
		if t.columns == PANELS * PANEL_VECTORS * S::LANES {
			store_full::<S, ROWS, PANELS>(t, &sums);
		} else {
			store_part::<S, ROWS, PANELS>(t, &sums);
		}
	}
}

/// The sums of one tile, in registers.
#[inline(always)]
unsafe fn multiply<S: Simd, const LAYOUT: u8, const ROWS: usize, const PANELS: usize>(
	t: &Tile,
) -> Sums<S, ROWS, PANELS> {
	// SAFETY: the caller's promise: both sides hold as many terms as the tile says.
	unsafe {
		let mut sums = [[[S::splat(0.0); PANEL_VECTORS]; PANELS]; ROWS];
		let (mut lhs, mut rhs, mut ahead) = (t.lhs, t.rhs, t.ahead);
		let lhs_step = if LAYOUT == PACKED { 1 } else { t.lhs_step };
		// Wrapping pointers: a check in this loop would force the sums out of their registers.
		for term in 0..t.terms {
			let mut b = [[S::splat(0.0); PANEL_VECTORS]; PANELS];
			for (p, panel) in b.iter_mut().enumerate() {
				for (v, lanes) in panel.iter_mut().enumerate() {
					let from = rhs.wrapping_add(p * t.rhs_step + v * S::LANES);
					*lanes = S::load_aligned(from);
					if ROWS == 1 {
						S::prefetch_near(from.wrapping_add(NEAR));
					}
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
				for (sum, b) in row.iter_mut().zip(&b) {
					for (sum, &b) in sum.iter_mut().zip(b) {
						*sum = S::fma(a, b, *sum);
					}
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

type Sums<S, const ROWS: usize, const PANELS: usize> =
	[[[<S as Simd>::V; PANEL_VECTORS]; PANELS]; ROWS];

#[inline(always)]
unsafe fn store_full<S: Simd, const ROWS: usize, const PANELS: usize>(
	t: &Tile,
	sums: &Sums<S, ROWS, PANELS>,
) {
	// SAFETY: the caller's promise: the output holds ROWS rows of full panels.
	unsafe {
		for (r, row) in sums.iter().enumerate() {
			for (i, &sum) in row.iter().flatten().enumerate() {
				let out = t.out.add(r * t.out_step + i * S::LANES);
				finish::<S>(t, out, sum, [r, i * S::LANES]);
			}
		}
	}
}

/// The same for a tile at the right edge: lanes beyond the last column go nowhere.
#[inline(always)]
unsafe fn store_part<S: Simd, const ROWS: usize, const PANELS: usize>(
	t: &Tile,
	sums: &Sums<S, ROWS, PANELS>,
) {
	let mut lanes = [0f32; 64];
	// SAFETY: a vector has at most 16 lanes; only `columns` columns of the output are touched.
	unsafe {
		for (r, row) in sums.iter().enumerate() {
			for (i, &sum) in row.iter().flatten().enumerate() {
				let start = i * S::LANES;
				if start >= t.columns {
					break;
				}
				let count = (t.columns - start).min(S::LANES);
				let out = t.out.add(r * t.out_step + start);
				if count == S::LANES {
					finish::<S>(t, out, sum, [r, start]);
					continue;
				}
				S::store(lanes.as_mut_ptr(), sum);
				for (lane, &sum) in lanes.iter().enumerate().take(count) {
					let out = out.add(lane);
					let mut x = if t.first { sum } else { *out + sum };
					if t.last {
						match t.bias {
							TileBias::None => {},
							TileBias::Row(bias) => x += *bias.add(r),
							TileBias::Column(bias) => x += *bias.add(start + lane),
						}
						x = canonical(x);
					}
					*out = x;
				}
			}
		}
	}
}

/// Puts the sums of a vector of a row to their place in the output.
#[inline(always)]
unsafe fn finish<S: Simd>(t: &Tile, out: *mut f32, sum: S::V, [row, column]: [usize; 2]) {
	// SAFETY: the caller's promise: the output and a bias hold a vector there.
	unsafe {
		let mut x = sum;
		if !t.first {
			x = S::add(S::load(out), x);
		}
		if t.last {
			match t.bias {
				TileBias::None => {},
				TileBias::Row(bias) => x = S::add(x, S::splat(*bias.add(row))),
				TileBias::Column(bias) => x = S::add(x, S::load(bias.add(column))),
			}
			x = S::canonical(x);
		}
		S::store(out, x);
	}
}
