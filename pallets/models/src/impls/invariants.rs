//! What must be true after every block: M1 to M7 of `docs/invariants.md`.

use crate::{
	BalanceOf, Config, EndorsementState, Endorsements, HoldReason, Metadata, ModelRecordOf,
	ModelState, Models, OpenJobs, Pallet,
};
use alloc::collections::BTreeMap;
use assay_primitives::{models::model_id, ModelId};
use frame_support::{ensure, traits::fungible::InspectHold as _};
use sp_runtime::{Saturating, TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// Check the invariants of the pallet.
	///
	/// 1. Every model has metadata, and all metadata and every endorsement has a model.
	/// 2. The name of a model is the hash of its two roots.
	/// 3. Jobs are open only for registered models, and no count of zero is stored.
	/// 4. What is held from an account equals the deposits of its endorsements, recalled ones too, and
	///    of the models that it was the last to withdraw from.
	/// 5. From the first to the last endorser of a model lead as many endorsements that stand as its
	///    record counts, each naming its neighbours, and there are no others; of those that were
	///    recalled there are as many as it counts, the last one's among them.
	/// 6. The state of a model is what its endorsements say: endorsed while one stands, retired while
	///    there is none, recalled while there are only such; unless it was stopped. Active is what is
	///    endorsed.
	/// 7. A model's metadata is what its first endorser says; if none stands, who recalled it last.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut deposits = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
		let mut add = |who: T::AccountId, deposit| {
			let sum = deposits.entry(who).or_default();
			*sum = sum.saturating_add(deposit);
		};
		for (model, record) in Models::<T>::iter() {
			ensure!(Metadata::<T>::contains_key(model), "1: model without metadata");
			let name = model_id(&record.info.program_root, &record.info.weights_root);
			ensure!(name == model, "2: model under a wrong name");
			Self::check_endorsements(&model, &record)?;
			Self::check_state(&model, &record)?;
			if let ModelState::Retired { depositor, deposit } = record.state {
				add(depositor, deposit);
			}
		}
		for model in Metadata::<T>::iter_keys() {
			ensure!(Models::<T>::contains_key(model), "1: metadata without model");
		}
		for (model, who, endorsement) in Endorsements::<T>::iter() {
			ensure!(Models::<T>::contains_key(model), "1: endorsement without model");
			add(who, endorsement.deposit);
		}
		for (model, open) in OpenJobs::<T>::iter() {
			ensure!(Models::<T>::contains_key(model), "3: open jobs of an unknown model");
			ensure!(open > 0, "3: stored count of zero");
		}
		for (who, sum) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Model.into(), &who);
			ensure!(held == sum, "4: held differs from the deposits");
		}
		Ok(())
	}

	/// Invariant 5 of one model.
	fn check_endorsements(
		model: &ModelId,
		record: &ModelRecordOf<T>,
	) -> Result<(), TryRuntimeError> {
		let mut standing = 0u32;
		let mut next = record.standing.as_ref().map(|standing| standing.first.clone());
		let mut last = None;
		while let Some(who) = next {
			let endorsement = Endorsements::<T>::get(model, &who);
			let Some(EndorsementState::Standing { before, after }) =
				endorsement.map(|endorsement| endorsement.state)
			else {
				return Err("5: the list names one who does not stand".into());
			};
			ensure!(before == last, "5: the list is not the same backwards");
			standing.saturating_inc();
			ensure!(standing < u32::MAX, "5: the list has no end");
			(last, next) = (Some(who), after);
		}
		let counted = record.standing.as_ref().map_or(0, |standing| standing.count);
		ensure!(standing == counted, "5: another number stands");
		let named = record.standing.as_ref().map(|standing| standing.last.clone());
		ensure!(last == named, "5: the list ends elsewhere");

		let all: BTreeMap<_, _> = Endorsements::<T>::iter_prefix(model).collect();
		let is_recalled = |who: &T::AccountId| {
			let state = all.get(who).map(|endorsement| &endorsement.state);
			matches!(state, Some(EndorsementState::Recalled { .. }))
		};
		let recalled = all.keys().filter(|who| is_recalled(who)).count();
		ensure!(all.len() == standing as usize + recalled, "5: one stands beside the list");
		match &record.recalls {
			None => ensure!(recalled == 0, "5: recalls that are not counted"),
			Some(recalls) => {
				ensure!(recalls.count as usize == recalled, "5: another number was recalled");
				ensure!(is_recalled(&recalls.last), "5: the last to recall did not");
				let since = |who| all.get(who).map(|endorsement| endorsement.since);
				let of_eldest = since(&recalls.eldest);
				let first = all.keys().filter(|who| is_recalled(who)).map(since).min().flatten();
				let is_eldest = is_recalled(&recalls.eldest) && of_eldest == first;
				ensure!(is_eldest, "5: somebody who endorsed before the eldest recalled");
			},
		}
		Ok(())
	}

	/// Invariants 6 and 7 of one model.
	fn check_state(model: &ModelId, record: &ModelRecordOf<T>) -> Result<(), TryRuntimeError> {
		let (stands, recalled) = (record.standing.is_some(), record.recalls.is_some());
		let fits = match record.state {
			ModelState::Endorsed => stands,
			ModelState::Retired { .. } => !stands && !recalled,
			ModelState::Recalled => !stands && recalled,
			ModelState::Stopped => true,
		};
		ensure!(fits, "6: the state is not what the endorsements say");
		let active = record.state == ModelState::Endorsed;
		ensure!(record.info.active == active, "6: active differs from the state");
		let first = record.standing.as_ref().map(|standing| &standing.first);
		let speaker = first.or(record.recalls.as_ref().map(|recalls| &recalls.last));
		if let Some(speaker) = speaker {
			let said = Endorsements::<T>::get(model, speaker).map(|one| one.metadata);
			ensure!(said == Metadata::<T>::get(model), "7: the metadata is not the speaker's");
		}
		Ok(())
	}
}
