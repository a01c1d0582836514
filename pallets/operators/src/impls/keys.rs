//! Service keys.

use assay_primitives::{KeyOwners, ServiceKey};
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, tokens::Precision, Get},
};
use sp_runtime::DispatchResult;

use crate::{Config, Error, Event, HoldReason, KeyOwner, KeyRecord, Pallet, ServiceKeys};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_key(who: T::AccountId, key: ServiceKey) -> DispatchResult {
		ensure!(!KeyOwner::<T>::contains_key(&key), Error::<T>::KeyTaken);
		let deposit = match ServiceKeys::<T>::get(&who) {
			Some(old) => {
				KeyOwner::<T>::remove(&old.key);
				old.deposit
			},
			None => {
				let deposit = T::KeyDeposit::get();
				T::Currency::hold(&HoldReason::ServiceKey.into(), &who, deposit)?;
				deposit
			},
		};
		KeyOwner::<T>::insert(&key, &who);
		ServiceKeys::<T>::insert(&who, KeyRecord { key: key.clone(), deposit });
		Self::deposit_event(Event::ServiceKeySet { account: who, key: Some(key) });
		Ok(())
	}

	pub(crate) fn do_unset_key(who: T::AccountId) -> DispatchResult {
		let record = ServiceKeys::<T>::get(&who).ok_or(Error::<T>::NoKey)?;
		let reason = HoldReason::ServiceKey.into();
		T::Currency::release(&reason, &who, record.deposit, Precision::Exact)?;
		KeyOwner::<T>::remove(&record.key);
		ServiceKeys::<T>::remove(&who);
		Self::deposit_event(Event::ServiceKeySet { account: who, key: None });
		Ok(())
	}
}

impl<T: Config> KeyOwners<T::AccountId> for Pallet<T> {
	fn owner_of(key: &ServiceKey) -> Option<T::AccountId> {
		KeyOwner::<T>::get(key)
	}
}
