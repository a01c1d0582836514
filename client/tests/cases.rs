//! Small models of the kinds that users of other engines report, and hostile files: `assay model compile` and
//! `assay model run` as people call them.
//!
//! A folder of `tests/cases` has `model.onnx`, `in.npz`, `expected.npz` where there is a right answer (onnxruntime's
//! without optimizations, or the specification's where the two differ), and `case.json` with arguments and a
//! tolerance. `tests/cases/verdicts.txt` says how each ends: a model is right, or it is refused; where a result differs
//! from the answer, the list says why that is meant. A verdict changes together with what changes it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use assay_client::npz::{Array, Npz};
use assay_executor::ElementType;
use assay_referee::DType;
use std::{
	collections::BTreeMap,
	fmt::Write as _,
	path::{Path, PathBuf},
	process::{Command, Stdio},
	time::{Duration, Instant},
};

/// Longest that one command may take; the slowest takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(serde::Deserialize)]
struct Case {
	args: Vec<String>,
	tol: f64,
}

/// How a command ended: its exit code and what it said, or nothing when it did not end by itself.
fn assay(arguments: &[&str]) -> Option<(i32, String)> {
	let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
		.args(arguments)
		.stdout(Stdio::null())
		.stderr(Stdio::piped())
		.spawn()
		.unwrap();
	let start = Instant::now();
	while child.try_wait().unwrap().is_none() {
		if start.elapsed() > PATIENCE {
			child.kill().unwrap();
			return None;
		}
		std::thread::sleep(Duration::from_millis(5));
	}
	let output = child.wait_with_output().unwrap();
	let said = String::from_utf8_lossy(&output.stderr).into_owned();
	// A panic, or a signal, is no refusal.
	let code = output.status.code().filter(|code| *code != 101);
	code.map(|code| (code, said))
}

/// The elements as numbers; those of a type that no model has are not looked at.
fn numbers(array: &Array) -> Vec<f64> {
	let elements = array.shape.iter().map(|&dim| u64::from(dim)).product();
	let bytes = array.element.decode(&array.bytes, elements);
	let Ok(bytes) = bytes else { return Vec::new() };
	let size = array.element.computed().size() as usize;
	let number = |b: &[u8]| match array.element.computed() {
		DType::F32 => f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
		DType::I32 => f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
		DType::I64 => i64::from_le_bytes(*b.first_chunk().unwrap()) as f64,
		DType::I8 => f64::from(b[0] as i8),
		DType::U8 | DType::Bool => f64::from(b[0]),
	};
	bytes.chunks_exact(size).map(number).collect()
}

fn arrays(path: &Path) -> BTreeMap<String, Array> {
	let arrays = Npz::open(path).unwrap().read(1 << 26).unwrap();
	arrays.into_iter().map(|array| (array.name.clone(), array)).collect()
}

/// What differs between what was computed and what is right.
fn difference(found: &Path, expected: &Path, tolerance: f64) -> Option<String> {
	let (found, expected) = (arrays(found), arrays(expected));
	for (name, right) in &expected {
		let Some(array) = found.get(name) else { return Some(format!("no output `{name}`")) };
		if array.shape != right.shape {
			return Some(format!("{name}: {:?} for {:?}", array.shape, right.shape));
		}
		for (x, y) in numbers(array).into_iter().zip(numbers(right)) {
			let close = x == y || (x.is_nan() && y.is_nan());
			if !close && ((x - y).abs() > tolerance + tolerance * y.abs() || x.is_nan()) {
				return Some(format!("{name}: {x} for {y}"));
			}
		}
	}
	None
}

/// How a case ends, in a word, and the reason.
fn verdict(folder: &Path, scratch: &Path) -> (&'static str, String) {
	let case: Case =
		serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
	let path = |file: &str| folder.join(file).to_str().unwrap().to_owned();
	let bundle = scratch.join("bundle").to_str().unwrap().to_owned();
	let (model, input) = (path("model.onnx"), path("in.npz"));
	let mut arguments = vec!["model", "compile", &model, "--output", &bundle];
	arguments.extend(case.args.iter().map(String::as_str));
	match assay(&arguments) {
		None => return ("crashed", "model compile".into()),
		Some((0, _)) => {},
		Some((_, said)) => return ("refused", said),
	}
	if !folder.join("in.npz").exists() {
		return ("compiled", String::new());
	}
	let result = scratch.join("out.npz");
	let run = ["model", "run", &bundle, "--input", &input, "--output", result.to_str().unwrap()];
	match assay(&run) {
		None => return ("crashed", "model run".into()),
		Some((0, _)) => {},
		Some((_, said)) => return ("input-refused", said),
	}
	let expected = folder.join("expected.npz");
	if !expected.exists() {
		return ("ran", String::new());
	}
	match difference(&result, &expected, case.tol) {
		Some(difference) => ("differs", difference),
		None => ("right", String::new()),
	}
}

#[test]
fn every_case_ends_as_it_should() {
	let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
	let mut folders: Vec<PathBuf> = std::fs::read_dir(&cases)
		.unwrap()
		.map(|entry| entry.unwrap().path())
		.filter(|path| path.join("case.json").exists())
		.collect();
	folders.sort();
	assert!(folders.len() > 200, "{} cases", folders.len());
	let list = cases.join("verdicts.txt");
	let known = std::fs::read_to_string(&list).unwrap_or_default();
	let known: BTreeMap<&str, &str> = known.lines().filter_map(|l| l.split_once(' ')).collect();
	let (mut text, mut changed) = (String::new(), Vec::new());
	for folder in &folders {
		let name = folder.file_name().unwrap().to_str().unwrap();
		let scratch = tempfile::tempdir().unwrap();
		let (word, reason) = verdict(folder, scratch.path());
		// What differs from the answer needs a reason in the list, and nothing may crash.
		let before = known.get(name).copied().unwrap_or_default();
		let same = match word {
			"crashed" => false,
			"differs" => before.strip_prefix("differs: ").is_some_and(|why| !why.is_empty()),
			word => before == word,
		};
		if !same {
			changed.push(format!("{name} {word}: {}", reason.trim()));
		}
		writeln!(text, "{name} {}", if same { before } else { word }).unwrap();
	}
	if std::env::var_os("ASSAY_WRITE_VERDICTS").is_some() {
		std::fs::write(&list, text).unwrap();
	}
	assert!(
		changed.is_empty(),
		"not as in tests/cases/verdicts.txt (ASSAY_WRITE_VERDICTS=1 writes it):\n{}",
		changed.join("\n")
	);
	assert_eq!(known.len(), folders.len(), "verdicts of cases that are not there");
}

/// Some arrays have types that no model computes in, which are numbers all the same.
#[test]
fn numbers_of_every_type() {
	let half = Array {
		name: "x".into(),
		element: ElementType::from_name("f16").unwrap(),
		shape: vec![1],
		bytes: vec![0, 0x3c],
	};
	assert_eq!(numbers(&half), [1.0]);
}
