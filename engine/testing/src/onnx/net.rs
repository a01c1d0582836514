//! Builds small ONNX files and runs what they compile to.

use std::cell::RefCell;
use std::sync::Arc;

use assay_executor::{Options, OutputTensor, Session};
use assay_onnx::{compile, CompileError, CompileOptions, Compiled};
use rten_onnx::onnx::{
	AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
	OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

/// A dimension of a model's input.
pub enum D {
	/// Of this size.
	N(i64),
	/// Free, with a name.
	Name(&'static str),
	/// Free, without one.
	Open,
}

/// A node's attribute.
pub enum A {
	/// A whole number.
	Int(i64),
	/// A list of them.
	Ints(Vec<i64>),
	/// A number.
	Float(f32),
	/// Numbers.
	Floats(Vec<f32>),
	/// A string.
	Word(&'static str),
	/// A list of strings.
	Words(Vec<&'static str>),
	/// A tensor.
	Tensor(TensorProto),
	/// A branch or body.
	Graph(Net),
}

/// A model that is being written down.
pub struct Net(pub ModelProto);

/// A tensor of these bytes.
pub fn tensor(name: &str, data_type: DataType, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
	TensorProto {
		name: Some(name.into()),
		dims: dims.to_vec(),
		data_type: Some(data_type),
		raw_data: Some(RefCell::new(bytes)),
		..Default::default()
	}
}

/// Bytes of `f32` numbers.
pub fn f32s(values: &[f32]) -> Vec<u8> {
	values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Bytes of `i64` numbers.
pub fn i64s(values: &[i64]) -> Vec<u8> {
	values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn port(name: &str, data_type: DataType, dims: Option<&[D]>) -> ValueInfoProto {
	let dim = |dim: &D| match dim {
		D::N(value) => Dimension { dim_value: Some(*value), dim_param: None },
		D::Name(name) => Dimension { dim_value: None, dim_param: Some((*name).into()) },
		D::Open => Dimension::default(),
	};
	let shape = dims.map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() });
	let tensor_type = TypeProtoTensor { elem_type: Some(data_type), shape };
	let r#type = TypeProto { tensor_type: Some(tensor_type), ..Default::default() };
	ValueInfoProto { name: Some(name.into()), r#type: Some(r#type) }
}

impl Default for Net {
	fn default() -> Self {
		Self::new()
	}
}

impl Net {
	/// An empty model of operator set 17.
	pub fn new() -> Net {
		Net(ModelProto {
			ir_version: Some(8),
			graph: Some(GraphProto::default()),
			opset_import: vec![OperatorSetIdProto { version: Some(17), ..Default::default() }],
			..Default::default()
		})
	}

	/// With another operator set.
	pub fn opset(mut self, version: i64) -> Net {
		self.0.opset_import[0].version = Some(version);
		self
	}

	/// What a builder has no word for is written here.
	pub fn graph(&mut self) -> &mut GraphProto {
		self.0.graph.as_mut().unwrap()
	}

	/// An input of these dimensions.
	pub fn input(mut self, name: &str, data_type: DataType, dims: &[D]) -> Net {
		self.graph().input.push(port(name, data_type, Some(dims)));
		self
	}

	/// An `f32` input of a static shape.
	pub fn floats(self, name: &str, dims: &[i64]) -> Net {
		let dims: Vec<D> = dims.iter().map(|&dim| D::N(dim)).collect();
		self.input(name, DataType::FLOAT, &dims)
	}

	/// An `f32` input of any shape.
	pub fn shapeless(mut self, name: &str) -> Net {
		self.graph().input.push(port(name, DataType::FLOAT, None));
		self
	}

	/// An output.
	pub fn output(mut self, name: &str) -> Net {
		self.graph().output.push(port(name, DataType::FLOAT, None));
		self
	}

	/// A constant.
	pub fn initializer(mut self, tensor: TensorProto) -> Net {
		self.graph().initializer.push(tensor);
		self
	}

	/// An `f32` weight.
	pub fn weight(self, name: &str, dims: &[i64], values: &[f32]) -> Net {
		self.initializer(tensor(name, DataType::FLOAT, dims, f32s(values)))
	}

	/// A list of `i64`.
	pub fn list(self, name: &str, values: &[i64]) -> Net {
		self.initializer(tensor(name, DataType::INT64, &[values.len() as i64], i64s(values)))
	}

	/// A node named like its first output.
	pub fn node(self, op: &str, inputs: &[&str], outputs: &[&str]) -> Net {
		self.node_with(op, inputs, outputs, Vec::new())
	}

	/// A node with attributes.
	pub fn node_with(
		mut self,
		op: &str,
		inputs: &[&str],
		outputs: &[&str],
		attributes: Vec<(&str, A)>,
	) -> Net {
		let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
		let attribute = attributes.into_iter().map(|(name, value)| {
			let mut attribute = AttributeProto { name: Some(name.into()), ..Default::default() };
			attribute.r#type = Some(match value {
				A::Int(value) => {
					attribute.i = Some(value);
					AttributeType::INT
				},
				A::Ints(values) => {
					attribute.ints = values;
					AttributeType::INTS
				},
				A::Float(value) => {
					attribute.f = Some(value);
					AttributeType::FLOAT
				},
				A::Floats(values) => {
					attribute.floats = values;
					AttributeType::FLOATS
				},
				A::Word(word) => {
					attribute.s = Some(word.into());
					AttributeType::STRING
				},
				A::Words(words) => {
					attribute.strings = words.into_iter().map(str::to_owned).collect();
					AttributeType::STRINGS
				},
				A::Graph(net) => {
					attribute.g = net.0.graph;
					AttributeType::GRAPH
				},
				A::Tensor(tensor) => {
					attribute.t = Some(tensor);
					AttributeType::TENSOR
				},
			});
			attribute
		});
		let node = NodeProto {
			op_type: Some(op.into()),
			name: outputs.first().map(|name| (*name).to_owned()),
			input: strings(inputs),
			output: strings(outputs),
			attribute: attribute.collect(),
			domain: None,
		};
		self.graph().node.push(node);
		self
	}

	/// The ONNX file.
	pub fn bytes(&self) -> Vec<u8> {
		self.0.write_buf().unwrap()
	}

	/// The compiled model.
	///
	/// # Panics
	/// When it does not compile.
	pub fn compile(&self) -> Compiled {
		compile(&self.bytes(), &CompileOptions::default()).unwrap()
	}

	/// Why it does not compile.
	///
	/// # Panics
	/// When it does.
	pub fn error(&self) -> CompileError {
		compile(&self.bytes(), &CompileOptions::default()).unwrap_err()
	}

	/// Compiles, checks and runs the model on inputs in the order of its inputs.
	///
	/// # Panics
	/// When one of these fails.
	pub fn run(&self, inputs: &[Vec<u8>]) -> Vec<OutputTensor> {
		run(&self.compile(), inputs)
	}

	/// [`Net::run`] for `f32` inputs and one `f32` output.
	///
	/// # Panics
	/// As that does.
	pub fn run_f32(&self, inputs: &[&[f32]]) -> Vec<f32> {
		let inputs: Vec<Vec<u8>> = inputs.iter().map(|values| f32s(values)).collect();
		floats_of(&self.run(&inputs)[0])
	}
}

/// Checks and runs a compiled model on inputs in the order of its inputs.
///
/// # Panics
/// When one of these fails.
pub fn run(compiled: &Compiled, inputs: &[Vec<u8>]) -> Vec<OutputTensor> {
	compiled.program.check().unwrap();
	let bundle = Arc::new(compiled.bundle().unwrap());
	let session = Session::new(bundle, Options { threads: 1, isa: None });
	let manifest = &compiled.manifest;
	let output = session.run(&manifest.pack_bytes(inputs).unwrap()).unwrap();
	manifest.unpack_outputs(&output).unwrap()
}

/// The numbers of an `f32` tensor.
pub fn floats_of(tensor: &OutputTensor) -> Vec<f32> {
	tensor.bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// The numbers of an `i64` tensor.
pub fn i64s_of(tensor: &OutputTensor) -> Vec<i64> {
	tensor.bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
}

/// Numbers without a pattern, between -1 and 1.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
	let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
	(0..count)
		.map(|_| {
			state ^= state << 13;
			state ^= state >> 17;
			state ^= state << 5;
			(state >> 8) as f32 / (1 << 23) as f32 - 1.0
		})
		.collect()
}

/// Fails unless every number is within `tolerance` of what is expected, relative to it or to 1/1000.
///
/// # Panics
/// When one is not, or there are more or fewer.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
	assert_eq!(found.len(), expected.len());
	for (i, (x, y)) in found.iter().zip(expected).enumerate() {
		let close = x == y || (x - y).abs() <= tolerance * y.abs().max(1e-3);
		assert!(close, "element {i}: {x} where {y} is expected");
	}
}
