//! Requests waiting, running and answered. No threads here: [`super::pool`] shares one behind a
//! lock.
//!
//! # Order
//!
//! What is in a better [`Class`] is taken before everything in a worse one; within a class the
//! earliest deadline goes first, then the earliest arrival. Each class has room of its own, so that
//! none can take another's. When a class is full, a newcomer that is worth more than some of those
//! that wait takes their place, and they are unknown from then on; otherwise it is refused with
//! [`Status::Full`]. Worth more means an earlier deadline, and in [`Class::Watch`] more at stake for
//! each microsecond of estimated work.
//!
//! What has passed its deadline is late: it is done last in its class, and gives way first. In
//! [`Class::Watch`] it is late as soon as it cannot be done by its deadline any more.
//!
//! # More claims than time
//!
//! As long as everything in [`Class::Watch`] can be done by its deadline, the earliest deadline goes
//! first, and nothing is missed. When before some deadline there is more estimated work than time on
//! this node's threads, after what better classes hold, the class is overloaded: then it takes the
//! request with the most at stake per microsecond of estimated work among those that can still be done
//! in time, until everything can be again. A model that never ran here counts as a millisecond, so it
//! is tried soon and known afterwards.
//!
//! # Equal work
//!
//! A request is named by what is asked and not by who asks. Requests that need the trace of a run
//! wait while another thread makes it, and so do plain runs of the same input: afterwards they find
//! the trace in [`super::traces`].
//!
//! # Cost
//!
//! No operation looks at every request. Each is a few steps in balanced trees and hash maps; those
//! of [`Class::Watch`] also look once at each *model* that something waits for.

mod answers;
mod costs;
mod room;
#[cfg(test)]
mod tests;

pub(super) use costs::Kind;

use super::LOG;
use answers::{Answer, Shelves};
use assay_host::{Class, Poll, Request, RequestId, Response, RunSpec, Status, Submission, Terms};
use costs::Costs;
use room::{Bounds, Place, Room, LATE};
use std::{
	collections::{hash_map::Entry as MapEntry, HashMap},
	time::{Duration, Instant},
};

const MIB: usize = 1 << 20;

/// Room of each class. One challenge's openings are up to 4 MiB, an input up to 8 MiB with them; a
/// busy operator has thousands of small jobs.
const ROOM: [Bounds; CLASSES] = [
	Bounds { count: 4_096, bytes: 64 * MIB },
	Bounds { count: 4_096, bytes: 64 * MIB },
	Bounds { count: 16_384, bytes: 64 * MIB },
	Bounds { count: 32_768, bytes: 64 * MIB },
	Bounds { count: 4_096, bytes: 16 * MIB },
];

/// Bytes that a request holds besides its input and openings.
const OVERHEAD: usize = 512;

/// Bytes that an opening holds besides its payload.
const OPENING_OVERHEAD: usize = 4_096;

/// How long a failed run is remembered before it may be tried again, and anything that failed after
/// its deadline.
const FAILED_RUN: Duration = Duration::from_secs(20);

/// The same for traces and moves while their deadline runs: less than a block, so that the next
/// block's worker tries again.
const FAILED_MOVE: Duration = Duration::from_millis(2_500);

/// How long a finding about overload holds.
const OVERLOAD_PERIOD: Duration = Duration::from_millis(100);

/// A deadline that is always over.
const TOO_LATE: u64 = 0;

const CLASSES: usize = Class::ALL.len();

/// Which requests a thread takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taker {
	/// All.
	General,
	/// What the node owes, [`Class::Job`] and better, while the other threads are all busy and one of
	/// them with less: no long look at somebody's claim makes a dispute wait.
	Reserve,
}

/// A request to work on.
#[derive(Debug)]
pub(super) struct Work {
	/// Its name.
	pub(super) id: RequestId,
	/// What is asked.
	pub(super) request: Request,
	/// For which job, for logs.
	pub(super) job: u64,
	/// The input's bytes.
	pub(super) input: Vec<u8>,
}

struct Waiting {
	submission: Submission,
	class: Class,
	place: Place,
	/// Waits for a trace of the same run instead of for a thread.
	parked: bool,
}

struct Running {
	/// The best class that asked for it.
	class: Class,
	/// The class in which it was taken.
	charged: Class,
	/// [`TOO_LATE`] if it was late when it was taken.
	deadline: u64,
	model: costs::ModelIndex,
	kind: Kind,
	spec: RunSpec,
}

