//! Expressions, evaluated from the last step back by the oracles of the functions.

use super::*;
use alloc::string::ToString;

pub(super) fn oracle(t: &Tensors<'_>, steps: &Steps, at: &[u64]) -> u64 {
	let last = t.op.operands.len() + steps.as_slice().len() - 1;
	value(t, steps, at, last).1
}

/// Type and bits of the value with this number.
fn value(t: &Tensors<'_>, steps: &Steps, at: &[u64], number: usize) -> (DType, u64) {
	let operands = &t.op.operands;
	if let Some(operand) = operands.get(number) {
		return (operand.dtype, t.broadcast(number, at));
	}
	let step = steps.as_slice()[number - operands.len()];
	let arguments: Vec<(DType, u64)> =
		step.arguments().iter().map(|&i| value(t, steps, at, i.into())).collect();
	let (from, a) = arguments[0];
	let (dtype, bits) = match step.function() {
		StepFn::Unary(UnaryFn::IsNan) => (DType::Bool, unary_oracle(UnaryFn::IsNan, from, a)),
		StepFn::Unary(function) => (from, unary_oracle(function, from, a)),
		StepFn::Cast(to) => (to, cast_oracle(from, to, a)),
		StepFn::Binary(function) => {
			let dtype = if function.is_comparison() { DType::Bool } else { from };
			(dtype, binary_oracle(function, from, a, arguments[1].1))
		},
		StepFn::Select => arguments[if a == 1 { 1 } else { 2 }],
		StepFn::RoundTo(format, overflow) => (DType::F32, round_oracle(format, overflow, a)),
	};
	(dtype, canonical(dtype, bits))
}

fn add_twice(arguments: [[u8; 2]; 2], dims: [&[u32]; 2]) -> OpRecord {
	let steps = arguments.map(|a| Step::new(StepFn::Binary(BinaryFn::Add), &a));
	let operands = dims.map(|dims| Operand::weight(0, DType::F32, shape(dims)));
	OpRecord::new(OpKind::Map(Steps::new(&steps).unwrap()), DType::F32, shape(&[2, 3]), operands)
}

/// One way to say a thing: nothing unused, nothing from later on, no lone step.
#[test]
fn rules() {
	let full: [&[u32]; 2] = [&[2, 3], &[1, 3]];
	assert_eq!(add_twice([[0, 1], [2, 1]], full).validate(), Ok(()));
	let refused = |op: OpRecord, error| assert_eq!(op.validate(), Err(error), "{op:?}");
	refused(add_twice([[0, 1], [0, 1]], full), RecordError::Parameter);
	refused(add_twice([[0, 0], [2, 0]], full), RecordError::Parameter);
	refused(add_twice([[0, 3], [2, 1]], full), RecordError::Parameter);
	refused(add_twice([[0, 255], [2, 1]], full), RecordError::Parameter);
	refused(add_twice([[0, 1], [2, 1]], [&[2, 3], &[2]]), RecordError::Dims);
	let mut other = add_twice([[0, 1], [2, 1]], full);
	other.dtype = DType::I32;
	refused(other, RecordError::Type);
	let mut lone = add_twice([[0, 1], [2, 1]], full);
	let OpKind::Map(steps) = lone.kind else { unreachable!() };
	lone.kind = OpKind::Map(Steps::new(&steps.as_slice()[..1]).unwrap());
	refused(lone, RecordError::Parameter);
	// A function of one element does not repeat what it reads.
	let mut narrow = add_twice([[0, 1], [2, 1]], full);
	let neg = Step::new(StepFn::Unary(UnaryFn::Neg), &[1]);
	let add = Step::new(StepFn::Binary(BinaryFn::Add), &[0, 2]);
	narrow.kind = OpKind::Map(Steps::new(&[neg, add]).unwrap());
	refused(narrow, RecordError::Dims);
	assert_eq!(Steps::new(&[add; 25]), None);
}

/// Bytes that no field uses are zero, inside the steps as well.
#[test]
fn steps_are_canonical() {
	let op = add_twice([[0, 1], [2, 1]], [&[2, 3], &[1, 3]]);
	let bytes = op.to_bytes().unwrap();
	assert_eq!(OpRecord::from_bytes(&bytes), Ok(op));
	for (at, error) in [
		(64 + 1 + 2, RecordError::Padding),
		(64 + 1 + 5, RecordError::Padding),
		(64 + 1 + 12, RecordError::Padding),
	] {
		let mut wrong = bytes;
		wrong[at] = 1;
		assert_eq!(OpRecord::from_bytes(&wrong), Err(error), "byte {at}");
	}
	let mut wrong = bytes;
	wrong[64] = 25;
	assert!(OpRecord::from_bytes(&wrong).is_err());
}

