//! Proxies, batches and accounts of many signers, through whole blocks.

use crate::chain::{input, Chain, OPERATOR, REQUESTER};
use assay_runtime::{
	configs::ProxyType, constants::currency::ASY, Balances, Runtime, RuntimeCall, RuntimeEvent,
	System,
};
use frame_support::{dispatch::GetDispatchInfo, traits::InstanceFilter};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{DispatchError, ModuleError};

/// Acts for the operator.
const DELEGATE: Sr25519Keyring = Sr25519Keyring::Eve;

/// The error that filters answer.
fn filtered() -> DispatchError {
	frame_system::Error::<Runtime>::CallFiltered.into()
}

fn appoint(chain: &mut Chain, proxy_type: ProxyType) {
	let delegate = DELEGATE.to_account_id().into();
	let call = pallet_proxy::Call::add_proxy { delegate, proxy_type, delay: 0 };
	let appoint = chain.signed(OPERATOR, 0, call);
	chain.ok_block(vec![appoint]);
}

/// Has the delegate make `call` for the operator; returns how the call itself ended.
fn by_proxy(chain: &mut Chain, call: impl Into<RuntimeCall>) -> Result<(), DispatchError> {
	let real = OPERATOR.to_account_id().into();
	let call = Box::new(call.into());
	let call = pallet_proxy::Call::proxy { real, force_proxy_type: None, call };
	let transaction = chain.signed(DELEGATE, 0, call);
	chain.ok_block(vec![transaction]);
	let outcome = events(chain).into_iter().find_map(|event| match event {
		RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
		_ => None,
	});
	outcome.expect("the proxy's call was made")
}

/// Events of the last block.
fn events(chain: &mut Chain) -> Vec<RuntimeEvent> {
	chain.ext.execute_with(|| System::events().into_iter().map(|record| record.event).collect())
}

fn active_stake(chain: &mut Chain) -> u128 {
	let operator = OPERATOR.to_account_id();
	chain.ext.execute_with(|| {
		pallet_operators::Operators::<Runtime>::get(operator)
			.expect("it has a stake")
			.active_stake()
	})
}

fn unstake() -> RuntimeCall {
	pallet_operators::Call::unstake { amount: ASY }.into()
}

fn transfer() -> RuntimeCall {
	let dest = DELEGATE.to_account_id().into();
	pallet_balances::Call::transfer_allow_death { dest, value: ASY }.into()
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
	pallet_utility::Call::batch { calls }.into()
}

#[test]
fn serving_proxy_works_but_moves_neither_money_nor_stake() {
	let mut chain = Chain::with_operator();
	appoint(&mut chain, ProxyType::Serving);
	assert_eq!(by_proxy(&mut chain, pallet_operators::Call::chill {}), Ok(()));
	chain.run_to(chain.number() + assay_runtime::constants::inference::CHILL);
	assert_eq!(by_proxy(&mut chain, pallet_operators::Call::activate {}), Ok(()));
	let job = chain.request();
	let offers = chain.offer(job);
	assert_eq!(by_proxy(&mut chain, pallet_jobs::Call::accept { offers, auth: None }), Ok(()));
	let output_root = sp_core::H256(assay_referee::tree::hash(&input()));
	let output = pallet_jobs::OutputBytes::truncate_from(input());
	let content = chain.content(job);
	let answer = pallet_jobs::Answer { job, content, output_root, output };
	let answers = frame_support::BoundedVec::truncate_from(vec![answer]);
	assert_eq!(by_proxy(&mut chain, pallet_jobs::Call::claim { answers, auth: None }), Ok(()));

	let stake = active_stake(&mut chain);
	let key = pallet_operators::Call::set_service_key { key: None };
	let more = pallet_operators::Call::stake { amount: ASY };
	let out = pallet_operators::Call::withdraw {};
	let cousin = pallet_proxy::Call::add_proxy {
		delegate: REQUESTER.to_account_id().into(),
		proxy_type: ProxyType::Serving,
		delay: 0,
	};
	let many = pallet_multisig::Call::as_multi_threshold_1 {
		other_signatories: vec![DELEGATE.to_account_id()],
		call: Box::new(transfer()),
	};
	let forbidden: [RuntimeCall; 8] = [
		unstake(),
		transfer(),
		key.into(),
		more.into(),
		out.into(),
		cousin.into(),
		many.into(),
		pallet_utility::Call::as_derivative { index: 0, call: Box::new(unstake()) }.into(),
	];
	for call in forbidden {
		assert_eq!(by_proxy(&mut chain, call.clone()), Err(filtered()), "{call:?}");
	}
	assert_eq!(active_stake(&mut chain), stake);
	chain.check_invariants();
}

