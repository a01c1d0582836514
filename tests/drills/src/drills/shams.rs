//! Challenges that are not meant.

use crate::{
	actors::{Friend, Late, Perjurer, Shams, Squatter},
	authors::{is_own_answer, Picky},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Honest, Liar, Model, Place},
	ledger::Verdict,
	stage::{Cast, Stage},
};
use assay_runtime::{
	constants::{currency::ASY, inference as game},
	Runtime, RuntimeCall,
};

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "self-challenge-to-exonerate",
		shows: "a challenge of the operator's own that lapses does not clear its claim",
		play: self_challenge,
	},
	Drill {
		name: "sham-challenges",
		shows: "200 sham challenges cost their bonds, and an honest operator nothing",
		play: sham_challenges,
	},
	Drill {
		name: "sham-crowd-out",
		shows: "200 sham challenges do not keep an honest one out",
		play: sham_crowd_out,
	},
	Drill {
		name: "delayed-finality",
		shows:
			"a sham in the last block of the window that plays late delays no longer than it may",
		play: delayed_finality,
	},
	Drill {
		name: "sham-slow-model",
		shows: "runs that take a minute make no honest operator or watcher late, and save no liar",
		play: sham_slow_model,
	},
	Drill {
		name: "perjury",
		shows: "nobody but the operator can say what its trace is",
		play: perjury,
	},
	Drill {
		name: "censored-operator",
		shows: "whose answers do not get through is saved by anybody who answers for it",
		play: censored_operator,
	},
	Drill {
		name: "penniless-operator",
		shows: "an operator with nothing but its stake can answer everything",
		play: penniless_operator,
	},
	Drill {
		name: "copied-challenge",
		shows:
			"who opens a copied challenge first may share the reward, and does not save the liar",
		play: copied_challenge,
	},
];

/// How many shams make a crowd.
const CROWD: usize = 200;

