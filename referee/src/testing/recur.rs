//! Recurrences for the tests.

use super::*;
use alloc::vec;

/// A recurrence of any cell, with random operands.
pub(crate) fn random(rng: &mut Rng) -> OpRecord {
	let cell = rng.pick(Cell::ALL);
	let (steps, batch) = (rng.dim(4), rng.dim(3));
	let hidden = rng.pick(&[1, 2, 5, 31, 32, 33, 64, 257]);
	let own = Operand::op(rng.below(1024) as u32, DType::F32, Shape::SCALAR);
	recurrence(cell, [steps, batch, hidden], own, |dims| rng.operand(DType::F32, dims))
}

/// A recurrence of these steps, batch size and hidden units, with operands of the shapes given to
/// `operand`, and `own`, in the right view, as itself.
pub(crate) fn recurrence(
	cell: Cell,
	[steps, batch, hidden]: [u32; 3],
	own: Operand,
	mut operand: impl FnMut(&[u32]) -> Operand,
) -> OpRecord {
	let rows = cell.gates() * hidden;
	let dims = shape(&[steps, cell.parts(), batch, hidden]);
	let mut operands = vec![
		operand(&[steps, batch, rows]),
		operand(&[rows, hidden]),
		operand(&[rows]),
		operand(&[batch, hidden]),
	];
	if cell == Cell::Lstm {
		operands.push(operand(&[batch, hidden]));
	}
	operands.push(own.view(dims));
	OpRecord::new(OpKind::Recur { cell }, DType::F32, dims, operands)
}
