//! `assay-demo`: the main job and the fraud on a network of its own.
//!
//! Exits with 0 only if everything came out as it must.

use anyhow::{Context, Result};
use assay_tests::demo::{self, Options};
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
	let filter = tracing_subscriber::EnvFilter::try_from_default_env()
		.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
	let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
	let log = log.with_writer(std::io::stderr);
	// Fails only if a logger is set already, which cannot be here.
	let _ = log.try_init();
	// Leaving the future behind drops the network, which stops its nodes.
	let result = tokio::select! {
		result = run(&arguments.options) => result,
		() = interrupted() => Err(anyhow::anyhow!("interrupted; the network is stopped")),
	};
	match result {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::FAILURE,
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		},
	}
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

/// Returns on Ctrl-C, and where there is one on a request to terminate.
async fn interrupted() {
	#[cfg(unix)]
	{
		use tokio::signal::unix::{signal, SignalKind};
		if let Ok(mut terminate) = signal(SignalKind::terminate()) {
			tokio::select! {
				_ = tokio::signal::ctrl_c() => {},
				_ = terminate.recv() => {},
			}
			return;
		}
	}
	let _ = tokio::signal::ctrl_c().await;
}
