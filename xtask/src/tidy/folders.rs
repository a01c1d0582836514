//! Folders that can be overlooked, and one way to lay out modules and imports.

use super::{sources::Sources, Finding};
use std::collections::BTreeMap;

/// Most Rust files in a folder of sources.
const MOST: usize = 16;

/// Folders that are too wide, modules beside their folder, and imports in several statements.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	let mut folders = BTreeMap::<&str, usize>::new();
	let mut found = Vec::new();
	for (file, text) in sources.ending(".rs") {
		let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
		*folders.entry(folder).or_default() += 1;
		let beside = file.trim_end_matches(".rs");
		// What stands at the root of a crate has its modules beside it.
		let is_root = ["lib.rs", "main.rs"].contains(&name) || !file.contains("/src/");
		if !is_root && sources.has(&format!("{beside}/")) {
			found.push(Finding::of(file, format!("belongs into its folder, as {beside}/mod.rs")));
		}
		let imports = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("use crate::"));
		if let Some((number, _)) = imports.clone().nth(1) {
			found.push(Finding::at(file, number, "a second `use crate::`; nest both into one"));
		}
	}
	for (folder, files) in folders {
		if files > MOST && folder.contains("src") {
			found.push(Finding::of(
				folder,
				format!("{files} files, the most is {MOST}: make rooms"),
			));
		}
	}
	found
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn layouts_that_are_not_ours_are_found() {
		let files: Vec<String> = (0..=MOST).map(|i| format!("a/src/wide/f{i}.rs")).collect();
		let mut all: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), "")).collect();
		all.push(("a/src/lib.rs", "use crate::b;\n\tuse crate::c;\n"));
		all.push(("a/src/b.rs", "use crate::c;\nuse std::fmt;\nuse crate::d;\n"));
		all.push(("a/src/b/c.rs", ""));
		all.push(("a/tests/main.rs", ""));
		let found = check(&Sources::of(&all));
		let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
		assert_eq!(places, ["a/src/b.rs", "a/src/b.rs:3", "a/src/wide"]);
	}
}
