//! What must be true after every block.

use crate::{BalanceOf, Config, HoldReason, Metadata, Models, OpenJobs, Pallet};
use alloc::collections::BTreeMap;
use assay_primitives::models::model_id;
use frame_support::{ensure, traits::fungible::InspectHold as _};
use sp_runtime::Saturating;

impl<T: Config> Pallet<T> {
	/// Check the invariants of the pallet.
	///
	/// 1. Every model has metadata and all metadata has a model.
	/// 2. The name of a model is the hash of its two roots.
	/// 3. Jobs are open only for registered models, and no count of zero is stored.
	/// 4. What is held from a publisher equals the deposits of its models.
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let mut deposits = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
		for (model, record) in Models::<T>::iter() {
			ensure!(Metadata::<T>::contains_key(model), "1: model without metadata");
			let name = model_id(&record.info.program_root, &record.info.weights_root);
			ensure!(name == model, "2: model under a wrong name");
			let sum = deposits.entry(record.publisher).or_default();
			*sum = sum.saturating_add(record.deposit);
		}
		for model in Metadata::<T>::iter_keys() {
			ensure!(Models::<T>::contains_key(model), "1: metadata without model");
		}
		for (model, open) in OpenJobs::<T>::iter() {
			ensure!(Models::<T>::contains_key(model), "3: open jobs of an unknown model");
			ensure!(open > 0, "3: stored count of zero");
		}
		for (publisher, sum) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Model.into(), &publisher);
			ensure!(held == sum, "4: held differs from the deposits");
		}
		Ok(())
	}
}
