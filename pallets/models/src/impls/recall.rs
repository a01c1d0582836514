//! Warning of a model.

use assay_primitives::ModelId;
use frame_support::ensure;
use sp_runtime::{ArithmeticError, DispatchResult};

use crate::{
	is_text, Config, EndorsementState, Endorsements, Error, Event, Metadata, ModelState, Models,
	Pallet, Reason, Recalls,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_recall(who: T::AccountId, model: ModelId, reason: Reason) -> DispatchResult {
		ensure!(is_text(&reason), Error::<T>::ReasonMalformed);
		let mut record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		let mut endorsement = Self::leave(&who, &model, &mut record)?;
		let at = frame_system::Pallet::<T>::block_number();
		endorsement.state = EndorsementState::Recalled { at, reason: reason.clone() };
		let (before, eldest) = match record.recalls.take() {
			None => (0, who.clone()),
			Some(Recalls { count, eldest, .. }) => {
				let theirs = Endorsements::<T>::get(model, &eldest).map(|one| one.since);
				let younger = theirs.is_some_and(|theirs| theirs <= endorsement.since);
				(count, if younger { eldest } else { who.clone() })
			},
		};
		let count = before.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		record.recalls = Some(Recalls { count, last: who.clone(), eldest });
		if record.standing.is_none() {
			Metadata::<T>::insert(model, &endorsement.metadata);
		}
		Endorsements::<T>::insert(model, &who, endorsement);
		Self::deposit_event(Event::Recalled { model, endorser: who, reason });
		if record.standing.is_none() && record.state == ModelState::Endorsed {
			record.set_state(ModelState::Recalled);
			Self::deposit_event(Event::Retired { model });
		}
		Models::<T>::insert(model, record);
		Ok(())
	}
}
