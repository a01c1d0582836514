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
		let session = Session::new(bundle, options);
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

/// Rows, columns and terms of the product that is computed in Wasm: one chunk's worth of work. Few elements of
/// many terms, because an answer of more than one segment may wait 40 ms for the other side's acknowledgement.
const SIDE: u32 = 8;
const TERMS: u32 = 16 * 1024;

/// What one soft-float multiply-add costs in the Wasm that the node executes.
///
/// It is the difference between all elements of a matrix product and one of them, over the same
/// operands, so that neither the call nor their transport counts. The answers are checked.
async fn referee(arguments: &Arguments) -> Result<()> {
	let (op, operands) = product()?;
	let views = [operands[0].as_slice(), operands[1].as_slice()];
	let mut reader = TensorReader::new(&op, &views);
	let all = u64::from(SIDE * SIDE);
	let expected =
		(0..all).map(|i| element::<Soft, _>(&op, i, &mut reader)).collect::<Result<Vec<_>, _>>()?;
	let alice = NodeSpec::new("alice", &["--alice"]);
	let mut net = Devnet::local(&arguments.node, &arguments.bundles, &[alice])
		.await
		.context("starting a node")?;
	let api = net.api("alice").await?;
	let record = op.to_bytes().map_err(|e| anyhow::anyhow!("{e}"))?.to_vec();
	let mut best = [f64::INFINITY; 2];
	for _ in 0..arguments.repeat {
		for (count, best) in [all, 1].into_iter().zip(&mut best) {
			let call = (&record, 0u64, count, operands.to_vec()).encode();
			let hex = format!("0x{}", hex::encode(call));
			let params = subxt::rpcs::rpc_params!["RefereeApi_elements", &hex];
			let start = Instant::now();
			let answer: String = api.rpc().request("state_call", params).await?;
			*best = best.min(start.elapsed().as_secs_f64());
			let bytes = hex::decode(answer.trim_start_matches("0x"))?;
			let got = Option::<Vec<u64>>::decode(&mut bytes.as_slice())?;
			let same = got.as_deref() == expected.get(..count as usize);
			ensure!(same, "the Wasm referee differs from the native one");
		}
	}
	let one = (best[0] - best[1]) / ((all - 1) * u64::from(TERMS)) as f64;
	println!("\nThe referee in the Wasm that the node executes, {all} elements checked");
	println!("  one soft-float multiply-add {:.2} ns", one * 1e9);
	println!("  the longest leaf, {MAX_TERMS} of them, {:.2} ms", one * MAX_TERMS as f64 * 1e3);
	Ok(())
}

/// A matrix product and its operands.
fn product() -> Result<(OpRecord, [Vec<u8>; 2])> {
	let shape = |dims: &[u32]| Shape::new(dims).map_err(|e| anyhow::anyhow!("{e}"));
	let view = shape(&[1, SIDE, TERMS])?;
	let operand = |offset| Operand::weight(offset, DType::F32, view);
	let op = OpRecord::new(
		OpKind::MatMul { bias: Bias::None },
		DType::F32,
		shape(&[1, SIDE, SIDE])?,
		[operand(0), operand(view.bytes(DType::F32))],
	);
	let floats = |seed: u64| -> Vec<u8> {
		(0..u64::from(SIDE * TERMS))
			.flat_map(|i| ((i * seed % 1009) as f32 / 61.0 - 8.0).to_le_bytes())
			.collect()
	};
	Ok((op, [floats(7919), floats(104_729)]))
}

#[tokio::main]
async fn main() -> Result<()> {
	let arguments = Arguments::parse();
	runs(&arguments)?;
	referee(&arguments).await
}
