//! What other pallets may know of and do to models.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::DispatchResult;

use crate::ModelId;

/// Name of the model made of these two: BLAKE3(`assay/model/v1` ‖ program root ‖ weights root).
pub fn model_id(program_root: &H256, weights_root: &H256) -> ModelId {
	H256(assay_referee::program::model_id(&program_root.0, &weights_root.0))
}

/// The facts about a registered model on which jobs and disputes rest.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub struct ModelInfo {
	/// BLAKE3 of the program's encoding.
	pub program_root: H256,
	/// BLAKE3 of the weights.
	pub weights_root: H256,
	/// Length of the weights in bytes.
	pub weights_len: u64,
	/// Number of operations, which is the number of trace entries of a run.
	pub n_ops: u32,
	/// Length of an input in bytes, exactly.
	pub input_len: u64,
	/// Length of an output in bytes, exactly.
	pub output_len: u64,
	/// Cost units of one run, about one per multiply-add.
	pub units: u64,
	/// How long one run takes on the slowest machine that the chain admits, in microseconds.
	pub run_micros: u64,
	/// Whether new jobs may name the model.
	pub active: bool,
}

/// The registry of models, as the jobs and operators pallets see it.
pub trait ModelRegistry {
	/// Facts about `id`; `None` when it is not registered.
	fn info(id: &ModelId) -> Option<ModelInfo>;

	/// Count one more job that needs `id`, so that the model is not removed under it.
	///
	/// # Errors
	/// When the model is unknown or takes no new jobs.
	fn job_opened(id: &ModelId) -> DispatchResult;

	/// Count one job less. Call once for each [`Self::job_opened`].
	fn job_closed(id: &ModelId);

	/// Register `program` whatever its deposit, and return its name.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(program: alloc::vec::Vec<u8>, weights_root: H256) -> ModelId;
}
