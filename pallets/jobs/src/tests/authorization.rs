//! What a service key may do without a fee, and that nobody else can use what it signed.

use crate::{mock::*, Call, Error, ACCEPT_TAG, CLAIM_TAG};
use assay_primitives::{authorization::message, Authorization, Claims, JobId};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	pallet_prelude::{InvalidTransaction, TransactionSource, ValidTransaction},
	traits::Authorize,
};
use frame_system::RawOrigin;
use sp_core::Pair;
use sp_runtime::{traits::BadOrigin, transaction_validity::TransactionValidityError};

fn authorize(call: &Call<Test>) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(call.clone());
	let verdict = call.authorize(TransactionSource::External).expect("can be authorised");
	verdict.map(|(valid, _)| valid)
}

/// Signed by the rival's key, for this chain.
fn sign(tag: &str, args: &impl Encode) -> Option<Authorization> {
	let pair = rival_pair();
	let message = message(&System::block_hash(0), tag, args);
	Some(Authorization { key: pair.public(), signature: pair.sign(&message) })
}

fn accept(job: JobId, attempt: u32) -> Call<Test> {
	Call::accept { job, auth: sign(ACCEPT_TAG, &(job, attempt)) }
}

fn claim(job: JobId, attempt: u32) -> Call<Test> {
	let (output_root, output) = answer();
	let auth = sign(CLAIM_TAG, &(job, attempt, output_root, &output));
	Call::claim { job, attempt, output_root, output, auth }
}

fn dispatch(call: Call<Test>) -> sp_runtime::DispatchResult {
	use sp_runtime::traits::Dispatchable;
	let origin = RuntimeOrigin::from(RawOrigin::Authorized);
	RuntimeCall::from(call).dispatch(origin).map(|_| ()).map_err(|error| error.error)
}

fn refused(call: Call<Test>, why: InvalidTransaction) {
	assert_eq!(authorize(&call), Err(why.into()));
}

#[test]
fn key_accepts_and_claims_for_its_owner() {
	build_and_execute(|| {
		let id = request();
		for call in [accept(id, 0), claim(id, 0)] {
			let valid = authorize(&call).expect("authorised");
			assert!(valid.propagate && valid.longevity > 0);
			assert_eq!(valid.provides.len(), 1);
			// What is authorised succeeds, and is stale from then on.
			assert_ok!(dispatch(call.clone()));
			refused(call, InvalidTransaction::Stale);
		}
		assert_eq!(Jobs::open_claim(id).expect("claimed").operator, RIVAL);
	});
}

#[test]
fn tags_tell_jobs_attempts_and_calls_apart() {
	build_and_execute(|| {
		let (a, b) = (request(), request());
		let first = authorize(&accept(a, 0)).expect("authorised").provides;
		let second = authorize(&accept(b, 0)).expect("authorised").provides;
		assert_ok!(dispatch(accept(a, 0)));
		let third = authorize(&claim(a, 0)).expect("authorised").provides;
		assert!(first != second && first != third);
	});
}

#[test]
fn signature_of_an_earlier_attempt_is_worthless() {
	build_and_execute(|| {
		let id = request();
		let replayed = accept(id, 0);
		assert_ok!(dispatch(replayed.clone()));
		wait(11);
		assert_ok!(Jobs::poke(signed(STRANGER), id));
		refused(replayed, InvalidTransaction::BadProof);
		assert!(authorize(&accept(id, 1)).is_ok());
	});
}

#[test]
fn nothing_that_was_signed_can_be_changed() {
	build_and_execute(|| {
		let (id, other) = (request(), request());
		let Call::accept { auth, .. } = accept(id, 0) else { unreachable!() };
		refused(Call::accept { job: other, auth }, InvalidTransaction::BadProof);
		assert_ok!(dispatch(accept(id, 0)));
		// The signature of one call does not authorise another.
		let (output_root, output) = answer();
		let auth = sign(ACCEPT_TAG, &(id, 0u32, output_root, &output));
		refused(
			Call::claim { job: id, attempt: 0, output_root, output: output.clone(), auth },
			InvalidTransaction::BadProof,
		);
		// Nor does one for another output.
		let auth = sign(CLAIM_TAG, &(id, 0u32, sp_core::H256::zero(), &output));
		refused(
			Call::claim { job: id, attempt: 0, output_root, output, auth },
			InvalidTransaction::BadProof,
		);
	});
}

#[test]
fn unknown_keys_and_missing_authorizations_are_refused() {
	build_and_execute(|| {
		let id = request();
		refused(Call::accept { job: id, auth: None }, InvalidTransaction::Call);
		assert_ok!(Operators::set_service_key(signed(RIVAL), None));
		refused(accept(id, 0), InvalidTransaction::BadSigner);
	});
}

#[test]
fn operators_that_cannot_are_refused() {
	build_and_execute(|| {
		let id = request_of(small(), vec![1; LEN], Some(OPERATOR));
		refused(accept(id, 0), InvalidTransaction::Stale);
		let id = request();
		assert_ok!(Operators::chill(signed(RIVAL)));
		refused(accept(id, 0), InvalidTransaction::Payment);
		refused(claim(id, 0), InvalidTransaction::Stale);
		refused(accept(99, 0), InvalidTransaction::Stale);
	});
}

#[test]
fn late_claims_are_refused_by_the_pool() {
	build_and_execute(|| {
		let id = request();
		assert_ok!(dispatch(accept(id, 0)));
		wait(10);
		assert!(authorize(&claim(id, 0)).is_ok());
		wait(1);
		refused(claim(id, 0), InvalidTransaction::Stale);
	});
}

#[test]
fn origins_do_not_mix() {
	build_and_execute(|| {
		let id = request();
		let Call::accept { auth, .. } = accept(id, 0) else { unreachable!() };
		// A signer does not act for the owner of a key, and nobody acts without either.
		assert_noop!(Jobs::accept(signed(STRANGER), id, auth.clone()), BadOrigin);
		assert_noop!(Jobs::accept(RuntimeOrigin::none(), id, auth.clone()), BadOrigin);
		assert_noop!(Jobs::accept(RuntimeOrigin::root(), id, auth), BadOrigin);
		let authorized = RuntimeOrigin::from(RawOrigin::Authorized);
		assert_noop!(Jobs::accept(authorized, id, None), BadOrigin);
		assert_noop!(Jobs::accept(signed(STRANGER), id, None), Error::<Test>::ModelNotServed);
	});
}
