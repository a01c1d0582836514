//! How long an execution takes: what prices, deadlines and limits of time are made of.
//!
//! [`units`](super::bound::units) counts about one per multiply-add, whatever it is a multiply-add of; in
//! time, an element that is moved, a value of a function and a term of a product differ by a factor of a
//! hundred. This is the time of one thread of the slowest machine that is admitted: an x86-64 with AVX2
//! and fused multiply-add, half as fast as the one that the table was measured on. The example `calibrate`
//! of `assay-onnx` measures a machine against the table.

use super::record::{BinaryFn, OpKind, OpRecord, Operand, UnaryFn};
use super::Program;
use crate::DType;
use alloc::vec;
use alloc::vec::Vec;

/// What all work of one kind has in common: how long it takes per element, term and byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
	/// Elements are put elsewhere. No terms.
	Movement,
	/// Cheap functions of one, two or three elements; a term is one value.
	Elementwise,
	/// Exp, tanh and their like, correctly rounded; a term is one value.
	Function,
	/// What no kernel is written for, so that each value is computed by itself as the referee does:
	/// powers, remainders, signs, some inverse functions, most functions of whole numbers; a term is
	/// one value.
	ByElement,
	/// Rounding to a narrower float format; a term is one value.
	Rounding,
	/// Products of matrices, with or without windows; a term is a multiply-add.
	Product,
	/// Products of bytes; a term is a multiply-add.
	ProductOfBytes,
	/// Reductions of rows; a term is an element of a row.
	Reduction,
	/// Reductions of windows; a term is an element of a window.
	Window,
	/// Updates put at indices; a term is an update.
	Scatter,
	/// Elements in order; a term is a comparison, of which a row of `n` takes `14 n`, or `3 n` to find the
	/// first.
	Order,
	/// Steps of recurrences; a term is a multiply-add.
	Recurrence,
}

/// Picoseconds that work of a class takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
	/// Per element of the output.
	pub element: u64,
	/// Per term, whatever a term is.
	pub term: u64,
	/// Per byte read or written.
	pub byte: u64,
}

impl Class {
	/// Every class.
	pub const ALL: [Class; 12] = [
		Class::Movement,
		Class::Elementwise,
		Class::Function,
		Class::ByElement,
		Class::Rounding,
		Class::Product,
		Class::ProductOfBytes,
		Class::Reduction,
		Class::Window,
		Class::Scatter,
		Class::Order,
		Class::Recurrence,
	];

	/// The table.
	pub const fn rate(self) -> Rate {
		let (element, term, byte) = match self {
			Class::Movement => (2_000, 0, 200),
			Class::Elementwise => (200, 300, 100),
			Class::Function => (500, 15_000, 100),
			Class::ByElement => (500, 70_000, 100),
			Class::Rounding => (500, 20_000, 100),
			Class::Product => (4_000, 120, 200),
			Class::ProductOfBytes => (4_000, 80, 200),
			Class::Reduction => (6_000, 500, 100),
			Class::Window => (12_000, 7_000, 100),
			Class::Scatter => (1_000, 8_000, 200),
			Class::Order => (1_000, 4_000, 200),
			Class::Recurrence => (4_000, 150, 200),
		};
		Rate { element, term, byte }
	}
}

/// Picoseconds that an op takes, however small it is.
pub const OP: u64 = 3_000_000;

/// Work of one class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
	/// The class.
	pub class: Class,
	/// Elements of the output.
	pub elements: u64,
	/// Terms.
	pub terms: u64,
	/// Bytes read and written.
	pub bytes: u64,
}

impl Work {
	/// Picoseconds, saturating.
	pub const fn picoseconds(&self) -> u64 {
		let Rate { element, term, byte } = self.class.rate();
		self.elements
			.saturating_mul(element)
			.saturating_add(self.terms.saturating_mul(term))
			.saturating_add(self.bytes.saturating_mul(byte))
	}
}

