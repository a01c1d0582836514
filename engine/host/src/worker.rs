//! The worker's side: typed functions over the raw interface.
//!
//! Call them from off-chain workers only: elsewhere there is no engine.

use crate::{
	inference_engine, Class, Limits, Note, Request, Response, Roles, Status, Submission, Terms,
	MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES,
};
use alloc::{vec, vec::Vec};
use codec::{DecodeAll, Encode};

/// Most bytes of the list of models that a worker reads: 4,096 of them.
const MAX_MODELS_BYTES: usize = 32 * 4_096;

/// Room for an encoded [`Limits`], in bytes.
const LIMITS_BYTES: usize = 2 + 8 + 16;

/// What [`ask`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
	/// Enqueued or running: ask again in a later run.
	Pending,
	/// Done, possibly with [`Response::Failed`].
	Ready(Response),
	/// There is no engine, it refused the request, or the caller did not have the input.
	Unavailable,
	/// The engine does not have the model.
	NoModel,
	/// The engine has no room for requests of this class now.
	Full,
}

/// Collect the answer to `request`, submitting it if the engine does not know it. Never blocks.
///
/// `input` is called only when the request has to be submitted, and gives the input's bytes.
/// [`Engine`](crate::Engine) has an example of both sides.
pub fn ask(request: &Request, terms: Terms, input: impl FnOnce() -> Option<Vec<u8>>) -> Answer {
	let id = request.id();
	match poll(&id, &terms, &mut []) {
		(Status::TooSmall, len) => collect(&id, terms, len),
		(Status::Unknown, _) => match input() {
			Some(input) => submit(Submission { request: request.clone(), terms, input }),
			None => Answer::Unavailable,
		},
		(Status::NoModel, _) => Answer::NoModel,
		(Status::Queued | Status::Running, _) => Answer::Pending,
		// An empty response cannot be decoded: treat it as no engine.
		(Status::Unavailable | Status::Ready | Status::Full, _) => Answer::Unavailable,
	}
}

fn poll(id: &[u8; 32], terms: &Terms, out: &mut [u8]) -> (Status, usize) {
	let Terms { class, deadline, at_stake, .. } = *terms;
	Status::split(inference_engine::poll(id, class as u32, deadline, at_stake, out))
}

fn submit(submission: Submission) -> Answer {
	let encoded = submission.encode();
	if encoded.len() > MAX_REQUEST_BYTES {
		return Answer::Unavailable;
	}
	match Status::from_raw(inference_engine::submit(&encoded)) {
		Status::Unavailable | Status::Unknown => Answer::Unavailable,
		Status::NoModel => Answer::NoModel,
		Status::Full => Answer::Full,
		Status::Queued | Status::Running | Status::Ready | Status::TooSmall => Answer::Pending,
	}
}

/// Fetch a response of `len` bytes.
fn collect(id: &[u8; 32], terms: Terms, len: usize) -> Answer {
	if len > MAX_RESPONSE_BYTES {
		return Answer::Unavailable;
	}
	let mut buffer = vec![0; len];
	match poll(id, &terms, &mut buffer) {
		(Status::Ready, written) => {
			let bytes = buffer.get(..written).unwrap_or_default();
			Response::decode_all(&mut &bytes[..]).map_or(Answer::Unavailable, Answer::Ready)
		},
		// Forgotten or replaced between the two calls: the next run asks again.
		_ => Answer::Pending,
	}
}

/// A number of this build of the engine, by which what it found is told from what another build did.
pub fn build() -> u64 {
	inference_engine::build()
}

/// The roles this node plays; none without an engine.
pub fn roles() -> Roles {
	Roles::from_bits(inference_engine::roles())
}

/// Whether the engine can run `model`.
pub fn has_model(model: &[u8; 32]) -> bool {
	inference_engine::has_model(model) == 1
}

/// The models that the engine can run, in ascending order; none without an engine.
pub fn models() -> Vec<[u8; 32]> {
	let (Status::TooSmall, len) = Status::split(inference_engine::models(&mut [])) else {
		return Vec::new();
	};
	if len > MAX_MODELS_BYTES {
		return Vec::new();
	}
	let mut buffer = vec![0; len];
	match Status::split(inference_engine::models(&mut buffer)) {
		(Status::Ready, written) => {
			let bytes = buffer.get(..written).unwrap_or_default();
			bytes.chunks_exact(32).filter_map(|id| id.try_into().ok()).collect()
		},
		_ => Vec::new(),
	}
}

/// How long one run of `model` takes on this node, in microseconds, once it is known.
pub fn run_micros(model: &[u8; 32]) -> Option<u64> {
	Some(inference_engine::run_micros(model)).filter(|micros| *micros > 0)
}

/// Microseconds until the engine would begin a new request of `class`; for ever without an engine.
pub fn backlog_micros(class: Class) -> u64 {
	inference_engine::backlog_micros(class as u32)
}

/// Whether the node was set up to act for `account`.
pub fn acts_for(account: &impl Encode) -> bool {
	account.using_encoded(inference_engine::acts_for) == 1
}

/// What this node's operator takes on; no limits without an engine, where nothing is taken on.
pub fn limits() -> Limits {
	let mut buffer = [0; LIMITS_BYTES];
	match Status::split(inference_engine::limits(&mut buffer)) {
		(Status::Ready, written) => {
			let bytes = buffer.get(..written).unwrap_or_default();
			Limits::decode_all(&mut &bytes[..]).unwrap_or_default()
		},
		_ => Limits::default(),
	}
}

/// Report an event for the node's metrics.
pub fn note(event: Note, value: u64) {
	inference_engine::note(event as u32, value)
}
