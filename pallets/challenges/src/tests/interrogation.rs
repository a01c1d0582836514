//! Questions and answers.

use super::*;
use crate::{opening_key, Error, Event, HoldReason, NodeState, Nodes, Turn};
use assay_referee::Object;
use frame_support::assert_noop;

/// A challenge of Alice whose trace is revealed.
fn begun() -> (Run, Run, JobId, ChallengeId) {
	let (honest, liar) = long((20, 0));
	let job = claim(&liar);
	let id = open(ALICE, job, &honest);
	reveal(job, &liar);
	(honest, liar, job, id)
}

fn ask(who: u64, id: ChallengeId, node: NodeKey) -> sp_runtime::DispatchResult {
	Challenges::ask(signed(who), id, node, None)
}

#[test]
fn the_first_question_is_the_top_of_the_trace() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		for node in [
			NodeKey::top(Object::Tensor(0)),
			NodeKey { object: Object::Trace, level: 0, index: 0 },
			NodeKey { object: Object::Trace, level: 1, index: 0 },
		] {
			assert_noop!(ask(ALICE, id, node), Error::<Test>::MoveIllegal);
		}
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		let (fee, deadline) = (QueryFee::get(), 1 + AnswerPeriod::get());
		System::assert_has_event(
			Event::NodeAsked { challenge: id, job, node: top, fee, deadline }.into(),
		);
		assert_eq!(held(HoldReason::QueryFee, ALICE), fee);
		assert_eq!(Challenges::turn(id), Some(Turn::Operator { deadline }));
		// It is the operator's turn now.
		let below = liar.way_to(20, 0)[1];
		assert_noop!(ask(ALICE, id, below), Error::<Test>::NodeNotOpen);
	});
}

#[test]
fn questions_only_go_down_and_stay_inside() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		let way = liar.way_to(20, 0);
		walk(id, ALICE, job, &liar, &way[..1]);
		let chunk = |index| NodeKey { object: Object::Trace, level: 0, index };
		// The trace has two chunks; its tensors are not listed in its top.
		assert_noop!(ask(ALICE, id, chunk(2)), Error::<Test>::MoveIllegal);
		assert_noop!(ask(ALICE, id, way[0]), Error::<Test>::MoveIllegal);
		assert_noop!(ask(ALICE, id, way[2]), Error::<Test>::MoveIllegal);
		walk(id, ALICE, job, &liar, &[chunk(1)]);
		// Entry 20 is in the other chunk, and there is no entry 40.
		let tensor = |entry| NodeKey::top(Object::Tensor(entry));
		assert_noop!(ask(ALICE, id, tensor(20)), Error::<Test>::MoveIllegal);
		assert_noop!(ask(ALICE, id, tensor(40)), Error::<Test>::MoveIllegal);
		walk(id, ALICE, job, &liar, &[tensor(39)]);
		let part = |index| NodeKey { object: Object::Tensor(39), level: 0, index };
		assert_noop!(ask(ALICE, id, part(3)), Error::<Test>::MoveIllegal);
		walk(id, ALICE, job, &liar, &[part(2)]);
		// Nothing is below a chunk of a tensor.
		assert_noop!(ask(ALICE, id, part(1)), Error::<Test>::MoveIllegal);
		assert_noop!(ask(ALICE, id, tensor(3)), Error::<Test>::MoveIllegal);
	});
}

#[test]
fn only_the_challenger_asks_in_time_and_for_money() {
	build_and_execute(|| {
		let (_, _, _, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_noop!(ask(ALICE, 99, top), Error::<Test>::ChallengeUnknown);
		assert_noop!(ask(BOB, id, top), Error::<Test>::NotChallenger);
		frame_support::hypothetically!({
			use frame_support::traits::fungible::Mutate;
			Balances::set_balance(&ALICE, QueryFee::get());
			assert_noop!(ask(ALICE, id, top), Error::<Test>::CannotPay);
		});
		System::set_block_number(1 + TurnPeriod::get());
		frame_support::hypothetically!({
			assert_ok!(ask(ALICE, id, top));
		});
		System::set_block_number(2 + TurnPeriod::get());
		assert_noop!(ask(ALICE, id, top), Error::<Test>::DeadlineOver);
	});
}

#[test]
fn nothing_is_asked_before_the_trace_is_revealed() {
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		let top = NodeKey::top(Object::Trace);
		assert_noop!(ask(ALICE, id, top), Error::<Test>::TraceNotPosted);
		assert_noop!(
			Challenges::answer(signed(OPERATOR), job, top, liar.open(&top), None),
			Error::<Test>::NodeNotAsked
		);
	});
}

