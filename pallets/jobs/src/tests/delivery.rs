//! Outputs that the claim did not bring.

use crate::{
	impls::chunks_of, mock::*, Call, Demands, Error, Event, HoldReason, JobStatus, Lane,
	DELIVER_TAG,
};
use assay_primitives::{
	authorization::{message, LIFETIME},
	Authorization, Claims, FaultKind, JobId, OperatorLedger, MAX_PIECES, PIECE_BYTES,
};
use assay_referee::Slice;
use frame_support::{
	assert_noop, assert_ok,
	pallet_prelude::{InvalidTransaction, TransactionSource, ValidTransaction},
	traits::{fungible::InspectHold, Authorize, Hooks},
	weights::Weight,
};
use frame_system::{BlockHash, RawOrigin};
use sp_core::{Pair, H256};
use sp_runtime::{
	traits::{BadOrigin, Dispatchable},
	transaction_validity::TransactionValidityError,
};

const LEAF: FaultKind = FaultKind::Leaf { entry: 0, element: 3 };

fn demand(id: JobId, first: u32, pieces: u32) -> sp_runtime::DispatchResult {
	Jobs::demand(signed(REQUESTER), id, first, pieces)
}

fn on_hold() -> u64 {
	Balances::balance_on_hold(&HoldReason::Delivery.into(), &REQUESTER)
}

/// Let blocks pass with room for the agenda in each.
fn pass(blocks: u64) {
	for _ in 0..blocks {
		wait(1);
		Jobs::on_idle(System::block_number(), Weight::MAX);
	}
}

fn deadline(id: JobId) -> u64 {
	Demands::<Test>::get(id).expect("demanded").deadline
}

fn withheld(id: JobId) -> u32 {
	match status(id) {
		JobStatus::Claimed { withheld, .. } => withheld,
		other => panic!("not open: {other:?}"),
	}
}

#[test]
fn pieces_cover_the_output() {
	let piece = u64::from(PIECE_BYTES);
	assert_eq!(chunks_of(0, piece), Some((0, 64)));
	assert_eq!(chunks_of(1, piece), None);
	assert_eq!(chunks_of(1, piece + 1), Some((64, 1)));
	assert_eq!(chunks_of(0, 20_000), Some((0, 20)));
	assert_eq!(chunks_of(1, 70_000), Some((64, 5)));
	assert_eq!(chunks_of(2, 70_000), None);
	assert_eq!(chunks_of(u32::MAX, u64::MAX).map(|(_, chunks)| chunks), Some(64));
	assert_eq!(chunks_of(u32::MAX, 1 << 40), None);
}

#[test]
fn what_is_demanded_is_delivered_and_paid() {
	build_and_execute(|| {
		let id = wide_claimed();
		let (requester, operator) = (free(REQUESTER), free(OPERATOR));
		let issuance = Balances::total_issuance();
		assert_ok!(demand(id, 0, 2));
		// Four slots are a block, and six blocks more.
		let last = 1 + 1 + 6;
		System::assert_last_event(
			Event::Demanded { job: id, first: 0, pieces: 2, fee: 120, deadline: last }.into(),
		);
		assert_eq!(on_hold(), 120);
		Jobs::do_try_state().unwrap();

		// The last piece is short, and may come first.
		assert_ok!(deliver(OPERATOR, id, 1));
		System::assert_last_event(
			Event::Delivered { job: id, piece: 1, who: OPERATOR, earned: 50, burned: 10 }.into(),
		);
		assert_eq!((on_hold(), free(OPERATOR)), (110, operator));
		Jobs::do_try_state().unwrap();
		// In the last block, by somebody else: the operator earns it all the same.
		wait(last - 1);
		assert_ok!(deliver(STRANGER, id, 0));
		assert_eq!((on_hold(), free(OPERATOR)), (100, operator));
		assert_eq!((free(REQUESTER), free(STRANGER)), (requester - 120, WEALTH));
		assert_eq!(Balances::total_issuance(), issuance - 20);
		assert!(Demands::<Test>::get(id).is_none());

		pass(20);
		let fee = crate::Jobs::<Test>::get(id).unwrap().fee;
		assert_eq!((on_hold(), free(OPERATOR)), (0, operator + fee + 100));
		let JobStatus::Final { assurance, .. } = status(id) else { panic!("{:?}", status(id)) };
		assert_eq!(assurance.disputes, 0);
	});
}

