//! Transactions through all extensions, as the pool and a block see them.

use crate::chain::{authorized, input, Chain, OPERATOR, REQUESTER};
use assay_primitives::{authorization::LIFETIME, Authorization};
use assay_runtime::{
	constants::currency::ASY, transactions, Balances, RuntimeCall, UncheckedExtrinsic,
};
use sp_keyring::Sr25519Keyring;
use sp_runtime::generic::Era;
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
	let (offers, others) = (chain.offer(job), chain.offer(job + 1));
	let other = chain.authorize(pallet_jobs::ACCEPT_TAG, &others);
	let mut damaged = chain.authorize(pallet_jobs::ACCEPT_TAG, &offers);
	if let Some(Authorization { signature, .. }) = &mut damaged {
		let bytes: &mut [u8] = signature.as_mut();
		bytes[10] ^= 1;
	}
	let elsewhere = chain.authorize(pallet_jobs::CLAIM_TAG, &offers);
	for auth in [other, None, damaged, elsewhere] {
		let transaction = authorized(pallet_jobs::Call::accept { offers: offers.clone(), auth });
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
	let offers = chain.offer(job);
	let call = pallet_jobs::Call::accept { offers, auth: None };
	let stranger = chain.signed(REQUESTER, 0, call.clone());
	let (_, results) = chain.block(vec![stranger]);
	let [stranger]: [_; 1] = results.try_into().expect("one result");
	stranger.expect("a signed transaction is valid").expect_err("the call fails");
	let operator = chain.signed(OPERATOR, 0, call);
	chain.ok_block(vec![operator]);
}

/// A free transaction has one form. Copies with another era, nonce or tip, which nobody signed, are
/// refused at the door and in blocks.
#[test]
fn mutated_copies_of_free_transactions_are_refused() {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	let offers = chain.offer(job);
	let auth = chain.authorize(pallet_jobs::ACCEPT_TAG, &offers);
	let call = RuntimeCall::from(pallet_jobs::Call::accept { offers, auth });
	for (nonce, era, tip) in [
		(1, Era::Immortal, 0),
		(0, Era::mortal(64, u64::from(chain.number())), 0),
		(0, Era::Immortal, 1),
	] {
		let extension = transactions::extension(nonce, era, tip);
		let copy = UncheckedExtrinsic::new_transaction(call.clone(), extension);
		let refusal = invalid(InvalidTransaction::Call);
		assert_eq!(chain.validate(copy.clone()), Err(refusal), "nonce {nonce}, tip {tip}");
		let (_, results) = chain.block(vec![copy]);
		let [copy]: [_; 1] = results.try_into().expect("one result");
		assert_eq!(refused(copy), invalid(InvalidTransaction::Call));
	}
	let original = authorized(call);
	chain.ok_block(vec![original]);
}

/// What was signed long ago is void, though nothing else has changed.
#[test]
fn old_messages_are_void() {
	let mut chain = Chain::with_operator();
	let job = chain.request();
	let message = chain.accept(job);
	chain.run_to(chain.number() + LIFETIME + 1);
	assert_eq!(
		chain.validate(message.clone()),
		Err(invalid(InvalidTransaction::AncientBirthBlock))
	);
	let (_, results) = chain.block(vec![message]);
	let [old]: [_; 1] = results.try_into().expect("one result");
	assert_eq!(refused(old), invalid(InvalidTransaction::AncientBirthBlock));
	let fresh = chain.accept(job);
	chain.ok_block(vec![fresh]);
}
