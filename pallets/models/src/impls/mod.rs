//! What the calls do, by stage of a model's life.

#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
mod registration;
mod registry;
mod retirement;
