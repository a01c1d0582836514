//! Whole-tensor kernels against the functions that they must equal.

use crate::Options;
use assay_kernels::{execute, Buffer, Hard, Isa, KernelConfig};
use assay_referee::{arith::functions, DType, OpKind, OpRecord, Operand, Shape, UnaryFn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Whether a word of the command line names all kernels, or one.
pub(crate) fn is_named_by(word: &str) -> bool {
	word == ALL || CASES.iter().any(|case| is_one(case, word))
}

fn is_one((function, _): &(UnaryFn, Function), word: &str) -> bool {
	let name = word.strip_prefix("kernel:");
	name.is_some_and(|name| format!("{function:?}").eq_ignore_ascii_case(name))
}

const ALL: &str = "kernels";

/// Inputs that are computed at a time.
const BLOCK: u64 = 1 << 14;

type Function = fn(f32) -> f32;

const CASES: [(UnaryFn, Function); 4] = [
	(UnaryFn::Exp, functions::exp::<Hard>),
	(UnaryFn::Tanh, functions::tanh::<Hard>),
	(UnaryFn::Erf, functions::erf::<Hard>),
	(UnaryFn::Sigmoid, functions::sigmoid::<Hard>),
];

fn bits(x: f32) -> u32 {
	if x.is_nan() {
		0x7fc0_0000
	} else {
		x.to_bits()
	}
}

/// Compares the kernels that the options name, all without names, on the inputs that they name; gives
/// the number of differences.
pub(crate) fn check(options: &Options) -> u64 {
	let wanted = |case: &&(UnaryFn, Function)| {
		let named = |word: &String| word == ALL || is_one(case, word);
		options.names.is_empty() || options.names.iter().any(named)
	};
	CASES.iter().filter(wanted).map(|case| check_one(case, options)).sum()
}

fn check_one(&(function, expected): &(UnaryFn, Function), options: &Options) -> u64 {
	let started = Instant::now();
	let total = options.inputs();
	let blocks = total.div_ceil(BLOCK);
	let wrong = AtomicU64::new(0);
	let next = AtomicU64::new(0);
	let work = || {
		let shape = Shape::new(&[BLOCK as u32]).expect("a small shape");
		let operand = Operand::input(0, DType::F32, shape);
		let op = OpRecord::new(OpKind::Unary(function), DType::F32, shape, [operand]);
		let (mut x, mut out) = (Buffer::new(BLOCK as usize * 4), Buffer::new(BLOCK as usize * 4));
		loop {
			let block = next.fetch_add(1, Ordering::Relaxed);
			if block >= blocks {
				return;
			}
			// The last block is filled up with the last input.
			let input = |i: u64| options.input((block * BLOCK + i).min(total - 1));
			for (i, place) in (0u64..).zip(x.chunks_exact_mut(4)) {
				place.copy_from_slice(&input(i).to_le_bytes());
			}
			let values: Vec<u32> =
				(0..BLOCK).map(|i| bits(expected(f32::from_bits(input(i))))).collect();
			for isa in Isa::available() {
				let done = execute(&op, &[&x], &mut out, &KernelConfig::new(1, isa));
				assert_eq!(done, Ok(()));
				for (i, place) in (0u64..).zip(out.as_chunks::<4>().0) {
					let (value, expected) = (u32::from_le_bytes(*place), values[i as usize]);
					if value != expected && wrong.fetch_add(1, Ordering::Relaxed) < 32 {
						let x = input(i);
						println!(
							"{function:?} {x:08x} {isa}: {value:08x}, expected {expected:08x}"
						);
					}
				}
			}
		}
	};
	std::thread::scope(|scope| {
		for _ in 0..options.threads {
			scope.spawn(work);
		}
	});
	let wrong = wrong.into_inner();
	let seconds = started.elapsed().as_secs_f64();
	println!("kernel {function:?}: {total} inputs, {wrong} differ; {seconds:.0} s");
	wrong
}
