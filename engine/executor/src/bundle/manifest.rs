//! The description of a model that travels beside its program and weights.

use super::ElementType;
use assay_referee::{model_id, DType, FormatError, Program, Root, Shape, TensorSpec};
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// Name, type and shape of an input or output.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedTensor {
	/// The name that callers use.
	pub name: String,
	/// Type of the elements.
	#[serde(with = "dtype")]
	pub dtype: DType,
	/// Dimensions, outermost first; empty for a scalar.
	pub shape: Vec<u32>,
	/// Type of the elements in the file the model was compiled from, where that is another one.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub element: Option<ElementType>,
}

impl NamedTensor {
	/// A tensor of this name, as the program declares it.
	pub fn new(name: impl Into<String>, spec: &TensorSpec) -> NamedTensor {
		let (dtype, shape) = (spec.dtype, spec.shape.dims().to_vec());
		NamedTensor { name: name.into(), dtype, shape, element: None }
	}

	/// Type of the elements in the file the model was compiled from.
	pub fn element(&self) -> ElementType {
		self.element.unwrap_or(self.dtype.into())
	}

	fn fits(&self, spec: &TensorSpec) -> bool {
		let computed = self.element().computed();
		self.dtype == spec.dtype
			&& computed == spec.dtype
			&& Shape::new(&self.shape) == Ok(spec.shape)
	}
}

/// The sizes that a symbolic dimension may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DimBounds {
	/// The smallest.
	pub min: u32,
	/// The largest.
	pub max: u32,
}

impl DimBounds {
	/// Whether a dimension may be bound to `size`.
	pub fn contains(&self, size: u32) -> bool {
		(self.min..=self.max).contains(&size)
	}
}

impl fmt::Display for DimBounds {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}..{}", self.min, self.max)
	}
}

/// `manifest.json`: what a model is and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
	/// BLAKE3 of program root and weights root; names the model everywhere.
	#[serde(with = "root")]
	pub model_id: Root,
	/// BLAKE3 of `program.bin`.
	#[serde(with = "root")]
	pub program_root: Root,
	/// BLAKE3 of `weights.bin`.
	#[serde(with = "root")]
	pub weights_root: Root,
	/// The model's name.
	pub name: String,
	/// The model's version.
	pub version: String,
	/// BLAKE3 of the file the model was compiled from.
	#[serde(with = "root")]
	pub source_hash: Root,
	/// Licence of the weights, as an SPDX expression where there is one.
	pub licence: String,
	/// Inputs in the order of the program's input layout.
	pub inputs: Vec<NamedTensor>,
	/// Outputs in the order of the program's output layout.
	pub outputs: Vec<NamedTensor>,
	/// Values that the source's symbolic dimensions were bound to.
	#[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
	pub dims: BTreeMap<String, u32>,
	/// Sizes that symbolic dimensions may be bound to, where whoever compiled the model said so.
	#[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
	pub bounds: BTreeMap<String, DimBounds>,
	/// Name and version of the compiler that made the program.
	pub compiler: String,
}

impl Manifest {
	/// A manifest with the roots, types and shapes filled in, the inputs and outputs named
	/// `input_names` and `output_names` (`input0`, `output0`, … where names are missing), and the
	/// descriptive fields empty.
	///
	/// # Errors
	/// The program has no byte form.
	pub fn new(
		program: &Program,
		weights_root: Root,
		input_names: &[String],
		output_names: &[String],
	) -> Result<Manifest, FormatError> {
		let program_root = program.root()?;
		let named = |names: &[String], specs: &[TensorSpec], kind: &str| {
			specs
				.iter()
				.enumerate()
				.map(|(i, spec)| {
					let name = names.get(i).cloned().unwrap_or_else(|| format!("{kind}{i}"));
					NamedTensor::new(name, spec)
				})
				.collect()
		};
		Ok(Manifest {
			model_id: model_id(&program_root, &weights_root),
			program_root,
			weights_root,
			name: String::new(),
			version: String::new(),
			source_hash: Root::default(),
			licence: String::new(),
			inputs: named(input_names, &program.header.inputs, "input"),
			outputs: named(output_names, &program.header.outputs, "output"),
			dims: BTreeMap::new(),
			bounds: BTreeMap::new(),
			compiler: String::new(),
		})
	}

	/// Whether the inputs are named and shaped as `given`, in whatever order.
	pub fn takes<'a>(&self, given: impl IntoIterator<Item = (&'a str, &'a [u32])>) -> bool {
		let mut left: Vec<&NamedTensor> = self.inputs.iter().collect();
		let all_fit = given.into_iter().all(|(name, shape)| {
			let found = left.iter().position(|input| input.name == name && input.shape == shape);
			found.map(|at| left.swap_remove(at)).is_some()
		});
		all_fit && left.is_empty()
	}

	/// The sizes that the symbolic dimensions are bound to, as `a=1, b=32`.
	pub fn bound(&self) -> String {
		let one = |(name, size): (&String, &u32)| format!("{name}={size}");
		self.dims.iter().map(one).collect::<Vec<_>>().join(", ")
	}

	/// The first field that does not describe this program and these roots, if any.
	pub(crate) fn mismatch(
		&self,
		program: &Program,
		program_root: &Root,
		weights_root: &Root,
	) -> Option<&'static str> {
		let fits = |tensors: &[NamedTensor], specs: &[TensorSpec]| {
			tensors.len() == specs.len()
				&& tensors.iter().zip(specs).all(|(tensor, spec)| tensor.fits(spec))
		};
		if self.program_root != *program_root {
			Some("program_root")
		} else if self.weights_root != *weights_root {
			Some("weights_root")
		} else if self.model_id != model_id(program_root, weights_root) {
			Some("model_id")
		} else if !fits(&self.inputs, &program.header.inputs) {
			Some("inputs")
		} else if !fits(&self.outputs, &program.header.outputs) {
			Some("outputs")
		} else {
			None
		}
	}
}

mod dtype {
	use super::*;

	pub(super) fn serialize<S: Serializer>(dtype: &DType, s: S) -> Result<S::Ok, S::Error> {
		s.serialize_str(dtype.name())
	}

	pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DType, D::Error> {
		let name = String::deserialize(d)?;
		DType::from_name(&name)
			.ok_or_else(|| D::Error::custom(format!("unknown element type {name:?}")))
	}
}

mod root {
	use super::*;

	pub(super) fn serialize<S: Serializer>(root: &Root, s: S) -> Result<S::Ok, S::Error> {
		s.serialize_str(&hex::encode(root))
	}

	pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Root, D::Error> {
		let text = String::deserialize(d)?;
		let mut root = Root::default();
		hex::decode_to_slice(&text, &mut root)
			.map_err(|_| D::Error::custom("a hash is 64 hexadecimal digits"))?;
		Ok(root)
	}
}
