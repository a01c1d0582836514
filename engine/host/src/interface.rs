//! The raw host functions, the only `ext_*` names that are ours.

#[cfg(not(all(substrate_runtime, feature = "no-custom-host-functions")))]
pub use imported::inference_engine;

#[cfg(not(all(substrate_runtime, feature = "no-custom-host-functions")))]
mod imported {
	#[cfg(not(substrate_runtime))]
	use crate::{EngineExt, Note, Poll, Request, Status, MAX_REQUEST_BYTES};
	#[cfg(not(substrate_runtime))]
	use sp_externalities::ExternalitiesExt as _;
	use sp_runtime_interface::{
		pass_by::{PassFatPointerAndRead, PassFatPointerAndWrite, PassPointerAndRead},
		runtime_interface,
	};

	/// Access to the inference engine of the node, for off-chain workers. See
	/// [`Status`](crate::Status) for the numbers that come back.
	#[runtime_interface]
	pub trait InferenceEngine {
		/// Enqueue an encoded [`Request`](crate::Request) unless it is known; returns its status.
		fn submit(&mut self, request: PassFatPointerAndRead<&[u8]>) -> u32 {
			let Some(engine) = self.extension::<EngineExt>() else {
				return Status::Unavailable as u32;
			};
			if request.len() > MAX_REQUEST_BYTES {
				return Status::Unknown as u32;
			}
			let status = match Request::from_bytes(request) {
				Some(decoded) => engine.0.submit(Request::id_of(request), decoded),
				None => Status::Unknown,
			};
			status as u32
		}

		/// Where the request named `id` stands, in the upper 32 bits; the length of its response in
		/// bytes in the lower. Writes the response to the front of `out` if it fits.
		fn poll(
			&mut self,
			id: PassPointerAndRead<&[u8; 32], 32>,
			out: PassFatPointerAndWrite<&mut [u8]>,
		) -> u64 {
			let Some(engine) = self.extension::<EngineExt>() else {
				return Status::Unavailable.with_len(0);
			};
			match engine.0.poll(id) {
				Poll::Not(status) => status.with_len(0),
				Poll::Ready(response) => match out.get_mut(..response.len()) {
					Some(front) => {
						front.copy_from_slice(&response);
						Status::Ready.with_len(response.len())
					},
					None => Status::TooSmall.with_len(response.len()),
				},
			}
		}

		/// 1 if the engine can run `model`, else 0.
		fn has_model(&mut self, model: PassPointerAndRead<&[u8; 32], 32>) -> u32 {
			match self.extension::<EngineExt>() {
				Some(engine) => u32::from(engine.0.has_model(model)),
				None => 0,
			}
		}

		/// The node's roles as bits, see [`Roles`](crate::Roles); 0 without an engine.
		fn roles(&mut self) -> u32 {
			match self.extension::<EngineExt>() {
				Some(engine) => engine.0.roles().bits(),
				None => 0,
			}
		}

		/// Report an event for the node's metrics, see [`Note`](crate::Note).
		fn note(&mut self, event: u32, value: u64) {
			if let (Some(engine), Some(event)) =
				(self.extension::<EngineExt>(), Note::from_raw(event))
			{
				engine.0.note(event, value);
			}
		}
	}
}

/// What a runtime built without our imports calls instead: there is never an engine.
#[cfg(all(substrate_runtime, feature = "no-custom-host-functions"))]
pub mod inference_engine {
	/// Always [`Status::Unavailable`](crate::Status::Unavailable).
	pub fn submit(_request: &[u8]) -> u32 {
		crate::Status::Unavailable as u32
	}

	/// Always [`Status::Unavailable`](crate::Status::Unavailable).
	pub fn poll(_id: &[u8; 32], _out: &mut [u8]) -> u64 {
		crate::Status::Unavailable.with_len(0)
	}

	/// Always 0.
	pub fn has_model(_model: &[u8; 32]) -> u32 {
		0
	}

	/// Always 0.
	pub fn roles() -> u32 {
		0
	}

	/// Does nothing.
	pub fn note(_event: u32, _value: u64) {}
}
