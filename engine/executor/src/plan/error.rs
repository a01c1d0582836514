//! What can go wrong when a model is run.

use assay_kernels::KernelError;

/// An execution failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
	/// The input has another length than the program's input layout.
	#[error("the input has {found} bytes, the model takes {expected}")]
	InputLength {
		/// Bytes the model takes.
		expected: u64,
		/// Bytes given.
		found: u64,
	},
	/// The execution was cancelled.
	#[error("cancelled")]
	Cancelled,
	/// An op that is to be tampered with does not exist.
	#[error("there is no op {op}, the program has {count}")]
	NoSuchOp {
		/// Index of the op.
		op: u32,
		/// How many ops there are.
		count: usize,
	},
	/// An element that is to be tampered with does not exist.
	#[error("op {op} has no element {element}")]
	NoSuchElement {
		/// Index of the op.
		op: u32,
		/// Index of the element.
		element: u64,
	},
	/// A kernel refused its operands, which cannot happen with a bundle that was checked.
	#[error("op {op}: {error}")]
	Kernel {
		/// Index of the op.
		op: u32,
		/// The reason.
		error: KernelError,
	},
	/// The plan does not lead to what was asked for, which cannot happen with a bundle that was checked.
	#[error("the plan of the execution lacks {0}")]
	Plan(
		/// What it lacks.
		&'static str,
	),
}
