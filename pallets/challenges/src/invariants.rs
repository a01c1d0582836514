//! What must be true between any two calls.
#![cfg(any(feature = "try-runtime", test))]

use alloc::collections::{BTreeMap, BTreeSet};
use assay_primitives::Claims;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{
	traits::{Saturating, Zero},
	TryRuntimeError,
};

use crate::{
	Alarms, BalanceOf, ChallengeId, Challenged, Challenges, Config, Disputes, HoldReason, Live,
	NextAlarm, NextChallenge, NodeState, Nodes, Pallet, TraceState, MAX_MOVES,
};

impl<T: Config> Pallet<T> {
	/// Check the invariants:
	///
	/// 1. the live challenges on record and the index of live challenges are the same;
	/// 2. a job's dispute counts its challenges, and nothing else of a job is left without one;
	/// 3. what accounts have on hold equals the bonds of live challenges and the unanswered fees;
	/// 4. every challenge has an alarm that is still to ring;
	/// 5. in an open claim, a challenge that moved has a posted trace, looks at a known node, made
	///    at most [`MAX_MOVES`] moves, all to different nodes, and waits only for its last node;
	/// 6. every unanswered question has a live challenge of its payer waiting for it;
	/// 7. challenge numbers are below the next one.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_indices()?;
		Self::check_holds()?;
		Self::check_alarms()?;
		Self::check_paths()?;
		Self::check_questions()
	}

	/// Invariants 1, 2 and 7.
	fn check_indices() -> Result<(), TryRuntimeError> {
		let mut live = BTreeSet::new();
		let mut records = BTreeMap::<_, u32>::new();
		for (id, challenge) in Challenges::<T>::iter() {
			ensure!(id < NextChallenge::<T>::get(), "7: a challenge has a number not given yet");
			*records.entry(challenge.job).or_default() += 1;
			if challenge.is_live() {
				live.insert((challenge.job, id));
			}
		}
		let index: BTreeSet<_> =
			Live::<T>::iter_keys().map(|(job, id)| (job, ChallengeId::from_be_bytes(id))).collect();
		ensure!(live == index, "1: the index of live challenges differs from the records");
		let counted: BTreeMap<_, _> =
			Disputes::<T>::iter().map(|(job, dispute)| (job, dispute.records)).collect();
		ensure!(records == counted, "2: a dispute does not count its challenges");
		for (job, who, id) in Challenged::<T>::iter() {
			let challenge = Challenges::<T>::get(id).ok_or("2: an account's challenge is gone")?;
			ensure!(challenge.job == job && challenge.who == who, "2: not the account's challenge");
		}
		for (job, _) in Nodes::<T>::iter_keys() {
			ensure!(counted.contains_key(&job), "2: a node is left without a dispute");
		}
		Ok(())
	}

	/// Invariant 3.
	fn check_holds() -> Result<(), TryRuntimeError> {
		let mut owed = BTreeMap::<T::AccountId, (BalanceOf<T>, BalanceOf<T>)>::new();
		for (_, challenge) in Challenges::<T>::iter() {
			let entry = owed.entry(challenge.who.clone()).or_default();
			if challenge.is_live() {
				entry.0.saturating_accrue(challenge.bond);
			}
		}
		for (_, _, node) in Nodes::<T>::iter() {
			if let NodeState::Asked { payer, fee, .. } = node {
				owed.entry(payer).or_default().1.saturating_accrue(fee);
			}
		}
		for (who, (bonds, fees)) in owed {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(held(HoldReason::ChallengeBond) == bonds, "3: bonds differ from what is held");
			ensure!(held(HoldReason::QueryFee) == fees, "3: fees differ from what is held");
			ensure!(!bonds.is_zero() || fees.is_zero(), "3: a fee without a bond");
		}
		Ok(())
	}

	/// Invariant 4.
	fn check_alarms() -> Result<(), TryRuntimeError> {
		let next = NextAlarm::<T>::get();
		let mut set = BTreeSet::new();
		for (at, id) in Alarms::<T>::iter_keys() {
			ensure!(at >= next, "4: an alarm was passed over");
			set.insert(id);
		}
		for id in Challenges::<T>::iter_keys() {
			ensure!(set.contains(&id), "4: a challenge has no alarm");
		}
		Ok(())
	}

	/// Invariant 5.
	fn check_paths() -> Result<(), TryRuntimeError> {
		for (_, challenge) in Challenges::<T>::iter() {
			if !challenge.is_live() || T::Claims::open_claim(challenge.job).is_none() {
				continue;
			}
			ensure!(Self::turn_of(&challenge).is_some(), "5: it is nobody's turn");
			let Some((last, before)) = challenge.path.split_last() else { continue };
			let trace = Disputes::<T>::get(challenge.job).map(|dispute| dispute.trace);
			ensure!(matches!(trace, Some(TraceState::Posted { .. })), "5: moved without a trace");
			ensure!(challenge.path.len() <= MAX_MOVES as usize, "5: too many moves");
			let distinct: BTreeSet<_> = challenge.path.iter().collect();
			ensure!(distinct.len() == challenge.path.len(), "5: walked in a circle");
			ensure!(Nodes::<T>::contains_key(challenge.job, last), "5: looks at an unknown node");
			for node in before {
				let state = Nodes::<T>::get(challenge.job, node);
				ensure!(matches!(state, Some(NodeState::Opened { .. })), "5: skipped a node");
			}
		}
		Ok(())
	}

	/// Invariant 6.
	fn check_questions() -> Result<(), TryRuntimeError> {
		for (job, node, state) in Nodes::<T>::iter() {
			let NodeState::Asked { payer, .. } = state else { continue };
			let waits = Self::live_of(job)
				.filter_map(Challenges::<T>::get)
				.any(|challenge| challenge.who == payer && challenge.cursor() == Some(&node));
			ensure!(waits, "6: nobody waits for an answer that was paid for");
		}
		Ok(())
	}
}