#[test]
fn delivery_that_is_right_is_free() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 1));
		let done = Jobs::deliver(signed(STRANGER), id, 0, piece(0), None).unwrap();
		assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
	});
}

#[test]
fn demands_that_make_no_sense_are_refused() {
	build_and_execute(|| {
		let id = wide_claimed();
		let stranger = Jobs::demand(signed(STRANGER), id, 0, 1);
		assert_eq!(stranger, Err(Error::<Test>::NotRequester.into()));
		for (first, pieces) in [(0, 0), (0, 3), (2, 1), (u32::MAX, 1), (1, 2), (0, u32::MAX)] {
			assert_noop!(demand(id, first, pieces), Error::<Test>::PieceUnknown);
		}
		assert_noop!(demand(id + 1, 0, 1), Error::<Test>::JobUnknown);
		let waiting = request_of(wide(), vec![1; WIDE], None);
		assert_noop!(demand(waiting, 0, 1), Error::<Test>::ClaimNotOpen);
		let inline = claimed();
		assert_noop!(demand(inline, 0, 1), Error::<Test>::OutputOnChain);
		assert_ok!(demand(id, 0, 1));
		assert_noop!(demand(id, 1, 1), Error::<Test>::DemandOutstanding);
		assert_ok!(deliver(OPERATOR, id, 0));
		// And then others, or the same again, for a fee again.
		assert_ok!(demand(id, 1, 1));
		assert_ok!(deliver(OPERATOR, id, 1));
		assert_ok!(demand(id, 1, 1));
		assert_ok!(deliver(OPERATOR, id, 1));
		// Who cannot pay gets nothing, and leaves nothing.
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 69));
		assert!(demand(id, 0, 1).is_err());
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 1_000));
		wait(20);
		assert_ok!(demand(id, 0, 1));
		assert_ok!(deliver(OPERATOR, id, 0));
		wait(1);
		assert_noop!(demand(id, 0, 1), Error::<Test>::WindowOver);
	});
}

#[test]
fn only_the_piece_itself_is_taken() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_noop!(
			Jobs::deliver(signed(OPERATOR), id, 0, piece(0), None),
			Error::<Test>::PieceNotOwed
		);
		assert_ok!(demand(id, 0, 1));
		let refuse = |number: u32, slice: Slice, why: Error<Test>| {
			let done = Jobs::deliver(signed(OPERATOR), id, number, slice, None);
			assert_eq!(done.map_err(|error| error.error), Err(why.into()));
		};
		// Another piece, whole and right, under this one's number, and the other way round.
		refuse(0, piece(1), Error::PieceMismatch);
		refuse(1, piece(1), Error::PieceNotOwed);
		refuse(2, piece(0), Error::PieceNotOwed);
		refuse(u32::MAX, piece(0), Error::PieceNotOwed);
		// Parts of it, and more than it.
		for (first, chunks) in [(0, 63), (1, 64), (0, 65), (0, 69)] {
			refuse(0, Slice::make(&wide_output(), first, chunks).unwrap(), Error::PieceMismatch);
		}
		// Of another output, and with a byte or a hash too many, too few or changed.
		let mut other = wide_output();
		other[69_999] ^= 1;
		refuse(0, Slice::make(&other, 0, 64).unwrap(), Error::PieceMismatch);
		let change: [fn(&mut Slice); 7] = [
			|slice| slice.data[0] ^= 1,
			|slice| slice.data[65_535] ^= 128,
			|slice| slice.siblings[0][0] ^= 1,
			|slice| slice.siblings.push([0; 32]),
			|slice| slice.siblings.clear(),
			|slice| slice.start = u64::MAX,
			|slice| slice.data.clear(),
		];
		for change in change {
			let mut slice = piece(0);
			change(&mut slice);
			refuse(0, slice, Error::PieceMismatch);
		}
		assert_ok!(deliver(OPERATOR, id, 0));
		refuse(0, piece(0), Error::PieceNotOwed);
		assert_eq!(on_hold(), 50);
	});
}

