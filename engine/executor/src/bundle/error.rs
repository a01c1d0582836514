//! What can be wrong with a bundle, and with the tensors that are given for it.

use super::element::{ElementError, ElementType};
use assay_referee::{CheckError, DType, FormatError, Shape};
use std::path::PathBuf;

/// A bundle is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
	/// A file cannot be read or written.
	#[error("{}: {source}", path.display())]
	Io {
		/// The file or directory.
		path: PathBuf,
		/// The system's reason.
		source: std::io::Error,
	},
	/// `manifest.json` is not a manifest.
	#[error("manifest.json: {0}")]
	Manifest(#[from] serde_json::Error),
	/// `program.bin` is not a program.
	#[error("program: {0}")]
	Format(#[from] FormatError),
	/// The program breaks a rule.
	#[error("program: {0}")]
	Check(#[from] CheckError),
	/// The weights have another length than the program declares.
	#[error("the weights have {found} bytes, the program declares {expected}")]
	WeightsLength {
		/// Bytes the program declares.
		expected: u64,
		/// Bytes there are.
		found: u64,
	},
	/// A bundle of several instantiations where one is wanted.
	#[error("the folder holds several instantiations of the model, {0}; name the folder of one")]
	Several(
		/// Their folders in it.
		String,
	),
	/// Two instantiations have this name, or it is none.
	#[error("instantiation {0:?}: its name is used twice, or is not made of sizes")]
	Instantiation(String),
	/// A bundle of too many instantiations.
	#[error("a bundle of {found} instantiations, the most is {most}")]
	TooManyInstantiations {
		/// How many it has.
		found: usize,
		/// How many it may have.
		most: usize,
	},
	/// The manifest does not describe this program and these weights.
	#[error("the manifest's {0} does not match the program and weights")]
	Mismatch(&'static str),
}

/// Tensors do not fit the model's inputs or outputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
	/// Another number of inputs than the model's.
	#[error("{found} inputs are given, the model takes {expected}")]
	Count {
		/// Inputs the model takes.
		expected: usize,
		/// Inputs given.
		found: usize,
	},
	/// An output's bytes have not the length of the program's output layout.
	#[error("the output has {found} bytes, the model gives {expected}")]
	OutputLength {
		/// Bytes the model gives.
		expected: u64,
		/// Bytes given.
		found: u64,
	},
	/// No input or output of this name.
	#[error("the model has no tensor {name:?}; it has {}", known.join(", "))]
	Unknown {
		/// The name.
		name: String,
		/// The names there are.
		known: Vec<String>,
	},
	/// An input was not given.
	#[error("input {0:?} is missing")]
	Missing(String),
	/// An input was given twice.
	#[error("input {0:?} is given twice")]
	Duplicate(String),
	/// An input has another type than the model's.
	#[error("input {name:?} is {}, the model takes {}", found.name(), expected.name())]
	Type {
		/// Name of the input.
		name: String,
		/// The model's type.
		expected: DType,
		/// The given type.
		found: DType,
	},
	/// An input has an element type that is neither the model's nor its file's.
	#[error("input {name:?} is {found}, the model takes {expected}")]
	Element {
		/// Name of the input.
		name: String,
		/// The file's type.
		expected: ElementType,
		/// The given type.
		found: ElementType,
	},
	/// An input's bytes are not elements of its type.
	#[error("input {name:?}: {error}")]
	Value {
		/// Name of the input.
		name: String,
		/// The reason.
		error: ElementError,
	},
	/// An input has another shape than the model's.
	#[error("input {name:?} has shape {found:?}, the model takes {expected}")]
	Shape {
		/// Name of the input.
		name: String,
		/// The model's shape.
		expected: Shape,
		/// The given dimensions.
		found: Vec<u32>,
	},
	/// An input's bytes have not the length of its shape.
	#[error("input {name:?} has {found} bytes, its shape takes {expected}")]
	Length {
		/// Name of the input.
		name: String,
		/// Bytes of the shape.
		expected: u64,
		/// Bytes given.
		found: u64,
	},
}
