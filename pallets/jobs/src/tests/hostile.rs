//! Random hostile sequences of calls break no invariant, and honest operators are never slashed
//! for fraud: only `fault` slashes, and only the challenges pallet calls it.

use crate::{mock::*, Event, Jobs as Records};
use assay_primitives::{Claims, FaultKind, JobId};
use frame_support::{traits::Hooks, weights::Weight, BoundedVec};
use proptest::prelude::*;
use sp_core::H256;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
enum Move {
	Request { fee: u64, len: usize, designated: Option<u64> },
	Cancel,
	Accept,
	Claim { attempt: u32, honest: bool },
	RequestLarge,
	ClaimLarge,
	Demand { first: u32, pieces: u32 },
	Deliver { piece: u32, right: bool },
	Poke,
	Idle(u64),
	Hold,
	Release,
	Fault { timeout: bool, finder: Option<u64> },
	Chill,
	Activate,
	Unstake(u64),
	Wait(u64),
}

fn moves() -> impl Strategy<Value = (u64, JobId, Move)> {
	let someone = PUBLISHER..=STRANGER;
	let step = prop_oneof![
		4 => (
			50u64..2_000,
			prop_oneof![9 => Just(LEN), 1 => 0usize..100],
			proptest::option::weighted(0.2, someone.clone()),
		)
			.prop_map(|(fee, len, designated)| Move::Request { fee, len, designated }),
		1 => Just(Move::Cancel),
		6 => Just(Move::Accept),
		6 => (0u32..3, any::<bool>()).prop_map(|(attempt, honest)| Move::Claim { attempt, honest }),
		2 => Just(Move::RequestLarge),
		4 => Just(Move::ClaimLarge),
		4 => (0u32..2, 0u32..3).prop_map(|(first, pieces)| Move::Demand { first, pieces }),
		4 => (0u32..2, any::<bool>()).prop_map(|(piece, right)| Move::Deliver { piece, right }),
		3 => Just(Move::Poke),
		2 => (0u64..20).prop_map(Move::Idle),
		2 => Just(Move::Hold),
		2 => Just(Move::Release),
		1 => (any::<bool>(), proptest::option::of(someone.clone()))
			.prop_map(|(timeout, finder)| Move::Fault { timeout, finder }),
		1 => Just(Move::Chill),
		2 => Just(Move::Activate),
		1 => (0u64..60_000).prop_map(Move::Unstake),
		3 => (1u64..15).prop_map(Move::Wait),
	];
	// The operators act more often than the others.
	let who = prop_oneof![2 => someone, 3 => OPERATOR..=RIVAL];
	(who, 0u64..6, step)
}

/// Burns that were announced so far, from the events since the last call.
fn announced_burns() -> u64 {
	let burned = System::events()
		.into_iter()
		.map(|record| match record.event {
			RuntimeEvent::Jobs(Event::DeadlineMissed { burned, .. })
			| RuntimeEvent::Jobs(Event::Delivered { burned, .. })
			| RuntimeEvent::Jobs(Event::Voided { burned, .. })
			| RuntimeEvent::Jobs(Event::SlashShared { burned, .. }) => burned,
			_ => 0,
		})
		.sum();
	System::reset_events();
	burned
}

fn play(who: u64, job: JobId, step: Move, held: &mut BTreeMap<JobId, u32>) {
	let me = signed(who);
	match step {
		Move::Request { fee, len, designated } => {
			let input = BoundedVec::truncate_from(vec![1; len]);
			ignore(Jobs::request(me, small(), input, fee, designated));
		},
		Move::Cancel => ignore(Jobs::cancel(me, job)),
		// Sometimes together with the next.
		Move::Accept => ignore(accept_all(who, &[job, job + 1][..1 + (who % 2) as usize])),
		Move::Claim { attempt, honest } => {
			let (root, output) = answer();
			let root = if honest { root } else { Default::default() };
			let mut one = answer_to(job, root, output.clone());
			if attempt > 1 {
				one.content = Default::default();
			}
			ignore(claim_all(who, vec![one, answer_to(job + 1, root, output)]));
		},
		Move::RequestLarge => {
			let input = BoundedVec::truncate_from(vec![1; WIDE]);
			ignore(Jobs::request(me, wide(), input, least_fee(wide()), None));
		},
		Move::ClaimLarge => {
			let root = H256(assay_referee::tree::hash(&wide_output()));
			ignore(claim(who, job, root, Default::default()));
		},
		Move::Demand { first, pieces } => {
			// Mostly nobody's but the requester's business.
			let who = Records::<Test>::get(job).map_or(who, |job| job.requester);
			ignore(Jobs::demand(signed(who), job, first, pieces));
		},
		Move::Deliver { piece: number, right } => {
			let slice = piece(if right { number } else { 1 - number });
			ignore(Jobs::deliver(me, job, number, slice, None));
		},
		Move::Poke => ignore(poke(who, job)),
		Move::Idle(steps) => {
			let step = Jobs::weight_of_poke().saturating_mul(2 * steps);
			Jobs::on_idle(System::block_number(), step.saturating_add(Weight::from_all(1)));
		},
		Move::Hold => {
			if Jobs::hold_open(job).is_ok() {
				*held.entry(job).or_default() += 1;
			}
		},
		Move::Release => {
			if let Some(count) = held.get_mut(&job).filter(|count| **count > 0) {
				*count -= 1;
				Jobs::release_open(job);
			}
		},
		Move::Fault { timeout, finder } => {
			let kind =
				if timeout { FaultKind::NoTrace } else { FaultKind::Chunk { entry: 0, chunk: 0 } };
			ignore(Jobs::fault(job, kind, finder, Some(who)));
		},
		Move::Chill => ignore(Operators::chill(me)),
		Move::Activate => ignore(Operators::activate(me)),
		Move::Unstake(amount) => ignore(Operators::unstake(me, amount)),
		Move::Wait(blocks) => wait(blocks),
	}
}

/// Hostile calls may fail; what counts is the state they leave.
fn ignore<T, E>(_: Result<T, E>) {}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(16))]

	#[test]
	fn invariants_hold_after_every_move(sequence in proptest::collection::vec(moves(), 1..100)) {
		new_test_ext().execute_with(|| {
			set_up();
			for who in [OPERATOR, RIVAL] {
				Operators::stake(signed(who), 600_000).unwrap();
			}
			let mut held = BTreeMap::new();
			let mut over = BTreeMap::new();
			System::reset_events();
			for (who, job, step) in sequence {
				let issuance = Balances::total_issuance();
				play(who, job, step, &mut held);
				check();
				// S1: issuance changes by announced burns and nothing else.
				assert_eq!(Balances::total_issuance() + announced_burns(), issuance);
				// S4: what is over stays as it is.
				for (id, status) in &over {
					if let Some(job) = Records::<Test>::get(id) {
						assert_eq!(&job.status, status);
					}
				}
				for (id, job) in Records::<Test>::iter() {
					if job.status.is_terminal() {
						over.insert(id, job.status);
					}
				}
			}
			// Whatever happened, time ends every job, and nothing stays held.
			for (id, count) in held {
				(0..count).for_each(|_| Jobs::release_open(id));
			}
			for _ in 0..8 {
				wait(45);
				Jobs::on_idle(System::block_number(), Weight::MAX);
			}
			check();
			assert_eq!(Records::<Test>::iter().count(), 0);
			assert_eq!(Balances::reserved_balance(REQUESTER), 0);
		});
	}
}
