//! The inference engine of this node, as off-chain workers see it.
//!
//! Workers only enqueue requests and collect answers ([`EngineService`] implements
//! [`assay_host::Engine`]), in an order of urgency ([`queue`]); the work is done by threads of its own
//! ([`pool`]), on models found in a directory ([`models`]), keeping the traces of recent runs
//! ([`traces`]). All of it is in memory and is a function of what workers ask: a node that was killed
//! forgets it, and its workers ask again. Block execution has no way to reach any of it.

mod config;
mod drill;
mod keys;
mod lag;
mod metrics;
mod models;
mod pool;
mod queue;
mod service;
#[cfg(test)]
mod tests;
mod traces;
mod work;

pub(crate) use config::{EngineArgs, EngineConfig};
pub(crate) use service::EngineService;

/// Target of the engine's log messages.
const LOG: &str = "engine";
