//! The Assay node.

// The SDK's service error is large, and every function here that can fail returns it.
#![allow(clippy::result_large_err, reason = "the errors are the SDK's")]

mod chain_spec;
mod cli;
mod command;
mod engine;
mod offchain;
mod pace;
mod pool_memory;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
	command::run()
}
