//! A bundle's directory: one instantiation of a model, or several that were compiled together.
//!
//! Several look like this, where folders are named by the sizes that the dimensions are bound to:
//!
//! ```text
//! manifest.json              {"instantiations": ["1x32", "1x64"]}
//! 1x32/manifest.json         as of a bundle that was compiled alone
//! 1x32/program.bin
//! 1x64/...
//! weights/<root>.bin         once for all instantiations with these weights
//! ```

use super::{Bundle, BundleError, Manifest};
use assay_referee::Root;
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeSet,
	fs::{self, File},
	io::{self, Read as _, Write},
	path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Files of an instantiation.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const PROGRAM: &str = "program.bin";
pub(super) const WEIGHTS: &str = "weights.bin";
/// Folder of the weights that instantiations share.
const SHARED: &str = "weights";

/// Most instantiations of one bundle.
pub const MAX_INSTANTIATIONS: usize = 64;

/// `manifest.json` of a bundle of several instantiations.
#[derive(Serialize, Deserialize)]
struct Several {
	instantiations: Vec<String>,
}

/// A model compiled for one choice of sizes: a program with a root of its own, and its weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instantiation {
	/// The directory that [`Bundle::load`] reads.
	pub dir: PathBuf,
	/// What its manifest says.
	pub manifest: Manifest,
}

/// What the bundle in `dir` holds, in the order in which it was compiled; the weights are not
/// touched.
///
/// # Errors
/// A manifest that cannot be read, or is none.
pub fn instantiations(dir: impl AsRef<Path>) -> Result<Vec<Instantiation>, BundleError> {
	let dir = dir.as_ref();
	let several = match read(dir)? {
		Read::One(manifest) => {
			return Ok(vec![Instantiation { dir: dir.to_owned(), manifest: *manifest }]);
		},
		Read::Several(names) => names,
	};
	let one = |name: &String| {
		let dir = dir.join(name);
		let manifest = only_manifest(&dir)?;
		Ok(Instantiation { dir, manifest })
	};
	several.iter().map(one).collect()
}

/// The instantiation that takes inputs of these names and shapes, if there is one.
pub fn matching<'a, 'i>(
	instantiations: &'i [Instantiation],
	given: impl IntoIterator<Item = (&'a str, &'a [u32])> + Clone,
) -> Option<&'i Instantiation> {
	instantiations.iter().find(|one| one.manifest.takes(given.clone()))
}

enum Read {
	One(Box<Manifest>),
	Several(Vec<String>),
}

/// Largest manifest: its values take sixteen times its bytes while it is read.
const MAX_MANIFEST: u64 = 4 << 20;

/// The bytes of a file of at most `most`, which may have come from a stranger.
pub(super) fn read_file(path: PathBuf, most: u64) -> Result<Vec<u8>, BundleError> {
	let mut bytes = Vec::new();
	let read = File::open(&path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
	match read {
		Ok(_) if bytes.len() as u64 <= most => Ok(bytes),
		Ok(_) => {
			let source = io::Error::other(format!("it is larger than {most} bytes"));
			Err(BundleError::Io { path, source })
		},
		Err(source) => Err(BundleError::Io { path, source }),
	}
}

fn read(dir: &Path) -> Result<Read, BundleError> {
	let bytes = read_file(dir.join(MANIFEST), MAX_MANIFEST)?;
	let json: serde_json::Value = serde_json::from_slice(&bytes)?;
	if json.get("instantiations").is_none() {
		return Ok(Read::One(Box::new(serde_json::from_value(json)?)));
	}
	let Several { instantiations: names } = serde_json::from_value(json)?;
	let mut seen = BTreeSet::new();
	match names.iter().find(|name| !is_plain(name) || !seen.insert(*name)) {
		Some(name) => Err(BundleError::Instantiation(name.clone())),
		None if names.is_empty() => Err(BundleError::Instantiation(String::new())),
		None if names.len() > MAX_INSTANTIATIONS => Err(too_many(names.len())),
		None => Ok(Read::Several(names)),
	}
}

/// Whether a folder may have this name; another one could lead anywhere.
fn is_plain(name: &str) -> bool {
	!name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'x')
}

