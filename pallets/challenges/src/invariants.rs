//! What must be true between any two calls: C1 to C12 of `docs/invariants.md`.
#![cfg(any(feature = "try-runtime", test))]

use alloc::collections::{BTreeMap, BTreeSet};
use assay_primitives::Claims;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{
	traits::{Saturating, Zero},
	SaturatedConversion, TryRuntimeError,
};

use crate::{
	impls::time::due_key, Against, AgendaHead, AgendaPageCount, AgendaPages, BalanceOf,
	ChallengeId, Challenged, Challenges, Config, Disputes, HoldReason, Judged, Live, NextChallenge,
	NodeState, Nodes, Owed, Own, Pallet, TraceState, MAX_MOVES,
};

impl<T: Config> Pallet<T> {
	/// Check the invariants:
	///
	/// 1. the live challenges on record and the index of live challenges are the same;
	/// 2. a job's dispute counts its challenges, and nothing else of a job is left without one;
	/// 3. what accounts have on hold equals the bonds of live challenges and the unanswered fees, and
	///    what their keys put there is part of it;
	/// 4. every challenge stands in the agenda once, in a page that is counted and not worked off yet;
	/// 5. in an open claim, a challenge that moved has a posted trace, looks at a known node, made
	///    at most [`MAX_MOVES`] moves, all to different nodes, and waits only for its last node;
	/// 6. every unanswered question has a live challenge of its payer waiting for it;
	/// 7. challenge numbers are below the next one;
	/// 8. each account's index of its own live challenges holds these and no others;
	/// 9. each operator's list holds what it owes, by deadline, and nothing else: the demanded traces
	///    of open claims and the unanswered questions;
	/// 10. no live challenge of a job has a number below that at which the search for them begins;
	/// 11. each operator's list of live challenges against it holds these, by when they are due;
	/// 12. no verdict is left over from the transaction it was made in.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		ensure!(!Judged::<T>::exists(), "12: a verdict is left over");
		Self::check_indices()?;
		Self::check_debts()?;
		Self::check_holds()?;
		Self::check_agenda()?;
		Self::check_paths()?;
		Self::check_questions()
	}

	/// Invariants 1, 2, 7, 8, 10 and 11.
	fn check_indices() -> Result<(), TryRuntimeError> {
		let mut live = BTreeSet::new();
		let mut own = BTreeSet::new();
		let mut against = BTreeSet::new();
		let mut records = BTreeMap::<_, u32>::new();
		for (id, challenge) in Challenges::<T>::iter() {
			ensure!(id < NextChallenge::<T>::get(), "7: a challenge has a number not given yet");
			*records.entry(challenge.job).or_default() += 1;
			if challenge.is_live() {
				live.insert((challenge.job, id));
				let dispute = Disputes::<T>::get(challenge.job).ok_or("2: no dispute")?;
				ensure!(dispute.first <= id, "10: a live challenge is passed over");
				against.insert((dispute.operator, due_key::<T>(challenge.due), id));
				own.insert((challenge.who, id));
			}
		}
		let index: BTreeSet<_> =
			Own::<T>::iter_keys().map(|(who, id)| (who, ChallengeId::from_be_bytes(id))).collect();
		let listed: BTreeSet<_> = Against::<T>::iter_keys().collect();
		ensure!(against == listed, "11: an operator's list differs from the challenges against it");
		ensure!(own == index, "8: an account's index differs from its live challenges");
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

	/// Invariant 9.
	fn check_debts() -> Result<(), TryRuntimeError> {
		let mut debts = BTreeSet::new();
		for (job, dispute) in Disputes::<T>::iter() {
			let TraceState::Demanded { deadline } = dispute.trace else { continue };
			let Some(claim) = T::Claims::open_claim(job) else { continue };
			ensure!(claim.operator == dispute.operator, "9: another operator's dispute");
			debts.insert((dispute.operator, due_key::<T>(deadline), (job, None)));
		}
		for (job, node, state) in Nodes::<T>::iter() {
			let NodeState::Asked { deadline, .. } = state else { continue };
			let dispute = Disputes::<T>::get(job).ok_or("2: no dispute")?;
			debts.insert((dispute.operator, due_key::<T>(deadline), (job, Some(node))));
		}
		let index: BTreeSet<_> = Owed::<T>::iter_keys().collect();
		ensure!(debts == index, "9: an operator's list differs from what it owes");
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
		let mut by_key = Self::on_hold_by_key();
		for (who, (bonds, fees)) in owed {
			let keyed = by_key.remove(&who).unwrap_or_default();
			ensure!(keyed <= bonds.saturating_add(fees), "3: a key has more on hold than there is");
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(held(HoldReason::ChallengeBond) == bonds, "3: bonds differ from what is held");
			ensure!(held(HoldReason::QueryFee) == fees, "3: fees differ from what is held");
			ensure!(!bonds.is_zero() || fees.is_zero(), "3: a fee without a bond");
		}
		ensure!(by_key.is_empty(), "3: a key has money on hold where its owner has none");
		Ok(())
	}

	/// What keys have on hold, by account: it is missing from their allowances.
	pub(crate) fn on_hold_by_key() -> BTreeMap<T::AccountId, BalanceOf<T>> {
		let bonds = Challenges::<T>::iter_values()
			.filter(|challenge| challenge.is_live() && challenge.by_key)
			.map(|challenge| (challenge.who, challenge.bond));
		let fees = Nodes::<T>::iter_values().filter_map(|node| match node {
			NodeState::Asked { payer, fee, by_key: true, .. } => Some((payer, fee)),
			_ => None,
		});
		let mut sums = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
		for (who, amount) in bonds.chain(fees) {
			sums.entry(who).or_default().saturating_accrue(amount);
		}
		sums
	}

	/// Invariant 4.
	fn check_agenda() -> Result<(), TryRuntimeError> {
		let head = AgendaHead::<T>::get();
		let mut set = BTreeSet::new();
		let mut pages = BTreeMap::<u32, u32>::new();
		for (page, ids) in AgendaPages::<T>::iter() {
			let head: u32 = head.saturated_into();
			ensure!(page.due() >= head, "4: a page of the agenda was passed over");
			ensure!(!ids.is_empty(), "4: an empty page of the agenda");
			let count = pages.entry(page.due()).or_default();
			*count = (*count).max(page.number().saturating_add(1));
			for id in ids {
				ensure!(set.insert(id), "4: a challenge stands in the agenda twice");
				let due = Challenges::<T>::get(id).map(|challenge| challenge.due);
				let same = due.is_none_or(|due| due.saturated_into::<u32>() == page.due());
				ensure!(same, "4: the agenda differs from a challenge");
			}
		}
		let counted: BTreeMap<u32, u32> =
			AgendaPageCount::<T>::iter().map(|(at, pages)| (at.saturated_into(), pages)).collect();
		ensure!(pages == counted, "4: the pages of a block are not counted");
		for id in Challenges::<T>::iter_keys() {
			ensure!(set.contains(&id), "4: a challenge is not in the agenda");
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
