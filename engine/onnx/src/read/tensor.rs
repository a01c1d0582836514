//! Decodes the tensors of an ONNX file.

use std::borrow::Cow;

use assay_executor::{ElementError, ElementType};
use assay_referee::DType;

use super::{
	declared::{dims, element, stored_bytes},
	external::Files,
	proto::{SparseTensor, Tensor},
};
use crate::{
	dims::{product, Dims},
	error::{ErrorKind, Failure, Result},
};

/// A tensor of the file.
pub(crate) struct Decoded {
	/// The type that the file has for it.
	pub(crate) element: ElementType,
	pub(crate) dims: Dims,
	/// Canonical little-endian elements of the type that it is computed in.
	pub(crate) bytes: Vec<u8>,
}

/// Decodes a weight. Infinities pass (they may mask something); a NaN is refused.
pub(crate) fn decode(tensor: &Tensor<'_>, files: &mut Files) -> Result<Decoded> {
	let decoded = decode_any(tensor, files)?;
	if decoded.element.computed() == DType::F32 {
		let mut floats = decoded.bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x));
		if let Some(at) = floats.position(f32::is_nan) {
			return Err(Failure::new(ErrorKind::NotFinite, format!("element {at} is NaN"))
				.help("check the training run that made this model"));
		}
	}
	Ok(decoded)
}

/// Decodes a sparse weight to one that has its zeros.
pub(crate) fn decode_sparse(tensor: &SparseTensor<'_>, files: &mut Files) -> Result<Decoded> {
	let (values, indices) = (decode(&tensor.values, files)?, decode(&tensor.indices, files)?);
	let shape = Tensor { dims: tensor.dims.clone(), ..Tensor::default() };
	let dims = dims(&shape)?;
	let places: Vec<i64> = match indices.element {
		ElementType::Plain(DType::I64) => {
			indices.bytes.as_chunks().0.iter().map(|x| i64::from_le_bytes(*x)).collect()
		},
		_ => return Err(Failure::invalid("the indices of its elements are not int64")),
	};
	let count = product(&values.dims) as usize;
	let fits = |d: usize, at: i64| u64::try_from(at).is_ok_and(|at| at < dims[d].into());
	let flat: Option<Vec<usize>> = match *indices.dims.as_slice() {
		[n] if n as usize == count => places
			.iter()
			.map(|&at| usize::try_from(at).ok().filter(|&at| (at as u64) < product(&dims)))
			.collect(),
		[n, rank] if n as usize == count && rank as usize == dims.len() => places
			.chunks_exact(dims.len().max(1))
			.map(|place| {
				place.iter().enumerate().try_fold(0, |flat, (d, &at)| {
					fits(d, at).then(|| flat * dims[d] as usize + at as usize)
				})
			})
			.collect(),
		_ => None,
	};
	let flat = flat.filter(|flat| flat.len() == count);
	let flat = flat.ok_or_else(|| Failure::invalid("the indices of its elements do not fit it"))?;
	let size = values.element.computed().size() as usize;
	let mut bytes = vec![0; product(&dims) as usize * size];
	for (at, value) in flat.into_iter().zip(values.bytes.chunks_exact(size)) {
		bytes[at * size..][..size].copy_from_slice(value);
	}
	Ok(Decoded { element: values.element, dims, bytes })
}

/// Decodes a tensor of any values.
pub(crate) fn decode_any(tensor: &Tensor<'_>, files: &mut Files) -> Result<Decoded> {
	if tensor.segmented {
		return Err(Failure::unsupported("its data are cut into segments"));
	}
	let element = element(tensor.data_type)?;
	let dims = dims(tensor)?;
	let elements = product(&dims);
	let stored = match (&tensor.external, tensor.raw) {
		(Some(external), _) => Cow::Owned(files.read(external, stored_bytes(element, elements))?),
		(None, Some(raw)) => Cow::Borrowed(raw),
		(None, None) => Cow::Owned(typed_bytes(tensor, element, elements, &dims)?),
	};
	let bytes = element.decode(&stored, elements).map_err(|error| match error {
		ElementError::Length { expected, found } => {
			length_error(expected, &dims, found as usize, "bytes")
		},
		other => Failure::unsupported(other.to_string()),
	})?;
	Ok(Decoded { element, dims, bytes })
}

fn length_error(elements: u64, dims: &[u32], found: usize, unit: &str) -> Failure {
	Failure::invalid(format!("shape {dims:?} needs {elements} {unit}, the file has {found}"))
}

/// The bytes of a tensor whose values the file has in a list.
fn typed_bytes(
	tensor: &Tensor<'_>,
	element: ElementType,
	elements: u64,
	dims: &[u32],
) -> Result<Vec<u8>> {
	// Elements of four bits come two to a value.
	let expected = if element.bits() == 4 { elements.div_ceil(2) } else { elements };
	let found = match element {
		ElementType::Plain(DType::F32) => tensor.floats.len(),
		ElementType::F64 => tensor.doubles.len(),
		_ => tensor.ints.len(),
	};
	if found as u64 != expected {
		return Err(length_error(expected, dims, found, "values"));
	}
	let (low, high) = match element {
		ElementType::Plain(DType::F32) => {
			return Ok(tensor.floats.iter().flat_map(|x| x.to_le_bytes()).collect());
		},
		ElementType::F64 => {
			return Ok(tensor.doubles.iter().flat_map(|x| x.to_le_bytes()).collect());
		},
		ElementType::Plain(DType::I32) => (i32::MIN.into(), i32::MAX.into()),
		ElementType::Plain(DType::I8) => (-128, 127),
		ElementType::Plain(DType::Bool) => (0, 1),
		ElementType::I16 => (i16::MIN.into(), i16::MAX.into()),
		// Two elements to a byte, which some writers give a sign.
		other if other.bits() == 4 => (-128, 255),
		ElementType::Plain(DType::I64) | ElementType::U64 => (i64::MIN, i64::MAX),
		// Codes of narrow floats, and unsigned numbers.
		other => (0, (1 << other.bits()) - 1),
	};
	let size = element.bits().div_ceil(8) as usize;
	let mut bytes = Vec::with_capacity(found * size);
	for &value in &tensor.ints {
		if !(low..=high).contains(&value) {
			return Err(Failure::invalid(format!("{value} is out of its type's range")));
		}
		bytes.extend_from_slice(&value.to_le_bytes()[..size]);
	}
	Ok(bytes)
}