/// A product followed by one step of its result and one operand of these dimensions.
fn followed(arguments: [u8; 2], dims: &[u32]) -> OpRecord {
	let operand = |dims: &[u32]| Operand::weight(0, DType::F32, shape(dims));
	let operands = [operand(&[1, 2, 5]), operand(&[2, 3, 5])];
	let kind = OpKind::MatMul { bias: Bias::None };
	let steps = Steps::new(&[Step::new(StepFn::Binary(BinaryFn::Add), &arguments)]).unwrap();
	OpRecord::new(kind, DType::F32, shape(&[2, 2, 3]), operands).with_epilogue(
		steps,
		DType::F32,
		&[operand(dims)],
	)
}

#[test]
fn rules_of_epilogues() {
	let op = followed([0, 1], &[1, 2, 1]);
	assert_eq!(op.validate(), Ok(()));
	assert_eq!(op.to_string(), "MatMul + 1 step");
	let refused = |op: OpRecord, error| assert_eq!(op.validate(), Err(error), "{op:?}");
	// The result and the operand are used, nothing else is there.
	refused(followed([0, 0], &[1, 2, 1]), RecordError::Parameter);
	refused(followed([1, 1], &[1, 2, 1]), RecordError::Parameter);
	refused(followed([0, 2], &[1, 2, 1]), RecordError::Parameter);
	refused(followed([0, 1], &[3]), RecordError::Dims);
	refused(followed([0, 1], &[2, 2, 2]), RecordError::Dims);
	refused(OpRecord { dtype: DType::I32, ..op.clone() }, RecordError::Type);
	refused(OpRecord { epilogue: Steps::new(&[]), ..op.clone() }, RecordError::Parameter);
	refused(OpRecord { epilogue: None, ..op.clone() }, RecordError::OperandCount);
	let few = op.operands[..1].to_vec();
	refused(OpRecord { operands: few, ..op }, RecordError::OperandCount);
	let mut other = add_twice([[0, 1], [2, 1]], [&[2, 3], &[1, 3]]);
	other.epilogue = op.epilogue;
	refused(other, RecordError::Parameter);
	// What it costs more than the product: a run, a chunk, an addition.
	let [product, _] = op.apart(0).unwrap();
	let bound = |op: &OpRecord| leaf_bound(op, &Place::alone(op));
	let (with, without) = (bound(&op), bound(&product));
	assert_eq!(with.spans, without.spans + 1);
	assert_eq!(with.bytes, without.bytes + CHUNK_BYTES);
	assert_eq!(with.terms, without.terms + 1);
	assert_eq!(units(&op), units(&product) + 12);
}

/// Its record has less room for steps.
#[test]
fn epilogues_of_movements() {
	let operands = [Operand::weight(0, DType::F32, shape(&[2, 3]))];
	let kind = OpKind::Strided { offset: 0, strides: [1, 3, 0, 0, 0, 0, 0, 0] };
	let op = OpRecord::new(kind, DType::F32, shape(&[3, 2]), operands);
	let followed = |count: u8| {
		let steps: Vec<Step> =
			(0..count).map(|i| Step::new(StepFn::Unary(UnaryFn::Neg), &[i])).collect();
		op.clone().with_epilogue(Steps::new(&steps).unwrap(), DType::F32, &[])
	};
	let most = followed(19);
	assert_eq!(most.validate(), Ok(()));
	assert_eq!(most.to_string(), "Strided + 19 steps");
	let bytes = most.to_bytes().unwrap();
	assert_eq!(bytes[136..140], [19, 6, 1, 0]);
	assert_eq!(OpRecord::from_bytes(&bytes), Ok(most));
	assert_eq!(followed(20).validate(), Err(RecordError::Parameter));
	for (at, value, error) in [
		(111, 1, RecordError::Parameter),
		(136, 0, RecordError::Padding),
		(136, 20, RecordError::Parameter),
		(251, 1, RecordError::Padding),
	] {
		let mut wrong = bytes;
		wrong[at] = value;
		assert_eq!(OpRecord::from_bytes(&wrong), Err(error), "byte {at}");
	}
}

