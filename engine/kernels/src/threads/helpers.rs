//! Threads that help with short pieces of work.
//!
//! Ops of a small model take microseconds, less than it takes to wake a thread through a queue. The
//! helpers of this process therefore wait for the next piece by spinning for some tens of
//! microseconds before they sleep, and a caller who finishes alone takes back what no helper has
//! begun, so that a helper that wakes late is never waited for.
//!
//! # States
//!
//! A helper's `state` is the number of its claim, which only grows, and what it is doing:
//!
//! ```text
//!            claim                post              begin               end
//! IDLE ───────────────► CLAIMED ────────► POSTED ──────────► RUNNING ────────► IDLE
//!  │                       ▲                │                                   ▲
//!  │ sleep                 │ claim          └───────────── retract ─────────────┘
//!  ▼                       │
//! ASLEEP ──────────────────┘
//! ```
//!
//! | transition | by whom | how |
//! |---|---|---|
//! | claim: `IDLE` or `ASLEEP` to `CLAIMED`, the number one more | any caller | compare and exchange of the whole state |
//! | post: `CLAIMED` to `POSTED` | the caller that claimed | store: nobody else leaves `CLAIMED` |
//! | retract: `POSTED` to `IDLE` | the caller that posted | compare and exchange, with the number of its claim |
//! | begin: `POSTED` to `RUNNING` | the helper | compare and exchange |
//! | end: `RUNNING` to `IDLE` | the helper | compare and exchange, which cannot fail |
//! | sleep: `IDLE` to `ASLEEP` | the helper | compare and exchange |
//!
//! # Who may touch what
//!
//! | field | written | read |
//! |---|---|---|
//! | `Helper::state` | as above | anybody |
//! | `Helper::job` | in `CLAIMED`, by the caller that claimed | in `RUNNING`, by the helper, once, before it ends |
//! | `Helper::thread` | by [`start`], before any caller has the helper | callers |
//! | `*Helper::job`, the [`Job`] | by the caller before it posts; `pending` and `panic` by all who run it | from begin to the decrement of `pending`, by the helper |
//!
//! # Why that is sound
//!
//! * **Two callers want one helper.** Both exchange the same state; one succeeds. The other sees another
//!   state or another number and goes on to the next helper.
//! * **Post against begin.** The write of `job` comes before the store of `POSTED`, the helper's exchange
//!   reads that store before it reads `job`. All orderings are sequentially consistent.
//! * **Retract against begin.** Both exchange from the same `POSTED`: the work is taken back or run, not both.
//!   The caller counts what it took back and waits for the rest.
//! * **A caller's number against a later claim.** Between begin and the caller's retract the helper may have
//!   ended and been claimed and posted by another caller. The number differs then, so the exchange fails.
//! * **The job ends while a helper has it.** The caller's frame owns job and closure. [`Team`]'s drop, which
//!   runs on return and on unwinding, waits until `pending` has fallen to what was taken back; a helper
//!   decrements it after its last use of either.
//! * **A helper is claimed again before it has decremented.** It is `IDLE` already, so `job` may be written. The
//!   helper has read `job` by then and uses only the reference that it holds, to a job that waits for it.
//! * **Asleep against post.** Who claims a sleeper unparks it after posting. If the helper has not parked
//!   yet, the token is kept and `park` returns; it looks at its state before it parks again.
//! * **The work panics.** It is caught, kept in the job and raised again by the caller. No lock is held while
//!   work runs.
//!
//! `scripts/miri` runs the tests of this file under Miri.

use core::{
	cell::UnsafeCell,
	sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};
use std::{
	any::Any,
	panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
	sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
	thread::{self, Thread},
	time::{Duration, Instant},
};

/// How long a helper spins for the next piece before it sleeps.
const SPIN: Duration = Duration::from_micros(60);
/// Most helpers of a process.
const MOST: usize = 255;

// What a helper is doing: the low bits of its state. The others count how often it was claimed, so
// that a caller does not mistake another's work for its own.
/// Spinning, free to be claimed.
const IDLE: u64 = 0;
/// Asleep, free to be claimed.
const ASLEEP: u64 = 1;
/// A caller is about to post its work.
const CLAIMED: u64 = 2;
/// Work is posted and not begun.
const POSTED: u64 = 3;
/// Work is being done.
const RUNNING: u64 = 4;
/// The bits of a state that tell these apart.
const DOING: u64 = 7;

