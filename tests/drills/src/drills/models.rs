//! What is registered, and who stands behind it.

use crate::{
	account::Account,
	actors::Saboteur,
	drill::{settled, Checks, Drill, Outcome},
	engine::{Honest, Liar, Place},
	stage::{metadata, Cast, Stage},
	world::World,
};
use assay_primitives::ModelId;
use assay_runtime::{Balance, Balances, Runtime, RuntimeCall};
use frame_support::{traits::fungible::InspectHold, BoundedVec};
use pallet_models::{Call, HoldReason, Metadata};

pub(super) const DRILLS: &[Drill] = &[Drill {
	name: "squatted-model",
	shows: "who was first to register a model, and leaves, takes it from nobody",
	play: squatted_model,
}];

fn endorse(model: ModelId, name: &str) -> Vec<RuntimeCall> {
	vec![Call::endorse { model, metadata: metadata(name) }.into()]
}

fn held(world: &mut World, who: &Account) -> Balance {
	let id = who.id();
	world.chain.read(|| Balances::balance_on_hold(&HoldReason::Model.into(), &id))
}

/// A squatter registers the content first and retires; another one endorses it and warns of it. The
/// honest publisher's endorsement is enough for its requesters: true answers are paid for, false ones
/// refuted.
fn squatted_model(cast: &Cast) -> Outcome {
	let mut stage = Stage::registered_by(cast, "squatter");
	let model = stage.model.id();
	let [squatter, slanderer, publisher] =
		["squatter", "slanderer", "publisher"].map(|name| stage.account(name));
	stage.do_now(&slanderer, endorse(model, "slander"));
	stage.do_now(&publisher, endorse(model, "honest"));
	let operator = stage.operator("operator", Honest);
	let liar = stage.operator("liar", Liar(Place::Middle));
	let accounts = [operator.account().clone(), liar.account().clone()];
	stage.act(operator);
	stage.act(liar);
	stage.watcher("watcher");

	stage.do_now(&squatter, vec![Call::retire { model }.into()]);
	let reason = BoundedVec::truncate_from(b"it is mine".to_vec());
	stage.do_now(&slanderer, vec![Call::recall { model, reason }.into()]);
	for saboteur in [&squatter, &slanderer] {
		stage.act(Saboteur::new(saboteur.clone(), stage.model.clone()));
	}
	let jobs = accounts.map(|account| stage.request_of(&account));
	let mut world = stage.world();
	world.play(120, settled);

	let mut checks = Checks::new();
	checks.is_final(&world, jobs[0]);
	checks.fraud(&world, jobs[1], |_| true);
	for name in ["squatter", "slanderer"] {
		let tried = world.ledger.of(name);
		checks.that(tried.failed > 20 && tried.done == 0, format!("{name}: {tried:?}"));
	}
	let said = world.chain.read(|| Metadata::<Runtime>::get(model)).map(|said| said.name);
	let honest = said.is_some_and(|name| name.as_slice() == b"honest");
	checks.that(honest, "wallets read what the publisher says");
	checks.that(held(&mut world, &squatter) == 0, "who left has its deposit back");
	let stays = held(&mut world, &publisher);
	checks.that(stays > 0 && held(&mut world, &slanderer) == stays, "a warning costs its deposit");
	Outcome::of(&world, checks)
}
