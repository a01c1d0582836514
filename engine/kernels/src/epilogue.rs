//! The expression after a contraction, a reduction or a movement, applied to parts of the result while they are in the
//! cache.

use crate::{
	contraction, cpu::Buffer, elementwise::expression, movement, output::EpilogueWriter,
	threads::Shared, Arg, Fused, KernelConfig, KernelError,
};
use assay_referee::{OpKind, OpRecord, Source};
use core::cell::RefCell;

thread_local! {
	/// A whole result, where no kernel gives it part by part.
	static RESULT: RefCell<Buffer> = RefCell::default();
}

/// What is decided once about an op with an epilogue.
///
/// # Examples
///
/// ```
/// use assay_kernels::{execute_with, Arg, Epilogue, KernelConfig};
/// use assay_referee::*;
///
/// // The sums of rows, `[2, 3]` to `[2]`, and what is negative of them made zero.
/// let rows = Operand::input(0, DType::I32, Shape::new(&[2, 3])?);
/// let steps = Steps::new(&[Step::new(StepFn::Unary(UnaryFn::Relu), &[0])]).expect("one step");
/// let op = OpRecord::new(OpKind::Reduce(ReduceFn::Sum), DType::I32, Shape::new(&[2])?, [rows])
///     .with_epilogue(steps, DType::I32, &[]);
/// op.validate()?;
/// // Once for a model, to be used in every run.
/// let epilogue = Epilogue::new(&op);
/// let x = [1i32, 2, 3, -1, -2, -3].map(i32::to_le_bytes).concat();
/// let mut out = [0; 8];
/// let config = KernelConfig::default();
/// execute_with(&op, &[Arg::Bytes(&x)], epilogue.as_ref(), &mut out, &config)?;
/// assert_eq!(out.to_vec(), [6i32, 0].map(i32::to_le_bytes).concat());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Epilogue {
	/// The op without its epilogue.
	own: OpRecord,
	/// The epilogue as an expression, the first operand of which is what `own` gives.
	expression: OpRecord,
	/// The expression on parts, where every step has a kernel for them.
	parts: Option<Fused>,
}

impl Epilogue {
	/// The epilogue of a valid op, if it has one.
	pub fn new(op: &OpRecord) -> Option<Epilogue> {
		let [own, expression] = op.apart(0)?;
		let parts = Fused::of_parts(&expression);
		Some(Epilogue { own, expression, parts })
	}

	/// As [`crate::execute_with`], for the op that this is the epilogue of.
	pub(crate) fn execute(
		&self,
		args: &[Arg<'_>],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Result<(), KernelError> {
		let first = self.own.operands.len();
		let (own, rest) = args.split_at_checked(first).ok_or(KernelError::OperandCount)?;
		if out.len() as u64 != self.expression.bytes() {
			return Err(KernelError::Output);
		}
		let mut operands: Vec<&[u8]> = vec![&[]];
		for (at, (arg, operand)) in rest.iter().zip(&self.expression.operands[1..]).enumerate() {
			match arg {
				Arg::Bytes(bytes) | Arg::Prepared(_, bytes)
					if bytes.len() as u64 == operand.bytes() =>
				{
					operands.push(bytes);
				},
				_ => return Err(KernelError::Operand(first + at)),
			}
		}
		let writer = self.writer(&operands, out, cfg);
		if let Some(writer) = &writer {
			let done = match self.own.kind {
				OpKind::Strided { .. } => movement::run_with_epilogue(&self.own, own, writer, cfg),
				_ => contraction::run_with_epilogue(&self.own, own, writer, cfg),
			};
			if done {
				return Ok(());
			}
		}
		RESULT.with(|result| {
			let result = &mut *result.borrow_mut();
			let bytes = self.own.bytes() as usize;
			result.grow(bytes.div_ceil(4));
			crate::execute_with(&self.own, own, None, &mut result[..bytes], cfg)?;
			let operands = [&[&result[..bytes]], &operands[1..]].concat();
			if let Some(writer) = writer {
				writer.whole(operands[0], cfg);
			} else {
				expression::run(&self.expression, &operands, out, cfg);
			}
			Ok(())
		})
	}

	/// What applies the epilogue to parts; `None` where that is not possible.
	fn writer<'a>(
		&'a self,
		operands: &[&'a [u8]],
		out: &mut [u8],
		cfg: &KernelConfig,
	) -> Option<EpilogueWriter<'a>> {
		let region = self.parts.as_ref()?;
		let number = |source: Source| match source {
			Source::Op(at) => at as usize,
			Source::Input(_) | Source::Weight(_) => 0,
		};
		let operands: Vec<&[u8]> =
			region.operands().iter().map(|operand| operands[number(operand.source)]).collect();
		let aligned = |at: *const u8| (at as usize).is_multiple_of(8);
		let all = aligned(out.as_ptr())
			&& operands.iter().all(|bytes| bytes.is_empty() || aligned(bytes.as_ptr()));
		all.then_some(EpilogueWriter {
			region,
			operands,
			out: Shared(out.as_mut_ptr()),
			elements: self.own.shape.elements() as usize,
			columns: self.own.shape.last() as usize,
			size: self.own.dtype.size() as usize,
			isa: cfg.isa,
		})
	}
}
