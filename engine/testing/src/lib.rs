//! What tests, benches and examples of several crates share: random records, models, inputs, proofs.
//!
//! - [`records`]: random valid records of every kind of op, with tensors for them.
//! - [`proofs`]: the dearest proofs about an op of every kind.
//! - [`inputs`]: an input for any program.
//! - [`environment`]: a thread whose floating-point arithmetic is not as it should be.
//! - [`onnx`]: small ONNX files, the models whose roots are committed, and inputs for them.
//!
//! Crates name it as a development dependency only, and so may those that it stands on: their integration tests,
//! benches and examples link the same library as it does. For unit tests the crate under test is compiled a second
//! time, and its types are others than those known here. The referee's unit tests need random records all the same;
//! their generator is therefore a module of the referee, which its feature `testing` makes public and [`records`]
//! passes on. The workspace has one set of features, so the network's programs are compiled with it too, and use
//! none of it; the runtime's Wasm is compiled by itself, without.
//!
//! [`onnx`] is a feature, so that the referee and the kernels are tested without compiling the compiler of models.
//!
//! What one crate alone shares between its targets stays with it: the oracles that the kernels' test `arithmetic`
//! takes from the example `exhaustive` are parts of that program, and need `core-math`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub mod environment;
pub mod inputs;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod proofs;

pub use assay_referee::testing as records;
