//! Standing behind a model, and stepping out of the list of those who do.
//!
//! The list is what tells, without a look at any other entry, whose words a wallet reads once those who
//! spoke before have withdrawn. Strangers may make it as long as they can pay for: joining and leaving
//! touch the neighbours only.

use assay_primitives::ModelId;
use frame_support::{
	defensive, ensure,
	traits::{
		fungible::hold::Mutate as _, tokens::Precision, DefensiveOption as _,
		DefensiveSaturating as _,
	},
};
use sp_runtime::{ArithmeticError, DispatchError, DispatchResult};

use crate::{
	BalanceOf, Config, Endorsement, EndorsementOf, EndorsementState, Endorsements, Error, Event,
	HoldReason, Metadata, ModelMetadata, ModelRecordOf, ModelState, Models, Pallet, Standing,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_endorse(
		who: T::AccountId,
		model: ModelId,
		metadata: ModelMetadata,
	) -> DispatchResult {
		let mut record = Models::<T>::get(model).ok_or(Error::<T>::ModelUnknown)?;
		Self::ensure_metadata(&model, &metadata)?;
		match Endorsements::<T>::get(model, &who).map(|endorsement| endorsement.state) {
			None => {},
			Some(EndorsementState::Standing { .. }) => {
				return Err(Error::<T>::AlreadyEndorsed.into())
			},
			Some(EndorsementState::Recalled { .. }) => {
				return Err(Error::<T>::AlreadyRecalled.into())
			},
		}
		match &record.state {
			ModelState::Endorsed | ModelState::Recalled => {},
			// Before anything is held: it may be the endorser's own.
			ModelState::Retired { depositor, deposit } => Self::release(depositor, *deposit)?,
			ModelState::Stopped => return Err(Error::<T>::ModelStopped.into()),
		}
		Self::join(who, model, &mut record, metadata)?;
		Models::<T>::insert(model, record);
		Ok(())
	}

	/// Whether this may be said about `model`.
	pub(crate) fn ensure_metadata(model: &ModelId, metadata: &ModelMetadata) -> DispatchResult {
		ensure!(metadata.is_well_formed(), Error::<T>::MetadataMalformed);
		if let Some(parent) = &metadata.parent {
			ensure!(parent != model, Error::<T>::MetadataMalformed);
			ensure!(Models::<T>::contains_key(parent), Error::<T>::ParentUnknown);
		}
		Ok(())
	}

	/// Holds the deposit and puts the endorsement at the end of the list, which makes the model take
	/// jobs. Returns the deposit.
	pub(crate) fn join(
		who: T::AccountId,
		model: ModelId,
		record: &mut ModelRecordOf<T>,
		metadata: ModelMetadata,
	) -> Result<BalanceOf<T>, DispatchError> {
		let deposit = Self::deposit_for(record.info.n_ops.saturating_add(1));
		T::Currency::hold(&HoldReason::Model.into(), &who, deposit)?;
		let before = match &mut record.standing {
			Some(standing) => {
				standing.count = standing.count.checked_add(1).ok_or(ArithmeticError::Overflow)?;
				let before = core::mem::replace(&mut standing.last, who.clone());
				Self::link(&model, &before, |_, after| *after = Some(who.clone()));
				Some(before)
			},
			None => {
				record.standing =
					Some(Standing { count: 1, first: who.clone(), last: who.clone() });
				Metadata::<T>::insert(model, &metadata);
				None
			},
		};
		record.set_state(ModelState::Endorsed);
		let since = frame_system::Pallet::<T>::block_number();
		let state = EndorsementState::Standing { before, after: None };
		Endorsements::<T>::insert(model, &who, Endorsement { metadata, deposit, since, state });
		Self::deposit_event(Event::Endorsed { model, endorser: who, deposit });
		Ok(deposit)
	}

	/// Takes the endorsement of `who`, which must stand, out of the list and out of storage. When the
	/// first leaves, the next one's words become the model's.
	///
	/// # Errors
	/// When `who` does not endorse the model or recalled it.
	pub(crate) fn leave(
		who: &T::AccountId,
		model: &ModelId,
		record: &mut ModelRecordOf<T>,
	) -> Result<EndorsementOf<T>, DispatchError> {
		let endorsement = Endorsements::<T>::get(model, who).ok_or(Error::<T>::NotEndorser)?;
		let EndorsementState::Standing { before, after } = &endorsement.state else {
			return Err(Error::<T>::AlreadyRecalled.into());
		};
		let standing = record.standing.take();
		let mut standing = standing.defensive_ok_or(Error::<T>::NotEndorser)?;
		standing.count = standing.count.defensive_saturating_sub(1);
		if let Some(before) = before {
			Self::link(model, before, |_, its_after| its_after.clone_from(after));
		}
		if let Some(after) = after {
			Self::link(model, after, |its_before, _| its_before.clone_from(before));
		}
		record.standing = match (before, after) {
			(None, None) => None,
			(None, Some(next)) => {
				Self::speak(model, next);
				Some(Standing { first: next.clone(), ..standing })
			},
			(Some(last), None) => Some(Standing { last: last.clone(), ..standing }),
			(Some(_), Some(_)) => Some(standing),
		};
		Endorsements::<T>::remove(model, who);
		Ok(endorsement)
	}

	/// Makes what `who` says about `model` what wallets read.
	pub(crate) fn speak(model: &ModelId, who: &T::AccountId) {
		match Endorsements::<T>::get(model, who) {
			Some(endorsement) => Metadata::<T>::insert(model, endorsement.metadata),
			None => {
				defensive!("whoever is named in a record has an endorsement");
			},
		}
	}

	/// Changes the neighbours that the endorsement of `who` names.
	fn link(
		model: &ModelId,
		who: &T::AccountId,
		change: impl FnOnce(&mut Option<T::AccountId>, &mut Option<T::AccountId>),
	) {
		Endorsements::<T>::mutate(model, who, |endorsement| {
			let state = endorsement.as_mut().map(|endorsement| &mut endorsement.state);
			match state {
				Some(EndorsementState::Standing { before, after }) => change(before, after),
				_ => {
					defensive!("neighbours in the list stand");
				},
			}
		});
	}

	/// Gives a deposit back.
	pub(crate) fn release(who: &T::AccountId, deposit: BalanceOf<T>) -> DispatchResult {
		T::Currency::release(&HoldReason::Model.into(), who, deposit, Precision::Exact)?;
		Ok(())
	}
}
