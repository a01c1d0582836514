//! What happens by itself: every challenge on record has an alarm, and blocks with room to spare
//! ring those that are due.
//!
//! The alarms of a block stand in pages, which are taken from the last one on. Nothing is iterated,
//! so ringing N of them costs N times the same, however many fell due at once.

use assay_primitives::PageKey;
use frame_support::{
	traits::{Defensive, Get},
	weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{One, Saturating},
	SaturatedConversion,
};

use crate::{
	impls::time::due_key, Against, AlarmPages, Alarms, ChallengeId, ChallengeOf, Challenges,
	Config, Disputes, NextAlarm, Pallet, WeightInfo,
};

impl<T: Config> Pallet<T> {
	/// Have challenge `id` looked at when something may be overdue in it. The caller writes the
	/// record.
	pub(crate) fn set_alarm(id: ChallengeId, challenge: &mut ChallengeOf<T>) {
		let now = Self::now();
		let at = match Self::turn_of(challenge) {
			// The turn may change at once, and the next one may be shorter.
			Some(turn) => turn.over_at().min(now.saturating_add(Self::shortest_turn(challenge))),
			None => Self::forget_at(id, challenge),
		};
		// What is over but kept for the sake of an open claim is looked at after as long again.
		let at = if at > now { at } else { now.saturating_add(T::Retention::get()) };
		challenge.alarm = at;
		if let Some(operator) = Self::defendant(challenge).filter(|_| challenge.is_live()) {
			Against::<T>::insert((operator, due_key::<T>(at), id), ());
		}
		Self::add_alarm(at, id);
	}

	/// Take challenge `id` from the list of those against an operator.
	pub(crate) fn unlist(id: ChallengeId, challenge: &ChallengeOf<T>) {
		if let Some(operator) = Self::defendant(challenge) {
			Against::<T>::remove((operator, due_key::<T>(challenge.alarm), id));
		}
	}

	/// The operator whose claim is challenged.
	fn defendant(challenge: &ChallengeOf<T>) -> Option<T::AccountId> {
		Disputes::<T>::get(challenge.job).defensive().map(|dispute| dispute.operator)
	}

	/// Add `id` to the last page of the block `at`, or to a new one. `at` is in the future, so no
	/// page is added to a block that is being rung.
	fn add_alarm(at: BlockNumberFor<T>, id: ChallengeId) {
		AlarmPages::<T>::mutate(at, |pages| {
			if *pages > 0 {
				let last = page::<T>(at, pages.saturating_sub(1));
				let added = Alarms::<T>::mutate(last, |entries| {
					entries.as_mut().is_some_and(|entries| entries.try_push(id).is_ok())
				});
				if added {
					return;
				}
			}
			let mut entries = crate::AlarmPage::new();
			// There is room for one in an empty page.
			let _ = entries.try_push(id);
			Alarms::<T>::insert(page::<T>(at, *pages), entries);
			pages.saturating_inc();
		});
	}

	/// No turn of the challenge that begins now is over before this many blocks have passed.
	fn shortest_turn(challenge: &ChallengeOf<T>) -> BlockNumberFor<T> {
		let work = Disputes::<T>::get(challenge.job).map(|dispute| dispute.work);
		let periods = Self::periods_for(work.unwrap_or_default());
		periods.trace.min(periods.answer).min(periods.turn).saturating_add(One::one())
	}

	/// Ring the alarms that are due, as far as `limit` reaches. Returns the weight used.
	pub(crate) fn ring_alarms(limit: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(limit);
		let now = Self::now();
		if meter.try_consume(T::WeightInfo::on_idle_block()).is_err() {
			return meter.consumed();
		}
		let start = NextAlarm::<T>::get();
		let mut block = start;
		while block <= now && Self::ring_block(block, &mut meter) {
			block.saturating_inc();
			if meter.try_consume(T::WeightInfo::on_idle_block()).is_err() {
				break;
			}
		}
		if block != start {
			NextAlarm::<T>::put(block);
		}
		meter.consumed()
	}

	/// Ring all alarms of one block; `false` if the meter ran out before.
	fn ring_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
		let pages = AlarmPages::<T>::get(block);
		let mut left = pages;
		while left > 0 && Self::ring_page(page::<T>(block, left.saturating_sub(1)), meter) {
			left.saturating_dec();
		}
		match left {
			0 if pages > 0 => AlarmPages::<T>::remove(block),
			_ if left < pages => AlarmPages::<T>::insert(block, left),
			_ => {},
		}
		left == 0
	}

	/// Ring the alarms of one page, the last first; `false` if some are left because the meter ran
	/// out.
	pub(crate) fn ring_page(page: PageKey, meter: &mut WeightMeter) -> bool {
		// A page that is read has to be written too, so it is read only if an alarm can be rung.
		let least = T::WeightInfo::on_idle_page().saturating_add(T::WeightInfo::on_idle_alarm());
		if !meter.can_consume(least) {
			return false;
		}
		meter.consume(T::WeightInfo::on_idle_page());
		let mut entries = Alarms::<T>::take(page).unwrap_or_default();
		while let Some(id) = entries.pop() {
			Self::ring(id);
			meter.consume(T::WeightInfo::on_idle_alarm());
			if !entries.is_empty() && !meter.can_consume(T::WeightInfo::on_idle_alarm()) {
				Alarms::<T>::insert(page, entries);
				return false;
			}
		}
		true
	}

	/// Apply what is overdue in challenge `id` and set its next alarm.
	pub(crate) fn ring(id: ChallengeId) {
		// An error says that nothing is due: somebody moved, or was quicker than the alarm.
		let _ = Self::do_lapse(id);
		if let Some(mut challenge) = Challenges::<T>::get(id) {
			if challenge.is_live() {
				Self::unlist(id, &challenge);
			}
			Self::set_alarm(id, &mut challenge);
			Challenges::<T>::insert(id, challenge);
		}
	}
}

/// The name of a page of alarms.
fn page<T: Config>(block: BlockNumberFor<T>, number: u32) -> PageKey {
	PageKey::new(block.saturated_into(), number)
}
