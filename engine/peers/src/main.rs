//! What other libraries make of the same models and files.
//!
//! ```text
//! assay-peers tract|rten MODEL INPUTS THREADS REPEAT
//! assay-peers blake3 FILE THREADS REPEAT
//! ```
//!
//! MODEL is an ONNX file; INPUTS a JSON file that lists its inputs as `name`, `dtype`, `shape` and
//! `file`, the elements in little-endian bytes. Prints one line of JSON: `min_ms` and `median_ms`, or
//! `error`, in a few words, with exit status 0: that a library cannot run a model is an answer.

mod onnx;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Any error; only its message is used.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> std::process::ExitCode {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
	let done = match arguments[..] {
		["blake3", file, threads, repeat] => numbers(threads, repeat)
			.map(|(threads, repeat)| blake3_of(Path::new(file), threads, repeat)),
		[peer @ ("tract" | "rten"), model, inputs, threads, repeat] => numbers(threads, repeat)
			.map(|(threads, repeat)| onnx::time(peer, model, inputs, threads, repeat)),
		_ => Err("usage: assay-peers tract|rten MODEL INPUTS THREADS REPEAT\n       assay-peers blake3 FILE THREADS REPEAT".into()),
	};
	match done {
		Ok(Ok((min, median))) => {
			println!("{}", serde_json::json!({ "min_ms": min, "median_ms": median }));
			std::process::ExitCode::SUCCESS
		},
		Ok(Err(error)) => {
			println!("{}", serde_json::json!({ "error": in_few_words(&*error) }));
			std::process::ExitCode::SUCCESS
		},
		Err(message) => {
			eprintln!("{message}");
			std::process::ExitCode::from(2)
		},
	}
}

fn numbers(threads: &str, repeat: &str) -> std::result::Result<(usize, usize), String> {
	let number = |what, text: &str| match text.parse() {
		Ok(number) if number > 0 => Ok(number),
		_ => Err(format!("{what} is to be a positive number, not {text}")),
	};
	Ok((number("THREADS", threads)?, number("REPEAT", repeat)?))
}

/// The innermost cause of an error, on one line of at most 100 characters.
fn in_few_words(error: &(dyn std::error::Error + 'static)) -> String {
	let mut cause = error;
	while let Some(next) = cause.source() {
		cause = next;
	}
	let words: Vec<String> = cause.to_string().split_whitespace().map(str::to_owned).collect();
	let text = words.join(" ");
	match text.char_indices().nth(100) {
		Some((end, _)) => format!("{}…", &text[..end]),
		None => text,
	}
}

/// The shortest and the middle time of `repeat` runs after one that does not count, in milliseconds.
fn times(repeat: usize, mut run: impl FnMut() -> Result<()>) -> Result<(f64, f64)> {
	run()?;
	let mut times = Vec::with_capacity(repeat);
	for _ in 0..repeat {
		let start = Instant::now();
		run()?;
		times.push(start.elapsed().as_secs_f64() * 1e3);
	}
	times.sort_by(f64::total_cmp);
	Ok((times[0], times[times.len() / 2]))
}

/// The `blake3` crate from a file to its hash, in the fastest way that it offers: mapped, and with
/// several threads, split among them.
fn blake3_of(file: &Path, threads: usize, repeat: usize) -> Result<(f64, f64)> {
	let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
	pool.install(|| {
		times(repeat, || {
			let mut hasher = blake3::Hasher::new();
			if threads > 1 {
				hasher.update_mmap_rayon(file)?;
			} else {
				hasher.update_mmap(file)?;
			}
			std::hint::black_box(hasher.finalize());
			Ok(())
		})
	})
}
