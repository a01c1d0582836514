//! Every pallet's settings, one file for each concern.

mod consensus;
mod inference;
mod money;
mod system;

pub use consensus::FixedValidators;
pub use money::FeesToAuthor;
