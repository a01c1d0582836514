//! The operator's off-chain worker.

use crate::{mock::*, Call, JobStatus};
use assay_host::{Class, Limits, Note, Request, Response, Submission};
use assay_primitives::JobId;
use frame_support::{
	assert_ok,
	pallet_prelude::TransactionSource,
	traits::{Authorize, Hooks},
};
use frame_system::{BlockHash, RawOrigin};
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

	fn submitted(&self) -> Vec<Submission> {
		self.engine.lock().unwrap().submitted.clone()
	}
}

fn run_response() -> Option<Response> {
	let (root, output) = answer();
	Some(Response::Run { output_root: root.0, output: output.into_inner() })
}

fn jobs_in(call: &Call<Test>) -> Vec<JobId> {
	match call {
		Call::accept { offers, .. } => offers.iter().map(|offer| offer.job).collect(),
		Call::claim { answers, .. } => answers.iter().map(|answer| answer.job).collect(),
		Call::poke { jobs, .. } => jobs.to_vec(),
		Call::deliver { job, .. } => vec![*job],
		other => panic!("the worker does not send {other:?}"),
	}
}

fn accepts(calls: &[Call<Test>]) -> Vec<JobId> {
	assert!(calls.iter().all(|call| matches!(call, Call::accept { .. })), "{calls:?}");
	calls.iter().flat_map(jobs_in).collect()
}

#[test]
fn accepts_runs_and_claims() {
	let mut node = Node::start();
	let id = node.run(request);

	let calls = node.work();
	assert_eq!(accepts(&calls), [id]);
	node.include(calls);
	assert!(node.submitted().is_empty());

	// The engine is asked once, and the worker does not wait for it.
	assert!(node.work().is_empty());
	node.run(|| wait(1));
	assert!(node.work().is_empty());
	let submitted = node.submitted();
	let [Submission { request: Request::Run(spec), terms, input }] = &submitted[..] else {
		panic!("one run")
	};
	assert_eq!((spec.model, spec.lie), (small().0, None));
	assert_eq!((terms.class, terms.deadline, terms.job), (Class::Job, 12, id));
	assert_eq!(terms.at_stake, 10_000);
	assert_eq!(*input, vec![1; LEN]);

	// The run that finds the answer sends it.
	node.answer(run_response());
	let calls = node.work();
	assert!(matches!(calls[..], [Call::claim { .. }]));
	assert_eq!(jobs_in(&calls[0]), [id]);
	node.include(calls);
	node.run(|| assert!(matches!(status(id), JobStatus::Claimed { operator: OPERATOR, .. })));
	let notes = node.engine.lock().unwrap().notes.clone();
	assert_eq!(notes, vec![(Note::AcceptsSent, 1), (Note::ClaimsSent, 1)]);
	assert!(node.work().is_empty());
}

#[test]
fn sends_again_only_when_the_state_did_not_change() {
	let mut node = Node::start();
	node.run(|| {
		wait(1);
		request()
	});
	assert_eq!(node.work().len(), 1);
	// Twice in one block, and for some blocks after.
	assert!(node.work().is_empty());
	node.run(|| wait(3));
	assert!(node.work().is_empty());
	node.run(|| wait(1));
	assert_eq!(node.work().len(), 1);
}

/// What was sent on a fork that was left is sent again at once: its signature is void here.
#[test]
fn sends_again_on_another_fork() {
	let mut node = Node::start();
	node.run(|| {
		wait(3);
		request()
	});
	assert_eq!(node.work().len(), 1);
	assert!(node.work().is_empty());
	// A block beside the one that was worked on, of the same parent.
	node.run(|| BlockHash::<Test>::insert(4, sp_core::H256::repeat_byte(9)));
	assert_eq!(node.work().len(), 1);
}

