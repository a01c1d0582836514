//! Ops while a model is being compiled.

use assay_referee::{
	leaf_bound, DType, OpKind, OpRecord, Operand, Place, Shape, Source, StepFn, Steps, ALIGN,
	MAX_OPS,
};

use super::value::{Origin, Value};
use crate::{
	dims::Dims,
	error::{Failure, Result},
};

/// The middle of an input as long as any may be, 16 tensors of 1 GiB, or of weights as long: bytes.
const FAR: u64 = 1 << 33;

/// An op whose operands are values rather than places. A recurrence's last operand, which is its
/// own output, is left out: [`own_output`] makes it.
#[derive(Clone, Debug)]
pub(crate) struct Op {
	pub(crate) kind: OpKind,
	pub(crate) dtype: DType,
	pub(crate) dims: Dims,
	pub(crate) operands: Vec<Value>,
	/// An expression that follows, see [`OpRecord::epilogue`].
	pub(crate) epilogue: Option<Steps>,
	/// Index of the ONNX node it comes from.
	pub(crate) node: usize,
}

impl Op {
	/// The record, with every operand at offset 0.
	pub(crate) fn record(&self) -> Result<OpRecord> {
		let operands = self
			.operands
			.iter()
			.map(|value| Ok(Operand::weight(0, value.dtype, shape(&value.dims)?)))
			.collect::<Result<Vec<_>>>()?;
		let shape = shape(&self.dims)?;
		let operands = operands.into_iter().chain(own_output(self.kind, 0, shape));
		let record = OpRecord::new(self.kind, self.dtype, shape, operands.collect::<Vec<_>>());
		Ok(OpRecord { epilogue: self.epilogue, ..record })
	}

	/// Whether every element of its output is a function of the operands' elements there.
	pub(crate) fn is_elementwise(&self) -> bool {
		StepFn::of(self.kind, self.dtype).is_some() || matches!(self.kind, OpKind::Map(_))
	}

	/// Whether the format has this op, and one element may be judged on chain.
	pub(crate) fn is_judged(&self) -> bool {
		let Some(mut record) = self.record().ok().filter(|record| record.validate().is_ok()) else {
			return false;
		};
		// Where the op and its operands will lie is not known yet: where a proof is longest. No trace
		// entry is a neighbour of another one's chunk, and what is read of a constant or an input
		// lies astride of the middle of a large object.
		for (at, (operand, value)) in record.operands.iter_mut().zip(&self.operands).enumerate() {
			let base = (FAR - operand.bytes() / 2) / ALIGN * ALIGN;
			operand.source = match value.origin {
				Origin::Op(_) => Source::Op(64 * at as u32),
				Origin::Input(_) => Source::Input(base),
				Origin::Constant(_) => Source::Weight(base),
			};
		}
		let n_ops = MAX_OPS;
		let place = Place { entry: n_ops - 1, n_ops, weights_len: 2 * FAR, input_len: 2 * FAR };
		leaf_bound(&record, &place).is_within_limits()
	}
}

/// For every op, the live ones that read its output, once for each operand.
pub(crate) fn users(ops: &[Op], live: &[bool]) -> Vec<Vec<usize>> {
	let mut users = vec![Vec::new(); ops.len()];
	for (i, op) in ops.iter().enumerate().filter(|(i, _)| live[*i]) {
		op.operands.iter().filter_map(Value::op).for_each(|j| users[j].push(i));
	}
	users
}

/// The operand by which the op at `index` reads its own output of this shape, if its kind does.
pub(crate) fn own_output(kind: OpKind, index: u32, shape: Shape) -> Option<Operand> {
	matches!(kind, OpKind::Recur { .. }).then(|| Operand::op(index, DType::F32, shape))
}

/// A shape of the program format.
pub(crate) fn shape(dims: &[u32]) -> Result<Shape> {
	Shape::new(dims).map_err(|error| {
		if dims.contains(&0) {
			Failure::unsupported(format!("a tensor of shape {dims:?} is empty"))
		} else {
			Failure::too_large(format!("shape {dims:?}: {error}"))
		}
	})
}