#[test]
fn withheld_output_makes_the_job_void() {
	build_and_execute(|| {
		let requester = free(REQUESTER);
		let id = wide_claimed();
		let (fee, free_stake) = (least_fee(wide()), Operators::free_stake(&OPERATOR));
		let issuance = Balances::total_issuance();
		assert_ok!(demand(id, 0, 2));
		assert_ok!(deliver(OPERATOR, id, 1));
		pass(deadline(id) - System::block_number());
		assert_eq!(withheld(id), 0);
		pass(1);
		System::assert_last_event(
			Event::Withheld { job: id, operator: OPERATOR, pieces: 1, refunded: 60 }.into(),
		);
		assert_eq!((withheld(id), on_hold()), (1, 50));
		Jobs::do_try_state().unwrap();
		// Late is late, and nothing more can be demanded.
		assert_noop!(deliver(OPERATOR, id, 0), Error::<Test>::PieceNotOwed);
		assert_noop!(demand(id, 0, 1), Error::<Test>::OutputWithheld);
		// The claim stays open for its watchers until its window is over.
		let JobStatus::Claimed { window_end, .. } = status(id) else { panic!("claimed") };
		pass(window_end - System::block_number());
		assert!(Jobs::open_claim(id).is_some());
		pass(1);
		let root = H256(assay_referee::tree::hash(&wide_output()));
		assert_eq!(status(id), JobStatus::Void { operator: OPERATOR, output_root: root });
		// As a missed deadline.
		let burned = (fee * 10).div_ceil(100);
		System::assert_last_event(
			Event::Voided {
				job: id,
				operator: OPERATOR,
				output_root: root,
				refunded: fee + 50,
				burned,
			}
			.into(),
		);
		assert_eq!(Operators::free_stake(&OPERATOR), free_stake + fee * 10 - burned);
		assert_eq!(Balances::total_issuance(), issuance - burned - 10);
		// One piece was delivered, and a sixth of its fee burned.
		pass(41);
		assert!(crate::Jobs::<Test>::get(id).is_none());
		assert_eq!(free(REQUESTER), requester - 10);
	});
}

/// The operator has its full period, even if the window ends meanwhile; and the requester cannot have the
/// work for nothing by demanding in the last block.
#[test]
fn demand_in_the_last_block_gives_full_time() {
	build_and_execute(|| {
		let id = wide_claimed();
		let JobStatus::Claimed { window_end, .. } = status(id) else { panic!("claimed") };
		pass(window_end - System::block_number());
		assert_ok!(demand(id, 0, 2));
		assert_eq!(deadline(id), window_end + 1 + 6);
		pass(6);
		assert!(Jobs::open_claim(id).is_some());
		assert_eq!(crate::Jobs::<Test>::get(id).unwrap().due, None);
		// Not even a poke ends it.
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		pass(1);
		for number in [0, 1] {
			assert_ok!(deliver(OPERATOR, id, number));
		}
		pass(1);
		assert!(matches!(status(id), JobStatus::Final { .. }));
	});
}

#[test]
fn silence_to_a_demand_in_the_last_block_is_void() {
	build_and_execute(|| {
		let id = wide_claimed();
		wait(20);
		assert_ok!(demand(id, 0, 2));
		pass(8);
		assert_eq!(withheld(id), 2);
		pass(1);
		assert!(matches!(status(id), JobStatus::Void { .. }));
	});
}

/// A claim that is demanded stands in the lane of its watchers as before: a demand hides nothing.
#[test]
fn demanded_claims_stay_before_their_watchers() {
	build_and_execute(|| {
		let id = wide_claimed();
		let before = Jobs::claim_pages(&wide(), None, 10);
		assert!(before.iter().any(|(_, jobs)| jobs.contains(&id)));
		assert_ok!(demand(id, 0, 2));
		assert_eq!(Jobs::claim_pages(&wide(), None, 10), before);
		pass(9);
		assert_eq!(withheld(id), 2);
		assert_eq!(Jobs::claim_pages(&wide(), None, 10), before);
	});
}

/// Void never comes before a dispute, and fraud comes before void.
#[test]
fn fraud_beats_void() {
	build_and_execute(|| {
		for silent_first in [false, true] {
			let id = wide_claimed();
			assert_ok!(Jobs::hold_open(id));
			assert_ok!(demand(id, 0, 2));
			if silent_first {
				pass(15);
				assert_eq!(withheld(id), 2);
			}
			pass(30);
			// Whatever is overdue, the dispute holds it open.
			assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
			let stake = Operators::free_stake(&OPERATOR);
			assert_ok!(Jobs::fault(id, LEAF, Some(STRANGER), None));
			assert!(matches!(status(id), JobStatus::Fraud { .. }));
			// All of it was lost, which void would have given back.
			assert_eq!(Operators::free_stake(&OPERATOR), stake);
			assert_eq!(on_hold(), 0);
			Jobs::do_try_state().unwrap();
			pass(6);
			assert_ok!(Operators::activate(signed(OPERATOR)));
		}
	});
}

