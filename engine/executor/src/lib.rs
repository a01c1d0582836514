//! Runs compiled models, and makes the traces, openings and fault proofs of a dispute.
//!
//! A [`Bundle`] is a model on disk: program, weights and manifest, checked against each other when
//! loaded. A [`Session`] runs it: [`Session::run`] gives the output, in memory that tensors share as
//! their lifetimes allow; [`Session::trace`] commits to each as well. A [`Trace`] plays both
//! sides of a dispute: the operator's ([`Trace::open`], [`Trace::last_entry_proof`]) and the
//! challenger's ([`Trace::next_move`]), who finds the first wrong element of somebody else's trace
//! by asking for one node after another, and proves it. It holds hashes, not tensors, and executes
//! again what it is asked about.
//!
//! Every result is bit-identical on every machine, whatever the threads and instruction set.
//!
//! For whoever changes it: docs/guide/executor.md.
//!
//! # Example
//!
//! ```no_run
//! use assay_executor::{Bundle, InputTensor, Options, Session};
//!
//! let session = Session::new(Bundle::load("bundles/digits")?.into(), Options::default());
//! let manifest = session.bundle().manifest();
//! let input = &manifest.inputs[0];
//! let bytes = vec![0; 4 * input.shape.iter().product::<u32>() as usize];
//! let tensor =
//!     InputTensor { name: &input.name, dtype: input.dtype, shape: &input.shape, bytes: &bytes };
//! let output = session.run(&session.pack_inputs(&[tensor])?)?;
//! for tensor in session.unpack_outputs(&output)? {
//!     println!("{}: {} bytes", tensor.name, tensor.bytes.len());
//! }
//! // What an operator would claim.
//! println!("{:?}", Session::output_root(&output));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `assay-onnx` has one that compiles a model and goes through a dispute.

#[cfg(test)]
extern crate alloc;

mod bundle;
mod dispute;
mod plan;
mod session;
mod tree;

pub use assay_kernels::{in_default_environment, Isa};
pub use bundle::{
	instantiations, matching, Bundle, BundleError, BundleWriter, DimBounds, ElementError,
	ElementType, InputTensor, Instantiation, Manifest, NamedTensor, OutputTensor, StoredTensor,
	TensorError, MAX_INSTANTIATIONS,
};
pub use dispute::{DisputeError, Move, Tamper, Trace};
pub use plan::{Cancel, ExecError};
pub use session::{Options, Session, StepTime};

#[cfg(test)]
mod tests;
