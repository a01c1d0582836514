//! Turns that pass, and who pays for it.

use super::*;
use crate::{ChallengeState, Challenges as Records, Error, Event, HoldReason};
use frame_support::{assert_noop, traits::Hooks, weights::Weight};

#[test]
fn boundary_last_block_for_a_trace() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		System::set_block_number(1 + TracePeriod::get());
		assert_noop!(Challenges::poke(signed(BOB), job), Error::<Test>::NothingDue);
		System::set_block_number(2 + TracePeriod::get());
		let result = Challenges::poke(signed(BOB), job);
		assert_eq!(result.expect("due").pays_fee, frame_support::dispatch::Pays::No);
		assert!(end_of(job).is_some());
	});
}

#[test]
fn boundary_last_block_of_a_challengers_turn() {
	build_and_execute(|| {
		let (_, _, job, id) = revealed();
		System::set_block_number(1 + TurnPeriod::get());
		assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::NothingDue);
		System::set_block_number(2 + TurnPeriod::get());
		assert_ok!(Challenges::lapse(signed(BOB), id, None));
		let (paid, burned) = (MinBond::get() / 10 * 6, MinBond::get() / 10 * 4);
		System::assert_last_event(
			Event::ChallengeLapsed { challenge: id, job, who: ALICE, paid, burned }.into(),
		);
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
		assert_eq!(Balances::free_balance(OPERATOR), RICHES + paid);
		assert_eq!(AllClaims::get()[&job].held, 0);
	});
}

#[test]
fn a_lapse_leaves_the_claim_as_it_was() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let before = AllClaims::get()[&job].view;
		open(ALICE, job, &honest);
		reveal(job, &liar);
		pass(TurnPeriod::get() + 2);
		assert_eq!(AllClaims::get()[&job].view, before);
		// The claim can still be proven false, by anybody and without a challenge.
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert!(matches!(end_of(job), Some(End::Fault { finder: None, prover: Some(BOB), .. })));
	});
}

#[test]
fn blocks_without_room_only_delay() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		for block in 2..100 {
			System::set_block_number(block);
			assert_eq!(Challenges::on_idle(block, Weight::zero()), Weight::zero());
		}
		assert_eq!(end_of(job), None);
		check_invariants();
		let used = Challenges::on_idle(99, Weight::MAX);
		assert!(used.ref_time() > 0);
		assert!(end_of(job).is_some());
	});
}

#[test]
fn every_block_with_some_room_makes_progress() {
	build_and_execute(|| {
		let (honest, liar) = short();
		for _ in 0..5 {
			let job = claim(&liar);
			open(ALICE, job, &honest);
		}
		System::set_block_number(50);
		let step = <() as crate::WeightInfo>::on_idle_challenge();
		let room = step.saturating_add(<() as crate::WeightInfo>::on_idle_block() * 3);
		let mut over = 0;
		// Some calls only get past blocks under which nothing stands.
		for _ in 0..60 {
			let used = Challenges::on_idle(50, room);
			assert!(used.all_lte(room));
			let now = (0..5).filter(|job| end_of(*job).is_some()).count();
			assert!(now == over || now == over + 1);
			over = now;
			check_invariants();
		}
		assert_eq!(over, 5);
	});
}

#[test]
fn the_agenda_is_never_late() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		// The operator is quick, so the challenger's turn ends before the trace was even due.
		reveal(job, &liar);
		pass(TurnPeriod::get() + 1);
		assert!(Records::<Test>::get(id).unwrap().is_live());
		pass(1);
		assert_eq!(Records::<Test>::get(id).unwrap().state, ChallengeState::Lapsed);
	});
}

