//! Threads that stay awake between the ops of one execution.
//!
//! An op of a small model takes some ten microseconds, about as long as it takes to wake a sleeping
//! thread. The helpers of a [`team`] look for work for a while before they sleep.

use core::{
	cell::Cell,
	hint::spin_loop,
	ptr,
	sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering},
};
use std::sync::{Condvar, Mutex, PoisonError};

/// Looks for work before a helper sleeps, some hundred microseconds in all.
const PATIENCE: usize = 8192;

/// A job is open to be joined.
const OPEN: usize = 1;
/// One helper is working at the job.
const HELPER: usize = 2;
/// Bits for the helpers; those above count the jobs.
const JOB: usize = 1 << 16;

thread_local! {
	/// The team that this thread leads.
	static TEAM: Cell<*const Team> = const { Cell::new(ptr::null()) };
}

/// Work that any number of threads may call at the same time.
struct Job<'a> {
	work: &'a (dyn Fn() + Sync),
	/// How many more helpers are wanted.
	seats: AtomicUsize,
}

struct Team {
	/// Number of the job, helpers at it, whether it is open.
	state: AtomicUsize,
	/// The job, valid while it is open or a helper is at it.
	job: AtomicPtr<Job<'static>>,
	finished: AtomicBool,
	sleepers: AtomicUsize,
	lock: Mutex<()>,
	wake: Condvar,
}

/// Runs `work` with up to `threads - 1` threads of the current rayon pool at hand for the kernels
/// that it calls; they are occupied until it returns.
pub fn team<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
	if threads <= 1 || !TEAM.get().is_null() {
		return work();
	}
	let team = Team {
		state: AtomicUsize::new(0),
		job: AtomicPtr::new(ptr::null_mut()),
		finished: AtomicBool::new(false),
		sleepers: AtomicUsize::new(0),
		lock: Mutex::new(()),
		wake: Condvar::new(),
	};
	let team = &team;
	rayon::scope(|scope| {
		for _ in 1..threads {
			scope.spawn(|_| team.help());
		}
		// Dropped before the scope ends, also when `work` panics.
		let _lead = Lead(team, TEAM.replace(team));
		work()
	})
}

/// While it exists, this thread leads the team.
struct Lead<'a>(&'a Team, *const Team);

impl Drop for Lead<'_> {
	fn drop(&mut self) {
		TEAM.set(self.1);
		self.0.finished.store(true, Ordering::SeqCst);
		self.0.wake_all();
	}
}

/// Calls `work` on this thread and on helpers of its team, at most `threads` in all, and returns
/// when all calls have; false, without a call, when this thread leads no team.
pub(crate) fn share(threads: usize, work: &(dyn Fn() + Sync)) -> bool {
	let team = TEAM.replace(ptr::null());
	if team.is_null() {
		return false;
	}
	/// Puts the team back, also after a panic.
	struct Restore(*const Team);
	impl Drop for Restore {
		fn drop(&mut self) {
			TEAM.set(self.0);
		}
	}
	let _restore = Restore(team);
	// SAFETY: the team outlives `Lead`, which set the pointer and takes it back.
	unsafe { &*team }.run(threads, work);
	true
}

