//! Traces of recent runs: a dispute asks for many nodes of one trace.

use assay_executor::Trace;
use assay_host::RunSpec;
use std::{
	collections::{BTreeMap, HashMap},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Keeps traces within a bound of memory, dropping the least recently used. The most recent one
/// is kept even if it is larger than the bound: the dispute needs it.
pub(super) struct TraceCache {
	limit: u64,
	kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
	traces: HashMap<RunSpec, Held>,
	/// The most recently used last.
	order: BTreeMap<u64, RunSpec>,
	bytes: u64,
	stamp: u64,
}

struct Held {
	bytes: u64,
	stamp: u64,
	trace: Arc<Trace>,
}

impl TraceCache {
	/// A cache of at most `limit` bytes.
	pub(super) fn new(limit: u64) -> Self {
		Self { limit, kept: Mutex::default() }
	}

	/// The trace, if it is kept.
	pub(super) fn get(&self, spec: &RunSpec) -> Option<Arc<Trace>> {
		let mut kept = self.lock();
		let held = kept.remove(spec)?;
		let trace = held.trace.clone();
		kept.put(*spec, held);
		Some(trace)
	}

	/// Keep a trace.
	pub(super) fn put(&self, spec: RunSpec, trace: Arc<Trace>) {
		let bytes = trace.memory() as u64;
		let mut kept = self.lock();
		kept.remove(&spec);
		while kept.bytes.saturating_add(bytes) > self.limit {
			let Some(oldest) = kept.order.values().next().copied() else { break };
			kept.remove(&oldest);
		}
		kept.put(spec, Held { bytes, stamp: 0, trace });
	}

	fn lock(&self) -> MutexGuard<'_, Kept> {
		self.kept.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Kept {
	fn put(&mut self, spec: RunSpec, held: Held) {
		self.stamp += 1;
		self.bytes += held.bytes;
		self.order.insert(self.stamp, spec);
		self.traces.insert(spec, Held { stamp: self.stamp, ..held });
	}

	fn remove(&mut self, spec: &RunSpec) -> Option<Held> {
		let held = self.traces.remove(spec)?;
		self.order.remove(&held.stamp);
		self.bytes -= held.bytes;
		Some(held)
	}
}
