//! Retiring and removing models.

use assay_primitives::ModelId;
use frame_support::{
	ensure,
	traits::{fungible::hold::Mutate as _, tokens::Precision, EnsureOrigin},
};
use frame_system::{ensure_signed, pallet_prelude::OriginFor};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{Config, Error, Event, HoldReason, Metadata, ModelRecordOf, Models, OpenJobs, Pallet};

impl<T: Config> Pallet<T> {
	/// The record of `model`, if `origin` is its publisher or [`Config::RetireOrigin`].
	pub(crate) fn ensure_publisher(
		origin: OriginFor<T>,
		model: &ModelId,
	) -> Result<ModelRecordOf<T>, DispatchError> {
		let signer = match T::RetireOrigin::try_origin(origin) {
			Ok(_) => None,
			Err(origin) => Some(ensure_signed(origin)?),
		};
		let record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		if let Some(signer) = signer {
			ensure!(signer == record.publisher, Error::<T>::NotPublisher);
		}
		Ok(record)
	}

	pub(crate) fn do_retire(model: ModelId, mut record: ModelRecordOf<T>) -> DispatchResult {
		ensure!(record.info.active, Error::<T>::ModelRetired);
		record.info.active = false;
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::Retired { model });
		Ok(())
	}

	pub(crate) fn do_remove(model: ModelId, record: ModelRecordOf<T>) -> DispatchResult {
		ensure!(!record.info.active, Error::<T>::ModelActive);
		ensure!(!OpenJobs::<T>::contains_key(model), Error::<T>::JobsOpen);
		T::Currency::release(
			&HoldReason::Model.into(),
			&record.publisher,
			record.deposit,
			Precision::Exact,
		)?;
		Models::<T>::remove(model);
		Metadata::<T>::remove(model);
		Self::deposit_event(Event::Removed { model, deposit: record.deposit });
		Ok(())
	}
}
