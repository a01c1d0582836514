//! The room of one class: what waits in it, in the order in which it is taken.

use super::costs::{Costs, Kind, ModelIndex};
use assay_host::RequestId;
use std::{
	cmp::Reverse,
	collections::{BTreeMap, BTreeSet},
};

/// Bounds of one class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
	/// Most requests that wait.
	pub(super) count: usize,
	/// Most bytes of inputs and openings that wait.
	pub(super) bytes: usize,
}

/// Deadline of what is of no use any more, and is done last.
pub(super) const LATE: u64 = u64::MAX;

/// What the order of a waiting request depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
	/// Block by which it has to be answered; [`LATE`] if that is impossible.
	pub(super) deadline: u64,
	/// Number of the submission: who comes first is served first.
	pub(super) seq: u64,
	/// What depends on it.
	pub(super) at_stake: u64,
	/// The model.
	pub(super) model: ModelIndex,
	/// The work.
	pub(super) kind: Kind,
	/// Bytes it holds.
	pub(super) size: usize,
}

/// What depends on a request for each unit of time that it takes, for comparison only.
pub(super) fn worth(at_stake: u64, micros: u64) -> u128 {
	(u128::from(at_stake) << 40) / u128::from(micros.max(1))
}

/// Requests of one model, the least worthy first: what takes equally long is as worthy as what
/// depends on it, and then the earlier deadline and the earlier arrival win.
type ByStake = BTreeSet<(u64, Reverse<u64>, Reverse<u64>, RequestId)>;

/// By worth, and how much has to be done until when; for the class that chooses by value.
#[derive(Default)]
struct Values {
	models: BTreeMap<(ModelIndex, u8), ByStake>,
	due: BTreeMap<(u64, ModelIndex, u8), u64>,
}

/// What waits in one class.
pub(super) struct Room {
	bounds: Bounds,
	count: usize,
	bytes: usize,
	order: BTreeMap<(u64, u64), RequestId>,
	values: Option<Values>,
}

impl Room {
	/// An empty room; one that is `valued` also orders by worth.
	pub(super) fn new(bounds: Bounds, valued: bool) -> Self {
		Self {
			bounds,
			count: 0,
			bytes: 0,
			order: BTreeMap::new(),
			values: valued.then(Values::default),
		}
	}

	/// How many requests wait.
	pub(super) fn len(&self) -> usize {
		self.count
	}

	/// Bytes they hold.
	#[cfg(test)]
	pub(super) fn bytes(&self) -> usize {
		self.bytes
	}

	/// Whether less than half of it is taken.
	pub(super) fn is_airy(&self) -> bool {
		self.count <= self.bounds.count / 2 && self.bytes <= self.bounds.bytes / 2
	}

	/// A request of this size has come in.
	pub(super) fn enter(&mut self, size: usize) {
		self.count += 1;
		self.bytes += size;
	}

	/// It has left.
	pub(super) fn leave(&mut self, size: usize) {
		self.count -= 1;
		self.bytes -= size;
	}

	/// It can be taken from now on.
	pub(super) fn line_up(&mut self, id: RequestId, place: &Place) {
		self.order.insert((place.deadline, place.seq), id);
		if let Some(values) = self.values.as_mut().filter(|_| place.deadline != LATE) {
			let model = (place.model, place.kind as u8);
			values.models.entry(model).or_default().insert(stake_key(id, place));
			*values.due.entry((place.deadline, model.0, model.1)).or_default() += 1;
		}
	}

	/// It cannot be taken any more.
	pub(super) fn step_out(&mut self, id: RequestId, place: &Place) {
		self.order.remove(&(place.deadline, place.seq));
		let Some(values) = self.values.as_mut().filter(|_| place.deadline != LATE) else { return };
		let model = (place.model, place.kind as u8);
		if let Some(set) = values.models.get_mut(&model) {
			set.remove(&stake_key(id, place));
			if set.is_empty() {
				values.models.remove(&model);
			}
		}
		let due = (place.deadline, model.0, model.1);
		if let Some(count) = values.due.get_mut(&due) {
			*count -= 1;
			if *count == 0 {
				values.due.remove(&due);
			}
		}
	}

	/// The request with the earliest deadline.
	pub(super) fn earliest(&self) -> Option<RequestId> {
		self.order.values().next().copied()
	}