enum Entry {
	Waiting(Box<Waiting>),
	Running(Running),
	Answered(Answer),
}

/// Where the best chain is.
#[derive(Clone, Copy, Debug)]
struct Clock {
	block: u64,
	since: Instant,
	period: Duration,
}

impl Clock {
	/// Microseconds until block `deadline` is due; for ever while no block has been seen.
	fn left(&self, deadline: u64, now: Instant) -> u64 {
		if self.block == 0 {
			return u64::MAX;
		}
		let period = u64::try_from(self.period.as_micros()).unwrap_or(u64::MAX);
		let passed = now.saturating_duration_since(self.since).as_micros();
		let passed = u64::try_from(passed).unwrap_or(u64::MAX).min(period);
		deadline.saturating_sub(self.block).saturating_mul(period).saturating_sub(passed)
	}

	/// The deadline that a request is ordered by.
	fn clamp(&self, deadline: u64) -> u64 {
		if deadline < self.block {
			LATE
		} else {
			deadline.min(LATE - 1)
		}
	}
}

/// All requests the engine knows.
pub(super) struct Queue {
	entries: HashMap<RequestId, Entry>,
	rooms: [Room; CLASSES],
	shelves: Shelves,
	costs: Costs,
	clock: Clock,
	threads: usize,
	seq: u64,
	/// How many run, by class in which they were taken.
	running: [usize; CLASSES],
	/// Runs whose traces are in the making or in use, and who waits for that.
	tracing: HashMap<RunSpec, Vec<RequestId>>,
	/// Whether [`Class::Watch`] was overloaded, and when that was found out.
	overload: Option<(Instant, bool)>,
	/// Refused or displaced since [`Self::take_refusals`].
	refused: [u64; CLASSES],
	/// Refused or displaced and not had much room since.
	full: [bool; CLASSES],
}

impl Queue {
	/// An empty queue in front of so many threads, on a chain with a block every `period`.
	pub(super) fn new(threads: usize, period: Duration) -> Self {
		Self::with_rooms(threads, period, ROOM)
	}

	fn with_rooms(threads: usize, period: Duration, bounds: [Bounds; CLASSES]) -> Self {
		let room = |class: Class| Room::new(bounds[class as usize], class == Class::Watch);
		Self {
			entries: HashMap::new(),
			rooms: Class::ALL.map(room),
			shelves: Shelves::default(),
			costs: Costs::default(),
			clock: Clock { block: 0, since: Instant::now(), period },
			threads: threads.max(1),
			seq: 0,
			running: [0; CLASSES],
			tracing: HashMap::new(),
			overload: None,
			refused: [0; CLASSES],
			full: [false; CLASSES],
		}
	}

	/// The best chain has this block now.
	pub(super) fn at_block(&mut self, block: u64, now: Instant) {
		self.clock = Clock { block, since: now, ..self.clock };
	}

	/// How many requests of a class wait.
	pub(super) fn waiting(&self, class: Class) -> usize {
		self.rooms[class as usize].len()
	}

	/// Whether anything waits, if only for another request.
	pub(super) fn is_empty(&self) -> bool {
		self.rooms.iter().all(|room| room.len() == 0)
	}

	/// How many answers are kept.
	pub(super) fn answers(&self) -> usize {
		self.shelves.len()
	}

	/// How many requests of each class were refused, or displaced by worthier ones, since the last
	/// call.
	pub(super) fn take_refusals(&mut self) -> [u64; CLASSES] {
		std::mem::take(&mut self.refused)
	}

	/// How long a plain run of `model` takes, in microseconds, once one was measured.
	pub(super) fn run_micros(&self, model: &[u8; 32]) -> Option<u64> {
		self.costs.run_micros(model)
	}

	/// Estimated microseconds until a new request of `class` would begin: what waits or runs in it and
	/// in better classes, shared by the threads. What runs counts in full.
	pub(super) fn backlog_micros(&self, class: Class) -> u64 {
		self.costs.work_up_to(class) / self.threads as u64
	}

	/// An execution was measured.
	pub(super) fn measured(&mut self, model: &[u8; 32], kind: Kind, took: Duration) {
		self.costs.measured(model, kind, took);
	}

