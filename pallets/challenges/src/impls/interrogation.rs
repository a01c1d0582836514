//! Questions and answers.

use assay_primitives::{
	money::{answer_share, split_hold},
	Actor, JobId,
};
use assay_referee::{is_child, verify_opening, NodeKey, Object, Opened, Opening};
use codec::Encode;
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{DispatchResult, Saturating};

use crate::{
	opening_key, BalanceOf, ChallengeId, ChallengeOf, Challenged, Challenges, ClaimOf, Config,
	Error, Event, HoldReason, NodeState, Nodes, Pallet, Turn,
};

/// A question that may still be answered.
pub(crate) struct Query<T: Config> {
	/// The claim in dispute.
	pub(crate) claim: ClaimOf<T>,
	/// Who pays for the answer.
	pub(crate) payer: T::AccountId,
	/// What is on hold for it.
	pub(crate) fee: BalanceOf<T>,
	/// Whether the fee comes from the allowance of the payer's service key.
	pub(crate) by_key: bool,
	/// Last block at which it may come.
	pub(crate) deadline: BlockNumberFor<T>,
}

impl<T: Config> Pallet<T> {
	/// Move challenge `id` of `who` on to `node`.
	pub(crate) fn do_ask(
		actor: Actor<T::AccountId>,
		id: ChallengeId,
		node: NodeKey,
	) -> DispatchResult {
		let now = Self::now();
		let (claim, mut challenge) = Self::may_ask(&actor.who, id, &node, now)?;
		let job = challenge.job;
		challenge.since = now;
		challenge.path.try_push(node).map_err(|_| Error::<T>::MoveIllegal)?;

		if Nodes::<T>::contains_key(job, node) {
			Challenges::<T>::insert(id, challenge);
			Self::deposit_event(Event::Advanced { challenge: id, job, node });
			return Ok(());
		}
		let fee = T::QueryFee::get();
		Self::hold(HoldReason::QueryFee, &actor, fee)?;
		let deadline = Self::answer_deadline(&claim, now);
		Self::owe(&claim.operator, deadline, (job, Some(node)));
		let Actor { who: payer, by_key } = actor;
		Nodes::<T>::insert(job, node, NodeState::Asked { deadline, payer, fee, by_key });
		Challenges::<T>::insert(id, challenge);
		Self::deposit_event(Event::NodeAsked { challenge: id, job, node, fee, deadline });
		Ok(())
	}

	/// Whether `who` may move challenge `id` on to `node` now, money apart.
	pub(crate) fn may_ask(
		who: &T::AccountId,
		id: ChallengeId,
		node: &NodeKey,
		now: BlockNumberFor<T>,
	) -> Result<(ClaimOf<T>, ChallengeOf<T>), Error<T>> {
		let challenge = Challenges::<T>::get(id).ok_or(Error::<T>::ChallengeUnknown)?;
		ensure!(challenge.who == *who, Error::<T>::NotChallenger);
		ensure!(challenge.is_live(), Error::<T>::ChallengeOver);
		let claim = Self::open_claim(challenge.job)?;
		Self::posted_trace(challenge.job)?;
		match Self::turn_of(&challenge) {
			Some(Turn::Challenger { deadline }) => {
				ensure!(now <= deadline, Error::<T>::DeadlineOver)
			},
			_ => return Err(Error::<T>::NodeNotOpen),
		}
		ensure!(!challenge.path.is_full(), Error::<T>::MoveIllegal);
		ensure!(Self::is_legal(&challenge, node), Error::<T>::MoveIllegal);
		Ok((claim, challenge))
	}

	/// Whether `node` is where the challenge may go next.
	fn is_legal(challenge: &ChallengeOf<T>, node: &NodeKey) -> bool {
		let Some(cursor) = challenge.cursor() else {
			return *node == NodeKey::top(Object::Trace);
		};
		match Nodes::<T>::get(challenge.job, cursor) {
			Some(NodeState::Opened { object_len, .. }) => is_child(cursor, object_len, node),
			_ => false,
		}
	}

