//! Claims that were false.

use crate::{mock::*, Error, Event, HoldReason, JobStatus};
use assay_primitives::{Claims, FaultKind, OperatorLedger};
use frame_support::{
	assert_noop, assert_ok,
	traits::fungible::{Inspect, InspectHold},
};

const LEAF: FaultKind = FaultKind::Leaf { entry: 1, element: 3 };

#[test]
fn proof_refunds_slashes_and_shares() {
	build_and_execute(|| {
		let requester = free(REQUESTER);
		let issuance = Balances::total_issuance();
		let id = claimed();
		assert_ok!(Jobs::fault(id, LEAF, Some(STRANGER), Some(PUBLISHER)));

		let (output_root, _) = answer();
		let fraud = JobStatus::Fraud { operator: OPERATOR, output_root, fault: LEAF };
		assert_eq!(status(id), fraud);
		System::assert_has_event(
			Event::FaultAccepted {
				job: id,
				operator: OPERATOR,
				fault: LEAF,
				refunded: FEE,
				slashed: 10_000,
			}
			.into(),
		);
		System::assert_last_event(
			Event::SlashShared {
				job: id,
				finder: Some(STRANGER),
				to_finder: 3_000,
				prover: Some(PUBLISHER),
				to_prover: 200,
				to_requester: 500,
				burned: 6_300,
			}
			.into(),
		);
		assert_eq!(free(STRANGER), WEALTH + 3_000);
		assert_eq!(free(PUBLISHER), WEALTH + 200);
		let deposit = Balances::balance_on_hold(&HoldReason::Storage.into(), &REQUESTER);
		assert_eq!(free(REQUESTER) + deposit, requester + 500);
		assert_eq!(Balances::total_issuance(), issuance - 6_300);
		assert!(!Operators::is_active(&OPERATOR));
		assert_eq!(Operators::free_stake(&OPERATOR), 90_000);
	});
}

/// S3: an operator that catches itself, under as many names as it likes, loses most of the stake.
#[test]
fn colluders_recover_little() {
	build_and_execute(|| {
		MaxProverReward::set(u64::MAX);
		// All of these are the operator's, and so is the job's requester.
		let gang = [OPERATOR, REQUESTER, STRANGER, PUBLISHER];
		let wealth = || gang.iter().map(Balances::total_balance).sum::<u64>();
		for kind in [LEAF, FaultKind::NoTrace] {
			let before = wealth();
			let id = claimed();
			let stake = Jobs::open_claim(id).expect("open").stake;
			assert_ok!(Jobs::fault(id, kind, Some(STRANGER), Some(PUBLISHER)));
			assert!(before - wealth() >= stake * 58 / 100);
			wait(5);
			assert_ok!(Operators::activate(signed(OPERATOR)));
		}
	});
}

#[test]
fn timeout_rewards_less_and_no_prover() {
	build_and_execute(|| {
		let id = claimed();
		assert_ok!(Jobs::fault(id, FaultKind::NoTrace, Some(STRANGER), Some(PUBLISHER)));
		assert_eq!((free(STRANGER), free(PUBLISHER)), (WEALTH + 1_500, WEALTH));
	});
}

#[test]
fn accounts_that_cannot_take_money_burn_their_share() {
	build_and_execute(|| {
		let issuance = Balances::total_issuance();
		let nobody = 77;
		// Below the existential deposit.
		MaxProverReward::set(5);
		let id = claimed();
		assert_ok!(Jobs::fault(id, LEAF, None, Some(nobody)));
		assert_eq!(free(nobody), 0);
		assert_eq!(Balances::total_issuance(), issuance - 9_500);
	});
}

#[test]
fn terminal_statuses_absorb() {
	build_and_execute(|| {
		let (root, output) = answer();
		let fraud = claimed();
		assert_ok!(Jobs::fault(fraud, LEAF, None, None));
		wait(5);
		assert_ok!(Operators::activate(signed(OPERATOR)));
		let cancelled = request();
		assert_ok!(Jobs::cancel(signed(REQUESTER), cancelled));
		let finished = claimed();
		System::set_block_number(27);
		assert_ok!(poke(STRANGER, finished));

		for id in [fraud, cancelled, finished] {
			let before = status(id);
			assert_noop!(Jobs::fault(id, LEAF, None, None), Error::<Test>::ClaimNotOpen);
			assert_noop!(Jobs::hold_open(id), Error::<Test>::ClaimNotOpen);
			Jobs::release_open(id);
			assert!(Jobs::cancel(signed(REQUESTER), id).is_err());
			assert!(accept(RIVAL, id).is_err());
			let again = claim(OPERATOR, id, root, output.clone());
			assert_noop!(again, Error::<Test>::JobNotAssigned);
			assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
			assert_eq!(status(id), before);
		}
	});
}

#[test]
fn fails_before_there_is_a_claim() {
	build_and_execute(|| {
		let no_claim = Error::<Test>::ClaimNotOpen;
		let id = request();
		assert_noop!(Jobs::fault(id, LEAF, None, None), no_claim);
		let id = accepted();
		assert_noop!(Jobs::fault(id, LEAF, None, None), Error::<Test>::ClaimNotOpen);
		assert_noop!(Jobs::fault(99, LEAF, None, None), Error::<Test>::JobUnknown);
	});
}

#[test]
fn reaping_leaves_nothing_behind() {
	build_and_execute(|| {
		let before = free(REQUESTER);
		let id = claimed();
		assert_ok!(Jobs::hold_open(id));
		assert_ok!(Jobs::fault(id, LEAF, None, None));
		wait(39);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		wait(1);
		assert_ok!(poke(STRANGER, id));
		assert_eq!(crate::Jobs::<Test>::get(id), None);
		assert_eq!(Jobs::input(id), None);
		assert_eq!(crate::Outputs::<Test>::get(id), None);
		// Fee and deposit are back, and the requester's share on top.
		assert_eq!(free(REQUESTER), before + 500);
		assert_noop!(poke(STRANGER, id), Error::<Test>::JobUnknown);
	});
}
