//! What others send, used by those it was not meant for.

use crate::{
	actors::{
		Copier, FrontRunner, KeyCopier, Misuser, Newcomer, Player, Recorder, Recording, Shams,
		Thief,
	},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Honest, Liar, Place},
	stage::{Cast, Stage},
	world::World,
};
use assay_runtime::{constants::currency::ASY, Runtime};
use pallet_operators::{KeyOwner, ServiceKeys};
use sp_core::Pair;
use sp_runtime::Percent;

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "copied-key",
		shows: "a service key copied from its owner's registration is worth nothing",
		play: copied_key,
	},
	Drill {
		name: "copied-message",
		shows: "no copy of a free message, as it is or changed, does anything",
		play: copied_message,
	},
	Drill {
		name: "swapped-requests",
		shows: "what is signed on one fork does nothing on another where the jobs are exchanged",
		play: swapped_requests,
	},
	Drill {
		name: "stolen-key",
		shows: "a thief of a service key burns its allowance and no more",
		play: stolen_key,
	},
	Drill {
		name: "front-run-proof",
		shows: "who copies a fault proof and is first leaves the finder its reward",
		play: front_run_proof,
	},
	Drill {
		name: "misapplied-proof",
		shows: "the proof of one lie proves nothing about another job",
		play: misapplied_proof,
	},
];

fn copied_key(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let (owner, thief) = (stage.account("newcomer"), stage.account("thief"));
	stage.act(Newcomer::new(owner.clone()));
	stage.act(KeyCopier(thief.clone()));
	let mut world = stage.world();
	world.play(3, |_| false);
	let mut checks = Checks::new();
	let key = owner.service().public();
	let holder = world.chain.read(|| KeyOwner::<Runtime>::get(&key));
	checks.that(holder == Some(owner.id()), "the key is its owner's");
	let stolen = world.chain.read(|| ServiceKeys::<Runtime>::contains_key(thief.id()));
	checks.that(!stolen, "the thief has a key");
	let tries = world.ledger.of("thief");
	checks.that(tries.failed == 1, format!("the thief was not first: {tries:?}"));
	Outcome::of(&world, checks)
}

fn copied_message(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	stage.watcher("watcher");
	stage.act(Copier::new("copier"));
	let ops = stage.model.ops();
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	let copies = world.ledger.of("copier");
	checks.that(
		copies.admitted == 0 && copies.done == 0 && copies.failed == 0,
		format!("copies had an effect: {copies:?}"),
	);
	checks.that(copies.invalid >= 50, format!("too little was tried: {copies:?}"));
	Outcome::of(&world, checks)
}

/// A liar and a watcher; whoever else acts comes first.
fn liar_and_watcher(cast: &Cast, first: impl FnOnce(&mut Stage)) -> Stage {
	let mut stage = Stage::new(cast);
	first(&mut stage);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	stage.watcher("watcher");
	stage
}

/// Two forks: the same chain up to the block whose number comes with them, and then two requests, on
/// the second fork in the other order.
fn forks(here: &mut Stage, there: &mut Stage) -> u32 {
	let mut requests = Vec::new();
	for (number, name) in [(0, "first"), (1, "second")] {
		let (who, call) = (here.account(name), here.a_request(number, None));
		there.account(name);
		requests.extend(here.signed(&who, vec![call]));
	}
	let parted = here.chain.number();
	(here.chain, there.chain) = std::mem::take(&mut here.chain).fork();
	here.chain.ok_block(requests.clone());
	requests.reverse();
	there.chain.ok_block(requests);
	parted
}

