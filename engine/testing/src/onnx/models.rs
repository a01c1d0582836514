//! The models whose roots are committed, and the inputs that they are run on.

use std::path::{Path, PathBuf};

use assay_onnx::{compile, CompileOptions, Compiled};
use assay_referee::DType;

use crate::onnx::seeded::Random;

/// Where a model's file is.
#[derive(Clone, Copy)]
enum Place {
	/// In the repository, at this path.
	Repository(&'static str),
	/// In the folder that `ASSAY_MODELS` names, under this name.
	Fetched(&'static str),
}

/// What the elements of an input are.
#[derive(Clone, Copy)]
enum Fill {
	/// `f32` from 0 to 1 in sixteenths, as the pixels of the digits are.
	Sixteenths,
	/// Integers from 0 to below this.
	Below(u32),
	/// 1 for the first tokens of a row, 0 for the padding after them: none in row 0, one more in
	/// every row after it.
	Mask,
}

/// A model whose first dimension is a batch.
pub struct Model {
	/// Its name in `roots.txt`.
	pub name: &'static str,
	place: Place,
	/// Name of the dimension that is the batch.
	batch: &'static str,
	/// Its other dimensions.
	dims: &'static [(&'static str, u32)],
	/// Its inputs.
	inputs: &'static [(&'static str, Fill)],
}

/// Every model with committed roots.
pub const MODELS: [Model; 3] = [
	Model {
		name: "digits",
		place: Place::Repository("models/digits/digits.onnx"),
		batch: "N",
		dims: &[],
		inputs: &[("image", Fill::Sixteenths)],
	},
	Model {
		name: "magika",
		place: Place::Fetched("magika.onnx"),
		batch: "unk__214",
		dims: &[],
		inputs: &[("bytes", Fill::Below(257))],
	},
	Model {
		name: "minilm",
		place: Place::Fetched("minilm.onnx"),
		batch: "batch_size",
		dims: &[("sequence_length", 24)],
		inputs: &[("input_ids", Fill::Below(30_522)), ("attention_mask", Fill::Mask)],
	},
];

fn number(value: u64, dtype: DType) -> Vec<u8> {
	match dtype {
		DType::F32 => (value as f32).to_le_bytes().to_vec(),
		_ => value.to_le_bytes()[..dtype.size() as usize].to_vec(),
	}
}

/// One row of an input; the same wherever it stands in a batch.
fn row(fill: Fill, seed: u64, row: u64, dtype: DType, elements: u64) -> Vec<u8> {
	let mut random = Random::new(seed << 32 | row);
	let element = |i: u64| match fill {
		Fill::Sixteenths => ((random.draw() % 17) as f32 / 16.0).to_le_bytes().to_vec(),
		Fill::Below(limit) => number(u64::from(random.draw() % limit), dtype),
		Fill::Mask => number(u64::from(i + row < elements), dtype),
	};
	(0..elements).flat_map(element).collect()
}

/// The model's file, or `None` where fetched models are not at hand.
fn file(place: Place) -> Option<PathBuf> {
	match place {
		Place::Repository(path) => {
			Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path))
		},
		Place::Fetched(name) => {
			let folder = std::env::var_os("ASSAY_MODELS").filter(|folder| !folder.is_empty())?;
			Some(Path::new(&folder).join(name))
		},
	}
}

impl Model {
	/// The bytes of its file; `None`, with a word on standard error, where it was not fetched.
	///
	/// A folder of fetched models that lacks one is an error: a check that was meant to run would
	/// else pass unseen.
	///
	/// # Panics
	/// When that folder lacks it.
	pub fn read(&self) -> Option<Vec<u8>> {
		let Some(path) = file(self.place) else {
			eprintln!("{}: skipped, as ASSAY_MODELS names no folder of fetched models", self.name);
			return None;
		};
		match std::fs::read(&path) {
			Ok(bytes) => Some(bytes),
			Err(error) => panic!("{}: {error}; run scripts/setup", path.display()),
		}
	}

	/// The model for `batch` rows.
	///
	/// # Panics
	/// When it does not compile.
	pub fn compile(&self, file: &[u8], batch: u32) -> Compiled {
		let dims = self.dims.iter().copied().chain([(self.batch, batch)]);
		let options = CompileOptions {
			dims: dims.map(|(name, value)| (name.to_owned(), value)).collect(),
			name: self.name.into(),
			..Default::default()
		};
		compile(file, &options).unwrap()
	}

	/// The input bytes for rows `first..` of as many rows as `compiled` takes.
	///
	/// # Panics
	/// When an input has another name than the model's.
	pub fn input(&self, compiled: &Compiled, first: u64) -> Vec<u8> {
		let manifest = &compiled.manifest;
		let tensors: Vec<Vec<u8>> = manifest
			.inputs
			.iter()
			.map(|input| {
				let at = self.inputs.iter().position(|(name, _)| *name == input.name);
				let at = at.unwrap_or_else(|| panic!("{}: no rule for {}", self.name, input.name));
				let elements = input.shape[1..].iter().map(|&dim| u64::from(dim)).product();
				(first..first + u64::from(input.shape[0]))
					.flat_map(|i| row(self.inputs[at].1, at as u64, i, input.dtype, elements))
					.collect()
			})
			.collect();
		manifest.pack_bytes(&tensors).unwrap()
	}
}