/// The manifest in a directory that holds one instantiation.
pub(super) fn only_manifest(dir: &Path) -> Result<Manifest, BundleError> {
	match read(dir)? {
		Read::One(manifest) => Ok(*manifest),
		Read::Several(names) => Err(BundleError::Several(names.join(", "))),
	}
}

/// The weights of the instantiation in `dir`: its own, or else those that it shares. Whether they
/// are the right ones is for the caller to check by their hash.
pub(super) fn weights_of(dir: &Path, manifest: &Manifest) -> PathBuf {
	let own = dir.join(WEIGHTS);
	// Not the path's parent, which `.` has not.
	let shared = dir.join("..").join(shared(&manifest.weights_root));
	if !own.exists() && shared.exists() {
		shared
	} else {
		own
	}
}

fn shared(root: &Root) -> PathBuf {
	Path::new(SHARED).join(format!("{}.bin", hex::encode(root)))
}

/// Writes a bundle of several instantiations, one after another: only the one being written need be
/// in memory.
///
/// # Examples
///
/// ```
/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
/// use assay_executor::{instantiations, matching, Bundle, BundleWriter};
///
/// let folder = tempfile::tempdir()?;
/// let mut writer = BundleWriter::new(folder.path().join("tiny"))?;
/// // A model that was compiled for batches of 1 and of 8.
/// for size in [1, 8] {
///     writer.add(&tiny::bundle(size)?)?;
/// }
/// writer.finish()?;
/// let held = instantiations(folder.path().join("tiny"))?;
/// let given = [("x", &[8, 4][..])];
/// let chosen = matching(&held, given).expect("it was compiled for eight rows of four");
/// assert_eq!(Bundle::load(&chosen.dir)?.manifest().bound(), "N=8");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BundleWriter {
	dir: PathBuf,
	staged: Staged,
	names: Vec<String>,
	weights: BTreeSet<Root>,
}

impl BundleWriter {
	/// A writer for the directory `dir`, which [`BundleWriter::finish`] replaces.
	///
	/// # Errors
	/// The system's.
	pub fn new(dir: impl AsRef<Path>) -> Result<BundleWriter, BundleError> {
		let dir = dir.as_ref().to_owned();
		let staged = Staged::beside(&dir).map_err(|e| io_at(&dir, e))?;
		Ok(BundleWriter { dir, staged, names: Vec::new(), weights: BTreeSet::new() })
	}

	/// Adds an instantiation; gives the directory that it will have.
	///
	/// # Errors
	/// The system's, or there is one with the same sizes already, or there are too many.
	pub fn add(&mut self, bundle: &Bundle) -> Result<PathBuf, BundleError> {
		let sizes: Vec<String> = bundle.manifest().dims.values().map(u32::to_string).collect();
		let name = sizes.join("x");
		if !is_plain(&name) || self.names.contains(&name) {
			return Err(BundleError::Instantiation(name));
		}
		if self.names.len() >= MAX_INSTANTIATIONS {
			return Err(too_many(self.names.len() + 1));
		}
		self.put(&name, bundle).map_err(|e| io_at(&self.dir, e))?;
		let dir = self.dir.join(&name);
		self.names.push(name);
		Ok(dir)
	}

	fn put(&mut self, name: &str, bundle: &Bundle) -> io::Result<()> {
		let inside = |file: &str| Path::new(name).join(file);
		self.staged.put(&inside(PROGRAM), bundle.program_bytes())?;
		self.staged.put_json(&inside(MANIFEST), bundle.manifest())?;
		let root = bundle.manifest().weights_root;
		if self.weights.insert(root) {
			self.staged.put(&shared(&root), bundle.weights())
		} else {
			Ok(())
		}
	}

	/// Puts what was added in the place of the directory, as [`Bundle::write`] does.
	///
	/// # Errors
	/// The system's.
	pub fn finish(self) -> Result<(), BundleError> {
		let BundleWriter { dir, staged, names, .. } = self;
		let put = staged.put_json(Path::new(MANIFEST), &Several { instantiations: names });
		put.and_then(|()| staged.replace(&dir)).map_err(|e| io_at(&dir, e))
	}
}

