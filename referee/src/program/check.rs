//! Rules that hold between the records of a program.

use super::bound::{leaf_bound, Place};
use super::record::{OpKind, OpRecord, Operand, Source};
use super::{Layout, Program, MAX_OPS, MAX_PORTS};
use crate::{DType, Shape, MAX_OPERANDS};
use alloc::vec;
use core::fmt;

/// A broken rule, and the op that breaks it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckError {
	/// Index of the op.
	pub op: u32,
	/// The rule.
	pub reason: CheckReason,
}

/// The rules a program's ops obey together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckReason {
	/// The header does not describe these ops: their number, or too many inputs or outputs.
	Header,
	/// An operand is the output of this op or of a later one; only a recurrence reads its own
	/// output, and only as its last operand.
	Order,
	/// The operand of a recurrence that must be its own output is another's.
	NotItself,
	/// An operand's type or number of elements is not its producer's.
	Mismatch,
	/// An input operand is not one of the declared inputs.
	NoSuchInput,
	/// A weight operand is unaligned or reaches beyond the weights.
	WeightRange,
	/// No later op uses this op's output, and it is not the last op.
	Unused,
	/// The last op's output is not what the header declares.
	Output,
	/// One element reads or costs more than may be judged on chain, or the proof that it is wrong may be
	/// longer than the chain takes.
	LeafTooLarge,
	/// The op breaks a rule of its own kind.
	Record(RecordError),
}

/// The rules that one record obeys by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
	/// A code that no kind, function or type has.
	Code,
	/// An unused byte is not zero.
	Padding,
	/// A shape breaks its limits (rank, zero dimension, more than 1 GiB).
	Shape,
	/// The kind takes another number of operands.
	OperandCount,
	/// The kind does not take, or give, these element types.
	Type,
	/// The operands' shapes do not fit the output's.
	Dims,
	/// A parameter is out of range.
	Parameter,
	/// Some output element would read outside its operand.
	Range,
	/// The reduced axis is longer than [`super::bound::MAX_TERMS`].
	TooManyTerms,
	/// An offset into inputs or weights is not a multiple of [`super::ALIGN`].
	Alignment,
}

impl fmt::Display for CheckError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "op {}: {}", self.op, self.reason)
	}
}

impl fmt::Display for CheckReason {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			CheckReason::Header => "the header does not describe the ops",
			CheckReason::Order => "an operand is not produced before it is used",
			CheckReason::NotItself => "a recurrence does not read its own output",
			CheckReason::Mismatch => "an operand differs from its producer in type or size",
			CheckReason::NoSuchInput => "an operand is not one of the declared inputs",
			CheckReason::WeightRange => "an operand reaches beyond the weights",
			CheckReason::Unused => "the output is never used",
			CheckReason::Output => "the last op does not produce the declared outputs",
			CheckReason::LeafTooLarge => "one element costs more than may be judged on chain",
			CheckReason::Record(error) => return error.fmt(f),
		})
	}
}

impl fmt::Display for RecordError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			RecordError::Code => "unknown code",
			RecordError::Padding => "an unused byte is not zero",
			RecordError::Shape => "a shape breaks its limits",
			RecordError::OperandCount => "wrong number of operands",
			RecordError::Type => "wrong element type",
			RecordError::Dims => "shapes do not fit together",
			RecordError::Parameter => "a parameter is out of range",
			RecordError::Range => "an element would be read outside its operand",
			RecordError::TooManyTerms => "the reduced axis is too long",
			RecordError::Alignment => "an offset is not aligned",
		})
	}
}

impl core::error::Error for CheckError {}
impl core::error::Error for RecordError {}

impl OpRecord {
	/// Checks every rule that concerns this record alone: operand count, types, shapes, parameters
	/// and reach. For a record that passes, [`crate::element()`] is total.
	///
	/// # Errors
	/// The first rule that it breaks.
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::*;
	///
	/// // A product `[2, 3] · [3, 4]`: the second operand is given by columns, `[batch, n, k]`.
	/// let operand = |dims| Shape::new(dims).map(|shape| Operand::input(0, DType::F32, shape));
	/// let (a, shape) = (operand(&[1, 2, 3])?, Shape::new(&[1, 2, 4])?);
	/// let kind = OpKind::MatMul { bias: Bias::None };
	/// let product = |b| OpRecord::new(kind, DType::F32, shape, [a, b]);
	/// assert_eq!(product(operand(&[1, 4, 3])?).validate(), Ok(()));
	/// assert_eq!(product(operand(&[1, 3, 4])?).validate(), Err(RecordError::Dims));
	/// # Ok::<(), ShapeError>(())
	/// ```
	pub fn validate(&self) -> Result<(), RecordError> {
		super::rules::validate(self)
	}
}

