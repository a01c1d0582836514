//! # Challenges Pallet
//!
//! The interrogation game: how one honest party makes the chain refute a false claim.
//!
//! ## Pallet API
//!
//! See the [`pallet`] module for the calls, the storage and the [`Config`] of this pallet; for whoever changes
//! it, docs/guide/challenges.md.
//!
//! ## Overview
//!
//! A *claim* (see the jobs pallet) says that a run of a model has a certain output. Whoever
//! recomputed another output opens a *challenge* with a bond while the claim's window is open. The
//! operator must then reveal the root of its *trace*, the list of the roots of all intermediate
//! tensors. From there on the challenger asks, and the operator opens, one *node* at a time: down
//! the trace to the first wrong entry, then down that tensor to the chunk in which it is wrong. At
//! most [`MAX_MOVES`] questions lead to a [`Call::prove_fault`], in which the runtime recomputes a
//! single element from authenticated inputs and finds it different.
//!
//! - The game only ever *refutes*. A challenge that lapses costs the challenger its bond and says
//!   nothing about the claim; any number of challenges may be open, each at the same bond.
//! - Only the operator may commit to the trace. After that everything authenticates itself, so
//!   anybody may answer for the operator and anybody may prove a fault, with or without a
//!   challenge.
//! - Whoever lets a turn pass loses: the operator its stake, the challenger its bond. The block
//!   named by a deadline still counts.
//! - Each node is opened at most once per job. Its first asker pays for it, later ones walk on for
//!   nothing.
//!
//! ## Low Level / Implementation Details
//!
//! Deadlines, lapses and clean-up ride on an agenda: every challenge on record stands in
//! [`AgendaPages`], which `on_idle` works off when due. Nothing depends on that: [`Call::poke`] and
//! [`Call::lapse`] do the same for anybody who cares.
//!
//! Periods follow the work: each is a constant and a few times what one run of the model takes.
//! Deadlines of traces and openings also move out with what the operator, and all operators, owe
//! already ([`NextSlot`]): many challenges cost time, and nobody its stake.
//!
//! Workers find their work by index: [`Owed`] is what an operator owes, [`Against`] who challenges it,
//! [`Own`] the challenges of an account, and the claims come in pages by the end of their windows. What
//! strangers put on chain is in none of these.
//!
//! The pallet keeps only *that* a node was opened. Openings are written to the off-chain database
//! under [`opening_key`] for the workers of watchers.
//!
//! Challenges are opened directly, so whoever sees one on its way can open the same one first and
//! be the finder; the claim is refuted all the same. A stage in which challengers commit to what
//! they will say would come in front of `do_open`. [`Config::Clock`] may stand still when parties
//! cannot act. A slash that can be called off belongs behind `Claims::fault`.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(any(test, feature = "runtime-benchmarks"))]
mod fixtures;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

mod authorize;
mod impls;
mod invariants;
mod offchain;
mod types;
pub mod weights;

pub use authorize::{ANSWER_TAG, ASK_TAG, LAPSE_TAG, OPEN_TAG, PROVE_FAULT_TAG, REVEAL_TRACE_TAG};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Target of this pallet's log messages.
pub(crate) const LOG_TARGET: &str = "runtime::challenges";