/// Work that several threads do together, each by calling `work`.
struct Job {
	/// Lives as long as the caller of [`together`], who waits for all helpers that began.
	work: *const (dyn Fn() + Sync),
	/// Helpers that were given the job and have not returned from it.
	pending: AtomicUsize,
	panic: Mutex<Option<Box<dyn Any + Send>>>,
}

struct Helper {
	state: AtomicU64,
	/// Written by the claimer before it posts, read by the helper once it runs.
	job: UnsafeCell<*const Job>,
	thread: OnceLock<Thread>,
}

// SAFETY: `job` is written only in state `CLAIMED`, by the one thread that made it so, and read only
// in state `RUNNING`, by the helper; the state's transitions order the two.
unsafe impl Sync for Helper {}
// SAFETY: as above.
unsafe impl Send for Helper {}

static HELPERS: RwLock<Vec<Arc<Helper>>> = RwLock::new(Vec::new());

impl Helper {
	/// Takes the helper if it is free: the number of the claim, and whether it was asleep.
	fn claim(&self) -> Option<(u64, bool)> {
		let state = self.state.load(SeqCst);
		let claim = (state & !DOING).wrapping_add(DOING + 1);
		let free = matches!(state & DOING, IDLE | ASLEEP);
		let taken =
			free && self.state.compare_exchange(state, claim | CLAIMED, SeqCst, SeqCst).is_ok();
		taken.then_some((claim, state & DOING == ASLEEP))
	}

	/// Gives a claimed helper its work.
	fn post(&self, job: &Job, claim: u64, asleep: bool) {
		// SAFETY: this thread claimed the helper, which does not read before it runs.
		unsafe { *self.job.get() = job };
		self.state.store(claim | POSTED, SeqCst);
		if let Some(thread) = self.thread.get().filter(|_| asleep) {
			thread.unpark();
		}
	}

	/// Takes the work back if the helper has not begun it.
	fn retract(&self, claim: u64) -> bool {
		self.state.compare_exchange(claim | POSTED, claim | IDLE, SeqCst, SeqCst).is_ok()
	}

	/// Goes from one state to another, if it is in the first.
	fn transition(&self, from: u64, to: u64) -> bool {
		// Looking first leaves the cache line where it is.
		let state = self.state.load(SeqCst);
		state & DOING == from
			&& self.state.compare_exchange(state, state & !DOING | to, SeqCst, SeqCst).is_ok()
	}

	fn serve(&self) {
		loop {
			self.wait();
			// SAFETY: in state `RUNNING` the job is set, and its owner waits until `pending` falls.
			let job = unsafe { &**self.job.get() };
			// SAFETY: the closure lives as long as the job.
			let work = unsafe { &*job.work };
			if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
				*job.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
			}
			// Nobody else changes the state while the helper runs.
			self.transition(RUNNING, IDLE);
			// The last use of the job.
			job.pending.fetch_sub(1, SeqCst);
		}
	}

	/// Returns in state `RUNNING`.
	fn wait(&self) {
		loop {
			let start = Instant::now();
			// Look before looking at the clock: who is slow, or was put aside, has been posted work perhaps.
			loop {
				for _ in 0..64 {
					if self.transition(POSTED, RUNNING) {
						return;
					}
					core::hint::spin_loop();
				}
				if start.elapsed() >= SPIN {
					break;
				}
				// Where there are more threads than processors, let the others go on.
				thread::yield_now();
			}
			if self.transition(IDLE, ASLEEP) {
				while self.state.load(SeqCst) & DOING == ASLEEP {
					thread::park();
				}
			}
		}
	}
}

/// Runs `work` on this thread and on up to `helpers` others at the same time.
///
/// Returns when all who began have returned. Panics where one of them did.
pub(crate) fn together(helpers: usize, work: &(dyn Fn() + Sync)) {
	// SAFETY: only the lifetime changes; `Team` below does not let this function end, by return or
	// by panic, before the last helper is done with the job.
	let work: &'static (dyn Fn() + Sync) = unsafe { core::mem::transmute(work) };
	let job = Job { work, pending: AtomicUsize::new(0), panic: Mutex::new(None) };
	let mut team = Team { job: &job, helpers: Vec::new() };
	team.gather(helpers);
	work();
	drop(team);
	if let Some(payload) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
		resume_unwind(payload);
	}
}

