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
		if dtype != DType::Bool && leaf_bound(&op, &Place::alone(&op)).is_within_limits() {
			return op;
		}
	}
}

/// The op, followed by a random expression.
pub(super) fn followed(rng: &mut Rng, op: OpRecord) -> OpRecord {
	// No operand of another op has this name.
	let own = Operand::op(u32::MAX, op.dtype, op.shape);
	loop {
		let views = views(rng, op.shape.dims(), 3);
		let mut operands = random_operands(rng, &views);
		operands.insert(0, own);
		let Some((operands, steps, dtype)) = random_steps(rng, &operands, op.shape.dims()) else {
			continue;
		};
		match (operands.split_first(), Steps::new(&steps)) {
			(Some((first, rest)), Some(steps)) if *first == own && !steps.as_slice().is_empty() => {
				return op.with_epilogue(steps, dtype, rest);
			},
			_ => {},
		}
	}
}

/// A random expression over elements of this shape: its steps, the type of its result and its operands;
/// `None` when there are fewer than `least` steps or none was found.
fn expression(rng: &mut Rng, dims: &[u32], least: usize) -> Option<(Steps, DType, Vec<Operand>)> {
	let mut views = views(rng, dims, 4);
	views.insert(0, dims.to_vec());
	let operands = random_operands(rng, &views);
	let (operands, steps, dtype) = random_steps(rng, &operands, dims)?;
	(steps.len() >= least).then_some((Steps::new(&steps)?, dtype, operands))
}

/// At most `most` views that broadcast to `dims`.
fn views(rng: &mut Rng, dims: &[u32], most: u64) -> Vec<Vec<u32>> {
	(0..rng.below(most + 1)).map(|_| broadcast(rng, dims)).collect()
}

fn random_operands(rng: &mut Rng, views: &[Vec<u32>]) -> Vec<Operand> {
	let operands = views.iter().map(|view| {
		// Mostly what most functions take.
		let dtype = if rng.below(3) == 0 { rng.pick_dtype() } else { DType::F32 };
		rng.operand(dtype, view)
	});
	operands.collect()
}

/// Random steps of these operands, of which those stay that the last one needs, what they need of the
/// operands, and the type of the result.
fn random_steps(
	rng: &mut Rng,
	operands: &[Operand],
	dims: &[u32],
) -> Option<(Vec<Operand>, Vec<Step>, DType)> {
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
	let (operands, steps) = needed(operands, &steps);
	Some((operands, steps, values.last()?.0))
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
