//! What judging costs in Wasm, in the node's executor configuration: every case of the referee's bench
//! `judge`, and the multiply-add by itself.
//!
//! ```sh
//! cargo run --locked -p assay-wasm-check --example judge [-- MODULE]
//! ```
//!
//! MODULE is a module that was built before, to be compared with.

use assay_referee::{Bias, DType, OpKind, OpRecord, Operand, ProofCost, Shape};
use assay_testing::proofs::cases;
use assay_wasm_check::Referee;
use std::time::{Duration, Instant};

/// Time spent on one figure.
const TIME: Duration = Duration::from_millis(150);

/// The least time of one call, in nanoseconds.
fn nanoseconds(mut call: impl FnMut()) -> f64 {
	let start = Instant::now();
	let mut least = f64::INFINITY;
	while start.elapsed() < TIME {
		let start = Instant::now();
		call();
		least = least.min(start.elapsed().as_nanos() as f64);
	}
	least
}

fn main() -> wasmtime::Result<()> {
	let mut referee = match std::env::args_os().nth(1) {
		None => Referee::new()?,
		Some(path) => Referee::load(path.as_ref())?,
	};
	println!("multiply-add by itself, ns:");
	for (name, (least, greatest)) in [
		("numbers near 1", (0x3f00_0000, 0x4000_0000)),
		("of all magnitudes", (0x3000_0000, 0x4f00_0000)),
		("subnormal products", (0x1f80_0000, 0x2080_0000)),
	] {
		const COUNT: u32 = 1 << 14;
		let number = |i: u32| {
			let x = i.wrapping_mul(2_654_435_761);
			(least + x % (greatest - least)) | ((x & 1) << 31)
		};
		let pairs: Vec<u8> = (0..2 * COUNT).flat_map(|i| number(i + 1).to_le_bytes()).collect();
		println!("{:7.2}  {name}", referee.time_of_multiply_add(&pairs, TIME)?);
	}
	println!("multiply-add of a product of 16,384 terms with its reads, ns:");
	let (count, k) = (64, 1 << 14);
	let dims = |dims: &[u32]| Shape::new(dims).expect("a small shape");
	let operands = [[1, 1, k], [1, count, k]].map(|o| Operand::weight(0, DType::F32, dims(&o)));
	let kind = OpKind::MatMul { bias: Bias::None };
	let op = OpRecord::new(kind, DType::F32, dims(&[1, 1, count]), operands);
	let tensors: Vec<Vec<u8>> = operands
		.iter()
		.map(|o| {
			let numbers = (0..o.shape.elements()).map(|i| (i * 7 % 1009) as f32 / 500.0 - 1.0);
			numbers.flat_map(f32::to_le_bytes).collect()
		})
		.collect();
	let views: Vec<&[u8]> = tensors.iter().map(Vec::as_slice).collect();
	let indices: Vec<u64> = (0..u64::from(count)).collect();
	let time = |referee: &mut Referee, indices: &[u64]| {
		nanoseconds(|| drop(referee.elements(&op, &views, indices).expect("it is computed")))
	};
	// Without what copying the operands takes.
	let (all, one) = (time(&mut referee, &indices), time(&mut referee, &indices[..1]));
	println!("{:7.2}", (all - one) / f64::from((count - 1) * k));

	println!();
	println!("    us  ns/term    bytes  compr.  elem.    reads    terms  func.  case");
	for case in cases() {
		let cost = case.proof.cost();
		let ProofCost { bytes, compressions, elements, reads, terms, functions } = cost;
		let time = nanoseconds(|| {
			let verdict = referee.judge(&case.commitments, &case.proof);
			assert_eq!(verdict.expect("no trap"), Some(0), "{}", case.name);
		});
		let each = time / (terms + 64 * functions).max(1) as f64;
		println!(
			"{:6.0} {each:8.2} {bytes:8} {compressions:7} {elements:6} {reads:8} {terms:8} {functions:6}  {}",
			time / 1000.0,
			case.name,
		);
	}
	Ok(())
}
