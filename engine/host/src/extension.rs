//! The node's side: what an engine must offer, and the extension that carries it.

use crate::{Note, Request, RequestId, Roles, Status};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// Outcome of asking an engine for a response.
pub enum Poll {
	/// Not there (yet): one of [`Status::Unknown`], [`Status::Queued`], [`Status::Running`],
	/// [`Status::NoModel`].
	Not(Status),
	/// The encoded [`Response`](crate::Response). The engine keeps it: workers of several forks may
	/// collect it.
	Ready(Arc<Vec<u8>>),
}

/// An inference engine as workers see it. No method may block on a run or panic.
pub trait Engine: Send {
	/// Enqueue `request`, whose name is `id`, unless it is known already. Returns
	/// [`Status::Queued`], the status it already has, or [`Status::NoModel`].
	fn submit(&mut self, id: RequestId, request: Request) -> Status;

	/// Where the request named `id` stands.
	fn poll(&mut self, id: &RequestId) -> Poll;

	/// Whether runs of `model` can be served.
	fn has_model(&mut self, model: &[u8; 32]) -> bool;

	/// The roles this node was started with.
	fn roles(&mut self) -> Roles;

	/// Count something for the node's metrics.
	fn note(&mut self, event: Note, value: u64);
}

sp_externalities::decl_extension! {
	/// Gives off-chain workers access to the engine. Register it for nothing else.
	pub struct EngineExt(Box<dyn Engine>);
}
