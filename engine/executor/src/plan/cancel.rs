//! Stopping an execution.

use super::ExecError;
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
};

/// Lets another thread stop executions; clones share one flag.
///
/// # Examples
///
/// ```
/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
/// # let bundle = tiny::bundle(1)?;
/// use assay_executor::{Cancel, ExecError, Options, Session};
///
/// let session = Session::new(bundle.into(), Options::default());
/// let cancel = Cancel::new();
/// // Whoever has a clone stops the run, before it begins or between two ops.
/// let of_another_thread = cancel.clone();
/// std::thread::spawn(move || of_another_thread.cancel()).join().expect("it cannot fail");
/// assert!(matches!(session.run_with(&[0; 16], &cancel), Err(ExecError::Cancelled)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
