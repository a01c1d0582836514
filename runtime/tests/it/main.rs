//! The runtime from outside: genesis, transactions through the real pipeline, whole blocks.

mod accounts;
mod chain;
mod determinism;
mod lifecycle;
mod limits;
mod names;
mod pipeline;
mod presets;
mod pruning;
mod safety;
mod schedule;
mod upgrade;
