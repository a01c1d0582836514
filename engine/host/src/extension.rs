//! The node's side: what it must offer to the runtime, and the extensions that carry it.

use crate::{Class, Limits, Note, RequestId, Roles, Status, Submission};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// Outcome of asking an engine for a response.
pub enum Poll {
	/// Not there (yet): [`Status::Unknown`], [`Status::Queued`] or [`Status::Running`].
	Not(Status),
	/// The encoded [`Response`](crate::Response). The engine keeps it: workers of several forks may
	/// collect it.
	Ready(Arc<Vec<u8>>),
}

/// An inference engine as workers see it. No method may block on a run or panic.
///
/// # Examples
///
/// ```
/// use assay_host::*;
/// use assay_referee::tree;
/// use codec::Encode;
/// use std::{collections::BTreeMap, sync::Arc};
///
/// /// Models that give back their input; an answer is there when it is asked for again.
/// #[derive(Default)]
/// struct Echo(BTreeMap<RequestId, Arc<Vec<u8>>>);
///
/// impl Engine for Echo {
///     fn submit(&mut self, id: RequestId, submission: Submission) -> Status {
///         let root = tree::hash(&submission.input);
///         if root != submission.request.spec().input_root {
///             return Status::Unknown;
///         }
///         self.0.insert(id, Arc::new(Response::run(root, submission.input).encode()));
///         Status::Queued
///     }
///
///     fn poll(&mut self, id: &RequestId, _: Class, _deadline: u64) -> Poll {
///         let done = self.0.get(id).cloned();
///         done.map_or(Poll::Not(Status::Unknown), Poll::Ready)
///     }
///     // …
/// #   fn has_model(&mut self, _: &[u8; 32]) -> bool { true }
/// #   fn models(&mut self) -> Vec<[u8; 32]> { vec![] }
/// #   fn run_micros(&mut self, _: &[u8; 32]) -> Option<u64> { None }
/// #   fn backlog_micros(&mut self, _: Class) -> u64 { 0 }
/// #   fn acts_for(&mut self, _: &[u8]) -> bool { false }
/// #   fn build(&mut self) -> u64 { 1 }
/// #   fn roles(&mut self) -> Roles { Roles::default() }
/// #   fn note(&mut self, _: Note, _: u64) {}
/// }
///
/// // As the node calls an off-chain worker.
/// let mut worker = sp_io::TestExternalities::default();
/// worker.register_extension(EngineExt(Box::new(Echo::default())));
/// worker.execute_with(|| {
///     let input = b"seven".to_vec();
///     let spec = RunSpec { model: [7; 32], input_root: tree::hash(&input), lie: None };
///     let terms = Terms { class: Class::Job, deadline: 40, at_stake: 10, job: 3 };
///     let asked = |input| ask(&Request::Run(spec), terms, || input);
///     // A run of the worker hands the request over, a later one collects the answer.
///     assert_eq!(asked(Some(input.clone())), Answer::Pending);
///     assert_eq!(asked(None), Answer::Ready(Response::run(spec.input_root, input)));
/// });
/// ```
pub trait Engine: Send {
	/// Enqueue a request, whose name is `id`, unless it is known already. Returns
	/// [`Status::Queued`], the status it already has, [`Status::NoModel`], [`Status::Full`] when its
	/// class has no room, or [`Status::Unknown`] when the input is not the one that it names.
	fn submit(&mut self, id: RequestId, submission: Submission) -> Status;

	/// Where the request named `id` stands. One that waits is from now on at least as urgent as
	/// `class` and `deadline` say.
	fn poll(&mut self, id: &RequestId, class: Class, deadline: u64) -> Poll;

	/// At least `at_stake` depends on the answer named `id`, as [`Terms::at_stake`](crate::Terms): one
	/// that waits counts for the most valuable of those who ask, lest a cheap job hide an equal dear
	/// one. Engines that never choose by value may ignore it.
	fn stake(&mut self, _id: &RequestId, _at_stake: u64) {}

	/// Whether runs of `model` can be served.
	fn has_model(&mut self, model: &[u8; 32]) -> bool;

	/// The models that can be served, in ascending order.
	fn models(&mut self) -> Vec<[u8; 32]>;

	/// How long one run of `model` takes here, in microseconds, from those measured; `None` before the
	/// first.
	fn run_micros(&mut self, model: &[u8; 32]) -> Option<u64>;

	/// Microseconds until the engine would begin a new request of `class`: what waits or runs in this
	/// class and better ones, divided by the threads that work on it.
	fn backlog_micros(&mut self, class: Class) -> u64;

	/// Whether the node may act for the account of these SCALE-encoded bytes.
	fn acts_for(&mut self, account: &[u8]) -> bool;

	/// A number of this build of the engine; another build may find other answers right.
	fn build(&mut self) -> u64;

	/// The roles this node was started with.
	fn roles(&mut self) -> Roles;

	/// What the node's operator takes on; everything unless it was configured otherwise.
	fn limits(&mut self) -> Limits {
		Limits::default()
	}

	/// Count something for the node's metrics.
	fn note(&mut self, event: Note, value: u64);
}

sp_externalities::decl_extension! {
	/// Gives off-chain workers access to the engine. Register it for nothing else.
	pub struct EngineExt(Box<dyn Engine>);
}

/// What a node's pool remembers between the transactions that it validates: names and nothing else.
///
/// A name stands for something that was found out at a price and stays true. The memory may forget at
/// any time, and must be bounded: strangers can have it remember things.
pub trait PoolMemory: Send {
	/// Whether `name` is remembered.
	fn remembers(&mut self, name: &[u8; 32]) -> bool;

	/// Remember `name`.
	fn remember(&mut self, name: [u8; 32]);
}

sp_externalities::decl_extension! {
	/// Gives the pool's validations access to its memory. Other calls may be given it too: the runtime
	/// asks where it validates for a pool and nowhere else.
	pub struct PoolMemoryExt(Box<dyn PoolMemory>);
}
