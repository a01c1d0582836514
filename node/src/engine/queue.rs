//! Requests waiting, running and answered. No threads here: [`super::pool`] shares one behind a
//! lock.

use assay_host::{Poll, Request, RequestId, Role, Status};
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
	time::{Duration, Instant},
};

/// Most encoded inputs and openings that may wait, in bytes.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// Most requests that may wait.
const MAX_WAITING: usize = 512;

/// Most answers kept, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Most answers kept.
const MAX_ANSWERS: usize = 2_048;

/// How long a failure is remembered before the request may be tried again.
const FAILURE_MEMORY: Duration = Duration::from_secs(20);

/// What is taken first: disputes have the shortest deadlines, watching can wait longest.
const CLASSES: usize = 3;

fn class(request: &Request) -> usize {
	match (request, request.spec().role) {
		(Request::Trace(_) | Request::Open { .. } | Request::NextMove { .. }, _) => 0,
		(Request::Run(_), Role::Operator) => 1,
		(Request::Run(_), Role::Watcher) => 2,
	}
}

enum Entry {
	Queued,
	Running,
	Answered { bytes: Arc<Vec<u8>>, failed: Option<Instant> },
}

struct Waiting {
	id: RequestId,
	request: Request,
	size: usize,
}

/// All requests the engine knows.
#[derive(Default)]
pub(super) struct Queue {
	entries: HashMap<RequestId, Entry>,
	waiting: [VecDeque<Waiting>; CLASSES],
	waiting_bytes: usize,
	/// Answered requests, the oldest first.
	answered: VecDeque<(RequestId, usize)>,
	answered_bytes: usize,
}

impl Queue {
	/// How many requests wait.
	pub(super) fn len(&self) -> usize {
		self.waiting.iter().map(VecDeque::len).sum()
	}

	/// Adds a request unless it is known; [`Status::Unknown`] when there is no room.
	pub(super) fn submit(&mut self, id: RequestId, request: Request) -> Status {
		self.forget_failure(&id);
		if let Some(entry) = self.entries.get(&id) {
			return status(entry);
		}
		let size = weight(&request);
		if self.len() >= MAX_WAITING || self.waiting_bytes + size > MAX_WAITING_BYTES {
			return Status::Unknown;
		}
		self.entries.insert(id, Entry::Queued);
		self.waiting_bytes += size;
		self.waiting[class(&request)].push_back(Waiting { id, request, size });
		Status::Queued
	}

	/// Where a request stands.
	pub(super) fn poll(&mut self, id: &RequestId) -> Poll {
		self.forget_failure(id);
		match self.entries.get(id) {
			None => Poll::Not(Status::Unknown),
			Some(Entry::Answered { bytes, .. }) => Poll::Ready(bytes.clone()),
			Some(entry) => Poll::Not(status(entry)),
		}
	}

	/// The next request to work on.
	pub(super) fn take(&mut self) -> Option<(RequestId, Request)> {
		let next = self.waiting.iter_mut().find_map(VecDeque::pop_front)?;
		self.waiting_bytes -= next.size;
		self.entries.insert(next.id, Entry::Running);
		Some((next.id, next.request))
	}

	/// Stores the answer of a request that was taken.
	pub(super) fn answer(&mut self, id: RequestId, bytes: Vec<u8>, failed: bool) {
		let size = bytes.len();
		let failed = failed.then(Instant::now);
		self.entries.insert(id, Entry::Answered { bytes: Arc::new(bytes), failed });
		self.answered.push_back((id, size));
		self.answered_bytes += size;
		while self.answered.len() > MAX_ANSWERS || self.answered_bytes > MAX_ANSWER_BYTES {
			let Some((old, size)) = self.answered.pop_front() else { break };
			self.answered_bytes -= size;
			self.entries.remove(&old);
		}
	}

	/// Forgets a request that was taken and will not be answered.
	pub(super) fn abandon(&mut self, id: &RequestId) {
		self.entries.remove(id);
	}

	fn forget_failure(&mut self, id: &RequestId) {
		let old = |since: &Instant| since.elapsed() >= FAILURE_MEMORY;
		if !matches!(self.entries.get(id), Some(Entry::Answered { failed: Some(t), .. }) if old(t))
		{
			return;
		}
		self.entries.remove(id);
		if let Some(position) = self.answered.iter().position(|(known, _)| known == id) {
			if let Some((_, size)) = self.answered.remove(position) {
				self.answered_bytes -= size;
			}
		}
	}
}

fn status(entry: &Entry) -> Status {
	match entry {
		Entry::Queued => Status::Queued,
		Entry::Running => Status::Running,
		Entry::Answered { .. } => Status::Ready,
	}
}

/// Bytes that a waiting request holds, roughly.
fn weight(request: &Request) -> usize {
	let openings = match request {
		Request::NextMove { openings, .. } => {
			openings.iter().map(|(_, opening)| 4_096 + opening.payload.len()).sum()
		},
		_ => 0,
	};
	request.spec().input.len() + openings
}
