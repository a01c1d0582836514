//! Service keys, and what they may spend.

use assay_primitives::{
	authorization::possession_here, KeyAllowances, KeyOwners, ServiceKey, ServiceSignature,
};
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, tokens::Precision, Get},
};
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{traits::Zero, DispatchResult, Saturating};

use crate::{
	BalanceOf, Config, Error, Event, HoldReason, KeyOwner, KeyRecord, Pallet, ServiceKeys,
};

impl<T: Config> Pallet<T> {
	/// Register `key` for `who`, if `proof` shows that whoever holds the key wants that. Without it a
	/// key copied from somebody's pending registration would be worth something.
	pub(crate) fn do_set_key(
		who: T::AccountId,
		key: ServiceKey,
		proof: &ServiceSignature,
	) -> DispatchResult {
		ensure!(!KeyOwner::<T>::contains_key(&key), Error::<T>::KeyTaken);
		ensure!(key.verify(&possession_here::<T>(&who), proof), Error::<T>::KeyNotPossessed);
		Self::store_key(who, key)
	}

	/// [`Self::do_set_key`] for a key whose possession is shown.
	pub(crate) fn store_key(who: T::AccountId, key: ServiceKey) -> DispatchResult {
		let (deposit, allowance, spent) = match ServiceKeys::<T>::get(&who) {
			Some(old) => {
				KeyOwner::<T>::remove(&old.key);
				(old.deposit, old.allowance, old.spent)
			},
			None => {
				let deposit = T::KeyDeposit::get();
				T::Currency::hold(&HoldReason::ServiceKey.into(), &who, deposit)?;
				(deposit, T::DefaultAllowance::get(), Zero::zero())
			},
		};
		KeyOwner::<T>::insert(&key, &who);
		let record = KeyRecord { key: key.clone(), deposit, allowance, spent };
		ServiceKeys::<T>::insert(&who, record);
		Self::deposit_event(Event::ServiceKeySet { account: who, key: Some(key) });
		Ok(())
	}

	pub(crate) fn do_unset_key(who: T::AccountId) -> DispatchResult {
		let record = ServiceKeys::<T>::get(&who).ok_or(Error::<T>::KeyNotSet)?;
		let reason = HoldReason::ServiceKey.into();
		T::Currency::release(&reason, &who, record.deposit, Precision::Exact)?;
		KeyOwner::<T>::remove(&record.key);
		ServiceKeys::<T>::remove(&who);
		Self::deposit_event(Event::ServiceKeySet { account: who, key: None });
		Ok(())
	}

	pub(crate) fn do_set_allowance(who: T::AccountId, allowance: BalanceOf<T>) -> DispatchResult {
		ServiceKeys::<T>::try_mutate(&who, |record| {
			let record = record.as_mut().ok_or(Error::<T>::KeyNotSet)?;
			// From now on: what was lost before does not count, and what still comes back adds nothing.
			(record.allowance, record.spent) = (allowance, Zero::zero());
			Self::deposit_event(Event::AllowanceSet { account: who.clone(), allowance });
			Ok(())
		})
	}
}

impl<T: Config> KeyOwners<T::AccountId> for Pallet<T> {
	fn owner_of(key: &ServiceKey) -> Option<T::AccountId> {
		KeyOwner::<T>::get(key)
	}
}

impl<T: Config> KeyAllowances<T::AccountId, BalanceOf<T>> for Pallet<T> {
	fn allowance(who: &T::AccountId) -> BalanceOf<T> {
		ServiceKeys::<T>::get(who)
			.map_or_else(Zero::zero, |record| record.allowance.saturating_sub(record.spent))
	}

	fn spend(who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
		ServiceKeys::<T>::try_mutate(who, |record| {
			let record = record.as_mut().ok_or(Error::<T>::KeyNotSet)?;
			let spent = record.spent.saturating_add(amount);
			ensure!(spent <= record.allowance, Error::<T>::AllowanceTooSmall);
			record.spent = spent;
			Ok(())
		})
	}

	fn restore(who: &T::AccountId, amount: BalanceOf<T>) {
		ServiceKeys::<T>::mutate(who, |record| {
			if let Some(record) = record {
				record.spent = record.spent.saturating_sub(amount);
			}
		});
	}
}
