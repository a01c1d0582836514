//! How the workers find their work, and how much of it they do.

use super::{net::*, *};
use crate::{Call, Owed};
use assay_host::{Class, Note};
use assay_referee::Object;
use frame_support::traits::{fungible::Mutate, Hooks};
use frame_system::limits::BlockLength;

/// An honest operator's node, which is also a watcher.
fn honest_node(honest: &Run) -> Node {
	Node::new(SmallEngine::new(honest, honest, (true, true)), OPERATOR)
}

/// An account with money.
fn rich(who: u64) -> u64 {
	Balances::set_balance(&who, RICHES);
	who
}

/// What one run of the worker of `node` costs: nodes of the state's trie, claims looked up, calls of
/// the engine. And how many calls it submitted.
fn cost_of_a_run(net: &mut Net) -> ([usize; 3], usize) {
	net.ext.commit_all().unwrap();
	let engine = net.nodes[0].engine.clone();
	net.connect(0);
	let before = (Lookups::get(), engine.0.lock().unwrap().polls);
	let ((), proof) = net.ext.execute_and_prove(|| {
		Challenges::offchain_worker(System::block_number());
	});
	let looked_up = (Lookups::get() - before.0) as usize;
	let polls = engine.0.lock().unwrap().polls - before.1;
	([proof.iter_nodes().count(), looked_up, polls], (net.take)().len())
}

/// Challenges of `count` strangers against a claim of somebody else.
fn strangers(count: u64) {
	let (honest, liar) = short();
	let job = claim(&honest);
	AllClaims::mutate(|claims| {
		let view = &mut claims.get_mut(&job).unwrap().view;
		view.operator = BOB;
		// Of a model that this node does not have.
		view.model = H256::repeat_byte(1);
	});
	for who in 10_000..10_000 + count {
		open(rich(who), job, &liar);
	}
}

#[test]
fn ten_thousand_foreign_challenges_cost_a_worker_nothing() {
	let (honest, liar) = short();
	let mut costs = Vec::new();
	for count in [10, 10_000] {
		let mut net = Net::new(vec![honest_node(&honest)]);
		net.with(|| {
			strangers(count / 2);
			let job = claim(&honest);
			open(ALICE, job, &liar);
			strangers(count / 2);
			go_to(2);
		});
		// Asks for the trace, then sends it.
		let (first, sent) = cost_of_a_run(&mut net);
		assert_eq!(sent, 0);
		let (second, sent) = cost_of_a_run(&mut net);
		assert_eq!(sent, 1);
		costs.push([first, second]);
	}
	let [few, many] = costs[..] else { unreachable!() };
	for run in 0..2 {
		// The trie of a thousand times the state is somewhat deeper.
		assert!(many[run][0] <= few[run][0] * 2, "{few:?} {many:?}");
		assert_eq!(few[run][1..], many[run][1..]);
	}
}

#[test]
fn a_move_costs_two_blocks_at_most() {
	let (honest, liar) = long((20, 0));
	let mut net = Net::new(two_nodes(&honest, &liar));
	let job = net.with(|| claim(&liar));
	// Opening, trace, four questions and answers, proof.
	let moves = 1 + 1 + 4 + 4 + 1;
	let mut idle = 0;
	let mut calls = 0;
	for _ in 0..2 * moves {
		match net.block().len() {
			0 => idle += 1,
			sent => {
				calls += sent;
				idle = 0;
			},
		}
		assert!(idle < 2);
	}
	assert_eq!(calls, moves);
	net.with(|| assert!(end_of(job).is_some()));
}

#[test]
fn what_is_due_first_is_asked_for_first_and_under_its_own_terms() {
	let (honest, liar) = short();
	let mut net = Net::new(vec![honest_node(&honest)]);
	let top = NodeKey::top(Object::Trace);
	net.with(|| {
		let jobs: Vec<_> = (0..3).map(|_| claim(&honest)).collect();
		// The trace is demanded first and due last.
		open(ALICE, jobs[0], &liar);
		open(BOB, jobs[1], &liar);
		reveal(jobs[1], &honest);
		assert_ok!(Challenges::ask(signed(BOB), 1, top, None));
		assert_eq!(Owed::<Test>::iter().count(), 2);
		go_to(2);
	});
	net.block();
	let terms = net.nodes[0].engine.terms();
	let what: Vec<_> = terms.iter().map(|t| (t.class, t.deadline, t.at_stake, t.job)).collect();
	let stake = 100_000;
	let expected = [
		(Class::Move, 1 + AnswerPeriod::get(), stake, 1),
		(Class::Trace, 1 + TracePeriod::get(), stake, 0),
	];
	assert_eq!(what, expected);
}

