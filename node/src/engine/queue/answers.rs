//! Answers, kept for workers to collect; workers of several forks may.

use assay_host::{Class, RequestId, Response};
use assay_referee::Root;
use codec::Encode;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// Most answers kept on one shelf. A flood of claims that differ costs at most one run each while it
/// is smaller than this.
pub(super) const MAX_ANSWERS: usize = 1 << 16;

/// Most bytes of answers kept on one shelf: outputs, openings, proofs.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Most failures kept.
const MAX_FAILURES: usize = 1 << 12;

/// Which answers make room for which: what this node owes is not displaced by what it looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shelf {
	/// For moves, traces and jobs.
	Owed,
	/// For claims of others, and the rest.
	Looked,
	/// Failures.
	Failed,
}

impl Shelf {
	fn of(class: Class) -> Self {
		if owed(class) {
			Self::Owed
		} else {
			Self::Looked
		}
	}
}

/// Whether the node loses something if an answer of this class is incomplete.
fn owed(class: Class) -> bool {
	class <= Class::Job
}

/// An answer.
pub(super) struct Answer {
	bytes: Arc<Vec<u8>>,
	shelf: Shelf,
	stamp: u64,
	/// The root, if it is a run's.
	output_root: Option<Root>,
	/// Its output's bytes were dropped.
	stripped: bool,
	/// A failure is forgotten then.
	until: Option<Instant>,
}

impl Answer {
	/// The answer as a request of `class` gets it: nothing if it has to be asked for anew, because a
	/// failure is old or because the output was dropped and a claim needs it.
	pub(super) fn get(&self, class: Class, now: Instant) -> Option<&Arc<Vec<u8>>> {
		let old = self.until.is_some_and(|until| now >= until);
		let useless = self.stripped && owed(class);
		(!old && !useless).then_some(&self.bytes)
	}
}

/// The bounds and the order of answers; the answers themselves lie in a map of the queue's.
pub(super) struct Shelves {
	stamp: u64,
	shelves: [Order; 3],
}

#[derive(Default)]
struct Order {
	/// All, the oldest first.
	all: BTreeMap<u64, RequestId>,
	/// Those whose bytes count, the oldest first.
	heavy: BTreeMap<u64, RequestId>,
	bytes: usize,
}

impl Default for Shelves {
	fn default() -> Self {
		Self { stamp: 0, shelves: std::array::from_fn(|_| Order::default()) }
	}
}

/// Bytes of an answer that are its own and not overhead: a run without output has none.
fn heavy(answer: &Answer) -> Option<usize> {
	const BARE: usize = 64;
	(answer.bytes.len() > BARE).then_some(answer.bytes.len())
}

impl Shelves {
	/// How many answers are kept.
	pub(super) fn len(&self) -> usize {
		self.shelves.iter().map(|shelf| shelf.all.len()).sum()
	}

	/// A new answer to a request of `class`; a failure is remembered until then.
	pub(super) fn put(
		&mut self,
		id: RequestId,
		class: Class,
		response: &Response,
		until: Option<Instant>,
	) -> Answer {
		let output_root = match response {
			Response::Run { output_root, .. } => Some(*output_root),
			_ => None,
		};
		let shelf = if until.is_some() { Shelf::Failed } else { Shelf::of(class) };
		self.stamp += 1;
		let answer = Answer {
			bytes: Arc::new(response.encode()),
			shelf,
			stamp: self.stamp,
			output_root,
			stripped: false,
			until,
		};
		self.place(id, &answer);
		answer
	}

	/// An answer's place is free again.
	pub(super) fn remove(&mut self, answer: &Answer) {
		let order = &mut self.shelves[answer.shelf as usize];
		order.all.remove(&answer.stamp);
		if order.heavy.remove(&answer.stamp).is_some() {
			order.bytes -= answer.bytes.len();
		}
	}

	/// A better class asks for an answer: it is kept with what that class is owed.
	pub(super) fn promote(&mut self, id: RequestId, answer: &mut Answer, class: Class) {
		if answer.shelf == Shelf::Looked && owed(class) {
			self.remove(answer);
			answer.shelf = Shelf::Owed;
			self.place(id, answer);
		}
	}

	fn place(&mut self, id: RequestId, answer: &Answer) {
		let order = &mut self.shelves[answer.shelf as usize];
		order.all.insert(answer.stamp, id);
		if let Some(bytes) = heavy(answer) {
			order.heavy.insert(answer.stamp, id);
			order.bytes += bytes;
		}
	}

	/// The oldest answer that must go as a whole, if there are too many.
	pub(super) fn one_too_many(&self) -> Option<RequestId> {
		let limits = [MAX_ANSWERS, MAX_ANSWERS, MAX_FAILURES];
		self.shelves
			.iter()
			.zip(limits)
			.find(|(order, limit)| order.all.len() > *limit)
			.and_then(|(order, _)| order.all.values().next().copied())
	}

	/// The oldest answer whose bytes must go, if there are too many bytes.
	pub(super) fn too_heavy(&self) -> Option<RequestId> {
		self.shelves
			.iter()
			.find(|order| order.bytes > MAX_ANSWER_BYTES)
			.and_then(|order| order.heavy.values().next().copied())
	}

	/// Drops the bytes of an answer. A run's root stays; false if nothing is left.
	pub(super) fn strip(&mut self, id: RequestId, answer: &mut Answer) -> bool {
		self.remove(answer);
		let Some(output_root) = answer.output_root else { return false };
		answer.bytes = Arc::new(Response::Run { output_root, output: Vec::new() }.encode());
		answer.stripped = true;
		self.place(id, answer);
		true
	}
}
