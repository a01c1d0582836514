//! Bundles on this machine: finding them, and packing arrays into a model's input.

use crate::{
	error::{Error, Result},
	npz::{self, Npz, Tensor},
};
use assay_executor::{
	Bundle, BundleError, InputTensor, Instantiation, Manifest, StoredTensor, TensorError,
};
use std::path::{Path, PathBuf};

/// A model in a bundle: its folder and what its manifest says; the weights are not touched.
pub type Described = Instantiation;

/// Whether `dir` holds a bundle.
pub fn is_bundle(dir: &Path) -> bool {
	dir.join("manifest.json").is_file()
}

/// The models in the bundle in `dir`: one, or one for every choice of sizes it was compiled for.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when there is no bundle, or a manifest cannot be read.
pub fn instantiations(dir: &Path) -> Result<Vec<Described>> {
	assay_executor::instantiations(dir).map_err(|e| unusable(dir, &e))
}

/// The only model in the bundle in `dir`.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when there is no bundle, or it holds several.
pub fn describe(dir: &Path) -> Result<Described> {
	let mut found = instantiations(dir)?;
	match (found.pop(), found.is_empty()) {
		(Some(only), true) => Ok(only),
		_ => Err(Error::usage(format!("{} holds several models", dir.display()))
			.hint("name the folder of one of them; `assay model show DIR` lists them")),
	}
}

fn unusable(dir: &Path, error: &BundleError) -> Error {
	let shown = Error::usage(format!("{}: {error}", dir.display()));
	shown.hint(match error {
		BundleError::Io { .. } => {
			"a bundle is a folder with program.bin, weights.bin and manifest.json, or of several such \
			 folders, as `assay model compile -o DIR` writes it"
		},
		BundleError::Several(_) => "`assay model show DIR` lists them",
		_ => "compile the model again: assay model compile net.onnx -o DIR",
	})
}

/// Loads the bundle in `dir` and checks program, weights and manifest against each other.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when they do not fit together, or a file cannot be read.
pub fn load(dir: &Path) -> Result<Bundle> {
	Bundle::load(dir).map_err(|e| unusable(dir, &e))
}

/// Every model in the bundles directly below `models_dir`; unreadable ones are left out.
pub fn list(models_dir: &Path) -> Vec<Described> {
	let Ok(entries) = std::fs::read_dir(models_dir) else { return Vec::new() };
	let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
	dirs.sort();
	let bundles = dirs.iter().filter(|dir| is_bundle(dir));
	bundles.filter_map(|dir| instantiations(dir).ok()).flatten().collect()
}

