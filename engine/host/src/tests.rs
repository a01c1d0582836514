// A panic is how a test fails.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use crate::*;
use codec::Encode;
use sp_core::offchain::testing::TestOffchainExt;
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex},
};

/// Holds requests until told to finish them.
#[derive(Clone, Default)]
struct SlowEngine(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
	jobs: BTreeMap<RequestId, Option<Arc<Vec<u8>>>>,
	submitted: Vec<Submission>,
	polled: Vec<(Class, u64)>,
	staked: Vec<u64>,
	full: bool,
	notes: Vec<(Note, u64)>,
}

const MODEL: [u8; 32] = [7; 32];

impl Engine for SlowEngine {
	fn submit(&mut self, id: RequestId, submission: Submission) -> Status {
		assert_eq!(id, submission.request.id());
		if submission.request.spec().model != MODEL {
			return Status::NoModel;
		}
		let mut state = self.0.lock().unwrap();
		if state.full {
			return Status::Full;
		}
		state.submitted.push(submission);
		state.jobs.entry(id).or_default();
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId, class: Class, deadline: u64) -> Poll {
		let mut state = self.0.lock().unwrap();
		state.polled.push((class, deadline));
		match state.jobs.get(id) {
			None => Poll::Not(Status::Unknown),
			Some(None) => Poll::Not(Status::Queued),
			Some(Some(response)) => Poll::Ready(response.clone()),
		}
	}

	fn stake(&mut self, _id: &RequestId, at_stake: u64) {
		self.0.lock().unwrap().staked.push(at_stake);
	}

	fn has_model(&mut self, model: &[u8; 32]) -> bool {
		*model == MODEL
	}

	fn models(&mut self) -> Vec<[u8; 32]> {
		vec![MODEL, [8; 32]]
	}

	fn run_micros(&mut self, model: &[u8; 32]) -> Option<u64> {
		(*model == MODEL).then_some(1_500)
	}

	fn backlog_micros(&mut self, class: Class) -> u64 {
		1_000 * (class as u64 + 1)
	}

	fn acts_for(&mut self, account: &[u8]) -> bool {
		account == 77_u64.encode()
	}

	fn build(&mut self) -> u64 {
		9
	}

	fn roles(&mut self) -> Roles {
		Roles { operator: true, watcher: false, cheats: true }
	}

	fn limits(&mut self) -> Limits {
		LIMITS
	}

	fn note(&mut self, event: Note, value: u64) {
		self.0.lock().unwrap().notes.push((event, value));
	}
}

const LIMITS: Limits = Limits { max_run_micros: Some(u64::MAX), max_exposure: Some(u128::MAX) };

const TERMS: Terms = Terms { class: Class::Job, deadline: 40, at_stake: 10, job: 3 };

fn request(model: [u8; 32]) -> Request {
	Request::Run(RunSpec { model, input_root: [4; 32], lie: None })
}

fn asked(request: &Request) -> Answer {
	ask(request, TERMS, || Some(vec![1, 2, 3]))
}

fn with_engine(test: impl FnOnce(SlowEngine)) {
	let engine = SlowEngine::default();
	let mut ext = sp_io::TestExternalities::default();
	ext.register_extension(EngineExt(Box::new(engine.clone())));
	ext.execute_with(|| test(engine));
}

#[test]
fn asks_submits_once_and_collects_later() {
	with_engine(|engine| {
		let request = request(MODEL);
		assert_eq!(asked(&request), Answer::Pending);
		assert_eq!(asked(&request), Answer::Pending);
		{
			let state = engine.0.lock().unwrap();
			let submission =
				Submission { request: request.clone(), terms: TERMS, input: vec![1, 2, 3] };
			assert_eq!(state.submitted, [submission]);
			assert_eq!(state.polled, [(Class::Job, 40); 2]);
		}

		let response = Response::Run { output_root: [9; 32], output: vec![5; 1000] };
		let encoded = Arc::new(response.encode());
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(encoded));
		assert_eq!(asked(&request), Answer::Ready(response));
	});
}

#[test]
fn a_small_buffer_is_left_alone() {
	with_engine(|engine| {
		let request = request(MODEL);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(Arc::new(vec![1; 10])));
		let mut out = [0xee; 9];
		let raw = inference_engine::poll(&request.id(), 2, 40, 1, &mut out);
		assert_eq!(Status::split(raw), (Status::TooSmall, 10));
		assert_eq!(out, [0xee; 9]);
		let mut out = [0; 12];
		let raw = inference_engine::poll(&request.id(), 2, 40, 1, &mut out);
		assert_eq!(Status::split(raw), (Status::Ready, 10));
		assert_eq!(out, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
	});
}

#[test]
fn unknown_models_and_malformed_requests_are_refused() {
	with_engine(|engine| {
		assert_eq!(asked(&request([8; 32])), Answer::NoModel);
		assert!(worker::has_model(&MODEL) && !worker::has_model(&[8; 32]));
		assert_eq!(inference_engine::submit(b"\xff garbage"), Status::Unknown as u32);
		let submission = Submission { request: request(MODEL), terms: TERMS, input: vec![1, 2, 3] };
		let mut trailing = submission.encode();
		trailing.push(0);
		assert_eq!(inference_engine::submit(&trailing), Status::Unknown as u32);
		let long = vec![0; MAX_REQUEST_BYTES + 1];
		assert_eq!(inference_engine::submit(&long), Status::Unknown as u32);
		assert!(engine.0.lock().unwrap().submitted.is_empty());
	});
}