/// The helpers of one job; dropping it waits for them.
struct Team<'a> {
	job: &'a Job,
	/// With the numbers of the claims.
	helpers: Vec<(Arc<Helper>, u64)>,
}

impl Team<'_> {
	fn gather(&mut self, wanted: usize) {
		let all = HELPERS.read().unwrap_or_else(PoisonError::into_inner);
		for helper in all.iter() {
			if self.helpers.len() == wanted {
				return;
			}
			self.add(helper);
		}
		let mut count = all.len();
		drop(all);
		// All are busy with other callers' work, or there are none yet.
		while self.helpers.len() < wanted && count < wanted.max(processors() - 1).min(MOST) {
			let Some(helper) = start() else { return };
			self.add(&helper);
			count += 1;
		}
	}

	fn add(&mut self, helper: &Arc<Helper>) {
		if let Some((claim, asleep)) = helper.claim() {
			self.job.pending.fetch_add(1, SeqCst);
			self.helpers.push((helper.clone(), claim));
			helper.post(self.job, claim, asleep);
		}
	}
}

impl Drop for Team<'_> {
	fn drop(&mut self) {
		let taken_back =
			self.helpers.iter().filter(|(helper, claim)| helper.retract(*claim)).count();
		let mut spins = 0u32;
		while self.job.pending.load(SeqCst) > taken_back {
			core::hint::spin_loop();
			spins += 1;
			if spins.is_multiple_of(1024) {
				thread::yield_now();
			}
		}
	}
}

fn processors() -> usize {
	static COUNT: OnceLock<usize> = OnceLock::new();
	*COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// A new helper; `None` when the system has no thread left, in which case fewer do the work.
fn start() -> Option<Arc<Helper>> {
	let mut helpers = HELPERS.write().unwrap_or_else(PoisonError::into_inner);
	let helper = Arc::new(Helper {
		state: AtomicU64::new(IDLE),
		job: UnsafeCell::new(core::ptr::null()),
		thread: OnceLock::new(),
	});
	let own = helper.clone();
	let name = format!("assay-kernel-{}", helpers.len());
	let handle = thread::Builder::new().name(name).spawn(move || own.serve()).ok()?;
	// Set before anybody else knows the helper.
	let _ = helper.thread.set(handle.thread().clone());
	helpers.push(helper.clone());
	Some(helper)
}

#[cfg(test)]
mod tests {
	use super::*;
	use core::sync::atomic::AtomicU64;

	/// Miri takes a thousand times as long, and looks at every access.
	const ROUNDS: usize = if cfg!(miri) { 3 } else { 100 };

	#[test]
	fn everybody_works_and_is_waited_for() {
		for helpers in [0, 1, 2, 6] {
			for _ in 0..3 * ROUNDS {
				let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
				together(helpers, &|| loop {
					let i = next.fetch_add(1, SeqCst);
					if i >= 100 {
						return;
					}
					sum.fetch_add(i, SeqCst);
				});
				assert_eq!(sum.into_inner(), 4950);
			}
		}
	}

	#[test]
	fn callers_on_many_threads_and_nested_ones() {
		thread::scope(|scope| {
			for _ in 0..4 {
				scope.spawn(|| {
					for _ in 0..ROUNDS {
						let count = AtomicU64::new(0);
						together(2, &|| {
							together(2, &|| {
								count.fetch_add(1, SeqCst);
							});
						});
						assert!((1..=9).contains(&count.into_inner()));
					}
				});
			}
		});
	}

	#[test]
	fn sleepers_wake() {
		together(2, &|| ());
		thread::sleep(SPIN * 20);
		let seen = AtomicU64::new(0);
		let deadline = Instant::now() + Duration::from_secs(20);
		// Goes on until a second thread has come.
		while seen.load(SeqCst) < 2 && Instant::now() < deadline {
			seen.store(0, SeqCst);
			together(2, &|| {
				seen.fetch_add(1, SeqCst);
				thread::sleep(Duration::from_millis(5));
			});
		}
		assert!(seen.into_inner() >= 2);
	}

	#[test]
	fn a_panic_reaches_the_caller() {
		let failed = catch_unwind(|| {
			let calls = AtomicU64::new(0);
			together(3, &|| {
				calls.fetch_add(1, SeqCst);
				thread::sleep(Duration::from_millis(1));
				panic!("on purpose");
			});
		});
		assert!(failed.is_err());
		together(3, &|| ());
	}
}
