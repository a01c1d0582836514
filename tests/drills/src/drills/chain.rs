//! Full blocks and a full chain.

use crate::{
	account::Account,
	actors::{Copier, FrontRunner, Hoarder, Late, Misuser, Shams, Spammer, Squatter},
	authors::{Picky, Venal},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Honest, Junk, Liar, Model, Mute, Place},
	ledger::Verdict,
	stage::{Cast, Stage},
	world::{Pending, World},
};
use assay_primitives::JobId;
use assay_runtime::{
	constants::{currency::ASY, inference},
	RuntimeCall,
};
use codec::Encode;
use frame_support::BoundedVec;

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "stuffed-blocks",
		shows: "blocks stuffed with tipped spam leave disputes their room",
		play: stuffed_blocks,
	},
	Drill {
		name: "foreign-jobs",
		shows: "among 2,000 jobs of others a watcher reads hardly more, and finds the liar",
		play: foreign_jobs,
	},
	Drill {
		name: "self-dealt-claims",
		shows: "400 equal claims are one run to a watcher, and hide no lie among them",
		play: self_dealt_claims,
	},
	Drill {
		name: "everything-at-once",
		shows: "four liars, shams, copiers and an author that drops a third of all: every lie falls, no truth",
		play: everything_at_once,
	},
];

