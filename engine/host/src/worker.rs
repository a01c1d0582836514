//! The worker's side: typed functions over the raw interface.
//!
//! Call them from off-chain workers only: elsewhere there is no engine.

use crate::{
	inference_engine, Note, Request, Response, Roles, Status, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES,
};
use alloc::vec;
use codec::{DecodeAll, Encode};

/// What [`ask`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
	/// Enqueued or running: ask again in a later block.
	Pending,
	/// Done, possibly with [`Response::Failed`].
	Ready(Response),
	/// There is no engine, or it refused the request.
	Unavailable,
	/// The engine does not have the model.
	NoModel,
}

/// Collect the answer to `request`, submitting it if the engine does not know it. Never blocks.
pub fn ask(request: &Request) -> Answer {
	let encoded = request.encode();
	if encoded.len() > MAX_REQUEST_BYTES {
		return Answer::Unavailable;
	}
	let id = Request::id_of(&encoded);
	match Status::split(inference_engine::poll(&id, &mut [])) {
		(Status::TooSmall, len) => collect(&id, len),
		(Status::Unknown, _) => match Status::from_raw(inference_engine::submit(&encoded)) {
			Status::Unavailable | Status::Unknown => Answer::Unavailable,
			Status::NoModel => Answer::NoModel,
			Status::Queued | Status::Running | Status::Ready | Status::TooSmall => Answer::Pending,
		},
		(Status::NoModel, _) => Answer::NoModel,
		(Status::Queued | Status::Running, _) => Answer::Pending,
		// An empty response cannot be decoded: treat it as no engine.
		(Status::Unavailable | Status::Ready, _) => Answer::Unavailable,
	}
}

/// Fetch a response of `len` bytes.
fn collect(id: &[u8; 32], len: usize) -> Answer {
	if len > MAX_RESPONSE_BYTES {
		return Answer::Unavailable;
	}
	let mut buffer = vec![0; len];
	match Status::split(inference_engine::poll(id, &mut buffer)) {
		(Status::Ready, written) => {
			let bytes = buffer.get(..written).unwrap_or_default();
			Response::decode_all(&mut &bytes[..]).map_or(Answer::Unavailable, Answer::Ready)
		},
		// Forgotten or replaced between the two calls: the next block asks again.
		_ => Answer::Pending,
	}
}

/// The roles this node plays; none without an engine.
pub fn roles() -> Roles {
	Roles::from_bits(inference_engine::roles())
}

/// Whether the engine can run `model`.
pub fn has_model(model: &[u8; 32]) -> bool {
	inference_engine::has_model(model) == 1
}

/// Report an event for the node's metrics.
pub fn note(event: Note, value: u64) {
	inference_engine::note(event as u32, value)
}