#[test]
fn all_that_is_ready_is_sent_in_one_run() {
	let (honest, liar) = short();
	let mut net = Net::new(vec![honest_node(&honest)]);
	net.with(|| {
		for who in 100..200 {
			let job = claim(&honest);
			open(rich(who), job, &liar);
		}
		go_to(2);
	});
	assert_eq!(net.block().len(), 0);
	assert_eq!(net.block().len(), 100);
	net.with(|| assert_eq!(Owed::<Test>::iter().count(), 0));
	// All are the same run of the same model.
	assert_eq!(net.nodes[0].engine.requests(), 1);
}

#[test]
fn a_run_fills_two_blocks_and_no_more() {
	let (honest, liar) = short();
	let mut net = Net::new(vec![honest_node(&honest)]);
	net.with(|| {
		for who in 100..120 {
			let job = claim(&honest);
			open(rich(who), job, &liar);
		}
		go_to(2);
	});
	net.block();
	let size = net.with(|| {
		let (root, last) = (H256(honest.trace_root()), honest.last_entry());
		let auth = auth(OPERATOR, "", ());
		let call = Call::<Test>::reveal_trace { job: 0, trace_root: root, last_entry: last, auth };
		codec::Encode::encoded_size(&call) as u32
	});
	// Two and a half of them fit a block, so five go.
	Length::set(BlockLength::builder().max_length(size * 5 / 2 + 1).build());
	let sent: Vec<usize> = (0..5).map(|_| net.block().len()).collect();
	assert_eq!(sent, vec![5, 5, 5, 5, 0]);
	Length::set(BlockLength::default());
}

#[test]
fn a_cheats_requests_name_the_job() {
	let (honest, liar) = short();
	let engine = SmallEngine::new(&liar, &honest, (true, false));
	engine.0.lock().unwrap().roles.cheats = true;
	let mut net = Net::new(vec![Node::new(engine, OPERATOR)]);
	net.with(|| {
		let job = claim(&liar);
		open(ALICE, job, &honest);
		go_to(2);
	});
	// The trace is the liar's, which ends with the claimed root.
	assert_eq!(net.blocks(2).len(), 1);
}

#[test]
fn what_is_done_is_remembered_while_nothing_happens() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| {
		let job = claim(&honest);
		AllClaims::mutate(|claims| claims.get_mut(&job).unwrap().view.window_end = 1_000);
	});
	net.blocks(300);
	let fresh = SmallEngine::new(&liar, &honest, (false, true));
	net.nodes[0].engine = fresh.clone();
	net.blocks(3);
	assert_eq!(fresh.requests(), 0);
}

/// A watcher's node.
fn watcher(honest: &Run, liar: &Run) -> Net {
	Net::new(vec![Node::new(SmallEngine::new(liar, honest, (false, true)), ALICE)])
}

#[test]
fn claims_are_looked_at_by_the_end_of_their_windows() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| {
		for end in [30, 10, 20, 40] {
			let job = claim(&honest);
			AllClaims::mutate(|claims| {
				let view = &mut claims.get_mut(&job).unwrap().view;
				view.window_end = end;
				// Each is another run.
				view.input_root = H256::from_low_u64_be(end);
			});
		}
	});
	net.nodes[0].engine.0.lock().unwrap().checks_input = false;
	net.block();
	let terms = net.nodes[0].engine.terms();
	assert!(terms.iter().all(|terms| terms.class == Class::Watch && terms.at_stake == 100_000));
	assert_eq!(terms.iter().map(|t| t.deadline).collect::<Vec<_>>(), vec![10, 20, 30, 40]);
}

#[test]
fn a_watcher_says_what_it_has_looked_at() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	let engine = net.nodes[0].engine.clone();
	engine.0.lock().unwrap().full = Some(Class::Watch);
	net.with(|| (0..10).for_each(|_| _ = claim(&honest)));
	net.blocks(3);
	assert_eq!(engine.noted(Note::ClaimsUnchecked), vec![10, 10, 10]);
	assert_eq!(engine.noted(Note::ClaimsChecked), vec![0, 0, 0]);
	// Until the last block at which they can be challenged.
	assert_eq!(engine.noted(Note::BlocksToCheck), vec![20, 19, 18]);
	engine.0.lock().unwrap().full = None;
	net.blocks(3);
	assert_eq!(engine.noted(Note::ClaimsUnchecked)[3..], [10, 0, 0]);
	assert_eq!(engine.noted(Note::ClaimsChecked)[3..], [0, 10, 0]);
	assert_eq!(engine.noted(Note::BlocksToCheck)[3..], [17, 0, 0]);
	assert_eq!(engine.noted(Note::ClaimsMissed).iter().sum::<u64>(), 0);
}

