//! Who takes which work.

use assay_primitives::{ModelId, ModelRegistry};
use frame_support::{ensure, traits::Get, BoundedVec};
use sp_runtime::{traits::BlockNumberProvider, DispatchResult, Saturating};

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
		let OperatorStatus::Chilled { until } = record.status else {
			return Err(Error::<T>::OperatorActive.into());
		};
		ensure!(T::Clock::current_block_number() >= until, Error::<T>::ChillNotOver);
		ensure!(record.active_stake() >= T::MinStake::get(), Error::<T>::StakeTooSmall);
		record.status = OperatorStatus::Active;
		record.missed = 0;
		Operators::<T>::insert(&who, record);
		Self::deposit_event(Event::Activated { operator: who });
		Ok(())
	}

	/// Chill `record` for [`Config::ChillPeriod`], and say so if it was active. The caller stores it.
	///
	/// Whoever chills itself waits too: a chill is a way out, not a switch.
	pub(crate) fn set_chilled(who: &T::AccountId, record: &mut OperatorRecordOf<T>) {
		let until = T::Clock::current_block_number().saturating_add(T::ChillPeriod::get());
		match record.status {
			OperatorStatus::Active => {
				record.status = OperatorStatus::Chilled { until };
				Self::deposit_event(Event::Chilled { operator: who.clone(), until });
			},
			OperatorStatus::Chilled { until: before } => {
				record.status = OperatorStatus::Chilled { until: until.max(before) };
			},
		}
	}
}
