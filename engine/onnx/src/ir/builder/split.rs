//! Splits what exceeds the limits of one element into parts, in one written order.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn, MAX_RANK, MAX_TERMS};

use super::{last_ascending, Builder};
use crate::{
	dims::{self, strides},
	error::{ErrorKind, Failure, Result},
	ir::Value,
};

/// Elements that the first step of a long ArgMax or TopK looks at together.
const BLOCK: u32 = 1024;

impl Builder {
	/// `len` entries of an axis from `start` on.
	pub(crate) fn part(&mut self, x: &Value, at: usize, start: u32, len: u32) -> Result<Value> {
		let steps = strides(&x.dims);
		let mut dims = x.dims.clone();
		dims[at] = len;
		self.strided(x, dims, u64::from(start) * steps[at] as u64, &steps)
	}

	/// The products of parts of [`MAX_TERMS`] of `k` terms, which `part` gives by their first term and
	/// their number, added in ascending order.
	pub(crate) fn sum_of_parts(
		&mut self,
		k: u32,
		mut part: impl FnMut(&mut Builder, u32, u32) -> Result<Value>,
	) -> Result<Value> {
		let mut sum: Option<Value> = None;
		for start in (0..k).step_by(MAX_TERMS as usize) {
			let product = part(self, start, (k - start).min(MAX_TERMS as u32))?;
			sum = Some(match sum {
				None => product,
				Some(sum) => self.binary(BinaryFn::Add, &sum, &product)?,
			});
		}
		sum.ok_or_else(|| Failure::invalid("its contracted dimension is empty"))
	}

	/// A product whose contracted axis exceeds [`MAX_TERMS`]: the products of parts of
	/// [`MAX_TERMS`] terms, added in ascending order, then the bias.
	pub(crate) fn long_matmul(
		&mut self,
		a: &Value,
		b: &Value,
		bias: Option<(Bias, Value)>,
		batch: u32,
	) -> Result<Value> {
		let sum = self.sum_of_parts(a.dims[2], |builder, start, len| {
			let (a, b) = (builder.part(a, 2, start, len)?, builder.part(b, 2, start, len)?);
			builder.matmul(a, b, None, batch)
		})?;
		let (m, n) = (sum.dims[1], sum.dims[2]);
		match bias {
			None => Ok(sum),
			Some((Bias::Row, bias)) => {
				// One row per matrix of the first operand, which repeat along the batch.
				let matrices = (bias.elements() / u64::from(m)) as u32;
				let bias = bias.view(vec![matrices, m, 1])?;
				let split = sum.view(vec![batch / matrices, matrices, m, n])?;
				self.binary(BinaryFn::Add, &split, &bias)?.view(vec![batch, m, n])
			},
			Some((_, bias)) => self.binary(BinaryFn::Add, &sum, &bias),
		}
	}

	/// `x [rows, k]` in blocks of `size` elements: `[rows, blocks, size]`, filled up with `fill`, which
	/// comes last.
	fn blocks(&mut self, x: &Value, size: u32, fill: u64) -> Result<Value> {
		let (rows, blocks) = (x.dims[0], x.dims[1].div_ceil(size));
		let padded = dims::from_list(&[rows.into(), i64::from(blocks) * i64::from(size)])?;
		let mut x = x.clone();
		if x.dims != padded {
			let kind = OpKind::Pad { before: [0; MAX_RANK], fill };
			x = self.push(kind, x.dtype, padded, vec![x])?;
		}
		x.view(vec![rows, blocks, size])
	}

