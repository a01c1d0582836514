//! Outputs that the claim did not bring, and what is demanded of them.

use crate::{
	actors::{Demander, DemandsWhen, Late, Shams},
	drill::{entry_of, settled, Checks, Drill, Outcome},
	engine::{Honest, Model, Place, Withholder, WithholdingLiar},
	ledger::Verdict,
	stage::{Cast, Stage},
};
use assay_runtime::{constants::inference as game, Runtime};

pub(super) const DRILLS: &[Drill] = &[
	Drill {
		name: "withheld-output",
		shows: "who keeps the output to itself is not paid, and who lied besides is convicted",
		play: withheld_output,
	},
	Drill {
		name: "output-demands-flood",
		shows: "a flood of demands makes no honest operator late, and saves no liar",
		play: output_demands_flood,
	},
];

/// Elements of a tensor too long for a claim: 20,000 bytes, one piece.
const ONE_PIECE: u32 = 5_000;
/// And of one of two pieces.
const TWO_PIECES: u32 = 25_000;

fn withheld_output(cast: &Cast) -> Outcome {
	let when = [DemandsWhen::AtOnce, DemandsWhen::AtTheEnd];
	when.into_iter().fold(Outcome::default(), |sum, when| sum.and(withheld_when(cast, when)))
}

fn withheld_when(cast: &Cast, when: DemandsWhen) -> Outcome {
	let mut stage = Stage::with_models(cast, &[Model::chain(4, ONE_PIECE)]);
	let withholder = stage.operator("withholder", Withholder);
	let liar = stage.operator("liar", WithholdingLiar(Place::Middle));
	let operator = stage.operator("operator", Honest);
	let accounts = [&withholder, &liar, &operator].map(|node| node.account().clone());
	stage.act(withholder);
	stage.act(liar);
	// Delivers in the last block in which that counts.
	stage.act(Late::always(Box::new(operator)));
	stage.watcher("watcher");
	let requester = stage.account("requester");
	stage.act(Demander::new(requester, when, ONE_PIECE * 4));
	accounts.iter().for_each(|account| {
		stage.request_of(account);
	});
	let mut world = stage.world();
	world.play(200, settled);
	let mut checks = Checks::new();
	let verdict = world.ledger.verdict(0);
	let void =
		matches!(verdict, Some((Verdict::Void { operator }, _)) if *operator == accounts[0].id());
	checks.that(void, format!("withheld, but: {verdict:?}"));
	// Silence towards a friend, who may be the liar itself, is no way out.
	checks.fraud(&world, 1, |fault| entry_of(fault) == Some(2));
	checks.is_final(&world, 2);
	checks.that(world.ledger.delivered == 1, format!("{} delivered", world.ledger.delivered));
	Outcome::of(&world, checks)
}

/// How many outputs are demanded at once.
const FLOOD: u64 = 40;

fn output_demands_flood(cast: &Cast) -> Outcome {
	let mut stage = Stage::with_models(cast, &[Model::chain(2, TWO_PIECES)]);
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", WithholdingLiar(Place::First));
	let (honest, lying) = (operator.account().clone(), liar.account().clone());
	stage.act(operator);
	stage.act(liar);
	stage.watcher("watcher");
	let flooder = stage.account("flooder");
	stage.act(Demander::new(flooder, DemandsWhen::AtOnce, TWO_PIECES * 4));
	// A dispute about one of the claims in the middle of it.
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.act(Shams::new("sham", vec![sham], 0, ops, 4));
	let calls = (0..FLOOD).map(|number| stage.a_request(number, Some(&honest))).collect();
	stage.request_by("flooder", calls);
	let lie = stage.request_of(&lying);
	let mut world = stage.world();
	world.play(300, settled);
	let mut checks = Checks::new();
	for job in 0..FLOOD {
		checks.is_final(&world, job);
	}
	checks.fraud(&world, lie, |fault| entry_of(fault) == Some(0));
	let delivered = world.ledger.delivered;
	checks.that(delivered == 2 * FLOOD as usize, format!("{delivered} delivered"));
	// No later than the queue of so many pieces says.
	let slots = 2 * FLOOD as u32 * pallet_jobs::PIECE_SLOTS;
	let bound = game::DELIVERY + slots / 8 + game::WINDOW + 4 * game::ANSWER;
	let last = world.ledger.finalized.values().max().copied().unwrap_or(u32::MAX);
	let claimed = world.ledger.claimed.iter().map(|(.., at)| *at).max().unwrap_or_default();
	checks.that(last <= claimed + bound, format!("claimed by {claimed}, final in {last}"));
	let open = world.chain.read(|| pallet_jobs::Demands::<Runtime>::iter_keys().count());
	checks.that(open == 0, format!("{open} demands are open"));
	Outcome::of(&world, checks)
}
