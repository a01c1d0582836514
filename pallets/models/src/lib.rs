//! # Models pallet
//!
//! The registry of models: what a job can ask for and what a claim is checked against.
//!
//! ## Pallet API
//!
//! See the [`pallet`] module for calls, storage, events, errors and the configuration trait.
//! Other pallets use it as [`ModelRegistry`](assay_primitives::ModelRegistry).
//!
//! ## Overview
//!
//! A model is a program, a weights root and metadata. The program travels in the call that
//! registers it, and the runtime decodes and checks every record with the referee: canonical
//! encoding, topology, shapes, and a bound on the cost of re-executing any one element. A model
//! with an element that the chain could not re-execute would be a model about which anyone could
//! lie, so it is refused here. What stays in state is roots, lengths and metadata; the program's
//! bytes are in the block, and disputes bring single records back with a proof against the root.
//!
//! A model is named by its program and weights roots, so the same model cannot be registered
//! twice and nobody can change what a name means. Its publisher, or
//! [`Config::RetireOrigin`], can retire it: it takes no new jobs, and open jobs run to their end.
//! A retired model without open jobs can be removed, which returns the deposit.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use assay_primitives::ModelId;
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where deposits are held.
		type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may retire and remove a model besides its publisher.
		type RetireOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Longest program in bytes: one record of 1,024 bytes per operation, and the header.
		#[pallet::constant]
		type MaxProgramBytes: Get<u32>;

		/// Deposit for a model with an empty program.
		#[pallet::constant]
		type DepositBase: Get<BalanceOf<Self>>;

		/// Deposit for each record of a program.
		#[pallet::constant]
		type DepositPerRecord: Get<BalanceOf<Self>>;

		/// Longest run of a model, on the slowest machine that the chain admits, in microseconds: what
		/// takes longer could not be checked in any period.
		#[pallet::constant]
		type MaxRunMicros: Get<u64>;

		/// Weights of this pallet's calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds somebody's balance.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit for a registered model, returned when the model is removed.
		#[codec(index = 0)]
		Model,
	}

	/// Registered models. The publisher pays by [`HoldReason::Model`].
	// Model names are hashes of the publisher's choice of bytes; `Identity` cannot be unbalanced
	// more cheaply than BLAKE3 can be searched.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Identity, ModelId, ModelRecordOf<T>, OptionQuery>;

	/// What the publisher says about a model. Read by people, not by other pallets.
	#[pallet::storage]
	pub type Metadata<T: Config> = StorageMap<_, Identity, ModelId, ModelMetadata, OptionQuery>;

	/// How many jobs that are not over name a model. Absent means none.
	#[pallet::storage]
	pub type OpenJobs<T: Config> = StorageMap<_, Identity, ModelId, u32, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was registered and takes jobs.
		Registered {
			/// Name of the model.
			model: ModelId,
			/// Who registered it and pays its deposit.
			publisher: T::AccountId,
			/// BLAKE3 of the program.
			program_root: H256,
			/// BLAKE3 of the weights.
			weights_root: H256,
			/// Number of operations.
			n_ops: u32,
			/// What is held from the publisher.
			deposit: BalanceOf<T>,
		},
		/// A model takes no new jobs any more.
		Retired {
			/// Name of the model.
			model: ModelId,
		},
		/// A retired model was forgotten.
		Removed {
			/// Name of the model.
			model: ModelId,
			/// What was returned to the publisher.
			deposit: BalanceOf<T>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// A model with this program and these weights is registered already; use it.
		AlreadyRegistered,
		/// The program is not in the canonical encoding. Compile the model again.
		ProgramMalformed,
		/// The operation of this number breaks a rule of the format or would be too heavy to
		/// re-execute on chain. Compile the model again with a current compiler.
		OperationRefused(u16),
		/// One run takes longer than any period of the chain allows for. Split the model.
		TooSlow,
		/// The model needs a name, and name, version and licence must be UTF-8 text.
		MetadataMalformed,
		/// The parent model is not registered. Register it first or name none.
		ParentUnknown,
		/// No model of this name is registered.
		ModelUnknown,
		/// Only the publisher of the model may do this.
		NotPublisher,
		/// The model is retired: it takes no new jobs and cannot be retired again.
		ModelRetired,
		/// The model still takes jobs. Retire it first.
		ModelActive,
		/// Jobs that name the model are still open. Wait for their end.
		JobsOpen,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			let most = (assay_referee::MAX_OPS as usize + 1) * assay_referee::RECORD_BYTES;
			assert!(T::MaxProgramBytes::get() as usize <= most, "no program is longer than this");
			assert!(
				T::MaxProgramBytes::get() as usize >= 2 * assay_referee::RECORD_BYTES,
				"a program has a header and one operation at least"
			);
			let weights = T::BlockWeights::get();
			if let Some(most) = weights.get(DispatchClass::Normal).max_extrinsic {
				let heaviest = T::WeightInfo::register(records(T::MaxProgramBytes::get() as usize));
				assert!(heaviest.all_lte(most), "the largest program fits into a block");
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = T::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Register a model.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the publisher.
		///
		/// ## Details
		///
		/// `program` is decoded and checked record by record. `weights_root` is the BLAKE3 hash of
		/// the weights, whose length the program's header names. Holds the deposit under
		/// [`HoldReason::Model`]. Emits [`Event::Registered`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(records(program.len())))]
		pub fn register(
			origin: OriginFor<T>,
			program: BoundedVec<u8, T::MaxProgramBytes>,
			weights_root: H256,
			metadata: ModelMetadata,
		) -> DispatchResult {
			let publisher = ensure_signed(origin)?;
			Self::do_register(publisher, &program, weights_root, metadata)
		}

		/// Stop a model from taking new jobs.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the publisher, or [`Config::RetireOrigin`].
		///
		/// ## Details
		///
		/// Open jobs run to their end. Cannot be undone. Emits [`Event::Retired`].
		#[pallet::call_index(1)]
		pub fn retire(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let record = Self::ensure_publisher(origin, &model)?;
			Self::do_retire(model, record)
		}

		/// Forget a retired model that no open job needs, and return its deposit.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the publisher, or [`Config::RetireOrigin`].
		///
		/// ## Details
		///
		/// The deposit goes to the publisher. Emits [`Event::Removed`].
		#[pallet::call_index(2)]
		pub fn remove(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let record = Self::ensure_publisher(origin, &model)?;
			Self::do_remove(model, record)
		}
	}
}
