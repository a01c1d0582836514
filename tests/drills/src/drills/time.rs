//! Those who are late, and what comes when it should not.

use crate::{
	actors::{Hoarder, Late, Poker, Shams, Sudo},
	authors::{is_accept, is_dispute, Picky},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Honest, Liar, Model, Place},
	stage::{Cast, Stage},
	world::World,
};
use assay_runtime::{
	constants::{block::MAX_WEIGHT, inference},
	Runtime, RuntimeCall, VERSION,
};
use codec::Encode;
use pallet_jobs::NextJob;
use sp_core::traits::{ReadRuntimeVersion, ReadRuntimeVersionExt};

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "late-operator",
		shows: "answering in the last block every time saves no liar and harms no honest operator",
		play: late_operator,
	},
	Drill {
		name: "late-challenger",
		shows: "a watcher that opens and moves in the last block every time still convicts",
		play: late_challenger,
	},
	Drill {
		name: "early-poke",
		shows: "nothing is overdue in the block of its deadline, even if somebody asks for it first",
		play: early_poke,
	},
	Drill {
		name: "reorganised-chain",
		shows: "nodes that see two forks a block come and go still answer and convict on the chain that stays",
		play: reorganised_chain,
	},
	Drill {
		name: "greedy-author",
		shows: "leaving disputes out of eight blocks of nine does not save the liar",
		play: greedy_author,
	},
	Drill {
		name: "old-message",
		shows:
			"a message kept for a hundred blocks does nothing, though the job still waits for it",
		play: old_message,
	},
	Drill {
		name: "after-the-end",
		shows: "what was right in a dispute does nothing when it is over",
		play: after_the_end,
	},
	Drill {
		name: "thousand-due",
		shows: "a thousand jobs due at once become final in a few blocks, none of them too heavy",
		play: thousand_due,
	},
	Drill {
		name: "upgrade-during-dispute",
		shows: "new code in the middle of a dispute changes nothing about its verdict",
		play: upgrade_during_dispute,
	},
	Drill {
		name: "safe-mode-during-dispute",
		shows: "the brakes do not stop a dispute",
		play: safe_mode_during_dispute,
	},
];

fn late_operator(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let operator = stage.operator("operator", Honest);
	let accounts = [liar.account().clone(), operator.account().clone()];
	stage.act(Late::always(Box::new(liar)));
	stage.act(Late::always(Box::new(operator)));
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 1, ops, 4));
	stage.watcher("watcher");
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	checks.is_final(&world, 1);
	Outcome::of(&world, checks)
}

fn early_poke(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let accounts = [operator.account().clone(), liar.account().clone()];
	stage.act(Late::always(Box::new(operator)));
	stage.act(liar);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 4));
	stage.watcher_who("watcher", |node| Box::new(Late::always(Box::new(node))));
	let poker = stage.account("poker");
	stage.act(Poker(poker));
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	checks.fraud(&world, 1, |fault| entry_of(fault) == Some(ops / 2));
	let pokes = world.ledger.of("poker");
	checks.that(pokes.failed > 100, format!("the poker: {pokes:?}"));
	Outcome::of(&world, checks)
}

fn reorganised_chain(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let accounts = [operator.account().clone(), liar.account().clone()];
	stage.act(operator);
	stage.act(liar);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 4));
	stage.watcher("watcher");
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	// Forks of one to three blocks, two after each block that stays.
	for block in 0..100 {
		world.detour(1 + block % 3);
		world.detour(1 + (block + 1) % 3);
		world.step();
		if settled(&mut world) {
			break;
		}
	}
	world.play(1, |_| true);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	checks.fraud(&world, 1, |fault| entry_of(fault) == Some(ops / 2));
	Outcome::of(&world, checks)
}

/// A liar, and a watcher under these circumstances.
fn liar_and(cast: &Cast, circumstances: impl FnOnce(&mut Stage), blocks: u32) -> (World, Checks) {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let ops = stage.model.ops();
	stage.act(liar);
	circumstances(&mut stage);
	stage.request(1);
	let mut world = stage.world();
	world.play(blocks, settled);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |fault| entry_of(fault) == Some(ops / 2));
	(world, checks)
}

fn late_challenger(cast: &Cast) -> Outcome {
	let late = |stage: &mut Stage| {
		stage.watcher_who("watcher", |node| Box::new(Late::always(Box::new(node))));
	};
	let (world, mut checks) = liar_and(cast, late, 200);
	let claimed = world.ledger.claimed.first().map_or(0, |(.., at)| *at);
	let end = world.ledger.verdict(0).map_or(0, |(_, at)| *at);
	let least = claimed + inference::WINDOW + 2 * inference::TURN;
	checks.that(end >= least, format!("convicted in {end}: not as late as possible"));
	Outcome::of(&world, checks)
}

fn greedy_author(cast: &Cast) -> Outcome {
	let greedy = |stage: &mut Stage| {
		let drops = |at: u32, pending: &_| !at.is_multiple_of(9) && is_dispute(pending);
		stage.author = Box::new(Picky { drops });
		stage.watcher("watcher");
	};
	let (world, checks) = liar_and(cast, greedy, 200);
	Outcome::of(&world, checks)
}

/// Blocks for which a message is kept, within the time for which the job waits.
const OLD: u32 = 98;

