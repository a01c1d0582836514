//! A model on disk: a directory with `program.bin`, `weights.bin` and `manifest.json`.

mod canonical;
mod element;
mod error;
mod folder;
mod manifest;
mod packed;
mod ports;

pub(crate) use canonical::{is_canonical, make_canonical};
pub use element::{ElementError, ElementType};
pub use error::{BundleError, TensorError};
pub use folder::{instantiations, matching, BundleWriter, Instantiation, MAX_INSTANTIATIONS};
pub use manifest::{DimBounds, Manifest, NamedTensor};
pub(crate) use packed::Packed;
pub use ports::{InputTensor, OutputTensor, StoredTensor};

use crate::tree::Tree;
use assay_kernels::{Buffer, Isa, KernelConfig};
use assay_referee::{
	program::codec::committed, program_root, DType, Operand, Program, Root, Slice, TreeError,
	MAX_PROGRAM_BYTES,
};
use canonical::{Readable, Regions};
use folder::{Staged, MANIFEST, PROGRAM, WEIGHTS};
use memmap2::{Advice, Mmap};
use packed::PackedByIsa;
use std::{
	fs::File,
	ops::Range,
	path::Path,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
};

/// A model whose parts have been checked against each other.
#[derive(Debug)]
pub struct Bundle {
	program: Program,
	program_bytes: Vec<u8>,
	weights: Weights,
	readable: Readable,
	manifest: Manifest,
	/// Of the weights.
	tree: Tree,
	/// Rearranged weights, which sessions share.
	packed: PackedByIsa,
}

#[derive(Debug)]
enum Weights {
	Memory(Buffer),
	File(Mmap),
}

impl Weights {
	fn bytes(&self) -> &[u8] {
		match self {
			Weights::Memory(bytes) => bytes,
			Weights::File(map) => map,
		}
	}
}

impl Bundle {
	/// A bundle of parts in memory.
	///
	/// # Errors
	/// The program breaks a rule, the weights have the wrong length, or the manifest describes
	/// something else.
	///
	/// # Examples
	///
	/// ```
	/// use assay_executor::{Bundle, Manifest};
	/// use assay_referee::*;
	///
	/// // y = tanh(x), a model without weights.
	/// let port = TensorSpec::new(DType::F32, Shape::new(&[3])?);
	/// let x = Operand::input(0, port.dtype, port.shape);
	/// let op = OpRecord::new(OpKind::Unary(UnaryFn::Tanh), port.dtype, port.shape, [x]);
	/// let program = Program::new(0, vec![port], vec![port], vec![op]);
	/// let manifest = Manifest::new(&program, tree::hash(&[]), &["x".into()], &["y".into()])?;
	/// let bundle = Bundle::new(program.clone(), &[], manifest.clone())?;
	/// assert_eq!(bundle.model_id(), model_id(&program.root()?, &tree::hash(&[])));
	/// // The parts are checked against each other.
	/// assert!(Bundle::new(program, &[1, 2, 3], manifest).is_err());
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn new(
		program: Program,
		weights: &[u8],
		manifest: Manifest,
	) -> Result<Bundle, BundleError> {
		let program_bytes = program.encode()?;
		let weights = Weights::Memory(Buffer::from_bytes(weights));
		Bundle::verified(program, program_bytes, weights, manifest)
	}

	/// Reads a bundle's directory; the weights stay in the file, mapped into memory.
	///
	/// Of a bundle of several instantiations, each has a directory of its own, see
	/// [`instantiations`](crate::instantiations); their weights may lie beside it.
	///
	/// The files must not be changed while the bundle is in use; [`Bundle::write`] never changes
	/// one in place.
	///
	/// # Errors
	/// As [`Bundle::new`], a file that cannot be read, or several instantiations.
	pub fn load(dir: impl AsRef<Path>) -> Result<Bundle, BundleError> {
		let dir = dir.as_ref();
		let manifest = folder::only_manifest(dir)?;
		let program_bytes = folder::read_file(dir.join(PROGRAM), MAX_PROGRAM_BYTES as u64)?;
		let program = Program::decode(&program_bytes)?;
		let weights = map_file(&folder::weights_of(dir, &manifest))?;
		Bundle::verified(program, program_bytes, weights, manifest)
	}

