//! Figures of one bundle: latency, profile, load, trace, memory.
//!
//! Usage: `figures latency|profile|load|trace|memory BUNDLE [THREADS [REPEAT]]`. Times are minima of
//! all runs; one `name value` pair per line, so that scripts can read them. `memory` is to run in a
//! process of its own, because it prints the process's peak.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use assay_executor::{Bundle, Move, Options, Session, Tamper};
use assay_referee::{NodeKey, Object, Program, CHUNK_BYTES};
use assay_testing::inputs::input;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	let usage = "usage: figures latency|profile|load|trace|memory BUNDLE [THREADS [REPEAT]]";
	let [what, bundle, rest @ ..] = &arguments[..] else { return Err(usage.into()) };
	let number = |at: usize, default| rest.get(at).map_or(Ok(default), |text| text.parse());
	let (threads, repeat) = (number(0, 1)?, number(1, 30)?);
	match what.as_str() {
		"latency" => latency(bundle, threads, repeat),
		"profile" => profile(bundle, threads, repeat),
		"load" => load(bundle, threads, repeat),
		"trace" => trace(bundle, threads, repeat),
		"memory" => memory(bundle, threads),
		_ => Err(usage.into()),
	}
}

fn open(bundle: &str, threads: usize) -> Result<(Session, Vec<u8>)> {
	let bundle = Arc::new(Bundle::load(bundle)?);
	let input = input(bundle.program());
	Ok((Session::new(bundle, Options { threads, isa: None }), input))
}

/// The shortest and the middle time of `repeat` runs, in milliseconds.
fn times(repeat: usize, mut run: impl FnMut() -> Result<()>) -> Result<(f64, f64)> {
	run()?;
	let mut times = Vec::with_capacity(repeat);
	for _ in 0..repeat.max(1) {
		let start = Instant::now();
		run()?;
		times.push(start.elapsed().as_secs_f64() * 1e3);
	}
	times.sort_by(f64::total_cmp);
	Ok((times[0], times[times.len() / 2]))
}

fn latency(bundle: &str, threads: usize, repeat: usize) -> Result<()> {
	let (session, input) = open(bundle, threads)?;
	let (min, median) = times(repeat, || Ok(session.run(&input).map(drop)?))?;
	println!("latency_min_ms {min:.4}\nlatency_median_ms {median:.4}");
	Ok(())
}

fn profile(bundle: &str, threads: usize, repeat: usize) -> Result<()> {
	let (session, input) = open(bundle, threads)?;
	let mut best = session.profile(&input)?;
	for _ in 0..repeat {
		for (best, new) in best.iter_mut().zip(session.profile(&input)?) {
			best.nanoseconds = best.nanoseconds.min(new.nanoseconds);
		}
	}
	let total: u64 = best.iter().map(|step| step.nanoseconds).sum();
	let program = session.bundle().program();
	for step in &best {
		let kinds: Vec<String> = step
			.ops
			.iter()
			.map(|&op| {
				let record = &program.ops[op as usize];
				format!("{op} {} {:?}", record.kind, record.shape.dims())
			})
			.collect();
		println!("{:9.1} us {}", step.nanoseconds as f64 / 1e3, kinds.join("; "));
	}
	println!("{:9.1} us in all", total as f64 / 1e3);
	Ok(())
}

/// Loading and preparing, and the rate of checking the weights against that of the `blake3` crate on
/// one thread, which it cannot exceed by more than the processors.
fn load(bundle: &str, threads: usize, repeat: usize) -> Result<()> {
	let options = Options { threads, isa: None };
	let (ready, _) = times(repeat, || {
		black_box(Session::new(Arc::new(Bundle::load(bundle)?), options));
		Ok(())
	})?;
	let (checked, _) = times(repeat, || {
		black_box(Bundle::load(bundle)?);
		Ok(())
	})?;
	let loaded = Bundle::load(bundle)?;
	let (hashed, _) = times(repeat, || {
		black_box(blake3::hash(loaded.weights()));
		Ok(())
	})?;
	let megabytes = loaded.weights().len() as f64 / 1e6;
	println!("ready_min_ms {ready:.3}\nload_min_ms {checked:.3}");
	println!("load_megabytes_per_ms {:.3}", megabytes / checked);
	println!("blake3_one_thread_megabytes_per_ms {:.3}", megabytes / hashed);
	// As `Bundle::load` finds it: read from the system's cache into fresh memory.
	let file = std::path::Path::new(bundle).join("weights.bin");
	let (hashed, _) = times(repeat, || {
		black_box(blake3::Hasher::new().update_reader(std::fs::File::open(&file)?)?.finalize());
		Ok(())
	})?;
	println!("blake3_file_one_thread_megabytes_per_ms {:.3}", megabytes / hashed);
	Ok(())
}

