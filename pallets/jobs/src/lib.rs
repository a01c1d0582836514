//! # Jobs pallet
//!
//! Paid requests for inference, the claims that answer them, and the money between.
//!
//! ## Pallet API
//!
//! See the [`pallet`] module for calls, storage, events, errors and the configuration trait. The
//! challenges pallet uses it as [`Claims`](assay_primitives::Claims).
//!
//! ## Overview
//!
//! A job and the claim that answers it are one record with one life, [`JobStatus`]:
//!
//! ```text
//! request ──▶ Queued ──accept──▶ Assigned ──claim──▶ Claimed ──window over──▶ Final
//!               │ ▲                 │                   │ │
//!        cancel │ └─deadline missed─┘                   │ └──proven false──▶ Fraud
//!               ▼                                       │
//!       Cancelled, Expired                              └──output withheld──▶ Void
//! ```
//!
//! The requester brings the whole input in the call and the runtime computes its root, so nobody
//! can claim about an input that others cannot get. The fee is held until the job is over. The
//! operator that accepts puts a part of its stake behind the claim; it gets that part back when
//! the claim is final, and loses it when the claim is proven false. A claim is final when its
//! window is over and nothing holds it open. Statuses in the lower row and at the right end are
//! terminal: nothing leads out of them, and after [`Config::Retention`] the job is reaped.
//!
//! A claim brings an output of up to 16 KiB whole, and of a longer one the root. While its window is open
//! the requester may [`demand`](Call::demand) the bytes, in pieces of 64 KiB, and the operator then has to
//! [`deliver`](Call::deliver) them, against a fee for each. A claim of which pieces were withheld ends
//! as void where it would become final: void never comes before a dispute.
//!
//! ## Implementation Details
//!
//! Every job that time will change stands in the agenda ([`AgendaPages`]) under the block at which it
//! will, in the [`Lane`] of the party that has to look at it before: whoever serves its model, the
//! operator that owes a claim, the model's watchers. The pallet works the agenda off in `on_idle`, and
//! [`poke`](Call::poke) does the same for single jobs at anyone's request, so nothing depends on idle
//! weight. Workers read their own lanes, so that what others put on chain costs them nothing.
//!
//! Accepting, claiming and poking are open to accounts and to their service keys, in batches. The
//! off-chain worker does all three for the service keys in the node's keystore.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

