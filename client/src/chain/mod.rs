//! The chain as the client sees it.
//!
//! [`Api`] is a connection: it reads [`records`], submits [`calls`] ([`Until`], [`Receipt`]) and
//! decodes blocks ([`BlockView`], [`Step`], [`ChainEvent`]). Everything is checked against the
//! metadata that is committed with the client; see [`drift`].

mod api;
mod block;
pub mod calls;
pub mod drift;
mod job;
mod query;
pub mod records;
mod runtime;
mod submit;
mod value;

pub use api::{Api, At, BlockHead};
pub use block::{BlockView, ChainEvent, Failure, Step};
pub use job::{Assurance, Job, JobStatus};
pub use submit::{Pending, Receipt, Sender, Until};

/// The chain's configuration for `subxt`: a standard Substrate chain.
pub type AssayConfig = subxt::SubstrateConfig;
