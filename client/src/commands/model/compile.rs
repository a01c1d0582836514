//! `assay model compile`.

use crate::{
	error::{self, Error, Result},
	npz::dtype_name,
	output::{self, Output},
};
use assay_executor::{Bundle, NamedTensor};
use assay_onnx::CompileOptions;
use assay_referee::{leaf_bound, LeafBound, Program, Source};
use clap::Args;
use serde::Serialize;
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt,
	path::PathBuf,
};

/// Arguments of `assay model compile`.
#[derive(Args, Clone, Debug, Default)]
pub struct CompileArgs {
	/// The ONNX file.
	pub onnx: PathBuf,
	/// Folder to write the bundle to; replaced if it is there.
	#[arg(short, long, value_name = "DIR")]
	pub output: PathBuf,
	/// Bind a free dimension by its name in the file.
	#[arg(long = "dim", value_name = "NAME=N", value_parser = parse_dim)]
	pub dims: Vec<(String, u32)>,
	/// Give an input its whole shape, for dimensions that have no name.
	#[arg(long = "shape", value_name = "INPUT=1,3,48,192", value_parser = parse_shape)]
	pub shapes: Vec<(String, Vec<u32>)>,
	/// Fix an input to a whole number, for flags and sampling rates on which a branch depends.
	#[arg(long = "set", value_name = "INPUT=N", value_parser = parse_value)]
	pub values: Vec<(String, i64)>,
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

fn parse_number(text: &str) -> std::result::Result<u32, String> {
	match text.trim().parse() {
		Ok(0) | Err(_) => Err(format!("{text:?} is not a whole number from 1")),
		Ok(number) => Ok(number),
	}
}

fn parse_dim(text: &str) -> std::result::Result<(String, u32), String> {
	let (name, value) = split(text)?;
	Ok((name.into(), parse_number(value)?))
}

fn parse_shape(text: &str) -> std::result::Result<(String, Vec<u32>), String> {
	let (name, value) = split(text)?;
	let dims: std::result::Result<Vec<_>, _> = value.split(',').map(parse_number).collect();
	Ok((name.into(), dims?))
}

fn parse_value(text: &str) -> std::result::Result<(String, i64), String> {
	let (name, value) = split(text)?;
	let number = value.trim().parse().map_err(|_| format!("{value:?} is not a whole number"))?;
	Ok((name.into(), number))
}

/// What `assay model compile` prints.
#[derive(Clone, Serialize, Debug)]
pub struct CompileReport {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// Name in the manifest.
	pub name: String,
	/// Name of the model on the chain, hex.
	pub model_id: String,
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
}

impl fmt::Display for CompileReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "bundle        {}", self.bundle.display())?;
		writeln!(f, "name          {}", self.name)?;
		writeln!(f, "model id      {}", self.model_id)?;
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
		writeln!(f, "{} terms, {bytes} in {} spans", leaf.terms, leaf.spans)
	}
}

/// Compiles a file into a bundle folder.
pub fn compile(args: &CompileArgs, out: &Output) -> Result<CompileReport> {
	let file = std::fs::read(&args.onnx).map_err(|e| error::io(&args.onnx, e))?;
	let stem = || args.onnx.file_stem().map(|s| s.to_string_lossy().into_owned());
	let options = CompileOptions {
		dims: unique(&args.dims, "--dim")?,
		shapes: unique(&args.shapes, "--shape")?,
		values: unique(&args.values, "--set")?,
		name: args.name.clone().or_else(stem).unwrap_or_default(),
		version: args.model_version.clone(),
		licence: args.licence.clone(),
	};
	let spinner = out.spinner(format!("compiling {}", args.onnx.display()));
	let compiled = assay_onnx::compile(&file, &options).map_err(|mut e| {
		let help = e.help.take();
		let error = Error::usage(format!("{} cannot be compiled: {e}", args.onnx.display()));
		help.into_iter().fold(error, Error::hint)
	})?;
	let failed = |e: assay_executor::BundleError| Error::failed(e.to_string());
	let bundle = compiled.bundle().map_err(failed)?;
	spinner.set_message("writing the bundle");
	bundle.write(&args.output).map_err(failed)?;
	spinner.finish_and_clear();
	Ok(report(&bundle, args.output.clone()))
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

/// The element that costs the most to judge: most terms, then most bytes, then most spans.
fn worst_leaf(program: &Program) -> WorstLeaf {
	let bounds = (0u32..).zip(&program.ops).map(|(op, record)| (op, record, leaf_bound(record)));
	let cost = |bound: &LeafBound| (bound.terms, bound.bytes, bound.spans);
	// Of equals, the first.
	let worst = bounds.reduce(|worst, next| match cost(&next.2) > cost(&worst.2) {
		true => next,
		false => worst,
	});
	worst.map_or_else(WorstLeaf::default, |(op, record, bound)| {
		let kind = format!("{:?}", record.kind);
		let kind = kind.split([' ', '{']).next().unwrap_or_default().to_string();
		WorstLeaf { op, kind, spans: bound.spans, bytes: bound.bytes, terms: bound.terms }
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dimensions_and_shapes_are_read() {
		assert_eq!(parse_dim("N=64"), Ok(("N".into(), 64)));
		assert_eq!(parse_dim("a=b=2"), Ok(("a=b".into(), 2)));
		assert_eq!(parse_shape("x=1,3,48,192"), Ok(("x".into(), vec![1, 3, 48, 192])));
		for wrong in ["N", "=1", "N=", "N=0", "N=-1", "N=x", "N=4294967296"] {
			assert!(parse_dim(wrong).is_err(), "{wrong}");
		}
		assert!(parse_shape("x=1,,2").is_err());
		assert_eq!(parse_value("sr=16000"), Ok(("sr".into(), 16_000)));
		assert_eq!(parse_value("x=-1"), Ok(("x".into(), -1)));
		assert!(parse_value("x=").is_err() && parse_value("x=1.5").is_err());
	}

	#[test]
	fn a_missing_file_is_a_usage_error() {
		let args = CompileArgs { onnx: "/nowhere.onnx".into(), ..Default::default() };
		let error = compile(&args, &Output::quiet()).unwrap_err();
		assert_eq!(error.kind, error::Kind::Usage);
	}

	#[test]
	fn naming_a_dimension_twice_is_an_error() {
		let dims = vec![("N".to_string(), 1), ("N".to_string(), 2)];
		assert!(unique(&dims, "--dim").is_err());
	}
}