fn stuffed_blocks(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	stage.author = Box::new(Venal);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let ops = stage.model.ops();
	stage.act(liar);
	stage.watcher("watcher");
	let spammer = stage.account("spammer");
	stage.act(Spammer::new(spammer, 0));
	stage.request(1);
	let mut world = stage.world();
	world.play(120, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	let spam = world.ledger.of("spammer");
	checks.that(spam.no_room > 5 && spam.done > 20, format!("blocks were not full: {spam:?}"));
	Outcome::of(&world, checks)
}

/// Jobs of somebody else's model.
const FOREIGN: u64 = 2_000;

/// Jobs of somebody else's model with which the proofs are compared.
const FEW: u64 = 100;

fn foreign_jobs(cast: &Cast) -> Outcome {
	let quiet = Cast { aloud: false, ..*cast };
	let (few, most_of_few) = among(&quiet, FEW);
	let (many, most_of_many) = among(cast, FOREIGN);
	let mut checks = Checks::new();
	checks.that(
		most_of_many * 4 <= most_of_few * 5,
		format!("the watcher reads {most_of_many} bytes among {FOREIGN} jobs, {most_of_few} among {FEW}"),
	);
	if cast.aloud {
		println!(
			"  the watcher reads {most_of_many} bytes a block at most, {most_of_few} among {FEW}"
		);
	}
	let of = |world: &World| {
		let mut checks = Checks::new();
		checks.fraud(world, world.ledger.claimed.first().map_or(0, |(job, ..)| *job), |_| true);
		Outcome::of(world, checks)
	};
	let mut both = of(&few).and(of(&many));
	both.unexpected.extend(checks.into_inner());
	both
}

/// A liar and a watcher among so many jobs of a model that neither has. Returns the most bytes that
/// the watcher read in a block.
fn among(cast: &Cast, foreign: u64) -> (World, usize) {
	let models = [Model::chain(40, 600), Model::chain(2, 16)];
	let mut stage = Stage::with_models(cast, &models);
	let liar = stage.operator("liar", Liar(Place::Middle));
	stage.act(liar);
	let mut gauge = None;
	stage.watcher_who("watcher", |node| {
		gauge = Some(node.gauge());
		Box::new(node)
	});
	let call = |number| {
		RuntimeCall::from(pallet_jobs::Call::request {
			model: models[1].id(),
			input: BoundedVec::truncate_from(models[1].input(number)),
			fee: ASY,
			operator: None,
		})
	};
	stage.request_by("crowd", (0..foreign).map(call).collect());
	let jobs = stage.request(1);
	let job = jobs.first().copied().unwrap_or_default();
	let mut world = stage.world();
	world.play(90, move |world| world.ledger.verdict(job).is_some() && world.challenges_are_over());
	let most = gauge.and_then(|gauge| gauge.borrow().iter().max().copied());
	(world, most.unwrap_or_default())
}

/// Honest claims of one input that come before the lies, and again after them: more than the blocks of
/// a window.
const DEALT: usize = 200;

/// Inputs of the lies: two are about the input of the flood.
const LIED_ABOUT: [u64; 4] = [0, 0, 1, 2];

/// Different ones of these.
const INPUTS: usize = 3;

fn self_dealt_claims(cast: &Cast) -> Outcome {
	let mut stage = Stage::with_models(cast, &[Model::chain(40, 16)]);
	let ops = stage.model.ops();
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let (dealer, lying) = (operator.account().clone(), liar.account().clone());
	stage.act(operator);
	stage.act(liar);
	// Who makes up the jobs knows the answers; the watcher has to run them, and takes a block for each.
	stage.model = stage.model.clone().slow(1);
	let mut engine = None;
	stage.watcher_who("watcher", |node| {
		engine = Some(node.engine());
		Box::new(node)
	});
	let deal = |stage: &mut Stage| {
		let calls = (0..DEALT).map(|_| stage.a_request(0, Some(&dealer))).collect();
		stage.request_by("friend", calls)
	};
	let before = deal(&mut stage);
	let calls = LIED_ABOUT.iter().map(|input| stage.a_request(*input, Some(&lying))).collect();
	let lies = stage.request_by("friend", calls);
	let after = deal(&mut stage);
	let mut world = stage.world();
	world.play(150, settled);

	let mut checks = Checks::new();
	for job in before.iter().chain(&after) {
		checks.is_final(&world, *job);
	}
	for job in &lies {
		checks.fraud(&world, *job, |fault| entry_of(fault) == Some(ops / 2));
	}
	let claims: Vec<u32> = world.ledger.claimed.iter().map(|(.., at)| *at).collect();
	let all = before.len() + lies.len() + after.len();
	checks.that(claims.len() == all, format!("{} claims on {all} jobs", claims.len()));
	// All windows are open at a time, and end before so many runs are over.
	let span = claims.iter().max().copied().zip(claims.iter().min().copied());
	let span = span.map_or(u32::MAX, |(last, first)| last - first);
	checks.that(span < inference::WINDOW, format!("claims were made in {span} blocks"));
	checks.that(all > inference::WINDOW as usize, "a run for each would be in time");
	let runs = engine.map_or(0, |engine| engine.plain_runs());
	checks.that(runs == INPUTS, format!("{runs} runs of {INPUTS} inputs"));
	if cast.aloud {
		println!("  the watcher looked at {} claims in {runs} runs", claims.len());
	}
	Outcome::of(&world, checks)
}

/// Left out by chance, a third of the time: another third in every block.
fn by_chance(at: u32, pending: &Pending) -> bool {
	let bytes = (at, &pending.transaction).encode();
	sp_io::hashing::twox_64(&bytes)[0].is_multiple_of(3)
}

fn everything_at_once(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	stage.author = Box::new(Picky { drops: by_chance });
	let ops = stage.model.ops();
	let liars = vec![
		stage.operator("liar", Liar(Place::First)),
		stage.operator("late-liar", Liar(Place::Last)),
		stage.operator("mute", Mute { reveals: true }),
		stage.operator("junk", Junk { lie: Place::Middle, all: false }),
	];
	let honest = vec![stage.operator("operator", Honest), stage.operator("other", Honest)];
	let accounts: Vec<Account> =
		liars.iter().chain(&honest).map(|node| node.account().clone()).collect();
	for (number, node) in liars.into_iter().chain(honest).enumerate() {
		match number {
			1 => stage.act(Late::always(Box::new(node))),
			_ => stage.act(node),
		}
	}
	// Two jobs for each.
	let jobs: Vec<JobId> =
		accounts.iter().chain(&accounts).map(|account| stage.request_of(account)).collect();
	for job in &jobs {
		let crowd = stage.accounts(&format!("sham-of-{job}"), 4);
		stage.act(Shams::new(&format!("shams-of-{job}"), crowd, *job, ops, 4));
	}
	stage.watcher("watcher");
	stage.watcher_who("late-watcher", |node| Box::new(Late::in_opening(Box::new(node))));
	stage.act(Copier::new("copier"));
	stage.act(Hoarder::new("hoarder", 30));
	for name in ["front-runner", "squatter", "misuser"] {
		let account = stage.account(name);
		match name {
			"front-runner" => stage.act(FrontRunner(account)),
			"squatter" => stage.act(Squatter(account)),
			_ => stage.act(Misuser::new(account, jobs.clone())),
		}
	}
	let mut world = stage.world();
	world.play(250, settled);
	let mut checks = Checks::new();
	for job in jobs {
		let verdict = world.ledger.verdict(job).map(|(verdict, _)| verdict.clone());
		let fits = match &verdict {
			Some(Verdict::Final { true_answer, .. }) => *true_answer,
			Some(Verdict::Fraud { operator, .. }) => {
				accounts[..4].iter().any(|liar| liar.id() == *operator)
			},
			// A liar that was convicted in its first job may not have come to the second.
			Some(Verdict::None) => true,
			Some(Verdict::Void { .. }) | None => false,
		};
		checks.that(fits, format!("job {job}: {verdict:?}"));
	}
	let count = |test: fn(&Verdict) -> bool| {
		world.ledger.verdicts().filter(|(_, verdict)| test(verdict)).count()
	};
	let (lies, truths) = (
		count(|verdict| matches!(verdict, Verdict::Fraud { .. })),
		count(|verdict| matches!(verdict, Verdict::Final { .. })),
	);
	checks.that(lies >= 4, format!("{lies} lies fell"));
	checks.that(truths == 4, format!("{truths} truths stand"));
	if cast.aloud {
		println!("  {lies} lies fell, {truths} truths stand");
	}
	Outcome::of(&world, checks)
}
