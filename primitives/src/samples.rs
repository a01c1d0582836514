//! Small well-formed programs for tests and benchmarks.

use alloc::{vec, vec::Vec};
use assay_referee::{
	DType, OpKind, OpRecord, Operand, Program, Shape, Source, TensorSpec, UnaryFn,
};

/// The encoding of a program that negates `elements` 32-bit integers `n_ops` times over.
///
/// Its input and output are `4 * elements` bytes long and it has no weights.
///
/// # Panics
/// When the referee does not accept such a program: `n_ops` or `elements` is zero or too large.
pub fn chain(n_ops: u32, elements: u32) -> Vec<u8> {
	let shape = Shape::new(&[elements]).expect("callers ask for a valid shape");
	let spec = TensorSpec::new(DType::I32, shape);
	let ops = (0..n_ops)
		.map(|op| {
			let source = op.checked_sub(1).map_or(Source::Input(0), Source::Op);
			let operand = Operand { source, dtype: DType::I32, shape };
			OpRecord::new(OpKind::Unary(UnaryFn::Neg), DType::I32, shape, [operand])
		})
		.collect();
	Program::new(0, vec![spec], vec![spec], ops).encode().expect("callers ask for a valid program")
}