fn swapped_requests(cast: &Cast) -> Outcome {
	let quiet = Cast { aloud: false, ..*cast };
	let recording = Recording::default();
	let mut here = liar_and_watcher(cast, |_| {});
	// What the other fork does itself comes after what is played to it.
	let mut there = liar_and_watcher(&quiet, |stage| {
		stage.act(Player::new("player", recording.clone()));
	});
	let parted = forks(&mut here, &mut there);
	let signers = vec![here.account("liar"), here.account("watcher")];
	here.act(Recorder::new("recorder", signers, parted, recording.clone()));
	let mut calls = std::collections::BTreeSet::new();
	let (mut here, mut there) = (here.world(), there.world());
	let same = here.chain.read(|| assay_runtime::System::block_hash(parted))
		== there.chain.read(|| assay_runtime::System::block_hash(parted));
	for _ in 0..60 {
		here.step();
		for message in recording.borrow().iter() {
			let name = frame_support::traits::GetCallMetadata::get_call_metadata(&message.function);
			calls.insert(name.function_name);
		}
		there.step();
	}
	let mut checks = Checks::new();
	checks.that(same, "the forks have a common beginning");
	for name in ["accept", "claim", "open", "reveal_trace", "ask", "answer", "prove_fault"] {
		checks.that(calls.contains(name), format!("no {name} was played"));
	}
	let played = there.ledger.of("player");
	checks.that(
		played.admitted == 0 && played.done == 0 && played.failed == 0,
		format!("messages of the other fork had an effect: {played:?}"),
	);
	checks.that(played.invalid > 0, "nothing was played");
	let mut finish = |world: &mut World| {
		world.play(60, settled);
		[0, 1].into_iter().for_each(|job| checks.fraud(world, job, |_| true));
	};
	finish(&mut here);
	finish(&mut there);
	Outcome::of(&here, checks).and(Outcome::of(&there, Checks::new()))
}

fn stolen_key(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	let owner = stage.watcher("watcher");
	let allowance = stage
		.chain
		.read(|| ServiceKeys::<Runtime>::get(owner.id()).map_or(0, |record| record.allowance));
	// From now on it may lose that, and nothing else counts.
	stage.ledger.honest(&mut stage.chain, &owner, Some(allowance));
	stage.act(Thief::new("thief", owner.clone()));
	stage.request(60);
	let mut world = stage.world();
	let before = world.chain.wealth(&owner.id());
	world.play(150, settled);
	let mut checks = Checks::new();
	for job in 0..60 {
		checks.is_final(&world, job);
	}
	let lost = before.saturating_sub(world.chain.wealth(&owner.id()));
	checks.that(lost == allowance, format!("the thief burned {lost} of {allowance}"));
	let thefts = world.ledger.of("thief");
	let most = allowance / ASY;
	checks.that(u128::from(thefts.done) == most, format!("challenges of the thief: {thefts:?}"));
	checks.that(thefts.done + thefts.refused + thefts.invalid == 60, format!("{thefts:?}"));
	Outcome::of(&world, checks)
}

fn front_run_proof(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	let watcher = stage.watcher("watcher");
	let runner = stage.account("front-runner");
	stage.act(FrontRunner(runner.clone()));
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	match world.ledger.shared.get(&0) {
		Some(shared) => {
			checks.that(shared.prover == Some(runner.id()), "the copy is first");
			checks.that(shared.finder == Some(watcher.id()), "the watcher is the finder");
			let share = Percent::from_percent(30).mul_floor(shared.whole);
			checks.that(shared.to_finder == share, format!("{shared:?}"));
			let most = Percent::from_percent(5).mul_ceil(shared.whole);
			checks.that(shared.to_prover <= most, format!("{shared:?}"));
		},
		None => checks.that(false, "nothing was shared"),
	}
	Outcome::of(&world, checks)
}

fn misapplied_proof(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let honest = stage.operator("operator", Honest);
	let accounts = [liar.account().clone(), honest.account().clone()];
	stage.act(liar);
	stage.act(honest);
	stage.watcher("watcher");
	// Has the honest operator commit to its trace, without which there is nothing to prove.
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 1, ops, 2));
	let misuser = stage.account("misuser");
	stage.act(Misuser::new(misuser, vec![1]));
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	checks.is_final(&world, 1);
	let tries = world.ledger.of("misuser");
	checks.that(tries.failed > 0 && tries.done == 0, format!("the misuser: {tries:?}"));
	Outcome::of(&world, checks)
}
