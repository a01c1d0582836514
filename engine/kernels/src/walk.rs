//! Going through an output in order while following operands with strides of their own.

/// Rows of an index space, innermost dimension last, with one stride per operand and dimension.
///
/// Dimensions that can be walked as one are merged, so that inner runs are long.
#[derive(Clone, Debug)]
pub(crate) struct Walk<const N: usize> {
	/// Sizes of the outer dimensions.
	dims: Vec<usize>,
	/// Element strides of the outer dimensions.
	strides: Vec<[isize; N]>,
	/// Size of the innermost dimension.
	pub(crate) inner: usize,
	/// Element strides of the innermost dimension.
	pub(crate) step: [isize; N],
}

impl<const N: usize> Walk<N> {
	/// The walk over `dims` with these strides, outermost first.
	pub(crate) fn new(dims: &[u32], strides: &[[isize; N]]) -> Walk<N> {
		let mut merged: Vec<(usize, [isize; N])> = Vec::new();
		for (&dim, &stride) in dims.iter().zip(strides).filter(|(&dim, _)| dim != 1) {
			let dim = dim as usize;
			match merged.last_mut() {
				Some((outer, wide)) if (0..N).all(|n| wide[n] == stride[n] * dim as isize) => {
					*outer *= dim;
					*wide = stride;
				},
				_ => merged.push((dim, stride)),
			}
		}
		let (inner, step) = merged.pop().unwrap_or((1, [1; N]));
		let (dims, strides) = merged.into_iter().unzip();
		Walk { dims, strides, inner, step }
	}

	/// The walk over `dims` for operands of the views `operands`, where dimensions of 1 repeat.
	pub(crate) fn broadcast(dims: &[u32], operands: [&[u32]; N]) -> Walk<N> {
		let mut strides = vec![[0; N]; dims.len()];
		for (n, operand) in operands.iter().enumerate() {
			let mut step = 1;
			for (d, &dim) in operand.iter().enumerate().rev() {
				strides[d][n] = if dim == 1 { 0 } else { step };
				step *= dim as isize;
			}
		}
		Walk::new(dims, &strides)
	}

	/// The innermost outer dimension (size and strides), if there is one.
	pub(crate) fn last_outer(&self) -> Option<(usize, [isize; N])> {
		self.dims.last().copied().zip(self.strides.last().copied())
	}

	/// The walk over what is left without the innermost outer dimension: one step per plane.
	pub(crate) fn planes(&self) -> Walk<N> {
		let keep = self.dims.len().saturating_sub(1);
		Walk {
			dims: self.dims[..keep].to_vec(),
			strides: self.strides[..keep].to_vec(),
			inner: 1,
			step: [0; N],
		}
	}

	/// Calls `visit(at, run, places)` for every run of neighbours inside `start..start + len`: `at`
	/// counts from `start`, `places` are the operands' elements for the run's first element.
	#[inline(always)]
	pub(crate) fn runs(
		&self,
		start: usize,
		len: usize,
		mut visit: impl FnMut(usize, usize, [isize; N]),
	) {
		let mut column = start % self.inner;
		let mut rest = start / self.inner;
		let mut at = [0usize; 8];
		let mut base = [0isize; N];
		for d in (0..self.dims.len()).rev() {
			at[d] = rest % self.dims[d];
			rest /= self.dims[d];
			advance(&mut base, &self.strides[d], at[d] as isize);
		}
		let mut done = 0;
		while done < len {
			let run = (self.inner - column).min(len - done);
			let mut places = base;
			advance(&mut places, &self.step, column as isize);
			visit(done, run, places);
			done += run;
			column = 0;
			for d in (0..self.dims.len()).rev() {
				at[d] += 1;
				advance(&mut base, &self.strides[d], 1);
				if at[d] < self.dims[d] {
					break;
				}
				at[d] = 0;
				advance(&mut base, &self.strides[d], -(self.dims[d] as isize));
			}
		}
	}
}

/// Moves every place by `count` of its strides.
#[inline(always)]
fn advance<const N: usize>(places: &mut [isize; N], strides: &[isize; N], count: isize) {
	for (place, &stride) in places.iter_mut().zip(strides) {
		*place += count * stride;
	}
}

impl Walk<2> {
	/// Exchanges the two operands.
	pub(crate) fn swap(&mut self) {
		self.strides.iter_mut().chain([&mut self.step]).for_each(|stride| stride.swap(0, 1));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn merges_and_visits_in_order() {
		let walk = Walk::<2>::broadcast(&[2, 1, 3, 4], [&[2, 1, 3, 4], &[1, 1, 3, 4]]);
		assert_eq!((walk.inner, walk.step), (12, [1, 1]));
		let walk = Walk::<1>::new(&[3, 4], &[[1], [3]]);
		let mut seen = Vec::new();
		walk.runs(2, 9, |at, run, [place]| {
			assert_eq!(at, seen.len());
			seen.extend((0..run as isize).map(|i| place + i * 3));
		});
		assert_eq!(seen, [6, 9, 1, 4, 7, 10, 2, 5, 8]);
	}
}
