//! The host functions through which off-chain workers reach the inference engine, and the pool a
//! memory of what it has judged.
//!
//! A model run takes longer than a block and must never hold a Wasm instance, so the interface is
//! *submit and poll*: a worker enqueues a [`Request`] and returns at once; a later run of it, after the
//! next block or between two when there is an answer, asks again and collects the [`Response`]. A
//! request is named by the hash of its encoding ([`Request::id`]), which holds the model and the root of
//! the input and neither who asks nor for which job: asking twice runs once, a flood of equal jobs is
//! one run, and nothing needs to be remembered between runs. How urgent it is, [`Terms`], and the
//! input's bytes go beside it.
//!
//! # Overview
//!
//! - Workers call [`ask`] and the other functions of [`worker`]; they are safe anywhere and answer
//!   "unavailable" where there is no engine.
//! - The node implements [`Engine`] and registers it as an [`EngineExt`] extension for off-chain
//!   workers only. Block execution finds no extension, on every node alike, and therefore cannot
//!   depend on the engine.
//! - [`inference_engine`] holds the raw functions. All of them return plain integers and write into
//!   the caller's buffers; none of them panics.
//! - [`pool`] is for validations only: what one has found out at a price, the next need not find out
//!   again. The node registers a [`PoolMemory`] as a [`PoolMemoryExt`]. Nothing that goes into a block
//!   may depend on it, so it is asked under [`TransactionSource`]s other than `InBlock` alone.
//!
//! [`TransactionSource`]: https://docs.rs/sp-runtime
//!
//! With the feature `no-custom-host-functions` a Wasm runtime imports none of these functions and
//! sees no engine and no memory.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(not(substrate_runtime))]
mod extension;
mod interface;
pub mod pool;
mod request;
pub mod worker;

#[cfg(not(substrate_runtime))]
pub use extension::{Engine, EngineExt, Poll, PoolMemory, PoolMemoryExt};
pub use interface::{inference_engine, pool_memory};
pub use request::{
	Class, Limits, Note, Request, RequestId, Response, Roles, RunSpec, Status, Submission, Terms,
	MAX_INLINE_OUTPUT, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES,
};
pub use worker::{ask, Answer};

#[cfg(test)]
mod tests;
