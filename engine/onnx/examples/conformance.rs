//! Counts how many of the `onnx` package's node tests compile and give the expected values.
//!
//! Usage: `conformance DIR [TOLERANCE]`, where DIR is `onnx/backend/test/data/node` of the Python
//! package `onnx`, or a folder of the same form. Prints every test that is not passed with the
//! reason, then the counts. Exits with 1 when a test gives wrong values: by what the package's own
//! runner tolerates, or off by more than TOLERANCE times the largest value of a tensor.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_executor::{InputTensor, Options, OutputTensor, Session};
use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_referee::DType;
use rten_onnx::onnx::{DataType, ModelProto, TensorProto};
use rten_onnx::protobuf::{DecodeMessage, ValueReader};

/// How one test ended.
enum Verdict {
	Passed,
	Refused(ErrorKind, String),
	Wrong(String),
	Skipped(String),
}

fn main() -> Result<(), Box<dyn Error>> {
	let folder = std::env::args().nth(1).ok_or("usage: conformance DIR [TOLERANCE]")?;
	let tolerance = std::env::args().nth(2).map(|word| word.parse()).transpose()?;
	let mut tests: Vec<PathBuf> = std::fs::read_dir(&folder)?
		.map(|entry| Ok(entry?.path()))
		.collect::<std::io::Result<_>>()?;
	tests.sort();
	let (mut counts, mut refusals) = (BTreeMap::new(), BTreeMap::new());
	for test in &tests {
		let name = test.file_name().unwrap_or_default().to_string_lossy().into_owned();
		let verdict =
			run(test, tolerance).unwrap_or_else(|error| Verdict::Skipped(error.to_string()));
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

fn run(test: &Path, tolerance: Option<f32>) -> Result<Verdict, Box<dyn Error>> {
	let bytes = std::fs::read(test.join("model.onnx"))?;
	let data = test.join("test_data_set_0");
	let (inputs, outputs) = (tensors(&data, "input")?, tensors(&data, "output")?);
	let verdict = attempt(bytes.clone(), &inputs, &outputs, tolerance)?;
	if matches!(verdict, Verdict::Passed) {
		return Ok(verdict);
	}
	// The tests feed axes and shapes as inputs; real models have them as constants.
	let mut model = ModelProto::parse_buf(&bytes)?;
	let graph = model.graph.as_mut().ok_or("no graph")?;
	for (port, tensor) in graph.input.iter().zip(&inputs).skip(1) {
		graph.initializer.push(TensorProto { name: port.name.clone(), ..tensor.clone() });
	}
	let first: Vec<TensorProto> = inputs.into_iter().take(1).collect();
	let again = attempt(model.write_buf()?, &first, &outputs, tolerance)?;
	Ok(if matches!((&verdict, &again), (Verdict::Wrong(_), _)) { verdict } else { again })
}

fn attempt(
	bytes: Vec<u8>,
	inputs: &[TensorProto],
	outputs: &[TensorProto],
	tolerance: Option<f32>,
) -> Result<Verdict, Box<dyn Error>> {
	let compiled = match compile(&bytes, &CompileOptions::default()) {
		Ok(compiled) => compiled,
		Err(error) => return Ok(Verdict::Refused(error.kind, error.to_string())),
	};
	let session = Session::new(Arc::new(compiled.bundle()?), Options { threads: 1, isa: None })?;
	let manifest = &compiled.manifest;
	let data = inputs.iter().map(raw).collect::<Result<Vec<_>, _>>()?;
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
	for (found, expected) in found.iter().zip(outputs) {
		if let Some(reason) = difference(found, expected, tolerance)? {
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

/// The first difference beyond what the package's own runner, or the caller, tolerates.
fn difference(
	found: &OutputTensor,
	tensor: &TensorProto,
	tolerance: Option<f32>,
) -> Result<Option<String>, Box<dyn Error>> {
	let expected = raw(tensor)?;
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
	let expected = floats(&expected);
	let largest = expected.iter().fold(0f32, |most, y| most.max(y.abs()));
	for (x, y) in floats(&found.bytes).into_iter().zip(expected) {
		let allowed = match tolerance {
			Some(tolerance) => tolerance * largest,
			None => 1e-7 + 1e-3 * y.abs(),
		};
		let close = x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= allowed;
		if !close {
			return Ok(Some(format!("{x} where {y} is expected")));
		}
	}
	Ok(None)
}
