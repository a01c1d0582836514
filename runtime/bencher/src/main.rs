//! Runs the runtime's benchmarks and writes `weights.rs` files; `scripts/weights` calls it.
//!
//! The same as `frame-omni-bencher v1 benchmark pallet`, with two differences: it knows the host
//! functions that our runtime imports, and it builds without RocksDB.

use clap::Parser;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;

/// The options are those of the SDK's own command.
#[derive(Parser, Debug)]
#[command(about, version)]
struct Cli {
	#[command(flatten)]
	command: PalletCmd,
}

/// What our runtime imports besides the SDK's functions.
type HostFunctions =
	(assay_host::inference_engine::HostFunctions, assay_host::pool_memory::HostFunctions);

fn main() -> sc_cli::Result<()> {
	sc_cli::LoggerBuilder::new("warn,frame_benchmarking_cli=info,benchmark=info").init()?;
	Cli::parse().command.run_with_spec::<BlakeTwo256, HostFunctions>(None)
}
