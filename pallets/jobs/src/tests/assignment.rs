//! Accepting, and missing the deadline.

use crate::{mock::*, Error, Event, JobStatus, Jobs as Records};
use assay_primitives::{ModelId, OperatorLedger};
use frame_support::{assert_noop, assert_ok, BoundedVec};

#[test]
fn puts_stake_behind_the_job() {
	build_and_execute(|| {
		let id = accepted();
		assert_eq!(Operators::free_stake(&OPERATOR), 90_000);
		System::assert_last_event(
			Event::Accepted {
				job: id,
				operator: OPERATOR,
				attempt: 0,
				stake: 10_000,
				deadline: 11,
			}
			.into(),
		);
		assert_noop!(accept(RIVAL, id), Error::<Test>::JobNotQueued);
	});
}

#[test]
fn small_fees_still_need_the_least_stake() {
	build_and_execute(|| {
		assert_eq!(Jobs::stake_for(1), 5_000);
		assert_eq!(Jobs::stake_for(501), 5_010);
	});
}

#[test]
fn one_stake_backs_no_more_jobs_than_it_can_pay_for() {
	build_and_execute(|| {
		for _ in 0..10 {
			accepted();
		}
		let id = request();
		let small = pallet_operators::Error::<Test>::FreeStakeTooSmall;
		assert_noop!(accept(OPERATOR, id), small);
	});
}

#[test]
fn fails_for_those_who_cannot() {
	build_and_execute(|| {
		let id = request();
		assert_noop!(accept(STRANGER, id), Error::<Test>::ModelNotServed);
		assert_noop!(accept(RIVAL, 99), Error::<Test>::JobUnknown);
		assert_ok!(Operators::chill(signed(RIVAL)));
		let chilled = pallet_operators::Error::<Test>::OperatorChilled;
		assert_noop!(accept(RIVAL, id), chilled);
		assert_ok!(Operators::serve(signed(OPERATOR), BoundedVec::new()));
		assert_noop!(accept(OPERATOR, id), Error::<Test>::ModelNotServed);
	});
}

#[test]
fn designated_job_waits_for_its_operator() {
	build_and_execute(|| {
		let id = request_of(small(), vec![1; LEN], Some(OPERATOR));
		assert_noop!(accept(RIVAL, id), Error::<Test>::JobDesignated);
		assert_ok!(accept(OPERATOR, id));
	});
}

#[test]
fn boundary_last_block_in_the_queue() {
	build_and_execute(|| {
		let id = request();
		System::set_block_number(31);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		frame_support::hypothetically!({
			assert_ok!(accept(OPERATOR, id));
		});
		System::set_block_number(32);
		assert_noop!(accept(OPERATOR, id), Error::<Test>::QueueOver);
		assert_ok!(poke(STRANGER, id));
		System::assert_last_event(Event::Expired { job: id, refunded: FEE }.into());
		assert_eq!(status(id), JobStatus::Expired);
	});
}

#[test]
fn missed_deadline_costs_a_little_and_queues_again() {
	build_and_execute(|| {
		let id = accepted();
		let issuance = Balances::total_issuance();
		System::set_block_number(11);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		System::set_block_number(12);
		assert_ok!(poke(STRANGER, id));
		System::assert_last_event(
			Event::DeadlineMissed { job: id, operator: OPERATOR, burned: 100, queued: true }.into(),
		);
		assert_eq!(Balances::total_issuance(), issuance - 100);
		assert_eq!(Operators::free_stake(&OPERATOR), 99_900);
		let job = Records::<Test>::get(id).expect("kept");
		assert_eq!((job.attempt(), job.expires), (1, 31));
		assert_eq!(job.status, JobStatus::Queued);
		// Who was late does not get it again.
		assert_noop!(accept(OPERATOR, id), Error::<Test>::DeadlineMissedBefore);
		assert_ok!(accept(RIVAL, id));
	});
}

#[test]
fn missed_deadlines_do_not_go_on_forever() {
	build_and_execute(|| {
		let before = free(REQUESTER);
		let id = request();
		let mut attempts = 0;
		for who in [OPERATOR, RIVAL, OPERATOR] {
			if accept(who, id).is_ok() {
				attempts += 1;
				wait(11);
				assert_ok!(poke(STRANGER, id));
			}
		}
		assert_eq!(attempts, 2);
		wait(31);
		assert_ok!(poke(STRANGER, id));
		assert_eq!(status(id), JobStatus::Expired);
		wait(40);
		assert_ok!(poke(STRANGER, id));
		assert_eq!(free(REQUESTER), before);
	});
}

#[test]
fn missing_a_job_that_is_for_nobody_else_ends_it() {
	build_and_execute(|| {
		let id = request_of(small(), vec![1; LEN], Some(OPERATOR));
		assert_ok!(accept(OPERATOR, id));
		wait(11);
		assert_ok!(poke(STRANGER, id));
		System::assert_has_event(
			Event::DeadlineMissed { job: id, operator: OPERATOR, burned: 100, queued: false }
				.into(),
		);
		assert_eq!(status(id), JobStatus::Expired);
	});
}

#[test]
fn batch_takes_what_can_be_taken() {
	build_and_execute(|| {
		let jobs: Vec<_> = (0..12).map(|_| request()).collect();
		assert_ok!(accept(RIVAL, jobs[1]));
		assert_ok!(Jobs::cancel(signed(REQUESTER), jobs[2]));
		// Stake for ten of the ten that are left, and no more.
		assert_ok!(accept_all(OPERATOR, &jobs));
		let operators = jobs.iter().map(|id| match status(*id) {
			JobStatus::Assigned { operator, .. } => Some(operator),
			_ => None,
		});
		let expected = (0..12).map(|n| match n {
			1 => Some(RIVAL),
			2 => None,
			_ => Some(OPERATOR),
		});
		assert_eq!(operators.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
		assert_noop!(accept_all(OPERATOR, &jobs), Error::<Test>::JobNotQueued);
		assert_noop!(accept_all(OPERATOR, &[]), Error::<Test>::BatchEmpty);
	});
}

/// Time follows work: a model that runs for three blocks gives six more for everything.
#[test]
fn deadlines_grow_with_the_model() {
	build_and_execute(|| {
		let periods = Jobs::periods(small()).expect("registered");
		assert_eq!((periods.queue, periods.claim, periods.window), (30, 10, 20));
		// Blocks so short that the model takes three of them.
		BlockMillis::set(1);
		pallet_models::Models::<Test>::mutate(small(), |record| {
			record.as_mut().expect("registered").info.run_micros = 2_500;
		});
		let id = accepted();
		let JobStatus::Assigned { deadline, .. } = status(id) else { panic!("accepted") };
		assert_eq!(deadline, 1 + 10 + 2 * 3);
		let (root, output) = answer();
		assert_ok!(claim(OPERATOR, id, root, output));
		let JobStatus::Claimed { window_end, .. } = status(id) else { panic!("claimed") };
		assert_eq!(window_end, 1 + 20 + 2 * 3);
		assert_eq!(Jobs::periods(ModelId::repeat_byte(3)), None);
	});
}
