//! Golden roots of real models: what they compile to and what they compute, the same everywhere.
//!
//! `golden.txt` has one line per case: its name, then the roots of program, weights, output and
//! trace. The digits network is always checked, the others where `ASSAY_MODELS` names the folder
//! that `scripts/setup` fetches models into. A changed root changes a model's identity, or its
//! results, and must be meant: `ASSAY_GOLDEN=write` writes the lines of the cases that were run.

#![allow(clippy::unwrap_used)]

mod cases;

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_executor::{Options, Session};
use cases::{Case, CASES};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/golden.txt");

fn hex(root: &[u8; 32]) -> String {
	root.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The roots of a case, after checking that threads and tracing change nothing.
fn roots(case: &Case) -> Option<String> {
	let compiled = case.compile()?;
	let input = case.input(&compiled);
	let bundle = Arc::new(compiled.bundle().unwrap());
	let session = |threads| Session::new(bundle.clone(), Options { threads, isa: None }).unwrap();
	let output = session(1).run(&input).unwrap();
	assert_eq!(session(2).run(&input).unwrap(), output, "{}: two threads", case.name);
	let trace = session(2).trace(&input, None).unwrap();
	assert_eq!(trace.output(), output, "{}: traced", case.name);
	let manifest = bundle.manifest();
	let roots =
		[manifest.program_root, manifest.weights_root, Session::output_root(&output), trace.root()];
	Some(roots.each_ref().map(hex).join(" "))
}

#[test]
fn golden_roots() {
	let text = std::fs::read_to_string(FILE).unwrap_or_default();
	let mut golden: BTreeMap<&str, String> = text
		.lines()
		.filter_map(|line| line.split_once(' '))
		.map(|(name, roots)| (name, roots.to_owned()))
		.collect();
	let found: Vec<(&str, String)> =
		CASES.iter().filter_map(|case| Some((case.name, roots(case)?))).collect();
	if std::env::var("ASSAY_GOLDEN").as_deref() == Ok("write") {
		golden.extend(found);
		let lines: String =
			golden.iter().map(|(name, roots)| format!("{name} {roots}\n")).collect();
		std::fs::write(FILE, lines).unwrap();
		return;
	}
	assert!(found.iter().any(|(name, _)| *name == "digits"));
	for (name, roots) in &found {
		assert_eq!(golden.get(name), Some(roots), "{name}: program, weights, output, trace");
	}
}
