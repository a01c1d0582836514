//! Compiles an ONNX file, runs it on seeded inputs and says where the time goes.
//!
//! Usage: `profile MODEL.onnx [--dim NAME=N]… [--shape INPUT=D0,D1,…]… [--set INPUT=N[,N…]]…
//! [--below INPUT=N]… [--threads T] [--repeat R] [--ops N]`
//!
//! Prints the number of ops by kind, the latency of whole runs (minimum and median of R), that of traced
//! runs and the bytes they hash, and, for
//! one thread, the N costliest ops and the time by kind: each op alone, on tensors in memory, with
//! prepared weights and with every `Unfold` that one contraction reads left to that contraction.
//! Inputs are drawn from [-1, 1), whole numbers from 0 up to, not including, `--below` (2).

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use assay_executor::{Bundle, Options, Session};
use assay_kernels::KernelConfig;
use assay_onnx::{compile_in, CompileOptions, Compiled};
use assay_referee::OpRecord;
use assay_testing::onnx::seeded;

mod timed;

/// What the command line asks for.
struct Request {
	path: String,
	compile: CompileOptions,
	below: BTreeMap<String, u32>,
	threads: usize,
	repeat: usize,
	ops: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
	let request = arguments(std::env::args().skip(1))?;
	let start = Instant::now();
	let folder = Path::new(&request.path).parent().unwrap_or(Path::new(""));
	let compiled = compile_in(folder, &std::fs::read(&request.path)?, &request.compile)?;
	println!(
		"{}: {} ops, {} parameters, compiled in {:.0} ms, model {}",
		request.path,
		compiled.program.ops.len(),
		compiled.parameters,
		milliseconds(start),
		hex(&compiled.manifest.model_id),
	);
	let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
	for op in &compiled.program.ops {
		*kinds.entry(op.to_string()).or_default() += 1;
	}
	let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
	println!("{}", list.join(", "));

