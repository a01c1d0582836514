//! When a service key may act without a fee.
//!
//! An authorised call pays nothing and has no nonce, so these functions are all there is against
//! spam and replay. Whatever they let through has an effect when dispatched, on one item of its batch
//! at least, and makes itself stale: every item whose job and content still are what was signed leaves
//! the status, or the attempt, for which that was signed.
//!
//! Offers of a batch that others were quicker with are passed over. Otherwise one rival who takes one
//! job would make sixty-three others wait. Answers and pokes must all be good, but for answers whose
//! deadline has passed meanwhile: no rival can spoil them, and what rides along for nothing would fill
//! blocks for nothing.

use alloc::vec::Vec;
use assay_primitives::{Authorization, JobId, KeyOwners, OperatorLedger, PIECE_BYTES};
use assay_referee::Slice;
use codec::Encode;
use frame_support::{ensure, pallet_prelude::*};
use sp_runtime::{
	traits::BlockNumberProvider, transaction_validity::TransactionValidityWithRefund,
	SaturatedConversion,
};

use crate::{Answers, BalanceOf, Config, Error, JobStatus, Jobs, Offers, Pallet, PokedJobs};

/// Tag of the message that authorises [`accept`](crate::Call::accept).
pub const ACCEPT_TAG: &str = "jobs.accept";
/// Tag of the message that authorises [`claim`](crate::Call::claim).
pub const CLAIM_TAG: &str = "jobs.claim";
/// Tag of the message that authorises [`deliver`](crate::Call::deliver).
pub const DELIVER_TAG: &str = "jobs.deliver";
/// Tag of the message that authorises [`poke`](crate::Call::poke).
pub const POKE_TAG: &str = "jobs.poke";

/// Blocks for which the pool keeps an authorised call before it looks at it again.
const LONGEVITY: TransactionLongevity = 16;

/// Priority of claims and urgent deliveries in the pool, less the blocks that are left: before whatever
/// pays an ordinary tip, and behind every move of a dispute. What is sent again, later, takes the place of
/// what lies there. Both by the same measure: those who demand much get late deadlines, and so nobody's
/// claim waits behind their pieces, nor a piece that is urgent behind a flood of claims.
const CLAIMS: TransactionPriority = TransactionPriority::MAX / 4;
/// Priority of deliveries with more than the period of a delivery left: behind all who pay. Whoever demands
/// much from itself has blocks to itself only where nobody else wants them, until the deadlines come, and
/// those are as far apart as the backlog has room.
const EARLY: TransactionPriority = 0;
/// Priority of offers and pokes, by which nobody loses anything, and the number of their birth block.
const OTHERS: TransactionPriority = TransactionPriority::MAX / 8;

/// Most bytes of outputs that one authorised claim brings: what rides without a fee is little.
pub(crate) const MAX_CLAIM_BYTES: u32 = 64 * 1024;

/// Most hashes beside several chunks, which have a left and a right neighbour on every level.
const MAX_SIBLINGS: usize = 2 * assay_referee::tree::MAX_SIBLINGS;

/// Whether each number is larger than the one before: nothing is named twice.
fn ascending(mut jobs: impl Iterator<Item = JobId>) -> bool {
	let mut last = None;
	jobs.all(|job| last.replace(job).is_none_or(|before| before < job))
}

impl<T: Config> Pallet<T> {
	/// The authorization and the account behind its key.
	fn key_owner(
		auth: &Option<Authorization>,
	) -> Result<(&Authorization, T::AccountId), TransactionValidityError> {
		let auth = auth.as_ref().ok_or(InvalidTransaction::Call)?;
		let owner = T::Operators::owner_of(&auth.key).ok_or(InvalidTransaction::BadSigner)?;
		Ok((auth, owner))
	}

	/// A pool verdict for `who` doing this to these jobs, or pieces of one, which the pool holds once each.
	fn verdict(
		tag: &'static str,
		who: &T::AccountId,
		items: Vec<impl Encode>,
		priority: TransactionPriority,
		left: TransactionLongevity,
	) -> TransactionValidityWithRefund {
		let mut valid = ValidTransaction::with_tag_prefix(tag)
			.priority(priority)
			.longevity(left.min(LONGEVITY))
			.propagate(true);
		for item in items {
			valid = valid.and_provides((who, item));
		}
		valid.build().map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn authorize_accept(
		_: TransactionSource,
		offers: &Offers,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, operator) = Self::key_owner(auth)?;
		ensure!(ascending(offers.iter().map(|offer| offer.job)), InvalidTransaction::Call);
		let able = offers.iter().filter_map(|offer| {
			let (_, stake) = Self::may_accept(&operator, offer).ok()?;
			Some((offer.job, stake))
		});
		let able: Vec<(JobId, BalanceOf<T>)> = able.collect();
		let least = able.iter().map(|(_, stake)| *stake).min().ok_or(InvalidTransaction::Stale)?;
		let affordable =
			T::Operators::is_active(&operator) && T::Operators::free_stake(&operator) >= least;
		ensure!(affordable, InvalidTransaction::Payment);
		let left = auth.ensure::<T>(ACCEPT_TAG, offers)?;
		let jobs = able.into_iter().map(|(job, _)| job).collect();
		Self::verdict(ACCEPT_TAG, &operator, jobs, OTHERS + u64::from(auth.birth), left)
	}