	/// Writes the bundle as directory `dir`, replacing what is there. A reader sees the old
	/// bundle, the new one, or (for an instant, while replacing) none; never a mixture.
	///
	/// # Errors
	/// The system's.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::Bundle;
	///
	/// let folder = tempfile::tempdir()?;
	/// let dir = folder.path().join("tiny");
	/// bundle.write(&dir)?;
	/// assert_eq!(Bundle::load(&dir)?.model_id(), bundle.model_id());
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), BundleError> {
		let dir = dir.as_ref();
		let write = || {
			let staged = Staged::beside(dir)?;
			staged.put(Path::new(PROGRAM), self.program_bytes())?;
			staged.put(Path::new(WEIGHTS), self.weights())?;
			staged.put_json(Path::new(MANIFEST), &self.manifest)?;
			staged.replace(dir)
		};
		write().map_err(|source| BundleError::Io { path: dir.to_owned(), source })
	}

	fn verified(
		program: Program,
		program_bytes: Vec<u8>,
		weights: Weights,
		manifest: Manifest,
	) -> Result<Bundle, BundleError> {
		program.check()?;
		let found = weights.bytes().len() as u64;
		let expected = program.header.weights_len;
		if found != expected {
			return Err(BundleError::WeightsLength { expected, found });
		}
		// One pass over the weights by all processors: each part is hashed and looked at while it
		// is in the cache. Hardly any weights need the second look that tells which are to be copied.
		let threads = std::thread::available_parallelism().map_or(1, usize::from);
		let config = KernelConfig::new(threads, Isa::detect());
		if let Weights::File(map) = &weights {
			touch(map, threads);
		}
		let regions = Regions::new(&program);
		let suspect = AtomicBool::new(false);
		let tree = Tree::with(weights.bytes(), &config, |start, part| {
			if regions.may_be_read_otherwise(start, part) {
				suspect.store(true, Ordering::Relaxed);
			}
		});
		let program_root = program_root(&program_bytes);
		if let Some(field) = manifest.mismatch(&program, &program_root, &tree.root()) {
			return Err(BundleError::Mismatch(field));
		}
		let readable = if suspect.into_inner() {
			Readable::new(&regions, weights.bytes())
		} else {
			Readable::default()
		};
		let packed = PackedByIsa::default();
		Ok(Bundle { program, program_bytes, weights, readable, manifest, tree, packed })
	}

	/// The weights rearranged for `isa`, by `pack` if no session has had them before.
	pub(crate) fn packed(&self, isa: Isa, pack: impl FnOnce() -> Packed) -> Arc<Packed> {
		self.packed.get(isa, pack)
	}

	/// As [`Slice::make`] for the weights.
	pub(crate) fn weights_slice(&self, first: u64, chunks: u64) -> Result<Slice, TreeError> {
		self.tree.slice(self.weights(), first, chunks)
	}

	/// The program.
	pub fn program(&self) -> &Program {
		&self.program
	}

	/// The program's canonical bytes.
	pub fn program_bytes(&self) -> &[u8] {
		&self.program_bytes
	}

	/// The chunk of the program that holds an op's record.
	pub(crate) fn record_slice(&self, entry: u32) -> Result<Slice, TreeError> {
		Slice::make(committed(&self.program_bytes), u64::from(entry) + 1, 1)
	}

	/// The weights, as they are committed to.
	pub fn weights(&self) -> &[u8] {
		self.weights.bytes()
	}

	/// The weights in `range` as ops read them as elements of type `dtype`: canonical. Empty, which
	/// kernels refuse, when they are not there.
	pub(crate) fn read_weights(&self, dtype: DType, range: Range<usize>) -> &[u8] {
		let other = self.readable.get(dtype, &range);
		other.or_else(|| self.weights().get(range)).unwrap_or(&[])
	}

	/// The weights that an operand is, as [`Bundle::read_weights`] gives them.
	pub(crate) fn weight(&self, operand: &Operand) -> &[u8] {
		let start = operand.base() as usize;
		self.read_weights(operand.dtype, start..start + operand.bytes() as usize)
	}

	/// The manifest.
	pub fn manifest(&self) -> &Manifest {
		&self.manifest
	}

	/// Identity of the model.
	pub fn model_id(&self) -> Root {
		self.manifest.model_id
	}
}

fn map_file(path: &Path) -> Result<Weights, BundleError> {
	let io = |source| BundleError::Io { path: path.to_owned(), source };
	let file = File::open(path).map_err(io)?;
	// An empty file cannot be mapped.
	if file.metadata().map_err(io)?.len() == 0 {
		return Ok(Weights::Memory(Buffer::new(0)));
	}
	// SAFETY: sound as long as nobody truncates or rewrites the file, which the documentation of
	// `Bundle::load` demands and `Bundle::write` respects.
	let map = unsafe { Mmap::map(&file) }.map_err(io)?;
	Ok(Weights::File(map))
}

/// Maps the pages of a file that is going to be read by `threads` threads, so that these meet no page
/// faults.
#[cfg(target_os = "linux")]
fn touch(map: &Mmap, threads: usize) {
	const PART: usize = 4 << 20;
	assay_kernels::for_each(threads, map.len().div_ceil(PART), |part| {
		let start = part * PART;
		// Advice only: pages that are not mapped now are mapped when they are read.
		let _ = map.advise_range(Advice::PopulateRead, start, PART.min(map.len() - start));
	});
}

#[cfg(not(target_os = "linux"))]
fn touch(_map: &Mmap, _threads: usize) {}
