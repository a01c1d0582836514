//! Random hostile play: an honest operator is never at fault, and a liar with one honest
//! challenger against it always is.

use super::*;
use crate::{Disputes, NodeState, Nodes, TraceState, Turn};
use assay_referee::Object;
use frame_support::{
	traits::fungible::{Inspect, Mutate},
	weights::Weight,
};
use proptest::prelude::*;

/// Accounts that do as they please.
const CROWD: [u64; 4] = [ALICE, BOB, 20, 21];
/// The honest challenger.
const HONEST: u64 = 30;

/// Something that anybody may try.
#[derive(Clone, Debug)]
enum Action {
	Open { who: usize, root: u8 },
	Reveal { who: usize, of_liar: bool },
	Ask { who: usize, challenge: u64, node: usize },
	Follow { challenge: u64, depth: usize },
	Answer { who: usize, node: usize, of_liar: bool },
	Prove { who: usize, entry: u32, element: u64, of_liar: bool },
	Garbage { who: usize, bytes: Vec<u8> },
	Poke,
	Lapse { challenge: u64 },
	Pass { blocks: u64, idle: bool },
}

fn action() -> impl Strategy<Value = Action> {
	let who = 0..CROWD.len();
	prop_oneof![
		3 => (who.clone(), 0..3u8).prop_map(|(who, root)| Action::Open { who, root }),
		1 => (who.clone(), any::<bool>()).prop_map(|(who, of_liar)| Action::Reveal { who, of_liar }),
		2 => (who.clone(), 0..6u64, 0..12usize)
			.prop_map(|(who, challenge, node)| Action::Ask { who, challenge, node }),
		6 => (0..6u64, 0..5usize).prop_map(|(challenge, depth)| Action::Follow { challenge, depth }),
		2 => (who.clone(), 0..12usize, any::<bool>())
			.prop_map(|(who, node, of_liar)| Action::Answer { who, node, of_liar }),
		2 => (who.clone(), 0..40u32, 0..600u64, any::<bool>())
			.prop_map(|(who, entry, element, of_liar)| Action::Prove { who, entry, element, of_liar }),
		1 => (who, proptest::collection::vec(any::<u8>(), 0..64))
			.prop_map(|(who, bytes)| Action::Garbage { who, bytes }),
		1 => Just(Action::Poke),
		1 => (0..6u64).prop_map(|challenge| Action::Lapse { challenge }),
		4 => (1..4u64, any::<bool>()).prop_map(|(blocks, idle)| Action::Pass { blocks, idle }),
	]
}

/// The nodes that actions choose from: two ways down, and some that do not exist.
fn nodes(run: &Run) -> Vec<NodeKey> {
	let mut nodes = run.way_to(20, 0);
	nodes.extend(run.way_to(35, 599));
	nodes.push(NodeKey { object: Object::Trace, level: 9, index: 0 });
	nodes.push(NodeKey::top(Object::Tensor(1_000)));
	nodes.push(NodeKey { object: Object::Tensor(20), level: 0, index: 77 });
	nodes.push(NodeKey { object: Object::Tensor(20), level: 1, index: u64::MAX });
	nodes
}

/// Try an action; whether it succeeds is none of our business.
fn act(job: JobId, honest: &Run, liar: &Run, action: &Action, daily: &dyn Fn()) {
	let pick = |of_liar: bool| if of_liar { liar } else { honest };
	let known = nodes(honest);
	match action.clone() {
		Action::Open { who, root } => {
			let root = match root {
				0 => honest.output_root(),
				1 => liar.output_root(),
				_ => [root; 32],
			};
			let _ = Challenges::open(signed(CROWD[who]), job, H256(root), None);
		},
		Action::Reveal { who, of_liar } => {
			let run = pick(of_liar);
			let root = H256(run.trace_root());
			let origin = signed(CROWD[who]);
			let _ = Challenges::reveal_trace(origin, job, root, run.last_entry(), None);
		},
		Action::Ask { who, challenge, node } => {
			let _ = Challenges::ask(signed(CROWD[who]), challenge, known[node], None);
		},
		Action::Follow { challenge, depth } => {
			let Some(record) = crate::Challenges::<Test>::get(challenge) else { return };
			let way = if challenge % 2 == 0 { &known[..4] } else { &known[4..8] };
			if record.who != HONEST {
				let node = way[depth.min(record.path.len()).min(3)];
				let _ = Challenges::ask(signed(record.who), challenge, node, None);
			}
		},
		Action::Answer { who, node, of_liar } => {
			if let Some(node) = known.get(node).filter(|_| node < 8) {
				let opening = pick(of_liar).open(node);
				let _ = Challenges::answer(signed(CROWD[who]), job, *node, opening, None);
			}
		},
		Action::Prove { who, entry, element, of_liar } => {
			let proof = proof(pick(of_liar), liar, entry, element);
			let _ = Challenges::prove_fault(signed(CROWD[who]), job, proof, None);
		},
		Action::Garbage { who, bytes } => {
			let proof = Proof::truncate_from(bytes);
			let _ = Challenges::prove_fault(signed(CROWD[who]), job, proof, None);
		},
		Action::Poke => {
			let _ = Challenges::poke(signed(BOB), job);
		},
		Action::Lapse { challenge } => {
			let _ = Challenges::lapse(signed(BOB), challenge, None);
		},
		Action::Pass { blocks, idle } => {
			for _ in 0..blocks {
				daily();
				block(idle);
			}
		},
	}
}

