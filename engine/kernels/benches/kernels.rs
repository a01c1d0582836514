//! Speed of the kernels on one thread, per instruction set.
//!
//! `cargo bench -p assay-kernels`; add `-- matmul` for the contractions alone. Rates count
//! multiply-adds for contractions, operand elements for reductions, output elements for the rest.

use assay_kernels::{execute, execute_with, hash_all, prepare, Arg, Buffer, Isa, KernelConfig};
use assay_referee::{
	tree, Bias, BinaryFn, Cell, DType, OpKind, OpRecord, Operand, ReduceFn, Shape, UnaryFn,
};
use std::{
	hint::black_box,
	time::{Duration, Instant},
};

fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).expect("a small shape")
}

fn operand(dtype: DType, dims: &[u32]) -> Operand {
	Operand::input(0, dtype, shape(dims))
}

/// Numbers of ordinary size, or small integers.
fn tensor(operand: &Operand) -> Buffer {
	let mut bytes = Buffer::new(operand.bytes() as usize);
	for (i, place) in bytes.chunks_exact_mut(operand.dtype.size() as usize).enumerate() {
		let x = (i * 7919 % 2003) as f32 / 1000.0 - 1.0;
		match operand.dtype {
			DType::F32 => place.copy_from_slice(&x.to_le_bytes()),
			_ => place[0] = (i * 37) as u8,
		}
	}
	bytes
}

/// The shortest of many runs, in seconds: what the machine can do when nobody disturbs it.
fn shortest(mut run: impl FnMut()) -> f64 {
	run();
	let start = Instant::now();
	let mut best = f64::INFINITY;
	let mut runs = 0;
	while runs < 5 || (start.elapsed() < Duration::from_millis(250) && runs < 5000) {
		let one = Instant::now();
		run();
		best = best.min(one.elapsed().as_secs_f64());
		runs += 1;
	}
	best
}

/// Measures one op at every level; `work` is what the rate counts.
fn bench(filter: &str, name: &str, op: &OpRecord, work: u64) {
	if !name.contains(filter) {
		return;
	}
	let tensors: Vec<Buffer> = op.operands.iter().map(tensor).collect();
	let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
	let mut out = Buffer::new(op.bytes() as usize);
	for isa in Isa::available() {
		let cfg = KernelConfig::new(1, isa);
		let report = |note: &str, seconds: f64| {
			let (rate, cost) = (work as f64 / seconds / 1e9, seconds * 1e9 / work as f64);
			println!("{name:28} {isa:7} {note:7} {rate:8.2} G/s {cost:8.3} ns");
		};
		let run = || {
			let _ = execute(black_box(op), &operands, &mut out, &cfg);
		};
		report("", shortest(run));
		let Some(packed) = prepare(op, 1, operands.get(1).copied().unwrap_or(&[]), isa) else {
			continue;
		};
		let mut args: Vec<Arg<'_>> = operands.iter().map(|x| Arg::Bytes(x)).collect();
		args[1] = Arg::Prepared(&packed, operands[1]);
		let run = || {
			let _ = execute_with(black_box(op), &args, None, &mut out, &cfg);
		};
		report("packed", shortest(run));
	}
}

fn contractions(filter: &str) {
	let f = DType::F32;
	for (m, n, k) in [(512, 512, 512), (128, 384, 384), (1, 1000, 1024), (32, 3136, 288)] {
		let operands = [operand(f, &[1, m, k]), operand(f, &[1, n, k])];
		let op = OpRecord::new(OpKind::MatMul { bias: Bias::None }, f, shape(&[1, m, n]), operands);
		let work = u64::from(m) * u64::from(n) * u64::from(k);
		bench(filter, &format!("matmul {m}x{n}x{k}"), &op, work);
		let operands = [
			operand(DType::U8, &[1, m, k]),
			operand(DType::I8, &[1, n, k]),
			operand(DType::U8, &[]),
			operand(DType::I8, &[]),
		];
		let op = OpRecord::new(OpKind::MatMulInteger, DType::I32, shape(&[1, m, n]), operands);
		bench(filter, &format!("matmul_integer {m}x{n}x{k}"), &op, work);
	}
}

/// 64 filters of 3 by 3 on 64 channels, patches not written out.
fn convolution(filter: &str, name: &str, [x, w]: [DType; 2]) {
	if !name.contains(filter) {
		return;
	}
	let [c, side] = [64, 56];
	let (kernel, pad, one) = ([3, 3], [1, 1], [1, 1]);
	let kind = OpKind::Unfold {
		kernel,
		stride: one,
		dilation: one,
		pad,
		out: [side, side],
		groups: 1,
		fill: 0,
	};
	let (places, terms) = (side * side, c * 9);
	let image = [operand(x, &[1, c, side, side])];
	let unfold = OpRecord::new(kind, x, shape(&[1, 1, places, terms]), image);
	let mut operands = vec![operand(w, &[1, c, terms]), operand(x, &[1, places, terms])];
	let out = shape(&[1, c, places]);
	let op = if x == DType::F32 {
		OpRecord::new(OpKind::MatMul { bias: Bias::None }, DType::F32, out, operands)
	} else {
		operands.extend([operand(w, &[]), operand(x, &[])]);
		OpRecord::new(OpKind::MatMulInteger, DType::I32, out, operands)
	};
	let tensors: Vec<Buffer> = op.operands.iter().map(tensor).collect();
	let image = tensor(&unfold.operands[0]);
	let mut out = Buffer::new(op.bytes() as usize);
	for isa in Isa::available() {
		let cfg = KernelConfig::new(1, isa);
		let packed = prepare(&op, 0, &tensors[0], isa).expect("filters have a packed form");
		let mut args: Vec<Arg<'_>> = tensors.iter().map(|x| Arg::Bytes(x)).collect();
		args[0] = Arg::Prepared(&packed, &tensors[0]);
		args[1] = Arg::Patches { unfold: &unfold, image: &image };
		let seconds = shortest(|| {
			let _ = execute_with(black_box(&op), &args, None, &mut out, &cfg);
		});
		let rate = f64::from(c * places * terms) / seconds / 1e9;
		println!("{name:28} {isa:7} packed  {rate:8.2} G/s");
	}
}

