//! What is multiplied with what.

use super::{Image, PackedLhs, PackedRhs, RowPanels};

/// Where the entries of a batch lie: entry `b` starts at `b / inner * outer + b % inner * near`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entries {
	pub(crate) inner: usize,
	pub(crate) near: usize,
	pub(crate) outer: usize,
}

/// A batch of matrices inside a tensor; the elements of a row are neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
	pub(crate) data: &'a [f32],
	/// Floats from a row to the next.
	pub(crate) step: usize,
	pub(crate) entries: Entries,
}

impl<'a> Matrix<'a> {
	/// `[batches, rows, columns]`; `None` when `data` is something else.
	pub(crate) fn dense(
		data: &'a [f32],
		[batches, rows, columns]: [usize; 3],
	) -> Option<Matrix<'a>> {
		let entries = Entries { inner: 1, near: 0, outer: rows * columns };
		(data.len() == batches * rows * columns).then_some(Matrix { data, step: columns, entries })
	}

	/// One matrix whose rows of `columns` elements follow each other in `data`.
	pub(crate) fn single(data: &'a [f32], columns: usize) -> Matrix<'a> {
		let entries = Entries { inner: 1, near: 0, outer: data.len() };
		Matrix { data, step: columns, entries }
	}

	/// The first element of an entry.
	#[inline(always)]
	pub(crate) fn start(&self, batch: usize) -> usize {
		let Entries { inner, near, outer } = self.entries;
		batch / inner * outer + batch % inner * near
	}

	/// The rows of entry `batch` from `row` on, from element `column` on: at least
	/// `(rows - 1) * step + columns` floats.
	#[inline(always)]
	pub(crate) fn part(
		&self,
		batch: usize,
		row: usize,
		column: usize,
		[rows, columns]: [usize; 2],
	) -> &'a [f32] {
		let start = self.start(batch) + row * self.step + column;
		&self.data[start..start + (rows - 1) * self.step + columns]
	}
}

/// The left operand, `[batches, m, k]`.
#[derive(Clone, Copy)]
pub(crate) enum Lhs<'a> {
	Rows(Matrix<'a>),
	Packed(&'a PackedLhs),
	/// m windows of k elements.
	Image(&'a Image<'a>),
	/// The same, read where they are; one group, padded with zeros.
	Windows(&'a Image<'a>),
}

/// The right operand, `[batches, n, k]`.
#[derive(Clone, Copy)]
pub(crate) enum Rhs<'a> {
	/// n rows of k elements.
	Rows(Matrix<'a>),
	/// The other way round: k rows of n elements.
	Lines(Matrix<'a>),
	Packed(&'a PackedRhs),
	Image(&'a Image<'a>),
}

/// What is added once at the end.
#[derive(Clone, Copy)]
pub(crate) enum BiasRef<'a> {
	None,
	/// `[m]`, or `[lhs batches, m]`.
	Row(&'a [f32]),
	/// `[n]`, or `[rhs batches, n]`.
	Column(&'a [f32]),
}

/// `out[b][i][j] = Σ_t lhs[b % lhs_batches][i][t] * rhs[b % rhs_batches][j][t] + bias`.
///
/// The output is `[batch, n / entry, m, entry]`: matrices that share a left operand are computed as the
/// columns of one and lie one after another all the same.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
	pub(crate) batch: usize,
	pub(crate) m: usize,
	pub(crate) n: usize,
	pub(crate) k: usize,
	pub(crate) lhs: Lhs<'a>,
	pub(crate) lhs_batches: usize,
	pub(crate) rhs: Rhs<'a>,
	pub(crate) rhs_batches: usize,
	/// Columns that lie side by side: n, or a divisor of it that is whole panels.
	pub(crate) entry: usize,
	pub(crate) bias: BiasRef<'a>,
}

impl<'a> Problem<'a> {
	/// A problem with the same result that is easier.
	pub(super) fn simplified(self) -> Problem<'a> {
		self.with_joined_rows().with_matrix_for_image()
	}

	/// The panels that the rows are worked at in.
	pub(super) fn row_panels(&self, max_rows: usize) -> RowPanels {
		match self.lhs {
			Lhs::Windows(image) => image.window_panels(max_rows),
			_ => RowPanels::new(self.m, max_rows),
		}
	}

	/// One right operand for all: batches of rows are just more rows.
	fn with_joined_rows(self) -> Problem<'a> {
		let Lhs::Rows(rows) = self.lhs else { return self };
		let dense = Entries { inner: 1, near: 0, outer: self.m * rows.step };
		if self.batch > 1
			&& self.rhs_batches == 1
			&& self.lhs_batches == self.batch
			&& rows.entries == dense
			&& !matches!(self.bias, BiasRef::Row(_))
		{
			return Problem { batch: 1, lhs_batches: 1, m: self.m * self.batch, ..self };
		}
		self
	}

	/// Windows of one pixel that cover an image are the image.
	fn with_matrix_for_image(self) -> Problem<'a> {
		let Rhs::Image(image) = self.rhs else { return self };
		if image.channels_last || !image.is_pixels() {
			return self;
		}
		let entries = Entries { inner: 1, near: 0, outer: self.k * self.n };
		let matrix = Matrix { data: image.data, step: self.n, entries };
		Problem { rhs: Rhs::Lines(matrix), ..self }
	}

	/// The end of the columns that lie side by side with this one.
	#[inline(always)]
	pub(super) fn entry_end(&self, column: usize) -> usize {
		column - column % self.entry + self.entry
	}

	/// Where element `[row, column]` of entry `batch` is in the output.
	#[inline(always)]
	pub(super) fn place(&self, batch: usize, row: usize, column: usize) -> usize {
		let before = batch * self.n + column - column % self.entry;
		before * self.m + row * self.entry + column % self.entry
	}

	/// The bias of the columns of entry `batch` from `column` on.
	#[inline(always)]
	pub(super) fn column_bias(&self, batch: usize, column: usize) -> Option<&'a [f32]> {
		let BiasRef::Column(bias) = self.bias else { return None };
		Some(&bias[(batch % self.rhs_batches * self.n + column) % bias.len()..])
	}

	/// The bias of the rows of entry `batch`.
	pub(super) fn row_bias(&self, batch: usize) -> Option<&'a [f32]> {
		let BiasRef::Row(bias) = self.bias else { return None };
		let start = if bias.len() == self.m { 0 } else { batch % self.lhs_batches * self.m };
		Some(&bias[start..start + self.m])
	}
}
