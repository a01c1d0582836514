//! Stopping an execution.

use super::ExecError;
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
};

/// Lets another thread stop executions; clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
	/// A flag that is not set.
	pub fn new() -> Cancel {
		Cancel::default()
	}

	/// Stops every execution that was given this flag, at its next op.
	pub fn cancel(&self) {
		self.0.store(true, Ordering::Relaxed);
	}

	/// Whether [`Cancel::cancel`] was called.
	pub fn is_cancelled(&self) -> bool {
		self.0.load(Ordering::Relaxed)
	}

	pub(crate) fn check(&self) -> Result<(), ExecError> {
		if self.is_cancelled() {
			return Err(ExecError::Cancelled);
		}
		Ok(())
	}
}
