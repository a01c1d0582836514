//! Records of elementwise expressions, and of their reductions.

use super::*;
use alloc::vec::Vec;

/// A value of an expression: its type, and whether it has an element for each of the output's.
type Value = (DType, bool);

pub(super) fn random(rng: &mut Rng) -> OpRecord {
	loop {
		let rank = rng.below(4);
		let dims = rng.dims(rank, 6);
		if let Some((steps, dtype, operands)) = expression(rng, &dims, 2) {
			return OpRecord::new(OpKind::Map(steps), dtype, shape(&dims), operands);
		}
	}
}

pub(super) fn reduction(rng: &mut Rng) -> OpRecord {
	loop {
		let (rank, k) = (rng.below(3), rng.pick(&[1, 2, 5, 31, 32, 33, 100, 1025]));
		let rows = rng.dims(rank, 3);
		let dims = [&rows[..], &[k]].concat();
		let Some((steps, dtype, operands)) = expression(rng, &dims, 1) else { continue };
		let kind = OpKind::MapReduce { function: rng.pick(ReduceFn::ALL), k, steps };
		let op = OpRecord::new(kind, dtype, shape(&rows), operands);
		if dtype != DType::Bool && leaf_bound(&op).is_within_limits() {
			return op;
		}
	}
}

/// Random steps over elements of this shape, of which those stay that the last one needs, with the type
/// of its result and the operands; `None` when these are fewer than `least` or none was found.
fn expression(rng: &mut Rng, dims: &[u32], least: usize) -> Option<(Steps, DType, Vec<Operand>)> {
	let mut views: Vec<Vec<u32>> = (0..rng.below(5)).map(|_| broadcast(rng, dims)).collect();
	views.insert(0, dims.to_vec());
	let operands: Vec<Operand> = views
		.iter()
		.map(|view| {
			// Mostly what most functions take.
			let dtype = if rng.below(3) == 0 { rng.pick_dtype() } else { DType::F32 };
			rng.operand(dtype, view)
		})
		.collect();
	let mut values: Vec<Value> =
		operands.iter().map(|o| (o.dtype, o.shape.dims() == dims)).collect();
	let mut steps = Vec::new();
	for _ in 0..3 + rng.below(10) {
		if let Some(step) = step(rng, &values) {
			let types: Vec<DType> =
				step.arguments().iter().map(|&i| values[usize::from(i)].0).collect();
			values.push((step.function().result(&types), true));
			steps.push(step);
		}
	}
	let (operands, steps) = needed(&operands, &steps);
	let dtype = values.last()?.0;
	(steps.len() >= least).then_some((Steps::new(&steps)?, dtype, operands))
}

/// A step that fits random values, if one was found.
fn step(rng: &mut Rng, values: &[Value]) -> Option<Step> {
	let number = rng.below(values.len() as u64) as u8;
	let (dtype, full) = values[usize::from(number)];
	let another = |rng: &mut Rng, dtype: DType| {
		let alike: Vec<u8> =
			(0..values.len() as u8).filter(|&i| values[usize::from(i)].0 == dtype).collect();
		(!alike.is_empty()).then(|| rng.pick(&alike))
	};
	let function = match rng.below(5) {
		0 | 1 => {
			let function = rng.pick(BinaryFn::ALL);
			let fits = match function {
				BinaryFn::Pow => dtype == DType::F32,
				BinaryFn::Equal => true,
				BinaryFn::And | BinaryFn::Or | BinaryFn::Xor => dtype != DType::F32,
				_ => dtype != DType::Bool,
			};
			let other = another(rng, dtype)?;
			return fits.then(|| Step::new(StepFn::Binary(function), &[number, other]));
		},
		2 => {
			let (condition, other) = (another(rng, DType::Bool)?, another(rng, dtype)?);
			return Some(Step::new(StepFn::Select, &[condition, number, other]));
		},
		3 => StepFn::Cast(rng.pick_dtype()),
		_ => match dtype {
			DType::Bool => StepFn::Unary(UnaryFn::Not),
			DType::F32 if rng.below(4) == 0 => {
				StepFn::RoundTo(rng.pick(FloatFormat::ALL), Overflow::Saturate)
			},
			DType::F32 => {
				let functions: Vec<UnaryFn> =
					UnaryFn::ALL.iter().copied().filter(|&f| f != UnaryFn::Not).collect();
				StepFn::Unary(rng.pick(&functions))
			},
			_ => {
				StepFn::Unary(rng.pick(&[UnaryFn::Neg, UnaryFn::Abs, UnaryFn::Relu, UnaryFn::Sign]))
			},
		},
	};
	full.then(|| Step::new(function, &[number]))
}

/// The operands and steps that the last step needs, renumbered.
fn needed(operands: &[Operand], steps: &[Step]) -> (Vec<Operand>, Vec<Step>) {
	let mut used = vec![false; operands.len() + steps.len()];
	if let Some(last) = used.last_mut() {
		*last = true;
	}
	for (at, step) in steps.iter().enumerate().rev() {
		if used[operands.len() + at] {
			step.arguments().iter().for_each(|&i| used[usize::from(i)] = true);
		}
	}
	let new = |old: u8| used[..old.into()].iter().filter(|&&used| used).count() as u8;
	let kept = operands.iter().zip(&used).filter(|(_, &used)| used).map(|(&o, _)| o).collect();
	let steps = steps
		.iter()
		.zip(&used[operands.len()..])
		.filter(|(_, &used)| used)
		.map(|(step, _)| {
			let arguments: Vec<u8> = step.arguments().iter().map(|&i| new(i)).collect();
			Step::new(step.function(), &arguments)
		})
		.collect();
	(kept, steps)
}
