//! `assay model compile`.

use crate::{
	error::{Error, Result},
	files,
	npz::dtype_name,
	output::{self, Output},
};
use assay_executor::{Bundle, BundleWriter, DimBounds, NamedTensor, MAX_INSTANTIATIONS};
use assay_onnx::CompileOptions;
use assay_referee::{LeafBound, Program, Source};
use clap::Args;
use serde::{Serialize, Serializer};
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt,
	path::{Path, PathBuf},
};

/// Largest ONNX file: what Protocol Buffers can hold.
const MAX_ONNX: u64 = (1 << 31) - 1;

/// Arguments of `assay model compile`.
#[derive(Args, Clone, Debug, Default)]
pub struct CompileArgs {
	/// The ONNX file.
	pub onnx: PathBuf,
	/// Folder to write the bundle to. A bundle that is there is replaced, anything else is left as it is.
	#[arg(short, long, value_name = "DIR")]
	pub output: PathBuf,
	/// Bind a free dimension by its name in the file; to several sizes, as in 32,64,128, for a model
	/// of each, and with the sizes that it may have before them, as in 32..512:64.
	#[arg(long = "dim", value_name = "NAME=[LEAST..MOST:]N[,N…]", value_parser = parse_dim)]
	pub dims: Vec<(String, Sizes)>,
	/// Give an input its whole shape, for dimensions that have no name.
	#[arg(long = "shape", value_name = "INPUT=1,3,48,192", value_parser = parse_shape)]
	pub shapes: Vec<(String, Vec<u32>)>,
	/// Fix an input to a whole number, or each of its elements to one, for flags, sampling rates and sizes on
	/// which a branch or a shape depends.
	#[arg(long = "set", value_name = "INPUT=N[,N…]", value_parser = parse_value)]
	pub values: Vec<(String, Vec<i64>)>,
	/// Compile only these outputs, and nothing that only others need; they keep the file's order. All by default.
	/// Names go up to the next option, so the ONNX file comes before them.
	#[arg(long, value_name = "NAME", num_args = 1..)]
	pub outputs: Vec<String>,
	/// Name in the manifest; the file's name without its extension by default.
	#[arg(long)]
	pub name: Option<String>,
	/// Version in the manifest.
	#[arg(long, default_value = "1")]
	pub model_version: String,
	/// Licence of the weights, best as an SPDX expression.
	#[arg(long, default_value = "")]
	pub licence: String,
}

fn split(text: &str) -> std::result::Result<(&str, &str), String> {
	// Tensor names may contain '='; numbers cannot.
	text.rsplit_once('=')
		.filter(|(name, _)| !name.is_empty())
		.ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
}

/// A size; 0 is that of an empty cache, which a decoder has before its first step.
fn parse_number(text: &str) -> std::result::Result<u32, String> {
	text.trim().parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// What a free dimension is bound to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sizes {
	/// Each of them, for a model of its own.
	pub sizes: Vec<u32>,
	/// The sizes that the dimension may have, where that was said.
	pub bounds: Option<DimBounds>,
}

impl From<u32> for Sizes {
	fn from(size: u32) -> Sizes {
		Sizes { sizes: vec![size], bounds: None }
	}
}

fn parse_dim(text: &str) -> std::result::Result<(String, Sizes), String> {
	let (name, value) = split(text)?;
	let (bounds, list) = match value.split_once(':') {
		None => (None, value),
		Some((range, list)) => (Some(parse_bounds(range)?), list),
	};
	let sizes = list.split(',').map(parse_number).collect::<std::result::Result<Vec<_>, _>>()?;
	if sizes.iter().collect::<BTreeSet<_>>().len() < sizes.len() {
		return Err(format!("{list:?} names a size twice"));
	}
	Ok((name.into(), Sizes { sizes, bounds }))
}

fn parse_bounds(text: &str) -> std::result::Result<DimBounds, String> {
	let (min, max) = text.split_once("..").ok_or_else(|| format!("{text:?} is not LEAST..MOST"))?;
	let (min, max) = (parse_number(min)?, parse_number(max)?);
	if min == 0 {
		Err(format!("{text:?}: the least is 0"))
	} else if min <= max {
		Ok(DimBounds { min, max })
	} else {
		Err(format!("{text:?}: the least is greater than the most"))
	}
}