	/// What [`Self::submit`] would answer without adding anything: the status of a request that is
	/// known, or [`Status::Full`]. `None` if it would be added.
	pub(super) fn refuses(
		&mut self,
		id: &RequestId,
		submission: &Submission,
		now: Instant,
	) -> Option<Status> {
		self.forget_useless(id, submission.terms.class, now);
		if let Some(entry) = self.entries.get(id) {
			let status = status(entry);
			self.raise(id, &submission.terms);
			return Some(status);
		}
		let place = self.place(submission);
		if self.find_room(submission.terms.class, &place).is_none() {
			self.refuse(submission.terms.class);
			return Some(Status::Full);
		}
		None
	}

	/// Adds a request unless it is known; its input must be the one that it names. Others that are
	/// worth less may have to go.
	pub(super) fn submit(&mut self, id: RequestId, submission: Submission, now: Instant) -> Status {
		if let Some(status) = self.refuses(&id, &submission, now) {
			return status;
		}
		let class = submission.terms.class;
		let place = self.place(&submission);
		let leaving = self.find_room(class, &place).unwrap_or_default();
		self.displace(class, leaving);
		self.seq += 1;
		self.costs.add(class, place.model, place.kind);
		let room = &mut self.rooms[class as usize];
		room.enter(place.size);
		room.line_up(id, &place);
		let waiting = Waiting { submission, class, place, parked: false };
		self.entries.insert(id, Entry::Waiting(Box::new(waiting)));
		Status::Queued
	}

	/// Where a request stands; one that waits becomes at least as urgent as these words say.
	pub(super) fn poll(
		&mut self,
		id: &RequestId,
		class: Class,
		deadline: u64,
		now: Instant,
	) -> Poll {
		self.forget_useless(id, class, now);
		self.raise(id, &Terms { class, deadline, at_stake: 0, job: 0 });
		match self.entries.get_mut(id) {
			None => Poll::Not(Status::Unknown),
			Some(Entry::Answered(answer)) => match answer.get(class, now).cloned() {
				Some(bytes) => {
					self.shelves.promote(*id, answer, class);
					self.trim();
					Poll::Ready(bytes)
				},
				None => Poll::Not(Status::Unknown),
			},
			Some(entry) => Poll::Not(status(entry)),
		}
	}

	/// At least `at_stake` depends on a request, if it still waits.
	pub(super) fn stake(&mut self, id: &RequestId, at_stake: u64) {
		let terms = Terms { class: Class::Other, deadline: u64::MAX, at_stake, job: 0 };
		self.raise(id, &terms);
	}

	/// The next request to work on.
	pub(super) fn take(&mut self, taker: Taker, now: Instant) -> Option<Work> {
		let classes = match taker {
			Taker::General => &Class::ALL[..],
			Taker::Reserve if self.lacks_threads() => &Class::ALL[..=Class::Job as usize],
			Taker::Reserve => return None,
		};
		classes.iter().find_map(|class| self.take_of(*class, now))
	}

	/// Whether all general threads are busy, one of them with something that is not owed.
	fn lacks_threads(&self) -> bool {
		let less = &self.running[Class::Watch as usize..];
		self.running.iter().sum::<usize>() == self.threads && less.iter().any(|count| *count > 0)
	}

	/// The answer of a request that was taken.
	pub(super) fn answer(&mut self, id: RequestId, response: &Response, now: Instant) {
		let Some(running) = self.finish(&id) else { return };
		let until = matches!(response, Response::Failed(_)).then(|| {
			let in_time = running.deadline >= self.clock.block;
			now + match running.kind {
				Kind::Dispute if in_time => FAILED_MOVE,
				Kind::Dispute | Kind::Run => FAILED_RUN,
			}
		});
		let answer = self.shelves.put(id, running.class, response, until);
		self.entries.insert(id, Entry::Answered(answer));
		self.trim();
	}

	/// Forgets a request that was taken and will not be answered.
	pub(super) fn abandon(&mut self, id: &RequestId) {
		self.finish(id);
	}

	/// What orders a submission; it would be the last of its class and deadline.
	fn place(&mut self, submission: &Submission) -> Place {
		let Submission { request, terms, .. } = submission;
		Place {
			deadline: self.clock.clamp(terms.deadline),
			seq: self.seq,
			at_stake: terms.at_stake,
			model: self.costs.index(&request.spec().model),
			kind: Kind::of(request),
			size: size(submission),
		}
	}

