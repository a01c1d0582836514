//! The dependencies of the workspace point one way, and nothing that decides uses floats.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use serde_json::Value;
use std::{
	collections::{BTreeMap, BTreeSet},
	path::{Path, PathBuf},
	process::Command,
};

fn root() -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Normal and build dependencies of each workspace crate on other workspace crates.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
	let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
	let output = Command::new(cargo)
		.args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
		.current_dir(root())
		.output()
		.unwrap();
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
	let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
	let packages = metadata["packages"].as_array().unwrap();
	let name = |package: &Value| package["name"].as_str().unwrap().to_string();
	let members: BTreeSet<String> = packages.iter().map(name).collect();
	let needs = |package: &Value| {
		let all = package["dependencies"].as_array().unwrap().iter();
		// Test dependencies may point anywhere.
		let real = all.filter(|dependency| dependency["kind"] != "dev");
		real.map(name).filter(|dependency| members.contains(dependency)).collect()
	};
	packages.iter().map(|package| (name(package), needs(package))).collect()
}

/// Everything that `from` depends on, through others too.
fn reach(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
	let mut found = BTreeSet::new();
	let mut todo = vec![from.to_string()];
	while let Some(next) = todo.pop() {
		for dependency in arrows.get(&next).into_iter().flatten() {
			if found.insert(dependency.clone()) {
				todo.push(dependency.clone());
			}
		}
	}
	found
}

const ENGINE: [&str; 4] = ["assay-kernels", "assay-executor", "assay-onnx", "assay-host"];
const PALLETS: [&str; 4] =
	["pallet-models", "pallet-operators", "pallet-jobs", "pallet-challenges"];

fn never(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &[&str]) {
	assert!(arrows.contains_key(from), "{from} is no crate of the workspace");
	let reached = reach(arrows, from);
	for to in to {
		assert!(!reached.contains(*to), "{from} must not depend on {to}");
	}
}

#[test]
fn dependencies_point_one_way() {
	let arrows = arrows();
	assert_eq!(arrows["assay-referee"], BTreeSet::new(), "the referee depends on nobody");
	let chain = [&PALLETS[..], &["assay-primitives", "assay-runtime", "assay-node"]].concat();
	for engine in ENGINE {
		never(&arrows, engine, &chain);
	}
	never(&arrows, "assay-host", &["assay-kernels", "assay-executor", "assay-onnx"]);
	never(&arrows, "assay-primitives", &[&ENGINE[..], &PALLETS, &["assay-runtime"]].concat());
	for pallet in PALLETS {
		let others: Vec<&str> = PALLETS.into_iter().filter(|other| *other != pallet).collect();
		never(&arrows, pallet, &others);
		never(&arrows, pallet, &["assay-kernels", "assay-executor", "assay-onnx", "assay-node"]);
	}
	for pallet in ["pallet-models", "pallet-operators"] {
		never(&arrows, pallet, &["assay-host"]);
	}
	never(&arrows, "assay-runtime", &["assay-executor", "assay-onnx", "assay-node"]);
	never(&arrows, "assay-client", &[&chain[..], &["assay-host"]].concat());
	// The drills play operators and watchers on the runtime itself: they link both sides.
	never(&arrows, "assay-drills", &["assay-node", "assay-client", "assay-tests"]);
	for (from, to) in &arrows {
		for tests in ["assay-tests", "assay-drills"] {
			assert!(!to.contains(tests), "{from} must not depend on the tests");
		}
		let links_node = to.contains("assay-node");
		assert!(!links_node, "{from} must not depend on the node");
	}
}

/// Sources of a crate without its tests, mocks, benches, examples and fuzz targets.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
	for entry in std::fs::read_dir(folder).unwrap() {
		let path = entry.unwrap().path();
		let name = path.file_name().unwrap().to_string_lossy().into_owned();
		let test =
			["tests", "tests.rs", "testing.rs", "mock.rs", "benches", "examples", "fuzz", "target"];
		if test.contains(&name.as_str()) {
			continue;
		}
		if path.is_dir() {
			sources(&path, out);
		} else if name.ends_with(".rs") {
			out.push(path);
		}
	}
}

/// The line without comments and string literals, roughly: enough to find a type.
fn code(line: &str) -> String {
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

fn names_a_float(line: &str) -> bool {
	let code = code(line);
	let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
	words.into_iter().any(|word| {
		let literal = word.starts_with(|c: char| c.is_ascii_digit())
			&& !word.starts_with("0x")
			&& (word.ends_with("f32") || word.ends_with("f64"));
		word == "f32" || word == "f64" || literal
	})
}

#[test]
fn what_decides_uses_no_floats() {
	let mut files = Vec::new();
	for folder in ["referee", "primitives", "pallets", "runtime"] {
		sources(&root().join(folder), &mut files);
	}
	assert!(files.len() > 20, "the sources were not found");
	let mut found = Vec::new();
	for file in files {
		let text = std::fs::read_to_string(&file).unwrap();
		// Tests beside the code are its last item.
		let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
		for (number, line) in text.lines().enumerate() {
			if names_a_float(line) {
				found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
			}
		}
	}
	assert!(found.is_empty(), "floats where the chain decides:\n{}", found.join("\n"));
}

#[test]
fn floats_are_recognised() {
	for line in ["fn f(x: f32) {}", "let x = 1f64;", "x as f32", "Vec<f64>"] {
		assert!(names_a_float(line), "{line}");
	}
	for line in ["// an f32", "\"f32\"", "F32", "f32_to_bits", "0x1f32", "widen_f32(x)"] {
		assert!(!names_a_float(line), "{line}");
	}
}
