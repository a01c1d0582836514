//! Identifiers, records, limits and the traits through which the pallets of Assay meet.
//!
//! Nothing here stores anything. [`models`], [`operators`] and [`claims`] hold one trait each; the
//! runtime wires the pallets that implement them. [`authorization`] is how a service key acts for
//! the account that registered it, without a nonce and without a fee; [`outbox`] what its worker
//! remembers of that. [`pages`] names pages of an index in order of time, and [`time`] says how
//! periods follow the work; [`backlog`] is the queue of what operators owe, and [`money`] how a fee for
//! an answer is shared.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

pub mod api;
pub mod authorization;
pub mod backlog;
pub mod claims;
pub mod models;
pub mod money;
pub mod operators;
pub mod outbox;
pub mod pages;
pub mod samples;
pub mod service;
pub mod time;

pub use authorization::{actor, Actor, Authorization};
pub use backlog::Backlog;
pub use claims::{ClaimView, Claims, FaultKind};
pub use models::{ModelInfo, ModelRegistry};
pub use operators::{KeyAllowances, KeyOwners, OperatorLedger};
pub use outbox::{BlockStamp, Outbox};
pub use pages::PageKey;
pub use service::{ServiceKey, ServiceSignature};

/// Number of a job. Jobs are numbered from 0 in the order of their requests.
pub type JobId = u64;

/// Name of a model: BLAKE3(`assay/model/v1` ‖ program root ‖ weights root).
pub type ModelId = sp_core::H256;

/// Longest output, in bytes, that a claim carries whole. Longer outputs are claimed by root only.
pub const MAX_INLINE_OUTPUT: u32 = 16 * 1024;

/// Bytes of a piece of an output, of which the last may be shorter: what one delivery brings.
pub const PIECE_BYTES: u32 = 64 * 1024;

/// Most pieces of an output that a requester demands at a time.
pub const MAX_PIECES: u32 = 64;

/// Longest output of a model, in bytes: all of it can be demanded at once, so no operator keeps the rest
/// back by delivering the first part late.
pub const MAX_OUTPUT_BYTES: u64 = PIECE_BYTES as u64 * MAX_PIECES as u64;
