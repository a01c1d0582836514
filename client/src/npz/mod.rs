//! Arrays in numpy's `.npz` files, named as the ONNX file names its tensors.

mod header;
mod read;

pub use read::{read, Array, Npz};

use crate::error::{self, Error, Result};
use assay_referee::DType;
use serde::Serialize;
use std::{
	fmt,
	fs::File,
	io::{BufWriter, Write},
	path::Path,
};
use zip::{write::SimpleFileOptions, ZipWriter};

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
	let mut archive = ZipWriter::new(BufWriter::new(file));
	for tensor in tensors {
		add(&mut archive, tensor)
			.map_err(|e| Error::failed(format!("{}: {}: {e}", path.display(), tensor.name)))?;
	}
	archive
		.finish()
		.map_err(std::io::Error::from)
		.and_then(|mut file| file.flush())
		.map_err(|e| error::io(path, e))
}

fn add(archive: &mut ZipWriter<BufWriter<File>>, tensor: &Tensor) -> std::io::Result<()> {
	let elements = tensor.shape.iter().map(|&dim| u64::from(dim)).product::<u64>();
	if tensor.bytes.len() as u64 != elements * tensor.dtype.size() {
		return Err(std::io::Error::other("its bytes are not those of its shape"));
	}
	// Room for more than 4 GiB has to be asked for.
	let large = tensor.bytes.len() as u64 > u64::from(u32::MAX) / 2;
	let options = SimpleFileOptions::default().large_file(large);
	archive.start_file(format!("{}.npy", tensor.name), options)?;
	header::write(archive, tensor.dtype, &tensor.shape)?;
	archive.write_all(&tensor.bytes)
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
	fn summaries_name_the_largest_value() {
		let tensor = Tensor::f32("y", &[1, 3], &[0.5, 2.0, 2.0]);
		assert_eq!(tensor.summary().argmax, Some(1));
		assert!(tensor.summary().to_string().contains("largest at 1"));
	}
}
