//! Recurrent cells, written a second time.

use super::{f, unary_oracle, Tensors};
use crate::{
	testing::{recur, recurrence, shape, Rng},
	*,
};
use alloc::vec::Vec;
use proptest::prelude::*;

/// The ONNX formulas, with the gates by name.
pub(super) fn oracle(t: &Tensors<'_>, cell: Cell, at: &[u64]) -> f32 {
	let &[step, part, row, j] = at else { panic!() };
	let own = t.op.operands.len() - 1;
	let hidden = u64::from(t.op.shape.last());
	let last = u64::from(t.op.shape.dims()[1]) - 1;
	let past = |part: u64, initial: usize, j: u64| match step {
		0 => f(t.at(initial, &[row, j])),
		_ => f(t.at(own, &[step - 1, part, row, j])),
	};
	let state: Vec<f32> = (0..hidden).map(|j| past(last, 3, j)).collect();
	let input = |gate: u64| f(t.at(0, &[step, row, gate * hidden + j]));
	let product = |state: &[f32], gate: u64| {
		let line = gate * hidden + j;
		let weights: Vec<f32> = (0..hidden).map(|k| f(t.at(1, &[line, k]))).collect();
		let chain = |(a, b): (&[f32], &[f32])| {
			a.iter().zip(b).fold(0.0, |sum, (a, b)| f32::mul_add(*a, *b, sum))
		};
		let blocks = state.chunks(256).zip(weights.chunks(256));
		blocks.map(chain).reduce(|x, y| x + y).unwrap() + f(t.at(2, &[line]))
	};
	let call = |function, x: f32| f(unary_oracle(function, DType::F32, x.to_bits().into()));
	let (sigmoid, tanh) = (|x| call(UnaryFn::Sigmoid, x), |x| call(UnaryFn::Tanh, x));
	let gate = |gate: u64| input(gate) + product(&state, gate);
	let now = |j: u64| f(t.at(own, &[step, 0, row, j]));
	let mix = |z: f32, new: f32| (1.0 - z) * new + z * state[j as usize];
	match (cell, part) {
		(Cell::Lstm, 0) => {
			let (i, f, c) = (sigmoid(gate(0)), sigmoid(gate(2)), tanh(gate(3)));
			f * past(0, 4, j) + i * c
		},
		(Cell::Lstm, _) => sigmoid(gate(1)) * tanh(now(j)),
		(Cell::Gru, 0) => sigmoid(gate(1)) * state[j as usize],
		(Cell::Gru, _) => {
			let kept: Vec<f32> = (0..hidden).map(now).collect();
			mix(sigmoid(gate(0)), tanh(input(2) + product(&kept, 2)))
		},
		(Cell::GruResetAfter, _) => {
			mix(sigmoid(gate(0)), tanh(input(2) + sigmoid(gate(1)) * product(&state, 2)))
		},
		(Cell::RnnTanh, _) => tanh(gate(0)),
		(Cell::RnnRelu, _) => call(UnaryFn::Relu, gate(0)),
	}
}

/// The widest recurrences: one more hidden unit would take more terms than an element may.
#[test]
fn widest_recurrences_are_within_limits() {
	for (&cell, widest) in Cell::ALL.iter().zip([5397, 8128, 5397, 16_320, 16_320]) {
		let own = Operand::op(0, DType::F32, Shape::SCALAR);
		let of = |hidden| {
			let weight = |dims: &[u32]| Operand::weight(0, DType::F32, shape(dims));
			recurrence(cell, [2, 1, hidden], own, weight)
		};
		// R alone may be too large a tensor before that.
		let fits = |op: &OpRecord| op.validate();
		let too_long = fits(&of(widest + 1));
		assert!(matches!(too_long, Err(RecordError::TooManyTerms | RecordError::Shape)));
		let op = of(widest);
		let bound = leaf_bound(&op, &Place::alone(&op));
		assert!(bound.is_within_limits(), "{cell:?} {bound:?}");
		assert_eq!(fits(&of(1000)), Ok(()));
	}
}

/// Any values, of elements that exist.
struct Arbitrary<'a> {
	op: &'a OpRecord,
	/// Index of the element being computed.
	index: u64,
	seed: u64,
	reads: u64,
}

impl Reader for Arbitrary<'_> {
	type Error = OutOfRange;

	fn read(&mut self, operand: usize, element: u64) -> Result<u64, OutOfRange> {
		let source = self.op.operands.get(operand).ok_or(OutOfRange)?;
		let own = self.op.self_operand() == Some(operand);
		if element >= source.shape.elements() || (own && element >= self.index) {
			return Err(OutOfRange);
		}
		self.reads += 1;
		self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(element | 1);
		Ok(canonical(DType::F32, self.seed >> 7))
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2000))]

	/// A record with changed bytes is refused, or its elements read what exists and, of their own
	/// output, what comes before them.
	#[test]
	fn changed_records_are_refused_or_total(
		seed: u64,
		at: u64,
		flips in prop::collection::vec((0usize..704, 0u32..8), 0..3),
	) {
		let mut bytes = recur(&mut Rng(seed)).to_bytes().unwrap();
		for (byte, bit) in flips {
			bytes[byte] ^= 1 << bit;
		}
		if let Ok(op) = OpRecord::from_bytes(&bytes) {
			let count = op.shape.elements();
			for index in [0, at % count, count - 1] {
				let mut reader = Arbitrary { op: &op, index, seed, reads: 0 };
				prop_assert!(crate::element::<Soft, _>(&op, index, &mut reader).is_ok(), "{op:?}");
				prop_assert!(reader.reads <= 2 * leaf_terms(&op));
			}
		}
	}
}
