//! `assay-demo`: the main job and the fraud on a network of its own.
//!
//! Exits with 0 only if everything came out as it must.

use anyhow::{Context, Result};
use assay_tests::{
	command,
	demo::{self, Options},
};
use clap::Parser;
use std::process::ExitCode;

/// Runs real models through a local Assay network, then five operators that cheat and lose their
/// stakes; prints what happened.
#[derive(Parser, Debug)]
#[command(name = "assay-demo", version)]
struct Arguments {
	#[command(flatten)]
	options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
	let arguments = Arguments::parse();
	command::run(Box::pin(run(&arguments.options))).await
}

async fn run(options: &Options) -> Result<bool> {
	let summary = demo::run(options).await?;
	if let Some(path) = &options.report {
		let text = serde_json::to_string_pretty(&summary)?;
		std::fs::write(path, text).with_context(|| path.display().to_string())?;
		println!("summary written to {}", path.display());
	}
	Ok(summary.is_ok())
}
