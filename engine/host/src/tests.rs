// A panic is how a test fails.
#![allow(clippy::unwrap_used)]

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
	submitted: usize,
	notes: Vec<(Note, u64)>,
}

const MODEL: [u8; 32] = [7; 32];

impl Engine for SlowEngine {
	fn submit(&mut self, id: RequestId, request: Request) -> Status {
		assert_eq!(id, request.id());
		if request.spec().model != MODEL {
			return Status::NoModel;
		}
		let mut state = self.0.lock().unwrap();
		state.submitted += 1;
		state.jobs.entry(id).or_default();
		Status::Queued
	}

	fn poll(&mut self, id: &RequestId) -> Poll {
		match self.0.lock().unwrap().jobs.get(id) {
			None => Poll::Not(Status::Unknown),
			Some(None) => Poll::Not(Status::Running),
			Some(Some(response)) => Poll::Ready(response.clone()),
		}
	}

	fn has_model(&mut self, model: &[u8; 32]) -> bool {
		*model == MODEL
	}

	fn roles(&mut self) -> Roles {
		Roles { operator: true, watcher: false }
	}

	fn note(&mut self, event: Note, value: u64) {
		self.0.lock().unwrap().notes.push((event, value));
	}
}

fn request(model: [u8; 32]) -> Request {
	Request::Run(RunSpec { role: Role::Operator, model, job: 3, input: vec![1, 2, 3] })
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
		assert_eq!(ask(&request), Answer::Pending);
		assert_eq!(ask(&request), Answer::Pending);
		assert_eq!(engine.0.lock().unwrap().submitted, 1);

		let response = Response::Run { output_root: [9; 32], output: vec![5; 1000] };
		let encoded = Arc::new(response.encode());
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(encoded));
		assert_eq!(ask(&request), Answer::Ready(response));
	});
}

#[test]
fn a_small_buffer_is_left_alone() {
	with_engine(|engine| {
		let request = request(MODEL);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(Arc::new(vec![1; 10])));
		let mut out = [0xee; 9];
		let raw = inference_engine::poll(&request.id(), &mut out);
		assert_eq!(Status::split(raw), (Status::TooSmall, 10));
		assert_eq!(out, [0xee; 9]);
		let mut out = [0; 12];
		let raw = inference_engine::poll(&request.id(), &mut out);
		assert_eq!(Status::split(raw), (Status::Ready, 10));
		assert_eq!(out, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
	});
}

#[test]
fn unknown_models_and_malformed_requests_are_refused() {
	with_engine(|engine| {
		assert_eq!(ask(&request([8; 32])), Answer::NoModel);
		assert!(worker::has_model(&MODEL) && !worker::has_model(&[8; 32]));
		assert_eq!(inference_engine::submit(b"\xff garbage"), Status::Unknown as u32);
		let mut trailing = request(MODEL).encode();
		trailing.push(0);
		assert_eq!(inference_engine::submit(&trailing), Status::Unknown as u32);
		let long = vec![0; MAX_REQUEST_BYTES + 1];
		assert_eq!(inference_engine::submit(&long), Status::Unknown as u32);
		assert_eq!(engine.0.lock().unwrap().submitted, 0);
	});
}

#[test]
fn a_malformed_response_is_no_answer() {
	with_engine(|engine| {
		let request = request(MODEL);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(Arc::new(vec![0xff; 4])));
		assert_eq!(ask(&request), Answer::Unavailable);
		let huge = Arc::new(vec![0; MAX_RESPONSE_BYTES + 1]);
		engine.0.lock().unwrap().jobs.insert(request.id(), Some(huge));
		assert_eq!(ask(&request), Answer::Unavailable);
	});
}

#[test]
fn reports_reach_the_engine() {
	with_engine(|engine| {
		worker::note(Note::MismatchSeen, 12);
		inference_engine::note(999, 1);
		assert_eq!(engine.0.lock().unwrap().notes, vec![(Note::MismatchSeen, 12)]);
		assert_eq!(worker::roles(), Roles { operator: true, watcher: false });
	});
}

#[test]
fn without_the_extension_there_is_no_engine() {
	let mut ext = sp_io::TestExternalities::default();
	// The other extensions of an off-chain worker make no difference.
	ext.register_extension(sp_core::offchain::OffchainWorkerExt::new(TestOffchainExt::new().0));
	ext.execute_with(|| {
		assert_eq!(ask(&request(MODEL)), Answer::Unavailable);
		assert_eq!(worker::roles(), Roles::default());
		assert!(!worker::has_model(&MODEL));
		worker::note(Note::ClaimSent, 1);
	});
}

#[test]
fn statuses_and_roles_survive_the_boundary() {
	for raw in 0..8 {
		let status = Status::from_raw(raw);
		if raw < 7 {
			assert_eq!(status as u32, raw);
		}
		assert_eq!(Status::split(status.with_len(77)), (status, 77));
	}
	for bits in 0..4 {
		assert_eq!(Roles::from_bits(bits).bits(), bits);
	}
}
