//! The engine's own threads.

use super::{
	queue::{Queue, Taker, Work},
	work::{WorkError, Worker},
	LOG,
};
use assay_host::{Class, Response};
use std::{
	panic::{catch_unwind, AssertUnwindSafe},
	sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
	thread::JoinHandle,
	time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long stopping waits for threads. Executions notice at their next op.
const STOP_PATIENCE: Duration = Duration::from_millis(1_800);

/// What the threads and the workers' side share.
pub(super) struct Shared {
	state: Mutex<State>,
	general: Condvar,
	reserve: Condvar,
	/// Does the work.
	pub(super) worker: Worker,
	/// Told of every answer.
	pub(super) answered: Arc<Notify>,
}

/// What the lock protects.
struct State {
	queue: Queue,
	/// General threads that wait for work.
	idle: usize,
}

impl Shared {
	/// An empty queue in front of `worker`.
	pub(super) fn new(worker: Worker, queue: Queue) -> Self {
		Self {
			state: Mutex::new(State { queue, idle: 0 }),
			general: Condvar::new(),
			reserve: Condvar::new(),
			worker,
			answered: Arc::new(Notify::new()),
		}
	}

	/// Does something with the queue, quickly: everybody waits meanwhile.
	pub(super) fn with<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
		let mut state = self.lock();
		let result = change(&mut state.queue);
		self.settle(&mut state);
		result
	}

	/// The same for what makes no work and is done thousands of times in a block: figures of what it
	/// changes by the way follow with the next change.
	pub(super) fn glance<T>(&self, glance: impl FnOnce(&mut Queue) -> T) -> T {
		glance(&mut self.lock().queue)
	}

	/// A panic while it was locked cannot happen halfway through a change that matters: everything
	/// in it can be asked for again.
	fn lock(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// After a change: the figures, and somebody to do what waits. Whoever takes something comes by here
	/// too and calls the next.
	fn settle(&self, state: &mut State) {
		let metrics = &self.worker.metrics;
		for class in Class::ALL {
			metrics.waiting(class, state.queue.waiting(class));
		}
		metrics.refused(state.queue.take_refusals());
		metrics.answers(state.queue.answers());
		if !state.queue.is_empty() {
			match state.idle {
				0 => self.reserve.notify_one(),
				_ => self.general.notify_one(),
			}
		}
	}

	/// The next request, waiting for one; `None` when the node stops.
	fn next(&self, taker: Taker) -> Option<Work> {
		let mut state = self.lock();
		loop {
			if self.worker.cancel.is_cancelled() {
				return None;
			}
			if let Some(work) = state.queue.take(taker, Instant::now()) {
				self.settle(&mut state);
				return Some(work);
			}
			state = match taker {
				Taker::Reserve => self.reserve.wait(state).unwrap_or_else(PoisonError::into_inner),
				Taker::General => {
					state.idle += 1;
					let mut state =
						self.general.wait(state).unwrap_or_else(PoisonError::into_inner);
					state.idle -= 1;
					state
				},
			};
		}
	}

	fn work(&self, taker: Taker) {
		while let Some(work) = self.next(taker) {
			// A panic in a kernel costs one answer, not the thread.
			let outcome = catch_unwind(AssertUnwindSafe(|| self.worker.serve(&work)))
				.unwrap_or_else(|_| Err(WorkError::Failed("the engine panicked".into())));
			let model = work.request.spec().model;
			let response = match outcome {
				Ok(served) => {
					if let Some((kind, took)) = served.took {
						self.lock().queue.measured(&model, kind, took);
					}
					served.response
				},
				Err(WorkError::Cancelled) => {
					self.with(|queue| queue.abandon(&work.id));
					continue;
				},
				Err(error) => {
					let reason = error.to_string();
					match error {
						WorkError::NoModel(_) => {
							log::debug!(target: LOG, "Job {}: {reason}", work.job)
						},
						_ => log::warn!(target: LOG, "Job {}: {reason}", work.job),
					}
					self.worker.metrics.failed();
					Response::Failed(reason)
				},
			};
			self.with(|queue| queue.answer(work.id, &response, Instant::now()));
			self.answered.notify_one();
		}
	}
}

/// The running threads; dropping it stops them.
pub(crate) struct EngineGuard {
	shared: Arc<Shared>,
	threads: Vec<JoinHandle<()>>,
}

impl EngineGuard {
	/// Starts `count` threads, and one in reserve.
	pub(super) fn start(shared: Arc<Shared>, count: usize) -> std::io::Result<Self> {
		let mut guard = Self { shared, threads: Vec::new() };
		for number in 0..count {
			guard.spawn(format!("engine-{number}"), Taker::General)?;
		}
		guard.spawn("engine-reserve".into(), Taker::Reserve)?;
		Ok(guard)
	}

	fn spawn(&mut self, name: String, taker: Taker) -> std::io::Result<()> {
		let shared = self.shared.clone();
		let thread = std::thread::Builder::new().name(name).spawn(move || shared.work(taker))?;
		self.threads.push(thread);
		Ok(())
	}
}

impl Drop for EngineGuard {
	/// Interrupts what is running and waits for it, for a while. Nothing is lost: a restarted node
	/// finds its open jobs in the state of the chain and runs them again.
	fn drop(&mut self) {
		self.shared.worker.cancel.cancel();
		let deadline = Instant::now() + STOP_PATIENCE;
		while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
			self.shared.general.notify_all();
			self.shared.reserve.notify_all();
			std::thread::sleep(Duration::from_millis(10));
		}
		let running = self.threads.iter().filter(|thread| !thread.is_finished()).count();
		if running > 0 {
			log::warn!(target: LOG, "{running} engine threads are still busy; leaving them");
		}
	}
}