impl Program {
	/// Checks the whole program: every record's own rules, order and types of operands, that every
	/// op but the last is used, that the last one gives the declared outputs, and that every
	/// element can be judged on chain.
	///
	/// # Errors
	/// The first rule that is broken, and the op that breaks it.
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::*;
	///
	/// let shape = Shape::new(&[10])?;
	/// let x = Operand::input(0, DType::F32, shape);
	/// let exp = OpRecord::new(OpKind::Unary(UnaryFn::Exp), DType::F32, shape, [x]);
	/// let port = TensorSpec::new(DType::F32, shape);
	/// // The same twice, of which the second is the output and the first is of no use.
	/// let program = Program::new(0, vec![port], vec![port], vec![exp.clone(), exp]);
	/// let error = program.check().expect_err("nobody reads the first");
	/// assert_eq!((error.op, error.reason), (0, CheckReason::Unused));
	/// # Ok::<(), ShapeError>(())
	/// ```
	pub fn check(&self) -> Result<(), CheckError> {
		let header = &self.header;
		let last = self.ops.len().saturating_sub(1);
		let counts_ops = header.n_ops as usize == self.ops.len();
		let ports = header.inputs.len() <= MAX_PORTS && header.outputs.len() <= MAX_PORTS;
		if !counts_ops || self.ops.is_empty() || header.n_ops > MAX_OPS || !ports {
			return Err(CheckError { op: 0, reason: CheckReason::Header });
		}
		let inputs = header.input_layout();
		let place = self.place(0);
		let mut used = vec![false; self.ops.len()];
		for (index, op) in self.ops.iter().enumerate() {
			let fail = |reason| CheckError { op: index as u32, reason };
			op.validate().map_err(|error| fail(CheckReason::Record(error)))?;
			let place = Place { entry: index as u32, ..place };
			if !leaf_bound(op, &place).is_within_limits() {
				return Err(fail(CheckReason::LeafTooLarge));
			}
			for (position, operand) in op.operands.iter().enumerate() {
				if op.self_operand() == Some(position) {
					// Its shape is the record's own affair, and reading oneself is no use.
					let own = operand.source == Source::Op(index as u32);
					ensure(own, CheckReason::NotItself).map_err(fail)?;
					continue;
				}
				self.check_operand(index, operand, &inputs).map_err(fail)?;
				if let Source::Op(producer) = operand.source {
					used[producer as usize] = true;
				}
			}
		}
		if let Some(op) = used[..last].iter().position(|used| !used) {
			return Err(CheckError { op: op as u32, reason: CheckReason::Unused });
		}
		self.check_output().map_err(|reason| CheckError { op: last as u32, reason })
	}

	fn check_operand(
		&self,
		user: usize,
		operand: &Operand,
		inputs: &Layout,
	) -> Result<(), CheckReason> {
		let same = |dtype: DType, shape: &Shape| {
			operand.dtype == dtype && operand.shape.elements() == shape.elements()
		};
		match operand.source {
			Source::Op(producer) => {
				let earlier = self.ops[..user].get(producer as usize).ok_or(CheckReason::Order)?;
				ensure(same(earlier.dtype, &earlier.shape), CheckReason::Mismatch)
			},
			Source::Input(offset) => {
				let end = offset.checked_add(operand.bytes()).ok_or(CheckReason::NoSuchInput)?;
				// The last that begins at or before it: offsets rise. All of it, or a part of neighbouring
				// elements.
				let after = inputs.offsets.partition_point(|&at| at <= offset);
				let index = after.checked_sub(1).ok_or(CheckReason::NoSuchInput)?;
				let (spec, at) = (&self.header.inputs[index], inputs.offsets[index]);
				ensure(offset < at + spec.bytes(), CheckReason::NoSuchInput)?;
				let fits = operand.dtype == spec.dtype && end <= at + spec.bytes();
				ensure(fits, CheckReason::Mismatch)
			},
			Source::Weight(offset) => {
				let end = offset.checked_add(operand.bytes()).ok_or(CheckReason::WeightRange)?;
				ensure(end <= self.header.weights_len, CheckReason::WeightRange)
			},
		}
	}

	/// The last op gives the elements of the one output, under whatever shape, or packs them all.
	fn check_output(&self) -> Result<(), CheckReason> {
		let outputs = &self.header.outputs;
		let last = self.ops.last().ok_or(CheckReason::Header)?;
		if let [only] = outputs.as_slice() {
			let same = last.dtype == only.dtype && last.shape.elements() == only.shape.elements();
			return ensure(same, CheckReason::Output);
		}
		let packs = last.kind == OpKind::Pack
			&& !outputs.is_empty()
			&& last.bytes() == self.header.output_layout().total_len;
		ensure(packs, CheckReason::Output)?;
		// More outputs than operands need a Pack of a Pack; then only the length is compared.
		let direct = outputs.len() <= MAX_OPERANDS;
		let matches = outputs.len() == last.operands.len()
			&& outputs.iter().zip(&last.operands).all(|(output, operand)| {
				output.dtype == operand.dtype && output.shape.elements() == operand.shape.elements()
			});
		ensure(matches || !direct, CheckReason::Output)
	}
}

fn ensure(condition: bool, reason: CheckReason) -> Result<(), CheckReason> {
	if condition {
		Ok(())
	} else {
		Err(reason)
	}
}
