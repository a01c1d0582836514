//! Transposition of floats, term by term.

use crate::cpu::simd::Simd;

/// Floats that may be written beyond the end.
pub(crate) const SLACK: usize = 32;

/// Writes `out[t][r] = source[r][t]` for `rows` rows `step` floats apart and `terms` terms; rows
/// of `out` are `width` floats and filled up with zeros.
#[inline(always)]
pub(crate) fn transpose(
	source: &[f32],
	step: usize,
	rows: usize,
	terms: usize,
	out: &mut [f32],
	width: usize,
) {
	debug_assert!(rows <= width && out.len() >= terms * width);
	let out = &mut out[..terms * width];
	if rows < width {
		out.fill(0.0);
	}
	// Eight terms at a time keep the written lines in the first-level cache.
	for (chunk, out) in out.chunks_mut(8 * width).enumerate() {
		let from = chunk * 8;
		let count = out.len() / width;
		for r in 0..rows {
			let line = &source[r * step + from..][..count];
			for (t, &x) in line.iter().enumerate() {
				out[t * width + r] = x;
			}
		}
	}
}

/// As [`transpose`], with vectors; may write up to [`SLACK`] floats beyond the end of `out`'s part.
#[inline(always)]
pub(crate) fn transpose_with<S: Simd>(
	source: &[f32],
	step: usize,
	rows: usize,
	terms: usize,
	out: &mut [f32],
	width: usize,
) {
	assert!(rows <= width && (rows.max(1) - 1) * step + terms <= source.len());
	assert!(S::LANES <= SLACK && out.len() >= terms * width + SLACK);
	let whole = terms / S::LANES * S::LANES;
	for t in (0..whole).step_by(S::LANES) {
		// The last rows first: what they write too much is overwritten by the first rows of the
		// next terms.
		for group in (0..width.div_ceil(S::LANES)).rev() {
			let first = group * S::LANES;
			let count = rows.saturating_sub(first).min(S::LANES);
			let from = if count == 0 { 0 } else { first * step + t };
			// SAFETY: `count` rows of LANES terms lie inside `source`; the last line written ends
			// less than LANES floats after `terms * width`.
			unsafe {
				let to = out.as_mut_ptr().add(t * width + first);
				S::transpose(source.as_ptr().add(from), step, count, to, width);
			}
		}
	}
	for t in whole..terms {
		let line = &mut out[t * width..][..width];
		for (r, x) in line[..rows].iter_mut().enumerate() {
			*x = source[r * step + t];
		}
		line[rows..].fill(0.0);
	}
}

/// As [`transpose_with`], to lines `width` floats apart of which only the `rows` floats are written.
///
/// # Safety
/// There is room for them at `out`, which nobody else uses. S must be enabled.
#[inline(always)]
pub(crate) unsafe fn transpose_to<S: Simd>(
	source: &[f32],
	step: usize,
	rows: usize,
	terms: usize,
	out: *mut f32,
	width: usize,
) {
	assert!((rows.max(1) - 1) * step + terms <= source.len());
	let mut square = [0f32; 16 * 16];
	const { assert!(S::LANES <= 16) };
	// Vectors of terms; the last one anew from where it is whole, and if there is none, term by term.
	let starts = (0..terms).step_by(S::LANES).map(|t| t.min(terms.saturating_sub(S::LANES)));
	for first in (0..rows).step_by(S::LANES) {
		let count = (rows - first).min(S::LANES);
		// SAFETY: `count` rows of LANES terms lie inside `source`; of the output only these rows are written.
		unsafe {
			if terms < S::LANES {
				for (t, r) in (0..terms).flat_map(|t| (first..first + count).map(move |r| (t, r))) {
					*out.add(t * width + r) = source[r * step + t];
				}
				continue;
			}
			for t in starts.clone() {
				let from = source.as_ptr().add(first * step + t);
				let to = out.add(t * width + first);
				if count == S::LANES {
					S::transpose(from, step, count, to, width);
					continue;
				}
				S::transpose(from, step, count, square.as_mut_ptr(), S::LANES);
				for (i, line) in square.chunks_exact(S::LANES).take(S::LANES).enumerate() {
					S::store_first(to.add(i * width), S::load(line.as_ptr()), count);
				}
			}
		}
	}
}
