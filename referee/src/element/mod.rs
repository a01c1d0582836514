//! The value of one output element: the specification of every op.
//!
//! The functions here are written once over [`Arith`] and a [`Reader`]. With [`crate::Soft`] and a
//! reader of authenticated chunks they are the judge of disputes; with native floats and a reader
//! of tensors in memory they are the engine's fallback and what its kernels are tested against.

mod contract;
mod map;
mod movement;
mod recur;
mod reduce;
mod selection;

use crate::{canonical, Arith, OpKind, OpRecord, Operand, Reader, Shape};

/// Computes element `index` (row-major) of the output of `op`, as canonical bits.
///
/// Total for every record that [`OpRecord::validate`] accepts and every index below the output's
/// element count: it reads only elements inside the operands, and whatever bits it reads give a
/// result. For an index beyond the output, or a record that breaks its rules, the result has no
/// meaning and arithmetic may overflow.
///
/// # Errors
/// Only those of the reader.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // Rows of two elements, `[2, 2]`, plus one of its own for each row, `[2, 1]`.
/// let operand = |dims| Shape::new(dims).map(|shape| Operand::input(0, DType::I32, shape));
/// let operands = [operand(&[2, 2])?, operand(&[2, 1])?];
/// let op = OpRecord::new(OpKind::Binary(BinaryFn::Add), DType::I32, operands[0].shape, operands);
/// let bytes = |x: &[i32]| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
/// let (rows, addends) = (bytes(&[1, 2, 3, 4]), bytes(&[10, 20]));
/// let mut reader = TensorReader::new(&op, &[&rows, &addends]);
/// // The last element: second row, second column.
/// assert_eq!(element::<Soft, _>(&op, 3, &mut reader)?, 4 + 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn element<A: Arith, R: Reader>(
	op: &OpRecord,
	index: u64,
	reader: &mut R,
) -> Result<u64, R::Error> {
	let bits = match op.kind {
		OpKind::Strided { offset, strides } => {
			movement::strided(op, offset, &strides, index, reader)?
		},
		OpKind::Pad { before, fill } => movement::pad(op, &before, fill, index, reader)?,
		OpKind::Concat { axis } => movement::concat(op, axis.into(), index, reader)?,
		OpKind::Gather { axis } => movement::gather(op, axis.into(), index, reader)?,
		OpKind::Unfold { .. } => movement::unfold(op, index, reader)?,
		OpKind::Pack => movement::pack(op, index, reader)?,
		OpKind::Unary(function) => map::unary::<A>(function, dtype(op, 0), reader.read(0, index)?),
		OpKind::Cast => map::cast::<A>(dtype(op, 0), op.dtype, reader.read(0, index)?),
		OpKind::RoundTo { format, overflow } => {
			format.round(overflow, reader.read(0, index)? as u32).into()
		},
		OpKind::Binary(function) => {
			let at = op.shape.unravel(index);
			let a = reader.read(0, broadcast(view(op, 0), &at))?;
			let b = reader.read(1, broadcast(view(op, 1), &at))?;
			map::binary::<A>(function, dtype(op, 0), a, b)
		},
		OpKind::Select => {
			let at = op.shape.unravel(index);
			let condition = reader.read(0, broadcast(view(op, 0), &at))?;
			let branch = if condition != 0 { 1 } else { 2 };
			reader.read(branch, broadcast(view(op, branch), &at))?
		},
		OpKind::MatMul { bias } => contract::matmul::<A, R>(op, bias, index, reader)?,
		OpKind::MatMulInteger => contract::matmul_integer(op, index, reader)?,
		OpKind::Reduce(function) => reduce::reduce::<A, R>(op, function, index, reader)?,
		OpKind::ArgMax => reduce::arg_max::<A, R>(op, index, reader)?,
		OpKind::Scatter(function) => selection::scatter::<A, R>(op, function, index, reader)?,
		OpKind::TopK { largest } => selection::top_k(op, largest, index, reader)?,
		OpKind::Conv(conv) => contract::conv::<A, R>(op, &conv, index, reader)?,
		OpKind::Pool(pool) => reduce::pool::<A, R>(op, &pool, index, reader)?,
		OpKind::Map(steps) => map::map::<A, R>(op, &steps, index, reader)?,
		OpKind::MapReduce { function, k, steps } => {
			reduce::map_reduce::<A, R>(op, (function, k, &steps), index, reader)?
		},
		OpKind::Recur { cell } => recur::recur::<A, R>(op, cell, index, reader)?,
	};
	let own = op.own_dtype();
	let bits = canonical(own, bits);
	match (&op.epilogue, op.kind.own_operands()) {
		(Some(steps), Some(first)) => {
			let bits = map::epilogue::<A, R>(op, steps, ((own, bits), first), index, reader)?;
			Ok(canonical(op.dtype, bits))
		},
		_ => Ok(bits),
	}
}

/// The view of an operand; a scalar where the record has no such operand.
fn view(op: &OpRecord, operand: usize) -> &Shape {
	op.operands.get(operand).map_or(&Shape::SCALAR, |operand| &operand.shape)
}

/// The element type of an operand.
fn dtype(op: &OpRecord, operand: usize) -> crate::DType {
	op.operands.get(operand).map_or(op.dtype, |operand: &Operand| operand.dtype)
}

/// Size of a dimension; 1 beyond the rank.
fn dim(shape: &Shape, at: usize) -> u64 {
	shape.dims().get(at).map_or(1, |&dim| dim.into())
}

/// Index of the element at the coordinates `at`, where dimensions of 1 are repeated.
fn broadcast(shape: &Shape, at: &[u64; crate::MAX_RANK]) -> u64 {
	let dims = shape.dims().iter().map(|&dim| u64::from(dim));
	dims.zip(at).fold(0, |index, (dim, &c)| index * dim + if dim == 1 { 0 } else { c })
}

#[cfg(test)]
mod tests;
