//! Elementwise expressions: several functions of elements as one op, so that what lies between them
//! is neither stored nor committed to.

use super::check::RecordError;
use super::record::{BinaryFn, OpKind, OpRecord, Operand, UnaryFn};
use super::rules::require;
use crate::{DType, FloatFormat, Overflow, Shape};
use alloc::vec::Vec;
use core::fmt;

/// Most steps of one expression.
pub const MAX_STEPS: usize = 24;

/// Most steps after an [`OpKind::Strided`], whose record has less room.
pub const MAX_STRIDED_STEPS: usize = 19;

/// Most arguments of one step.
pub const MAX_ARGUMENTS: usize = 3;

/// The function of a step: an elementwise op without its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepFn {
	/// As [`OpKind::Unary`].
	Unary(UnaryFn),
	/// As [`OpKind::Cast`] to this type.
	Cast(DType),
	/// As [`OpKind::Binary`].
	Binary(BinaryFn),
	/// As [`OpKind::Select`].
	Select,
	/// As [`OpKind::RoundTo`].
	RoundTo(FloatFormat, Overflow),
}

impl StepFn {
	/// The function that an op of this kind and output type applies to every element; `None` for
	/// ops that are not elementwise.
	pub const fn of(kind: OpKind, dtype: DType) -> Option<StepFn> {
		match kind {
			OpKind::Unary(function) => Some(StepFn::Unary(function)),
			OpKind::Cast => Some(StepFn::Cast(dtype)),
			OpKind::Binary(function) => Some(StepFn::Binary(function)),
			OpKind::Select => Some(StepFn::Select),
			OpKind::RoundTo { format, overflow } => Some(StepFn::RoundTo(format, overflow)),
			_ => None,
		}
	}

	/// The kind of the op that has this function.
	pub const fn kind(self) -> OpKind {
		match self {
			StepFn::Unary(function) => OpKind::Unary(function),
			StepFn::Cast(_) => OpKind::Cast,
			StepFn::Binary(function) => OpKind::Binary(function),
			StepFn::Select => OpKind::Select,
			StepFn::RoundTo(format, overflow) => OpKind::RoundTo { format, overflow },
		}
	}

	/// Number of arguments.
	pub const fn arity(self) -> usize {
		match self {
			StepFn::Unary(_) | StepFn::Cast(_) | StepFn::RoundTo(..) => 1,
			StepFn::Binary(_) => 2,
			StepFn::Select => 3,
		}
	}

	/// The type of the result for arguments of these types, of which there are [`StepFn::arity`].
	pub fn result(self, arguments: &[DType]) -> DType {
		match self {
			StepFn::Unary(UnaryFn::IsNan) => DType::Bool,
			StepFn::Binary(function) if function.is_comparison() => DType::Bool,
			StepFn::Cast(dtype) => dtype,
			StepFn::Unary(_) | StepFn::Binary(_) | StepFn::Select | StepFn::RoundTo(..) => {
				arguments.last().copied().unwrap_or(DType::F32)
			},
		}
	}
}

/// One step of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Step {
	function: StepFn,
	arguments: [u8; MAX_ARGUMENTS],
}

impl Step {
	/// `function` of the values with these numbers: the op's operands are numbered first, from 0,
	/// then the results of the steps. Arguments beyond the function's own are dropped; one that is
	/// not given is value 0.
	pub fn new(function: StepFn, arguments: &[u8]) -> Step {
		let mut own = [0; MAX_ARGUMENTS];
		for (own, &argument) in own[..function.arity()].iter_mut().zip(arguments) {
			*own = argument;
		}
		Step { function, arguments: own }
	}

	/// What it computes.
	pub const fn function(&self) -> StepFn {
		self.function
	}

	/// The numbers of the values it takes.
	pub fn arguments(&self) -> &[u8] {
		&self.arguments[..self.function.arity()]
	}
}

impl fmt::Debug for Step {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{:?}{:?}", self.function, self.arguments())
	}
}

/// The steps of an expression, in order; the last one's result is the element.
///
/// # Examples
///
/// ```
/// use assay_referee::*;
///
/// // x · sigmoid(x): value 0 is the operand, value 1 what the first step gives.
/// let sigmoid = Step::new(StepFn::Unary(UnaryFn::Sigmoid), &[0]);
/// let product = Step::new(StepFn::Binary(BinaryFn::Mul), &[0, 1]);
/// let steps = Steps::new(&[sigmoid, product]).expect("two steps are few");
/// let x = Operand::input(0, DType::F32, Shape::new(&[100])?);
/// let op = OpRecord::new(OpKind::Map(steps), DType::F32, x.shape, [x]);
/// op.validate()?;
/// // As ops of their own, here numbers 5 and 6 of a program.
/// let apart = op.expression(|step| 5 + step as u32);
/// assert_eq!(apart[1].operands[1].source, Source::Op(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Steps {
	steps: [Step; MAX_STEPS],
	len: u8,
}

