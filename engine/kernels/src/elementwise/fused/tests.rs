//! A region gives the bits of its ops run one after another.

use super::{Fused, Member};
use crate::{execute, tests::Random, Buffer, Isa, KernelConfig};
use assay_referee::{
	BinaryFn, DType, OpKind, OpRecord, Operand, ReduceFn, Shape, Source, Step, StepFn, Steps,
	UnaryFn,
};
use proptest::prelude::*;

impl Random {
	fn below(&mut self, n: usize) -> usize {
		(self.next() % n as u64) as usize
	}

	fn pick<T: Copy>(&mut self, from: &[T]) -> T {
		from[self.below(from.len())]
	}

	/// Numbers of ordinary size, and now and then a zero, an infinity or a NaN.
	fn numbers(&mut self, dtype: DType, elements: u64) -> Buffer {
		let mut bytes = Buffer::new((elements * dtype.size()) as usize);
		for place in bytes.chunks_exact_mut(dtype.size() as usize) {
			let x = match self.below(200) {
				0 => f32::NAN,
				1 => f32::NEG_INFINITY,
				2 => -0.0,
				_ => self.below(4001) as f32 / 500.0 - 4.0,
			};
			match dtype {
				DType::F32 if x.is_nan() => place.copy_from_slice(&0x7fc0_0000u32.to_le_bytes()),
				DType::F32 => place.copy_from_slice(&x.to_le_bytes()),
				DType::Bool => place[0] = self.below(2) as u8,
				_ => place[0] = self.below(256) as u8,
			}
		}
		bytes
	}
}

/// A random program over the index space `[outer, middle, k]` and its rows `[outer, middle, 1]`.
struct Program {
	random: Random,
	full: Vec<u32>,
	rows: Vec<u32>,
	ops: Vec<OpRecord>,
	/// Tensors from outside, by the offset that names them.
	outside: Vec<Buffer>,
}

impl Program {
	fn new(seed: u64, dims: [u32; 3], count: usize) -> Program {
		let full = dims.to_vec();
		let rows = vec![dims[0], dims[1], 1];
		let (ops, outside) = (Vec::new(), Vec::new());
		let mut program = Program { random: Random(seed), full, rows, ops, outside };
		while program.ops.len() < count {
			program.add();
		}
		program
	}

	fn outside(&mut self, dtype: DType, dims: &[u32]) -> Operand {
		let shape = Shape::new(dims).unwrap();
		let tensor = self.random.numbers(dtype, shape.elements());
		self.outside.push(tensor);
		Operand::input(64 * (self.outside.len() as u64 - 1), dtype, shape)
	}

	/// An earlier result of this type and shape, or a tensor from outside.
	fn operand(&mut self, dtype: DType, dims: &[u32]) -> Operand {
		let shape = Shape::new(dims).unwrap();
		let elements = shape.elements();
		let fitting: Vec<u32> = (0u32..)
			.zip(&self.ops)
			.filter(|(_, op)| op.dtype == dtype && op.shape.elements() == elements)
			.map(|(i, _)| i)
			.collect();
		if !fitting.is_empty() && self.random.below(5) > 0 {
			return Operand::op(self.random.pick(&fitting), dtype, shape);
		}
		self.outside(dtype, dims)
	}

	/// An operand that broadcasts to `dims`: whole, by rows, or any other way.
	fn broadcast(&mut self, dtype: DType, dims: &[u32]) -> Operand {
		match self.random.below(5) {
			0 => self.operand(dtype, &self.rows.clone()),
			1 => self.outside(dtype, &vec![1; dims.len()]),
			2 => {
				let narrow: Vec<u32> =
					dims.iter().map(|&dim| self.random.pick(&[1, dim])).collect();
				self.outside(dtype, &narrow)
			},
			_ => self.operand(dtype, dims),
		}
	}

