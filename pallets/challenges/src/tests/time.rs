//! Time follows work, and deadlines follow the backlog.

use super::*;
use crate::{NextSlot, NodeState, Nodes, Owed, Periods, Turn};
use assay_primitives::Backlog;
use assay_referee::Object;
use frame_support::traits::fungible::Mutate;

const TOP: NodeKey = NodeKey::top(Object::Trace);
/// Another operator.
const STRANGER: u64 = 77;

/// Accounts with money.
fn crowd(count: u64) -> Vec<u64> {
	let crowd: Vec<u64> = (1_000..1_000 + count).collect();
	for who in &crowd {
		Balances::set_balance(who, RICHES);
	}
	crowd
}

fn deadline_of(id: ChallengeId) -> u64 {
	match Challenges::turn(id) {
		Some(Turn::Operator { deadline }) => deadline,
		other => panic!("{other:?}"),
	}
}

#[test]
fn periods_follow_the_model() {
	build_and_execute(|| {
		let (_, liar) = short();
		for (micros, work) in
			[(0, 0), (2_999_999, 0), (3_000_000, 1), (3_000_001, 2), (90_000_000, 30)]
		{
			RunMicros::set(micros);
			let job = claim(&liar);
			let expected = Periods {
				trace: TracePeriod::get() + 3 * work,
				answer: AnswerPeriod::get() + 2 * work,
				turn: TurnPeriod::get() + 3 * work,
			};
			assert_eq!(Challenges::periods(job), Some(expected));
		}
		assert_eq!(Challenges::periods(99), None);
	});
}

#[test]
fn boundary_turns_about_a_slow_model() {
	build_and_execute(|| {
		RunMicros::set(30_000_000);
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		assert_eq!(deadline_of(id), 1 + TracePeriod::get() + 30);
		pass(TracePeriod::get() + 30);
		reveal(job, &liar);
		let deadline = System::block_number() + TurnPeriod::get() + 30;
		assert_eq!(Challenges::turn(id), Some(Turn::Challenger { deadline }));
		pass(TurnPeriod::get() + 30);
		assert_ok!(Challenges::ask(signed(ALICE), id, TOP, None));
		let deadline = System::block_number() + AnswerPeriod::get() + 20;
		assert_eq!(deadline_of(id), deadline);
		pass(AnswerPeriod::get() + 20);
		hypothetically(|| {
			pass(2);
			assert!(end_of(job).is_some());
		});
		answer(OPERATOR, job, &liar, TOP);
	});
}

/// `count` claims of the operator, each challenged by somebody else in this block, with their traces
/// revealed if wanted. Returns the challengers and their jobs.
fn challenged(count: u64, reveal_them: bool) -> Vec<(u64, JobId)> {
	let (honest, liar) = short();
	let crowd = crowd(count);
	let jobs: Vec<_> = crowd.iter().map(|who| (*who, claim(&honest))).collect();
	for (who, job) in &jobs {
		open(*who, *job, &liar);
		if reveal_them {
			reveal(*job, &honest);
		}
	}
	jobs
}

#[test]
fn shams_delay_by_their_number_over_the_rate_and_no_more() {
	build_and_execute(|| {
		let count = 100;
		challenged(count, false);
		let rate = u64::from(OperatorRate::get());
		for id in 0..count {
			assert_eq!(deadline_of(id), 1 + id / rate + TracePeriod::get());
		}
		// The queue empties by itself.
		System::set_block_number(1 + count / rate + 1);
		let (honest, liar) = short();
		let job = claim(&honest);
		open(BOB, job, &liar);
		assert_eq!(deadline_of(count), System::block_number() + TracePeriod::get());
		System::set_block_number(1);
	});
}

#[test]
fn questions_stand_in_the_same_queue_as_traces() {
	build_and_execute(|| {
		let jobs = challenged(20, true);
		// Twenty traces were owed in this block, though they are revealed already.
		for (id, (who, _)) in (0..).zip(&jobs) {
			assert_ok!(Challenges::ask(signed(*who), id, TOP, None));
			let slot = 20 + id;
			let expected = 1 + slot / u64::from(OperatorRate::get()) + AnswerPeriod::get();
			assert_eq!(deadline_of(id), expected);
		}
		assert_eq!(NextSlot::<Test>::get(OPERATOR), 8 + 40);
	});
}

