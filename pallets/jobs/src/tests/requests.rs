//! Requesting and cancelling.

use crate::{mock::*, Error, Event, HoldReason, JobStatus, Jobs as Records};
use assay_primitives::ModelId;
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, BoundedVec};
use sp_core::H256;
use sp_runtime::TokenError;

fn submit(
	model: ModelId,
	len: usize,
	fee: u64,
	operator: Option<u64>,
) -> sp_runtime::DispatchResult {
	let input = BoundedVec::truncate_from(vec![1; len]);
	let done = Jobs::request(signed(REQUESTER), model, input, fee, operator);
	done.map(|_| ()).map_err(|error| error.error)
}

#[test]
fn holds_fee_and_deposit_and_computes_the_input_root() {
	build_and_execute(|| {
		let id = request();
		let held = |reason: HoldReason| Balances::balance_on_hold(&reason.into(), &REQUESTER);
		let deposit = 50 + 2 * LEN as u64;
		assert_eq!((held(HoldReason::Fee), held(HoldReason::Storage)), (FEE, deposit));
		let job = Records::<Test>::get(id).expect("stored");
		assert_eq!(job.input_root, H256(assay_referee::tree::hash(&[1; LEN])));
		assert_eq!((job.attempt(), job.expires), (0, 31));
		assert_eq!(job.status, JobStatus::Queued);
		System::assert_last_event(
			Event::Requested {
				job: id,
				requester: REQUESTER,
				model: small(),
				input_root: job.input_root,
				fee: FEE,
				designated: None,
				expires: 31,
			}
			.into(),
		);
	});
}

#[test]
fn fails_for_an_unknown_model() {
	build_and_execute(|| {
		let unknown = ModelId::repeat_byte(3);
		assert_noop!(submit(unknown, LEN, FEE, None), Error::<Test>::ModelUnknown);
	});
}

#[test]
fn fails_for_a_retired_model() {
	build_and_execute(|| {
		assert_ok!(Models::retire(signed(PUBLISHER), small()));
		let retired = pallet_models::Error::<Test>::ModelRetired;
		assert_noop!(submit(small(), LEN, FEE, None), retired);
	});
}

#[test]
fn fails_for_a_wrong_input_length() {
	build_and_execute(|| {
		for len in [0, LEN - 1, LEN + 1, LARGE] {
			assert_noop!(submit(small(), len, FEE, None), Error::<Test>::InputLength);
		}
	});
}

#[test]
fn boundary_least_fee() {
	build_and_execute(|| {
		// 16 elements negated twice, and the base fee.
		let units = 2 * LEN as u64 / 4;
		let least = Jobs::min_fee(units);
		assert_eq!(least, 100 + units);
		assert_noop!(submit(small(), LEN, least - 1, None), Error::<Test>::FeeTooSmall);
		assert_ok!(submit(small(), LEN, least, None));
	});
}

#[test]
fn fails_without_the_money() {
	build_and_execute(|| {
		let unavailable = TokenError::FundsUnavailable;
		assert_noop!(submit(small(), LEN, WEALTH + 1, None), unavailable);
		// Enough for the fee but not for the deposit: nothing stays held.
		assert_noop!(submit(small(), LEN, WEALTH - 20, None), unavailable);
	});
}

#[test]
fn designated_operator_must_be_able() {
	build_and_execute(|| {
		let unavailable = Error::<Test>::OperatorUnavailable;
		assert_noop!(submit(small(), LEN, FEE, Some(STRANGER)), unavailable);
		assert_ok!(Operators::chill(signed(RIVAL)));
		let unavailable = Error::<Test>::OperatorUnavailable;
		assert_noop!(submit(small(), LEN, FEE, Some(RIVAL)), unavailable);
		assert_ok!(submit(small(), LEN, FEE, Some(OPERATOR)));
	});
}

#[test]
fn cancelling_refunds_the_fee_at_once_and_the_deposit_later() {
	build_and_execute(|| {
		let before = free(REQUESTER);
		let id = request();
		assert_noop!(Jobs::cancel(signed(STRANGER), id), Error::<Test>::NotRequester);
		assert_ok!(Jobs::cancel(signed(REQUESTER), id));
		System::assert_last_event(Event::Cancelled { job: id, refunded: FEE }.into());
		assert_eq!(free(REQUESTER), before - 50 - 2 * LEN as u64);
		assert_noop!(Jobs::cancel(signed(REQUESTER), id), Error::<Test>::JobNotQueued);
		wait(40);
		assert_ok!(poke(STRANGER, id));
		assert_eq!(free(REQUESTER), before);
		assert_noop!(Jobs::cancel(signed(REQUESTER), id), Error::<Test>::JobUnknown);
	});
}

#[test]
fn accepted_jobs_cannot_be_cancelled() {
	build_and_execute(|| {
		let id = accepted();
		assert_noop!(Jobs::cancel(signed(REQUESTER), id), Error::<Test>::JobNotQueued);
	});
}