/// Who claims a root of garbage can deliver the garbage, before anybody refutes the claim.
#[test]
fn delivering_garbage_pays_nothing() {
	build_and_execute(|| {
		let requester = free(REQUESTER);
		let id = wide_claimed();
		let operator = free(OPERATOR);
		assert_ok!(demand(id, 0, 2));
		for number in [0, 1] {
			assert_ok!(deliver(OPERATOR, id, number));
		}
		assert_eq!(free(OPERATOR), operator);
		assert_ok!(Jobs::fault(id, LEAF, None, None));
		assert_eq!((on_hold(), free(OPERATOR)), (0, operator));
		pass(60);
		// A sixth of the fees was burned; the requester's part of the slash makes up for it.
		assert!(free(REQUESTER) + 20 >= requester);
	});
}

#[test]
fn a_fault_gives_back_what_was_demanded() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 2));
		assert_ok!(deliver(OPERATOR, id, 0));
		assert_ok!(Jobs::fault(id, LEAF, None, None));
		System::assert_has_event(Event::DemandDropped { job: id, pieces: 1, refunded: 60 }.into());
		assert_eq!(on_hold(), 0);
		assert!(Demands::<Test>::get(id).is_none());
		assert_noop!(deliver(OPERATOR, id, 1), Error::<Test>::ClaimNotOpen);
		pass(60);
		assert!(crate::Jobs::<Test>::get(id).is_none());
	});
}

/// A lapsed dispute leaves a withheld claim void, and a dispute that ends first leaves it to the demand.
#[test]
fn void_waits_for_disputes_and_disputes_do_not_save_from_it() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(Jobs::hold_open(id));
		assert_ok!(demand(id, 0, 1));
		pass(40);
		assert_eq!(withheld(id), 1);
		Jobs::release_open(id);
		pass(1);
		assert!(matches!(status(id), JobStatus::Void { .. }));
		let id = wide_claimed();
		wait(20);
		assert_ok!(Jobs::hold_open(id));
		assert_ok!(demand(id, 0, 1));
		pass(2);
		Jobs::release_open(id);
		pass(2);
		assert!(Jobs::open_claim(id).is_some());
		pass(8);
		assert!(matches!(status(id), JobStatus::Void { .. }));
	});
}

/// An operator whose false claim nobody has found yet gains nothing by silence towards a friend: it is
/// refuted as any other, and void costs it besides.
#[test]
fn collusion_does_not_pay() {
	build_and_execute(|| {
		// Requester and operator are one.
		let wealth = |who: u64| Balances::free_balance(who) + Balances::reserved_balance(who);
		let before = wealth(REQUESTER) + wealth(OPERATOR);
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 2));
		pass(80);
		assert!(wealth(REQUESTER) + wealth(OPERATOR) < before);
	});
}

/// Demands that are never met are no cheaper than those that are: what is withheld costs what would have
/// been burned.
#[test]
fn silence_costs_what_delivery_burns() {
	build_and_execute(|| {
		let burn = DeliveryFee::get() / 6;
		assert_eq!(Jobs::penalty_for(100_000, 1), 1_000);
		assert_eq!(Jobs::penalty_for(5_000, MAX_PIECES), u64::from(MAX_PIECES) * burn);
		assert_eq!(Jobs::penalty_for(100, MAX_PIECES), 100);
		// A piece of 64 KiB at this price costs more than all that is paid for it.
		BytePrice::set(1);
		assert_eq!(Jobs::penalty_for(5_000, 2), 2 * DeliveryFee::get());
	});
}

/// Who demands from itself fills blocks for no less than everybody else.
#[test]
fn a_delivery_burns_what_its_bytes_cost() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 2));
		let issuance = Balances::total_issuance();
		assert_ok!(deliver(STRANGER, id, 0));
		assert_eq!(Balances::total_issuance(), issuance - DeliveryFee::get() / 6);
		BytePrice::set(1);
		assert_ok!(deliver(STRANGER, id, 1));
		assert_eq!(
			Balances::total_issuance(),
			issuance - DeliveryFee::get() / 6 - DeliveryFee::get()
		);
	});
}

