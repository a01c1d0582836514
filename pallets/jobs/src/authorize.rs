//! When a service key may act without a fee.
//!
//! An authorised call pays nothing and has no nonce, so these functions are all there is against
//! spam and replay. Whatever they let through succeeds when dispatched, and makes itself stale:
//! the job leaves the status, or the attempt, for which the message was signed.

use assay_primitives::{Authorization, JobId, KeyOwners, OperatorLedger};
use frame_support::{ensure, pallet_prelude::*};
use sp_core::H256;
use sp_runtime::transaction_validity::TransactionValidityWithRefund;

use crate::{Config, OutputBytes, Pallet};

/// Tag of the message that authorises [`accept`](crate::Call::accept).
pub const ACCEPT_TAG: &str = "jobs.accept";
/// Tag of the message that authorises [`claim`](crate::Call::claim).
pub const CLAIM_TAG: &str = "jobs.claim";

/// Blocks for which the pool keeps an authorised call.
const LONGEVITY: TransactionLongevity = 16;

/// Priority in the pool: before whatever pays by tip, since deadlines depend on it and every job
/// allows one such call per attempt.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

impl<T: Config> Pallet<T> {
	/// The authorization and the account behind its key.
	fn key_owner(
		auth: &Option<Authorization>,
	) -> Result<(&Authorization, T::AccountId), TransactionValidityError> {
		let auth = auth.as_ref().ok_or(InvalidTransaction::Call)?;
		let owner = T::Operators::owner_of(&auth.key).ok_or(InvalidTransaction::BadSigner)?;
		Ok((auth, owner))
	}

	/// A pool verdict for the only call of this kind for this attempt at this job.
	fn verdict(tag: &'static str, job: JobId, attempt: u32) -> TransactionValidityWithRefund {
		ValidTransaction::with_tag_prefix(tag)
			.priority(PRIORITY)
			.and_provides((job, attempt))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn authorize_accept(
		_: TransactionSource,
		job: &JobId,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, operator) = Self::key_owner(auth)?;
		let (record, stake) =
			Self::check_accept(&operator, *job).map_err(|_| InvalidTransaction::Stale)?;
		let able =
			T::Operators::is_active(&operator) && T::Operators::free_stake(&operator) >= stake;
		ensure!(able, InvalidTransaction::Payment);
		auth.ensure::<T>(ACCEPT_TAG, &(job, record.attempt))?;
		Self::verdict(ACCEPT_TAG, *job, record.attempt)
	}

	pub(crate) fn authorize_claim(
		_: TransactionSource,
		job: &JobId,
		attempt: &u32,
		output_root: &H256,
		output: &OutputBytes,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let (auth, operator) = Self::key_owner(auth)?;
		Self::check_claim(&operator, *job, *attempt, output_root, output)
			.map_err(|_| InvalidTransaction::Stale)?;
		auth.ensure::<T>(CLAIM_TAG, &(job, attempt, output_root, output))?;
		Self::verdict(CLAIM_TAG, *job, *attempt)
	}
}
