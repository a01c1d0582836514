//! Programs: a header and up to [`MAX_OPS`] ops in SSA form with static shapes.
//!
//! The encoding is a sequence of 1,024-byte records (so that each is one BLAKE3 chunk): record 0
//! is the header, record `i + 1` is op `i`. The BLAKE3 hash of these is the program's root. See
//! [`codec`] for the fields, and for the records behind them of a program with many inputs or outputs.

pub mod bound;
pub mod check;
pub mod codec;
pub mod conv;
pub mod cost;
pub mod header;
pub mod map;
pub mod pool;
pub mod record;
pub mod recur;
mod rules;
mod size;

use self::bound::{leaf_bound, LeafBound, Place};
use self::codec::FormatError;
use self::record::OpRecord;
use crate::{tree, DType, Root, Shape};
use alloc::vec::Vec;

/// Most ops in a program.
pub const MAX_OPS: u32 = 1024;

/// Bytes of one encoded record.
pub const RECORD_BYTES: usize = 1024;

/// Inputs, outputs and weights start at multiples of this many bytes.
pub const ALIGN: u64 = 64;

/// Most declared inputs, and most declared outputs.
pub const MAX_PORTS: usize = 512;

/// Most records of a table of ports.
pub const MAX_TABLE_RECORDS: u32 = 36;

/// Bytes of the longest encoded program.
pub const MAX_PROGRAM_BYTES: usize =
	(1 + MAX_OPS as usize + MAX_TABLE_RECORDS as usize) * RECORD_BYTES;

/// Type and shape of a declared input or output.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TensorSpec {
	/// Type of the elements.
	pub dtype: DType,
	/// Shape of the tensor.
	pub shape: Shape,
}

impl TensorSpec {
	/// A tensor of this type and shape.
	pub const fn new(dtype: DType, shape: Shape) -> TensorSpec {
		TensorSpec { dtype, shape }
	}

	/// Bytes of the tensor.
	pub fn bytes(&self) -> u64 {
		self.shape.bytes(self.dtype)
	}
}

/// Where each of several tensors lies in one byte string.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
	/// Byte offset of each tensor, a multiple of [`ALIGN`].
	pub offsets: Vec<u64>,
	/// Bytes up to the end of the last tensor; 0 when there are none.
	pub total_len: u64,
}

impl Layout {
	/// Lays out tensors of these byte lengths one after another, each at the next multiple of
	/// [`ALIGN`]; the gaps between them hold zeros. Saturates at `u64::MAX`.
	pub fn new(lengths: impl IntoIterator<Item = u64>) -> Layout {
		let mut layout = Layout::default();
		for length in lengths {
			let offset = align(layout.total_len);
			layout.offsets.push(offset);
			layout.total_len = offset.saturating_add(length);
		}
		layout
	}
}

/// The next multiple of [`ALIGN`] at or above `offset`, saturating at the largest one.
pub(crate) const fn align(offset: u64) -> u64 {
	offset.saturating_add(ALIGN - 1) & !(ALIGN - 1)
}

/// What a program declares about itself: record 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
	/// Number of ops, 1 to [`MAX_OPS`].
	pub n_ops: u32,
	/// Bytes of the weights object.
	pub weights_len: u64,
	/// Inputs of a job, at most [`MAX_PORTS`].
	pub inputs: Vec<TensorSpec>,
	/// Outputs, 1 to [`MAX_PORTS`].
	pub outputs: Vec<TensorSpec>,
}

impl Header {
	/// Where each input lies in a job's input bytes.
	pub fn input_layout(&self) -> Layout {
		Layout::new(self.inputs.iter().map(TensorSpec::bytes))
	}

	/// Where each output lies in a job's output bytes.
	pub fn output_layout(&self) -> Layout {
		Layout::new(self.outputs.iter().map(TensorSpec::bytes))
	}
}