#[test]
fn does_nothing_without_the_role_or_the_key() {
	let mut node = Node::start();
	node.run(request);
	node.engine.lock().unwrap().operator = false;
	assert!(node.work().is_empty());
	node.engine.lock().unwrap().operator = true;
	node.engine.lock().unwrap().for_another = true;
	assert!(node.work().is_empty());
	node.engine.lock().unwrap().for_another = false;
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
		wait(ChillPeriod::get());
		assert_ok!(Operators::activate(signed(OPERATOR)));
	});
	for limits in [
		Limits { max_run_micros: Some(9), max_exposure: None },
		Limits { max_run_micros: None, max_exposure: Some(9_999) },
	] {
		let mut engine = node.engine.lock().unwrap();
		engine.run_micros = Some(10);
		engine.limits = limits;
		drop(engine);
		assert!(node.work().is_empty());
	}
	node.engine.lock().unwrap().limits =
		Limits { max_run_micros: Some(10), max_exposure: Some(10_000) };
	assert_eq!(node.work().len(), 1);
}

#[test]
fn accepts_no_more_than_it_has_stake_for() {
	let mut node = Node::start();
	node.run(|| {
		// Stake is left for three claims.
		assert_ok!(Operators::unstake(signed(OPERATOR), 65_000));
		for _ in 0..20 {
			request();
		}
	});
	let calls = node.work();
	assert_eq!(accepts(&calls), [0, 1, 2]);
	// What is on its way binds the stake as well, though the state does not show it.
	node.run(|| wait(1));
	assert!(node.work().is_empty());
	node.include(calls);
	assert!(node.work().is_empty());
}

/// The backlog follows what the machine can do: thousands of small jobs, or one large.
#[test]
fn accepts_what_can_be_finished_in_time() {
	let mut node = Node::start();
	node.run(|| {
		assert_ok!(Operators::stake(signed(OPERATOR), 800_000));
		for _ in 0..80 {
			request();
		}
	});
	// Ten blocks less four for claiming, of three seconds each, half of them: nine seconds.
	node.engine.lock().unwrap().run_micros = Some(1_000_000);
	node.engine.lock().unwrap().backlog_micros = 2_500_000;
	let calls = node.work();
	assert_eq!(accepts(&calls), (0..6).collect::<Vec<_>>());
	// They are counted until the engine has them.
	node.run(|| wait(1));
	assert!(node.work().is_empty());
	node.include(calls);
	node.engine.lock().unwrap().backlog_micros = 9_000_000;
	assert!(node.work().is_empty());
	// Fast ones go in full batches.
	node.engine.lock().unwrap().backlog_micros = 0;
	node.engine.lock().unwrap().run_micros = Some(300);
	let calls = node.work();
	assert_eq!(calls.iter().map(|call| jobs_in(call).len()).collect::<Vec<_>>(), [64, 10]);
	assert_eq!(accepts(&calls), (6..80).collect::<Vec<_>>());
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
	assert!(matches!(calls[..], [Call::claim { .. }]));
	assert_eq!(jobs_in(&calls[0]), [id]);
}

/// Equal jobs are one run and one call.
#[test]
fn equal_jobs_are_run_once_and_claimed_together() {
	let mut node = Node::start();
	let jobs: Vec<_> = node.run(|| (0..9).map(|_| accepted()).collect());
	assert!(node.work().is_empty());
	assert_eq!(node.submitted().len(), 1);
	node.answer(run_response());
	let calls = node.work();
	assert_eq!(calls.len(), 1);
	assert_eq!(jobs_in(&calls[0]), jobs);
	node.include(calls);
	assert!(node.work().is_empty());
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

/// What others put on chain costs a worker nothing: with fifty thousand foreign jobs, a hundredth of
/// them in every stage, it asks the engine as often and reads as much of the state as with a few, but
/// for the depth of the tree.
#[test]
fn foreign_jobs_cost_nothing() {
	let cost = |foreign: u64| {
		let mut node = Node::start();
		node.run(|| {
			for who in [REQUESTER, RIVAL] {
				assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), who, 1 << 50));
			}
			for n in 0..foreign {
				let id = request_of(small(), vec![1; LEN], Some(RIVAL));
				if n % 100 < 2 {
					assert_ok!(Operators::stake(signed(RIVAL), 10_000));
					assert_ok!(accept(RIVAL, id));
				}
				if n % 100 == 1 {
					let (root, output) = answer();
					assert_ok!(claim(RIVAL, id, root, output));
				}
			}
			accepted();
			request();
		});
		node.ext.commit_all().expect("no open transaction");
		let work = || Jobs::offchain_worker(System::block_number());
		let ((), proof) = node.ext.execute_and_prove(work);
		let asked = node.engine.lock().unwrap().asked;
		(asked, (node.drain)().len(), proof.iter_nodes().count())
	};
	let (few, many) = (cost(100), cost(50_000));
	assert_eq!((few.0, few.1), (many.0, many.1));
	assert!(many.2 < 2 * few.2, "{few:?} {many:?}");
}

