//! The files of the repository that people write.

use crate::programs::output;
use anyhow::{ensure, Context, Result};
use std::{collections::BTreeMap, path::Path};

/// Endings of files that are read.
const READ: [&str; 4] = [".rs", ".md", ".toml", ".py"];

/// The texts of all files that git knows or would take in, by their path from the root on.
pub(crate) struct Sources {
	/// Path and text; of files that are not read, no text.
	pub(crate) files: BTreeMap<String, String>,
}

impl Sources {
	/// All files of the repository at `root`.
	pub(crate) fn read(root: &Path) -> Result<Sources> {
		let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
		let list = output(root, "git", &arguments)?;
		let mut files = BTreeMap::new();
		for path in list.lines() {
			let full = root.join(path);
			// Deleted and not committed yet.
			if !full.is_file() {
				continue;
			}
			let text = if READ.iter().any(|ending| path.ends_with(ending)) {
				std::fs::read_to_string(&full).with_context(|| path.to_string())?
			} else {
				String::new()
			};
			files.insert(path.to_string(), text);
		}
		ensure!(files.len() > 100, "{} is not the repository", root.display());
		Ok(Sources { files })
	}

	/// Files with this ending.
	pub(crate) fn ending(&self, ending: &'static str) -> impl Iterator<Item = (&str, &str)> {
		let files = self.files.iter().filter(move |(path, _)| path.ends_with(ending));
		files.map(|(path, text)| (path.as_str(), text.as_str()))
	}

	/// Whether there is a file or folder of this name.
	pub(crate) fn has(&self, path: &str) -> bool {
		let folder = format!("{}/", path.trim_end_matches('/'));
		self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
	}

	/// The folder of the crate that a file belongs to: the nearest with a manifest.
	pub(crate) fn home<'a>(&self, file: &'a str) -> &'a str {
		let mut folder = file;
		while let Some((parent, _)) = folder.rsplit_once('/') {
			if self.files.contains_key(&format!("{parent}/Cargo.toml")) {
				return parent;
			}
			folder = parent;
		}
		""
	}
}

#[cfg(test)]
impl Sources {
	/// Of these files.
	pub(crate) fn of(files: &[(&str, &str)]) -> Sources {
		let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string()));
		Sources { files: files.collect() }
	}
}

/// `path` as it is meant in `file`, from the root on.
pub(crate) fn joined(file: &str, path: &str) -> String {
	let mut parts: Vec<&str> = file.split('/').collect();
	parts.pop();
	for part in path.split('/') {
		match part {
			"." | "" => {},
			".." => _ = parts.pop(),
			part => parts.push(part),
		}
	}
	parts.join("/")
}

/// The line without comments and string literals, roughly: enough to find a name.
pub(crate) fn code(line: &str) -> String {
	let mut out = String::new();
	let mut quoted = false;
	let mut previous = ' ';
	for c in line.split("//").next().unwrap_or_default().chars() {
		if c == '"' && previous != '\\' && previous != '\'' {
			quoted = !quoted;
		} else if !quoted {
			out.push(c);
		}
		previous = c;
	}
	out
}
