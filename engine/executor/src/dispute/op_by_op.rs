//! Executions op by op, without fusion, so that tampering with one op has its effect on the next: for
//! drills and for the search of what to tamper with.

use super::tamper::{candidates, Tamper};
use crate::plan::{Cancel, ExecError, Runner};
use assay_kernels::{execute, resume, Buffer};
use assay_referee::{OpRecord, Operand, Source};

/// Executes the ops of a model one after another.
pub(crate) struct OpByOp<'r> {
	runner: &'r Runner,
}

impl<'r> OpByOp<'r> {
	/// Of the model that `runner` runs.
	pub(crate) fn new(runner: &'r Runner) -> Self {
		Self { runner }
	}

	/// A way to tamper with op `op` after which the output for `input`, as ops read it, differs, if one of
	/// the elements tried gives it.
	pub(crate) fn tamper_that_changes_output(
		&self,
		input: &[u8],
		op: u32,
	) -> Result<Option<Tamper>, ExecError> {
		let record = record(&self.runner.bundle.program().ops, op)?;
		let honest = self.tensors(input, None, &Cancel::new())?;
		for element in candidates(record.shape.elements()) {
			let tamper = Tamper { op, element: Some(element) };
			if self.changes_output(input, &honest, tamper)? {
				return Ok(Some(tamper));
			}
		}
		Ok(None)
	}

	/// The bytes of an op's operands; empty, which kernels refuse, where they are not there.
	fn operands<'a>(
		&'a self,
		op: &OpRecord,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
	) -> Vec<&'a [u8]> {
		let bytes = |operand: &Operand| match operand.source {
			Source::Op(op) => tensor(op as usize).unwrap_or(&[]),
			Source::Input(offset) => {
				let start = offset as usize;
				input.get(start..start + operand.bytes() as usize).unwrap_or(&[])
			},
			Source::Weight(_) => self.runner.bundle.weight(operand),
		};
		op.operands.iter().map(bytes).collect()
	}

	/// One op on finished tensors, without fusion.
	fn compute<'a>(
		&'a self,
		op: usize,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
	) -> Result<Buffer, ExecError> {
		let record = &self.runner.bundle.program().ops[op];
		let operands = self.operands(record, input, tensor);
		let mut out = Buffer::new(record.bytes() as usize);
		execute(record, &operands, &mut out, &self.runner.config)
			.map_err(|error| ExecError::Kernel { op: op as u32, error })?;
		Ok(out)
	}

	/// Makes what an op computed of its own output follow from the element just changed in it.
	fn resume<'a>(
		&'a self,
		op: usize,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
		out: &mut [u8],
		element: u64,
	) -> Result<(), ExecError> {
		let record = &self.runner.bundle.program().ops[op];
		let operands = self.operands(record, input, tensor);
		resume(record, &operands, out, element, &self.runner.config)
			.map_err(|error| ExecError::Kernel { op: op as u32, error })
	}

	/// Every op's output, computed op by op so that tampering with one has its effect on the next.
	///
	/// # Errors
	/// There is no such op or element to tamper with.
	pub(crate) fn tensors(
		&self,
		input: &[u8],
		tamper: Option<&Tamper>,
		cancel: &Cancel,
	) -> Result<Vec<Buffer>, ExecError> {
		let ops = &self.runner.bundle.program().ops;
		if let Some(tamper) = tamper {
			let op = record(ops, tamper.op)?;
			if let Some(element) = tamper.element.filter(|at| *at >= op.shape.elements()) {
				return Err(ExecError::NoSuchElement { op: tamper.op, element });
			}
		}
		let mut tensors: Vec<Buffer> = Vec::with_capacity(ops.len());
		for (i, op) in ops.iter().enumerate() {
			cancel.check()?;
			let tensor = |j: usize| tensors.get(j).map(|tensor| &tensor[..]);
			let mut out = self.compute(i, input, tensor)?;
			if let Some(tamper) = tamper.filter(|tamper| tamper.op as usize == i) {
				let element = tamper.apply(op, &mut out);
				self.resume(i, input, tensor, &mut out, element)?;
			}
			tensors.push(out);
		}
		Ok(tensors)
	}

	/// Whether tampering reaches the output; recomputes only what it touches.
	fn changes_output(
		&self,
		input: &[u8],
		honest: &[Buffer],
		tamper: Tamper,
	) -> Result<bool, ExecError> {
		let honest = |j: usize| honest.get(j).map(|tensor| &tensor[..]);
		let ops = &self.runner.bundle.program().ops;
		let mut changed: Vec<Option<Buffer>> = (0..ops.len()).map(|_| None).collect();
		let first = tamper.op as usize;
		let mut tensor = Buffer::from_bytes(honest(first).unwrap_or(&[]));
		let element = tamper.apply(&ops[first], &mut tensor);
		self.resume(first, input, honest, &mut tensor, element)?;
		changed[first] = Some(tensor);
		for i in first + 1..ops.len() {
			let touched = ops[i].operands.iter().any(|operand| match operand.source {
				Source::Op(j) => changed[j as usize].is_some(),
				_ => false,
			});
			if touched {
				let tensor = self.compute(i, input, |j| match changed.get(j) {
					Some(Some(tensor)) => Some(&tensor[..]),
					_ => honest(j),
				})?;
				if Some(&tensor[..]) != honest(i) {
					changed[i] = Some(tensor);
				}
			}
		}
		Ok(changed.last().is_some_and(Option::is_some))
	}
}

fn record(ops: &[OpRecord], op: u32) -> Result<&OpRecord, ExecError> {
	ops.get(op as usize).ok_or(ExecError::NoSuchOp { op, count: ops.len() })
}
