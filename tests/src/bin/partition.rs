//! `assay-partition`: a network of two authorities, cut and healed in the middle of jobs and disputes.
//!
//! Exits with 0 only if everything came out as it must.

use assay_tests::{
	command,
	partition::{self, Options},
};
use clap::Parser;
use std::process::ExitCode;

/// Cuts a local network in two while jobs are accepted and claimed and lies are disputed, and heals it,
/// until each move was lost with the chain of one part. Exit status 0 only if each was, no lie became final
/// and nobody honest lost anything.
#[derive(Parser, Debug)]
#[command(name = "assay-partition", version)]
struct Arguments {
	#[command(flatten)]
	options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
	let arguments = Arguments::parse();
	command::run(Box::pin(partition::run(&arguments.options))).await
}
