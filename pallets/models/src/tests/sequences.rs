//! Whatever is called in whatever order, the invariants hold after each call, and what is over when
//! everybody has left leaves nobody's money behind.

use crate::{mock::*, Endorsements, ModelState, Models as Registered, Reason};
use assay_primitives::{ModelId, ModelRegistry};
use frame_support::{assert_ok, storage::with_storage_layer};
use proptest::prelude::*;

const WHO: [u64; 4] = [ALICE, BOB, CHARLIE, POOR];

/// Something that somebody does about one of two models.
#[derive(Clone, Copy, Debug)]
enum Act {
	Register,
	Endorse,
	Retire,
	Recall,
	Remove,
	Stop,
	RemoveAsRoot,
	OpenJob,
	CloseJob,
}

fn act() -> impl Strategy<Value = Act> {
	prop_oneof![
		4 => Just(Act::Register),
		8 => Just(Act::Endorse),
		8 => Just(Act::Retire),
		3 => Just(Act::Recall),
		4 => Just(Act::Remove),
		1 => Just(Act::Stop),
		1 => Just(Act::RemoveAsRoot),
		2 => Just(Act::OpenJob),
		2 => Just(Act::CloseJob),
	]
}

/// Does it; what fails changes nothing, as for a transaction.
fn perform(act: Act, who: u64, ops: u32, open: &mut [u32; 3]) {
	let program = program(ops);
	let model = id_of(&program);
	let name = words(&format!("of {who}"));
	let root = RuntimeOrigin::root();
	let _ = with_storage_layer(|| match act {
		Act::Register => Models::register(by(who), program, WEIGHTS, name),
		Act::Endorse => Models::endorse(by(who), model, name),
		Act::Retire => Models::retire(by(who), model),
		Act::Recall => Models::recall(by(who), model, Reason::truncate_from(b"why".to_vec())),
		Act::Remove => Models::remove(by(who), model),
		Act::Stop => Models::stop(root, model),
		Act::RemoveAsRoot => Models::remove(root, model),
		Act::OpenJob => Models::job_opened(&model).map(|()| open[ops as usize] += 1),
		Act::CloseJob => {
			if let Some(fewer) = open[ops as usize].checked_sub(1) {
				open[ops as usize] = fewer;
				Models::job_closed(&model);
			}
			Ok(())
		},
	});
}

/// Everybody withdraws, jobs end, and what can be removed is.
fn leave(model: ModelId, open: u32) {
	(0..open).for_each(|_| Models::job_closed(&model));
	for who in WHO {
		let _ = with_storage_layer(|| Models::retire(by(who), model));
	}
	let Some(record) = Registered::<Test>::get(model) else { return };
	match (record.state, record.recalls) {
		(ModelState::Endorsed, _) => panic!("nobody stands behind it"),
		(ModelState::Stopped, None) => {
			assert_ok!(Models::remove(RuntimeOrigin::root(), model));
		},
		(ModelState::Retired { .. }, _) => {
			assert_ok!(Models::remove(by(POOR), model));
		},
		(ModelState::Recalled | ModelState::Stopped, _) => {},
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn invariants_hold_after_every_call(
		acts in prop::collection::vec((act(), 0usize..4, 1u32..3), 1..60),
	) {
		build_and_execute(|| {
			let mut open = [0; 3];
			for (act, who, ops) in acts {
				let recalled = Endorsements::<Test>::iter()
					.filter(|(.., one)| matches!(one.state, crate::EndorsementState::Recalled { .. }))
					.collect::<Vec<_>>();
				perform(act, WHO[who], ops, &mut open);
				check_invariants();
				for (model, who, kept) in recalled {
					assert_eq!(Endorsements::<Test>::get(model, who), Some(kept), "a recall stays");
				}
			}
			for ops in [1, 2] {
				leave(id_of(&program(ops)), open[ops as usize]);
			}
			check_invariants();
			// Nothing is on hold but for warnings.
			let recalled: u64 = Endorsements::<Test>::iter().map(|(.., one)| one.deposit).sum();
			assert_eq!(WHO.map(held).iter().sum::<u64>(), recalled);
		});
	}
}
