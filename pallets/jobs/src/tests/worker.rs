//! The operator's off-chain worker.

use crate::{mock::*, Assignments, Call, JobStatus};
use assay_host::{Note, Request, Response, Role};
use frame_support::{
	assert_ok,
	pallet_prelude::TransactionSource,
	traits::{Authorize, Hooks},
};
use frame_system::RawOrigin;
use sp_runtime::traits::Dispatchable;

impl Node {
	/// Prepare the chain, and the engine of an operator's node.
	fn start() -> Self {
		let mut node = node();
		{
			let mut engine = node.engine.lock().unwrap();
			engine.operator = true;
			engine.has_models = true;
		}
		node.ext.execute_with(set_up);
		node.ext.persist_offchain_overlay();
		node
	}

	fn run<R>(&mut self, code: impl FnOnce() -> R) -> R {
		self.ext.execute_with(|| {
			let result = code();
			check();
			result
		})
	}

	/// Run the worker; returns the calls it sent.
	fn work(&mut self) -> Vec<Call<Test>> {
		self.ext.execute_with(|| Jobs::offchain_worker(System::block_number()));
		(self.drain)()
			.into_iter()
			.map(|xt| match xt.function {
				RuntimeCall::Jobs(call) => call,
				other => panic!("not a call of jobs: {other:?}"),
			})
			.collect()
	}

	/// A block with these authorised calls in it.
	fn include(&mut self, calls: Vec<Call<Test>>) {
		self.run(|| {
			wait(1);
			for call in calls {
				let call = RuntimeCall::from(call);
				let verdict = call.authorize(TransactionSource::InBlock).expect("an operator's");
				assert_ok!(verdict);
				assert_ok!(call.dispatch(RawOrigin::Authorized.into()));
			}
		});
	}

	fn answer(&self, response: Option<Response>) {
		self.engine.lock().unwrap().response = response;
	}

	fn submitted(&self) -> Vec<Request> {
		self.engine.lock().unwrap().submitted.clone()
	}
}

fn run_response() -> Option<Response> {
	let (root, output) = answer();
	Some(Response::Run { output_root: root.0, output: output.into_inner() })
}

#[test]
fn accepts_runs_and_claims() {
	let mut node = Node::start();
	let id = node.run(request);

	let calls = node.work();
	assert!(matches!(calls[..], [Call::accept { job, .. }] if job == id));
	node.include(calls);
	assert!(node.submitted().is_empty());

	// The engine is asked once, and the worker does not wait for it.
	assert!(node.work().is_empty());
	node.run(|| wait(1));
	assert!(node.work().is_empty());
	let [Request::Run(spec)] = &node.submitted()[..] else { panic!("one run") };
	assert_eq!((spec.role, spec.job, spec.model), (Role::Operator, id, small().0));
	assert_eq!(spec.input, vec![1; LEN]);

	node.answer(run_response());
	let calls = node.work();
	assert!(matches!(calls[..], [Call::claim { job, attempt: 0, .. }] if job == id));
	node.include(calls);
	node.run(|| assert!(matches!(status(id), JobStatus::Claimed { operator: OPERATOR, .. })));
	assert_eq!(node.engine.lock().unwrap().notes, vec![(Note::ClaimSent, id)]);
	assert!(node.work().is_empty());
}

#[test]
fn sends_again_only_when_the_state_did_not_change() {
	let mut node = Node::start();
	node.run(request);
	assert_eq!(node.work().len(), 1);
	// Twice in one block, and for some blocks after.
	assert!(node.work().is_empty());
	node.run(|| wait(3));
	assert!(node.work().is_empty());
	node.run(|| wait(1));
	assert_eq!(node.work().len(), 1);
}

#[test]
fn does_nothing_without_the_role_or_the_key() {
	let mut node = Node::start();
	node.run(request);
	node.engine.lock().unwrap().operator = false;
	assert!(node.work().is_empty());
	node.engine.lock().unwrap().operator = true;
	node.run(|| {
		assert_ok!(Operators::set_service_key(signed(OPERATOR), None));
	});
	assert!(node.work().is_empty());
	assert!(node.submitted().is_empty());
}

#[test]
fn takes_only_jobs_it_can_do() {
	let mut node = Node::start();
	node.run(|| {
		request_of(small(), vec![1; LEN], Some(RIVAL));
	});
	assert!(node.work().is_empty());
	node.run(request);
	node.engine.lock().unwrap().has_models = false;
	assert!(node.work().is_empty());
	node.engine.lock().unwrap().has_models = true;
	node.run(|| {
		assert_ok!(Operators::chill(signed(OPERATOR)));
	});
	assert!(node.work().is_empty());
	node.run(|| {
		assert_ok!(Operators::activate(signed(OPERATOR)));
	});
	assert_eq!(node.work().len(), 1);
}

#[test]
fn accepts_no_more_than_it_has_stake_and_time_for() {
	let mut node = Node::start();
	node.run(|| {
		// Stake is left for three claims.
		assert_ok!(Operators::unstake(signed(OPERATOR), 65_000));
		for _ in 0..20 {
			request();
		}
	});
	let calls = node.work();
	assert_eq!(calls.len(), 3);
	node.include(calls);
	node.run(|| {
		assert_ok!(Operators::stake(signed(OPERATOR), 200_000));
	});
	// Eight claims may be owed at a time, and three are.
	node.run(|| wait(4));
	let calls = node.work();
	assert_eq!(calls.len(), 5);
	node.include(calls);
	node.run(|| wait(4));
	assert!(node.work().is_empty());
	node.run(|| assert_eq!(Assignments::<Test>::iter_key_prefix(OPERATOR).count(), 8));
}

#[test]
fn chilled_operator_still_claims_what_it_owes() {
	let mut node = Node::start();
	let id = node.run(|| {
		let id = accepted();
		assert_ok!(Operators::chill(signed(OPERATOR)));
		id
	});
	node.answer(run_response());
	assert!(node.work().is_empty());
	let calls = node.work();
	assert!(matches!(calls[..], [Call::claim { job, .. }] if job == id));
}

#[test]
fn failed_runs_and_wrong_answers_claim_nothing() {
	let mut node = Node::start();
	node.run(accepted);
	node.work();
	for response in [
		Response::Failed("the disk is full".into()),
		Response::Agree,
		Response::Run { output_root: [0; 32], output: vec![0; 20_000] },
	] {
		node.answer(Some(response));
		assert!(node.work().is_empty());
	}
	// After the deadline there is nothing to claim.
	node.answer(run_response());
	node.run(|| wait(20));
	assert!(node.work().is_empty());
}

#[test]
fn goes_round_all_open_jobs() {
	let mut node = Node::start();
	node.run(|| {
		for _ in 0..150 {
			request_of(small(), vec![1; LEN], Some(RIVAL));
		}
		request();
	});
	let found = (0..4).any(|_| !node.work().is_empty());
	assert!(found, "the job behind 150 others is found");
}
