//! `assay model run`.

use crate::{
	bundles,
	error::Result,
	npz::{self, TensorSummary},
	output::Output,
};
use assay_executor::{Isa, Options, Session};
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Instant};

/// Arguments of `assay model run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// Arrays by the ONNX file's own input names; their shapes choose the model where the bundle
	/// holds several.
	#[arg(long, value_name = "NPZ")]
	pub input: PathBuf,
	/// Where to write the outputs.
	#[arg(long, value_name = "NPZ")]
	pub output: Option<PathBuf>,
	/// Worker threads; as many as the machine has by default.
	#[arg(long, default_value_t = 0, hide_default_value = true)]
	pub threads: usize,
	/// Instruction set, scalar, avx2, avx512 or neon, if the machine has it; its best by default. All give
	/// the same bits.
	#[arg(long, value_name = "NAME")]
	pub isa: Option<Isa>,
	/// How many runs to time, after one that is not timed.
	#[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
	pub repeat: u32,
}

/// What `assay model run` prints.
#[derive(Clone, Serialize, Debug)]
pub struct RunReport {
	/// Name of the model on the chain, hex.
	pub model_id: String,
	/// Sizes that the free dimensions of the ONNX file have in it.
	pub dims: BTreeMap<String, u32>,
	/// BLAKE3 of the output, as an operator would claim it, hex.
	pub output_root: String,
	/// Time to read, check and prepare the bundle.
	pub load_ms: f64,
	/// Time of a run.
	pub latency_ms: Latency,
	/// Timed runs.
	pub repeat: u32,
	/// Worker threads.
	pub threads: usize,
	/// Instruction set.
	pub isa: String,
	/// The outputs' first values.
	pub outputs: Vec<TensorSummary>,
}

/// Milliseconds over all timed runs.
#[derive(Clone, Copy, Serialize, Debug)]
pub struct Latency {
	/// The fastest run.
	pub min: f64,
	/// The median run.
	pub median: f64,
}

impl fmt::Display for RunReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "model id     {}", self.model_id)?;
		writeln!(f, "output_root  {}", self.output_root)?;
		let Latency { min, median } = self.latency_ms;
		write!(f, "latency_ms   min {min:.3} median {median:.3} ")?;
		writeln!(f, "({} runs, {} threads, {})", self.repeat, self.threads, self.isa)?;
		writeln!(f, "load_ms      {:.3}", self.load_ms)?;
		for output in &self.outputs {
			writeln!(f, "output       {output}")?;
		}
		Ok(())
	}
}

/// Loads and runs a bundle.
pub fn run_bundle(args: &RunArgs, out: &Output) -> Result<RunReport> {
	let spinner = out.spinner("loading the bundle");
	let (chosen, input) = bundles::choose(&args.bundle, &args.input)?;
	let start = Instant::now();
	let bundle = Arc::new(bundles::load(&chosen.dir)?);
	let options = Options { threads: args.threads, isa: args.isa };
	let session = Session::new(bundle, options);
	let load_ms = milliseconds(start);
	let manifest = session.bundle().manifest();
	spinner.finish_and_clear();

	let mut output = session.run(&input)?;
	let bar = out.bar("running", u64::from(args.repeat));
	let mut times = Vec::with_capacity(args.repeat as usize);
	for _ in 0..args.repeat {
		let start = Instant::now();
		output = session.run(&input)?;
		times.push(milliseconds(start));
		bar.inc(1);
	}
	bar.finish_and_clear();

	let tensors = bundles::unpack(manifest, &output)?;
	if let Some(path) = &args.output {
		npz::write(path, &tensors)?;
	}
	Ok(RunReport {
		model_id: hex::encode(manifest.model_id),
		dims: manifest.dims.clone(),
		output_root: hex::encode(Session::output_root(&output)),
		load_ms,
		latency_ms: latency(&mut times),
		repeat: args.repeat,
		threads: session.config().threads(),
		isa: session.config().isa().to_string(),
		outputs: tensors.iter().map(|t| t.summary()).collect(),
	})
}

fn milliseconds(since: Instant) -> f64 {
	since.elapsed().as_secs_f64() * 1_000.0
}

fn latency(times: &mut [f64]) -> Latency {
	times.sort_by(f64::total_cmp);
	let middle = times.len() / 2;
	let at = |i: usize| times.get(i).copied().unwrap_or_default();
	let median = if times.len() % 2 == 1 {
		at(middle)
	} else {
		(at(middle.saturating_sub(1)) + at(middle)) / 2.0
	};
	Latency { min: at(0), median }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn medians_of_odd_and_even_counts() {
		assert_eq!(latency(&mut [3.0, 1.0, 2.0]).median, 2.0);
		assert_eq!(latency(&mut [4.0, 1.0, 2.0, 3.0]).median, 2.5);
		assert_eq!(latency(&mut [4.0]).min, 4.0);
	}
}
