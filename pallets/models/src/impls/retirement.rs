//! Withdrawing from models, stopping and removing them.

use assay_primitives::ModelId;
use frame_support::{ensure, traits::EnsureOrigin};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{traits::Zero, DispatchError, DispatchResult};

use crate::{BalanceOf, Config, Error, Event, Metadata, ModelState, Models, OpenJobs, Pallet};

/// Who wants a model forgotten.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remover {
	/// Anybody.
	Anybody,
	/// [`Config::RetireOrigin`].
	Governance,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_retire(who: T::AccountId, model: ModelId) -> DispatchResult {
		let mut record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		let deposit = Self::leave(&who, &model, &mut record)?.deposit;
		// Of a model behind which nobody stands speaks who warned of it, and not who left.
		if let (None, Some(recalls)) = (&record.standing, &record.recalls) {
			Self::speak(&model, &recalls.last);
		}
		let ends = record.standing.is_none() && record.state == ModelState::Endorsed;
		let mut returned = deposit;
		if ends && record.recalls.is_none() {
			// Nobody else pays for the record as long as jobs may need it.
			record.set_state(ModelState::Retired { depositor: who.clone(), deposit });
			returned = BalanceOf::<T>::zero();
		} else {
			Self::release(&who, deposit)?;
			if ends {
				record.set_state(ModelState::Recalled);
			}
		}
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::Withdrawn { model, endorser: who, returned });
		if ends {
			Self::deposit_event(Event::Retired { model });
		}
		Ok(())
	}

	pub(crate) fn do_stop(model: ModelId) -> DispatchResult {
		let mut record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		match &record.state {
			ModelState::Endorsed | ModelState::Recalled => {},
			// The record stays for good, so nobody's deposit may wait for its end.
			ModelState::Retired { depositor, deposit } => Self::release(depositor, *deposit)?,
			ModelState::Stopped => return Err(Error::<T>::ModelStopped.into()),
		}
		record.set_state(ModelState::Stopped);
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::Stopped { model });
		Ok(())
	}

	/// Who `origin` is to [`Self::do_remove`].
	pub(crate) fn ensure_remover(origin: OriginFor<T>) -> Result<Remover, DispatchError> {
		match T::RetireOrigin::try_origin(origin) {
			Ok(_) => Ok(Remover::Governance),
			Err(origin) => Ok(ensure_signed(origin).map(|_| Remover::Anybody)?),
		}
	}

	pub(crate) fn do_remove(model: ModelId, remover: Remover) -> DispatchResult {
		let record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		ensure!(!OpenJobs::<T>::contains_key(model), Error::<T>::JobsOpen);
		let deposit = match record.state {
			ModelState::Endorsed => return Err(Error::<T>::ModelActive.into()),
			ModelState::Recalled => return Err(Error::<T>::ModelRecalled.into()),
			ModelState::Retired { depositor, deposit } => {
				Self::release(&depositor, deposit)?;
				deposit
			},
			// What was stopped would otherwise come back by being registered again.
			ModelState::Stopped => {
				ensure!(remover == Remover::Governance, Error::<T>::ModelStopped);
				ensure!(record.recalls.is_none(), Error::<T>::ModelRecalled);
				ensure!(record.standing.is_none(), Error::<T>::ModelActive);
				BalanceOf::<T>::zero()
			},
		};
		Models::<T>::remove(model);
		Metadata::<T>::remove(model);
		Self::deposit_event(Event::Removed { model, deposit });
		Ok(())
	}
}
