//! Compiles an ONNX file to a canonical Assay program and its weights.
//!
//! [`compile`] binds the free dimensions of the model's inputs, evaluates everything that depends
//! on constants and shapes only, lowers every operator to the small op set of `assay-referee` in
//! one written order of operations, and lays out the weights. The same file and options give the
//! same bytes on every machine.
//!
//! A file is hostile until it has been compiled: every failure is a [`CompileError`] that names the
//! node and says what would help.
//!
//! For whoever changes it: docs/guide/onnx.md.
//!
//! # Example
//!
//! A model is compiled and run; then somebody lies about one element, and is found out by asking for
//! one node of the trace after another.
//!
//! ```
//! use assay_executor::{Move, Options, Session, Tamper};
//! use assay_onnx::{compile, CompileOptions};
//!
//! let file = std::fs::read("../../models/digits/digits.onnx")?;
//! let options = CompileOptions { dims: [("N".into(), 1)].into(), ..Default::default() };
//! let bundle = compile(&file, &options)?.bundle()?;
//! let input = vec![0; bundle.program().header.input_layout().total_len as usize];
//! let session = Session::new(bundle.into(), Options::default());
//! let output = session.run(&input)?;
//!
//! let honest = session.trace(&input, None)?;
//! assert_eq!(honest.output(), output);
//! let lie = session.trace(&input, Some(&Tamper { op: 2, element: None }))?;
//! let mut openings = Vec::new();
//! let proof = loop {
//!     match honest.next_move(&lie.root(), &openings)? {
//!         Move::Ask(node) => openings.push((node, lie.open(&node)?)),
//!         Move::Prove(proof) => break proof,
//!         Move::Agree => unreachable!("the roots differ"),
//!     }
//! };
//! assert_eq!(proof.entry, 2);
//! assay_referee::verify_fault(&honest.commitments(&lie.root()), &proof)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dims;
mod emit;
mod error;
mod graph;
mod ir;
mod lower;
mod model;
mod passes;
mod read;

use std::collections::BTreeMap;
use std::path::Path;

use assay_executor::{
	in_default_environment, Bundle, BundleError, DimBounds, ElementType, Manifest,
};
use assay_referee::{LeafBound, Program};

use read::{Decoded, Files};

pub use error::{CompileError, ErrorKind, Place};

/// What to compile a model for, and how to describe it.
///
/// # Examples
///
/// ```
/// use assay_executor::DimBounds;
/// use assay_onnx::{compile, CompileOptions};
///
/// let file = std::fs::read("../../models/digits/digits.onnx")?;
/// let mut options = CompileOptions {
///     dims: [("N".into(), 100)].into(),
///     bounds: [("N".into(), DimBounds { min: 1, max: 64 })].into(),
///     licence: "Apache-2.0".into(),
///     ..Default::default()
/// };
/// let error = compile(&file, &options).expect_err("100 is outside of the bounds");
/// assert!(error.to_string().contains("`N` is 100, which is outside of its bounds, 1..64"));
/// options.dims.insert("N".into(), 16);
/// assert_eq!(compile(&file, &options)?.manifest.inputs[0].shape, [16, 1, 8, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompileOptions {
	/// Values of free dimensions, by name.
	pub dims: BTreeMap<String, u32>,
	/// Sizes that free dimensions may have, by name, for the manifest: a size outside is refused.
	pub bounds: BTreeMap<String, DimBounds>,
	/// Whole shapes of inputs, by input name; for dimensions without a name.
	pub shapes: BTreeMap<String, Vec<u32>>,
	/// Whole numbers that inputs are fixed to, by input name: one for every element of such an input, or one that
	/// all of them have. The compiled model does not have the input any more. For sampling rates, flags, sizes
	/// and the like, on which a branch or a shape depends.
	pub values: BTreeMap<String, Vec<i64>>,
	/// Outputs to compile, by name, in the model's order; all if there are none. What only the others need is
	/// not even looked at.
	pub outputs: Vec<String>,
	/// Name for the manifest.
	pub name: String,
	/// Version for the manifest.
	pub version: String,
	/// Licence of the weights for the manifest, as an SPDX expression where there is one.
	pub licence: String,
}

/// A compiled model.
#[derive(Clone, PartialEq, Debug)]
pub struct Compiled {
	/// The program.
	pub program: Program,
	/// The weights that the program reads.
	pub weights: Vec<u8>,
	/// What the model is and where it comes from.
	pub manifest: Manifest,
	/// Number of distinct weight elements.
	pub parameters: u64,
	/// For every op, the name of the ONNX node it comes from.
	pub origins: Vec<String>,
}

/// The op whose elements cost most to judge on chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorstLeaf {
	/// Index of the op.
	pub op: u32,
	/// Name of the ONNX node it comes from.
	pub origin: String,
	/// What one of its elements reads and costs at most.
	pub bound: LeafBound,
}