	pub(crate) fn authorize_claim(
		_: TransactionSource,
		answers: &Answers,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, operator) = Self::key_owner(auth)?;
		ensure!(ascending(answers.iter().map(|answer| answer.job)), InvalidTransaction::Call);
		let small = Self::bytes_of(answers) <= MAX_CLAIM_BYTES;
		ensure!(small, InvalidTransaction::ExhaustsResources);
		let mut jobs = Vec::new();
		let mut earliest = u64::MAX;
		for answer in answers {
			match Self::may_claim(&operator, answer) {
				Ok((job, _)) => {
					if let JobStatus::Assigned { deadline, .. } = job.status {
						earliest = earliest.min(deadline.saturated_into());
					}
					jobs.push(answer.job);
				},
				// One whose time has run out meanwhile does not spoil the others, which still have some.
				Err(late) if late == Error::<T>::DeadlineOver.into() => {},
				Err(_) => return Err(InvalidTransaction::Stale.into()),
			}
		}
		ensure!(!jobs.is_empty(), InvalidTransaction::Stale);
		let now: u64 = T::Clock::current_block_number().saturated_into();
		let priority = CLAIMS.saturating_sub(earliest.saturating_sub(now));
		// The roots stand for the outputs, which were just hashed.
		let left = auth.ensure::<T>(CLAIM_TAG, &Self::claim_message(answers))?;
		Self::verdict(CLAIM_TAG, &operator, jobs, priority, left)
	}

	/// What a claim signs of its answers.
	pub(crate) fn claim_message(answers: &Answers) -> Vec<u8> {
		let signed = answers.iter().map(|answer| (answer.job, answer.content, answer.output_root));
		signed.collect::<Vec<_>>().encode()
	}

	/// Anybody may deliver, but only the operator does so for nothing. What is signed names the deadline
	/// too, so that it says nothing about the same piece when that is demanded again.
	pub(crate) fn authorize_deliver(
		_: TransactionSource,
		job: &JobId,
		piece: &u32,
		slice: &Slice,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, who) = Self::key_owner(auth)?;
		let small =
			slice.data.len() <= PIECE_BYTES as usize && slice.siblings.len() <= MAX_SIBLINGS;
		ensure!(small, InvalidTransaction::ExhaustsResources);
		let owed = Self::may_deliver(*job, *piece).map_err(|_| InvalidTransaction::Stale)?;
		ensure!(who == owed.claim.operator, InvalidTransaction::BadSigner);
		let deadline = owed.demand.deadline;
		let args = (job, owed.claim.content(), deadline, piece, slice);
		let life = auth.ensure::<T>(DELIVER_TAG, &args)?;
		Self::check_piece(&owed, *piece, slice).map_err(|_| InvalidTransaction::BadProof)?;
		let now: u64 = T::Clock::current_block_number().saturated_into();
		let left = deadline.saturated_into::<u64>().saturating_sub(now);
		let urgent = left <= T::DeliveryPeriod::get().saturated_into();
		let priority = if urgent { CLAIMS.saturating_sub(left) } else { EARLY };
		let life = life.min(left.saturating_add(1));
		Self::verdict(DELIVER_TAG, &who, alloc::vec![(job, piece)], priority, life)
	}

	/// A key pokes for nothing what concerns its owner: jobs that it requested, has or had in hand.
	pub(crate) fn authorize_poke(
		_: TransactionSource,
		jobs: &PokedJobs,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, who) = Self::key_owner(auth)?;
		let due = |id: &JobId| {
			Jobs::<T>::get(id).is_some_and(|job| {
				let concerned = job.requester == who
					|| matches!(
						&job.status,
						JobStatus::Assigned { operator, .. }
						| JobStatus::Claimed { operator, .. }
						| JobStatus::Final { operator, .. }
						| JobStatus::Void { operator, .. } if *operator == who
					);
				concerned && Self::is_due(*id, &job)
			})
		};
		ensure!(ascending(jobs.iter().copied()), InvalidTransaction::Call);
		ensure!(!jobs.is_empty() && jobs.iter().all(due), InvalidTransaction::Stale);
		let left = auth.ensure::<T>(POKE_TAG, jobs)?;
		Self::verdict(POKE_TAG, &who, jobs.to_vec(), OTHERS + u64::from(auth.birth), left)
	}
}