mod authorize;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
#[cfg(test)]
mod mock;
mod offchain;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use authorize::{ACCEPT_TAG, CLAIM_TAG, DELIVER_TAG, POKE_TAG};
pub use impls::shares::{shares, Shares};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use assay_primitives::{
		actor, Authorization, Backlog, FaultKind, JobId, ModelId, ModelRegistry, OperatorLedger,
		PageKey, MAX_PIECES, PIECE_BYTES,
	};
	use assay_referee::Slice;
	use frame_support::{
		dispatch::PostDispatchInfo, pallet_prelude::*, storage::with_storage_layer,
		traits::fungible,
	};
	use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
	use sp_core::H256;
	use sp_runtime::{
		traits::{BlockNumberProvider, Zero},
		Perbill,
	};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>>
		+ CreateAuthorizedTransaction<Call<Self>>
	{
		/// Where fees and deposits are held, and slashes are shared out.
		type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ fungible::Balanced<Self::AccountId>;

		/// The runtime's hold reasons, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// The registry of models that jobs may ask for.
		type Models: ModelRegistry;

		/// Stakes of operators.
		type Operators: OperatorLedger<Self::AccountId, BalanceOf<Self>, Credit = CreditOf<Self>>;

		/// The queue of what operators owe, in which deliveries take their place.
		type Backlog: Backlog<Self::AccountId, BlockNumberFor<Self>>;

		/// What time it is, in blocks.
		type Clock: BlockNumberProvider<BlockNumber = BlockNumberFor<Self>>;

		/// Longest input in bytes.
		#[pallet::constant]
		type MaxInputBytes: Get<u32>;

		/// Deposit for a job of no bytes.
		#[pallet::constant]
		type DepositBase: Get<BalanceOf<Self>>;

		/// Deposit for each byte of input, and of output that the claim brings whole.
		#[pallet::constant]
		type DepositPerByte: Get<BalanceOf<Self>>;

		/// Least fee of a job that costs nothing to run.
		#[pallet::constant]
		type FeeBase: Get<BalanceOf<Self>>;

		/// What each cost unit of the model adds to the least fee.
		#[pallet::constant]
		type FeePerUnit: Get<BalanceOf<Self>>;

		/// Least stake behind a claim.
		#[pallet::constant]
		type MinClaimStake: Get<BalanceOf<Self>>;

		/// Stake behind a claim as a multiple of the job's fee.
		#[pallet::constant]
		type StakePerFee: Get<u32>;

		/// Blocks for which a job waits for an operator, all attempts together.
		#[pallet::constant]
		type QueuePeriod: Get<BlockNumberFor<Self>>;

		/// Blocks that an operator has to claim after it accepted, besides the time of two runs.
		#[pallet::constant]
		type ClaimPeriod: Get<BlockNumberFor<Self>>;

		/// Blocks for which a claim may be challenged, besides the time of two runs.
		#[pallet::constant]
		type Window: Get<BlockNumberFor<Self>>;

		/// Blocks that an operator has to deliver what was demanded, besides the time of two runs and
		/// behind everything that it owes already.
		#[pallet::constant]
		type DeliveryPeriod: Get<BlockNumberFor<Self>>;

		/// What the requester pays for each piece of an output that it demands: five sixths go to the
		/// operator, the rest is burned, and more if the piece's bytes cost more.
		#[pallet::constant]
		type DeliveryFee: Get<BalanceOf<Self>>;

		/// What a byte of a block costs in an ordinary transaction.
		#[pallet::constant]
		type BytePrice: Get<BalanceOf<Self>>;

		/// Length of a block in milliseconds, by which running times become blocks.
		#[pallet::constant]
		type BlockMillis: Get<u64>;

		/// Blocks for which a job is kept after it is over.
		#[pallet::constant]
		type Retention: Get<BlockNumberFor<Self>>;

		/// Part of the stake behind a job that a missed deadline burns. Less than all of it.
		#[pallet::constant]
		type MissedPenalty: Get<Perbill>;

		/// Most that the submitter of a fault proof gets, about 20 times its fee.
		#[pallet::constant]
		type MaxProverReward: Get<BalanceOf<Self>>;

		/// Weights of this pallet's calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds somebody's balance.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Fee of a job that is not over yet.
		#[codec(index = 0)]
		Fee,
		/// Deposit for the storage of a job, its input and its output, until the job is reaped.
		#[codec(index = 1)]
		Storage,
		/// Fees for pieces of an output that were demanded and not delivered yet.
		#[codec(index = 2)]
		Delivery,
	}

	#[pallet::extra_constants]
	impl<T: Config> Pallet<T> {
		/// Bytes of a piece of an output; the last piece may be shorter.
		#[pallet::constant_name(PieceBytes)]
		fn piece_bytes() -> u32 {
			PIECE_BYTES
		}

		/// Most pieces of an output that are demanded at a time.
		#[pallet::constant_name(MaxPieces)]
		fn max_pieces() -> u32 {
			MAX_PIECES
		}
	}

	/// Number of the next job.
	#[pallet::storage]
	pub type NextJob<T: Config> = StorageValue<_, JobId, ValueQuery>;

	/// Jobs, until they are reaped. The requester pays by [`HoldReason::Storage`].
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>, OptionQuery>;

	/// The input of each job.
	// Apart from the record: up to a mebibyte, and no transition needs it.
	#[pallet::storage]
	pub type Inputs<T: Config> = StorageMap<_, Twox64Concat, JobId, InputOf<T>, OptionQuery>;

	/// The output of each claim that brought it whole.
	#[pallet::storage]
	pub type Outputs<T: Config> = StorageMap<_, Twox64Concat, JobId, OutputBytes, OptionQuery>;

	/// What requesters demand of outputs that their claims did not bring: at most one demand for each
	/// claim, as long as it is open and some of it is missing.
	#[pallet::storage]
	pub type Demands<T: Config> = StorageMap<_, Twox64Concat, JobId, DemandOf<T>, OptionQuery>;

	/// Jobs in order of time, by [`Lane`]. A page holds those of 64 neighbouring numbers that time
	/// changes at the same block, as a set of bits.
	// Lanes are chosen by users. `Identity` over big-endian page keys makes iteration go in order of
	// time, so that a worker reads what is most urgent and no more than it wants.
	#[pallet::storage]
	pub type AgendaPages<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, LaneOf<T>, Identity, PageKey, u64, OptionQuery>;

	/// The pages of the agenda under each block. May name pages that are empty by now.
	#[pallet::storage]
	pub type Due<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		BlockNumberFor<T>,
		Blake2_128Concat,
		(LaneOf<T>, u32),
		(),
		OptionQuery,
	>;

	/// No page of the agenda is earlier than this block.
	#[pallet::storage]
	pub type AgendaHead<T: Config> = StorageValue<_, BlockNumberFor<T>, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A job was requested and waits for an operator.
		Requested {
			/// Number of the job.
			job: JobId,
			/// Who pays.
			requester: T::AccountId,
			/// What to run.
			model: ModelId,
			/// BLAKE3 of the input, computed by the chain.
			input_root: H256,
			/// What the operator earns; held from the requester.
			fee: BalanceOf<T>,
			/// The only operator that may accept, if the requester wants one.
			designated: Option<T::AccountId>,
			/// Last block at which it can be accepted.
			expires: BlockNumberFor<T>,
		},
		/// The requester withdrew a job that nobody had accepted.
		Cancelled {
			/// Number of the job.
			job: JobId,
			/// Fee released to the requester.
			refunded: BalanceOf<T>,
		},
		/// An operator took a job.
		Accepted {
			/// Number of the job.
			job: JobId,
			/// Who took it.
			operator: T::AccountId,
			/// Number of the attempt, from 0.
			attempt: u32,
			/// Part of the operator's stake that now stands behind the job.
			stake: BalanceOf<T>,
			/// Last block at which the operator can claim.
			deadline: BlockNumberFor<T>,
		},
		/// An operator answered; the answer may be challenged.
		Claimed {
			/// Number of the job.
			job: JobId,
			/// Who answered.
			operator: T::AccountId,
			/// BLAKE3 of the output, as claimed.
			output_root: H256,
			/// Last block at which a challenge may be opened.
			window_end: BlockNumberFor<T>,
		},
		/// An operator did not answer in time.
		DeadlineMissed {
			/// Number of the job.
			job: JobId,
			/// Who is late.
			operator: T::AccountId,
			/// Part of its stake that was burned.
			burned: BalanceOf<T>,
			/// Whether the job waits for another operator; if not, it has expired.
			queued: bool,
		},
		/// A claim was not refuted and is final.
		Finalized {
			/// Number of the job.
			job: JobId,
			/// Who answered.
			operator: T::AccountId,
			/// BLAKE3 of the output.
			output_root: H256,
			/// Fee paid to the operator, with what it earned by deliveries.
			paid: BalanceOf<T>,
		},
		/// Nobody answered a job in time.
		Expired {
			/// Number of the job.
			job: JobId,
			/// Fee released to the requester.
			refunded: BalanceOf<T>,
		},
		/// A claim was proven false, or could not be defended in time.
		FaultAccepted {
			/// Number of the job.
			job: JobId,
			/// Who claimed.
			operator: T::AccountId,
			/// What was wrong.
			fault: FaultKind,
			/// Fee released to the requester, with what deliveries had earned.
			refunded: BalanceOf<T>,
			/// What the operator lost.
			slashed: BalanceOf<T>,
		},
		/// The stake behind a false claim was shared out.
		SlashShared {
			/// Number of the job.
			job: JobId,
			/// Whose challenge came first.
			finder: Option<T::AccountId>,
			/// What the finder got.
			to_finder: BalanceOf<T>,
			/// Who submitted the proof.
			prover: Option<T::AccountId>,
			/// What the prover got.
			to_prover: BalanceOf<T>,
			/// What the requester got besides its fee.
			to_requester: BalanceOf<T>,
			/// What nobody got.
			burned: BalanceOf<T>,
		},
		/// A requester demands pieces of an output.
		Demanded {
			/// Number of the job.
			job: JobId,
			/// The first piece.
			first: u32,
			/// How many.
			pieces: u32,
			/// Held from the requester for all of them.
			fee: BalanceOf<T>,
			/// Last block at which they may be delivered.
			deadline: BlockNumberFor<T>,
		},
		/// A piece of an output was delivered. Its bytes are in the call.
		Delivered {
			/// Number of the job.
			job: JobId,
			/// The piece.
			piece: u32,
			/// Who brought it.
			who: T::AccountId,
			/// What the operator earned of the fee: it is paid when the claim is final.
			earned: BalanceOf<T>,
			/// What was burned of it.
			burned: BalanceOf<T>,
		},
		/// An operator did not deliver in time what was demanded.
		Withheld {
			/// Number of the job.
			job: JobId,
			/// Who answered.
			operator: T::AccountId,
			/// How many pieces are missing.
			pieces: u32,
			/// Fees for these, released to the requester.
			refunded: BalanceOf<T>,
		},
		/// A claim ended as false while pieces of its output were demanded.
		DemandDropped {
			/// Number of the job.
			job: JobId,
			/// How many pieces were missing.
			pieces: u32,
			/// Fees for these, released to the requester.
			refunded: BalanceOf<T>,
		},
		/// A claim of which pieces of the output were withheld ended without being refuted.
		Voided {
			/// Number of the job.
			job: JobId,
			/// Who answered.
			operator: T::AccountId,
			/// BLAKE3 of the output, as claimed.
			output_root: H256,
			/// Fee released to the requester.
			refunded: BalanceOf<T>,
			/// Part of the operator's stake that was burned.
			burned: BalanceOf<T>,
		},
		/// A job that was over was forgotten.
		Reaped {
			/// Number of the job.
			job: JobId,
			/// Deposit released to the requester.
			deposit: BalanceOf<T>,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No model of this name is registered.
		ModelUnknown,
		/// The input is not as long as the model's inputs. Pack it as the model's manifest says.
		InputLength,
		/// The fee is below the least fee for this model.
		FeeTooSmall,
		/// The designated operator is not active or does not serve the model.
		OperatorUnavailable,
		/// There is no such job, or it was reaped.
		JobUnknown,
		/// Only the requester of the job may do this.
		NotRequester,
		/// The job does not wait for an operator any more.
		JobNotQueued,
		/// The job waits for the operator that its requester designated.
		JobDesignated,
		/// The job has waited too long; it will be refunded.
		QueueOver,
		/// The operator does not say that it serves the model of this job.
		ModelNotServed,
		/// Nobody owes a claim on this job now.
		JobNotAssigned,
		/// Another operator owes the claim on this job.
		NotAssignee,
		/// The job of this number is not the one that was meant: another request, or another attempt.
		JobDiffers,
		/// The operator missed the deadline of this job before; it is for others now.
		DeadlineMissedBefore,
		/// The batch names no jobs.
		BatchEmpty,
		/// The deadline for the claim, or for the piece of an output, is over.
		DeadlineOver,
		/// The output is not as long as the model's outputs. Leave it empty only when they exceed
		/// 16 KiB.
		OutputLength,
		/// The output does not hash to the claimed root.
		OutputMismatch,
		/// The job has no open claim: not yet, or not any more.
		ClaimNotOpen,
		/// Time changes nothing about this job yet.
		NothingDue,
		/// The window of the claim is over, and with it the time to demand the output. Somebody who has
		/// the model can recompute it.
		WindowOver,
		/// The claim brought the whole output: read it from the state.
		OutputOnChain,
		/// The output has no such pieces, or too many are demanded at a time. A demand is for 1 to 64.
		PieceUnknown,
		/// Pieces of this output are demanded already. Wait for them, then demand others.
		DemandOutstanding,
		/// The operator did not deliver before; the job ends as void unless the claim is refuted.
		OutputWithheld,
		/// Nobody waits for this piece: it was not demanded, or it was delivered already.
		PieceNotOwed,
		/// This is not that piece of the claimed output.
		PieceMismatch,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			Self::work_off_agenda(remaining)
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::work(now);
		}

		fn integrity_test() {
			for period in [
				T::QueuePeriod::get(),
				T::ClaimPeriod::get(),
				T::Window::get(),
				T::Retention::get(),
				T::DeliveryPeriod::get(),
			] {
				assert!(!period.is_zero(), "every period lasts a block at least");
			}
			assert!(T::MissedPenalty::get() < Perbill::one(), "being late is not fraud");
			assert!(!T::MinClaimStake::get().is_zero(), "every claim is backed by a stake");
			let input = T::MaxInputBytes::get();
			let length = T::BlockLength::get();
			assert!(input < *length.max.get(DispatchClass::Normal), "an input fits into a block");
			assert!(!T::BlockMillis::get().is_zero(), "blocks take time");
			let weights = T::BlockWeights::get();
			if let Some(most) = weights.get(DispatchClass::Normal).max_extrinsic {
				let heaviest = <T as Config>::WeightInfo::request(input);
				assert!(heaviest.all_lte(most), "the largest request fits into a block");
				let heaviest = Self::weight_of_accept(MAX_BATCH, None)
					.saturating_add(<T as Config>::WeightInfo::authorize_accept(MAX_BATCH));
				assert!(heaviest.all_lte(most), "the largest batch of offers fits into a block");
			}
			if let Some(most) = weights.get(DispatchClass::Operational).max_extrinsic {
				let bytes = MAX_BATCH * assay_primitives::MAX_INLINE_OUTPUT;
				let heaviest = Self::weight_of_claim(MAX_BATCH, bytes, None)
					.saturating_add(<T as Config>::WeightInfo::authorize_claim(MAX_BATCH, bytes));
				assert!(heaviest.all_lte(most), "the largest batch of answers fits into a block");
				let heaviest = <T as Config>::WeightInfo::deliver()
					.saturating_add(<T as Config>::WeightInfo::authorize_deliver());
				assert!(heaviest.all_lte(most), "a piece of an output fits into a block");
			}
			let piece = impls::MAX_DELIVERY;
			assert!(piece < *length.max.get(DispatchClass::Operational), "and by its length");
			// Clients tell from what was earned whether anything was delivered.
			let (fee, price) = (T::DeliveryFee::get(), T::BytePrice::get());
			let share = assay_primitives::money::answer_share(fee, piece, price);
			assert!(!share.is_zero(), "every delivery earns something");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Ask for one run of a model and put its price in escrow.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the requester.
		///
		/// ## Details
		///
		/// Holds `fee` under [`HoldReason::Fee`] and a deposit for the job's bytes under
		/// [`HoldReason::Storage`]. `operator`, if given, is the only one that may accept.
		///
		/// ## Errors
		///
		/// - [`Error::ModelUnknown`]: when no model of this name is registered.
		/// - [`Error::InputLength`]: when the input is not as long as the model's inputs.
		/// - [`Error::FeeTooSmall`]: when `fee` is below the least fee for this model.
		/// - [`Error::OperatorUnavailable`]: when `operator` is inactive or not serving the model.
		/// - Errors of [`Config::Models`]: when the model takes no new jobs; of
		///   [`Config::Currency`]: when the requester cannot pay the fee and the deposit.
		///
		/// ## Events
		///
		/// [`Event::Requested`].
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::request(input.len() as u32))]
		pub fn request(
			origin: OriginFor<T>,
			model: ModelId,
			input: InputOf<T>,
			#[pallet::compact] fee: BalanceOf<T>,
			operator: Option<T::AccountId>,
		) -> DispatchResultWithPostInfo {
			let requester = ensure_signed(origin)?;
			let bytes = input.len() as u32;
			let new_page = Self::do_request(requester, model, input, fee, operator)?;
			let charged = <T as Config>::WeightInfo::request(bytes);
			// The name of a new page in the directory.
			let spared = T::DbWeight::get().writes(u64::from(!new_page));
			Ok(Some(charged.saturating_sub(spared)).into())
		}

		/// Withdraw a job that nobody has accepted.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the requester.
		///
		/// ## Details
		///
		/// Releases the fee at once and the deposit when the job is reaped.
		///
		/// ## Errors
		///
		/// - [`Error::JobUnknown`]: when the job is unknown.
		/// - [`Error::NotRequester`]: when somebody else requested the job.
		/// - [`Error::JobNotQueued`]: when the job does not wait for an operator any more.
		///
		/// ## Events
		///
		/// [`Event::Cancelled`].
		#[pallet::call_index(1)]
		pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::do_cancel(requester, job)
		}

		/// Take jobs, and owe claims on them.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator without `auth`, or authorised by its service key with `auth`,
		/// whose message is [`ACCEPT_TAG`] with `offers`. Without a fee then.
		///
		/// ## Details
		///
		/// Puts a part of the operator's stake behind each job. Jobs that cannot be taken, because
		/// somebody else has or the stake does not suffice, are passed over; it fails when none
		/// can.
		///
		/// ## Errors
		///
		/// When none of the jobs can be taken, why the first cannot:
		///
		/// - [`Error::JobUnknown`]: when the job is unknown.
		/// - [`Error::JobDiffers`]: when the job is not the one that was meant.
		/// - [`Error::JobNotQueued`]: when the job does not wait for an operator.
		/// - [`Error::QueueOver`]: when the job has waited too long.
		/// - [`Error::JobDesignated`]: when the job waits for another operator.
		/// - [`Error::DeadlineMissedBefore`]: when the operator missed the deadline of this job before.
		/// - [`Error::ModelNotServed`]: when the operator does not say that it serves the model.
		/// - [`Error::BatchEmpty`]: when `offers` is empty.
		/// - Errors of [`Config::Operators`]: when it is chilled or too little stake is free.
		///
		/// ## Events
		///
		/// [`Event::Accepted`] for each job that is taken.
		#[pallet::call_index(2)]
		#[pallet::weight(Pallet::<T>::weight_of_accept(offers.len() as u32, None))]
		#[pallet::authorize(Self::authorize_accept)]
		#[pallet::weight_of_authorize(
			<T as Config>::WeightInfo::authorize_accept(offers.len() as u32)
		)]
		pub fn accept(
			origin: OriginFor<T>,
			offers: Offers,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			let operator = actor::<T, T::Operators>(origin, &auth)?.who;
			let batch = Self::do_accept(&operator, &offers)?;
			let passed_over = T::DbWeight::get().reads(u64::from(offers.len() as u32 - batch.done));
			let done = Self::weight_of_accept(batch.done, Some(batch.pages));
			Ok(Some(done.saturating_add(passed_over)).into())
		}

		/// Answer jobs.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the operator without `auth`, or authorised by its service key with `auth`,
		/// whose message is [`CLAIM_TAG`] with the bytes of the list of (job, content, output root)
		/// of `answers`. Without a fee then.
		///
		/// ## Details
		///
		/// Answers that are not owed, or not any more, are passed over; it fails when none is.
		///
		/// ## Errors
		///
		/// When none of the answers can be taken, why the first cannot:
		///
		/// - [`Error::JobUnknown`]: when the job is unknown.
		/// - [`Error::JobNotAssigned`]: when nobody owes a claim on the job.
		/// - [`Error::NotAssignee`]: when somebody else owes the claim.
		/// - [`Error::JobDiffers`]: when the job is not the one that was meant.
		/// - [`Error::DeadlineOver`]: when the deadline for the claim is over.
		/// - [`Error::OutputLength`]: when the output is not as long as the model's, or not empty
		///   where that exceeds 16 KiB.
		/// - [`Error::OutputMismatch`]: when the output does not hash to the claimed root.
		/// - [`Error::BatchEmpty`]: when `answers` is empty.
		///
		/// ## Events
		///
		/// [`Event::Claimed`] for each answer that is taken.
		#[pallet::call_index(3)]
		#[pallet::weight((
			Pallet::<T>::weight_of_claim(answers.len() as u32, Pallet::<T>::bytes_of(answers), None),
			DispatchClass::Operational,
		))]
		#[pallet::authorize(Self::authorize_claim)]
		#[pallet::weight_of_authorize(<T as Config>::WeightInfo::authorize_claim(
			answers.len() as u32,
			Pallet::<T>::bytes_of(answers),
		))]
		pub fn claim(
			origin: OriginFor<T>,
			answers: Answers,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			let operator = actor::<T, T::Operators>(origin, &auth)?.who;
			let batch = Self::do_claim(&operator, &answers)?;
			let (count, bytes) = (answers.len() as u32, Self::bytes_of(&answers));
			Ok(Some(Self::weight_of_claim(count, bytes, Some(batch.pages))).into())
		}

		/// Let time do to jobs what is due: finalize, miss the deadline, expire or reap them.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anyone without `auth`, or authorised by the service key of somebody whom one
		/// of the jobs concerns with `auth`, whose message is [`POKE_TAG`] with `jobs`.
		///
		/// ## Details
		///
		/// Without a fee when something was due for every job that is named. The pallet does the
		/// same in idle weight.
		///
		/// ## Errors
		///
		/// When nothing can be done to any of the jobs, why it cannot to the first:
		///
		/// - [`Error::JobUnknown`]: when the job is unknown.
		/// - [`Error::NothingDue`]: when time changes nothing about the job yet.
		/// - [`Error::BatchEmpty`]: when `jobs` is empty.
		///
		/// ## Events
		///
		/// For each job, and none for a claim that is held open beyond its window:
		///
		/// - [`Event::Withheld`] when pieces of the output were not delivered in time.
		/// - [`Event::DeadlineMissed`] when the operator did not claim in time.
		/// - [`Event::Expired`] when the queue period is over, or the job is not queued again.
		/// - [`Event::Finalized`] when the window of the claim is over and nothing was withheld.
		/// - [`Event::Voided`] when the window of the claim is over and pieces were withheld.
		/// - [`Event::Reaped`] when the job has been over for long enough.
		#[pallet::call_index(4)]
		#[pallet::weight(Pallet::<T>::weight_of_poke().saturating_mul(jobs.len() as u64))]
		#[pallet::authorize(Self::authorize_poke)]
		#[pallet::weight_of_authorize(<T as Config>::WeightInfo::authorize_poke(jobs.len() as u32))]
		pub fn poke(
			origin: OriginFor<T>,
			jobs: PokedJobs,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			actor::<T, T::Operators>(origin, &auth)?;
			let named = jobs.len() as u32;
			let batch = Self::each(&jobs, &mut Default::default(), |job, _| {
				with_storage_layer(|| Self::do_poke(*job))
			})?;
			let passed_over = T::DbWeight::get().reads(u64::from(named - batch.done));
			let done = Self::weight_of_poke().saturating_mul(batch.done.into());
			let pays_fee = if batch.done == named { Pays::No } else { Pays::Yes };
			Ok(PostDispatchInfo { actual_weight: Some(done.saturating_add(passed_over)), pays_fee })
		}

		/// Demand `pieces` pieces of the output of a job, from piece `first` on.
		///
		/// ## Dispatch Origin
		///
		/// Signed by the requester.
		///
		/// ## Details
		///
		/// While the window of the claim is open, and only for an output that the claim did not
		/// bring. A piece is 64 KiB, the last may be shorter; at most 64 at a time, and one demand
		/// at a time. Holds [`Config::DeliveryFee`] for each: delivered pieces pay it to the
		/// operator, what is missing at the deadline goes back, and the job then ends as void.
		///
		/// ## Errors
		///
		/// - [`Error::JobUnknown`]: when the job is unknown.
		/// - [`Error::NotRequester`]: when somebody else requested the job.
		/// - [`Error::ClaimNotOpen`]: when the job has no open claim.
		/// - [`Error::WindowOver`]: when the window of the claim is over.
		/// - [`Error::OutputOnChain`]: when the claim brought the whole output.
		/// - [`Error::PieceUnknown`]: when there are no such pieces, or `pieces` is not 1 to 64.
		/// - [`Error::DemandOutstanding`]: when pieces of this output are demanded already.
		/// - [`Error::OutputWithheld`]: when pieces of this output were not delivered in time.
		/// - Errors of [`Config::Currency`]: when the requester cannot pay the fees.
		///
		/// ## Events
		///
		/// [`Event::Demanded`].
		#[pallet::call_index(5)]
		#[pallet::weight((<T as Config>::WeightInfo::demand(), DispatchClass::Operational))]
		pub fn demand(origin: OriginFor<T>, job: JobId, first: u32, pieces: u32) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::do_demand(requester, job, first, pieces)
		}

		/// Deliver a piece of an output that was demanded.
		///
		/// ## Dispatch Origin
		///
		/// Signed by anybody; or authorised by the operator's service key, whose message is
		/// [`DELIVER_TAG`] with (job, content of the claim, deadline of the demand, piece, slice).
		///
		/// ## Details
		///
		/// `slice` is the chunks of the piece under the claimed root. Free when it is right; the
		/// operator gets most of the fee for it, whoever brings it. The bytes stay in the block's
		/// body.
		///
		/// ## Errors
		///
		/// - [`Error::ClaimNotOpen`]: when the job is unknown or has no open claim.
		/// - [`Error::PieceNotOwed`]: when the piece is not demanded, or was delivered already.
		/// - [`Error::DeadlineOver`]: when the deadline of the demand is over.
		/// - [`Error::PieceMismatch`]: when `slice` is not that piece of the claimed output.
		///
		/// ## Events
		///
		/// [`Event::Delivered`].
		#[pallet::call_index(6)]
		#[pallet::weight((<T as Config>::WeightInfo::deliver(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_deliver)]
		pub fn deliver(
			origin: OriginFor<T>,
			job: JobId,
			piece: u32,
			slice: Slice,
			auth: Option<Authorization>,
		) -> DispatchResultWithPostInfo {
			let who = actor::<T, T::Operators>(origin, &auth)?.who;
			Self::do_deliver(who, job, piece, &slice)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The blocks that a job of `model` gives, if the model is registered.
		pub fn periods(model: ModelId) -> Option<Periods<BlockNumberFor<T>>> {
			Self::periods_of(&model)
		}

		/// The least fee of a job of `model`, if the model is registered.
		pub fn least_fee(model: ModelId) -> Option<BalanceOf<T>> {
			T::Models::info(&model).map(|info| Self::min_fee(info.units))
		}
	}

	impl<T: Config> Pallet<T> {
		/// Weight of accepting `count` jobs, `pages` of the agenda changing; at worst two for each.
		pub(crate) fn weight_of_accept(count: u32, pages: Option<u32>) -> Weight {
			<T as Config>::WeightInfo::accept(count)
				.saturating_add(Self::weight_of_pages(count, pages))
		}

		/// Weight of answering `count` jobs with outputs of `bytes` together, likewise.
		pub(crate) fn weight_of_claim(count: u32, bytes: u32, pages: Option<u32>) -> Weight {
			<T as Config>::WeightInfo::claim(count, bytes)
				.saturating_add(Self::weight_of_pages(count, pages))
		}

		/// Weight of what `count` jobs that move together read and write besides themselves: pages of the
		/// agenda, the names of those that are new in its directory, and the models, of which there may
		/// be as many.
		fn weight_of_pages(count: u32, pages: Option<u32>) -> Weight {
			let pages = pages.unwrap_or(2 * count);
			let (models, names) = (pages.min(count), pages / 2);
			T::DbWeight::get().reads_writes((pages + models).into(), (pages + names).into())
		}

		/// Bytes of all outputs.
		pub(crate) fn bytes_of(answers: &Answers) -> u32 {
			answers.iter().map(|answer| answer.output.len() as u32).sum()
		}
	}
}
