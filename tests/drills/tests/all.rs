//! Every drill, and that a drill which goes wrong is noticed.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use assay_drills::{
	actors::{Grabber, Shams},
	drill::{self, settled, Checks},
	drills,
	engine::{Honest, Idle},
	Cast, Outcome, Stage,
};
use assay_runtime::Balances;
use std::collections::BTreeSet;

fn plays(name: &str) {
	let found = drill::find(drills::all(), name).expect("there is such a drill");
	let outcome = (found.play)(&Cast::default());
	assert!(outcome.is_good(), "{name}: {outcome:#?}");
}

/// A test for each drill, and one that none is left out.
macro_rules! drills {
	($($test:ident: $name:literal,)*) => {
		$(
			#[test]
			fn $test() {
				plays($name);
			}
		)*

		#[test]
		fn every_drill_is_tested() {
			let tested: BTreeSet<&str> = [$($name),*].into();
			let all: BTreeSet<&str> = drills::all().iter().map(|one| one.name).collect();
			assert_eq!(tested, all);
		}
	};
}

drills! {
	lie_first: "lie-first",
	lie_middle: "lie-middle",
	lie_last: "lie-last",
	silent: "silent",
	unresponsive: "unresponsive",
	junk_trace: "junk-trace",
	junk_suffix: "junk-suffix",
	one_stake_many_lies: "one-stake-many-lies",
	missed_deadline: "missed-deadline",
	chilled_liar: "chilled-liar",
	caught_by_a_friend: "caught-by-a-friend",
	leave_with_the_stake: "leave-with-the-stake",
	self_challenge_to_exonerate: "self-challenge-to-exonerate",
	sham_challenges: "sham-challenges",
	sham_crowd_out: "sham-crowd-out",
	delayed_finality: "delayed-finality",
	sham_slow_model: "sham-slow-model",
	perjury: "perjury",
	censored_operator: "censored-operator",
	penniless_operator: "penniless-operator",
	copied_challenge: "copied-challenge",
	late_operator: "late-operator",
	late_challenger: "late-challenger",
	early_poke: "early-poke",
	reorganised_chain: "reorganised-chain",
	greedy_author: "greedy-author",
	old_message: "old-message",
	after_the_end: "after-the-end",
	thousand_due: "thousand-due",
	upgrade_during_dispute: "upgrade-during-dispute",
	safe_mode_during_dispute: "safe-mode-during-dispute",
	copied_key: "copied-key",
	copied_message: "copied-message",
	swapped_requests: "swapped-requests",
	stolen_key: "stolen-key",
	front_run_proof: "front-run-proof",
	misapplied_proof: "misapplied-proof",
	withheld_output: "withheld-output",
	output_demands_flood: "output-demands-flood",
	squatted_model: "squatted-model",
	stuffed_blocks: "stuffed-blocks",
	foreign_jobs: "foreign-jobs",
	self_dealt_claims: "self-dealt-claims",
	everything_at_once: "everything-at-once",
}

/// Without a watcher a lie becomes final, and the ledger says so.
#[test]
fn a_fraud_that_becomes_final_is_noticed() {
	let found = drill::find(drills::all(), "lie-middle").expect("there is such a drill");
	let outcome = (found.play)(&Cast { without_watcher: true, ..Cast::default() });
	assert_eq!(outcome.frauds_final, 1, "{outcome:#?}");
	assert!(!outcome.is_good());
}

/// Somebody whom the ledger takes to be honest and who is not loses stake, and it says so.
#[test]
fn a_slash_is_noticed() {
	let mut stage = Stage::new(&Cast::default());
	let idler = stage.operator("idler", Idle).account().clone();
	stage.ledger.honest(&mut stage.chain, &idler, None);
	stage.act(Grabber(idler));
	stage.request(1);
	let mut world = stage.world();
	world.play(40, |_| false);
	let outcome = Outcome::of(&world, Checks::new());
	assert_eq!((outcome.honest_slashed, outcome.lost), (1, 0), "{outcome:#?}");
}

/// Likewise for bonds.
#[test]
fn a_lost_bond_is_noticed() {
	let mut stage = Stage::new(&Cast::default());
	let operator = stage.operator("operator", Honest);
	stage.act(operator);
	let (sham, ops) = (stage.account("sham"), stage.model.ops());
	stage.ledger.honest(&mut stage.chain, &sham, None);
	stage.act(Shams::new("sham", vec![sham], 0, ops, 0));
	stage.request(1);
	let mut world = stage.world();
	world.play(60, settled);
	let outcome = Outcome::of(&world, Checks::new());
	assert_eq!((outcome.honest_slashed, outcome.lost), (0, 1), "{outcome:#?}");
	assert!(outcome.unexpected.is_empty(), "{outcome:#?}");
}

/// Money that nobody announced to be burned is noticed, and so is a hold without a reason.
#[test]
fn broken_books_are_noticed() {
	use frame_support::traits::fungible::MutateHold;
	let mut stage = Stage::new(&Cast::default());
	let somebody = stage.account("somebody");
	let mut world = stage.world();
	world.step();
	assert!(world.ledger.broken().is_empty());
	let id = somebody.id();
	let reason = pallet_challenges::HoldReason::ChallengeBond.into();
	world.chain.write(|| Balances::hold(&reason, &id, 1_000)).unwrap();
	world.step();
	assert_eq!(world.ledger.broken().len(), 1, "{:?}", world.ledger.broken());
	world
		.chain
		.write(|| {
			Balances::burn_held(
				&reason,
				&id,
				1_000,
				frame_support::traits::tokens::Precision::Exact,
				frame_support::traits::tokens::Fortitude::Force,
			)
		})
		.unwrap();
	world.step();
	assert_eq!(world.ledger.broken().len(), 2, "{:?}", world.ledger.broken());
}

#[test]
fn names_are_words_in_kebab_case() {
	for one in drills::all() {
		let fits = |c: char| c.is_ascii_lowercase() || c == '-';
		assert!(one.name.chars().all(fits), "{}", one.name);
		assert!(!one.shows.contains('\n') && !one.shows.is_empty());
	}
}

#[test]
fn close_names_are_close() {
	let close = |typed| drill::close_names(drills::all(), typed);
	assert_eq!(close("lie-midle").first(), Some(&"lie-middle"));
	assert_eq!(close("crowd").first(), Some(&"sham-crowd-out"));
	assert_eq!(close("swaped-request").first(), Some(&"swapped-requests"));
	assert!(close("xxxxxxxxxxxxxxxxxxxxxxxxxxxxx").is_empty());
}