/// The class of an op that is a function of elements.
fn class(op: &OpRecord) -> Class {
	let from = op.operands.first().map_or(op.dtype, |operand| operand.dtype);
	match op.kind {
		OpKind::Unary(function) => match function {
			UnaryFn::Sign
			| UnaryFn::Asin
			| UnaryFn::Acos
			| UnaryFn::Asinh
			| UnaryFn::Acosh
			| UnaryFn::Atanh => Class::ByElement,
			_ if function.is_elementary() => Class::Function,
			UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Relu if from != DType::F32 => Class::ByElement,
			_ => Class::Elementwise,
		},
		OpKind::Binary(BinaryFn::Pow | BinaryFn::Mod) => Class::ByElement,
		OpKind::Binary(function) if from != DType::F32 => match function {
			BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul => Class::Elementwise,
			_ if function.is_comparison() => Class::Elementwise,
			_ => Class::ByElement,
		},
		OpKind::Cast if op.dtype == DType::Bool && from != DType::F32 => Class::ByElement,
		OpKind::RoundTo { .. } => Class::Rounding,
		_ => Class::Elementwise,
	}
}

/// What executing an op takes: its own work first, then that of the functions of elements in it.
pub fn work(op: &OpRecord) -> Vec<Work> {
	if let Some([first, expression]) = op.apart(0) {
		let mut all = work(&first);
		// What the kind gives is neither written nor read.
		let beside = Work { elements: 0, ..evaluation(&expression, op.shape.elements()) };
		let again = 2 * first.bytes();
		all.push(Work { bytes: beside.bytes.saturating_sub(again), ..beside });
		all.extend(functions(&expression, op.shape.elements()));
		return all;
	}
	let elements = op.shape.elements();
	let operand = |at: usize| op.operands.get(at).map_or(1, |o| o.shape.elements());
	let k = op.operands.first().map_or(1, |o| u64::from(o.shape.last()));
	let read = op.operands.iter().map(Operand::bytes).fold(0, u64::saturating_add);
	let all = |class, terms| {
		vec![Work { class, elements, terms, bytes: read.saturating_add(op.bytes()) }]
	};
	match op.kind {
		// Of what is read, as much as is written.
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Concat { .. }
		| OpKind::Gather { .. }
		| OpKind::Unfold { .. }
		| OpKind::Pack => {
			vec![Work { class: Class::Movement, elements, terms: 0, bytes: 2 * op.bytes() }]
		},
		OpKind::Unary(_)
		| OpKind::Cast
		| OpKind::RoundTo { .. }
		| OpKind::Binary(_)
		| OpKind::Select => all(class(op), elements),
		OpKind::MatMul { .. } | OpKind::Conv(_) => all(Class::Product, elements.saturating_mul(k)),
		OpKind::MatMulInteger => all(Class::ProductOfBytes, elements.saturating_mul(k)),
		OpKind::Reduce(_) => all(Class::Reduction, operand(0)),
		OpKind::ArgMax => all(Class::Order, operand(0).saturating_mul(3)),
		OpKind::Pool(pool) => all(Class::Window, elements.saturating_mul(pool.terms())),
		OpKind::Scatter(_) => all(Class::Scatter, operand(2)),
		OpKind::TopK { .. } => all(Class::Order, operand(0).saturating_mul(14)),
		OpKind::Recur { cell } => {
			let hidden = u64::from(op.shape.last());
			// All rows of R by every state, and a function of every gate and of the state.
			let gates = elements / u64::from(cell.parts()) * u64::from(cell.gates());
			let mut all = all(Class::Recurrence, gates.saturating_mul(hidden));
			let values = gates.saturating_add(elements);
			all.push(Work { class: Class::Function, elements: 0, terms: values, bytes: 0 });
			all
		},
		OpKind::Map(_) => {
			let mut all = vec![evaluation(op, elements)];
			all.extend(functions(op, elements));
			all
		},
		OpKind::MapReduce { k, .. } => {
			let terms = elements.saturating_mul(k.into());
			let mut all = all(Class::Reduction, terms);
			all.push(Work { elements: 0, bytes: 0, ..evaluation(op, terms) });
			all.extend(functions(op, terms));
			all
		},
	}
}