/// Jobs that the operator cannot take do not hide those behind them.
#[test]
fn goes_on_behind_what_it_cannot_take() {
	let mut node = Node::start();
	let wanted = node.run(|| {
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), REQUESTER, 1 << 50));
		// Fees so high that no stake suffices.
		for _ in 0..4_200 {
			let input = vec![1; LEN].try_into().unwrap();
			assert_ok!(Jobs::request(signed(REQUESTER), small(), input, 1_000_000, None));
		}
		request()
	});
	assert!(node.work().is_empty());
	assert_eq!(accepts(&node.work()), [wanted]);
	// And back to the front.
	assert!(node.work().is_empty());
}

/// Where blocks leave no idle weight, the operator finalizes its claims itself.
#[test]
fn pokes_its_overdue_claims() {
	let mut node = Node::start();
	let id = node.run(|| {
		let id = claimed();
		wait(22);
		id
	});
	assert!(node.work().is_empty());
	node.run(|| wait(1));
	let calls = node.work();
	assert!(matches!(calls[..], [Call::poke { .. }]));
	assert_eq!(jobs_in(&calls[0]), [id]);
	assert!(node.work().is_empty());
	node.include(calls);
	node.run(|| assert!(matches!(status(id), JobStatus::Final { .. })));
	assert!(node.work().is_empty());
}

#[test]
fn delivers_what_is_demanded() {
	let mut node = Node::start();
	let id = node.run(|| {
		let id = wide_claimed();
		assert_ok!(Jobs::demand(signed(REQUESTER), id, 1, 1));
		id
	});
	// The engine is asked for the chunks of the piece, as for something that is owed.
	assert!(node.work().is_empty());
	let submitted = node.submitted();
	let [Submission { request: Request::Output { spec, first, chunks }, terms, input }] =
		&submitted[..]
	else {
		panic!("one piece")
	};
	assert_eq!((spec.model, *first, *chunks), (wide().0, 64, 5));
	assert_eq!((terms.class, terms.deadline, terms.job), (Class::Trace, 8, id));
	assert_eq!(input.len(), WIDE);

	node.answer(Some(Response::Output(piece(1))));
	let calls = node.work();
	assert!(matches!(calls[..], [Call::deliver { piece: 1, .. }]), "{calls:?}");
	// It is on its way.
	assert!(node.work().is_empty());
	node.include(calls);
	assert!(node.work().is_empty());
	node.run(|| {
		assert!(crate::Demands::<Test>::get(id).is_none());
		assert_ok!(Jobs::demand(signed(REQUESTER), id, 1, 1));
		wait(7);
	});
	// What would come too late is not sent.
	assert!(node.work().is_empty());
}

/// However much is demanded, the engine and the pool get it in portions, the most urgent first.
#[test]
fn delivers_in_portions() {
	let mut node = Node::start();
	let jobs: Vec<JobId> = node.run(|| {
		for who in [REQUESTER, OPERATOR] {
			assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), who, 1 << 50));
		}
		let jobs: Vec<JobId> = (0..50).map(|_| wide_claimed()).collect();
		// The last first.
		for id in jobs.iter().rev() {
			assert_ok!(Jobs::demand(signed(REQUESTER), *id, 0, 2));
		}
		jobs
	});
	assert!(node.work().is_empty());
	// Equal jobs are one run: two pieces of it.
	assert_eq!(node.submitted().len(), 2);
	node.answer(Some(Response::Output(piece(0))));
	let calls = node.work();
	assert_eq!(calls.len(), 64);
	assert_eq!(jobs_in(&calls[0]), [*jobs.last().unwrap()]);
	assert!(node.work().is_empty());
}