impl Compiled {
	/// The program's [worst leaf](Program::worst_leaf), and the node it comes from.
	///
	/// # Examples
	///
	/// ```
	/// use assay_onnx::{compile, CompileOptions};
	///
	/// # let file = std::fs::read("../../models/digits/digits.onnx")?;
	/// let options = CompileOptions { dims: [("N".into(), 1)].into(), ..Default::default() };
	/// let compiled = compile(&file, &options)?;
	/// let worst = compiled.worst_leaf().expect("it has ops");
	/// // A sum over ten exponentials, of the node that is named like its output.
	/// assert_eq!(worst.origin, "softmax");
	/// assert!(worst.bound.is_within_limits());
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn worst_leaf(&self) -> Option<WorstLeaf> {
		let (op, bound) = self.program.worst_leaf()?;
		let origin = self.origins.get(op as usize).cloned().unwrap_or_default();
		Some(WorstLeaf { op, origin, bound })
	}

	/// The model as a bundle that can be run or written to disk.
	///
	/// # Errors
	/// None for what [`compile`] gave; otherwise as [`Bundle::new`].
	pub fn bundle(&self) -> Result<Bundle, BundleError> {
		Bundle::new(self.program.clone(), &self.weights, self.manifest.clone())
	}
}

/// The most bytes that compiling a file of `len` bytes, those of its weights in other files included,
/// allocates at once, whatever the file holds: 512 MiB and 64 times its length. What would take more is
/// refused. (A byte can be a number of 64 bits, of which there are then several copies.)
pub fn most_memory(len: u64) -> u64 {
	len.saturating_mul(64).saturating_add(512 << 20)
}

/// A tensor from a file of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorFile {
	/// Type of the elements in the file.
	pub element: ElementType,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// Row-major little-endian elements of [`ElementType::computed`].
	pub bytes: Vec<u8>,
}

/// Reads a tensor file: one `TensorProto`, as the test data of the package `onnx` are stored.
///
/// # Errors
/// As [`compile`] for a weight, but that NaN is read.
///
/// # Examples
///
/// ```
/// use assay_onnx::read_tensor;
///
/// // A `TensorProto`: its dimension is 2, its type 1 (FLOAT), and 8 bytes are its data.
/// let mut file = vec![0x08, 2, 0x10, 1, 0x4a, 8];
/// file.extend([1.5f32, -2.0].into_iter().flat_map(f32::to_le_bytes));
/// let tensor = read_tensor(&file)?;
/// assert_eq!(tensor.element.name(), "f32");
/// assert_eq!((tensor.shape, tensor.bytes), (vec![2], file[6..].to_vec()));
/// # Ok::<(), assay_onnx::CompileError>(())
/// ```
pub fn read_tensor(bytes: &[u8]) -> Result<TensorFile, CompileError> {
	let at_file = |failure: error::Failure| failure.at(Place::File);
	let tensor = read::Tensor::from_bytes(bytes).map_err(|error| {
		let reason = format!("it is no tensor, or is damaged: {error}");
		at_file(error::Failure::new(ErrorKind::Malformed, reason))
	})?;
	let Decoded { element, dims, bytes } =
		read::decode_any(&tensor, &mut Files::new(None)).map_err(at_file)?;
	Ok(TensorFile { element, shape: dims, bytes })
}

/// Compiles the bytes of an ONNX file.
///
/// # Errors
/// See [`ErrorKind`]; also weights in other files, see [`compile_in`].
///
/// # Examples
///
/// ```
/// use assay_onnx::{compile, CompileOptions, ErrorKind};
///
/// let file = std::fs::read("../../models/digits/digits.onnx")?;
/// // The size of its batch is free, so it has to be given.
/// let error = compile(&file, &CompileOptions::default()).expect_err("`N` has no value");
/// assert_eq!(error.kind, ErrorKind::UnboundDimension);
/// let options = CompileOptions { dims: [("N".into(), 1)].into(), ..Default::default() };
/// let compiled = compile(&file, &options)?;
/// assert_eq!(compiled.manifest.outputs[0].shape, [1, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compile(onnx: &[u8], options: &CompileOptions) -> Result<Compiled, CompileError> {
	with_files(onnx, Files::new(None), options)
}

/// As [`compile`], for a file that lay in `folder`: weights in other files are read from there. They
/// must lie in it or below it, links followed.
///
/// # Errors
/// As [`compile`]; [`ErrorKind::ExternalData`] for a file that lies elsewhere, is not there or is too short.
pub fn compile_in(
	folder: &Path,
	onnx: &[u8],
	options: &CompileOptions,
) -> Result<Compiled, CompileError> {
	with_files(onnx, Files::new(Some(folder)), options)
}

fn with_files(
	onnx: &[u8],
	files: Files,
	options: &CompileOptions,
) -> Result<Compiled, CompileError> {
	// Statistics of normalisations are folded in native floats.
	in_default_environment(|| model::compile(onnx, files, options))
}
