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

use assay_executor::{InputTensor, Options, OutputTensor, Session};
use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_referee::DType;
use rten_onnx::onnx::{DataType, GraphProto, ModelProto, TensorProto};
use rten_onnx::protobuf::{DecodeMessage, ValueReader};

/// Tests whose expected values contradict their own model, and why.
const DEFECTS: [(&str, &str); 1] =
	[("test_adam_multiple", "leaves out epsilon (1e-6 by default), its values need 1e-2")];

/// How one test ended.
enum Verdict {
	Passed,
	Refused(ErrorKind, String),
	Wrong(String),
	Skipped(String),
}

const USAGE: &str = "usage: conformance DIR [--check FILE] [--write FILE]";

/// The arguments.
#[derive(Default)]
struct Arguments {
	folder: PathBuf,
	check: Option<PathBuf>,
	write: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
	let mut found = Arguments::default();
	let mut rest = std::env::args().skip(1);
	while let Some(argument) = rest.next() {
		match argument.as_str() {
			"--check" => found.check = Some(rest.next().ok_or(USAGE)?.into()),
			"--write" => found.write = Some(rest.next().ok_or(USAGE)?.into()),
			folder if found.folder.as_os_str().is_empty() => found.folder = folder.into(),
			_ => return Err(USAGE.into()),
		}
	}
	match found.folder.as_os_str().is_empty() {
		true => Err(USAGE.into()),
		false => Ok(found),
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
		let verdict = match DEFECTS.iter().find(|(defect, _)| *defect == name) {
			Some((_, reason)) => Verdict::Skipped(format!("the test {reason}")),
			None => run(test).unwrap_or_else(|error| Verdict::Skipped(error.to_string())),
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

fn tensors(folder: &Path, kind: &str) -> Result<Vec<TensorProto>, Box<dyn Error>> {
	let mut found = Vec::new();
	loop {
		let path = folder.join(format!("{kind}_{}.pb", found.len()));
		if !path.exists() {
			return Ok(found);
		}
		found.push(TensorProto::decode(ValueReader::from_buf(std::fs::read(path)?))?);
	}
}

/// A test's model with its data; the inputs carry the names of the model's inputs.
struct Case {
	bytes: Vec<u8>,
	inputs: Vec<TensorProto>,
	outputs: Vec<TensorProto>,
}

impl Case {
	fn read(test: &Path) -> Result<Case, Box<dyn Error>> {
		let bytes = std::fs::read(test.join("model.onnx"))?;
		let data = test.join("test_data_set_0");
		let (mut inputs, outputs) = (tensors(&data, "input")?, tensors(&data, "output")?);
		let model = ModelProto::parse_buf(&bytes)?;
		let graph = model.graph.as_ref().ok_or("no graph")?;
		for (port, tensor) in graph.input.iter().zip(&mut inputs) {
			tensor.name = port.name.clone();
		}
		Ok(Case { bytes, inputs, outputs })
	}

	/// The model with the inputs from `first` on as constants.
	fn bound(&self, first: usize) -> Result<Vec<u8>, Box<dyn Error>> {
		let mut model = ModelProto::parse_buf(&self.bytes)?;
		let graph = model.graph.as_mut().ok_or("no graph")?;
		graph.initializer.extend(self.inputs[first.min(self.inputs.len())..].iter().cloned());
		Ok(model.write_buf()?)
	}

	/// Whether the first input looks like a size or a shape.
	fn starts_with_shape(&self) -> bool {
		self.inputs.first().is_some_and(|tensor| match tensor.dims.len() {
			0 => true,
			1 => tensor.data_type == Some(DataType::INT64),
			_ => false,
		})
	}
}

fn run(test: &Path) -> Result<Verdict, Box<dyn Error>> {
	let case = Case::read(test)?;
	let verdict = attempt(&case.bytes, &case.inputs, &case.outputs)?;
	if matches!(verdict, Verdict::Passed) {
		return Ok(verdict);
	}
	let first = &case.inputs[..case.inputs.len().min(1)];
	let mut again = attempt(&case.bound(1)?, first, &case.outputs)?;
	let dynamic = matches!(again, Verdict::Refused(ErrorKind::DynamicShape, _));
	if dynamic && case.starts_with_shape() {
		again = attempt(&case.bound(0)?, &[], &case.outputs)?;
	}
	Ok(if matches!((&verdict, &again), (Verdict::Wrong(_), _)) { verdict } else { again })
}

/// The shapes of the data for inputs whose declared shapes are open.
fn open_shapes(graph: &GraphProto, inputs: &[TensorProto]) -> BTreeMap<String, Vec<u32>> {
	let is_open = |name: &Option<String>| {
		let port = graph.input.iter().find(|port| port.name == *name);
		let shape =
			port.and_then(|port| port.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
		shape.is_some_and(|shape| {
			shape.dim.iter().any(|dim| dim.dim_value.is_none_or(|value| value <= 0))
		})
	};
	inputs
		.iter()
		.filter(|tensor| is_open(&tensor.name))
		.map(|tensor| {
			let dims = tensor.dims.iter().map(|&dim| dim as u32).collect();
			(tensor.name.clone().unwrap_or_default(), dims)
		})
		.collect()
}

fn attempt(
	bytes: &[u8],
	inputs: &[TensorProto],
	outputs: &[TensorProto],
) -> Result<Verdict, Box<dyn Error>> {
	let model = ModelProto::parse_buf(bytes)?;
	let shapes = open_shapes(model.graph.as_ref().ok_or("no graph")?, inputs);
	let options = CompileOptions { shapes, ..CompileOptions::default() };
	let compiled = match compile(bytes, &options) {
		Ok(compiled) => compiled,
		Err(error) => return Ok(Verdict::Refused(error.kind, error.to_string())),
	};
	let session = Session::new(Arc::new(compiled.bundle()?), Options { threads: 1, isa: None })?;
	let manifest = &compiled.manifest;
	let data = manifest
		.inputs
		.iter()
		.map(|input| {
			let tensor = inputs.iter().find(|tensor| tensor.name.as_ref() == Some(&input.name));
			raw(tensor.ok_or("an input without data")?)
		})
		.collect::<Result<Vec<_>, _>>()?;
	let tensors: Vec<InputTensor<'_>> = manifest
		.inputs
		.iter()
		.zip(&data)
		.map(|(input, bytes)| InputTensor {
			name: &input.name,
			dtype: input.dtype,
			shape: &input.shape,
			bytes,
		})
		.collect();
	let found = manifest.unpack_outputs(&session.run(&manifest.pack_inputs(&tensors)?)?)?;
	if found.len() != outputs.len() {
		return Ok(Verdict::Wrong(format!("{} outputs of {}", found.len(), outputs.len())));
	}
	for (found, expected) in found.iter().zip(outputs) {
		if let Some(reason) = difference(found, expected)? {
			return Ok(Verdict::Wrong(reason));
		}
	}
	Ok(Verdict::Passed)
}

fn raw(tensor: &TensorProto) -> Result<Vec<u8>, Box<dyn Error>> {
	if let Some(raw) = &tensor.raw_data {
		return Ok(raw.borrow().clone());
	}
	Ok(match tensor.data_type {
		Some(DataType::FLOAT) => tensor.float_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
		Some(DataType::INT64) => tensor.int64_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
		Some(DataType::INT32) => tensor.int32_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
		Some(DataType::BOOL | DataType::UINT8 | DataType::INT8) => {
			tensor.int32_data.iter().map(|&x| x as u8).collect()
		},
		_ => return Err("a tensor of a type that is not supported".into()),
	})
}

/// The first difference beyond what the package's own runner tolerates.
fn difference(
	found: &OutputTensor,
	tensor: &TensorProto,
) -> Result<Option<String>, Box<dyn Error>> {
	let expected = raw(tensor)?;
	let is_float = tensor.data_type == Some(DataType::FLOAT);
	if is_float != (found.dtype == DType::F32) {
		return Ok(Some(format!("{:?} where {:?} is expected", found.dtype, tensor.data_type)));
	}
	let shape: Vec<i64> = found.shape.iter().map(|&dim| dim.into()).collect();
	if shape != tensor.dims || expected.len() != found.bytes.len() {
		return Ok(Some(format!("shape {:?} where {:?} is expected", found.shape, tensor.dims)));
	}
	if found.dtype != DType::F32 {
		return Ok((found.bytes != expected).then(|| "other values".into()));
	}
	let floats = |bytes: &[u8]| -> Vec<f32> {
		bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
	};
	for (x, y) in floats(&found.bytes).into_iter().zip(floats(&expected)) {
		let close = x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-7 + 1e-3 * y.abs();
		if !close {
			return Ok(Some(format!("{x} where {y} is expected")));
		}
	}
	Ok(None)
}
