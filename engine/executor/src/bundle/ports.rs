//! Named tensors to and from the byte layouts of inputs and outputs.

use super::{ElementType, Manifest, NamedTensor, TensorError};
use assay_referee::{DType, Layout, Shape};

/// A named input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InputTensor<'a> {
	/// Name of the input in the manifest.
	pub name: &'a str,
	/// Type of the elements.
	pub dtype: DType,
	/// Dimensions, outermost first.
	pub shape: &'a [u32],
	/// Row-major little-endian elements.
	pub bytes: &'a [u8],
}

/// A named input in the element type of the file that the model was compiled from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredTensor<'a> {
	/// Name of the input in the manifest.
	pub name: &'a str,
	/// Type of the elements: the file's, or the one that the model computes in.
	pub element: ElementType,
	/// Dimensions, outermost first.
	pub shape: &'a [u32],
	/// Row-major little-endian elements, as the type stores them.
	pub bytes: &'a [u8],
}

/// A named output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputTensor {
	/// Name of the output in the manifest.
	pub name: String,
	/// Type of the elements.
	pub dtype: DType,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// Row-major little-endian elements.
	pub bytes: Vec<u8>,
}

impl Manifest {
	/// The input bytes of a job: each input at its place, the gaps zero.
	///
	/// # Errors
	/// An input is missing, unknown, given twice, or has another type, shape or length
	/// than the model's.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let manifest = tiny::bundle(1)?.manifest().clone();
	/// use assay_executor::InputTensor;
	/// use assay_referee::DType;
	///
	/// let bytes = [0.5f32; 4].map(f32::to_le_bytes).concat();
	/// let x = InputTensor { name: "x", dtype: DType::F32, shape: &[1, 4], bytes: &bytes };
	/// assert_eq!(manifest.pack_inputs(&[x])?, bytes);
	/// let wrong = InputTensor { shape: &[4], ..x };
	/// let error = manifest.pack_inputs(&[wrong]).expect_err("it has no batch");
	/// assert_eq!(error.to_string(), r#"input "x" has shape [4], the model takes [1, 4]"#);
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn pack_inputs(&self, tensors: &[InputTensor<'_>]) -> Result<Vec<u8>, TensorError> {
		let layout = layout(&self.inputs);
		let mut bytes = vec![0; layout.total_len as usize];
		let mut given = vec![false; self.inputs.len()];
		for tensor in tensors {
			let at = self.inputs.iter().position(|input| input.name == tensor.name).ok_or_else(
				|| TensorError::Unknown {
					name: tensor.name.to_owned(),
					known: self.inputs.iter().map(|input| input.name.clone()).collect(),
				},
			)?;
			if std::mem::replace(&mut given[at], true) {
				return Err(TensorError::Duplicate(tensor.name.to_owned()));
			}
			check(&self.inputs[at], tensor)?;
			let start = layout.offsets[at] as usize;
			bytes[start..start + tensor.bytes.len()].copy_from_slice(tensor.bytes);
		}
		match given.iter().position(|&given| !given) {
			Some(missing) => Err(TensorError::Missing(self.inputs[missing].name.clone())),
			None => Ok(bytes),
		}
	}

	/// As [`Manifest::pack_inputs`], for one piece of bytes per input, in the manifest's order.
	///
	/// # Errors
	/// More or fewer pieces than inputs, or one of another length than its input.
	pub fn pack_bytes<B: AsRef<[u8]>>(&self, inputs: &[B]) -> Result<Vec<u8>, TensorError> {
		if inputs.len() != self.inputs.len() {
			let (expected, found) = (self.inputs.len(), inputs.len());
			return Err(TensorError::Count { expected, found });
		}
		let pairs = self.inputs.iter().zip(inputs);
		let tensors: Vec<InputTensor<'_>> = pairs
			.map(|(input, bytes)| InputTensor {
				name: &input.name,
				dtype: input.dtype,
				shape: &input.shape,
				bytes: bytes.as_ref(),
			})
			.collect();
		self.pack_inputs(&tensors)
	}

	/// Whether the model takes such a tensor as [`Manifest::pack_stored`] does, before anybody reads its elements;
	/// gives the input.
	///
	/// # Errors
	/// No input has this name, or it has another element type or shape.
	pub fn check_stored(
		&self,
		name: &str,
		element: ElementType,
		shape: &[u32],
	) -> Result<&NamedTensor, TensorError> {
		let input = self.inputs.iter().find(|input| input.name == name).ok_or_else(|| {
			let known = self.inputs.iter().map(|input| input.name.clone()).collect();
			TensorError::Unknown { name: name.into(), known }
		})?;
		let (own, computed) = (input.element(), ElementType::from(input.element().computed()));
		if element != own && element != computed {
			let (name, expected) = (name.into(), own);
			return Err(TensorError::Element { name, expected, found: element });
		}
		if shape != input.shape {
			let expected = Shape::new(&input.shape).unwrap_or(Shape::SCALAR);
			return Err(TensorError::Shape { name: name.into(), expected, found: shape.to_vec() });
		}
		Ok(input)
	}

	/// As [`Manifest::pack_inputs`], for inputs in the element types of the model's file: their values
	/// become those that the model computes with, exactly but that `f64` is rounded to `f32`.
	///
	/// # Errors
	/// Also an element type that is neither the file's nor the model's, or a value that the
	/// model's type does not have.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let mut manifest = tiny::bundle(1)?.manifest().clone();
	/// use assay_executor::{ElementType, StoredTensor};
	/// use assay_referee::FloatFormat;
	///
	/// // A model whose file takes halves, and which computes in `f32`.
	/// let element = ElementType::Float(FloatFormat::F16);
	/// manifest.inputs[0].element = Some(element);
	/// let ones = [0x3c00u16; 4].map(u16::to_le_bytes).concat();
	/// let x = StoredTensor { name: "x", element, shape: &[1, 4], bytes: &ones };
	/// assert_eq!(manifest.pack_stored(&[x])?, [1f32; 4].map(f32::to_le_bytes).concat());
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn pack_stored(&self, tensors: &[StoredTensor<'_>]) -> Result<Vec<u8>, TensorError> {
		let mut read = Vec::with_capacity(tensors.len());
		for tensor in tensors {
			let input = self.check_stored(tensor.name, tensor.element, tensor.shape)?;
			let computed = input.element().computed();
			let name = || tensor.name.to_owned();
			let elements = tensor.shape.iter().fold(1u64, |n, &dim| n.saturating_mul(dim.into()));
			let bytes = tensor
				.element
				.decode(tensor.bytes, elements)
				.map_err(|error| TensorError::Value { name: name(), error })?;
			read.push((tensor, computed, bytes));
		}
		let tensors: Vec<InputTensor<'_>> = read
			.iter()
			.map(|(tensor, dtype, bytes)| InputTensor {
				name: tensor.name,
				dtype: *dtype,
				shape: tensor.shape,
				bytes,
			})
			.collect();
		self.pack_inputs(&tensors)
	}

	/// The outputs of a job from its output bytes.
	///
	/// # Errors
	/// The length is not that of the output layout.
	pub fn unpack_outputs(&self, bytes: &[u8]) -> Result<Vec<OutputTensor>, TensorError> {
		let layout = layout(&self.outputs);
		if bytes.len() as u64 != layout.total_len {
			let (expected, found) = (layout.total_len, bytes.len() as u64);
			return Err(TensorError::OutputLength { expected, found });
		}
		let outputs = self.outputs.iter().zip(&layout.offsets).map(|(output, &start)| {
			let (start, len) = (start as usize, byte_len(output) as usize);
			OutputTensor {
				name: output.name.clone(),
				dtype: output.dtype,
				shape: output.shape.clone(),
				bytes: bytes[start..start + len].to_vec(),
			}
		});
		Ok(outputs.collect())
	}
}

impl NamedTensor {
	/// The elements of an output, as the file's element type stores them.
	pub fn stored(&self, output: &OutputTensor) -> Vec<u8> {
		self.element().encode(&output.bytes)
	}
}

fn byte_len(tensor: &NamedTensor) -> u64 {
	tensor.shape.iter().fold(tensor.dtype.size(), |len, &dim| len.saturating_mul(u64::from(dim)))
}

fn layout(tensors: &[NamedTensor]) -> Layout {
	Layout::new(tensors.iter().map(byte_len))
}

fn check(input: &NamedTensor, tensor: &InputTensor<'_>) -> Result<(), TensorError> {
	let name = || tensor.name.to_owned();
	if tensor.dtype != input.dtype {
		return Err(TensorError::Type { name: name(), expected: input.dtype, found: tensor.dtype });
	}
	if tensor.shape != input.shape {
		return Err(TensorError::Shape {
			name: name(),
			expected: Shape::new(&input.shape).unwrap_or(Shape::SCALAR),
			found: tensor.shape.to_vec(),
		});
	}
	let (expected, found) = (byte_len(input), tensor.bytes.len() as u64);
	if found != expected {
		return Err(TensorError::Length { name: name(), expected, found });
	}
	Ok(())
}
