//! `assay-load`: what a network settles under load and spam.
//!
//! Exits with 0 only if everything came out as it must.

use assay_tests::{
	command,
	load::{self, Options},
};
use clap::Parser;
use std::process::ExitCode;

/// Sends jobs to local networks, one scenario of noise after the other, and prints what they settle and
/// whether the honest are in time. Exit status 0 only if no lie became final and nobody honest lost anything.
#[derive(Parser, Debug)]
#[command(name = "assay-load", version)]
struct Arguments {
	#[command(flatten)]
	options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
	let arguments = Arguments::parse();
	command::run(Box::pin(load::run(&arguments.options))).await
}
