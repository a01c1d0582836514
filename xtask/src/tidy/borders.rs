//! Crates do not compile each other's files: what several need is in a crate that they depend on.

use super::{
	sources::{joined, Sources},
	Finding,
};

/// Modules whose file belongs to another crate than what names it.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	let mut found = Vec::new();
	for (file, text) in sources.ending(".rs") {
		for (number, line) in (1..).zip(text.lines()) {
			let Some(path) = path_of(line) else { continue };
			let other = joined(file, path);
			if sources.home(&other) != sources.home(file) {
				let message = format!(
					"compiles {other}, which is another crate's; share it in engine/testing"
				);
				found.push(Finding::at(file, number, message));
			}
		}
	}
	found
}

/// The file that an attribute or an `include!` names, relative to the folder of the file that it stands in.
fn path_of(line: &str) -> Option<&str> {
	if let Some((before, rest)) = line.split_once("include!(\"") {
		let path = rest.split('"').next().filter(|path| path.ends_with(".rs"));
		return path.filter(|_| !before.contains("//"));
	}
	let attribute = line.trim_start().strip_prefix("#[")?;
	if !attribute.starts_with("path") && !attribute.starts_with("cfg_attr") {
		return None;
	}
	attribute.split_once("path = \"")?.1.split('"').next()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn files_of_other_crates_are_found() {
		let own = "#[path = \"../examples/b.rs\"]\nmod b;\n// #[path = \"../../b/src/lib.rs\"]\n";
		let other = "mod a;\n#[path = \"../../b/src/c.rs\"]\nmod c;\n";
		let included = "include!(\"../../b/src/c.rs\");\n// include!(\"../../b/src/c.rs\");\n";
		let inner = "#[cfg_attr(test, path = \"../../src/lib.rs\")]\nmod outer;\n";
		let sources = Sources::of(&[
			("a/Cargo.toml", ""),
			("a/src/lib.rs", other),
			("a/tests/a.rs", own),
			("a/examples/b.rs", ""),
			// A crate within a crate's folder is another.
			("a/inner/Cargo.toml", ""),
			("a/inner/src/lib.rs", inner),
			("a/src/d.rs", included),
			("b/Cargo.toml", ""),
			("b/src/c.rs", ""),
		]);
		let found = check(&sources);
		let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
		assert_eq!(places, ["a/inner/src/lib.rs:1", "a/src/d.rs:1", "a/src/lib.rs:2"]);
	}
}
