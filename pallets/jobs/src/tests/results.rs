//! Claiming, and becoming final.

use crate::{mock::*, Assurance, Error, Event, JobStatus, Outputs};
use assay_primitives::{Claims, OperatorLedger, PageKey};
use frame_support::{assert_noop, assert_ok, BoundedVec};
use sp_core::H256;

#[test]
fn claim_opens_the_window() {
	build_and_execute(|| {
		let id = claimed();
		let (root, output) = answer();
		System::assert_last_event(
			Event::Claimed { job: id, operator: OPERATOR, output_root: root, window_end: 21 }
				.into(),
		);
		assert_eq!(Outputs::<Test>::get(id), Some(output));
		let view = Jobs::open_claim(id).expect("open");
		assert_eq!((view.operator, view.requester, view.model), (OPERATOR, REQUESTER, small()));
		assert_eq!((view.output_root, view.window_end), (root, 21));
		assert_eq!((view.fee, view.stake), (FEE, 10_000));
		assert_eq!((view.info.n_ops, view.info.input_len), (2, LEN as u64));
		assert_eq!(Jobs::input(id), Some(vec![1; LEN]));
		let pages = Jobs::claim_pages(&small(), None, 10);
		assert_eq!(pages, vec![(PageKey::new(22, 0), vec![id])]);
		assert_eq!(Jobs::claim_pages(&small(), Some(PageKey::new(22, 0)), 10), vec![]);
		assert_eq!(Jobs::claim_pages(&large(), None, 10), vec![]);
	});
}

#[test]
fn fails_for_strangers_and_for_jobs_in_another_status() {
	build_and_execute(|| {
		let (root, output) = answer();
		let queued = request();
		let assigned = accepted();
		let claim = |who, id| claim(who, id, root, output.clone());
		assert_noop!(claim(OPERATOR, 99), Error::<Test>::JobUnknown);
		assert_noop!(claim(OPERATOR, queued), Error::<Test>::JobNotAssigned);
		assert_noop!(claim(STRANGER, assigned), Error::<Test>::NotAssignee);
		assert_noop!(claim(RIVAL, assigned), Error::<Test>::NotAssignee);
		assert_ok!(claim(OPERATOR, assigned));
		assert_noop!(claim(OPERATOR, assigned), Error::<Test>::JobNotAssigned);
	});
}

#[test]
fn boundary_last_block_before_the_deadline() {
	build_and_execute(|| {
		let id = accepted();
		let (root, output) = answer();
		System::set_block_number(12);
		let late = claim(OPERATOR, id, root, output.clone());
		assert_eq!(late, Err(Error::<Test>::DeadlineOver.into()));
		System::set_block_number(11);
		assert_ok!(claim(OPERATOR, id, root, output));
	});
}

#[test]
fn claim_of_an_earlier_attempt_is_refused() {
	build_and_execute(|| {
		let id = accepted();
		let (root, output) = answer();
		let early = answer_to(id, root, output);
		wait(11);
		assert_ok!(poke(STRANGER, id));
		assert_ok!(accept(RIVAL, id));
		assert_noop!(claim_all(RIVAL, vec![early.clone()]), Error::<Test>::JobDiffers);
		let now = answer_to(id, root, early.output);
		assert_ok!(claim_all(RIVAL, vec![now]));
	});
}

#[test]
fn batch_takes_the_answers_that_are_owed() {
	build_and_execute(|| {
		let (root, output) = answer();
		let (mine, queued) = (accepted(), request());
		let other = accepted();
		let theirs = request();
		assert_ok!(accept(RIVAL, theirs));
		let all = || [theirs, mine, queued, other].map(|id| answer_to(id, root, output.clone()));
		let mut wrong = all();
		wrong[3].output_root = H256::zero();
		assert_ok!(claim_all(OPERATOR, wrong.to_vec()));
		let is_claimed = |id| matches!(status(id), JobStatus::Claimed { operator: OPERATOR, .. });
		assert_eq!([theirs, mine, queued, other].map(is_claimed), [false, true, false, false]);
		assert_ok!(claim_all(OPERATOR, all().to_vec()));
		assert_eq!([theirs, mine, queued, other].map(is_claimed), [false, true, false, true]);
		assert_noop!(claim_all(OPERATOR, all().to_vec()), Error::<Test>::NotAssignee);
		assert_noop!(claim_all(OPERATOR, vec![]), Error::<Test>::BatchEmpty);
	});
}

#[test]
fn short_output_must_be_whole_and_hash_to_the_root() {
	build_and_execute(|| {
		let id = accepted();
		let (root, output) = answer();
		let claim = |root, output: &[u8]| {
			let output = BoundedVec::truncate_from(output.to_vec());
			claim(OPERATOR, id, root, output)
		};
		assert_noop!(claim(root, &[]), Error::<Test>::OutputLength);
		assert_noop!(claim(root, &output[1..]), Error::<Test>::OutputLength);
		assert_noop!(claim(H256::zero(), &output), Error::<Test>::OutputMismatch);
		assert_ok!(claim(root, &output));
	});
}

#[test]
fn long_output_is_claimed_by_root_alone() {
	build_and_execute(|| {
		let id = request_of(large(), vec![1; LARGE], None);
		assert_ok!(accept(OPERATOR, id));
		let root = H256::repeat_byte(5);
		let some = BoundedVec::truncate_from(vec![1]);
		assert_noop!(claim(OPERATOR, id, root, some), Error::<Test>::OutputLength);
		assert_ok!(claim(OPERATOR, id, root, BoundedVec::new()));
		assert_eq!(Outputs::<Test>::get(id), None);
	});
}

#[test]
fn pays_the_operator_when_the_window_closes() {
	build_and_execute(|| {
		let (operator, issuance) = (free(OPERATOR), Balances::total_issuance());
		let id = claimed();
		System::set_block_number(21);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		System::set_block_number(22);
		assert_ok!(poke(STRANGER, id));
		let (output_root, _) = answer();
		System::assert_last_event(
			Event::Finalized { job: id, operator: OPERATOR, output_root, paid: FEE }.into(),
		);
		let assurance = Assurance { window: 20, disputes: 0, at: 22 };
		assert_eq!(status(id), JobStatus::Final { operator: OPERATOR, output_root, assurance });
		assert_eq!(free(OPERATOR), operator + FEE);
		assert_eq!(Operators::free_stake(&OPERATOR), 100_000);
		assert_eq!(Balances::total_issuance(), issuance);
		assert_eq!(Jobs::open_claim(id), None);
	});
}

#[test]
fn held_claim_is_not_final_until_released() {
	build_and_execute(|| {
		let id = claimed();
		assert_ok!(Jobs::hold_open(id));
		assert_ok!(Jobs::hold_open(id));
		System::set_block_number(50);
		assert_ok!(poke(STRANGER, id));
		assert!(Jobs::open_claim(id).is_some());
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		Jobs::release_open(id);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		check();
		Jobs::release_open(id);
		System::set_block_number(51);
		assert_ok!(poke(STRANGER, id));
		let JobStatus::Final { assurance, .. } = status(id) else { panic!("final") };
		assert_eq!((assurance.disputes, assurance.at), (2, 51));
	});
}

#[test]
fn disputes_that_end_within_the_window_delay_nothing() {
	build_and_execute(|| {
		let id = claimed();
		assert_ok!(Jobs::hold_open(id));
		Jobs::release_open(id);
		System::set_block_number(22);
		assert_ok!(poke(STRANGER, id));
		assert_noop!(Jobs::hold_open(id), Error::<Test>::ClaimNotOpen);
		Jobs::release_open(id);
	});
}
