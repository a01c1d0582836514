//! Crates depend on what is below them, and never on what is beside or above.

use super::{metadata::Metadata, Finding};
use std::collections::{BTreeMap, BTreeSet};

const ENGINE: [&str; 4] = ["assay-kernels", "assay-executor", "assay-onnx", "assay-host"];
const PALLETS: [&str; 4] =
	["pallet-models", "pallet-operators", "pallet-jobs", "pallet-challenges"];

type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Crates that depend on what they must not.
pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
	let arrows = metadata.arrows();
	let mut found = Vec::new();
	for (from, forbidden) in rules() {
		if !arrows.contains_key(from) {
			found.push(Finding::of(from, "is no crate of the workspace; mend xtask's arrows"));
		}
		let reached = reach(&arrows, from);
		for to in forbidden.into_iter().filter(|to| *to != from && reached.contains(to)) {
			found.push(Finding::of(from, format!("must not depend on {to}")));
		}
	}
	if arrows.get("assay-referee").is_none_or(|needs| !needs.is_empty()) {
		found.push(Finding::of("assay-referee", "depends on nobody"));
	}
	for (from, needs) in &arrows {
		for to in ["assay-testing", "assay-tests", "assay-drills", "assay-node", "xtask"] {
			if needs.contains(to) {
				let message = format!("must not depend on {to}: nothing does, tests apart");
				found.push(Finding::of(*from, message));
			}
		}
	}
	found
}

/// What each crate must not reach.
fn rules() -> Vec<(&'static str, Vec<&'static str>)> {
	let chain = [&PALLETS[..], &["assay-primitives", "assay-runtime", "assay-node"]].concat();
	let engine = ["assay-kernels", "assay-executor", "assay-onnx"];
	let mut rules: Vec<_> = ENGINE.into_iter().map(|from| (from, chain.clone())).collect();
	rules.push(("assay-host", engine.to_vec()));
	rules.push(("assay-primitives", [&ENGINE[..], &PALLETS, &["assay-runtime"]].concat()));
	for pallet in PALLETS {
		// Pallets meet through traits in the primitives.
		rules.push((pallet, PALLETS.to_vec()));
		rules.push((pallet, [&engine[..], &["assay-node"]].concat()));
	}
	rules.push(("pallet-models", vec!["assay-host"]));
	rules.push(("pallet-operators", vec!["assay-host"]));
	rules.push(("assay-runtime", vec!["assay-executor", "assay-onnx", "assay-node"]));
	rules.push(("assay-client", [&chain[..], &["assay-host"]].concat()));
	// What tests share, those of the referee too, knows the engine and no chain.
	rules.push(("assay-testing", [&chain[..], &["assay-host", "assay-client"]].concat()));
	// The drills play operators and watchers on the runtime itself: they link both sides.
	rules.push(("assay-drills", vec!["assay-node", "assay-client", "assay-tests"]));
	rules
}

/// Everything that `from` depends on, through others too.
fn reach<'a>(arrows: &Arrows<'a>, from: &str) -> BTreeSet<&'a str> {
	let mut found = BTreeSet::new();
	let mut todo: Vec<&str> = vec![from];
	while let Some(next) = todo.pop() {
		for dependency in arrows.get(next).into_iter().flatten() {
			if found.insert(*dependency) {
				todo.push(dependency);
			}
		}
	}
	found
}

#[cfg(test)]
mod tests {
	use super::{super::metadata::Package, *};

	/// Every crate of the rules, and what some need.
	fn workspace(needs: &[(&str, &str)]) -> Metadata {
		let mut names: BTreeSet<&str> = rules().iter().map(|(from, _)| *from).collect();
		names.extend(["assay-referee", "assay-node", "assay-tests"]);
		let package = |name: &str| Package {
			name: name.to_string(),
			ours: true,
			needs: needs
				.iter()
				.filter(|(from, _)| *from == name)
				.map(|(_, to)| to.to_string())
				.collect(),
			..Package::default()
		};
		Metadata { packages: names.into_iter().map(package).collect() }
	}

	#[test]
	fn arrows_that_point_down_are_fine() {
		let fine = [("assay-node", "assay-runtime"), ("assay-runtime", "pallet-jobs")];
		assert_eq!(check(&workspace(&fine)), []);
	}

	#[test]
	fn arrows_that_do_not_are_found() {
		for wrong in [
			("assay-referee", "assay-primitives"),
			("assay-executor", "assay-primitives"),
			("pallet-jobs", "pallet-models"),
			("assay-client", "assay-runtime"),
			("assay-runtime", "assay-node"),
			("assay-executor", "assay-testing"),
			("assay-testing", "assay-primitives"),
		] {
			assert!(!check(&workspace(&[wrong])).is_empty(), "{wrong:?}");
		}
		let around = [("assay-client", "assay-drills"), ("assay-drills", "assay-runtime")];
		assert!(!check(&workspace(&around)).is_empty());
	}
}
