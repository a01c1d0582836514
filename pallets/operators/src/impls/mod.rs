//! What the calls do, by topic.

mod activity;
#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
mod keys;
mod ledger;
mod staking;
