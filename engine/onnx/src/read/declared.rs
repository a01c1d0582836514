//! What a file declares of a tensor: its element type, its shape, and the bytes that follow from them.

use super::proto::Tensor;
use crate::{
	dims::{check_dims, product, Dims},
	error::{ErrorKind, Failure, Result},
};
use assay_executor::ElementType;

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
pub(crate) fn element(data_type: i32) -> Result<ElementType> {
	ElementType::from_onnx(data_type).ok_or_else(|| {
		let failure = Failure::new(
			ErrorKind::UnsupportedType,
			format!("element type {} is not supported", type_name(data_type)),
		);
		match data_type {
			8 => failure.help("turn text into numbers before the model"),
			_ => failure.help("engine/onnx/README.md lists the supported types"),
		}
	})
}

/// The bytes that a tensor's data take by its type and shape, if those are possible.
pub(super) fn declared_bytes(tensor: &Tensor<'_>) -> Option<u64> {
	let element = ElementType::from_onnx(tensor.data_type)?;
	Some(stored_bytes(element, product(&dims(tensor).ok()?)))
}

/// The bytes that `elements` take in a file.
pub(super) fn stored_bytes(element: ElementType, elements: u64) -> u64 {
	(elements * element.bits()).div_ceil(8)
}

/// The dimensions of a tensor.
pub(super) fn dims(tensor: &Tensor<'_>) -> Result<Dims> {
	let dims = tensor
		.dims
		.iter()
		.map(|&dim| u32::try_from(dim))
		.collect::<Result<Dims, _>>()
		.map_err(|_| Failure::invalid(format!("{:?} is not a possible shape", tensor.dims)))?;
	check_dims(&dims)?;
	Ok(dims)
}
