//! When a call that a service key authorised may enter the pool and a block.
//!
//! Such a call pays nothing and has no nonce. Each verdict therefore implies that the dispatch
//! succeeds, and the dispatch makes the same call invalid: it is refused ever after. Checks go
//! from cheap to expensive, the signature before any evidence.
//!
//! What is signed names the claim or the challenge by content, besides its number: on another fork
//! the number may be another's.

use assay_primitives::{Authorization, Claims, JobId, KeyOwners};
use assay_referee::{tree::MAX_SIBLINGS, NodeKey, Opening, Slice};
use codec::Encode;
use frame_support::{ensure, pallet_prelude::*};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{traits::Saturating, SaturatedConversion};

use crate::{ChallengeId, ChallengeOf, Challenged, Config, Disputes, Error, Pallet};

/// Priority of a proof. The other calls stay below it, by the blocks left to their deadlines.
const MAX_PRIORITY: TransactionPriority = u64::MAX / 2;

/// Ending a turn that is over yields to every call that has a deadline this many blocks away.
const LAPSE_URGENCY: u64 = 1_000;

/// Longest content of a node: the chaining values of 1,024 children.
const MAX_PAYLOAD: usize = 32 << 10;

/// Tag of the message that authorises [`open`](crate::Call::open).
pub const OPEN_TAG: &str = "challenges.open";
/// Tag of the message that authorises [`reveal_trace`](crate::Call::reveal_trace).
pub const REVEAL_TRACE_TAG: &str = "challenges.reveal_trace";
/// Tag of the message that authorises [`ask`](crate::Call::ask).
pub const ASK_TAG: &str = "challenges.ask";
/// Tag of the message that authorises [`answer`](crate::Call::answer).
pub const ANSWER_TAG: &str = "challenges.answer";
/// Tag of the message that authorises [`prove_fault`](crate::Call::prove_fault).
pub const PROVE_FAULT_TAG: &str = "challenges.prove_fault";
/// Tag of the message that authorises [`lapse`](crate::Call::lapse).
pub const LAPSE_TAG: &str = "challenges.lapse";

/// Longest data of a slice that holds one chunk.
const MAX_CHUNK: usize = 1 << 10;

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

/// When a call has to be in a block, and how long it may wait for one.
struct Times {
	/// Blocks until the deadline of the turn, at which the call still counts.
	left: u64,
	/// Blocks, this one included, in which the signature holds.
	life: u64,
}

/// A call with this tag. Only one call with the tag is in the pool at a time, so what two parties
/// may both do names the one that does it: neither can keep the other's out.
fn valid(tag: impl Encode, times: Times) -> TransactionValidityWithRefund {
	ValidTransaction::with_tag_prefix("AssayChallenges")
		.priority(MAX_PRIORITY.saturating_sub(times.left))
		.and_provides(tag)
		.longevity(times.life.min(times.left.saturating_add(1)).max(1))
		.propagate(true)
		.build()
		.map(|valid| (valid, Weight::zero()))
}

impl<T: Config> Pallet<T> {
	/// The account behind the key of `auth`.
	fn owner(auth: &Authorization) -> Result<T::AccountId, TransactionValidityError> {
		T::KeyAllowances::owner_of(&auth.key).ok_or(InvalidTransaction::BadSigner.into())
	}

	/// Blocks until `deadline`.
	fn left(deadline: BlockNumberFor<T>) -> u64 {
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
		ensure!(Self::can_bond_by_key(&who, &claim), InvalidTransaction::Payment);
		let life = auth.ensure::<T>(OPEN_TAG, &(job, claim.content(), output_root))?;
		valid(("open", job, who), Times { left: Self::left(claim.window_end), life })
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
		let (claim, deadline) = Self::may_reveal(*job, Self::now()).map_err(stale)?;
		ensure!(Self::owner(auth)? == claim.operator, InvalidTransaction::BadSigner);
		let args = (job, claim.content(), trace_root, last_entry);
		let life = auth.ensure::<T>(REVEAL_TRACE_TAG, &args)?;
		Self::check_last_entry(&claim, *trace_root, last_entry).map_err(bad)?;
		valid(("reveal_trace", job), Times { left: Self::left(deadline), life })
	}