#[test]
fn a_malformed_response_is_no_answer() {
	with_engine(|engine| {
		let request = request(MODEL);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(Arc::new(vec![0xff; 4])));
		assert_eq!(asked(&request), Answer::Unavailable);
		let huge = Arc::new(vec![0; MAX_RESPONSE_BYTES + 1]);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(huge));
		assert_eq!(asked(&request), Answer::Unavailable);
	});
}

#[test]
fn reports_reach_the_engine() {
	with_engine(|engine| {
		worker::note(Note::MismatchSeen, 12);
		inference_engine::note(999, 1);
		assert_eq!(engine.0.lock().unwrap().notes, vec![(Note::MismatchSeen, 12)]);
		assert_eq!(worker::roles(), Roles { operator: true, watcher: false, cheats: true });
		assert_eq!(worker::build(), 9);
	});
}

#[test]
fn the_input_is_fetched_only_when_it_is_needed() {
	with_engine(|engine| {
		let request = request(MODEL);
		assert_eq!(ask(&request, TERMS, || None), Answer::Unavailable);
		assert_eq!(asked(&request), Answer::Pending);
		assert_eq!(ask(&request, TERMS, || panic!("it is known")), Answer::Pending);
		assert_eq!(engine.0.lock().unwrap().submitted.len(), 1);
	});
}

#[test]
fn a_full_class_is_told_apart_from_no_engine() {
	with_engine(|engine| {
		engine.0.lock().unwrap().full = true;
		assert_eq!(asked(&request(MODEL)), Answer::Full);
		engine.0.lock().unwrap().full = false;
		assert_eq!(asked(&request(MODEL)), Answer::Pending);
	});
}

#[test]
fn terms_are_no_part_of_the_name() {
	with_engine(|engine| {
		let request = request(MODEL);
		assert_eq!(asked(&request), Answer::Pending);
		let urgent = Terms { class: Class::Move, deadline: 7, at_stake: 99, job: 4 };
		assert_eq!(ask(&request, urgent, || None), Answer::Pending);
		// A class of a later version is the last.
		inference_engine::poll(&request.id(), 99, 50, 1, &mut []);
		let state = engine.0.lock().unwrap();
		assert_eq!(state.polled, [(Class::Job, 40), (Class::Move, 7), (Class::Other, 50)]);
		// Not at the first poll, which found nothing waiting.
		assert_eq!(state.staked, [99, 1]);
	});
}

#[test]
fn what_the_engine_knows_crosses_the_boundary() {
	with_engine(|_| {
		assert_eq!(worker::models(), [MODEL, [8; 32]]);
		assert_eq!(worker::run_micros(&MODEL), Some(1_500));
		assert_eq!(worker::run_micros(&[8; 32]), None);
		assert_eq!(Class::ALL.map(worker::backlog_micros), [1_000, 2_000, 3_000, 4_000, 5_000]);
		assert!(worker::acts_for(&77_u64) && !worker::acts_for(&78_u64));
		assert_eq!(worker::limits(), LIMITS);
	});
}

#[test]
fn without_the_extension_there_is_no_engine() {
	let mut ext = sp_io::TestExternalities::default();
	// The other extensions of an off-chain worker make no difference.
	ext.register_extension(sp_core::offchain::OffchainWorkerExt::new(TestOffchainExt::new().0));
	ext.execute_with(|| {
		assert_eq!(asked(&request(MODEL)), Answer::Unavailable);
		assert_eq!(worker::roles(), Roles::default());
		assert_eq!(worker::build(), 0);
		assert!(!worker::has_model(&MODEL));
		assert!(worker::models().is_empty());
		assert_eq!(worker::run_micros(&MODEL), None);
		assert_eq!(worker::backlog_micros(Class::Move), u64::MAX);
		assert!(!worker::acts_for(&77_u64));
		assert_eq!(worker::limits(), Limits::default());
		worker::note(Note::ClaimsSent, 1);
	});
}

#[test]
fn a_pool_remembers_what_it_is_told() {
	#[derive(Default)]
	struct Names(Vec<[u8; 32]>);
	impl PoolMemory for Names {
		fn remembers(&mut self, name: &[u8; 32]) -> bool {
			self.0.contains(name)
		}

		fn remember(&mut self, name: [u8; 32]) {
			self.0.push(name);
		}
	}
	let (told, other) = ([1; 32], [2; 32]);
	let mut ext = sp_io::TestExternalities::default();
	ext.execute_with(|| {
		pool::remember(&told);
		assert!(!pool::remembers(&told), "there is no memory");
	});
	ext.register_extension(PoolMemoryExt(Box::new(Names::default())));
	ext.execute_with(|| {
		assert!(!pool::remembers(&told));
		pool::remember(&told);
		assert!(pool::remembers(&told) && !pool::remembers(&other));
	});
}

#[test]
fn numbers_survive_the_boundary() {
	for raw in 0..9 {
		let status = Status::from_raw(raw);
		assert_eq!(status as u32, if raw < 8 { raw } else { 0 });
		assert_eq!(Status::split(status.with_len(77)), (status, 77));
	}
	for bits in 0..8 {
		assert_eq!(Roles::from_bits(bits).bits(), bits);
	}
	for raw in 0..5 {
		assert_eq!(Class::from_raw(raw).map(|class| class as u32), Some(raw));
	}
	assert_eq!(Class::from_raw(5), None);
	for raw in 0..10 {
		assert_eq!(Note::from_raw(raw).map(|note| note as u32), Some(raw));
	}
	assert_eq!(Note::from_raw(10), None);
}
