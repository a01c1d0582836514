//! Checks the elementary functions against correctly rounded ones on every binary32 number, and
//! the integer arithmetic against the native one.
//!
//! ```text
//! cargo run --release -p assay-kernels --example exhaustive -- [FUNCTION ...]
//!     [--stride N] [--soft-stride N] [--twins] [--threads N] [--from BITS] [--to BITS]
//! ```
//!
//! `kernels` compares the whole-tensor kernels of exp, tanh, erf and sigmoid, which may take a shorter
//! way to the same value, with the functions, under every instruction set of this machine;
//! `kernel:sigmoid` only that one.
//! `--from` and `--to` (hexadecimal bits, both included) run a part, so that a long run can be split.
//!
//! Without names, every function. `--stride N` takes one input in N (1: all 2^32), `--soft-stride
//! N` runs the integer arithmetic on one of those in N (default 251; odd, to reach all low bits). `--twins` leaves
//! the correctly rounded functions out and runs the integer arithmetic on every input: half an hour for some
//! functions, so that one who has compared the native ones can give the time to the others. The exit status is 1 when
//! anything differs.

mod kernels;
mod oracle;
mod pairs;

use assay_kernels::Hard;
use assay_referee::arith::{functions, Soft};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// One function in its three forms.
struct Case {
	name: &'static str,
	hard: fn(f32) -> f32,
	soft: fn(u32) -> u32,
	oracle: fn(f32) -> f32,
}

macro_rules! case {
	($name:ident, $oracle:path) => {
		Case {
			name: stringify!($name),
			hard: functions::$name::<Hard>,
			soft: functions::$name::<Soft>,
			oracle: $oracle,
		}
	};
}

const CASES: [Case; 18] = [
	case!(exp, core_math::expf),
	case!(exp2, core_math::exp2f),
	case!(log, core_math::logf),
	case!(tanh, core_math::tanhf),
	case!(erf, core_math::erff),
	case!(sigmoid, oracle::sigmoid),
	case!(softplus, oracle::softplus),
	case!(sin, core_math::sinf),
	case!(cos, core_math::cosf),
	case!(tan, core_math::tanf),
	case!(asin, core_math::asinf),
	case!(acos, core_math::acosf),
	case!(atan, core_math::atanf),
	case!(sinh, core_math::sinhf),
	case!(cosh, core_math::coshf),
	case!(asinh, core_math::asinhf),
	case!(acosh, core_math::acoshf),
	case!(atanh, core_math::atanhf),
];

/// What to run.
struct Options {
	names: Vec<String>,
	stride: u64,
	soft_stride: u64,
	/// Whether only native and integer arithmetic are compared.
	twins: bool,
	threads: u64,
	/// Bits of the first and of the last input.
	from: u64,
	to: u64,
}

impl Options {
	/// How many inputs there are.
	fn inputs(&self) -> u64 {
		(self.to + 1).saturating_sub(self.from).div_ceil(self.stride)
	}

	/// Bits of one of them.
	fn input(&self, n: u64) -> u32 {
		(self.from + n * self.stride) as u32
	}
}

fn options() -> Result<Options, String> {
	let mut options = Options {
		names: vec![],
		stride: 1,
		soft_stride: 251,
		twins: false,
		threads: 1,
		from: 0,
		to: u32::MAX.into(),
	};
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		if let bound @ ("--from" | "--to") = argument.as_str() {
			let value = arguments.next().and_then(|v| u32::from_str_radix(&v, 16).ok());
			let value = value.ok_or(format!("{bound} needs eight hexadecimal digits"))?.into();
			*(if bound == "--from" { &mut options.from } else { &mut options.to }) = value;
			continue;
		}
		let target = match argument.as_str() {
			"--stride" => &mut options.stride,
			"--soft-stride" => &mut options.soft_stride,
			"--threads" => &mut options.threads,
			"--twins" => {
				(options.twins, options.soft_stride) = (true, 1);
				continue;
			},
			name if name.starts_with('-') => return Err(format!("unknown option {name}")),
			name if kernels::is_named_by(name)
				|| pairs::NAMES.contains(&name)
				|| CASES.iter().any(|c| c.name == name) =>
			{
				options.names.push(name.into());
				continue;
			},
			name => return Err(format!("unknown function {name}")),
		};
		let value = arguments.next().and_then(|v| v.parse().ok()).filter(|&v| v > 0);
		*target = value.ok_or(format!("{argument} needs a positive number"))?;
	}
	Ok(options)
}

/// Bits with one NaN.
fn bits(x: f32) -> u32 {
	if x.is_nan() {
		0x7fc0_0000
	} else {
		x.to_bits()
	}
}

/// Runs one case over all inputs; gives the number of differences.
fn check(case: &Case, options: &Options) -> u64 {
	let started = Instant::now();
	let total = options.inputs();
	let (wrong, twins_differ) = (AtomicU64::new(0), AtomicU64::new(0));
	let part = |first: u64, end: u64| {
		for n in first..end {
			let x = options.input(n);
			let value = bits((case.hard)(f32::from_bits(x)));
			if !options.twins {
				let expected = bits((case.oracle)(f32::from_bits(x)));
				if value != expected && wrong.fetch_add(1, Ordering::Relaxed) < 32 {
					println!("{} {x:08x}: {value:08x}, expected {expected:08x}", case.name);
				}
			}
			if n % options.soft_stride == 0 {
				let soft = bits(f32::from_bits((case.soft)(x)));
				if soft != value && twins_differ.fetch_add(1, Ordering::Relaxed) < 32 {
					println!("{} {x:08x}: {value:08x}, in integers {soft:08x}", case.name);
				}
			}
		}
	};
	std::thread::scope(|scope| {
		for t in 0..options.threads {
			let part = &part;
			let bound = move |t| total * t / options.threads;
			scope.spawn(move || part(bound(t), bound(t + 1)));
		}
	});
	let (wrong, twins_differ) = (wrong.into_inner(), twins_differ.into_inner());
	let rounded =
		if options.twins { String::new() } else { format!(", {wrong} not correctly rounded") };
	println!(
		"{:9} {total} inputs{rounded}; {} in integers, {twins_differ} differ; {:.0} s",
		case.name,
		total.div_ceil(options.soft_stride),
		started.elapsed().as_secs_f64(),
	);
	wrong + twins_differ
}

fn main() -> std::process::ExitCode {
	let options = match options() {
		Ok(options) => options,
		Err(message) => {
			eprintln!("{message}");
			return std::process::ExitCode::from(2);
		},
	};
	let wanted = |name: &str| options.names.is_empty() || options.names.iter().any(|n| n == name);
	let mut differences = 0;
	for case in CASES.iter().filter(|c| wanted(c.name)) {
		differences += check(case, &options);
	}
	for name in pairs::NAMES.into_iter().filter(|name| wanted(name)) {
		differences += pairs::check(name, (1 << 30) / options.stride, options.threads);
	}
	differences += kernels::check(&options);
	std::process::ExitCode::from(u8::from(differences != 0))
}