#[test]
fn what_is_over_can_be_forgotten_by_anybody() {
	build_and_execute(|| {
		let (_, _, job, id) = revealed();
		System::set_block_number(30);
		assert_ok!(Challenges::lapse(signed(BOB), id, None));
		System::set_block_number(30 + Retention::get());
		// Not as long as the claim is open: others may need what it left.
		assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::NothingDue);
		finalize(job);
		assert_eq!(id % 16, 0);
		frame_support::hypothetically!({
			System::set_block_number(29 + Retention::get());
			assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::NothingDue);
		});
		assert_ok!(Challenges::lapse(signed(BOB), id, None));
		assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::ChallengeUnknown);
		assert_eq!(crate::Disputes::<Test>::iter().count(), 0);
	});
}

#[test]
fn five_thousand_due_at_once_cost_five_thousand_times_one() {
	use crate::{AgendaPageCount, AgendaPages, WeightInfo, CHALLENGES_PER_PAGE};
	use frame_support::traits::fungible::Mutate;
	type Weights = ();
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&honest);
		let count = 5_000u64;
		for who in 10_000..10_000 + count {
			Balances::set_balance(&who, RICHES);
			open(who, job, &liar);
		}
		reveal(job, &honest);
		let due = 2 + TurnPeriod::get();
		let pages = u64::from(AgendaPageCount::<Test>::get(due));
		assert_eq!(pages, count.div_ceil(CHALLENGES_PER_PAGE.into()));
		System::set_block_number(due);
		let cost = |challenges: u64, pages: u64, blocks: u64| {
			Weights::on_idle_challenge() * challenges
				+ Weights::on_idle_page() * pages
				+ Weights::on_idle_block() * blocks
		};
		// Blocks 0 to `due`, and a look at the next one.
		let empty = cost(0, 0, due + 2);
		hypothetically(|| {
			assert_eq!(Challenges::on_idle(due, Weight::MAX), empty + cost(count, pages, 0));
			assert_eq!(Challenges::live_of(job).count(), 0);
		});
		// As many as there is room for, block after block, and nothing twice.
		let room = empty + cost(100, 3, 0);
		let mut left = Challenges::live_of(job).count();
		let mut calls = 0;
		while left > 0 {
			let used = Challenges::on_idle(due, room);
			assert!(used.all_lte(room));
			let now = Challenges::live_of(job).count();
			assert!(left - now >= 90.min(left), "{left} {now}");
			left = now;
			calls += 1;
		}
		assert!(calls <= 56);
		let standing = AgendaPages::<Test>::iter_values().map(|page| page.len()).sum::<usize>();
		assert_eq!(standing, 5_000);
		check_invariants();
	});
}

#[test]
fn what_ended_together_is_forgotten_apart() {
	build_and_execute(|| {
		use frame_support::traits::fungible::Mutate;
		let (honest, liar) = short();
		let job = claim(&liar);
		for who in 100..132 {
			Balances::set_balance(&who, RICHES);
			open(who, job, &honest);
		}
		pass(TracePeriod::get() + 1);
		assert_eq!(end_of(job), None);
		pass(Retention::get());
		let mut counts = vec![Records::<Test>::iter().count()];
		for _ in 0..17 {
			pass(1);
			counts.push(Records::<Test>::iter().count());
		}
		assert_eq!(counts[0], 32);
		assert!(counts.windows(2).all(|pair| pair[0] - pair[1] <= 2), "{counts:?}");
		assert_eq!(counts.last(), Some(&0));
	});
}

#[test]
fn looking_for_the_first_steps_over_none_that_ended() {
	use frame_support::traits::fungible::Mutate;
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		for who in 100..140 {
			Balances::set_balance(&who, RICHES);
			open(who, job, &honest);
		}
		let first = || crate::Disputes::<Test>::get(job).unwrap().first;
		System::set_block_number(2 + TracePeriod::get());
		assert_ok!(Challenges::poke(signed(BOB), job));
		let mut seen = vec![first()];
		while Challenges::poke(signed(BOB), job).is_ok() {
			check_invariants();
			seen.push(first());
		}
		assert_eq!(seen, vec![0, 8, 16, 24, 32]);
	});
}
