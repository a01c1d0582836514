//! What happens by itself: every challenge on record stands in the agenda under the block at which it is
//! due, and blocks with room to spare work off what is.
//!
//! The challenges of a block stand in pages, which are taken from the last one on. Nothing is iterated,
//! so working off N of them costs N times the same, however many fell due at once.

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
	impls::time::due_key, Against, AgendaHead, AgendaPage, AgendaPageCount, AgendaPages,
	ChallengeId, ChallengeOf, Challenges, Config, Disputes, Pallet, WeightInfo,
};

impl<T: Config> Pallet<T> {
	/// Put challenge `id` into the agenda under when something may be overdue in it. The caller writes
	/// the record.
	pub(crate) fn schedule(id: ChallengeId, challenge: &mut ChallengeOf<T>) {
		let now = Self::now();
		let due = match Self::turn_of(challenge) {
			// The turn may change at once, and the next one may be shorter.
			Some(turn) => turn.over_at().min(now.saturating_add(Self::shortest_turn(challenge))),
			None => Self::forget_at(id, challenge),
		};
		// What is over but kept for the sake of an open claim is looked at after as long again.
		let due = if due > now { due } else { now.saturating_add(T::Retention::get()) };
		challenge.due = due;
		if let Some(operator) = Self::defendant(challenge).filter(|_| challenge.is_live()) {
			Against::<T>::insert((operator, due_key::<T>(due), id), ());
		}
		Self::stand(id, due);
	}

	/// Take challenge `id` from the list of those against an operator.
	pub(crate) fn unlist(id: ChallengeId, challenge: &ChallengeOf<T>) {
		if let Some(operator) = Self::defendant(challenge) {
			Against::<T>::remove((operator, due_key::<T>(challenge.due), id));
		}
	}

	/// The operator whose claim is challenged.
	fn defendant(challenge: &ChallengeOf<T>) -> Option<T::AccountId> {
		Disputes::<T>::get(challenge.job).defensive().map(|dispute| dispute.operator)
	}

	/// Put `id` into the last page of the block `due`, or into a new one. `due` is in the future, so no
	/// page is added to a block that is being worked off.
	fn stand(id: ChallengeId, due: BlockNumberFor<T>) {
		AgendaPageCount::<T>::mutate(due, |pages| {
			if *pages > 0 {
				let last = page::<T>(due, pages.saturating_sub(1));
				let added = AgendaPages::<T>::mutate(last, |ids| {
					ids.as_mut().is_some_and(|ids| ids.try_push(id).is_ok())
				});
				if added {
					return;
				}
			}
			let mut ids = AgendaPage::new();
			// There is room for one in an empty page.
			let _ = ids.try_push(id);
			AgendaPages::<T>::insert(page::<T>(due, *pages), ids);
			pages.saturating_inc();
		});
	}

	/// No turn of the challenge that begins now is over before this many blocks have passed.
	fn shortest_turn(challenge: &ChallengeOf<T>) -> BlockNumberFor<T> {
		let work = Disputes::<T>::get(challenge.job).map(|dispute| dispute.work);
		let periods = Self::periods_for(work.unwrap_or_default());
		periods.trace.min(periods.answer).min(periods.turn).saturating_add(One::one())
	}

	/// Work the agenda off as far as `remaining` goes; returns what was used.
	pub(crate) fn work_off_agenda(remaining: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(remaining);
		let now = Self::now();
		if meter.try_consume(T::WeightInfo::on_idle_block()).is_err() {
			return meter.consumed();
		}
		let first = AgendaHead::<T>::get();
		let mut head = first;
		while head <= now && Self::work_off_block(head, &mut meter) {
			head.saturating_inc();
			if meter.try_consume(T::WeightInfo::on_idle_block()).is_err() {
				break;
			}
		}
		if head != first {
			AgendaHead::<T>::put(head);
		}
		meter.consumed()
	}

	/// Work off the pages of one block; `false` if the meter ran out before.
	fn work_off_block(due: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
		let pages = AgendaPageCount::<T>::get(due);
		let mut left = pages;
		while left > 0 && Self::work_off_page(page::<T>(due, left.saturating_sub(1)), meter) {
			left.saturating_dec();
		}
		match left {
			0 if pages > 0 => AgendaPageCount::<T>::remove(due),
			_ if left < pages => AgendaPageCount::<T>::insert(due, left),
			_ => {},
		}
		left == 0
	}

	/// Work off one page, the last challenge first; `false` if some are left because the meter ran
	/// out.
	pub(crate) fn work_off_page(page: PageKey, meter: &mut WeightMeter) -> bool {
		// A page that is read has to be written too, so it is read only if a challenge can be looked at.
		let each = T::WeightInfo::on_idle_challenge();
		let least = T::WeightInfo::on_idle_page().saturating_add(each);
		if !meter.can_consume(least) {
			return false;
		}
		meter.consume(T::WeightInfo::on_idle_page());
		let mut ids = AgendaPages::<T>::take(page).unwrap_or_default();
		while let Some(id) = ids.pop() {
			Self::advance(id);
			meter.consume(each);
			if !ids.is_empty() && !meter.can_consume(each) {
				AgendaPages::<T>::insert(page, ids);
				return false;
			}
		}
		true
	}

	/// Apply what is overdue in challenge `id`, which was taken out of the agenda, and put it in again.
	pub(crate) fn advance(id: ChallengeId) {
		// An error says that nothing is due: somebody moved, or was quicker than the agenda.
		let _ = Self::do_lapse(id);
		if let Some(mut challenge) = Challenges::<T>::get(id) {
			if challenge.is_live() {
				Self::unlist(id, &challenge);
			}
			Self::schedule(id, &mut challenge);
			Challenges::<T>::insert(id, challenge);
		}
	}
}

/// The name of a page of the agenda.
fn page<T: Config>(block: BlockNumberFor<T>, number: u32) -> PageKey {
	PageKey::new(block.saturated_into(), number)
}
