//! When a call that a service key authorised may enter the pool and a block.
//!
//! Such a call pays nothing and has no nonce. Each verdict therefore implies that the dispatch
//! succeeds, and the dispatch makes the same call invalid: it is refused ever after. Checks go
//! from cheap to expensive, the signature before any evidence.

use assay_primitives::{Authorization, JobId, KeyOwners};
use assay_referee::{NodeKey, Opening, Slice};
use codec::Encode;
use frame_support::{ensure, pallet_prelude::*};
use sp_core::H256;
use sp_runtime::SaturatedConversion;

use crate::{ChallengeId, Challenged, Config, Error, Pallet};

/// Priority of a proof. The other calls stay below it, by the blocks left to their deadlines.
const MAX_PRIORITY: TransactionPriority = u64::MAX / 2;

/// Blocks for which the pool keeps a call before it is checked again.
const LONGEVITY: u64 = 16;

/// Longest content of a node: the chaining values of 1,024 children.
const MAX_PAYLOAD: usize = 32 << 10;

/// Longest data of a slice that holds one chunk.
const MAX_CHUNK: usize = 1 << 10;

/// Most hashes beside any way through an object; a tree of 2^64 chunks is no deeper.
const MAX_SIBLINGS: usize = 64;

/// Refuse for a reason that may go away by itself, or has gone for good.
fn stale<T>(_: Error<T>) -> TransactionValidityError {
	InvalidTransaction::Stale.into()
}

/// Refuse for evidence that proves nothing.
fn bad<T>(_: Error<T>) -> TransactionValidityError {
	InvalidTransaction::BadProof.into()
}

/// The authorisation, without which nothing is authorised.
fn required(auth: &Option<Authorization>) -> Result<&Authorization, TransactionValidityError> {
	auth.as_ref().ok_or(InvalidTransaction::Call.into())
}

fn small_slice(slice: &Slice) -> bool {
	slice.data.len() <= MAX_CHUNK && slice.siblings.len() <= MAX_SIBLINGS
}

fn small_opening(opening: &Opening) -> bool {
	opening.payload.len() <= MAX_PAYLOAD
		&& opening.path.len() <= MAX_SIBLINGS
		&& opening.entry.iter().chain(&opening.record).all(small_slice)
}

/// A call with this tag that should be in a block `left` blocks from now at the latest. Only one
/// call with the tag is in the pool at a time.
fn valid(tag: impl Encode, left: u64) -> TransactionValidityWithRefund {
	ValidTransaction::with_tag_prefix("AssayChallenges")
		.priority(MAX_PRIORITY.saturating_sub(left))
		.and_provides(tag)
		.longevity(left.clamp(1, LONGEVITY))
		.propagate(true)
		.build()
		.map(|valid| (valid, Weight::zero()))
}

impl<T: Config> Pallet<T> {
	/// The account behind the key of `auth`.
	fn owner(auth: &Authorization) -> Result<T::AccountId, TransactionValidityError> {
		T::KeyOwners::owner_of(&auth.key).ok_or(InvalidTransaction::BadSigner.into())
	}

	/// Blocks until `deadline`.
	fn left(deadline: frame_system::pallet_prelude::BlockNumberFor<T>) -> u64 {
		use sp_runtime::traits::Saturating;
		deadline.saturating_sub(Self::now()).saturated_into()
	}

	/// A key opens one challenge per job and account, ever: otherwise anybody could repeat the call
	/// after a lapse and cost the account another bond.
	pub(crate) fn authorize_open(
		_source: TransactionSource,
		job: &JobId,
		output_root: &H256,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let who = Self::owner(auth)?;
		let claim = Self::may_open(&who, *job, *output_root, Self::now()).map_err(stale)?;
		ensure!(!Challenged::<T>::contains_key(job, &who), InvalidTransaction::Stale);
		ensure!(Self::can_bond(&who, &claim), InvalidTransaction::Payment);
		auth.ensure::<T>("challenges.open", &(job, output_root))?;
		valid(("open", job, who), Self::left(claim.window_end))
	}

	pub(crate) fn authorize_reveal_trace(
		_source: TransactionSource,
		job: &JobId,
		trace_root: &H256,
		last_entry: &Slice,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		ensure!(small_slice(last_entry), InvalidTransaction::ExhaustsResources);
		let claim = Self::may_reveal(*job, Self::now()).map_err(stale)?;
		ensure!(Self::owner(auth)? == claim.operator, InvalidTransaction::BadSigner);
		auth.ensure::<T>("challenges.reveal_trace", &(job, trace_root, last_entry))?;
		Self::check_last_entry(&claim, *trace_root, last_entry).map_err(bad)?;
		valid(("reveal_trace", job), 0)
	}

	pub(crate) fn authorize_ask(
		_source: TransactionSource,
		challenge: &ChallengeId,
		node: &NodeKey,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let who = Self::owner(auth)?;
		let (_, record) = Self::may_ask(&who, *challenge, node, Self::now()).map_err(stale)?;
		ensure!(Self::can_pay_query(&who, record.job, node), InvalidTransaction::Payment);
		auth.ensure::<T>("challenges.ask", &(challenge, node))?;
		let deadline = Self::turn_of(&record).map(|turn| turn.deadline()).unwrap_or_default();
		valid(("ask", challenge), Self::left(deadline))
	}

	/// Anybody may answer, but only the operator does so for nothing.
	pub(crate) fn authorize_answer(
		_source: TransactionSource,
		job: &JobId,
		node: &NodeKey,
		opening: &Opening,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		ensure!(small_opening(opening), InvalidTransaction::ExhaustsResources);
		let query = Self::may_answer(*job, node, Self::now()).map_err(stale)?;
		let trace_root = Self::posted_trace(*job).map_err(stale)?;
		ensure!(Self::owner(auth)? == query.claim.operator, InvalidTransaction::BadSigner);
		auth.ensure::<T>("challenges.answer", &(job, node, opening))?;
		Self::check_opening(&query.claim, trace_root, node, opening).map_err(bad)?;
		valid(("answer", job, node), Self::left(query.deadline))
	}

	/// The whole proof is judged here too, so that a bad one cannot be included for nothing.
	pub(crate) fn authorize_prove_fault(
		_source: TransactionSource,
		job: &JobId,
		proof: &BoundedVec<u8, ConstU32<{ assay_referee::MAX_PROOF_BYTES }>>,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let claim = Self::open_claim(*job).map_err(stale)?;
		Self::posted_trace(*job).map_err(stale)?;
		Self::owner(auth)?;
		auth.ensure::<T>("challenges.prove_fault", &(job, proof))?;
		Self::judge(&claim, *job, proof).map_err(bad)?;
		valid(("prove_fault", job), 0)
	}
}
