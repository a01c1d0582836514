//! Accepting, and missing the deadline.

use crate::{mock::*, Error, Event, JobStatus, Jobs as Records};
use assay_primitives::OperatorLedger;
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
		assert_noop!(Jobs::accept(signed(RIVAL), id, None), Error::<Test>::NotQueued);
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
		assert_noop!(Jobs::accept(signed(OPERATOR), id, None), small);
	});
}

#[test]
fn fails_for_those_who_cannot() {
	build_and_execute(|| {
		let id = request();
		let stranger = signed(STRANGER);
		assert_noop!(Jobs::accept(stranger, id, None), Error::<Test>::ModelNotServed);
		assert_noop!(Jobs::accept(signed(RIVAL), 99, None), Error::<Test>::JobUnknown);
		assert_ok!(Operators::chill(signed(RIVAL)));
		let chilled = pallet_operators::Error::<Test>::OperatorChilled;
		assert_noop!(Jobs::accept(signed(RIVAL), id, None), chilled);
		assert_ok!(Operators::serve(signed(OPERATOR), BoundedVec::new()));
		assert_noop!(Jobs::accept(signed(OPERATOR), id, None), Error::<Test>::ModelNotServed);
	});
}

#[test]
fn designated_job_waits_for_its_operator() {
	build_and_execute(|| {
		let id = request_of(small(), vec![1; LEN], Some(OPERATOR));
		assert_noop!(Jobs::accept(signed(RIVAL), id, None), Error::<Test>::Designated);
		assert_ok!(Jobs::accept(signed(OPERATOR), id, None));
	});
}

#[test]
fn boundary_last_block_in_the_queue() {
	build_and_execute(|| {
		let id = request();
		System::set_block_number(31);
		assert_noop!(Jobs::poke(signed(STRANGER), id), Error::<Test>::NothingDue);
		frame_support::hypothetically!({
			assert_ok!(Jobs::accept(signed(OPERATOR), id, None));
		});
		System::set_block_number(32);
		assert_noop!(Jobs::accept(signed(OPERATOR), id, None), Error::<Test>::QueueOver);
		assert_ok!(Jobs::poke(signed(STRANGER), id));
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
		assert_noop!(Jobs::poke(signed(STRANGER), id), Error::<Test>::NothingDue);
		System::set_block_number(12);
		assert_ok!(Jobs::poke(signed(STRANGER), id));
		System::assert_last_event(
			Event::DeadlineMissed { job: id, operator: OPERATOR, burned: 100, queued: true }.into(),
		);
		assert_eq!(Balances::total_issuance(), issuance - 100);
		assert_eq!(Operators::free_stake(&OPERATOR), 99_900);
		let job = Records::<Test>::get(id).expect("kept");
		assert_eq!((job.status, job.attempt, job.expires), (JobStatus::Queued, 1, 31));
		assert_ok!(Jobs::accept(signed(RIVAL), id, None));
	});
}

#[test]
fn missed_deadlines_do_not_go_on_forever() {
	build_and_execute(|| {
		let before = free(REQUESTER);
		let id = request();
		let mut attempts = 0;
		while Jobs::accept(signed(RIVAL), id, None).is_ok() {
			attempts += 1;
			wait(11);
			assert_ok!(Jobs::poke(signed(STRANGER), id));
		}
		assert_eq!(attempts, 3);
		assert_eq!(status(id), JobStatus::Expired);
		assert!(!Operators::is_active(&RIVAL));
		wait(40);
		assert_ok!(Jobs::poke(signed(STRANGER), id));
		assert_eq!(free(REQUESTER), before);
	});
}
