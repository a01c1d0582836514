//! Full blocks and a full chain.

use crate::{
	actors::Spammer,
	authors::Venal,
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Liar, Model, Place},
	stage::{Cast, Stage},
	world::World,
};
use assay_runtime::{constants::currency::ASY, RuntimeCall};
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
