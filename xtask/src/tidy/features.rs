//! One set of features for the network and for its tests: development dependencies that turn on a feature
//! of what the node links have half of it compiled a second time.

use super::Finding;
use crate::programs::cargo_output;
use anyhow::{ensure, Result};
use std::{
	collections::{BTreeMap, BTreeSet},
	path::Path,
};

/// Packages with more features in tests than without.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
	let (without, with) = (features(root, "no-dev")?, features(root, "normal,build,dev")?);
	Ok(differences(&without, &with))
}

/// The features of each package, as often as it is compiled differently.
type Features = BTreeMap<String, BTreeSet<String>>;

fn differences(without: &Features, with: &Features) -> Vec<Finding> {
	let both =
		without.iter().filter_map(|(package, sets)| Some((package, sets, with.get(package)?)));
	let differ = both.filter(|(_, without, with)| !without.is_subset(with));
	let finding = |(package, without, with): (&String, &BTreeSet<String>, &BTreeSet<String>)| {
		let message = format!(
			"has features [{}] for binaries and [{}] for tests; name what is missing in tests/Cargo.toml",
			Vec::from_iter(without.iter().map(String::as_str)).join("; "),
			Vec::from_iter(with.iter().map(String::as_str)).join("; "),
		);
		Finding::of(package.as_str(), message)
	};
	differ.map(finding).collect()
}

fn features(root: &Path, edges: &str) -> Result<Features> {
	let options = ["--locked", "--workspace", "--prefix", "none", "--format", "{p}|{f}"];
	let output = cargo_output(root, &[&["tree", "--edges", edges], &options[..]].concat())?;
	let mut found = Features::new();
	for line in output.lines() {
		if let Some((package, features)) = line.trim_end_matches(" (*)").split_once('|') {
			found.entry(package.to_string()).or_default().insert(features.to_string());
		}
	}
	ensure!(found.len() > 100, "cargo tree lists too little");
	Ok(found)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn features_of_tests_alone_are_found() {
		let of = |sets: &[(&str, &str)]| {
			let mut found = Features::new();
			for (package, features) in sets {
				found.entry(package.to_string()).or_default().insert(features.to_string());
			}
			found
		};
		let without = of(&[("a v1", "std"), ("b v1", ""), ("c v1", "x")]);
		// Of a package that tests compile in two ways, one may be what binaries link.
		let with = of(&[
			("a v1", "derive,std"),
			("b v1", ""),
			("c v1", "x"),
			("c v1", "x,y"),
			("d v1", ""),
		]);
		let found = differences(&without, &with);
		assert_eq!(found.iter().map(|found| found.place.as_str()).collect::<Vec<_>>(), ["a v1"]);
	}
}
