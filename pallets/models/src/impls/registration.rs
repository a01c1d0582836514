//! Checking and registering a program.

use assay_primitives::{models::model_id, ModelInfo, MAX_OUTPUT_BYTES};
use assay_referee::Program;
use frame_support::{ensure, traits::Get};
use sp_core::H256;
use sp_runtime::{DispatchError, DispatchResult, SaturatedConversion, Saturating};

use crate::{BalanceOf, Config, Error, Event, ModelMetadata, ModelRecord, Models, Pallet};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(
		publisher: T::AccountId,
		program: &[u8],
		weights_root: H256,
		metadata: ModelMetadata,
	) -> DispatchResult {
		let program_root = H256(assay_referee::program_root(program));
		let model = model_id(&program_root, &weights_root);
		Self::ensure_metadata(&model, &metadata)?;
		ensure!(!Models::<T>::contains_key(model), Error::<T>::AlreadyRegistered);
		let mut record = ModelRecord::new(Self::examine(program, program_root, weights_root)?);
		let n_ops = record.info.n_ops;
		let deposit = Self::join(publisher.clone(), model, &mut record, metadata)?;
		Models::<T>::insert(model, record);
		Self::deposit_event(Event::Registered {
			model,
			publisher,
			program_root,
			weights_root,
			n_ops,
			deposit,
		});
		Ok(())
	}

	/// Decode a program, check every record, and gather the facts that outlive the call.
	pub(crate) fn examine(
		bytes: &[u8],
		program_root: H256,
		weights_root: H256,
	) -> Result<ModelInfo, DispatchError> {
		let program = Program::decode(bytes).map_err(|_| Error::<T>::ProgramMalformed)?;
		program
			.check()
			.map_err(|refused| Error::<T>::OperationRefused(refused.op.saturated_into()))?;
		let output_len = program.header.output_layout().total_len;
		ensure!(output_len <= MAX_OUTPUT_BYTES, Error::<T>::OutputTooLong);
		let run_micros = program.run_micros();
		ensure!(run_micros <= T::MaxRunMicros::get(), Error::<T>::ModelTooSlow);
		Ok(ModelInfo {
			program_root,
			weights_root,
			weights_len: program.header.weights_len,
			n_ops: program.header.n_ops,
			input_len: program.header.input_layout().total_len,
			output_len,
			units: program.units(),
			run_micros,
			active: true,
		})
	}

	/// What is held from whoever stands behind a program of so many records.
	pub fn deposit_for(records: u32) -> BalanceOf<T> {
		T::DepositPerRecord::get()
			.saturating_mul(records.into())
			.saturating_add(T::DepositBase::get())
	}
}
