//! Splits what exceeds the limits of one element into parts, in one written order.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn, MAX_RANK, MAX_TERMS};

use crate::build::{lowest, Builder};
use crate::error::{Failure, Result};
use crate::value::{check_dims, strides, Value};

/// Elements that the first step of a long ArgMax looks at together.
const BLOCK: u32 = 1024;

impl Builder {
	/// `len` entries of an axis from `start` on.
	pub(crate) fn part(&mut self, x: &Value, at: usize, start: u32, len: u32) -> Result<Value> {
		let steps = strides(&x.dims);
		let mut dims = x.dims.clone();
		dims[at] = len;
		self.strided(x, dims, u64::from(start) * steps[at] as u64, &steps)
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
		let k = a.dims[2];
		let mut sum: Option<Value> = None;
		for start in (0..k).step_by(MAX_TERMS as usize) {
			let len = (k - start).min(MAX_TERMS as u32);
			let (a, b) = (self.part(a, 2, start, len)?, self.part(b, 2, start, len)?);
			let product = self.matmul(a, b, None, batch)?;
			sum = Some(match sum {
				None => product,
				Some(sum) => self.binary(BinaryFn::Add, &sum, &product)?,
			});
		}
		let sum = sum.ok_or_else(|| Failure::invalid("its contracted dimension is empty"))?;
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
		let blocks = k.div_ceil(BLOCK);
		let padded = vec![rows, blocks * BLOCK];
		check_dims(&padded)?;
		let mut flat = x.view(vec![rows, k])?;
		if flat.dims != padded {
			// Comes last, so that it is never the first largest.
			let kind = OpKind::Pad { before: [0; MAX_RANK], fill: lowest(x.dtype) };
			flat = self.push(kind, x.dtype, padded, vec![flat])?;
		}
		let cut = flat.view(vec![rows, blocks, BLOCK])?;
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
