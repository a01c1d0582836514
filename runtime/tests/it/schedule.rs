//! Calls that root schedules, and preimages of the large ones.

use crate::chain::{Chain, REQUESTER};
use assay_runtime::{
	constants::currency::ASY, Balances, Preimage, Runtime, RuntimeCall, RuntimeEvent,
	RuntimeHoldReason, Scheduler, System,
};
use codec::Encode;
use frame_support::traits::{
	fungible::InspectHold,
	schedule::{v3::Anon, DispatchTime},
	Bounded, QueryPreimage, StorePreimage,
};
use sp_keyring::Sr25519Keyring;
use sp_runtime::traits::{BlakeTwo256, Hash};

/// Holds the sudo key.
const SUDO: Sr25519Keyring = Sr25519Keyring::Alice;

fn sudo(call: impl Into<RuntimeCall>) -> RuntimeCall {
	pallet_sudo::Call::sudo { call: Box::new(call.into()) }.into()
}

fn remark(bytes: usize) -> RuntimeCall {
	frame_system::Call::remark_with_event { remark: vec![7; bytes] }.into()
}

fn remarked(chain: &mut Chain) -> bool {
	chain.ext.execute_with(|| {
		System::events().into_iter().any(|record| {
			matches!(record.event, RuntimeEvent::System(frame_system::Event::Remarked { .. }))
		})
	})
}

#[test]
fn scheduled_call_runs_at_its_block() {
	let mut chain = Chain::new();
	let when = chain.number() + 4;
	// `remark_with_event` wants a signer, so root calls what root may.
	let kill = frame_system::Call::set_storage { items: vec![(b"k".to_vec(), b"v".to_vec())] };
	let schedule = pallet_scheduler::Call::schedule {
		when,
		maybe_periodic: None,
		priority: 0,
		call: Box::new(kill.into()),
	};
	let transaction = chain.signed(SUDO, 0, sudo(schedule));
	chain.ok_block(vec![transaction]);
	let value = |chain: &mut Chain| chain.ext.execute_with(|| sp_io::storage::get(b"k"));
	chain.run_to(when - 1);
	assert_eq!(value(&mut chain), None);
	chain.run_to(when);
	assert_eq!(value(&mut chain).as_deref(), Some(&b"v"[..]));
	chain.check_invariants();
}

#[test]
fn only_root_schedules() {
	let mut chain = Chain::new();
	let schedule = pallet_scheduler::Call::schedule {
		when: chain.number() + 4,
		maybe_periodic: None,
		priority: 0,
		call: Box::new(remark(1)),
	};
	let transaction = chain.signed(REQUESTER, 0, schedule);
	let (_, results) = chain.block(vec![transaction]);
	results[0].as_ref().expect("it is valid").as_ref().expect_err("it is not root's");
	chain.run_to(chain.number() + 5);
	assert!(!remarked(&mut chain));
}

#[test]
fn large_call_is_scheduled_by_its_preimage_whose_deposit_is_held_and_returned() {
	let mut chain = Chain::new();
	let who = REQUESTER.to_account_id();
	let held = |chain: &mut Chain| {
		let reason = RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
		chain.ext.execute_with(|| Balances::balance_on_hold(&reason, &REQUESTER.to_account_id()))
	};
	let value = vec![9u8; 2_000];
	let call = RuntimeCall::from(frame_system::Call::set_storage {
		items: vec![(b"large".to_vec(), value.clone())],
	});
	let bytes = call.encode();
	let hash = BlakeTwo256::hash(&bytes);
	let note = pallet_preimage::Call::note_preimage { bytes: bytes.clone() };
	let note = chain.signed(REQUESTER, 0, note);
	chain.ok_block(vec![note]);
	let deposit = held(&mut chain);
	assert!(deposit > ASY / 100, "{deposit} is on hold for {} bytes", bytes.len());

	// Root schedules what the stranger's preimage says.
	let when = chain.number() + 3;
	chain.ext.execute_with(|| {
		assert!(Preimage::len(&hash).is_some() && !Preimage::is_requested(&hash));
		let call = Bounded::Lookup { hash, len: bytes.len() as u32 };
		<Scheduler as Anon<_, _, _>>::schedule(
			DispatchTime::At(when),
			None,
			0,
			frame_system::RawOrigin::Root.into(),
			call,
		)
		.expect("there is room in the agenda");
		assert!(Preimage::is_requested(&hash));
	});
	chain.run_to(when);
	chain.ext.execute_with(|| {
		assert_eq!(sp_io::storage::get(b"large").as_deref(), Some(&value[..]));
	});
	let unnote = pallet_preimage::Call::unnote_preimage { hash };
	let unnote = chain.signed(REQUESTER, 0, unnote);
	let (_, results) = chain.block(vec![unnote]);
	// Running it may have cleared it already, which returns the deposit as well.
	results[0].as_ref().expect("it is valid").ok();
	assert_eq!(held(&mut chain), 0);
	chain.ext.execute_with(|| {
		assert_eq!(Preimage::len(&hash), None);
		assert_eq!(Balances::reserved_balance(&who), 0);
		// The trait is what the scheduler stores large calls by.
		const { assert!(<Preimage as StorePreimage>::MAX_LENGTH >= 1024 * 1024) };
		assert_eq!(pallet_scheduler::Agenda::<Runtime>::get(when).len(), 0);
	});
	chain.check_invariants();
}