#[test]
fn a_stranger_may_answer_and_is_paid() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		let result = Challenges::answer(signed(BOB), job, top, liar.open(&top), None);
		assert_eq!(result.expect("valid").pays_fee, frame_support::dispatch::Pays::No);
		let (paid, burned) = (QueryFee::get() / 6 * 5, QueryFee::get() / 6);
		System::assert_last_event(
			Event::NodeOpened { job, node: top, who: BOB, paid, burned }.into(),
		);
		assert_eq!(Balances::free_balance(BOB), RICHES + paid);
		assert_eq!(held(HoldReason::QueryFee, ALICE), 0);
		let deadline = 1 + TurnPeriod::get();
		assert_eq!(Challenges::turn(id), Some(Turn::Challenger { deadline }));
	});
}

/// Who asks itself fills blocks for no less than everybody else.
#[test]
fn a_long_answer_burns_what_its_bytes_cost() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		BytePrice::set(3);
		let price = BytePrice::get() * liar.open(&top).encoded_size() as u64;
		assert!(price > QueryFee::get() / 6 && price < QueryFee::get(), "{price}");
		assert_ok!(Challenges::answer(signed(BOB), job, top, liar.open(&top), None));
		let (paid, burned) = (QueryFee::get() - price, price);
		System::assert_last_event(
			Event::NodeOpened { job, node: top, who: BOB, paid, burned }.into(),
		);
	});
}

#[test]
fn who_cannot_be_paid_may_still_answer() {
	build_and_execute(|| {
		ExistentialDeposit::set(QueryFee::get());
		let (_, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		assert_ok!(Challenges::answer(signed(POOR), job, top, liar.open(&top), None));
		let burned = QueryFee::get();
		System::assert_last_event(
			Event::NodeOpened { job, node: top, who: POOR, paid: 0, burned }.into(),
		);
		ExistentialDeposit::set(1);
	});
}

#[test]
fn only_the_true_content_is_an_answer() {
	build_and_execute(|| {
		let (honest, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		let refused = |opening| {
			assert_noop!(
				Challenges::answer(signed(OPERATOR), job, top, opening, None),
				Error::<Test>::OpeningMismatch
			);
		};
		refused(honest.open(&top));
		let mut opening = liar.open(&top);
		opening.payload.push(0);
		refused(opening);
		let mut opening = liar.open(&top);
		opening.path.push([0; 32]);
		refused(opening);
		let mut opening = liar.open(&top);
		opening.record = liar.open(&NodeKey::top(Object::Tensor(0))).record;
		refused(opening);
		answer(OPERATOR, job, &liar, top);
	});
}

#[test]
fn a_second_answer_is_refused() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		answer(OPERATOR, job, &liar, top);
		assert_noop!(
			Challenges::answer(signed(OPERATOR), job, top, liar.open(&top), None),
			Error::<Test>::NodeAlreadyOpen
		);
	});
}

#[test]
fn boundary_last_block_for_an_answer() {
	build_and_execute(|| {
		let (_, liar, job, id) = begun();
		let top = NodeKey::top(Object::Trace);
		assert_ok!(ask(ALICE, id, top));
		System::set_block_number(1 + AnswerPeriod::get());
		assert_noop!(Challenges::lapse(signed(BOB), id, None), Error::<Test>::NothingDue);
		frame_support::hypothetically!(answer(OPERATOR, job, &liar, top));
		System::set_block_number(2 + AnswerPeriod::get());
		assert_noop!(
			Challenges::answer(signed(OPERATOR), job, top, liar.open(&top), None),
			Error::<Test>::DeadlineOver
		);
		assert_ok!(Challenges::lapse(signed(BOB), id, None));
		assert!(end_of(job).is_some());
	});
}

#[test]
fn openings_reach_the_offchain_database() {
	let mut ext = new_test_ext();
	let (_, liar) = long((20, 0));
	let top = NodeKey::top(Object::Trace);
	ext.execute_with(|| {
		let (_, liar, job, id) = begun();
		assert_ok!(ask(ALICE, id, top));
		answer(OPERATOR, job, &liar, top);
		assert!(matches!(Nodes::<Test>::get(job, top), Some(NodeState::Opened { .. })));
	});
	ext.persist_offchain_overlay();
	let key = opening_key(0, &H256(liar.trace_root()), &top);
	let stored = ext.offchain_db().get(&key);
	assert_eq!(stored, Some(liar.open(&top).encode()));
}
