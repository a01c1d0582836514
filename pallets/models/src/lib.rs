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
//! twice and nobody can change what a name means. Nor does anybody own it: whoever registers content
//! is only the first to *endorse* it, and as long as one account stands behind a model it takes jobs.
//! Every endorser says in its own words what the model is and has the same deposit on hold, so
//! nobody's money and nobody's jobs depend on what another endorser does.
//!
//! Retiring withdraws the caller's endorsement. Recalling it leaves a warning with a reason, for
//! good: it must not be cheap to unsay. Of a model behind which nobody stands open jobs run to
//! their end; one that nobody recalled can be removed then. [`Config::RetireOrigin`] can stop a
//! model for everybody.
//!
//! ```text
//!           register                 last retires                remove
//! nothing ──────────────► Endorsed ─────────────────► Retired ─────────────► nothing
//!                          │ ▲ ▲                         │
//!             last recalls │ │ └───────── endorse ───────┘
//!                          ▼ │ endorse
//!                        Recalled                    any ──── stop ────► Stopped
//! ```
//!
//! Once somebody recalled a model, the last to retire leaves it recalled, too.

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

	// 2: models belong to nobody, endorsements are records of their own. There is no migration from 1:
	// no network has state to migrate.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where deposits are held.
		type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may stop a model from taking jobs, whoever stands behind it.
		type RetireOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Longest program in bytes: records of 1,024 bytes, one per operation, the header, and those of
		/// the table of ports.
		#[pallet::constant]
		type MaxProgramBytes: Get<u32>;

		/// Deposit of each endorser of a model with an empty program.
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
		/// Deposit of whoever endorses a model, returned when the endorsement is withdrawn; that of the
		/// last one when the model is removed or endorsed again, that of one who recalled it never.
		#[codec(index = 0)]
		Model,
	}

	/// Registered models. Whoever endorses them pays by [`HoldReason::Model`].
	// Model names are hashes of the publisher's choice of bytes; `Identity` cannot be unbalanced
	// more cheaply than BLAKE3 can be searched.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Identity, ModelId, ModelRecordOf<T>, OptionQuery>;

	/// What is said about a model, for people to read: by the account that stands behind it longest;
	/// if none does, by the one that recalled it last; if none did, by the one that withdrew last.
	#[pallet::storage]
	pub type Metadata<T: Config> = StorageMap<_, Identity, ModelId, ModelMetadata, OptionQuery>;

	/// Who stands behind which model, and who warns of it.
	#[pallet::storage]
	pub type Endorsements<T: Config> = StorageDoubleMap<
		_,
		Identity,
		ModelId,
		Blake2_128Concat,
		T::AccountId,
		EndorsementOf<T>,
		OptionQuery,
	>;

	/// How many jobs that are not over name a model. Absent means none.
	#[pallet::storage]
	pub type OpenJobs<T: Config> = StorageMap<_, Identity, ModelId, u32, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was registered. Its publisher endorses it, of which [`Event::Endorsed`] tells.
		Registered {
			/// Name of the model.
			model: ModelId,
			/// Who registered it.
			publisher: T::AccountId,
			/// BLAKE3 of the program.
			program_root: H256,
			/// BLAKE3 of the weights.
			weights_root: H256,
			/// Number of operations.
			n_ops: u32,
			/// What is held from the publisher, as from every endorser.
			deposit: BalanceOf<T>,
		},
		/// An account stands behind a model, which therefore takes jobs.
		Endorsed {
			/// Name of the model.
			model: ModelId,
			/// Who does.
			endorser: T::AccountId,
			/// What is held from it.
			deposit: BalanceOf<T>,
		},
		/// An account withdrew its endorsement.
		Withdrawn {
			/// Name of the model.
			model: ModelId,
			/// Who did.
			endorser: T::AccountId,
			/// What was returned to it: its deposit; 0 of the last one, whose deposit stays until the
			/// model is removed or endorsed again.
			returned: BalanceOf<T>,
		},
		/// An account that stood behind a model warns of it.
		Recalled {
			/// Name of the model.
			model: ModelId,
			/// Who does.
			endorser: T::AccountId,
			/// Why, UTF-8.
			reason: Reason,
		},
		/// Nobody stands behind a model any more: it takes no new jobs.
		Retired {
			/// Name of the model.
			model: ModelId,
		},
		/// A model takes no new jobs, whoever stands behind it.
		Stopped {
			/// Name of the model.
			model: ModelId,
		},
		/// A model that takes no jobs was forgotten.
		Removed {
			/// Name of the model.
			model: ModelId,
			/// What was returned to who withdrew last.
			deposit: BalanceOf<T>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// A model with this program and these weights is registered already. Use it, or stand behind it
		/// with `endorse`.
		AlreadyRegistered,
		/// The program is not in the canonical encoding. Compile the model again.
		ProgramMalformed,
		/// The operation of this number breaks a rule of the format or would be too heavy to
		/// re-execute on chain. Compile the model again with a current compiler.
		OperationRefused(u16),
		/// One run takes longer than any period of the chain allows for. Split the model.
		ModelTooSlow,
		/// The outputs have more than four mebibytes, more than a requester can demand. Split the model.
		OutputTooLong,
		/// The model needs a name, name, version and licence must be UTF-8 text, and a model is not its
		/// own parent.
		MetadataMalformed,
		/// The parent model is not registered. Register it first or name none.
		ParentUnknown,
		/// No model of this name is registered.
		ModelUnknown,
		/// Your account endorses the model already.
		AlreadyEndorsed,
		/// Your account recalled the model. A recall stays: it can be neither withdrawn nor followed by
		/// another endorsement.
		AlreadyRecalled,
		/// Your account does not endorse the model. Only who stands behind it can do this.
		NotEndorser,
		/// The reason must be UTF-8 text and say something.
		ReasonMalformed,
		/// Nobody stands behind the model, so it takes no new jobs. Whoever trusts it may `endorse` it.
		ModelRetired,
		/// Governance stopped the model: it takes no new jobs, whoever stands behind it.
		ModelStopped,
		/// Somebody stands behind the model. It can be removed when nobody does.
		ModelActive,
		/// Somebody recalled the model. It is never removed, lest the warning go with it.
		ModelRecalled,
		/// Jobs that name the model are still open. Wait for their end.
		JobsOpen,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			let most = assay_referee::MAX_PROGRAM_BYTES;
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
		/// Register a model and be the first to endorse it.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the publisher.
		///
		/// ## Details
		///
		/// `program` is decoded and checked record by record. `weights_root` is the BLAKE3 hash of
		/// the weights, whose length the program's header names. Holds the deposit under
		/// [`HoldReason::Model`].
		///
		/// ## Errors
		///
		/// - [`Error::MetadataMalformed`]: when the name is empty, a text is not UTF-8, or the
		///   model is its own parent.
		/// - [`Error::ParentUnknown`]: when the parent is not registered.
		/// - [`Error::AlreadyRegistered`]: when this program is registered with these weights.
		/// - [`Error::ProgramMalformed`]: when the program is not in the canonical encoding.
		/// - [`Error::OperationRefused`]: when an operation breaks a rule or is too heavy to judge.
		/// - [`Error::OutputTooLong`]: when the outputs have more than four mebibytes.
		/// - [`Error::ModelTooSlow`]: when one run takes longer than [`Config::MaxRunMicros`].
		/// - Errors of [`Config::Currency`]: when the publisher cannot pay the deposit.
		///
		/// ## Events
		///
		/// [`Event::Endorsed`], [`Event::Registered`].
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

		/// Withdraw the caller's endorsement of a model.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an account that stands behind the model.
		///
		/// ## Details
		///
		/// Its deposit comes back at once. Not so that of the last one who stands behind a model
		/// that nobody recalled: it stays until the model is removed or endorsed again. A model
		/// behind which nobody stands takes no new jobs; open ones run to their end.
		///
		/// ## Errors
		///
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::NotEndorser`]: when the account does not endorse the model.
		/// - [`Error::AlreadyRecalled`]: when the account recalled the model.
		///
		/// ## Events
		///
		/// [`Event::Withdrawn`]; of the last one also [`Event::Retired`], unless the model was
		/// stopped.
		#[pallet::call_index(1)]
		pub fn retire(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_retire(who, model)
		}

		/// Forget a model behind which nobody stands and that no open job needs, and return the
		/// deposit of who withdrew last.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody; by [`Config::RetireOrigin`] for a model that was stopped.
		///
		/// ## Details
		///
		/// A model that somebody recalled stays, and the warning with it.
		///
		/// ## Errors
		///
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::JobsOpen`]: when a job that names the model is not over.
		/// - [`Error::ModelActive`]: when somebody stands behind the model.
		/// - [`Error::ModelRecalled`]: when it was recalled, and nobody stands behind it or it was
		///   stopped.
		/// - [`Error::ModelStopped`]: when it was stopped, for all but [`Config::RetireOrigin`].
		///
		/// ## Events
		///
		/// [`Event::Removed`].
		#[pallet::call_index(2)]
		pub fn remove(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let remover = Self::ensure_remover(origin)?;
			Self::do_remove(model, remover)
		}

		/// Stand behind a model that is registered already.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody.
		///
		/// ## Details
		///
		/// Holds the same deposit as for registering it, under [`HoldReason::Model`]. `metadata` is
		/// what the account says about the model. A model behind which nobody stood takes jobs
		/// again, and the deposit of who withdrew last comes back.
		///
		/// ## Errors
		///
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::MetadataMalformed`]: when the name is empty, a text is not UTF-8, or the
		///   model is its own parent.
		/// - [`Error::ParentUnknown`]: when the parent is not registered.
		/// - [`Error::AlreadyEndorsed`]: when the account endorses the model already.
		/// - [`Error::AlreadyRecalled`]: when the account recalled the model.
		/// - [`Error::ModelStopped`]: when the model was stopped.
		/// - Errors of [`Config::Currency`]: when the account cannot pay the deposit.
		///
		/// ## Events
		///
		/// [`Event::Endorsed`].
		#[pallet::call_index(3)]
		pub fn endorse(
			origin: OriginFor<T>,
			model: ModelId,
			metadata: ModelMetadata,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_endorse(who, model, metadata)
		}

		/// Warn of a model that the caller stood behind.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an account that stands behind the model.
		///
		/// ## Details
		///
		/// The endorsement no longer stands; in its place a warning with the block and `reason`,
		/// UTF-8, stays for good, and so does the deposit. Others who stand behind the model are
		/// not touched, and it takes jobs as long as there are any.
		///
		/// ## Errors
		///
		/// - [`Error::ReasonMalformed`]: when the reason is empty or not UTF-8.
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::NotEndorser`]: when the account does not endorse the model.
		/// - [`Error::AlreadyRecalled`]: when the account recalled the model before.
		///
		/// ## Events
		///
		/// [`Event::Recalled`]; of the last one also [`Event::Retired`], unless the model was
		/// stopped.
		#[pallet::call_index(4)]
		pub fn recall(origin: OriginFor<T>, model: ModelId, reason: Reason) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_recall(who, model, reason)
		}

		/// Stop a model from taking new jobs, whoever stands behind it.
		///
		/// ## Dispatch Origin
		///
		/// [`Config::RetireOrigin`].
		///
		/// ## Details
		///
		/// Open jobs run to their end. Cannot be undone, nor can the content be registered again,
		/// unless the same origin removes a model that nobody endorses or recalled. Endorsers get
		/// their deposits back by withdrawing, the last one too.
		///
		/// ## Errors
		///
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::ModelStopped`]: when the model was stopped before.
		///
		/// ## Events
		///
		/// [`Event::Stopped`].
		#[pallet::call_index(5)]
		pub fn stop(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			T::RetireOrigin::ensure_origin(origin)?;
			Self::do_stop(model)
		}
	}
}
