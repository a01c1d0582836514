//! Small well-formed programs for tests and benchmarks.

use alloc::{vec, vec::Vec};
use assay_referee::{
	opening::ENTRIES_PER_CHUNK, DType, Layout, OpKind, OpRecord, Operand, Program, ReduceFn, Shape,
	Source, Step, StepFn, Steps, TensorSpec, UnaryFn, MAX_OPERANDS, MAX_RANK, MAX_STEPS,
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

/// The encoding of a program of the records that take longest to decode and check, by the example
/// `admission` of this crate: reductions of the longest expression of the most operands of the most
/// dimensions, which come from as many chunks of the trace.
///
/// # Panics
/// When the referee does not accept such a program: `n_ops` is zero or too large.
pub fn heaviest(n_ops: u32) -> Vec<u8> {
	let shape = |rank| Shape::new(&vec![1; rank]).expect("the rank is the most there is");
	let (rows, reduced) = (shape(MAX_RANK), shape(MAX_RANK - 1));
	let condition = TensorSpec::new(DType::Bool, rows);
	let value = TensorSpec::new(DType::F32, rows);
	let inputs = Layout::new([condition.bytes(), value.bytes()]);
	let ops = (0..n_ops).map(|op| {
		let operand = |at: u32| match (at, op.checked_sub(1)) {
			(CONDITION, _) => Operand::input(inputs.offsets[0], DType::Bool, rows),
			(_, None) => Operand::input(inputs.offsets[1], DType::F32, rows),
			// What comes first is the op before, since every op has to be used.
			(_, Some(last)) => {
				let before = last.saturating_sub(at * ENTRIES_PER_CHUNK as u32);
				Operand::op(before, DType::F32, rows)
			},
		};
		let kind = OpKind::MapReduce { function: ReduceFn::Sum, k: 1, steps: longest_expression() };
		let operands: Vec<Operand> = (0..MAX_OPERANDS as u32).map(operand).collect();
		OpRecord::new(kind, DType::F32, reduced, operands)
	});
	let ops: Vec<OpRecord> = ops.collect();
	let output = TensorSpec::new(DType::F32, reduced);
	let program = Program::new(0, vec![condition, value], vec![output], ops);
	program.encode().expect("callers ask for a valid program")
}

/// The number of the operand by which [`longest_expression`] selects.
const CONDITION: u32 = 1;

/// As many choices as an expression may have steps, each between what is left of the one before and an
/// operand, which come late: whether it is used is looked for from the first step on.
fn longest_expression() -> Steps {
	let (count, operands) = (MAX_STEPS as u8, MAX_OPERANDS as u8);
	let condition = CONDITION as u8;
	let step = |at: u8| {
		let before = at.checked_sub(1).map_or(0, |before| operands + before);
		let operand = (at + operands).checked_sub(count).filter(|operand| *operand > condition);
		Step::new(StepFn::Select, &[condition, before, operand.unwrap_or(before)])
	};
	Steps::new(&(0..count).map(step).collect::<Vec<_>>()).expect("it has no more than the most")
}