	/// Who has to go so that there is room; `None` if there is none to be had.
	fn find_room(&self, class: Class, place: &Place) -> Option<Vec<RequestId>> {
		self.rooms[class as usize].make_room(place, &self.costs, |id| match self.entries.get(id) {
			Some(Entry::Waiting(waiting)) => waiting.place.size,
			_ => 0,
		})
	}

	/// Makes room in a class; logs only the first of a series.
	fn displace(&mut self, class: Class, leaving: Vec<RequestId>) {
		for id in leaving {
			self.refuse(class);
			if let Some(Entry::Waiting(waiting)) = self.entries.remove(&id) {
				self.withdraw(id, &waiting);
				self.costs.remove(class, waiting.place.model, waiting.place.kind);
			}
		}
	}

	/// A request of a class does not get the room it wants.
	fn refuse(&mut self, class: Class) {
		self.refused[class as usize] += 1;
		if !std::mem::replace(&mut self.full[class as usize], true) {
			log::warn!(
				target: LOG,
				"No room for all requests of class {class:?}: those worth least are turned away. \
				 {} wait; this node needs more --engine-threads, or less to do",
				self.waiting(class),
			);
		}
	}

	/// Takes a waiting request out of its room.
	fn withdraw(&mut self, id: RequestId, waiting: &Waiting) {
		let room = &mut self.rooms[waiting.class as usize];
		if !waiting.parked {
			room.step_out(id, &waiting.place);
		}
		room.leave(waiting.place.size);
		if self.full[waiting.class as usize] && room.is_airy() {
			self.full[waiting.class as usize] = false;
			log::info!(target: LOG, "Room again for requests of class {:?}", waiting.class);
		}
	}

	/// A known request becomes at least as urgent as `terms` say: into the better class, if that has
	/// room for it.
	fn raise(&mut self, id: &RequestId, terms: &Terms) {
		let (class, place) = match self.entries.get_mut(id) {
			Some(Entry::Waiting(waiting)) => {
				let place = Place {
					deadline: waiting.place.deadline.min(self.clock.clamp(terms.deadline)),
					at_stake: waiting.place.at_stake.max(terms.at_stake),
					..waiting.place
				};
				(waiting.class.min(terms.class), place)
			},
			Some(Entry::Running(running)) => {
				running.class = running.class.min(terms.class);
				running.deadline = running.deadline.min(terms.deadline);
				return;
			},
			_ => return,
		};
		let Some(Entry::Waiting(waiting)) = self.entries.get(id) else { return };
		let old = waiting.class;
		if (class, place) == (old, waiting.place) {
			return;
		}
		let leaving = if class == old { Some(Vec::new()) } else { self.find_room(class, &place) };
		let class = if leaving.is_some() { class } else { old };
		self.displace(class, leaving.unwrap_or_default());
		let Some(Entry::Waiting(waiting)) = self.entries.get_mut(id) else { return };
		let parked = waiting.parked;
		if !parked {
			self.rooms[old as usize].step_out(*id, &waiting.place);
		}
		self.rooms[old as usize].leave(place.size);
		(waiting.class, waiting.place) = (class, place);
		let room = &mut self.rooms[class as usize];
		room.enter(place.size);
		if !parked {
			room.line_up(*id, &place);
		}
		self.costs.remove(old, place.model, place.kind);
		self.costs.add(class, place.model, place.kind);
	}

	/// The next of a class.
	fn take_of(&mut self, class: Class, now: Instant) -> Option<Work> {
		loop {
			let overloaded = class == Class::Watch && self.is_overloaded(now);
			let room = &self.rooms[class as usize];
			let worthiest = || room.worthiest(&self.costs).filter(|_| overloaded);
			let id = worthiest().or_else(|| room.earliest())?;
			let Some(Entry::Waiting(waiting)) = self.entries.get(&id) else {
				debug_assert!(false, "only what waits is in a room");
				return None;
			};
			let place = waiting.place;
			let estimate = self.costs.estimate(place.model, place.kind);
			let hopeless = class == Class::Watch && self.clock.left(place.deadline, now) < estimate;
			let late = hopeless || self.clock.clamp(place.deadline) == LATE;
			// Each is found late or parked once before it is taken.
			if late && place.deadline != LATE {
				self.defer(id);
			} else if let Some(work) = self.start(id) {
				return Some(work);
			}
		}
	}

	/// It is too late for a request: it goes to the end.
	fn defer(&mut self, id: RequestId) {
		let Some(Entry::Waiting(waiting)) = self.entries.get_mut(&id) else { return };
		let room = &mut self.rooms[waiting.class as usize];
		room.step_out(id, &waiting.place);
		waiting.place.deadline = LATE;
		room.line_up(id, &waiting.place);
	}

