//! The brakes stop what they should, and never what a deadline asks of an honest party.

use crate::chain::{input, Chain, OPERATOR, REQUESTER};
use assay_primitives::JobId;
use assay_referee::{tree, NodeKey, Object, Opening, Slice};
use assay_runtime::{
	configs::NeverStopped, constants::currency::ASY, Runtime, RuntimeCall, RuntimeEvent, SafeMode,
	System, TxPause,
};
use frame_support::{
	traits::{Contains, GetCallMetadata, GetCallName},
	BoundedVec,
};
use pallet_tx_pause::RuntimeCallNameOf;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::Dispatchable, DispatchError};

/// Holds the sudo key.
const SUDO: Sr25519Keyring = Sr25519Keyring::Alice;
/// Disputes claims.
const WATCHER: Sr25519Keyring = Sr25519Keyring::Eve;

fn sudo(call: impl Into<RuntimeCall>) -> RuntimeCall {
	pallet_sudo::Call::sudo { call: Box::new(call.into()) }.into()
}

fn filtered() -> DispatchError {
	frame_system::Error::<Runtime>::CallFiltered.into()
}

/// Makes a call in a block of its own; returns how it ended.
fn make(
	chain: &mut Chain,
	who: Sr25519Keyring,
	call: impl Into<RuntimeCall>,
) -> Result<(), DispatchError> {
	let transaction = chain.signed(who, 0, call);
	let (_, results) = chain.block(vec![transaction]);
	results[0].expect("the transaction is valid")
}

fn transfer() -> RuntimeCall {
	let dest = WATCHER.to_account_id().into();
	pallet_balances::Call::transfer_keep_alive { dest, value: ASY }.into()
}

fn request() -> RuntimeCall {
	let input = BoundedVec::truncate_from(input());
	pallet_jobs::Call::request { model: crate::chain::model(), input, fee: ASY, operator: None }
		.into()
}

fn enter(chain: &mut Chain) {
	let enter = pallet_safe_mode::Call::force_enter {};
	make(chain, SUDO, sudo(enter)).expect("sudo is there");
	assert!(chain.ext.execute_with(SafeMode::is_entered));
}

fn name(pallet: &str, call: &str) -> RuntimeCallNameOf<Runtime> {
	let text = |text: &str| BoundedVec::truncate_from(text.as_bytes().to_vec());
	(text(pallet), text(call))
}

fn pause(chain: &mut Chain, pallet: &str, call: &str) -> Result<(), DispatchError> {
	let pause = pallet_tx_pause::Call::pause { full_name: name(pallet, call) };
	chain.ext.execute_with(|| {
		RuntimeCall::from(pause)
			.dispatch(frame_system::RawOrigin::Root.into())
			.map(|_| ())
			.map_err(|error| error.error)
	})
}

/// The trace of a run of the chain's model that ends in `output`, and its first tensor.
fn trace(output: &[u8]) -> Vec<u8> {
	let first: Vec<u8> = input()
		.chunks(4)
		.flat_map(|word| {
			let word = i32::from_le_bytes(word.try_into().expect("words have four bytes"));
			word.wrapping_neg().to_le_bytes()
		})
		.collect();
	[tree::hash(&first), tree::hash(output)].concat()
}

/// Fights about the claim of `output` for `job` as far as its trace: what both sides must do by
/// their deadlines. Every call must go through.
fn fight(chain: &mut Chain, job: JobId, output: &[u8]) {
	let right = H256(tree::hash(&input()));
	let open = pallet_challenges::Call::open { job, output_root: right, auth: None };
	assert_eq!(make(chain, WATCHER, open), Ok(()), "a claim is disputed");
	let trace = trace(output);
	let last_entry = Slice::make(&trace, 0, 1).expect("the trace is one chunk");
	let trace_root = H256(tree::hash(&trace));
	let reveal = pallet_challenges::Call::reveal_trace { job, trace_root, last_entry, auth: None };
	assert_eq!(make(chain, OPERATOR, reveal), Ok(()), "the operator reveals its trace");
	let node = NodeKey::top(Object::Trace);
	let challenge = 0;
	let ask = pallet_challenges::Call::ask { challenge, node, auth: None };
	assert_eq!(make(chain, WATCHER, ask), Ok(()), "the watcher asks");
	let (payload, path) = tree::open_node(&trace, 0, 0).expect("the trace is one chunk");
	let opening = Opening { entry: None, record: None, path, payload };
	let answer = pallet_challenges::Call::answer { job, node, opening, auth: None };
	assert_eq!(make(chain, OPERATOR, answer), Ok(()), "the operator answers");
}

