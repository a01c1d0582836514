//! What can go wrong in a dispute.

use crate::plan::ExecError;
use assay_referee::{NodeKey, ProofError, TreeError};

/// A step of a dispute failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DisputeError {
	/// What has to be computed again cannot be.
	#[error(transparent)]
	Exec(#[from] ExecError),
	/// The trace has no such entry.
	#[error("the trace has no entry {0}")]
	NoSuchEntry(u32),
	/// The trace has no such node.
	#[error("the trace has no node {0:?}")]
	NoSuchNode(NodeKey),
	/// A tensor that was committed to comes out differently when it is computed again.
	#[error("op {op} gives another result than before on this machine: its memory or processor is faulty")]
	Unsteady {
		/// Index of the op.
		op: u32,
	},
	/// The published openings do not belong to the trace root they are said to open.
	#[error("the openings do not belong to the trace root")]
	Openings,
	/// Part of a tree could not be opened.
	#[error(transparent)]
	Tree(#[from] TreeError),
	/// The proof that was built does not convince the referee.
	#[error("cannot prove the fault: {0}")]
	Unprovable(#[from] ProofError),
	/// An operand lies outside of what holds it, which cannot happen with a bundle that was checked.
	#[error("operand {operand} of op {op} is not there")]
	Operand {
		/// Index of the op.
		op: u32,
		/// Which operand.
		operand: usize,
	},
	/// An op reads what its operands do not hold, which cannot happen with a bundle that was checked.
	#[error("element {element} of op {op} cannot be computed from its operands")]
	Element {
		/// Index of the op.
		op: u32,
		/// Index of the element.
		element: u64,
	},
}
