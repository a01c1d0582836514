//! What would grow for ever: the roots of ended sessions, and reports of offences.
//!
//! An offence is reported with a proof under the root of the session in which it happened. Once
//! that root is forgotten the report cannot be made again, and its record serves nobody: roots go
//! first, records after them. All of it happens when a session starts, a bounded part each time.

use crate::{constants::time, Babe, Grandpa, Historical, Runtime};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use pallet_babe::{EquivocationOffence as Babes, GenesisSlot};
use pallet_grandpa::{EquivocationOffence as Grandpas, TimeSlot};
use pallet_offences::{ConcurrentReportsIndex, Reports};
use pallet_session::historical::StoredRange;
use sp_consensus_babe::Slot;
use sp_runtime::SaturatedConversion;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};

/// Sessions whose roots stay: those of the day during which an offence can be reported, and one
/// that the day may have begun in.
pub const KEPT_SESSIONS: SessionIndex =
	(24 * 60 * 60 * 1_000 / time::SLOT_MILLIS / time::EPOCH_SLOTS) as SessionIndex + 1;

/// Most roots that one session's start forgets. One is added in each.
const ROOTS: SessionIndex = 16;
/// Most entries of the index of reports that one session's start looks at, for each kind: twice
/// the slots of an epoch, so that BABE's cannot come faster than they go.
const ENTRIES: usize = 2 * time::EPOCH_SLOTS as usize;
/// Most reports that one session's start forgets, for each kind.
const REPORTS: usize = 500;

/// Forgets what is too old to matter in session `now`, which just started.
pub(super) fn prune(now: SessionIndex) {
	let Some((first, _)) = StoredRange::<Runtime>::get() else { return };
	let until = now.saturating_sub(KEPT_SESSIONS).min(first.saturating_add(ROOTS));
	if first < until {
		Historical::prune_up_to(until);
	}
	let kept = first.max(until);
	prune_reports::<Slot>(<Babes<()> as Offence<()>>::ID, now, |slot| session_of_slot(slot) < kept);
	prune_reports::<TimeSlot>(<Grandpas<()> as Offence<()>>::ID, now, |slot| {
		match Grandpa::session_for_set(slot.set_id) {
			Some(last) => last < kept,
			// GRANDPA keeps a day's sets, too, and takes no report about others.
			None => slot.set_id < Grandpa::current_set_id(),
		}
	});
}

/// The session that BABE demands in a report about `slot`.
fn session_of_slot(slot: Slot) -> SessionIndex {
	let epoch = *slot.saturating_sub(GenesisSlot::<Runtime>::get()) / time::EPOCH_SLOTS;
	let skipped = Babe::skipped_epochs();
	// Epochs are skipped while the chain stands, sessions are not.
	let before = skipped.iter().rev().find(|(skipped, _)| *skipped <= epoch);
	let gap = before.map_or(0, |(epoch, session)| epoch.saturating_sub((*session).into()));
	epoch.saturating_sub(gap).saturated_into()
}

/// Forgets reports of `kind` whose time is `over`, among [`ENTRIES`] entries from a place in the
/// index that differs from session to session: no cursor has to be kept, and every entry's turn
/// comes.
fn prune_reports<Time: Decode>(kind: Kind, now: SessionIndex, over: impl Fn(Time) -> bool) {
	type Index = ConcurrentReportsIndex<Runtime>;
	let place = Index::hashed_key_for(kind, now.encode());
	let old = Index::iter_prefix_from(kind, place)
		.chain(Index::iter_prefix(kind))
		.take(ENTRIES)
		.filter(|(slot, _)| Time::decode(&mut &slot[..]).is_ok_and(&over))
		.collect::<Vec<_>>();
	let mut left = REPORTS;
	for (slot, reports) in old {
		let Some(rest) = left.checked_sub(reports.len()) else { break };
		left = rest;
		reports.into_iter().for_each(Reports::<Runtime>::remove);
		Index::remove(kind, slot);
	}
}