/// A claim that is false, on a chain in safe mode since before the job was accepted.
fn lie_in_safe_mode() -> (Chain, JobId, Vec<u8>) {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	enter(&mut chain);
	let accept = chain.accept(job);
	chain.validate(accept.clone()).expect("workers' calls pass the pool");
	chain.ok_block(vec![accept]);
	let mut output = input();
	output[0] ^= 1;
	let claim = chain.claim(job, output.clone());
	chain.ok_block(vec![claim]);
	(chain, job, output)
}

#[test]
fn safe_mode_stops_money_and_new_jobs_also_in_batches_and_by_proxy() {
	let mut chain = Chain::new();
	enter(&mut chain);
	assert_eq!(make(&mut chain, REQUESTER, transfer()), Err(filtered()));
	assert_eq!(make(&mut chain, REQUESTER, request()), Err(filtered()));
	let before = chain.total(&WATCHER.to_account_id());
	let batch = pallet_utility::Call::force_batch { calls: vec![transfer(), request()] };
	assert_eq!(make(&mut chain, REQUESTER, batch), Ok(()), "a batch itself is only an envelope");
	let all = pallet_utility::Call::batch_all { calls: vec![transfer()] };
	assert_eq!(make(&mut chain, REQUESTER, all), Err(filtered()));
	let other_signatories = vec![WATCHER.to_account_id()];
	let many =
		pallet_multisig::Call::as_multi_threshold_1 { other_signatories, call: transfer().into() };
	make(&mut chain, REQUESTER, many).expect_err("what it carries is filtered");
	let derived = pallet_utility::Call::as_derivative { index: 0, call: transfer().into() };
	assert_eq!(make(&mut chain, REQUESTER, derived), Err(filtered()));
	let dispatch = pallet_sudo::Call::sudo { call: transfer().into() };
	make(&mut chain, REQUESTER, dispatch).expect_err("only the sudo key's calls pass");
	assert_eq!(chain.total(&WATCHER.to_account_id()), before);
	chain.check_invariants();
}

#[test]
fn dispute_goes_on_in_safe_mode_up_to_the_slash() {
	let (mut chain, job, output) = lie_in_safe_mode();
	let operator = OPERATOR.to_account_id();
	let before = chain.total(&operator);
	fight(&mut chain, job, &output);
	// Time, too, goes on: the operator owes the opening of its first tensor and stays silent.
	let node = NodeKey::top(Object::Tensor(0));
	let ask = pallet_challenges::Call::ask { challenge: 0, node, auth: None };
	let asked = make(&mut chain, WATCHER, ask);
	assert_eq!(asked, Ok(()));
	chain.run_to(chain.number() + assay_runtime::constants::inference::ANSWER + 3);
	assert!(chain.ext.execute_with(SafeMode::is_entered), "safe mode lasted throughout");
	assert!(chain.total(&operator) + 5 * ASY < before, "the operator is slashed");
	chain.check_invariants();
}

#[test]
fn operators_and_watchers_work_and_leave_in_safe_mode() {
	let mut chain = Chain::with_operator();
	enter(&mut chain);
	let calls: [RuntimeCall; 4] = [
		pallet_operators::Call::chill {}.into(),
		pallet_operators::Call::stake { amount: ASY }.into(),
		pallet_operators::Call::unstake { amount: ASY }.into(),
		pallet_operators::Call::set_service_key { key: None }.into(),
	];
	for call in calls {
		assert_eq!(make(&mut chain, OPERATOR, call.clone()), Ok(()), "{call:?}");
	}
	chain.run_to(chain.number() + assay_runtime::constants::inference::CHILL);
	assert!(chain.ext.execute_with(SafeMode::is_entered), "safe mode lasted throughout");
	assert_eq!(make(&mut chain, OPERATOR, pallet_operators::Call::activate {}), Ok(()));
}

#[test]
fn nobody_enters_safe_mode_for_money_and_it_ends_by_itself_or_by_sudo() {
	let mut chain = Chain::new();
	make(&mut chain, REQUESTER, pallet_safe_mode::Call::enter {}).expect_err("not for money");
	make(&mut chain, REQUESTER, pallet_safe_mode::Call::force_enter {}).expect_err("not root");
	enter(&mut chain);
	make(&mut chain, REQUESTER, pallet_safe_mode::Call::extend {}).expect_err("not for money");
	make(&mut chain, SUDO, sudo(pallet_safe_mode::Call::force_exit {})).expect("sudo is there");
	assert_eq!(make(&mut chain, REQUESTER, transfer()), Ok(()));

	enter(&mut chain);
	chain.ext.execute_with(|| {
		let until = pallet_safe_mode::EnteredUntil::<Runtime>::get().expect("it is entered");
		assert!(until > System::block_number());
		pallet_safe_mode::EnteredUntil::<Runtime>::put(System::block_number());
	});
	chain.block(Vec::new());
	assert_eq!(make(&mut chain, REQUESTER, transfer()), Ok(()));
}

