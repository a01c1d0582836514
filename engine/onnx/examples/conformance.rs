//! Counts how many of the `onnx` package's node tests compile and give the expected values.
//!
//! Usage: `conformance DIR [--check FILE] [--write FILE]`, where DIR is
//! `onnx/backend/test/data/node` of the Python package `onnx`. Prints every test that is not passed
//! with the reason, then the counts.
//!
//! FILE has one name of a test per line. `--check` fails if a listed test does not pass, and names
//! those that pass without being listed; `--write` writes the names of all that pass. Exits with 1
//! when a check fails or a test gives wrong values.
//!
//! The tests feed everything as inputs, also what real models have as constants: axes, sizes,
//! shapes. A test passes in the first of these forms that gives the expected values: as it is; with
//! all inputs but the first as constants; and, where the first input decides a shape (a scalar or a
//! list of `int64` of a model that is refused for that), with that one as a constant too. Shapes of
//! inputs that the test leaves open are those of its data.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_executor::{ElementError, ElementType, NamedTensor, Options, OutputTensor, Session};
use assay_onnx::{compile, read_tensor, CompileError, CompileOptions, ErrorKind, TensorFile};
use assay_referee::{DType, FloatFormat};
use rten_onnx::onnx::{GraphProto, ModelProto};

/// How one test ended.
enum Verdict {
	Passed,
	Refused(ErrorKind, String),
	Wrong(String),
	/// Other values than the package's, which contradict the operator's specification.
	Defect(&'static str),
	Skipped(String),
}

/// Why a version of onnx has wrong values, or values that nothing prescribes, for a test, where it has.
fn defect(test: &str) -> Option<&'static str> {
	let attention = ["test_attention_3d", "test_attention_4d_gqa"];
	if attention.iter().any(|name| test.starts_with(name)) && !test.ends_with("_expanded") {
		// onnx issue 7118 and pull request 7274; the tests of later versions pass.
		return Some("onnx 1.18 splits and shares heads in a way that was corrected later");
	}
	let matrix = "test_attention_4d_with_";
	if test.starts_with(matrix)
		&& (test.contains("qk_matmul_bias") || test.contains("qk_matmul_softcap"))
	{
		return Some("onnx 1.18 has the modes of scores that were corrected later");
	}
	if test.starts_with("test_cast") && (test.contains("to_INT4") || test.contains("to_UINT4")) {
		return Some(
			"from floats to whole numbers that do not have the value the result is undefined",
		);
	}
	if test.starts_with("test_cast") && test.contains("to_FLOAT4E2M1") {
		return Some("no rule says what NaN becomes in a type that has none");
	}
	if test.contains("_FLOAT_to_BFLOAT16") {
		return Some("onnx 1.18 cuts bfloat16 off where the specification rounds to nearest");
	}
	if test.starts_with("test_qlinearmatmul") && test.contains("_int8_") {
		return Some("the package's values wrap where the specification saturates");
	}
	if test == "test_adam_multiple" {
		return Some("leaves out epsilon (1e-6 by default), its values need 1e-2");
	}
	None
}

const USAGE: &str = "usage: conformance DIR [--check FILE] [--write FILE] [--tolerance NUMBER]";

/// The arguments.
#[derive(Default)]
struct Arguments {
	folder: PathBuf,
	check: Option<PathBuf>,
	write: Option<PathBuf>,
	tolerance: Option<f32>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
	let mut found = Arguments::default();
	let mut rest = std::env::args().skip(1);
	while let Some(argument) = rest.next() {
		match argument.as_str() {
			"--check" => found.check = Some(rest.next().ok_or(USAGE)?.into()),
			"--write" => found.write = Some(rest.next().ok_or(USAGE)?.into()),
			"--tolerance" => found.tolerance = Some(rest.next().ok_or(USAGE)?.parse()?),
			folder if found.folder.as_os_str().is_empty() => found.folder = folder.into(),
			_ => return Err(USAGE.into()),
		}
	}
	if found.folder.as_os_str().is_empty() {
		Err(USAGE.into())
	} else {
		Ok(found)
	}
}

