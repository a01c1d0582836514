//! Executions of one plan, each in memory of its own.

use super::{
	memory::{Lent, Pool},
	pack::pack,
	Cancel, ExecError, Keep, Plan,
};
use crate::bundle::Bundle;
use assay_kernels::KernelConfig;
use std::sync::Arc;

/// A model, the plan of its executions, and the memory that they use in turn.
#[derive(Debug)]
pub(crate) struct Runner {
	pub(crate) bundle: Arc<Bundle>,
	pub(crate) config: KernelConfig,
	pub(crate) plan: Plan,
	memory: Pool,
}

impl Runner {
	/// Of `bundle`, for executions that write what `keep` says; between them `spare` pieces of memory
	/// are kept.
	pub(crate) fn new(
		bundle: Arc<Bundle>,
		config: KernelConfig,
		keep: Keep,
		spare: usize,
	) -> Runner {
		let packed = bundle.packed(config.isa(), || pack(&bundle, &config));
		let plan = Plan::new(bundle.program(), &packed, keep);
		let memory = Pool::new(plan.memory, spare);
		Runner { bundle, config, plan, memory }
	}

	/// Memory to execute in.
	pub(crate) fn memory(&self) -> Lent {
		self.memory.take()
	}

	/// Executes on `input`, as ops read it, up to and with op `last`, or all; `done` is given each
	/// op that is written and its output, right after. What the last step read and wrote is then in
	/// the memory, where the plan says.
	pub(crate) fn run(
		&self,
		input: &[u8],
		last: Option<u32>,
		cancel: &Cancel,
		mut done: impl FnMut(u32, &[u8]),
	) -> Result<Lent, ExecError> {
		let end = match last {
			None => self.plan.steps.len(),
			Some(op) => self.plan.step_of(op).ok_or(ExecError::Plan("a step of the op"))? + 1,
		};
		let mut memory = self.memory();
		for step in &self.plan.steps[..end] {
			cancel.check()?;
			step.run(&self.bundle, input, &mut memory, &self.config)?;
			for (op, place) in step.written() {
				done(op, memory.get(place.clone()).unwrap_or(&[]));
			}
		}
		Ok(memory)
	}

	/// The output that an execution left in its memory.
	pub(crate) fn output(&self, memory: &[u8]) -> Result<Vec<u8>, ExecError> {
		let place = self.plan.places.last().and_then(|place| memory.get(place.clone()));
		Ok(place.ok_or(ExecError::Plan("a place for the output"))?.to_vec())
	}
}