	/// Whether `who` could pay for asking about `node` by its key. Nodes that are known already cost
	/// nothing.
	pub(crate) fn can_pay_query_by_key(who: &T::AccountId, job: JobId, node: &NodeKey) -> bool {
		Nodes::<T>::contains_key(job, node)
			|| Self::can_hold_by_key(HoldReason::QueryFee, who, T::QueryFee::get())
	}

	/// Open `node` of the trace of `job`.
	pub(crate) fn do_answer(
		who: T::AccountId,
		job: JobId,
		node: NodeKey,
		opening: &Opening,
	) -> DispatchResult {
		let now = Self::now();
		let Query { claim, payer, fee, by_key, deadline } = Self::may_answer(job, &node, now)?;
		let trace_root = Self::posted_trace(job)?;
		let opened = Self::check_opening(&claim, trace_root, &node, opening)?;
		let state = NodeState::Opened { at: now, object_len: opened.object_len };
		Nodes::<T>::insert(job, node, state);
		Self::owe_no_more(&claim.operator, deadline, (job, Some(node)));

		if by_key {
			Self::note_fee(job, &payer, fee);
		}
		let opening = opening.encode();
		let (paid, burned) = Self::pay_answer(&payer, &who, fee, opening.len() as u32);
		sp_io::offchain_index::set(&opening_key(job, &trace_root, &node), &opening);
		Self::deposit_event(Event::NodeOpened { job, node, who, paid, burned });
		Ok(())
	}

	/// The question about `node`, if it may be answered now.
	pub(crate) fn may_answer(
		job: JobId,
		node: &NodeKey,
		now: BlockNumberFor<T>,
	) -> Result<Query<T>, Error<T>> {
		let claim = Self::open_claim(job)?;
		match Nodes::<T>::get(job, node) {
			None => Err(Error::<T>::NodeNotAsked),
			Some(NodeState::Opened { .. }) => Err(Error::<T>::NodeAlreadyOpen),
			Some(NodeState::Asked { deadline, .. }) if now > deadline => {
				Err(Error::<T>::DeadlineOver)
			},
			Some(NodeState::Asked { deadline, payer, fee, by_key }) => {
				Ok(Query { claim, payer, fee, by_key, deadline })
			},
		}
	}

	/// Put on record that the key of `payer` has paid `fee` for an answer in its challenge of `job`.
	fn note_fee(job: JobId, payer: &T::AccountId, fee: BalanceOf<T>) {
		let Some(id) = Challenged::<T>::get(job, payer) else { return };
		Challenges::<T>::mutate(id, |challenge| {
			if let Some(challenge) = challenge.as_mut().filter(|challenge| challenge.is_live()) {
				challenge.fees.saturating_accrue(fee);
			}
		});
	}

	/// Whether `opening` is the content of `node` under the operator's trace.
	pub(crate) fn check_opening(
		claim: &ClaimOf<T>,
		trace_root: H256,
		node: &NodeKey,
		opening: &Opening,
	) -> Result<Opened, Error<T>> {
		verify_opening(&claim.commitments(trace_root.0), node, opening)
			.map_err(|_| Error::<T>::OpeningMismatch)
	}

	/// Give its share of the fee for an answer of `bytes` bytes to the answerer and burn the rest. Returns
	/// both parts.
	fn pay_answer(
		payer: &T::AccountId,
		answerer: &T::AccountId,
		fee: BalanceOf<T>,
		bytes: u32,
	) -> (BalanceOf<T>, BalanceOf<T>) {
		let reason = HoldReason::QueryFee.into();
		let share = answer_share(fee, bytes, T::BytePrice::get());
		split_hold::<_, T::Currency>(&reason, payer, answerer, share, fee)
	}
}
