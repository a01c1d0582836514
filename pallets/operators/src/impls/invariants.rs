//! What must be true after every block: O1 to O4 of `docs/invariants.md`.

use crate::{Config, HoldReason, KeyOwner, Operators, Pallet, ServiceKeys, Serving};
use frame_support::{ensure, traits::fungible::InspectHold as _};
use sp_runtime::Saturating;

impl<T: Config> Pallet<T> {
	/// Check the invariants of the pallet.
	///
	/// 1. Exposure and what is being unstaked together never exceed the stake.
	/// 2. What is held from an operator equals its stake.
	/// 3. Service keys and their owners mirror each other, and deposits are held.
	/// 4. Only operators serve models, each model once, in order.
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		for (who, record) in Operators::<T>::iter() {
			let bound = record.exposed.saturating_add(record.leaving());
			ensure!(bound <= record.stake, "1: more promised than staked");
			let held = T::Currency::balance_on_hold(&HoldReason::Stake.into(), &who);
			ensure!(held == record.stake, "2: held differs from the stake");
		}
		for (who, record) in ServiceKeys::<T>::iter() {
			ensure!(KeyOwner::<T>::get(&record.key) == Some(who.clone()), "3: key without owner");
			let held = T::Currency::balance_on_hold(&HoldReason::ServiceKey.into(), &who);
			ensure!(held == record.deposit, "3: held differs from the deposit");
		}
		ensure!(
			KeyOwner::<T>::iter().count() == ServiceKeys::<T>::iter().count(),
			"3: owner without key"
		);
		for (who, models) in Serving::<T>::iter() {
			ensure!(Operators::<T>::contains_key(&who), "4: serves without being an operator");
			ensure!(models.windows(2).all(|pair| pair[0] < pair[1]), "4: not in order");
		}
		Ok(())
	}
}