#[test]
fn deadlines_follow_the_backlog() {
	build_and_execute(|| {
		let jobs: Vec<_> = (0..12).map(|_| wide_claimed_by_the_rich()).collect();
		for (number, id) in (1..).zip(&jobs) {
			assert_ok!(demand(*id, 0, 2));
			assert_eq!(deadline(*id), 1 + number + DeliveryPeriod::get());
		}
		// A flood of demands makes nobody late who works them off at the rate: two pieces in a block.
		for id in &jobs {
			assert_ok!(deliver(OPERATOR, *id, 0));
			assert_ok!(deliver(OPERATOR, *id, 1));
			pass(1);
		}
		pass(40);
		assert!(jobs.iter().all(|id| matches!(status(*id), JobStatus::Final { .. })));
	});
}

fn wide_claimed_by_the_rich() -> JobId {
	for who in [REQUESTER, OPERATOR] {
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), who, WEALTH * 10));
	}
	wide_claimed()
}

#[test]
fn anybody_ends_what_is_overdue() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 1));
		wait(deadline(id) - System::block_number());
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
		wait(1);
		// Not delivered any more, though nobody has looked.
		assert_noop!(deliver(OPERATOR, id, 0), Error::<Test>::DeadlineOver);
		assert_ok!(poke(STRANGER, id));
		assert_eq!(withheld(id), 1);
		assert_noop!(poke(STRANGER, id), Error::<Test>::NothingDue);
	});
}

#[test]
fn demands_stand_in_the_lane_of_their_operator() {
	build_and_execute(|| {
		let id = wide_claimed();
		let pages = || Jobs::pages_of(&Lane::Demanded(OPERATOR), None, 10);
		assert!(pages().is_empty());
		assert_ok!(demand(id, 0, 2));
		let [(key, bits)] = pages()[..] else { panic!("one page") };
		assert_eq!((u64::from(key.due()), bits.count_ones()), (deadline(id) + 1, 1));
		assert_ok!(deliver(OPERATOR, id, 0));
		assert_eq!(pages().len(), 1);
		assert_ok!(deliver(OPERATOR, id, 1));
		assert!(pages().is_empty());
	});
}

fn authorize(call: &Call<Test>) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(call.clone());
	let verdict = call.authorize(TransactionSource::External).expect("can be authorised");
	verdict.map(|(valid, _)| valid)
}

/// What the operator's key signs to deliver a piece now.
fn signed_delivery(id: JobId, number: u32, slice: Slice) -> Call<Test> {
	let content = Jobs::open_claim(id).expect("claimed").content();
	let deadline = Demands::<Test>::get(id).map_or(0, |demand| demand.deadline);
	delivery_about((id, content, deadline, number, slice))
}

fn delivery_about(args: (JobId, H256, u64, u32, Slice)) -> Call<Test> {
	let pair = operator_pair();
	let birth = System::block_number() as u32 - 1;
	let birth_hash = System::block_hash(u64::from(birth));
	let message = message(&System::block_hash(0), DELIVER_TAG, birth, &birth_hash, &args);
	let auth = Authorization { key: pair.public(), birth, signature: pair.sign(&message) };
	let (job, _, _, piece, slice) = args;
	Call::deliver { job, piece, slice, auth: Some(auth) }
}

fn dispatch(call: Call<Test>) -> sp_runtime::DispatchResult {
	let origin = RuntimeOrigin::from(RawOrigin::Authorized);
	RuntimeCall::from(call).dispatch(origin).map(|_| ()).map_err(|error| error.error)
}

fn refused(call: &Call<Test>, why: InvalidTransaction) {
	assert_eq!(authorize(call), Err(why.into()));
}

#[test]
fn key_delivers_what_its_owner_owes() {
	build_and_execute(|| {
		let id = wide_claimed();
		refused(&signed_delivery(id, 0, piece(0)), InvalidTransaction::Stale);
		assert_ok!(demand(id, 0, 2));
		let (first, second) = (signed_delivery(id, 0, piece(0)), signed_delivery(id, 1, piece(1)));
		let tags = [&first, &second].map(|call| authorize(call).expect("authorised").provides);
		assert_ne!(tags[0], tags[1]);
		refused(&signed_delivery(id, 0, piece(1)), InvalidTransaction::BadProof);
		for call in [first.clone(), second] {
			assert_ok!(dispatch(call.clone()));
			refused(&call, InvalidTransaction::Stale);
		}
		// What was signed for one demand says nothing about the next.
		wait(1);
		assert_ok!(demand(id, 0, 1));
		refused(&first, InvalidTransaction::BadProof);
		// Nobody else's key, and no other origin.
		let Call::deliver { auth: Some(mut auth), job, piece: number, slice } =
			signed_delivery(id, 0, piece(0))
		else {
			panic!("a delivery")
		};
		auth.key = rival_pair().public();
		let call = Call::deliver { job, piece: number, slice, auth: Some(auth) };
		refused(&call, InvalidTransaction::BadSigner);
		let unsigned = RuntimeCall::from(call).dispatch(RuntimeOrigin::none());
		assert_eq!(unsigned.map_err(|error| error.error), Err(BadOrigin.into()));
	});
}