#[test]
fn epilogues_are_canonical() {
	let op = followed([0, 1], &[1, 2, 1]);
	let bytes = op.to_bytes().unwrap();
	assert_eq!(bytes[111..118], [1, 8, 1, 0, 0, 1, 0]);
	assert_eq!(OpRecord::from_bytes(&bytes), Ok(op));
	for (at, value, error) in [
		(110, 1, RecordError::Padding),
		(111, 0, RecordError::OperandCount),
		(111, 2, RecordError::Code),
		(111, 25, RecordError::Parameter),
		(114, 1, RecordError::Padding),
		(117, 1, RecordError::Padding),
		(118, 1, RecordError::Padding),
	] {
		let mut wrong = bytes;
		wrong[at] = value;
		assert_eq!(OpRecord::from_bytes(&wrong), Err(error), "byte {at}");
	}
}

/// The sum of `(a - b)²` over rows of `k`, of operands with these dimensions.
fn squares(k: u32, rows: &[u32], [a, b]: [&[u32]; 2]) -> OpRecord {
	let steps = [
		Step::new(StepFn::Binary(BinaryFn::Sub), &[0, 1]),
		Step::new(StepFn::Binary(BinaryFn::Mul), &[2, 2]),
	];
	let steps = Steps::new(&steps).unwrap();
	let kind = OpKind::MapReduce { function: ReduceFn::Sum, k, steps };
	let operands = [a, b].map(|dims| Operand::weight(0, DType::F32, shape(dims)));
	OpRecord::new(kind, DType::F32, shape(rows), operands)
}

/// Rows have the length that the record says, whichever operands have them.
#[test]
fn rules_of_reductions() {
	let op = squares(5, &[2, 3], [&[2, 3, 5], &[2, 3, 1]]);
	assert_eq!(op.validate(), Ok(()));
	assert_eq!(squares(5, &[2, 3], [&[2, 3, 1], &[1, 1, 1]]).validate(), Ok(()));
	let refused = |op: OpRecord, error| assert_eq!(op.validate(), Err(error), "{op:?}");
	refused(squares(4, &[2, 3], [&[2, 3, 5], &[2, 3, 1]]), RecordError::Dims);
	refused(squares(5, &[2, 3, 1], [&[2, 3, 5], &[2, 3, 1]]), RecordError::Dims);
	refused(squares(0, &[2, 3], [&[2, 3, 1], &[2, 3, 1]]), RecordError::Dims);
	refused(squares(5, &[1; 8], [&[1; 8], &[1; 8]]), RecordError::Dims);
	refused(squares(1 << 30, &[2], [&[2, 1], &[2, 1]]), RecordError::Dims);
	refused(squares(16_385, &[2], [&[2, 16_385], &[2, 1]]), RecordError::TooManyTerms);
	let with = |steps: &[Step], dtype| {
		let steps = Steps::new(steps).unwrap();
		let kind = OpKind::MapReduce { function: ReduceFn::Max, k: 5, steps };
		OpRecord { kind, dtype, ..op.clone() }
	};
	let less = Step::new(StepFn::Binary(BinaryFn::Less), &[0, 1]);
	let cast = |to| Step::new(StepFn::Cast(to), &[2]);
	assert_eq!(with(&[less, cast(DType::I64)], DType::I64).validate(), Ok(()));
	refused(with(&[], DType::F32), RecordError::Parameter);
	refused(with(&[less], DType::Bool), RecordError::Type);
	refused(with(&[less, cast(DType::I64)], DType::I32), RecordError::Type);
	refused(with(&[cast(DType::I64)], DType::I64), RecordError::Parameter);
}

/// Every term counts with all steps, each of them as two, and what lies beside the row as a chunk.
#[test]
fn bound_of_a_reduction() {
	let bound = |op: OpRecord| leaf_bound(&op, &Place::alone(&op));
	let LeafBound { spans, bytes, terms, .. } =
		bound(squares(300, &[2, 3], [&[2, 3, 300], &[2, 3, 1]]));
	assert_eq!((spans, bytes, terms), (2, 4 * CHUNK_BYTES, 5 * 300));
	let longest = |k| bound(squares(k, &[2], [&[2, k], &[2, 1]])).is_within_limits();
	assert!(longest(3276) && !longest(3277));
}

/// The bytes between the last step and the length of a row are unused.
#[test]
fn reductions_are_canonical() {
	let op = squares(5, &[2, 3], [&[2, 3, 5], &[2, 3, 1]]);
	let bytes = op.to_bytes().unwrap();
	assert_eq!(OpRecord::from_bytes(&bytes), Ok(op));
	assert_eq!(bytes[210..214], 5u32.to_le_bytes());
	for (at, error) in [
		(64, RecordError::Code),
		(65, RecordError::Code),
		(66 + 12, RecordError::Padding),
		(214, RecordError::Padding),
	] {
		let mut wrong = bytes;
		wrong[at] = 25;
		assert_eq!(OpRecord::from_bytes(&wrong), Err(error), "byte {at}");
	}
}
