//! Going through an output in order while following operands with strides of their own.

/// Most outer dimensions that a cursor follows: those of an op.
const OUTER: usize = 8;

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

	/// Whether a cursor can follow it.
	pub(crate) fn is_short(&self) -> bool {
		self.dims.len() <= OUTER
	}

	/// One run of `len` elements.
	pub(crate) fn flat(len: usize, step: [isize; N]) -> Walk<N> {
		Walk { dims: Vec::new(), strides: Vec::new(), inner: len.max(1), step }
	}

	/// Rows of `len` elements; between rows, operands advance by `strides`.
	pub(crate) fn rows(len: usize, step: [isize; N], strides: [isize; N]) -> Walk<N> {
		Walk { dims: vec![usize::MAX], strides: vec![strides], inner: len, step }
	}

	/// Whether this walks rows of `len` elements with this step, the first operand advancing by
	/// `stride` from one to the next.
	pub(crate) fn is_rows(&self, len: usize, step: isize, stride: isize) -> bool {
		let strides = match (&self.dims[..], &self.strides[..]) {
			([], _) => true,
			([_], [strides]) => strides[0] == stride,
			_ => false,
		};
		self.inner == len && self.step[0] == step && strides
	}

	/// The operand's first element for `start..start + len`, if that is one run.
	pub(crate) fn place_of_run(&self, start: usize, len: usize) -> Option<usize> {
		if start % self.inner + len > self.inner {
			return None;
		}
		let mut first = 0;
		self.runs(start, 1, |_, _, places| first = places[0] as usize);
		Some(first)
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

	/// The runs of neighbours inside `start..start + len`, in order.
	///
	/// For loops that must be compiled for one instruction set: a closure given to [`Walk::runs`]
	/// may become a function of its own, which would be compiled for the oldest processor.
	#[inline(always)]
	pub(crate) fn cursor(&self, start: usize, len: usize) -> Cursor<'_, N> {
		let (mut rest, column) = match start {
			0 => (0, 0),
			_ => (start / self.inner, start % self.inner),
		};
		let mut at = [0usize; OUTER];
		let mut base = [0isize; N];
		if rest > 0 {
			for d in (0..self.dims.len()).rev() {
				at[d] = rest % self.dims[d];
				rest /= self.dims[d];
				advance(&mut base, &self.strides[d], at[d] as isize);
			}
		}
		Cursor { walk: self, at, base, column, done: 0, len }
	}

	/// Calls `visit(at, run, places)` for every run of [`Walk::cursor`].
	#[inline(always)]
	pub(crate) fn runs(
		&self,
		start: usize,
		len: usize,
		mut visit: impl FnMut(usize, usize, [isize; N]),
	) {
		let mut cursor = self.cursor(start, len);
		while let Some((at, run, places)) = cursor.next() {
			visit(at, run, places);
		}
	}
}

/// Where a walk has come to.
pub(crate) struct Cursor<'a, const N: usize> {
	walk: &'a Walk<N>,
	at: [usize; OUTER],
	base: [isize; N],
	column: usize,
	done: usize,
	len: usize,
}

impl<const N: usize> Cursor<'_, N> {
	/// The next run: where it begins, counted from the start, its length, and the operands' elements
	/// for its first element.
	#[inline(always)]
	pub(crate) fn next(&mut self) -> Option<(usize, usize, [isize; N])> {
		if self.done >= self.len {
			return None;
		}
		let walk = self.walk;
		let run = (walk.inner - self.column).min(self.len - self.done);
		let mut places = self.base;
		advance(&mut places, &walk.step, self.column as isize);
		let begin = self.done;
		self.done += run;
		self.column = 0;
		if self.done < self.len {
			for d in (0..walk.dims.len()).rev() {
				self.at[d] += 1;
				advance(&mut self.base, &walk.strides[d], 1);
				if self.at[d] < walk.dims[d] {
					break;
				}
				self.at[d] = 0;
				advance(&mut self.base, &walk.strides[d], -(walk.dims[d] as isize));
			}
		}
		Some((begin, run, places))
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
