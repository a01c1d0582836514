//! Transactions through all extensions, as the pool and a block see them.

use crate::chain::{authorized, input, Chain, OPERATOR, REQUESTER};
use assay_primitives::Authorization;
use assay_runtime::{constants::currency::ASY, Balances, RuntimeCall};
use sp_keyring::Sr25519Keyring;
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};

const SENDER: Sr25519Keyring = Sr25519Keyring::Eve;

fn transfer(amount: u128) -> RuntimeCall {
	pallet_balances::Call::transfer_keep_alive {
		dest: Sr25519Keyring::Ferdie.to_account_id().into(),
		value: amount,
	}
	.into()
}

fn refused(result: sp_runtime::ApplyExtrinsicResult) -> TransactionValidityError {
	result.expect_err("the transaction is refused")
}

fn invalid(why: InvalidTransaction) -> TransactionValidityError {
	why.into()
}

#[test]
fn signed_transfer_pays_its_fee_to_the_author() {
	let mut chain = Chain::new();
	let author = Sr25519Keyring::Alice.to_account_id();
	let [sender, receiver] = [SENDER, Sr25519Keyring::Ferdie].map(|who| who.to_account_id());
	let before = [&sender, &receiver, &author].map(|who| chain.total(who));
	let issuance = chain.ext.execute_with(Balances::total_issuance);

	let transaction = chain.signed(SENDER, 0, transfer(5 * ASY));
	chain.validate(transaction.clone()).expect("the pool takes it");
	chain.ok_block(vec![transaction]);

	let after = [&sender, &receiver, &author].map(|who| chain.total(who));
	let fee = before[0] - after[0] - 5 * ASY;
	assert!(fee > 0 && fee < ASY / 100, "a transfer costs {fee}");
	assert_eq!(after[1], before[1] + 5 * ASY);
	assert_eq!(after[2], before[2] + fee);
	assert_eq!(chain.ext.execute_with(Balances::total_issuance), issuance);
}

#[test]
fn signed_transactions_need_the_right_nonce_and_signer() {
	let mut chain = Chain::new();
	let transaction = chain.signed(SENDER, 0, transfer(ASY));
	chain.ok_block(vec![transaction.clone()]);
	let early = chain.signed(SENDER, 1, transfer(ASY));
	let (_, results) = chain.block(vec![transaction, early]);
	let [replayed, early]: [_; 2] = results.try_into().expect("two results");
	assert_eq!(refused(replayed), invalid(InvalidTransaction::Stale));
	assert_eq!(refused(early), invalid(InvalidTransaction::Future));

	// A call that accounts must sign does not pass without a signature.
	let (_, results) = chain.block(vec![authorized(transfer(ASY))]);
	let [unsigned]: [_; 1] = results.try_into().expect("one result");
	refused(unsigned);
}

#[test]
fn service_key_acts_for_free_and_once() {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	let operator = OPERATOR.to_account_id();
	let issuance = chain.ext.execute_with(Balances::total_issuance);
	let before = chain.total(&operator);

	for transaction in [chain.accept(job), chain.claim(job, input())] {
		chain.validate(transaction.clone()).expect("the pool takes it");
		chain.ok_block(vec![transaction.clone()]);
		assert_eq!(chain.total(&operator), before, "nobody is charged");
		assert_eq!(chain.ext.execute_with(Balances::total_issuance), issuance);

		// The same bytes again are refused by the pool and by a block.
		assert_eq!(chain.validate(transaction.clone()), Err(invalid(InvalidTransaction::Stale)));
		let (_, results) = chain.block(vec![transaction]);
		let [replayed]: [_; 1] = results.try_into().expect("one result");
		assert_eq!(refused(replayed), invalid(InvalidTransaction::Stale));
	}
	chain.check_invariants();
}

#[test]
fn forged_authorizations_are_refused() {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	// Signed for another job, by nobody, and with a damaged signature.
	let other = chain.authorize(pallet_jobs::ACCEPT_TAG, &(job + 1, 0u32));
	let mut damaged = chain.authorize(pallet_jobs::ACCEPT_TAG, &(job, 0u32));
	if let Some(Authorization { signature, .. }) = &mut damaged {
		let bytes: &mut [u8] = signature.as_mut();
		bytes[10] ^= 1;
	}
	let elsewhere = chain.authorize(pallet_jobs::CLAIM_TAG, &(job, 0u32));
	for auth in [other, None, damaged, elsewhere] {
		let transaction = authorized(pallet_jobs::Call::accept { job, auth });
		chain.validate(transaction.clone()).expect_err("the pool refuses it");
		let (_, results) = chain.block(vec![transaction]);
		let [forged]: [_; 1] = results.try_into().expect("one result");
		refused(forged);
	}
	chain.check_invariants();
}

#[test]
fn accounts_can_do_without_service_keys() {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	// A stranger cannot accept, the operator's own account can.
	let stranger = chain.signed(REQUESTER, 0, pallet_jobs::Call::accept { job, auth: None });
	let (_, results) = chain.block(vec![stranger]);
	let [stranger]: [_; 1] = results.try_into().expect("one result");
	stranger.expect("a signed transaction is valid").expect_err("the call fails");
	let operator = chain.signed(OPERATOR, 0, pallet_jobs::Call::accept { job, auth: None });
	chain.ok_block(vec![operator]);
}