	/// Indices of the `count` largest or smallest elements of rows `[rows, k]`, as *TopK* has them:
	/// `[rows, count]`. Long rows are cut into blocks; of the first `count` of every block, block after
	/// block, the first `count` are picked. Of equals the one that lies first is before the others in its
	/// block and in this list, as it is in the row.
	pub(crate) fn top_k_last(&mut self, x: &Value, count: u32, largest: bool) -> Result<Value> {
		let &[rows, k] = x.dims.as_slice() else {
			return Err(Failure::invalid("a scalar has no axis"));
		};
		if u64::from(k) <= MAX_TERMS || count == 0 {
			let kind = OpKind::TopK { largest };
			return self.push(kind, DType::I64, vec![rows, count], vec![x.clone()]);
		}
		// Every round leaves a half or less.
		let size = if count <= BLOCK / 4 { BLOCK } else { MAX_TERMS as u32 };
		if count > size / 2 {
			let reason = format!("its k of {count} exceeds {} for an axis of {k}", size / 2);
			return Err(Failure::new(ErrorKind::LeafLimit, reason));
		}
		let last = if largest { ReduceFn::Max.neutral(x.dtype) } else { last_ascending(x.dtype) };
		let cut = self.blocks(x, size, last)?;
		let blocks = cut.dims[1];
		let cut = cut.view(vec![rows * blocks, size])?;
		let inside = self.top_k_last(&cut, count, largest)?;
		let first = self.picked(&cut, &inside)?.view(vec![rows, blocks * count])?;
		let best = self.top_k_last(&first, count, largest)?;
		let inside = self.picked(&inside.view(vec![rows, blocks * count])?, &best)?;
		let block = self.binary(BinaryFn::Div, &best, &Value::scalar(DType::I64, count.into()))?;
		let before = self.binary(BinaryFn::Mul, &block, &Value::scalar(DType::I64, size.into()))?;
		self.binary(BinaryFn::Add, &before, &inside)
	}

	/// The elements of rows `[rows, k]` at indices `[rows, count]` in their row.
	fn picked(&mut self, x: &Value, indices: &Value) -> Result<Value> {
		let (rows, k) = (x.dims[0], i64::from(x.dims[1]));
		self.spend(u64::from(rows) * 8)?;
		let starts: Vec<i64> = (0..rows).map(|row| i64::from(row) * k).collect();
		let starts = Value::list_i64(&starts).view(vec![rows, 1])?;
		let places = self.binary(BinaryFn::Add, indices, &starts)?;
		let flat = x.view(dims::from_list(&[x.elements() as i64])?)?;
		let (kind, dims) = (OpKind::Gather { axis: 0 }, places.dims.clone());
		self.push(kind, x.dtype, dims, vec![flat, places])
	}

	/// Index of the first largest element of the last axis of rows `[.., k]`. Long rows are cut
	/// into blocks: the first block with the largest maximum, then the first largest element in it.
	pub(crate) fn arg_max_last(&mut self, x: &Value) -> Result<Value> {
		let Some((&k, outer)) = x.dims.split_last() else {
			return Err(Failure::invalid("a scalar has no axis"));
		};
		let outer = outer.to_vec();
		if u64::from(k) <= MAX_TERMS {
			return self.push(OpKind::ArgMax, DType::I64, outer, vec![x.clone()]);
		}
		let rows = (x.elements() / u64::from(k)) as u32;
		let cut = self.blocks(&x.view(vec![rows, k])?, BLOCK, ReduceFn::Max.neutral(x.dtype))?;
		let blocks = cut.dims[1];
		let inside = self.arg_max_last(&cut)?;
		let largest = self.reduce_last(ReduceFn::Max, &cut)?;
		let block = self.arg_max_last(&largest)?;
		self.spend(u64::from(rows) * 8)?;
		let starts: Vec<i64> = (0..rows).map(|row| i64::from(row) * i64::from(blocks)).collect();
		let place = self.binary(BinaryFn::Add, &Value::list_i64(&starts), &block)?;
		let operands = vec![inside.view(vec![rows * blocks])?, place];
		let inside = self.push(OpKind::Gather { axis: 0 }, DType::I64, vec![rows], operands)?;
		let size = Value::scalar(DType::I64, BLOCK.into());
		let before = self.binary(BinaryFn::Mul, &block, &size)?;
		self.binary(BinaryFn::Add, &before, &inside)?.view(outer)
	}
}