#[test]
fn paused_call_is_refused_also_in_a_batch_until_it_is_resumed() {
	let mut chain = Chain::new();
	assert_eq!(pause(&mut chain, "Balances", "transfer_keep_alive"), Ok(()));
	assert_eq!(make(&mut chain, REQUESTER, transfer()), Err(filtered()));
	let all = pallet_utility::Call::batch_all { calls: vec![transfer()] };
	assert_eq!(make(&mut chain, REQUESTER, all), Err(filtered()));
	let ident = name("Balances", "transfer_keep_alive");
	let resume = pallet_tx_pause::Call::unpause { ident };
	make(&mut chain, REQUESTER, resume.clone()).expect_err("only root resumes");
	make(&mut chain, SUDO, sudo(resume)).expect("sudo is there");
	assert_eq!(make(&mut chain, REQUESTER, transfer()), Ok(()));
}

#[test]
fn disputes_consensus_and_the_brakes_themselves_cannot_be_paused() {
	let mut chain = Chain::with_operator();
	for pallet in ["Challenges", "Operators", "Timestamp", "Session", "Babe", "Grandpa", "Sudo"] {
		refuse_all(&mut chain, pallet);
	}
	for pallet in ["TxPause", "SafeMode", "Multisig", "Proxy", "Utility", "System"] {
		refuse_all(&mut chain, pallet);
	}
	for call in ["accept", "claim", "poke", "demand", "deliver"] {
		assert!(pause(&mut chain, "Jobs", call).is_err());
	}
	// Even if a past runtime had paused them.
	chain.ext.execute_with(|| {
		for call in pallet_challenges::Call::<Runtime>::get_call_names() {
			pallet_tx_pause::PausedCalls::<Runtime>::insert(name("Challenges", call), ());
			assert!(!TxPause::is_paused(&name("Challenges", call)));
		}
	});
	let job = chain.request();
	let accept = chain.accept(job);
	chain.ok_block(vec![accept]);
	let mut output = input();
	output[5] ^= 8;
	let claim = chain.claim(job, output.clone());
	chain.ok_block(vec![claim]);
	fight(&mut chain, job, &output);
}

/// Fails if any call of a pallet can be paused, whatever calls it has.
fn refuse_all(chain: &mut Chain, pallet: &str) {
	let calls = RuntimeCall::get_call_names(pallet);
	assert!(!calls.is_empty(), "{pallet} has calls");
	for call in calls {
		assert!(pause(chain, pallet, call).is_err(), "{pallet}.{call} can be paused");
	}
}

#[test]
fn every_pallet_was_decided_on() {
	let stoppable = |pallet: &str| {
		let mut calls = RuntimeCall::get_call_names(pallet).iter();
		calls.any(|call| !NeverStopped::contains(&name(pallet, call)))
	};
	for pallet in ["Balances", "Models", "Jobs", "Preimage", "Scheduler"] {
		assert!(stoppable(pallet), "{pallet} can be stopped");
	}
	// A new pallet must not fall on either side of the rule unnoticed: decide in
	// `configs/safety.rs`, then add it here.
	let known = [
		"System",
		"Timestamp",
		"Babe",
		"Session",
		"Grandpa",
		"Balances",
		"Sudo",
		"Models",
		"Operators",
		"Jobs",
		"Challenges",
		"Utility",
		"Proxy",
		"Multisig",
		"Preimage",
		"Scheduler",
		"SafeMode",
		"TxPause",
	];
	assert_eq!(RuntimeCall::get_module_names(), known);
	// The longest name must be far from the length at which a call would count as paused.
	let longest =
		known.iter().flat_map(|pallet| RuntimeCall::get_call_names(pallet)).map(|c| c.len());
	assert!(longest.max().is_some_and(|longest| longest < 64));
}

#[test]
fn time_can_be_told_under_both_brakes() {
	let mut chain = Chain::new();
	enter(&mut chain);
	assert!(pause(&mut chain, "Timestamp", "set").is_err());
	// Panics if the time inherent is refused.
	chain.run_to(chain.number() + 25);
	let entered = chain.ext.execute_with(|| {
		System::events().iter().all(|record| !matches!(record.event, RuntimeEvent::SafeMode(_)))
	});
	assert!(entered);
}
