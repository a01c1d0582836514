//! Who takes which work.

use assay_primitives::{ModelId, ModelRegistry};
use frame_support::{ensure, traits::Get, BoundedVec};
use sp_runtime::DispatchResult;

use crate::{Config, Error, Event, OperatorRecordOf, OperatorStatus, Operators, Pallet, Serving};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_serve(
		who: T::AccountId,
		mut models: BoundedVec<ModelId, T::MaxServed>,
	) -> DispatchResult {
		ensure!(Operators::<T>::contains_key(&who), Error::<T>::NotOperator);
		models.sort();
		let mut last = None;
		models.retain(|model| last.replace(*model) != Some(*model));
		for model in &models {
			let available = T::Models::info(model).is_some_and(|info| info.active);
			ensure!(available, Error::<T>::ModelUnavailable);
		}
		let count = models.len() as u32;
		if models.is_empty() {
			Serving::<T>::remove(&who);
		} else {
			Serving::<T>::insert(&who, models);
		}
		Self::deposit_event(Event::Serves { operator: who, models: count });
		Ok(())
	}

	pub(crate) fn do_chill(who: T::AccountId) -> DispatchResult {
		let mut record = Operators::<T>::get(&who).ok_or(Error::<T>::NotOperator)?;
		ensure!(record.status == OperatorStatus::Active, Error::<T>::OperatorChilled);
		Self::set_chilled(&who, &mut record);
		Operators::<T>::insert(&who, record);
		Ok(())
	}

	pub(crate) fn do_activate(who: T::AccountId) -> DispatchResult {
		let mut record = Operators::<T>::get(&who).ok_or(Error::<T>::NotOperator)?;
		ensure!(record.status == OperatorStatus::Chilled, Error::<T>::OperatorActive);
		ensure!(record.active_stake() >= T::MinStake::get(), Error::<T>::StakeTooSmall);
		record.status = OperatorStatus::Active;
		record.missed = 0;
		Operators::<T>::insert(&who, record);
		Self::deposit_event(Event::Activated { operator: who });
		Ok(())
	}

	/// Chill `record` if it is not, and say so. The caller stores it.
	pub(crate) fn set_chilled(who: &T::AccountId, record: &mut OperatorRecordOf<T>) {
		if record.status == OperatorStatus::Active {
			record.status = OperatorStatus::Chilled;
			Self::deposit_event(Event::Chilled { operator: who.clone() });
		}
	}
}