impl Steps {
	/// These steps; `None` when there are more than [`MAX_STEPS`].
	pub fn new(steps: &[Step]) -> Option<Steps> {
		let unused = Step { function: StepFn::Select, arguments: [0; MAX_ARGUMENTS] };
		let mut all = [unused; MAX_STEPS];
		all.get_mut(..steps.len())?.copy_from_slice(steps);
		Some(Steps { steps: all, len: steps.len() as u8 })
	}

	/// The steps.
	pub fn as_slice(&self) -> &[Step] {
		&self.steps[..usize::from(self.len)]
	}
}

impl OpRecord {
	/// The steps of an op that is an expression or reduces one, as ops of their own: whoever computes
	/// one after the other computes the expression. `index` numbers the result of each step, as
	/// [`crate::Source::Op`] names it. An argument that does not exist ends the list, which is empty for
	/// other ops and where the operands would broadcast to what is no shape.
	pub fn expression(&self, index: impl Fn(usize) -> u32) -> Vec<OpRecord> {
		let mut ops: Vec<OpRecord> = Vec::new();
		let Some((steps, shape)) = expression(self) else { return ops };
		for step in steps.as_slice() {
			let value = |&number: &u8| -> Option<Operand> {
				let number = usize::from(number);
				self.operands.get(number).copied().or_else(|| {
					let at = number - self.operands.len();
					Some(Operand::op(index(at), ops.get(at)?.dtype, shape))
				})
			};
			let Some(operands) = step.arguments().iter().map(value).collect::<Option<Vec<_>>>()
			else {
				break;
			};
			let types: Vec<DType> = operands.iter().map(|operand| operand.dtype).collect();
			let dtype = step.function.result(&types);
			ops.push(OpRecord::new(step.function.kind(), dtype, shape, operands));
		}
		ops
	}

	/// The op that reduces what the last of [`OpRecord::expression`] gives, numbered by the same
	/// `index`; `None` for an op that is no [`OpKind::MapReduce`].
	pub fn reduction(&self, index: impl Fn(usize) -> u32) -> Option<OpRecord> {
		let OpKind::MapReduce { function, steps, .. } = self.kind else { return None };
		let last = self.expression(&index).pop()?;
		let source = index(steps.as_slice().len().checked_sub(1)?);
		let rows = Operand::op(source, last.dtype, last.shape);
		Some(OpRecord::new(OpKind::Reduce(function), self.dtype, self.shape, [rows]))
	}
}

/// The steps of an op that has some, and the shape to which its operands broadcast.
fn expression(op: &OpRecord) -> Option<(&Steps, Shape)> {
	if let OpKind::Map(steps) = &op.kind {
		return Some((steps, op.shape));
	}
	let OpKind::MapReduce { k, steps, .. } = &op.kind else { return None };
	let mut dims = op.shape.dims().to_vec();
	dims.push(*k);
	Some((steps, Shape::new(&dims).ok()?))
}

impl fmt::Debug for Steps {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.as_slice().fmt(f)
	}
}

/// `least` steps or more.
pub(super) fn validate(op: &OpRecord, steps: &Steps, least: usize) -> Result<(), RecordError> {
	let last = validate_steps(op, steps, least)?;
	require(last.dtype == op.dtype, RecordError::Type)
}

/// One step or more, and a row of what they give that may be reduced.
pub(super) fn validate_reduction(op: &OpRecord, steps: &Steps) -> Result<(), RecordError> {
	validate_steps(op, steps, 1)?;
	op.reduction(|at| at as u32).ok_or(RecordError::Parameter)?.validate()
}

/// At least `least` steps, each a valid op of its own; every value is used, the last one, of the op
/// that is given, as the output.
fn validate_steps(op: &OpRecord, steps: &Steps, least: usize) -> Result<OpRecord, RecordError> {
	let count = steps.as_slice().len();
	require(count >= least, RecordError::Parameter)?;
	require(expression(op).is_some(), RecordError::Dims)?;
	let mut ops = op.expression(|at| at as u32);
	require(ops.len() == count, RecordError::Parameter)?;
	ops.iter().try_for_each(OpRecord::validate)?;
	let used = |number: usize| {
		let mut arguments = steps.as_slice().iter().flat_map(Step::arguments);
		arguments.any(|&argument| usize::from(argument) == number)
	};
	let values = op.operands.len() + count;
	require((0..values - 1).all(used), RecordError::Parameter)?;
	ops.pop().ok_or(RecordError::Parameter)
}
