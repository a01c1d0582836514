//! Counts how many of the `onnx` package's node tests compile and give the expected values.
//!
//! Usage: `conformance DIR`, where DIR is `onnx/backend/test/data/node` of the Python package
//! `onnx`. Prints every test that is not passed with the reason, then the counts. Exits with 1
//! when a test gives wrong values.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_executor::{
	ElementError, ElementType, InputTensor, NamedTensor, Options, OutputTensor, Session,
};
use assay_onnx::{compile, read_tensor, CompileError, CompileOptions, ErrorKind, TensorFile};
use assay_referee::{DType, FloatFormat};
use rten_onnx::onnx::ModelProto;

/// How one test ended.
enum Verdict {
	Passed,
	Refused(ErrorKind, String),
	Wrong(String),
	/// Other values than the package's, which contradict the operator's specification.
	Defect(&'static str),
	Skipped(String),
}

/// Why onnx 1.18 has wrong values for a test, where it has.
fn defect(test: &str) -> Option<&'static str> {
	let attention = ["test_attention_3d", "test_attention_4d_gqa"];
	if attention.iter().any(|name| test.starts_with(name)) && !test.ends_with("_expanded") {
		// onnx issue 7118 and pull request 7274; the tests of later versions pass.
		return Some("onnx 1.18 splits and shares heads in a way that was corrected later");
	}
	if test.contains("_FLOAT_to_BFLOAT16") {
		return Some("onnx 1.18 cuts bfloat16 off where the specification rounds to nearest");
	}
	if test.starts_with("test_qlinearmatmul") && test.contains("_int8_") {
		return Some("the package's values wrap where the specification saturates");
	}
	None
}

fn main() -> Result<(), Box<dyn Error>> {
	let folder = std::env::args().nth(1).ok_or("usage: conformance DIR")?;
	let mut tests: Vec<PathBuf> = std::fs::read_dir(&folder)?
		.map(|entry| Ok(entry?.path()))
		.collect::<std::io::Result<_>>()?;
	tests.sort();
	let (mut counts, mut refusals) = (BTreeMap::new(), BTreeMap::new());
	for test in &tests {
		let name = test.file_name().unwrap_or_default().to_string_lossy().into_owned();
		let verdict = run(test).unwrap_or_else(|error| Verdict::Skipped(error.to_string()));
		let verdict = match (verdict, defect(&name)) {
			(Verdict::Wrong(_), Some(reason)) => Verdict::Defect(reason),
			(other, _) => other,
		};
		let word = match verdict {
			Verdict::Passed => "passed",
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
	if counts.contains_key("wrong") {
		std::process::exit(1);
	}
	Ok(())
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

fn run(test: &Path) -> Result<Verdict, Box<dyn Error>> {
	let bytes = std::fs::read(test.join("model.onnx"))?;
	let data = test.join("test_data_set_0");
	let (inputs, outputs) = (files(&data, "input")?, files(&data, "output")?);
	let (given, expected) = match (tensors(&inputs), tensors(&outputs)) {
		(Ok(given), Ok(expected)) => (given, expected),
		(Err(error), _) | (_, Err(error)) => match compile(&bytes, &CompileOptions::default()) {
			// The file itself says best why its values are not read.
			Err(refused) => return Ok(Verdict::Refused(refused.kind, refused.to_string())),
			Ok(_) => return Err(error.into()),
		},
	};
	let verdict = attempt(&bytes, &given, &expected)?;
	if matches!(verdict, Verdict::Passed) {
		return Ok(verdict);
	}
	// The tests feed axes and shapes as inputs; real models have them as constants.
	let model = ModelProto::parse_buf(&bytes)?;
	let ports = model.graph.map(|graph| graph.input).unwrap_or_default();
	let names: Vec<String> = ports.into_iter().filter_map(|port| port.name).collect();
	let weights: Vec<_> = names.iter().zip(&inputs).skip(1).collect();
	let again = attempt(&with_weights(&bytes, &weights)?, &given[..given.len().min(1)], &expected)?;
	Ok(if matches!((&verdict, &again), (Verdict::Wrong(_), _)) { verdict } else { again })
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

fn attempt(
	bytes: &[u8],
	inputs: &[TensorFile],
	outputs: &[TensorFile],
) -> Result<Verdict, Box<dyn Error>> {
	let compiled = match compile(bytes, &CompileOptions::default()) {
		Ok(compiled) => compiled,
		Err(error) => return Ok(Verdict::Refused(error.kind, error.to_string())),
	};
	let session = Session::new(Arc::new(compiled.bundle()?), Options { threads: 1, isa: None })?;
	let manifest = &compiled.manifest;
	let inputs: Vec<TensorFile> = manifest
		.inputs
		.iter()
		.zip(inputs)
		.map(|(port, tensor)| as_declared(port, tensor))
		.collect::<Result<_, _>>()?;
	let tensors: Vec<InputTensor<'_>> = manifest
		.inputs
		.iter()
		.zip(&inputs)
		.map(|(input, tensor)| InputTensor {
			name: &input.name,
			dtype: input.dtype,
			shape: &input.shape,
			bytes: &tensor.bytes,
		})
		.collect();
	let outputs: Vec<TensorFile> = manifest
		.outputs
		.iter()
		.zip(outputs)
		.map(|(port, tensor)| as_declared(port, tensor))
		.collect::<Result<_, _>>()?;
	let found = manifest.unpack_outputs(&session.run(&manifest.pack_inputs(&tensors)?)?)?;
	for ((port, found), expected) in manifest.outputs.iter().zip(&found).zip(&outputs) {
		if let Some(reason) = difference(port, found, expected)? {
			return Ok(Verdict::Wrong(reason));
		}
	}
	Ok(Verdict::Passed)
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

/// The first difference beyond what the package's own runner tolerates; floats of 8 bits or fewer
/// must be equal.
fn difference(
	port: &NamedTensor,
	found: &OutputTensor,
	expected: &TensorFile,
) -> Result<Option<String>, Box<dyn Error>> {
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
	let relative = if port.element().bits() <= 8 { 0.0 } else { 1e-3 };
	let floats = |bytes: &[u8]| -> Vec<f32> {
		bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
	};
	for (x, y) in floats(&stored).into_iter().zip(floats(&expected.bytes)) {
		let close =
			x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-7 + relative * y.abs();
		if !close {
			return Ok(Some(format!("{x} where {y} is expected")));
		}
	}
	Ok(None)
}