fn recurrences(filter: &str) {
	let f = DType::F32;
	for (cell, steps, batch, hidden) in [
		(Cell::Lstm, 128, 1, 128),
		(Cell::Lstm, 128, 1, 256),
		(Cell::Lstm, 32, 8, 256),
		(Cell::Gru, 128, 1, 256),
		(Cell::GruResetAfter, 128, 1, 256),
	] {
		let rows = cell.gates() * hidden;
		let dims = [steps, cell.parts(), batch, hidden];
		let state: &[u32] = &[batch, hidden];
		let shapes: [&[u32]; 5] = [&[steps, batch, rows], &[rows, hidden], &[rows], state, state];
		let inputs = shapes[..cell.operands() - 1].iter();
		let mut operands: Vec<Operand> = inputs.map(|dims| operand(f, dims)).collect();
		operands.push(Operand::op(0, f, shape(&dims)));
		let op = OpRecord::new(OpKind::Recur { cell }, f, shape(&dims), operands);
		let work = u64::from(steps) * u64::from(batch) * u64::from(rows) * u64::from(hidden);
		bench(filter, &format!("{cell:?} {steps}x{batch}x{hidden}"), &op, work);
	}
}

fn elements(filter: &str) {
	let f = DType::F32;
	let n = 64 * 1024;
	for &function in UnaryFn::ALL {
		let op = OpRecord::new(OpKind::Unary(function), f, shape(&[n]), [operand(f, &[n])]);
		if op.validate().is_ok() {
			bench(filter, &format!("{function:?}"), &op, n.into());
		}
	}
	for function in [BinaryFn::Add, BinaryFn::Div, BinaryFn::Max, BinaryFn::Pow] {
		let operands = [operand(f, &[64, 1024]), operand(f, &[64, 1])];
		let op = OpRecord::new(OpKind::Binary(function), f, shape(&[64, 1024]), operands);
		bench(filter, &format!("{function:?}, broadcast"), &op, n.into());
	}
	for k in [4, 9, 128, 1024] {
		for function in [ReduceFn::Sum, ReduceFn::Max] {
			let rows = n / k;
			let x = [operand(f, &[rows, k])];
			let op = OpRecord::new(OpKind::Reduce(function), f, shape(&[rows]), x);
			bench(filter, &format!("{function:?} over {k}"), &op, (rows * k).into());
		}
	}
	let mut strides = [0; 8];
	strides[..2].copy_from_slice(&[1, 256]);
	let op = OpRecord::new(
		OpKind::Strided { offset: 0, strides },
		f,
		shape(&[256, 256]),
		[operand(f, &[256, 256])],
	);
	bench(filter, "transpose 256x256", &op, n.into());
}

/// Chunks of one object in the second-level cache, and objects of a small model, against the `blake3`
/// crate in turns; rates count bytes.
fn hashes(filter: &str) {
	let cases = [("hash 256 KiB", 256 << 10, 1), ("hash 16 of 1.2 KiB", 1200, 16)];
	for (name, len, count) in cases.into_iter().filter(|case| case.0.contains(filter)) {
		let bytes: Vec<u8> = (0..len * count).map(|i| ((i * i) >> 7) as u8).collect();
		let objects: Vec<&[u8]> = bytes.chunks(len).collect();
		let rate = |seconds: f64| bytes.len() as f64 / seconds / 1e9;
		for isa in Isa::available() {
			let config = KernelConfig::new(1, isa);
			let (mut ours, mut peer) = (f64::INFINITY, f64::INFINITY);
			for _ in 0..4 {
				ours = ours.min(shortest(|| drop(hash_all(black_box(&objects), &config))));
				peer = peer.min(shortest(|| {
					for object in black_box(&objects) {
						black_box(tree::hash(object));
					}
				}));
			}
			let (ratio, ours, peer) = (peer / ours, rate(ours), rate(peer));
			println!(
				"{name:28} {isa:7} {ours:8.2} GB/s, blake3 {peer:.2}, {ratio:.2} times as fast"
			);
		}
	}
}

fn main() {
	// Cargo passes options of its own.
	let filter = std::env::args().skip(1).find(|x| !x.starts_with('-')).unwrap_or_default();
	contractions(&filter);
	convolution(&filter, "convolution f32", [DType::F32; 2]);
	convolution(&filter, "convolution 8 bits", [DType::U8, DType::I8]);
	recurrences(&filter);
	elements(&filter);
	hashes(&filter);
}