	fn add(&mut self) {
		let dims = if self.random.below(4) == 0 { self.rows.clone() } else { self.full.clone() };
		let shape = Shape::new(&dims).unwrap();
		let (kind, dtype, operands) = match self.random.below(9) {
			0 | 1 => {
				let function = self.random.pick(&[
					UnaryFn::Neg,
					UnaryFn::Exp,
					UnaryFn::Erf,
					UnaryFn::Tanh,
					UnaryFn::Sqrt,
					UnaryFn::Relu,
					UnaryFn::Round,
				]);
				(OpKind::Unary(function), DType::F32, vec![self.operand(DType::F32, &dims)])
			},
			2 => {
				let x = self.operand(DType::F32, &self.full.clone());
				let function = self.random.pick(ReduceFn::ALL);
				let rows = self.rows[..2].to_vec();
				let y = (self.random.below(2) == 0).then(|| self.operand(DType::F32, &rows));
				let shape = Shape::new(&rows).unwrap();
				self.push(OpKind::Reduce(function), DType::F32, shape, vec![x]);
				if let Some(y) = y {
					let op = self.ops.pop().unwrap();
					let steps = [
						Step::new(StepFn::Binary(BinaryFn::Max), &[0, 1]),
						Step::new(StepFn::Binary(BinaryFn::Sub), &[2, 0]),
					];
					let count = self.random.pick(&[1, 2]);
					let steps = Steps::new(&steps[..count]).unwrap();
					self.ops.push(op.with_epilogue(steps, DType::F32, &[y]));
				}
				return;
			},
			8 => {
				let dims = self.full.clone();
				let (a, b) = (self.operand(DType::F32, &dims), self.broadcast(DType::F32, &dims));
				let steps = [
					Step::new(StepFn::Binary(BinaryFn::Mul), &[0, 1]),
					Step::new(StepFn::Unary(UnaryFn::Exp), &[2]),
				];
				let steps = Steps::new(&steps).unwrap();
				let (function, k) = (self.random.pick(ReduceFn::ALL), dims[2]);
				let kind = OpKind::MapReduce { function, k, steps };
				let shape = Shape::new(&self.rows[..2]).unwrap();
				return self.push(kind, DType::F32, shape, vec![a, b]);
			},
			3 => {
				let from = self.random.pick(&[DType::Bool, DType::U8, DType::F32]);
				let to = self.random.pick(&[DType::F32, DType::F32, DType::U8]);
				(OpKind::Cast, to, vec![self.operand(from, &dims)])
			},
			6 => {
				// A quantization with the step before it, or the steps after it, or neither.
				let (x, by) = (self.operand(DType::F32, &dims), self.broadcast(DType::F32, &dims));
				let to = self.random.pick(&[DType::U8, DType::I8]);
				let steps = [
					Step::new(StepFn::Unary(UnaryFn::Abs), &[0]),
					Step::new(StepFn::Binary(BinaryFn::Mul), &[2, 1]),
					Step::new(StepFn::Unary(UnaryFn::Round), &[3]),
					Step::new(StepFn::Cast(to), &[4]),
					Step::new(StepFn::Cast(DType::F32), &[5]),
					Step::new(StepFn::Binary(BinaryFn::Sub), &[6, 1]),
				];
				let kept = self.random.pick(&[4, 5, 6]);
				let dtype = if kept == 4 { to } else { DType::F32 };
				(OpKind::Map(Steps::new(&steps[..kept]).unwrap()), dtype, vec![x, by])
			},
			5 => {
				let (a, b) = (self.operand(DType::F32, &dims), self.broadcast(DType::F32, &dims));
				let steps = [
					Step::new(StepFn::Binary(BinaryFn::Mul), &[0, 1]),
					Step::new(StepFn::Unary(self.random.pick(&[UnaryFn::Exp, UnaryFn::Abs])), &[2]),
					Step::new(StepFn::Binary(BinaryFn::Less), &[3, 1]),
					Step::new(StepFn::Select, &[4, 0, 3]),
				];
				let kept = self.random.pick(&[2, 4]);
				let dtype = DType::F32;
				(OpKind::Map(Steps::new(&steps[..kept]).unwrap()), dtype, vec![a, b])
			},
			4 => {
				let c = self.broadcast(DType::Bool, &dims);
				let (a, b) = (self.operand(DType::F32, &dims), self.broadcast(DType::F32, &dims));
				(OpKind::Select, DType::F32, vec![c, a, b])
			},
			_ => {
				let function = self.random.pick(&[
					BinaryFn::Add,
					BinaryFn::Sub,
					BinaryFn::Mul,
					BinaryFn::Div,
					BinaryFn::Max,
					BinaryFn::Less,
					BinaryFn::Greater,
				]);
				let (a, b) = (self.operand(DType::F32, &dims), self.broadcast(DType::F32, &dims));
				let dtype = if function.is_comparison() { DType::Bool } else { DType::F32 };
				let swap = self.random.below(2) == 0;
				(OpKind::Binary(function), dtype, if swap { vec![b, a] } else { vec![a, b] })
			},
		};
		self.push(kind, dtype, shape, operands);
	}

	fn push(&mut self, kind: OpKind, dtype: DType, shape: Shape, operands: Vec<Operand>) {
		let op = OpRecord::new(kind, dtype, shape, operands);
		op.validate().unwrap();
		self.ops.push(op);
	}