/// A traced run against an untraced one, taken in turns; then opening nodes of every tensor, and
/// every move up to the proof of a fault in the largest op of each kind.
fn trace(bundle: &str, threads: usize, repeat: usize) -> Result<()> {
	let (session, input) = open(bundle, threads)?;
	let (mut run, mut traced) = (f64::INFINITY, f64::INFINITY);
	for _ in 0..repeat {
		run = run.min(times(1, || Ok(session.run(&input).map(drop)?))?.0);
		traced = traced.min(times(1, || Ok(session.trace(&input, None).map(drop)?))?.0);
	}
	let bytes: u64 = session.bundle().program().ops.iter().map(|op| op.bytes()).sum();
	println!("run_min_ms {run:.3}\ntraced_min_ms {traced:.3}\ntraced_ratio {:.3}", traced / run);
	println!("traced_megabytes {:.1}", bytes as f64 / 1e6);
	let honest = session.trace(&input, None)?;
	let ops = honest.entries().len() as u32;
	// The top node and a chunk from the middle of every tensor, which the first computes again.
	let mut slowest = 0f64;
	for op in 0..ops {
		let top = NodeKey::top(Object::Tensor(op));
		let chunks = session.bundle().program().ops[op as usize].bytes().div_ceil(CHUNK_BYTES);
		let chunk = NodeKey { level: 0, index: chunks / 2, ..top };
		// The only node of a small tensor has one name, the top's.
		for key in [top].into_iter().chain((chunks > 1).then_some(chunk)) {
			let start = Instant::now();
			black_box(honest.open(&key)?);
			slowest = slowest.max(start.elapsed().as_secs_f64() * 1e3);
		}
	}
	println!("open_max_ms {slowest:.3}");
	let mut slowest = 0f64;
	for op in largest_of_each_kind(session.bundle().program()) {
		let wrong = session.trace(&input, Some(&Tamper { op, element: None }))?;
		let mut openings = Vec::new();
		loop {
			let start = Instant::now();
			let next = honest.next_move(&wrong.root(), &openings)?;
			slowest = slowest.max(start.elapsed().as_secs_f64() * 1e3);
			match next {
				Move::Ask(key) => openings.push((key, wrong.open(&key)?)),
				Move::Prove(_) | Move::Agree => break,
			}
		}
	}
	println!("prove_max_ms {slowest:.3}");
	Ok(())
}

/// The op of each kind whose output is the largest.
fn largest_of_each_kind(program: &Program) -> Vec<u32> {
	let mut largest: Vec<u32> = Vec::new();
	for (op, record) in program.ops.iter().enumerate() {
		let of_kind = |&i: &u32| {
			let other = &program.ops[i as usize].kind;
			std::mem::discriminant(other) == std::mem::discriminant(&record.kind)
		};
		match largest.iter().position(of_kind) {
			Some(at) if program.ops[largest[at] as usize].bytes() >= record.bytes() => {},
			Some(at) => largest[at] = op as u32,
			None => largest.push(op as u32),
		}
	}
	largest
}

/// Most memory that the process held while it loaded the model and ran it ten times, and what it held
/// before; weights read from the mapped file count.
fn memory(bundle: &str, threads: usize) -> Result<()> {
	// Makes the present size the peak. Not every kernel has it; without it the peak is the process's.
	let _ = std::fs::write("/proc/self/clear_refs", "5");
	let base = status("VmRSS")?;
	let (session, input) = open(bundle, threads)?;
	for _ in 0..10 {
		black_box(session.run(&input)?);
	}
	println!("base_mib {base:.1}\npeak_mib {:.1}", status("VmHWM")?);
	println!("tensors_mib {:.1}", session.memory() as f64 / (1 << 20) as f64);
	println!("weights_mib {:.1}", session.bundle().weights().len() as f64 / (1 << 20) as f64);
	Ok(())
}

/// A field of the process's status, in MiB.
fn status(field: &str) -> Result<f64> {
	let status = std::fs::read_to_string("/proc/self/status")?;
	let mut lines = status.lines().filter_map(|line| line.split_once(':'));
	let found = lines.find_map(|(name, value)| (name == field).then_some(value));
	let kibibytes = found.and_then(|text| text.split_whitespace().next());
	let kibibytes: f64 = kibibytes.ok_or_else(|| format!("no {field}"))?.parse()?;
	Ok(kibibytes / 1024.0)
}
