//! Random sequences of calls never break an invariant.

use crate::mock::*;
use assay_primitives::OperatorLedger;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Move {
	Stake(u64),
	Unstake(u64),
	Withdraw,
	Key(Option<u8>),
	Serve(u8),
	Chill,
	Activate,
	Expose(u64),
	Release,
	Slash(u64),
	Missed,
	Wait(u64),
}

fn moves() -> impl Strategy<Value = (u64, Move)> {
	let amount = 0u64..400;
	let step = prop_oneof![
		amount.clone().prop_map(Move::Stake),
		amount.clone().prop_map(Move::Unstake),
		Just(Move::Withdraw),
		proptest::option::of(0u8..3).prop_map(Move::Key),
		(0u8..110).prop_map(Move::Serve),
		Just(Move::Chill),
		Just(Move::Activate),
		amount.clone().prop_map(Move::Expose),
		Just(Move::Release),
		amount.prop_map(Move::Slash),
		Just(Move::Missed),
		(1u64..8).prop_map(Move::Wait),
	];
	(ALICE..=BOB, step)
}

/// Hostile calls may fail; what counts is the state they leave.
fn ignore<T, E>(_: Result<T, E>) {}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(32))]

	#[test]
	fn invariants_hold_after_every_move(sequence in proptest::collection::vec(moves(), 1..60)) {
		new_test_ext().execute_with(|| {
			// Exposures that were granted, as the jobs pallet would remember them.
			let mut granted = Vec::<(u64, u64)>::new();
			for (who, step) in sequence {
				let take = |granted: &mut Vec<(u64, u64)>| {
					let at = granted.iter().position(|grant| grant.0 == who)?;
					Some(granted.swap_remove(at).1)
				};
				match step {
					Move::Stake(amount) => ignore(Operators::stake(signed(who), amount)),
					Move::Unstake(amount) => ignore(Operators::unstake(signed(who), amount)),
					Move::Withdraw => ignore(Operators::withdraw(signed(who))),
					Move::Key(seed) => {
						ignore(Operators::set_service_key(signed(who), seed.and_then(|seed| key_for(who, seed))));
					},
					Move::Serve(byte) => {
						let models = vec![model(byte)].try_into().expect("short");
						ignore(Operators::serve(signed(who), models));
					},
					Move::Chill => ignore(Operators::chill(signed(who))),
					Move::Activate => ignore(Operators::activate(signed(who))),
					Move::Expose(amount) => {
						if Operators::expose(&who, amount).is_ok() {
							granted.push((who, amount));
						}
					},
					Move::Release => {
						if let Some(amount) = take(&mut granted) {
							Operators::release(&who, amount);
						}
					},
					Move::Slash(amount) => {
						if let Some(exposed) = take(&mut granted) {
							drop(Operators::slash(&who, exposed, amount));
						}
					},
					Move::Missed => Operators::note_missed(&who),
					Move::Wait(blocks) => System::set_block_number(System::block_number() + blocks),
				}
				Operators::do_try_state().expect("invariants hold");
			}
		});
	}
}