#[test]
fn batch_does_not_escape_a_proxys_filter() {
	let mut chain = Chain::with_operator();
	appoint(&mut chain, ProxyType::Serving);
	let (stake, before) = (active_stake(&mut chain), chain.total(&DELEGATE.to_account_id()));
	for call in [unstake(), transfer(), batch(vec![unstake()])] {
		// A batch stops at the first call that fails, and says so; what is within is not done.
		assert_eq!(by_proxy(&mut chain, batch(vec![call])), Ok(()));
		assert_eq!(active_stake(&mut chain), stake);
		let all = pallet_utility::Call::batch_all { calls: vec![unstake()] };
		assert!(by_proxy(&mut chain, all).is_err());
		let force = pallet_utility::Call::force_batch { calls: vec![unstake(), transfer()] };
		assert_eq!(by_proxy(&mut chain, force), Ok(()));
	}
	assert_eq!(active_stake(&mut chain), stake);
	assert!(chain.total(&DELEGATE.to_account_id()) < before, "it only paid fees");
	let chill = batch(vec![pallet_operators::Call::chill {}.into()]);
	assert_eq!(by_proxy(&mut chain, chill), Ok(()));
	let chilled = events(&mut chain).into_iter().any(|event| {
		matches!(event, RuntimeEvent::Operators(pallet_operators::Event::Chilled { .. }))
	});
	assert!(chilled, "what is allowed alone is allowed in a batch");
}

#[test]
fn staking_proxy_moves_the_stake_and_nothing_else() {
	let mut chain = Chain::with_operator();
	appoint(&mut chain, ProxyType::Staking);
	let stake = active_stake(&mut chain);
	assert_eq!(by_proxy(&mut chain, unstake()), Ok(()));
	assert_eq!(active_stake(&mut chain), stake - ASY);
	assert_eq!(by_proxy(&mut chain, transfer()), Err(filtered()));
	let request = pallet_jobs::Call::cancel { job: 0 };
	assert_eq!(by_proxy(&mut chain, request), Err(filtered()));
	chain.check_invariants();
}

#[test]
fn any_is_the_only_superset_and_the_default() {
	use ProxyType::{Any, Serving, Staking};
	assert_eq!(ProxyType::default(), Any);
	for one in [Any, Staking, Serving] {
		for other in [Any, Staking, Serving] {
			assert_eq!(one.is_superset(&other), one == Any || one == other, "{one:?} {other:?}");
		}
		assert!(one.filter(&batch(Vec::new())));
	}
	for call in [unstake(), transfer()] {
		assert!(Any.filter(&call) && !Serving.filter(&call));
	}
}

#[test]
fn two_of_three_stake_together() {
	let mut chain = Chain::new();
	let mut signers = [OPERATOR, REQUESTER, DELEGATE].map(|who| who.to_account_id());
	signers.sort();
	let account = pallet_multisig::Pallet::<Runtime>::multi_account_id(&signers, 2);
	let fund = pallet_balances::Call::transfer_keep_alive {
		dest: account.clone().into(),
		value: 1_000 * ASY,
	};
	let fund = chain.signed(OPERATOR, 0, fund);
	chain.ok_block(vec![fund]);

	let stake = RuntimeCall::from(pallet_operators::Call::stake { amount: 500 * ASY });
	let max_weight = stake.get_dispatch_info().call_weight;
	let mut timepoint = None;
	for who in [OPERATOR, DELEGATE] {
		let me = who.to_account_id();
		let call = pallet_multisig::Call::as_multi {
			threshold: 2,
			other_signatories: signers.iter().filter(|other| **other != me).cloned().collect(),
			maybe_timepoint: timepoint,
			call: Box::new(stake.clone()),
			max_weight,
		};
		let transaction = chain.signed(who, 0, call);
		chain.ok_block(vec![transaction]);
		let staked = chain
			.ext
			.execute_with(|| pallet_operators::Operators::<Runtime>::contains_key(&account));
		assert_eq!(staked, timepoint.is_some(), "the second signer makes it happen");
		// The time inherent is the block's first extrinsic.
		timepoint = Some(pallet_multisig::Timepoint { height: chain.number(), index: 1 });
	}
	let operator = OPERATOR.to_account_id();
	chain.ext.execute_with(|| {
		assert_eq!(Balances::reserved_balance(&operator), 0, "the deposit is back");
	});
	chain.check_invariants();
}

#[test]
fn batch_of_an_account_stops_at_the_first_failure_or_is_all_or_nothing() {
	let mut chain = Chain::new();
	let fails = RuntimeCall::from(pallet_operators::Call::withdraw {});
	let before = chain.total(&REQUESTER.to_account_id());
	let both = vec![transfer(), fails, transfer()];
	let transaction = chain.signed(OPERATOR, 0, batch(both.clone()));
	chain.ok_block(vec![transaction]);
	let interrupted = events(&mut chain).into_iter().find_map(|event| match event {
		RuntimeEvent::Utility(pallet_utility::Event::BatchInterrupted { index, error }) => {
			Some((index, error))
		},
		_ => None,
	});
	let (index, error) = interrupted.expect("the second call fails");
	assert_eq!(index, 1);
	assert!(matches!(error, DispatchError::Module(ModuleError { .. })));
	let delegate = chain.total(&DELEGATE.to_account_id());

	let all = pallet_utility::Call::batch_all { calls: both };
	let transaction = chain.signed(OPERATOR, 0, all);
	let (_, results) = chain.block(vec![transaction]);
	results[0].as_ref().expect("it is valid").as_ref().expect_err("one call fails");
	assert_eq!(chain.total(&DELEGATE.to_account_id()), delegate, "nothing is done");
	assert_eq!(chain.total(&REQUESTER.to_account_id()), before);
}
