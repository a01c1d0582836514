//! What the calls do, by stage of a job's life.

mod agenda;
mod assignment;
mod claim;
mod delivery;
#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
mod ledger;
mod requests;
mod settlement;
pub(crate) mod shares;

pub(crate) use agenda::jobs_in;
#[cfg(feature = "runtime-benchmarks")]
pub(crate) use agenda::RETENTION_SPREAD;
pub(crate) use assignment::Batch;
#[cfg(any(test, feature = "try-runtime", feature = "runtime-benchmarks"))]
pub(crate) use delivery::overdue_at;
pub(crate) use delivery::{chunks_of, MAX_DELIVERY};
