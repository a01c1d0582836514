//! Compiles models and runs them with the executor.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod attributes;
mod boxes;
mod classical;
mod control;
mod digits;
mod elements;
mod errors;
mod external;
mod graphs;
mod hostile;
mod layouts;
mod lists;
mod long;
mod operators;
mod ports;
mod programs;
mod quantized;
mod recurrent;
mod resampling;
mod selection;
mod stored;
mod transformers;
mod volumes;