	/// The request with the most at stake for the time it takes. Looks at one request of each model.
	pub(super) fn worthiest(&self, costs: &Costs) -> Option<RequestId> {
		let models = &self.values.as_ref()?.models;
		let best = models.iter().filter_map(|(model, set)| Some((model, set.last()?)));
		best.max_by_key(|(model, (stake, deadline, seq, _))| {
			(worth(*stake, estimate(costs, model)), *deadline, *seq)
		})
		.map(|(_, (.., id))| *id)
	}

	/// Whether what waits cannot all be done in time: before some deadline there is more work than
	/// time. `ahead` is the work in microseconds that is done before any of it, `threads` share it,
	/// and `left` says how many microseconds there are until a deadline.
	///
	/// Looks at every deadline and model, not at every request.
	pub(super) fn is_overloaded(
		&self,
		costs: &Costs,
		ahead: u64,
		threads: u64,
		left: impl Fn(u64) -> u64,
	) -> bool {
		let Some(values) = &self.values else { return false };
		let mut work = ahead;
		values.due.iter().any(|((deadline, model, kind), count)| {
			let (each, left) = (estimate(costs, &(*model, *kind)), left(*deadline));
			// What cannot be done in time even alone is given up.
			if each > left {
				return false;
			}
			work = work.saturating_add(each.saturating_mul(*count));
			work / threads.max(1) > left
		})
	}

	/// Who has to go so that `newcomer` fits: nobody if there is room. `None` if it would have to be
	/// somebody at least as worthy. `size_of` gives the bytes that one holds.
	///
	/// Where value counts, worth decides: [`worth`], and what is late has none. Elsewhere the later
	/// deadline goes first.
	pub(super) fn make_room(
		&self,
		newcomer: &Place,
		costs: &Costs,
		size_of: impl Fn(&RequestId) -> usize,
	) -> Option<Vec<RequestId>> {
		if newcomer.size > self.bounds.bytes {
			return None;
		}
		let mut count = (self.count + 1).saturating_sub(self.bounds.count);
		let mut bytes = (self.bytes + newcomer.size).saturating_sub(self.bounds.bytes);
		let mut leaving = Vec::new();
		// Every request holds some bytes: this looks at no more of them than the newcomer is long.
		for id in self.less_worthy(newcomer, costs) {
			if count == 0 && bytes == 0 {
				break;
			}
			count = count.saturating_sub(1);
			bytes = bytes.saturating_sub(size_of(&id));
			leaving.push(id);
		}
		(count == 0 && bytes == 0).then_some(leaving)
	}

	/// Who is less worthy than `newcomer`, the least worthy first.
	fn less_worthy<'a>(
		&'a self,
		newcomer: &Place,
		costs: &'a Costs,
	) -> Box<dyn Iterator<Item = RequestId> + 'a> {
		let later = self.order.range((newcomer.deadline.saturating_add(1), 0)..).rev();
		let Some(values) = &self.values else {
			let deadline = newcomer.deadline;
			let later = later.filter(move |((other, _), _)| *other > deadline);
			return Box::new(later.map(|(_, id)| *id));
		};
		if newcomer.deadline == LATE {
			return Box::new(std::iter::empty());
		}
		let late = self.order.range((LATE, 0)..).rev().map(|(_, id)| *id);
		let kind = newcomer.kind as u8;
		let own = worth(newcomer.at_stake, estimate(costs, &(newcomer.model, kind)));
		let mut models = values
			.models
			.iter()
			.map(|(model, set)| (estimate(costs, model), set.iter().peekable()))
			.collect::<Vec<_>>();
		let poorer = std::iter::from_fn(move || {
			let (_, poorest) = models
				.iter_mut()
				.enumerate()
				.filter_map(|(index, (micros, set))| {
					let (stake, deadline, seq, _) = set.peek()?;
					Some(((worth(*stake, *micros), *deadline, *seq), index))
				})
				.min()
				.filter(|((value, ..), _)| *value < own)?;
			models[poorest].1.next().map(|(.., id)| *id)
		});
		Box::new(late.chain(poorer))
	}
}

fn stake_key(id: RequestId, place: &Place) -> (u64, Reverse<u64>, Reverse<u64>, RequestId) {
	(place.at_stake, Reverse(place.deadline), Reverse(place.seq), id)
}

fn estimate(costs: &Costs, model: &(ModelIndex, u8)) -> u64 {
	let kind = if model.1 == Kind::Run as u8 { Kind::Run } else { Kind::Dispute };
	costs.estimate(model.0, kind)
}