	pub(crate) fn authorize_ask(
		_source: TransactionSource,
		challenge: &ChallengeId,
		node: &NodeKey,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let who = Self::owner(auth)?;
		let (claim, record) = Self::may_ask(&who, *challenge, node, Self::now()).map_err(stale)?;
		let can_pay = Self::can_pay_query_by_key(&who, record.job, node);
		ensure!(can_pay, InvalidTransaction::Payment);
		// Where to go follows from the trace, which may be another on another fork.
		let trace_root = Self::posted_trace(record.job).map_err(stale)?;
		let args = (challenge, record.content(Some(claim.content())), trace_root, node);
		let life = auth.ensure::<T>(ASK_TAG, &args)?;
		let deadline = Self::turn_of(&record).map(|turn| turn.deadline()).unwrap_or_default();
		let tag = ("ask", challenge, record.path.len() as u32);
		valid(tag, Times { left: Self::left(deadline), life })
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
		let args = (job, query.claim.content(), node, opening);
		let life = auth.ensure::<T>(ANSWER_TAG, &args)?;
		Self::check_opening(&query.claim, trace_root, node, opening).map_err(bad)?;
		valid(("answer", job, node), Times { left: Self::left(query.deadline), life })
	}

	/// The whole proof is judged here, so that a bad one cannot be included for nothing. That is much
	/// work for nothing, so only who has a bond at stake and has paid its way down to what a fault shows in
	/// may ask for it; others sign and pay. A pool judges one proof of an account about a trace.
	pub(crate) fn authorize_prove_fault(
		source: TransactionSource,
		job: &JobId,
		proof: &BoundedVec<u8, ConstU32<{ assay_referee::MAX_PROOF_BYTES }>>,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let claim = Self::open_claim(*job).map_err(stale)?;
		let trace_root = Self::posted_trace(*job).map_err(stale)?;
		let who = Self::owner(auth)?;
		ensure!(Self::has_located_the_fault(&who, *job), InvalidTransaction::BadSigner);
		// A proof that is good under one trace is bad under another, which says nothing about its signer.
		let args = (job, claim.content(), trace_root, proof);
		let life = auth.ensure::<T>(PROVE_FAULT_TAG, &args)?;
		let spared = Self::judge_at_the_door(source, &who, &claim, *job, proof).map_err(bad)?;
		let (valid, _) = valid(("prove_fault", job, who), Times { left: 0, life })?;
		Ok((valid, spared))
	}

	/// For the parties only, to whom it matters that a turn which is over ends when blocks have no
	/// room for the agenda.
	pub(crate) fn authorize_lapse(
		_source: TransactionSource,
		challenge: &ChallengeId,
		auth: &Option<Authorization>,
	) -> TransactionValidityWithRefund {
		let auth = required(auth)?;
		let who = Self::owner(auth)?;
		let (record, _) = Self::what_is_due(*challenge).map_err(stale)?;
		let is_operator =
			|| Disputes::<T>::get(record.job).is_some_and(|dispute| dispute.operator == who);
		ensure!(record.who == who || is_operator(), InvalidTransaction::BadSigner);
		// The content says where the challenge stands, so what ended it cannot also have it forgotten.
		let args = (challenge, Self::content_of(&record));
		let life = auth.ensure::<T>(LAPSE_TAG, &args)?;
		valid(("lapse", challenge, who), Times { left: LAPSE_URGENCY, life })
	}

	/// The content of a challenge on record, as signatures name it.
	pub(crate) fn content_of(record: &ChallengeOf<T>) -> H256 {
		record.content(T::Claims::open_claim(record.job).map(|claim| claim.content()))
	}
}
