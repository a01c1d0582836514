//! Stakes as other pallets see them.

use alloc::vec::Vec;
use assay_primitives::{ModelId, OperatorLedger};
use frame_support::{
	defensive, ensure,
	traits::{fungible::hold::Balanced as _, Get},
};
use sp_runtime::{traits::Zero, DispatchResult, Saturating};

use crate::{
	BalanceOf, Config, CreditOf, Error, Event, HoldReason, OperatorRecordOf, OperatorStatus,
	Operators, Pallet, Serving,
};

impl<T: Config> Pallet<T> {
	/// Change the record of an operator that must exist because it has exposure.
	fn mutate_exposed(who: &T::AccountId, change: impl FnOnce(&mut OperatorRecordOf<T>)) {
		Operators::<T>::mutate(who, |record| match record {
			Some(record) => change(record),
			None => {
				defensive!("operators with exposure cannot leave");
			},
		});
	}

	fn is_empty(who: &T::AccountId) -> bool {
		Operators::<T>::get(who).is_some_and(|record| record.stake.is_zero())
	}

	fn unexpose(record: &mut OperatorRecordOf<T>, amount: BalanceOf<T>) {
		if record.exposed < amount {
			defensive!("more exposure released than taken");
		}
		record.exposed = record.exposed.saturating_sub(amount);
	}
}

impl<T: Config> OperatorLedger<T::AccountId, BalanceOf<T>> for Pallet<T> {
	type Credit = CreditOf<T>;

	fn is_active(who: &T::AccountId) -> bool {
		Operators::<T>::get(who).is_some_and(|record| record.status == OperatorStatus::Active)
	}

	fn served(who: &T::AccountId) -> Vec<ModelId> {
		Serving::<T>::get(who).into_inner()
	}

	fn serves(who: &T::AccountId, model: &ModelId) -> bool {
		Serving::<T>::get(who).binary_search(model).is_ok()
	}

	fn free_stake(who: &T::AccountId) -> BalanceOf<T> {
		Operators::<T>::get(who).map_or_else(Zero::zero, |record| record.free_stake())
	}

	fn expose(who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		let mut record = Operators::<T>::get(who).ok_or(Error::<T>::NotOperator)?;
		ensure!(record.status == OperatorStatus::Active, Error::<T>::OperatorChilled);
		ensure!(amount <= record.free_stake(), Error::<T>::FreeStakeTooSmall);
		record.exposed = record.exposed.saturating_add(amount);
		Operators::<T>::insert(who, record);
		Ok(())
	}

	fn release(who: &T::AccountId, amount: BalanceOf<T>) {
		Self::mutate_exposed(who, |record| Self::unexpose(record, amount));
	}

	fn slash(who: &T::AccountId, exposed: BalanceOf<T>, amount: BalanceOf<T>) -> CreditOf<T> {
		let amount = amount.min(exposed);
		let (credit, missing) = T::Currency::slash(&HoldReason::Stake.into(), who, amount);
		if !missing.is_zero() {
			defensive!("exposure is always held");
		}
		let taken = amount.saturating_sub(missing);
		Self::mutate_exposed(who, |record| {
			Self::unexpose(record, exposed);
			record.stake = record.stake.saturating_sub(taken);
		});
		if Self::is_empty(who) {
			Operators::<T>::remove(who);
			Serving::<T>::remove(who);
		}
		if !taken.is_zero() {
			Self::deposit_event(Event::Slashed { operator: who.clone(), amount: taken });
		}
		credit
	}

	fn chill(who: &T::AccountId) {
		if let Some(mut record) = Operators::<T>::get(who) {
			Self::set_chilled(who, &mut record);
			Operators::<T>::insert(who, record);
		}
	}

	fn note_missed(who: &T::AccountId) {
		let Some(mut record) = Operators::<T>::get(who) else { return };
		record.missed = record.missed.saturating_add(1);
		let in_row = record.missed;
		Self::deposit_event(Event::DeadlineMissed { operator: who.clone(), in_row });
		if in_row >= T::MaxMissed::get() {
			Self::set_chilled(who, &mut record);
		}
		Operators::<T>::insert(who, record);
	}

	fn note_served(who: &T::AccountId) {
		Operators::<T>::mutate(who, |record| {
			if let Some(record) = record {
				record.missed = 0;
			}
		});
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_operator(
		who: &T::AccountId,
		key: Option<assay_primitives::ServiceKey>,
		model: ModelId,
	) {
		use frame_support::traits::fungible::Unbalanced as _;
		use sp_runtime::traits::Bounded;

		let stake = BalanceOf::<T>::max_value() / 8u32.into();
		let total = stake.saturating_add(stake);
		T::Currency::increase_balance(who, total, frame_support::traits::tokens::Precision::Exact)
			.expect("benchmarks start with small balances");
		Self::do_stake(who.clone(), stake).expect("stakes");
		let served = frame_support::BoundedVec::truncate_from(alloc::vec![model]);
		Serving::<T>::insert(who, served);
		if let Some(key) = key {
			Self::store_key(who.clone(), key).expect("the key is new");
			Self::do_set_allowance(who.clone(), stake).expect("there is a key");
		}
	}
}