/// Every choice of one size for each dimension; the last dimension's sizes follow one another.
fn choices(dims: &BTreeMap<String, Sizes>) -> Result<Vec<BTreeMap<String, u32>>> {
	let count = dims.values().fold(1usize, |n, dim| n.saturating_mul(dim.sizes.len()));
	if count > MAX_INSTANTIATIONS {
		let reason = format!("--dim asks for {count} models, the most is {MAX_INSTANTIATIONS}");
		return Err(Error::usage(reason).hint("write them to several bundles"));
	}
	let mut all = vec![BTreeMap::new()];
	for (name, dim) in dims {
		let with = |one: &BTreeMap<String, u32>, &size: &u32| {
			let mut one = one.clone();
			one.insert(name.clone(), size);
			one
		};
		all = all.iter().flat_map(|one| dim.sizes.iter().map(move |n| with(one, n))).collect();
	}
	Ok(all)
}

fn parse_shape(text: &str) -> std::result::Result<(String, Vec<u32>), String> {
	let (name, value) = split(text)?;
	let dims: std::result::Result<Vec<_>, _> = value.split(',').map(parse_number).collect();
	Ok((name.into(), dims?))
}

fn parse_value(text: &str) -> std::result::Result<(String, Vec<i64>), String> {
	let (name, value) = split(text)?;
	let number =
		|one: &str| one.trim().parse().map_err(|_| format!("{one:?} is not a whole number"));
	let numbers: std::result::Result<Vec<_>, _> = value.split(',').map(number).collect();
	Ok((name.into(), numbers?))
}

/// What `assay model compile` prints: the model, or each of them.
#[derive(Clone, Debug)]
pub struct BundleReport {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// The models in it.
	pub models: Vec<CompileReport>,
}

impl BundleReport {
	pub(super) fn new(bundle: PathBuf, models: Vec<CompileReport>) -> BundleReport {
		BundleReport { bundle, models }
	}
}

impl Serialize for BundleReport {
	fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
		#[derive(Serialize)]
		struct Several<'a> {
			bundle: &'a PathBuf,
			models: &'a [CompileReport],
		}
		match self.models.as_slice() {
			[only] => only.serialize(serializer),
			models => Several { bundle: &self.bundle, models }.serialize(serializer),
		}
	}
}

impl fmt::Display for BundleReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for (i, model) in self.models.iter().enumerate() {
			if i > 0 {
				writeln!(f)?;
			}
			write!(f, "{model}")?;
		}
		Ok(())
	}
}

/// What there is to say about one model.
#[derive(Clone, Serialize, Debug)]
pub struct CompileReport {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// Name in the manifest.
	pub name: String,
	/// Name of the model on the chain, hex.
	pub model_id: String,
	/// Sizes that the free dimensions of the ONNX file have.
	pub dims: BTreeMap<String, u32>,
	/// Sizes that they may have, where that was said.
	pub bounds: BTreeMap<String, DimBounds>,
	/// BLAKE3 of the program, hex.
	pub program_root: String,
	/// BLAKE3 of the weights, hex.
	pub weights_root: String,
	/// Number of operations.
	pub ops: usize,
	/// Number of constants the program reads: trained parameters, and tables the compiler made.
	pub parameters: u64,
	/// Length of the weights in bytes.
	pub weights_bytes: u64,
	/// Multiply-adds of one run.
	pub units: u64,
	/// Inputs as `name dtype[shape]`.
	pub inputs: Vec<String>,
	/// Outputs as `name dtype[shape]`.
	pub outputs: Vec<String>,
	/// The element that costs the chain the most to judge.
	pub worst_leaf: WorstLeaf,
}

/// The costliest element of a program.
#[derive(Clone, Serialize, Debug, Default)]
pub struct WorstLeaf {
	/// Number of the op.
	pub op: u32,
	/// Its kind.
	pub kind: String,
	/// Runs of chunks to prove.
	pub spans: u32,
	/// Bytes of those chunks.
	pub bytes: u64,
	/// Multiply-adds to recompute.
	pub terms: u64,
	/// Bytes of the proof that the element is wrong.
	pub proof: u64,
}

