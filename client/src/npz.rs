//! Arrays in numpy's `.npz` files, named as the ONNX file names its tensors.

use crate::error::{self, Error, Result};
use assay_executor::ElementType;
use assay_referee::DType;
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpyError, ReadNpzError, ReadableElement};
use serde::Serialize;
use std::{fmt, fs::File, io::BufReader, path::Path};

/// A tensor outside a bundle: its name, type, shape and little-endian bytes in row-major order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tensor {
	/// The ONNX file's own name.
	pub name: String,
	/// Element type.
	pub dtype: DType,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// `product(shape) * dtype.size()` bytes.
	pub bytes: Vec<u8>,
}

impl Tensor {
	/// A float tensor from values in row-major order.
	pub fn f32(name: &str, shape: &[u32], values: &[f32]) -> Self {
		let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
		Tensor { name: name.into(), dtype: DType::F32, shape: shape.to_vec(), bytes }
	}

	/// The values of a float tensor, or `None` for another type.
	pub fn to_f32(&self) -> Option<Vec<f32>> {
		let value = |c: &[u8]| f32::from_le_bytes([c[0], c[1], c[2], c[3]]);
		(self.dtype == DType::F32).then(|| self.bytes.chunks_exact(4).map(value).collect())
	}

	/// Every element as a number, for printing.
	fn numbers(&self) -> Vec<f64> {
		let size = self.dtype.size() as usize;
		let number = |c: &[u8]| match self.dtype {
			// Through the shortest text, so that 0.1 prints as 0.1.
			DType::F32 => {
				let value = f32::from_le_bytes([c[0], c[1], c[2], c[3]]);
				value.to_string().parse().unwrap_or_else(|_| f64::from(value))
			},
			DType::I32 => f64::from(i32::from_le_bytes([c[0], c[1], c[2], c[3]])),
			DType::I64 => {
				let mut word = [0; 8];
				word.copy_from_slice(c);
				i64::from_le_bytes(word) as f64
			},
			DType::U8 | DType::Bool => f64::from(c[0]),
			DType::I8 => f64::from(c[0] as i8),
		};
		self.bytes.chunks_exact(size).map(number).collect()
	}

	/// What `--json` and `job submit --wait` print of a tensor.
	pub fn summary(&self) -> TensorSummary {
		let numbers = self.numbers();
		let best = numbers.iter().enumerate().filter(|(_, v)| !v.is_nan());
		let argmax = best.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map(|(i, _)| i);
		let values = numbers.iter().take(16).copied().collect();
		TensorSummary {
			name: self.name.clone(),
			dtype: dtype_name(self.dtype).into(),
			shape: self.shape.clone(),
			argmax,
			values,
			elements: numbers.len(),
		}
	}
}

/// The first values of a tensor.
#[derive(Clone, Serialize, Debug)]
pub struct TensorSummary {
	/// The ONNX file's own name.
	pub name: String,
	/// numpy's name of the type.
	pub dtype: String,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// Number of elements.
	pub elements: usize,
	/// Index of the largest value in row-major order, the first if there are several.
	pub argmax: Option<usize>,
	/// At most the first 16 values.
	pub values: Vec<f64>,
}

impl fmt::Display for TensorSummary {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{} {}{:?} = [", self.name, self.dtype, self.shape)?;
		for (i, value) in self.values.iter().enumerate() {
			let comma = if i == 0 { "" } else { ", " };
			write!(f, "{comma}{value}")?;
		}
		let more = if self.elements > self.values.len() { ", …" } else { "" };
		write!(f, "{more}]")?;
		match self.argmax {
			Some(index) if self.elements > 1 => write!(f, " (largest at {index})"),
			_ => Ok(()),
		}
	}
}

/// numpy's name of an element type.
pub fn dtype_name(dtype: DType) -> &'static str {
	match dtype {
		DType::F32 => "float32",
		DType::I32 => "int32",
		DType::I64 => "int64",
		DType::U8 => "uint8",
		DType::I8 => "int8",
		DType::Bool => "bool",
	}
}

type Npz = NpzReader<BufReader<File>>;

/// An array of a file, in numpy's own element type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Array {
	/// The name of the array.
	pub name: String,
	/// Element type.
	pub element: ElementType,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// Little-endian elements in row-major order.
	pub bytes: Vec<u8>,
}