fn main() -> Result<(), Box<dyn Error>> {
	let arguments = arguments()?;
	let mut tests: Vec<PathBuf> = std::fs::read_dir(&arguments.folder)?
		.map(|entry| Ok(entry?.path()))
		.collect::<std::io::Result<_>>()?;
	tests.sort();
	let (mut counts, mut refusals) = (BTreeMap::new(), BTreeMap::new());
	let mut passed = BTreeSet::new();
	for test in &tests {
		let name = test.file_name().unwrap_or_default().to_string_lossy().into_owned();
		let verdict = run(test, arguments.tolerance)
			.unwrap_or_else(|error| Verdict::Skipped(error.to_string()));
		let verdict = match (verdict, defect(&name)) {
			(Verdict::Wrong(_), Some(reason)) => Verdict::Defect(reason),
			(other, _) => other,
		};
		let word = match verdict {
			Verdict::Passed => {
				passed.insert(name);
				"passed"
			},
			Verdict::Refused(kind, reason) => {
				println!("{name}: refused ({kind:?}): {reason}");
				*refusals.entry(format!("{kind:?}")).or_insert(0) += 1;
				"refused"
			},
			Verdict::Wrong(reason) => {
				println!("{name}: WRONG: {reason}");
				"wrong"
			},
			Verdict::Defect(reason) => {
				println!("{name}: defect of the test: {reason}");
				"defect"
			},
			Verdict::Skipped(reason) => {
				println!("{name}: skipped: {reason}");
				"skipped"
			},
		};
		*counts.entry(word).or_insert(0) += 1;
	}
	println!("{} tests: {counts:?}; refused for: {refusals:?}", tests.len());
	let mut fine = !counts.contains_key("wrong");
	if let Some(file) = &arguments.check {
		fine &= check(file, &passed)?;
	}
	if let Some(file) = &arguments.write {
		let lines: String = passed.iter().map(|name| format!("{name}\n")).collect();
		std::fs::write(file, lines)?;
	}
	if !fine {
		std::process::exit(1);
	}
	Ok(())
}

/// Whether every test that the file lists is among those that passed.
fn check(file: &Path, passed: &BTreeSet<String>) -> Result<bool, Box<dyn Error>> {
	let listed: BTreeSet<String> =
		std::fs::read_to_string(file)?.lines().map(str::to_owned).collect();
	let lost: Vec<&String> = listed.difference(passed).collect();
	let new: Vec<&String> = passed.difference(&listed).collect();
	println!("{} of {} listed tests pass", listed.len() - lost.len(), listed.len());
	if !new.is_empty() {
		println!("pass but are not listed (--write {}): {new:?}", file.display());
	}
	if !lost.is_empty() {
		println!("NO LONGER PASS: {lost:?}");
	}
	Ok(lost.is_empty() && !listed.is_empty())
}

/// The files of one kind, `input_0.pb` and so on.
fn files(folder: &Path, kind: &str) -> std::io::Result<Vec<Vec<u8>>> {
	let mut found = Vec::new();
	loop {
		let path = folder.join(format!("{kind}_{}.pb", found.len()));
		if !path.exists() {
			return Ok(found);
		}
		found.push(std::fs::read(path)?);
	}
}

fn tensors(files: &[Vec<u8>]) -> Result<Vec<TensorFile>, CompileError> {
	files.iter().map(|file| read_tensor(file)).collect()
}

/// How far a result may be from what is expected.
#[derive(Clone, Copy)]
struct Tolerance {
	/// Relative to the largest value, as the caller gave it.
	given: Option<f32>,
	/// Whether the test is of one cast.
	is_cast: bool,
}

/// A test's model with its data.
struct Case {
	model: Vec<u8>,
	/// Names of the model's inputs.
	names: Vec<String>,
	/// Files of their values.
	files: Vec<Vec<u8>>,
	inputs: Vec<TensorFile>,
	outputs: Vec<TensorFile>,
	tolerance: Tolerance,
}

impl Case {
	/// The model with the inputs from `first` on as constants.
	///
	/// The tests feed axes and shapes as inputs; real models have them as constants.
	fn bound(&self, first: usize) -> Result<Vec<u8>, Box<dyn Error>> {
		let weights: Vec<_> = self.names.iter().zip(&self.files).skip(first).collect();
		with_weights(&self.model, &weights)
	}

	/// Whether the first input looks like a size or a shape.
	fn starts_with_shape(&self) -> bool {
		self.inputs.first().is_some_and(|tensor| match tensor.shape.len() {
			0 => true,
			1 => tensor.element == ElementType::from(DType::I64),
			_ => false,
		})
	}

