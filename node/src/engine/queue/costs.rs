//! How long work takes, from what it took before, and how much of it there is.

use super::super::models::ModelId;
use assay_host::{Class, Request};
use std::{collections::HashMap, time::Duration};

/// What a run counts as before the first of its model, in microseconds. Little, so that a model
/// nobody knows is tried soon and known afterwards.
const UNKNOWN_RUN: u64 = 1_000;

/// How many plain runs a traced one counts as before the first of its model.
const TRACED: u64 = 2;

/// A new sample's part in an average is one in so many.
const SMOOTHING: i128 = 8;

/// What kind of work a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::engine) enum Kind {
	/// A plain run.
	Run,
	/// A traced run, and what is computed again from a trace.
	Dispute,
}

impl Kind {
	/// The kind of this request.
	pub(in crate::engine) fn of(request: &Request) -> Self {
		match request {
			Request::Run(_) => Self::Run,
			// The tree over the output is in the trace.
			Request::Trace(_)
			| Request::Open { .. }
			| Request::NextMove { .. }
			| Request::Output { .. } => Self::Dispute,
		}
	}
}

/// Number of a model in [`Costs`].
pub(super) type ModelIndex = usize;

#[derive(Default)]
struct Measured {
	/// Averages in microseconds, by kind.
	average: [Option<u64>; 2],
	/// Requests that wait or run, by class and kind.
	load: [[u64; 2]; Class::ALL.len()],
}

impl Measured {
	fn estimate(&self, kind: Kind) -> u64 {
		let run = self.average[0].unwrap_or(UNKNOWN_RUN);
		match kind {
			Kind::Run => run,
			Kind::Dispute => self.average[1].unwrap_or(run.saturating_mul(TRACED)),
		}
	}
}

/// Measured times of every model, and the work that waits or runs.
///
/// The sums per class are kept up to date as work comes, goes and is measured: reading them costs
/// nothing. There is one entry for each model of the node's folder; requests for others do not get
/// here.
#[derive(Default)]
pub(super) struct Costs {
	index: HashMap<ModelId, ModelIndex>,
	models: Vec<Measured>,
	/// Estimated microseconds of what waits or runs, by class.
	work: [u64; Class::ALL.len()],
}

impl Costs {
	/// The number of `model`.
	pub(super) fn index(&mut self, model: &ModelId) -> ModelIndex {
		let Self { index, models, .. } = self;
		*index.entry(*model).or_insert_with(|| {
			models.push(Measured::default());
			models.len() - 1
		})
	}

	/// The average of plain runs of `model` in microseconds; `None` before the first.
	pub(super) fn run_micros(&self, model: &ModelId) -> Option<u64> {
		self.models.get(*self.index.get(model)?)?.average[0]
	}

	/// What one request of this kind is expected to take, in microseconds.
	pub(super) fn estimate(&self, model: ModelIndex, kind: Kind) -> u64 {
		self.models.get(model).map_or(UNKNOWN_RUN, |measured| measured.estimate(kind))
	}

	/// A request was taken on.
	pub(super) fn add(&mut self, class: Class, model: ModelIndex, kind: Kind) {
		if let Some(measured) = self.models.get_mut(model) {
			measured.load[class as usize][kind as usize] += 1;
			let work = &mut self.work[class as usize];
			*work = work.saturating_add(measured.estimate(kind));
		}
	}

	/// It is done, or will not be.
	pub(super) fn remove(&mut self, class: Class, model: ModelIndex, kind: Kind) {
		if let Some(measured) = self.models.get_mut(model) {
			let load = &mut measured.load[class as usize][kind as usize];
			*load = load.saturating_sub(1);
			let work = &mut self.work[class as usize];
			*work = work.saturating_sub(measured.estimate(kind));
		}
	}

