//! Expressions whose steps all have kernels run as regions, others step by step.
//!
//! Chains that have a kernel of their own are among them: the element function knows of none.

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

pub(super) fn unary(function: UnaryFn, x: u8) -> Step {
	Step::new(StepFn::Unary(function), &[x])
}

pub(super) fn binary(function: BinaryFn, a: u8, b: u8) -> Step {
	Step::new(StepFn::Binary(function), &[a, b])
}

pub(super) fn cast(dtype: DType, x: u8) -> Step {
	Step::new(StepFn::Cast(dtype), &[x])
}

proptest! {
	#![proptest_config(crate::tests::cases(24))]

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

	/// From floats to 8 bits, and back: with and without each of the steps that a quantization may
	/// have, with the scalar on either side, and with a result in between that something else reads.
	#[test]
	fn quantize(
		dims in dims(70),
		narrow in prop::sample::select(vec![DType::U8, DType::I8, DType::I32]),
		scales: bool, divides: bool, centres: bool, adds: bool, returns in 0..3, shifts: bool, rescales: bool,
		swaps: bool, reads: bool, whole_zero: bool, masks: (u64, u64), seed: u64,
	) {
		let mut random = Random(seed);
		let one = vec![1; dims.len()];
		// Mostly scalars; other shapes that broadcast take another way.
		let wide = |mask: u64| if mask.is_multiple_of(8) { narrowed(&dims, mask / 8) } else { one.clone() };
		let views = [dims.clone(), wide(masks.0), wide(masks.1)];
		let mut operands: Vec<Operand> = views.iter().map(|view| operand(DType::F32, view)).collect();
		let mut tensors: Vec<Buffer> = operands.iter().map(|x| random.tensor(x, false)).collect();
		for x in tensors[0].chunks_exact_mut(4) {
			// What is rounded, saturated and neither, halves among it.
			if !random.next().is_multiple_of(8) {
				x.copy_from_slice(&((random.next() % 4001) as f32 / 4.0 - 500.0).to_le_bytes());
			}
		}
		if whole_zero {
			for zero in tensors[2].chunks_exact_mut(4) {
				zero.copy_from_slice(&((random.next() % 300) as f32 - 130.0).to_le_bytes());
			}
		}
		let mut steps: Vec<Step> = Vec::new();
		let first = operands.len() as u8;
		let mut at = 0;
		let mut push = |step: Step, at: &mut u8| {
			*at = first + steps.len() as u8;
			steps.push(step);
		};
		let either = |function, x, scalar| {
			let (a, b) = if swaps { (scalar, x) } else { (x, scalar) };
			binary(function, a, b)
		};
		if scales {
			let function = if divides { BinaryFn::Div } else { BinaryFn::Mul };
			push(either(function, at, 1), &mut at);
		}
		if centres {
			push(either(BinaryFn::Add, at, 2), &mut at);
		}
		push(unary(UnaryFn::Round, at), &mut at);
		if adds {
			push(either(BinaryFn::Add, at, 2), &mut at);
		}
		push(cast(narrow, at), &mut at);
		let narrowed_at = at;
		if returns > 0 {
			push(cast(DType::F32, at), &mut at);
			if shifts {
				push(either(BinaryFn::Sub, at, 2), &mut at);
			}
			if rescales {
				push(either(BinaryFn::Mul, at, 1), &mut at);
			}
			if reads {
				// Reads the whole numbers a second time.
				push(cast(DType::F32, narrowed_at), &mut at);
				push(binary(BinaryFn::Sub, at, at - 1), &mut at);
			}
		}
		if returns > 1 {
			// Another quantization right after.
			push(binary(BinaryFn::Div, at, 1), &mut at);
			push(unary(UnaryFn::Round, at), &mut at);
			push(cast(DType::I8, at), &mut at);
		}
		let dtype = match returns { 0 => narrow, 1 => DType::F32, _ => DType::I8 };
		let used = |i: u8| steps.iter().any(|step| step.arguments().contains(&i));
		// Operands that no step takes are replaced by one that some does.
		let kept: Vec<u8> = (0..first).filter(|&i| used(i)).collect();
		let renumbered = |i: u8| {
			if i < first {
				kept.iter().position(|&k| k == i).unwrap() as u8
			} else {
				i - first + kept.len() as u8
			}
		};
		let steps: Vec<Step> = steps
			.iter()
			.map(|step| {
				let arguments: Vec<u8> = step.arguments().iter().map(|&i| renumbered(i)).collect();
				Step::new(step.function(), &arguments)
			})
			.collect();
		operands = kept.iter().map(|&i| operands[usize::from(i)]).collect();
		let mut tensors: Vec<Option<Buffer>> = tensors.into_iter().map(Some).collect();
		let tensors: Vec<Buffer> =
			kept.iter().map(|&i| tensors[usize::from(i)].take().unwrap()).collect();
		check_on(&map(dtype, &dims, operands, &steps), &tensors);
	}

	/// Whole numbers to floats.
	#[test]
	fn dequantize(
		dims in dims(70),
		from in prop::sample::select(vec![DType::U8, DType::I8, DType::I32, DType::I64, DType::Bool]),
		shifts: bool, mask: u64, seed: u64,
	) {
		let operands = vec![
			operand(from, &dims),
			operand(DType::F32, &narrowed(&dims, mask)),
			operand(DType::F32, &vec![1; dims.len()]),
		];
		let then = if shifts {
			[binary(BinaryFn::Sub, 3, 2), binary(BinaryFn::Mul, 1, 4)]
		} else {
			[binary(BinaryFn::Mul, 3, 2), binary(BinaryFn::Add, 4, 1)]
		};
		let steps = [&[cast(DType::F32, 0)], &then[..]].concat();
		check(&map(DType::F32, &dims, operands, &steps), seed);
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
