//! Figures that need no peer: what verifiability costs a run, and what the referee costs the chain.
//!
//! `scripts/bench` calls this next to the comparison with onnxruntime.

use anyhow::{ensure, Context, Result};
use assay_executor::{Bundle, Options, Session};
use assay_referee::{
	element, tree, Bias, DType, OpKind, OpRecord, Operand, Shape, Soft, TensorReader, MAX_TERMS,
};
use assay_tests::{devnet::Devnet, node::NodeSpec};
use clap::Parser;
use codec::{Decode, Encode};
use std::{hint::black_box, path::PathBuf, sync::Arc, time::Instant};

/// Print what verifiability costs a run, and what the referee costs the chain.
#[derive(Parser, Debug)]
struct Arguments {
	/// The node's binary.
	#[arg(long)]
	node: PathBuf,
	/// Folder with one bundle folder per model.
	#[arg(long)]
	bundles: PathBuf,
	/// Timed runs of each kind.
	#[arg(long, default_value_t = 20)]
	repeat: u32,
}

/// Least time of `repeat` calls, in seconds, after one that is not counted.
fn least<T>(repeat: u32, mut call: impl FnMut() -> Result<T>) -> Result<f64> {
	black_box(call()?);
	let mut best = f64::INFINITY;
	for _ in 0..repeat {
		let start = Instant::now();
		black_box(call()?);
		best = best.min(start.elapsed().as_secs_f64());
	}
	Ok(best)
}

/// What hashing the output and taking a trace add to a run.
fn runs(arguments: &Arguments) -> Result<()> {
	println!("What verifiability adds to a run (1 thread, minimum of {})", arguments.repeat);
	println!("model        run ms   output hash us  overhead   traced ms  ÷ run");
	for name in ["digits", "magika"] {
		let bundle = Arc::new(Bundle::load(arguments.bundles.join(name))?);
		let input = vec![0; usize::try_from(bundle.program().header.input_layout().total_len)?];
		let options = Options { threads: 1, ..Options::default() };
		let session = Session::new(bundle, options)?;
		let output = session.run(&input)?;
		let run = least(arguments.repeat, || Ok(session.run(&input)?))?;
		let hash = least(1000, || Ok(tree::hash(black_box(&output))))?;
		let trace = least(arguments.repeat, || Ok(session.trace(&input, None)?))?;
		println!(
			"{name:8} {:10.3} {:16.2} {:8.3} % {:11.3} {:6.2}",
			run * 1e3,
			hash * 1e6,
			hash / run * 100.0,
			trace * 1e3,
			trace / run
		);
	}
	Ok(())
}

/// What one soft-float multiply-add costs natively, and in the Wasm that the node executes.
///
/// In Wasm it is the difference between one element of 16,384 terms and one of half as many, over
/// operands of the same size, so that neither the call nor the transport of the operands counts.
async fn referee(arguments: &Arguments) -> Result<()> {
	let long = MAX_TERMS as u32;
	let (op, operands) = rows(long, long)?;
	let views = [operands[0].as_slice(), operands[1].as_slice()];
	let native =
		least(200, || Ok(element::<Soft, _>(&op, 0, &mut TensorReader::new(&op, &views))?))?;
	let alice = NodeSpec::new("alice", &["--alice"]);
	let mut net = Devnet::local(&arguments.node, &arguments.bundles, &[alice])
		.await
		.context("starting a node")?;
	let api = net.api("alice").await?;
	let mut times = Vec::new();
	for k in [long, long / 2] {
		let (op, operands) = rows(long, k)?;
		let record = op.to_bytes().map_err(|e| anyhow::anyhow!("{e}"))?;
		let call = (record.to_vec(), 0u64, operands.to_vec()).encode();
		let hex = format!("0x{}", hex::encode(call));
		let views = [operands[0].as_slice(), operands[1].as_slice()];
		let expected = element::<Soft, _>(&op, 0, &mut TensorReader::new(&op, &views))?;
		let mut best = f64::INFINITY;
		for _ in 0..30 {
			let params = subxt::rpcs::rpc_params!["RefereeApi_element", &hex];
			let start = Instant::now();
			let answer: String = api.rpc().request("state_call", params).await?;
			best = best.min(start.elapsed().as_secs_f64());
			let bytes = hex::decode(answer.trim_start_matches("0x"))?;
			let got = Option::<u64>::decode(&mut bytes.as_slice())?;
			ensure!(got == Some(expected), "the Wasm referee differs from the native one");
		}
		times.push(best);
	}
	let wasm = (times[0] - times[1]) / f64::from(long / 2);
	println!("\nThe referee, soft-float multiply-add");
	println!("  native      {:6.1} ns", native / f64::from(long) * 1e9);
	println!(
		"  in the Wasm {:6.1} ns   (a leaf of {long} terms: {:.2} ms)",
		wasm * 1e9,
		wasm * f64::from(long) * 1e3
	);
	Ok(())
}

/// Row-by-row dot products of two operands of `total` floats each, in rows of `k`.
fn rows(total: u32, k: u32) -> Result<(OpRecord, [Vec<u8>; 2])> {
	let shape = |dims: &[u32]| Shape::new(dims).map_err(|e| anyhow::anyhow!("{e}"));
	let view = shape(&[total / k, 1, k])?;
	let operand = |offset| Operand::weight(offset, DType::F32, view);
	let op = OpRecord::new(
		OpKind::MatMul { bias: Bias::None },
		DType::F32,
		shape(&[total / k, 1, 1])?,
		[operand(0), operand(u64::from(total) * 4)],
	);
	let floats = |seed: u32| -> Vec<u8> {
		(0..total).flat_map(|i| ((i * seed % 1009) as f32 / 61.0 - 8.0).to_le_bytes()).collect()
	};
	Ok((op, [floats(7919), floats(104_729)]))
}

#[tokio::main]
async fn main() -> Result<()> {
	let arguments = Arguments::parse();
	runs(&arguments)?;
	referee(&arguments).await
}