fn self_challenge(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	let (friend, ops) = (stage.account("friend"), stage.model.ops());
	stage.act(Shams::new("friend", vec![friend], 0, ops, 0));
	// Opens when the friend's challenge has lapsed already.
	stage.watcher_who("watcher", |node| Box::new(Late::in_opening(Box::new(node))));
	stage.request(1);
	let mut world = stage.world();
	world.play(150, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	checks.that(world.ledger.lapsed.len() == 1, "the friend's challenge lapses before");
	Outcome::of(&world, checks)
}

/// A crowd against an operator; returns its wealth before and after besides.
fn sham_challenges(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	let id = operator.account().id();
	stage.act(operator);
	let (crowd, ops) = (stage.accounts("sham", CROWD), stage.model.ops());
	stage.act(Shams::new("shams", crowd.clone(), 0, ops, 4));
	stage.request(1);
	let mut world = stage.world();
	let before = world.chain.wealth(&id);
	let theirs: Vec<u128> = crowd.iter().map(|one| world.chain.wealth(&one.id())).collect();
	world.play(250, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	checks.that(
		matches!(world.ledger.verdict(0), Some((Verdict::Final { disputes: 200, .. }, _))),
		"it was challenged 200 times",
	);
	let lapsed = world.ledger.lapsed.len();
	checks.that(lapsed == CROWD, format!("{lapsed} shams lapsed"));
	let gained = world.chain.wealth(&id).checked_sub(before);
	let bonds = CROWD as u128 * ASY / 10 * 6;
	checks.that(
		gained.is_some_and(|gained| gained >= bonds),
		format!("the operator gained {gained:?}, of bonds alone {bonds}"),
	);
	for (one, before) in crowd.iter().zip(theirs) {
		let lost = before.saturating_sub(world.chain.wealth(&one.id()));
		checks.that(lost >= ASY, format!("{} lost {lost} only", one.name()));
	}
	Outcome::of(&world, checks)
}

fn sham_crowd_out(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	let (crowd, ops) = (stage.accounts("sham", CROWD), stage.model.ops());
	stage.act(Shams::new("shams", crowd, 0, ops, 2));
	stage.watcher("watcher");
	stage.request(1);
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	Outcome::of(&world, checks)
}

fn delayed_finality(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Late::always(Box::new(Shams::new("sham", vec![sham], 0, ops, 4))));
	stage.request(1);
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	let claimed = world.ledger.claimed.first().map_or(0, |(.., at)| *at);
	let end = world.ledger.verdict(0).map_or(0, |(_, at)| *at);
	// Everybody takes all the time there is; and two blocks for the agenda.
	let moves = pallet_challenges::MAX_MOVES;
	let most =
		claimed + game::WINDOW + game::TRACE + moves * (game::ANSWER + game::TURN) + game::TURN + 2;
	checks.that(end > claimed + game::WINDOW + game::TURN, "the sham delays nothing");
	checks.that(end <= most, format!("final in {end}, at most {most}"));
	checks.that(world.ledger.lapsed.len() == 1, "the sham loses its bond");
	Outcome::of(&world, checks)
}

/// Blocks that a run of the slow model takes on the slowest machine that the chain admits, which is what
/// everybody has: no period but the queue's is longer without what the model adds to it.
const RUN: u32 = game::CLAIM;

/// Moves of a sham down to a chunk of a tensor.
const TO_THE_END: u32 = 4;

fn sham_slow_model(cast: &Cast) -> Outcome {
	let mut stage = Stage::with_models(cast, &[Model::chain(40, 600).slow(RUN)]);
	let ops = stage.model.ops();
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let accounts = [&operator, &operator, &liar].map(|node| node.account().clone());
	stage.act(operator);
	stage.act(liar);
	// Two jobs of the honest operator are asked about in turns: its machine is busy with one when it has
	// to trace the other, and has forgotten the trace when the next question comes.
	let shams = ["sham", "other-sham"];
	for (job, name) in (0..).zip(shams) {
		let account = stage.account(name);
		stage.act(Shams::new(name, vec![account], job, ops, TO_THE_END as usize));
	}
	stage.watcher("watcher");
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	let start = world.chain.number();
	world.play(500, settled);

	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	checks.is_final(&world, 1);
	checks.fraud(&world, 2, |fault| entry_of(fault) == Some(ops / 2));
	let claims: Vec<u32> = world.ledger.claimed.iter().map(|(.., at)| *at).collect();
	checks.that(claims.len() == 3, format!("{} claims", claims.len()));
	let first = claims.iter().min().copied().unwrap_or_default();
	checks.that(first > start + RUN, format!("begun in {start}, the first claim in {first}"));
	for name in shams {
		let asked = world.ledger.of(name).done;
		checks.that(asked == 1 + TO_THE_END, format!("{name} opens and asks {asked} times"));
	}
	let lapsed = world.ledger.lapsed.len();
	checks.that(lapsed == shams.len(), format!("{lapsed} shams lose their bonds"));
	Outcome::of(&world, checks)
}

fn perjury(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 2));
	let perjurer = stage.account("perjurer");
	stage.act(Perjurer::new(perjurer, 0, ops));
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	let tries = world.ledger.of("perjurer");
	checks.that(tries.done == 0 && tries.failed > 0, format!("the perjurer: {tries:?}"));
	Outcome::of(&world, checks)
}

fn censored_operator(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	stage.author = Box::new(Picky { drops: |_, pending| is_own_answer(pending) });
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 4));
	let (friend, model) = (stage.account("friend"), stage.model.clone());
	stage.act(Friend::new(friend, model, 0));
	stage.request(1);
	let mut world = stage.world();
	world.play(150, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	let answers = world.ledger.of("friend").done;
	checks.that(answers == 4, format!("the friend answers {answers} of 4 questions"));
	Outcome::of(&world, checks)
}

fn penniless_operator(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	let account = operator.account().clone();
	stage.act(operator);
	let dest = stage.account("elsewhere").id().into();
	let call = pallet_balances::Call::transfer_all { dest, keep_alive: true };
	stage.do_now(&account, vec![RuntimeCall::from(call)]);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 4));
	stage.request(1);
	let mut world = stage.world();
	let free = world.chain.read(|| frame_system::Account::<Runtime>::get(account.id()).data.free);
	world.play(150, settled);
	let mut checks = Checks::new();
	checks.that(free < ASY / 100, format!("it has {free} to begin with"));
	checks.is_final(&world, 0);
	Outcome::of(&world, checks)
}

fn copied_challenge(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	stage.watcher("watcher");
	let (squatter, ops) = (stage.account("squatter"), stage.model.ops());
	stage.act(Squatter(squatter));
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	checks.that(world.ledger.of("squatter").done == 1, "the copy is first");
	Outcome::of(&world, checks)
}