#[test]
fn the_urgent_piece_goes_first_and_claims_have_their_turn() {
	build_and_execute(|| {
		let (near, far) = (wide_claimed_by_the_rich(), wide_claimed_by_the_rich());
		assert_ok!(demand(near, 0, 2));
		assert_ok!(demand(far, 0, 2));
		wait(deadline(far) - System::block_number() - DeliveryPeriod::get());
		let priority =
			|id| authorize(&signed_delivery(id, 0, piece(0))).expect("authorised").priority;
		assert_eq!(priority(near), priority(far) + deadline(far) - deadline(near));
	});
}

/// An operator and its friend can have as many pieces on their way as they like. Those that are not urgent
/// go behind everybody who pays.
#[test]
fn a_piece_with_time_left_keeps_nobody_out() {
	build_and_execute(|| {
		let jobs: Vec<_> = (0..3).map(|_| wide_claimed_by_the_rich()).collect();
		for id in &jobs {
			assert_ok!(demand(*id, 0, 2));
		}
		let last = jobs[2];
		let priority =
			|| authorize(&signed_delivery(last, 0, piece(0))).expect("authorised").priority;
		while System::block_number() + DeliveryPeriod::get() < deadline(last) {
			assert_eq!(priority(), 0);
			wait(1);
		}
		assert!(priority() > u64::MAX / 8);
	});
}

/// A job's number, its claim or its demand may be others on another fork.
#[test]
fn delivery_is_about_one_claim_on_one_fork() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 1));
		let content = Jobs::open_claim(id).unwrap().content();
		let (until, right) = (deadline(id), piece(0));
		assert_ok!(authorize(&delivery_about((id, content, until, 0, right.clone()))));
		for args in [
			(id, H256::zero(), until, 0, right.clone()),
			(id, content, until + 1, 0, right.clone()),
		] {
			refused(&delivery_about(args), InvalidTransaction::BadProof);
		}
		let mut changed = signed_delivery(id, 0, right.clone());
		if let Call::deliver { slice, .. } = &mut changed {
			slice.data[9] ^= 1;
		}
		refused(&changed, InvalidTransaction::BadProof);
		let too_long = Slice { data: vec![0; PIECE_BYTES as usize + 1], ..right.clone() };
		refused(&signed_delivery(id, 0, too_long), InvalidTransaction::ExhaustsResources);

		let call = signed_delivery(id, 0, right);
		BlockHash::<Test>::insert(System::block_number() - 1, H256::repeat_byte(7));
		refused(&call, InvalidTransaction::BadProof);
	});
}

#[test]
fn old_deliveries_are_refused() {
	build_and_execute(|| {
		let id = wide_claimed();
		NextSlot::set(4 * 200);
		assert_ok!(demand(id, 0, 1));
		let call = signed_delivery(id, 0, piece(0));
		wait(u64::from(LIFETIME) - 1);
		assert_eq!(authorize(&call).expect("still").longevity, 1);
		wait(1);
		refused(&call, InvalidTransaction::AncientBirthBlock);
		// The window is long over, and the operator still has time.
		assert_ok!(deliver(OPERATOR, id, 0));
		pass(1);
		assert!(matches!(status(id), JobStatus::Final { .. }));
	});
}

#[test]
fn an_overdue_demand_is_due_before_its_claim_is() {
	build_and_execute(|| {
		let id = wide_claimed();
		assert_ok!(demand(id, 0, 1));
		wait(deadline(id) + 1 - System::block_number());
		let job = crate::Jobs::<Test>::get(id).unwrap();
		assert!(Jobs::is_due(id, &job) && job.due.is_some_and(|due| due > System::block_number()));
	});
}
