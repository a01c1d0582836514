//! What a signature means: one thing, on one chain, for a while.

use super::{authorized::*, *};
use crate::Call;
use assay_primitives::Authorization;
use sp_runtime::transaction_validity::InvalidTransaction;

/// A call of every kind, each valid when it is made, with the party that signs it.
fn one_of_each(test: impl Fn(&Call<Test>, InvalidTransaction)) {
	let (honest, liar) = short();
	let top = NodeKey::top(assay_referee::Object::Trace);
	for step in 0..6 {
		build_and_execute(|| {
			// Two false claims, so that they can be exchanged.
			let job = claim(&liar);
			claim(&liar);
			AllClaims::mutate(|claims| claims.get_mut(&1).unwrap().view.fee += 1);
			go_to(10);
			let open_it = || open(ALICE, job, &honest);
			let reveal_it = || reveal(job, &liar);
			let call = match step {
				0 => open_call(job, &honest, ALICE),
				1 => {
					open_it();
					reveal_call(job, &liar, OPERATOR)
				},
				2 => {
					open_it();
					reveal_it();
					ask_call(0, top, ALICE)
				},
				3 => {
					open_it();
					reveal_it();
					assert_ok!(Challenges::ask(signed(ALICE), 0, top, None));
					answer_call(job, &liar, top, OPERATOR)
				},
				4 => {
					open_it();
					reveal_it();
					walk(0, ALICE, job, &liar, &liar.way_to(1, 5));
					prove_call(job, proof(&honest, &liar, 1, 5), ALICE)
				},
				_ => {
					open_it();
					go_to(11 + TracePeriod::get());
					lapse_call(0, ALICE)
				},
			};
			assert_ok!(hypothetically(|| include(call.clone())));
			test(&call, InvalidTransaction::BadProof);
		});
	}
}

fn auth_of(call: &mut Call<Test>) -> &mut Authorization {
	let (Call::open { auth, .. }
	| Call::reveal_trace { auth, .. }
	| Call::ask { auth, .. }
	| Call::answer { auth, .. }
	| Call::prove_fault { auth, .. }
	| Call::lapse { auth, .. }) = call
	else {
		unreachable!()
	};
	auth.as_mut().expect("every call is authorised")
}

#[test]
fn a_signature_names_the_claim_and_not_only_its_number() {
	one_of_each(|call, bad_proof| {
		// On another fork the two jobs were requested in the other order.
		AllClaims::mutate(|claims| {
			let (first, second) = (claims[&0].view, claims[&1].view);
			claims.get_mut(&0).unwrap().view = second;
			claims.get_mut(&1).unwrap().view = first;
		});
		refused(call.clone(), bad_proof);
	});
}

#[test]
fn a_question_names_the_way_that_led_to_it() {
	build_and_execute(|| {
		let (honest, liar) = long((20, 0));
		let job = claim(&liar);
		let id = open(ALICE, job, &honest);
		reveal(job, &liar);
		let way = liar.way_to(20, 0);
		let call = ask_call(id, way[0], ALICE);
		let changes: [fn(&mut crate::ChallengeOf<Test>); 3] = [
			|challenge| challenge.output_root = H256::repeat_byte(7),
			|challenge| challenge.job = 77,
			|challenge| {
				let way = NodeKey::top(assay_referee::Object::Tensor(0));
				challenge.path = BoundedVec::truncate_from(vec![way]);
			},
		];
		let before = challenge_content(id);
		for change in changes {
			let mut record = crate::Challenges::<Test>::get(id).unwrap();
			change(&mut record);
			assert_ne!(record.content(Some(content(job))), before);
		}
		frame_support::hypothetically!({
			crate::Challenges::<Test>::mutate(id, |record| {
				record.as_mut().unwrap().output_root = H256::repeat_byte(7);
			});
			refused(call.clone(), InvalidTransaction::BadProof);
		});
		assert_ok!(include(call));
	});
}

#[test]
fn a_signature_does_not_outlive_its_blocks() {
	one_of_each(|call, _| {
		let life = u64::from(assay_primitives::authorization::LIFETIME);
		let born = System::block_number() - 1;
		go_to(born + life + 1);
		// Deadlines have passed too, and are looked at before.
		let what = call.clone();
		let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
		assert!(include(what).is_err());
		assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), before);
	});
	// Without a deadline in the way it is the birth that counts.
	build_and_execute(|| {
		let (honest, liar) = short();
		let job = claim(&liar);
		open(ALICE, job, &honest);
		reveal(job, &liar);
		walk(0, ALICE, job, &liar, &liar.way_to(1, 5));
		let record = crate::Challenges::<Test>::get(0).unwrap();
		let old = prove_call(job, proof(&honest, &liar, 1, 5), ALICE);
		let lapse = lapse_call(0, ALICE);
		assert_eq!(Challenges::content_of(&record), challenge_content(0));
		go_to(100);
		refused(old, InvalidTransaction::AncientBirthBlock);
		refused(lapse, InvalidTransaction::AncientBirthBlock);
		assert_ok!(include(prove_call(job, proof(&honest, &liar, 1, 5), ALICE)));
	});
}

#[test]
fn a_signature_holds_only_with_the_birth_it_names() {
	one_of_each(|call, bad_proof| {
		for birth in [0, 5] {
			let mut call = call.clone();
			auth_of(&mut call).birth = birth;
			refused(call, bad_proof);
		}
		let mut future = call.clone();
		auth_of(&mut future).birth = System::block_number() as u32;
		refused(future, InvalidTransaction::AncientBirthBlock);
		// On a fork without that block.
		frame_system::BlockHash::<Test>::insert(System::block_number() - 1, H256::repeat_byte(3));
		refused(call.clone(), bad_proof);
	});
}