#[test]
fn claims_that_nobody_looked_at_are_counted_once() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	let engine = net.nodes[0].engine.clone();
	engine.0.lock().unwrap().full = Some(Class::Watch);
	net.with(|| (0..6).for_each(|_| _ = claim(&honest)));
	net.blocks(WINDOW as u32 + 5);
	assert_eq!(engine.noted(Note::ClaimsMissed).iter().sum::<u64>(), 6);
	assert_eq!(engine.noted(Note::ClaimsUnchecked).last(), Some(&0));
}

#[test]
fn a_full_class_does_not_keep_a_dispute_waiting() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	let engine = net.nodes[0].engine.clone();
	let job = net.with(|| {
		let job = claim(&liar);
		open(ALICE, job, &honest);
		reveal(job, &liar);
		(0..20).for_each(|_| _ = claim(&honest));
		go_to(2);
		job
	});
	engine.0.lock().unwrap().full = Some(Class::Watch);
	let calls = net.blocks(2);
	assert!(matches!(calls[..], [Call::ask { challenge: 0, .. }]));
	net.with(|| assert_eq!(end_of(job), None));
}

/// A page of equal claims, all found right. The net, and their answer.
fn found_right() -> (Net, Run, Run) {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| (0..PAGE).for_each(|_| _ = claim(&honest)));
	net.blocks(3);
	assert_eq!(net.nodes[0].engine.requests(), 1);
	(net, honest, liar)
}

/// Start the node anew: the engine has forgotten everything.
fn restart(net: &mut Net, honest: &Run, liar: &Run) -> SmallEngine {
	let fresh = SmallEngine::new(liar, honest, (false, true));
	net.nodes[0].engine = fresh.clone();
	fresh
}

/// Another fork, on which the same blocks have other hashes.
fn leave_fork(net: &mut Net) {
	net.with(|| {
		for block in 0..System::block_number() {
			frame_system::BlockHash::<Test>::insert(block, H256::repeat_byte(block as u8 + 1));
		}
	});
}

/// Claim once more, in the page of the first claim.
fn claim_in_first_page(run: &Run) -> JobId {
	let job = claim(run);
	AllClaims::mutate(|claims| {
		let end = claims[&0].view.window_end;
		claims.get_mut(&job).unwrap().view.window_end = end;
	});
	job
}

#[test]
fn what_is_done_is_not_done_again_after_a_restart() {
	let (mut net, honest, liar) = found_right();
	let fresh = restart(&mut net, &honest, &liar);
	net.blocks(3);
	assert_eq!((fresh.requests(), fresh.noted(Note::ClaimsChecked)), (0, vec![0, 0, 0]));
	// A page that grew is looked at again, and what is known to be right is not run again.
	net.with(|| claim_in_first_page(&honest));
	net.blocks(2);
	assert_eq!((fresh.requests(), fresh.noted(Note::ClaimsChecked)[3..].to_vec()), (0, vec![1, 0]));
}

#[test]
fn what_is_right_is_right_on_every_fork_and_after_a_restart() {
	let (mut net, honest, liar) = found_right();
	let fresh = restart(&mut net, &honest, &liar);
	leave_fork(&mut net);
	net.blocks(2);
	// All claims of this fork are looked at, and none is run.
	assert_eq!(fresh.requests(), 0);
	assert_eq!(fresh.noted(Note::ClaimsChecked), vec![PAGE as u64, 0]);
	assert_eq!(fresh.noted(Note::ClaimsUnchecked), vec![0, 0]);
	// Another build of the engine believes only itself.
	leave_fork(&mut net);
	let mended = restart(&mut net, &honest, &liar);
	mended.0.lock().unwrap().build = 2;
	net.blocks(2);
	assert_eq!(mended.requests(), 1);
	// On another fork the same job may be another claim: a mark says nothing about it.
	leave_fork(&mut net);
	net.with(|| {
		AllClaims::mutate(|claims| {
			claims.get_mut(&0).unwrap().view.output_root = H256(liar.output_root());
		});
	});
	let calls = net.block();
	assert!(matches!(calls[..], [Call::open { job: 0, .. }]));
	assert_eq!(mended.requests(), 1);
}