impl fmt::Display for CompileReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "bundle        {}", self.bundle.display())?;
		writeln!(f, "name          {}", self.name)?;
		writeln!(f, "model id      {}", self.model_id)?;
		if !self.dims.is_empty() {
			let one = |(name, size): (&String, &u32)| match self.bounds.get(name) {
				Some(bounds) => format!("{name}={size} (of {bounds})"),
				None => format!("{name}={size}"),
			};
			let dims: Vec<_> = self.dims.iter().map(one).collect();
			writeln!(f, "dimensions    {}", dims.join(", "))?;
		}
		writeln!(f, "program root  {}", self.program_root)?;
		writeln!(f, "weights root  {}", self.weights_root)?;
		writeln!(f, "ops           {}", self.ops)?;
		let weights = output::bytes(self.weights_bytes);
		writeln!(f, "parameters    {} ({weights})", self.parameters)?;
		writeln!(f, "work          {} multiply-adds a run", self.units)?;
		writeln!(f, "inputs        {}", self.inputs.join(", "))?;
		writeln!(f, "outputs       {}", self.outputs.join(", "))?;
		let leaf = &self.worst_leaf;
		write!(f, "worst leaf    op {} ({}): ", leaf.op, leaf.kind)?;
		let bytes = output::bytes(leaf.bytes);
		let proof = output::bytes(leaf.proof);
		writeln!(f, "{} terms, {bytes} in {} spans, proof of {proof}", leaf.terms, leaf.spans)
	}
}

/// Compiles a file into a bundle folder.
pub fn compile(args: &CompileArgs, out: &Output) -> Result<BundleReport> {
	let file = files::read(&args.onnx, MAX_ONNX)?;
	// Where the weights are, if they are not in the file itself.
	let folder = args.onnx.parent().unwrap_or(Path::new(""));
	let stem = || args.onnx.file_stem().map(|s| s.to_string_lossy().into_owned());
	let dims = unique(&args.dims, "--dim")?;
	let mut choices = choices(&dims)?;
	let bounds = dims.iter().filter_map(|(name, dim)| Some((name.clone(), dim.bounds?)));
	let mut options = CompileOptions {
		dims: BTreeMap::new(),
		bounds: bounds.collect(),
		shapes: unique(&args.shapes, "--shape")?,
		values: unique(&args.values, "--set")?,
		outputs: args.outputs.clone(),
		name: args.name.clone().or_else(stem).unwrap_or_default(),
		version: args.model_version.clone(),
		licence: args.licence.clone(),
	};
	let spinner = out.spinner(format!("compiling {}", args.onnx.display()));
	let mut one = |dims: BTreeMap<String, u32>| {
		options.dims = dims;
		let compiled = assay_onnx::compile_in(folder, &file, &options).map_err(|mut e| {
			let help = e.help.take();
			let error = Error::usage(format!("{} cannot be compiled: {e}", args.onnx.display()));
			help.into_iter().fold(error, Error::hint)
		})?;
		compiled.bundle().map_err(failed)
	};
	let mut models = Vec::new();
	if choices.len() == 1 {
		let bundle = one(choices.remove(0))?;
		spinner.set_message("writing the bundle");
		bundle.write(&args.output).map_err(failed)?;
		models.push(report(&bundle, args.output.clone()));
	} else {
		let mut writer = BundleWriter::new(&args.output).map_err(failed)?;
		for dims in choices {
			let bundle = one(dims)?;
			let dir = writer.add(&bundle).map_err(failed)?;
			models.push(report(&bundle, dir));
		}
		writer.finish().map_err(failed)?;
	}
	spinner.finish_and_clear();
	Ok(BundleReport::new(args.output.clone(), models))
}

fn failed(error: assay_executor::BundleError) -> Error {
	Error::failed(error.to_string())
}

fn unique<V: Clone>(pairs: &[(String, V)], flag: &str) -> Result<BTreeMap<String, V>> {
	let map: BTreeMap<String, V> = pairs.iter().cloned().collect();
	if map.len() < pairs.len() {
		return Err(Error::usage(format!("{flag} names the same thing twice")));
	}
	Ok(map)
}

/// What there is to say about a bundle.
pub(super) fn report(bundle: &Bundle, dir: PathBuf) -> CompileReport {
	let (manifest, program) = (bundle.manifest(), bundle.program());
	let tensor = |t: &NamedTensor| format!("{} {}{:?}", t.name, dtype_name(t.dtype), t.shape);
	CompileReport {
		bundle: dir,
		name: manifest.name.clone(),
		model_id: hex::encode(manifest.model_id),
		dims: manifest.dims.clone(),
		bounds: manifest.bounds.clone(),
		program_root: hex::encode(manifest.program_root),
		weights_root: hex::encode(manifest.weights_root),
		ops: program.ops.len(),
		parameters: parameters(program),
		weights_bytes: bundle.weights().len() as u64,
		units: program.units(),
		inputs: manifest.inputs.iter().map(tensor).collect(),
		outputs: manifest.outputs.iter().map(tensor).collect(),
		worst_leaf: worst_leaf(program),
	}
}

