//! What happens by itself: every challenge on record has an alarm, and blocks with room to spare
//! ring those that are due.

use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{One, Saturating};

use crate::{Alarms, ChallengeId, ChallengeOf, Challenges, Config, NextAlarm, Pallet, WeightInfo};

impl<T: Config> Pallet<T> {
	/// Have challenge `id` looked at when something may be overdue in it.
	pub(crate) fn set_alarm(id: ChallengeId, challenge: &ChallengeOf<T>) {
		let now = Self::now();
		let at = match Self::turn_of(challenge) {
			// The turn may change at once, and the next one may be shorter.
			Some(turn) => turn.over_at().min(now.saturating_add(Self::shortest_turn())),
			None => Self::forget_at(challenge),
		};
		// What is over but kept for the sake of an open claim is looked at after as long again.
		let at = if at > now { at } else { now.saturating_add(T::Retention::get()) };
		Alarms::<T>::insert(at, id, ());
	}

	/// No turn that begins now is over before this many blocks have passed.
	fn shortest_turn() -> BlockNumberFor<T> {
		T::TracePeriod::get()
			.min(T::AnswerPeriod::get())
			.min(T::TurnPeriod::get())
			.saturating_add(One::one())
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
		while let Some(id) = Alarms::<T>::iter_key_prefix(block).next() {
			if meter.try_consume(T::WeightInfo::on_idle_alarm()).is_err() {
				return false;
			}
			Alarms::<T>::remove(block, id);
			Self::ring(id);
		}
		true
	}

	/// Apply what is overdue in challenge `id` and set its next alarm.
	pub(crate) fn ring(id: ChallengeId) {
		// An error says that nothing is due: somebody moved, or was quicker than the alarm.
		let _ = Self::do_lapse(id);
		if let Some(challenge) = Challenges::<T>::get(id) {
			Self::set_alarm(id, &challenge);
		}
	}
}