	fn bytes<'a>(&'a self, operand: &Operand, done: &'a [Buffer]) -> &'a [u8] {
		match operand.source {
			Source::Op(i) => &done[i as usize],
			Source::Input(offset) | Source::Weight(offset) => &self.outside[offset as usize / 64],
		}
	}

	/// Every op's output, one op after another.
	fn apart(&self, cfg: &KernelConfig) -> Vec<Buffer> {
		let mut done: Vec<Buffer> = Vec::new();
		for op in &self.ops {
			let operands: Vec<&[u8]> = op.operands.iter().map(|x| self.bytes(x, &done)).collect();
			let mut out = Buffer::new(op.bytes() as usize);
			execute(op, &operands, &mut out, cfg).unwrap();
			done.push(out);
		}
		done
	}

	/// Checks the regions that a greedy cut of the program into consecutive ops gives; returns how
	/// many of them have several ops.
	fn check(&mut self) -> usize {
		let expected = self.apart(&KernelConfig::default());
		let (mut start, mut several) = (0, 0);
		while start < self.ops.len() {
			let mut keep: Vec<bool> = self.ops.iter().map(|_| self.random.below(3) == 0).collect();
			*keep.last_mut().unwrap() = true;
			let region = |end: usize| {
				let members: Vec<Member<'_>> = (start..end)
					.map(|i| Member { index: i as u32, op: &self.ops[i], keep: keep[i] })
					.collect();
				Fused::new(&members)
			};
			let end = (start + 1..=self.ops.len()).rev().find(|&end| region(end).is_some());
			let end = end.expect("every op here has a kernel");
			let fused = region(end).unwrap();
			several += usize::from(end > start + 1);
			self.compare(&fused, &expected);
			start = end;
		}
		several
	}

	fn compare(&self, fused: &Fused, expected: &[Buffer]) {
		let operands: Vec<&[u8]> =
			fused.operands().iter().map(|x| self.bytes(x, expected)).collect();
		for isa in Isa::available() {
			for threads in [1, 2, 3, 7] {
				let mut outputs: Vec<Buffer> = fused
					.outputs()
					.iter()
					.map(|&i| Buffer::new(expected[i as usize].len()))
					.collect();
				let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(|x| &mut x[..]).collect();
				let cfg = KernelConfig::new(threads, isa);
				fused.run(&operands, &mut views, &cfg).unwrap();
				for (&i, out) in fused.outputs().iter().zip(&outputs) {
					let same = out[..] == expected[i as usize][..];
					assert!(same, "op {i} of {:?} under {cfg:?}", self.ops);
				}
			}
		}
	}
}

proptest! {
	#![proptest_config(crate::tests::cases(64))]

	#[test]
	fn regions_equal_their_parts(
		outer in 1u32..4,
		middle in prop::sample::select(vec![1u32, 2, 31, 70]),
		k in prop::sample::select(vec![2u32, 3, 31, 32, 33, 64, 100, 1023, 1500]),
		count in 1usize..14,
		seed: u64,
	) {
		Program::new(seed, [outer, middle, k], count).check();
	}
}

#[test]
fn softmax_is_one_region() {
	let (full, rows) = (Shape::new(&[40, 130]).unwrap(), Shape::new(&[40, 1]).unwrap());
	let x = Operand::input(0, DType::F32, full);
	let of = |i, shape| Operand::op(i, DType::F32, shape);
	let reduced = Shape::new(&[40]).unwrap();
	let op = |kind, shape, operands: Vec<Operand>| OpRecord::new(kind, DType::F32, shape, operands);
	let ops = vec![
		op(OpKind::Reduce(ReduceFn::Max), reduced, vec![x]),
		op(OpKind::Binary(BinaryFn::Sub), full, vec![x, of(0, rows)]),
		op(OpKind::Unary(UnaryFn::Exp), full, vec![of(1, full)]),
		op(OpKind::Reduce(ReduceFn::Sum), reduced, vec![of(2, full)]),
		op(OpKind::Binary(BinaryFn::Div), full, vec![of(2, full), of(3, rows)]),
	];
	let outside = vec![Random(9).numbers(DType::F32, 40 * 130)];
	let (full, rows) = (vec![40, 130, 1], vec![40, 1, 1]);
	let mut softmax = Program { random: Random(1), full, rows, ops, outside };
	assert_eq!(softmax.check(), 1);
}

