//! Operators that cheat, one way each.

use crate::{
	actors::{Grabber, Leaver, Revenant, Sleeper},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Conduct, Honest, Junk, Liar, Mute, Place},
	ledger::Verdict,
	stage::{Cast, Stage},
	world::World,
};
use assay_primitives::FaultKind;
use assay_runtime::{
	constants::{currency::ASY, inference},
	Runtime,
};
use sp_runtime::Percent;

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "lie-first",
		shows: "an operator that lies in the first operation is convicted there",
		play: |cast| lie(cast, Place::First),
	},
	Drill {
		name: "lie-middle",
		shows: "an operator that lies in the middle is convicted there",
		play: |cast| lie(cast, Place::Middle),
	},
	Drill {
		name: "lie-last",
		shows: "an operator that lies in the last operation is convicted there",
		play: |cast| lie(cast, Place::Last),
	},
	Drill {
		name: "silent",
		shows: "a liar that keeps its trace to itself loses as if it were proven",
		play: |cast| convicts(cast, Mute { reveals: false }, |fault| *fault == FaultKind::NoTrace),
	},
	Drill {
		name: "unresponsive",
		shows: "a liar that opens no node loses as if it were proven",
		play: |cast| {
			convicts(cast, Mute { reveals: true }, |fault| matches!(fault, FaultKind::NoAnswer(_)))
		},
	},
	Drill {
		name: "junk-trace",
		shows: "a trace made up of junk cannot be opened, and that is a fault",
		play: |cast| {
			convicts(cast, Junk { lie: Place::Middle, all: true }, |fault| {
				matches!(fault, FaultKind::NoAnswer(_))
			})
		},
	},
	Drill {
		name: "junk-suffix",
		shows: "junk behind the first wrong entry does not hide it",
		play: |cast| {
			let model = Stage::new(cast).model;
			let op = Place::Middle.op(model.ops());
			convicts(cast, Junk { lie: Place::Middle, all: false }, move |fault| {
				entry_of(fault) == Some(op)
			})
		},
	},
	Drill {
		name: "one-stake-many-lies",
		shows: "stake backs one claim each: ten lies on ten stakes cost all ten",
		play: one_stake_many_lies,
	},
	Drill {
		name: "missed-deadline",
		shows: "whoever takes a job and does not answer never gets it again; another serves it",
		play: missed_deadline,
	},
	Drill {
		name: "chilled-liar",
		shows: "a convicted operator cannot come back before its time",
		play: chilled_liar,
	},
	Drill {
		name: "caught-by-a-friend",
		shows: "a liar whose friends find, prove and requested its lie gets back 40 % at most",
		play: caught_by_a_friend,
	},
	Drill {
		name: "leave-with-the-stake",
		shows: "a liar cannot take the stake behind its claim away before the verdict",
		play: leave_with_the_stake,
	},
];

fn lie(cast: &Cast, place: Place) -> Outcome {
	let op = place.op(Stage::new(&Cast::default()).model.ops());
	convicts(cast, Liar(place), move |fault| entry_of(fault) == Some(op))
}

/// A watcher alone against an operator that behaves like this.
fn convicts(
	cast: &Cast,
	conduct: impl Conduct + 'static,
	fits: impl Fn(&FaultKind) -> bool,
) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", conduct);
	stage.act(liar);
	stage.watcher("watcher");
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, fits);
	Outcome::of(&world, checks)
}

fn stake_of(world: &mut World, name: &str) -> u128 {
	let id = crate::Account::new(name).id();
	let record = world.chain.read(|| pallet_operators::Operators::<Runtime>::get(id));
	record.map_or(0, |record| record.stake)
}

