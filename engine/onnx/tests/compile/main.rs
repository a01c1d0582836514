//! Compiles models and runs them with the executor.

#![allow(clippy::unwrap_used)]

mod digits;
mod elements;
mod errors;
mod hostile;
mod operators;
mod programs;
mod quantized;
mod support;
mod transformers;
