//! The real models, how each is compiled for a test, and the same input bytes on every machine.

use std::path::PathBuf;

use assay_onnx::{compile, CompileOptions, Compiled};
use assay_testing::onnx::seeded::inputs;

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
			values: self.values.iter().map(|&(name, number)| (owned(name), vec![number])).collect(),
			name: owned(self.name),
			..Default::default()
		};
		Some(compile(&bytes, &options).expect("the model compiles"))
	}

	/// Input bytes in the model's layout: numbers from [-1, 1) in steps of 2⁻²³, whole numbers from 0
	/// up to the case's limit.
	pub(crate) fn input(&self, compiled: &Compiled) -> Vec<u8> {
		let manifest = &compiled.manifest;
		let inputs = inputs(manifest, |_| self.below);
		manifest.pack_bytes(&inputs).expect("the inputs are the manifest's")
	}
}