fn one_stake_many_lies(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator_with("liar", Liar(Place::First), 100 * ASY);
	let account = liar.account().clone();
	stage.act(Grabber(account));
	stage.act(liar);
	stage.watcher("watcher");
	stage.request(30);
	let mut world = stage.world();
	world.play(220, settled);
	let mut checks = Checks::new();
	let claimed = world.ledger.claimed.len();
	let refuted = world
		.ledger
		.verdicts()
		.filter(|(_, verdict)| matches!(verdict, Verdict::Fraud { .. }))
		.count();
	checks.that(claimed == 10, format!("{claimed} claims on ten stakes"));
	checks.that(refuted == claimed, format!("{refuted} of {claimed} refuted"));
	let left = stake_of(&mut world, "liar");
	checks.that(left == 0, format!("the liar keeps {left}"));
	Outcome::of(&world, checks)
}

fn missed_deadline(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	// Only its account acts: it takes jobs and never runs them.
	let idler = stage.operator("idler", crate::engine::Idle).account().clone();
	let worker = stage.operator("worker", Honest);
	let served_by = worker.account().id();
	stage.act(Grabber(idler.clone()));
	let start = stage.chain.number() + 5;
	stage.act(Sleeper::new(Box::new(worker), start));
	stage.request(1);
	let mut world = stage.world();
	let before = stake_of(&mut world, "idler");
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	let by = match world.ledger.verdict(0) {
		Some((Verdict::Final { operator, .. }, _)) => Some(operator.clone()),
		_ => None,
	};
	checks.that(by == Some(served_by), "the other operator serves it");
	let grabs = world.ledger.of(idler.name());
	checks.that(grabs.done == 1, format!("it was taken {} times", grabs.done));
	let lost = before.saturating_sub(stake_of(&mut world, "idler"));
	checks.that(lost == 10 * ASY / 100, format!("being late cost {lost}"));
	let missed = world.chain.read(|| pallet_jobs::Jobs::<Runtime>::get(0)).map(|job| job.missed);
	let missed = missed.map(|missed| missed.into_inner());
	checks.that(missed == Some(vec![idler.id()]), "the job remembers who missed it");
	Outcome::of(&world, checks)
}

fn chilled_liar(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let account = liar.account().clone();
	stage.act(liar);
	stage.watcher("watcher");
	stage.act(Revenant::new("revenant", account.clone()));
	stage.request(1);
	let mut world = stage.world();
	let id = account.id();
	let back = move |world: &mut World| world.ledger.activated.iter().any(|(who, _)| *who == id);
	world.play(150, back);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	let convicted = world.ledger.verdict(0).map_or(0, |(_, at)| *at);
	let back = world.ledger.activated.first().map_or(0, |(_, at)| *at);
	checks.that(
		back >= convicted + inference::CHILL,
		format!("convicted in {convicted}, active again in {back}"),
	);
	let tries = world.ledger.of("revenant");
	checks.that(tries.failed > 0, "it never tried too early");
	Outcome::of(&world, checks)
}

fn caught_by_a_friend(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	// The friend watches before the honest watcher does, and all rewards are the liar's in truth.
	let friend = stage.watcher("friend");
	stage.watcher("watcher");
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	match world.ledger.shared.get(&0) {
		Some(shared) => {
			checks.that(shared.finder == Some(friend.id()), "the friend is the finder");
			let back = shared.to_finder + shared.to_prover + shared.to_requester;
			let most = Percent::from_percent(40).mul_floor(shared.whole);
			checks.that(back <= most, format!("{back} of {} come back", shared.whole));
		},
		None => checks.that(false, "nothing was shared"),
	}
	Outcome::of(&world, checks)
}

fn leave_with_the_stake(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator_with("liar", Liar(Place::Middle), 100 * ASY);
	let account = liar.account().clone();
	stage.act(liar);
	stage.act(Leaver::new("leaver", account));
	stage.watcher("watcher");
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	let whole = world.ledger.shared.get(&0).map(|shared| shared.whole);
	checks.that(whole == Some(10 * ASY), format!("slashed: {whole:?}"));
	let tries = world.ledger.of("leaver");
	checks.that(tries.failed > 0, format!("it did not try to take all: {tries:?}"));
	Outcome::of(&world, checks)
}
