//! What ended sessions leave behind does not grow for ever.

use crate::chain::Chain;
use assay_runtime::{
	configs::KEPT_SESSIONS,
	constants::time::{EPOCH_SLOTS, SLOT_MILLIS},
	AccountId, Offences, Runtime, Session,
};
use pallet_session::historical::{HistoricalSessions, StoredRange};
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_staking::{
	offence::{Offence, ReportOffence},
	SessionIndex,
};

/// A session long after genesis.
const NOW: SessionIndex = KEPT_SESSIONS + 600;
/// The first session whose root is stored then: more are due than one session's start forgets.
const FIRST: SessionIndex = 500;

/// A chain that pretends to be old.
fn old_chain() -> Chain {
	let mut chain = Chain::new();
	chain.ext.execute_with(|| {
		pallet_session::CurrentIndex::<Runtime>::put(NOW);
		StoredRange::<Runtime>::put((FIRST, NOW + 2));
		for index in FIRST..NOW + 2 {
			HistoricalSessions::<Runtime>::insert(index, (H256::zero(), 1));
		}
		pallet_grandpa::CurrentSetId::<Runtime>::put(9);
		for (set, last) in [(0, 3), (3, FIRST - 1), (8, NOW - 1)] {
			pallet_grandpa::SetIdSession::<Runtime>::insert(set, last);
		}
	});
	chain
}

/// Runs past the start of the next session.
fn next_session(chain: &mut Chain) {
	let before = chain.ext.execute_with(Session::current_index);
	while chain.ext.execute_with(Session::current_index) == before {
		chain.block(Vec::new());
	}
}

fn report<O: Offence<(AccountId, ())>>(offence: O) {
	Offences::report_offence(Vec::new(), offence).expect("it is new");
}

fn offender() -> (AccountId, ()) {
	(Sr25519Keyring::Alice.to_account_id(), ())
}

fn babe(session: SessionIndex) -> pallet_babe::EquivocationOffence<(AccountId, ())> {
	let genesis = *pallet_babe::GenesisSlot::<Runtime>::get();
	let slot = (genesis + u64::from(session) * EPOCH_SLOTS + 1).into();
	let (session_index, offender) = (session, offender());
	pallet_babe::EquivocationOffence { slot, session_index, validator_set_count: 1, offender }
}

fn grandpa(set_id: u64) -> pallet_grandpa::EquivocationOffence<(AccountId, ())> {
	pallet_grandpa::EquivocationOffence {
		time_slot: pallet_grandpa::TimeSlot { set_id, round: 7 },
		session_index: 0,
		offender: offender(),
		validator_set_count: 1,
	}
}

fn reports() -> usize {
	let reports = pallet_offences::Reports::<Runtime>::iter().count();
	let entries = pallet_offences::ConcurrentReportsIndex::<Runtime>::iter().count();
	assert_eq!(reports, entries, "one offender in each");
	reports
}

#[test]
fn a_day_of_sessions_is_kept_and_a_backlog_goes_in_bounded_steps() {
	assert!(u64::from(KEPT_SESSIONS) * EPOCH_SLOTS * SLOT_MILLIS >= 24 * 60 * 60 * 1_000);
	let mut chain = old_chain();
	let mut first = FIRST;
	for _ in 0..3 {
		next_session(&mut chain);
		chain.ext.execute_with(|| {
			let (start, end) = StoredRange::<Runtime>::get().expect("sessions are stored");
			assert_eq!((start, end), (first + 16, Session::current_index() + 2));
			assert!(!HistoricalSessions::<Runtime>::contains_key(start - 1));
			assert!(HistoricalSessions::<Runtime>::contains_key(start));
			first = start;
		});
	}
	// When it caught up, each session forgets one.
	chain.ext.execute_with(|| {
		let start = Session::current_index() - KEPT_SESSIONS;
		pallet_session::historical::Pallet::<Runtime>::prune_up_to(start);
	});
	for _ in 0..2 {
		next_session(&mut chain);
		chain.ext.execute_with(|| {
			let (start, _) = StoredRange::<Runtime>::get().expect("sessions are stored");
			assert_eq!(start, Session::current_index() - KEPT_SESSIONS);
			let stored = HistoricalSessions::<Runtime>::iter().count() as SessionIndex;
			assert_eq!(stored, KEPT_SESSIONS + 2);
		});
	}
}

#[test]
fn young_chain_forgets_nothing() {
	let mut chain = Chain::new();
	chain.ext.execute_with(|| report(babe(0)));
	next_session(&mut chain);
	next_session(&mut chain);
	chain.ext.execute_with(|| {
		assert_eq!(reports(), 1);
		assert_eq!(StoredRange::<Runtime>::get(), Some((0, 4)));
		// The same report again is a duplicate: it is not punished twice.
		assert!(Offences::report_offence(Vec::new(), babe(0)).is_err());
	});
	chain.check_invariants();
}

#[test]
fn reports_go_when_they_cannot_be_made_again_and_not_before() {
	let mut chain = old_chain();
	chain.ext.execute_with(|| {
		for session in [3, FIRST - 1, FIRST + 40, NOW - 1] {
			report(babe(session));
		}
		// Set 3 ended with a session that is forgotten, set 2 is not known any more, 8 and 9 are.
		for set in [2, 3, 8, 9] {
			report(grandpa(set));
		}
		assert_eq!(reports(), 8);
	});
	next_session(&mut chain);
	chain.ext.execute_with(|| {
		assert_eq!(reports(), 4);
		for offence in [babe(FIRST + 40), babe(NOW - 1)] {
			assert!(Offences::report_offence(Vec::new(), offence).is_err(), "it is still known");
		}
		for set in [8, 9] {
			assert!(Offences::report_offence(Vec::new(), grandpa(set)).is_err());
		}
	});
}

#[test]
fn many_reports_go_in_bounded_steps() {
	let mut chain = old_chain();
	let many = 2 * EPOCH_SLOTS as SessionIndex + 30;
	chain.ext.execute_with(|| (0..many).for_each(|session| report(babe(session))));
	next_session(&mut chain);
	let left = chain.ext.execute_with(reports);
	assert_eq!(left, 30, "one session's start looks at two epochs' worth");
	for _ in 0..3 {
		next_session(&mut chain);
	}
	assert_eq!(chain.ext.execute_with(reports), 0);
}