fn io_at(path: &Path, source: io::Error) -> BundleError {
	BundleError::Io { path: path.to_owned(), source }
}

/// A directory that is being written, beside the one that it will replace.
#[derive(Debug)]
pub(super) struct Staged {
	new: TempDir,
	parent: PathBuf,
}

impl Staged {
	pub(super) fn beside(dir: &Path) -> io::Result<Staged> {
		// Before anything is written, and again when it is put in its place.
		ensure_replaceable(dir)?;
		let parent = match dir.parent() {
			Some(parent) if !parent.as_os_str().is_empty() => parent,
			_ => Path::new("."),
		};
		fs::create_dir_all(parent)?;
		let new = hidden_in(parent)?;
		open_to_all(new.path())?;
		Ok(Staged { new, parent: parent.to_owned() })
	}

	/// Writes a file, and the folder it is in where it names one.
	pub(super) fn put(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
		let path = self.new.path().join(name);
		if let Some(folder) = path.parent() {
			fs::create_dir_all(folder)?;
		}
		let mut file = File::create(path)?;
		file.write_all(bytes)?;
		file.sync_all()
	}

	pub(super) fn put_json(&self, name: &Path, value: &impl Serialize) -> io::Result<()> {
		self.put(name, &serde_json::to_vec_pretty(value)?)
	}

	/// Puts the directory in the place of `dir`.
	pub(super) fn replace(self, dir: &Path) -> io::Result<()> {
		ensure_replaceable(dir)?;
		// A directory cannot be renamed over one that is not empty: move the old one away first.
		let old = hidden_in(&self.parent)?;
		if dir.exists() {
			fs::rename(dir, old.path().join("old"))?;
		}
		fs::rename(self.new.path(), dir)?;
		// The new directory has moved; nothing is left for the guard to remove.
		let _ = self.new.keep();
		Ok(())
	}
}

/// What is not a bundle is somebody's, and is not removed: a name may have been mistyped.
fn ensure_replaceable(dir: &Path) -> io::Result<()> {
	let Ok(there) = dir.symlink_metadata() else { return Ok(()) };
	if there.is_dir() && (holds_only_bundles(dir, 0)? || fs::read_dir(dir)?.next().is_none()) {
		return Ok(());
	}
	let reason = "it is there, and is no bundle or holds other files: name another folder";
	Err(io::Error::new(io::ErrorKind::AlreadyExists, reason))
}

/// Whether a directory has a manifest and nothing but what a bundle consists of.
fn holds_only_bundles(dir: &Path, depth: u32) -> io::Result<bool> {
	let mut has_manifest = false;
	for entry in fs::read_dir(dir)? {
		let entry = entry?;
		let name = entry.file_name();
		let name = name.to_string_lossy();
		let kind = entry.file_type()?;
		let known = if kind.is_dir() && depth == 0 && name == SHARED {
			let mut files = fs::read_dir(entry.path())?;
			files.all(|file| {
				file.is_ok_and(|file| file.path().extension().is_some_and(|e| e == "bin"))
			})
		} else if kind.is_dir() {
			depth == 0 && is_plain(&name) && holds_only_bundles(&entry.path(), 1)?
		} else {
			kind.is_file() && (name == MANIFEST || name == PROGRAM || name == WEIGHTS)
		};
		if !known {
			return Ok(false);
		}
		has_manifest |= name == MANIFEST;
	}
	Ok(has_manifest)
}

fn hidden_in(parent: &Path) -> io::Result<TempDir> {
	tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent)
}

/// A temporary directory is its owner's only; a bundle is read by a node that may run as another user.
fn open_to_all(dir: &Path) -> io::Result<()> {
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
	}
	#[cfg(not(unix))]
	let _ = dir;
	Ok(())
}

fn too_many(found: usize) -> BundleError {
	BundleError::TooManyInstantiations { found, most: MAX_INSTANTIATIONS }
}
