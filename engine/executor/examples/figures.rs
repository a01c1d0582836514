//! Figures of one bundle: latency, profile, load, trace, memory.
//!
//! Usage: `figures latency|profile|load|trace|memory BUNDLE [THREADS [REPEAT]]`. Times are minima of
//! all runs, in milliseconds; one `name value` pair per line, so that scripts can read them.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use assay_executor::{Bundle, Options, Session};
use assay_referee::{DType, Program};

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
		_ => Err(usage.into()),
	}
}

fn open(bundle: &str, threads: usize) -> Result<(Session, Vec<u8>)> {
	let bundle = Arc::new(Bundle::load(bundle)?);
	let input = input(bundle.program());
	Ok((Session::new(bundle, Options { threads, isa: None })?, input))
}

/// Numbers that every model accepts: floats from 0 to 1, small integers.
fn input(program: &Program) -> Vec<u8> {
	let layout = program.header.input_layout();
	let mut bytes = vec![0; layout.total_len as usize];
	for (spec, &offset) in program.header.inputs.iter().zip(&layout.offsets) {
		let part = &mut bytes[offset as usize..(offset + spec.bytes()) as usize];
		for (i, place) in part.chunks_exact_mut(spec.dtype.size() as usize).enumerate() {
			match spec.dtype {
				DType::F32 => {
					let x = (i * 7919 % 2003) as f32 / 2003.0;
					place.copy_from_slice(&x.to_le_bytes());
				},
				DType::I32 => place[0] = (i * 37 % 256) as u8,
				_ => place[0] = (i * 37 % 2) as u8,
			}
		}
	}
	bytes
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
				format!("{op} {:?} {:?}", record.kind, record.shape.dims())
			})
			.collect();
		println!("{:9.1} us {}", step.nanoseconds as f64 / 1e3, kinds.join("; "));
	}
	println!("{:9.1} us in all", total as f64 / 1e3);
	Ok(())
}