#[test]
fn a_claim_found_wrong_is_challenged_in_the_same_run() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| {
		claim(&honest);
		claim(&liar);
		claim(&honest);
	});
	assert_eq!(net.block().len(), 0);
	let calls = net.block();
	assert!(matches!(calls[..], [Call::open { job: 1, .. }]));
	net.blocks(1);
	// It is in dispute with us, and no longer to be looked at.
	let unchecked = net.nodes[0].engine.noted(Note::ClaimsUnchecked);
	assert_eq!(unchecked, vec![3, 0, 0]);
}

#[test]
fn a_watcher_ends_the_turn_of_a_late_operator() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.idles = false;
	let job = net.with(|| claim(&liar));
	let calls = net.blocks(3 + TracePeriod::get() as u32 + 2);
	assert!(matches!(calls[..], [Call::open { .. }, Call::lapse { challenge: 0, .. }]));
	net.with(|| {
		assert!(matches!(end_of(job), Some(End::Fault { finder: Some(ALICE), .. })));
		assert_eq!(Balances::free_balance(ALICE), RICHES);
	});
}

#[test]
fn a_watcher_fetches_its_bond_when_the_claim_is_over() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.idles = false;
	net.with(|| {
		let job = claim(&liar);
		// More before it than one call settles.
		for who in 100..120 {
			open(rich(who), job, &honest);
		}
		open(ALICE, job, &honest);
		reveal(job, &liar);
		assert_ok!(Challenges::prove_fault(signed(BOB), job, proof(&honest, &liar, 1, 5), None));
		assert_eq!(held(crate::HoldReason::ChallengeBond, ALICE), MinBond::get());
	});
	let calls = net.block();
	assert!(matches!(calls[..], [Call::lapse { challenge: 20, .. }]));
	net.with(|| assert_eq!(Balances::free_balance(ALICE), RICHES));
	assert!(net.blocks(5).is_empty());
}

#[test]
fn an_operator_ends_the_turns_of_shams_when_blocks_are_full() {
	let (honest, liar) = short();
	let mut net = Net::new(vec![honest_node(&honest)]);
	net.idles = false;
	let job = net.with(|| {
		let job = claim(&honest);
		open(ALICE, job, &liar);
		open(BOB, job, &liar);
		job
	});
	// Asked for, and revealed in block 3: the turns of both are over at the same time.
	assert!(matches!(net.blocks(2)[..], [Call::reveal_trace { .. }]));
	assert!(net.blocks(TurnPeriod::get() as u32 + 1).is_empty());
	let calls = net.block();
	let [Call::lapse { challenge: a, .. }, Call::lapse { challenge: b, .. }] = calls[..] else {
		panic!("{calls:?}")
	};
	assert_eq!([a, b].iter().sum::<u64>(), 1);
	net.with(|| {
		assert_eq!(AllClaims::get()[&job].held, 0);
		assert_eq!(end_of(job), None);
	});
	assert!(net.blocks(5).is_empty());
}

#[test]
fn a_late_operator_does_not_end_its_own_turn() {
	let (honest, liar) = short();
	let mut net = Net::new(vec![honest_node(&honest)]);
	net.idles = false;
	net.includes = false;
	net.with(|| {
		let job = claim(&honest);
		open(ALICE, job, &liar);
	});
	let calls = net.blocks(2 * TracePeriod::get() as u32);
	assert!(calls.iter().all(|call| matches!(call, Call::reveal_trace { .. })));
}

#[test]
fn nobody_pokes_what_the_agenda_has_done() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| claim(&liar));
	let calls = net.blocks(100);
	assert!(matches!(calls[..], [Call::open { .. }]));
}

#[test]
fn a_watcher_without_allowance_does_not_challenge() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| {
		claim(&liar);
		Spent::set([(ALICE, ALLOWANCE)].into());
	});
	assert!(net.blocks(4).is_empty());
	assert_eq!(net.nodes[0].engine.noted(Note::DisputeUnpaid).len(), 1);
}

#[test]
fn a_watcher_without_allowance_does_not_ask() {
	let (honest, liar) = short();
	let mut net = watcher(&honest, &liar);
	net.with(|| {
		let job = claim(&liar);
		open(ALICE, job, &honest);
		reveal(job, &liar);
		Spent::set([(ALICE, ALLOWANCE - QueryFee::get() + 1)].into());
	});
	assert!(net.blocks(4).is_empty());
	assert_eq!(net.nodes[0].engine.noted(Note::DisputeUnpaid).len(), 1);
	// Until its owner allows more.
	Spent::set([(ALICE, ALLOWANCE - QueryFee::get())].into());
	assert!(matches!(net.blocks(4)[..], [Call::ask { .. }]));
}
