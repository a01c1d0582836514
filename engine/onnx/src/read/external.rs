//! Weights in files beside the model.
//!
//! What a file names is hostile: only plain files in the model's folder, or below it, are read, and
//! of them what a tensor's shape takes and the file has.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::declared::declared_bytes;
use super::proto::{External, Graph, Tensor};
use crate::error::{shown, ErrorKind, Failure, Result};

/// How often a file's bytes are read at most, for tensors that share some: a thousand tensors that
/// name one file must not become a thousand times its size.
const TIMES: u64 = 4;

/// A file that was found where it may be.
#[derive(Clone, Debug)]
struct Found {
	path: PathBuf,
	len: u64,
	/// Bytes that may still be read.
	left: u64,
}

/// The files beside a model.
#[derive(Debug)]
pub(crate) struct Files {
	/// The model's folder; `None` where a model came without one.
	folder: Option<PathBuf>,
	found: HashMap<String, Found>,
}

impl Files {
	pub(crate) fn new(folder: Option<&Path>) -> Files {
		// The parent of a bare file name is an empty path.
		let here = |folder: &Path| {
			if folder.as_os_str().is_empty() {
				PathBuf::from(".")
			} else {
				folder.to_owned()
			}
		};
		Files { folder: folder.map(here), found: HashMap::new() }
	}

	/// The bytes that the tensors of graphs have in files, which count as the model's: no more than the
	/// tensors take, nor than those files have.
	pub(crate) fn count<'a: 'g, 'g>(
		&mut self,
		graphs: impl IntoIterator<Item = &'g Graph<'a>>,
	) -> u64 {
		let mut tensors = Vec::new();
		for graph in graphs {
			collect(graph, &mut tensors);
		}
		let mut files = HashSet::new();
		let (mut taken, mut there) = (0u64, 0u64);
		for tensor in tensors {
			let Some(location) = tensor.external.as_ref().and_then(|external| external.location)
			else {
				continue;
			};
			// What cannot be read is said where it is needed.
			taken = taken.saturating_add(declared_bytes(tensor).unwrap_or(0));
			if files.insert(location) {
				let len = self.find(location).map_or(0, |found| found.len);
				there = there.saturating_add(len);
			}
		}
		taken.min(there)
	}

	/// The bytes of a tensor that takes `bytes` of them.
	pub(crate) fn read(&mut self, external: &External<'_>, bytes: u64) -> Result<Vec<u8>> {
		let location = external
			.location
			.ok_or_else(|| refused("its data lie in another file, which is not named"))?;
		let number = |text: Option<&str>, default: u64, what: &str| match text {
			None => Ok(default),
			Some(text) => text.trim().parse::<u64>().map_err(|_| {
				refused(format!(
					"its {what} in `{}`, `{}`, is no number",
					shown(location),
					shown(text)
				))
			}),
		};
		let offset = number(external.offset, 0, "offset")?;
		let length = number(external.length, bytes, "length")?;
		if length != bytes {
			return Err(refused(format!(
				"it has {length} bytes in `{}`, its shape takes {bytes}",
				shown(location)
			)));
		}
		let found = self.find(location)?;
		if offset.checked_add(length).is_none_or(|end| end > found.len) {
			return Err(refused(format!(
				"it has {length} bytes from byte {offset} on in `{}`, which has {} bytes",
				shown(location),
				found.len
			))
			.help("check that the whole file was copied"));
		}
		found.left = found.left.checked_sub(length).ok_or_else(|| {
			Failure::too_large(format!(
				"the weights in `{}` take more than {TIMES} times its bytes",
				shown(location)
			))
		})?;
		let fail = |error| unreadable(location, &error);
		let mut file = File::open(&found.path).map_err(fail)?;
		file.seek(SeekFrom::Start(offset)).map_err(fail)?;
		let mut read = vec![0; length as usize];
		// The file may have become shorter since.
		file.read_exact(&mut read).map_err(fail)?;
		Ok(read)
	}

	/// The file at a location; looked for once.
	fn find(&mut self, location: &str) -> Result<&mut Found> {
		if !self.found.contains_key(location) {
			let (path, len) = self.look(location)?;
			let left = len.saturating_mul(TIMES);
			self.found.insert(location.to_owned(), Found { path, len, left });
		}
		let none = || refused("its data lie in another file");
		self.found.get_mut(location).ok_or_else(none)
	}

	fn look(&self, location: &str) -> Result<(PathBuf, u64)> {
		let Some(folder) = &self.folder else {
			return Err(refused(format!(
				"its data lie in another file, `{}`, and only the model's own bytes were given",
				shown(location)
			))
			.help("compile the file itself, with the other one beside it"));
		};
		let inside = Path::new(location);
		let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
		if location.is_empty() || !inside.components().all(plain) {
			return Err(refused(format!(
				"its data lie in `{}`, which is no path below the model's folder",
				shown(location)
			))
			.help("put the file beside the model and export it again"));
		}
		let path = folder.join(inside);
		let fail = |error| unreadable(location, &error);
		// Links are followed here, and what is opened later is where they led.
		let (folder, path) =
			(folder.canonicalize().map_err(fail)?, path.canonicalize().map_err(fail)?);
		if !path.starts_with(&folder) {
			return Err(refused(format!(
				"its data lie in `{}`, a link that leads out of the model's folder",
				shown(location)
			))
			.help("put a copy of the file in the place of the link"));
		}
		let metadata = path.metadata().map_err(fail)?;
		// Anything else may never end, or block.
		if !metadata.is_file() {
			return Err(refused(format!(
				"its data lie in `{}`, which is no file",
				shown(location)
			)));
		}
		Ok((path, metadata.len()))
	}
}

fn collect<'g, 'a>(graph: &'g Graph<'a>, tensors: &mut Vec<&'g Tensor<'a>>) {
	tensors.extend(&graph.initializers);
	tensors.extend(graph.sparse.iter().flat_map(|sparse| [&sparse.values, &sparse.indices]));
	for attribute in graph.nodes.iter().flat_map(|node| &node.attributes) {
		tensors.extend(attribute.tensor());
		if let Some(inner) = attribute.graph() {
			// The reader bounds how deep graphs lie inside one another.
			collect(inner, tensors);
		}
	}
}

fn refused(reason: impl Into<String>) -> Failure {
	Failure::new(ErrorKind::ExternalData, reason)
}

fn unreadable(location: &str, error: &std::io::Error) -> Failure {
	let failure = refused(format!("its data lie in `{}`: {error}", shown(location)));
	match error.kind() {
		Io::NotFound => failure.help("put the file into the folder of the model"),
		_ => failure,
	}
}
