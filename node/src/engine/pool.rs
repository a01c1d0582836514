//! The engine's own threads.

use super::{
	queue::Queue,
	work::{WorkError, Worker},
	LOG,
};
use assay_host::{Request, RequestId, Response};
use codec::Encode;
use std::{
	panic::{catch_unwind, AssertUnwindSafe},
	sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
	thread::JoinHandle,
	time::{Duration, Instant},
};

/// How long stopping waits for threads. Executions notice at their next op.
const STOP_PATIENCE: Duration = Duration::from_millis(1_800);

/// What the threads and the workers' side share.
pub(super) struct Shared {
	queue: Mutex<Queue>,
	wake: Condvar,
	/// Does the work.
	pub(super) worker: Worker,
}

impl Shared {
	/// An empty queue in front of `worker`.
	pub(super) fn new(worker: Worker) -> Self {
		Self { queue: Mutex::new(Queue::default()), wake: Condvar::new(), worker }
	}

	/// The queue. A panic while it was locked cannot happen halfway through a change that matters:
	/// answers are only a cache.
	pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
		self.queue.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Tells a thread that there is work.
	pub(super) fn wake_one(&self) {
		self.wake.notify_one();
	}

	fn measure(&self, queue: &Queue) {
		self.worker.metrics.queue_length.set(queue.len() as u64);
	}

	/// The next request, waiting for one; `None` when the node stops.
	fn next(&self) -> Option<(RequestId, Request)> {
		let mut queue = self.queue();
		loop {
			if self.worker.cancel.is_cancelled() {
				return None;
			}
			if let Some(next) = queue.take() {
				self.measure(&queue);
				return Some(next);
			}
			queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
		}
	}

	fn work(&self) {
		while let Some((id, request)) = self.next() {
			// A panic in a kernel costs one answer, not the thread.
			let outcome = catch_unwind(AssertUnwindSafe(|| self.worker.serve(&request)))
				.unwrap_or_else(|_| Err(WorkError::Failed("the engine panicked".into())));
			let mut queue = self.queue();
			match outcome {
				Ok(response) => queue.answer(id, response.encode(), false),
				Err(WorkError::Cancelled) => queue.abandon(&id),
				Err(WorkError::Failed(reason)) => {
					let spec = request.spec();
					log::warn!(target: LOG, "Job {}: {reason}", spec.job);
					self.worker.metrics.failed();
					queue.answer(id, Response::Failed(reason).encode(), true);
				},
			}
		}
	}
}

/// The running threads; dropping it stops them.
pub(crate) struct EngineGuard {
	shared: Arc<Shared>,
	threads: Vec<JoinHandle<()>>,
}

impl EngineGuard {
	/// Starts `count` threads.
	pub(super) fn start(shared: Arc<Shared>, count: usize) -> std::io::Result<Self> {
		let mut guard = Self { shared, threads: Vec::new() };
		for number in 0..count {
			let shared = guard.shared.clone();
			let thread = std::thread::Builder::new()
				.name(format!("engine-{number}"))
				.spawn(move || shared.work())?;
			guard.threads.push(thread);
		}
		Ok(guard)
	}
}

impl Drop for EngineGuard {
	/// Interrupts what is running and waits for it, for a while. Nothing is lost: a restarted node
	/// finds its open jobs in the state of the chain and runs them again.
	fn drop(&mut self) {
		self.shared.worker.cancel.cancel();
		let deadline = Instant::now() + STOP_PATIENCE;
		while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
			self.shared.wake.notify_all();
			std::thread::sleep(Duration::from_millis(10));
		}
		let running = self.threads.iter().filter(|thread| !thread.is_finished()).count();
		if running > 0 {
			log::warn!(target: LOG, "{running} engine threads are still busy; leaving them");
		}
	}
}
