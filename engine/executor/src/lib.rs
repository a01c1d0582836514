//! Runs compiled models, and makes the traces, openings and fault proofs of a dispute.
//!
//! A [`Bundle`] is a model on disk: program, weights and manifest, checked against each other when
//! loaded. A [`Session`] runs it: [`Session::run`] gives the output, in memory that tensors share as
//! their lifetimes allow; [`Session::trace`] commits to each as well. A [`Trace`] plays both
//! sides of a dispute: the operator's ([`Trace::open`], [`Trace::last_entry_proof`]) and the
//! challenger's ([`Trace::next_move`]), who finds the first wrong element of somebody else's trace
//! by asking for one node after another, and proves it. It holds hashes, not tensors, and executes
//! again what it is asked about.
//!
//! Every result is bit-identical on every machine, whatever the threads and instruction set.

#[cfg(test)]
extern crate alloc;

mod bundle;
mod element;
mod error;
mod folder;
mod fuse;
mod game;
mod hash;
mod known;
pub mod manifest;
mod memory;
mod plan;
mod ports;
mod prove;
mod runner;
mod session;
mod tamper;
mod trace;

pub use assay_kernels::{in_default_environment, Isa};
pub use bundle::Bundle;
pub use element::{ElementError, ElementType};
pub use error::{BundleError, ExecError};
pub use folder::{instantiations, matching, BundleWriter, Instantiation, MAX_INSTANTIATIONS};
pub use game::Move;
pub use manifest::{DimBounds, Manifest, NamedTensor};
pub use ports::{InputTensor, OutputTensor, StoredTensor};
pub use session::{Cancel, Options, Session, StepTime};
pub use tamper::Tamper;
pub use trace::Trace;

#[cfg(test)]
mod tests;
