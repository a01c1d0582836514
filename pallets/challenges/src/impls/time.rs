//! How long everybody has: periods follow the work, deadlines follow the backlog.

use assay_primitives::{time::blocks_for, Backlog};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, SaturatedConversion};

use crate::{ClaimOf, Config, Debt, NextChainSlot, NextSlot, Owed, Pallet, Periods};

/// When a debt is worked off, if all are at the rates that are expected.
struct Place<BlockNumber> {
	/// The block at which it is at the front.
	begin: BlockNumber,
	/// The first block before which all of it is done.
	end: BlockNumber,
}

impl<T: Config> Pallet<T> {
	/// Blocks that one run of the model behind `claim` takes.
	pub(crate) fn work_of(claim: &ClaimOf<T>) -> BlockNumberFor<T> {
		blocks_for(claim.info.run_micros, T::BlockMillis::get()).into()
	}

	/// The periods of a dispute about a model that runs for `work` blocks.
	pub(crate) fn periods_for(work: BlockNumberFor<T>) -> Periods<BlockNumberFor<T>> {
		let runs = |count: u32| work.saturating_mul(count.into());
		Periods {
			// Its trace, a run that keeps the machine busy, and one to spare.
			trace: T::TracePeriod::get().saturating_add(runs(3)),
			// What it traced may be forgotten by then.
			answer: T::AnswerPeriod::get().saturating_add(runs(2)),
			turn: T::TurnPeriod::get().saturating_add(runs(3)),
		}
	}

	/// Last block at which the trace may be revealed that the operator of `claim` owes from `now` on.
	pub(crate) fn trace_deadline(claim: &ClaimOf<T>, now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		// A trace takes a run of the model, in which the operator answers nothing else.
		let slots = Self::busy_slots(claim.info.run_micros).saturating_add(1);
		let period = Self::periods_for(Self::work_of(claim)).trace;
		Self::queue(&claim.operator, now, (slots, 1)).begin.saturating_add(period)
	}

	/// Slots of an operator's queue that pass while it computes for `micros` microseconds.
	fn busy_slots(micros: u64) -> u64 {
		let block_micros = u128::from(T::BlockMillis::get().max(1)).saturating_mul(1_000);
		let slots = u128::from(micros).saturating_mul(T::OperatorRate::get().into()) / block_micros;
		slots.saturated_into()
	}

	/// Last block at which a node may be opened that is asked for at `now`.
	pub(crate) fn answer_deadline(claim: &ClaimOf<T>, now: BlockNumberFor<T>) -> BlockNumberFor<T> {
		let period = Self::periods_for(Self::work_of(claim)).answer;
		Self::queue(&claim.operator, now, (1, 1)).begin.saturating_add(period)
	}

	/// Put one more debt behind those that `operator`, and all operators, have already: it takes `own`
	/// slots of the one's queue and `all` of the others'.
	///
	/// So N debts put a deadline off by N / rate blocks and no more, and whoever answers in the
	/// order of the questions, at the rate or faster, is never late.
	fn queue(
		operator: &T::AccountId,
		now: BlockNumberFor<T>,
		(own, all): (u64, u64),
	) -> Place<BlockNumberFor<T>> {
		let now: u64 = now.saturated_into();
		let take = |next: &mut u64, rate: u32, slots: u64| {
			let rate = u64::from(rate.max(1));
			let slot = (*next).max(now.saturating_mul(rate));
			*next = slot.saturating_add(slots);
			(slot / rate, next.div_ceil(rate))
		};
		let own = NextSlot::<T>::mutate(operator, |next| take(next, T::OperatorRate::get(), own));
		let all = NextChainSlot::<T>::mutate(|next| take(next, T::ChainRate::get(), all));
		Place { begin: own.0.max(all.0).saturated_into(), end: own.1.max(all.1).saturated_into() }
	}

	/// Forget the place of `operator` in the queue if it is in the past, where it means nothing.
	pub(crate) fn forget_slot(operator: &T::AccountId) {
		let now: u64 = Self::now().saturated_into();
		let current = now.saturating_mul(T::OperatorRate::get().max(1).into());
		NextSlot::<T>::mutate_exists(operator, |next| *next = next.filter(|next| *next > current));
	}

	/// Put what `operator` owes by `deadline` on its list.
	pub(crate) fn owe(operator: &T::AccountId, deadline: BlockNumberFor<T>, debt: Debt) {
		Owed::<T>::insert((operator, due_key::<T>(deadline), debt), ());
	}

	/// Take from the list what is owed no more.
	pub(crate) fn owe_no_more(operator: &T::AccountId, deadline: BlockNumberFor<T>, debt: Debt) {
		Owed::<T>::remove((operator, due_key::<T>(deadline), debt));
	}
}

/// Pieces of outputs stand in the same queue: they go through the same blocks, and the same operator sends
/// them.
impl<T: Config> Backlog<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn put(operator: &T::AccountId, slots: u32, micros: u64) -> BlockNumberFor<T> {
		// Deliveries fill both queues by their bytes: a slot is the room of one opening.
		let own = Self::busy_slots(micros).saturating_add(slots.into());
		Self::queue(operator, Self::now(), (own, slots.into())).end
	}

	fn tidy(operator: &T::AccountId) {
		Self::forget_slot(operator);
	}
}

/// A block's number so that its bytes order as time does.
pub(crate) fn due_key<T: Config>(block: BlockNumberFor<T>) -> [u8; 4] {
	block.saturated_into::<u32>().to_be_bytes()
}
