//! The law of Assay: what a program means, bit by bit, and how anyone proves that one published
//! value is not what it means.
//!
//! - [`program`]: the byte form of models and the rules they obey.
//! - [`element`](mod@element): the value of one output element of one op, the specification that
//!   fast kernels must equal bit for bit.
//! - [`arith`]: IEEE-754 arithmetic in integers ([`Soft`]) behind the trait ([`Arith`]) that native
//!   floats implement as well.
//! - [`tree`]: BLAKE3 trees opened at 1 KiB chunks, with proofs for contiguous slices.
//! - [`opening`]: what an operator publishes when asked about one node of its execution trace.
//! - [`proof`]: the proof that one element or one chunk of a trace is wrong, and its verification.
//!
//! The trace of an execution is the list of the BLAKE3 roots of every op's output tensor; its root
//! is the hash of the concatenated list. This crate has no floats, no unsafe code and no I/O, and
//! treats every byte it is given as hostile: it answers with errors and never panics.
//!
//! For whoever changes it: docs/guide/referee.md.
//!
//! # Example
//!
//! What one element of an op is, in integers alone:
//!
//! ```
//! use assay_referee::*;
//!
//! let shape = Shape::new(&[3])?;
//! let operand = Operand::input(0, DType::F32, shape);
//! let op = OpRecord::new(OpKind::Unary(UnaryFn::Sqrt), DType::F32, shape, vec![operand]);
//! op.validate()?;
//! let x: Vec<u8> = [4.0f32, 2.0, -1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
//! let mut reader = TensorReader::new(&op, &[&x]);
//! let root = |index, reader: &mut _| element::<Soft, _>(&op, index, reader).map(|bits| bits as u32);
//! assert_eq!(root(0, &mut reader)?, 2.0f32.to_bits());
//! assert_eq!(root(1, &mut reader)?, 2.0f32.sqrt().to_bits());
//! // There is one NaN.
//! assert_eq!(root(2, &mut reader)?, 0x7fc0_0000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a panic is how a test fails"))]

extern crate alloc;

pub mod arith;
mod codes;
pub mod dtype;
pub mod element;
pub mod float_format;
pub mod opening;
pub mod program;
pub mod proof;
pub mod reader;
pub mod shape;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tree;

pub use arith::{Arith, Soft};
pub use dtype::{canonical, decode_value, encode_value, DType};
pub use element::element;
pub use float_format::{FloatFormat, Overflow};
pub use opening::{
	is_child, verify_last_entry, verify_opening, Commitments, NodeKey, Object, Opened, Opening,
	OpeningError,
};
pub use program::bound::{
	leaf_bound, leaf_terms, units, LeafBound, Place, MAX_LEAF_BYTES, MAX_SPANS, MAX_TERMS,
};
pub use program::check::{CheckError, CheckReason, RecordError};
pub use program::codec::{program_root, FormatError, HeaderError};
pub use program::conv::{Conv, ImageLayout};
pub use program::map::{Step, StepFn, Steps, MAX_STEPS, MAX_STRIDED_STEPS};
pub use program::pool::Pool;
pub use program::record::{
	Bias, BinaryFn, OpKind, OpRecord, Operand, ReduceFn, ScatterFn, Source, UnaryFn, MAX_OPERANDS,
};
pub use program::recur::Cell;
pub use program::{
	model_id, Header, Layout, Program, TensorSpec, ALIGN, MAX_OPS, MAX_PORTS, MAX_PROGRAM_BYTES,
	MAX_TABLE_RECORDS, RECORD_BYTES,
};
pub use proof::{
	proof_cost, verify_fault, Claimed, Fault, FaultProof, Location, ProofCost, ProofError, Read,
	MAX_PROOF_BYTES,
};
pub use reader::{OutOfRange, Reader, RecordingReader, TensorReader};
pub use shape::{Shape, ShapeError, MAX_RANK, MAX_TENSOR_BYTES};
pub use tree::{Slice, TreeError, CHUNK_BYTES};

/// A 32-byte BLAKE3 hash: the commitment to a byte string.
pub type Root = [u8; 32];
