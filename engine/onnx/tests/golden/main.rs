//! Every model gives the roots in `roots.txt`, whatever the machine does.
//!
//! `roots.txt` has one line per case: its name, then the roots of program, weights, output and
//! trace. An output root never moves without a new numerics version; the others change a model's identity
//! and must be meant: `ASSAY_GOLDEN=write` writes the lines of the cases that were run, and the commit says why.
//!
//! Environment: `ASSAY_MODELS` names the folder of fetched models; without it only the model in the
//! repository is checked. `ASSAY_MACHINE` is what the lines on standard error call this machine.
//! `ASSAY_THREADS`, as `1,3`, replaces the numbers of threads, for machines that are emulated.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod cases;
mod environment;

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_executor::{Bundle, Isa, Options, Session};
use assay_onnx::Compiled;
use assay_referee::{tree, Root};
use assay_testing::onnx::models::MODELS;

use cases::CASES;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/roots.txt");

/// Rows of the larger batch.
const BATCH: u32 = 8;

fn hex(root: &Root) -> String {
	root.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn machine() -> String {
	std::env::var("ASSAY_MACHINE").unwrap_or_else(|_| std::env::consts::ARCH.into())
}

fn threads() -> Vec<usize> {
	match std::env::var("ASSAY_THREADS") {
		Ok(list) => list.split(',').map(|n| n.parse().unwrap()).collect(),
		Err(_) => vec![1, 2, 3, 7],
	}
}

fn session(bundle: &Arc<Bundle>, options: &Options) -> Session {
	Session::new(bundle.clone(), *options)
}

/// Runs a case in every way this machine has; gives its line of `roots.txt` without the name.
fn roots(name: &str, compiled: &Compiled, input: &[u8], golden: Option<&String>) -> String {
	let bundle = Arc::new(compiled.bundle().unwrap());
	let manifest = bundle.manifest();
	let mut first: Option<(Root, Root)> = None;
	let mut line = String::new();
	for isa in Isa::available() {
		for threads in threads() {
			let options = Options { threads, isa: Some(isa) };
			let session = session(&bundle, &options);
			assert_eq!(session.config().isa(), isa);
			let output = tree::hash(&session.run(input).unwrap());
			let trace = session.trace(input, None).unwrap();
			assert_eq!(trace.output_root(), output, "{name}: traced, {options:?}");
			let found = (output, trace.root());
			assert_eq!(found, *first.get_or_insert(found), "{name}: {options:?}");
		}
		let (output, trace) = first.unwrap();
		let roots = [manifest.program_root, manifest.weights_root, output, trace];
		line = roots.each_ref().map(hex).join(" ");
		let (machine, result) = (machine(), if golden == Some(&line) { "ok" } else { "WRONG" });
		eprintln!("{machine:14} {:7} {name:10} {result}  output root {}", isa.name(), hex(&output));
	}
	line
}

/// Program, weights, output and trace, for every instruction set and number of threads, traced and
/// untraced.
#[test]
fn golden_roots() {
	let text = std::fs::read_to_string(FILE).unwrap_or_default();
	let lines = text.lines().filter_map(|line| line.split_once(' '));
	let mut golden: BTreeMap<&str, String> =
		lines.map(|(name, roots)| (name, roots.to_owned())).collect();
	let mut found = Vec::new();
	for case in &CASES {
		let Some(compiled) = case.compile() else { continue };
		let input = case.input(&compiled);
		found.push((case.name, roots(case.name, &compiled, &input, golden.get(case.name))));
	}
	assert!(found.iter().any(|(name, _)| *name == "digits"));
	if std::env::var("ASSAY_GOLDEN").as_deref() == Ok("write") {
		golden.extend(found);
		let lines: String =
			golden.iter().map(|(name, roots)| format!("{name} {roots}\n")).collect();
		std::fs::write(FILE, lines).unwrap();
		return;
	}
	for (name, roots) in &found {
		assert_eq!(golden.get(name), Some(roots), "{name}: program, weights, output, trace");
	}
}

/// A row gives the same bits alone and in a batch of eight.
#[test]
fn rows_of_a_batch() {
	for model in &MODELS {
		let Some(file) = model.read() else { continue };
		let (one, many) = (model.compile(&file, 1), model.compile(&file, BATCH));
		let (alone, together) = (one.bundle().unwrap().into(), many.bundle().unwrap().into());
		let unpack = |compiled: &Compiled, session: &Session, first: u64| {
			let output = session.run(&model.input(compiled, first)).unwrap();
			compiled.manifest.unpack_outputs(&output).unwrap()
		};
		for (isa, threads) in Isa::available().into_iter().zip([1, 2, 3].into_iter().cycle()) {
			let options = Options { threads, isa: Some(isa) };
			let (alone, together) = (session(&alone, &options), session(&together, &options));
			let batch = unpack(&many, &together, 0);
			for row in 0..BATCH as usize {
				for (all, own) in batch.iter().zip(unpack(&one, &alone, row as u64)) {
					assert_eq!((all.shape[0], own.shape[0]), (BATCH, 1), "{}", model.name);
					let part = all.bytes.chunks_exact(own.bytes.len()).nth(row).unwrap();
					assert!(part == own.bytes, "{} {} row {row} {isa}", model.name, own.name);
				}
			}
		}
	}
}

/// What ran before, in this session or another, makes no difference.
#[test]
fn order_of_runs() {
	for model in &MODELS {
		let Some(file) = model.read() else { continue };
		let compiled = model.compile(&file, 1);
		let bundle = compiled.bundle().unwrap().into();
		let inputs: Vec<Vec<u8>> = (0..3).map(|row| model.input(&compiled, row)).collect();
		let options = Options { threads: 2, isa: None };
		let fresh: Vec<Vec<u8>> =
			inputs.iter().map(|input| session(&bundle, &options).run(input).unwrap()).collect();
		assert!(fresh[0] != fresh[1] && fresh[1] != fresh[2], "{}", model.name);
		let (one, two) = (session(&bundle, &options), session(&bundle, &options));
		for order in [[0, 1, 2], [2, 1, 0], [1, 1, 0]] {
			for i in order {
				assert!(one.run(&inputs[i]).unwrap() == fresh[i], "{} {order:?}", model.name);
				let trace = two.trace(&inputs[i], None).unwrap();
				assert!(trace.output() == fresh[i], "{} {order:?} traced", model.name);
			}
		}
	}
}
