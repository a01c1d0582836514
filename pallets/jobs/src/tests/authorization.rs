//! What a service key may do without a fee, and that nobody else can use what it signed.

use crate::{
	mock::*, Answers, Call, Error, Offer, Offers, OutputBytes, PokedJobs, ACCEPT_TAG, CLAIM_TAG,
	POKE_TAG,
};
use assay_primitives::{
	authorization::{message, LIFETIME},
	Authorization, Claims, JobId,
};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	pallet_prelude::{InvalidTransaction, TransactionSource, ValidTransaction},
	traits::Authorize,
};
use frame_system::{BlockHash, RawOrigin};
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
	let birth = System::block_number() as u32 - 1;
	let birth_hash = System::block_hash(u64::from(birth));
	let message = message(&System::block_hash(0), tag, birth, &birth_hash, args);
	Some(Authorization { key: pair.public(), birth, signature: pair.sign(&message) })
}

fn offers_of(jobs: &[JobId]) -> Offers {
	let offer = |id: &JobId| Offer { job: *id, content: content(*id) };
	Offers::truncate_from(jobs.iter().map(offer).collect())
}

fn accept(job: JobId) -> Call<Test> {
	let offers = offers_of(&[job]);
	Call::accept { auth: sign(ACCEPT_TAG, &offers), offers }
}

fn claim(job: JobId) -> Call<Test> {
	let (output_root, output) = answer();
	let answers = Answers::truncate_from(vec![answer_to(job, output_root, output)]);
	Call::claim { auth: sign(CLAIM_TAG, &Jobs::claim_message(&answers)), answers }
}