/// Reads every array of an `.npz` file, of the types that models compute in.
///
/// # Errors
/// [`Kind::Usage`](error::Kind::Usage) when it is no such file, or an array has another type.
pub fn read(path: &Path) -> Result<Vec<Tensor>> {
	let tensor = |array: Array| match array.element {
		ElementType::Plain(dtype) => {
			Ok(Tensor { name: array.name, dtype, shape: array.shape, bytes: array.bytes })
		},
		other => {
			Err(Error::usage(format!("{}: array {:?} is {other}", path.display(), array.name))
				.hint("convert it: float32, int32, int64, uint8, int8 and bool are read"))
		},
	};
	read_arrays(path)?.into_iter().map(tensor).collect()
}

/// Reads every array of an `.npz` file as it is.
///
/// # Errors
/// [`Kind::Usage`](error::Kind::Usage) when it is no such file, or an array has a type that no model takes.
pub fn read_arrays(path: &Path) -> Result<Vec<Array>> {
	let file = File::open(path).map_err(|e| error::io(path, e))?;
	let not_npz = |e: String| {
		Error::usage(format!("{} is not an .npz file: {e}", path.display()))
			.hint("write it with numpy.savez(path, **{\"input name\": array})")
	};
	let mut npz = NpzReader::new(BufReader::new(file)).map_err(|e| not_npz(e.to_string()))?;
	let names = npz.names().map_err(|e| not_npz(e.to_string()))?;
	names.iter().map(|name| read_array(&mut npz, path, name)).collect()
}

fn read_array(npz: &mut Npz, path: &Path, entry: &str) -> Result<Array> {
	let name = entry.strip_suffix(".npy").unwrap_or(entry);
	let mut tried = read_as::<f32>(npz, entry, DType::F32, |v, out| out.extend(v.to_le_bytes()));
	macro_rules! or_as {
		($($type:ty => $element:expr, $push:expr;)*) => { $(
			tried = tried.or_else(|e| next(e, || read_as::<$type>(npz, entry, $element, $push)));
		)* };
	}
	or_as! {
		i64 => DType::I64, |v, out| out.extend(v.to_le_bytes());
		i32 => DType::I32, |v, out| out.extend(v.to_le_bytes());
		u8 => DType::U8, |v, out| out.push(v);
		i8 => DType::I8, |v, out| out.push(v as u8);
		bool => DType::Bool, |v, out| out.push(u8::from(v));
		f64 => ElementType::F64, |v, out| out.extend(v.to_le_bytes());
		i16 => ElementType::I16, |v, out| out.extend(v.to_le_bytes());
		u16 => ElementType::U16, |v, out| out.extend(v.to_le_bytes());
		u32 => ElementType::U32, |v, out| out.extend(v.to_le_bytes());
		u64 => ElementType::U64, |v, out| out.extend(v.to_le_bytes());
	}
	let (element, shape, bytes) = tried.map_err(|e| match e {
		ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_)) => Error::usage(format!(
			"{}: array {name:?} has an unsupported dtype",
			path.display()
		))
		.hint(
			"convert it: float32, float64, bool and whole numbers are read, little-endian; give \
				 float16 as float32",
		),
		other => Error::usage(format!("{}: array {name:?}: {other}", path.display())),
	})?;
	let shape: std::result::Result<Vec<u32>, _> = shape.iter().map(|&d| u32::try_from(d)).collect();
	let shape = shape.map_err(|_| {
		Error::usage(format!("{}: array {name:?} has too large a dimension", path.display()))
	})?;
	Ok(Array { name: name.into(), element, shape, bytes })
}

type Read = std::result::Result<(ElementType, Vec<usize>, Vec<u8>), ReadNpzError>;

/// Tries the next element type only if the file says that this one was wrong.
fn next(error: ReadNpzError, other: impl FnOnce() -> Read) -> Read {
	match error {
		ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_)) => other(),
		error => Err(error),
	}
}

fn read_as<T: ReadableElement + Copy>(
	npz: &mut Npz,
	entry: &str,
	element: impl Into<ElementType>,
	push: impl Fn(T, &mut Vec<u8>),
) -> Read {
	let array = npz.by_name::<OwnedRepr<T>, IxDyn>(entry)?;
	let element = element.into();
	let mut bytes = Vec::with_capacity(element.bytes(array.len() as u64) as usize);
	// Logical order is row-major whatever order the file stores.
	array.iter().for_each(|&value| push(value, &mut bytes));
	Ok((element, array.shape().to_vec(), bytes))
}