/// A program: what the chain registers and engines execute.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // y = tanh(x + w), where w are the weights.
/// let shape = Shape::new(&[10])?;
/// let (x, w) = (Operand::input(0, DType::F32, shape), Operand::weight(0, DType::F32, shape));
/// let sum = OpRecord::new(OpKind::Binary(BinaryFn::Add), DType::F32, shape, [x, w]);
/// let summed = Operand::op(0, DType::F32, shape);
/// let tanh = OpRecord::new(OpKind::Unary(UnaryFn::Tanh), DType::F32, shape, [summed]);
/// let port = TensorSpec::new(DType::F32, shape);
/// let program = Program::new(40, vec![port], vec![port], vec![sum, tanh]);
/// program.check()?;
/// // One record for the header and one for each op: what the chain registers.
/// assert_eq!(program.encode()?.len(), 3 * RECORD_BYTES);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
	/// Sizes, inputs and outputs.
	pub header: Header,
	/// Ops in order of execution; the last one produces the output.
	pub ops: Vec<OpRecord>,
}

impl Program {
	/// A program of these parts, with the op count filled in; nothing is checked.
	pub fn new(
		weights_len: u64,
		inputs: Vec<TensorSpec>,
		outputs: Vec<TensorSpec>,
		ops: Vec<OpRecord>,
	) -> Program {
		let n_ops = u32::try_from(ops.len()).unwrap_or(u32::MAX);
		Program { header: Header { n_ops, weights_len, inputs, outputs }, ops }
	}

	/// BLAKE3 hash of the encoding, without the table of ports (see [`codec::committed`]).
	///
	/// # Errors
	/// The program has no encoding (see [`Program::encode`]).
	pub fn root(&self) -> Result<Root, FormatError> {
		Ok(codec::program_root(&self.encode()?))
	}

	/// Identity of the model made of this program and the weights with root `weights_root`.
	///
	/// # Errors
	/// As [`Program::root`].
	pub fn model_id(&self, weights_root: &Root) -> Result<Root, FormatError> {
		Ok(model_id(&self.root()?, weights_root))
	}

	/// Bytes of trace tensor `entry`, the output of that op; `None` when there is no such op.
	pub fn entry_len(&self, entry: u32) -> Option<u64> {
		self.ops.get(entry as usize).map(OpRecord::bytes)
	}

	/// Where the op with this index stands.
	pub fn place(&self, entry: u32) -> Place {
		Place {
			entry,
			n_ops: self.header.n_ops,
			weights_len: self.header.weights_len,
			input_len: self.header.input_layout().total_len,
		}
	}

	/// The op whose elements cost the most to judge, and what one costs at most: most terms, then most
	/// bytes, then most spans, then the longest proof; of equals the first. `None` without ops.
	pub fn worst_leaf(&self) -> Option<(u32, LeafBound)> {
		let cost = |bound: &LeafBound| (bound.terms, bound.bytes, bound.spans, bound.proof);
		let bounds = (0..).zip(&self.ops).map(|(i, op)| (i, leaf_bound(op, &self.place(i))));
		bounds.reduce(|worst, next| if cost(&next.1) > cost(&worst.1) { next } else { worst })
	}

	/// Cost of one execution: the sum of the ops' [`bound::units`], saturating.
	pub fn units(&self) -> u64 {
		self.ops.iter().fold(0, |sum, op| sum.saturating_add(bound::units(op)))
	}
}

/// Identity of a model: BLAKE3 of `"assay/model/v1"`, the program's root and the weights' root.
pub fn model_id(program_root: &Root, weights_root: &Root) -> Root {
	let mut bytes = Vec::with_capacity(14 + 64);
	bytes.extend_from_slice(b"assay/model/v1");
	bytes.extend_from_slice(program_root);
	bytes.extend_from_slice(weights_root);
	tree::hash(&bytes)
}

#[cfg(test)]
mod complete;
#[cfg(test)]
mod tests;