fn poke_jobs(jobs: &[JobId]) -> Call<Test> {
	let jobs = PokedJobs::truncate_from(jobs.to_vec());
	Call::poke { auth: sign(POKE_TAG, &jobs), jobs }
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
		for call in [accept, claim] {
			let call = call(id);
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
fn tags_tell_jobs_parties_and_calls_apart() {
	build_and_execute(|| {
		let (a, b) = (request(), request());
		let first = authorize(&accept(a)).expect("authorised").provides;
		let second = authorize(&accept(b)).expect("authorised").provides;
		let both = Call::accept {
			auth: sign(ACCEPT_TAG, &offers_of(&[a, b])),
			offers: offers_of(&[a, b]),
		};
		assert_eq!(
			authorize(&both).expect("authorised").provides,
			[first.clone(), second.clone()].concat()
		);
		assert_ok!(dispatch(accept(a)));
		let third = authorize(&claim(a)).expect("authorised").provides;
		assert!(first != second && first != third);
	});
}

#[test]
fn signature_of_an_earlier_attempt_is_worthless() {
	build_and_execute(|| {
		let id = request();
		let replayed = accept(id);
		assert_ok!(dispatch(replayed.clone()));
		wait(11);
		assert_ok!(poke(STRANGER, id));
		refused(replayed, InvalidTransaction::Stale);
		refused(accept(id), InvalidTransaction::Stale);
	});
}

/// On another fork, number 0 is somebody else's job. What was signed about the one is worth nothing
/// there, whatever block it names.
#[test]
fn message_about_a_job_is_not_one_about_another_of_its_number() {
	let signed_here = core::cell::RefCell::new(Vec::new());
	build_and_execute(|| {
		let (a, b) =
			(request_of(small(), vec![1; LEN], None), request_of(small(), vec![2; LEN], None));
		signed_here.borrow_mut().extend([accept(a), accept(b)]);
		assert_ok!(dispatch(accept(a)));
		signed_here.borrow_mut().push(claim(a));
	});
	// The same chain up to here, with the two requests the other way round.
	build_and_execute(|| {
		request_of(small(), vec![2; LEN], None);
		let a = request_of(small(), vec![1; LEN], None);
		for call in signed_here.borrow().iter() {
			refused(call.clone(), InvalidTransaction::Stale);
		}
		// With the job under its own number it would have been good.
		assert!(authorize(&accept(a)).is_ok());
		assert_ok!(dispatch(accept(0)));
		refused(signed_here.borrow()[2].clone(), InvalidTransaction::Stale);
	});
}

#[test]
fn message_born_on_another_fork_is_refused() {
	build_and_execute(|| {
		wait(5);
		let id = request();
		let call = accept(id);
		assert!(authorize(&call).is_ok());
		BlockHash::<Test>::insert(5, sp_core::H256::repeat_byte(7));
		refused(call.clone(), InvalidTransaction::BadProof);
		BlockHash::<Test>::remove(5);
		refused(call, InvalidTransaction::AncientBirthBlock);
	});
}

#[test]
fn old_messages_are_refused() {
	build_and_execute(|| {
		// Long enough in the queue for the signature to grow old.
		let id = request();
		crate::Jobs::<Test>::mutate(id, |job| job.as_mut().expect("there").expires = 1_000);
		let call = accept(id);
		wait(u64::from(LIFETIME) - 1);
		assert_eq!(authorize(&call).expect("just").longevity, 1);
		wait(1);
		refused(call.clone(), InvalidTransaction::AncientBirthBlock);
		wait(100 - u64::from(LIFETIME));
		refused(call, InvalidTransaction::AncientBirthBlock);
		assert!(authorize(&accept(id)).is_ok());
		// Put right for the invariants.
		crate::Jobs::<Test>::mutate(id, |job| job.as_mut().expect("there").expires = 31);
	});
}

#[test]
fn message_from_the_future_is_refused() {
	build_and_execute(|| {
		wait(3);
		let id = request();
		let call = accept(id);
		System::set_block_number(3);
		refused(call, InvalidTransaction::AncientBirthBlock);
		System::set_block_number(4);
	});
}

#[test]
fn nothing_that_was_signed_can_be_changed() {
	build_and_execute(|| {
		let (id, other) = (request(), request());
		let Call::accept { auth, .. } = accept(id) else { unreachable!() };
		refused(
			Call::accept { offers: offers_of(&[other]), auth: auth.clone() },
			InvalidTransaction::BadProof,
		);
		let more = offers_of(&[id, other]);
		refused(Call::accept { offers: more, auth: auth.clone() }, InvalidTransaction::BadProof);
		let later = auth.map(|auth| Authorization { birth: 1, ..auth });
		wait(1);
		refused(
			Call::accept { offers: offers_of(&[id]), auth: later },
			InvalidTransaction::BadProof,
		);
		assert_ok!(dispatch(accept(id)));
		// The signature of one call does not authorise another.
		let Call::claim { answers, auth } = claim(id) else { unreachable!() };
		let wrong = sign(ACCEPT_TAG, &Jobs::claim_message(&answers));
		refused(
			Call::claim { answers: answers.clone(), auth: wrong },
			InvalidTransaction::BadProof,
		);
		// Nor does one for another output.
		let mut changed = answers.into_inner();
		changed[0].output = OutputBytes::truncate_from(vec![8; LEN]);
		changed[0].output_root = sp_core::H256(assay_referee::tree::hash(&changed[0].output));
		let answers = Answers::truncate_from(changed);
		refused(Call::claim { answers, auth }, InvalidTransaction::BadProof);
	});
}

#[test]
fn unknown_keys_and_missing_authorizations_are_refused() {
	build_and_execute(|| {
		let id = request();
		let offers = offers_of(&[id]);
		refused(Call::accept { offers, auth: None }, InvalidTransaction::Call);
		assert_ok!(Operators::set_service_key(signed(RIVAL), None));
		refused(accept(id), InvalidTransaction::BadSigner);
	});
}

#[test]
fn operators_that_cannot_are_refused() {
	build_and_execute(|| {
		let id = request_of(small(), vec![1; LEN], Some(OPERATOR));
		refused(accept(id), InvalidTransaction::Stale);
		let id = request();
		assert_ok!(Operators::chill(signed(RIVAL)));
		refused(accept(id), InvalidTransaction::Payment);
		refused(claim(id), InvalidTransaction::Stale);
		refused(accept(99), InvalidTransaction::Stale);
	});
}

#[test]
fn late_claims_are_refused_by_the_pool() {
	build_and_execute(|| {
		let id = request();
		assert_ok!(dispatch(accept(id)));
		wait(10);
		assert!(authorize(&claim(id)).is_ok());
		wait(1);
		refused(claim(id), InvalidTransaction::Stale);
	});
}

/// Rivals who take single jobs of a batch make nobody else wait, and nothing is done twice.
#[test]
fn batch_goes_on_without_what_others_took() {
	build_and_execute(|| {
		let jobs: Vec<_> = (0..5).map(|_| request()).collect();
		let call =
			Call::accept { auth: sign(ACCEPT_TAG, &offers_of(&jobs)), offers: offers_of(&jobs) };
		assert_eq!(authorize(&call).expect("authorised").provides.len(), 5);
		for id in &jobs[..4] {
			assert_ok!(crate::mock::accept(OPERATOR, *id));
		}
		assert_eq!(authorize(&call).expect("authorised").provides.len(), 1);
		assert_ok!(dispatch(call.clone()));
		refused(call, InvalidTransaction::Stale);
	});
}

/// Answers that are not owed do not ride along with one that is.
#[test]
fn answers_that_are_not_owed_spoil_the_batch() {
	build_and_execute(|| {
		let (id, other) = (request(), request());
		assert_ok!(dispatch(accept(id)));
		let (output_root, output) = answer();
		let batch = |jobs: &[JobId]| {
			let all = jobs.iter().map(|id| answer_to(*id, output_root, output.clone()));
			let answers = Answers::truncate_from(all.collect());
			Call::claim { auth: sign(CLAIM_TAG, &Jobs::claim_message(&answers)), answers }
		};
		refused(batch(&[id, other]), InvalidTransaction::Stale);
		// Nor does one answer many times over.
		refused(batch(&[id; 64]), InvalidTransaction::Call);
		assert!(authorize(&batch(&[id])).is_ok());
	});
}

/// One answer whose deadline passes does not spoil those that have time left, and what is sent later
/// takes the place of what lies in the pool.
#[test]
fn late_answer_does_not_spoil_the_batch() {
	build_and_execute(|| {
		let early = request();
		assert_ok!(dispatch(accept(early)));
		wait(5);
		let later = request();
		assert_ok!(dispatch(accept(later)));
		let (output_root, output) = answer();
		let call = || {
			let all = [early, later].map(|id| answer_to(id, output_root, output.clone()));
			let answers = Answers::truncate_from(all.to_vec());
			Call::claim { auth: sign(CLAIM_TAG, &Jobs::claim_message(&answers)), answers }
		};
		let first = authorize(&call()).expect("both are owed");
		wait(1);
		let again = authorize(&call()).expect("both are owed");
		assert!(again.priority > first.priority);
		wait(5);
		let rest = authorize(&call()).expect("one is owed");
		assert_eq!((first.provides.len(), rest.provides.len()), (2, 1));
		assert_ok!(dispatch(call()));
		assert!(Jobs::open_claim(later).is_some() && Jobs::open_claim(early).is_none());
	});
}

#[test]
fn key_pokes_what_concerns_its_owner_and_is_due() {
	build_and_execute(|| {
		let (mine, others) = (request(), request());
		assert_ok!(dispatch(accept(mine)));
		assert_ok!(dispatch(claim(mine)));
		assert_ok!(crate::mock::accept(OPERATOR, others));
		refused(poke_jobs(&[mine]), InvalidTransaction::Stale);
		wait(21);
		refused(poke_jobs(&[others]), InvalidTransaction::Stale);
		refused(poke_jobs(&[mine, others]), InvalidTransaction::Stale);
		refused(poke_jobs(&[mine, mine]), InvalidTransaction::Call);
		refused(poke_jobs(&[]), InvalidTransaction::Stale);
		let call = poke_jobs(&[mine]);
		assert!(authorize(&call).is_ok());
		assert_ok!(dispatch(call.clone()));
		assert!(matches!(status(mine), crate::JobStatus::Final { .. }));
		refused(call, InvalidTransaction::Stale);
	});
}

#[test]
fn origins_do_not_mix() {
	build_and_execute(|| {
		let id = request();
		let Call::accept { offers, auth } = accept(id) else { unreachable!() };
		let accept = |origin, auth: &Option<Authorization>| {
			let done = Jobs::accept(origin, offers.clone(), auth.clone());
			done.map(|_| ()).map_err(|error| error.error)
		};
		// A signer does not act for the owner of a key, and nobody acts without either.
		assert_noop!(accept(signed(STRANGER), &auth), BadOrigin);
		assert_noop!(accept(RuntimeOrigin::none(), &auth), BadOrigin);
		assert_noop!(accept(RuntimeOrigin::root(), &auth), BadOrigin);
		let authorized = RuntimeOrigin::from(RawOrigin::Authorized);
		assert_noop!(accept(authorized, &None), BadOrigin);
		assert_noop!(accept(signed(STRANGER), &None), Error::<Test>::ModelNotServed);
	});
}
