//! The raw host functions, the only `ext_*` names that are ours.

#[cfg(not(all(substrate_runtime, feature = "no-custom-host-functions")))]
pub use imported::{inference_engine, pool_memory};

#[cfg(not(all(substrate_runtime, feature = "no-custom-host-functions")))]
mod imported {
	#[cfg(not(substrate_runtime))]
	use super::write;
	#[cfg(not(substrate_runtime))]
	use crate::{
		Class, EngineExt, Note, Poll, PoolMemoryExt, Request, Status, Submission, MAX_REQUEST_BYTES,
	};
	#[cfg(not(substrate_runtime))]
	use codec::Encode as _;
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
		/// Enqueue an encoded [`Submission`](crate::Submission) unless its request is known; returns its
		/// status.
		fn submit(&mut self, submission: PassFatPointerAndRead<&[u8]>) -> u32 {
			let Some(engine) = self.extension::<EngineExt>() else {
				return Status::Unavailable as u32;
			};
			if submission.len() > MAX_REQUEST_BYTES {
				return Status::Unknown as u32;
			}
			let status = match Submission::from_bytes(submission) {
				Some(decoded) => {
					let id = Request::id_of(&decoded.request.encode());
					engine.0.submit(id, decoded)
				},
				None => Status::Unknown,
			};
			status as u32
		}

		/// Where the request named `id` stands, in the upper 32 bits; the length of its response in
		/// bytes in the lower. Writes the response to the front of `out` if it fits. A request that
		/// waits becomes as urgent as `class` and `deadline` say, and as valuable as `at_stake`.
		fn poll(
			&mut self,
			id: PassPointerAndRead<&[u8; 32], 32>,
			class: u32,
			deadline: u64,
			at_stake: u64,
			out: PassFatPointerAndWrite<&mut [u8]>,
		) -> u64 {
			let Some(engine) = self.extension::<EngineExt>() else {
				return Status::Unavailable.with_len(0);
			};
			let class = Class::from_raw(class).unwrap_or(Class::Other);
			match engine.0.poll(id, class, deadline) {
				Poll::Not(status) => {
					if status == Status::Queued {
						engine.0.stake(id, at_stake);
					}
					status.with_len(0)
				},
				Poll::Ready(response) => write(&response, out),
			}
		}

		/// The models that can be run, as a list of their identifiers without a length before it.
		/// Returned and written as by `poll`.
		fn models(&mut self, out: PassFatPointerAndWrite<&mut [u8]>) -> u64 {
			match self.extension::<EngineExt>() {
				Some(engine) => write(&engine.0.models().concat(), out),
				None => Status::Unavailable.with_len(0),
			}
		}

		/// How long one run of `model` takes here, in microseconds; 0 when it is not known.
		fn run_micros(&mut self, model: PassPointerAndRead<&[u8; 32], 32>) -> u64 {
			match self.extension::<EngineExt>() {
				Some(engine) => engine.0.run_micros(model).unwrap_or(0),
				None => 0,
			}
		}

		/// Microseconds until the engine would begin a new request of `class`.
		fn backlog_micros(&mut self, class: u32) -> u64 {
			let class = Class::from_raw(class).unwrap_or(Class::Other);
			match self.extension::<EngineExt>() {
				Some(engine) => engine.0.backlog_micros(class),
				None => u64::MAX,
			}
		}

		/// 1 if the node may act for the SCALE-encoded `account`, else 0.
		fn acts_for(&mut self, account: PassFatPointerAndRead<&[u8]>) -> u32 {
			match self.extension::<EngineExt>() {
				Some(engine) => u32::from(engine.0.acts_for(account)),
				None => 0,
			}
		}

		/// 1 if the engine can run `model`, else 0.
		fn has_model(&mut self, model: PassPointerAndRead<&[u8; 32], 32>) -> u32 {
			match self.extension::<EngineExt>() {
				Some(engine) => u32::from(engine.0.has_model(model)),
				None => 0,
			}
		}

		/// A number of this build of the engine; 0 without one.
		fn build(&mut self) -> u64 {
			match self.extension::<EngineExt>() {
				Some(engine) => engine.0.build(),
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

		/// What the node's operator takes on: the SCALE bytes of a [`Limits`](crate::Limits). Returned
		/// and written as by `poll`.
		fn limits(&mut self, out: PassFatPointerAndWrite<&mut [u8]>) -> u64 {
			match self.extension::<EngineExt>() {
				Some(engine) => write(&engine.0.limits().encode(), out),
				None => Status::Unavailable.with_len(0),
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

	/// What the node's pool remembers from one validation to the next.
	#[runtime_interface]
	pub trait PoolMemory {
		/// 1 if `name` is remembered, else 0.
		fn remembers(&mut self, name: PassPointerAndRead<&[u8; 32], 32>) -> u32 {
			match self.extension::<PoolMemoryExt>() {
				Some(memory) => u32::from(memory.0.remembers(name)),
				None => 0,
			}
		}

		/// Remember `name`, if there is a memory.
		fn remember(&mut self, name: PassPointerAndRead<&[u8; 32], 32>) {
			if let Some(memory) = self.extension::<PoolMemoryExt>() {
				memory.0.remember(*name);
			}
		}
	}
}

/// Write `bytes` to the front of `out` if they fit, and say so.
#[cfg(not(substrate_runtime))]
fn write(bytes: &[u8], out: &mut [u8]) -> u64 {
	use crate::Status;
	match out.get_mut(..bytes.len()) {
		Some(front) => {
			front.copy_from_slice(bytes);
			Status::Ready.with_len(bytes.len())
		},
		None => Status::TooSmall.with_len(bytes.len()),
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
	pub fn poll(
		_id: &[u8; 32],
		_class: u32,
		_deadline: u64,
		_at_stake: u64,
		_out: &mut [u8],
	) -> u64 {
		crate::Status::Unavailable.with_len(0)
	}

	/// Always [`Status::Unavailable`](crate::Status::Unavailable).
	pub fn models(_out: &mut [u8]) -> u64 {
		crate::Status::Unavailable.with_len(0)
	}

	/// Always 0.
	pub fn run_micros(_model: &[u8; 32]) -> u64 {
		0
	}

	/// Without an engine nothing is ever begun.
	pub fn backlog_micros(_class: u32) -> u64 {
		u64::MAX
	}

	/// Always 0.
	pub fn acts_for(_account: &[u8]) -> u32 {
		0
	}

	/// Always 0.
	pub fn has_model(_model: &[u8; 32]) -> u32 {
		0
	}

	/// Always 0.
	pub fn build() -> u64 {
		0
	}

	/// Always 0.
	pub fn roles() -> u32 {
		0
	}

	/// Always [`Status::Unavailable`](crate::Status::Unavailable).
	pub fn limits(_out: &mut [u8]) -> u64 {
		crate::Status::Unavailable.with_len(0)
	}

	/// Does nothing.
	pub fn note(_event: u32, _value: u64) {}
}

/// What a runtime built without our imports calls instead: nothing is remembered.
#[cfg(all(substrate_runtime, feature = "no-custom-host-functions"))]
pub mod pool_memory {
	/// Always 0.
	pub fn remembers(_name: &[u8; 32]) -> u32 {
		0
	}

	/// Does nothing.
	pub fn remember(_name: &[u8; 32]) {}
}