fn parameters(program: &Program) -> u64 {
	let mut seen = BTreeSet::new();
	let operands = program.ops.iter().flat_map(|op| &op.operands);
	let weights = operands.filter_map(|operand| match operand.source {
		Source::Weight(offset) if seen.insert(offset) => Some(operand.shape.elements()),
		_ => None,
	});
	weights.sum()
}

/// The element that costs the most to judge, with its op's kind.
fn worst_leaf(program: &Program) -> WorstLeaf {
	let Some((op, bound)) = program.worst_leaf() else { return WorstLeaf::default() };
	let kind = program.ops.get(op as usize).map(ToString::to_string).unwrap_or_default();
	let LeafBound { spans, bytes, terms, proof } = bound;
	WorstLeaf { op, kind, spans, bytes, terms, proof }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dimensions_and_shapes_are_read() {
		assert_eq!(parse_dim("N=64"), Ok(("N".into(), 64.into())));
		assert_eq!(parse_dim("a=b=2"), Ok(("a=b".into(), 2.into())));
		assert_eq!(parse_dim("past=0"), Ok(("past".into(), 0.into())));
		let several = Sizes { sizes: vec![32, 64], bounds: None };
		assert_eq!(parse_dim("N=32,64"), Ok(("N".into(), several.clone())));
		let bounds = Some(DimBounds { min: 32, max: 512 });
		let bounded = Sizes { bounds, ..several };
		assert_eq!(parse_dim("N=32..512:32,64"), Ok(("N".into(), bounded)));
		assert_eq!(parse_shape("x=1,3,48,192"), Ok(("x".into(), vec![1, 3, 48, 192])));
		for wrong in [
			"N",
			"=1",
			"N=",
			"N=-1",
			"N=x",
			"N=4294967296",
			"N=1,1",
			"N=1,",
			"N=2..1:1",
			"N=1..2",
			"N=1..2:",
			"N=1-2:1",
			"N=0..2:1",
		] {
			assert!(parse_dim(wrong).is_err(), "{wrong}");
		}
		assert!(parse_shape("x=1,,2").is_err());
		assert_eq!(parse_value("sr=16000"), Ok(("sr".into(), vec![16_000])));
		assert_eq!(parse_value("x=-1"), Ok(("x".into(), vec![-1])));
		assert_eq!(parse_value("hw=6, 8"), Ok(("hw".into(), vec![6, 8])));
		assert!(parse_value("hw=6,").is_err());
		assert!(parse_value("x=").is_err() && parse_value("x=1.5").is_err());
	}

	#[test]
	fn a_missing_file_is_a_usage_error() {
		let args = CompileArgs { onnx: "/nowhere.onnx".into(), ..Default::default() };
		let error = compile(&args, &Output::quiet()).unwrap_err();
		assert_eq!(error.kind, crate::Kind::Usage);
	}

	#[test]
	fn naming_a_dimension_twice_is_an_error() {
		let dims = vec![("N".to_string(), 1), ("N".to_string(), 2)];
		assert!(unique(&dims, "--dim").is_err());
	}

	#[test]
	fn every_choice_of_sizes_once() {
		let sizes = |sizes: &[u32]| Sizes { sizes: sizes.to_vec(), bounds: None };
		let dims = [("a".to_string(), sizes(&[1, 2])), ("b".to_string(), sizes(&[32, 64]))].into();
		let found: Vec<Vec<u32>> =
			choices(&dims).unwrap().iter().map(|one| one.values().copied().collect()).collect();
		assert_eq!(found, [[1, 32], [1, 64], [2, 32], [2, 64]]);
		assert_eq!(choices(&BTreeMap::new()).unwrap(), [BTreeMap::new()]);
		let many: Vec<u32> = (1..=9).collect();
		let many = ["a", "b"].map(|name| (name.to_string(), sizes(&many))).into();
		assert!(choices(&many).unwrap_err().message.contains("81 models"));
	}
}
