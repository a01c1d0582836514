//! # Operators pallet
//!
//! Stakes, what they stand for, and the service keys that act for their owners.
//!
//! ## Pallet API
//!
//! See the [`pallet`] module for calls, storage, events, errors and the configuration trait.
//! Other pallets use it as [`OperatorLedger`](assay_primitives::OperatorLedger) and
//! [`KeyOwners`](assay_primitives::KeyOwners).
//!
//! ## Overview
//!
//! An operator holds a stake. Each claim it makes is backed by a part of the stake, its
//! *exposure*, until the claim is final. Exposure never exceeds the stake, so the same money never
//! backs two claims, and an operator that lies in many claims at once loses for each of them.
//!
//! Stake that backs nothing can be unstaked: it stops counting at once and can be withdrawn after
//! [`Config::UnstakingPeriod`]. A chilled operator gets no new work, and keeps its open claims.
//! [`Config::MaxMissed`] missed deadlines in a row, or one false claim, chill an operator.
//!
//! A *service key* is a hot key in a node's keystore that acts for an account without a fee. An
//! account has at most one, a key belongs to at most one account, and the account need not be an
//! operator: watchers use service keys too.

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
	use assay_primitives::{ModelId, ModelRegistry, ServiceKey, ServiceSignature};
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use sp_runtime::traits::BlockNumberProvider;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where stakes and deposits are held, and slashed.
		type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ fungible::hold::Balanced<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// The registry of models that operators may serve.
		type Models: ModelRegistry;

		/// What time it is, in blocks.
		type Clock: BlockNumberProvider<BlockNumber = BlockNumberFor<Self>>;

		/// Least stake of an active operator.
		#[pallet::constant]
		type MinStake: Get<BalanceOf<Self>>;

		/// Deposit for a service key.
		#[pallet::constant]
		type KeyDeposit: Get<BalanceOf<Self>>;

		/// What a new service key may put on hold in its owner's name, until the owner says otherwise:
		/// a few bonds.
		#[pallet::constant]
		type DefaultAllowance: Get<BalanceOf<Self>>;

		/// Blocks for which an operator that was chilled, by itself, for missed deadlines or for a false
		/// claim, stays so at least.
		#[pallet::constant]
		type ChillPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks between unstaking and withdrawing. Longer than any claim can stay open.
		#[pallet::constant]
		type UnstakingPeriod: Get<BlockNumberFor<Self>>;

		/// How many amounts may be on their way out of one stake at a time.
		#[pallet::constant]
		type MaxUnstaking: Get<u32>;

		/// How many models one operator may serve.
		#[pallet::constant]
		type MaxServed: Get<u32>;

		/// Missed deadlines in a row that chill an operator.
		#[pallet::constant]
		type MaxMissed: Get<u32>;

		/// Weights of this pallet's calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds somebody's balance.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Stake of an operator, which false claims and missed deadlines reduce.
		#[codec(index = 0)]
		Stake,
		/// Deposit for a service key, returned when the key is unset.
		#[codec(index = 1)]
		ServiceKey,
	}

	/// Operators and their stakes, held by [`HoldReason::Stake`].
	#[pallet::storage]
	pub type Operators<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, OperatorRecordOf<T>, OptionQuery>;

	/// Models that each operator serves, in ascending order.
	// Apart from the record: read once per job, while the record changes with every claim.
	#[pallet::storage]
	pub type Serving<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		BoundedVec<ModelId, T::MaxServed>,
		ValueQuery,
	>;

	/// The service key of each account that has one, and its deposit under
	/// [`HoldReason::ServiceKey`].
	#[pallet::storage]
	pub type ServiceKeys<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, KeyRecordOf<T>, OptionQuery>;

	/// The account behind each service key.
	#[pallet::storage]
	pub type KeyOwner<T: Config> =
		StorageMap<_, Blake2_128Concat, ServiceKey, T::AccountId, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A stake grew.
		Staked {
			/// Whose stake.
			operator: T::AccountId,
			/// By how much.
			amount: BalanceOf<T>,
			/// What now counts, without what is being unstaked.
			active: BalanceOf<T>,
		},
		/// A part of a stake stopped counting and is on its way out.
		Unstaking {
			/// Whose stake.
			operator: T::AccountId,
			/// How much leaves.
			amount: BalanceOf<T>,
			/// First block at which it can be withdrawn.
			due: BlockNumberFor<T>,
		},
		/// Unstaked money was returned.
		Withdrawn {
			/// Whose stake.
			operator: T::AccountId,
			/// How much was returned.
			amount: BalanceOf<T>,
		},
		/// An account named its service key, or unset it.
		ServiceKeySet {
			/// Whom the key acts for.
			account: T::AccountId,
			/// The key; `None` when it was unset.
			key: Option<ServiceKey>,
		},
		/// An account said what its service key may put on hold.
		AllowanceSet {
			/// Whose money it is.
			account: T::AccountId,
			/// What the key may put on hold from now on.
			allowance: BalanceOf<T>,
		},
		/// An operator said which models it serves.
		Serves {
			/// The operator.
			operator: T::AccountId,
			/// How many models it serves now.
			models: u32,
		},
		/// An operator takes new work.
		Activated {
			/// The operator.
			operator: T::AccountId,
		},
		/// An operator gets no new work until it activates itself.
		Chilled {
			/// The operator.
			operator: T::AccountId,
			/// First block at which it can.
			until: BlockNumberFor<T>,
		},
		/// An operator missed a deadline.
		DeadlineMissed {
			/// The operator.
			operator: T::AccountId,
			/// How many it has missed in a row.
			in_row: u32,
		},
		/// A part of a stake was taken.
		Slashed {
			/// Whose stake.
			operator: T::AccountId,
			/// How much was taken.
			amount: BalanceOf<T>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account has no stake. Stake first.
		NotOperator,
		/// The operator is chilled and gets no new work. Activate it first.
		OperatorChilled,
		/// The operator is active already.
		OperatorActive,
		/// The stake would be, or is, less than the least stake of an active operator.
		StakeTooSmall,
		/// The amount is zero.
		AmountZero,
		/// More than the stake that backs no open claim. Wait for claims to become final.
		FreeStakeTooSmall,
		/// Too many amounts are on their way out. Withdraw what is due first.
		TooManyUnstaking,
		/// Nothing can be withdrawn yet.
		NothingDue,
		/// This service key is in use, by another account or by this one already. Generate a key of your own.
		KeyTaken,
		/// The signature does not show that whoever registers the service key has its secret. The key
		/// signs the account that registers it, on this chain.
		KeyNotPossessed,
		/// The service key may not put that much on hold. Raise its allowance.
		AllowanceTooSmall,
		/// The operator was chilled less than [`Config::ChillPeriod`] ago.
		ChillNotOver,
		/// The account has no service key to unset.
		KeyNotSet,
		/// One of the models is not registered or takes no new jobs.
		ModelUnavailable,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxUnstaking::get() > 0, "stakes must be able to leave");
			assert!(T::MaxMissed::get() > 0, "an operator may miss no deadline at all");
			assert!(
				T::UnstakingPeriod::get() >= T::ChillPeriod::get(),
				"a stake may leave and come back before a chill is over"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = T::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Put money behind future claims.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator to be.
		///
		/// ## Details
		///
		/// Holds `amount` under [`HoldReason::Stake`], besides what is staked already. The first
		/// stake makes an active operator. The whole must reach [`Config::MinStake`].
		///
		/// ## Errors
		///
		/// - [`Error::AmountZero`]: when `amount` is zero.
		/// - [`Error::StakeTooSmall`]: when what then counts is less than [`Config::MinStake`].
		/// - Errors of [`Config::Currency`]: when the account does not have `amount` free.
		///
		/// ## Events
		///
		/// [`Event::Staked`].
		#[pallet::call_index(0)]
		pub fn stake(
			origin: OriginFor<T>,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_stake(who, amount)
		}

		/// Take money that backs no open claim out of the stake.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// The amount stops counting at once and can be withdrawn after
		/// [`Config::UnstakingPeriod`]. What remains must reach [`Config::MinStake`] or be
		/// nothing, which chills the operator, for [`Config::ChillPeriod`] from now on.
		///
		/// ## Errors
		///
		/// - [`Error::AmountZero`]: when `amount` is zero.
		/// - [`Error::NotOperator`]: when the account has no stake.
		/// - [`Error::FreeStakeTooSmall`]: when less than `amount` counts and backs no open claim.
		/// - [`Error::StakeTooSmall`]: when something remains, but less than [`Config::MinStake`].
		/// - [`Error::TooManyUnstaking`]: when [`Config::MaxUnstaking`] amounts are leaving.
		///
		/// ## Events
		///
		/// [`Event::Unstaking`]; before it [`Event::Chilled`], when nothing remains of an active
		/// operator's stake.
		#[pallet::call_index(1)]
		pub fn unstake(
			origin: OriginFor<T>,
			#[pallet::compact] amount: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unstake(who, amount)
		}

		/// Get back what was unstaked long enough ago.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// Forgets the operator when nothing is left.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: when the account has no stake.
		/// - [`Error::NothingDue`]: when no amount is on its way out, or none is due yet.
		///
		/// ## Events
		///
		/// [`Event::Withdrawn`].
		#[pallet::call_index(2)]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who)
		}

		/// Name the key with which a node acts for this account, or unset it.
		///
		/// ## Dispatch Origin
		///
		/// Signed by any account.
		///
		/// ## Details
		///
		/// Beside the key goes its signature of the account, see
		/// [`possession_message`](assay_primitives::authorization::possession_message). Holds
		/// [`Config::KeyDeposit`] under [`HoldReason::ServiceKey`] while a key is set. A first key
		/// may spend [`Config::DefaultAllowance`], one that replaces another what that had left.
		///
		/// ## Errors
		///
		/// - [`Error::KeyTaken`]: when the key is set already, for another account or for this one.
		/// - [`Error::KeyNotPossessed`]: when the key did not sign this account, for this chain.
		/// - [`Error::KeyNotSet`]: when there is nothing to unset.
		/// - Errors of [`Config::Currency`]: when the deposit for a first key cannot be paid.
		///
		/// ## Events
		///
		/// [`Event::ServiceKeySet`].
		#[pallet::call_index(3)]
		pub fn set_service_key(
			origin: OriginFor<T>,
			key: Option<(ServiceKey, ServiceSignature)>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			match key {
				Some((key, proof)) => Self::do_set_key(who, key, &proof),
				None => Self::do_unset_key(who),
			}
		}

		/// Say which models this operator serves, instead of those said before.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// Every model must be registered and take jobs.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: when the account has no stake.
		/// - [`Error::ModelUnavailable`]: when a model is not registered or takes no new jobs.
		///
		/// ## Events
		///
		/// [`Event::Serves`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::serve(models.len() as u32))]
		pub fn serve(
			origin: OriginFor<T>,
			models: BoundedVec<ModelId, T::MaxServed>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_serve(who, models)
		}

		/// Take no new work.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// Open claims keep their stake. Work can be taken again after [`Config::ChillPeriod`].
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: when the account has no stake.
		/// - [`Error::OperatorChilled`]: when the operator is chilled already.
		///
		/// ## Events
		///
		/// [`Event::Chilled`].
		#[pallet::call_index(5)]
		pub fn chill(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_chill(who)
		}

		/// Take new work again.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator.
		///
		/// ## Details
		///
		/// Needs [`Config::MinStake`], and that [`Config::ChillPeriod`] is over. Forgets missed
		/// deadlines.
		///
		/// ## Errors
		///
		/// - [`Error::NotOperator`]: when the account has no stake.
		/// - [`Error::OperatorActive`]: when the operator is active already.
		/// - [`Error::ChillNotOver`]: when [`Config::ChillPeriod`] is not over.
		/// - [`Error::StakeTooSmall`]: when less than [`Config::MinStake`] counts.
		///
		/// ## Events
		///
		/// [`Event::Activated`].
		#[pallet::call_index(6)]
		pub fn activate(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_activate(who)
		}

		/// Say what the service key may put on hold in this account's name from now on: bonds of
		/// challenges and fees of questions. What comes back counts again.
		///
		/// ## Dispatch Origin
		///
		/// Signed by an account that has a service key.
		///
		/// ## Details
		///
		/// What the key puts behind jobs comes out of the stake and is not counted.
		///
		/// ## Errors
		///
		/// - [`Error::KeyNotSet`]: when the account has no service key.
		///
		/// ## Events
		///
		/// [`Event::AllowanceSet`].
		#[pallet::call_index(7)]
		pub fn set_key_allowance(
			origin: OriginFor<T>,
			#[pallet::compact] allowance: BalanceOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_allowance(who, allowance)
		}
	}
}