	let bundle = Arc::new(compiled.bundle()?);
	let input = inputs(&compiled, &request.below)?;
	let options = Options { threads: request.threads, isa: None };
	let session = Session::new(bundle.clone(), options);
	let output = session.run(&input)?;
	println!("output {}", hex(&Session::output_root(&output)));
	let times = times(request.repeat, || session.run(&input).map(drop))?;
	println!(
		"{} runs on {} threads ({}): min {:.3} ms, median {:.3} ms",
		times.len(),
		session.config().threads(),
		session.config().isa(),
		times[0],
		times[times.len() / 2],
	);
	let traced = self::times(request.repeat, || session.trace(&input, None).map(drop))?;
	let written: u64 = compiled.program.ops.iter().map(OpRecord::bytes).sum();
	println!(
		"traced: min {:.3} ms ({:.2} of a run), {:.1} MB hashed",
		traced[0],
		traced[0] / times[0],
		written as f64 / 1e6
	);
	if request.ops > 0 {
		table(&compiled, &bundle, &input, &request)?;
	}
	Ok(())
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Request, Box<dyn Error>> {
	const USAGE: &str = "usage: profile MODEL.onnx [--dim NAME=N] [--shape INPUT=D0,D1] \
		[--set INPUT=N[,N]] [--below INPUT=N] [--threads T] [--repeat R] [--ops N]";
	let mut request = Request {
		path: String::new(),
		compile: CompileOptions::default(),
		below: BTreeMap::new(),
		threads: 1,
		repeat: 20,
		ops: 25,
	};
	while let Some(word) = words.next() {
		if !word.starts_with("--") {
			request.path = word;
			continue;
		}
		let value = words.next().ok_or(USAGE)?;
		let pair = || value.rsplit_once('=').ok_or(USAGE);
		match word.as_str() {
			"--dim" => {
				let (name, size) = pair()?;
				request.compile.dims.insert(name.into(), size.parse()?);
			},
			"--shape" => {
				let (name, list) = pair()?;
				let dims = list.split(',').filter(|part| !part.is_empty());
				let dims = dims.map(str::parse).collect::<Result<_, _>>()?;
				request.compile.shapes.insert(name.into(), dims);
			},
			"--set" => {
				let (name, number) = pair()?;
				let numbers = number.split(',').map(str::parse).collect::<Result<_, _>>()?;
				request.compile.values.insert(name.into(), numbers);
			},
			"--below" => {
				let (name, limit) = pair()?;
				request.below.insert(name.into(), limit.parse()?);
			},
			"--threads" => request.threads = value.parse()?,
			"--repeat" => request.repeat = value.parse()?,
			"--ops" => request.ops = value.parse()?,
			_ => return Err(USAGE.into()),
		}
	}
	if request.path.is_empty() {
		Err(USAGE.into())
	} else {
		Ok(request)
	}
}

/// The times of `repeat` runs, one at least, in ascending order, in milliseconds.
fn times<E>(repeat: usize, run: impl Fn() -> Result<(), E>) -> Result<Vec<f64>, E> {
	let time = |_| {
		let start = Instant::now();
		run().map(|()| milliseconds(start))
	};
	let mut times = (0..repeat.max(1)).map(time).collect::<Result<Vec<f64>, E>>()?;
	times.sort_by(f64::total_cmp);
	Ok(times)
}

fn milliseconds(start: Instant) -> f64 {
	start.elapsed().as_secs_f64() * 1e3
}

fn hex(root: &[u8; 32]) -> String {
	root.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same input bytes on every machine, in the model's input layout.
fn inputs(compiled: &Compiled, below: &BTreeMap<String, u32>) -> Result<Vec<u8>, Box<dyn Error>> {
	let manifest = &compiled.manifest;
	let inputs = seeded::inputs(manifest, |name| below.get(name).copied().unwrap_or(2).max(1));
	Ok(manifest.pack_bytes(&inputs)?)
}

/// Times every op alone, on one thread, and prints the costliest.
fn table(
	compiled: &Compiled,
	bundle: &Bundle,
	input: &[u8],
	request: &Request,
) -> Result<(), Box<dyn Error>> {
	let ops = &compiled.program.ops;
	let times = timed::ops(bundle, input, &KernelConfig::default(), request.repeat)?;
	let mut rows: Vec<(f64, usize)> = Vec::new();
	let mut kinds: BTreeMap<String, (f64, u32, u64)> = BTreeMap::new();
	for ((i, op), time) in ops.iter().enumerate().zip(times) {
		let Some(best) = time else { continue };
		rows.push((best, i));
		let total = kinds.entry(op.to_string()).or_default();
		*total = (total.0 + best, total.1 + 1, total.2 + op.bytes());
	}
	let sum: f64 = rows.iter().map(|row| row.0).sum();
	rows.sort_by(|a, b| b.0.total_cmp(&a.0));
	println!("sum of ops, each alone: {sum:.3} ms");
	for &(best, i) in rows.iter().take(request.ops) {
		let op = &ops[i];
		let operands: Vec<String> =
			op.operands.iter().map(|operand| format!("{:?}", operand.shape.dims())).collect();
		println!(
			"{:9.4} ms {:5.1} % op {i:4} {:24} {} -> {:?}  {}",
			best,
			100.0 * best / sum,
			op.to_string(),
			operands.join(" "),
			op.shape.dims(),
			compiled.origins[i],
		);
	}
	let mut kinds: Vec<_> = kinds.into_iter().collect();
	kinds.sort_by(|a, b| b.1 .0.total_cmp(&a.1 .0));
	for (kind, (time, count, bytes)) in kinds {
		let (share, megabytes) = (100.0 * time / sum, bytes as f64 / 1e6);
		println!("{time:9.4} ms {share:5.1} % {megabytes:8.3} MB {count:4} × {kind}");
	}
	Ok(())
}
