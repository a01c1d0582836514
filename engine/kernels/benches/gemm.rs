//! Matrix products against the `gemm` crate's, on one and two threads.
//!
//! `cargo bench -p assay-kernels --bench gemm`; add `-- 1x` for the shapes whose name contains that.
//! Prints GFLOP/s of the fastest of many alternating runs and the ratio to the `gemm` crate, whose
//! right operand lies in whichever of the two orders is faster for it. Ours is `[n, k]` as the
//! format stores it, and `packed` when it is a weight.

use assay_kernels::{execute_with, prepare, Arg, Buffer, Isa, KernelConfig};
use assay_referee::{Bias, DType, OpKind, OpRecord, Operand, Shape};
use gemm_common::Parallelism;
use std::{
	hint::black_box,
	time::{Duration, Instant},
};

/// Rows, columns, terms.
const SHAPES: [[usize; 3]; 8] = [
	[512, 512, 512],
	[128, 384, 384],
	[128, 1536, 384],
	[128, 384, 1536],
	[16, 384, 384],
	[1, 384, 384],
	[1, 1536, 1536],
	[1, 4096, 4096],
];

/// One of the ways to compute a product, by name.
type Way<'a> = (&'static str, Box<dyn FnMut() + Send + 'a>);

fn values(n: usize) -> Buffer {
	let mut bytes = Buffer::new(n * 4);
	for (i, place) in bytes.chunks_exact_mut(4).enumerate() {
		place.copy_from_slice(&((i * 7919 % 2003) as f32 / 1000.0 - 1.0).to_le_bytes());
	}
	bytes
}

fn record([m, n, k]: [usize; 3]) -> OpRecord {
	let shape = |dims: [usize; 3]| Shape::new(&dims.map(|dim| dim as u32)).expect("a small shape");
	let operand = |dims| Operand::input(0, DType::F32, shape(dims));
	let kind = OpKind::MatMul { bias: Bias::None };
	OpRecord::new(kind, DType::F32, shape([1, m, n]), [operand([1, m, k]), operand([1, n, k])])
}

/// The `gemm` crate's product of `a[m, k]` and a matrix whose element (term, column) lies at
/// `term * term_step + column * column_step`.
fn theirs(
	[m, n, k]: [usize; 3],
	(a, b): (&Buffer, &Buffer),
	[term_step, column_step]: [usize; 2],
	out: &mut Buffer,
	threads: usize,
) {
	let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
	let product = gemm_f32::gemm::f32::get_gemm_fn();
	// Its kernels write columns, so it computes the transpose of ours, as its front end would.
	// SAFETY: the matrices have the sizes and steps that are given.
	unsafe {
		product(
			n,
			m,
			k,
			out.as_mut_ptr().cast(),
			n as isize,
			1,
			false,
			b.as_ptr().cast(),
			term_step as isize,
			column_step as isize,
			a.as_ptr().cast(),
			k as isize,
			1,
			0.0,
			1.0,
			false,
			false,
			false,
			parallelism,
		);
	}
}

/// The shortest of many runs of each way, in seconds. Each has turns of its own, so that the helpers
/// of one side sleep while the other side runs, and that each finds in the last-level cache what it
/// left there itself.
fn shortest(ways: &mut [Way<'_>]) -> Vec<f64> {
	let mut best = vec![f64::INFINITY; ways.len()];
	for _ in 0..10 {
		for (best, (_, run)) in best.iter_mut().zip(&mut *ways) {
			turn(run, best);
		}
	}
	best
}

fn turn(run: &mut dyn FnMut(), best: &mut f64) {
	let start = Instant::now();
	let mut rounds = 0;
	while rounds < 4 || (start.elapsed() < Duration::from_millis(20) && rounds < 2_000) {
		let one = Instant::now();
		run();
		*best = best.min(one.elapsed().as_secs_f64());
		rounds += 1;
	}
}

fn bench(size: [usize; 3], threads: usize) {
	let [m, n, k] = size;
	let op = record(size);
	let cfg = KernelConfig::new(threads, Isa::detect());
	let (a, b) = (values(m * k), values(n * k));
	let packed = prepare(&op, 1, &b, cfg.isa()).expect("products have a packed form");
	let mut outs: Vec<Buffer> = (0..4).map(|_| Buffer::new(m * n * 4)).collect();
	let [plain, prepared, rows, columns] = &mut outs[..] else { unreachable!("four buffers") };
	let (a, b, op, packed) = (&a, &b, &op, &packed);
	let mut ways: [Way<'_>; 4] = [
		(
			"ours",
			Box::new(move || {
				let args = [Arg::Bytes(a), Arg::Bytes(black_box(b))];
				execute_with(op, &args, None, plain, &cfg).expect("the sizes fit");
			}),
		),
		(
			"packed",
			Box::new(move || {
				let args = [Arg::Bytes(a), Arg::Prepared(packed, black_box(b))];
				execute_with(op, &args, None, prepared, &cfg).expect("the sizes fit");
			}),
		),
		("gemm [n,k]", Box::new(move || theirs(size, (a, black_box(b)), [1, k], rows, threads))),
		("gemm [k,n]", Box::new(move || theirs(size, (a, black_box(b)), [n, 1], columns, threads))),
	];
	let times = shortest(&mut ways);
	let rates: Vec<f64> = times.iter().map(|time| 2e-9 * (m * n * k) as f64 / time).collect();
	let best = rates[2].max(rates[3]);
	let columns: Vec<String> =
		ways.iter().zip(&rates).map(|((name, _), rate)| format!("{name} {rate:7.1}")).collect();
	println!(
		"{:15} {threads} thread(s)  {}  ours/gemm {:.2}, packed/gemm {:.2}",
		format!("{m}x{n}x{k}"),
		columns.join("  "),
		rates[0] / best,
		rates[1] / best,
	);
}

fn main() {
	// Cargo passes options of its own.
	let filter = std::env::args().skip(1).find(|x| !x.starts_with('-')).unwrap_or_default();
	println!("GFLOP/s, {}", Isa::detect());
	for threads in [1, 2] {
		let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
		let pool = pool.expect("threads can be started");
		for [m, n, k] in SHAPES {
			if format!("{m}x{n}x{k}").contains(&filter) {
				pool.install(|| bench([m, n, k], threads));
			}
		}
	}
}