/// What requesters demand puts off what is owed in disputes, by its bytes, and the other way round.
#[test]
fn pieces_of_outputs_stand_in_the_same_queue() {
	build_and_execute(|| {
		assert_eq!(Challenges::put(&OPERATOR, 128, 0), 1 + 128 / 8);
		let (honest, liar) = short();
		let job = claim(&honest);
		open(BOB, job, &liar);
		assert_eq!(deadline_of(0), 1 + 128 / 8 + TracePeriod::get());
		// Behind a slot for the trace.
		assert_eq!(Challenges::put(&OPERATOR, 2, 0), 1 + (128 + 1 + 2u64).div_ceil(8));
		// Others are behind all of them in the blocks' queue: the hundred and thirty-third at 24 a block.
		assert_eq!(Challenges::put(&STRANGER, 2, 0), 1 + (128 + 1 + 2 + 2u64).div_ceil(24));
		Challenges::tidy(&STRANGER);
		assert!(NextSlot::<Test>::contains_key(STRANGER));
		System::set_block_number(3);
		Challenges::tidy(&STRANGER);
		assert!(!NextSlot::<Test>::contains_key(STRANGER));
		System::set_block_number(1);
	});
}

#[test]
fn all_operators_share_the_blocks() {
	build_and_execute(|| {
		// Each operator is asked little, all together much.
		OperatorRate::set(1_000);
		ChainRate::set(2);
		let (honest, liar) = short();
		for number in 0..10 {
			let job = claim(&honest);
			AllClaims::mutate(|claims| {
				claims.get_mut(&job).unwrap().view.operator = 500 + number;
			});
			let id = open(ALICE, job, &liar);
			assert_eq!(deadline_of(id), 1 + number / 2 + TracePeriod::get());
		}
	});
}

#[test]
fn a_long_trace_takes_the_place_of_many_answers() {
	build_and_execute(|| {
		// Ten blocks of work each.
		RunMicros::set(30_000_000);
		challenged(3, false);
		for id in 0..3 {
			let before = id * (10 * 8 + 1) / 8;
			assert_eq!(deadline_of(id), 1 + before + TracePeriod::get() + 30);
		}
	});
}

#[test]
fn who_answers_in_order_at_the_rate_is_never_late() {
	build_and_execute(|| {
		let rate = OperatorRate::get() as usize;
		let jobs = challenged(200, true);
		let (honest, _) = short();
		// A burst of questions far above the rate, then more in every block.
		let mut asked = jobs.iter().zip(0..);
		for block in 0..60 {
			for ((who, _), id) in asked.by_ref().take(if block == 0 { 150 } else { 10 }) {
				assert_ok!(Challenges::ask(signed(*who), id, TOP, None));
			}
			go_to(System::block_number() + 1);
			// The worker's order, and exactly the rate.
			let owed: Vec<_> = Owed::<Test>::iter_key_prefix((OPERATOR,)).take(rate).collect();
			for (due, (job, node)) in owed {
				assert!(u64::from(u32::from_be_bytes(due)) >= System::block_number());
				answer(OPERATOR, job, &honest, node.expect("traces are revealed"));
			}
		}
		assert_eq!(Owed::<Test>::iter().count(), 0);
		assert!(jobs.iter().all(|(_, job)| end_of(*job).is_none()));
		// Everybody asked and was answered, or has not moved yet.
		assert!(Nodes::<Test>::iter_values().all(|n| matches!(n, NodeState::Opened { .. })));
	});
}

#[test]
fn a_place_in_the_queue_is_forgotten_with_the_dispute() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		assert!(NextSlot::<Test>::contains_key(OPERATOR));
		pass(TracePeriod::get() + 2 + Retention::get() + 20);
		assert!(!NextSlot::<Test>::contains_key(OPERATOR));
	});
}

proptest::proptest! {
	#![proptest_config(proptest::prelude::ProptestConfig {
		cases: 24,
		failure_persistence: None,
		..Default::default()
	})]

	/// However challenges come in, working them off by deadline at the rate is in time.
	#[test]
	fn no_arrival_makes_who_works_at_the_rate_late(
		bursts in proptest::collection::vec(0..40usize, 1..12),
		rate in 1..9u32,
	) {
		build_and_execute(|| {
			OperatorRate::set(rate);
			let (honest, liar) = short();
			let mut crowd = crowd(bursts.iter().sum::<usize>() as u64).into_iter();
			let mut bursts = bursts.iter();
			loop {
				let burst = bursts.next();
				for who in crowd.by_ref().take(burst.copied().unwrap_or_default()) {
					open(who, claim(&honest), &liar);
				}
				let now = System::block_number();
				go_to(now + 1);
				let owed: Vec<_> =
					Owed::<Test>::iter_key_prefix((OPERATOR,)).take(rate as usize).collect();
				if owed.is_empty() && burst.is_none() {
					break;
				}
				for (_, (job, _)) in owed {
					// Fails when it is late.
					reveal(job, &honest);
				}
			}
		});
	}
}