impl Team {
	fn run(&self, threads: usize, work: &(dyn Fn() + Sync)) {
		let mut job = Job { work, seats: AtomicUsize::new(threads.saturating_sub(1)) };
		self.job.store(ptr::from_mut(&mut job).cast(), Ordering::Relaxed);
		// The previous job is closed and left, so nobody else writes the state.
		let number = self.state.load(Ordering::Relaxed) & !(JOB - 1);
		self.state.store(number.wrapping_add(JOB) | OPEN, Ordering::SeqCst);
		if self.sleepers.load(Ordering::SeqCst) > 0 {
			self.wake_all();
		}
		/// Closes the job and waits for the helpers, also after a panic: they use `job`.
		struct Close<'a>(&'a AtomicUsize);
		impl Drop for Close<'_> {
			fn drop(&mut self) {
				self.0.fetch_and(!OPEN, Ordering::AcqRel);
				let mut looks = 0;
				while self.0.load(Ordering::Acquire) & (JOB - 1) != 0 {
					looks += 1;
					match looks {
						0..PATIENCE => spin_loop(),
						_ => std::thread::yield_now(),
					}
				}
			}
		}
		let _close = Close(&self.state);
		work();
	}

	fn wake_all(&self) {
		let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
		self.wake.notify_all();
	}

	/// Works at jobs until the team is finished.
	fn help(&self) {
		let mut done = 0;
		let mut looks = 0;
		while !self.finished.load(Ordering::SeqCst) {
			let state = self.state.load(Ordering::Acquire);
			if state & OPEN != 0 && state / JOB != done {
				let joined = state + HELPER;
				let order = Ordering::AcqRel;
				if self.state.compare_exchange(state, joined, order, Ordering::Relaxed).is_ok() {
					(done, looks) = (state / JOB, 0);
					self.work();
				}
				continue;
			}
			looks += 1;
			if looks < PATIENCE {
				spin_loop();
			} else {
				self.sleep(done);
				looks = 0;
			}
		}
	}

	/// Works at the job that this thread joined.
	fn work(&self) {
		/// Leaves the job, also after a panic.
		struct Leave<'a>(&'a AtomicUsize);
		impl Drop for Leave<'_> {
			fn drop(&mut self) {
				self.0.fetch_sub(HELPER, Ordering::AcqRel);
			}
		}
		let _leave = Leave(&self.state);
		// SAFETY: the job exists as long as a helper is at it.
		let job = unsafe { &*self.job.load(Ordering::Relaxed) };
		let seat = job
			.seats
			.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seats| seats.checked_sub(1));
		if seat.is_ok() {
			(job.work)();
		}
	}

	/// Sleeps until there may be another job than `done`.
	fn sleep(&self, done: usize) {
		let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
		self.sleepers.fetch_add(1, Ordering::SeqCst);
		// The leader stores its news before it looks for sleepers, and takes the lock to wake them.
		while !self.finished.load(Ordering::SeqCst) {
			let state = self.state.load(Ordering::SeqCst);
			if state & OPEN != 0 && state / JOB != done {
				break;
			}
			lock = self.wake.wait(lock).unwrap_or_else(PoisonError::into_inner);
		}
		self.sleepers.fetch_sub(1, Ordering::SeqCst);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::parallel::for_each;
	use std::time::Duration;

	fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
		rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
	}

	#[test]
	fn every_task_runs_once_whether_helpers_are_awake_or_asleep() {
		for threads in [1, 2, 3, 7] {
			in_pool(threads, || {
				team(threads, || {
					for round in 0..300 {
						let ran: Vec<AtomicUsize> = (0..40).map(|_| AtomicUsize::new(0)).collect();
						for_each(threads, ran.len(), |i| {
							ran[i].fetch_add(1, Ordering::Relaxed);
						});
						assert!(ran.iter().all(|ran| ran.load(Ordering::Relaxed) == 1));
						if round % 100 == 0 {
							std::thread::sleep(Duration::from_millis(20));
						}
					}
				});
			});
		}
	}

	#[test]
	fn teams_end_after_a_panic_and_nest() {
		in_pool(3, || {
			let panicked = std::panic::catch_unwind(|| {
				team(3, || for_each(3, 8, |i| assert!(i != 5, "the fifth task fails")));
			});
			assert!(panicked.is_err());
			let inner = AtomicUsize::new(0);
			team(3, || {
				for_each(3, 5, |_| {
					for_each(3, 5, |_| {
						inner.fetch_add(1, Ordering::Relaxed);
					})
				});
			});
			assert_eq!(inner.into_inner(), 25);
		});
	}
}
