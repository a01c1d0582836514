//! What time does in idle weight.

use crate::{mock::*, AgendaHead, AgendaPages, Due, JobStatus, Jobs as Records, WeightInfo};
use frame_support::{
	assert_ok,
	traits::Hooks,
	weights::{constants::ParityDbWeight, Weight},
};

/// Idle weight in which so many jobs of one page expire, each of another model.
fn idle(steps: u64) {
	let step = <()>::expire(1) - <()>::expire(0) + ParityDbWeight::get().reads_writes(2, 1);
	let before = <()>::idle_base() + <()>::idle_block() + <()>::idle_page() + <()>::expire(0);
	let weight = before.saturating_add(step.saturating_mul(steps));
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
		assert_eq!(AgendaPages::<Test>::iter().count(), 0);
		assert_eq!(Due::<Test>::iter().count(), 0);
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
		// The head stays where there is more, and moves on when there is weight.
		assert!(AgendaHead::<Test>::get().is_some_and(|head| (33..41).contains(&head)));
		idle(100);
		assert_eq!(AgendaHead::<Test>::get(), Some(41));
	});
}

#[test]
fn poke_does_the_same_without_idle_weight() {
	build_and_execute(|| {
		let id = claimed();
		System::set_block_number(22);
		assert_ok!(poke(STRANGER, id));
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

/// Five thousand jobs due in one block are worked off within the weight that is given, and what is
/// charged for each does not grow with how many there are.
#[test]
fn thousands_due_at_once_cost_the_same_each() {
	build_and_execute(|| {
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 1 << 40));
		for _ in 0..5_000 {
			request();
		}
		System::set_block_number(32);
		let plenty = Weight::from_parts(u64::MAX, u64::MAX);
		let charge = |weight| {
			let before = queued();
			let used = Jobs::on_idle(System::block_number(), weight);
			used.ref_time() / (before - queued()).max(1)
		};
		let early = charge(Weight::from_parts(20_000_000_000, u64::MAX));
		let middle = charge(Weight::from_parts(200_000_000_000, u64::MAX));
		let rest = charge(plenty);
		assert_eq!(queued(), 0);
		assert!(middle <= early && rest <= early, "{early} {middle} {rest}");
	});
}

/// What changes for an account is read and written once for a page, and charged once.
#[test]
fn a_requester_is_charged_for_once_in_a_page() {
	let plenty = Weight::from_parts(u64::MAX, u64::MAX);
	let cost = |requesters: [u64; 3]| {
		let mut used = Weight::zero();
		build_and_execute(|| {
			for who in requesters {
				assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), who, 1 << 40));
				let input = vec![1; LEN].try_into().unwrap();
				assert_ok!(Jobs::request(signed(who), small(), input, FEE, None));
			}
			System::set_block_number(32);
			used = Jobs::on_idle(32, plenty);
			assert_eq!(queued(), 0);
		});
		used
	};
	let account = ParityDbWeight::get().reads_writes(2, 2);
	let (one, three) = (cost([REQUESTER; 3]), cost([REQUESTER, STRANGER, RIVAL]));
	assert_eq!(three, one + account * 2);
}

fn queued() -> u64 {
	Records::<Test>::iter_values().filter(|job| job.status == JobStatus::Queued).count() as u64
}

#[test]
fn a_page_left_half_done_is_gone_on_with() {
	build_and_execute(|| {
		for _ in 0..100 {
			request();
		}
		System::set_block_number(32);
		for _ in 0..3 {
			let before = queued();
			idle(10);
			// More than ten: they are all of one requester.
			assert!((10..30).contains(&(before - queued())), "{before} {}", queued());
		}
		// Somebody else may do a part of what is left.
		let waits = |id: &u64| status(*id) == JobStatus::Queued;
		assert_ok!(poke(STRANGER, (0..100).find(waits).expect("thirty to sixty are done")));
		idle(1_000);
		idle(1_000);
		assert_eq!(queued(), 0);
	});
}

/// Whoever has thousands of jobs end at once does not have them reaped at once.
#[test]
fn what_ended_together_is_reaped_page_by_page() {
	build_and_execute(|| {
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 1 << 40));
		for _ in 0..20 * 64 {
			request();
		}
		System::set_block_number(32);
		idle(2_000);
		assert_eq!(queued(), 0);
		let mut left = Records::<Test>::iter().count();
		for block in 0..16 {
			System::set_block_number(32 + Retention::get() + block);
			idle(2_000);
			let now = Records::<Test>::iter().count();
			// Twenty pages in sixteen blocks.
			assert_eq!(left - now, if block < 4 { 128 } else { 64 });
			left = now;
		}
		assert_eq!(left, 0);
	});
}

/// What waits in the agenda for one party does not depend on what stands there for others.
#[test]
fn lanes_keep_parties_apart() {
	build_and_execute(|| {
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 1 << 40));
		let mine = request_of(small(), vec![1; LEN], Some(OPERATOR));
		for _ in 0..130 {
			request_of(large(), vec![1; LARGE], Some(RIVAL));
		}
		let theirs = crate::Lane::Queued { model: large(), designated: Some(RIVAL) };
		let own = crate::Lane::Queued { model: small(), designated: Some(OPERATOR) };
		let count = |lane| Jobs::pages_of(&lane, None, 100).len();
		assert_eq!((count(own), count(theirs)), (1, 3));
		assert_ok!(accept(OPERATOR, mine));
		assert_eq!(count(crate::Lane::Assigned(OPERATOR)), 1);
		assert_eq!(count(crate::Lane::Assigned(RIVAL)), 0);
		let (root, output) = answer();
		assert_ok!(claim(OPERATOR, mine, root, output));
		assert_eq!(count(crate::Lane::Claimed(small())), 1);
		assert_eq!(count(crate::Lane::Claimed(large())), 0);
	});
}

/// Somebody who names jobs of which nothing is due, beside one of which it is, pays.
#[test]
fn poking_for_nothing_is_not_free() {
	build_and_execute(|| {
		let (due, not_due) = (claimed(), request());
		System::set_block_number(22);
		let poke = |jobs: Vec<_>| {
			let jobs = frame_support::BoundedVec::truncate_from(jobs);
			Jobs::poke(signed(STRANGER), jobs, None).expect("something is due").pays_fee
		};
		let mixed = frame_support::hypothetically!(poke(vec![due, not_due]));
		assert_eq!(mixed, frame_support::dispatch::Pays::Yes);
		assert_eq!(poke(vec![due]), frame_support::dispatch::Pays::No);
	});
}
