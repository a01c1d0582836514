//! Bundles on this machine: finding them, and packing arrays into a model's input.

use crate::{
	error::{self, Error, Result},
	npz::{self, Tensor},
};
use assay_executor::{Bundle, BundleError, ExecError, InputTensor, Manifest, StoredTensor};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";

/// A bundle's folder and what its manifest says; the weights are not touched.
#[derive(Clone, Debug)]
pub struct Described {
	/// The folder.
	pub dir: PathBuf,
	/// Its `manifest.json`.
	pub manifest: Manifest,
}

/// Whether `dir` holds a bundle.
pub fn is_bundle(dir: &Path) -> bool {
	dir.join(MANIFEST).is_file()
}

/// Reads the manifest of the bundle in `dir`.
pub fn describe(dir: &Path) -> Result<Described> {
	let path = dir.join(MANIFEST);
	let bytes = std::fs::read(&path).map_err(|e| {
		error::io(&path, e).hint("a bundle is a folder that `assay model compile -o DIR` wrote")
	})?;
	let manifest = serde_json::from_slice(&bytes)
		.map_err(|e| Error::usage(format!("{}: {e}", path.display())).hint(COMPILE_AGAIN))?;
	Ok(Described { dir: dir.to_owned(), manifest })
}

const COMPILE_AGAIN: &str = "compile the model again: assay model compile net.onnx -o DIR";

/// Loads the bundle in `dir` and checks program, weights and manifest against each other.
pub fn load(dir: &Path) -> Result<Bundle> {
	Bundle::load(dir).map_err(|e| {
		let error = Error::usage(format!("{}: {e}", dir.display()));
		match e {
			BundleError::Io { .. } => error.hint(
				"a bundle is a folder with program.bin, \
				weights.bin and manifest.json, as `assay model compile -o DIR` writes it",
			),
			_ => error.hint(COMPILE_AGAIN),
		}
	})
}

/// Every bundle directly below `models_dir`; unreadable ones are left out.
pub fn list(models_dir: &Path) -> Vec<Described> {
	let Ok(entries) = std::fs::read_dir(models_dir) else { return Vec::new() };
	let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
	dirs.sort();
	dirs.iter().filter(|dir| is_bundle(dir)).filter_map(|dir| describe(dir).ok()).collect()
}

/// The bundle of the model `id`: `bundle` if given, else the one below `models_dir`.
///
/// # Errors
/// When there is none, or `bundle` is of another model.
pub fn find(id: &[u8; 32], bundle: Option<&Path>, models_dir: &Path) -> Result<Described> {
	if let Some(dir) = bundle {
		let described = describe(dir)?;
		if described.manifest.model_id != *id {
			let found = hex::encode(described.manifest.model_id);
			return Err(Error::usage(format!("{} is the bundle of model {found}", dir.display()))
				.hint("give the bundle of the model that the job names"));
		}
		return Ok(described);
	}
	let found = list(models_dir).into_iter().find(|b| b.manifest.model_id == *id);
	found.ok_or_else(|| {
		let id = hex::encode(id);
		Error::not_found(format!("no bundle of model {id} below {}", models_dir.display())).hint(
			"tensor names come from the bundle: give --bundle DIR, or --models-dir with the folder \
			 that holds it",
		)
	})
}

/// The input bytes of a job from the arrays of an `.npz` file, of the element types of the model's
/// ONNX file or of those that it computes in.
pub fn pack(manifest: &Manifest, npz: &Path) -> Result<Vec<u8>> {
	let arrays = npz::read_arrays(npz)?;
	let stored: Vec<_> = arrays
		.iter()
		.map(|a| StoredTensor {
			name: &a.name,
			element: a.element,
			shape: &a.shape,
			bytes: &a.bytes,
		})
		.collect();
	let packed = manifest.pack_stored(&stored);
	packed.map_err(|e| refused(manifest, &e).context(npz.display()))
}

fn refused(manifest: &Manifest, error: &ExecError) -> Error {
	Error::usage(error.to_string()).hint(expected_inputs(manifest))
}

/// The input bytes of a job from tensors.
pub fn pack_tensors(manifest: &Manifest, tensors: &[Tensor]) -> Result<Vec<u8>> {
	let inputs: Vec<_> = tensors
		.iter()
		.map(|t| InputTensor { name: &t.name, dtype: t.dtype, shape: &t.shape, bytes: &t.bytes })
		.collect();
	manifest.pack_inputs(&inputs).map_err(|e| refused(manifest, &e))
}

fn expected_inputs(manifest: &Manifest) -> String {
	let one = |t: &assay_executor::NamedTensor| {
		let file = match t.element {
			Some(element) => format!(" ({element} in the ONNX file)"),
			None => String::new(),
		};
		format!("{:?} {}{:?}{file}", t.name, npz::dtype_name(t.dtype), t.shape)
	};
	let inputs: Vec<_> = manifest.inputs.iter().map(one).collect();
	format!("the model takes {}", inputs.join(", "))
}

/// The named outputs of a job from its output bytes.
pub fn unpack(manifest: &Manifest, output: &[u8]) -> Result<Vec<Tensor>> {
	let outputs = manifest.unpack_outputs(output).map_err(|e| Error::failed(e.to_string()))?;
	let tensor = |t: assay_executor::OutputTensor| Tensor {
		name: t.name,
		dtype: t.dtype,
		shape: t.shape,
		bytes: t.bytes,
	};
	Ok(outputs.into_iter().map(tensor).collect())
}
