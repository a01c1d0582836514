//! What time does in idle weight.

use crate::{mock::*, Agenda, AgendaHead, JobStatus, Jobs as Records, WeightInfo};
use frame_support::{assert_ok, traits::Hooks, weights::Weight};

fn idle(steps: u64) {
	let step = <()>::idle_step().saturating_add(Jobs::weight_of_poke());
	let weight = <()>::idle_base().saturating_add(step.saturating_mul(steps));
	let used = Jobs::on_idle(System::block_number(), weight);
	assert!(used.all_lte(weight), "never more than was given");
	check();
}

#[test]
fn works_off_what_is_due_and_nothing_else() {
	build_and_execute(|| {
		let (a, b) = (request(), claimed());
		System::set_block_number(25);
		idle(100);
		assert_eq!(status(a), JobStatus::Queued);
		assert!(matches!(status(b), JobStatus::Final { .. }));
		System::set_block_number(32);
		idle(100);
		assert_eq!(status(a), JobStatus::Expired);
		System::set_block_number(32 + 40);
		idle(100);
		assert_eq!(Records::<Test>::iter().count(), 0);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
	});
}

#[test]
fn little_weight_does_a_little_at_a_time() {
	build_and_execute(|| {
		for _ in 0..3 {
			request();
		}
		System::set_block_number(40);
		let expired = || {
			let jobs = Records::<Test>::iter_values();
			jobs.filter(|job| job.status == JobStatus::Expired).count()
		};
		assert_eq!(Jobs::on_idle(40, Weight::zero()), Weight::zero());
		idle(0);
		assert_eq!(expired(), 0);
		idle(1);
		assert_eq!(expired(), 1);
		idle(2);
		assert_eq!(expired(), 3);
		// The head stays where there may be more, and moves on when there is weight.
		assert_eq!(AgendaHead::<Test>::get(), Some(32));
		idle(100);
		assert_eq!(AgendaHead::<Test>::get(), Some(41));
	});
}

#[test]
fn poke_does_the_same_without_idle_weight() {
	build_and_execute(|| {
		let id = claimed();
		System::set_block_number(22);
		assert_ok!(Jobs::poke(signed(STRANGER), id));
		idle(100);
		assert!(matches!(status(id), JobStatus::Final { .. }));
	});
}

#[test]
fn later_jobs_may_be_due_before_the_head() {
	build_and_execute(|| {
		let long = request();
		assert_eq!(AgendaHead::<Test>::get(), Some(32));
		let short = accepted();
		assert_eq!(AgendaHead::<Test>::get(), Some(12));
		System::set_block_number(12);
		idle(100);
		assert_eq!((status(long), status(short)), (JobStatus::Queued, JobStatus::Queued));
	});
}