/// The cheap steps of an expression for so many elements, with what is read and written.
fn evaluation(op: &OpRecord, elements: u64) -> Work {
	let read = op.operands.iter().map(Operand::bytes).fold(op.bytes(), u64::saturating_add);
	let terms = count(op, Class::Elementwise).saturating_mul(elements);
	Work { class: Class::Elementwise, elements, terms, bytes: read }
}

/// The dear steps of an expression for so many elements.
fn functions(op: &OpRecord, elements: u64) -> impl Iterator<Item = Work> {
	let of =
		[Class::Function, Class::ByElement, Class::Rounding].map(|class| (class, count(op, class)));
	of.into_iter().filter(|(_, count)| *count > 0).map(move |(class, count)| Work {
		class,
		elements: 0,
		terms: count.saturating_mul(elements),
		bytes: 0,
	})
}

/// How many steps of an expression are of a class.
fn count(op: &OpRecord, of: Class) -> u64 {
	op.expression(|at| at as u32).iter().filter(|step| class(step) == of).count() as u64
}

/// Picoseconds that executing an op takes, saturating.
pub fn run_picoseconds(op: &OpRecord) -> u64 {
	work(op).iter().map(Work::picoseconds).fold(OP, u64::saturating_add)
}

impl Program {
	/// Microseconds that one execution takes on one thread of the slowest machine that is admitted,
	/// rounded up, saturating. No larger shape gives less.
	pub fn run_micros(&self) -> u64 {
		let all = self.ops.iter().map(run_picoseconds).fold(0, u64::saturating_add);
		all.div_ceil(1_000_000)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{record, shape, Rng, KINDS};
	use crate::*;
	use proptest::prelude::*;

	#[test]
	fn times_add_up_and_saturate() {
		let x = Operand::input(0, DType::F32, shape(&[1000]));
		let op = OpRecord::new(OpKind::Unary(UnaryFn::Exp), DType::F32, shape(&[1000]), [x]);
		let Rate { element, term, byte } = Class::Function.rate();
		assert_eq!(run_picoseconds(&op), OP + 1000 * (element + term + 8 * byte));
		let most = Work { class: Class::Product, elements: u64::MAX, terms: 1, bytes: 1 };
		assert_eq!(most.picoseconds(), u64::MAX);
		let program = Program::new(0, vec![], vec![], vec![op; 2]);
		assert_eq!(
			program.run_micros(),
			(2 * run_picoseconds(&program.ops[0])).div_ceil(1_000_000)
		);
	}

	/// An op of the kind with number `kind`, in sizes that grow with `n`; `None` for larger numbers.
	fn sized(kind: u32, n: [u32; 4]) -> Option<OpRecord> {
		use DType::{F32, I32, I64, U8};
		let new = |kind, dtype, dims: &[u32], operands: &[(DType, &[u32])]| {
			let operand = |&(dtype, dims): &(DType, &[u32])| Operand::weight(0, dtype, shape(dims));
			let operands: Vec<_> = operands.iter().map(operand).collect();
			OpRecord::new(kind, dtype, shape(dims), operands)
		};
		let [a, b, c, d] = n;
		let add = Step::new(StepFn::Binary(BinaryFn::Add), &[0, 1]);
		let exp = Step::new(StepFn::Unary(UnaryFn::Exp), &[2]);
		let steps = Steps::new(&[add, exp])?;
		let mut strides = [0; MAX_RANK];
		strides[0] = 1;
		Some(match kind {
			0 => new(OpKind::Strided { offset: 0, strides }, F32, &[a, b], &[(F32, &[a])]),
			1 => new(OpKind::Pad { before: [0; 8], fill: 0 }, F32, &[a, b], &[(F32, &[1, 1])]),
			2 => new(OpKind::Concat { axis: 0 }, F32, &[a + b], &[(F32, &[a]), (F32, &[b])]),
			3 => new(OpKind::Gather { axis: 0 }, F32, &[b, c], &[(F32, &[a, c]), (I32, &[b])]),
			4 => new(OpKind::Cast, U8, &[a, b], &[(F32, &[a, b])]),
			5 => new(OpKind::Unary(UnaryFn::Tanh), F32, &[a, b], &[(F32, &[a, b])]),
			6 => new(OpKind::Binary(BinaryFn::Pow), F32, &[a], &[(F32, &[a]), (F32, &[1])]),
			7 => {
				let operands: [(DType, &[u32]); 2] = [(F32, &[a, b, d]), (F32, &[a, c, d])];
				new(OpKind::MatMul { bias: Bias::None }, F32, &[a, b, c], &operands)
			},
			8 => {
				let operands: [(DType, &[u32]); 4] =
					[(U8, &[a, b, d]), (U8, &[a, c, d]), (U8, &[]), (U8, &[])];
				new(OpKind::MatMulInteger, I32, &[a, b, c], &operands)
			},
			9 => new(OpKind::Reduce(ReduceFn::Sum), F32, &[a], &[(F32, &[a, b])]),
			10 => new(OpKind::ArgMax, I64, &[a], &[(F32, &[a, b])]),
			11 => new(OpKind::TopK { largest: true }, I64, &[a, 1], &[(F32, &[a, b])]),
			12 => new(
				OpKind::Scatter(ScatterFn::Add),
				F32,
				&[a, b],
				&[(F32, &[a, b]), (I64, &[1, c]), (F32, &[a, c])],
			),
			13 => new(OpKind::Map(steps), F32, &[a, b], &[(F32, &[a, b]), (F32, &[1, b])]),
			14 => {
				let kind = OpKind::MapReduce { function: ReduceFn::Max, k: b, steps };
				new(kind, F32, &[a], &[(F32, &[a, b]), (F32, &[a, 1])])
			},
			15 => {
				let pool = Pool {
					function: ReduceFn::Max,
					kernel: [b, 1],
					stride: [1, 1],
					dilation: [1, 1],
					pad: [0, 0],
					out: [c, d],
				};
				new(OpKind::Pool(pool), F32, &[a, c, d], &[(F32, &[a, c, d])])
			},
			16 => {
				let conv = Conv {
					kernel: [1, 1],
					stride: [1, 1],
					dilation: [1, 1],
					pad: [0, 0],
					out: [c, d],
					groups: 1,
					layout: ImageLayout::ChannelsFirst,
					output: ImageLayout::ChannelsFirst,
					bias: Bias::None,
				};
				new(
					OpKind::Conv(conv),
					F32,
					&[1, a, c * d],
					&[(F32, &[1, a, b]), (F32, &[1, b, c, d])],
				)
			},
			17 => {
				let own = Operand::op(0, F32, Shape::SCALAR);
				let weight = |dims: &[u32]| Operand::weight(0, F32, shape(dims));
				crate::testing::recurrence(Cell::Lstm, [a, b, c], own, weight)
			},
			18 => {
				let product = sized(7, n)?;
				let beside = Operand::weight(0, F32, shape(&[a, b, c]));
				product.with_epilogue(steps, F32, &[beside])
			},
			_ => return None,
		})
	}

	proptest! {
		/// The time of what is larger in every way is not less.
		#[test]
		fn larger_shapes_take_no_less(
			sizes in prop::array::uniform4(1u32..40),
			more in prop::array::uniform4(0u32..40),
		) {
			let larger = [0, 1, 2, 3].map(|i| sizes[i] + more[i]);
			for kind in 0.. {
				let (Some(op), Some(large)) = (sized(kind, sizes), sized(kind, larger)) else { break };
				prop_assert_eq!(op.validate(), Ok(()));
				prop_assert_eq!(large.validate(), Ok(()));
				prop_assert!(run_picoseconds(&op) <= run_picoseconds(&large), "{:?} {:?}", op, large);
			}
		}

		#[test]
		fn every_op_takes_time(seed: u64) {
			for kind in 0..KINDS {
				let op = record(&mut Rng(seed), kind);
				prop_assert!(run_picoseconds(&op) > OP);
			}
		}
	}
}