	/// Compiles `model`, which takes the first `count` inputs, and compares.
	fn attempt(&self, model: &[u8], count: usize) -> Result<Verdict, Box<dyn Error>> {
		let inputs: BTreeMap<&str, &TensorFile> =
			self.names.iter().map(String::as_str).zip(&self.inputs).take(count).collect();
		let parsed = ModelProto::parse_buf(model)?;
		let shapes = open_shapes(parsed.graph.as_ref().ok_or("no graph")?, &inputs);
		let options = CompileOptions { shapes, ..CompileOptions::default() };
		let compiled = match compile(model, &options) {
			Ok(compiled) => compiled,
			Err(error) => return Ok(Verdict::Refused(error.kind, error.to_string())),
		};
		let one = Options { threads: 1, isa: None };
		let session = Session::new(Arc::new(compiled.bundle()?), one);
		let manifest = &compiled.manifest;
		let given = manifest
			.inputs
			.iter()
			.map(|port| {
				let tensor = inputs.get(port.name.as_str()).ok_or("an input without data")?;
				Ok(as_declared(port, tensor)?.bytes)
			})
			.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
		let found = manifest.unpack_outputs(&session.run(&manifest.pack_bytes(&given)?)?)?;
		if found.len() != self.outputs.len() {
			let reason = format!("{} outputs of {}", found.len(), self.outputs.len());
			return Ok(Verdict::Wrong(reason));
		}
		for ((port, found), expected) in manifest.outputs.iter().zip(&found).zip(&self.outputs) {
			let expected = as_declared(port, expected)?;
			if let Some(reason) = difference(port, found, &expected, self.tolerance)? {
				return Ok(Verdict::Wrong(reason));
			}
		}
		Ok(Verdict::Passed)
	}
}

fn run(test: &Path, given: Option<f32>) -> Result<Verdict, Box<dyn Error>> {
	let is_cast = test.file_name().is_some_and(|name| name.to_string_lossy().contains("test_cast"));
	let tolerance = Tolerance { given, is_cast };
	let model = std::fs::read(test.join("model.onnx"))?;
	let data = test.join("test_data_set_0");
	let (files, expected) = (files(&data, "input")?, files(&data, "output")?);
	let (inputs, outputs) = match (tensors(&files), tensors(&expected)) {
		(Ok(inputs), Ok(outputs)) => (inputs, outputs),
		(Err(error), _) | (_, Err(error)) => match compile(&model, &CompileOptions::default()) {
			// The file itself says best why its values are not read.
			Err(refused) => return Ok(Verdict::Refused(refused.kind, refused.to_string())),
			Ok(_) => return Err(error.into()),
		},
	};
	let ports = ModelProto::parse_buf(&model)?.graph.map(|graph| graph.input).unwrap_or_default();
	let names = ports.into_iter().filter_map(|port| port.name).collect();
	let case = Case { model, names, files, inputs, outputs, tolerance };
	let verdict = case.attempt(&case.model, case.inputs.len())?;
	if matches!(verdict, Verdict::Passed) {
		return Ok(verdict);
	}
	let mut again = case.attempt(&case.bound(1)?, 1)?;
	let dynamic = matches!(again, Verdict::Refused(ErrorKind::DynamicShape, _));
	if dynamic && case.starts_with_shape() {
		again = case.attempt(&case.bound(0)?, 0)?;
	}
	Ok(if matches!((&verdict, &again), (Verdict::Wrong(_), _)) { verdict } else { again })
}