	/// One of this kind took so long.
	pub(super) fn measured(&mut self, model: &ModelId, kind: Kind, took: Duration) {
		let index = self.index(model);
		let Some(measured) = self.models.get_mut(index) else { return };
		let before = [Kind::Run, Kind::Dispute].map(|kind| measured.estimate(kind));
		let sample = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
		let average = &mut measured.average[kind as usize];
		*average = Some(average.map_or(sample, |old| smooth(old, sample)));
		let after = [Kind::Run, Kind::Dispute].map(|kind| measured.estimate(kind));
		for (work, load) in self.work.iter_mut().zip(&measured.load) {
			for kind in 0..2 {
				*work = work
					.saturating_sub(load[kind].saturating_mul(before[kind]))
					.saturating_add(load[kind].saturating_mul(after[kind]));
			}
		}
	}

	/// Estimated microseconds of what waits or runs in `class`.
	#[cfg(test)]
	pub(super) fn work(&self, class: Class) -> u64 {
		self.work[class as usize]
	}

	/// Estimated microseconds of what waits or runs in `class` and all better ones.
	pub(super) fn work_up_to(&self, class: Class) -> u64 {
		self.work[..=class as usize].iter().fold(0, |sum, work| sum.saturating_add(*work))
	}
}

/// The average after a sample; moves by at least one where they differ.
fn smooth(old: u64, sample: u64) -> u64 {
	let difference = i128::from(sample) - i128::from(old);
	let step = difference / SMOOTHING + difference.signum();
	// The sample lies between: the sum is a `u64` again.
	u64::try_from(i128::from(old) + step).unwrap_or(sample)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn averages_follow_the_samples() {
		let mut costs = Costs::default();
		let model = costs.index(&[1; 32]);
		assert_eq!(costs.run_micros(&[1; 32]), None);
		assert_eq!(costs.estimate(model, Kind::Run), UNKNOWN_RUN);
		assert_eq!(costs.estimate(model, Kind::Dispute), UNKNOWN_RUN * TRACED);
		costs.measured(&[1; 32], Kind::Run, Duration::from_micros(800));
		assert_eq!(costs.run_micros(&[1; 32]), Some(800));
		assert_eq!(costs.estimate(model, Kind::Dispute), 1_600);
		for _ in 0..60 {
			costs.measured(&[1; 32], Kind::Run, Duration::from_micros(100));
		}
		assert_eq!(costs.run_micros(&[1; 32]), Some(100));
		costs.measured(&[1; 32], Kind::Dispute, Duration::from_millis(5));
		assert_eq!(costs.estimate(model, Kind::Dispute), 5_000);
		assert_eq!(costs.run_micros(&[2; 32]), None);
	}

	#[test]
	fn no_sample_breaks_an_average() {
		assert_eq!(smooth(u64::MAX, u64::MAX), u64::MAX);
		assert!(smooth(1, u64::MAX) > u64::MAX / 16);
		assert!(smooth(u64::MAX, 1) < u64::MAX);
		assert_eq!(smooth(7, 7), 7);
		assert_eq!(smooth(7, 8), 8);
		assert_eq!(smooth(8, 7), 7);
		let mut costs = Costs::default();
		costs.measured(&[1; 32], Kind::Run, Duration::MAX);
		costs.measured(&[1; 32], Kind::Run, Duration::ZERO);
	}

	#[test]
	fn work_is_what_is_there_at_todays_estimates() {
		let mut costs = Costs::default();
		let (a, b) = (costs.index(&[1; 32]), costs.index(&[2; 32]));
		costs.measured(&[1; 32], Kind::Run, Duration::from_micros(500));
		for _ in 0..10 {
			costs.add(Class::Watch, a, Kind::Run);
			costs.add(Class::Job, b, Kind::Run);
		}
		costs.add(Class::Move, b, Kind::Dispute);
		assert_eq!(costs.work(Class::Watch), 5_000);
		assert_eq!(costs.work_up_to(Class::Job), 10 * UNKNOWN_RUN + 2 * UNKNOWN_RUN);
		costs.measured(&[2; 32], Kind::Run, Duration::from_micros(20));
		assert_eq!(costs.work_up_to(Class::Watch), 5_000 + 200 + 40);
		for _ in 0..10 {
			costs.remove(Class::Watch, a, Kind::Run);
			costs.remove(Class::Job, b, Kind::Run);
		}
		costs.remove(Class::Move, b, Kind::Dispute);
		assert_eq!(costs.work_up_to(Class::Other), 0);
	}
}