/// Where the off-chain database keeps the SCALE-encoded opening of `node` of the trace
/// `trace_root` of `job`, on nodes that index.
pub fn opening_key(
	job: assay_primitives::JobId,
	trace_root: &sp_core::H256,
	node: &assay_referee::NodeKey,
) -> alloc::vec::Vec<u8> {
	codec::Encode::encode(&(b"assay/opening/", job, trace_root, node))
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use assay_primitives::{Authorization, Claims, FaultKind, JobId, KeyAllowances, PageKey};
	use assay_referee::{NodeKey, Opening, Slice, MAX_PROOF_BYTES};
	use frame_support::{
		dispatch::PostDispatchInfo,
		pallet_prelude::*,
		traits::fungible::{Mutate, MutateHold},
	};
	use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
	use sp_core::H256;
	use sp_runtime::traits::BlockNumberProvider;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>>
		+ CreateAuthorizedTransaction<Call<Self>>
	{
		/// The money of bonds and query fees.
		type Currency: Mutate<Self::AccountId>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Reasons for holds of the whole runtime.
		type RuntimeHoldReason: From<HoldReason>;

		/// The claims that may be challenged.
		type Claims: Claims<Self::AccountId, BlockNumberFor<Self>, BalanceOf<Self>>;

		/// Which account stands behind a service key, and what the key may spend of its money.
		type KeyAllowances: KeyAllowances<Self::AccountId, BalanceOf<Self>>;

		/// The time in which turns are counted. Usually the System pallet; a clock that stands
		/// still while parties cannot act protects them.
		type Clock: BlockNumberProvider<BlockNumber = BlockNumberFor<Self>>;

		/// Smallest bond of a challenge, more than two trace revelations cost in fees.
		#[pallet::constant]
		type MinBond: Get<BalanceOf<Self>>;

		/// Bond per million cost units of the model, if that is more than [`Self::MinBond`]. Twice
		/// what an operator spends on running the model again.
		#[pallet::constant]
		type BondPerMillionUnits: Get<BalanceOf<Self>>;

		/// What the first asker of a node pays for its opening: five sixths go to who answers, the rest
		/// is burned, and more if its bytes cost more. One and a half times the fee of a maximal answer.
		#[pallet::constant]
		type QueryFee: Get<BalanceOf<Self>>;

		/// What a byte of a block costs in an ordinary transaction.
		#[pallet::constant]
		type BytePrice: Get<BalanceOf<Self>>;

		/// Length of a block in milliseconds, by which the time of a run becomes blocks.
		#[pallet::constant]
		type BlockMillis: Get<u64>;

		/// Blocks in which the operator must reveal its trace root, besides three runs of the model:
		/// it may have to run it again, and others before it.
		#[pallet::constant]
		type TracePeriod: Get<BlockNumberFor<Self>>;

		/// Blocks in which the operator must open a node, besides two runs of the model.
		#[pallet::constant]
		type AnswerPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks in which a challenger must move, besides three runs of the model: it may have to
		/// trace it again.
		#[pallet::constant]
		type TurnPeriod: Get<BlockNumberFor<Self>>;

		/// Traces and openings that one operator must be able to send in a block. Deadlines move out
		/// as far as what it owes exceeds that.
		#[pallet::constant]
		type OperatorRate: Get<u32>;

		/// Traces and openings for which every block has room, whoever owes them. Deadlines move out
		/// as far as what all operators owe exceeds that.
		#[pallet::constant]
		type ChainRate: Get<u32>;

		/// Blocks for which a challenge stays on record when it is over, and up to sixteen more.
		#[pallet::constant]
		type Retention: Get<BlockNumberFor<Self>>;

		/// Weights of the calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds somebody's balance.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Bond of an open challenge; lost if the challenger stops, returned otherwise.
		#[codec(index = 0)]
		ChallengeBond,
		/// Payment for the opening of a node that was asked for and not opened yet.
		#[codec(index = 1)]
		QueryFee,
	}

	/// Number of the next challenge.
	#[pallet::storage]
	pub type NextChallenge<T: Config> = StorageValue<_, ChallengeId, ValueQuery>;

	/// What the challenges of one job share, while any of them is on record.
	// Jobs are numbered by the chain.
	#[pallet::storage]
	pub type Disputes<T: Config> = StorageMap<_, Twox64Concat, JobId, DisputeOf<T>, OptionQuery>;

	/// The challenges on record: the live ones, and those over since less than
	/// [`Config::Retention`] or whose claim is still open.
	#[pallet::storage]
	pub type Challenges<T: Config> =
		StorageMap<_, Twox64Concat, ChallengeId, ChallengeOf<T>, OptionQuery>;

	/// The live challenges of each job. The key is the challenge's number in big-endian order.
	// `Identity` over big-endian numbers makes iteration begin with the earliest challenge, which
	// therefore costs one lookup however many there are. Numbers are given by the chain.
	#[pallet::storage]
	pub type Live<T: Config> =
		StorageDoubleMap<_, Twox64Concat, JobId, Identity, [u8; 8], (), OptionQuery>;

	/// The live challenges of each account. The key is the challenge's number in big-endian order.
	// For the account's worker, which finds its own challenges whatever others open.
	#[pallet::storage]
	pub type Own<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 8], (), OptionQuery>;

	/// What each operator owes: by deadline, whose key is in big-endian order, so that iteration
	/// begins with what is due first.
	// For the operator's worker. Nodes are chosen by challengers, so they are hashed.
	#[pallet::storage]
	pub type Owed<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Blake2_128Concat, T::AccountId>,
			NMapKey<Identity, [u8; 4]>,
			NMapKey<Blake2_128Concat, Debt>,
		),
		(),
		OptionQuery,
	>;

	/// The live challenges against the claims of each operator, by when they are looked at again by
	/// themselves, whose key is in big-endian order.
	// For the operator's worker. No turn is over before that, so as long as blocks have room for the
	// agenda nothing here is overdue, and the worker reads one entry.
	#[pallet::storage]
	pub type Against<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Blake2_128Concat, T::AccountId>,
			NMapKey<Identity, [u8; 4]>,
			NMapKey<Twox64Concat, ChallengeId>,
		),
		(),
		OptionQuery,
	>;

	/// The next free slot in which each operator is expected to answer, counted in parts of blocks:
	/// [`Config::OperatorRate`] of them make one. Slots of the past say nothing.
	#[pallet::storage]
	pub type NextSlot<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u64, ValueQuery>;

	/// The next free slot of the whole chain; [`Config::ChainRate`] of them make a block.
	#[pallet::storage]
	pub type NextChainSlot<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// The latest challenge of an account against a job.
	#[pallet::storage]
	pub type Challenged<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		JobId,
		Blake2_128Concat,
		T::AccountId,
		ChallengeId,
		OptionQuery,
	>;

	/// The nodes of a job's trace that were asked for or opened. The asker's fee is on hold.
	// Nodes are chosen by challengers.
	#[pallet::storage]
	pub type Nodes<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		JobId,
		Blake2_128Concat,
		NodeKey,
		NodeStateOf<T>,
		OptionQuery,
	>;

	/// The agenda: when to look at which challenge again. Every challenge on record stands in one page.
	// Its three items are at keys older than the word.
	#[pallet::storage]
	#[pallet::storage_prefix = "Alarms"]
	pub type AgendaPages<T: Config> = StorageMap<_, Identity, PageKey, AgendaPage, OptionQuery>;

	/// How many pages of the agenda each block has.
	#[pallet::storage]
	#[pallet::storage_prefix = "AlarmPages"]
	pub type AgendaPageCount<T: Config> =
		StorageMap<_, Twox64Concat, BlockNumberFor<T>, u32, ValueQuery>;

	/// No page of the agenda is earlier than this block.
	#[pallet::storage]
	#[pallet::storage_prefix = "NextAlarm"]
	pub type AgendaHead<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// What the authorisation of a proof found, for the dispatch of the same transaction. See
	/// `do_prove_fault`.
	// Written and taken within one transaction: never reaches the state.
	#[pallet::storage]
	#[pallet::whitelist_storage]
	pub type Judged<T: Config> = StorageValue<_, (H256, FaultKind), OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody says that a claim is false.
		ChallengeOpened {
			/// Number of the challenge.
			challenge: ChallengeId,
			/// The job whose claim is challenged.
			job: JobId,
			/// The challenger.
			who: T::AccountId,
			/// The output root that the challenger says is right.
			output_root: H256,
			/// What was put on hold.
			bond: BalanceOf<T>,
		},
		/// The operator has to reveal its trace root.
		TraceDemanded {
			/// The job.
			job: JobId,
			/// Last block at which it may.
			deadline: BlockNumberFor<T>,
		},
		/// The operator committed to its trace.
		TraceRevealed {
			/// The job.
			job: JobId,
			/// The root of the trace.
			trace_root: H256,
		},
		/// A challenger asked for a node; somebody has to open it.
		NodeAsked {
			/// The challenge in which it was asked.
			challenge: ChallengeId,
			/// The job.
			job: JobId,
			/// The node.
			node: NodeKey,
			/// What was put on hold for the answer.
			fee: BalanceOf<T>,
			/// Last block at which the answer may come.
			deadline: BlockNumberFor<T>,
		},
		/// A challenger walked on to a node that was asked for or open already.
		Advanced {
			/// The challenge.
			challenge: ChallengeId,
			/// The job.
			job: JobId,
			/// The node.
			node: NodeKey,
		},
		/// A node was opened.
		NodeOpened {
			/// The job.
			job: JobId,
			/// The node.
			node: NodeKey,
			/// Who opened it.
			who: T::AccountId,
			/// What they got out of the query fee.
			paid: BalanceOf<T>,
			/// What was burned of it.
			burned: BalanceOf<T>,
		},
		/// A claim is false.
		FaultFound {
			/// The job.
			job: JobId,
			/// What is wrong with it.
			kind: FaultKind,
			/// The earliest live challenge and its challenger, who is rewarded.
			finder: Option<(ChallengeId, T::AccountId)>,
			/// Who submitted the proof, if there was one.
			prover: Option<T::AccountId>,
		},
		/// A challenge was the first against a false claim; its bond went back.
		ChallengeWon {
			/// The challenge.
			challenge: ChallengeId,
			/// The job.
			job: JobId,
			/// The challenger.
			who: T::AccountId,
			/// What was released.
			bond: BalanceOf<T>,
		},
		/// A claim ended without this challenge; its bond went back.
		ChallengeMooted {
			/// The challenge.
			challenge: ChallengeId,
			/// The job.
			job: JobId,
			/// The challenger.
			who: T::AccountId,
			/// What was released.
			bond: BalanceOf<T>,
		},
		/// A challenger let its turn pass and lost its bond.
		ChallengeLapsed {
			/// The challenge.
			challenge: ChallengeId,
			/// The job.
			job: JobId,
			/// The challenger.
			who: T::AccountId,
			/// What the operator got of the bond.
			paid: BalanceOf<T>,
			/// What was burned of it.
			burned: BalanceOf<T>,
		},
		/// A node was not opened before the claim ended; the query fee went back.
		QueryRefunded {
			/// The job.
			job: JobId,
			/// The node.
			node: NodeKey,
			/// Who had asked.
			who: T::AccountId,
			/// What was released.
			fee: BalanceOf<T>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The job has no open claim: it was not claimed yet, or the claim is final or proven false.
		ClaimNotOpen,
		/// The claim's challenge window has closed; only live challenges go on.
		WindowOver,
		/// This is the claimed output root: challenge only with a different one.
		OutputUndisputed,
		/// This account has a live challenge against the job; continue that one.
		AlreadyChallenging,
		/// The free balance does not cover the bond or the query fee and the existential deposit, or
		/// the key's allowance does not.
		CannotPay,
		/// Only the operator of the claim can commit to its trace.
		NotOperator,
		/// No challenge demands a trace of this job.
		TraceNotDemanded,
		/// The trace root was revealed already and cannot change.
		TraceAlreadyPosted,
		/// The operator has not revealed its trace root yet.
		TraceNotPosted,
		/// The deadline has passed; the other side may now end the turn.
		DeadlineOver,
		/// The slice does not show that the trace ends with the claimed output root.
		LastEntryMismatch,
		/// There is no such challenge on record.
		ChallengeUnknown,
		/// The challenge is over.
		ChallengeOver,
		/// Only the challenger moves in its challenge.
		NotChallenger,
		/// The node at the cursor is not open yet; wait for the operator.
		NodeNotOpen,
		/// The node is not a child of the node at the cursor, or the challenge has no moves left.
		MoveIllegal,
		/// Nobody asked for this node.
		NodeNotAsked,
		/// The node is open already; read its content from the block that opened it.
		NodeAlreadyOpen,
		/// The opening does not belong to the node under the operator's trace root.
		OpeningMismatch,
		/// The proof is longer than allowed, malformed, or does not belong to this claim.
		ProofRefused,
		/// The recomputed value is what the operator says: the proof shows no fault.
		FaultNotShown,
		/// No deadline has passed and nothing can be cleaned up; try again later.
		NothingDue,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(_block: BlockNumberFor<T>, remaining: Weight) -> Weight {
			Self::work_off_agenda(remaining)
		}

		fn offchain_worker(_block: BlockNumberFor<T>) {
			offchain::run::<T>();
		}

		fn integrity_test() {
			Self::check_constants();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Say that the claim of `job` is false and that `output_root` is right.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the challenger, or authorised by its service key over
		/// (`challenges.open`, (job, content of the claim, output_root)). A service key can do this
		/// once per job, and its allowance must cover the bond.
		///
		/// ## Details
		///
		/// Holds the bond ([`Pallet::bond`]) under [`HoldReason::ChallengeBond`]. The first
		/// challenge demands the operator's trace.
		///
		/// ## Errors
		///
		/// - [`Error::ClaimNotOpen`]: when the job has no open claim.
		/// - [`Error::WindowOver`]: when the window of the claim is over.
		/// - [`Error::OutputUndisputed`]: when `output_root` is the claimed one.
		/// - [`Error::AlreadyChallenging`]: when the account has a live challenge against the job.
		/// - [`Error::CannotPay`]: when the balance or the key's allowance does not cover the bond.
		///
		/// ## Events
		///
		/// [`Event::ChallengeOpened`]; for the first challenge of a job also
		/// [`Event::TraceDemanded`].
		#[pallet::call_index(0)]
		#[pallet::weight((<T as Config>::WeightInfo::open(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_open)]
		pub fn open(
			origin: OriginFor<T>,
			job: JobId,
			output_root: H256,
			auth: Option<Authorization>,
		) -> DispatchResult {
			let actor = assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			Self::do_open(actor, job, output_root)
		}

		/// Commit to the trace of the run behind the claim of `job`.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator, or authorised by its service key over
		/// (`challenges.reveal_trace`, (job, content of the claim, trace_root, last_entry)).
		///
		/// ## Details
		///
		/// `last_entry` is the slice of the trace's last chunk and shows that the trace ends with
		/// the claimed output root.
		///
		/// ## Errors
		///
		/// - [`Error::ClaimNotOpen`]: when the job has no open claim.
		/// - [`Error::TraceNotDemanded`]: when nobody challenged the claim.
		/// - [`Error::TraceAlreadyPosted`]: when the trace root was revealed already.
		/// - [`Error::DeadlineOver`]: when the deadline for the trace is over.
		/// - [`Error::NotOperator`]: when somebody else made the claim.
		/// - [`Error::LastEntryMismatch`]: when `last_entry` does not end the trace as claimed.
		///
		/// ## Events
		///
		/// [`Event::TraceRevealed`].
		#[pallet::call_index(1)]
		#[pallet::weight((<T as Config>::WeightInfo::reveal_trace(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_reveal_trace)]
		pub fn reveal_trace(
			origin: OriginFor<T>,
			job: JobId,
			trace_root: H256,
			last_entry: Slice,
			auth: Option<Authorization>,
		) -> DispatchResult {
			let actor = assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			Self::do_reveal_trace(actor.who, job, trace_root, &last_entry)
		}

		/// Move a challenge on to `node`, and ask for its opening if it is not open.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the challenger, or authorised by its service key over (`challenges.ask`,
		/// (challenge, content of the challenge, trace root, node)); its allowance must cover the
		/// query fee.
		///
		/// ## Details
		///
		/// The first move goes to the top of the trace; each further one to a child of an open
		/// node, or from a chunk of the trace to the top of one of the tensors listed in it. The
		/// first asker of a node has [`Config::QueryFee`] put on hold.
		///
		/// ## Errors
		///
		/// - [`Error::ChallengeUnknown`]: when the challenge is unknown.
		/// - [`Error::NotChallenger`]: when the challenge is somebody else's.
		/// - [`Error::ChallengeOver`]: when the challenge is over.
		/// - [`Error::ClaimNotOpen`]: when the claim is over and the challenge not settled yet.
		/// - [`Error::TraceNotPosted`]: when the operator has not revealed its trace root.
		/// - [`Error::NodeNotOpen`]: when the node at the cursor is not open yet.
		/// - [`Error::DeadlineOver`]: when the challenger's turn is over.
		/// - [`Error::MoveIllegal`]: when `node` cannot be next, or [`MAX_MOVES`] were made.
		/// - [`Error::CannotPay`]: when the balance or allowance does not cover a fee that is due.
		///
		/// ## Events
		///
		/// [`Event::NodeAsked`] for the first asker of a node, [`Event::Advanced`] for later ones.
		#[pallet::call_index(2)]
		#[pallet::weight((<T as Config>::WeightInfo::ask(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_ask)]
		pub fn ask(
			origin: OriginFor<T>,
			challenge: ChallengeId,
			node: NodeKey,
			auth: Option<Authorization>,
		) -> DispatchResult {
			let actor = assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			Self::do_ask(actor, challenge, node)
		}

		/// Open a node that a challenger asked for.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody; or authorised by the operator's service key over
		/// (`challenges.answer`, (job, content of the claim, node, opening)).
		///
		/// ## Details
		///
		/// A valid answer is free and earns most of the query fee. Writes the opening to the
		/// off-chain database under [`opening_key`].
		///
		/// ## Errors
		///
		/// - [`Error::ClaimNotOpen`]: when the job has no open claim.
		/// - [`Error::NodeNotAsked`]: when nobody asked for the node.
		/// - [`Error::NodeAlreadyOpen`]: when the node is open already.
		/// - [`Error::DeadlineOver`]: when the deadline for the answer is over.
		/// - [`Error::OpeningMismatch`]: when `opening` is not the node's under the trace root.
		///
		/// ## Events
		///
		/// [`Event::NodeOpened`].
		#[pallet::call_index(3)]
		#[pallet::weight((<T as Config>::WeightInfo::answer(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_answer)]
		pub fn answer(
			origin: OriginFor<T>,
			job: JobId,
			node: NodeKey,
			opening: Opening,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			let actor = assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			Self::do_answer(actor.who, job, node, &opening)?;
			Ok(Pays::No.into())
		}

		/// Prove that one element or chunk of the operator's trace is wrong.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody, with neither a bond nor a challenge; or authorised by the service key
		/// of an account whose live challenge against `job` has got to an open node that shows where the
		/// fault is, over (`challenges.prove_fault`, (job, content of the claim, trace root, proof)).
		///
		/// ## Details
		///
		/// `proof` is an encoded fault proof. The runtime checks that it belongs to the claim,
		/// recomputes, and ends the claim as false if it finds another value. Charged by what its
		/// bytes say that there is to do; what was less, in the end, is given back.
		///
		/// ## Errors
		///
		/// - [`Error::ClaimNotOpen`]: when the job has no open claim.
		/// - [`Error::TraceNotPosted`]: when the operator has not revealed its trace root.
		/// - [`Error::ProofRefused`]: when the proof is malformed or does not belong to the claim.
		/// - [`Error::FaultNotShown`]: when the recomputed value is what the operator says.
		///
		/// ## Events
		///
		/// - [`Event::FaultFound`].
		/// - [`Event::ChallengeWon`] for the earliest live challenge, if there is one.
		/// - [`Event::ChallengeMooted`] for each of the next seven.
		/// - [`Event::QueryRefunded`] for each question of these eight that was not answered.
		#[pallet::call_index(4)]
		#[pallet::weight((Pallet::<T>::proof_weight(proof, auth), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_prove_fault)]
		#[pallet::weight_of_authorize(Pallet::<T>::proof_door_weight(proof, auth))]
		pub fn prove_fault(
			origin: OriginFor<T>,
			job: JobId,
			proof: BoundedVec<u8, ConstU32<MAX_PROOF_BYTES>>,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			let actor = assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			let cost = Self::do_prove_fault(actor, job, &proof)?;
			Ok(PostDispatchInfo { actual_weight: Some(cost), pays_fee: Pays::No })
		}

		/// Apply what is overdue in the disputes about `job`.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody; free if it does something.
		///
		/// ## Details
		///
		/// Looks at the earliest live challenges: an operator who is late is at fault, a challenger
		/// who is late lapses, and if the claim is over the bonds and query fees go back.
		///
		/// ## Errors
		///
		/// - [`Error::NothingDue`]: when nothing is overdue in the earliest eight live challenges.
		///
		/// ## Events
		///
		/// - [`Event::ChallengeLapsed`] for each challenger who is late.
		/// - [`Event::FaultFound`] when the operator is late.
		/// - [`Event::ChallengeWon`] for the earliest live challenge then.
		/// - [`Event::ChallengeMooted`] for each other challenge whose bond goes back.
		/// - [`Event::QueryRefunded`] for each query fee that goes back.
		#[pallet::call_index(5)]
		#[pallet::weight((<T as Config>::WeightInfo::poke(), DispatchClass::Operational))]
		pub fn poke(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_poke(job)?;
			Ok(Pays::No.into())
		}

		/// Apply what is overdue in one challenge, as [`Call::poke`] does, or forget it when it is
		/// over for long enough.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody, free if it does something; or authorised by the service key of the
		/// challenger or of the claim's operator over
		/// (`challenges.lapse`, (challenge, content of the challenge)).
		///
		/// ## Details
		///
		/// A challenge that is over is forgotten [`Config::Retention`] later, or up to sixteen
		/// blocks after that, if its claim is over too.
		///
		/// ## Errors
		///
		/// - [`Error::ChallengeUnknown`]: when the challenge is unknown.
		/// - [`Error::NothingDue`]: when nobody is late, or it is over and not to be forgotten yet.
		///
		/// ## Events
		///
		/// None when the challenge is forgotten; otherwise:
		///
		/// - [`Event::ChallengeLapsed`] when the challenger is late.
		/// - [`Event::FaultFound`] when the operator is late.
		/// - [`Event::ChallengeWon`] for the earliest live challenge then.
		/// - [`Event::ChallengeMooted`] for each other challenge whose bond goes back.
		/// - [`Event::QueryRefunded`] for each query fee that goes back.
		#[pallet::call_index(6)]
		#[pallet::weight((<T as Config>::WeightInfo::lapse(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_lapse)]
		pub fn lapse(
			origin: OriginFor<T>,
			challenge: ChallengeId,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			assay_primitives::actor::<T, T::KeyAllowances>(origin, &auth)?;
			Self::do_lapse(challenge)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The bond of a challenge against the open claim of `job`.
		pub fn bond(job: JobId) -> Option<BalanceOf<T>> {
			T::Claims::open_claim(job).map(|claim| Self::bond_for(&claim))
		}

		/// How long the turns about the open claim of `job` last.
		pub fn periods(job: JobId) -> Option<Periods<BlockNumberFor<T>>> {
			T::Claims::open_claim(job).map(|claim| Self::periods_for(Self::work_of(&claim)))
		}

		/// Whose turn it is in a live challenge, and until when.
		pub fn turn(challenge: ChallengeId) -> Option<Turn<BlockNumberFor<T>>> {
			Challenges::<T>::get(challenge).and_then(|record| Self::turn_of(&record))
		}

		/// The live challenges of `job`, earliest first, at most a hundred.
		pub fn live_challenges(job: JobId) -> alloc::vec::Vec<ChallengeId> {
			Self::live_of(job).take(100).collect()
		}
	}
}
