//! A job from request to payment.

use crate::chain::{input, model, Chain, OPERATOR, REQUESTER};
use assay_runtime::{
	constants::{currency::ASY, inference},
	Balances, Runtime,
};
use pallet_jobs::{Job, JobStatus};

fn job(chain: &mut Chain, id: u64) -> Option<pallet_jobs::JobOf<Runtime>> {
	chain.ext.execute_with(|| pallet_jobs::Jobs::<Runtime>::get(id))
}

#[test]
fn honest_claim_is_paid_after_the_window() {
	let mut chain = Chain::with_operator();
	let [operator, requester] = [OPERATOR, REQUESTER].map(|who| who.to_account_id());
	let before = [&operator, &requester].map(|who| chain.total(who));
	let id = chain.request();
	let (accept, claim) = (chain.accept(id), chain.claim(id, input()));
	chain.ok_block(vec![accept]);
	chain.ok_block(vec![claim]);
	let claimed = chain.number();
	assert!(matches!(
		job(&mut chain, id),
		Some(Job { status: JobStatus::Claimed { window_end, .. }, .. })
			if window_end == claimed + inference::WINDOW
	));
	chain.check_invariants();

	// Idle time of blocks finalizes it without anybody asking.
	chain.run_to(claimed + inference::WINDOW + 2);
	let end = job(&mut chain, id).expect("it is kept for a while");
	assert!(matches!(end.status, JobStatus::Final { .. }), "{end:?}");
	assert_eq!(chain.total(&operator), before[0] + ASY);
	let paid = before[1] - chain.total(&requester);
	assert!((ASY..ASY + ASY / 50).contains(&paid), "the requester paid {paid}");
	chain.check_invariants();

	chain.run_to(claimed + inference::WINDOW + inference::RETENTION + 4);
	assert!(job(&mut chain, id).is_none(), "it is reaped in the end");
	chain.ext.execute_with(|| {
		assert_eq!(pallet_models::OpenJobs::<Runtime>::get(model()), 0);
		assert!(!pallet_jobs::Outputs::<Runtime>::contains_key(id));
		assert_eq!(Balances::reserved_balance(&requester), 0, "deposits are back");
	});
	chain.check_invariants();
}

#[test]
fn missed_deadline_returns_the_job_to_the_queue_and_expiry_refunds() {
	let mut chain = Chain::with_operator();
	let requester = REQUESTER.to_account_id();
	let before = chain.total(&requester);
	let id = chain.request();
	let asked = chain.number();
	let accept = chain.accept(id);
	chain.ok_block(vec![accept]);
	chain.run_to(asked + 1 + inference::CLAIM + 3);
	let late = job(&mut chain, id).expect("it is open");
	assert_eq!((late.attempt(), late.status), (1, JobStatus::Queued));

	chain.run_to(asked + inference::QUEUE + 3);
	let end = job(&mut chain, id).expect("it is kept for a while");
	assert_eq!(end.status, JobStatus::Expired);
	assert!(before - chain.total(&requester) < ASY / 50, "only the transaction's fee is gone");
	chain.check_invariants();
}
