//! Every pallet's settings, one file for each concern.

mod accounts;
mod consensus;
mod inference;
mod money;
mod pruning;
mod safety;
mod schedule;
mod system;

pub use accounts::ProxyType;
pub use consensus::FixedValidators;
pub use money::FeesToAuthor;
pub use pruning::KEPT_SESSIONS;
pub use safety::{CallFilter, NeverStopped};