/// Writes tensors as an `.npz` file that numpy reads back under the same names.
///
/// # Errors
/// The system's, or a tensor whose bytes are not those of its shape.
///
/// # Examples
///
/// ```
/// use assay_client::npz::{self, Tensor};
///
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let file = folder.path().join("input.npz");
/// let image = Tensor::f32("image", &[1, 2], &[0.25, 1.0]);
/// npz::write(&file, &[image.clone()])?;
/// assert_eq!(npz::read(&file)?, [image]);
/// # Ok::<(), assay_client::Error>(())
/// ```
pub fn write(path: &Path, tensors: &[Tensor]) -> Result<()> {
	let file = File::create(path).map_err(|e| error::io(path, e))?;
	let mut npz = NpzWriter::new(file);
	for tensor in tensors {
		add(&mut npz, tensor)
			.map_err(|e| Error::failed(format!("{}: {}: {e}", path.display(), tensor.name)))?;
	}
	npz.finish().map_err(|e| Error::failed(format!("{}: {e}", path.display())))?;
	Ok(())
}

type Boxed = Box<dyn std::error::Error>;

fn add(npz: &mut NpzWriter<File>, tensor: &Tensor) -> std::result::Result<(), Boxed> {
	let shape: Vec<usize> = tensor.shape.iter().map(|&d| d as usize).collect();
	let name = tensor.name.as_str();
	macro_rules! add {
		($size:literal, $read:expr) => {{
			let read = $read;
			let chunk = |c: &[u8]| c.first_chunk::<$size>().copied().map(read).unwrap_or_default();
			let values = tensor.bytes.chunks_exact($size).map(chunk).collect();
			npz.add_array(name, &ArrayD::from_shape_vec(shape, values)?)?
		}};
	}
	match tensor.dtype {
		DType::F32 => add!(4, f32::from_le_bytes),
		DType::I32 => add!(4, i32::from_le_bytes),
		DType::I64 => add!(8, i64::from_le_bytes),
		DType::U8 => add!(1, u8::from_le_bytes),
		DType::I8 => add!(1, i8::from_le_bytes),
		DType::Bool => add!(1, |b: [u8; 1]| b[0] != 0),
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_type_survives_a_file() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("a.npz");
		let tensors: Vec<Tensor> = DType::ALL
			.into_iter()
			.enumerate()
			.map(|(i, dtype)| Tensor {
				name: format!("a/{i}:0"),
				dtype,
				shape: vec![2, 3],
				bytes: vec![1; 6 * dtype.size() as usize],
			})
			.collect();
		write(&path, &tensors).unwrap();
		let mut back = read(&path).unwrap();
		back.sort_by(|a, b| a.name.cmp(&b.name));
		assert_eq!(back, tensors);
	}

	#[test]
	fn arrays_of_other_types_are_read_as_they_are() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("d.npz");
		let mut npz = NpzWriter::new(File::create(&path).unwrap());
		npz.add_array("d", &ndarray::arr1(&[1.5f64])).unwrap();
		npz.add_array("u", &ndarray::arr1(&[7u16, 8])).unwrap();
		npz.finish().unwrap();
		let mut arrays = read_arrays(&path).unwrap();
		arrays.sort_by(|a, b| a.name.cmp(&b.name));
		let found: Vec<_> = arrays.iter().map(|a| (a.element, a.bytes.clone())).collect();
		let expected = [
			(ElementType::F64, 1.5f64.to_le_bytes().to_vec()),
			(ElementType::U16, vec![7, 0, 8, 0]),
		];
		assert_eq!(found, expected);
		assert!(read(&path).is_err());
	}

	#[test]
	fn fortran_order_is_read_in_row_major_order() {
		use ndarray::{Array2, ShapeBuilder};
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("f.npz");
		let mut npz = NpzWriter::new(File::create(&path).unwrap());
		let array = Array2::from_shape_vec((2, 2).f(), vec![1u8, 3, 2, 4]).unwrap();
		npz.add_array("x", &array).unwrap();
		npz.finish().unwrap();
		assert_eq!(read(&path).unwrap()[0].bytes, [1, 2, 3, 4]);
	}

	#[test]
	fn wrong_files_say_what_to_do() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("x.npz");
		assert_eq!(read(&path).unwrap_err().kind, error::Kind::Usage);
		std::fs::write(&path, b"not a zip").unwrap();
		assert!(read(&path).unwrap_err().to_string().contains("savez"));
		let mut npz = NpzWriter::new(File::create(&path).unwrap());
		npz.add_array("x", &ArrayD::<f64>::zeros(vec![2])).unwrap();
		npz.finish().unwrap();
		assert!(read(&path).unwrap_err().to_string().contains("float32"));
	}

	#[test]
	fn summaries_name_the_largest_value() {
		let tensor = Tensor::f32("y", &[1, 3], &[0.5, 2.0, 2.0]);
		assert_eq!(tensor.summary().argmax, Some(1));
		assert!(tensor.summary().to_string().contains("largest at 1"));
	}
}
