//! Compiles models and runs them with the executor.

mod digits;
mod errors;
mod hostile;
mod operators;
mod programs;
mod support;
