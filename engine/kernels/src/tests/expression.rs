//! Expressions whose steps all have kernels run as regions, others step by step.

use super::*;
use assay_referee::{Step, StepFn, Steps};

fn map(dtype: DType, dims: &[u32], operands: Vec<Operand>, steps: &[Step]) -> OpRecord {
	let op = OpRecord::new(OpKind::Map(Steps::new(steps).unwrap()), dtype, shape(dims), operands);
	assert_eq!(op.validate(), Ok(()));
	op
}

/// A reduction of an expression over rows of `k`.
fn reduction(
	function: ReduceFn,
	(dtype, rows, k): (DType, &[u32], u32),
	operands: Vec<Operand>,
	steps: &[Step],
) -> OpRecord {
	let kind = OpKind::MapReduce { function, k, steps: Steps::new(steps).unwrap() };
	OpRecord::new(kind, dtype, shape(rows), operands)
}

fn unary(function: UnaryFn, x: u8) -> Step {
	Step::new(StepFn::Unary(function), &[x])
}

fn binary(function: BinaryFn, a: u8, b: u8) -> Step {
	Step::new(StepFn::Binary(function), &[a, b])
}

fn cast(dtype: DType, x: u8) -> Step {
	Step::new(StepFn::Cast(dtype), &[x])
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	/// x · ½ · (1 + erf(x / √2)), the constants as single elements, rows or columns.
	#[test]
	fn gelu(dims in dims(70), masks: (u64, u64, u64), seed: u64) {
		let operands = vec![
			operand(DType::F32, &dims),
			operand(DType::F32, &narrowed(&dims, masks.0)),
			operand(DType::F32, &narrowed(&dims, masks.1)),
			operand(DType::F32, &narrowed(&dims, masks.2)),
		];
		let steps = [
			binary(BinaryFn::Div, 0, 1),
			unary(UnaryFn::Erf, 4),
			binary(BinaryFn::Add, 5, 2),
			binary(BinaryFn::Mul, 0, 6),
			binary(BinaryFn::Mul, 7, 3),
		];
		check(&map(DType::F32, &dims, operands, &steps), seed);
	}

	/// From integer sums back to 8 bits.
	#[test]
	fn requantize(dims in dims(70), mask: u64, seed: u64) {
		let operands = vec![
			operand(DType::I32, &dims),
			operand(DType::F32, &narrowed(&dims, mask)),
			operand(DType::I32, &vec![1; dims.len()]),
		];
		let steps = [
			cast(DType::F32, 0),
			binary(BinaryFn::Mul, 3, 1),
			unary(UnaryFn::Round, 4),
			cast(DType::I32, 5),
			binary(BinaryFn::Add, 6, 2),
			cast(DType::U8, 7),
		];
		check(&map(DType::U8, &dims, operands, &steps), seed);
	}

	/// Steps for which there is no kernel on parts.
	#[test]
	fn without_kernels(dims in dims(20), mask: u64, seed: u64) {
		let operands =
			vec![operand(DType::I64, &dims), operand(DType::I64, &narrowed(&dims, mask))];
		let steps = [
			binary(BinaryFn::Mod, 0, 1),
			unary(UnaryFn::Sign, 2),
			binary(BinaryFn::GreaterOrEqual, 3, 1),
			Step::new(StepFn::Select, &[4, 0, 2]),
			cast(DType::F32, 5),
			Step::new(StepFn::RoundTo(FloatFormat::F16, Overflow::Special), &[6]),
		];
		check(&map(DType::F32, &dims, operands, &steps), seed);
	}

	/// Sums of exp(x · scale + mask - max), by every function and for rows of every length.
	#[test]
	fn exponentials(
		rows in prop::collection::vec(1u32..6, 0..=3),
		k in prop::sample::select(vec![1u32, 2, 31, 32, 33, 100, 1023, 1025, 2100]),
		masks: (u64, u64, u64),
		seed: u64,
	) {
		let dims = [&rows[..], &[k]].concat();
		let operands = vec![
			operand(DType::F32, &dims),
			operand(DType::F32, &narrowed(&dims, masks.0)),
			operand(DType::F32, &narrowed(&dims, masks.1)),
			operand(DType::F32, &narrowed(&dims, masks.2 | 1 << rows.len())),
		];
		let steps = [
			binary(BinaryFn::Mul, 0, 1),
			binary(BinaryFn::Add, 4, 2),
			binary(BinaryFn::Sub, 5, 3),
			unary(UnaryFn::Exp, 6),
		];
		for &function in ReduceFn::ALL {
			let dims = (DType::F32, &rows[..], k);
			check(&reduction(function, dims, operands.clone(), &steps), seed);
		}
	}

	/// Integers, whose reductions have no kernel of their own.
	#[test]
	fn counts(rows in 1u32..9, k in 1u32..70, mask: u64, seed: u64) {
		let dims = [rows, k];
		let operands =
			vec![operand(DType::F32, &dims), operand(DType::F32, &narrowed(&dims, mask))];
		let steps = [binary(BinaryFn::Less, 0, 1), cast(DType::I32, 2)];
		for &function in ReduceFn::ALL {
			check(&reduction(function, (DType::I32, &[rows], k), operands.clone(), &steps), seed);
		}
	}
}