fn old_message(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	stage.act(Hoarder::new("hoarder", OLD));
	stage.request(1);
	// Otherwise the job would not wait so long.
	stage.author = Box::new(Until { block: stage.chain.number() + OLD + 1 });
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	checks.is_final(&world, 0);
	let old = world.ledger.of("hoarder");
	checks.that(old.done == 0 && old.failed == 0 && old.admitted == 0, format!("{old:?}"));
	checks.that(old.invalid > 0 && old.refused > 0, "nothing old was sent");
	Outcome::of(&world, checks)
}

/// Leaves out all acceptances before a block.
struct Until {
	block: u32,
}

impl crate::world::Author for Until {
	fn order(&mut self, at: u32, pool: &[crate::world::Pending]) -> Vec<crate::world::Pending> {
		let early = at <= self.block;
		let liked: Vec<_> =
			pool.iter().filter(|pending| !(early && is_accept(pending))).cloned().collect();
		crate::world::Fair.order(at, &liked)
	}
}

fn after_the_end(cast: &Cast) -> Outcome {
	let mut stage = Stage::new(cast);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let honest = stage.operator("operator", Honest);
	let accounts = [liar.account().clone(), honest.account().clone()];
	stage.act(liar);
	stage.act(honest);
	stage.watcher("watcher");
	// Long enough for both jobs to be over, and less than the life of a message.
	stage.act(Hoarder::new("hoarder", 40));
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	world.play(80, |_| false);
	let mut checks = Checks::new();
	checks.fraud(&world, 0, |_| true);
	checks.is_final(&world, 1);
	let again = world.ledger.of("hoarder");
	checks.that(again.done == 0 && again.failed == 0, format!("{again:?}"));
	checks.that(again.invalid >= 8, format!("too little was tried: {again:?}"));
	Outcome::of(&world, checks)
}

/// How many jobs are due at once.
const DUE: usize = 1_000;

fn thousand_due(cast: &Cast) -> Outcome {
	let mut stage = Stage::with_models(cast, &[Model::chain(2, 16)]);
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	// One input for all, so that the engine runs once.
	let calls = (0..DUE).map(|_| stage.a_request(0, None)).collect();
	stage.request_by("requester", calls);
	let mut world = stage.world();
	world.play(60, |world| world.ledger.finalized.len() == DUE);
	let mut checks = Checks::new();
	let claims: Vec<u32> = world.ledger.claimed.iter().map(|(.., at)| *at).collect();
	let (first, last) = (claims.iter().min().copied(), claims.iter().max().copied());
	checks.that(claims.len() == DUE, format!("{} claims", claims.len()));
	checks.that(
		last.zip(first).is_some_and(|(last, first)| last - first <= 2),
		format!("claims were made from {first:?} to {last:?}"),
	);
	let due = last.unwrap_or_default() + inference::WINDOW + 1;
	let end = world.ledger.finalized.values().max().copied().unwrap_or(u32::MAX);
	checks.that(world.ledger.finalized.len() == DUE, "not all are final");
	checks.that(end <= due + 4, format!("due in {due}, the last is final in {end}"));
	// From when they are due: before, a new session takes a whole block for itself.
	let heaviest = world.ledger.weights.range(due - 1..).map(|(_, weight)| *weight).max();
	let heaviest = heaviest.unwrap_or(u64::MAX);
	checks.that(heaviest <= MAX_WEIGHT.ref_time(), format!("a block of {heaviest} ps"));
	if cast.aloud {
		println!("  the heaviest of these blocks weighs {} ms", heaviest / 1_000_000_000);
	}
	let jobs = world.chain.read(NextJob::<Runtime>::get);
	checks.that(jobs as usize == DUE, format!("{jobs} jobs"));
	Outcome::of(&world, checks)
}

/// Reads the version off any code: the next one.
struct Next;

impl ReadRuntimeVersion for Next {
	fn read_runtime_version(
		&self,
		_: &[u8],
		_: &mut dyn sp_externalities::Externalities,
	) -> Result<Vec<u8>, String> {
		let spec_version = VERSION.spec_version + 1;
		Ok(sp_version::RuntimeVersion { spec_version, ..VERSION }.encode())
	}
}

fn upgrade_during_dispute(cast: &Cast) -> Outcome {
	let code = || b"the same runtime, one version later".to_vec();
	let upgrade = |stage: &mut Stage| {
		stage.watcher("watcher");
		stage.chain.register(ReadRuntimeVersionExt::new(Next));
		let call = frame_system::Call::set_code { code: code() };
		stage.act(Sudo::upgrade(call.into(), 0));
	};
	let (mut world, mut checks) = liar_and(cast, upgrade, 120);
	let stored = world.chain.read(|| sp_io::storage::get(b":code")).map(|code| code.to_vec());
	checks.that(stored == Some(code()), "the code is there");
	Outcome::of(&world, checks)
}

fn safe_mode_during_dispute(cast: &Cast) -> Outcome {
	let brake = |stage: &mut Stage| {
		stage.watcher("watcher");
		stage.act(Sudo::new(RuntimeCall::SafeMode(pallet_safe_mode::Call::force_enter {}), 0));
	};
	let (mut world, mut checks) = liar_and(cast, brake, 120);
	let on = world.chain.read(pallet_safe_mode::EnteredUntil::<Runtime>::exists);
	checks.that(on, "safe mode is on");
	Outcome::of(&world, checks)
}