/// The shapes of the data for inputs whose declared shapes are open.
fn open_shapes(
	graph: &GraphProto,
	inputs: &BTreeMap<&str, &TensorFile>,
) -> BTreeMap<String, Vec<u32>> {
	let is_open = |name: &str| {
		let port = graph.input.iter().find(|port| port.name.as_deref() == Some(name));
		let shape =
			port.and_then(|port| port.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
		shape.is_some_and(|shape| {
			shape.dim.iter().any(|dim| dim.dim_value.is_none_or(|value| value <= 0))
		})
	};
	inputs
		.iter()
		.filter(|(name, _)| is_open(name))
		.map(|(name, tensor)| (name.to_string(), tensor.shape.clone()))
		.collect()
}

/// The model with weights added to its graph: `name` and a tensor's own file for each.
fn with_weights(model: &[u8], weights: &[(&String, &Vec<u8>)]) -> Result<Vec<u8>, Box<dyn Error>> {
	const GRAPH: u64 = 7;
	const INITIALIZER: u64 = 5;
	const NAME: u64 = 8;
	let mut added = Vec::new();
	for (name, tensor) in weights {
		// Of a field that occurs twice, the last one counts.
		let mut named = tensor.to_vec();
		put_field(&mut named, NAME, name.as_bytes());
		put_field(&mut added, INITIALIZER, &named);
	}
	let (mut out, mut rest) = (Vec::new(), model);
	while !rest.is_empty() {
		let start = rest;
		let key = varint(&mut rest)?;
		let skip = match key & 7 {
			0 => {
				varint(&mut rest)?;
				0
			},
			1 => 8,
			5 => 4,
			_ => varint(&mut rest)? as usize,
		};
		let (body, after) = rest.split_at_checked(skip).ok_or("the model ends in a field")?;
		match key >> 3 {
			GRAPH => put_field(&mut out, GRAPH, &[body, &added[..]].concat()),
			_ => out.extend_from_slice(&start[..start.len() - after.len()]),
		}
		rest = after;
	}
	Ok(out)
}

/// Appends a field of bytes in the Protocol Buffers format.
fn put_field(out: &mut Vec<u8>, number: u64, body: &[u8]) {
	for mut value in [number << 3 | 2, body.len() as u64] {
		while value >= 0x80 {
			out.push(value as u8 | 0x80);
			value >>= 7;
		}
		out.push(value as u8);
	}
	out.extend_from_slice(body);
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Box<dyn Error>> {
	let mut value = 0;
	for shift in (0..64).step_by(7) {
		let (&byte, rest) = bytes.split_first().ok_or("the model ends in a number")?;
		*bytes = rest;
		value |= u64::from(byte & 0x7f) << shift;
		if byte < 0x80 {
			return Ok(value);
		}
	}
	Err("a number has no end".into())
}

/// The tensor as its port has it: numpy has no bfloat16, so the package stores its bits as uint16.
fn as_declared(port: &NamedTensor, tensor: &TensorFile) -> Result<TensorFile, ElementError> {
	let bfloat16 = ElementType::Float(FloatFormat::Bf16);
	if (port.element(), tensor.element) != (bfloat16, ElementType::U16) {
		return Ok(tensor.clone());
	}
	let elements = tensor.shape.iter().map(|&dim| u64::from(dim)).product();
	let bytes = bfloat16.decode(&ElementType::U16.encode(&tensor.bytes), elements)?;
	Ok(TensorFile { element: bfloat16, shape: tensor.shape.clone(), bytes })
}

/// What a result has before rows of -1, where the expected one has fewer rows: how many boxes there are depends on
/// the input, and a program gives as many rows as there may be.
fn without_filling(found: &OutputTensor, expected: &TensorFile) -> OutputTensor {
	let (Some((&rows, inner)), Some((&fewer, same))) =
		(found.shape.split_first(), expected.shape.split_first())
	else {
		return found.clone();
	};
	let kept = expected.bytes.len();
	let filled = found.bytes.get(kept..).is_some_and(|rest| rest.iter().all(|&byte| byte == 0xff));
	if found.dtype != DType::I64 || inner != same || fewer >= rows || !filled {
		return found.clone();
	}
	OutputTensor {
		shape: expected.shape.clone(),
		bytes: found.bytes[..kept].to_vec(),
		..found.clone()
	}
}

/// The first difference beyond what the package's own runner, or the caller, tolerates; floats of
/// 8 bits or fewer must be equal.
fn difference(
	port: &NamedTensor,
	found: &OutputTensor,
	expected: &TensorFile,
	Tolerance { given: tolerance, is_cast }: Tolerance,
) -> Result<Option<String>, Box<dyn Error>> {
	let found = &without_filling(found, expected);
	if found.shape != expected.shape {
		let reason = format!("shape {:?} where {:?} is expected", found.shape, expected.shape);
		return Ok(Some(reason));
	}
	if port.element() != expected.element {
		return Ok(Some(format!("{} where {} is expected", port.element(), expected.element)));
	}
	// What a reader of the file's own type gets.
	let elements = found.shape.iter().map(|&dim| u64::from(dim)).product();
	let stored = port.element().decode(&port.stored(found), elements)?;
	if found.dtype != DType::F32 {
		return Ok((stored != expected.bytes).then(|| "other values".into()));
	}
	// Of 16-bit floats, two steps: nothing prescribes after which operations they are rounded, but for casts,
	// which are one.
	let relative = match port.element() {
		ElementType::Float(FloatFormat::Bf16) if !is_cast => f32::exp2(-6.0),
		ElementType::Float(FloatFormat::F16) if !is_cast => f32::exp2(-9.0),
		element if element.bits() <= 8 => 0.0,
		_ => 1e-3,
	};
	let floats = |bytes: &[u8]| -> Vec<f32> {
		bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
	};
	let expected = floats(&expected.bytes);
	let finite = expected.iter().filter(|y| y.is_finite());
	let largest = finite.fold(0f32, |most, y| most.max(y.abs()));
	for (x, y) in floats(&stored).into_iter().zip(expected) {
		let allowed = match tolerance {
			Some(tolerance) => tolerance * largest,
			// Beside 1, sums of as many terms as these tests have leave two steps.
			None => {
				1e-7 + relative * y.abs()
					+ if relative > 0.0 { largest * f32::exp2(-22.0) } else { 0.0 }
			},
		};
		let close = x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= allowed;
		if !close {
			return Ok(Some(format!("{x} where {y} is expected")));
		}
	}
	Ok(None)
}