/// What a softmax shares with its maximum and its sum is not stored for them, nor computed twice.
#[test]
fn shared_steps_run_once() {
	let (full, rows) = (Shape::new(&[40, 130]).unwrap(), Shape::new(&[40, 1]).unwrap());
	let x = Operand::input(0, DType::F32, full);
	let mask = Operand::input(64, DType::F32, Shape::new(&[1, 130]).unwrap());
	let reduced = Shape::new(&[40]).unwrap();
	let of = |i| Operand::op(i, DType::F32, rows);
	let binary = |function, a, b| Step::new(StepFn::Binary(function), &[a, b]);
	let shifted = [
		binary(BinaryFn::Add, 0, 1),
		binary(BinaryFn::Sub, 3, 2),
		Step::new(StepFn::Unary(UnaryFn::Exp), &[4]),
	];
	let divided = [
		binary(BinaryFn::Add, 0, 1),
		binary(BinaryFn::Sub, 4, 2),
		Step::new(StepFn::Unary(UnaryFn::Exp), &[5]),
		binary(BinaryFn::Div, 6, 3),
	];
	let reduction = |function, steps: &[Step], operands: Vec<Operand>| {
		let kind = OpKind::MapReduce { function, k: 130, steps: Steps::new(steps).unwrap() };
		OpRecord::new(kind, DType::F32, reduced, operands)
	};
	let quotient = OpKind::Map(Steps::new(&divided).unwrap());
	let ops = vec![
		reduction(ReduceFn::Max, &[binary(BinaryFn::Add, 0, 1)], vec![x, mask]),
		reduction(ReduceFn::Sum, &shifted, vec![x, mask, of(0)]),
		OpRecord::new(quotient, DType::F32, full, vec![x, mask, of(0), of(1)]),
	];
	for keep in [false, true] {
		let member = |(i, op)| Member { index: i, op, keep: keep || i == 2 };
		let members: Vec<Member<'_>> = (0..).zip(&ops).map(member).collect();
		let fused = Fused::new(&members).unwrap();
		// The sum with the mask, its maximum, the difference, the exponential, its sum, the quotient.
		assert_eq!(fused.steps.len(), 6);
	}
	let outside = [40 * 130, 130].map(|n| Random(9).numbers(DType::F32, n)).into();
	let (full, rows) = (vec![40, 130, 1], vec![40, 1, 1]);
	let mut softmax = Program { random: Random(1), full, rows, ops, outside };
	assert_eq!(softmax.check(), 1);
}

/// Nothing between the steps of a quantization and its inverse is written anywhere.
#[test]
fn quantizations_are_one_step() {
	let (full, one) = (Shape::new(&[8, 40]).unwrap(), Shape::new(&[1, 1]).unwrap());
	let x = Operand::input(0, DType::F32, full);
	let [scale, zero] = [64, 128].map(|at| Operand::input(at, DType::F32, one));
	let binary = |function, a, b| Step::new(StepFn::Binary(function), &[a, b]);
	let steps = [
		binary(BinaryFn::Div, 0, 1),
		Step::new(StepFn::Unary(UnaryFn::Round), &[3]),
		binary(BinaryFn::Add, 4, 2),
		Step::new(StepFn::Cast(DType::U8), &[5]),
		Step::new(StepFn::Cast(DType::F32), &[6]),
		binary(BinaryFn::Sub, 7, 2),
		binary(BinaryFn::Mul, 8, 1),
	];
	for (kept, dtype) in [(4, DType::U8), (7, DType::F32)] {
		let kind = OpKind::Map(Steps::new(&steps[..kept]).unwrap());
		let op = OpRecord::new(kind, dtype, full, vec![x, scale, zero]);
		op.validate().unwrap();
		let fused = Fused::new(&[Member { index: 0, op: &op, keep: true }]).unwrap();
		assert_eq!(fused.steps.len(), 1);
	}
}

#[test]
fn wrong_operands_are_refused() {
	let shape = Shape::new(&[8]).unwrap();
	let x = Operand::input(0, DType::F32, shape);
	let op = OpRecord::new(OpKind::Unary(UnaryFn::Neg), DType::F32, shape, [x]);
	let fused = Fused::new(&[Member { index: 0, op: &op, keep: true }]).unwrap();
	let (bytes, cfg) = (Buffer::new(32), KernelConfig::default());
	let mut out = Buffer::new(32);
	assert!(fused.run(&[&bytes], &mut [&mut out], &cfg).is_ok());
	assert!(fused.run(&[&bytes[..28]], &mut [&mut out], &cfg).is_err());
	assert!(fused.run(&[], &mut [&mut out], &cfg).is_err());
	assert!(fused.run(&[&bytes], &mut [&mut out[..28]], &cfg).is_err());
	// Operands that no float can be read from in place.
	let shifted = Buffer::new(33);
	let mut odd = Buffer::new(33);
	assert!(fused.run(&[&shifted[1..]], &mut [&mut odd[1..]], &cfg).is_ok());
	assert_eq!(odd[1..5], (-0f32).to_le_bytes());
}
