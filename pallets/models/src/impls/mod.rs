//! What the calls do, by stage of a model's life.

mod endorsement;
#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
mod recall;
mod registration;
mod registry;
mod retirement;
