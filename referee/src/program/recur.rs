//! Recurrent cells: what a [`super::record::OpKind::Recur`] takes, and what one element costs.

use super::bound::{run, ReadBound, FUNCTION_TERMS, MAX_TERMS};
use super::check::RecordError::{self, Dims, OperandCount, TooManyTerms, Type};
use super::record::{OpKind, OpRecord, Source};
use crate::{codes::codes, DType, Shape};
use alloc::vec;
use alloc::vec::Vec;

codes! {
	/// Recurrent cells, with ONNX's order of gates and its default activations.
	///
	/// With `p(g) = x[t, b, g] + (h · R[g]ᵀ + rb[g])` for the rows of gate `g`, `h` the state before
	/// and `σ` the logistic function:
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::*;
	///
	/// // Five steps of an LSTM with 4 hidden units, for a batch of 2; op 0 of its program.
	/// let (cell, t, b, h) = (Cell::Lstm, 5, 2, 4);
	/// let operand = |dims: &[u32]| Shape::new(dims).map(|s| Operand::weight(0, DType::F32, s));
	/// let shape = Shape::new(&[t, cell.parts(), b, h])?;
	/// let rows = cell.gates() * h;
	/// let (x, r, rb) = (operand(&[t, b, rows])?, operand(&[rows, h])?, operand(&[rows])?);
	/// let (h0, c0) = (operand(&[b, h])?, operand(&[b, h])?);
	/// // Last comes the op's own output, of which each step reads what the one before gave.
	/// let operands = [x, r, rb, h0, c0, Operand::op(0, DType::F32, shape)];
	/// let op = OpRecord::new(OpKind::Recur { cell }, DType::F32, shape, operands);
	/// op.validate()?;
	/// assert_eq!(op.self_operand(), Some(5));
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	Cell {
		/// Gates i, o, f, c. `C = σ(p(f)) · c + σ(p(i)) · tanh(p(c))`, `H = σ(p(o)) · tanh(C)`; gives
		/// C and H.
		Lstm = 1,
		/// Gates z, r, h. `Q = σ(p(r)) · h`, then p(h) with Q in place of h, and
		/// `H = (1 - σ(p(z))) · tanh(p(h)) + σ(p(z)) · h`; gives Q and H. ONNX's
		/// `linear_before_reset = 0`.
		Gru = 2,
		/// Gates z, r, h. `n = tanh(x[h] + σ(p(r)) · (h · R[h]ᵀ + rb[h]))` and
		/// `H = (1 - σ(p(z))) · n + σ(p(z)) · h`; gives H. ONNX's `linear_before_reset = 1`.
		GruResetAfter = 3,
		/// `H = tanh(p)`.
		RnnTanh = 4,
		/// `H = max(p, 0)` as an ordered select.
		RnnRelu = 5,
	}
}

impl Cell {
	/// Gates, each with as many rows of weights as there are hidden units.
	pub const fn gates(self) -> u32 {
		match self {
			Cell::Lstm => 4,
			Cell::Gru | Cell::GruResetAfter => 3,
			Cell::RnnTanh | Cell::RnnRelu => 1,
		}
	}

	/// Vectors of hidden units that the output holds for a step; the state h is the last.
	pub const fn parts(self) -> u32 {
		match self {
			Cell::Lstm | Cell::Gru => 2,
			Cell::GruResetAfter | Cell::RnnTanh | Cell::RnnRelu => 1,
		}
	}

	/// Operands: `[x, R, rb, h0]`, the LSTM's c0, and the op's own output.
	pub const fn operands(self) -> usize {
		match self {
			Cell::Lstm => 6,
			_ => 5,
		}
	}
}

impl OpRecord {
	/// The position of the operand that is the op's own output, for ops that read it: an element
	/// may then depend on elements before it, in row-major order.
	pub const fn self_operand(&self) -> Option<usize> {
		match self.kind {
			OpKind::Recur { cell } => Some(cell.operands() - 1),
			_ => None,
		}
	}
}

/// The rules of a recurrence; that the last operand is the op itself is left to the program's.
pub(super) fn validate(op: &OpRecord, cell: Cell) -> Result<(), RecordError> {
	let require = |condition, error| if condition { Ok(()) } else { Err(error) };
	require(op.operands.len() == cell.operands(), OperandCount)?;
	let all_f32 = op.operands.iter().all(|operand| operand.dtype == DType::F32);
	require(all_f32 && op.dtype == DType::F32, Type)?;
	let &[steps, parts, batch, hidden] = op.shape.dims() else { return Err(Dims) };
	require(parts == cell.parts(), Dims)?;
	let rows = cell.gates().checked_mul(hidden).ok_or(Dims)?;
	let state: &[u32] = &[batch, hidden];
	// Only an LSTM has a second initial state, which is as its first.
	let expected: [&[u32]; 5] = [&[steps, batch, rows], &[rows, hidden], &[rows], state, state];
	let (inputs, own) = op.operands.split_at(op.operands.len() - 1);
	let mut pairs = inputs.iter().zip(expected);
	require(pairs.all(|(operand, dims)| operand.shape.dims() == dims), Dims)?;
	let is_own = own.iter().all(|o| o.shape == op.shape && matches!(o.source, Source::Op(_)));
	require(is_own, Dims)?;
	require(leaf_terms(&op.shape, cell) <= MAX_TERMS, TooManyTerms)
}

/// Products of a row of R with a state, states read for them, other states of one element, and functions;
/// of the part that has most of each.
pub(crate) const fn counts(cell: Cell) -> [u64; 4] {
	match cell {
		Cell::Lstm => [3, 1, 1, 3],
		Cell::Gru => [2, 2, 0, 2],
		Cell::GruResetAfter => [3, 1, 0, 3],
		Cell::RnnTanh | Cell::RnnRelu => [1, 1, 0, 1],
	}
}

/// What any element of an output of this shape reads at most.
pub(super) fn parts(shape: &Shape, cell: Cell) -> Vec<ReadBound> {
	let [dots, rows, singles, _] = counts(cell);
	let row = run(shape.last().into(), 4);
	// Of a state before the first step, or of the op's own output.
	let own = cell.operands() - 1;
	let mut all = vec![
		// Each product also reads an element of x and one of rb.
		ReadBound::singles([0], dots),
		ReadBound::new([1], dots, dots * row),
		ReadBound::singles([2], dots),
	];
	// One of them may be a state before the first step, and another one of the op's own.
	all.extend((0..rows).map(|_| ReadBound::new([3, own], 1, row)));
	all.extend((singles != 0).then(|| ReadBound::singles([own - 1, own], singles)));
	all
}

/// Upper bound for any element of an output of this shape.
pub(super) fn leaf_terms(shape: &Shape, cell: Cell) -> u64 {
	let [dots, _, _, functions] = counts(cell);
	dots * u64::from(shape.last()) + functions * FUNCTION_TERMS
}
