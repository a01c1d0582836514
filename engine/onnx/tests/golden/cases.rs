//! The real models, how each is compiled for a test, and the same input bytes on every machine.

use std::path::PathBuf;

use assay_executor::InputTensor;
use assay_onnx::{compile, CompileOptions, Compiled};
use assay_referee::DType;

/// A model, bound to one size.
pub(crate) struct Case {
	/// Name of the case.
	pub(crate) name: &'static str,
	/// File among the fetched models; `None` for the network that the repository holds.
	file: Option<&'static str>,
	dims: &'static [(&'static str, u32)],
	shapes: &'static [(&'static str, &'static [u32])],
	values: &'static [(&'static str, i64)],
	/// Whole numbers of the input lie below this.
	below: u32,
}

const PLAIN: Case = Case { name: "", file: None, dims: &[], shapes: &[], values: &[], below: 2 };

/// Every case, small enough that all can be traced one after another in some 100 MiB.
pub(crate) const CASES: [Case; 8] = [
	Case { name: "digits", dims: &[("N", 3)], ..PLAIN },
	Case {
		name: "magika",
		file: Some("magika.onnx"),
		dims: &[("unk__214", 1)],
		below: 257,
		..PLAIN
	},
	Case {
		name: "minilm",
		file: Some("minilm.onnx"),
		dims: &[("batch_size", 1), ("sequence_length", 24)],
		below: 30_000,
		..PLAIN
	},
	Case {
		name: "ppocr_det",
		file: Some("ppocr_det.onnx"),
		shapes: &[("x", &[1, 3, 96, 160])],
		..PLAIN
	},
	Case {
		name: "ppocr_rec",
		file: Some("ppocr_rec.onnx"),
		shapes: &[("x", &[1, 3, 48, 160])],
		..PLAIN
	},
	Case {
		name: "silero_vad",
		file: Some("silero_vad.onnx"),
		shapes: &[("input", &[1, 576]), ("state", &[2, 1, 128])],
		values: &[("sr", 16_000)],
		..PLAIN
	},
	Case { name: "squeezenet", file: Some("light_squeezenet.onnx"), ..PLAIN },
	Case { name: "shufflenet", file: Some("light_shufflenet.onnx"), ..PLAIN },
];

impl Case {
	/// The model's file; `None` where `ASSAY_MODELS` does not name the folder of fetched models.
	pub(crate) fn path(&self) -> Option<PathBuf> {
		match self.file {
			None => {
				let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/digits.onnx");
				Some(PathBuf::from(root))
			},
			Some(file) => {
				let dir = std::env::var_os("ASSAY_MODELS").filter(|dir| !dir.is_empty());
				dir.map(|dir| PathBuf::from(dir).join(file))
			},
		}
	}

	/// The compiled model; `None` as [`Case::path`].
	pub(crate) fn compile(&self) -> Option<Compiled> {
		let bytes = std::fs::read(self.path()?).expect("scripts/setup fetches the models");
		let owned = |name: &str| name.to_owned();
		let options = CompileOptions {
			dims: self.dims.iter().map(|&(name, size)| (owned(name), size)).collect(),
			shapes: self.shapes.iter().map(|&(name, dims)| (owned(name), dims.to_vec())).collect(),
			values: self.values.iter().map(|&(name, number)| (owned(name), number)).collect(),
			name: owned(self.name),
			..Default::default()
		};
		Some(compile(&bytes, &options).expect("the model compiles"))
	}

	/// Input bytes in the model's layout: numbers from [-1, 1) in steps of 2⁻²³, whole numbers from 0
	/// up to the case's limit.
	pub(crate) fn input(&self, compiled: &Compiled) -> Vec<u8> {
		let mut state = 0x9e37_79b9_7f4a_7c15_u64;
		let mut draw = || {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			(state >> 40) as u32
		};
		let mut tensors = Vec::new();
		for input in &compiled.manifest.inputs {
			let mut bytes = Vec::new();
			for _ in 0..input.shape.iter().product::<u32>() {
				let whole = (draw() % self.below).to_le_bytes();
				match input.dtype {
					DType::F32 => {
						let x = draw() as f32 / (1 << 23) as f32 - 1.0;
						bytes.extend(x.to_le_bytes());
					},
					DType::Bool => bytes.push(whole[0] % 2),
					DType::U8 | DType::I8 => bytes.push(whole[0]),
					DType::I32 => bytes.extend(whole),
					DType::I64 => bytes.extend([whole, [0; 4]].concat()),
				}
			}
			tensors.push(bytes);
		}
		let named: Vec<InputTensor<'_>> = compiled
			.manifest
			.inputs
			.iter()
			.zip(&tensors)
			.map(|(input, bytes)| InputTensor {
				name: &input.name,
				dtype: input.dtype,
				shape: &input.shape,
				bytes,
			})
			.collect();
		compiled.manifest.pack_inputs(&named).expect("the inputs are the manifest's")
	}
}
