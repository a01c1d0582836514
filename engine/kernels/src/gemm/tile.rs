//! The register tile: up to 14 rows by two vectors of output elements, all of one block of k.
//!
//! Lanes are output elements, so every element sees its own terms in ascending order: one fused
//! multiply-add chain from +0 per block of 256, and block sums added ascending in the output.

use crate::simd::{canonical, Simd};

/// Vectors per panel of columns.
pub(crate) const PANEL_VECTORS: usize = 2;

/// The bias addition of a tile's last block; pointers are to the tile's first row or column.
#[derive(Clone, Copy)]
pub(crate) enum TileBias {
	None,
	Row(*const f32),
	Column(*const f32),
}

/// One tile of work.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
	/// Left side, `[terms][rows]`; 1 to 256 terms.
	pub(crate) lhs: &'a [f32],
	/// Right side, panels of `[terms][2 * LANES]`, aligned for the vectors.
	pub(crate) rhs: *const f32,
	/// Floats from one panel of the right side to the next.
	pub(crate) rhs_step: usize,
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

/// Most panels that one call handles for a tile of `rows` rows: few rows need several panels to
/// keep enough independent chains in flight.
pub(crate) const fn panels_per_tile(rows: usize) -> usize {
	match rows {
		1 => 4,
		2 => 2,
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
	// SAFETY: the caller's promise.
	unsafe {
		match (rows, panels) {
			(1, 4) => block::<S, 1, 4>(tile),
			(1, _) => block::<S, 1, 1>(tile),
			(2, 2) => block::<S, 2, 2>(tile),
			(2, _) => block::<S, 2, 1>(tile),
			(3, _) => block::<S, 3, 1>(tile),
			(4, _) => block::<S, 4, 1>(tile),
			(5, _) if S::MAX_ROWS >= 5 => block::<S, 5, 1>(tile),
			(6, _) if S::MAX_ROWS >= 6 => block::<S, 6, 1>(tile),
			(7, _) if S::MAX_ROWS >= 7 => block::<S, 7, 1>(tile),
			(8, _) if S::MAX_ROWS >= 8 => block::<S, 8, 1>(tile),
			(9, _) if S::MAX_ROWS >= 9 => block::<S, 9, 1>(tile),
			(10, _) if S::MAX_ROWS >= 10 => block::<S, 10, 1>(tile),
			(11, _) if S::MAX_ROWS >= 11 => block::<S, 11, 1>(tile),
			(12, _) if S::MAX_ROWS >= 12 => block::<S, 12, 1>(tile),
			(13, _) if S::MAX_ROWS >= 13 => block::<S, 13, 1>(tile),
			(14, _) if S::MAX_ROWS >= 14 => block::<S, 14, 1>(tile),
			_ => debug_assert!(false, "no tile of {rows} rows"),
		}
	}
}

#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const PANELS: usize>(t: &Tile<'_>) {
	// SAFETY: the caller's promise.
	unsafe {
		let sums = multiply::<S, ROWS, PANELS>(t);
		if t.columns == PANELS * PANEL_VECTORS * S::LANES {
			store_full::<S, ROWS, PANELS>(t, &sums);
		} else {
			store_part::<S, ROWS, PANELS>(t, &sums);
		}
	}
}

/// The sums of one tile, in registers.
#[inline(always)]
unsafe fn multiply<S: Simd, const ROWS: usize, const PANELS: usize>(
	t: &Tile<'_>,
) -> Sums<S, ROWS, PANELS> {
	// SAFETY: the caller's promise: panels hold as many terms as `lhs`, 2 vectors each.
	unsafe {
		let mut sums = [[[S::splat(0.0); PANEL_VECTORS]; PANELS]; ROWS];
		let (terms, _) = t.lhs.as_chunks::<ROWS>();
		let mut rhs = t.rhs;
		// Chunks of fixed length and wrapping pointers: a check in this loop would force the sums
		// out of their registers.
		for lhs in terms {
			let mut b = [[S::splat(0.0); PANEL_VECTORS]; PANELS];
			for (p, panel) in b.iter_mut().enumerate() {
				for (v, lanes) in panel.iter_mut().enumerate() {
					*lanes = S::load_aligned(rhs.wrapping_add(p * t.rhs_step + v * S::LANES));
				}
			}
			for (row, &a) in sums.iter_mut().zip(lhs) {
				let a = S::splat(a);
				for (sum, b) in row.iter_mut().zip(&b) {
					for (sum, &b) in sum.iter_mut().zip(b) {
						*sum = S::fma(a, b, *sum);
					}
				}
			}
			rhs = rhs.wrapping_add(PANEL_VECTORS * S::LANES);
		}
		sums
	}
}

type Sums<S, const ROWS: usize, const PANELS: usize> =
	[[[<S as Simd>::V; PANEL_VECTORS]; PANELS]; ROWS];

#[inline(always)]
unsafe fn store_full<S: Simd, const ROWS: usize, const PANELS: usize>(
	t: &Tile<'_>,
	sums: &Sums<S, ROWS, PANELS>,
) {
	// SAFETY: the caller's promise: the output holds ROWS rows of full panels.
	unsafe {
		for (r, row) in sums.iter().enumerate() {
			for (i, &sum) in row.iter().flatten().enumerate() {
				let out = t.out.add(r * t.out_step + i * S::LANES);
				let mut x = sum;
				if !t.first {
					x = S::add(S::load(out), x);
				}
				if t.last {
					match t.bias {
						TileBias::None => {},
						TileBias::Row(bias) => x = S::add(x, S::splat(*bias.add(r))),
						TileBias::Column(bias) => x = S::add(x, S::load(bias.add(i * S::LANES))),
					}
					x = S::canonical(x);
				}
				S::store(out, x);
			}
		}
	}
}

/// The same for a tile at the right edge: lanes beyond the last column go nowhere.
#[inline(always)]
unsafe fn store_part<S: Simd, const ROWS: usize, const PANELS: usize>(
	t: &Tile<'_>,
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
				S::store(lanes.as_mut_ptr(), sum);
				for (lane, &sum) in lanes.iter().enumerate().take((t.columns - start).min(S::LANES))
				{
					let out = t.out.add(r * t.out_step + start + lane);
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
