//! What the calls do, by stage of a job's life.

mod agenda;
mod assignment;
mod claims;
#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
mod requests;
mod results;
mod settlement;
pub(crate) mod shares;