/// One block passes, with or without room for the agenda.
fn block(idle: bool) {
	use frame_support::traits::Hooks;
	let now = System::block_number();
	if idle {
		Challenges::on_idle(now, Weight::MAX);
	}
	System::set_block_number(now + 1);
}

/// The operator does all it owes, from `run`.
fn serve(job: JobId, run: &Run) {
	let trace = Disputes::<Test>::get(job).map(|dispute| dispute.trace);
	if matches!(trace, Some(TraceState::Demanded { .. })) && end_of(job).is_none() {
		reveal(job, run);
	}
	let asked: Vec<NodeKey> = Nodes::<Test>::iter_prefix(job)
		.filter(|(_, state)| matches!(state, NodeState::Asked { .. }))
		.map(|(node, _)| node)
		.collect();
	for node in asked {
		if end_of(job).is_none() {
			answer(OPERATOR, job, run, node);
		}
	}
}

/// The honest challenger moves whenever it is its turn.
fn challenge(job: JobId, id: ChallengeId, honest: &Run, liar: &Run) {
	if end_of(job).is_some() {
		return;
	}
	if let Some(Turn::Challenger { .. }) = Challenges::turn(id) {
		let (entry, element) = liar.first_difference(honest).expect("it lies");
		let way = liar.way_to(entry, element);
		let done = crate::Challenges::<Test>::get(id).expect("on record").path.len();
		match way.get(done) {
			Some(node) => {
				assert_ok!(Challenges::ask(signed(HONEST), id, *node, None));
			},
			None => {
				let proof = proof(honest, liar, entry, element);
				assert_ok!(Challenges::prove_fault(signed(HONEST), job, proof, None));
			},
		}
	}
}

fn with_money() {
	for who in CROWD.into_iter().chain([HONEST]) {
		Balances::set_balance(&who, RICHES);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

	/// An operator who told the truth and acts in every block is never at fault, whatever others
	/// do, and is never the poorer for it.
	#[test]
	fn an_honest_operator_is_never_slashed(
		actions in proptest::collection::vec(action(), 1..80),
	) {
		new_test_ext().execute_with(|| {
			with_money();
			let (honest, liar) = long((20, 0));
			let job = claim(&honest);
			let issued = Balances::total_issuance();
			for action in &actions {
				act(job, &honest, &liar, action, &|| serve(job, &honest));
				check_invariants();
				assert_eq!(end_of(job), None, "after {action:?}");
				assert!(Balances::total_balance(&OPERATOR) >= RICHES);
				assert!(Balances::total_issuance() <= issued);
			}
			for _ in 0..200 {
				serve(job, &honest);
				block(true);
			}
			assert_eq!(end_of(job), None);
			finalize(job);
			pass(2 * Retention::get());
			assert_eq!(crate::Challenges::<Test>::iter().count(), 0);
			assert_eq!(Nodes::<Test>::iter().count(), 0);
			check_invariants();
		});
	}

	/// A false claim with one honest challenger in time ends as false, whatever the operator and
	/// others do.
	#[test]
	fn a_liar_is_always_slashed(
		before in proptest::collection::vec(action(), 0..12),
		actions in proptest::collection::vec(action(), 0..60),
		served in 0..30u32,
		lie in (0..40u32, 0..600u64),
	) {
		new_test_ext().execute_with(|| {
			with_money();
			let (honest, liar) = long(lie);
			let job = claim(&liar);
			// The liar plays along for some blocks, then falls silent.
			let left = std::cell::Cell::new(served);
			let operator = || if left.get() > 0 {
				left.set(left.get() - 1);
				serve(job, &liar);
			};
			for action in &before {
				if end_of(job).is_none() && System::block_number() < WINDOW {
					act(job, &honest, &liar, action, &operator);
				}
			}
			if end_of(job).is_none() {
				let id = open(HONEST, job, &honest);
				for action in &actions {
					act(job, &honest, &liar, action, &|| {
						operator();
						challenge(job, id, &honest, &liar);
					});
					check_invariants();
				}
				for _ in 0..200 {
					operator();
					challenge(job, id, &honest, &liar);
					block(true);
				}
				assert!(matches!(end_of(job), Some(End::Fault { .. })));
			}
			pass(2 * Retention::get());
			check_invariants();
			assert_eq!(crate::Challenges::<Test>::iter().count(), 0);
			assert_eq!(Nodes::<Test>::iter().count(), 0);
		});
	}
}
