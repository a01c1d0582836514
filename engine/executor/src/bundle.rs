//! A model on disk: a directory with `program.bin`, `weights.bin` and `manifest.json`.

use crate::{error::BundleError, manifest::Manifest};
use assay_kernels::Buffer;
use assay_referee::{tree, DType, Program, Root, Source};
use memmap2::Mmap;
use std::{
	collections::BTreeSet,
	fs::{self, File},
	io::Write,
	path::Path,
};

const PROGRAM: &str = "program.bin";
const WEIGHTS: &str = "weights.bin";
const MANIFEST: &str = "manifest.json";

/// A model whose parts have been checked against each other.
#[derive(Debug)]
pub struct Bundle {
	program: Program,
	program_bytes: Vec<u8>,
	weights: Weights,
	manifest: Manifest,
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
	/// Errors: the program breaks a rule, the weights have the wrong length or hold a value that
	/// is not finite where an op reads `f32`, or the manifest describes something else.
	pub fn new(
		program: Program,
		weights: &[u8],
		manifest: Manifest,
	) -> Result<Bundle, BundleError> {
		let program_bytes = program.encode()?;
		let weights = Weights::Memory(Buffer::from_bytes(weights));
		Bundle { program, program_bytes, weights, manifest }.verified()
	}

	/// Reads a bundle's directory; the weights stay in the file, mapped into memory.
	///
	/// The files must not be changed while the bundle is in use; [`Bundle::write`] never changes
	/// one in place.
	///
	/// Errors: as [`Bundle::new`], or a file that cannot be read.
	pub fn load(dir: impl AsRef<Path>) -> Result<Bundle, BundleError> {
		let dir = dir.as_ref();
		let read = |name: &str| {
			let path = dir.join(name);
			fs::read(&path).map_err(|source| BundleError::Io { path, source })
		};
		let program_bytes = read(PROGRAM)?;
		let program = Program::decode(&program_bytes)?;
		let manifest: Manifest = serde_json::from_slice(&read(MANIFEST)?)?;
		let weights = map(&dir.join(WEIGHTS))?;
		Bundle { program, program_bytes, weights, manifest }.verified()
	}

	/// Writes the bundle as directory `dir`, replacing what is there. A reader sees the old
	/// bundle, the new one, or (for an instant, while replacing) none; never a mixture.
	///
	/// Errors: the system's.
	pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), BundleError> {
		let dir = dir.as_ref();
		write(dir, self).map_err(|source| BundleError::Io { path: dir.to_owned(), source })
	}

	fn verified(self) -> Result<Bundle, BundleError> {
		self.program.check()?;
		let found = self.weights().len() as u64;
		let expected = self.program.header.weights_len;
		if found != expected {
			return Err(BundleError::WeightsLength { expected, found });
		}
		let program_root = tree::hash(&self.program_bytes);
		let weights_root = tree::hash(self.weights());
		if let Some(field) = self.manifest.mismatch(&self.program, &program_root, &weights_root) {
			return Err(BundleError::Mismatch(field));
		}
		check_weights(&self.program, self.weights())?;
		Ok(self)
	}

	/// The program.
	pub fn program(&self) -> &Program {
		&self.program
	}

	/// The program's canonical bytes.
	pub fn program_bytes(&self) -> &[u8] {
		&self.program_bytes
	}

	/// The weights.
	pub fn weights(&self) -> &[u8] {
		self.weights.bytes()
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

fn map(path: &Path) -> Result<Weights, BundleError> {
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

fn write(dir: &Path, bundle: &Bundle) -> std::io::Result<()> {
	let parent = match dir.parent() {
		Some(parent) if !parent.as_os_str().is_empty() => parent,
		_ => Path::new("."),
	};
	fs::create_dir_all(parent)?;
	let new = tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent)?;
	let manifest = serde_json::to_vec_pretty(&bundle.manifest)?;
	for (name, bytes) in
		[(PROGRAM, bundle.program_bytes()), (WEIGHTS, bundle.weights()), (MANIFEST, &manifest)]
	{
		let mut file = File::create(new.path().join(name))?;
		file.write_all(bytes)?;
		file.sync_all()?;
	}
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		fs::set_permissions(new.path(), fs::Permissions::from_mode(0o755))?;
	}
	// A directory cannot be renamed over one that is not empty: move the old one away first.
	let old = tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent)?;
	if dir.exists() {
		fs::rename(dir, old.path().join("old"))?;
	}
	fs::rename(new.path(), dir)?;
	// The new directory has moved; nothing is left for the guard to remove.
	let _ = new.keep();
	Ok(())
}

/// Refuses weights that kernels could not read as they are.
fn check_weights(program: &Program, weights: &[u8]) -> Result<(), BundleError> {
	let mut seen = BTreeSet::new();
	for (op, record) in program.ops.iter().enumerate() {
		for operand in &record.operands {
			let Source::Weight(offset) = operand.source else { continue };
			if !seen.insert((offset, operand.dtype, operand.bytes())) {
				continue;
			}
			let bytes = usize::try_from(offset)
				.ok()
				.zip(usize::try_from(operand.bytes()).ok())
				.and_then(|(start, len)| weights.get(start..start.checked_add(len)?))
				.unwrap_or(&[]);
			let bad = match operand.dtype {
				DType::F32 => bytes.chunks_exact(4).position(|x| {
					x[3] & 0x7f == 0x7f && x[2] & 0x80 == 0x80 // all exponent bits set
				}),
				DType::Bool => bytes.iter().position(|&x| x > 1),
				_ => None,
			};
			if let Some(index) = bad {
				let offset = offset + index as u64 * operand.dtype.size();
				return Err(BundleError::WeightValue { offset, op: op as u32 });
			}
		}
	}
	Ok(())
}