/// The bundle of the model `id`: `bundle` if given, else the one below `models_dir`.
///
/// # Errors
/// When there is none, or `bundle` is of another model.
pub fn find(id: &[u8; 32], bundle: Option<&Path>, models_dir: &Path) -> Result<Described> {
	if let Some(dir) = bundle {
		let held = instantiations(dir)?;
		if let Some(found) = held.iter().find(|one| one.manifest.model_id == *id) {
			return Ok(found.clone());
		}
		let ids: Vec<_> = held.iter().map(|one| hex::encode(one.manifest.model_id)).collect();
		let ids = ids.join(", ");
		return Err(Error::usage(format!("{} is the bundle of model {ids}", dir.display()))
			.hint("give the bundle of the model that the job names"));
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

/// The model of the bundle in `dir` that takes the arrays of an `.npz` file, by their names and
/// shapes, and its input bytes.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when no model takes them; says which arrays the models take.
///
/// # Examples
///
/// ```
/// use assay_client::{bundles, npz};
/// use assay_executor::{Options, Session};
/// # use assay_onnx::{compile, CompileOptions};
/// # let file = std::fs::read("../models/digits/digits.onnx")?;
/// # let options = CompileOptions { dims: [("N".into(), 1)].into(), ..Default::default() };
/// # let folder = tempfile::tempdir()?;
/// # let (dir, image) = (folder.path().join("digits"), folder.path().join("image.npz"));
/// # compile(&file, &options)?.bundle()?.write(&dir)?;
///
/// // What `assay model run` does with an empty image.
/// npz::write(&image, &[npz::Tensor::f32("image", &[1, 1, 8, 8], &[0.0; 64])])?;
/// let (model, input) = bundles::choose(&dir, &image)?;
/// let session = Session::new(bundles::load(&model.dir)?.into(), Options::default());
/// let tensors = bundles::unpack(&model.manifest, &session.run(&input)?)?;
/// let probabilities = tensors[0].summary();
/// assert_eq!((probabilities.name.as_str(), probabilities.elements), ("probabilities", 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn choose(dir: &Path, npz: &Path) -> Result<(Described, Vec<u8>)> {
	let mut held = instantiations(dir)?;
	let arrays = Npz::open(npz)?;
	let shapes: Vec<_> = arrays.arrays().map(|(name, _, shape)| (name, shape)).collect();
	let chosen = match assay_executor::matching(&held, shapes.iter().copied()) {
		Some(chosen) => chosen.clone(),
		// What is wrong with the arrays is said best by the only model there is.
		None if held.len() == 1 => held.remove(0),
		None => {
			let given: Vec<_> =
				shapes.iter().map(|(name, shape)| format!("{name:?} {shape:?}")).collect();
			let given = given.join(", ");
			let held: Vec<_> = held
				.iter()
				.map(|one| {
					format!("for {}, which take {}", one.manifest.bound(), inputs(&one.manifest))
				})
				.collect();
			let reason = format!("no model in {} takes {given}", dir.display());
			let hint = format!("it holds models {}", held.join("; "));
			return Err(Error::usage(reason)
				.hint(format!("{hint}; compile it for these sizes too, with --dim NAME=N,N")));
		},
	};
	let input = pack_arrays(&chosen.manifest, arrays, npz)?;
	Ok((chosen, input))
}

/// The input bytes of a job from the arrays of an `.npz` file, of the element types of the model's
/// ONNX file or of those that it computes in.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when an array is missing, unknown or does not fit.
pub fn pack(manifest: &Manifest, npz: &Path) -> Result<Vec<u8>> {
	pack_arrays(manifest, Npz::open(npz)?, npz)
}

/// Whether an array is one without elements that the model has no input for: inputs of such shapes, as an empty
/// cache before a decoder's first step, are none of the compiled model's.
fn is_left_out(manifest: &Manifest, name: &str, shape: &[u32]) -> bool {
	shape.contains(&0) && !manifest.inputs.iter().any(|input| input.name == name)
}

fn pack_arrays(manifest: &Manifest, npz: Npz, path: &Path) -> Result<Vec<u8>> {
	let refused = |error: &TensorError| refused(manifest, error).context(path.display());
	// Nothing is read of an array that the model does not take, however large it says it is.
	let mut most = 0u64;
	for (name, element, shape) in npz.arrays() {
		if is_left_out(manifest, name, shape) {
			continue;
		}
		manifest.check_stored(name, element, shape).map_err(|e| refused(&e))?;
		let elements: u64 = shape.iter().map(|&dim| u64::from(dim)).product();
		most = most.saturating_add(element.bytes(elements));
	}
	let arrays = npz.read(most)?;
	let stored: Vec<_> = arrays
		.iter()
		.filter(|a| !is_left_out(manifest, &a.name, &a.shape))
		.map(|a| StoredTensor {
			name: &a.name,
			element: a.element,
			shape: &a.shape,
			bytes: &a.bytes,
		})
		.collect();
	manifest.pack_stored(&stored).map_err(|e| refused(&e))
}

fn refused(manifest: &Manifest, error: &TensorError) -> Error {
	Error::usage(error.to_string()).hint(format!("the model takes {}", inputs(manifest)))
}

/// The input bytes of a job from tensors.
///
/// # Errors
/// As [`pack`].
pub fn pack_tensors(manifest: &Manifest, tensors: &[Tensor]) -> Result<Vec<u8>> {
	let inputs: Vec<_> = tensors
		.iter()
		.map(|t| InputTensor { name: &t.name, dtype: t.dtype, shape: &t.shape, bytes: &t.bytes })
		.collect();
	manifest.pack_inputs(&inputs).map_err(|e| refused(manifest, &e))
}

/// The inputs of a model, for people.
fn inputs(manifest: &Manifest) -> String {
	let one = |t: &assay_executor::NamedTensor| {
		let file = match t.element {
			Some(element) => format!(" ({element} in the ONNX file)"),
			None => String::new(),
		};
		format!("{:?} {}{:?}{file}", t.name, npz::dtype_name(t.dtype), t.shape)
	};
	let inputs: Vec<_> = manifest.inputs.iter().map(one).collect();
	inputs.join(", ")
}

/// The named outputs of a job from its output bytes.
///
/// # Errors
/// [`Kind::Failed`](crate::Kind::Failed) when the output has another length than the model gives.
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
