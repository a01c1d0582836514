//! Traces of recent runs: a dispute asks for many nodes of one trace.

use super::models::ModelId;
use assay_executor::{Tamper, Trace};
use std::sync::{Arc, Mutex, PoisonError};

/// What a trace is a function of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TraceKey {
	/// The model.
	pub(super) model: ModelId,
	/// BLAKE2b-256 of the input bytes.
	pub(super) input: [u8; 32],
	/// The corruption, if the run is a lie.
	pub(super) tamper: Option<Tamper>,
}

/// Keeps traces within a bound of memory, dropping the least recently used. The most recent one
/// is kept even if it is larger than the bound: the dispute needs it.
pub(super) struct TraceCache {
	limit: u64,
	/// The most recently used last.
	kept: Mutex<Vec<Kept>>,
}

struct Kept {
	key: TraceKey,
	bytes: u64,
	trace: Arc<Trace>,
}

impl TraceCache {
	/// A cache of at most `limit` bytes.
	pub(super) fn new(limit: u64) -> Self {
		Self { limit, kept: Mutex::new(Vec::new()) }
	}

	/// The trace, if it is kept.
	pub(super) fn get(&self, key: &TraceKey) -> Option<Arc<Trace>> {
		let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
		let position = kept.iter().position(|entry| entry.key == *key)?;
		let entry = kept.remove(position);
		let trace = entry.trace.clone();
		kept.push(entry);
		Some(trace)
	}

	/// Keep a trace.
	pub(super) fn put(&self, key: TraceKey, trace: Arc<Trace>) {
		let bytes = trace.memory() as u64;
		let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
		kept.retain(|entry| entry.key != key);
		let mut total = kept.iter().map(|entry| entry.bytes).sum::<u64>();
		while total.saturating_add(bytes) > self.limit && !kept.is_empty() {
			total -= kept.remove(0).bytes;
		}
		kept.push(Kept { key, bytes, trace });
	}
}