	/// Hands out a waiting request, or parks it because its trace is being made.
	fn start(&mut self, id: RequestId) -> Option<Work> {
		let MapEntry::Occupied(mut entry) = self.entries.entry(id) else { return None };
		let Entry::Waiting(waiting) = entry.get_mut() else { return None };
		let spec = *waiting.submission.request.spec();
		if let Some(parked) = self.tracing.get_mut(&spec) {
			self.rooms[waiting.class as usize].step_out(id, &waiting.place);
			waiting.parked = true;
			parked.push(id);
			return None;
		}
		let (class, place) = (waiting.class, waiting.place);
		let running = Running {
			class,
			charged: class,
			deadline: if place.deadline == LATE { TOO_LATE } else { place.deadline },
			model: place.model,
			kind: place.kind,
			spec,
		};
		let Entry::Waiting(waiting) = entry.insert(Entry::Running(running)) else { return None };
		if place.kind == Kind::Dispute {
			self.tracing.insert(spec, Vec::new());
		}
		self.withdraw(id, &waiting);
		self.running[class as usize] += 1;
		let Submission { request, terms, input } = waiting.submission;
		Some(Work { id, request, job: terms.job, input })
	}

	/// Ends what was taken; whoever waited for its trace can be taken now.
	fn finish(&mut self, id: &RequestId) -> Option<Running> {
		let running = match self.entries.remove(id)? {
			Entry::Running(running) => running,
			other => {
				self.entries.insert(*id, other);
				return None;
			},
		};
		self.running[running.charged as usize] -= 1;
		self.costs.remove(running.charged, running.model, running.kind);
		if running.kind == Kind::Dispute {
			for id in self.tracing.remove(&running.spec).unwrap_or_default() {
				if let Some(Entry::Waiting(waiting)) = self.entries.get_mut(&id) {
					waiting.parked = false;
					self.rooms[waiting.class as usize].line_up(id, &waiting.place);
				}
			}
		}
		Some(running)
	}

	/// Whether there is more to watch than time, as found out a moment ago.
	fn is_overloaded(&mut self, now: Instant) -> bool {
		if let Some((found, overloaded)) = self.overload {
			if now.saturating_duration_since(found) < OVERLOAD_PERIOD {
				return overloaded;
			}
		}
		let ahead = self.costs.work_up_to(Class::Job);
		let clock = self.clock;
		let left = |deadline| clock.left(deadline, now);
		let room = &self.rooms[Class::Watch as usize];
		let overloaded = room.is_overloaded(&self.costs, ahead, self.threads as u64, left);
		self.overload = Some((now, overloaded));
		overloaded
	}

	/// Forgets an answer that a request of `class` cannot use.
	fn forget_useless(&mut self, id: &RequestId, class: Class, now: Instant) {
		if let MapEntry::Occupied(entry) = self.entries.entry(*id) {
			if let Entry::Answered(answer) = entry.get() {
				if answer.get(class, now).is_none() {
					self.shelves.remove(answer);
					entry.remove();
				}
			}
		}
	}

	/// Keeps the answers within their bounds.
	fn trim(&mut self) {
		while let Some(id) = self.shelves.one_too_many() {
			if let Some(Entry::Answered(answer)) = self.entries.remove(&id) {
				self.shelves.remove(&answer);
			}
		}
		while let Some(id) = self.shelves.too_heavy() {
			if let MapEntry::Occupied(mut entry) = self.entries.entry(id) {
				if let Entry::Answered(answer) = entry.get_mut() {
					if !self.shelves.strip(id, answer) {
						entry.remove();
					}
				}
			}
		}
	}
}

fn status(entry: &Entry) -> Status {
	match entry {
		Entry::Waiting(_) => Status::Queued,
		Entry::Running(_) => Status::Running,
		Entry::Answered(_) => Status::Ready,
	}
}

/// Bytes that a waiting request holds, roughly.
fn size(submission: &Submission) -> usize {
	let openings = match &submission.request {
		Request::NextMove { openings, .. } => openings
			.iter()
			.map(|(_, opening)| OPENING_OVERHEAD + opening.payload.len())
			.sum::<usize>(),
		_ => 0,
	};
	OVERHEAD + submission.input.len() + openings
}
