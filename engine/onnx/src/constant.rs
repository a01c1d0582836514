//! Decodes the tensors of an ONNX file.

use assay_referee::{canonical, DType};

use crate::error::{ErrorKind, Failure, Result};
use crate::proto::Tensor;
use crate::value::{check_dims, product, Dims, Value};

/// Name of an ONNX element type.
pub(crate) fn type_name(data_type: i32) -> String {
	const NAMES: [&str; 25] = [
		"undefined",
		"float32",
		"uint8",
		"int8",
		"uint16",
		"int16",
		"int32",
		"int64",
		"string",
		"bool",
		"float16",
		"float64",
		"uint32",
		"uint64",
		"complex64",
		"complex128",
		"bfloat16",
		"float8e4m3fn",
		"float8e4m3fnuz",
		"float8e5m2",
		"float8e5m2fnuz",
		"uint4",
		"int4",
		"float4e2m1",
		"float8e8m0",
	];
	match usize::try_from(data_type).ok().and_then(|i| NAMES.get(i)) {
		Some(name) => (*name).into(),
		None => format!("number {data_type}"),
	}
}

/// The element type for an ONNX type number.
pub(crate) fn dtype(data_type: i32) -> Result<DType> {
	match data_type {
		1 => Ok(DType::F32),
		2 => Ok(DType::U8),
		3 => Ok(DType::I8),
		6 => Ok(DType::I32),
		7 => Ok(DType::I64),
		9 => Ok(DType::Bool),
		other => {
			let failure = Failure::new(
				ErrorKind::UnsupportedType,
				format!("element type {} is not supported", type_name(other)),
			);
			Err(match other {
				10 | 11 | 16 => failure.help("export the model with float32 weights and inputs"),
				8 => failure.help("turn text into numbers before the model"),
				_ => failure.help("supported are float32, int32, int64, uint8, int8 and bool"),
			})
		},
	}
}

/// Decodes a tensor. Infinities pass (they may mask something); a NaN is refused.
pub(crate) fn decode(tensor: &Tensor<'_>) -> Result<Value> {
	if tensor.external {
		return Err(Failure::new(
			ErrorKind::ExternalData,
			"its data lie in another file, which is not read",
		)
		.help("save the model as one file (in Python: onnx.save(onnx.load(path), new_path))"));
	}
	if tensor.segmented {
		return Err(Failure::unsupported("its data are cut into segments"));
	}
	let dtype = dtype(tensor.data_type)?;
	let dims = tensor
		.dims
		.iter()
		.map(|&dim| u32::try_from(dim))
		.collect::<Result<Dims, _>>()
		.map_err(|_| Failure::invalid(format!("{:?} is not a possible shape", tensor.dims)))?;
	check_dims(&dims)?;
	let elements = product(&dims);
	let bytes = match tensor.raw {
		Some(raw) => raw_bytes(raw, dtype, elements, &dims)?,
		None => typed_bytes(tensor, dtype, elements, &dims)?,
	};
	if dtype == DType::F32 {
		let (values, _) = bytes.as_chunks::<4>();
		if let Some(at) = values.iter().position(|b| f32::from_le_bytes(*b).is_nan()) {
			return Err(Failure::new(ErrorKind::NotFinite, format!("element {at} is NaN"))
				.help("check the training run that made this model"));
		}
	}
	Ok(Value::constant(dtype, dims, bytes))
}

fn length_error(elements: u64, dims: &[u32], found: usize, unit: &str) -> Failure {
	Failure::invalid(format!("shape {dims:?} needs {elements} {unit}, the file has {found}"))
}

fn raw_bytes(raw: &[u8], dtype: DType, elements: u64, dims: &[u32]) -> Result<Vec<u8>> {
	let expected = elements * dtype.size();
	if raw.len() as u64 != expected {
		return Err(length_error(expected, dims, raw.len(), "bytes"));
	}
	Ok(match dtype {
		DType::Bool => raw.iter().map(|&b| canonical(DType::Bool, b.into()) as u8).collect(),
		_ => raw.to_vec(),
	})
}

fn typed_bytes(tensor: &Tensor<'_>, dtype: DType, elements: u64, dims: &[u32]) -> Result<Vec<u8>> {
	let found = if dtype == DType::F32 { tensor.floats.len() } else { tensor.ints.len() };
	if found as u64 != elements {
		return Err(length_error(elements, dims, found, "values"));
	}
	if dtype == DType::F32 {
		return Ok(tensor.floats.iter().flat_map(|x| x.to_le_bytes()).collect());
	}
	let (low, high) = match dtype {
		DType::I32 => (i32::MIN.into(), i32::MAX.into()),
		DType::U8 => (0, 255),
		DType::I8 => (-128, 127),
		DType::Bool => (0, 1),
		DType::I64 | DType::F32 => (i64::MIN, i64::MAX),
	};
	let mut bytes = Vec::with_capacity(found * dtype.size() as usize);
	for &value in &tensor.ints {
		if !(low..=high).contains(&value) {
			return Err(Failure::invalid(format!("{value} is out of its type's range")));
		}
		bytes.extend_from_slice(&value.to_le_bytes()[..dtype.size() as usize]);
	}
	Ok(bytes)
}
