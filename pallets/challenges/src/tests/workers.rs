//! The off-chain workers, with a small engine behind them.

use super::{net::*, *};
use crate::{Call, Event, HoldReason};
use assay_host::Note;
use assay_primitives::outbox::RESEND_AFTER;
use frame_support::traits::Hooks;

#[test]
fn workers_play_the_whole_game() {
	let (honest, liar) = long((20, 0));
	let mut net = Net::new(two_nodes(&honest, &liar));
	let job = net.with(|| claim(&liar));
	let calls = net.blocks(40);
	net.with(|| {
		let kind = assay_primitives::FaultKind::Leaf { entry: 20, element: 0 };
		let end = End::Fault { kind, finder: Some(ALICE), prover: Some(ALICE) };
		assert_eq!(end_of(job), Some(end));
		assert_eq!(held(HoldReason::ChallengeBond, ALICE), 0);
	});
	// Opening, trace, four questions and answers, proof; nothing twice.
	assert_eq!(calls.len(), 1 + 1 + 4 + 4 + 1);
	let watcher = &net.nodes[1].engine;
	assert_eq!(watcher.noted(Note::MismatchSeen), vec![job]);
	assert_eq!(watcher.noted(Note::ProofSent), vec![job]);
	assert!(watcher.noted(Note::ChallengesOpen).contains(&1));
	assert_eq!(watcher.noted(Note::ChallengesOpen).last(), Some(&0));
}

#[test]
fn a_right_claim_is_run_once_and_left_alone() {
	let (honest, _) = short();
	let mut net = Net::new(two_nodes(&honest, &honest));
	net.with(|| claim(&honest));
	assert!(net.blocks(10).is_empty());
	assert_eq!(net.nodes[1].engine.requests(), 1);
}

#[test]
fn an_honest_operators_worker_outlasts_a_sham() {
	let (honest, liar) = short();
	let mut net =
		Net::new(vec![Node::new(SmallEngine::new(&honest, &honest, (true, true)), OPERATOR)]);
	let job = net.with(|| {
		let job = claim(&honest);
		open(BOB, job, &liar);
		job
	});
	net.blocks(4);
	net.with(|| {
		assert_ok!(Challenges::ask(signed(BOB), 0, honest.way_to(1, 5)[0], None));
	});
	net.blocks(30);
	net.with(|| {
		assert_eq!(end_of(job), None);
		assert_eq!(Challenges::live_of(job).count(), 0);
		System::assert_has_event(
			Event::ChallengeLapsed { challenge: 0, job, who: BOB, paid: 600, burned: 400 }.into(),
		);
	});
	// Two calls, and no run of its own claim as a watcher.
	assert_eq!(net.nodes[0].engine.requests(), 2);
}

#[test]
fn what_has_no_effect_is_submitted_again_later() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.includes = false;
	net.with(|| claim(&liar));
	let submitted: Vec<usize> = (0..14).map(|_| net.block().len()).collect();
	assert_eq!(submitted.iter().sum::<usize>(), 4);
	let at: Vec<usize> = (0..14).filter(|block| submitted[*block] == 1).collect();
	assert!(at.windows(2).all(|pair| pair[1] - pair[0] == RESEND_AFTER as usize));
}

#[test]
fn nothing_happens_without_an_engine_roles_model_or_money() {
	let (honest, liar) = short();
	// No engine.
	let mut net = Net::new(Vec::new());
	net.with(|| {
		claim(&liar);
		Challenges::offchain_worker(1);
	});
	assert!((net.take)().is_empty());
	// No role.
	let mut net =
		Net::new(vec![Node::new(SmallEngine::new(&liar, &honest, (false, false)), ALICE)]);
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	// No model.
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.nodes[1].engine.0.lock().unwrap().has_model = false;
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	// No money.
	let mut net = Net::new(vec![Node::new(SmallEngine::new(&liar, &honest, (false, true)), POOR)]);
	net.with(|| claim(&liar));
	assert!(net.blocks(5).is_empty());
	assert_eq!(net.nodes[0].engine.noted(Note::MismatchSeen).len(), 1);
}

#[test]
fn no_challenge_is_opened_after_the_window() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.with(|| {
		claim(&liar);
		pass(WINDOW + 1);
	});
	assert!(net.blocks(5).is_empty());
	assert_eq!(net.nodes[1].engine.requests(), 0);
}

#[test]
fn a_watcher_without_the_openings_makes_no_wrong_move() {
	let (honest, liar) = short();
	let mut net = Net::new(two_nodes(&honest, &liar));
	net.indexes = false;
	let job = net.with(|| claim(&liar));
	let calls = net.blocks(30);
	// It asked the first question and could not read the answer.
	assert_eq!(calls.iter().filter(|call| matches!(call, Call::ask { .. })).count(), 1);
	net.with(|| assert_eq!(end_of(job), None));
}
